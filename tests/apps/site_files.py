#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the site that the tests of httpd ask for.

usage: tests/apps/site_files.py DIRECTORY

The same bytes and times wherever it is made, so that a machine can serve it
from an archive while the tests run on its host.
"""

import os
import pathlib
import random
import sys

TIME = 1700000000  # Tue, 14 Nov 2023 22:13:20 GMT, of every file
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


def noise(count, seed):
    """Bytes that look like nothing, the same for each seed."""
    return random.Random(seed).randbytes(count)


FILES = {
    "index.html": b"<!DOCTYPE html>\n<title>Home</title>\n<h1>Home</h1>\n",
    "612.html": b"<html>" + b"x" * 605 + b"\n",
    "empty.txt": b"",
    "digits.txt": b"0123456789" * 10,
    "edge8192.bin": noise(8192, 1),  # the last size that is held in memory
    "edge8193.bin": noise(8193, 2),  # the first that is not
    "middle.bin": noise(100_000, 3),
    "big.bin": noise(3_000_001, 4),
    "style.css": b"body { color: #222 }\n",
    "script.js": b"'use strict';\n",
    "data.json": b"{}\n",
    "picture.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    "UPPER.TXT": b"upper\n",
    "noend": b"no end\n",
    "with space & <sign> \"quote\" %41.txt": b"odd\n",
    "caf\u00e9.txt": b"not ASCII\n",
    ".hidden": b"secret\n",
    ".well-known/security.txt": b"Contact: mailto:x@example.org\n",
    "list/a.txt": b"a\n",
    "list/b.txt": b"bb\n",
    "list/.hidden": b"secret\n",
    "list/below/c.txt": b"ccc\n",
    "docs/index.html": b"<title>Documents</title>\n",
    "many/index.html": b"<title>Many</title>\n",
    **{f"many/{n:03}.txt": f"file {n}\n".encode() for n in range(400)},
}


def make(directory):
    """Writes all files, with their times."""
    root = pathlib.Path(directory)
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for path in [*root.rglob("*"), root]:
        os.utime(path, (TIME, TIME))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__.strip())
    make(sys.argv[1])
