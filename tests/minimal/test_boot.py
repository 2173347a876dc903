# SPDX-License-Identifier: MIT
"""One application on each machine, with each number of CPUs and by each way to
boot: it greets and its status is the machine's. And what the emulator reports
of each way to end."""

import unittest

from support import HELLO, boot, call_code, plan, program


class Hello(unittest.TestCase):
    def hello(self, **options):
        run = boot(plan(HELLO).modules(), **options)
        said = [line for line in run.lines if "| " in line]
        self.assertEqual((run.end.kind, run.end.status), ("off", 0), run)
        self.assertRegex(said[0], r"^init \| start hello \(env \d+\)$")
        self.assertEqual(said[1:], ["hello | hello, world",
                                    "init | hello ended with status 0",
                                    "init | power off, status 0"], run)

    def test_pc_1_cpu(self):
        self.hello()

    def test_pc_2_cpus(self):
        self.hello(smp=2)

    def test_pc_4_cpus(self):
        self.hello(smp=4)

    def test_q35_1_cpu(self):
        self.hello(machine="q35")

    def test_q35_2_cpus(self):
        self.hello(machine="q35", smp=2)

    def test_q35_4_cpus(self):
        self.hello(machine="q35", smp=4)

    def test_microvm_1_cpu(self):
        self.hello(machine="microvm")

    def test_microvm_2_cpus(self):
        self.hello(machine="microvm", smp=2)

    def test_microvm_4_cpus(self):
        self.hello(machine="microvm", smp=4)

    def test_the_least_memory(self):
        self.hello(mem="4M")

    def test_more_memory_than_32_bits_address(self):
        self.hello(mem="5G", machine="q35")

    def test_grub_multiboot_1(self):
        self.hello(iso="bios", smp=2)

    def test_grub_multiboot_2(self):
        self.hello(iso="bios-mb2", smp=2)

    def test_grub_uefi(self):
        self.hello(iso="uefi", machine="q35", mem="256M", smp=2)

    def test_bochs_1_cpu(self):
        self.hello(emulator="bochs")

    def test_bochs_2_cpus(self):
        self.hello(emulator="bochs", smp=2)


class Power(unittest.TestCase):
    """The first program is a few instructions: it switches off."""

    def end(self, op, value, **options):
        code = call_code("power", 0, op, value) + b"\xeb\xfe"
        return boot([(program(code), "test")], **options).end

    def test_each_status_reaches_the_emulator(self):
        for status in (0, 1, 2, 99, 100, 111):
            for machine in ("pc", "q35", "microvm"):
                end = self.end(0, 0x10 + status, machine=machine)
                self.assertEqual((end.kind, end.status), ("off", status),
                                 machine)

    def test_a_restart_is_no_status(self):
        for machine in ("pc", "q35"):
            self.assertEqual(self.end(1, 0, machine=machine).kind, "silent")

    def test_power_off_by_the_last_cpu(self):
        end = self.end(0, 0x10 + 42, smp=4)
        self.assertEqual((end.kind, end.status), ("off", 42))


class Arguments(unittest.TestCase):
    def test_reach_the_application(self):
        text = HELLO + 'args = ["a b, \\"c\\" | #d"]\n'
        run = boot(plan(text).modules())
        self.assertTrue(run.find(r'hello \| hello, a b, "c" \| #d'), run)

    def test_the_same_program_twice_and_many_at_once(self):
        text = "".join(f'[[app]]\nname = "h{n}"\nimage = "hello"\n'
                       f'args = ["{n}"]\nmemory = "64K"\n' for n in range(64))
        run = boot(plan(text).modules(), smp=2)
        for n in range(64):
            self.assertTrue(run.find(rf"h{n} \| hello, {n}"), run)
        self.assertEqual((run.end.kind, run.end.status), ("off", 0), run)


if __name__ == "__main__":
    unittest.main()
