# SPDX-License-Identifier: MIT
"""Just enough of ELF: is this a program we can run, and which function is at
an address? No binutils needed.

Sources: [ELF64] System V ABI, ELF-64 object file format; [SDM2].
"""

import bisect
import functools
import struct

from . import ExoError

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_EXEC, _X86_64 = 2, 62
_LOAD, _INTERP, _NOTE, _SYMTAB = 1, 3, 4, 2
_NOTYPE, _FUNC = 0, 2


class Elf:
    """A static x86-64 program (or the kernel). Raises ExoError with the
    reason when the file is something else."""

    def __init__(self, path):
        self.path = str(path)
        try:
            with open(path, "rb") as file:
                self._data = file.read()
        except OSError as error:
            raise ExoError(f"cannot read {path}: {error.strerror}") from None
        try:
            self._parse()
        except (struct.error, OverflowError):
            raise ExoError(f"{path} is a damaged ELF file "
                           "(a table lies outside of it)") from None

    def _parse(self):
        data = self._data
        if data[:4] != b"\x7fELF":
            raise ExoError(f"{self.path} is no ELF program")
        if len(data) < _HEADER.size:
            raise ExoError(f"{self.path} is cut off within its ELF header")
        (ident, kind, machine, _, self.entry, phoff, shoff, _, _, phsize,
         phnum, shsize, shnum, _) = _HEADER.unpack_from(data)
        if ident[4:6] != b"\x02\x01" or machine != _X86_64:
            raise ExoError(f"{self.path} is an ELF file for another machine "
                           "(64-bit x86-64 is needed)")
        programs = [_PROGRAM.unpack_from(data, phoff + i * phsize)
                    for i in range(phnum)]
        if kind != _EXEC or any(p[0] == _INTERP for p in programs):
            raise ExoError(f"{self.path} is not a static program "
                           "(link it with -static -no-pie)")
        # Programs with a C library have a note for their loader.
        self.has_note = any(p[0] == _NOTE for p in programs)
        # (virtual address, bytes in the file, offset, executable)
        self.segments = [(p[3], p[5], p[2], bool(p[1] & 1))
                         for p in programs if p[0] == _LOAD]
        if not self.segments:
            raise ExoError(f"{self.path} has nothing to load")
        self._sections = [_SECTION.unpack_from(data, shoff + i * shsize)
                          for i in range(shnum)] if shoff else []

    @functools.cached_property
    def symbols(self):
        """[(address, size, name)] of functions and labels, by address. Empty
        when the tables are damaged."""
        try:
            return self._read_symbols()
        except (struct.error, OverflowError, IndexError):
            return []

    def _read_symbols(self):
        found = {}
        for section in self._sections:
            if section[1] != _SYMTAB:
                continue
            names = self._sections[section[6]][4]
            for at in range(section[4], section[4] + section[5],
                            _SYMBOL.size):
                name, info, _, index, value, size = \
                    _SYMBOL.unpack_from(self._data, at)
                kind = info & 15
                if kind not in (_FUNC, _NOTYPE) or not index or not name:
                    continue
                text = self._data[names + name:names + name + 256]
                text = text.partition(b"\0")[0].decode("latin-1")
                # A function wins over a label at the same address.
                if kind == _FUNC or value not in found:
                    found[value] = (value, size, text)
        return sorted(found.values())

    def name_of(self, address):
        """"function+0x12" for an address within the text, else None."""
        if not self.is_text(address):
            return None
        at = bisect.bisect_right(self.symbols, (address, 1 << 64, "")) - 1
        if at < 0:
            return None
        value, size, name = self.symbols[at]
        if size and address >= value + size:
            return None
        return f"{name}+{address - value:#x}" if address != value else name

    def is_text(self, address):
        """Whether an executable segment covers the address."""
        return any(start <= address < start + size
                   for start, size, _, code in self.segments if code)

    def follows_call(self, address):
        """Whether the instruction before it may be a call: then the address
        can be a return address, and a stray number hardly."""
        before = self._bytes(address - 7, 7)
        if before is None:
            return False
        if before[2] == 0xe8:  # call rel32
            return True
        # call *r/m: FF /2 with 0, 1 or 4 bytes of displacement, SIB or not
        for length in (2, 3, 4, 6, 7):
            opcode, modrm, sib = (before + b"\0")[7 - length:10 - length]
            if opcode == 0xff and modrm >> 3 & 7 == 2 and \
                    _modrm_length(modrm, sib) == length:
                return True
        return False

    def _bytes(self, address, count):
        for start, size, offset, code in self.segments:
            if code and start <= address and address + count <= start + size:
                at = offset + address - start
                return self._data[at:at + count]
        return None


def _modrm_length(modrm, sib):
    """Bytes of an instruction FF /2 with this ModRM byte, [SDM2 2.1.5]."""
    mode, base = modrm >> 6, modrm & 7
    if mode == 3:
        return 2
    length = 2
    if base == 4:
        length, base = 3, sib & 7
    return length + {0: 4 if base == 5 else 0, 1: 1, 2: 4}[mode]
