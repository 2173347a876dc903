# SPDX-License-Identifier: MIT
"""Post-mortem records: what an application died of.

A record is the object that the management verb `mortem` answers with
(docs/management.md); parse() makes the same object of the console block.
symbolise() adds function names from the program's ELF file, report() writes
it for people.

Programs keep no frame pointers, so `back` holds every stack word that points
into the text. Those that follow no call instruction are left out here; an old
return address that still lies on the stack can stay in.
"""

from . import ExoError, elf

_REGISTERS = ("rip rsp rflags rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 "
              "r13 r14 r15").split()
_EXCEPTIONS = {0: "divide", 1: "debug", 3: "breakpoint", 6: "bad instruction",
               7: "no FPU", 13: "general protection", 14: "page fault",
               16: "x87", 17: "alignment", 19: "SIMD"}


def parse(lines):
    """The record of a console block: the lines from `begin` to `end`, each
    without "init | mortem ". Lines that make no sense are skipped."""
    record = {"regs": {}, "back": [], "held": {}, "trace": [],
              "stack": {"address": 0, "words": []}}
    for line in lines:
        key, _, value = line.partition(" ")
        try:
            _PARSERS.get(key, _skip)(record, value)
        except (ValueError, IndexError):
            continue
    return record


def _skip(_record, _value):
    pass


def _text(key):
    def store(record, value):
        record[key] = value
    return store


def _pairs(words):
    return {k: int(v, 0) for k, v in zip(words[::2], words[1::2])}


def _stack(record, value):
    address, *words = [int(word, 0) for word in value.split()]
    stack = record["stack"]
    if not stack["words"]:
        stack["address"] = address
    stack["words"] += words


def _trace(record, value):
    tsc, cpu, event, a, b = value.split()
    record["trace"].append({"tsc": int(tsc, 0), "cpu": int(cpu, 0),
                            "ev": event, "a": int(a, 0), "b": int(b, 0)})


_PARSERS = {
    "begin": _text("app"), "image": _text("image"), "why": _text("why"),
    "detail": _text("detail"), "stack": _stack, "trace": _trace,
    "env": lambda r, v: r.update(env=int(v, 0)),
    "fault": lambda r, v: r.update(fault=_pairs(v.split())),
    "reg": lambda r, v: r["regs"].update(_pairs(v.split())),
    "held": lambda r, v: r["held"].update(_pairs(v.split())),
    "back": lambda r, v: r["back"].append(int(v, 0)),
}


def symbolise(record, images):
    """Add record["calls"] = [{"address", "name"}], innermost first, using the
    ELF file of its image ({name: path}). Without that file names are null."""
    program = None
    if path := images.get(record.get("image")):
        try:
            program = elf.Elf(path)
        except ExoError:
            pass
    calls = []
    for number, address in enumerate(record["back"]):
        # A return address is behind the call: look at the call itself.
        back = 0 if number == 0 else 1
        if program and back and not program.follows_call(address):
            continue
        name = program.name_of(address - back) if program else None
        calls.append({"address": address, "name": name})
    record["calls"] = calls
    return record


def report(record):
    """The record for people, as a list of lines."""
    lines = [f"{record.get('app', '?')} died: "
             f"{record.get('detail') or record.get('why', 'unknown')}"]
    if fault := record.get("fault"):
        vector = fault.get("vector", 0)
        lines.append(f"  exception {vector} "
                     f"({_EXCEPTIONS.get(vector, 'CPU exception')}), error "
                     f"{fault.get('error', 0):#x}, address "
                     f"{fault.get('address', 0):#x}")
    for number, call in enumerate(record.get("calls", [])):
        place = "in   " if number == 0 else "from "
        lines.append(f"  {place} {call['name'] or '?'} "
                     f"({call['address']:#x})")
    known = [r for r in _REGISTERS if r in record["regs"]]
    for at in range(0, len(known), 3):
        lines.append("  " + "  ".join(
            f"{r:>6} {record['regs'][r]:016x}" for r in known[at:at + 3]))
    words, base = record["stack"]["words"], record["stack"]["address"]
    for at in range(0, min(len(words), 16), 4):
        lines.append(f"  stack {base + 8 * at:x}: " + " ".join(
            f"{word:016x}" for word in words[at:at + 4]))
    if record["held"]:
        lines.append("  held  " + ", ".join(
            f"{count} {kind}" for kind, count in record["held"].items()))
    for event in record["trace"]:
        lines.append(f"  event {event['tsc']} CPU {event['cpu']} "
                     f"{event['ev']} {event['a']:#x} {event['b']:#x}")
    return lines
