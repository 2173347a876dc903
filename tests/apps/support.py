# SPDX-License-Identifier: MIT
"""What the tests of the network applications share.

A test speaks to a host and port. Usually that is a server of its own, built
with sanitizers and started on a free port of 127.0.0.1. With HTTPD=HOST:PORT
(or ECHO=HOST:PORT) in the environment it is one that runs already, wherever
that is; it must serve what site_files.py makes, with its default options. Tests
that need other options, or look at the server's process, are skipped then.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest

import site_files as site

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/native-san"
PATIENCE = 60.0  # seconds; the host may be busy


def target(name):
    """(host, port) that the environment names, or None."""
    text = os.environ.get(name)
    if not text:
        return None
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


@dataclasses.dataclass
class Response:
    """A whole answer."""
    status: int
    fields: dict
    body: bytes

    def __getitem__(self, name):
        return self.fields[name]

    def get(self, name):
        return self.fields.get(name)


class Wire:
    """A connection on which bytes are sent as they are, and answers are read
    strictly. After an answer nothing of it is left unread."""

    def __init__(self, address, receive_bytes=0):
        self.socket = socket.socket(
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket.settimeout(PATIENCE)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   receive_bytes)
        self.socket.connect(address)
        self._have = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1")
                            if isinstance(data, str) else data)

    def _more(self):
        data = self.socket.recv(65536)
        self._have += data
        return bool(data)

    def _line(self):
        while b"\r\n" not in self._have:
            if not self._more():
                raise EOFError(f"ended after {self._have[:80]!r}")
        line, _, self._have = self._have.partition(b"\r\n")
        return line.decode("latin-1")

    def _bytes(self, count):
        pieces, got = [self._have], len(self._have)
        while got < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(f"ended {count - got} bytes early")
            pieces.append(data)
            got += len(data)
        data = b"".join(pieces)
        self._have = data[count:]
        return data[:count]

    def answer(self, method="GET"):
        """The next answer."""
        line = self._line()
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [ -~]+", line)
        if not match:
            raise ValueError(f"no status line: {line[:80]!r}")
        status, fields = int(match[1]), {}
        while line := self._line():
            match = re.fullmatch(r"([A-Za-z-]+): ([ -~]*)", line)
            if not match or match[1].lower() in fields:
                raise ValueError(f"field: {line[:80]!r}")
            fields[match[1].lower()] = match[2]
        if not re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT",
                            fields.get("date", "")):
            raise ValueError(f"date: {fields}")
        bare = method == "HEAD" or status in (204, 304)
        body = b"" if bare else self._bytes(int(fields["content-length"]))
        return Response(status, fields, body)

    def ended(self):
        """Nothing but the end comes."""
        return not self._have and not self._more()

    def ask(self, method, path, *fields, version="1.1"):
        """A request and its answer."""
        self.send(request(method, path, *fields, version=version))
        return self.answer(method)


def request(method, path, *fields, version="1.1"):
    """The head of a request. fields: lines, without ends."""
    lines = [f"{method} {path} HTTP/{version}", "Host: test", *fields]
    return "\r\n".join(lines) + "\r\n\r\n"


class Process:
    """A server of our own, in a directory of its own."""

    def __init__(self, name, *options, build=BUILD):
        self._out = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [build / name, *options], stdout=subprocess.PIPE,
            stderr=self._out, stdin=subprocess.DEVNULL)
        self.pid = self._process.pid
        self.line = self._process.stdout.readline().decode()

    def stop(self):
        """Asks it to end. Result: its status, and what it said to stderr."""
        self._process.terminate()
        try:
            status = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._process.stdout.close()
        self._out.seek(0)
        said = self._out.read().decode(errors="replace")
        self._out.close()
        return status, said

    def private_kib(self):
        """Memory that is its alone."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return sum(int(n) for n in re.findall(
            r"Private_(?:Clean|Dirty): +(\d+)", text))


class Asked(unittest.TestCase):
    """Tests that ask one server: the one that the variable WHERE names, else
    the program COMMAND, which says its port."""
    WHERE, COMMAND = "", ()

    @classmethod
    def setUpClass(cls):
        cls.server, cls.address = None, target(cls.WHERE)
        if not cls.address:
            cls.server = Process(*cls.COMMAND)
            cls.address = "127.0.0.1", int(
                re.search(r"port (\d+)", cls.server.line)[1])

    @classmethod
    def tearDownClass(cls):
        if cls.server:
            _, said = cls.server.stop()
            if said:  # a sanitizer's finding
                raise AssertionError(f"{cls.COMMAND[0]} said {said[:4000]}")


class Served(unittest.TestCase):
    """Tests that ask an httpd. A class may have OPTIONS of its own, or OWN set
    because it needs to see the server's files or process."""
    OPTIONS = ()
    OWN = False

    @classmethod
    def setUpClass(cls):
        cls.server = None
        cls.address = target("HTTPD")
        if cls.address:
            if cls.OPTIONS or cls.OWN:
                raise unittest.SkipTest("needs a server of its own")
            return
        cls._holder = tempfile.TemporaryDirectory(prefix="httpd-")
        cls.root = pathlib.Path(cls._holder.name) / "site"
        site.make(cls.root)
        cls.server = Process("httpd", "-r", cls.root, "-p", "0", "-a",
                             "127.0.0.1", *cls.OPTIONS)
        match = re.search(r"http://([\d.]+):(\d+)/", cls.server.line)
        if not match:
            raise RuntimeError(f"httpd: {cls.server.stop()}")
        cls.address = match[1], int(match[2])

    @classmethod
    def tearDownClass(cls):
        if not cls.server:
            return
        status, said = cls.server.stop()
        cls._holder.cleanup()
        if status or said:  # a sanitizer's finding, or a leak
            raise AssertionError(f"httpd ended with {status}: {said[:4000]}")

    def wire(self, **options):
        """A connection that ends with the test."""
        wire = Wire(self.address, **options)
        self.addCleanup(wire.socket.close)
        return wire

    def ask(self, method, path, *fields, version="1.1"):
        """A request on a connection of its own."""
        with Wire(self.address) as wire:
            return wire.ask(method, path, *fields, version=version)

    def get(self, path, *fields):
        return self.ask("GET", path, *fields)

    def raw(self, data):
        """Status of the answer to these bytes. After an error the connection
        must be over; no second answer may come."""
        with Wire(self.address) as wire:
            wire.send(data)
            status = wire.answer().status
            self.assertTrue(wire.ended(), "the connection goes on")
        return status

    def alive(self):
        """Others are served."""
        self.assertEqual(self.get("/digits.txt").body,
                         site.FILES["digits.txt"])


@contextlib.contextmanager
def many(address, count):
    """Connections that are open at the same time."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Wire(address)) for _ in range(count)]
