# SPDX-License-Identifier: MIT
"""The parts of ./exo, the host tool of the Exo exokernel.

    cli.py        the command line: verbs, options, errors
    session.py    verbs that start machines: run, up, gdb
    operate.py    verbs for running ones: ps, top, logs, stop, trace ...
    manifest.py   TOML manifest -> checked -> flat text for init
    network.py    addresses, published ports, the card
    machine.py    one emulated machine: start, console, management, end
    bochs.py      what Bochs needs beside it
    image.py      GRUB images for BIOS and UEFI
    mgmt.py       client of the management port
    state.py      directories of running machines
    console.py    showing console lines, post-mortems included
    mortem.py     post-mortem records: parse, symbolise, report
    elf.py        just enough of ELF
    trace.py      trace rings -> Chrome/Perfetto JSON
    doctor.py     is every tool there?

Standard library only. The formats are defined in docs/manifest.md and
docs/management.md. tests/run and bench/run import machine.py too.
"""


class ExoError(Exception):
    """A mistake the user can mend; its text is one or more sentences that
    say what is wrong and what to do next."""


class Bad(Exception):
    """The problem of one value of a manifest; whoever knows its place there
    puts it in front."""
