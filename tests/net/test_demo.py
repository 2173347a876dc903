# SPDX-License-Identifier: MIT
"""The demonstration, `./exo up demo`, as users without a terminal start it: in
real time, on ports of this host that happen to be free. Its servers answer
while the neighbours hoard, crash and compute, and it ends by itself."""

import pathlib
import re
import socket
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 240.0


def free_port(kind):
    """A port of this host that nobody has."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Demonstration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.http = free_port(socket.SOCK_STREAM)
        words = [f"{cls.http}:80", f"{free_port(socket.SOCK_STREAM)}:7",
                 f"{free_port(socket.SOCK_DGRAM)}:7/udp",
                 f"{free_port(socket.SOCK_DGRAM)}:11211/udp"]
        done = subprocess.run(
            [sys.executable, str(ROOT / "exo"), "up", "--name",
             f"demo-{cls.http}", "demo",
             *(word for text in words for word in ("-p", text))],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=LIMIT, check=False)
        cls.status, cls.said = done.returncode, done.stderr
        cls.console = done.stdout

    def line(self, pattern, text=None):
        """The one line that is like this."""
        found = re.findall(rf"^{pattern}$", text or self.console, re.M)
        self.assertEqual(len(found), 1, f"{pattern}\n{self.console}{self.said}")
        return found[0]

    def test_it_ends_with_status_0(self):
        self.assertEqual(self.status, 0, self.console + self.said)
        self.line(r"init \| power off, status 0")

    def test_the_host_is_answered_and_told_where(self):
        self.line(rf"exo:   web +open http://127\.0\.0\.1:{self.http}/  "
                  r"\(HTTP/1\.1 200 OK\)", self.said)
        self.line(rf"exo: +http://127\.0\.0\.1:{self.http}/live\.html .*",
                  self.said)
        self.line(r"exo:   kv +127\.0\.0\.1:\d+/udp", self.said)

    def test_a_neighbour_is_answered(self):
        self.line(r"fetch \| HTTP/1\.1 200 OK")
        self.line(r"init \| fetch ended with status 0")

    def test_the_cruncher_gets_the_memory_it_was_promised(self):
        primes = self.line(r"cruncher \| 1024 pages in \d+ us, then (\d+) "
                           r"primes below 8388608 in \d+ ms")
        self.assertEqual(primes, "564163")

    def test_the_crasher_is_started_once_more(self):
        starts = re.findall(r"^init \| start crasher \(env (\d+)\)$",
                            self.console, re.M)
        self.assertEqual(len(set(starts)), 2, self.console)

    def test_the_servers_stay_to_the_end(self):
        for app in ("web", "echo", "kv", "netd", "spinner", "hoarder"):
            self.assertEqual(self.console.count(f"init | start {app} "), 1)
        for app in ("web", "echo", "kv", "netd"):
            self.line(rf"init \| {app} ended with status 0")


if __name__ == "__main__":
    unittest.main()
