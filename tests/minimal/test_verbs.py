# SPDX-License-Identifier: MIT
"""A machine that runs answers on its management port: one machine, asked and
changed in the order of a day's work, and ended by its last application."""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

from support import LIMIT, ROOT, plan, state

sys.path.insert(0, str(ROOT / "tests/host"))
from trace_faults import faults  # noqa: E402  (the path must come first)

from exo import ExoError
from exo.machine import Machine

APPS = """
[[app]]
name = "hello"
image = "hello"
[[app]]
name = "spinner"
image = "spinner"
args = ["3600"]
cpu = "10%"
[[app]]
name = "idle"
image = "hoarder"
args = ["3600", "64"]
memory = { reserved = "512K", limit = "1M" }
[[app]]
name = "crasher"
image = "crasher"
may_fail = true
"""


class Verbs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.name = f"test-{os.getpid()}"
        cls.machine = Machine(plan(APPS, cpus=2).modules(), smp=2,
                              name=cls.name, debug=True)
        cls.addClassCleanup(cls._clean)
        cls.machine.start()
        cls.console = []
        wanted = {"init | hello ended with status 0",
                  "init | mortem end crasher"}
        while wanted or not any("idle | took" in x for x in cls.console):
            line = cls.machine.read_line(LIMIT)
            if line is None:
                raise AssertionError("\n".join(cls.console[-25:]))
            cls.console.append(line)
            wanted.discard(line)

    @classmethod
    def _clean(cls):
        cls.machine.close()
        directory = state.run_directory() / cls.name
        for path in directory.glob("*"):
            path.unlink()
        directory.rmdir()
        directory.with_name(cls.name + ".lock").unlink()

    def ask(self, verb):
        return self.machine.request(verb, LIMIT)

    def rows(self, verb):
        return {row["app"]: row for row in self.ask(verb)}

    def exo(self, *words):
        """./exo VERB --name MACHINE ..., its output."""
        done = subprocess.run(
            [sys.executable, ROOT / "exo", words[0], "--name", self.name,
             *words[1:]], capture_output=True, text=True, timeout=LIMIT,
            stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def wait_for_end(self, app):
        end = time.monotonic() + LIMIT
        while (row := self.rows("ps")[app])["state"] in ("running",
                                                         "stopping"):
            self.assertLess(time.monotonic(), end, f"{app} does not end")
        return row

    def test_1_machine(self):
        (box,) = self.ask("machine")
        self.assertEqual(box["cpus"], 2)
        self.assertGreater(box["pages_free"], 0)
        self.assertLessEqual(box["pages_free"] + box["pages_kernel"],
                             box["pages_total"])
        self.assertGreater(box["lock_hold_max_tsc"], 0)
        self.assertTrue(box["lock_hold_max_path"])

    def test_1_ps(self):
        rows = self.rows("ps")
        self.assertEqual(list(rows), ["hello", "spinner", "idle", "crasher"])
        states = {name: (row["state"], row["status"])
                  for name, row in rows.items()}
        self.assertEqual(states, {
            "hello": ("ended", 0), "spinner": ("running", -1),
            "idle": ("running", -1), "crasher": ("crashed", 100)})
        self.assertEqual(rows["spinner"]["slots"], 12)
        self.assertEqual(rows["hello"]["env"], 0)
        self.assertEqual(rows["hello"]["pages_used"], 0)
        self.assertIn("spinner  spinner  running", self.exo("ps"))

    def test_1_top(self):
        rows = self.rows("top")
        for name in ("spinner", "init", "(ended)", "(kernel)", "(idle)"):
            self.assertIn(name, rows)
        before = rows["spinner"]["cpu_ns"]
        end = time.monotonic() + LIMIT
        while self.rows("top")["spinner"]["cpu_ns"] <= before:
            self.assertLess(time.monotonic(), end, "spinner gets no time")
        self.assertIn("spinner", self.exo("top", "--once"))

    def test_1_logs(self):
        self.assertEqual([row["text"] for row in self.ask("logs hello")],
                         ["hello, world"])
        self.assertEqual(self.exo("logs", "hello"), "hello, world\n")
        self.assertTrue(self.ask("logs init"))

    def test_1_mortem(self):
        (record,) = self.ask("mortem crasher")
        self.assertEqual(record["fault"],
                         {"vector": 14, "error": 6, "address": 0})
        self.assertEqual(len(self.ask("mortem")), 1)
        self.assertIn("store+", self.exo("mortem", "crasher"))

    def test_1_mistakes_get_a_sentence(self):
        for verb, sentence in (
                ("frobnicate", "unknown request"),
                ("logs", "needs an application's name"),
                ("logs nobody", "no application of that name"),
                ("ps all", "takes no argument"),
                ("kill hello", "")):
            with self.assertRaisesRegex(ExoError, sentence):
                self.ask(verb)
        self.assertTrue(self.ask("machine"))  # and it goes on

    def test_2_trace(self):
        self.ask("trace on")
        self.ask("ps")
        self.ask("trace off")
        head, *rest = self.ask("trace dump")
        self.assertEqual(head["cpus"], 2)
        events = [row for row in rest if "ev" in row]
        self.assertTrue({"syscall", "switch"} <= {e["ev"] for e in events})
        for cpu in (0, 1):
            times = [e["tsc"] for e in events if e["cpu"] == cpu]
            self.assertEqual(times, sorted(times))
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "trace.json")
            self.exo("trace", "-o", path, "--seconds", "0.2")
            with open(path, encoding="utf-8") as file:
                tree = json.load(file)
            self.assertTrue(tree["traceEvents"])
            self.assertEqual(list(faults(tree)), [])

    def test_3_stop(self):
        (answer,) = self.ask("stop idle")
        self.assertEqual((answer["app"], answer["grace_ms"]), ("idle", 1000))
        row = self.wait_for_end("idle")  # by itself, within the grace, or not
        self.assertIn(row["state"], ("ended", "killed"))
        self.assertEqual(row["status"], 101)
        with self.assertRaises(ExoError):
            self.ask("stop idle")

    def test_4_kill_ends_the_last_one_and_the_machine(self):
        self.ask("kill spinner")
        end = self.machine.wait(LIMIT)
        self.assertEqual((end.kind, end.status), ("off", 0), end)


class Shutdown(unittest.TestCase):
    def test_stops_all_and_ends_with_status_0(self):
        with Machine(plan(APPS).modules()) as m:
            m.start()
            for line in m.lines(LIMIT):  # until it listens
                if line == "init | mortem end crasher":
                    break
            m.request("shutdown", LIMIT)
            end = m.wait(LIMIT)
        self.assertEqual((end.kind, end.status), ("off", 0), end)


if __name__ == "__main__":
    unittest.main()
