# SPDX-License-Identifier: MIT
"""Verbs that talk to a running machine through its management port."""

import ipaddress
import json
import os
import pathlib
import signal
import sys
import time

from . import ExoError, mgmt, mortem, state, trace


def _table(rows, columns):
    """Lines of a table. columns: [(title, function of a row)]; numbers go to
    the right."""
    cells = [[title for title, _ in columns]]
    cells += [[str(get(row)) for _, get in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells)
              for i in range(len(columns))]
    right = [all(line[i][:1].isdigit() or line[i] == "-"
                 for line in cells[1:]) for i in range(len(columns))]
    return ["  ".join(cell.rjust(width) if flush else cell.ljust(width)
                      for cell, width, flush in zip(line, widths, right))
            .rstrip() for line in cells]


def _pages(row):
    return f"{row['pages_used']}/{row['pages_reserved']}/{row['pages_limit']}"


def _age(milliseconds):
    seconds = milliseconds // 1000
    if seconds < 60:
        return f"{milliseconds / 1000:.1f}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02}m"


def places(apps):
    """Lines of a table: who has which address. apps: of a manifest."""
    rows = [app for app in apps if app.address]
    return _table(rows, [
        ("APP", lambda a: a.name),
        ("ADDRESS", lambda a: " ".join(map(str, a.address))),
        ("PORTS", lambda a: " ".join(map(str, a.ports)) or _all_ports(a, apps)),
        ("PUBLISHED", lambda a: " ".join(one.where() for one in a.publish)
         or "-")]) if rows else []


def _all_ports(app, apps):
    shared = any(other.ports and set(other.address) & set(app.address)
                 for other in apps)
    return "the rest" if shared else "all"


def _address(row):
    """Where an application is: ADDRESS, or ADDRESS:PORTS."""
    found = [row["address4"]] if row["address4"] else []
    if row["address6"]:
        number = ipaddress.IPv6Address(int(row["address6"], 16))
        found.append(f"[{number}]" if row["ports"] else str(number))
    # The last range are the ports that it connects from.
    ports = ",".join(dict.fromkeys(map(_span, row["ports"][:-1])))
    return " ".join(f"{a}:{ports}" if ports else a for a in found) or "-"


def _span(span):
    first, last = span["first"], span["last"]
    return f"{first}" if first == last else f"{first}-{last}"


def ps(args):
    """./exo ps"""
    directory, facts = state.find(args.name)
    rows = mgmt.request(directory, "ps")
    published = facts.get("published", {})
    for line in _table(rows, [
            ("APP", lambda r: r["app"]), ("IMAGE", lambda r: r["image"]),
            ("STATE", lambda r: r["state"]),
            ("UPTIME", lambda r: _age(r["uptime_ms"])
             if r["env"] else "-"),
            ("STATUS", lambda r: r["status"] if r["status"] >= 0 else "-"),
            ("RESTARTS", lambda r: r["restarts"]),
            ("PAGES used/reserved/limit", _pages),
            ("SLOTS", lambda r: r["slots"]),
            ("ADDRESS", _address),
            ("PUBLISHED", lambda r: " ".join(published.get(r["app"], ()))
             or "-")]):
        print(line)


def top(args):
    """./exo top: once, or every second on a terminal."""
    directory, facts = state.find(args.name)
    live = sys.stdout.isatty() and not args.once
    while True:
        lines = _top(directory)
        if live:
            sys.stdout.write("\x1b[H\x1b[2J")
        print("\n".join(lines), flush=True)
        if not live:
            return 0
        try:
            time.sleep(1)
        except KeyboardInterrupt:
            return 0
        if not state.is_running(facts):
            return 0


def _top(directory):
    box = mgmt.request(directory, "machine")[0]
    rows = mgmt.request(directory, "top")
    free = box["pages_free"] * 100 // max(box["pages_total"], 1)
    head = (f"up {_age(box['uptime_ms'])}, {box['cpus']} CPUs, "
            f"{box['pages_free']} of {box['pages_total']} pages free "
            f"({free}%), kernel {box['pages_kernel']}, envs "
            f"{box['envs_used']}/{box['envs_total']}")
    held = box["lock_hold_max_tsc"] * 1000 / max(box["tsc_khz"], 1)
    return [head, f"longest lock hold {held:.1f} us in "
            f"{box['lock_hold_max_path']}", ""] + _table(rows, [
                ("APP", lambda r: r["app"]),
                ("CPU%", lambda r: f"{r['cpu_ns_1s'] / 1e7:.1f}"),
                ("CPU TIME", lambda r: f"{r['cpu_ns'] / 1e9:.3f}s"),
                ("PAGES used/reserved/limit", _pages),
                ("SLOTS", lambda r: r["slots"])])


def logs(args):
    """./exo logs: what init keeps; from console.log when the machine has
    ended, or to follow it."""
    try:
        directory, facts = state.find(args.name)
    except ExoError:
        directory, facts = _last(args.name), None
    if facts and not args.follow:
        for row in mgmt.request(directory, f"logs {args.app}"):
            print(row["text"])
        return 0
    _from_console(directory, facts, args.app)
    return 0


def _last(name):
    """The directory of the machine that ended last (or of that name)."""
    ended = sorted(state.run_directory().glob(f"{name or '*'}/console.log"),
                   key=lambda path: path.stat().st_mtime)
    if not ended:
        raise ExoError("no machine has run; start one: ./exo up demo")
    return ended[-1].parent


def _from_console(directory, facts, app):
    prefix, found = f"{app} | ".encode(), False
    with open(directory / "console.log", "rb") as file:
        partial = b""
        while True:
            running = state.is_running(facts)
            for line in file:
                partial += line
                if not partial.endswith(b"\n"):
                    break
                if partial.startswith(prefix):
                    found = True
                    print(partial[len(prefix):].decode("utf-8", "replace"),
                          end="", flush=True)
                partial = b""
            if not running:
                break
            time.sleep(0.2)
    if not found:
        raise ExoError(f"{app} has said nothing in {directory}/console.log")


def stop(args):
    """./exo stop: ask, then wait until it has ended."""
    directory, facts = state.find(args.name)
    answer = mgmt.request(directory, f"stop {args.app}")
    grace = answer[0]["grace_ms"] / 1000 if answer else 1.0
    last = time.monotonic() + grace + 5
    while time.monotonic() < last:
        now = _state_of(directory, facts, args.app)
        if now not in ("running", "stopping"):
            print(f"exo: {args.app} has ended", file=sys.stderr)
            return 0
        time.sleep(0.1)
    raise ExoError(f"{args.app} is still there; try: ./exo kill {args.app}")


def _state_of(directory, facts, app):
    """Its state; None when the machine is gone, which ends it as well."""
    try:
        rows = mgmt.request(directory, "ps")
    except ExoError:
        time.sleep(0.2)
        if state.is_running(facts):
            raise
        return None
    return next((r["state"] for r in rows if r["app"] == app), None)


def kill(args):
    """./exo kill"""
    directory, _ = state.find(args.name)
    mgmt.request(directory, f"kill {args.app}")


def shutdown(args):
    """./exo shutdown: through init, or at once."""
    directory, facts = state.find(args.name)
    if args.force:
        os.kill(facts["pid"], signal.SIGKILL)
    else:
        mgmt.request(directory, "shutdown")
    last = time.monotonic() + 15
    while time.monotonic() < last:
        if not state.is_running(facts):
            print(f"exo: {directory.name} is off", file=sys.stderr)
            return 0
        time.sleep(0.05)
    raise ExoError(f"{directory.name} is still on; end it with: "
                   f"./exo shutdown --force --name {directory.name}")


def post_mortem(args):
    """./exo mortem"""
    directory, facts = state.find(args.name)
    verb = f"mortem {args.app}" if args.app else "mortem"
    records = [mortem.symbolise(record, facts["images"])
               for record in mgmt.request(directory, verb)]
    if args.json:
        print(json.dumps(records, indent=1))
        return
    for record in records:
        print("\n".join(mortem.report(record)))
    if not records:
        print("nothing has died", file=sys.stderr)


def record(args):
    """./exo trace: on, wait, off, dump, convert."""
    directory, _ = state.find(args.name)
    out = pathlib.Path(args.output)
    if not out.absolute().parent.is_dir():
        raise ExoError(f"cannot write {out}: there is no such directory")
    mgmt.request(directory, "trace on")
    print(f"exo: recording for {args.seconds:g} s ...", file=sys.stderr)
    try:
        time.sleep(args.seconds)
    finally:
        mgmt.request(directory, "trace off")
    print("exo: fetching the events ...", file=sys.stderr)
    dump = mgmt.request(directory, "trace dump", timeout=120)
    tree = trace.convert(dump)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(tree, file)
    count = sum("ev" in event for event in dump)
    print(f"exo: {out}: {count} events; open it in https://ui.perfetto.dev",
          file=sys.stderr)
