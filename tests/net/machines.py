# SPDX-License-Identifier: MIT
"""What tests of machines on a network share: starting one, talking to it.

    with Running(MANIFEST, smp=2) as m:          # published ports: user network
        m.expect(r"web \\| httpd: .*")
    with Wire() as wire, Running(MANIFEST, wire=wire) as m: ...

A machine's console is read all the time. Nothing here sleeps to wait for
something: it waits for lines, answers and ends, up to LIMIT seconds, which is
long because the host may be busy.
"""

import pathlib
import re
import socket
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.append(str(ROOT / "tests/apps"))

from exo import manifest, network  # noqa: E402  (the path must come first)
from exo.machine import Machine  # noqa: E402

LIMIT = 240.0
MAC = network.MAC
GATEWAY = "10.0.2.2"


def free_port(kind=socket.SOCK_STREAM):
    """A port of 127.0.0.1 that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A machine that is on. `wire` is the injector's, else its ports are
    published on this host; other options are those of Machine()."""

    def __init__(self, text, *, wire=None, card="virtio", **options):
        plan = manifest.parse(text, "test", ROOT / "build/apps",
                              memory=manifest.size(options.get("mem", "128M")),
                              cpus=options.get("smp", 1))
        made = network.Card(plan.net, plan.apps, card)
        if wire:
            model = {"virtio": "virtio-net-pci"}.get(card, card)
            options["extra"] = [*wire.netdev(), "-device", f"{model},netdev="
                                f"{wire.name},mac={MAC},romfile="]
            made = None
        self._machine = Machine(plan.modules(), card=made, **options)
        self.lines, self._changed = [], threading.Condition()
        self.end = None

    def __enter__(self):
        self._machine.__enter__()
        self._machine.start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_):
        self._machine.stop()
        self._reader.join(LIMIT)
        self._machine.close()

    def _read(self):
        while (line := self._machine.read_line()) is not None:
            with self._changed:
                self.lines.append(line.strip())
                self._changed.notify_all()
        with self._changed:
            self.end = self._machine.wait()
            self._changed.notify_all()

    def expect(self, pattern, after=0):
        """The match of the first line like this, among those from number
        `after` on. AssertionError when the machine ends without one, or says
        nothing like it for LIMIT seconds."""
        deadline = time.monotonic() + LIMIT
        with self._changed:
            while True:
                for line in self.lines[after:]:
                    if match := re.fullmatch(pattern, line):
                        return match
                after = len(self.lines)
                left = deadline - time.monotonic()
                if self.end or left <= 0:
                    raise AssertionError(f"no line {pattern}\n{self}")
                self._changed.wait(left)

    def ended(self):
        """How it ended, when it has."""
        with self._changed:
            self._changed.wait_for(lambda: self.end, LIMIT)
            if not self.end:
                raise AssertionError(f"it does not end\n{self}")
            return self.end

    def ask(self, verb):
        """An answer of init's: a list of objects."""
        return self._machine.request(verb, LIMIT)

    def app(self, name):
        """init's row of one application."""
        return next(row for row in self.ask("ps") if row["app"] == name)

    def until(self, condition):
        """Asks again until condition() is true: for what nobody says."""
        deadline = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"it does not come about\n{self}")
            time.sleep(0.1)

    def unaccounted(self):
        """Pages that the ledger does not explain: 0 when it balances."""
        rows = {row["app"]: row["pages_used"] for row in self.ask("top")}
        machine = self.ask("machine")[0]
        return machine["pages_total"] - machine["pages_limbo"] \
            - sum(rows.values())

    def __str__(self):
        return "\n".join([f"the machine: {self.end or 'is on'}",
                          *self.lines[-25:]])
