# SPDX-License-Identifier: MIT
"""What Bochs 2.7 needs beside it: its configuration, and pseudo-terminals for
the two serial ports.

Bochs boots the kernel from a GRUB ISO, as a disk. The configuration is
deterministic (sync=none, fixed date): two runs execute the same instructions.
Debian's Bochs has the debugger compiled in, so a command file must say
"continue"; it exits with 1 whatever the guest did. It cannot serve a unix
socket, so Port does: it owns the terminal's master side and hands bytes to
one client of directory/mgmt at a time.
"""

import os
import pathlib
import pty
import select
import shutil
import threading
import tty

from . import ExoError, network, state

MODEL = "corei7_skylake_x"
_BIOS = pathlib.Path("/usr/share/bochs/BIOS-bochs-latest")
_VGA = pathlib.Path("/usr/share/bochs/VGABIOS-lgpl-latest")
_CONFIG = """\
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, \
serial=1, iodebug=1{plugins}
config_interface: textconfig
display_library: rfb, options="timeout=0"
romimage: file={bios}
vgaromimage: file={vga}
cpu: model={model}, count={cpus}, ips=50000000, reset_on_triple_fault=0, \
ignore_bad_msrs=0
memory: guest={megabytes}, host={megabytes}
clock: sync=none, time0=946684800
pci: enabled=1, chipset=i440fx, slot1=pcivga{slots}
vga: extension=vbe, update_freq=1
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path=machine.iso, mode=volatile
boot: disk
com1: enabled=1, mode=term, dev={com1}
com2: enabled=1, mode=term, dev={com2}
{card}log: bochs.log
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
"""


def needs():
    """ExoError when a part of Bochs is missing."""
    missing = [package for there, package in (
        (shutil.which("bochs-bin"), "bochs"), (_BIOS.exists(), "bochsbios"),
        (_VGA.exists(), "vgabios")) if not there]
    if missing:
        raise ExoError("Bochs is not complete; install: apt-get install "
                       + " ".join(missing))


_CARD = """\
e1000: enabled=1, mac={mac}, ethmod=slirp, ethdev=/dev/null, \
script=slirp.conf
"""


def prepare(directory, cpus, megabytes, model, com1, com2, card=None):
    """Write the configuration; returns the command to run there."""
    if card:
        (directory / "slirp.conf").write_text(card.slirp())
    (directory / "bochsrc").write_text(_CONFIG.format(
        bios=_BIOS, vga=_VGA, model=model or MODEL, cpus=cpus,
        megabytes=megabytes, com1=com1, com2=com2,
        plugins=", e1000=1" if card else "",
        slots=", slot2=e1000" if card else "",
        card=_CARD.format(mac=network.MAC) if card else ""))
    (directory / "continue").write_text("c\n")
    # A killed Bochs leaves its lock, and the next one would stop at it.
    (directory / "machine.iso.lock").unlink(missing_ok=True)
    return ["bochs-bin", "-q", "-f", "bochsrc", "-rc", "continue"]


class Port:
    """A serial port: path is for Bochs, master for us. Keeps the other side
    open too, so that reading never fails before Bochs has opened it."""

    def __init__(self):
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._server = self._stop = None

    def serve(self, directory, name):
        """Carry bytes between the port and clients of directory/name, in a
        thread, until close()."""
        self._server = state.listen(directory, name)
        self._stop = os.pipe()
        threading.Thread(target=self._carry, daemon=True).start()

    def _carry(self):
        client = None
        while True:
            ready, _, _ = select.select(
                [self._stop[0], self.master, client or self._server], [], [])
            if self._stop[0] in ready:
                break
            if self._server in ready:
                client = self._server.accept()[0]
            elif client in ready:
                client = self._to_port(client)
            if self.master in ready:
                data = os.read(self.master, 65536)
                if client:
                    client = _send(client, data)
        for thing in (client, self._server):
            if thing:
                thing.close()
        for handle in (*self._stop, self.master, self._slave):
            os.close(handle)

    def _to_port(self, client):
        try:
            data = client.recv(4096)
        except OSError:
            data = b""
        if not data:
            client.close()
            return None
        os.write(self.master, data)
        return client

    def close(self):
        """Give everything back (the thread does it, when there is one)."""
        if self._stop:
            os.write(self._stop[1], b"x")
            return
        os.close(self.master)
        os.close(self._slave)


def _send(client, data):
    try:
        client.sendall(data)
    except OSError:
        client.close()
        return None
    return client
