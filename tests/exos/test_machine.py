# SPDX-License-Identifier: MIT
"""Programs on exos in whole machines: how they end, what they give back, what
they are given, and archives of files that nobody honest would make."""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/minimal"))

from support import boot, flat, init, plan  # noqa: E402
from exo import archive  # noqa: E402

PROGRAMS = ROOT / "build/tests/exos/programs"


def run(program, *args, more="", **options):
    """A machine with one program."""
    words = ", ".join(f'"{arg}"' for arg in args)
    text = f"""
[[app]]
name = "t"
image = "{PROGRAMS / program}"
args = [{words}]
memory = "12M"
{more}
"""
    return boot(plan(text).modules(), **options)


class Ends(unittest.TestCase):
    def died(self, how, detail):
        done = run("faults", how)
        self.assertTrue(done.find(rf"t \| begin {how}"), done)
        self.assertTrue(done.find(rf"init \| mortem detail {detail}"), done)
        self.assertEqual((done.end.kind, done.end.status), ("off", 100), done)
        return done

    def test_a_store_to_null_leaves_a_record_of_the_culprit(self):
        done = self.died("null", "page fault: write to 0x0, not bound")
        self.assertTrue(done.find(r"init \| mortem reg rip 0x2[0-9a-f]+ "
                                  r"rsp 0x83ffff[0-9a-f]+ .*"), done)

    def test_a_store_to_a_constant(self):
        self.died("constant", "page fault: write to 0x[0-9a-f]+, .*")

    def test_a_store_to_what_was_unmapped(self):
        self.died("unmapped", "page fault: write to 0x1500000000, not bound")

    def test_a_store_to_what_is_read_only(self):
        self.died("protected", "page fault: write to 0x1500000000, not bound")

    def test_a_stack_without_end(self):
        self.died("overflow", "page fault: write to 0x83f7[0-9a-f]+, "
                  "not bound")

    def test_abort_leaves_a_record(self):
        done = self.died("abort", "invalid instruction")
        self.assertTrue(done.find(r"t \| exos: ended by signal 6"), done)

    def test_a_status_is_the_machines_and_exit_runs_what_it_should(self):
        done = run("faults")
        self.assertEqual([line for line in done.lines if line[:4] == "t | "],
                         ["t | begin", "t | at exit", "t | destructed"],
                         done)
        self.assertEqual((done.end.kind, done.end.status), ("off", 7), done)

    def test__exit_runs_nothing(self):
        done = run("faults", "_exit")
        self.assertFalse(done.find(r"t \| at exit"), done)
        self.assertEqual(done.end.status, 5, done)

    def test_two_cpus_bochs_and_a_cpu_without_new_features(self):
        for options in ({"smp": 2}, {"emulator": "bochs"}, {"cpu": "qemu64"}):
            self.assertEqual(run("faults", **options).end.status, 7, options)

    def test_too_little_memory_is_said(self):
        text = f"""
[[app]]
name = "t"
image = "{PROGRAMS / "faults"}"
memory = "128K"
"""
        done = boot(plan(text).modules())
        self.assertNotEqual(done.end.status, 0, done)


class Pressure(unittest.TestCase):
    def press(self, how, reserved, rounds, us, end):
        """One holds what another was promised, on 1 and 2 CPUs. By counted
        time: on a busy host deadlines would pass unseen."""
        text = f"""
[machine]
memory = "32M"

[[app]]
name = "holder"
image = "{PROGRAMS / "pressure"}"
args = ["{how}"]
memory = {{ reserved = "{reserved}", limit = "28M" }}

[[app]]
name = "taker"
image = "{PROGRAMS / "pressure"}"
args = ["take", "{rounds}", "{us}"]
memory = "16M"
"""
        machine = plan(text)
        for smp in (1, 2):
            done = boot(machine.modules(), mem="32M", smp=smp, icount=True)
            self.assertTrue(done.find(rf"holder \| {end}"), done)
            self.assertTrue(done.find(r"taker \| took all"), done)
            self.assertEqual((done.end.kind, done.end.status), ("off", 0),
                             done)

    def test_a_program_gives_back_what_it_does_not_need_and_goes_on(self):
        self.press("hold", "1M", 12, 500000, "went on, sum 0")

    def test_a_program_goes_on_while_memory_is_wanted_back(self):
        self.press("change", "8M", 40, 7000, "changed all")


class Archives(unittest.TestCase):
    """Boot modules that ./exo did not make."""
    MANIFEST = ("exo-manifest 1\napp t\n  image faults\n  files x\n"
                "  reserved 1024\n  limit 1024\nend\n")

    def refused(self, content, why):
        done = boot([init(), flat(self.MANIFEST),
                     (PROGRAMS / "faults", "image faults"),
                     (content, "files x")])
        self.assertTrue(done.find(rf"t \| exos: cannot use its files: {why}"),
                        done)
        self.assertEqual((done.end.kind, done.end.status), ("off", 1), done)

    def honest(self):
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name)
            (path / "file").write_bytes(b"content" * 100)
            (path / "link").symlink_to("file")
            return archive.pack(path)

    def changed(self, old, new):
        """With one field changed, and the header's sum mended."""
        content = bytearray(self.honest())
        at = content.index(old)
        content[at:at + len(new)] = new
        head = at // 512 * 512
        content[head + 148:head + 156] = b" " * 8
        content[head + 148:head + 156] = \
            b"%06o\0 " % sum(content[head:head + 512])
        return bytes(content)

    def test_a_name_that_climbs(self):
        self.refused(self.changed(b"file\0", b"../x\0"), ".*leads out.*")

    def test_an_absolute_name(self):
        self.refused(self.changed(b"file\0", b"/abs\0"), ".*leads out.*")

    def test_a_link_that_leads_out(self):
        at = self.honest().index(b"link\0")
        content = bytearray(self.honest())
        content[at + 157:at + 162] = b"../x\0"
        content[at + 148:at + 156] = b" " * 8
        content[at + 148:at + 156] = \
            b"%06o\0 " % sum(content[at:at + 512])
        self.refused(bytes(content), ".*is a link that leads out.*")

    def test_a_size_beyond_the_end(self):
        self.refused(self.changed(b"00000001274\0", b"77777777777\0"),
                     ".*larger than the archive")

    def test_a_sum_that_is_wrong(self):
        content = bytearray(self.honest())
        content[content.index(b"file\0")] ^= 1
        self.refused(bytes(content), ".*damaged.*")

    def test_no_archive_at_all(self):
        self.refused(b"x" * 5000, ".*no ustar archive")
        self.refused(self.honest()[:-1024], ".*cut off.*")

    def test_a_module_that_is_missing(self):
        done = boot([init(), flat(self.MANIFEST),
                     (PROGRAMS / "faults", "image faults")])
        self.assertTrue(done.find(r'init \| manifest: t: there is no module '
                                  r'"files x"'), done)
        self.assertEqual(done.end.status, 102, done)

    def test_an_honest_one_is_used(self):
        done = boot([init(), flat(self.MANIFEST),
                     (PROGRAMS / "faults", "image faults"),
                     (self.honest(), "files x")])
        self.assertEqual(done.end.status, 7, done)


if __name__ == "__main__":
    unittest.main()
