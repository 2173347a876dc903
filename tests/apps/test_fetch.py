# SPDX-License-Identifier: MIT
"""fetch: against httpd, and against servers that say what they should not."""

import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest

from support import BUILD, Served
from site_files import FILES

FETCH = BUILD / "fetch"


def fetch(*arguments):
    """(status, stdout, stderr); a sanitizer's finding is neither."""
    done = subprocess.run([FETCH, *arguments], capture_output=True,
                          timeout=120, check=False, stdin=subprocess.DEVNULL)
    errors = done.stderr.decode()
    assert "Sanitizer" not in errors and "runtime error" not in errors, errors
    return done.returncode, done.stdout, errors


class FromHttpd(Served):
    def url(self, path):
        return f"http://{self.address[0]}:{self.address[1]}{path}"

    def test_files(self):
        for name in ("digits.txt", "empty.txt", "big.bin"):
            self.assertEqual(fetch(self.url("/" + name)),
                             (0, FILES[name], ""))

    def test_a_url_without_a_scheme_or_path(self):
        self.assertEqual(fetch(self.url("")[len("http://"):])[1],
                         FILES["index.html"])

    def test_into_a_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "out"
            self.assertEqual(fetch("-o", path, self.url("/big.bin")),
                             (0, b"", ""))
            self.assertEqual(path.read_bytes(), FILES["big.bin"])
            path.unlink()
            status, _, errors = fetch("-o", path, self.url("/nothing"))
            self.assertEqual((status, errors), (
                8, "fetch: the server says: 404 Not Found\n"))
            self.assertFalse(path.exists())

    def test_a_refusal(self):
        status, out, errors = fetch(self.url("/nothing"))
        self.assertEqual(status, 8)
        self.assertIn(b"404 Not Found", out)

    def test_head(self):
        status, out, _ = fetch("-I", self.url("/digits.txt"))
        self.assertEqual(status, 0)
        self.assertIn(b"HTTP/1.1 200 OK\n", out)
        self.assertIn(b"Content-Length: 100\n", out)

    def test_a_directory_is_followed(self):
        self.assertEqual(fetch(self.url("/docs"))[1], FILES["docs/index.html"])
        self.assertEqual(fetch("-r", "0", self.url("/docs"))[0], 9)

    def test_where_to_write_is_checked(self):
        status, _, errors = fetch("-o", "/nothing/x", self.url("/"))
        self.assertEqual(status, 7)
        self.assertIn('cannot write "/nothing/x"', errors)
        status, _, errors = fetch("-o", "/dev/full", self.url("/big.bin"))
        self.assertEqual(status, 7)
        self.assertTrue(pathlib.Path("/dev/full").exists())


class FromAnyone(unittest.TestCase):
    """A server that answers each connection with the next of some texts."""

    def serve(self, *answers):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        self.requests = []

        def run():
            for answer in answers:
                client, _ = server.accept()
                with client:
                    data = b""
                    while b"\r\n\r\n" not in data:
                        data += client.recv(65536)
                    self.requests.append(data.decode())
                    answer = answer.replace("{}", str(self.port))
                    client.sendall(answer.encode("latin-1"))
                    client.shutdown(socket.SHUT_WR)
        self.port = server.getsockname()[1]
        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{self.port}/a/b?c"

    def test_the_request(self):
        url = self.serve("HTTP/1.1 204 No\r\n\r\n")
        self.assertEqual(fetch(url + "#part"), (0, b"", ""))
        lines = self.requests[0].split("\r\n")
        self.assertEqual(lines[:2], ["GET /a/b?c HTTP/1.1",
                                     f"Host: 127.0.0.1:{self.port}"])

    def test_answers(self):
        ok = "HTTP/1.1 200 OK\r\n"
        chunked = ok + "Transfer-Encoding: Chunked\r\n\r\n"
        for answer, want in (
                (ok + "\r\nto the end", b"to the end"),
                (ok + "Content-Length: 2\r\n\r\nxyz", b"xy"),
                (ok + "content-length:2\r\n\r\nxy", b"xy"),
                ("HTTP/1.0 200\x20\r\n\r\nold", b"old"),
                (chunked + "2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nT: x\r\n\r\n",
                 b"abcde"),
                ("HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 H\r\nA: b\r\n\r\n" + ok
                 + "Content-Length: 1\r\n\r\nx", b"x")):
            self.assertEqual(fetch(self.serve(answer)), (0, want, ""), answer)

    def test_broken_answers(self):
        ok = "HTTP/1.1 200 OK\r\n"
        chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
        for answer in ("", "hello\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", ok, ok[:9],
                       "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 OK\r\n\r\n",
                       ok + "Content-Length: 9\r\n\r\nshort",
                       ok + "Content-Length: x\r\n\r\n",
                       ok + "Content-Length: -1\r\n\r\n",
                       ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
                       ok + "Content-Length: " + "9" * 30 + "\r\n\r\n",
                       ok + "Transfer-Encoding: gzip\r\n\r\n",
                       ok + "A: " + "b" * 9000 + "\r\n\r\n",
                       ok + "A: b\r\n" * 300 + "\r\n",
                       chunked, chunked + "x\r\n", chunked + "5\r\nab",
                       chunked + "2\r\nabc\r\n0\r\n\r\n",
                       chunked + "2\r\nab\r\n", chunked + "-1\r\nab\r\n",
                       chunked + "0\r\n", chunked + "f" * 20 + "\r\n"):
            status, _, errors = fetch(self.serve(answer))
            self.assertEqual(status, 5, answer[:100])
            self.assertRegex(errors, r"^fetch: the answer.*\n$|^fetch: a chunk")

    def test_half_a_file_is_removed(self):
        url = self.serve("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "out"
            self.assertEqual(fetch("-o", path, url)[0], 5)
            self.assertFalse(path.exists())

    def test_references(self):
        done = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        for location, want in (("/x", "/x"), ("x", "/a/x"), ("?q", "/a/b?q"),
                               ("../x", "/a/../x"),
                               ("//127.0.0.1:{}/y", "/y"),
                               ("http://127.0.0.1:{}", "/"),
                               ("HTTP://127.0.0.1:{}?q#f", "/?q")):
            url = self.serve(
                f"HTTP/1.1 302 X\r\nLocation: {location}\r\n\r\n", done)
            self.assertEqual(fetch(url)[0], 0, location)
            self.assertEqual(self.requests[1].split()[1], want, location)

    def test_where_it_is_not_followed(self):
        for location, status in (("https://x/", 2), ("ftp://x/", 2),
                                 ("http://a b/", 2), ("x" * 3000, 5)):
            url = self.serve(f"HTTP/1.1 301 X\r\nLocation: {location}\r\n\r\n")
            self.assertEqual(fetch(url)[0], status, location[:50])

    def test_a_circle_ends(self):
        loop = "HTTP/1.1 307 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
        self.assertEqual(fetch("-r", "3", self.serve(*[loop] * 4)),
                         (9, b"", "fetch: sent on more than 3 times\n"))

    def test_silence(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            status, _, errors = fetch("-t", "1", f"http://127.0.0.1:{port}/")
        self.assertEqual((status, errors),
                         (6, "fetch: nothing came for 1 seconds\n"))


class Mistakes(unittest.TestCase):
    def test_urls(self):
        for url, want in (("https://x/", "only http is spoken here, not https"),
                          ("http://", "names no host"),
                          ("http://u:p@x/", "names and passwords"),
                          ("http://x:port/", '"port" is no port'),
                          ("http://x:99999/", '"99999" is no port'),
                          ("http://x:1x/", '"1x" is no port'),
                          ("http://[::1/", "a [ without a ]"),
                          ("http://x/a b", "write it as %20"),
                          ("http://x/\x1b", "write it as %1B"),
                          ("http://" + "x" * 300, "too long"),
                          ("http://x/" + "x" * 3000, "too long")):
            status, out, errors = fetch(url)
            self.assertEqual((status, out), (2, b""), url[:50])
            self.assertIn(want, errors)

    def test_command_lines(self):
        for arguments in ([], ["a", "b"], ["-r", "x", "a"], ["-t", "", "a"],
                          ["-q", "a"], ["-o"]):
            self.assertEqual(fetch(*arguments)[0], 2, arguments)
        status, out, errors = fetch("-h")
        self.assertEqual((status, errors), (0, ""))
        self.assertIn(b"usage: fetch", out)

    def test_hosts(self):
        status, _, errors = fetch("http://no.such.invalid/")
        self.assertEqual(status, 3)
        self.assertIn("no.such.invalid has no address", errors)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        status, _, errors = fetch(f"http://127.0.0.1:{port}/")
        self.assertEqual(status, 4)
        self.assertIn(f"cannot connect to 127.0.0.1 port {port}", errors)


if __name__ == "__main__":
    unittest.main()
