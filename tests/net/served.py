# SPDX-License-Identifier: MIT
"""An httpd on a machine that serves what tests/apps and bench/load ask for."""

import contextlib
import pathlib
import tempfile

import machines  # noqa: F401  (makes tests/apps importable)
import site_files  # of tests/apps

WEB = "10.0.2.15"


@contextlib.contextmanager
def site():
    """A directory of files, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="site-") as holder:
        made = pathlib.Path(holder) / "site"
        site_files.make(made)
        yield made


def httpd(files):
    """Its table of the manifest. It waits as long as the tests do, for the host
    may be busy."""
    return f"""
[[app]]
name = "web"
image = "httpd"
args = ["-r", "/", "-p", "80", "-t", "240", "-i", "240", "-w", "240"]
memory = {{ reserved = "16M", limit = "24M" }}
files = "{files}"
address = "{WEB}"
"""
