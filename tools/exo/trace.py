# SPDX-License-Identifier: MIT
"""Trace rings to the Chrome trace format, which ui.perfetto.dev opens.

Two groups of tracks. "CPUs": for each CPU who ran, and within that each system
call until it returned or switched away; interrupts are marks. "environments":
for each environment when it ran and on which CPU, and its upcalls, faults,
wake-ups and revocations as marks. Times are microseconds since the first
event.

Events are those of exo/trace.h as the management port dumps them.
"""

import re

from . import state

_CPUS, _ENVS = 1, 2  # "processes" of the trace
_UPCALLS = ("FAULT", "FOREIGN", "QUANTUM", "REVOKE", "REPOSSESSED", "EVENT",
            "CALL")
_OF_THE_CPU = ("irq",)
_BY_THE_RUNNING = ("syscall", "return", "fault", "upcall", "irq")


def convert(dump, calls=None):
    """dump: the objects of `trace dump`. calls: names of system calls by
    number. Returns the tree to write as JSON."""
    header = next((o for o in dump if "tsc_khz" in o), {})
    names = {o["env"]: o["app"] for o in dump
             if "app" in o and o["env"]}
    events = [o for o in dump if "ev" in o]
    builder = _Builder(header.get("tsc_khz") or 1000000, names,
                       system_calls() if calls is None else calls,
                       min((e["tsc"] for e in events), default=0))
    for cpu in sorted({e["cpu"] for e in events}):
        builder.cpu(cpu, [e for e in events if e["cpu"] == cpu])
    return {"displayTimeUnit": "ns", "traceEvents": builder.finish(),
            "otherData": {"lost events": header.get("lost", 0)}}


def system_calls():
    """{number: name} from the ABI's table, when it can be read."""
    table = state.ROOT / "exokernel/include/exo/syscall.def"
    try:
        text = table.read_text()
    except OSError:
        return {}
    rows = re.findall(r"^EXO_(?:CALL|SWITCH|WORDS)\d\((\d+), (\w+)", text,
                      re.M)
    return {int(number): name for number, name in rows}


class _Builder:
    def __init__(self, khz, names, calls, start):
        self._khz, self._names, self._calls = khz, names, calls
        self._start, self._events, self._seen = start, [], set()

    def _time(self, tsc):
        return round((tsc - self._start) * 1000 / self._khz, 3)

    def _name(self, env):
        return self._names.get(env, f"env {env}")

    def _slice(self, group, track, name, begin, end, **args):
        self._seen.add((group, track))
        self._events.append({
            "ph": "X", "pid": group, "tid": track, "name": name,
            "ts": self._time(begin), "dur": round(
                max(self._time(end) - self._time(begin), 0), 3),
            "args": args})

    def _mark(self, group, track, name, tsc, **args):
        self._seen.add((group, track))
        self._events.append({"ph": "i", "s": "t", "pid": group, "tid": track,
                             "name": name, "ts": self._time(tsc),
                             "args": args})

    def cpu(self, cpu, events):
        """One CPU's events, in order of time."""
        running = since = call = None
        for event in sorted(events, key=lambda e: e["tsc"]):
            kind, env, now = event["ev"], event["env"], event["tsc"]
            if kind == "switch" or (running is None and env and
                                    kind in _BY_THE_RUNNING):
                self._ran(cpu, running, since, call, now)
                running, since, call = env, now, None
            if kind == "syscall":
                call = (event["a"], now)
            elif kind == "return":
                self._called(cpu, call, now)
                call = None
            elif kind != "switch":
                self._event(cpu, event)
        if events:
            last = max(e["tsc"] for e in events)
            self._ran(cpu, running, since, call, last)

    def _ran(self, cpu, env, since, call, now):
        self._called(cpu, call, now)
        if env:
            self._slice(_CPUS, cpu, self._name(env), since, now, env=env)
            self._slice(_ENVS, env, f"on CPU {cpu}", since, now)

    def _called(self, cpu, call, now):
        if call:
            number, begin = call
            name = self._calls.get(number, f"call {number}")
            self._slice(_CPUS, cpu, name, begin, now, number=number)

    def _event(self, cpu, event):
        kind, a, b = event["ev"], event["a"], event["b"]
        name = kind
        if kind == "upcall":
            name = _UPCALLS[a] if a < len(_UPCALLS) else f"upcall {a}"
        elif kind == "fault":
            name = f"exception {a}"
        values = {"a": a, "b": b, "a hex": f"{a:#x}", "b hex": f"{b:#x}"}
        if kind in _OF_THE_CPU or not event["env"]:
            self._mark(_CPUS, cpu, name, event["tsc"], **values)
        else:
            self._mark(_ENVS, event["env"], name, event["tsc"], cpu=cpu,
                       **values)

    def finish(self):
        """All events, with the names of the tracks in front."""
        labels = []
        for group, name in ((_CPUS, "CPUs"), (_ENVS, "environments")):
            labels.append({"ph": "M", "pid": group, "tid": 0,
                           "name": "process_name", "args": {"name": name}})
        for group, track in sorted(self._seen):
            name = f"CPU {track}" if group == _CPUS else \
                f"{self._name(track)} ({track})"
            labels.append({"ph": "M", "pid": group, "tid": track,
                           "name": "thread_name", "args": {"name": name}})
        # An outer slice comes before what lies within it.
        self._events.sort(key=lambda e: (
            e["ts"], -e.get("dur", 0), "number" in e["args"]))
        self._part()
        return labels + self._events

    def _part(self):
        """An environment runs on one CPU at a time. Where a ring has lost the
        end of a run, the next run on another CPU ends it."""
        last = {}
        for event in self._events:
            if event["pid"] != _ENVS or event["ph"] != "X":
                continue
            before = last.get(event["tid"])
            if before and before["ts"] + before["dur"] > event["ts"]:
                before["dur"] = round(event["ts"] - before["ts"], 3)
            last[event["tid"]] = event
