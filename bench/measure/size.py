# SPDX-License-Identifier: MIT
"""Lines of the kernel's rooms, and bytes of what is built from them.

Code lines are lines with anything but white space and comments. Headers count
with the room they are in. What is not the kernel that runs stands apart: the
drivers, include/exo, which is the ABI that programs share, and the run-time of
the sanitizers, which only `make SAN=1` links.
"""

import pathlib
import re
import subprocess
import tempfile

from exo import ExoError, image

SOURCES = (".c", ".h", ".S", ".def", ".ld")
APART = ("drv", "include", "sanitizer")
SANITIZER = ("sanitize.c", "sanitize.h")

# Strings and character constants hide comment marks; they come first.
_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
                    r'|/\*.*?\*/|//[^\n]*', re.DOTALL)


def code_lines(text):
    """Lines that are not blank once comments are gone."""
    def blank(match):
        found = match[0]
        return "\n" * found.count("\n") if found[0] == "/" else found
    return sum(1 for line in _TOKEN.sub(blank, text).splitlines()
               if line.strip())


def count_room(files):
    """(code lines, all lines)."""
    texts = [file.read_text() for file in files if file.suffix in SOURCES]
    return (sum(map(code_lines, texts)),
            sum(len(text.splitlines()) for text in texts))


def rooms(tree):
    """{room: (code lines, all lines)}; the top directory is "kernel"."""
    top = tree.root / "exokernel"
    found = {"kernel": count_room(f for f in top.iterdir() if f.is_file())}
    for room in sorted(d for d in top.iterdir() if d.is_dir()):
        counted = count_room(f for f in room.rglob("*")
                             if f.is_file() and f.name not in SANITIZER)
        if counted[1]:
            found[room.name] = counted
    found["sanitizer"] = count_room(top / "debug" / name for name in SANITIZER)
    return found


def sections(path):
    """(text, data, bss) of an ELF file."""
    lines = subprocess.run(["size", str(path)], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    return tuple(map(int, lines[1].split()[:3]))


def loaded_bytes(path):
    """Bytes of a program without debug information and symbols."""
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, str(path)], check=True)
        return pathlib.Path(stripped.name).stat().st_size


def iso_bytes(tree, efi):
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "image.iso"
        image.make(out, tree.kernel,
                   [(tree.app("init"), "init"),
                    (tree.app("hello"), "image hello")], efi=efi)
        return out.stat().st_size


def measure(tree, out, _names=()):
    counted = rooms(tree)
    for room, (code, every) in counted.items():
        out.add(f"lines.{room}", code, "lines", all=every)
    own = {room: n for room, n in counted.items() if room not in APART}
    out.add("kernel_lines", sum(code for code, _ in own.values()), "lines",
            all=sum(every for _, every in own.values()),
            with_those_apart=sum(code for code, _ in counted.values()))
    for name, value in zip(("text", "data", "bss"), sections(tree.kernel)):
        out.add(f"kernel_{name}", value, "bytes")
    out.add("kernel_image", tree.kernel.stat().st_size, "bytes",
            stripped=loaded_bytes(tree.kernel))
    out.add("hello_image", tree.app("hello").stat().st_size, "bytes",
            stripped=loaded_bytes(tree.app("hello")))
    try:
        out.add("iso_image.bios", iso_bytes(tree, False), "bytes")
        out.add("iso_image.efi", iso_bytes(tree, True), "bytes")
    except ExoError as error:
        out.note(f"iso images not measured: {error}")
