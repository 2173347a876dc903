# SPDX-License-Identifier: MIT
"""A Linux guest, measured the same way in the same run: same emulator, machine
type, CPU, memory, clock and counting plugin. bench/linux/setup makes it.

The kernel is Debian's for virtual machines, with the command line that makes
it fastest (mitigations, auditing and zeroing at allocation off); how far that
is from what users run by default is printed for the boot. What is compared is
the nearest thing a process has: the texts say where it does more than its
counterpart here.
"""

import os
import pathlib
import subprocess
import tempfile
import time

from exo import ExoError

from . import counting

TUNED = ("mitigations=off randomize_kstack_offset=off audit=0 lsm=none "
         "selinux=0 apparmor=0 init_on_alloc=0 nokaslr tsc=reliable "
         "no_timer_check lpj=1000000 cryptomgr.notests random.trust_cpu=on "
         "8250.nr_uarts=1")
BASE = "console=ttyS0 panic=-1 quiet"
WALL_RUNS = 3
PATIENCE = 180
WALL_PATIENCE = 15  # seconds; a Linux guest on microvm hangs now and then
WALL_TRIES = 12

# Linux row, the row here it stands beside, and what differs.
PAIRS = (
    ("null_syscall", "null_call", "getppid"),
    ("trap", "trap", "SIGSEGV handler that returns"),
    ("fault_unprotect", "fault_upcall", "SIGSEGV handler with mprotect"),
    ("first_touch", "first_touch", "anonymous memory"),
    ("page_cycle", "page_cycle", "mmap, touch, munmap, always zeroed"),
    ("protect_1", "bind_1", "mprotect of one page"),
    ("yield_pair", "yield_to", "sched_yield, two processes; few switch"),
    ("yield_switch", "yield_to", "the same under SCHED_FIFO: all switch"),
    ("pipe_round_trip", "call_reply_lib", "one byte there and back"),
    ("fork_exit_wait", "env_cycle", "copies the parent, loads nothing"),
    ("fork_exec_wait", "env_cycle", "loads a program of one page"),
)
ROWS = [here for _, here, _ in PAIRS]


def _entry(name, mode, content=b"", device=(0, 0)):
    """One file of a cpio archive, new ASCII format [cpio(5)]."""
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, *device,
              len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields)
    head += name.encode() + b"\0"
    return (head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4))


def initramfs(init, others=()):
    """An archive with /init, a console and other programs {name: path}."""
    entries = [_entry("dev", 0o040755),
               _entry("dev/console", 0o020600, device=(5, 1)),
               _entry("init", 0o100755, init.read_bytes())]
    entries += [_entry(name, 0o100755, path.read_bytes())
                for name, path in dict(others).items()]
    return b"".join(entries) + _entry("TRAILER!!!", 0)


def archive(directory):
    """An archive of a directory, all files executable."""
    entries = [_entry("dev", 0o040755),
               _entry("dev/console", 0o020600, device=(5, 1))]
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_dir() and name != "dev":
            entries.append(_entry(name, 0o040755))
        elif path.is_file():
            entries.append(_entry(name, 0o100755, path.read_bytes()))
    return b"".join(entries) + _entry("TRAILER!!!", 0)


class Guest:
    """A Linux machine of the same kind as counting.run() boots. files: its
    initramfs; plugin: the arguments of a plugin for a machine in real time."""

    def __init__(self, tree, made, files, append=TUNED, machine="pc",
                 counted=True, plugin=None, extra=()):
        self.holder = tempfile.TemporaryDirectory(prefix="exo-linux-")
        top = self.directory = pathlib.Path(self.holder.name)
        (top / "initrd").write_bytes(files)
        self.marks = top / "marks"
        self.command = [
            "qemu-system-x86_64", "-M", machine, "-cpu", counting.CPU,
            "-m", "128", "-smp", "1", "-nodefaults", "-display", "none",
            "-no-reboot", "-serial", "stdio", "-kernel", made / "vmlinux",
            "-initrd", top / "initrd", "-append", f"{BASE} {append}"]
        if counted:
            log = counting.plugin_argument(tree).replace(
                "log=marks", f"log={self.marks}")
            self.command += ["-icount", "shift=0,sleep=off", "-seed", "1",
                             "-rtc", "base=2026-01-01,clock=vm",
                             "-plugin", log]
        elif plugin:
            self.command += ["-plugin", plugin]
        self.command += extra
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=self.directory)
        os.set_blocking(self.process.stdout.fileno(), False)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.holder.cleanup()

    def read_until(self, word, patience=PATIENCE):
        """Console lines up to one that is `word`, or all; and its time."""
        data, deadline = b"", time.monotonic() + patience
        while time.monotonic() < deadline:
            more = self.process.stdout.read()
            data += more or b""
            lines = data.decode(errors="replace").splitlines()
            if word in lines or more == b"":
                return lines, time.monotonic()
            if more is None:
                time.sleep(0.001)
        raise ExoError("the Linux guest did not come to its end:\n"
                       + data.decode(errors="replace")[-600:])


class NoGuest(ExoError):
    """There is no Linux guest to measure."""


def prepare(tree):
    """The directory bench/linux/setup filled. NoGuest: it could not."""
    made = tree.build.resolve() / "linux"
    done = subprocess.run([tree.root / "bench/linux/setup", made],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["it said nothing"]
        raise NoGuest(words[-1])
    return made


def measure_boot(tree, made, out, machine):
    for name, append in (("", TUNED), (".default", "")):
        with Guest(tree, made, initramfs(made / "probe"), append=append,
                   machine=machine) as guest:
            guest.read_until("up")
            marks = counting.read_log(guest.marks)
        insn = next(c.insn for n, c in marks if n == counting.START)
        ours = out.figures.get(f"power_on.{machine}", {}).get("value")
        ratio = {"ratio": insn / ours} if ours else {}
        out.add(f"linux.power_on.{machine}{name}", insn, "insn", **ratio)
    measure_wall(tree, made, out, machine)


def measure_wall(tree, made, out, machine):
    times, hung = [], 0
    while len(times) < WALL_RUNS and hung < WALL_TRIES:
        with Guest(tree, made, initramfs(made / "probe"), machine=machine,
                   counted=False) as guest:
            begin = time.monotonic()
            try:
                end = guest.read_until("up", WALL_PATIENCE)[1]
            except ExoError:
                hung += 1
                continue
            times.append((end - begin) * 1000)
    if not times:
        out.fail(f"the Linux guest on {machine} always hung")
        return
    times.sort()
    out.add(f"linux.power_on_wall.{machine}", times[len(times) // 2], "ms",
            min=times[0], runs=len(times), hung=hung)


def measure_rows(tree, made, out):
    files = initramfs(made / "guest", {"tiny": made / "tiny"})
    with Guest(tree, made, files) as guest:
        lines, _ = guest.read_until("#end")
        marks = counting.read_log(guest.marks)
    opened = [line.split()[1:] for line in lines if line.startswith("#b ")]
    found = {r.name: r for r in counting.results(
        [(name, int(ops)) for name, ops in opened], marks)}
    for name, here, text in PAIRS:
        if name not in found:
            out.fail(f"the Linux guest did not measure {name}")
            continue
        ours = out.figures.get(here, {}).get("value")
        median = found[name].median
        ratio = {"ratio": median.insn / ours, "to": here} if ours else {}
        out.add(f"linux.{name}", median.insn, "insn", **ratio,
                min=found[name].least.insn, crossings=median.crossings,
                rep=median.rep, cr3=median.cr3, invlpg=median.invlpg,
                what=f"({text})")


def measure(tree, out, _names=()):
    try:
        made = prepare(tree)
    except NoGuest as error:
        out.note(f"Linux is not measured: {error}")
        return
    out.note("Linux guest: " + ", ".join(
        (made / "versions").read_text().replace("\t", " ").splitlines()))
    measure_rows(tree, made, out)
    for machine in ("pc", "microvm"):
        measure_boot(tree, made, out, machine)
