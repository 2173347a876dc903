# SPDX-License-Identifier: MIT
"""Machines that count what they execute.

The plugin (bench/insn.c) logs its counters at each marker the guest executes;
the benchmark program (bench/bench.h) says on its console which row each marker
4 opened. The two lists are in the same order, so they are simply paired.

Everything is deterministic: one instruction is one nanosecond of guest time,
the seed and the clock are fixed. Two runs give the same numbers.
"""

import dataclasses
import pathlib

from exo import ExoError
from exo.machine import Machine, MachineTimeout

# Without "fast REP", by which a guest would be told to move single bytes.
CPU = "max,-erms,-fsrm"

BEGIN, END, START, ROW = 1, 2, 3, 4
KERNEL_ENTRY = 100  # ours, by address
TURN = 2            # instructions of a round of a waiting loop


@dataclasses.dataclass
class Counts:
    """What was executed up to a marker, or between two."""
    low: float = 0
    high: float = 0
    rep: float = 0
    crossings: float = 0
    cr3: float = 0
    invlpg: float = 0
    turns: float = 0

    @property
    def insn(self):
        """All instructions but those of waiting loops."""
        return self.low + self.high - TURN * self.turns

    @property
    def user(self):
        return self.low - TURN * self.turns

    def minus(self, other):
        return Counts(*(a - b for a, b in zip(dataclasses.astuple(self),
                                              dataclasses.astuple(other))))

    def per(self, count):
        return Counts(*(a / count for a in dataclasses.astuple(self)))


@dataclasses.dataclass
class Result:
    """A row: the least, median and most costly repetition, per operation."""
    name: str
    least: Counts
    median: Counts
    most: Counts
    repetitions: int


def read_log(path):
    """[(marker, Counts)] in the order of execution."""
    marks = []
    for line in path.read_text().splitlines():
        number, *counters = map(int, line.split())
        marks.append((number, Counts(*counters)))
    return marks


def group(marks):
    """The repetitions of each row. A marker counts itself when it begins one:
    one instruction is taken off."""
    groups, begin = [], None
    for number, counts in marks:
        if number == ROW:
            groups.append([])
        elif number == BEGIN:
            begin = counts
        elif number == END and begin and groups:
            spent = counts.minus(begin)
            spent.low -= 1
            groups[-1].append(spent)
            begin = None
    return groups


def summarise(name, ops, repetitions):
    """Result of one row. The first repetition warms up, if there are more."""
    kept = repetitions[1:] or repetitions
    kept = sorted((r.per(ops) for r in kept), key=lambda r: r.insn)
    return Result(name, kept[0], kept[len(kept) // 2], kept[-1],
                  len(kept))


def results(rows, marks):
    """Results of rows [(name, ops)]. A row "a|b" has repetitions of a and b
    in turn."""
    groups = group(marks)
    if len(groups) != len(rows):
        raise ExoError(f"the guest opened {len(rows)} rows, but "
                       f"{len(groups)} were counted; repeat with -v")
    found = []
    for (names, ops), repetitions in zip(rows, groups):
        names = names.split("|")
        for i, name in enumerate(names):
            mine = repetitions[i::len(names)]
            if mine:
                found.append(summarise(name, ops, mine))
    return found


@dataclasses.dataclass
class Session:
    """What a counted machine left behind."""
    marks: list        # [(marker, Counts)]
    results: list      # [Result]
    values: list       # [(name, value, unit)] the guest measured itself
    failures: list     # texts
    console: list      # lines
    end: object


def plugin_argument(tree, at=(), profile=None):
    """The argument of -plugin: log and profile are relative to the machine's
    directory. at: [(address, marker)]."""
    plugin = tree.build / "bench" / "insn.so"
    if not plugin.exists():
        raise ExoError(f"{plugin} does not exist; build first: make")
    text = f"{plugin.resolve()},log=marks"
    for address, number in at:
        text += f",at={address:x}:{number}"
    return text + (f",profile={profile}" if profile else "")


def run(tree, append="", modules=None, machine="pc", mem="128M", at=(),
        profile=None, timeout=300, extra=()):
    """Boot a counted machine and read it to its end. modules: the benchmark
    program and hello unless given; extra: QEMU arguments."""
    modules = modules or [(tree.app("bench"), "bench"),
                          (tree.app("hello"), "image hello")]
    with Machine(modules, kernel=tree.kernel, append=append, machine=machine,
                 mem=mem, icount=True, cpu=CPU, extra=extra,
                 plugin=plugin_argument(tree, at, profile)) as m:
        m.start()
        console = []
        try:
            for line in m.lines(timeout):
                tree.trace(line)
                console.append(line)
        except MachineTimeout:
            m.stop()
        end = m.wait(timeout=1)
        marks = read_log(pathlib.Path(m.directory) / "marks")
        if profile:
            tree.profile = (m.directory / profile).read_text()
    return _session(console, marks, end)


def _session(console, marks, end):
    rows, values, failures = [], [], []
    for line in console:
        words = line.split()
        if line.startswith("#b ") and len(words) == 3:
            rows.append((words[1], int(words[2])))
        elif line.startswith("#fail "):
            failures.append(line.removeprefix("#fail "))
        elif len(words) == 3 and not line.startswith("#"):
            values.append((words[0], float(words[1]), words[2]))
    if end.kind != "off":
        failures.append(f"the machine ended: {end.kind} {end.text}".strip())
    return Session(marks, results(rows, marks), values, failures, console, end)

