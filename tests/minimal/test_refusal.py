# SPDX-License-Identifier: MIT
"""What cannot be started is refused, with a sentence and a status of its own:
flat manifests that ./exo would never write, modules that are no programs, too
little memory. Nothing may be started half, and nothing may panic."""

import unittest

from support import HELLO, app, boot, call_code, flat, init, plan, program

GOOD = """exo-manifest 1
app hello
  image hello
  reserved 64
  limit 64
end
"""


class CommandLine(unittest.TestCase):
    """Options are checked before anything is built on them."""

    def started(self, options):
        return boot([init(), flat(GOOD), app("hello")], append=options)

    def test_numbers_that_cannot_be(self):
        for option in ("slots=0", "slots=18446744073709551615", "slot_us=0",
                       "slot_us=18446744073709551615", "grace_us=1001",
                       "tsc_khz=0", "tsc_khz=1",
                       "tsc_khz=18446744073709551615"):
            run = self.started(option)
            self.assertEqual(run.end.kind, "refused", f"{option}: {run}")
            self.assertIn(option.split("=")[0], run.end.text)

    def test_what_is_no_number_is_not_used(self):
        run = self.started("slots=many tsc_khz= =7 slot_us=-1 check=0x cpus=0 "
                           "slots=99999999999999999999999 unknown=1 ===")
        self.assertEqual((run.end.kind, run.end.status), ("off", 0), run)

    def test_one_that_is_very_long(self):
        run = self.started("x" * 3000)
        self.assertEqual((run.end.kind, run.end.status), ("off", 0), run)
        run = self.started("x" * 5000)
        self.assertEqual(run.end.kind, "refused", run)
        self.assertIn("command line", run.end.text)


class Manifests(unittest.TestCase):
    """init refuses with 102 before anything runs."""

    def refused(self, text, sentence, **options):
        run = boot([init(), flat(text), app("hello")], **options)
        self.assertEqual((run.end.kind, run.end.status), ("off", 102), run)
        self.assertIn(f"init | manifest: {sentence}", run.lines, run)
        self.assertFalse(run.find(r"init \| start .*"), run)

    def changed(self, old, new, sentence, **options):
        self.assertIn(old, GOOD)
        self.refused(GOOD.replace(old, new), sentence, **options)

    def test_the_good_one_is_good(self):
        run = boot([init(), flat(GOOD), app("hello")])
        self.assertEqual((run.end.kind, run.end.status), ("off", 0), run)

    def test_an_empty_one(self):
        self.refused("", 'line 1: the first line must be "exo-manifest 1"')

    def test_another_version(self):
        self.changed("manifest 1", "manifest 2",
                     'line 1: the first line must be "exo-manifest 1"')

    def test_an_unknown_key(self):
        self.changed("  limit 64", "  limit 64\n  adress 7",
                     'line 6: unknown key "adress"')

    def test_a_key_twice(self):
        self.changed("  limit 64", "  limit 64\n  limit 64",
                     'line 6: given twice: "limit"')

    def test_a_name_that_is_taken(self):
        self.changed("app hello", "app init",
                     'line 2: the name is taken: "init"')

    def test_a_limit_below_the_reservation(self):
        self.changed("limit 64", "limit 32",
                     'line 6: limit is below reserved for "hello"')

    def test_no_end_of_the_last_line(self):
        self.refused(GOOD + "# cut", "line 7: the last line does not end")

    def test_more_memory_than_there_is(self):
        run = boot([init(), flat(GOOD.replace("64", "100000")), app("hello")])
        self.assertEqual((run.end.kind, run.end.status), ("off", 102), run)
        self.assertTrue(run.find(
            r"init \| manifest: hello wants 100000 pages reserved, but only "
            r"\d+ can be promised"), run)

    def test_more_slots_than_there_are(self):
        self.changed("  limit 64", "  limit 64\n  slots 200",
                     "hello wants 200 slots, but only 126 are unowned")

    def test_a_cpu_that_is_not_there(self):
        self.changed("  limit 64", "  limit 64\n  affinity 2",
                     "hello wants CPU 2, but there are only 2", smp=2)

    def test_a_program_that_is_not_there(self):
        self.changed("image hello", "image hallo",
                     'hello: there is no module "image hallo"')


class Modules(unittest.TestCase):
    """init refuses a program with 103, the kernel a first program with a line
    of its own."""

    def unloadable(self, content, sentence):
        run = boot([init(), flat(GOOD), (content, "image hello")])
        self.assertEqual((run.end.kind, run.end.status), ("off", 103), run)
        self.assertTrue(run.find(rf"init \| cannot load hello: {sentence}"),
                        run)

    def refused(self, content, sentence):
        run = boot([(content, "first")])
        self.assertEqual(run.end.kind, "refused", run)
        self.assertTrue(run.find(rf"exo: cannot start: {sentence}"), run)

    def test_junk(self):
        self.unloadable(b"junk" * 1000, "it is no ELF file")
        self.refused(b"junk" * 1000, r"module 0 \(.*\) is not a static ELF64 "
                     "x86-64 program")

    def test_a_few_bytes(self):
        self.unloadable(b"\x7fELF", "it is too short for an ELF file")
        self.refused(b"\x7fELF", r"module 0 \(.*\) is not a static ELF64 "
                     "x86-64 program")

    def test_one_that_is_cut_off(self):
        path, _ = app("hello")
        self.unloadable(path.read_bytes()[:4096], "it is cut off within a "
                        "segment")
        path, _ = init()
        self.refused(path.read_bytes()[:4096], r"module 0 \(.*\): a segment at "
                     r"\w+ lies outside the file or the user's addresses")

    def test_one_that_is_writable_and_executable(self):
        code = program(call_code("power", 0, 0, 0x10), flags=7)
        self.unloadable(code, "a segment is both writable and executable")
        self.refused(code, r"module 0 \(.*\): a segment at \w+ is writable and "
                     "executable")

    def test_one_that_begins_outside_its_code(self):
        self.unloadable(program(b"\xf4", entry=0x700000),
                        "its entry point is not in its code")
        self.refused(program(b"\xf4", entry=1 << 63), r"module 0 \(.*\): its "
                     r"entry point \w+ is not a user address")

    def test_one_for_the_kernels_addresses(self):
        self.refused(program(b"\xf4", address=0xffffffff80100000,
                             entry=0x400000),
                     r"module 0 \(.*\): a segment at \w+ lies outside the "
                     "file or the user's addresses")

    def test_none(self):
        run = boot([])
        self.assertEqual(run.end.kind, "refused", run)
        self.assertTrue(run.find(r"exo: cannot start: no boot module: .*"), run)
        run = boot([init()])
        self.assertEqual((run.end.kind, run.end.status), ("off", 102), run)
        self.assertIn("init | there is no application to run: no manifest and "
                      "no module", run.lines)

    def test_two_manifests(self):
        run = boot([init(), flat(GOOD), flat(GOOD), app("hello")])
        self.assertEqual((run.end.kind, run.end.status), ("off", 102), run)
        self.assertIn("init | modules: there are two manifests", run.lines)

    def test_two_programs_of_one_name(self):
        run = boot([init(), flat(GOOD), app("hello"), app("hello")])
        self.assertEqual((run.end.kind, run.end.status), ("off", 102), run)
        self.assertIn('init | modules: there are two of the string '
                      '"image hello"', run.lines)


class Memory(unittest.TestCase):
    def test_too_little_for_the_kernel(self):
        run = boot(plan(HELLO).modules(), mem="2M", smp=32)
        self.assertEqual(run.end.kind, "refused", run)
        self.assertTrue(run.find("exo: cannot start: too little memory: .*"),
                        run)

    def test_no_application_fits(self):
        run = boot([init(), flat(GOOD.replace("64", "900")), app("hello")],
                   mem="4M")
        self.assertEqual((run.end.kind, run.end.status), ("off", 102), run)


class Statuses(unittest.TestCase):
    """A machine with one application ends with its status."""

    def status(self, text, status):
        run = boot(plan(text).modules())
        self.assertEqual((run.end.kind, run.end.status), ("off", status), run)
        return run

    def test_an_application_that_fails(self):
        run = self.status('[[app]]\nname = "s"\nimage = "stride"\n', 1)
        self.assertIn("s | I own no slots to divide; give me some in the "
                      "manifest", run.lines)

    def test_an_application_that_crashes(self):
        self.status('[[app]]\nname = "c"\nimage = "crasher"\n', 100)

    def test_one_of_several_that_crashes(self):
        both = '[[app]]\nname = "h"\nimage = "hello"\n' \
            '[[app]]\nname = "c"\nimage = "crasher"\n'
        self.status(both, 1)
        self.status(both + "may_fail = true\n", 0)


if __name__ == "__main__":
    unittest.main()
