# SPDX-License-Identifier: MIT
"""httpd under load, over a tap: a thousand connections and thousands of
requests are all answered, and afterwards the memory is what it was.

The user network of QEMU is no place for this: it takes one new connection of
the host's at a time (docs/limits.md).
"""

import json
import re
import subprocess
import unittest
import urllib.request

from cable import Tap, enter_namespace
from machines import LIMIT, ROOT, Running
from served import WEB, httpd, site

LOAD = ROOT / "build/native/load-http"
LEAST_BYTES = 16  # that can leak


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        enter_namespace()
        files = cls.enterClassContext(site())
        cls.m = cls.enterClassContext(Running(httpd(files), wire=Tap()))
        cls.m.expect(r"web \| .*http://.*")
        cls.load("-n", 3000, "-1")  # what is built up once is built up now
        cls.load("-n", 1000)

    @classmethod
    def load(cls, *options):
        """All requests are answered, or AssertionError."""
        done = subprocess.run(
            [LOAD, *map(str, options), WEB, "80", "/612.html"],
            text=True, capture_output=True, timeout=600, check=False)
        if done.returncode or not re.search(r" answered, 0 failed, ",
                                            done.stdout):
            raise AssertionError(f"{done.stdout}{done.stderr}\n{cls.m}")

    def pages(self):
        """{application: pages used}, of all."""
        return {row["app"]: row["pages_used"] for row in self.m.ask("top")}

    def grown(self, *options):
        """Pages that such a load leaves behind, when the connections it closed
        are forgotten: after two seconds of the machine's time."""
        was = self.pages()["(idle)"]
        self.load(*options)
        end = self.m.ask("machine")[0]["uptime_ms"] + 3000
        self.m.until(lambda: self.m.ask("machine")[0]["uptime_ms"] > end)
        self.assertEqual(self.m.unaccounted(), 0)
        return was - self.pages()["(idle)"]

    def check(self, count, *options):
        """A leak grows in each round. The most connections there were at a
        time, whose memory exos keeps for the next, grows at most in some."""
        for _ in range(5):
            grown = self.grown("-n", count, *options)
            if grown <= count * LEAST_BYTES // 4096:
                return
        self.fail(f"{grown} pages more\n{self.m}")

    def test_requests_leave_nothing(self):
        self.check(5000)

    def test_connections_leave_nothing(self):
        self.check(1000, "-1", "-c", 1)
        self.check(1000, "-1")

    def test_no_frame_is_lost(self):
        self.load("-n", 2000, "-1")
        with urllib.request.urlopen(f"http://{WEB}/status.json",
                                    timeout=LIMIT) as answer:
            status = json.load(answer)
        self.assertEqual([f["dropped"] for f in status["filters"]],
                         [0] * len(status["filters"]))
        self.assertEqual(status["server"]["timeouts"], 0)


class Command(unittest.TestCase):
    """tests/load, in short."""

    def test_a_run_says_how_it_went(self):
        done = subprocess.run([ROOT / "tests/load", "-n", "5000"], text=True,
                              capture_output=True, timeout=600, check=False)
        if "namespace" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(len(re.findall(
            r"^tenth \d+: \d+ requests/s, 0 failed$", done.stdout, re.M)), 10,
            done)
        self.assertRegex(done.stdout, r"\n5000 answered, 0 failed, ")
        self.assertRegex(done.stdout, r"\nmemory: \d+ KiB before, \d+ KiB "
                         r"after\nat the end \d+ % of the rate at the start")


if __name__ == "__main__":
    unittest.main()
