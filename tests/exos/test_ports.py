# SPDX-License-Identifier: MIT
"""Programs of others, unchanged, on exos."""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/minimal"))

from support import boot, plan  # noqa: E402

PORTS = ROOT / "build/ports"

SCRIPT = """
local sum = 0
for i = 1, 20000 do sum = sum + i end
print("sum", sum, string.format("%.3f", math.sqrt(2)), os.time() > 0)
local file = assert(io.open("/tmp/x", "w"))
file:write("written\\n")
file:close()
for line in io.lines("/tmp/x") do print(line) end
print(pcall(function() error("caught") end))
print(select("#", table.unpack({1, 2, 3})), os.getenv("WHO"), arg[1])
"""


class Ports(unittest.TestCase):
    def run_port(self, name, image, more, **options):
        text = f'[[app]]\nname = "{name}"\nimage = "{PORTS / image}"\n{more}\n'
        done = boot(plan(text).modules(), **options)
        self.assertEqual((done.end.kind, done.end.status), ("off", 0), done)
        return done

    def test_zlib_compresses_and_brings_back(self):
        done = self.run_port("zlib", "zlib/example",
                             'args = ["/tmp/foo.gz"]\nmemory = "4M"', smp=2)
        self.assertTrue(done.find(r"zlib \| large_inflate\(\): OK"), done)
        self.assertTrue(done.find(r"zlib \| inflate with dictionary: hello, "
                                  r"hello!"), done)

    def test_lua_computes_and_writes_files(self):
        with tempfile.TemporaryDirectory() as name:
            (pathlib.Path(name) / "t.lua").write_text(SCRIPT)
            done = self.run_port("lua", "lua/lua", 'args = ["/t.lua", "one"]\n'
                                 f'memory = "16M"\nfiles = "{name}"\n'
                                 'env = { WHO = "you" }')
        for line in ("sum\t200010000\t1.414\ttrue", "written",
                     "false\t/t.lua:9: caught", "3\tyou\tone"):
            self.assertIn(f"lua | {line}", done.lines, done)

    def test_sqlite_finds_no_error_in_its_own_fuzz(self):
        done = self.run_port("fuzzcheck", "sqlite/fuzzcheck",
                             'args = ["/fuzzdata3.db"]\nmemory = "64M"\n'
                             f'files = "{PORTS / "sqlite/files"}"', mem="128M")
        self.assertTrue(done.find(r"fuzzcheck \| fuzzcheck: 0 errors out of "
                                  r"2316 tests in .*"), done)


if __name__ == "__main__":
    unittest.main()
