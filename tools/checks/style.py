# SPDX-License-Identifier: MIT
"""How sources are written: format, first lines, leftovers, sizes, columns."""

import ast
import re
import shutil

from . import Error, Warning, c_files, files, is_script, read, run

FUNCTION_LINES, FILE_LINES, COLUMNS = 60, 700, 80
_LEFTOVER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b|^\s*#\s*if 0\b")


def sources():
    """Everything people write that is not prose."""
    scripts = [n for n in files("tools", "exo", "tests", "bench", ".ci")
               if "." not in n.rsplit("/", 1)[-1] and is_script(n)]
    return files("*.c", "*.h", "*.S", "*.def", "*.py", "*.mk", "*.ld", "*.sh",
                 "Makefile", "*.toml") + scripts


def check_format():
    """clang-format 14 has nothing to change"""
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        yield Error("clang-format is not there; run tools/setup")
        return
    version = re.search(r"version (\d+)", run(tool, "--version")[1])[1]
    if version != "14":
        yield Warning(f"clang-format {version} formats in its own way; the "
                      "check needs 14 and was left out")
        return
    _, out = run(tool, "--dry-run", *c_files())
    seen = set()
    for name, line in re.findall(r"^(\S+?):(\d+):\d+: warning", out, re.M):
        if name not in seen:
            seen.add(name)
            yield Error(f"{name}:{line}: not formatted; clang-format -i {name}")


def check_licence():
    """the first line of each source says the licence"""
    for name in sources():
        lines = read(name).splitlines()[:2]
        if not any("SPDX-License-Identifier: MIT" in line for line in lines):
            yield Error(f"{name}:1: no `SPDX-License-Identifier: MIT`")


def check_leftovers():
    """no notes to oneself, nothing switched off"""
    for name in sources():
        for number, line in enumerate(read(name).splitlines(), 1):
            if _LEFTOVER.search(line):
                yield Error(f"{name}:{number}: {line.strip()[:60]}; gaps go "
                            "to docs/limits.md")


def check_white_space():
    """no line ends in blanks or is too long; files end with a newline"""
    for name in sources():
        text = read(name)
        if text and not text.endswith("\n"):
            yield Error(f"{name}: the last line has no end")
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip():
                yield Error(f"{name}:{number}: blanks at the end")
            if len(line.expandtabs(8)) > COLUMNS:
                yield Warning(f"{name}:{number}: {len(line.expandtabs(8))} "
                              f"columns, {COLUMNS} are meant")


def check_sizes():
    """functions and files of a size that can be read in one go"""
    for name in sources():
        text = read(name)
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield Warning(f"{name}: {lines} lines; {FILE_LINES} are the most")
        find = _c_functions if name.endswith(".c") else \
            _python_functions if name.endswith(".py") else None
        for what, at, length in find(text) if find else ():
            if length > FUNCTION_LINES:
                yield Warning(f"{name}:{at}: {what} has {length} lines; "
                              f"{FUNCTION_LINES} are the most")


def _c_functions(text):
    lines, start = text.splitlines(), None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            head = re.match(r"\w+", lines[start - 2])
            yield head[0] if head else "a function", start - 1, number - start
            start = None


def _python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.lineno, node.end_lineno - node.lineno


CHECKS = [check_format, check_licence, check_leftovers, check_white_space,
          check_sizes]
