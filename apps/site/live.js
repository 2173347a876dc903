// SPDX-License-Identifier: MIT
/*
 * live.js: shows /status.json as it changes. A group of facts becomes a list
 * of cards, a table becomes a table, whatever their names are: what a machine
 * reports is not known here.
 */
'use strict';

const HISTORY = 120; // seconds that the graph shows
const rates = [];
let last = null; // {requests, time} of the answer before

/* "bytes_sent" is "bytes sent" to people, and "uptime_s" is "uptime (s)". */
function words(name) {
  return name.replace(/_(ns|us|ms|s|kib)$/, ' ($1)').replaceAll('_', ' ');
}

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function shown(value) {
  return typeof value === 'number' ? value.toLocaleString('en') : value;
}

function makeGroup(facts) {
  const list = make('dl', undefined, 'facts');
  for (const [name, value] of Object.entries(facts)) {
    const card = make('div');
    card.append(make('dt', words(name)),
                make('dd', shown(value),
                     typeof value === 'number' ? '' : 'words'));
    list.append(card);
  }
  return list;
}

function makeTable(rows) {
  const names = [...new Set(rows.flatMap(Object.keys))];
  const kind = name =>
      rows.every(row => typeof row[name] !== 'string') ? 'number' : '';
  const table = make('table'), head = make('tr');
  for (const name of names) {
    const cell = make('th', words(name), kind(name));
    cell.scope = 'col';
    head.append(cell);
  }
  table.createTHead().append(head);
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const name of names)
      line.append(make('td', name === names[0] ? row[name] // a name, not a count
                                               : shown(row[name] ?? ''),
                       kind(name)));
  }
  const scroll = make('div', undefined, 'scroll');
  scroll.append(table);
  return scroll;
}

function showParts(status) {
  const parts = [];
  for (const [name, part] of Object.entries(status)) {
    const section = make('section');
    section.append(make('h2', words(name)),
                   Array.isArray(part) ? makeTable(part) : makeGroup(part));
    parts.push(section);
  }
  document.getElementById('parts').replaceChildren(...parts);
}

/* The server asked for itself once: that request is not counted. */
function showRate(requests) {
  const time = performance.now();
  if (last && requests >= last.requests)
    rates.push(Math.max(0, requests - last.requests - 1) * 1000 /
               (time - last.time));
  last = {requests, time};
  if (rates.length > HISTORY) rates.shift();
  if (rates.length < 2) return;
  const most = Math.max(1, ...rates), from = HISTORY - rates.length;
  const points = rates.map(
      (rate, i) => `${from + i},${(39 - 38 * rate / most).toFixed(2)}`);
  document.querySelector('#graph polyline')
      .setAttribute('points', points.join(' '));
  const section = document.getElementById('rates');
  section.hidden = false;
  section.querySelector('h2').textContent =
      `Requests a second: ${Math.round(rates.at(-1)).toLocaleString('en')}, ` +
      `${Math.round(most).toLocaleString('en')} at most`;
}

function say(text, lost) {
  const state = document.getElementById('state');
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle('lost', lost);
}

async function look() {
  try {
    const answer = await fetch('status.json', {
      cache: 'no-store', signal: AbortSignal.timeout(5000)});
    if (!answer.ok) throw new Error(answer.statusText);
    const status = await answer.json();
    showParts(status);
    showRate(status.server.requests);
    say('Live.', false);
  } catch (error) {
    last = null;
    say('The server does not answer. It is asked again every second; ' +
        'what stands below is the last it said.', true);
  }
  setTimeout(look, 1000);
}

look();
