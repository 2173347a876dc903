# SPDX-License-Identifier: MIT
"""Is every tool there, and new enough? Says which package brings it.

Each row: what to look for (a program, or a file that a package brings), how to
ask its version, the oldest version known to work, the Debian package, what it
is for, and whether nothing works without it.
"""

import os
import pathlib
import re
import shutil
import subprocess

from . import state

_NEEDED, _OPTIONAL = True, False
_ROWS = (
    ("make", "--version", (4, 0), "make", "building", _NEEDED),
    ("gcc", "-dumpfullversion", (12, 0), "gcc", "building", _NEEDED),
    ("ld", "--version", (2, 40), "binutils", "building", _NEEDED),
    ("qemu-system-x86_64", "--version", (7, 2), "qemu-system-x86",
     "running machines", _NEEDED),
    ("patch", "--version", (2, 7), "patch", "building newlib", _NEEDED),
    ("xz", "--version", (5, 0), "xz-utils", "building newlib and lwIP",
     _NEEDED),
    ("bzip2", None, None, "bzip2", "building newlib and lwIP", _NEEDED),
    ("clang", "--version", (14, 0), "clang", "the second compiler", _OPTIONAL),
    ("ld.lld", "--version", (14, 0), "lld", "the second linker", _OPTIONAL),
    ("clang-format", "--version", (14, 0), "clang-format", "make lint",
     _OPTIONAL),
    ("bochs-bin", None, None, "bochs", "--bochs", _OPTIONAL),
    ("/usr/share/bochs/BIOS-bochs-latest", None, None, "bochsbios", "--bochs",
     _OPTIONAL),
    ("/usr/share/bochs/VGABIOS-lgpl-latest", None, None, "vgabios", "--bochs",
     _OPTIONAL),
    ("gdb", "--version", (12, 0), "gdb", "./exo gdb", _OPTIONAL),
    ("tcpdump", "--version", (4, 99), "tcpdump",
     "reading captures of ./exo pcap", _OPTIONAL),
    ("grub-mkrescue", "--version", (2, 6), "grub-common",
     "./exo image, --bochs", _OPTIONAL),
    ("xorriso", "-version", (1, 5), "xorriso", "./exo image, --bochs",
     _OPTIONAL),
    ("/usr/lib/grub/i386-pc/multiboot.mod", None, None, "grub-pc-bin",
     "images that boot with BIOS", _OPTIONAL),
    ("/usr/lib/grub/x86_64-efi/multiboot2.mod", None, None,
     "grub-efi-amd64-bin", "images that boot with UEFI", _OPTIONAL),
    ("mformat", "--version", (4, 0), "mtools", "images that boot with UEFI",
     _OPTIONAL),
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", None, None, "ovmf",
     "trying UEFI in QEMU", _OPTIONAL),
)


def check(show=print):
    """Print one line for each thing looked at. Returns 0 when all that is
    needed is there, 1 when something needed is missing or too old."""
    wanted, broken = [], False
    for name, option, oldest, package, use, needed in _ROWS:
        problem, version = _look(name, option, oldest)
        if problem:
            wanted.append(package)
            broken |= needed
        mark = "ok " if not problem else "NO " if needed else "no "
        show(f"{mark} {os.path.basename(name):24} "
             f"{problem or version or 'there':20} {use}")
    _machine(show)
    if wanted:
        packages = " ".join(dict.fromkeys(wanted))
        show("\ninstall what is missing or too old:\n"
             f"    apt-get install --no-install-recommends {packages}")
    return int(broken)


def _look(name, option, oldest):
    """(problem or None, version text or None)"""
    if name.startswith("/"):
        return (None if pathlib.Path(name).exists() else "missing"), None
    if not shutil.which(name):
        return "missing", None
    if option is None:
        return None, None
    found = re.search(r"\b(\d+)\.(\d+)(?:\.\d+)*", _ask(name, option))
    if not found:
        return None, None
    if (int(found[1]), int(found[2])) < oldest:
        return f"{found[0]}, older than {oldest[0]}.{oldest[1]}", None
    return None, found[0]


def _ask(name, option):
    try:
        done = subprocess.run([name, option], capture_output=True, text=True,
                              errors="replace", timeout=20, check=False,
                              stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def _machine(show):
    """What is no package: KVM, and whether things are built."""
    usable = os.access("/dev/kvm", os.R_OK | os.W_OK)
    show("--  kvm                      "
         + ("usable: try --kvm" if usable else "not usable: machines are "
            "emulated, which is all that is needed"))
    built = state.KERNEL.exists() and state.INIT.exists()
    show("--  exo itself               "
         + ("built" if built else "not built yet: make"))
