# SPDX-License-Identifier: MIT
"""The longest time the kernel lock is held, as the kernel itself measures and
exposes it, in instructions, over work that is meant to make it long."""

import re

from . import counting, packets

_LINE = re.compile(r"#lock (\S+) (\d+) (\d+)$")


def calls(tree):
    """{number: name} of the system calls, from their table."""
    text = (tree.root / "exokernel/include/exo/syscall.def").read_text()
    found = re.findall(r"^EXO_(?:CALL|SWITCH|WORDS)\d\((\d+), (\w+)", text,
                       re.MULTILINE)
    return {int(number): name for number, name in found}


def path_name(names, path):
    """What held the lock: a call, or 256 + vector."""
    return names.get(path, f"vector_{path - 256}" if path >= 256 else "?")


def measure(tree, out, _names=()):
    names, worst = calls(tree), None
    for phase in range(100):
        session = counting.run(tree, f"only=lock_hold phase={phase}",
                               extra=packets.NETWORK)
        for failure in session.failures:
            out.fail(failure)
        found = [m for m in map(_LINE.match, session.console) if m]
        if not found:
            break
        name, held, path = found[0].groups()
        path = path_name(names, int(path))
        out.add(f"lock_hold.{name}", int(held), "insn", path=path)
        if not worst or int(held) > worst[0]:
            worst = int(held), path, name
    if worst:
        out.add("lock_hold", worst[0], "insn", path=worst[1], phase=worst[2])
