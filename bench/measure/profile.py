# SPDX-License-Identifier: MIT
"""Where a row's instructions go: executions of each instruction between the
markers, summed up by function, or beside the disassembly of the kernel."""

import bisect
import re
import subprocess

from . import counting


def functions(path):
    """Sorted [(address, name)] of a program's functions."""
    lines = subprocess.run(["nm", "-n", str(path)], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    found = [line.split() for line in lines]
    return [(int(words[0], 16), words[2]) for words in found
            if len(words) == 3 and words[1] in "tTwW"]


def name_of(table, address):
    i = bisect.bisect_right(table, (address, "\x7f")) - 1
    return table[i][1] if i >= 0 else "?"


def show(tree, row):
    """Print the profile of a row: executions for each repetition."""
    session = counting.run(tree, f"only={row.program}", profile="profile")
    spent = {int(a, 16): int(n) for a, n in
             (line.split() for line in tree.profile.splitlines())}
    begins = sum(number == counting.BEGIN for number, _ in session.marks)
    print(f"# {row.program}: executions for each BEGIN, of {begins}")
    show_functions(tree, "bench", spent, begins)


def show_functions(tree, program, spent, count):
    """Print executions {address: number} by function, divided by count."""
    kernel, user = functions(tree.kernel), functions(tree.debug(program))
    sums = {}
    for address, number in spent.items():
        name = name_of(kernel if address >> 63 else user, address)
        where = "kernel" if address >> 63 else "user"
        sums[where, name] = sums.get((where, name), 0) + number
    for (where, name), number in sorted(sums.items(), key=lambda s: -s[1]):
        print(f"{number / count:10.1f} {where:6} {name}")
    if tree.verbose:
        annotate(tree.kernel, spent, count)


def annotate(path, spent, begins):
    """Every instruction of the kernel that was executed."""
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(path)],
        capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        if line.endswith(">:"):
            title = line
        elif found := re.match(r"([0-9a-f]+):", line):
            count = spent.get(int(found[1], 16))
            if count and title:
                print(title)
                title = None
            if count:
                print(f"{count / begins:10.1f} {line}")
