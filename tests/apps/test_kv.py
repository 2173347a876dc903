# SPDX-License-Identifier: MIT
"""kv: memcached's text protocol over UDP. What the commands answer is
tests/unit/kv_test.c's; this is about datagrams, and memory that ends."""

import unittest

from memcached import Client, head
from support import PATIENCE, Asked, Process, target


class Kv(Asked):
    WHERE = "KV"
    COMMAND = "kv-posix", "-p", "0", "-m", "1"

    def setUp(self):
        self.client = Client(self.address, PATIENCE)
        self.addCleanup(self.client.close)
        self.ask = self.client.ask

    def test_set_get_and_delete(self):
        self.assertEqual(self.ask(b"set a 5 0 3\r\nxyz\r\n"), b"STORED\r\n")
        self.assertEqual(self.ask(b"get a\r\n"),
                         b"VALUE a 5 3\r\nxyz\r\nEND\r\n")
        self.assertEqual(self.ask(b"delete a\r\n"), b"DELETED\r\n")
        self.assertEqual(self.ask(b"get a\r\n"), b"END\r\n")

    def test_several_requests_in_one_datagram(self):
        self.assertEqual(self.ask(b"set n 0 0 1\r\n1\r\nincr n 4\r\nget n\r\n"),
                         b"STORED\r\n5\r\nVALUE n 0 1\r\n5\r\nEND\r\n")

    def test_an_answer_of_several_datagrams(self):
        names = [b"big%d" % n for n in range(10)]
        for n, name in enumerate(names):
            value = bytes([65 + n]) * 1000
            self.ask(b"set %s 0 0 1000\r\n%s\r\n" % (name, value))
        want = b"".join(b"VALUE big%d 0 1000\r\n%s\r\n" % (
            n, bytes([65 + n]) * 1000) for n in range(10)) + b"END\r\n"
        self.assertEqual(self.ask(b"get " + b" ".join(names) + b"\r\n"), want)

    def test_what_is_no_request_is_not_answered(self):
        send = self.client.socket.send
        for datagram in (b"", b"\0\7", head(7)[:7], head(7, 1) + b"version\r\n",
                         head(7, 0, 2) + b"version\r\n",
                         head(7, 0, 256) + b"version\r\n", head(7),
                         head(7) + b"set quiet 0 0 1 noreply\r\nx\r\n"):
            send(datagram)
        self.client.send(b"version\r\n")
        self.assertEqual(self.client.socket.recv(100)[:8],
                         head(self.client.number))
        self.client.socket.setblocking(False)
        self.assertRaises(BlockingIOError, self.client.socket.recv, 100)

    def test_several_clients(self):
        clients = [Client(self.address, PATIENCE) for _ in range(30)]
        for n, client in enumerate(clients):
            self.addCleanup(client.close)
            client.send(b"set c%d 0 0 2\r\n%02d\r\nget c%d\r\n" % (n, n, n))
        for n, client in reversed(list(enumerate(clients))):
            self.assertEqual(client.answer(), b"STORED\r\nVALUE c%d 0 2\r\n"
                             b"%02d\r\nEND\r\n" % (n, n))

    def test_a_full_cache_forgets_the_oldest(self):
        value = b"v" * 1000
        for n in range(3000):
            self.assertEqual(self.ask(b"set f%d 0 0 1000\r\n%s\r\n"
                                      % (n, value)), b"STORED\r\n")
        self.assertEqual(self.ask(b"get f0\r\n"), b"END\r\n")
        self.assertEqual(self.ask(b"get f2999\r\n"), b"VALUE f2999 0 1000\r\n"
                         + value + b"\r\nEND\r\n")


class OfItsOwn(unittest.TestCase):
    """What needs a server of its own."""

    def setUp(self):
        if target("KV"):
            self.skipTest("needs a server of its own")

    def start(self, *options):
        """(the server, its port)."""
        server = Process("kv-posix", "-p", "0", *options)
        self.addCleanup(server.stop)
        return int(server.line.split()[2])

    def test_one_socket_for_both_families(self):
        port = self.start()
        for host in ("127.0.0.1", "::1"):
            client = Client((host, port), PATIENCE)
            self.addCleanup(client.close)
            self.assertRegex(client.ask(b"version\r\n"), rb"^VERSION ")

    def test_an_address_of_one_family(self):
        client = Client(("127.0.0.1", self.start("-a", "127.0.0.1")), PATIENCE)
        self.addCleanup(client.close)
        self.assertRegex(client.ask(b"version\r\n"), rb"^VERSION ")

    def test_mistakes(self):
        port = self.start("-a", "127.0.0.1")
        for options, why in ((["-p", str(port), "-a", "127.0.0.1"],
                              "cannot listen: Address already in use"),
                             (["-a", "no such"], "cannot listen: "),
                             (["-m", "0"], "0: no number, or out of range"),
                             (["-m", "9999"], "9999: no number"),
                             (["-m", "x"], "x: no number")):
            status, said = Process("kv-posix", *options).stop()
            self.assertEqual(status, 1, options)
            self.assertIn(f"kv-posix: {why}", said)


if __name__ == "__main__":
    unittest.main()
