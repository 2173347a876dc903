# SPDX-License-Identifier: MIT
"""Client of the management port: one request line, JSON lines back.

The protocol is defined in docs/management.md. Each request is one connection:
the emulator serves one client at a time, so requests of several ./exo calls
queue up instead of mixing. A tag tells our answer from what an earlier client
left behind.
"""

import json
import secrets
import time

from . import ExoError, state


def request(directory, verb, timeout=10.0):
    """Send one request to the machine in `directory`.

    Returns the list of objects it answered with. Raises ExoError with init's
    sentence when it refused, or with ours when nobody answers in `timeout`
    seconds."""
    try:
        port = state.connect(directory, "mgmt")
    except OSError:
        raise ExoError("the machine has no management port (microvm without "
                       "a second serial port, or it just ended)") from None
    tag = f"#{secrets.token_hex(4)}"
    with port:
        port.sendall(f"\n{tag} {verb}\n".encode("ascii"))
        lines = _lines(port, time.monotonic() + timeout)
        for line in lines:
            if line == tag:
                break
        return _collect(lines, verb)


def _lines(port, deadline):
    """Lines from the port until the deadline."""
    data = b""
    while True:
        port.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            more = port.recv(65536)
        except TimeoutError:
            raise ExoError(
                "init did not answer on the management port in time; is the "
                "machine stuck? Look with: ./exo gdb") from None
        except OSError:
            more = b""
        if not more:
            raise ExoError("the machine ended before it answered")
        *lines, data = (data + more).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")


def _collect(lines, verb):
    answers = []
    for line in lines:
        if line == "ok":
            return answers
        if line.startswith("error "):
            raise ExoError(f"{verb}: {line[6:]}")
        try:
            answers.append(json.loads(line))
        except ValueError:
            raise ExoError(f"init answered {verb} with a line that is no "
                           f"JSON: {line[:80]!r}") from None
    return answers
