# SPDX-License-Identifier: MIT
"""`wx` in the manifest: one program, started twice on one machine. With it the
program may change the code that it runs; without it the kernel refuses."""

import unittest

from support import ROOT, boot, manifest, plan

APPS = """
[[app]]
name = "allowed"
image = "jit"
wx = true
[[app]]
name = "plain"
image = "jit"
"""


class Wx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ended = boot(plan(APPS).modules())

    def test_who_has_it_may_change_its_code(self):
        self.assertIn("init | allowed ended with status 77", self.ended.lines,
                      self.ended)

    def test_who_has_it_not_is_refused(self):
        self.assertIn("init | plain ended with status 1", self.ended.lines,
                      self.ended)

    def test_wx_and_seal_exclude_each_other(self):
        text = APPS.replace("wx = true", "wx = true\nseal = true")
        with self.assertRaisesRegex(manifest.ExoError, "exclude each other"):
            manifest.parse(text, "test", ROOT / "apps", None)


if __name__ == "__main__":
    unittest.main()
