# SPDX-License-Identifier: MIT
"""What tests of whole machines share: booting one and keeping what it said.

    run = boot(plan(HELLO).modules(), smp=2)     # options of Machine
    run.lines, run.end, run.find(PATTERN)

A machine has LIMIT seconds. That is long because the host may be busy, and
nothing waits for it when all is well.
"""

import dataclasses
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from exo import manifest, state  # noqa: E402  (the path must come first)
from exo.machine import End, Machine, MachineTimeout  # noqa: E402

LIMIT = 240.0
HELLO = '[[app]]\nname = "hello"\nimage = "hello"\n'
SYSCALLS = ROOT / "exokernel/include/exo/syscall.def"


@dataclasses.dataclass
class Run:
    """A machine that has ended."""
    lines: list
    end: End

    def find(self, pattern):
        """The match of a pattern with the whole of some line, or None."""
        found = (re.fullmatch(pattern, line) for line in self.lines)
        return next((match for match in found if match), None)

    def __str__(self):
        return "\n".join([str(self.end), *self.lines[-25:]])


def boot(modules, **options):
    """Run a machine to its end. Firmware may leave a carriage return in front
    of the first line, so blanks around lines are dropped."""
    lines = []
    with Machine(modules, **options) as m:
        m.start()
        try:
            for line in m.lines(LIMIT):
                lines.append(line.strip())
        except MachineTimeout:
            return Run(lines, End("timeout"))
        return Run(lines, m.wait())


def plan(text, **options):
    """The checked manifest of a TOML text."""
    return manifest.parse(text, "test", ROOT / "apps", None, **options)


def init():
    """Module 0: init."""
    return state.INIT, "init"


def flat(text):
    """Module 1 as anybody could write it: nothing is checked."""
    return text.encode(), "manifest"


def app(name):
    """The module of a built application."""
    return state.BUILD / "apps" / name, f"image {name}"


def program(code, flags=5, address=0x400000, entry=None):
    """An ELF file with one segment, made by hand: code is machine code."""
    at = 0x1000
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1,
                         address if entry is None else entry, 64, 0, 0, 64,
                         56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, flags, at, address, address,
                          len(code), len(code), 4096)
    return (header + segment).ljust(at, b"\0") + code


def call_code(name, *arguments):
    """Machine code of one system call (arguments below 2^31)."""
    number = int(re.search(rf"^EXO_CALL\d\((\d+), {name}\b",
                           SYSCALLS.read_text(), re.M)[1])
    # mov edi/esi/edx, imm32; mov eax, imm32; syscall
    loads = [bytes([opcode]) + struct.pack("<I", value)
             for opcode, value in zip((0xbf, 0xbe, 0xba), arguments)]
    return b"".join(loads) + b"\xb8" + struct.pack("<I", number) + b"\x0f\x05"
