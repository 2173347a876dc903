# SPDX-License-Identifier: MIT
"""httpd's reading of requests, against inputs that libFuzzer makes up from a
few good ones. A bounded run with a fixed seed; by hand it may run for hours:

    build/tests/fuzz/request [DIRECTORY OF INPUTS]
"""

import pathlib
import subprocess
import tempfile
import unittest

from support import ROOT

FUZZER = ROOT / "build/tests/fuzz/request"
RUNS = 300_000

SEEDS = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3,
    b"GET /a/../b%20c?d HTTP/1.1\r\nHost: x:80\r\nRange: bytes=0-1,-5,7-\r\n"
    b"If-Range: \"a\"\r\nIf-None-Match: W/\"b\", *\r\nConnection: close\r\n"
    b"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    b"\r\nPOST http://x/y HTTP/1.0\r\nContent-Length: 3\r\n"
    b"Connection: keep-alive\r\n\r\nabcHEAD * HTTP/1.1\r\nHost:\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n"
    b"Expect: 100-continue\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\n"
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nIf-Modified-Since: Sunday, 06-Nov-94 "
    b"08:49:37 GMT\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n"
    b"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n\r\n",
)


class Fuzz(unittest.TestCase):
    def test_nothing_is_found(self):
        with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
            inputs = pathlib.Path(directory)
            for n, seed in enumerate(SEEDS):
                for cut in (0, 30, 80):
                    (inputs / f"{n}-{cut}").write_bytes(
                        cut.to_bytes(2, "big") + seed)
            done = subprocess.run(
                [FUZZER, f"-runs={RUNS}", "-seed=1", "-max_len=1024",
                 f"-artifact_prefix={directory}/", directory],
                cwd=directory, capture_output=True, text=True, timeout=900,
                check=False, errors="replace")
            found = [path.read_bytes() for path in inputs.glob("*-*")
                     if path.name.startswith(("crash", "leak", "timeout"))]
        self.assertEqual(done.returncode, 0,
                         f"{found} {done.stderr[-4000:]}")
        self.assertIn(f"Done {RUNS} runs", done.stderr)


if __name__ == "__main__":
    unittest.main()
