# SPDX-License-Identifier: MIT
"""Several applications on one card: who gets what, who answers for what, what
stays inside the machine, and what one does to the others."""

import http.server
import pathlib
import random
import re
import socket
import tempfile
import threading
import unittest

import injector as net
from injector import Wire
from machines import GATEWAY, LIMIT, MAC, ROOT, Running, free_port

from memcached import Client, head  # noqa: E402  (of tests/apps)

PEER = "10.0.2.9", "fec0::9"
SHARED = "10.0.2.20"
ME = net.HOST_MAC, MAC


def is_question(p):
    """Who has our address?"""
    return p.get("arp", {}).get("operation") == 1 and \
        p["arp"]["target_ip"] == net.ip(PEER[0])


class Asks(unittest.TestCase):
    """Talking to a machine frame by frame."""

    def answer(self, frame, wanted, tries=5):
        """What comes back on a frame. UDP and pings may be lost when the
        machine is busy, so it is sent again. Who asks for our address is
        told."""
        for _ in range(tries):
            self.wire.send(frame)
            while found := self.wire.receive(
                    lambda p: wanted(p) or is_question(p), LIMIT / tries):
                if wanted(found):
                    return found
                self.wire.send(net.arp_reply(net.HOST_MAC, PEER[0], MAC,
                                             found["arp"]["sender_ip"]))
        raise AssertionError(f"no answer\n{self.m}")

    def ask_kv(self, address, text, number=1):
        """kv's answer in one datagram."""
        peer = PEER[":" in address]
        found = self.answer(
            net.udp_frame(ME, (peer, address), (4000 + number, 11211),
                          head(number) + text),
            lambda p: p.get("udp", {}).get("dport") == 4000 + number)
        self.assertTrue(found["udp"]["good"])
        return found["udp"]["payload"][8:]

    def syn(self, address, port, sport=5000):
        """Flags of the answer to the beginning of a connection."""
        found = self.answer(
            net.tcp_frame(ME, (PEER[0], address), (sport, port), net.SYN,
                          seq=7),
            lambda p: p.get("tcp", {}).get("dport") == sport)
        self.assertEqual(found["ipv4"]["source"], net.ip(address))
        return found["tcp"]["flags"]


class Shared(Asks):
    """httpd and kv have ports of one address, and netd the rest."""
    MANIFEST = """
[[app]]
name = "answers"
image = "netd"
address = "10.0.2.20"

[[app]]
name = "web"
image = "httpd"
memory = { reserved = "8M", limit = "8M" }
address = "10.0.2.20"
ports = ["80"]

[[app]]
name = "kv"
image = "kv"
memory = { reserved = "2M", limit = "2M" }
address = "10.0.2.20"
ports = ["11211/udp"]
"""

    @classmethod
    def setUpClass(cls):
        cls.wire = cls.enterClassContext(Wire())
        cls.m = cls.enterClassContext(Running(cls.MANIFEST, wire=cls.wire))
        cls.m.expect(r"web \| .*http://.*")
        cls.m.expect(r"kv \| .*")
        cls.m.expect(r"answers \| netd: answers for 10\.0\.2\.20")

    def setUp(self):
        self.wire.drain()

    def test_who_has_it(self):
        found = self.answer(
            net.arp_request(net.HOST_MAC, PEER[0], SHARED),
            lambda p: p.get("arp", {}).get("operation") == 2)
        self.assertEqual(found["arp"]["sender_mac"], net.mac(MAC))
        self.assertEqual(found["arp"]["sender_ip"], net.ip(SHARED))

    def test_a_ping_comes_back_once(self):
        found = self.answer(
            net.ping_frame(ME, (PEER[0], SHARED), 9, 1, b"payload" * 50),
            lambda p: p.get("icmp", {}).get("kind") == 0)
        self.assertEqual(found["icmp"]["body"][4:], b"payload" * 50)
        self.assertTrue(found["icmp"]["good"])

    def test_each_gets_its_ports(self):
        self.assertEqual(self.ask_kv(SHARED, b"version\r\n")[:7], b"VERSION")
        self.assertEqual(self.syn(SHARED, 80), net.SYN | net.ACK)

    def test_others_are_refused(self):
        self.assertTrue(self.syn(SHARED, 81) & net.RST)
        self.assertTrue(self.syn(SHARED, 11211) & net.RST)  # UDP it is
        found = self.answer(
            net.udp_frame(ME, (PEER[0], SHARED), (4000, 80), b"x"),
            lambda p: p.get("icmp", {}).get("kind") == 3)
        self.assertEqual(found["icmp"]["code"], 3)


class Separate(Asks):
    """kv and echo have an address each."""
    ADDRESSES = "10.0.2.15", "10.0.2.16"
    MANIFEST = """
[[app]]
name = "echo"
image = "echo"
memory = { reserved = "4M", limit = "4M" }
address = ["10.0.2.15", "fec0::15"]

[[app]]
name = "kv"
image = "kv"
memory = { reserved = "2M", limit = "2M" }
address = ["10.0.2.16", "fec0::16"]
"""

    @classmethod
    def setUpClass(cls):
        cls.wire = cls.enterClassContext(Wire())
        cls.m = cls.enterClassContext(Running(cls.MANIFEST, wire=cls.wire))
        cls.m.expect(r"echo \| .*")
        cls.m.expect(r"kv \| .*")

    def setUp(self):
        self.wire.drain()

    def test_neighbours_are_answered(self):
        for target in ("fec0::15", "fec0::16"):
            found = self.answer(
                net.neighbor_solicitation(net.HOST_MAC, PEER[1], target),
                lambda p: p.get("icmpv6", {}).get("kind") == 136)
            self.assertEqual(found["ipv6"]["source"], net.ip(target))
            self.assertTrue(found["icmpv6"]["good"])

    def test_kv_answers_over_ipv6(self):
        self.assertEqual(self.ask_kv("fec0::16", b"version\r\n")[:7],
                         b"VERSION")

    def test_pings_are_answered(self):
        for target in self.ADDRESSES:
            found = self.answer(
                net.ping_frame(ME, (PEER[0], target), 9, 1, b"x" * 56),
                lambda p: p.get("icmp", {}).get("kind") == 0)
            self.assertEqual(found["ipv4"]["source"], net.ip(target))

    def test_frames_that_are_none_do_no_harm(self):
        good = [net.udp_frame(ME, (PEER[0], "10.0.2.16"), (4000, 11211),
                              head(1) + b"get a\r\n"),
                net.tcp_frame(ME, (PEER[0], "10.0.2.15"), (4001, 7), net.SYN),
                net.ping_frame(ME, PEER[1:] + ("fec0::15",), 1, 1, b"x" * 30),
                net.arp_request(net.HOST_MAC, PEER[0], "10.0.2.15")]
        rng = random.Random(1)
        for n in range(2000):
            frame = bytearray(good[n % len(good)])
            for _ in range(rng.randrange(1, 6)):
                frame[rng.randrange(12, len(frame))] = rng.randrange(256)
            cut = rng.randrange(1, len(frame) + 1)  # 0 unplugs QEMU's end
            self.wire.send(bytes(frame[:cut] if n % 3 == 0 else frame))
            if n % 100 == 0:
                self.wire.send(bytes(frame) + b"\0" * 9000)
                self.wire.drain()
        self.wire.drain()
        self.assertEqual(self.ask_kv("10.0.2.16", b"version\r\n")[:7],
                         b"VERSION")
        self.assertEqual(self.syn("10.0.2.15", 7, 6000), net.SYN | net.ACK)
        self.assertEqual([app["state"] for app in self.m.ask("ps")],
                         ["running"] * 2)

    def test_a_flood_of_one_leaves_the_other_its_answers(self):
        flood = net.udp_frame(ME, (PEER[0], "10.0.2.15"), (4000, 7),
                              b"f" * 64)
        served = 0
        for number in range(1, 101):
            for _ in range(20):
                self.wire.send(flood)
            self.assertEqual(
                self.ask_kv("10.0.2.16", b"version\r\n", number)[:7],
                b"VERSION")
            served += 1
        self.assertEqual(served, 100)
        self.wire.drain()


class Inside(unittest.TestCase):
    """What two applications have to say to each other."""

    def test_does_not_touch_the_card(self):
        with tempfile.TemporaryDirectory() as site, Wire() as wire, \
                Running(f"""
[[app]]
name = "web"
image = "httpd"
args = ["-r", "/", "-p", "80"]
memory = {{ reserved = "8M", limit = "8M" }}
files = "{site}"
address = "10.0.2.15"
background = true

[[app]]
name = "get"
image = "fetch"
args = ["http://10.0.2.15/status.json"]
memory = {{ reserved = "4M", limit = "4M" }}
address = "10.0.2.16"
restart = "on-failure"
restarts = 20
""", wire=wire) as m:
            text = m.expect(r'get \| "network":(.*)')[1]
            self.assertEqual((m.ended().kind, m.end.status), ("off", 0), m)
            self.assertGreater(int(re.search(r'"local":(\d+)', text)[1]), 4)
            crossed = wire.receive(lambda p: "ipv4" in p, 0.5)
            self.assertIsNone(crossed)


class Outside(unittest.TestCase):
    """What fetch gets from a server of this host, at the gateway's address."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            text = b"text of this host\n" if self.path == "/text" else b""
            self.send_response(200 if text else 404)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    def test_by_number_and_by_name(self):
        server = self.enterContext(http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), self.Answers))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        files = self.enterContext(tempfile.TemporaryDirectory())
        (pathlib.Path(files) / "etc").mkdir()
        (pathlib.Path(files) / "etc/hosts").write_text(f"{GATEWAY} here\n")
        port = server.server_address[1]
        urls = {"number": f"{GATEWAY}:{port}/text", "name": f"here:{port}/text",
                "missing": f"here:{port}/none", "nobody": f"{GATEWAY}:1/"}
        text = "".join(f"""
[[app]]
name = "{name}"
image = "fetch"
args = ["http://{url}"]
files = "{files}"
address = "auto"
may_fail = true
""" for name, url in urls.items())
        with Running(text) as m:
            self.assertEqual(m.ended().kind, "off", m)
        for name, status in (("number", 0), ("name", 0), ("missing", 8),
                             ("nobody", 4)):
            self.assertIn(f"init | {name} ended with status {status}", m.lines)
            self.assertEqual(m.lines.count(f"{name} | text of this host"),
                             status == 0, m)


class Kv(unittest.TestCase):
    """A cache whose memory is asked back, asked from this host."""

    @classmethod
    def setUpClass(cls):
        cls.port = free_port(socket.SOCK_DGRAM)
        cls.m = cls.enterClassContext(Running(f"""
[machine]
memory = "32M"

[[app]]
name = "kv"
image = "kv"
memory = {{ reserved = "1M", limit = "28M" }}
publish = ["{cls.port}:11211/udp"]
background = true

[[app]]
name = "taker"
image = "{ROOT}/build/tests/exos/programs/pressure"
args = ["take", "12", "500000"]
memory = "16M"
restart = "always"
""", mem="32M"))
        cls.m.expect(r"kv \| .*")

    def test_memory_goes_back_to_whom_it_was_promised(self):
        client = Client(("127.0.0.1", self.port), LIMIT / 5)
        self.addCleanup(client.close)
        value = b"v" * 1000
        most = n = 0
        for first in range(0, 12000, 1000):
            for n in range(first, first + 1000):
                client.ask(b"set k%d 0 0 1000\r\n%s\r\n" % (n, value))
            most = max(most, self.m.app("kv")["pages_used"])
        self.m.expect(r"taker \| took all", len(self.m.lines))
        self.assertLess(self.m.app("kv")["pages_used"], most)
        last = b"k%d" % n
        self.assertEqual(client.ask(b"get " + last + b"\r\n"), b"VALUE " + last
                         + b" 0 1000\r\n" + value + b"\r\nEND\r\n")
        self.assertEqual(self.m.app("kv")["restarts"], 0)


if __name__ == "__main__":
    unittest.main()
