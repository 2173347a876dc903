# SPDX-License-Identifier: MIT
"""Manifests: each mistake is refused with a sentence, good ones compile."""

import io
import os
import tarfile
import struct
import unittest

from support import ExoError, Tree, program

from exo import archive, manifest

HELLO = '[[app]]\nname = "hello"\nimage = "hello"\n'
OTHER = '[[app]]\nname = "other"\nimage = "hello"\n'


class Compiles(Tree):
    def flat(self, text, **more):
        return manifest.parse(text, directory=self.root, **more).flat()

    def test_programs_with_a_c_library_get_more_memory(self):
        content = bytearray((self.root / "build/apps/hello").read_bytes())
        at, = struct.unpack_from("<Q", content, 32)  # program headers
        content += content[at:at + 56] + struct.pack("<IIQQQQQQ", 4, 4, 0, 0,
                                                     0, 0, 0, 4)
        struct.pack_into("<Q", content, 32, len(content) - 112)
        struct.pack_into("<H", content, 56, 2)
        (self.root / "build/apps/posix").write_bytes(content)
        sizes = [manifest.parse(
            f'[[app]]\nname = "a"\nimage = "{image}"\n{more}',
            directory=self.root).apps[0].memory[0]
            for image, more in (("posix", ""), ("hello", ""),
                                ("posix", 'memory = "1M"'))]
        self.assertEqual(sizes, [4 << 20, 256 << 10, 1 << 20])
        with self.assertRaisesRegex(ExoError, "programs on exos read"):
            manifest.parse('[[app]]\nname = "a"\nimage = "posix"\n'
                           "hide_info = true", directory=self.root)

    def test_defaults(self):
        self.assertEqual(self.flat(HELLO), "exo-manifest 1\napp hello\n"
                         "  image hello\n  reserved 64\n  limit 64\n"
                         "  envs 16\n  slots 0\n  restart never\nend\n")

    def test_every_field(self):
        text = """
            [machine]
            memory = "64M"
            cpus = 4
            type = "q35"
            options = ["slots=64"]
            [[app]]
            name = "web-1"
            image = "./build/apps/hello"
            args = ["a b", "", "ä"]
            memory = { reserved = "16 pages", limit = "1MiB" }
            envs = 3
            cpu = "12.5%"
            affinity = [3, 1]
            restart = "on-failure"
            restarts = 7
            may_fail = true
            wx = true
            hide_info = true
            [[app]]
            name = "b"
            image = "hello"
            memory = 65536
            cpu = 20
            background = true
            seal = true
            """
        flat = self.flat(text)
        self.assertEqual(flat.splitlines(), [
            "exo-manifest 1", "app web-1", "  image hello", "  arg a b",
            "  arg", "  arg ä", "  reserved 16", "  limit 256", "  envs 3",
            "  share 125", "  affinity 1 3", "  restart on-failure",
            "  restarts 7", "  may_fail yes", "  wx yes", "  hide_info yes",
            "end", "app b", "  image hello", "  reserved 16", "  limit 16",
            "  envs 16", "  slots 20", "  restart never", "  background yes",
            "  seal yes", "end"])

    def test_network(self):
        text = HELLO + 'publish = ["8080:80", "53/udp"]\n' + OTHER \
            + 'address = ["10.0.2.16", "fec0::77"]\n'
        flat = self.flat(text).splitlines()
        self.assertEqual(flat[1:9], [
            "network", "  subnet4 10.0.2.0 24", "  gateway4 10.0.2.2",
            "  dns4 10.0.2.3", "  subnet6 " + "fec0".ljust(32, "0") + " 64",
            "  gateway6 " + "fec0".ljust(31, "0") + "2",
            "  dns6 " + "fec0".ljust(31, "0") + "3", "end"])
        self.assertIn("  address4 10.0.2.15", flat)
        self.assertIn("  address6 " + "fec0".ljust(30, "0") + "77", flat)
        self.assertNotIn("network", self.flat(HELLO))

    def test_shared_address(self):
        text = OTHER + 'address = "10.0.2.20"\n' + HELLO \
            + 'address = "10.0.2.20"\nports = ["80", "8000-8099/udp"]\n' \
            'publish = ["127.0.0.2:8000:8099/udp"]'
        self.assertIn("  port tcp 80 80\n  port udp 8000 8099\n",
                      self.flat(text))

    def test_automatic_addresses_leave_out_those_taken(self):
        text = OTHER + 'address = "10.0.2.15"\n' + HELLO + 'address = "auto"'
        self.assertIn("  address4 10.0.2.16\n", self.flat(text))

    def test_environment_and_files(self):
        (self.root / "site/deep").mkdir(parents=True)
        (self.root / "site/deep/a").write_bytes(b"content")
        text = HELLO + 'env = { A = "b=c", EMPTY = "" }\nfiles = "site"'
        plan = manifest.parse(text, directory=self.root)
        self.assertIn("  var A=b=c\n  var EMPTY=\n  files hello\n",
                      plan.flat())
        content, string = plan.modules(init="x")[-1]
        self.assertEqual(string, "files hello")
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            self.assertEqual(tar.getnames(), ["deep", "deep/a"])
            self.assertEqual(tar.extractfile("deep/a").read(), b"content")

    def test_content_begins_on_pages(self):
        (self.root / "site").mkdir()
        for number in range(40):
            (self.root / f"site/f{number}").write_bytes(
                bytes([number]) * (number * 337))
        content = archive.pack(self.root / "site")
        self.assertEqual(content, archive.pack(self.root / "site"))
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar.getmembers():
                self.assertEqual(member.offset_data % 4096, 0, member.name)
                number = int(member.name[1:])
                self.assertEqual(tar.extractfile(member).read(),
                                 bytes([number]) * (number * 337))

    def test_what_no_archive_can_hold(self):
        site = self.root / "site"
        site.mkdir()
        text = HELLO + 'files = "site"'
        for make, wanted in (
                (lambda p: p.symlink_to("/etc/passwd"), "leads out"),
                (lambda p: p.symlink_to("../x"), "leads out"),
                (lambda p: p.symlink_to("y" * 101), "longer than 100"),
                (os.mkfifo, "neither a file, a directory nor a link")):
            path = site / "a"
            make(path)
            with self.assertRaises(ExoError) as caught:
                manifest.parse(text, directory=self.root)
            self.assertIn(wanted, str(caught.exception))
            path.unlink()
        (site / ("n" * 120)).write_bytes(b"")
        with self.assertRaises(ExoError) as caught:
            manifest.parse(text, directory=self.root)
        self.assertIn("too long", str(caught.exception))

    def test_the_longest_that_is_allowed(self):
        lengths = [255, 255, 255, 249]  # "hello", five zero bytes: 1,024
        text = HELLO + f'args = {["x" * n for n in lengths]}'
        self.assertEqual(self.flat(text).count("  arg "), 4)
        text = f'[machine]\ncpus = 64\nmemory = "4M"\n{HELLO}' \
            f'memory = "4M"\ncpu = {64 * 128 - 2}\nenvs = 4096\n' \
            'restart = "always"\nrestarts = 1000\naffinity = ' \
            + str(list(range(64)))
        self.assertIn("  reserved 1024\n", self.flat(text))
        name = "a" * 31
        self.assertIn(name, self.flat(HELLO.replace("hello", name, 1)))

    def test_modules_are_distinct_images_in_order(self):
        text = HELLO + '[[app]]\nname = "c"\nimage = "crash"\n' \
            + '[[app]]\nname = "h2"\nimage = "hello"\n'
        strings = [s for _, s in manifest.parse(text).modules()]
        self.assertEqual(strings, ["init", "manifest", "image hello",
                                   "image crash"])

    def test_the_command_line_wins(self):
        plan = manifest.parse('[machine]\ncpus = 1\n' + HELLO
                              + "affinity = [1]\n", memory=8 << 20, cpus=2)
        self.assertEqual((plan.memory, plan.cpus), (8 << 20, 2))

    def test_sizes(self):
        for text, count in (("4K", 4096), ("1M", 1 << 20), ("2 GiB", 2 << 30),
                            ("1 page", 4096), ("3 pages", 12288), (5, 5),
                            ("7", 7)):
            self.assertEqual(manifest.size(text), count)
        for bad in ("", "K", "1.5M", "-1", "1 m", True, None, [], "1MM"):
            with self.assertRaises(ValueError):
                manifest.size(bad)


class Refuses(Tree):
    """Each case: what is added to (or stands instead of) a good manifest, and
    what the sentence must contain."""

    FIELDS = (
        ('memori = "1M"', 'unknown key "memori" (did you mean "memory"?)'),
        ('zzz = 1', 'app "hello": unknown key "zzz"'),
        ('args = "x"', "args: must be a list of strings"),
        ('args = [1]', "args: must be a list of strings"),
        ('env = "x"', "env: must be a table of strings"),
        ('env = { A = 1 }', "env: must be a table of strings"),
        ('env = { "1A" = "x" }', "is no name of a variable"),
        ('env = { A = "\\n" }', "control character"),
        (f'env = {{ A = "{"x" * 280}" }}', "longer than 280 bytes"),
        ('env = { ' + ", ".join(f'V{n} = "x"' for n in range(33)) + " }",
         "at most 32 variables"),
        ('files = "nowhere"', "there is no directory"),
        ('files = 1', "must name a directory"),
        ('args = ["\\n"]', "control character"),
        ('args = ["\\u007f"]', "control character"),
        ('args = ["\\u0000"]', "control character"),
        (f'args = {["x"] * 32}', "32 arguments; at most 31"),
        (f'args = ["{"x" * 256}"]', "longer than 255 bytes"),
        (f'args = {["x" * 255] * 3 + ["x" * 250]}',
         "1025 bytes with the name"),
        ('memory = "lots"', "memory: 'lots' is no size"),
        ('memory = true', "is no size"),
        ('memory = "70001"', "whole pages"),
        ('memory = "60K"', "at least 64K, not 60K"),
        ('memory = -4096', "at least 64K"),
        ('memory = { reserved = "1M", limit = "512K" }',
         "limit 512K is below reserved 1M"),
        ('memory = { reserve = "1M" }', 'did you mean "reserved"?'),
        ('memory = "1G"', "reserve 1G in all, the machine has 128M"),
        ('memory = { limit = "1G" }', "more than the machine's 128M"),
        ('envs = 0', "envs: must be 1 to 4096, not 0"),
        ('envs = "2"', "envs: must be a whole number"),
        ('envs = true', "envs: must be a whole number"),
        ('cpu = "fast"', "is no share"),
        ('cpu = "1.25%"', "is no share"),
        ('cpu = "0%"', "0% is no share"),
        ('cpu = -1', "cpu: must be 0 to"),
        ('cpu = 1.5', "cpu: must be a whole number"),
        ('cpu = 129', "cpu is 129 slots, but its CPUs have 128"),
        ('cpu = "100%"', "own 128 slots in all, the machine has 126"),
        ('affinity = []', "must be a list of CPU numbers"),
        ('affinity = 1', "must be a list of CPU numbers"),
        ('affinity = [64]', "must be 0 to 63"),
        ('affinity = [0, 0]', "names a CPU twice"),
        ('affinity = [0, 2]', "affinity names CPU 2, the machine has CPU 0"),
        ('restart = "allways"', 'did you mean "always"?'),
        ('restart = true', "restart: must be one of"),
        ('restarts = 3', "restarts without restart"),
        ('restart = "always"\nrestarts = 1001', "must be 0 to 1000"),
        ('wx = 1', "wx: must be true or false"),
        ('wx = true\nseal = true', "wx and seal exclude each other"),
        ('hide_info = true\naddress = "auto"', "hide_info hides the card's"),
        ('background = true', "every app is background"),
        ('address = "10.0.3.1"', "10.0.3.1 is not in the network's 10.0.2.0"),
        ('address = "10.0.2.2"', "address 10.0.2.2 is the gateway"),
        ('address = "10.0.2.255"', "is the broadcast address"),
        ('address = "fec0::3"', "address fec0::3 is the name server"),
        ('address = "home"', "'home' is no IP address"),
        ('address = 3', "3 is no IP address"),
        ('address = ["10.0.2.9", "10.0.2.8"]', "at most one IPv4"),
        ('ports = ["80"]', "ports needs an address to share"),
        ('address = "10.0.2.9"\nports = ["80"]', 'image = "netd"'),
        ('ports = ["0"]', "'0' is no port"),
        ('ports = ["80/sctp"]', "the protocol is tcp or udp, not sctp"),
        ('ports = ["9-8"]', "the range ends before it begins"),
        ('ports = ["80", "79-81"]', "'79-81' is named twice"),
        ('ports = "80"', "must be a list of strings"),
        (f'ports = {[str(n) for n in range(1, 10)]}', "9 ports or ranges"),
        ('publish = ["80:http"]', "'80:http' is no port to publish"),
        ('publish = ["1.2.3:80:80"]', "is no port to publish"),
        ('publish = ["300.1.1.1:80:80"]', "is no IPv4 address"),
        ('publish = ["80:65536"]', "'65536' is no port"),
        ('publish = ["8080:80", "8080:81"]', "publishes port 8080/tcp already"),
        ('publish = ["80"]\naddress = "fec0::9"', "needs an IPv4 address"),
    )

    WHOLE = (
        ("", "no application"),
        ("app = 3", "no application"),
        ("app = [3]", "app number 1: must be a table"),
        ("[[app]]", "app number 1: name is missing"),
        ('[[app]]\nname = "a"', 'app "a": image is missing'),
        (HELLO + "[machin]", 'unknown key "machin" (did you mean "machine"?)'),
        (HELLO + "[machine]\nmemory = 1000", "4M to 1T"),
        (HELLO + '[machine]\nmemory = "2M"', "4M to 1T"),
        (HELLO + '[machine]\nmemory = "4097K"', "4M to 1T in whole MiB"),
        (HELLO + "[machine]\ncpus = 65", "cpus: must be 1 to 64, not 65"),
        (HELLO + '[machine]\ntype = "q36"', 'did you mean "q35"?'),
        (HELLO + '[machine]\noptions = ["a b"]', "must be one word"),
        (HELLO + f'[machine]\noptions = ["{"x" * 513}"]', "longer than 512"),
        (HELLO + '[machine]\noptions = "x"', "must be a list of strings"),
        ("machine = 1\n" + HELLO, "machine: must be a table"),
        (HELLO * 2, 'app "hello": the name is used twice'),
        (HELLO + "name", "not valid TOML"),
        (HELLO + '[network]\nsubnet = "10.0.2.1/24"', "is no IPv4 subnet"),
        (HELLO + '[network]\nsubnet = "10.0.2.0/29"', "8 to 28 bits long"),
        (HELLO + '[network]\nsubnet6 = "fe00::/80"', "must be 64 bits long"),
        (HELLO + '[network]\ngatewy = "10.0.2.1"', 'did you mean "gateway"?'),
        (HELLO + '[machine]\ncard = "ne2k"', "card: must be one of virtio"),
        (HELLO + 'publish = ["80"]\n' + OTHER + 'publish = ["80:81"]',
         'app "other": "hello" publishes port 80/tcp already'),
        (HELLO + 'address = "10.0.2.9"\n' + OTHER + 'address = "10.0.2.9"',
         '"hello" has address 10.0.2.9 already'),
        (OTHER.replace("other", "netd") + 'address = "10.0.2.9"\n' + HELLO
         + 'address = "10.0.2.9"\nports = ["80"]\n' + OTHER
         + 'address = "10.0.2.9"\nports = ["70-90"]',
         'port 70-90/tcp of 10.0.2.9 is "hello"\'s already'),
        (OTHER.replace("other", "netd") + 'address = "10.0.2.9"\n' + HELLO
         + 'address = "10.0.2.9"\nports = ["80"]\npublish = ["81"]',
         "publishes port 81/tcp, which is not among its ports"),
    )

    NAMES = ("Hello", "1st", "", "a_b", "a" * 32, "init", "exo", "a|b", "ä")

    def refused(self, text, wanted):
        with self.assertRaises(ExoError, msg=text) as caught:
            manifest.parse(text, "m.toml", self.root)
        self.assertIn(wanted, str(caught.exception))
        for line in str(caught.exception).splitlines():
            self.assertTrue(line.startswith("m.toml: "), line)

    def test_fields(self):
        for line, wanted in self.FIELDS:
            with self.subTest(line):
                self.refused(HELLO + line, wanted)

    def test_whole(self):
        for text, wanted in self.WHOLE:
            with self.subTest(text):
                self.refused(text, wanted)

    def test_names(self):
        for name in self.NAMES:
            with self.subTest(name):
                self.refused(f'[[app]]\nname = "{name}"\nimage = "hello"',
                             "name: ")

    def test_too_many(self):
        one = '[[app]]\nname = "a{0}"\nimage = "hello"\nmemory = "64K"\n'
        self.refused("".join(one.format(i) for i in range(65)),
                     "65 apps; at most 64")
        for number in range(39):
            self.image(f"p{number}", program())
        self.refused("".join(one.format(i).replace("hello", f"p{i}")
                             for i in range(39)), "39 different images")

    def test_all_problems_at_once(self):
        with self.assertRaises(ExoError) as caught:
            manifest.parse(HELLO + 'envs = 0\nwx = 1\ncpu = "x"', "m.toml")
        self.assertEqual(len(str(caught.exception).splitlines()), 3)

    def image(self, name, content):
        (self.root / "build" / "apps" / name).write_bytes(content)

    def test_images(self):
        good = program()
        cases = {
            "empty": (b"", "is no ELF program"),
            "text": (b"#!/bin/sh\n", "is no ELF program"),
            "short": (good[:40], "cut off within its ELF header"),
            "headless": (good[:100], "a table lies outside"),
            "elf32": (program(ident=b"\1\1"), "for another machine"),
            "arm": (program(machine=183), "for another machine"),
            "pie": (program(kind=3), "not a static program"),
            "shared": (good[:64] + b"\3\0\0\0" + good[68:],
                       "not a static program"),
            "nothing": (good[:64] + b"\6\0\0\0" + good[68:],
                        "nothing to load"),
        }
        for name, (content, wanted) in cases.items():
            with self.subTest(name):
                self.image(name, content)
                self.refused(f'[[app]]\nname = "a"\nimage = "{name}"', wanted)

    def test_missing_images(self):
        self.refused('[[app]]\nname = "a"\nimage = "helo"',
                     '(did you mean "hello"?); build first: make')
        self.refused('[[app]]\nname = "a"\nimage = "./x"', "no program")
        self.refused('[[app]]\nname = "a"\nimage = ""', "must name a program")
        self.refused('[[app]]\nname = "a"\nimage = "a b"', "the file name")
        self.refused('[[app]]\nname = "a"\nimage = 3', "must name a program")

    def test_two_images_of_one_file_name(self):
        (self.root / "hello").write_bytes(program())
        self.refused(HELLO + '[[app]]\nname = "b"\nimage = "./hello"',
                     "have one file name")

    def test_files(self):
        for name, content, wanted in (("none", None, "cannot read"),
                                      ("bytes", b"\xff", "no UTF-8")):
            path = self.root / name
            if content:
                path.write_bytes(content)
            with self.assertRaises(ExoError) as caught:
                manifest.load(path)
            self.assertIn(wanted, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
