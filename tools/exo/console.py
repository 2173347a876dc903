# SPDX-License-Identifier: MIT
"""The console for people: colours, post-mortem reports, keys.

Printer shows lines as init and the kernel write them, with a colour for each
name when the output is a terminal, and puts a report with function names (and
a JSON file beside console.log) in the place of a post-mortem block. Keyboard
passes a terminal's keys to the machine; Ctrl-C and Ctrl-A X end it.
"""

import json
import os
import sys
import termios
import threading
import zlib

from . import mortem

_MARK = "init | mortem "
_COLOURS = ("36", "32", "33", "35", "34", "96", "92", "93", "95", "94")


class Printer:
    """Shows console lines on stdout. images: {name: path} of programs;
    directory: where post-mortem files go, or None."""

    def __init__(self, images, directory=None, out=None):
        self._images, self._directory = images, directory
        self._out = out or sys.stdout
        self._colour = self._out.isatty() and "NO_COLOR" not in os.environ
        self._block, self._count = None, 0
        self._last = {}  # application: the report of its last death

    def line(self, line):
        """Show one console line."""
        if not line.startswith(_MARK):
            self._show(line)
            return
        text = line[len(_MARK):]
        if text.startswith("begin "):
            self.finish()
            self._block = []
        if self._block is None:
            self._show(line)
            return
        self._block.append(text)
        if text.startswith("end "):
            self._report()

    def finish(self):
        """The console ended: show what an unfinished block held."""
        for text in self._block or []:
            self._show(_MARK + text)
        self._block = None

    def _report(self):
        record = mortem.symbolise(mortem.parse(self._block), self._images)
        self._block = None
        first, *rest = mortem.report(record)
        self._show("init | " + first)
        if self._is_again(record):
            rest = ["  at the same place as before"]
        for line in rest:
            self._show("     | " + line.removeprefix("  "))
        if self._directory:
            self._count += 1
            path = self._directory / f"mortem-{self._count}.json"
            path.write_text(json.dumps(record, indent=1) + "\n")
            self._show(f"     | as JSON: {path}")

    def _is_again(self, record):
        """Did this application die of the same thing the last time?"""
        what = record.get("why"), record.get("fault"), record.get("back")
        again = self._last.get(record.get("app")) == what
        self._last[record.get("app")] = what
        return again

    def _show(self, line):
        name, bar, text = line.partition(" | ")
        if self._colour and bar and len(name) < 32:
            colour = "1" if name == "init" else \
                _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]
            line = f"\x1b[{colour}m{name}\x1b[0m | {text}"
        elif self._colour and line.startswith("exo: "):
            line = f"\x1b[2m{line}\x1b[0m"
        self._out.write(line + "\n")
        self._out.flush()


class Keyboard:
    """While open, keys of the terminal go to send(bytes); `ended` is set when
    the user asked for the end. Does nothing without a terminal."""

    def __init__(self, send):
        self._send, self._saved = send, None
        self.ended = threading.Event()

    def __enter__(self):
        if sys.stdin.isatty() and sys.stdout.isatty():
            self._saved = termios.tcgetattr(0)
            mode = termios.tcgetattr(0)
            mode[0] &= ~(termios.IXON | termios.ICRNL)
            mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
            termios.tcsetattr(0, termios.TCSANOW, mode)
            threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_):
        if self._saved:
            termios.tcsetattr(0, termios.TCSADRAIN, self._saved)

    def _read(self):
        prefix = False
        while data := os.read(0, 256):
            for key in data:
                if key == 3 or (prefix and key in b"xX"):
                    self.ended.set()
                    return
                if key == 1 and not prefix:
                    prefix = True
                    continue
                prefix = False
                self._send(bytes([key]))
