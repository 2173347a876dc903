# SPDX-License-Identifier: MIT
"""The judge of what ./exo trace writes, by the rules of the Trace Event Format
that importers rely on: every event has its fields, in the right types; slices
of a track lie in each other or apart; every B has its E; times of a track never
go back; every track and group of tracks has one name."""

import json

FIELDS = {  # of each kind of event, beside ph, pid, tid and name
    "X": {"ts", "dur"}, "i": {"ts", "s"}, "B": {"ts"}, "E": {"ts"},
    "M": {"args"},
}


def faults(tree):
    """Sentences on what is wrong with a trace."""
    text = json.dumps(tree, allow_nan=False)
    tree = json.loads(text)
    if tree.get("displayTimeUnit") not in ("ms", "ns"):
        yield "displayTimeUnit is neither ms nor ns"
    if set(tree) - {"traceEvents", "displayTimeUnit", "otherData"}:
        yield "unknown keys at the top"
    tracks = {}
    for event in tree["traceEvents"]:
        wrong = _event_fault(event)
        if wrong:
            yield f"{wrong}: {event}"
        elif event["ph"] != "M":
            tracks.setdefault((event["pid"], event["tid"]), []).append(event)
    yield from _name_faults(tree["traceEvents"], tracks)
    for track, events in tracks.items():
        yield from (f"track {track}: {wrong}" for wrong in _track_faults(events))


def _event_fault(event):
    if event.get("ph") not in FIELDS:
        return "unknown kind"
    missing = {"pid", "tid", "name", *FIELDS[event["ph"]]} - set(event)
    if missing:
        return f"no {missing}"
    if not all(type(event[key]) is int and 0 <= event[key] < 1 << 31
               for key in ("pid", "tid")):
        return "pid or tid is no number"
    if not (isinstance(event["name"], str) and event["name"]):
        return "the name is no text"
    if not all(isinstance(event.get(key, 0), (int, float)) and
               event.get(key, 0) >= 0 for key in ("ts", "dur")):
        return "a time is no number, or negative"
    if event["ph"] == "i" and event["s"] not in ("t", "p", "g"):
        return "a mark without scope"
    return "" if isinstance(event.get("args", {}), dict) else "args is no object"


def _name_faults(events, tracks):
    named = [(e["name"], e["pid"], e["tid"] if e["name"] == "thread_name" else 0)
             for e in events if e["ph"] == "M"]
    for name in named:
        if named.count(name) > 1:
            yield f"named twice: {name}"
    for event in events:
        if event["ph"] == "M" and not isinstance(event["args"].get("name"), str):
            yield f"no name in {event}"
    for pid, tid in tracks:
        for name in (("process_name", pid, 0), ("thread_name", pid, tid)):
            if name not in named:
                yield f"no name: {name}"


def _ns(microseconds):
    return round(microseconds * 1000)


def _track_faults(events):
    """Within one track, in the order of the file."""
    before, ends, begun = 0, [], []
    for event in events:
        at = _ns(event["ts"])
        if at < before:
            yield f"time goes back at {event}"
        before = at
        while ends and ends[-1] <= at:
            ends.pop()
        if event["ph"] == "X":
            end = at + _ns(event["dur"])
            if ends and end > ends[-1]:
                yield f"slices overlap at {event}"
            ends.append(end)
        elif event["ph"] == "B":
            begun.append(event)
        elif event["ph"] == "E" and not begun:
            yield f"an E without its B: {event}"
        elif event["ph"] == "E":
            begun.pop()
    if begun:
        yield f"a B without its E: {begun[-1]}"
