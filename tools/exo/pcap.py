# SPDX-License-Identifier: MIT
"""Captures: what one application receives and sends, for Wireshark.

init copies an application's frames through a tap; this fetches them over the
management port and writes pcapng [draft-ietf-opsawg-pcapng], with a
nanosecond time stamp, the direction of each frame and the number of those that
were lost.
"""

import base64
import contextlib
import pathlib
import signal
import struct
import sys
import threading
import time

from . import ExoError, mgmt, state

_SECTION, _INTERFACE, _PACKET, _STATISTICS = 0x0a0d0d0a, 1, 6, 5
_ETHERNET = 1
_INBOUND, _OUTBOUND = 1, 2
_PAUSE_S = 0.1


class Writer:
    """A pcapng file with one interface, named after the application."""

    def __init__(self, file, name):
        self._file, self.packets = file, 0
        self._block(_SECTION, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)
                    + _option(4, b"exo") + _option(0))
        self._block(_INTERFACE, struct.pack("<HHI", _ETHERNET, 0, 0)
                    + _option(2, name.encode()) + _option(9, b"\x09")
                    + _option(0))

    def packet(self, time_ns, data, sent):
        """One frame; sent: by the application, else received."""
        way = _OUTBOUND if sent else _INBOUND
        self._block(_PACKET, struct.pack(
            "<IIIII", 0, time_ns >> 32, time_ns & 0xffffffff, len(data),
            len(data)) + _padded(data)
            + _option(2, struct.pack("<I", way)) + _option(0))
        self.packets += 1

    def end(self, time_ns, lost):
        """The last block; lost: frames that are missing."""
        self._block(_STATISTICS, struct.pack(
            "<III", 0, time_ns >> 32, time_ns & 0xffffffff)
            + _option(4, struct.pack("<Q", self.packets + lost))
            + _option(5, struct.pack("<Q", lost)) + _option(0))

    def _block(self, kind, body):
        length = struct.pack("<I", len(body) + 12)
        self._file.write(struct.pack("<I", kind) + length + body + length)
        self._file.flush()


def _padded(data):
    return data + bytes(-len(data) % 4)


def _option(code, value=b""):
    return struct.pack("<HH", code, len(value)) + _padded(value)


def capture(args):
    """./exo pcap: until the time is over, Ctrl-C, or the machine's end."""
    directory, facts = state.find(args.name)
    output = args.output or f"{args.app}.pcapng"
    ended = threading.Event()  # not an exception: it would cut a request off
    before = signal.signal(signal.SIGINT, lambda *_: ended.set())
    try:
        with _opened(output) as file:
            mgmt.request(directory, f"pcap {args.app}")
            writer = Writer(file, args.app)
            print(f"exo: capturing what {args.app} receives and sends"
                  + (f" for {args.seconds:g} s" if args.seconds else
                     "; Ctrl-C ends it"), file=sys.stderr, flush=True)
            lost = _follow(directory, facts, writer, args.seconds, ended)
            writer.end(time.time_ns(), lost)
    finally:
        signal.signal(signal.SIGINT, before)
    print(f"exo: {output}: {writer.packets} packets, {lost} lost"
          + ("" if output == "-" else f"; read it: wireshark {output}, or "
             f"tcpdump -r {output}"), file=sys.stderr)


def _opened(output):
    if output == "-":
        if sys.stdout.isatty():
            raise ExoError("a capture is no text; write it to a file: -o FILE")
        return contextlib.nullcontext(sys.stdout.buffer)
    try:
        return open(pathlib.Path(output), "wb")
    except OSError as error:
        raise ExoError(f"cannot write {output}: {error.strerror}") from None


def _follow(directory, facts, writer, seconds, ended):
    """Fetches until the end. Result: frames lost."""
    last = time.monotonic() + (seconds or float("inf"))
    lost, over = 0, False
    try:
        while not over:
            left = max(last - time.monotonic(), 0)
            over = ended.wait(min(_PAUSE_S, left)) or left <= _PAUSE_S
            lost = _fetch(directory, writer)  # what came before the end, too
        mgmt.request(directory, "pcap")
    except ExoError:
        time.sleep(_PAUSE_S)
        if state.is_running(facts):
            raise
    return lost


def _fetch(directory, writer):
    head, *frames = mgmt.request(directory, "packets", timeout=60)
    for frame in frames:
        writer.packet(frame["t_ns"], base64.b64decode(frame["data"]),
                      frame["sent"])
    return head["lost"]
