# SPDX-License-Identifier: MIT
"""Applications that die with packets on their way, and who is beside them."""

import contextlib
import socket
import unittest

from machines import LIMIT, ROOT, Running, free_port

LIVES = 4


class Death(unittest.TestCase):
    """A server on exos that dies at a word, echo beside it, and neighbours
    that crash and hoard."""

    @classmethod
    def setUpClass(cls):
        cls.port, cls.echo = free_port(), free_port()
        cls.m = cls.enterClassContext(Running(f"""
[[app]]
name = "fragile"
image = "{ROOT}/build/tests/exos/programs/fragile"
memory = "8M"
restart = "on-failure"
publish = ["{cls.port}:7"]

[[app]]
name = "echo"
image = "echo"
memory = "8M"
publish = ["{cls.echo}:7"]

[[app]]
name = "crasher"
image = "crasher"
restart = "on-failure"
restarts = 2
may_fail = true

[[app]]
name = "hoarder"
image = "hoarder"
args = ["4"]
memory = {{ reserved = "512K", limit = "60M" }}
may_fail = true
""", smp=2))
        cls.m.expect(r"fragile \| serves")
        cls.m.expect(r"echo \| .*")

    def connect(self, port):
        return socket.create_connection(("127.0.0.1", port), LIMIT)

    def works(self):
        """It answers, from its first byte on."""
        with self.connect(self.port) as s:
            s.sendall(b"hello\n")
            self.assertEqual(s.recv(1), b"b")

    def die(self):
        """Twenty clients are being answered, and one says the word. Nobody
        tells them: the new life knows nothing of them."""
        said = len(self.m.lines)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(self.connect(self.port))
                       for _ in range(20)]
            for s in clients:
                s.sendall(b"hello\n")
            clients[7].sendall(b"die\n")
            self.m.expect(r"init \| mortem end fragile", said)
        self.m.expect(r"fragile \| serves", said)

    def test_it_comes_back_and_takes_nothing_with_it(self):
        with self.connect(self.echo) as beside:
            for life in range(LIVES):
                self.works()
                self.die()
                beside.sendall(b"still here")
                self.assertEqual(beside.recv(100), b"still here")
            self.works()
        self.assertEqual(self.m.app("fragile")["restarts"], LIVES)
        self.assertEqual(self.m.app("echo")["restarts"], 0)
        self.m.until(lambda: self.m.unaccounted() == 0)


if __name__ == "__main__":
    unittest.main()
