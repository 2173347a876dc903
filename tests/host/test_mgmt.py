# SPDX-License-Identifier: MIT
"""The management protocol and the verbs that use it, against a FakeInit."""

import contextlib
import json
import unittest
from unittest import mock

from support import ExoError, Tree

from exo import mgmt

PS = {"app": "hello", "image": "hello", "state": "running", "env": 65538,
      "status": -1, "restarts": 0, "restart": "never", "uptime_ms": 61500,
      "pages_used": 12, "pages_reserved": 64, "pages_limit": 256, "slots": 3,
      "address4": "10.0.2.20", "address6": "", "ports": [
          {"protocol": 6, "first": 80, "last": 80},
          {"protocol": 6, "first": 8000, "last": 8099},
          {"protocol": 0, "first": 49152, "last": 49407}]}
MACHINE = {"abi": 1, "cpus": 2, "tsc_khz": 1000000, "uptime_ms": 5000,
           "epoch_s": 0, "pages_total": 1000, "pages_free": 500,
           "pages_kernel": 40, "pages_limbo": 0, "envs_used": 3,
           "envs_total": 64, "slots_per_cpu": 128, "slot_us": 1000,
           "lock_hold_max_tsc": 2500, "lock_hold_max_path": "page_alloc"}


class Protocol(Tree):
    def ask(self, answer, verb="ps", timeout=5.0):
        fake = self.running({"ps": answer, "logs": answer})
        return mgmt.request(fake.directory, verb, timeout)

    def refused(self, answer, wanted, timeout=5.0):
        with self.assertRaises(ExoError) as caught:
            self.ask(answer, timeout=timeout)
        self.assertIn(wanted, str(caught.exception))

    def test_objects(self):
        self.assertEqual(self.ask([PS, {"n": 2**64 - 1}]),
                         [PS, {"n": 2**64 - 1}])

    def test_nothing(self):
        self.assertEqual(self.ask([]), [])

    def test_error(self):
        self.refused("no application named x", "ps: no application named x")

    def test_what_an_earlier_client_left_is_skipped(self):
        self.assertEqual(self.ask(b'{"old":1}\nok\n#0\n\nTAG\r\n{"a":1}\r\n'
                                  b'ok\r\n'), [{"a": 1}])

    def test_no_json(self):
        self.refused(b"TAG\n{half\nok\n", "no JSON")

    def test_silence(self):
        self.refused(b"TAG\n{}\n", "did not answer", timeout=0.2)

    def test_end_in_the_middle(self):
        def die(_):
            raise OSError
        self.refused(die, "ended before it answered")

    def test_no_port(self):
        with self.assertRaises(ExoError) as caught:
            mgmt.request(self.root, "ps")
        self.assertIn("no management port", str(caught.exception))


class Verbs(Tree):
    def test_ps(self):
        self.running({"ps": [PS, dict(
            PS, app="x", env=0, status=3, address4="", ports=[],
            address6="fec00000000000000000000000000014")]})
        status, out, _ = self.exo("ps")
        self.assertEqual(status, 0)
        head, hello, x = out.splitlines()
        self.assertEqual(hello.split(), [
            "hello", "hello", "running", "1m01s", "-", "0", "12/64/256", "3",
            "10.0.2.20:80,8000-8099", "-"])
        self.assertEqual(x.split()[-2:], ["fec0::14", "-"])
        self.assertEqual(x.split()[3:5], ["-", "3"])
        self.assertTrue(head.startswith("APP"))

    def test_top(self):
        row = {"app": "(idle)", "cpu_ns": 2500000000, "cpu_ns_1s": 250000000,
               "pages_used": 1, "pages_reserved": 2, "pages_limit": 3,
               "slots": 4}
        self.running({"machine": [MACHINE], "top": [row]})
        _, out, _ = self.exo("top")
        self.assertIn("500 of 1000 pages free (50%)", out)
        self.assertIn("2.5 us in page_alloc", out)
        self.assertEqual(out.splitlines()[-1].split(),
                         ["(idle)", "25.0", "2.500s", "1/2/3", "4"])

    def test_logs(self):
        fake = self.running({"logs": [{"n": 1, "t_ms": 2, "text": "hi"}]})
        self.assertEqual(self.exo("logs", "hello"), (0, "hi\n", ""))
        self.assertEqual(fake.requests, ["logs hello"])

    def test_logs_of_an_ended_machine(self):
        directory = self.root / "build/run/old"
        directory.mkdir(parents=True)
        (directory / "console.log").write_text(
            "init | x\nhello | one\nhello2 | no\nhello | two\nhello | cut")
        self.assertEqual(self.exo("logs", "hello"), (0, "one\ntwo\n", ""))
        status, _, errors = self.exo("logs", "nobody")
        self.assertEqual(status, 2)
        self.assertIn("nobody has said nothing", errors)

    def test_stop_waits_for_the_end(self):
        states = iter(["stopping", "stopping", "ended"])
        fake = self.running({
            "stop": [{"app": "hello", "grace_ms": 1000}],
            "ps": lambda _: [dict(PS, state=next(states))]})
        status, _, errors = self.exo("stop", "hello")
        self.assertEqual((status, errors), (0, "exo: hello has ended\n"))
        self.assertEqual(fake.requests, ["stop hello", "ps", "ps", "ps"])

    def test_refusals_reach_the_user(self):
        self.running({"kill": "no application named x; there is: hello"})
        self.assertEqual(self.exo("kill", "x"), (
            2, "", "exo: kill x: no application named x; there is: hello\n"))

    def test_which_machine(self):
        for name in ("ps", "top", "shutdown", "trace", "mortem"):
            status, _, errors = self.exo(name)
            self.assertEqual(status, 2)
            self.assertIn("no machine is running; start one", errors)
        self.running({"ps": [PS]}, "one")
        self.running({"ps": [PS, PS]}, "two")
        self.assertIn("(one, two); choose one", self.exo("ps")[2])
        self.assertEqual(len(self.exo("ps", "--name", "two")[1].splitlines()),
                         3)
        self.assertIn("no machine named x", self.exo("ps", "--name", "x")[2])

    def test_a_dead_emulator_is_not_running(self):
        fake = self.running({"ps": [PS]}, started=1)
        facts = json.loads((fake.directory / "state.json").read_text())
        self.assertEqual(facts["started"], 1)
        self.assertIn("no machine is running", self.exo("ps")[2])

    def test_trace(self):
        fake = self.running({"trace": lambda request: [] if "dump" not in
                             request else [
            {"tsc_khz": 1000, "cpus": 1, "lost": 0},
            {"cpu": 0, "tsc": 5, "ev": "switch", "env": 2, "a": 0, "b": 0}]})
        out = self.root / "t.json"
        status, _, errors = self.exo("trace", "-o", str(out), "--seconds",
                                     "0.01")
        self.assertEqual(status, 0, errors)
        self.assertEqual(fake.requests, ["trace on", "trace off",
                                         "trace dump"])
        self.assertIn("traceEvents", json.loads(out.read_text()))
        self.assertIn("1 events", errors)

    def test_trace_is_switched_off_after_ctrl_c(self):
        fake = self.running({"trace": []})
        with mock.patch("exo.operate.time.sleep",
                        side_effect=KeyboardInterrupt):
            with contextlib.suppress(KeyboardInterrupt):
                self.exo("trace")
        self.assertEqual(fake.requests, ["trace on", "trace off"])

    def test_mortem(self):
        record = {"app": "crash", "image": "crash", "env": 1, "why": "fault",
                  "detail": "page fault", "regs": {"rip": 0x401000},
                  "stack": {"address": 0, "words": []}, "back": [0x401000],
                  "held": {"pages": 3}, "trace": [], "t_ms": 5}
        fake = self.running({"mortem": [record]})
        self.assertIn("crash died: page fault", self.exo("mortem", "crash")[1])
        self.assertEqual(fake.requests, ["mortem crash"])
        self.assertEqual(json.loads(self.exo("mortem", "--json")[1])[0]["app"],
                         "crash")


if __name__ == "__main__":
    unittest.main()
