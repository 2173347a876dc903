# SPDX-License-Identifier: MIT
"""httpd on every machine and card there is a way to: some requests each."""

import pathlib
import tempfile
import threading
import unittest

from machines import Running, free_port

import site_files  # noqa: E402  (of tests/apps)
from support import Wire  # noqa: E402  (likewise)


class Places(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="site-")
        cls.addClassCleanup(holder.cleanup)
        cls.site = pathlib.Path(holder.name) / "site"
        site_files.make(cls.site)

    def serves(self, **options):
        """Files of several sizes, to four clients at a time."""
        port = free_port()
        with Running(f"""
[[app]]
name = "web"
image = "httpd"
args = ["-r", "/", "-p", "80"]
memory = "16M"
files = "{self.site}"
publish = ["{port}:80"]
""", **options) as m:
            m.expect(r"web \| .*http://.*")
            right = []

            def client():
                with Wire(("127.0.0.1", port)) as wire:
                    for name in ("612.html", "middle.bin", "edge8193.bin"):
                        got = wire.ask("GET", "/" + name)
                        right.append(got.body == site_files.FILES[name])
            clients = [threading.Thread(target=client) for _ in range(4)]
            for each in clients:
                each.start()
            for each in clients:
                each.join()
            self.assertEqual(right, [True] * 12, m)

    def test_q35(self):
        self.serves(machine="q35", smp=2)

    def test_microvm(self):
        self.serves(machine="microvm")

    def test_e1000(self):
        self.serves(card="e1000", smp=2)

    def test_bochs(self):
        self.serves(card="e1000", emulator="bochs", mem="64M")


if __name__ == "__main__":
    unittest.main()
