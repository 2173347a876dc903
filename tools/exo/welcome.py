# SPDX-License-Identifier: MIT
"""What a machine offers to this host, said once it is up.

A published port is listened at by the emulator long before the application
does, so an HTTP server is up when it has answered a request; of the others only
their addresses are known.
"""

import socket
import sys
import threading
import time

_PATIENCE_S = 30.0
_RETRY_S = 0.3
_REQUEST = b"HEAD / HTTP/1.0\r\n\r\n"


class Welcome:
    """While open, waits in a thread for the servers of a plan's applications,
    then says on `out` where they are. Says nothing when nothing is published.

    footer: lines said last. `done` is set when all is said."""

    def __init__(self, apps, footer=(), out=None):
        self._offers = [(app, one) for app in apps for one in app.publish]
        self._apps, self._footer = apps, list(footer)
        self._out = out or sys.stderr
        self._closed, self.done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        if self._offers:
            self._thread.start()
        else:
            self.done.set()
        return self

    def __exit__(self, *_):
        self._closed.set()
        if self._offers:
            self._thread.join(1)

    def _run(self):
        deadline = time.monotonic() + _PATIENCE_S
        answers = {one: self._ask(one, deadline)
                   for _, one in self._offers if one.is_http()}
        if self._closed.is_set() and not any(answers.values()):
            return
        lines = ["this host reaches:"]
        for app in self._apps:
            lines += self._lines(app, answers)
        text = "".join(f"exo: {line}\n" for line in lines + self._footer)
        self._out.write(text)
        self._out.flush()
        self.done.set()

    @staticmethod
    def _lines(app, answers):
        for number, one in enumerate(app.publish):
            verb = "open " if one in answers else ""
            says = f"  ({answers[one] or 'no answer yet'})" \
                if one in answers else ""
            name = app.name if not number else ""
            yield f"  {name:10} {verb}{one.where()}{says}"
        if app.publish and app.hint:
            yield f"  {'':10} {app.hint}"

    def _ask(self, one, deadline):
        """The first line of the server's answer; "" when none came."""
        patience = 1.0  # what is sent before it listens may never be answered
        while not self._closed.is_set() and time.monotonic() < deadline:
            line = _first_line(one, patience)
            if line.startswith("HTTP/"):
                return line
            self._closed.wait(_RETRY_S)
            patience += 1
        return ""


def _first_line(one, patience):
    host = "127.0.0.1" if one.host == "0.0.0.0" else one.host
    try:
        with socket.create_connection((host, one.host_port), patience) as wire:
            wire.sendall(_REQUEST)
            with wire.makefile("rb") as answer:
                return answer.readline(200).decode("latin-1").strip()
    except OSError:
        return ""
