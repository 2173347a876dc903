# SPDX-License-Identifier: MIT
"""Applications at a cable that loses, doubles and reorders frames, or brings
what is no frame. This system's own TCP/IP is at the other end."""

import random
import unittest

import injector as net
from cable import Cable, enter_namespace, exchange
from injector import Wire
from machines import LIMIT, Running

ECHO, ECHO6 = "10.0.2.15", "fec0::15"
MANIFEST = """
[[app]]
name = "echo"
image = "echo"
memory = { reserved = "8M", limit = "8M" }
address = ["10.0.2.15", "fec0::15"]

[[app]]
name = "kv"
image = "kv"
memory = { reserved = "2M", limit = "4M" }
address = ["10.0.2.16", "fec0::16"]
"""
DATA = random.Random(1).randbytes(1 << 20)


def setUpModule():
    enter_namespace()


class Wired(unittest.TestCase):
    """A machine at a wire."""

    @classmethod
    def setUpClass(cls):
        cls.wire = cls.enterClassContext(Wire())
        cls.m = cls.enterClassContext(Running(MANIFEST, wire=cls.wire))
        cls.m.expect(r"echo \| .*")
        cls.m.expect(r"kv \| .*")

    def tearDown(self):
        self.assertIsNone(self.m.end, self.m)
        self.assertEqual([app["restarts"] for app in self.m.ask("ps")], [0, 0])


class BadCable(Wired):
    """What arrives is what was sent."""

    def through(self, address, **faults):
        with Cable(self.wire, **faults) as cable:
            self.assertEqual(exchange(address, DATA, LIMIT), DATA)
        return cable

    def test_a_good_one(self):
        self.through((ECHO, 7))
        self.through((ECHO6, 7))

    def test_loss(self):
        cable = self.through((ECHO, 7), drop=0.05)
        self.assertGreater(cable.here.dropped, 10)
        self.assertGreater(cable.there.dropped, 10)

    def test_loss_in_ipv6(self):
        self.through((ECHO6, 7), drop=0.05)

    def test_frames_that_come_twice(self):
        cable = self.through((ECHO, 7), double=0.2)
        self.assertGreater(cable.there.doubled, 10)

    def test_frames_out_of_order(self):
        cable = self.through((ECHO, 7), reorder=0.2)
        self.assertGreater(cable.there.reordered, 10)

    def test_all_of_it(self):
        self.through((ECHO, 7), drop=0.03, double=0.05, reorder=0.1)


class Neighbours(Wired):
    """Who asks frame by frame where echo is."""

    def solicit(self, sender_mac, frame=None):
        """Hardware address the answer to a solicitation goes to."""
        self.wire.drain()
        self.wire.send(frame or net.neighbor_solicitation(
            sender_mac, "fec0::9", ECHO6))
        found = self.wire.receive(
            lambda p: p.get("icmpv6", {}).get("kind") == 136, LIMIT)
        self.assertIsNotNone(found, self.m)
        return found["destination"].hex(":")

    def test_one_that_moved_is_answered_where_it_is(self):
        first, second = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
        for at in first, second, first:
            self.assertEqual(self.solicit(at), at)

    def test_another_option_moves_nobody(self):
        at, elsewhere = "02:00:00:00:00:0c", "02:00:00:00:00:0d"
        self.assertEqual(self.solicit(at), at)
        frame = net.neighbor_solicitation(elsewhere, "fec0::9", ECHO6,
                                          option=14)
        self.assertEqual(self.solicit(at, frame), at)


if __name__ == "__main__":
    unittest.main()
