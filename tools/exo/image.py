# SPDX-License-Identifier: MIT
"""Bootable images: GRUB, the kernel and its modules in one hybrid ISO.

The same file boots from a CD, a disk or a USB stick, with BIOS and (unless
`efi` is off, which makes it 20 times smaller) UEFI. Under UEFI the menu uses
Multiboot 2, because only that tells the kernel where the ACPI tables are.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

from . import ExoError

_BIOS_MODULES = "multiboot multiboot2 normal iso9660 biosdisk configfile"
_BIOS_FILES = pathlib.Path("/usr/lib/grub/i386-pc")
_EFI_FILES = pathlib.Path("/usr/lib/grub/x86_64-efi")


def menu(modules, append, protocol):
    """The text of grub.cfg. modules: the strings, in order; protocol: 1, 2 or
    "auto" (2 under UEFI, else 1)."""
    words = " ".join(_quote(word) for word in append.split())

    def commands(suffix):
        lines = [f"  multiboot{suffix} /boot/exokernel.elf exokernel.elf "
                 + words]
        lines += [f"  module{suffix} /boot/m{i} m{i} {string}"
                  for i, string in enumerate(modules)]
        return lines
    lines = ["set timeout=0"]
    if protocol == "auto":
        lines += ['if [ "$grub_platform" = efi ]; then', *commands("2"),
                  "else", *commands(""), "fi"]
    else:
        lines += commands("2" if protocol == 2 else "")
    return "\n".join(line.rstrip() for line in lines) + "\nboot\n"


def _quote(word):
    return "'" + word.replace("'", "'\\''") + "'"


def make(out, kernel, modules, append="", efi=True, protocol="auto"):
    """Write a hybrid ISO to `out`. modules: [(path or bytes, string)].
    ExoError when GRUB's tools are missing or fail."""
    _needs(efi)
    with tempfile.TemporaryDirectory(prefix="exo-image-") as top:
        boot = pathlib.Path(top, "tree", "boot")
        (boot / "grub").mkdir(parents=True)
        shutil.copyfile(kernel, boot / "exokernel.elf")
        for number, (content, _) in enumerate(modules):
            write(boot / f"m{number}", content)
        text = menu([string for _, string in modules], append, protocol)
        (boot / "grub" / "grub.cfg").write_text(text)
        command = ["grub-mkrescue", "-o", os.path.abspath(out)]
        if not efi:
            command += ["-d", str(_BIOS_FILES), "--fonts=", "--themes=",
                        "--locales=", f"--install-modules={_BIOS_MODULES}"]
        command.append(os.path.dirname(boot))
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, check=False)
    if done.returncode:
        raise ExoError(f"grub-mkrescue could not write {out}:\n"
                       + done.stderr.strip())


def write(path, content):
    """Put bytes, or the content of a file, at `path`."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        shutil.copyfile(content, path)


def _needs(efi):
    missing = [package for program, package in (
        ("grub-mkrescue", "grub-common"), ("xorriso", "xorriso"))
        if not shutil.which(program)]
    if not (_BIOS_FILES / "multiboot.mod").exists():
        missing.append("grub-pc-bin")
    if efi and not (_EFI_FILES / "multiboot2.mod").exists():
        missing.append("grub-efi-amd64-bin")
    if efi and not shutil.which("mformat"):
        missing.append("mtools")
    if missing:
        raise ExoError("an image needs GRUB's tools; install them: "
                       f"apt-get install {' '.join(missing)}")
