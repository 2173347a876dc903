# SPDX-License-Identifier: MIT
"""What tools/lint checks: each check yields findings.

A finding is an Error or a Warning, both a place and a sentence. Errors fail
the lint, warnings are shown.
"""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Error(str):
    """What must not be."""


class Warning(str):  # noqa: A001  (the word is the right one)
    """What should be looked at."""


def run(*command, text=None):
    """(exit status, output) of a command run in the root."""
    done = subprocess.run(command, cwd=ROOT, input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def files(*patterns):
    """Files of the project that match, new ones included, ignored ones not."""
    _, out = run("git", "ls-files", "-co", "--exclude-standard", "--",
                 *patterns)
    return [name for name in sorted(set(out.split("\n")))
            if name and (ROOT / name).is_file()]


def read(name):
    return (ROOT / name).read_text(errors="replace")


def c_files():
    return files("*.c", "*.h")


def is_script(name):
    with open(ROOT / name, "rb") as file:
        return file.read(2) == b"#!"
