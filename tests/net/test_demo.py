# SPDX-License-Identifier: MIT
"""The demonstration, `./exo up demo`, as users without a terminal start it: in
real time, on ports of this host that happen to be free. Its servers answer
while the neighbours hoard, crash and compute, and it ends by itself."""

import pathlib
import re
import socket
import subprocess
import sys
import tomllib
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 240.0


def free_port(kind):
    """A port of this host that nobody has."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(*words):
    """(port of the web server, command line that starts it)"""
    http = free_port(socket.SOCK_STREAM)
    published = [f"{http}:80", f"{free_port(socket.SOCK_STREAM)}:7",
                 f"{free_port(socket.SOCK_DGRAM)}:7/udp",
                 f"{free_port(socket.SOCK_DGRAM)}:11211/udp"]
    return http, [sys.executable, str(ROOT / "exo"), "up", "--name",
                  f"demo-{http}", *words, "demo",
                  *(word for text in published for word in ("-p", text))]


class Demonstration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run(
            command()[1], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=LIMIT, check=False)
        cls.status, cls.said = done.returncode, done.stderr
        cls.console = done.stdout

    def line(self, pattern):
        """The one line that is like this."""
        found = re.findall(rf"^{pattern}$", self.console, re.M)
        self.assertEqual(len(found), 1, f"{pattern}\n{self.console}{self.said}")
        return found[0]

    def test_it_ends_with_status_0(self):
        self.assertEqual(self.status, 0, self.console + self.said)
        self.line(r"init \| power off, status 0")

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


class Manifest(unittest.TestCase):
    def test_who_can_be_asked_has_time_of_its_own(self):
        # On slack alone an answer takes as long as its neighbours like.
        apps = tomllib.loads((ROOT / "apps/demo.toml").read_text())["app"]
        asked = [app for app in apps if "address" in app or "publish" in app]
        self.assertEqual([app["name"] for app in asked
                          if app.get("background") and "cpu" not in app], [])


class Stay(unittest.TestCase):
    def test_servers_stay_and_the_host_is_told_where(self):
        http, words = command("--stay")
        said = []
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as machine:
            for line in machine.stderr:
                said.append(line.rstrip("\n"))
                if "from another terminal" in line:
                    break
            url = f"http://127.0.0.1:{http}/"
            with urllib.request.urlopen(url, timeout=60) as answer:
                self.assertIn(b"<title>Exo</title>", answer.read())
            subprocess.run([sys.executable, str(ROOT / "exo"), "shutdown",
                            "--name", f"demo-{http}"], check=True,
                           stderr=subprocess.DEVNULL)
            self.assertEqual(machine.wait(LIMIT), 0, said)
        for wanted in (f"exo:   web        open {url}  (HTTP/1.1 200 OK)",
                       f"exo:              {url}live.html shows the whole "
                       "machine, live"):
            self.assertIn(wanted, said)


if __name__ == "__main__":
    unittest.main()
