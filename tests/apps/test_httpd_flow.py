# SPDX-License-Identifier: MIT
"""httpd: connections. How they go on and end, many of them, slow ones, and
those that mean no good."""

import json
import random
import socket
import struct
import time
import unittest

from support import (PATIENCE, ROOT, Process, Served, Wire, many, request,
                     target)
from site_files import FILES

DIGITS, BIG = FILES["digits.txt"], FILES["big.bin"]
HALF = "GET /digits.txt HTTP/1.1\r\nHost: x\r\nA: "


class KeepAlive(Served):
    def test_many_requests_on_one_connection(self):
        with self.wire() as wire:
            for _ in range(1000):
                answer = wire.ask("GET", "/digits.txt")
                self.assertEqual(answer.body, DIGITS)
                self.assertIsNone(answer.get("connection"))

    def test_close_is_obeyed(self):
        for value in ("close", "Close", "keep-alive, close", "x,close,,y",
                      "keep-alive\r\nConnection: close"):
            with Wire(self.address) as wire:
                answer = wire.ask("GET", "/", f"Connection: {value}")
                self.assertEqual(answer["connection"], "close", value)
                self.assertTrue(wire.ended())

    def test_nothing_is_answered_behind_close(self):
        with self.wire() as wire:
            wire.send(request("GET", "/", "Connection: close")
                      + request("GET", "/"))
            self.assertEqual(wire.answer().status, 200)
            self.assertTrue(wire.ended())

    def test_http_1_0(self):
        with self.wire() as wire:
            wire.send("GET /digits.txt HTTP/1.0\r\n\r\n")
            answer = wire.answer()
            self.assertEqual((answer.body, answer["connection"]),
                             (DIGITS, "close"))
            self.assertTrue(wire.ended())
        with self.wire() as wire:
            for _ in range(3):
                answer = wire.ask("GET", "/digits.txt",
                                  "Connection: Keep-Alive", version="1.0")
                self.assertEqual(answer["connection"], "keep-alive")

    def test_errors_that_leave_no_doubt_keep_the_connection(self):
        with self.wire() as wire:
            for path, status in (("/nothing", 404), ("/%", 400), ("/", 200),
                                 ("/docs", 301), ("/.hidden", 404)):
                self.assertEqual(wire.ask("GET", path).status, status)

    def test_a_half_closed_client_gets_its_answers(self):
        with self.wire() as wire:
            wire.send(request("GET", "/digits.txt") + request("GET",
                                                              "/big.bin"))
            wire.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(wire.answer().body, DIGITS)
            self.assertEqual(wire.answer().body, BIG)
            self.assertTrue(wire.ended())

    def test_empty_lines_before_a_request(self):
        with self.wire() as wire:
            for _ in range(3):
                wire.send("\r\n\r\n" + request("GET", "/"))
                self.assertEqual(wire.answer().status, 200)

    def test_ipv6(self):
        if target("HTTPD"):
            self.skipTest("needs a server of its own")
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError:
            self.skipTest("this host has no ::1")
        server = Process("httpd", "-r", self.root, "-p", "0", "-a", "::1")
        self.addCleanup(server.stop)
        self.assertIn("http://[::1]:", server.line)
        port = int(server.line.rsplit(":", 1)[1].strip("/\n"))
        with Wire(("::1", port)) as wire:
            self.assertEqual(wire.ask("GET", "/digits.txt").body, DIGITS)


class Pipelining(Served):
    def test_answers_come_in_order(self):
        rng = random.Random(1)
        names = [n for n in FILES if n.startswith("many/") or n in (
            "digits.txt", "empty.txt", "edge8192.bin", "edge8193.bin",
            "middle.bin", "612.html")]
        for _ in range(20):
            chosen = rng.choices(names, k=rng.randint(1, 60))
            with Wire(self.address) as wire:
                wire.send("".join(request("GET", "/" + n) for n in chosen))
                for name in chosen:
                    self.assertEqual(wire.answer().body, FILES[name], name)

    def test_errors_and_heads_among_them(self):
        with self.wire() as wire:
            wire.send(request("GET", "/nothing") + request("HEAD", "/big.bin")
                      + request("POST", "/", "Content-Length: 3") + "abc"
                      + request("GET", "/digits.txt"))
            self.assertEqual(wire.answer().status, 404)
            self.assertEqual(wire.answer("HEAD").status, 200)
            self.assertEqual(wire.answer().status, 405)
            self.assertEqual(wire.answer().body, DIGITS)

    def test_requests_cut_anywhere(self):
        data = (request("GET", "/digits.txt", "Range: bytes=0-1")
                + request("GET", "/digits.txt")).encode()
        for at in range(1, len(data)):
            with Wire(self.address) as wire:
                wire.socket.setsockopt(socket.IPPROTO_TCP,
                                       socket.TCP_NODELAY, 1)
                wire.send(data[:at])
                wire.send(data[at:])
                self.assertEqual(wire.answer().body, b"01")
                self.assertEqual(wire.answer().body, DIGITS)

    def test_a_head_that_comes_byte_by_byte(self):
        with self.wire() as wire:
            for byte in request("GET", "/digits.txt", "A: " + "b" * 500):
                wire.send(byte)
            self.assertEqual(wire.answer().body, DIGITS)


class Many(Served):
    def test_thirty_clients_by_turns(self):
        with many(self.address, 30) as wires:
            for n in range(50):
                for wire in wires:
                    wire.send(request("GET", f"/many/{n:03}.txt"))
                for wire in reversed(wires):
                    self.assertEqual(wire.answer().body,
                                     f"file {n}\n".encode())

    def test_a_connection_for_each_request(self):
        for n in range(1000):
            self.assertEqual(self.get("/digits.txt").body, DIGITS)

    def test_thirty_large_files_at_once(self):
        with many(self.address, 30) as wires:
            for wire in wires:
                wire.send(request("GET", "/big.bin"))
            for wire in wires:
                self.assertEqual(wire.answer().body, BIG)

    def test_hundreds_that_wait_do_no_harm(self):
        with many(self.address, 300) as wires:
            for wire in wires[::2]:
                wire.send(HALF)
            self.alive()
            for wire in wires[::2]:
                wire.send("\r\n\r\n")
                self.assertEqual(wire.answer().body, DIGITS)

    def test_clients_that_break_off(self):
        reset = struct.pack("ii", 1, 0)
        for n in range(200):
            wire = Wire(self.address)
            wire.send(request("GET", "/big.bin") * 3 if n % 3 else HALF)
            if n % 3 == 1:
                wire.socket.recv(1000)
            if n % 2:
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       reset)
            wire.socket.close()
        self.alive()

    def test_clients_that_never_read(self):
        wires = [self.wire(receive_bytes=4096) for _ in range(30)]
        for wire in wires:
            wire.send(request("GET", "/middle.bin") * 200)
        self.alive()
        for _ in range(2):
            self.assertEqual(len(wires[0].answer().body), 100_000)


class Slow(Served):
    """Time-outs are seconds here, which says nothing about how long a busy
    host takes: what must end is waited for."""
    OPTIONS = ("-t", "1", "-i", "1", "-w", "1", "-s", "100000")

    def timeouts(self):
        """Connections that were ended for being slow."""
        page = json.loads(self.get("/status.json").body)
        return page["server"]["timeouts"]

    def test_a_client_that_says_nothing_is_left(self):
        with self.wire() as wire:
            self.assertTrue(wire.ended())

    def test_half_a_request_is_told_so(self):
        with self.wire() as wire:
            wire.send(HALF)
            answer = wire.answer()
            self.assertEqual((answer.status, answer["connection"]),
                             (408, "close"))
            self.assertTrue(wire.ended())

    def test_a_byte_now_and_then_does_not_help(self):
        with self.wire() as wire:
            wire.socket.settimeout(0.05)
            with self.assertRaises((ConnectionError, AssertionError)):
                for _ in range(int(PATIENCE / 0.05)):
                    wire.send("A")
                    try:
                        self.assertNotIn(b" 408 ", wire.socket.recv(1000))
                    except socket.timeout:
                        pass

    def test_an_idle_connection_ends(self):
        with self.wire() as wire:
            wire.ask("GET", "/digits.txt")
            self.assertTrue(wire.ended())

    def test_content_that_does_not_come(self):
        with self.wire() as wire:
            wire.send(request("POST", "/", "Content-Length: 5000") + "x")
            self.assertEqual(wire.answer().status, 405)
            self.assertTrue(wire.ended())

    def test_a_client_that_never_reads_is_left(self):
        wire = self.wire(receive_bytes=4096)
        wire.send(request("GET", "/big.bin") * 20)
        before = self.timeouts()
        while self.timeouts() == before:
            time.sleep(0.1)
        with self.assertRaises((ConnectionError, EOFError)):
            for _ in range(20):
                wire.answer()


class Limits(Served):
    OPTIONS = ("-c", "4", "-t", "3", "-b", "10")

    def test_idle_connections_make_room_for_new_ones(self):
        with many(self.address, 4) as wires:
            for wire in wires:
                wire.ask("GET", "/digits.txt")
            for _ in range(10):
                self.alive()
            self.assertTrue(wires[0].ended())

    def test_busy_ones_do_not_but_nobody_is_turned_away(self):
        with many(self.address, 4) as wires:
            for wire in wires:
                wire.send(HALF)
                wire.send("x")
            with Wire(self.address) as fifth:
                fifth.send(request("GET", "/digits.txt"))
                wires[0].send("\r\n\r\n")
                wires[0].answer()
                wires[0].socket.close()
                self.assertEqual(fifth.answer().body, DIGITS)

    def test_content_limit(self):
        with self.wire() as wire:
            wire.send(request("POST", "/", "Content-Length: 10") + "x" * 10)
            self.assertEqual(wire.answer().status, 405)
            wire.send(request("POST", "/", "Content-Length: 11") + "x" * 11)
            self.assertEqual(wire.answer().status, 413)
            self.assertTrue(wire.ended())


class Memory(Served):
    OPTIONS = ("-m", "64")

    def test_when_memory_ends_a_client_is_told(self):
        with many(self.address, 3) as wires:
            statuses = []
            for wire in wires:
                wire.send(HALF)
            with Wire(self.address) as wire:
                wire.send(HALF)
                wire.socket.settimeout(PATIENCE)
                data = wire.socket.recv(1000)
                statuses.append(data[:12])
            self.assertEqual(statuses, [b"HTTP/1.1 503"])
        self.alive()


class Small(unittest.TestCase):
    """Of the build without sanitizers, which takes memory for themselves."""

    def test_a_server_that_idles_has_less_than_a_mebibyte(self):
        if target("HTTPD"):
            self.skipTest("needs a server of its own")
        server = Process("httpd", "-r", ROOT / "apps", "-p", "0", "-a",
                         "127.0.0.1", build=ROOT / "build/native")
        self.addCleanup(server.stop)
        address = "127.0.0.1", int(server.line.rsplit(":", 1)[1].strip("/\n"))
        self.assertLess(server.private_kib(), 1024)
        with many(address, 100) as wires:
            for _ in range(20):
                for wire in wires:
                    wire.send(request("GET", "/build.mk"))
                for wire in wires:
                    self.assertEqual(wire.answer().status, 200)
        with Wire(address) as wire:
            for _ in range(10):
                before = server.private_kib()
                for _ in range(1000):
                    wire.ask("GET", "/build.mk")
                    wire.ask("GET", "/httpd/")
                    wire.ask("GET", "/status")
            self.assertLessEqual(server.private_kib(), before)


if __name__ == "__main__":
    unittest.main()
