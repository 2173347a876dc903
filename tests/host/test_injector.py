# SPDX-License-Identifier: MIT
"""The packets that network tests send, and how they read those that come."""

import os
import socket
import sys
import unittest

import support

sys.path.insert(0, str(support.ROOT / "tests/net"))
import injector as net  # noqa: E402  (the path must come first)

MACS = ("02:00:00:00:00:01", "52:54:00:12:34:56")
FOUR = ("10.0.2.2", "10.0.2.15")
SIX = ("fe80::1", "fe80::2")


class Packets(unittest.TestCase):
    def test_udp_is_read_as_it_was_built(self):
        for addresses in (FOUR, SIX):
            for size in (0, 1, 7, 1000):
                payload = bytes(range(256)) * 4
                found = net.parse(net.udp_frame(
                    MACS, addresses, (1234, 80), payload[:size]))
                self.assertEqual(found["source"], net.mac(MACS[0]))
                self.assertEqual(found["udp"]["dport"], 80)
                self.assertEqual(found["udp"]["payload"], payload[:size])
                self.assertTrue(found["udp"]["good"])

    def test_tcp_is_read_as_it_was_built(self):
        for addresses in (FOUR, SIX):
            found = net.parse(net.tcp_frame(
                MACS, addresses, (1, 2), net.SYN | net.ACK, seq=7, ack=8,
                options=b"\2\4\5\xb4", payload=b"odd"))["tcp"]
            self.assertEqual((found["seq"], found["ack"], found["flags"]),
                             (7, 8, 18))
            self.assertEqual(found["options"], b"\2\4\5\xb4")
            self.assertEqual(found["payload"], b"odd")
            self.assertTrue(found["good"])

    def test_wrong_checksums_are_seen(self):
        for addresses in (FOUR, SIX):
            frame = net.udp_frame(MACS, addresses, (1, 2), b"x",
                                  wrong_sum=True)
            self.assertFalse(net.parse(frame)["udp"]["good"])
            frame = net.tcp_frame(MACS, addresses, (1, 2), net.RST,
                                  wrong_sum=True)
            self.assertFalse(net.parse(frame)["tcp"]["good"])

    def test_a_known_packet_has_its_known_checksum(self):
        # The example of [RFC 1071, 3].
        self.assertEqual(net.checksum(bytes.fromhex("0001f203f4f5f6f7")),
                         ~0xddf2 & 0xffff)

    def test_pings_and_neighbours(self):
        found = net.parse(net.ping_frame(MACS, FOUR, 5, 6, b"abc"))
        self.assertEqual(found["icmp"]["kind"], 8)
        self.assertTrue(found["icmp"]["good"] and found["ipv4"]["good"])
        found = net.parse(net.ping_frame(MACS, SIX, 5, 6, b"abc"))
        self.assertEqual(found["icmpv6"]["kind"], 128)
        self.assertTrue(found["icmpv6"]["good"])
        found = net.parse(net.neighbor_solicitation(MACS[0], *SIX))
        self.assertEqual(found["destination"], b"\x33\x33\xff\0\0\2")
        self.assertEqual(found["icmpv6"]["kind"], 135)
        self.assertTrue(found["icmpv6"]["good"])
        found = net.parse(net.neighbor_advertisement(
            MACS[0], SIX[0], MACS[1], SIX[1]))
        self.assertTrue(found["icmpv6"]["good"])

    def test_arp(self):
        found = net.parse(net.arp_request(MACS[0], *FOUR))["arp"]
        self.assertEqual(found["operation"], 1)
        self.assertEqual(found["target_ip"], net.ip(FOUR[1]))
        found = net.parse(net.arp_reply(MACS[1], FOUR[1], MACS[0], FOUR[0]))
        self.assertEqual(found["arp"]["sender_mac"], net.mac(MACS[1]))

    def test_fragments_have_no_transport_after_the_first(self):
        part = net.ipv4(*FOUR, net.UDP, b"12345678", fragment=8, more=True)
        found = net.parse(net.ethernet(*MACS, net.IPV4, part))
        self.assertEqual(found["ipv4"]["fragment"], 8)
        self.assertTrue(found["ipv4"]["more"])
        self.assertNotIn("udp", found)

    def test_pieces_of_frames_do_not_stop_the_reader(self):
        for frame in (net.udp_frame(MACS, FOUR, (1, 2), b"x" * 9),
                      net.tcp_frame(MACS, SIX, (1, 2), net.SYN),
                      net.arp_request(MACS[0], *FOUR)):
            for size in range(len(frame)):
                net.parse(frame[:size])


class Cable(unittest.TestCase):
    """A wire whose other end is ours too."""

    def setUp(self):
        self.wire = net.Wire()
        self.addCleanup(self.wire.close)
        argument = self.wire.netdev()[1]
        there, here = (argument.split(f"{side}.path=")[1].split(",")[0]
                       for side in ("local", "remote"))
        self.there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.there.close)
        self.there.bind(there)
        self.there.setblocking(False)
        self.here = here

    def taken(self):
        found = []
        try:
            while True:
                found.append(self.there.recv(2000))
        except BlockingIOError:
            return found

    def test_frames_pass_both_ways(self):
        self.wire.send(b"out")
        self.assertEqual(self.taken(), [b"out"])
        self.there.sendto(net.arp_request(MACS[1], *FOUR), self.here)
        self.there.sendto(net.ping_frame(MACS, FOUR, 1, 2), self.here)
        self.assertIn("icmp", self.wire.receive(lambda p: "icmp" in p))
        self.assertEqual(self.wire.drain(), 0)

    def test_faults_are_those_of_their_seed(self):
        def lossy(seed):
            faults = net.Faults(self.wire, seed, drop=.2, double=.2,
                                reorder=.3)
            got = []
            for i in range(100):
                faults.send(b"%d" % i)
                got += self.taken()
            faults.flush()
            return got + self.taken(), faults
        first, faults = lossy(1)
        self.assertEqual(first, lossy(1)[0])
        self.assertNotEqual(first, lossy(2)[0])
        self.assertEqual(len(first), 100 - faults.dropped + faults.doubled)
        self.assertEqual(len(set(first)), 100 - faults.dropped)
        numbers = [int(each) for each in first]
        self.assertNotEqual(numbers, sorted(numbers))

    def test_a_wire_leaves_nothing_behind(self):
        wire = net.Wire("other")
        place = os.path.dirname(wire.netdev()[1].split("path=")[1].split(
            ",")[0])
        wire.close()
        self.assertFalse(os.path.exists(place))


if __name__ == "__main__":
    unittest.main()
