# SPDX-License-Identifier: MIT
"""The network card under what a cable can bring: frames of every size, too
short, too long, for nobody, and floods of them. On the machine runs echo.c."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

# The path must come first.
from exo.machine import Machine, MachineTimeout  # noqa: E402
from injector import HOST_MAC, Wire, ethernet  # noqa: E402

MAC = "52:54:00:12:34:56"
ECHO, ASK, NOBODYS = 0x88b5, 0x88b6, 0x88b7
LIMIT, PATIENCE = 240.0, 10.0
FLOOD = 4000


def frame(bytes_, kind=ECHO, seed=0):
    """A frame of so many bytes in all."""
    body = bytes((i * 7 + seed) & 0xff for i in range(max(bytes_ - 14, 0)))
    return ethernet(MAC, HOST_MAC, kind, body)[:bytes_]


class Card:
    """What is claimed of each card. A class of its own says which."""
    machine, device, smp, question = "pc", "", 1, 0

    @classmethod
    def setUpClass(cls):
        cls.wire = Wire()
        cls.m = Machine(
            [(ROOT / "build/tests/net/echo", "test")], mem="64M",
            kernel=ROOT / "build/exokernel.elf", machine=cls.machine,
            append="patience=60", smp=cls.smp,
            extra=[*cls.wire.netdev(), "-device",
                   f"{cls.device},netdev={cls.wire.name},mac={MAC}"])
        cls.m.__enter__()
        cls.addClassCleanup(cls._leave)
        cls.m.start()
        cls._read("# ready")

    @classmethod
    def _leave(cls):
        cls.m.__exit__(None, None, None)
        cls.wire.close()

    @classmethod
    def _read(cls, pattern, limit=LIMIT):
        """The match of the next console line that is like this."""
        while (line := cls.m.read_line(limit)) is not None:
            if match := re.fullmatch(pattern, line.strip()):
                return match
        raise AssertionError(f"the machine ended: {cls.m.wait().text}")

    def counters(self):
        """The machine's counters, by name."""
        type(self).question += 1
        for _ in range(int(LIMIT / PATIENCE)):  # a flood drowns questions too
            self.wire.send(ethernet(MAC, HOST_MAC, ASK,
                                    bytes([0, self.question]) + bytes(44)))
            try:
                words = self._read(f"# counters {self.question} (.*)",
                                   PATIENCE)[1].split()
            except MachineTimeout:
                continue
            return dict(zip(words[::2], map(int, words[1::2])))
        raise AssertionError("the machine does not answer")

    def comes_back(self, sent):
        """One frame, sent and echoed."""
        self.wire.send(sent)
        while (got := self.wire.receive_frame(30)) is not None:
            if got[12:len(sent)] == sent[12:]:
                break  # others are echoes of an earlier claim's flood
        self.assertIsNotNone(got, "nothing came back")
        self.assertEqual(got[:6], bytes.fromhex(HOST_MAC.replace(":", "")))

    def setUp(self):
        self.wire.drain()

    def test_frames_of_all_sizes_come_back_whole(self):
        for size in [60, 61, 63, 64, 127, 128, 129, 300, 999, 1513, 1514]:
            self.comes_back(frame(size, seed=size))

    def test_bursts_come_back_in_order(self):
        for burst in range(10):
            sent = [frame(60 + 31 * i, seed=burst) for i in range(24)]
            for each in sent:
                self.wire.send(each)
            for each in sent:
                got = self.wire.receive(lambda p: p["kind"] == ECHO, 30)
                self.assertIsNotNone(got)
                self.assertEqual(got["payload"], each[14:])

    def test_what_is_no_frame_harms_nobody(self):
        for size in [1, 2, 6, 12, 13, 14, 15, 20, 59, 1515, 1516, 1518, 1519,
                     1600, 2047, 2048, 2049, 4096, 9000]:
            self.wire.send(frame(size, kind=NOBODYS))
            self.wire.send(frame(size))
        self.wire.send(b"\xff" * 60)
        self.wire.send(bytes(60))
        self.counters()
        self.wire.drain()
        self.comes_back(frame(100))

    def test_frames_for_nobody_are_counted(self):
        before = self.counters()
        for _ in range(10):
            self.wire.send(frame(60, NOBODYS))
        after = self.counters()
        self.assertEqual(after["unclaimed"], before["unclaimed"] + 10)

    def flood(self, kind):
        before = self.counters()
        for i in range(FLOOD):
            self.wire.send(frame(60 + i % 1400, kind))
            if i % 16 == 0:
                self.wire.drain()
        after = self.counters()
        self.assertGreater(after["rounds"], before["rounds"])
        self.comes_back(frame(100, seed=99))
        return before, after

    def test_flood_for_nobody_leaves_time_to_others(self):
        self.flood(NOBODYS)

    def test_flood_of_echoes_leaves_time_to_others(self):
        before, after = self.flood(ECHO)
        self.assertGreater(after["frames"], before["frames"] + FLOOD // 10)

    def test_zz_machine_ends_well(self):
        self.wire.send(ethernet(MAC, HOST_MAC, ASK, b"q" * 46))
        self._read("# bye")
        self._read("ok echo_until_asked_to_stop")


class VirtioTest(Card, unittest.TestCase):
    device = "virtio-net-pci"


class VirtioOldTest(Card, unittest.TestCase):
    device, smp = "virtio-net-pci,disable-modern=on", 2


class VirtioMmioTest(Card, unittest.TestCase):
    machine, device = "microvm", "virtio-net-device"


class E1000Test(Card, unittest.TestCase):
    device, smp = "e1000", 2


if __name__ == "__main__":
    unittest.main()
