# SPDX-License-Identifier: MIT
"""Captures of one application, `./exo pcap`: what it receives and sends, all of
it and nothing of its neighbours'; what is lost is counted; what it took is
given back."""

import base64
import io
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests/minimal"))

from exo import ExoError, mgmt, network, pcap  # noqa: E402  (path first)
from exo.machine import Machine  # noqa: E402
from support import plan  # noqa: E402
from test_demo import free_port  # noqa: E402

LIMIT = 120.0
TWO_ECHOES = """
[[app]]
name = "echo"
image = "echo"
memory = "3M"
address = "10.0.2.20"
ports = ["7/tcp", "7/udp"]
publish = ["{}:7/udp"]

[[app]]
name = "other"
image = "echo"
memory = "3M"
publish = ["{}:7/udp"]

[[app]]
name = "netd"
image = "netd"
address = ["10.0.2.20", "fec0::20"]

# Looks for its neighbour by IPv6 in each of its lives.
[[app]]
name = "seeker"
image = "fetch"
args = ["-t", "1", "http://[fec0::2]:9/"]
address = "fec0::20"
ports = ["80"]
restart = "on-failure"
restarts = 1
may_fail = true

[[app]]
name = "alone"
image = "hello"
"""


def blocks(data):
    """(type, body) of every block of a pcapng file."""
    while data:
        kind, length = struct.unpack_from("<II", data)
        assert struct.unpack_from("<I", data, length - 4)[0] == length
        yield kind, data[8:length - 4]
        data = data[length:]


def options(body):
    """{code: value} of the options of a block."""
    found = {}
    while body:
        code, length = struct.unpack_from("<HH", body)
        found[code] = body[4:4 + length]
        body = body[4 + length + -length % 4:]
    return found


def packets(data):
    """[(time in ns, direction, frame)] of a pcapng file."""
    found = []
    for kind, body in blocks(data):
        if kind == 6:
            _, high, low, kept, length = struct.unpack_from("<IIIII", body)
            assert kept == length
            rest = body[20 + length + -length % 4:]
            way, = struct.unpack("<I", options(rest)[2])
            found.append((high << 32 | low, way, body[20:20 + length]))
    return found


class File(unittest.TestCase):
    def test_a_capture_says_whose_it_is_and_what_it_lacks(self):
        file = io.BytesIO()
        writer = pcap.Writer(file, "web")
        for n in range(5):
            writer.packet(n << 40 | 7, bytes(range(60 + n)), n & 1)
        writer.end(1, 3)
        all_ = list(blocks(file.getvalue()))
        self.assertEqual([kind for kind, _ in all_],
                         [0x0a0d0d0a, 1, *[6] * 5, 5])
        interface = options(all_[1][1][8:])
        self.assertEqual((interface[2], interface[9]), (b"web", b"\x09"))
        self.assertEqual(packets(file.getvalue()),
                         [(n << 40 | 7, 1 + (n & 1), bytes(range(60 + n)))
                          for n in range(5)])
        counts = options(all_[-1][1][12:])
        self.assertEqual(struct.unpack("<Q", counts[5]), (3,))
        self.assertEqual(struct.unpack("<Q", counts[4]), (8,))


class Capture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ports = [free_port(socket.SOCK_DGRAM) for _ in range(2)]
        machine = plan(TWO_ECHOES.format(*cls.ports))
        card = network.Card(machine.net, machine.apps)
        cls.name = f"pcap-{cls.ports[0]}"
        cls.m = Machine(machine.modules(), name=cls.name, card=card)
        cls.addClassCleanup(cls.m.close)
        cls.m.start()
        for line in cls.m.lines(LIMIT):
            if line.startswith("init | start alone"):
                break
        mgmt.request(cls.m.directory, "pcap netd", LIMIT)
        for line in cls.m.lines(LIMIT):
            if "seeker was restarted 1 times, that was the last" in line:
                break
        cls.m.drain()
        _, *cls.first = mgmt.request(cls.m.directory, "packets", LIMIT)
        for port in cls.ports:
            cls.ask(port, b"are you there?")

    @classmethod
    def ask(cls, port, text):
        """Sends a datagram until it comes back."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(2)
            for _ in range(int(LIMIT / 2)):
                s.sendto(text, ("127.0.0.1", port))
                try:
                    if s.recv(2048) == text:
                        return
                except TimeoutError:
                    continue
        raise AssertionError("no echo came back")

    def request(self, verb):
        return mgmt.request(self.m.directory, verb, LIMIT)

    def frames(self):
        """(lost, frames) since the last time."""
        head, *rest = self.request("packets")
        return head["lost"], [(f["sent"], base64.b64decode(f["data"]))
                              for f in rest]

    def pages(self):
        rows = self.request("top")
        return next(r["pages_used"] for r in rows if r["app"] == "init")

    def test_both_directions_and_nothing_of_a_neighbour(self):
        self.request("pcap echo")
        self.ask(self.ports[0], b"for echo")
        self.ask(self.ports[1], b"for the other")
        lost, frames = self.frames()
        self.request("pcap")
        self.assertEqual(lost, 0)
        ways = {sent for sent, frame in frames if frame.endswith(b"for echo")
                or b"for echo" in frame}
        self.assertEqual(ways, {0, 1}, frames)
        self.assertFalse([f for _, f in frames if b"the other" in f])

    def test_who_owns_an_address_has_all_of_it(self):
        self.request("pcap netd")
        self.ask(self.ports[0], b"for echo")
        _, frames = self.frames()
        self.request("pcap")
        self.assertEqual({sent for sent, frame in frames
                          if b"for echo" in frame}, {0, 1})

    def test_no_frame_is_there_twice(self):
        asks = [f for f in self.first
                if base64.b64decode(f["data"])[54:55] == b"\x87"]
        self.assertTrue(asks, self.first)  # of those who share
        last = {}  # nothing is sent again within a millisecond
        for f in self.first:
            what = f["sent"], f["data"]
            self.assertGreater(f["t_ns"], last.get(what, 0) + 1000000, f)
            last[what] = f["t_ns"]

    def test_what_is_lost_is_counted(self):
        self.request("pcap echo")
        for n in range(150):
            self.ask(self.ports[0], b"%d" % n)
        lost, frames = self.frames()
        self.request("pcap")
        self.assertEqual(len(frames), 128)
        self.assertGreaterEqual(lost + len(frames), 300)

    def test_a_capture_gives_back_what_it_took(self):
        self.request("pcap echo")
        self.request("pcap")
        before = self.pages()
        for _ in range(20):
            self.request("pcap echo")
            self.request("pcap other")
            self.request("pcap")
        self.assertEqual(self.pages(), before)

    def test_what_cannot_be_captured_is_said(self):
        for verb, said in (("pcap alone", "has no address"),
                           ("pcap init", "no address of its own"),
                           ("pcap nobody", "no application of that name"),
                           ("packets", "there is no capture")):
            with self.assertRaises(ExoError) as caught:
                self.request(verb)
            self.assertIn(said, str(caught.exception))

    def test_the_command_writes_a_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "echo.pcapng"
            with subprocess.Popen(
                    [sys.executable, str(ROOT / "exo"), "pcap", "echo", "-o",
                     str(path), "--name", self.name],
                    stderr=subprocess.PIPE, text=True) as command:
                said = command.stderr.readline()
                self.assertIn("Ctrl-C ends it", said)
                self.ask(self.ports[0], b"to be kept")
                command.send_signal(2)
                rest = command.communicate(timeout=LIMIT)[1]
            self.assertRegex(rest, r"\d+ packets, 0 lost")
            found = packets(path.read_bytes())
        ways = {way for _, way, frame in found if b"to be kept" in frame}
        self.assertEqual(ways, {1, 2}, found)
        times = [time for time, _, _ in found]
        self.assertEqual(times, sorted(times))


if __name__ == "__main__":
    unittest.main()
