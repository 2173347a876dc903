# SPDX-License-Identifier: MIT
"""httpd: its status pages, its log, its command line."""

import json
import re
import socket
import subprocess
import tempfile
import time
import unittest
from urllib.parse import urljoin

from support import (BUILD, PATIENCE, ROOT, Process, Served, Wire, request,
                     target)


class Status(Served):
    def test_json(self):
        answer = self.get("/status.json")
        self.assertEqual(answer["content-type"], "application/json")
        self.assertEqual(answer["cache-control"], "no-store")
        page = json.loads(answer.body)
        self.assertLessEqual({"server", "memory", "machine"}, set(page))
        for key in ("uptime_s", "connections", "requests", "bytes_sent",
                    "answers_4xx"):
            self.assertIsInstance(page["server"][key], int)
        for key in ("system", "release"):
            self.assertIsInstance(page["machine"][key], str)

    def test_it_counts(self):
        with self.wire() as wire:
            def look():
                return json.loads(wire.ask("GET", "/status.json").body)[
                    "server"]
            before = look()
            wire.ask("GET", "/digits.txt")
            wire.ask("GET", "/nothing")
            after = look()
        self.assertGreaterEqual(after["requests"], before["requests"] + 3)
        self.assertGreater(after["answers_4xx"], before["answers_4xx"])
        self.assertGreater(after["bytes_sent"], before["bytes_sent"] + 100)

    def test_text_says_the_same(self):
        text = self.get("/status").body.decode()
        page = json.loads(self.get("/status.json").body)
        for name, group in page.items():
            self.assertRegex(text, rf"(?m)^{name}$")
            for row in group if isinstance(group, list) else [group]:
                for key in row:
                    self.assertRegex(text, rf" {key} +\S")

    def test_it_is_read_only_and_whole(self):
        self.assertEqual(self.ask("POST", "/status").status, 405)
        self.assertEqual(self.get("/status/").status, 404)
        self.assertEqual(self.get("/status", "Range: bytes=0-1").status, 200)
        self.assertEqual(self.ask("HEAD", "/status").status, 200)


class Log(Served):
    LOG = tempfile.NamedTemporaryFile(prefix="httpd-", suffix=".log")
    OPTIONS = ("-l", LOG.name)

    def test_a_line_for_each_request(self):
        with self.wire() as wire:
            wire.ask("GET", "/digits.txt", "Range: bytes=1-2")
            wire.ask("HEAD", '/"quoted\\"?%22')
            wire.send("nonsense\r\n\r\n")
            wire.answer()
            self.assertTrue(wire.ended())
        until = time.monotonic() + PATIENCE
        lines = []
        while len(lines) < 3 and time.monotonic() < until:
            with open(self.LOG.name, encoding="ascii") as log:
                lines = log.read().splitlines()
        begin = r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:[\d:]{8} \+0000\] "'
        for line, rest in zip(lines, (
                r'GET /digits\.txt HTTP/1\.1" 206 2',
                r'HEAD /\\x22quoted\\x5c\\x22\?%22 HTTP/1\.1" 404 0',
                r'-" 400 \d+'), strict=True):
            self.assertRegex(line, f"^{begin}{rest}$")


class Site(unittest.TestCase):
    """What the demonstration serves."""

    def test_every_link_leads_somewhere(self):
        if target("HTTPD"):
            self.skipTest("needs a server of its own")
        server = Process("httpd", "-r", ROOT / "apps/site", "-p", "0", "-a",
                         "127.0.0.1", "-n")
        self.addCleanup(server.stop)
        port = int(re.search(r":(\d+)/$", server.line)[1])
        seen, waiting = set(), ["./"]
        with Wire(("127.0.0.1", port)) as wire:
            while waiting:
                link = waiting.pop()
                answer = wire.ask("GET", urljoin("/", link))
                self.assertEqual(answer.status, 200, link)
                seen.add(link)
                if answer["content-type"].startswith("text/html"):
                    waiting += {found for found in re.findall(
                        r'(?:href|src)="([^"]*)"', answer.body.decode())
                        if found not in seen}
            self.assertEqual(len(wire.ask("GET", "/612.html").body), 612)
        self.assertLessEqual({"live.html", "live.js", "style.css", "icon.svg",
                              "status", "status.json", "612.html"}, seen)


class CommandLine(unittest.TestCase):
    def setUp(self):
        if target("HTTPD"):
            self.skipTest("needs a server of its own")

    def run_httpd(self, *options):
        done = subprocess.run([BUILD / "httpd", *options], text=True,
                              capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_help(self):
        status, out, errors = self.run_httpd("-h")
        self.assertEqual((status, errors), (0, ""))
        self.assertIn("-r DIRECTORY", out)

    def test_mistakes_are_told(self):
        for options, want in (
                (["-p", "x"], '-p wants a number from 0 to 65535, not "x"'),
                (["-p", "65536"], "-p wants"), (["-c", "0"], "-c wants"),
                (["-t", "-1"], "-t wants"), (["-i", ""], "-i wants"),
                (["-m", "10x"], "-m wants"), (["site"], 'what is "site" for'),
                (["-q"], "-h lists the options"),
                (["-a", "1"] * 5, "at most 4 addresses")):
            status, out, errors = self.run_httpd(*options)
            self.assertEqual((status, out), (2, ""), options)
            self.assertIn(want, errors)

    def test_what_is_not_there(self):
        status, _, errors = self.run_httpd("-r", "/nothing", "-p", "0")
        self.assertEqual(status, 1)
        self.assertEqual(
            errors,
            'httpd: "/nothing" is not a directory that can be read\n')
        status, _, errors = self.run_httpd("-a", "no.such.invalid", "-p", "0")
        self.assertEqual(status, 1)
        self.assertIn("httpd: address no.such.invalid: ", errors)
        status, _, errors = self.run_httpd("-l", "/nothing/log", "-p", "0")
        self.assertEqual(status, 1)
        self.assertIn("cannot write the log", errors)

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = str(other.getsockname()[1])
            status, _, errors = self.run_httpd("-a", "127.0.0.1", "-p", port)
        self.assertEqual(status, 1)
        self.assertIn(f"cannot listen on 127.0.0.1 port {port}", errors)

    def test_it_ends_in_good_order(self):
        server = Process("httpd", "-p", "0", "-a", "127.0.0.1")
        port = int(re.search(r":(\d+)/$", server.line)[1])
        with Wire(("127.0.0.1", port)) as wire:
            wire.send(request("GET", "/nothing"))
            self.assertEqual(wire.answer().status, 404)
            self.assertEqual(server.stop(), (0, ""))
            self.assertTrue(wire.ended())


if __name__ == "__main__":
    unittest.main()
