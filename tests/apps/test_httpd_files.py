# SPDX-License-Identifier: MIT
"""httpd: which file a request gets, and what is said about it."""

import os
import re
import time
import unittest
from urllib.parse import quote

from support import Served
from site_files import DATE, FILES


class Files(Served):
    def test_every_file_comes_byte_by_byte(self):
        with self.wire() as wire:
            for name, content in FILES.items():
                if name.startswith("many/") or "/.hidden" in f"/{name}":
                    continue
                answer = wire.ask("GET", "/" + quote(name))
                self.assertEqual((answer.status, answer.body), (200, content),
                                 name)

    def test_head_says_what_get_would(self):
        for name in ("/", "/empty.txt", "/big.bin", "/list/", "/nothing"):
            head, get = self.ask("HEAD", name), self.get(name)
            for answer in (head, get):
                answer.fields.pop("date")
            self.assertEqual((head.status, head.fields),
                             (get.status, get.fields), name)
            self.assertEqual(head.body, b"")

    def test_types(self):
        for name, kind in (("/", "text/html; charset=utf-8"),
                           ("/docs/", "text/html; charset=utf-8"),
                           ("/style.css", "text/css; charset=utf-8"),
                           ("/script.js", "text/javascript; charset=utf-8"),
                           ("/data.json", "application/json"),
                           ("/picture.svg", "image/svg+xml"),
                           ("/UPPER.TXT", "text/plain; charset=utf-8"),
                           ("/noend", "application/octet-stream")):
            self.assertEqual(self.get(name)["content-type"], kind, name)

    def test_a_directory_without_a_slash_is_sent_on(self):
        answer = self.get("/docs?x=1")
        self.assertEqual((answer.status, answer["location"]), (301, "/docs/"))
        self.assertEqual(self.get("//docs")["location"], "/docs/")
        self.assertEqual(self.get("/list/../docs")["location"], "/docs/")

    def test_a_file_is_no_directory(self):
        for path in ("/digits.txt/", "/digits.txt/x", "/nothing",
                     "/nothing/", "/docs/nothing"):
            self.assertEqual(self.get(path).status, 404, path)

    def test_the_query_is_not_part_of_the_name(self):
        for path in ("/digits.txt?", "/digits.txt?a=b/../c", "/?x"):
            self.assertEqual(self.get(path).status, 200, path)

    def test_names_are_decoded_and_made_normal(self):
        for path in ("/digits%2Etxt", "/%64igits.txt", "//digits.txt",
                     "/./digits.txt", "/list/../digits.txt",
                     "/list/%2e%2E/digits.txt", "/list//..//digits.txt",
                     "/nothing/../digits.txt", "http://any/digits.txt",
                     "HTTP://any:80/digits.txt"):
            answer = self.get(path)
            self.assertEqual((answer.status, answer.body),
                             (200, FILES["digits.txt"]), path)

    def test_nothing_above_the_root_is_served(self):
        for path in ("/../etc/passwd", "/../../../../../../etc/passwd",
                     "/list/../../../../../../etc/passwd",
                     "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
                     "/..%2f..%2f..%2fetc%2fpasswd", "/....//etc/passwd",
                     "/.%2e/.%2e/etc/passwd", "/..\\..\\etc\\passwd",
                     "//etc/passwd", "/etc/passwd"):
            self.assertEqual(self.get(path).status, 404, path)

    def test_bad_escapes(self):
        for path in ("/%", "/%4", "/%zz", "/%00", "/digits.txt%00.html",
                     "/a%0"):
            self.assertEqual(self.get(path).status, 400, path)

    def test_hidden_files_are_not_served(self):
        for path in ("/.hidden", "/list/.hidden", "/%2ehidden", "/.",
                     "/.well-known/.hidden"):
            want = 200 if path == "/." else 404
            self.assertEqual(self.get(path).status, want, path)
        self.assertEqual(self.get("/.well-known/security.txt").status, 200)

    def test_too_long_a_name(self):
        self.assertEqual(self.get("/" + "a" * 300).status, 404)
        self.assertEqual(self.get("/" + "a" * 2000).status, 414)

    def test_listing(self):
        page = self.get("/list/")
        self.assertEqual(page["content-type"], "text/html; charset=utf-8")
        links = re.findall(r'<a href="([^"]*)">', page.body.decode())
        self.assertEqual(links, ["../", "./a.txt", "./b.txt", "./below/"])
        self.assertEqual(page["cache-control"], "no-store")

    def test_methods(self):
        with self.wire() as wire:
            answer = wire.ask("OPTIONS", "*")
            self.assertEqual((answer.status, answer["allow"]),
                             (204, "GET, HEAD, OPTIONS"))
            for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
                answer = wire.ask(method, "/digits.txt")
                self.assertEqual((answer.status, answer["allow"]),
                                 (405, "GET, HEAD, OPTIONS"), method)
            self.assertEqual(wire.ask("CONNECT", "x:80").status, 405)
            for method in ("get", "BREW", "GETS", "X" * 100):
                self.assertEqual(wire.ask(method, "/").status, 501, method)


class OddNames(Served):
    OWN = True

    def test_a_listing_escapes_names_and_its_links_lead_back(self):
        (self.root / "odd").mkdir()
        names = sorted(["<b>.txt", "a&b\"'c.txt", "100%.txt", "q?x.txt",
                        "h#x.txt", "x:y", "caf\u00e9", "new\nline"])
        for name in names:
            (self.root / "odd" / name).write_text(name)
        page = self.get("/odd/").body.decode()
        links = re.findall(r'<a href="\./([^"]*)">([^<]*)</a>', page)
        self.assertEqual(len(links), len(names))
        self.assertNotIn("<b>", page)
        for link, _ in links:
            self.assertIn(self.get("/odd/" + link).body.decode(), names)

    def test_a_listing_of_thousands_ends_well(self):
        (self.root / "crowd").mkdir()
        for n in range(5000):
            (self.root / "crowd" / f"{n:04}{'x' * 100}").touch()
        page = self.get("/crowd/").body
        self.assertTrue(page.endswith(b"can list.\n"))
        self.assertLess(len(page), 1 << 20)

    def test_only_plain_files_are_served(self):
        os.mkfifo(self.root / "pipe")
        os.symlink("/dev/zero", self.root / "device")
        os.symlink("loop", self.root / "loop")
        self.assertEqual(self.get("/pipe").status, 403)
        self.assertEqual(self.get("/device").status, 403)
        self.assertEqual(self.get("/loop").status, 404)

    def test_a_changed_file_is_seen(self):
        path, new = self.root / "change.txt", self.root / "new.txt"
        tags = set()
        for content in ("one", "two", "longer", "x" * 20000, ""):
            new.write_text(content)
            new.replace(path)
            until = time.monotonic() + 30
            while (answer := self.get("/change.txt")).body.decode() != content:
                self.assertLess(time.monotonic(), until, "it stays old")
            tags.add(answer["etag"])
        self.assertEqual(len(tags), 5)
        path.unlink()
        while self.get("/change.txt").status != 404:
            self.assertLess(time.monotonic(), until + 30, "it stays there")

    def test_a_file_cut_short_ends_its_connections(self):
        path = self.root / "short.bin"
        path.write_bytes(b"x" * 20000)
        self.get("/short.bin")
        os.truncate(path, 10000)
        with self.assertRaises(EOFError):
            while True:
                self.assertIn(len(self.get("/short.bin").body),
                              (10000, 20000))
                os.truncate(path, 20000)
                self.get("/short.bin")
                os.truncate(path, 10000)
        self.alive()

    def test_a_file_that_has_just_changed_has_a_weak_tag(self):
        path = self.root / "fresh.txt"
        path.write_text("x")
        os.utime(path, (time.time() + 3000,) * 2)
        answer = self.get("/fresh.txt")
        self.assertTrue(answer["etag"].startswith("W/"))
        part = self.get("/fresh.txt", "Range: bytes=0-0",
                        "If-Range: " + answer["etag"])
        self.assertEqual(part.status, 200)
        again = self.get("/fresh.txt", "If-None-Match: " + answer["etag"])
        self.assertEqual(again.status, 304)

    def test_more_files_than_are_held(self):
        for _ in range(2):
            with self.wire() as wire:
                for n in range(400):
                    self.assertEqual(wire.ask("GET", f"/many/{n:03}.txt").body,
                                     f"file {n}\n".encode())


class NoListing(Served):
    OPTIONS = ("-n",)

    def test_no_listing(self):
        self.assertEqual(self.get("/list/").status, 403)
        self.assertEqual(self.get("/docs/").status, 200)


class Conditions(Served):
    def setUp(self):
        self.tag = self.get("/digits.txt")["etag"]

    def status(self, *fields, method="GET"):
        answer = self.ask(method, "/digits.txt", *fields)
        if answer.status == 304:
            self.assertEqual(answer["etag"], self.tag)
            self.assertEqual(answer["last-modified"], DATE)
            self.assertIsNone(answer.get("content-length"))
        return answer.status

    def test_validators(self):
        answer = self.get("/digits.txt")
        self.assertEqual(answer["last-modified"], DATE)
        self.assertRegex(self.tag, r'^"[!#-~]+"$')
        self.assertNotEqual(self.tag, self.get("/612.html")["etag"])

    def test_if_none_match(self):
        for value, want in ((self.tag, 304), ("W/" + self.tag, 304),
                            (f'"a,b", {self.tag}', 304),
                            (f'"x",W/"y" , W/{self.tag}', 304), ("*", 304),
                            ('"other"', 200), ("", 200), ("nonsense", 200),
                            (self.tag[:-1], 200), (self.tag.strip('"'), 200),
                            (f'"unclosed, {self.tag}', 200)):
            self.assertEqual(self.status(f"If-None-Match: {value}"), want,
                             value)
            self.assertEqual(
                self.status(f"If-None-Match: {value}", method="HEAD"), want)

    def test_if_modified_since(self):
        for value, want in ((DATE, 304),
                            ("Tuesday, 14-Nov-23 22:13:20 GMT", 304),
                            ("Tue Nov 14 22:13:20 2023", 304),
                            ("Wed, 15 Nov 2023 00:00:00 GMT", 304),
                            ("Tue, 14 Nov 2023 22:13:19 GMT", 200),
                            ("Monday, 14-Nov-94 22:13:20 GMT", 200),
                            ("tomorrow", 200), ("", 200),
                            ("Tue, 31 Feb 2090 00:00:00 GMT", 200),
                            ("Tue, 14 Nov 2090 25:00:00 GMT", 200),
                            ("Tue, 14 Nov 2090 20:00:00 CET", 200),
                            (DATE + " x", 200), ("9" * 300, 200)):
            self.assertEqual(self.status(f"If-Modified-Since: {value}"), want,
                             value)

    def test_a_tag_outweighs_a_date(self):
        self.assertEqual(self.status('If-None-Match: "other"',
                                     f"If-Modified-Since: {DATE}"), 200)
        self.assertEqual(
            self.status(f"If-None-Match: {self.tag}",
                        "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"),
            304)

    def test_if_match(self):
        for value, want in ((self.tag, 200), ("*", 200), ('"other"', 412),
                            ("W/" + self.tag, 412), ("nonsense", 412)):
            self.assertEqual(self.status(f"If-Match: {value}"), want, value)

    def test_if_unmodified_since(self):
        for value, want in ((DATE, 200), ("nonsense", 200),
                            ("Tue, 14 Nov 2023 22:13:19 GMT", 412)):
            self.assertEqual(self.status(f"If-Unmodified-Since: {value}"),
                             want, value)

    def test_a_field_that_comes_twice_means_nothing(self):
        self.assertEqual(self.status(f"If-None-Match: {self.tag}",
                                     f"If-None-Match: {self.tag}"), 200)

    def test_conditions_do_not_hide_errors(self):
        self.assertEqual(self.get("/nothing", "If-None-Match: *").status, 404)



if __name__ == "__main__":
    unittest.main()
