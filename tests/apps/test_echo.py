# SPDX-License-Identifier: MIT
"""echo: TCP and UDP."""

import random
import socket
import struct
import threading
import unittest

from support import PATIENCE, ROOT, Asked, Process, target


class Echo(Asked):
    WHERE = "ECHO"
    COMMAND = "echo", "-p", "0", "-a", "127.0.0.1"

    def connect(self):
        s = socket.create_connection(self.address, PATIENCE)
        self.addCleanup(s.close)
        return s

    def datagrams(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(PATIENCE)
        s.connect(self.address)
        self.addCleanup(s.close)
        return s

    def read(self, s, count):
        data = b""
        while len(data) < count and (piece := s.recv(count - len(data))):
            data += piece
        return data

    def test_bytes_come_back(self):
        s = self.connect()
        for data in (b"x", b"hello\r\n", bytes(range(256)) * 30):
            s.sendall(data)
            self.assertEqual(self.read(s, len(data)), data)

    def test_a_megabyte_through_a_small_buffer(self):
        s, data = self.connect(), random.Random(1).randbytes(1 << 20)
        sender = threading.Thread(target=s.sendall, args=(data,))
        sender.start()
        self.assertEqual(self.read(s, len(data)), data)
        sender.join()

    def test_what_came_before_the_end_comes_back(self):
        s = self.connect()
        s.sendall(b"x" * 4000)
        s.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read(s, 5000), b"x" * 4000)

    def test_several_clients(self):
        clients = [self.connect() for _ in range(30)]
        for n, s in enumerate(clients):
            s.sendall(f"client {n}".encode())
        for n, s in reversed(list(enumerate(clients))):
            want = f"client {n}".encode()
            self.assertEqual(self.read(s, len(want)), want)

    def test_more_clients_than_it_takes_wait_for_their_turn(self):
        clients = [self.connect() for _ in range(300)]
        clients[299].sendall(b"last")
        for s in clients[:100]:
            s.close()
        self.assertEqual(self.read(clients[299], 4), b"last")

    def test_a_client_that_never_reads_stops_itself(self):
        s = self.connect()
        s.setblocking(False)
        sent = 0
        with self.assertRaises(BlockingIOError):
            while sent < 1 << 30:
                sent += s.send(b"x" * 65536)
        other = self.connect()
        other.sendall(b"y")
        self.assertEqual(self.read(other, 1), b"y")

    def test_clients_that_break_off(self):
        for _ in range(100):
            s = self.connect()
            s.sendall(b"x" * 10000)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
            s.close()
        self.test_bytes_come_back()

    def test_datagrams_come_back(self):
        s = self.datagrams()
        for size in (0, 1, 64, 1400, 1472):
            data = random.Random(size).randbytes(size)
            s.send(data)
            self.assertEqual(s.recv(65536), data)

    def test_large_datagrams(self):
        if target("ECHO"):
            self.skipTest("whether fragments arrive is not echo's business")
        s = self.datagrams()
        data = random.Random(1).randbytes(60000)
        s.send(data)
        self.assertEqual(s.recv(65536), data)

    def test_datagrams_of_several_clients(self):
        clients = [self.datagrams() for _ in range(30)]
        for n, s in enumerate(clients):
            s.send(str(n).encode())
        for n, s in reversed(list(enumerate(clients))):
            self.assertEqual(s.recv(100), str(n).encode())

    def test_two_servers_do_not_speak_to_each_other(self):
        if not self.server:
            self.skipTest("needs a server of its own")
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(s.close)
        s.bind(("127.0.0.2", self.address[1]))  # an echo server's port
        s.settimeout(PATIENCE)
        s.sendto(b"loop", self.address)
        other = self.datagrams()
        for _ in range(10):
            other.send(b"x")
            other.recv(100)
        s.setblocking(False)
        self.assertRaises(BlockingIOError, s.recv, 100)

    def test_mistakes(self):
        if not self.server:
            self.skipTest("needs a server of its own")
        again = Process("echo", "-p", str(self.address[1]), "-a", "127.0.0.1",
                        build=ROOT / "build/native")
        status, said = again.stop()
        self.assertEqual(status, 1)
        self.assertIn("echo: cannot listen on port", said)


if __name__ == "__main__":
    unittest.main()
