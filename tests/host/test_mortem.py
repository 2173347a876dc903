# SPDX-License-Identifier: MIT
"""Post-mortems: the console block, symbols from ELF files, the report."""

import io
import json
import pathlib
import struct
import unittest

from support import TEXT, Tree, program

from exo import console, elf, mortem

BLOCK = """begin crash
image crash
env 65539
why fault
detail page fault: write to 0x0, not bound
fault vector 14 error 0x6 address 0x0
reg rip 0x401023 rsp 0x7ff0 rflags 0x202
reg rax 0x0 r15 0xffffffffffffffff
stack 0x7ff0 0x401015 0x1 0x2 0x3
stack 0x8010 0x4
back 0x401023
back 0x401015
back 0x401030
held pages 17 slots 0 envs 1
trace 123 0 fault 14 0
nonsense 1 2 3
reg broken
end crash""".splitlines()


def code():
    """64 bytes with a call that ends at TEXT + 0x15."""
    call = b"\xe8" + struct.pack("<i", 11)
    return b"\x90" * 0x10 + call + b"\x90" * (64 - 0x15)


SYMBOLS = [("main", TEXT, 0x20), ("deep", TEXT + 0x20, 8)]


class Parse(unittest.TestCase):
    def test_every_key(self):
        record = mortem.parse(BLOCK)
        self.assertEqual(record, {
            "app": "crash", "image": "crash", "env": 65539, "why": "fault",
            "detail": "page fault: write to 0x0, not bound",
            "fault": {"vector": 14, "error": 6, "address": 0},
            "regs": {"rip": 0x401023, "rsp": 0x7ff0, "rflags": 0x202,
                     "rax": 0, "r15": 2**64 - 1},
            "stack": {"address": 0x7ff0, "words": [0x401015, 1, 2, 3, 4]},
            "back": [0x401023, 0x401015, 0x401030],
            "held": {"pages": 17, "slots": 0, "envs": 1},
            "trace": [{"tsc": 123, "cpu": 0, "ev": "fault", "a": 14, "b": 0}],
        })

    def test_garbage_is_survived(self):
        for lines in ([], ["begin"], ["stack"], ["trace 1"], ["fault x y"],
                      ["back zz"], [""], ["reg rip 99999999999999999999x"]):
            mortem.report(mortem.symbolise(mortem.parse(lines), {}))


class Symbols(Tree):
    def setUp(self):
        super().setUp()
        self.path = self.root / "crash.elf"
        self.path.write_bytes(program(SYMBOLS, code()))

    def test_names(self):
        program_file = elf.Elf(self.path)
        for offset, name in ((0, "main"), (0x1f, "main+0x1f"),
                             (0x20, "deep"), (0x27, "deep+0x7"),
                             (0x28, None), (0x40, None), (-1, None)):
            self.assertEqual(program_file.name_of(TEXT + offset), name)

    def test_calls_are_recognised(self):
        forms = {b"\xe8\0\0\0\0": True, b"\xff\xd0": True,  # call, call *rax
                 b"\xff\x10": True, b"\xff\x14\x25\0\0\0\0": True,
                 b"\xff\x50\x08": True, b"\xff\x54\x24\x08": True,
                 b"\xff\x15\0\0\0\0": True, b"\xff\x90\0\1\0\0": True,
                 b"\x90\x90": False, b"\xff\xe0": False, b"\xe9\0\0\0\0":
                 False}
        for form, wanted in forms.items():
            self.path.write_bytes(program((), b"\x90" * 8 + form + b"\x90"))
            found = elf.Elf(self.path).follows_call(TEXT + 8 + len(form))
            self.assertEqual(found, wanted, form.hex())

    def test_only_return_addresses_stay(self):
        record = mortem.symbolise(mortem.parse(BLOCK), {"crash": self.path})
        self.assertEqual(record["calls"], [
            {"address": 0x401023, "name": "deep+0x3"},
            {"address": 0x401015, "name": "main+0x14"}])

    def test_without_the_program(self):
        record = mortem.symbolise(mortem.parse(BLOCK), {"crash": "/none"})
        self.assertEqual([c["name"] for c in record["calls"]], [None] * 3)

    def test_report(self):
        text = "\n".join(mortem.report(mortem.symbolise(
            mortem.parse(BLOCK), {"crash": self.path})))
        for wanted in ("crash died: page fault: write to 0x0, not bound",
                       "exception 14 (page fault), error 0x6, address 0x0",
                       "in    deep+0x3 (0x401023)", "from  main+0x14",
                       "rip 0000000000401023", "17 pages", "fault 0xe 0x0"):
            self.assertIn(wanted, text)

    def test_damaged_symbol_tables(self):
        good = program(SYMBOLS, code())
        for at in range(120, len(good)):
            self.path.write_bytes(good[:at] + b"\xff" + good[at + 1:])
            try:
                mortem.symbolise(mortem.parse(BLOCK), {"crash": self.path})
            except Exception as error:
                raise AssertionError(f"byte {at}") from error


class Console(Tree):
    def show(self, lines):
        out = io.StringIO()
        printer = console.Printer({}, self.root, out)
        for line in lines:
            printer.line(line)
        printer.finish()
        return out.getvalue()

    def test_a_block_becomes_a_report_and_a_file(self):
        text = self.show(["a | x"] + [f"init | mortem {b}" for b in BLOCK]
                         + ["a | y"])
        self.assertTrue(text.startswith("a | x\ninit | crash died: page"))
        self.assertTrue(text.endswith("a | y\n"))
        self.assertNotIn("mortem begin", text)
        record = json.loads((self.root / "mortem-1.json").read_text())
        self.assertEqual(record["regs"]["rsp"], 0x7ff0)

    def test_a_second_death_at_one_place_is_short(self):
        lines = [f"init | mortem {b}" for b in BLOCK]
        text = self.show(lines + lines)
        self.assertEqual(text.count("init | crash died: "), 2)
        self.assertEqual(text.count("exception 14"), 1)
        self.assertEqual(text.count("at the same place as before"), 1)
        self.assertTrue((self.root / "mortem-2.json").exists())

    def test_an_unfinished_block_is_shown_as_it_is(self):
        text = self.show(["init | mortem begin x", "init | mortem why fault"])
        self.assertEqual(text, "init | mortem begin x\n"
                         "init | mortem why fault\n")

    def test_an_application_cannot_make_one(self):
        text = self.show(["x | init | mortem begin x"])
        self.assertEqual(text, "x | init | mortem begin x\n")
        self.assertFalse(pathlib.Path(self.root, "mortem-1.json").exists())


if __name__ == "__main__":
    unittest.main()
