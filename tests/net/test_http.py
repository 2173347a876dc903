# SPDX-License-Identifier: MIT
"""The network applications on their machine, asked over a tap by the tests
that their host builds have.

A tap, since QEMU's user network takes one new connection at a time of this
host's (docs/limits.md), and most of what is asked here comes at once.
"""

import os
import subprocess
import sys
import unittest

from cable import Tap, enter_namespace
from machines import ROOT, Running
from served import WEB, httpd, site

ECHO, KV, KV_POSIX = "10.0.2.16", "10.0.2.17", "10.0.2.18"

OTHERS = f"""
[[app]]
name = "echo"
image = "echo"
memory = {{ reserved = "8M", limit = "8M" }}
address = "{ECHO}"

[[app]]
name = "kv"
image = "kv"
memory = {{ reserved = "2M", limit = "2M" }}
address = "{KV}"

[[app]]
name = "kv-posix"
image = "kv-posix"
args = ["-m", "1"]
memory = {{ reserved = "4M", limit = "4M" }}
address = "{KV_POSIX}"
"""


class Suites(unittest.TestCase):
    """A machine with all of them."""

    @classmethod
    def setUpClass(cls):
        enter_namespace()
        files = cls.enterClassContext(site())
        cls.m = cls.enterClassContext(
            Running(httpd(files) + OTHERS, wire=Tap()))
        for ready in (r"web \| .*http://.*", r"echo \| .*", r"kv \| .*",
                      r"kv-posix \| .*"):
            cls.m.expect(ready)

    def suite(self, name, *chosen, kv=KV):
        """A file of tests/apps, against this machine."""
        pick = [word for each in chosen for word in ("-k", each)]
        done = subprocess.run(
            [sys.executable, "-m", "unittest", "-v", *pick, name],
            cwd=ROOT / "tests/apps", text=True, capture_output=True,
            check=False, timeout=600, stdin=subprocess.DEVNULL,
            env={**os.environ, "HTTPD": f"{WEB}:80", "ECHO": f"{ECHO}:7",
                 "KV": f"{kv}:11211", "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])

    def test_ranges(self):
        self.suite("test_httpd_ranges")

    def test_broken_requests(self):
        self.suite("test_httpd_broken")

    def test_requests_in_a_row(self):
        self.suite("test_httpd_flow", "KeepAlive", "Pipelining")

    def test_large_files_to_thirty_clients(self):
        self.suite("test_httpd_flow", "test_thirty_large_files_at_once")

    def test_fetch(self):
        self.suite("test_fetch", "FromHttpd")

    def test_echo(self):
        self.suite("test_echo")

    def test_kv(self):
        self.suite("test_kv")

    def test_kv_on_sockets(self):
        self.suite("test_kv", kv=KV_POSIX)


if __name__ == "__main__":
    unittest.main()
