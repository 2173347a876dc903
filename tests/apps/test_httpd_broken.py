# SPDX-License-Identifier: MIT
"""httpd: requests of every broken kind. Each is refused with the right status,
nothing behind it is read as a request, and others are served on."""

import random
import unittest

from support import Served, Wire, request
from site_files import FILES

GET = "GET /digits.txt HTTP/1.1\r\nHost: x\r\n"
NEXT = "GET /digits.txt HTTP/1.1\r\nHost: x\r\n\r\n"


class Broken(Served):
    def refused(self, status, *requests):
        for data in requests:
            self.assertEqual(self.raw(data), status, data[:200])
            self.assertEqual(self.raw(data + NEXT), status, data[:200])
        self.alive()

    def test_request_lines(self):
        self.refused(400, *(line + "\r\nHost: x\r\n\r\n" for line in (
            "GET", "GET /", "GET  / HTTP/1.1", "GET /  HTTP/1.1",
            "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET\t/\tHTTP/1.1",
            "GET / http/1.1", "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/11",
            "GET / HTTP/1.1.1", "GET / HTTP/a.b", "GET / HTTP/1.11",
            "GET / FTP/1.1", "GET x HTTP/1.1", "GET ../x HTTP/1.1",
            "GET * HTTP/1.1", "GET ftp://x/ HTTP/1.1", "GET http:// HTTP/1.1",
            "GET http:///x HTTP/1.1", "GET http://a@b/ HTTP/1.1",
            "GET /#part HTTP/1.1", "GET /\x00 HTTP/1.1", "GET /\x7f HTTP/1.1",
            "GET /\xe9 HTTP/1.1", "G(T / HTTP/1.1", "/ HTTP/1.1",
            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")))

    def test_versions(self):
        self.refused(505, *(f"GET / HTTP/{v}\r\nHost: x\r\n\r\n"
                            for v in ("2.0", "0.9", "3.0", "9.9")))
        self.assertEqual(self.ask("GET", "/", version="1.9").status, 200)

    def test_line_ends(self):
        self.refused(400, "GET / HTTP/1.1\nHost: x\n\n",
                     "GET / HTTP/1.1\r\nHost: x\n\r\n",
                     "GET / HTTP/1.1\rHost: x\r\r",
                     "GET / HTTP/1.1\r\nHost: x\r\n\n",
                     "GET / HTTP/1.1\r\nHost: x\r\n\rX",
                     "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
                     "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")

    def test_fields(self):
        self.refused(400, *(GET + line + "\r\n\r\n" for line in (
            "Name : value", "Name\t: value", " Name: value", "\tName: value",
            "A: b\r\n folded", "A: b\r\n\tfolded", "novalue", ": value",
            "Na me: value", "Na\x00me: value", "A: b\x00c", "A: b\x01c",
            "A: b\x7fc", "N\xe4me: value", "A(: b", "\x0b: x", "A\x0b: x")))

    def test_field_values_that_are_fine(self):
        for line in ("A:", "A: \t", "A:b", "A: \xe9\xff", "A: b\tc", "A: :",
                     "!#$%&'*+-.^_`|~09: x"):
            with Wire(self.address) as wire:
                wire.send(GET + line + "\r\n\r\n")
                self.assertEqual(wire.answer().status, 200, line)

    def test_host(self):
        for text in ("GET / HTTP/1.1\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: a\r\nHOST: b\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"):
            self.refused(400, text)
        for text in ("GET / HTTP/1.1\r\nhOsT:\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"):
            with Wire(self.address) as wire:
                wire.send(text)
                self.assertEqual(wire.answer().status, 200, text)

    def test_two_ways_to_end(self):
        chunked = "Transfer-Encoding: chunked"
        for fields in ("Content-Length: 5\r\n" + chunked,
                       chunked + "\r\nContent-Length: 5",
                       "Content-Length: 5\r\nContent-Length: 6",
                       "Content-Length: 5\r\nContent-Length: 5",
                       "Content-Length: 5, 5", "Content-Length: +5",
                       "Content-Length: -5", "Content-Length: 0x5",
                       "Content-Length: 5 5", "Content-Length:",
                       "Content-Length: 5a", "Content-Length: 1e1",
                       "Content-Length: " + "9" * 40,
                       "content-length: 5\r\nCONTENT-LENGTH: 5",
                       chunked + "\r\n" + chunked):
            self.refused(400, GET + fields + "\r\n\r\nhello")
        self.refused(400, "GET / HTTP/1.0\r\n" + chunked + "\r\n\r\n0\r\n\r\n")

    def test_codings(self):
        for coding in ("gzip", "gzip, chunked", "chunked, gzip", "identity",
                       "xchunked", "chunked;q=1", "\"chunked\"", "chunke",
                       ""):
            self.refused(501, GET + f"Transfer-Encoding: {coding}\r\n\r\n"
                         "0\r\n\r\n")

    def test_too_large_heads(self):
        self.refused(414, "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: x\r\n\r\n",
                     "G" * 9000, "\r\n" * 5000)
        self.refused(431, GET + "A: " + "b" * 9000 + "\r\n\r\n",
                     GET + "A: b\r\n" * 100 + "\r\n",
                     GET + "A: " + "b" * 20000)
        with Wire(self.address) as wire:
            wire.send(GET + "A: b\r\n" * 98 + "\r\n")
            self.assertEqual(wire.answer().status, 200)
            wire.send(GET + "A: " + "b" * 8000 + "\r\n\r\n")
            self.assertEqual(wire.answer().status, 200)

    def test_expectations(self):
        self.refused(417, GET + "Expect: miracles\r\n\r\n",
                     GET + "Expect: 100-continue, more\r\n\r\n")
        with Wire(self.address) as wire:
            wire.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                      "Expect: 100-Continue\r\n\r\n")
            answer = wire.answer()
            self.assertEqual((answer.status, answer["connection"]),
                             (405, "close"))

    def test_noise(self):
        rng = random.Random(1)
        for _ in range(100):
            with Wire(self.address) as wire:
                data = rng.randbytes(rng.randint(1, 4000))
                wire.send(data.replace(b"\r\n", b"..") + b"\n\n")
                self.assertGreaterEqual(wire.answer().status, 400)
        self.alive()

    def test_broken_copies_of_a_good_request(self):
        rng = random.Random(2)
        good = (GET + "Range: bytes=1-2,4-\r\nIf-None-Match: \"x\", W/\"y\"\r\n"
                "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\n").encode()
        for _ in range(500):
            data = bytearray(good)
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(data))
                kind = rng.randrange(3)
                if kind == 0:
                    data[at] = rng.randrange(256)
                elif kind == 1:
                    del data[at:at + rng.randint(1, 9)]
                else:
                    data[at:at] = data[at:at + rng.randint(1, 40)]
            with Wire(self.address) as wire:
                wire.send(bytes(data))
                wire.socket.shutdown(1)
                while wire.socket.recv(65536):
                    pass
        self.alive()


class Content(Served):
    """Content that nobody needs is skipped, and its end found exactly."""

    def goes_on(self, data):
        with Wire(self.address) as wire:
            for _ in range(2):
                wire.send(data)
                self.assertIn(wire.answer().status, (200, 405))
            answer = wire.ask("GET", "/612.html")
            self.assertEqual(answer.body, FILES["612.html"], data[:200])

    def test_a_length(self):
        for method in ("GET", "POST"):
            head = f"{method} /digits.txt HTTP/1.1\r\nHost: x\r\n"
            for n in (0, 1, 100, 8191, 8192, 20000, 65536):
                self.goes_on(head + f"Content-Length: {n}\r\n\r\n" + "G" * n)

    def test_a_request_within_content_is_no_request(self):
        self.goes_on(GET + f"Content-Length: {len(NEXT)}\r\n\r\n" + NEXT)

    def test_chunks(self):
        head = GET + "Transfer-Encoding: Chunked\r\n\r\n"
        for chunks in ("0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n",
                       "00005\r\nhello\r\n000\r\n\r\n",
                       "5;name=value;x\r\nhello\r\n0;last\r\n\r\n",
                       "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
                       "5\r\nhello\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
                       f"{len(NEXT):x}\r\n{NEXT}\r\n0\r\n\r\n",
                       "4000\r\n" + "x" * 0x4000 + "\r\n0\r\n\r\n"):
            self.goes_on(head + chunks)

    def test_bytes_that_come_one_by_one(self):
        with Wire(self.address) as wire:
            for byte in (GET + "Transfer-Encoding: chunked\r\n\r\n5;a\r\nhello"
                         "\r\n0\r\nA: b\r\n\r\n" + NEXT).encode():
                wire.send(bytes([byte]))
            for _ in range(2):
                self.assertEqual(wire.answer().body, FILES["digits.txt"])

    def test_broken_chunks_end_the_connection(self):
        head = GET + "Transfer-Encoding: chunked\r\n\r\n"
        for chunks in ("\r\n", "x\r\n", "-1\r\n", "5\nhello\r\n",
                       "5\r\nhello0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n",
                       "5 \r\nhello\r\n", "0x5\r\nhello\r\n", ";\r\n",
                       "5;\x00\r\nhello\r\n", "fffffffffffffffff\r\n",
                       "0\r\n\n", "0\r\nA: b\n\r\n", "0\r\nA\x00: b\r\n\r\n",
                       "5\r\nhello\r\n\r\n"):
            with Wire(self.address) as wire:
                wire.send(head + chunks + NEXT)
                self.assertEqual(wire.answer().status, 200, chunks)
                self.assertTrue(wire.ended(), chunks)

    def test_too_much(self):
        self.assertEqual(
            self.raw(GET + "Content-Length: 65537\r\n\r\n"), 413)
        self.assertEqual(self.raw(
            GET + "Content-Length: 922337203685477580\r\n\r\nx"), 413)
        with Wire(self.address) as wire:
            wire.send(GET + "Transfer-Encoding: chunked\r\n\r\n")
            self.assertEqual(wire.answer().status, 200)
            with self.assertRaises((ConnectionError, EOFError)):
                for _ in range(100000):
                    wire.send("5\r\nhello\r\n")
                wire.answer()  # what was sent may wait on the way
        self.alive()

    def test_content_that_was_announced_and_refused_is_no_request(self):
        data = ("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                f"Content-Length: {len(NEXT)}\r\n\r\n" + NEXT)
        self.assertEqual(self.raw(data), 405)


if __name__ == "__main__":
    unittest.main()
