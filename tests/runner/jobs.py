# SPDX-License-Identifier: MIT
"""The kinds of jobs. Each has a `name`, a number of host `cpus` it can keep
busy, and run(report), which notes a result for each claim.

Guest jobs read the console of a machine line by line: result lines are the
image's, `# type TEXT` asks for a line to be typed, `# done N` says that the
table of tests came to its end. A machine that stops saying anything, or ends
without that line, fails, and its last lines are shown.
"""

import dataclasses
import os
import pathlib
import re
import shlex
import subprocess
import sys

from exo import ExoError, manifest
from exo.machine import Machine, MachineTimeout

from . import report as reports

ROOT = pathlib.Path(__file__).resolve().parents[2]
TAIL = 25  # console lines shown of a run that failed
SILENCE = 240.0  # seconds without a line: it hangs (the host may be busy)


@dataclasses.dataclass
class Config:
    """A machine to run images on. `options` go to the kernel command line;
    `more` to Machine(); `san` takes the kernel with the sanitizers."""
    name: str
    options: str = ""
    more: dict = dataclasses.field(default_factory=dict)
    san: bool = False

    @property
    def smp(self):
        """Its CPUs."""
        return self.more.get("smp", 1)

    def machine(self, modules, options=""):
        """A Machine with these modules."""
        kernel = "build/san/exokernel.elf" if self.san else \
            "build/exokernel.elf"
        more = {"mem": "64M", **self.more}
        return Machine(modules, kernel=ROOT / kernel,
                       append=f"{self.options} {options}".strip(), **more)


class Job:
    """What all kinds have in common."""
    name = ""
    cpus = 1
    hint = ""

    def repeat(self):
        """The command that runs it again."""
        return f"tests/run --only {shlex.quote(self.name)} {self.hint}".strip()

    def claims(self):
        """Names of claims, where they are known before the run."""
        return []


class Guest(Job):
    """A test image on a machine."""

    def __init__(self, image, config, options="", modules=()):
        self.image, self.config, self.options = image, config, options
        self.modules = list(modules)
        self.name = f"{image}@{config.name}"
        self.cpus = 1 if config.more.get("icount") else config.smp
        if config.more.get("emulator") == "bochs":
            self.cpus = 1
        self.only = ""
        self.verbose = False
        self._tail = []

    def claims(self):
        source = ROOT / "tests" / f"{self.image}.c"
        return re.findall(r"^TEST\((\w+)\)", source.read_text(), re.M)

    def run(self, report):
        options = self.options + (f" only={self.only}" if self.only else "")
        modules = [(ROOT / "build/tests" / self.image, "test"), *self.modules]
        self._tail = []
        with self.config.machine(modules, options) as machine:
            machine.start()
            try:
                why = self._follow(machine, report)
            except MachineTimeout:
                why = f"no line for {SILENCE:.0f} seconds: it hangs"
        if why:
            report.result(self.name, "not ok", "the_run_comes_to_its_end", why)
            report.note("\n".join(self._tail))

    def _follow(self, machine, report):
        """Reads the console to its end; why the run failed as a whole."""
        done, results = None, 0
        while (line := machine.read_line(SILENCE)) is not None:
            self._tail = [*self._tail[1 - TAIL:], line]
            if found := reports.parse(line):
                report.result(self.name, *found)
                results += 1
            elif line.startswith("# done "):
                done = int(line.split()[2])
            elif self.verbose:
                report.note(line)
            elif line.startswith("# type "):
                machine.send(line[len("# type "):].encode() + b"\n")
        end = machine.wait()
        if done not in (None, results):
            return f"{done} claims were tried, but {results} results are seen"
        if done and end.kind in ("off", "silent"):
            return ""
        return f"the machine ended: {end.kind} {end.status} {end.text}".strip()


class ExosGuest(Job):
    """A program of claims on exos, as init's only application. Its lines come
    with its name in front."""
    _MANIFEST = """
[[app]]
name = "t"
image = "{image}"
memory = {{ reserved = "{memory}", limit = "{memory}" }}
files = "{files}"
env = {{ LIKE = "this one" }}
address = "10.0.2.15"
"""

    def __init__(self, program, config, memory="24M"):
        self.program, self.config, self.memory = program, config, memory
        self.name = f"exos/{program}@{config.name}"
        self.cpus = 1 if config.more.get("icount") else config.smp
        self.only = ""
        self.verbose = False

    def claims(self):
        source = ROOT / "tests/exos" / f"{self.program}.c"
        return re.findall(r"^TEST\((\w+)\)", source.read_text(), re.M)

    def _plan(self):
        text = self._MANIFEST.format(
            image=ROOT / "build/tests/exos" / self.program,
            files=ROOT / "tests/exos/files", memory=self.memory)
        if self.only:
            text += f'args = ["{self.only}"]\n'
        return manifest.parse(text, self.name, memory=64 << 20,
                              cpus=self.config.smp)

    def run(self, report):
        why, tail, done = "", [], False
        with self.config.machine(self._plan().modules()) as machine:
            machine.start()
            try:
                while (line := machine.read_line(SILENCE)) is not None:
                    tail = [*tail[1 - TAIL:], line]
                    text = line.removeprefix("t | ")
                    if text != line and (found := reports.parse(text)):
                        report.result(self.name, *found)
                    elif self.verbose:
                        report.note(line)
                    done = done or text.startswith("# done ")
                end = machine.wait()
                if not done or end.kind != "off":
                    why = f"the machine ended: {end.kind} {end.status}"
            except MachineTimeout:
                why = f"no line for {SILENCE:.0f} seconds: it hangs"
        if why:
            report.result(self.name, "not ok", "the_run_comes_to_its_end", why)
            report.note("\n".join(tail))


class Program(Job):
    """A host program that prints result lines, or at least exits with 0. It
    runs where it lies, for some leave files."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.name = f"host/{self.path.name}"

    def run(self, report):
        try:
            done = subprocess.run(
                [self.path], cwd=self.path.parent, text=True, timeout=1200, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, errors="replace")
            text, code = done.stdout, done.returncode
        except subprocess.TimeoutExpired as late:
            text, code = _text(late.stdout), "none in 20 minutes"
        lines = text.splitlines()
        results = [found for line in lines if (found := reports.parse(line))]
        for found in results:
            report.result(self.name, *found)
        bad = any(verdict == "not ok" for verdict, _, _ in results)
        if code != 0 and not bad:
            report.result(self.name, "not ok", "exits_with_success",
                          f"exit status {code}")
        elif not results:
            report.result(self.name, "ok", "exits_with_success")
        if code != 0:
            report.note("\n".join(lines[-TAIL:]))


class Fuzzer(Program):
    """A libFuzzer program, which without arguments runs so many inputs. It
    leaves the input that breaks something in a file, and says its name."""

    def __init__(self, path):
        super().__init__(path)
        self.name = f"fuzz/{self.path.name}"

    def repeat(self):
        return f"{self.path.relative_to(ROOT)} and the file that it names"


def _text(data):
    if isinstance(data, bytes):
        return data.decode(errors="replace")
    return data or ""


class PythonTests(Job):
    """One file of unittest classes; `cpus` of the host that it keeps busy."""
    _LINE = re.compile(r"^(\w+) \(([\w.]+)\).*\.\.\. (ok|FAIL|ERROR|skipped.*)$",
                       re.M)

    def __init__(self, path, cpus=1):
        self.path, self.cpus, self.only = path, cpus, ""
        self.name = f"{path.parent.name}/{path.stem}"

    def claims(self):
        return re.findall(r"^    def (test_\w+)", self.path.read_text(), re.M)

    def run(self, report):
        chosen = ["-k", self.only] if self.only else []
        done = subprocess.run(
            [sys.executable, "-m", "unittest", "-v", *chosen, self.path.stem],
            cwd=self.path.parent, text=True, capture_output=True, check=False,
            stdin=subprocess.DEVNULL, timeout=1200,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        found = self._LINE.findall(done.stderr)
        for claim, _, verdict in found:
            if verdict == "ok":
                report.result(self.name, "ok", claim)
            elif verdict.startswith("skipped"):
                report.result(self.name, "skip", claim,
                              verdict[len("skipped "):].strip("'\""))
            else:
                report.result(self.name, "not ok", claim, verdict)
        if done.returncode:
            if all(verdict == "ok" for _, _, verdict in found):
                report.result(self.name, "not ok", "exits_with_success",
                              f"exit status {done.returncode}")
            report.note("\n".join(done.stderr.splitlines()[-2 * TAIL:]))


def attempt(job, report):
    """Run a job; whatever it could not do is a failure of its own."""
    try:
        job.run(report)
    except (ExoError, OSError, subprocess.SubprocessError) as error:
        report.result(job.name, "not ok", "the_run_begins", str(error))
    if job.name in report.jobs:
        report.note(f"again: {job.repeat()}")
