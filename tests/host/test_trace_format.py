# SPDX-License-Identifier: MIT
"""What ./exo trace writes is what the Trace Event Format asks for, whatever the
rings hold: checked on dumps made at random, with events lost and swapped. A
real one is checked in minimal/test_verbs.py."""

import random
import unittest

import support  # noqa: F401  (finds the host tool)
from trace_faults import faults

from exo import trace

KINDS = ("switch", "syscall", "return", "upcall", "fault", "irq", "wake",
         "revoke", "taken", "born", "end", "of a later kernel")
DUMPS = 400


def dump(rng):
    """What the management port may say: an env is on one CPU at a time, but
    events are lost and rings are not in order."""
    cpus, envs = rng.randint(1, 4), rng.randint(1, 6)
    khz = rng.choice((1, 1000, 2600001, 3999999))
    now, on, events = rng.randint(0, 1 << 60), [0] * cpus, []
    for _ in range(rng.randint(0, 200)):
        now += rng.choice((0, 1, 7, 1000, 123457))
        cpu, kind = rng.randrange(cpus), rng.choice(KINDS)
        env = on[cpu]
        if kind == "switch":
            env = rng.choice([0] + [e for e in range(1, envs + 1)
                                    if e not in on])
            on[cpu] = env
        elif kind in ("wake", "revoke", "born", "end"):
            env = rng.randint(0, envs)
        events.append({"cpu": cpu, "tsc": now, "ev": kind, "env": env,
                       "a": rng.choice((0, 7, 99, (1 << 64) - 1)),
                       "b": rng.choice((0, 1 << 63))})
    events = [e for e in events if rng.random() > 0.1]
    rng.shuffle(events)
    head = [{"tsc_khz": khz, "cpus": cpus, "lost": 3}]
    return head + [{"env": 1, "app": "hello"}] + events


class Format(unittest.TestCase):
    def test_any_dump_becomes_a_good_trace(self):
        for seed in range(DUMPS):
            tree = trace.convert(dump(random.Random(seed)), {7: "yield"})
            self.assertEqual(list(faults(tree)), [], f"seed {seed}")

    def test_nothing_is_lost_on_the_way(self):
        for seed in range(DUMPS):
            given = dump(random.Random(seed))
            tree = trace.convert(given, {})
            marks = [e for e in tree["traceEvents"] if e["ph"] == "i"]
            self.assertEqual(len(marks), sum(
                o.get("ev", "switch") not in ("switch", "syscall", "return")
                for o in given), f"seed {seed}")

    def test_the_judge_sees_what_is_wrong(self):
        good = trace.convert(dump(random.Random(3)), {})
        slices = [e for e in good["traceEvents"] if e["ph"] == "X"]
        self.assertTrue(slices)

        def broken(**change):
            event = {"ph": "X", "pid": 1, "tid": 0, "name": "x", "ts": 0,
                     "dur": 1, **change}
            return list(faults({"displayTimeUnit": "ns", "traceEvents":
                                good["traceEvents"] + [event]}))

        end = max(e["ts"] + e.get("dur", 0) for e in good["traceEvents"]
                  if "ts" in e)
        self.assertEqual(broken(ts=end), [])
        self.assertTrue(broken(ts=0))  # goes back
        self.assertTrue(broken(ts=end, ph="B"))
        self.assertTrue(broken(ts=end, ph="E"))
        self.assertTrue(broken(ts=end, ph="?"))
        self.assertTrue(broken(ts=end, dur=-1))
        self.assertTrue(broken(ts=end, name=""))
        self.assertTrue(broken(ts=end, pid="1"))
        self.assertTrue(broken(ts=end, tid=77))  # without a name
        self.assertTrue(broken(ts=end, ph="i"))
        self.assertTrue(list(faults({**good, "displayTimeUnit": "s"})))
        before = max(slices, key=lambda e: e["ts"] + e["dur"])
        self.assertTrue(broken(pid=before["pid"], tid=before["tid"],
                               ts=before["ts"] + before["dur"] / 2,
                               dur=before["dur"] + 1))


if __name__ == "__main__":
    unittest.main()
