# SPDX-License-Identifier: MIT
"""Trace rings become Chrome trace events."""

import unittest

from support import ROOT, Tree, state

from exo import trace


def event(cpu, tsc, ev, env=0, a=0, b=0):
    return {"cpu": cpu, "tsc": tsc, "ev": ev, "env": env, "a": a, "b": b}


HEAD = [{"tsc_khz": 1000, "cpus": 2, "lost": 4}, {"env": 2, "app": "hello"}]


class Convert(unittest.TestCase):
    def slices(self, *events):
        """(track group, track, name, start, length) of each slice."""
        tree = trace.convert(HEAD + list(events), {7: "yield"})
        return [(e["pid"], e["tid"], e["name"], e["ts"], e["dur"])
                for e in tree["traceEvents"] if e["ph"] == "X"]

    def marks(self, *events):
        tree = trace.convert(HEAD + list(events), {})
        return [(e["pid"], e["tid"], e["name"], e["ts"])
                for e in tree["traceEvents"] if e["ph"] == "i"]

    def test_who_ran(self):
        self.assertEqual(self.slices(
            event(0, 100, "switch", 2), event(0, 150, "switch", 3),
            event(0, 170, "switch"), event(0, 190, "irq", a=32)), [
                (1, 0, "hello", 0, 50), (2, 2, "on CPU 0", 0, 50),
                (1, 0, "env 3", 50, 20), (2, 3, "on CPU 0", 50, 20)])

    def test_calls_lie_within_the_run(self):
        self.assertEqual(self.slices(
            event(0, 0, "switch", 2), event(0, 10, "syscall", 2, 7),
            event(0, 14, "return", 2, 7), event(0, 20, "syscall", 2, 9),
            event(0, 30, "switch", 3), event(0, 40, "return", 3, 9)), [
                (1, 0, "hello", 0, 30), (2, 2, "on CPU 0", 0, 30),
                (1, 0, "yield", 10, 4), (1, 0, "call 9", 20, 10),
                (1, 0, "env 3", 30, 10), (2, 3, "on CPU 0", 30, 10)])

    def test_who_runs_at_the_start_is_seen_from_its_calls(self):
        self.assertEqual(self.slices(
            event(1, 5, "syscall", 2, 7), event(1, 9, "return", 2, 7)), [
                (1, 1, "hello", 0, 4), (2, 2, "on CPU 1", 0, 4),
                (1, 1, "yield", 0, 4)])

    def test_who_runs_all_the_time_is_seen_from_interrupts(self):
        self.assertEqual(self.slices(
            event(0, 5, "irq", 2, 32), event(0, 9, "irq", 2, 32)), [
                (1, 0, "hello", 0, 4), (2, 2, "on CPU 0", 0, 4)])

    def test_cpus_are_apart(self):
        self.assertEqual(self.slices(
            event(1, 10, "switch", 2), event(0, 0, "switch", 3),
            event(0, 20, "switch"), event(1, 30, "switch")), [
                (1, 0, "env 3", 0, 20), (2, 3, "on CPU 0", 0, 20),
                (1, 1, "hello", 10, 20), (2, 2, "on CPU 1", 10, 20)])

    def test_marks(self):
        self.assertEqual(self.marks(
            event(0, 0, "upcall", 2, 2), event(0, 1, "fault", 2, 14, 0x1000),
            event(0, 2, "irq", 2, 32), event(0, 3, "revoke", 2, 0, 9),
            event(0, 4, "upcall", 2, 99), event(0, 5, "later", 2)), [
                (2, 2, "QUANTUM", 0), (2, 2, "exception 14", 1),
                (1, 0, "irq", 2), (2, 2, "revoke", 3),
                (2, 2, "upcall 99", 4), (2, 2, "later", 5)])

    def test_time_scale(self):
        dump = [{"tsc_khz": 2000000}, event(0, 1000, "switch", 1),
                event(0, 5000, "switch")]
        first = [e for e in trace.convert(dump, {})["traceEvents"]
                 if e["ph"] == "X"][0]
        self.assertEqual((first["ts"], first["dur"]), (0, 2.0))

    def test_names_of_tracks(self):
        tree = trace.convert(HEAD + [event(0, 0, "switch", 2),
                                     event(0, 1, "switch")], {})
        names = {(e["name"], e["pid"], e["tid"], e["args"]["name"])
                 for e in tree["traceEvents"] if e["ph"] == "M"}
        self.assertIn(("thread_name", 1, 0, "CPU 0"), names)
        self.assertIn(("thread_name", 2, 2, "hello (2)"), names)
        self.assertEqual(tree["otherData"], {"lost events": 4})

    def test_empty(self):
        for dump in ([], HEAD, [{"tsc_khz": 0}]):
            tree = trace.convert(dump, {})
            self.assertEqual([e for e in tree["traceEvents"]
                              if e["ph"] != "M"], [])


class Names(Tree):
    def test_system_calls(self):
        path = self.root / "exokernel/include/exo"
        path.mkdir(parents=True)
        (path / "syscall.def").write_text(
            "// EXO_CALLn(number, name)\nEXO_CALL0(0, null)\n"
            "EXO_SWITCH2(12, yield, int, x)\nEXO_WORDS1(30, call, int, y)\n")
        self.assertEqual(trace.system_calls(),
                         {0: "null", 12: "yield", 30: "call"})

    def test_without_the_table(self):
        self.assertEqual(trace.system_calls(), {})


class RealTable(unittest.TestCase):
    def test_the_abi_table_is_understood(self):
        self.assertEqual(state.ROOT, ROOT)
        names = trace.system_calls()
        self.assertEqual(names.get(0), "null")
        self.assertGreater(len(names), 20)


if __name__ == "__main__":
    unittest.main()
