# SPDX-License-Identifier: MIT
"""Machine and the verbs that start one, with a shell script for an emulator:
command lines, console reading, and every way a machine can end."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

from support import ExoError, Tree, state

from exo import bochs, image, session
from exo.machine import End, Machine, MachineTimeout

OFF = "echo 'init | power off, status {0}'; exit $((33 + 2 * {0}))"


class Ends(Tree):
    """The table of docs/management.md: what the emulator did -> End."""

    def end(self, script, timeout=10):
        self.fake_qemu(script)
        with Machine([]) as m:
            m.start()
            return m.wait(timeout)

    def test_every_status_is_told_from_the_rest(self):
        for status in (0, 1, 2, 7, 100, 111):
            end = self.end(OFF.format(status))
            self.assertEqual((end.kind, end.status, end.exit_code()),
                             ("off", status, status))

    def test_kernel(self):
        self.assertEqual(self.end("echo 'panic: x'; echo 'panic: the kernel "
                                  "is stopped'; exit 29"),
                         End("panic", text="panic: x"))
        self.assertEqual(self.end("echo 'exo: cannot start: y'"),
                         End("refused", text="exo: cannot start: y"))
        self.assertEqual(self.end("echo 'x | panic: z'").kind, "silent")
        self.assertEqual(self.end("exit 29").exit_code(), 120)
        self.assertEqual(self.end("exit 27").exit_code(), 121)

    def test_silence(self):
        self.assertEqual(self.end("exit 0").exit_code(), 122)
        self.assertEqual(self.end("kill -9 $$").exit_code(), 122)

    def test_switched_off_by_acpi_after_the_last_line(self):
        self.assertEqual(self.end("echo 'init | power off, status 3'"),
                         End("off", 3, "init | power off, status 3"))

    def test_emulator(self):
        end = self.end("echo 'no such machine' >&2; exit 1")
        self.assertEqual((end.exit_code(), end.text), (123, "no such machine"))
        self.assertEqual(self.end("exit 127").kind, "off")  # status 47
        self.assertEqual(self.end("exit 2").kind, "emulator")

    def test_timeout(self):
        began = time.monotonic()
        self.assertEqual(self.end("sleep 60", 0.3).exit_code(), 124)
        self.assertLess(time.monotonic() - began, 5)

    def test_an_application_cannot_speak_for_init(self):
        end = self.end("echo 'x | init | power off, status 0'; exit 0")
        self.assertEqual(end.kind, "silent")


class Console(Tree):
    def test_lines(self):
        self.fake_qemu("printf 'a\\r\\n\\nb\\377'; sleep 0.2; "
                       "printf 'c\\nend'")
        with Machine([]) as m:
            m.start()
            self.assertEqual(list(m.lines(10)), ["a", "", "b\ufffdc", "end"])
            self.assertIsNone(m.read_line(1))
            log = (m.directory / "console.log").read_bytes()
        self.assertEqual(log, b"a\r\n\nb\377c\nend")

    def test_much_output_is_complete(self):
        self.fake_qemu("seq 200000")
        with Machine([]) as m:
            m.start()
            lines = list(m.lines(30))
        self.assertEqual(lines, [str(n) for n in range(1, 200001)])

    def test_read_line_gives_up_but_loses_nothing(self):
        self.fake_qemu("printf half; sleep 0.5; echo whole")
        with Machine([]) as m:
            m.start()
            with self.assertRaises(MachineTimeout):
                m.read_line(0.2)
            self.assertEqual(m.read_line(10), "halfwhole")

    def test_send(self):
        self.fake_qemu("read -r x; echo got $x")
        with Machine([]) as m:
            m.start()
            m.send(b"key\n")
            self.assertEqual(m.read_line(10), "got key")
            m.wait(10)
            m.send(b"after the end")

    def test_nothing_is_left_behind(self):
        self.fake_qemu("sleep 60")
        with Machine([]) as m:
            m.start()
            process, directory = m.process.pid, m.directory
            self.assertTrue(directory.is_dir())
        self.assertFalse(directory.exists())
        with self.assertRaises(ProcessLookupError):
            os.kill(process, 0)

    def test_the_emulator_dies_with_its_parent(self):
        self.fake_qemu("exec sleep 60")
        text = ("import sys, os; sys.path[:0] = sys.argv[1:3]\n"
                "import support, pathlib\n"
                "from exo import state\nfrom exo.machine import Machine\n"
                "state.BUILD = pathlib.Path(sys.argv[3])\n"
                "m = Machine([], kernel=sys.executable); m.start()\n"
                "print(m.process.pid, flush=True); os._exit(0)\n")
        here = pathlib.Path(__file__).parent
        done = subprocess.run(
            [sys.executable, "-c", text, str(here), str(here), str(
                state.BUILD)], capture_output=True, text=True, timeout=20,
            check=True)
        for _ in range(50):
            try:
                state.process_start(int(done.stdout))
            except OSError:
                return
            time.sleep(0.1)
        self.fail("the emulator outlived its parent")


class Commands(Tree):
    def command(self, **options):
        """The emulator's arguments, as it got them."""
        self.fake_qemu('for a in "$@"; do echo "$a"; done; ls')
        modules = options.pop("modules", [])
        with Machine(modules, **options) as m:
            m.start()
            return list(m.lines(10))

    def test_modules_and_their_strings(self):
        path = self.root / "a b,c"
        path.write_bytes(b"x")
        lines = self.command(modules=[(path, "init"), (b"text", "x,y z")],
                             append="one two")
        self.assertIn("m0 init,m1 x,,y z", lines)
        self.assertIn("one two", lines)
        self.assertNotIn(str(path), lines)
        self.assertEqual({"m0", "m1", "exokernel.elf"} - set(lines), set())

    def test_sizes(self):
        lines = self.command(smp=4, mem="1G")
        self.assertEqual(lines[lines.index("-m") + 1], "1024")
        self.assertEqual(lines[lines.index("-smp") + 1], "4")

    def test_options(self):
        self.assertIn("shift=0,sleep=off", self.command(icount=True))
        self.assertIn("p.so,x=1", self.command(plugin="p.so,x=1"))
        self.assertIn("-S", self.command(paused=True))
        self.assertIn("unix:gdb,server=on,wait=off", self.command(debug=True))
        self.assertIn("-foo", self.command(extra=["-foo"]))
        self.assertNotIn("-S", self.command())

    def test_microvm_has_its_second_port(self):
        self.assertIn("isa-serial,chardev=mgmt,iobase=0x2f8,irq=3",
                      self.command(machine="microvm"))

    def test_bochs_refuses_what_it_cannot(self):
        with contextlib.suppress(ExoError):
            bochs.needs()
            with self.assertRaises(ExoError):
                Machine([], emulator="bochs", icount=True)

    def grub(self):
        """A grub-mkrescue that writes its tree's menu and its arguments."""
        self.fake("grub-mkrescue", 'for t; do :; done\n'
                  '{ echo "$@"; cat "$t/boot/grub/grub.cfg"; ls "$t/boot"; '
                  'cat "$t/boot/m0"; } > "$2"\n')

    def test_iso(self):
        self.grub()
        self.fake_qemu('echo "$@"; cat machine.iso')
        for iso, wanted, absent in (
                ("bios", "\n  multiboot /boot/exo", "multiboot2 /"),
                ("bios-mb2", "\n  multiboot2 /boot/exo", "multiboot /")):
            with Machine([(b"content", "init")], iso=iso) as m:
                m.start()
                text = "\n".join(m.lines(10))
            self.assertIn("-cdrom machine.iso", text)
            self.assertIn("--install-modules=multiboot", text)
            self.assertIn(" /boot/m0 m0 init", text)
            self.assertTrue(text.endswith("content"))
            self.assertIn(wanted, text)
            self.assertNotIn(absent, text)
            self.assertNotIn("-kernel", text)

    def test_grub_fails(self):
        self.fake("grub-mkrescue", "echo no space >&2; exit 1")
        self.fake_qemu("")
        with Machine([], iso="bios") as m, self.assertRaises(ExoError) as e:
            m.start()
        self.assertIn("no space", str(e.exception))

    def test_image_verb(self):
        self.grub()
        path, out = self.root / "m.toml", self.root / "x.img"
        path.write_text('[machine]\noptions = ["a=1"]\n[[app]]\n'
                        'name = "a"\nimage = "hello"\n')
        status, _, errors = self.exo("image", "-o", str(out), "--bios-only",
                                     "--append", "b", str(path))
        self.assertEqual(status, 0, errors)
        text = out.read_text("latin-1")
        self.assertIn("exokernel.elf 'a=1' 'b'\n", text)
        self.assertIn("module2 /boot/m2 m2 image hello", text)
        self.exo("image", "-o", str(out), "--bios-only", "--format", "raw",
                 str(path))
        self.assertEqual(out.stat().st_size, 1 << 20)
        status, _, errors = self.exo("image", "-o", "/none/x", str(path))
        self.assertEqual(status, 2)
        self.assertIn("cannot write /none/x", errors)

    def test_menu(self):
        text = image.menu(["init", "manifest"], "a=1 it's", "auto")
        self.assertIn("  multiboot2 /boot/exokernel.elf exokernel.elf 'a=1' "
                      "'it'\\''s'\n", text)
        self.assertIn("  module /boot/m1 m1 manifest\n", text)
        self.assertNotIn("multiboot2", image.menu([], "", 1))
        self.assertNotIn("multiboot ", image.menu([], "", 2))


class Verbs(Tree):
    def test_run_exits_with_the_status(self):
        self.fake_qemu("cat m1; " + OFF.format(42))
        status, out, errors = self.exo("run", "hello", "--", "-x", "y z")
        self.assertEqual((status, errors), (42, ""))
        self.assertIn("app hello\n  image hello\n  arg -x\n  arg y z\n", out)
        self.assertTrue(out.endswith("init | power off, status 42\n"))

    def test_run_several(self):
        self.fake_qemu("cat m1; " + OFF.format(0))
        path = str(self.root / "build/apps/crash")
        status, out, _ = self.exo("run", "--memory", "1M:2M", "--cpu", "5%",
                                  "hello", "hello", path)
        self.assertEqual(status, 0)
        self.assertEqual([line for line in out.splitlines() if line[:4] in
                          ("app ",)], ["app hello", "app hello-2",
                                       "app crash"])
        self.assertIn("  reserved 256\n  limit 512\n  envs 16\n  share 50\n",
                      out)

    def test_bad_ends_are_explained(self):
        for script, status, word in (
                ("exit 29", 120, "panicked"), ("exit 27", 121, "refused"),
                ("exit 0", 122, "without a word"),
                ("echo oops >&2; exit 1", 123, "oops")):
            self.fake_qemu(script)
            found, _, errors = self.exo("run", "hello")
            self.assertEqual(found, status)
            self.assertIn(word, errors)
            self.assertIn("build/run/hello", errors)

    def test_timeout(self):
        self.fake_qemu("echo 'a | b'; exec sleep 60")
        status, out, errors = self.exo("run", "--timeout", "0.5", "hello")
        self.assertEqual((status, out), (124, "a | b\n"))
        self.assertIn("not ended after 0.5 s", errors)

    def test_up(self):
        self.fake_qemu('echo "$@"; ' + OFF.format(0))
        (self.root / "apps/demo.toml").write_text(
            '[machine]\ncpus = 2\nmemory = "64M"\noptions = ["x=1"]\n'
            '[[app]]\nname = "a"\nimage = "hello"\n')
        _, out, _ = self.exo("up", "demo", "--append", "y=2")
        self.assertIn("-smp 2 ", out)
        self.assertIn("-append x=1 y=2 ", out)
        _, out, _ = self.exo("up", "demo", "--smp", "3", "--mem", "32M",
                             "--machine", "q35")
        self.assertIn("-M q35 ", out)
        self.assertIn("-m 32 ", out)
        self.assertIn("-smp 3 ", out)

    def test_two_machines_of_one_name(self):
        self.fake_qemu("exec sleep 60")
        with Machine([], name="x") as m:
            m.start()
            status, _, errors = self.exo("run", "--name", "x", "hello")
            self.assertEqual(status, 2)
            self.assertIn("named x is running already", errors)
        self.fake_qemu(OFF.format(0))
        self.assertEqual(self.exo("run", "--name", "x", "hello")[0], 0)

    def test_gdb_script(self):
        apps, debug = state.BUILD / "apps", state.BUILD / "debug"
        debug.mkdir()
        (debug / "hello").touch()
        text = session.gdb_script({"kernel": "/k", "images": {
            "init": "/i", "hello": str(apps / "hello"), "crash": str(apps / "crash"),
            "own": "/o/hello"}}, True)
        self.assertIn(f'\nadd-symbol-file "{debug}/hello"\nadd-symbol-file '
                      f'"{apps}/crash"\nadd-symbol-file "/o/hello"\n', text)
        self.assertNotIn('add-symbol-file "/i"', text.partition("define")[0])
        self.assertIn("define only-init\n", text)
        self.assertIn("target remote gdb\n", text)


class Mistakes(Tree):
    """Every mistake: exit 2, one sentence with the next step."""

    CASES = (
        ((), "a verb is missing"),
        (("rnu",), "did you mean run?"),
        (("frobnicate",), "there is run, up, ps"),
        (("run",), "required: APP"),
        (("run", "helo"), 'did you mean "hello"?'),
        (("run", "hello", "--smp", "0"), "'0' is not 1 to 64"),
        (("run", "hello", "--mem", "x"), "'x' is no size"),
        (("run", "hello", "--mem", "1M"), "4M to 1T"),
        (("run", "hello", "--timeout", "-1"), "is no number of seconds"),
        (("run", "hello", "--machine", "mac"), "there are pc, q35, microvm"),
        (("run", "hello", "--name", "a/b"), "use letters"),
        (("run", "hello", "--memory", "1"), "whole pages"),
        (("run", "hello", "--frob"), "unrecognized arguments: --frob"),
        (("up", "nothing"), "no manifest apps/nothing.toml"),
        (("up", "./nothing.toml"), "cannot read"),
        (("up", "x", "--", "y"), "up takes nothing behind --"),
        (("check", "nothing"), "no manifest"),
        (("image", "nothing", "-o", "x"), "no manifest"),
        (("gdb",), "no machine is running"),
        (("logs", "hello"), "no machine has run"),
        (("trace", "--seconds", "x"), "is no number of seconds"),
    )

    def test_each(self):
        for arguments, wanted in self.CASES:
            with self.subTest(arguments):
                status, _, errors = self.exo(*arguments)
                self.assertEqual(status, 2)
                self.assertIn(wanted, errors)
                self.assertTrue(errors.startswith("exo: "), errors)

    def test_not_built(self):
        (self.root / "build/exokernel.elf").unlink()
        self.assertIn("build/exokernel.elf does not exist; build first: make",
                      self.exo("run", "hello")[2])
        (self.root / "build/apps/init").unlink()
        self.assertIn("build first: make", self.exo("run", "hello")[2])
        shutil.rmtree(self.root / "build")
        self.assertEqual(self.exo("run", "hello", "crash"), (
            2, "", "exo: build/apps does not exist; build first: make\n"))

    def test_help(self):
        for verb in ([], ["run"], ["up"], ["image"], ["trace"], ["doctor"]):
            status, out, _ = self.exo(*verb, "--help")
            self.assertEqual(status, 0)
            self.assertIn("usage: ./exo", out)

    def test_check(self):
        path = self.root / "m.toml"
        path.write_text('[[app]]\nname = "a"\nimage = "hello"\n')
        status, out, _ = self.exo("check", str(path))
        self.assertEqual((status, out), (0, f"{path}: 1 applications, good\n"))
        out = self.exo("check", "--flat", str(path))[1]
        self.assertTrue(out.startswith("exo-manifest 1\napp a\n"))


if __name__ == "__main__":
    unittest.main()
