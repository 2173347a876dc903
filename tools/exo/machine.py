# SPDX-License-Identifier: MIT
"""One emulated machine, from its command line to its end.

    with Machine(modules, smp=2) as m:     # a directory of its own, removed
        m.start()
        while (line := m.read_line(timeout=30)) is not None:
            ...                            # every console line, without \\n
        print(m.request("ps"))             # management port (while it runs)
        print(m.wait(timeout=30))          # End(kind="off", status=0, ...)

modules is [(path or bytes, string)] in boot order; manifest.Manifest.modules()
makes that list. Emulators: QEMU (kernel given directly, or from an ISO with
BIOS or UEFI) and Bochs (always from an ISO). The console is read through a
pipe or a pseudo-terminal, so nothing is lost, and is kept in console.log; a
machine never outlives the process that started it (precisely: the thread
that called start()), and close() ends it.

Exit codes and console markers are defined in docs/management.md.
"""

import ctypes
import dataclasses
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from . import ExoError, bochs, image, manifest, mgmt, state

PANIC, REFUSED, STATUS = 0x0e, 0x0d, 0x10
ISO_KINDS = ("none", "bios", "bios-mb2", "uefi")
_FIRMWARE = pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
_VARIABLES = pathlib.Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
_POWER_OFF = re.compile(r"init \| power off, status (\d+)$")


class MachineTimeout(Exception):
    """Nothing came before the deadline; the machine still runs."""


@dataclasses.dataclass
class End:
    """How a machine ended. kind: "off" (with `status`), "panic", "refused",
    "silent" (reset, triple fault, quit, killed), "emulator" (did not start),
    "timeout"."""
    kind: str
    status: int = 0
    text: str = ""

    def exit_code(self):
        """The exit status of ./exo for this end."""
        codes = {"off": self.status, "panic": 120, "refused": 121,
                 "silent": 122, "emulator": 123, "timeout": 124}
        return codes[self.kind]


class Machine:
    """See the module's text. Arguments:

    modules    [(path or bytes, string)]
    kernel     ELF file; build/exokernel.elf unless given
    append     kernel command line
    machine    QEMU machine type ("pc", "q35", "microvm", also with ",opt=x")
    smp, mem   CPUs; RAM as "128M" or bytes (whole MiB)
    icount     one instruction is one nanosecond, repeatable (QEMU)
    kvm        use KVM (QEMU)
    cpu        CPU model; QEMU "max", Bochs bochs.MODEL unless given
    emulator   "qemu" or "bochs"
    iso        "none", "bios", "bios-mb2" (Multiboot 2) or "uefi"
    plugin     "file.so,arg=x" for QEMU's -plugin
    name       keeps its directory under that name; else a temporary one
    debug      serve qmp and gdb sockets (QEMU); paused: wait for gdb
    card       network.Card, or None: no card
    extra      further QEMU arguments
    """

    def __init__(self, modules, *, kernel=None, append="", machine="pc",
                 smp=1, mem="128M", icount=False, kvm=False, cpu=None,
                 emulator="qemu", iso="none", plugin=None, name=None,
                 debug=False, paused=False, card=None, extra=()):
        self.modules = list(modules)
        self.kernel = pathlib.Path(kernel) if kernel else None
        self.append, self.machine, self.smp = append, machine, smp
        self.megabytes = manifest.size(mem) >> 20
        self.icount, self.kvm, self.cpu = icount, kvm, cpu
        self.emulator, self.iso, self.plugin = emulator, iso, plugin
        self.debug, self.paused, self.extra = debug, paused, list(extra)
        self.card = card
        self.name, self.directory, self.process = name, None, None
        self._ports, self._log, self._lock = [], None, None
        self._out = self._in = None  # descriptors of the console
        self._data, self._lines = b"", []
        self._told = None  # End the console spoke of
        self._finished = None
        self._check()

    def _check(self):
        if self.iso not in ISO_KINDS or self.emulator not in ("qemu", "bochs"):
            raise ValueError("iso or emulator")
        if self.emulator == "bochs":
            bochs.needs()
            if self.kvm or self.icount or self.plugin or self.iso == "uefi":
                raise ExoError("Bochs has no KVM, icount, plugins or UEFI; "
                               "leave that option out")
        elif not shutil.which("qemu-system-x86_64"):
            raise ExoError("QEMU is not installed; install it: "
                           "apt-get install qemu-system-x86")
        if self.kvm and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise ExoError("--kvm needs read and write access to /dev/kvm; "
                           "leave it out, or join the group kvm")
        if self.iso == "uefi" and not _FIRMWARE.exists():
            raise ExoError("UEFI needs its firmware; install it: "
                           "apt-get install ovmf")

    # Life

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        """Prepare the directory and start the emulator."""
        kernel = state.built(self.kernel or state.KERNEL)
        self._make_directory()
        self._stage(kernel)
        if self.emulator == "bochs":
            command = self._bochs_command()
        else:
            command = self._qemu_command()
        self._log = open(self.directory / "console.log", "wb", 0)
        self._launch(command)
        images = {string.removeprefix("image "): os.path.abspath(path)
                  for path, string in self.modules
                  if not isinstance(path, bytes)}
        state.save(self.directory, pid=self.process.pid,
                   started=self._started(), emulator=self.emulator,
                   debug=self.debug, kernel=kernel.resolve(), images=images,
                   published=self.card.places() if self.card else {})

    def _started(self):
        try:
            return state.process_start(self.process.pid)
        except OSError:  # it has ended already
            return 0

    def close(self):
        """End the emulator, if it runs, and give back what it held."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            for stream in (self.process.stdin, self.process.stdout):
                if stream:
                    stream.close()
        for port in self._ports:
            port.close()
        self._ports = []
        for file in (self._log, self._lock):
            if file:
                file.close()
        self._log = self._lock = None
        if self.name is None and self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _make_directory(self):
        top = state.run_directory()
        top.mkdir(parents=True, exist_ok=True)
        if self.name is None:
            self.directory = pathlib.Path(tempfile.mkdtemp(
                prefix=f"{state.TEMPORARY}{os.getpid()}-", dir=top))
            return
        self._lock = state.claim(self.name)
        self.directory = top / self.name
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()

    def _stage(self, kernel):
        """Short names in the directory, so that no path of the user's ends up
        in a command line that splits at spaces or commas."""
        if self.emulator == "bochs" or self.iso != "none":
            image.make(self.directory / "machine.iso", kernel, self.modules,
                       self.append, efi=self.iso == "uefi",
                       protocol={"bios-mb2": 2, "uefi": 2}.get(self.iso, 1))
            return
        (self.directory / "exokernel.elf").symlink_to(kernel.resolve())
        for number, (content, _) in enumerate(self.modules):
            path = self.directory / f"m{number}"
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.symlink_to(os.path.abspath(content))

    def _qemu_command(self):
        kind = self.machine.split(",")[0]
        command = ["qemu-system-x86_64", "-M", self.machine, "-nodefaults",
                   "-cpu", self.cpu or ("host" if self.kvm else "max"),
                   "-m", str(self.megabytes), "-smp", str(self.smp),
                   "-display", "none", "-no-reboot",
                   "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                   "-chardev", "stdio,id=console,signal=off",
                   "-chardev", "socket,id=mgmt,path=mgmt,server=on,wait=off",
                   "-serial", "chardev:console"]
        if kind == "microvm":  # builds one port only; the other is a device
            command += ["-device", "isa-serial,chardev=mgmt,iobase=0x2f8,"
                        "irq=3"]
        else:
            command += ["-serial", "chardev:mgmt"]
        if self.iso == "none":
            command += ["-kernel", "exokernel.elf"]
            if self.append:
                command += ["-append", self.append]
            if self.modules:
                command += ["-initrd", ",".join(
                    f"m{i} {string.replace(',', ',,')}"
                    for i, (_, string) in enumerate(self.modules))]
        else:
            command += ["-vga", "std", "-cdrom", "machine.iso"]
        if self.iso == "uefi":
            shutil.copyfile(_VARIABLES, self.directory / "variables.fd")
            command += ["-drive", "if=pflash,unit=0,format=raw,readonly=on,"
                        f"file={_FIRMWARE}", "-drive",
                        "if=pflash,unit=1,format=raw,file=variables.fd"]
        if self.card:
            command += self.card.qemu(kind)
        if self.kvm:
            command += ["-accel", "kvm"]
        if self.icount:
            command += ["-icount", "shift=0,sleep=off", "-seed", "1",
                        "-rtc", "base=2026-01-01,clock=vm"]
        if self.plugin:
            command += ["-plugin", self.plugin, "-d", "plugin"]
        if self.debug:
            command += ["-qmp", "unix:qmp,server=on,wait=off",
                        "-gdb", "unix:gdb,server=on,wait=off"]
        return command + ["-S"] * self.paused + self.extra

    def _bochs_command(self):
        self._ports = [bochs.Port(), bochs.Port()]
        self._ports[1].serve(self.directory, "mgmt")
        return bochs.prepare(self.directory, self.smp, self.megabytes,
                             self.cpu, *(p.path for p in self._ports),
                             self.card)

    def _launch(self, command):
        piped = self.emulator == "qemu"
        errors = open(self.directory / "emulator.log", "wb")
        with errors:
            self.process = subprocess.Popen(
                command, cwd=self.directory, stderr=errors,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else errors,
                bufsize=0, process_group=0, preexec_fn=_die_with_parent)
        if piped:
            self._out = self.process.stdout.fileno()
            self._in = self.process.stdin.fileno()
        else:
            self._out = self._in = self._ports[0].master

    # Console

    def read_line(self, timeout=None):
        """The next console line as text, without its newline; None when the
        machine has ended and all was read. MachineTimeout after `timeout`
        seconds without a whole line."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._lines:
            if self._finished:
                return None
            self._fill(deadline)
        return self._lines.pop(0)

    def lines(self, timeout=None):
        """All lines until the end; `timeout` is for the whole."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            line = self.read_line(left)
            if line is None:
                return
            yield line

    def send(self, data):
        """Type bytes on the console. Nothing happens after the end."""
        try:
            os.write(self._in, data)
        except OSError:
            pass

    def _fill(self, deadline):
        # Whoever waits for a pseudo-terminal sees no end of file: poll.
        wait = 0.05 if self._ports else 1.0
        if deadline is not None:
            wait = min(wait, max(deadline - time.monotonic(), 0))
        ended = self.process.poll() is not None
        data = None
        if select.select([self._out], [], [], 0 if ended else wait)[0]:
            data = os.read(self._out, 65536)
        if data:
            self._take(data)
        elif ended or data == b"":
            self._finish()
        elif deadline is not None and time.monotonic() >= deadline:
            raise MachineTimeout()

    def _take(self, data):
        self._log.write(data)
        *whole, self._data = (self._data + data).split(b"\n")
        for line in whole:
            self._line(line)

    def _line(self, data):
        line = data.decode("utf-8", "replace").rstrip("\r")
        self._lines.append(line)
        if self._told and self._told.kind != "off":
            return  # a panic ends with more lines of the same kind
        if found := _POWER_OFF.match(line):
            self._told = End("off", int(found[1]), line)
        elif line.startswith("panic: "):
            self._told = End("panic", text=line)
        elif line.startswith("exo: cannot start: "):
            self._told = End("refused", text=line)

    def _finish(self):
        if self._data:
            self._line(self._data)
            self._data = b""
        self._finished = self._judge(self.process.wait())

    def _judge(self, code):
        """How it ended, by exit code (QEMU) or by the last words."""
        told = self._told
        if self.emulator == "bochs":
            kind = "silent" if self._log.tell() else "emulator"
            return told or End(kind, text=self._complaint())
        value = code >> 1 if code > 0 and code & 1 else 0
        if value >= STATUS:
            return End("off", value - STATUS, told.text if told else "")
        if value in (PANIC, REFUSED):
            return End("panic" if value == PANIC else "refused",
                       text=told.text if told else "")
        if code == 0 or code < 0:
            return told or End("silent", text=self._complaint())
        return End("emulator", text=self._complaint())

    def _complaint(self):
        text = (self.directory / "emulator.log").read_text(errors="replace")
        return "\n".join(text.strip().splitlines()[-5:])

    # The rest

    def wait(self, timeout=None):
        """Read (and drop) console lines to the end; returns how it ended.
        After `timeout` seconds the machine is killed: End("timeout")."""
        try:
            for _ in self.lines(timeout):
                pass
        except MachineTimeout:
            self.stop()
            return End("timeout")
        return self._finished

    def drain(self):
        """Read the console to its end in a thread (which is returned); it
        still goes to console.log. read_line() is not for use then."""
        thread = threading.Thread(target=self.wait, daemon=True)
        thread.start()
        return thread

    def stop(self):
        """End the emulator at once."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def request(self, verb, timeout=10.0):
        """One request to init; see mgmt.request(). Console output that comes
        meanwhile waits in the pipe (64 KiB), so keep reading lines."""
        return mgmt.request(self.directory, verb, timeout)


_LIBC = ctypes.CDLL(None)  # loaded here: after fork nothing may be
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    """In the child before exec: be killed when the parent thread ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
