# SPDX-License-Identifier: MIT
"""Machines in the foreground: run, up, up --detach, gdb.

Whoever starts a machine holds its console: reads it, shows it, keeps it in
console.log, and ends with a status that says how the machine ended.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from . import (ExoError, console, machine, manifest, mgmt, network, state,
               welcome)

_BAD_ENDS = {
    "panic": "the kernel panicked (see above)",
    "refused": "the kernel refused to boot (see above)",
    "silent": "the machine ended without a word: a reset, a triple fault, or "
              "somebody ended the emulator",
    "emulator": "the emulator could not start",
}


def ad_hoc(args):
    """The manifest of `run`: a program more than once gets numbered names."""
    tables, seen = [], {}
    for text in args.apps:
        base = pathlib.Path(text).name.lower()
        base = re.sub(r"[^a-z0-9-]", "-", base)[:27].lstrip("-0123456789")
        seen[base] = seen.get(base, 0) + 1
        name = base if seen[base] == 1 else f"{base}-{seen[base]}"
        table = {"name": name or "app", "args": args.program_args,
                 "image": os.path.abspath(text) if "/" in text else text,
                 "restart": args.restart}
        if args.memory:
            reserved, _, limit = args.memory.partition(":")
            table["memory"] = {"reserved": reserved, "limit": limit or reserved}
        if args.publish or args.network:
            table["address"] = "auto"
        if args.env:
            table["env"] = dict(args.env)
        if args.files:
            table["files"] = os.path.abspath(args.files)
        if args.cpu:
            table["cpu"] = int(args.cpu) if args.cpu.isdigit() else args.cpu
        tables.append(table)
    if args.publish:
        if len(tables) > 1:
            raise ExoError("-p publishes ports of one application; for "
                           "several write a manifest (docs/manifest.md)")
        tables[0]["publish"] = args.publish
    return manifest.from_tree({"app": tables}, "run", os.curdir, None,
                              args.mem, args.smp)


def build_machine(args, plan, name, **more):
    """The Machine that the command line and a manifest ask for."""
    kind = args.machine or plan.type
    if kind.split(",")[0] not in manifest.MACHINES:
        raise ExoError(f"--machine {kind}: there are "
                       f"{', '.join(manifest.MACHINES)}")
    words = " ".join([*plan.options, args.append]).strip()
    card = _card(args, plan)
    return machine.Machine(
        plan.modules(), kernel=args.kernel, append=words, machine=kind,
        smp=plan.cpus, mem=plan.memory, icount=args.icount, kvm=args.kvm, name=name,
        emulator="bochs" if args.bochs else "qemu", debug=not args.bochs,
        card=card, **more)


def _card(args, plan):
    """The network card; None: the machine needs none."""
    how = args.net or ("user" if plan.is_networked() else "none")
    if how == "none":
        return None
    model = "e1000" if args.bochs else args.card or plan.card
    card = network.Card(plan.net, plan.apps, model, how)
    if how == "user":
        network.check_free(plan.apps, _publishing(args))
    return card


def _publishing(args):
    """How to publish another port, with {} in the place of what -p takes."""
    if args.verb == "up":
        return f"./exo up {{}} {args.file}"
    if args.verb == "run":
        return f"./exo run {{}} {args.apps[0]}"
    return "change publish in the manifest"


def _free_name(wanted):
    """wanted, or wanted-2 ... when such a machine runs."""
    for number in range(1, 1000):
        name = wanted if number == 1 else f"{wanted}-{number}"
        if not state.is_running(state.load(state.run_directory() / name)):
            return name
    return wanted


def run(args, plan, name, alone):
    """Run a machine to its end on this terminal; returns the exit status.
    alone: `run`, whose status is the application's."""
    if args.name:
        _check_name(args.name)
    name = args.name or _free_name(
        re.sub(r"[^A-Za-z0-9-]", "-", pathlib.Path(name).name))
    with build_machine(args, plan, name) as m:
        if args.bochs:
            print("exo: building the image for Bochs ...", file=sys.stderr)
        m.start()
        if at_terminal():
            print(f"exo: {name} is on; Ctrl-A X ends it, ./exo top watches "
                  "it from another terminal", file=sys.stderr)
        printer = console.Printer(plan.images(), m.directory)
        offers = plan.apps if m.card and m.card.how == "user" else []
        with console.Keyboard(m.send) as keys, \
                welcome.Welcome(offers, _footer(name)):
            try:
                end = _follow(m, printer, keys, args.timeout)
            except KeyboardInterrupt:
                end = None
        printer.finish()
        return _conclude(m, end, alone, args.timeout)


def _footer(name):
    return [f"from another terminal: ./exo top --name {name}; also ps, logs, "
            "pcap, stop, mortem, trace"]


def _check_name(name):
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}", name):
        raise ExoError(f"--name {name!r}: use letters, digits and -")


def at_terminal():
    """Does a person watch?"""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _follow(m, printer, keys, timeout):
    """Show the console until the machine ends. None: the user ended it."""
    last = None if timeout is None else time.monotonic() + timeout
    while not keys.ended.is_set():
        try:
            line = m.read_line(0.2)
        except machine.MachineTimeout:
            if last is not None and time.monotonic() >= last:
                m.stop()
                return machine.End("timeout")
            continue
        if line is None:
            return m.wait()
        printer.line(line)
        if last is not None and time.monotonic() >= last:
            m.stop()
            return machine.End("timeout")
    m.stop()
    return None


def _conclude(m, end, alone, timeout):
    if end is None:
        print("exo: ended", file=sys.stderr)
        return 130 if alone else 0
    if end.kind == "timeout":
        print(f"exo: not ended after {timeout:g} s", file=sys.stderr)
    elif end.kind in _BAD_ENDS:
        detail = f"\n{end.text}" if end.kind in ("emulator", "silent") and \
            end.text else ""
        print(f"exo: {_BAD_ENDS[end.kind]}{detail}\n"
              f"exo: everything it said is in {m.directory}",
              file=sys.stderr)
    return end.exit_code()


def detach(args, path):
    """`up -d`: start the same command in the background, come back when init
    answers."""
    name = args.name or _free_name(path.stem)
    words = [a for a in sys.argv[1:] if a not in ("-d", "--detach")]
    words += ["--stay"]
    if not args.name:
        words += ["--name", name]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            [sys.executable, str(state.ROOT / "exo"), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=errors, start_new_session=True)
        print(f"exo: starting {name} ...", file=sys.stderr, flush=True)
        directory = state.run_directory() / name
        last = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < last:
            if _answers(directory):
                print(f"exo: {name} is up; see ./exo ps --name {name}",
                      file=sys.stderr)
                return 0
            time.sleep(0.1)
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    if child.poll() is None:
        raise ExoError(f"{name} runs, but init does not answer on the "
                       f"management port; its console: {directory}")
    sys.stderr.write(text)
    print(f"exo: {name} ended already; its console: {directory}/console.log",
          file=sys.stderr)
    return child.returncode


def _answers(directory):
    if not state.is_running(state.load(directory)):
        return False
    try:
        return bool(mgmt.request(directory, "machine", 1.0))
    except ExoError:
        return False


# gdb

def gdb(args):
    """Attach gdb to a running machine, or to a new one that waits."""
    if not _which_gdb():
        raise ExoError("gdb is not installed; install it: apt-get install gdb")
    if args.bochs:
        raise ExoError("Debian's Bochs has no gdb server; use QEMU")
    if not args.what:
        directory, facts = state.find(args.name)
        if not facts.get("debug"):
            raise ExoError("this machine has no gdb server; only machines "
                           "that ./exo started in QEMU do")
        return _start_gdb(directory, facts, fresh=False)
    plan = _plan(args)
    name = args.name or _free_name("gdb")
    with build_machine(args, plan, name, paused=True) as m:
        m.start()
        print(f"exo: the console goes to {m.directory}/console.log",
              file=sys.stderr)
        drain = m.drain()
        status = _start_gdb(m.directory, state.load(m.directory), fresh=True)
        m.stop()
        drain.join(5)
        return status


def _plan(args):
    first = args.what[0]
    is_file = first.endswith(".toml") or \
        (state.ROOT / "apps" / f"{first}.toml").exists()
    if len(args.what) == 1 and is_file:
        return manifest.load(manifest.find(first), args.mem, args.smp)
    args.apps, args.memory = args.what, None
    args.cpu, args.restart = None, "never"
    args.publish, args.network = [], False
    args.env, args.files = [], None
    return ad_hoc(args)


def _which_gdb():
    return any(os.access(os.path.join(d, "gdb"), os.X_OK)
               for d in os.environ.get("PATH", "").split(os.pathsep))


def gdb_script(facts, fresh):
    """What gdb is told before its prompt. All programs are linked at one
    address, so names of several of them get mixed: `only-NAME` leaves one. The
    symbols of init come that way only."""
    programs = {name: _with_debug(path)
                for name, path in facts["images"].items()}
    lines = ["set confirm off", "set architecture i386:x86-64",
             f'file "{facts["kernel"]}"']
    lines += [f'add-symbol-file "{path}"' for name, path in programs.items()
              if name != "init"]
    for name, path in programs.items():
        lines += [f"define only-{name}", "symbol-file",
                  f'symbol-file "{facts["kernel"]}"',
                  f'add-symbol-file "{path}"', "end",
                  f"document only-{name}",
                  f"Symbols of the kernel and of {name}, no other program.",
                  "end"]
    lines += ["set confirm on", "target remote gdb",
              r"echo To see one program's symbols: only-"
              + ", only-".join(programs) + r".\n"]
    if fresh:
        lines.append(r"echo The machine waits before its first instruction: "
                     r"hbreak NAME, then continue.\n")
    return "\n".join(lines) + "\n"


def _with_debug(path):
    """The unstripped twin of a program of build/apps/, when there is one."""
    twin = state.BUILD / "debug" / pathlib.Path(path).name
    is_ours = pathlib.Path(path).parent == state.BUILD / "apps"
    return twin if is_ours and twin.exists() else path


def _start_gdb(directory, facts, fresh):
    (directory / "gdbinit").write_text(gdb_script(facts, fresh))
    # Ctrl-C is gdb's own key; a handler, unlike SIG_IGN, is not inherited.
    signal.signal(signal.SIGINT, lambda *_: None)
    command = ["gdb", "-q", "-nx", "-x", "gdbinit"]
    return subprocess.run(command, cwd=directory, check=False).returncode
