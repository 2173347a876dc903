# SPDX-License-Identifier: MIT
"""Which jobs there are.

An image of tests/kernel or tests/attack runs on the machines below: all of
them on QEMU with one CPU (deterministic: an instruction is a nanosecond) and
with two, in Bochs with one and two, on the kernel with the sanitizers, and
with the kernel's own sweeps after every call; some of them with four CPUs and
on every way to boot.
"""

import pathlib

from .jobs import (ROOT, Config, ExosGuest, Fuzzer, Guest, Program,
                   PythonTests)

# What Bochs' CPU has: PCID, INVPCID, TSC deadline, x2APIC, SMEP, SMAP,
# FSGSBASE, XSAVE (enum exo_feature); and QEMU's "max".
_BOCHS_HAS = 1 | 2 | 4 | 8 | 16 | 32 | 128 | 256
_QEMU_HAS = 16 | 32 | 64 | 128 | 256

_QEMU = f"expect={_QEMU_HAS} patience=180"
_COUNTED = f"expect={_QEMU_HAS} patience=2 counted=1"  # guest time is instructions
_BOCHS = f"expect={_BOCHS_HAS} patience=20 counted=1"

CONFIGS = {config.name: config for config in (
    Config("pc-1", _COUNTED, {"icount": True}),
    Config("pc-2", _QEMU, {"smp": 2}),
    Config("pc-4", _QEMU, {"smp": 4}),
    Config("old-1", "expect=0 patience=2 counted=1", {"icount": True, "cpu": "qemu64"}),
    Config("check-1", _COUNTED + " check=1", {"icount": True, "mem": "12M"}),
    Config("large-1", _QEMU + " counted=1", {"icount": True, "mem": "5G"}),
    Config("q35-2", _QEMU, {"smp": 2, "machine": "q35"}),
    Config("microvm-2", _QEMU, {"smp": 2, "machine": "microvm"}),
    Config("bios-2", _QEMU, {"smp": 2, "iso": "bios"}),
    Config("bios-mb2-1", _QEMU, {"iso": "bios-mb2"}),
    Config("uefi-2", _QEMU, {"smp": 2, "iso": "uefi", "machine": "q35",
                             "mem": "256M"}),
    *(Config(f"{name}-{smp}", _COUNTED if smp == 1 else _QEMU,
             {"smp": smp, "icount": smp == 1, "machine": machine,
              "extra": ("-netdev", "user,id=net,restrict=on",
                        "-device", f"{model},netdev=net")})
      for name, machine, model in (
          ("virtio", "pc", "virtio-net-pci"),
          ("virtio-old", "pc", "virtio-net-pci,disable-modern=on"),
          ("virtio-q35", "q35", "virtio-net-pci"),
          ("virtio-mmio", "microvm", "virtio-net-device"),
          ("e1000", "pc", "e1000"))
      for smp in (1, 2)),
    Config("bochs-1", _BOCHS, {"emulator": "bochs"}),
    Config("bochs-2", _BOCHS, {"emulator": "bochs", "smp": 2}),
    Config("san-1", _COUNTED, {"icount": True, "mem": "96M"}, san=True),
    Config("san-2", _QEMU, {"smp": 2, "mem": "96M"}, san=True),
)}

_EVERYWHERE = ("pc-1", "pc-2", "bochs-1", "bochs-2", "san-1", "san-2")
_MORE = {  # images that run on further machines
    "kernel/boot": ("pc-4", "old-1", "q35-2", "microvm-2", "bios-2",
                    "bios-mb2-1", "uefi-2"),
    "kernel/info": ("large-1",), "kernel/page": ("large-1",),
    "kernel/smp": ("pc-4",), "kernel/slice": ("pc-4",),
    "kernel/bind": ("pc-4", "old-1"), "kernel/fpu": ("pc-4", "old-1"),
    "kernel/upcall": ("old-1",), "kernel/call": ("pc-4", "old-1"),
    "attack/race": ("pc-4",), "attack/leaks": ("pc-4", "old-1"),
}


_NEEDS_CARD = ("kernel/card",)
CARDS = [name for name in CONFIGS if name.startswith(("virtio", "e1000"))]


_OPTIONS = {  # shorter slots: more of them happen
    "kernel/restart": " slot_us=100 grace_us=20",
    "kernel/slice": " slots=32",
}


_MODULES = {  # beside the image itself
    "kernel/boot": ((b"BBBBB", "image first"),
                    (b"C" * 5000, "image second, with a comma")),
}


def images():
    """The names of all test images."""
    return [f"{room}/{path.stem}" for room in ("kernel", "attack")
            for path in sorted((ROOT / "tests" / room).glob("*.c"))]


def guests(more):
    """Every image on every machine it is meant for."""
    jobs = []
    for image in images():
        names = CARDS if image in _NEEDS_CARD else \
            [*_EVERYWHERE, *_MORE.get(image, ())]
        if (image.startswith("kernel/") or image == "attack/random") \
                and image not in _NEEDS_CARD:
            names.append("check-1")
        for name in names:
            config = CONFIGS[name]
            options = f"cpus={config.smp}{_OPTIONS.get(image, '')} {more}"
            jobs.append(Guest(image, config, options,
                              _MODULES.get(image, ())))
    return jobs


def host():
    """The host tool's own tests, and the kernel's logic built for the host."""
    jobs = [PythonTests(path)
            for path in sorted((ROOT / "tests/host").glob("test_*.py"))]
    listed = ROOT / "build/tests/host.list"
    if listed.exists():
        jobs += [Program(ROOT / pathlib.Path(line))
                 for line in listed.read_text().split()]
    return jobs


def apps():
    """The network applications as programs of this host."""
    return [PythonTests(path)
            for path in sorted((ROOT / "tests/apps").glob("test_*.py"))]


def fuzzers():
    """A program for each parser that must not trust its input."""
    return [Fuzzer(ROOT / "build/tests/fuzz" / path.stem[len("feed_"):])
            for path in sorted((ROOT / "tests/fuzz").glob("feed_*.c"))]


def minimal():
    """Whole machines: with init and the applications, as users start them, and
    with a network cable of the test's own."""
    return [PythonTests(path, cpus=2) for room in ("minimal", "net")
            for path in sorted((ROOT / "tests" / room).glob("test_*.py"))]


def exos():
    """Programs of claims on exos, and whole machines with programs on it."""
    return [PythonTests(path, cpus=2)
            for path in sorted((ROOT / "tests/exos").glob("test_*.py"))] + [
        ExosGuest(path.stem, CONFIGS[name])
        for path in sorted((ROOT / "tests/exos").glob("*.c"))
        if path.stem != "test" for name in ("pc-1", "pc-2")]


def every(options="seed=1"):
    """All jobs, in the order they begin; longest first where it matters.
    `options` are for the images."""
    return [*host(), *apps(), *fuzzers(), *minimal(), *exos(),
            *guests(options)]
