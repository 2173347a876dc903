# SPDX-License-Identifier: MIT
"""This system's own TCP/IP at the end of an injector's wire, as good or as bad
a network as a test wants.

    enter_namespace()                     # for the whole process; root only
    with Wire() as wire, Running(MANIFEST, wire=wire), \\
            Cable(wire, drop=0.05):
        socket.create_connection(("10.0.2.15", 7))

Tap is a wire that leads here without a test in between: nothing happens to
its frames, and it is fast.

The process gets a network namespace of its own, with a tap of which the test
holds the other side; nothing of the host's network is touched or seen.
"""

import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import unittest

from injector import Faults

_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _TAP, _NO_HEADER = 0x400454ca, 2, 0x1000
_FRAME_MAX = 65536


def enter_namespace():
    """Leaves the host's network for an empty one. SkipTest when that needs
    privilege that is not there."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise unittest.SkipTest("a network namespace of its own needs root: "
                                + os.strerror(ctypes.get_errno()))
    if not os.path.exists("/dev/net/tun"):
        raise unittest.SkipTest("there is no /dev/net/tun")
    _ip("link", "set", "lo", "up")


def _ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


def _settle():
    """What this system is at the end of the wire."""
    _ip("address", "add", "10.0.2.2/24", "dev", "wire")
    _ip("address", "add", "fec0::2/64", "dev", "wire", "nodad")
    _ip("link", "set", "wire", "up")


class Tap:
    """A wire for Running() that leads to this process' network, 10.0.2.2 and
    fec0::2. It goes with the namespace."""
    name = "wire"

    def __init__(self):
        _ip("tuntap", "add", "dev", "wire", "mode", "tap")
        _settle()

    def netdev(self):
        """QEMU's arguments."""
        return ["-netdev", f"tap,id={self.name},ifname=wire,script=no,"
                "downscript=no"]


class _Frames:
    """What Faults sends into."""

    def __init__(self, file):
        self.file = file

    def send(self, frame, timeout=0):
        """A frame for this system. One that is no frame it does not take."""
        try:
            os.write(self.file, frame)
        except OSError:
            pass


class Cable:
    """Connects this process' network, 10.0.2.2 and fec0::2, with a wire.
    The options are those of Faults, which there is one of for each way."""

    def __init__(self, wire, seed=1, **faults):
        self._wire = wire
        self._file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._file, _TUNSETIFF,
                    struct.pack("16sH22x", b"wire", _TAP | _NO_HEADER))
        _settle()
        self.there = Faults(wire, seed, **faults)
        self.here = Faults(_Frames(self._file), seed + 1, **faults)
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True)
                         for each in (self._go, self._come)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()
        os.close(self._file)

    def _go(self):
        while not self._ended.is_set():
            if not select.select([self._file], [], [], 0.1)[0]:
                continue
            try:
                self.there.send(os.read(self._file, _FRAME_MAX))
            except (TimeoutError, BlockingIOError):
                pass  # the machine is not there, or has ended

    def _come(self):
        while not self._ended.is_set():
            frame = self._wire.receive_frame(0.1)
            if frame is not None:
                self.here.send(frame)


def exchange(address, data, limit):
    """Sends data to an echo server and reads it back at the same time.
    Result: what came."""
    with socket.create_connection(address, limit) as s:
        def write():
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        pieces = []
        while piece := s.recv(65536):
            pieces.append(piece)
        writer.join()
    return b"".join(pieces)
