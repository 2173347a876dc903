# SPDX-License-Identifier: MIT
"""From power-on to the first program.

Instructions: the plugin takes the kernel's entry point and init's first
instruction for markers, so nothing is added to either. Firmware is included
in power_on, and in nothing else.

Wall time: plain emulation, from the start of the emulator to the first line
on the console of a first program that prints one at once. It says what a user
of this emulator waits for, and nothing about hardware.
"""

import struct
import time

from exo import ExoError
from exo.machine import Machine

from . import counting, profile

WALL_RUNS = 5
MACHINES = ("pc", "microvm")


def entry_of(path):
    """The entry point of an ELF file."""
    with open(path, "rb") as file:
        return struct.unpack_from("<Q", file.read(64), 24)[0]


def init_modules(tree):
    """What runs hello under init."""
    return [(tree.app("init"), "init"), (tree.app("hello"), "image hello")]


def count(tree, machine):
    """(Counts at the kernel's entry, Counts at init's first instruction)."""
    init = dict((name, at) for at, name in
                profile.functions(tree.debug("init")))["_start"]
    session = counting.run(
        tree, modules=init_modules(tree), machine=machine, timeout=60,
        at=[(entry_of(tree.kernel), counting.KERNEL_ENTRY),
            (init, counting.START)])
    marks = dict(reversed(session.marks))  # the first of each
    if counting.KERNEL_ENTRY not in marks or counting.START not in marks:
        raise ExoError(f"{machine}: init did not start: "
                       f"{session.end.kind} {session.end.text}")
    return marks[counting.KERNEL_ENTRY], marks[counting.START]


def wall(tree, machine):
    """Milliseconds from the emulator's start to the program's line."""
    modules = [(tree.app("bench"), "bench")]
    with Machine(modules, kernel=tree.kernel, append="only=up",
                 machine=machine) as m:
        begin = time.monotonic()
        m.start()
        for line in m.lines(60):
            if line == "up":
                return (time.monotonic() - begin) * 1000
    raise ExoError(f"{machine}: the program never said that it is up")


def measure(tree, out, _names=()):
    for machine in MACHINES:
        entry, init = count(tree, machine)
        kernel = init.minus(entry)
        name = "kernel_boot" if machine == "pc" else f"kernel_boot.{machine}"
        out.add(name, kernel.insn, "insn", rep=kernel.rep, cr3=kernel.cr3)
        out.add(f"power_on.{machine}", init.insn, "insn",
                firmware=entry.insn, rep=init.rep)
        times = sorted(wall(tree, machine) for _ in range(WALL_RUNS))
        out.add(f"power_on_wall.{machine}", times[len(times) // 2], "ms",
                min=times[0], runs=WALL_RUNS)
