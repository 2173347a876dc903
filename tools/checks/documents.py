# SPDX-License-Identifier: MIT
"""Documents: their references, and the sources that code cites."""

import re

from . import Error, ROOT, Warning, files, read, run

_KEY = re.compile(r"\[([A-Z][A-Za-z]*(?:-?[A-Z]?[a-z]*)\d[\w.]*|ACPI|QEMU)\b"
                  r"[^\]\[]*\](?!\()")
SOURCES = "docs/sources.md"


def check_references():
    """documents refer to lines, files and headings that exist"""
    status, out = run("tools/lineref")
    for line in out.strip().splitlines() if status else []:
        yield Error(line)


def comments(text):
    return re.findall(r"/\*.*?\*/|//[^\n]*", text, re.S)


def cited():
    """key -> a place that cites it, of comments and documents."""
    found = {}
    for name in files("*.c", "*.h", "*.S", "*.def"):
        for comment in comments(read(name)):
            for key in _KEY.findall(comment):
                found.setdefault(key, name)
    for name in files("*.md"):
        if name != SOURCES:
            text = re.sub(r"```.*?```|`[^`]*`", "", read(name), flags=re.S)
            for key in _KEY.findall(text):
                found.setdefault(key, name)
    return found


def check_sources():
    """docs/sources.md lists what is cited, and nothing else"""
    if not (ROOT / SOURCES).exists():
        yield Error(f"{SOURCES} is missing")
        return
    listed = set(re.findall(r"^\| \[([^\]]+)\]", read(SOURCES), re.M))
    used = cited()
    for key in sorted(set(used) - listed):
        yield Error(f"{used[key]}: [{key}] is not in {SOURCES}")
    for key in sorted(listed - set(used)):
        yield Warning(f"{SOURCES}: [{key}] is cited nowhere")


CHECKS = [check_references, check_sources]
