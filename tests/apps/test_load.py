# SPDX-License-Identifier: MIT
"""Load: many requests, each answered and each answer whole. The same programs
measure; here nothing is said about speed."""

import re
import socket
import subprocess
import threading
import unittest

from support import BUILD, Process, Served, target


def load(name, *arguments):
    """(status, the last line, stderr) of a client in bench/load."""
    done = subprocess.run([BUILD / name, *map(str, arguments)], text=True,
                          capture_output=True, timeout=900, check=False)
    lines = done.stdout.splitlines() or [""]
    return done.returncode, lines[-1], done.stderr


class Http(Served):
    def loads(self, count, *options, path="/612.html"):
        status, last, errors = load("load-http", "-n", count, *options,
                                    *self.address, path)
        self.assertEqual((status, errors), (0, ""), last)
        self.assertRegex(last, rf"^{count} answered, 0 failed, ")

    def test_keep_alive(self):
        self.loads(30000)
        self.loads(2000, "-c", "1")

    def test_pipelined(self):
        self.loads(30000, "-p", "16")
        self.loads(2000, "-p", "64", "-c", "2", path="/edge8193.bin")

    def test_a_connection_per_request(self):
        self.loads(3000, "-1")
        self.loads(500, "-1", "-c", "1")

    def test_large_files(self):
        self.loads(200, "-c", "10", path="/big.bin")


class Small(unittest.TestCase):
    def test_httpsmall(self):
        if target("HTTPD"):
            self.skipTest("needs a server of its own")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = subprocess.Popen([BUILD / "httpsmall", str(port)])
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        for _ in range(600):
            status, last, _ = load("load-http", "-n", 20000, "127.0.0.1", port,
                                   "/")
            if status != 2:  # it listens by now
                break
        self.assertRegex(last, "^20000 answered, 0 failed, ")


class Udp(unittest.TestCase):
    def test_echo(self):
        address = target("ECHO")
        if not address:
            server = Process("echo", "-p", "0", "-a", "127.0.0.1")
            self.addCleanup(server.stop)
            address = "127.0.0.1", int(server.line.split()[-1])
        for options in (["-o", "32", "-n", "20000"], ["-n", "1000"],
                        ["-s", "1400", "-n", "1000"]):
            status, last, errors = load("load-udp", *options, *address)
            self.assertEqual((status, errors), (0, ""), last)
            self.assertRegex(last, f"^{options[-1]} answered, 0 failed, ")

    def serve(self, answer):
        """A UDP server that is a function of the request."""
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def run():
            while True:
                data, client = server.recvfrom(65536)
                if not data:
                    return
                for reply in answer(data):
                    server.sendto(reply, client)
        threading.Thread(target=run, daemon=True).start()
        self.addCleanup(server.sendto, b"", server.getsockname())
        return server.getsockname()

    def test_key_value(self):
        value = b"VALUE abc 0 5\r\nhello\r\nEND\r\n"

        def answer(data):
            self.assertEqual(data[2:], b"\0\0\0\1\0\0get abc\r\n")
            return [data[:2] + b"\0\0\0\1\0\0" + value]
        address = self.serve(answer)
        status, last, _ = load("load-udp", "-k", "abc", "-o", "8", "-n",
                               "2000", *address)
        self.assertEqual(status, 0, last)
        self.assertRegex(last, "^2000 answered, 0 failed, ")

    def test_wrong_answers_are_seen(self):
        for answer in (lambda data: [data + b"x"], lambda data: [data[:-1]],
                       lambda data: [data, data],
                       lambda data: [data[:2] + bytes(62)]):
            status, last, _ = load("load-udp", "-n", "10",
                                   *self.serve(answer))
            self.assertEqual(status, 1, last)

    def test_what_is_lost_is_counted(self):
        seen = []

        def answer(data):
            seen.append(data)
            return [data] if len(seen) % 5 else []
        status, last, _ = load("load-udp", "-n", "20", "-t", "50",
                               *self.serve(answer))
        self.assertEqual(status, 0, last)
        self.assertTrue(re.search("^20 answered, 0 failed, [1-9]", last), last)


class Failures(unittest.TestCase):
    """The client sees what is wrong with a server."""

    def serve(self, first, later):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def run():
            answer = first
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.recv(65536)
                    client.sendall(answer)
                answer = later
        threading.Thread(target=run, daemon=True).start()
        return server.getsockname()

    def test_wrong_answers(self):
        good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        for later in (good.replace(b"ok", b"no"), good[:-1], b"", b"x" * 5000,
                      good.replace(b"200", b"404"),
                      good.replace(b"2\r\n\r\nok", b"3\r\n\r\nok!"),
                      good + good):
            status, last, errors = load("load-http", "-1", "-c", "1", "-n",
                                        "20", *self.serve(good, later), "/")
            self.assertEqual(status, 1, later)
            if later != good + good:
                self.assertRegex(last, "^0 answered, 20 failed", later)
            self.assertIn("the first failure: ", errors)


if __name__ == "__main__":
    unittest.main()
