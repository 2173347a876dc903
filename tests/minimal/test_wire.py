# SPDX-License-Identifier: MIT
"""Every way to reach a network card, with a router of ours at its cable.

The image is tests/kernel/card: it meets the router at 10.0.2.2, sends and
receives. The router answers as QEMU's own does, checks what it is sent, and
puts frames on the cable beside its answers that are for nobody, too long, or
no frames at all.
"""

import random
import sys
import threading
import unittest

import support

sys.path.insert(0, str(support.ROOT / "tests/net"))
import injector as net  # noqa: E402  (the path must come first)

MACHINE = net.mac("52:54:00:12:34:56")
ROUTER = net.mac("52:55:0a:00:02:02")
HERE = net.ip("10.0.2.2")
NOBODYS = 0x88b5  # an EtherType for experiments
SILENCE = 60.0


class Router(threading.Thread):
    """Answers ARP, pings and BOOTP, until the wire is closed. `wrong` lists
    what it met that a card must not do."""

    def __init__(self, wire, seed):
        super().__init__(daemon=True)
        self._wire, self._random = wire, random.Random(seed)
        self.seen, self.wrong = 0, []
        self._ended = threading.Event()

    def stop(self):
        """Wait until it looks at the wire no more."""
        self._ended.set()
        self.join()

    def run(self):
        while not self._ended.is_set():
            frame = self._wire.receive_frame(0.1)
            if frame is None:
                continue
            self.seen += 1
            if answer := self._answer(frame, net.parse(frame)):
                for each in (self._noise(), answer):
                    self._put(each)

    def _put(self, frame):
        try:
            self._wire.send(frame)
        except TimeoutError:
            pass  # the machine has ended

    def _noise(self):
        kind = self._random.randrange(4)
        data = self._random.randbytes(self._random.randrange(46, 1500))
        if kind == 0:  # not for this machine
            return net.ethernet("52:54:00:00:00:99", ROUTER, NOBODYS, data)
        if kind == 1:  # of a protocol that nobody has a filter for
            return net.ethernet(MACHINE, ROUTER, NOBODYS, data)
        if kind == 2:  # no whole header
            return self._random.randbytes(self._random.randrange(1, 14))
        return net.ethernet(MACHINE, ROUTER, NOBODYS, b"\0" * 3000)

    def _answer(self, frame, found):
        if found.get("source") != MACHINE:
            self.wrong.append(f"source of {frame[:14].hex()}")
        if found.get("arp", {}).get("target_ip") == HERE:
            arp = found["arp"]
            return net.arp_reply(ROUTER, HERE, arp["sender_mac"],
                                 arp["sender_ip"])
        if found.get("destination") != ROUTER or \
                found.get("ipv4", {}).get("destination") != HERE:
            return None
        if not found["ipv4"]["good"]:
            self.wrong.append(f"header checksum in {frame[:60].hex()}")
        addresses = HERE, found["ipv4"]["source"]
        if found.get("icmp", {}).get("kind") == 8:
            ident, seq = (int.from_bytes(found["icmp"]["body"][i:i + 2], "big")
                          for i in (0, 2))
            data = net.icmp_echo(ident, seq, found["icmp"]["body"][4:],
                                 reply=True)
            if not found["icmp"]["good"]:
                self.wrong.append(f"checksum of ping {seq}")
            return net.ethernet(MACHINE, ROUTER, net.IPV4,
                                net.ipv4(*addresses, net.ICMP, data))
        if found.get("udp", {}).get("dport") == 67 and found["udp"]["good"]:
            return net.udp_frame((ROUTER, MACHINE), addresses, (67, 68),
                                 found["udp"]["payload"])
        return None


def run(device, *more, **options):
    """The image on a machine with this card. Returns the claims that failed,
    the number of those that held, and the router."""
    options = {"machine": "pc", "mem": "64M", **options}
    image = support.state.BUILD / "tests/kernel/card"
    with net.Wire() as wire, support.Machine(
            [(image, "test")], append="patience=60 seed=1",
            extra=[*more, *wire.netdev(), "-device", f"{device},netdev=wire"],
            **options) as machine:
        router = Router(wire, 1)
        router.start()
        machine.start()
        failed, held = [], 0
        while (line := machine.read_line(SILENCE)) is not None:
            held += line.startswith("ok ")
            if line.startswith(("not ok ", "panic")):
                failed.append(line)
        router.stop()
        return failed, held, router


class Cards(unittest.TestCase):
    """One card each; what is tried is always the same."""

    def check(self, device, *more, **options):
        """All claims hold, and the router saw nothing wrong."""
        failed, held, router = run(device, *more, **options)
        self.assertEqual(failed, [])
        self.assertEqual(router.wrong[:3], [])
        self.assertGreaterEqual(held, 10)
        self.assertGreater(router.seen, 100)

    def test_virtio_by_capabilities_with_messages(self):
        self.check("virtio-net-pci", smp=2)

    def test_virtio_by_capabilities_with_a_line(self):
        self.check("virtio-net-pci,vectors=0", smp=2)

    def test_virtio_of_version_1_only_with_long_queues(self):
        self.check("virtio-net-pci,disable-legacy=on,rx_queue_size=1024,"
                   "tx_queue_size=1024", machine="q35")

    def test_virtio_behind_a_root_port_with_a_line(self):
        self.check("virtio-net-pci,vectors=0,bus=root0", "-device",
                   "pcie-root-port,id=root0", machine="q35", smp=2)

    def test_virtio_by_ports_with_messages(self):
        self.check("virtio-net-pci,disable-modern=on")

    def test_virtio_by_ports_with_headers_apart_and_a_line(self):
        self.check("virtio-net-pci,disable-modern=on,any_layout=off,"
                   "vectors=0", smp=2)

    def test_virtio_in_memory_of_version_1(self):
        self.check("virtio-net-device", machine="microvm")

    def test_virtio_in_memory_of_version_2(self):
        self.check("virtio-net-device", "-global",
                   "virtio-mmio.force-legacy=false", machine="microvm", smp=2)

    def test_e1000(self):
        self.check("e1000", smp=2)

    def test_e1000_on_q35(self):
        self.check("e1000", machine="q35")

    def test_a_card_in_a_machine_of_four_mib(self):
        self.check("virtio-net-pci", mem="4M")


if __name__ == "__main__":
    unittest.main()
