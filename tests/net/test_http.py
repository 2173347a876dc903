# SPDX-License-Identifier: MIT
"""httpd and echo on exos, asked from this host through the machine's card by
the tests that their host builds have."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from machines import ROOT, Running, free_port

import site_files  # noqa: E402  (of tests/apps)


def manifest(site, web, echo, udp):
    """httpd and echo, with these ports of the host."""
    return f"""
[[app]]
name = "web"
image = "httpd"
args = ["-r", "/", "-p", "80", "-t", "240", "-i", "240", "-w", "240"]
memory = {{ reserved = "16M", limit = "24M" }}
files = "{site}"
publish = ["{web}:80"]

[[app]]
name = "echo"
image = "echo"
memory = {{ reserved = "8M", limit = "8M" }}
publish = ["{echo}:7", "{udp}:7/udp"]
"""


class Served(unittest.TestCase):
    """A machine with both."""
    OPTIONS = {"smp": 1}

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="site-")
        cls.addClassCleanup(holder.cleanup)
        site = pathlib.Path(holder.name) / "site"
        site_files.make(site)
        cls.port, cls.echo = free_port(), free_port()
        cls.m = cls.enterClassContext(Running(
            manifest(site, cls.port, cls.echo, cls.echo), **cls.OPTIONS))
        cls.m.expect(r"web \| .*http://.*")
        cls.m.expect(r"echo \| .*")
        cls.address = "127.0.0.1", cls.port

    def suite(self, name, *chosen):
        """A file of tests/apps, against this machine."""
        pick = [word for each in chosen for word in ("-k", each)]
        done = subprocess.run(
            [sys.executable, "-m", "unittest", "-v", *pick, name],
            cwd=ROOT / "tests/apps", text=True, capture_output=True,
            check=False, timeout=600, stdin=subprocess.DEVNULL,
            env={**os.environ, "HTTPD": f"127.0.0.1:{self.port}",
                 "ECHO": f"127.0.0.1:{self.echo}",
                 "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])


class Suites(Served):
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


if __name__ == "__main__":
    unittest.main()
