# SPDX-License-Identifier: MIT
"""The other end of a machine's network cable, for tests: frames in, frames out.

    with Wire() as wire, Machine(modules, extra=[*wire.netdev(),
            "-device", "virtio-net-pci,netdev=wire"]) as m:
        m.start()
        wire.send(arp_request(MAC, "10.0.2.2", "10.0.2.15"))
        answer = wire.receive(lambda p: p.get("arp"))

The cable is QEMU's `-netdev dgram` over two Unix datagram addresses: a
datagram is a frame, without its check sequence. Nothing leaves the host, and
there is no other traffic than the test's.

Builders return whole frames as bytes and fill in lengths and checksums unless
told a wrong one. parse() takes a frame apart again and says which checksums
hold. Faults stands between a test and its wire, and drops, doubles and
reorders frames, the same ones for the same seed.
"""

import ipaddress
import os
import pathlib
import random
import shutil
import socket
import struct
import tempfile
import time

HOST_MAC = "02:00:00:00:00:01"
BROADCAST = "ff:ff:ff:ff:ff:ff"
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86dd
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_FRAME_MAX = 65536


# Addresses

def mac(text):
    """The six bytes of "52:54:00:12:34:56"; bytes are left as they are."""
    return text if isinstance(text, bytes) else \
        bytes.fromhex(text.replace(":", ""))


def ip(address):
    """The 4 or 16 bytes of an address; bytes are left as they are."""
    return address if isinstance(address, bytes) else \
        ipaddress.ip_address(address).packed


def group_mac(address):
    """The Ethernet address of an IPv6 multicast group [RFC 2464, 7]."""
    return b"\x33\x33" + ip(address)[12:]


def solicited_node(address):
    """The group on which an IPv6 address is asked for [RFC 4291, 2.7.1]."""
    return ip("ff02::1:ff00:0")[:13] + ip(address)[13:]


# Checksums

def checksum(data):
    """The Internet checksum [RFC 1071]: 0 over data that holds a right one."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _pseudo(source, destination, protocol, length):
    """What a transport checksum covers of the header below it."""
    if len(source) == 4:
        return source + destination + struct.pack(">BBH", 0, protocol, length)
    return source + destination + struct.pack(">II", length, protocol)


def _transport_sum(source, destination, protocol, data):
    return checksum(_pseudo(source, destination, protocol, len(data)) + data)


# Builders. `wrong_sum=True` breaks the transport's checksum.

def ethernet(destination, source, kind, payload=b""):
    """A frame; short ones are not padded."""
    return mac(destination) + mac(source) + struct.pack(">H", kind) + payload


def _arp(operation, sender_mac, sender_ip, target_mac, target_ip):
    return struct.pack(">HHBBH", 1, IPV4, 6, 4, operation) + \
        mac(sender_mac) + ip(sender_ip) + mac(target_mac) + ip(target_ip)


def arp_request(sender_mac, sender_ip, target_ip):
    """Who has target_ip?"""
    return ethernet(BROADCAST, sender_mac, ARP,
                    _arp(1, sender_mac, sender_ip, b"\0" * 6, target_ip))


def arp_reply(sender_mac, sender_ip, target_mac, target_ip):
    """sender_ip is at sender_mac."""
    return ethernet(target_mac, sender_mac, ARP,
                    _arp(2, sender_mac, sender_ip, target_mac, target_ip))


def ipv4(source, destination, protocol, payload, *, ttl=64, ident=0,
         fragment=0, more=False, options=b""):
    """An IPv4 packet. fragment: offset in bytes, a multiple of 8; options: a
    multiple of 4 bytes."""
    words = 5 + len(options) // 4
    flags = (0x2000 if more else 0) | fragment // 8
    head = struct.pack(">BBHHHBBH", 0x40 | words, 0,
                       4 * words + len(payload), ident, flags, ttl, protocol,
                       0) + ip(source) + ip(destination) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ipv6(source, destination, protocol, payload, *, hops=64):
    """An IPv6 packet without extension headers."""
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, hops) + \
        ip(source) + ip(destination) + payload


def packet(source, destination, protocol, payload, **options):
    """An IPv4 or IPv6 packet, as the addresses are, with its EtherType."""
    if len(ip(source)) == 4:
        return IPV4, ipv4(source, destination, protocol, payload, **options)
    return IPV6, ipv6(source, destination, protocol, payload, **options)


def _with_sum(source, destination, protocol, data, place, wrong):
    value = _transport_sum(ip(source), ip(destination), protocol, data)
    if protocol == UDP and value == 0:
        value = 0xffff
    if wrong:
        value ^= 0x5555
    return data[:place] + struct.pack(">H", value) + data[place + 2:]


def udp(source, destination, sport, dport, payload=b"", *, wrong_sum=False):
    """A UDP datagram between two IP addresses."""
    data = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload
    return _with_sum(source, destination, UDP, data, 6, wrong_sum)


def tcp(source, destination, sport, dport, flags, *, seq=0, ack=0,
        window=65535, payload=b"", options=b"", wrong_sum=False):
    """A TCP segment; options: a multiple of 4 bytes."""
    offset = 5 + len(options) // 4
    data = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, offset << 4,
                       flags, window, 0, 0) + options + payload
    return _with_sum(source, destination, TCP, data, 16, wrong_sum)


def icmp_echo(ident, seq, payload=b"", *, reply=False):
    """An ICMP echo request or reply."""
    data = struct.pack(">BBHHH", 0 if reply else 8, 0, 0, ident, seq) + payload
    return data[:2] + struct.pack(">H", checksum(data)) + data[4:]


def icmpv6(source, destination, kind, code, body):
    """An ICMPv6 message; body follows the checksum."""
    data = struct.pack(">BBH", kind, code, 0) + body
    return _with_sum(source, destination, ICMPV6, data, 2, False)


def udp_frame(macs, addresses, ports, payload=b"", **options):
    """A whole frame; each pair is (source, destination)."""
    data = udp(*addresses, *ports, payload, **options)
    return ethernet(macs[1], macs[0], *packet(*addresses, UDP, data))


def tcp_frame(macs, addresses, ports, flags, **options):
    """A whole frame; each pair is (source, destination)."""
    data = tcp(*addresses, *ports, flags, **options)
    return ethernet(macs[1], macs[0], *packet(*addresses, TCP, data))


def ping_frame(macs, addresses, ident, seq, payload=b""):
    """An ICMP echo request as a whole frame, of either version."""
    if len(ip(addresses[0])) == 4:
        protocol, data = ICMP, icmp_echo(ident, seq, payload)
    else:
        protocol, data = ICMPV6, icmpv6(
            *addresses, 128, 0, struct.pack(">HH", ident, seq) + payload)
    return ethernet(macs[1], macs[0], *packet(*addresses, protocol, data))


def neighbor_solicitation(sender_mac, source, target, *, option=1):
    """Who has `target`? [RFC 4861, 4.3]; source "::" asks whether anybody
    has it (duplicate address detection). The hardware address is in an option
    of the type `option`, rightly the source's."""
    group = solicited_node(target)
    body = b"\0" * 4 + ip(target)
    if ip(source) != b"\0" * 16:
        body += bytes([option, 1]) + mac(sender_mac)
    data = icmpv6(source, group, 135, 0, body)
    return ethernet(group_mac(group), sender_mac, IPV6,
                    ipv6(source, group, ICMPV6, data, hops=255))


def neighbor_advertisement(sender_mac, target, target_mac, destination):
    """`target` is at sender_mac [RFC 4861, 4.4], as an answer."""
    body = struct.pack(">I", 0x60000000) + ip(target) + b"\2\1" + \
        mac(sender_mac)
    data = icmpv6(target, destination, 136, 0, body)
    return ethernet(target_mac, sender_mac, IPV6,
                    ipv6(target, destination, ICMPV6, data, hops=255))


# Taking frames apart

def parse(frame):
    """What a frame says, as a dictionary: destination, source, kind, payload;
    and "arp", "ipv4" or "ipv6", "udp", "tcp", "icmp" or "icmpv6", each a
    dictionary of its fields, as far as it is whole. `good` says whether the
    checksum of that part holds."""
    if len(frame) < 14:
        return {"payload": frame}
    found = {"destination": frame[:6], "source": frame[6:12],
             "kind": int.from_bytes(frame[12:14], "big"),
             "payload": frame[14:]}
    try:
        reader = {ARP: _parse_arp, IPV4: _parse_ipv4, IPV6: _parse_ipv6}
        reader.get(found["kind"], lambda found, data: None)(found, frame[14:])
    except (struct.error, IndexError):
        pass
    return found


def _parse_arp(found, data):
    operation, = struct.unpack_from(">6xH", data)
    if len(data) >= 28:
        found["arp"] = {"operation": operation, "sender_mac": data[8:14],
                        "sender_ip": data[14:18], "target_mac": data[18:24],
                        "target_ip": data[24:28]}


def _parse_ipv4(found, data):
    first, length, ident, flags, ttl, protocol = \
        struct.unpack_from(">BxHHHBB", data)
    head = 4 * (first & 15)
    found["ipv4"] = {
        "source": data[12:16], "destination": data[16:20], "ttl": ttl,
        "protocol": protocol, "ident": ident, "more": bool(flags & 0x2000),
        "fragment": 8 * (flags & 0x1fff), "payload": data[head:length],
        "good": checksum(data[:head]) == 0}
    if not flags & 0x3fff:
        _parse_transport(found, found["ipv4"])


def _parse_ipv6(found, data):
    length, protocol, hops = struct.unpack_from(">4xHBB", data)
    found["ipv6"] = {
        "source": data[8:24], "destination": data[24:40], "ttl": hops,
        "protocol": protocol, "payload": data[40:40 + length]}
    _parse_transport(found, found["ipv6"])


def _parse_transport(found, head):
    data, protocol = head["payload"], head["protocol"]
    good = _transport_sum(head["source"], head["destination"], protocol,
                          data) == 0
    if protocol == UDP:
        sport, dport, length, value = struct.unpack_from(">HHHH", data)
        found["udp"] = {"sport": sport, "dport": dport,
                        "payload": data[8:length],
                        "good": good or value == 0}
    elif protocol == TCP:
        sport, dport, seq, ack, offset, flags, window = \
            struct.unpack_from(">HHIIBBH", data)
        found["tcp"] = {"sport": sport, "dport": dport, "seq": seq,
                        "ack": ack, "flags": flags, "window": window,
                        "options": data[20:4 * (offset >> 4)],
                        "payload": data[4 * (offset >> 4):], "good": good}
    elif protocol in (ICMP, ICMPV6):
        kind, code = struct.unpack_from(">BB", data)
        name = "icmp" if protocol == ICMP else "icmpv6"
        found[name] = {"kind": kind, "code": code, "body": data[4:],
                       "good": checksum(data) == 0 if protocol == ICMP
                       else good}


# The cable

class Wire:
    """One end of a cable, of which a QEMU has the other. `name` is the
    netdev's, for the -device that uses it. No frame is lost by the wire
    itself: send() waits until QEMU takes it."""

    def __init__(self, name="wire"):
        self.name = name
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="wire-"))
        self._here = self._directory / "here"
        self._there = self._directory / "there"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(os.fspath(self._here))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Unplug it, and remove what it left on disk."""
        self._socket.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def netdev(self):
        """QEMU's arguments for the other end."""
        return ["-netdev", f"dgram,id={self.name},local.type=unix,"
                f"local.path={self._there},remote.type=unix,"
                f"remote.path={self._here}"]

    def send(self, frame, timeout=10.0):
        """Put a frame on the cable. TimeoutError when nobody takes it."""
        deadline = time.monotonic() + timeout
        while True:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                self._socket.sendto(frame, os.fspath(self._there))
                return
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() >= deadline:
                    raise TimeoutError("no machine at the wire") from None
                time.sleep(0.01)  # QEMU has not begun yet

    def receive_frame(self, timeout=10.0):
        """The next frame, or None after `timeout` seconds."""
        self._socket.settimeout(max(timeout, 0.001))
        try:
            return self._socket.recv(_FRAME_MAX)
        except TimeoutError:
            return None

    def receive(self, wanted, timeout=10.0):
        """The next frame for which wanted(parse(frame)) is true, parsed;
        others are dropped. None after `timeout` seconds without one."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            frame = self.receive_frame(left)
            if frame is not None and wanted(found := parse(frame)):
                return found
        return None

    def drain(self):
        """Drop what has come so far; returns how many frames that was."""
        count = 0
        while self.receive_frame(0) is not None:
            count += 1
        return count


class Faults:
    """Sends through a wire as a bad network would. Probabilities are per
    frame; a frame that is held back comes after the next one."""

    def __init__(self, wire, seed, *, drop=0.0, double=0.0, reorder=0.0):
        self._wire, self._random = wire, random.Random(seed)
        self._drop, self._double, self._reorder = drop, double, reorder
        self._held = []
        self.dropped = self.doubled = self.reordered = 0

    def send(self, frame, timeout=10.0):
        """Like Wire.send(), with luck."""
        # Always three draws, so that one setting does not shift the others.
        drop, double, hold = (self._random.random() for _ in range(3))
        if drop < self._drop:
            self.dropped += 1
            return
        frames = [frame]
        if double < self._double:
            self.doubled += 1
            frames.append(frame)
        if hold < self._reorder and not self._held:
            self.reordered += 1
            self._held = frames
            return
        for each in frames + self._held:
            self._wire.send(each, timeout)
        self._held = []

    def flush(self, timeout=10.0):
        """Send what is still held back."""
        for each in self._held:
            self._wire.send(each, timeout)
        self._held = []
