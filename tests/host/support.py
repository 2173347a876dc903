# SPDX-License-Identifier: MIT
"""What the tests of ./exo share: a tree to work in, programs made by hand, an
init that is a thread, and an emulator that is a shell script.

Nothing here boots anything, so these tests run in a second on any host.
"""

import contextlib
import io
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from exo import ExoError, cli, state  # noqa: E402,F401

TEXT = 0x401000


def program(symbols=(), code=b"\x90" * 64, kind=2, machine=62, ident=b"\2\1"):
    """An ELF file with one executable segment at TEXT.
    symbols: [(name, address, size)]."""
    names = b"\0"
    table = bytes(24)
    for name, address, size in symbols:
        table += struct.pack("<IBBHQQ", len(names), 0x12, 0, 1, address, size)
        names += name.encode() + b"\0"
    at = 64 + 56
    sections_at = at + len(code) + len(table) + len(names)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF" + ident + b"\1",
                         kind, machine, 1, TEXT, 64, sections_at, 0, 64, 56, 1,
                         64, 3, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, at, TEXT, TEXT, len(code),
                          len(code), 4096)
    sections = bytes(64) + struct.pack(
        "<IIQQQQIIQQ", 0, 2, 0, 0, at + len(code), len(table), 2, 1, 8, 24)
    sections += struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0,
                            at + len(code) + len(table), len(names), 0, 0, 1,
                            0)
    return header + segment + code + table + names + sections


class Tree(unittest.TestCase):
    """A test with a tree of its own: build/apps with programs `init`, `hello`
    and `crash`, a kernel file, an apps directory."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="exo-test-")
        self.addCleanup(holder.cleanup)
        self.root = pathlib.Path(holder.name)
        build = self.root / "build"
        (build / "apps").mkdir(parents=True)
        (self.root / "apps").mkdir()
        for name in ("init", "hello", "crash"):
            (build / "apps" / name).write_bytes(program())
        (build / "exokernel.elf").write_bytes(program())
        for key, value in (("ROOT", self.root), ("BUILD", build),
                           ("KERNEL", build / "exokernel.elf"),
                           ("INIT", build / "apps" / "init")):
            patch = mock.patch.object(state, key, value)
            patch.start()
            self.addCleanup(patch.stop)

    def exo(self, *arguments):
        """Run the command; returns (status, stdout, stderr)."""
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(errors):
            try:
                status = cli.main(list(arguments))
            except SystemExit as end:  # --help
                status = end.code
        self.assertNotIn("Traceback", errors.getvalue())
        return status, out.getvalue(), errors.getvalue()

    def fake_qemu(self, script):
        """Make qemu-system-x86_64 a shell script for the rest of the test."""
        self.fake("qemu-system-x86_64", script)

    def fake(self, program_name, script):
        """The same for any program."""
        tools = self.root / "bin"
        tools.mkdir(exist_ok=True)
        path = tools / program_name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        patch = mock.patch.dict(os.environ, {
            "PATH": f"{tools}:{os.environ['PATH']}"})
        patch.start()
        self.addCleanup(patch.stop)

    def running(self, answers, name="demo", **facts):
        """A machine that seems to run (this process is its emulator), with a
        FakeInit behind its management port. Returns the FakeInit."""
        directory = self.root / "build" / "run" / name
        directory.mkdir(parents=True)
        me = os.getpid()
        state.save(directory, **{
            "pid": me, "started": state.process_start(me), "images": {},
            "kernel": "k", "debug": True, **facts})
        fake = FakeInit(directory, answers)
        self.addCleanup(fake.close)
        return fake


class FakeInit:
    """Speaks the management protocol on directory/mgmt. answers: {verb:
    list of objects, or a sentence for an error, or bytes to send as they
    are, or a function of the request that returns one of these}."""

    def __init__(self, directory, answers):
        self.directory, self.answers, self.requests = directory, answers, []
        self._server = state.listen(directory, "mgmt")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._server.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as stream:
                with contextlib.suppress(OSError):
                    self._talk(stream)

    def _talk(self, stream):
        for data in stream:
            tag, _, request = data.decode().rstrip("\n").partition(" ")
            if not tag:
                continue
            self.requests.append(request)
            answer = self.answers.get(request.split()[0], "no such verb")
            if callable(answer):
                answer = answer(request)
            if isinstance(answer, bytes):
                stream.write(answer.replace(b"TAG", tag.encode()))
            else:
                stream.write(tag.encode() + b"\n" + self._text(answer))
            stream.flush()

    @staticmethod
    def _text(answer):
        if isinstance(answer, str):
            return f"error {answer}\n".encode()
        lines = [json.dumps(row, separators=(",", ":")) for row in answer]
        return "".join(line + "\n" for line in [*lines, "ok"]).encode()


# What a fake emulator runs to be a whole machine: init on the management
# port, keys of the console echoed, power-off on request.
_MACHINE = """
import pathlib, sys, threading
sys.path[:0] = [{here!r}]
import support, os
def off(request):
    threading.Timer(0.1, end).start()
    return []
def end():
    print("init | power off, status 0", flush=True)
    os._exit(33)
fake = support.FakeInit(pathlib.Path("."), {{
    "machine": [{{"abi": 1}}], "shutdown": off}})
print("init | up", flush=True)
while data := os.read(0, 100):
    print("init | key", data.hex(), flush=True)
threading.Event().wait()
"""


class Installed(Tree):
    """A tree with a copy of the tool in it, run as a command of its own; its
    emulator is a whole fake machine."""

    def setUp(self):
        super().setUp()
        shutil.copy(ROOT / "exo", self.root)
        shutil.copytree(ROOT / "tools/exo", self.root / "tools/exo")
        (self.root / "apps/demo.toml").write_text(
            '[[app]]\nname = "a"\nimage = "hello"\n')
        script = self.root / "machine.py"
        script.write_text(_MACHINE.format(here=str(pathlib.Path(
            __file__).parent)))
        self.fake_qemu(f"exec {sys.executable} {script}\n")
        self.command = [sys.executable, str(self.root / "exo")]

    def run_exo(self, *arguments):
        """(status, stdout, stderr) of the command."""
        done = subprocess.run([*self.command, *arguments], text=True,
                              capture_output=True, timeout=40, check=False,
                              stdin=subprocess.DEVNULL, cwd="/")
        return done.returncode, done.stdout, done.stderr
