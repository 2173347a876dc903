# SPDX-License-Identifier: MIT
"""A client of memcached's text protocol over UDP, for tests of kv."""

import socket


def head(number, piece=0, pieces=1):
    """What stands in front of a datagram's text."""
    return b"".join(n.to_bytes(2, "big") for n in (number, piece, pieces, 0))


class Client:
    """Asks a server at (host, port), and waits so many seconds for it."""

    def __init__(self, address, patience):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(patience)
        self.socket.connect(address)
        self.number = 0

    def close(self):
        """Nothing more is asked."""
        self.socket.close()

    def send(self, text):
        """A request in one datagram, with a number of its own."""
        self.number += 1
        self.socket.send(head(self.number) + text)

    def answer(self):
        """The whole answer to the last request, of however many datagrams."""
        parts, total = {}, None
        while total is None or len(parts) < total:
            data = self.socket.recv(65536)
            if int.from_bytes(data[:2], "big") != self.number:
                continue
            total = int.from_bytes(data[4:6], "big")
            parts[int.from_bytes(data[2:4], "big")] = data[8:]
        return b"".join(parts[n] for n in range(total))

    def ask(self, text):
        """A request and its answer."""
        self.send(text)
        return self.answer()
