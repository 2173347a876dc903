# SPDX-License-Identifier: MIT
"""Machines that serve a network, and the clients that ask them.

A network of one tap device in a namespace of its own leads to the machine: no
address of it is seen outside, and it is gone with the thread that made it. The
machine runs in real time, since its clients do; the plugin's counters are read
while it runs, before a client starts and after it has ended. So a figure is all
that the machine executed meanwhile, divided by the requests: kernel, server,
interrupts, timers and idle loops. Two runs differ by some hundredths.
"""

import ctypes
import os
import re
import socket
import struct
import subprocess
import threading
import time

from exo import ExoError, manifest, network
from exo.machine import Machine

from . import counting, linux

TAP, HOST, GUEST = "exo0", "10.0.2.2", "10.0.2.15"
UP = 30.0          # seconds for a server to answer the first time
PATIENCE = 120     # seconds for a client to end
PING_PATIENCE = 5.0
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET [unshare(2)]
_LIBC = ctypes.CDLL(None, use_errno=True)


class NoNetwork(ExoError):
    """A network of its own cannot be made."""


def in_namespace(work):
    """Run work() in a thread with a network of its own; what it started has
    that network, too. NoNetwork: it cannot be made."""
    result, failed = [], []

    def body():
        try:
            if _LIBC.unshare(_NEW_NETWORK):
                raise NoNetwork("a network of their own is root's to make: "
                                + os.strerror(ctypes.get_errno()))
            _make_tap()
            result.append(work())
        except BaseException as error:  # goes on in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return result[0]


def _make_tap():
    for words in (f"tuntap add dev {TAP} mode tap",
                  f"addr add {HOST}/24 dev {TAP}", f"link set {TAP} up",
                  "link set lo up"):
        try:
            done = subprocess.run(["ip", *words.split()], capture_output=True,
                                  text=True, check=False)
        except FileNotFoundError:
            raise NoNetwork("there is no ip; install it: apt-get install "
                           "iproute2") from None
        if done.returncode:
            raise NoNetwork(f"ip {words}: {done.stderr.strip()}")


class Counters:
    """The counters of a machine that runs."""

    def __init__(self, directory):
        self.path = directory / "counters"

    def read(self):
        data = self.path.read_bytes()
        return counting.Counts(*struct.unpack(f"{len(data) // 8}Q", data))


    def executions(self):
        """{address: how often the instruction there was executed}, of a
        machine that is profiled."""
        data = self.path.with_name("table").read_bytes()
        return {address: count for address, count, _, _
                in struct.iter_unpack("<4Q", data) if count}


def plugin(tree, table=False):
    """The argument of -plugin; its files are in the machine's directory."""
    return f"{(tree.build / 'bench/insn.so').resolve()},live=counters" + \
        (",table=table" if table else "")


class Exo:
    """A machine with one application at GUEST, up within the context.
    table: the application's table of the manifest."""

    def __init__(self, tree, table, counted=True, profiled=False):
        plan = manifest.from_tree(
            {"app": [{"name": "app", "address": GUEST} | table]}, "bench",
            os.curdir, tree.build / "apps")
        self.machine = Machine(
            plan.modules(), kernel=tree.kernel, cpu=counting.CPU,
            plugin=plugin(tree, profiled) if counted else None,
            card=network.Card(plan.net, plan.apps, how=f"tap={TAP}"))
        self.reader = self.counters = None

    def __enter__(self):
        self.machine.start()
        self.counters = Counters(self.machine.directory)
        self.reader = self.machine.drain()
        try:
            _wait_until_up()
        except ExoError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.machine.stop()
        self.reader.join()
        self.machine.close()

    def pages_used(self):
        """Pages that are charged to the application."""
        answers = self.machine.request("ps")
        return next(a["pages_used"] for a in answers if a.get("app") == "app")


class Linux:
    """The Linux guest with one of its servers (bench/linux/serve)."""

    def __init__(self, tree, made, server, counted=True):
        self.guest = linux.Guest(
            tree, made, linux.archive(made / "serve"), counted=False,
            append=f"{linux.TUNED} serve={server} address={GUEST}/24",
            plugin=plugin(tree) if counted else None,
            extra=["-netdev", f"tap,id=net0,ifname={TAP},script=no,"
                   "downscript=no", "-device",
                   f"virtio-net-pci,netdev=net0,mac={network.MAC},romfile="])
        self.counters = Counters(self.guest.directory)

    def __enter__(self):
        self.guest.__enter__()
        try:
            self.guest.read_until("up")
            _wait_until_up()
        except ExoError:
            self.guest.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.guest.__exit__()


def _wait_until_up():
    """Until it answers a ping."""
    deadline = time.monotonic() + UP
    while time.monotonic() < deadline:
        try:
            return ping(1, patience=0.2)
        except ExoError:
            time.sleep(0.05)
    raise ExoError("the machine does not answer a ping")


def wait_for(port):
    """Until it takes connections there."""
    deadline = time.monotonic() + UP
    while time.monotonic() < deadline:
        with socket.socket() as s:
            s.settimeout(1)
            if s.connect_ex((GUEST, port)) == 0:
                return
        time.sleep(0.05)
    raise ExoError(f"nothing listens on port {port}")


# Clients. Each asks n times and says how many answers came each second.

def _sum(data):
    """The Internet checksum [RFC1071]."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def ping(n, patience=PING_PATIENCE):
    """Echoes of 56 bytes [RFC792], one after the other."""
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW,
                       socket.IPPROTO_ICMP) as s:
        s.settimeout(patience)
        for number in range(n):
            head = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xffff,
                               number & 0xffff)
            body = head[4:] + bytes(56)
            checked = head[:2] + struct.pack("!H", _sum(head + bytes(56)))
            s.sendto(checked + body, (GUEST, 0))
            try:
                while s.recv(256)[20:21] != b"\0":  # no echo reply
                    pass
            except OSError as error:
                raise ExoError(f"ping: {error}") from None
    return n / (time.monotonic() - begin)


def load(tree, program, *words):
    """One of bench/load. ExoError: a request failed."""
    try:
        done = subprocess.run(
            [tree.build / "native" / program, *map(str, words)],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise ExoError(f"{program}: no end in {PATIENCE} s") from None
    found = re.search(r", (\d+) requests/s$", done.stdout, re.MULTILINE)
    if done.returncode or not found:
        raise ExoError(done.stderr.strip() or done.stdout.strip())
    return int(found[1])


def kv_set(key, value):
    """Store a key in a memcached, over UDP, once it answers."""
    head = struct.pack("!HHHH", 1, 0, 1, 0)
    deadline, answer = time.monotonic() + UP, None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect((GUEST, 11211))
        while answer is None and time.monotonic() < deadline:
            try:
                s.send(head + b"set %s 0 0 %d\r\n%s\r\n"
                       % (key.encode(), len(value), value))
                answer = s.recv(1500)
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.05)  # it does not listen yet
    if answer is None or answer[8:] != b"STORED\r\n":
        raise ExoError(f"kv answered {answer!r}")
