# SPDX-License-Identifier: MIT
"""Sizes, offsets and values, as the compiler has them.

A small program that includes exo/exo.h is compiled and run: what it prints is
what both sides of the ABI were compiled with.
"""

import os
import re
import shlex
import subprocess
import tempfile

from . import AbiError


class Layout:
    """size[struct], field[struct, name] = (offset, bytes), value[constant]."""

    def __init__(self, include, headers):
        self.size, self.field, self.value = {}, {}, {}
        for line in _run(include, _questions(headers)).splitlines():
            what, *words = line.split()
            if what == "size":
                self.size[words[0]] = int(words[1])
            elif what == "field":
                self.field[words[0], words[1]] = (int(words[2]), int(words[3]))
            else:
                self.value[words[0]] = int(words[1])


def _questions(headers):
    """The lines of main() that print everything the headers define."""
    for item in (i for h in headers for i in h.items):
        for row in item.rows:
            if item.kind in ("constants", "enum") and "(" not in row.name:
                yield (f'printf("value {row.name} %llu\\n", '
                       f"(unsigned long long)({row.name}));")
            elif item.kind == "struct" and row.name:
                name = re.sub(r"\[\w+\]\.", "[0].", row.name)
                name = re.sub(r"\[\w+\]$", "", name)
                where = f"struct {item.name}, {name}"
                yield (f'printf("field {item.name} {row.name} %zu %zu\\n", '
                       f"offsetof({where}), "
                       f"sizeof(((struct {item.name} *)0)->{name}));")
        if item.kind == "struct":
            yield (f'printf("size {item.name} %zu\\n", '
                   f"sizeof(struct {item.name}));")


def _run(include, lines):
    source = ("#include <exo/exo.h>\n#include <stdio.h>\nint main(void)\n{\n"
              + "\n".join(lines) + "\nreturn 0;\n}\n")
    compiler = shlex.split(os.environ.get("CC", "cc"))
    with tempfile.TemporaryDirectory() as where:
        program = os.path.join(where, "ask")
        try:
            subprocess.run([*compiler, "-std=c11", f"-I{include}", "-x", "c",
                            "-", "-o", program], input=source, text=True,
                           check=True, capture_output=True)
        except FileNotFoundError as error:
            raise AbiError(f"no C compiler {compiler[0]}; run tools/setup, or "
                           "set CC") from error
        except subprocess.CalledProcessError as error:
            raise AbiError("the headers do not compile:\n"
                           + error.stderr) from error
        return subprocess.run([program], text=True, check=True,
                              capture_output=True).stdout
