# SPDX-License-Identifier: MIT
"""What the kernel's rooms may know of each other, and say of themselves."""

import re

from . import Error, ROOT, files, read

# A room includes headers of itself, of the machine, and of rooms to its left.
# The machine's rooms hold up each other: messages need a port, devices need
# memory. docs: exokernel/README.md.
MACHINE = ["lib", "boot", "drv", "debug"]
ARROW = ["cap", "page", "tlb", "env", "slice", "revoke", "call", "chan", "net",
         "info", "trap"]

# Files at the boundary see all rooms: the system calls (*_sys.c), the start
# of the whole, and the sweep over all invariants.
BOUNDARY = {"env/first.c", "debug/check.c"}
EXCEPTIONS = {("boot/cpu.c", "trap")}  # a CPU is told where its gates are

FOREIGN = "pid fork signal errno fd socket".split()


def check_arrow():
    """each room includes only rooms to its left"""
    for name in files("exokernel/*/*.[chS]"):
        room, _, rest = name.removeprefix("exokernel/").partition("/")
        if room == "include" or name.endswith("_sys.c"):
            continue
        if room not in MACHINE + ARROW:
            yield Error(f"{name}: {room} has no place in the order of rooms")
            continue
        if f"{room}/{rest}" in BOUNDARY:
            continue
        for number, line in enumerate(read(name).splitlines(), 1):
            match = re.match(r'#include [<"](\w+)/', line)
            if match and not _may_see(room, match[1]) and \
                    (f"{room}/{rest}", match[1]) not in EXCEPTIONS:
                yield Error(f"{name}:{number}: {room} may not include "
                            f"{match[1]}, which is not to its left")


def _may_see(room, other):
    if other in ("exo", room) or other in MACHINE:
        return True
    return room in ARROW and other in ARROW[:ARROW.index(room)]


def check_words():
    """the kernel knows no libOS, not even by word"""
    pattern = re.compile(rf"\b({'|'.join(FOREIGN)})s?\b", re.I)
    for name in files("exokernel/*"):
        if name.endswith(".md"):
            continue
        for number, line in enumerate(read(name).splitlines(), 1):
            match = pattern.search(line)
            if match:
                yield Error(f"{name}:{number}: the word `{match[0]}` is a "
                            "libOS's")


def rooms():
    """The rooms there are, and the file that introduces each; None where
    each header has to introduce itself."""
    found = {}
    for name in files("exokernel/*/*.[ch]"):
        room = name.split("/")[1]
        if room == "include":
            continue
        found[room] = None
        if room in MACHINE:
            continue
        for file in (f"{room}.h", f"{room}_sys.c"):
            if (ROOT / "exokernel" / room / file).exists():
                found[room] = f"exokernel/{room}/{file}"
                break
    return found


def purpose(name):
    """The first sentence of a file's first comment."""
    text = re.search(r"/\*(.*?)\*/", read(name), re.S)[1]
    text = re.sub(r"\n \*", "\n", text).strip().split("\n\n")[0]
    text = " ".join(text.split())
    return re.split(r"(?<=\.) ", text)[0].rstrip(".")


def check_promises():
    """rooms with a resource say what is left to the libOS, and how it is
    taken back"""
    for room, name in rooms().items():
        has_calls = files(f"exokernel/{room}/*_sys.c") or room == "revoke"
        if room in MACHINE or not (has_calls or room == "info"):
            continue
        text = " ".join(re.sub(r"\n \*", " ", read(name)).split())
        for promise in ("Policy left to the libOS:", "How it is taken back:"):
            if promise not in text:
                yield Error(f"{name}: does not say `{promise}`")


def check_map():
    """exokernel/README.md says of each room and header what it says itself"""
    page = "exokernel/README.md"
    if not (ROOT / page).exists():
        yield Error(f"{page} is missing")
        return
    text = " ".join(read(page).replace("`", "").split())
    for room, name in rooms().items():
        names = [name] if name else files(f"exokernel/{room}/*.h")
        for file in names:
            sentence = purpose(file)
            if sentence.replace("`", "") not in text:
                yield Error(f"{page}: {file} is introduced as `{sentence}`; "
                            "say the same there")
    order = " ".join(ARROW)
    if order not in text:
        yield Error(f"{page}: the order of rooms is `{order}`")


CHECKS = [check_arrow, check_words, check_promises, check_map]
