# SPDX-License-Identifier: MIT
"""The command as a process: terminals, signals, machines in the background."""

import os
import pty
import select
import signal
import subprocess
import time
import unittest

from support import Installed


class Terminal(Installed):
    """With a terminal the keys go to the machine."""

    def type(self, keys, *arguments):
        """Start the command on a terminal, type each of `keys` when the last
        was answered; (status, output)."""
        child, terminal = pty.fork()
        if child == 0:
            os.execv(self.command[0], [*self.command, *arguments])
        text = self.until(terminal, b"up\r\n")
        for key in keys:
            os.write(terminal, key)
            time.sleep(0.1)
        text += self.until(terminal, None)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(terminal)
        return status, text

    def until(self, terminal, wanted):
        text, last = b"", time.monotonic() + 20
        while wanted is None or wanted not in text:
            if not select.select([terminal], [], [],
                                 max(last - time.monotonic(), 0))[0]:
                self.fail(f"{wanted!r} did not come, but {text!r}")
            try:
                more = os.read(terminal, 4096)
            except OSError:
                more = b""
            if not more:
                break
            text += more
        return text

    def test_ctrl_a_x_ends_and_other_keys_arrive(self):
        status, text = self.type([b"q", b"\x01\x01", b"\r", b"x", b"\x01y",
                                  b"\x01x"], "up", "demo")
        self.assertEqual(status, 0)
        for key in (b"71", b"01", b"0d", b"78", b"79"):
            self.assertIn(b"key " + key, text)
        self.assertNotIn(b"key 0101", text)
        self.assertTrue(text.endswith(b"exo: ended\r\n"))

    def test_ctrl_c_ends(self):
        self.assertEqual(self.type([b"\3"], "up", "demo")[0], 0)
        self.assertEqual(self.type([b"\3"], "run", "hello")[0], 130)

    def test_colours(self):
        _, text = self.type([b"\3"], "up", "demo")
        self.assertIn(b"\x1b[1minit\x1b[0m | up", text)


class Signals(Installed):
    def ended_by(self, number):
        """The status of `up demo` when a signal comes; the emulator must be
        gone by then."""
        child = subprocess.Popen([*self.command, "up", "demo"],
                                 stdout=subprocess.PIPE, text=True,
                                 stderr=subprocess.DEVNULL,
                                 stdin=subprocess.DEVNULL)
        with child:
            self.assertEqual(child.stdout.readline(), "init | up\n")
            self.assertEqual(self.run_exo("shutdown", "--name", "x")[0], 2)
            child.send_signal(number)
            status = child.wait(20)
        self.assertIn("no machine is running", self.run_exo("ps")[2])
        return status

    def test_each(self):
        self.assertEqual(self.ended_by(signal.SIGINT), 0)
        self.assertEqual(self.ended_by(signal.SIGTERM), 143)
        self.assertEqual(self.ended_by(signal.SIGHUP), 129)
        self.assertEqual(self.ended_by(signal.SIGKILL), -9)


class Background(Installed):
    def test_up_and_shutdown(self):
        status, _, errors = self.run_exo("up", "-d", "demo")
        self.addCleanup(self.run_exo, "shutdown", "--force")
        self.assertEqual(status, 0, errors)
        self.assertIn("demo is up; see ./exo ps --name demo", errors)
        self.assertEqual(self.run_exo("up", "-d", "demo", "--name", "two")[0],
                         0)
        self.assertIn("(demo, two)", self.run_exo("ps")[2])
        self.assertEqual(self.run_exo("shutdown", "--name", "demo"),
                         (0, "", "exo: demo is off\n"))
        self.assertEqual(self.run_exo("shutdown", "--force"),
                         (0, "", "exo: two is off\n"))
        self.assertIn("init | power off, status 0", (
            self.root / "build/run/demo/console.log").read_text())

    def test_a_second_one_of_a_name_gets_a_number(self):
        for name in ("demo", "demo-2"):
            self.assertIn(f"{name} is up", self.run_exo("up", "-d",
                                                        "demo")[2])
            self.addCleanup(self.run_exo, "shutdown", "--force", "--name",
                            name)

    def test_what_ends_at_once_is_said(self):
        self.fake_qemu("echo oops >&2; exit 1")
        status, _, errors = self.run_exo("up", "-d", "demo")
        self.assertEqual(status, 123)
        self.assertIn("oops", errors)
        self.assertIn("demo ended already", errors)


class Rest(Installed):
    def test_works_from_any_directory(self):
        self.fake_qemu("echo 'init | power off, status 5'; exit 43")
        self.assertEqual(self.run_exo("run", "hello"), (
            5, "init | power off, status 5\n", ""))

    def test_a_defect_of_exo_is_no_traceback(self):
        (self.root / "tools/exo/doctor.py").write_text(
            "def check():\n    raise ZeroDivisionError('x')\n")
        status, _, errors = self.run_exo("doctor")
        self.assertEqual(status, 2)
        self.assertIn("defect of exo itself", errors)
        self.assertNotIn("Traceback", errors)

    def test_doctor(self):
        self.fake_qemu("echo QEMU emulator version 8.2.0")
        status, out, _ = self.run_exo("doctor")
        self.assertIn(status, (0, 1))
        self.assertRegex(out, "ok +qemu-system-x86_64 +8.2.0 ")

    def test_doctor_names_the_packages(self):
        self.fake_qemu("echo QEMU emulator version 6.1.0")
        status, out, _ = self.run_exo("doctor")
        self.assertEqual(status, 1)
        self.assertRegex(out, "NO +qemu-system-x86_64 +6.1.0, older than 7.2")
        self.assertRegex(out, "apt-get install .*qemu-system-x86")


if __name__ == "__main__":
    unittest.main()
