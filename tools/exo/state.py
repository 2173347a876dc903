# SPDX-License-Identifier: MIT
"""Where things are: the repository, what was built, and one directory for
each machine.

A machine's directory (build/run/NAME, or exo/NAME in $XDG_RUNTIME_DIR where
the tree cannot be written) holds its sockets (mgmt, qmp, gdb), console.log,
emulator.log and state.json, which other calls of ./exo find it by. Unix socket
paths are limited to 107 bytes, so sockets are reached through the directory's
descriptor and never by their full path.
"""

import fcntl
import json
import os
import pathlib
import socket

from . import ExoError

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
KERNEL = BUILD / "exokernel.elf"
INIT = BUILD / "apps" / "init"
TEMPORARY = "tmp-"  # begins the names of machines nobody looks for


def run_directory():
    """The directory that holds one directory for each machine."""
    tree = BUILD if BUILD.exists() else ROOT
    if os.access(tree, os.W_OK):
        return BUILD / "run"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not runtime:
        raise ExoError(f"cannot write to {tree}, and XDG_RUNTIME_DIR names no "
                       "other place for machines; set it to a directory")
    return pathlib.Path(runtime) / "exo"


def built(path):
    """The path, when it is there; else an error that says how to get it."""
    if not path.exists():
        raise ExoError(f"{_short(path)} does not exist; build first: make")
    return path


def _short(path):
    try:
        return path.relative_to(ROOT)
    except ValueError:
        return path


def save(directory, **facts):
    """Write state.json: pid (of the emulator), kernel, images, emulator."""
    text = json.dumps(facts, indent=1, default=str)
    partial = directory / "state.json.new"
    partial.write_text(text + "\n")
    partial.rename(directory / "state.json")


def load(directory):
    """The facts of a machine that ran or runs there, or None."""
    try:
        return json.loads((directory / "state.json").read_text())
    except (OSError, ValueError):
        return None


def is_running(facts):
    """Whether the emulator these facts speak of is still there."""
    if not facts or not facts.get("pid"):
        return False
    try:
        start = process_start(facts["pid"])
    except OSError:
        return False
    return start == facts.get("started")


def process_start(process):
    """Start time of a process in clock ticks: with its number, a name that is
    not used twice. OSError when there is no such process or it is a zombie."""
    with open(f"/proc/{process}/stat", encoding="ascii",
              errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    if fields[0] == "Z":
        raise ProcessLookupError(process)
    return int(fields[19])


def find(name):
    """(directory, facts) of the running machine of that name; without a name,
    of the only one that runs."""
    top = run_directory()
    if name is None:
        names = [d.name for d in sorted(top.glob("*/"))
                 if not d.name.startswith(TEMPORARY) and is_running(load(d))]
        if not names:
            raise ExoError("no machine is running; start one: ./exo up demo")
        if len(names) > 1:
            raise ExoError(f"several machines are running ({', '.join(names)})"
                           "; choose one: --name NAME")
        name = names[0]
    directory = top / name
    facts = load(directory)
    if not is_running(facts):
        raise ExoError(f"no machine named {name} is running; "
                       f"start one: ./exo up --name {name} demo")
    return directory, facts


def claim(name):
    """A locked file: nobody else runs a machine of that name until it is
    closed. ExoError when somebody does."""
    file = open(run_directory() / f"{name}.lock", "wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ExoError(
            f"a machine named {name} is running already; end it with "
            f"./exo shutdown --name {name}, or give this one another --name"
        ) from None
    return file


def listen(directory, name):
    """A listening unix socket directory/name."""
    (directory / name).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    _through(directory, name, server.bind)
    server.listen()
    return server


def connect(directory, name):
    """A connection to the unix socket directory/name; OSError if none."""
    client = socket.socket(socket.AF_UNIX)
    try:
        _through(directory, name, client.connect)
    except OSError:
        client.close()
        raise
    return client


def _through(directory, name, act):
    handle = os.open(directory, os.O_PATH)
    try:
        act(f"/proc/self/fd/{handle}/{name}")
    finally:
        os.close(handle)
