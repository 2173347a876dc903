# SPDX-License-Identifier: MIT
"""httpd: parts of files."""

import random
import re
import unittest

from support import Served, request
from site_files import DATE, FILES


def parts(answer):
    """[(start, end, size, bytes)] of a multipart/byteranges answer."""
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\w+)",
                            answer["content-type"])[1].encode()
    pieces = answer.body.split(b"\r\n--" + boundary)
    assert pieces[0] == b"" and pieces[-1] == b"--\r\n", pieces
    found = []
    for piece in pieces[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        match = re.fullmatch(rb"\r\nContent-Type: [ -~]+\r\n"
                             rb"Content-Range: bytes (\d+)-(\d+)/(\d+)", head)
        found.append((*(int(n) for n in match.groups()), content))
    return found


def meant(spec, size):
    """What a Range field means: a list of (first, last), None to ignore it,
    [] if nothing of it is in the file. The other implementation to compare
    with."""
    ranges, asked = [], 0
    for item in spec.split(","):
        item = item.strip(" \t")
        if not item:
            continue
        match = re.fullmatch(r"(\d*)-(\d*)", item)
        if not match or item == "-":
            return None
        asked += 1
        first, last = match.groups()
        if not first:
            if int(last) and size:
                ranges.append((max(size - int(last), 0), size - 1))
            continue
        if last and int(last) < int(first):
            return None
        if int(first) < size:
            ranges.append((int(first), min(int(last or size), size - 1)))
    if asked == 0 or asked > 16 or \
            sum(b - a + 1 for a, b in ranges) > size:
        return None
    return ranges


class Ranges(Served):
    def check(self, wire, name, spec):
        """The answer is what the specification means."""
        content = FILES[name]
        want = meant(spec, len(content))
        answer = wire.ask("GET", "/" + name, f"Range: bytes={spec}")
        if want is None:
            self.assertEqual((answer.status, answer.body), (200, content),
                             spec)
        elif not want:
            self.assertEqual(answer.status, 416, spec)
            self.assertEqual(answer["content-range"],
                             f"bytes */{len(content)}")
        elif len(want) == 1:
            first, last = want[0]
            self.assertEqual(answer.status, 206, spec)
            self.assertEqual(answer["content-range"],
                             f"bytes {first}-{last}/{len(content)}")
            self.assertEqual(answer.body, content[first:last + 1], spec)
        else:
            self.assertEqual(answer.status, 206, spec)
            self.assertEqual(
                parts(answer),
                [(a, b, len(content), content[a:b + 1]) for a, b in want])

    def test_edges(self):
        specs = ("0-0", "0-", "-1", "-100", "-101", "-0", "99-", "100-",
                 "99-99", "99-100", "5-4", "0-99", "0-98", "0-1000000",
                 "18446744073709551615-", "0-18446744073709551615",
                 "0-99999999999999999999999", "99999999999999999999999-",
                 "-99999999999999999999999", "", "-", "a-b", "1", "1-2-3",
                 "0x1-2", " 0-1", "0-1 ", "0 - 1", "+1-2", "1-+2", "--1",
                 "0-1,", ",0-1", ",,", "0-1,,2-3", "0-1, 3-4", "0-1,\t3-4",
                 "3-4,0-1", "0-9,5-14", "0-59,40-99", "0-0,0-0", "0-0,-1",
                 "0-0,200-", "200-,300-", "0-0,x", "0-49,50-99", "0-,-1",
                 ",".join(f"{n}-{n}" for n in range(16)),
                 ",".join(f"{n}-{n}" for n in range(17)))
        with self.wire() as wire:
            for spec in specs:
                self.check(wire, "digits.txt", spec)

    def test_nothing_is_in_an_empty_file(self):
        with self.wire() as wire:
            for spec in ("0-", "0-0", "-1", "-0", "5-6,7-8"):
                self.check(wire, "empty.txt", spec)

    def test_random_ranges_of_all_kinds_of_files(self):
        rng = random.Random(1)
        with self.wire() as wire:
            for _ in range(300):
                name = rng.choice(["digits.txt", "edge8192.bin",
                                   "edge8193.bin", "middle.bin", "big.bin"])
                size = len(FILES[name])
                items = []
                for _ in range(rng.randint(1, 6)):
                    a = int(size * rng.random() ** 2)
                    b = a + int(size / 8 * rng.random() ** 3)
                    items.append(rng.choice([f"{a}-{b}", f"{a}-{b}",
                                             f"-{size - a}", f"{a}-"]))
                self.check(wire, name, ",".join(items))

    def test_other_units_and_methods_ignore_it(self):
        for fields in (["Range: lines=0-1"], ["Range: bytes 0-1"],
                       ["Range: bytes"], ["Range:"],
                       ["Range: bytes=0-1", "Range: bytes=2-3"]):
            self.assertEqual(self.get("/digits.txt", *fields).status, 200,
                             fields)
        head = self.ask("HEAD", "/digits.txt", "Range: bytes=0-1")
        self.assertEqual((head.status, head["content-length"]), (200, "100"))
        self.assertEqual(self.get("/list/", "Range: bytes=0-1").status, 200)
        self.assertEqual(self.get("/digits.txt", "Range: BYTES=0-1").status,
                         206)

    def test_if_range(self):
        tag = self.get("/digits.txt")["etag"]
        for value, want in ((tag, 206), ("W/" + tag, 200), ('"other"', 200),
                            (tag + "x", 200), (DATE, 206),
                            ("Tue, 14 Nov 2023 22:13:21 GMT", 200),
                            ("Wed, 15 Nov 2023 22:13:20 GMT", 200),
                            ("nonsense", 200), ("", 200)):
            answer = self.get("/digits.txt", "Range: bytes=1-2",
                              f"If-Range: {value}")
            self.assertEqual(answer.status, want, value)

    def test_a_condition_outweighs_a_range(self):
        tag = self.get("/digits.txt")["etag"]
        self.assertEqual(self.get("/digits.txt", "Range: bytes=1-2",
                                  f"If-None-Match: {tag}").status, 304)
        self.assertEqual(self.get("/digits.txt", "Range: bytes=1-2",
                                  'If-Match: "other"').status, 412)

    def test_pipelined_ranges_come_in_order(self):
        content = FILES["middle.bin"]
        with self.wire() as wire:
            for n in range(50):
                wire.send(request("GET", "/middle.bin",
                                  f"Range: bytes={n}-{n + 9},{n + 20}-"
                                  f"{n + 29}"))
            for n in range(50):
                self.assertEqual(
                    [p[3] for p in parts(wire.answer())],
                    [content[n:n + 10], content[n + 20:n + 30]])


if __name__ == "__main__":
    unittest.main()
