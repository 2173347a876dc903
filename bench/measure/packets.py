# SPDX-License-Identifier: MIT
"""Packets: the kernel's share for each, with a card of QEMU's and its user
network, and on this machine alone; and what classifying one costs, from the
first to the last instruction of filter_match()."""

import re
import subprocess

from exo import ExoError

from . import counting

NETWORK = ("-netdev", "user,id=net,restrict=on",
           "-device", "virtio-net-pci,netdev=net")


def add(out, name, counts, **details):
    """Kernel instructions of a row."""
    out.add(name, counts.high, "insn", rep=counts.rep,
            crossings=counts.crossings, **details)


def measure_rings(tree, out):
    session = counting.run(tree, "only=packets", extra=NETWORK)
    for failure in session.failures:
        out.fail(failure)
    found = {result.name: result.median for result in session.results}
    if "exchange" not in found:
        out.fail("packets: the rows did not run")
        return
    add(out, "local_packet", found["local_packet"])
    add(out, "tx_packet", found["tx_packet"])
    add(out, "rx_packet", found["exchange"].minus(found["tx_packet"]))


def match_marks(kernel):
    """Markers for the first instruction of filter_match() and for each it
    can end with."""
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn",
         "--disassemble=filter_match", str(kernel)],
        capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^([0-9a-f]+):\s+(\S+)", text, re.MULTILINE)
    if not lines:
        raise ExoError("the kernel has no function filter_match")
    ends = [int(at, 16) for at, what in lines if what.startswith("ret")]
    return [(int(lines[0][0], 16), counting.BEGIN)] + \
        [(end, counting.END) for end in ends]


def measure_filters(tree, out):
    session = counting.run(tree, "only=filters", at=match_marks(tree.kernel))
    for failure in session.failures:
        out.fail(failure)
    for result in session.results:
        add(out, result.name, result.median, worst=result.most.high)


def measure(tree, out, _names=()):
    measure_rings(tree, out)
    measure_filters(tree, out)
