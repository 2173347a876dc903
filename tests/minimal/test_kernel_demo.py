# SPDX-License-Identifier: MIT
"""The kernel's demonstration, `./exo up kernel`. Each application must have its line, and
none may cost another one what it was promised.

It boots once for most claims, with time counted in instructions: deadlines and
shares then do not depend on how busy the host is. It boots once more in real
time, as users start it, where only what no host can spoil is judged."""

import unittest

from support import ROOT, boot, manifest, plan, state

from exo import mortem

HOARDER = r"hoarder \| done: asked for (\d+) pages, gave (\d+), " \
    r"lost (\d+); (\d+) pages are wrong"

# Nobody else is above a reservation here, so it is the one who is asked.
ONE_HOARDER = """
[[app]]
name = "hoarder"
image = "hoarder"
args = ["4"]
memory = { reserved = "512K", limit = "30M" }
cpu = "10%"
[[app]]
name = "cruncher"
image = "cruncher"
args = ["2560", "2"]
memory = "11M"
cpu = "20%"
"""


def demonstrate(**options):
    """Boot it as its manifest says."""
    demo = manifest.load(ROOT / "apps/kernel.toml")
    return boot(demo.modules(), smp=demo.cpus, mem=demo.memory, **options)


class Demonstration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_ = demonstrate(icount=True)

    def line(self, pattern):
        """The one line of the pattern; its groups as numbers."""
        found = self.run_.find(pattern)
        self.assertTrue(found, f"no line {pattern}\n{self.run_}")
        return [int(group) for group in found.groups()]

    def ended(self, app, status=0):
        self.line(rf"init \| {app} ended with status {status}")

    def test_ends_with_status_0(self):
        self.assertEqual((self.run_.end.kind, self.run_.end.status),
                         ("off", 0), self.run_)
        self.assertEqual(self.run_.lines[-1], "init | power off, status 0")

    def test_every_line_says_who_wrote_it(self):
        names = "init|hello|pingpong|pager|stride|hoarder|miser|cruncher|" \
            "crasher|spinner"
        said = self.run_.lines[next(
            i for i, line in enumerate(self.run_.lines) if "init | " in line):]
        for line in said:
            self.assertRegex(line, rf"^({names}) \| ")

    def test_hello_greets(self):
        self.line(r"hello \| hello, from the demonstration")
        self.ended("hello")

    def test_pingpong_calls(self):
        calls, _ = self.line(r"pingpong \| (\d+) calls and replies between "
                             r"two address spaces, (\d+) ns each")
        self.assertEqual(calls, 10000)
        self.ended("pingpong")

    def test_pager_pages(self):
        faults, packed, wrong = self.line(
            r"pager \| 256 pages in 32 frames: 4256 visits, (\d+) faults, "
            r"(\d+) packed, \d+ could not be, (\d+) words wrong")
        self.assertEqual(wrong, 0)
        self.assertGreater(faults, 256)  # it did not fit
        self.assertGreater(packed, 0)
        self.ended("pager")

    def test_stride_divides_3_2_1(self):
        shares = self.line(r"stride \| tickets 3:2:1, measured [\d:]+ ms = "
                           r"(\d+):(\d+):(\d+) %")
        for share, want in zip(shares, (50, 33, 17)):
            self.assertAlmostEqual(share, want, delta=3)
        self.ended("stride")

    def test_cruncher_gets_what_it_was_promised(self):
        primes = self.line(r"cruncher \| 2560 pages in \d+ us, then (\d+) "
                           r"primes below 20971520 in \d+ ms")
        self.assertEqual(primes, [1328230])
        self.ended("cruncher")

    def test_hoarder_loses_nothing(self):
        asked, gave, lost, wrong = self.line(HOARDER)
        self.assertGreaterEqual(gave, asked)
        self.assertEqual((lost, wrong), (0, 0))
        self.ended("hoarder")

    def test_miser_loses_and_lives(self):
        self.line(r"miser \| REPOSSESSED: \d+ pages so far, \d+ left")
        ignored, lost, wrong = self.line(
            r"miser \| done: ignored a request for (\d+) pages, lost (\d+), "
            r"still alive; (\d+) pages are wrong")
        self.assertGreater(ignored, 0)
        self.assertGreater(lost, 0)
        self.assertEqual(wrong, 0)
        self.ended("miser")

    def test_spinner_gets_no_more_than_there_is(self):
        ran, passed, slack = self.line(r"spinner \| ran (\d+) of (\d+) ms, "
                                       r"(\d+) of them on slack")
        self.assertLessEqual(ran, passed + 1)
        self.assertLessEqual(slack, ran)
        self.ended("spinner")

    def test_crasher_is_started_once_more(self):
        lines = self.run_.lines
        starts = [x for x in lines if x.startswith("init | start crasher")]
        self.assertEqual(len(starts), 2, self.run_)
        self.assertNotEqual(*starts)  # another env
        self.line(r"init \| restart crasher in \d+ ms")
        self.line(r"init \| crasher was restarted 1 times, that was the last")
        self.assertIn("crasher | about to write to address 0", lines)
        self.assertNotIn("crasher | this is never printed", lines)

    def test_crasher_leaves_a_post_mortem_with_names(self):
        head = "init | mortem "
        block = [x.removeprefix(head) for x in self.run_.lines
                 if x.startswith(head)]
        begins = [i for i, x in enumerate(block) if x == "begin crasher"]
        ends = [i for i, x in enumerate(block) if x == "end crasher"]
        self.assertEqual((len(begins), len(ends)), (2, 2), block)
        for begin, end in zip(begins, ends):
            record = mortem.symbolise(mortem.parse(block[begin:end + 1]),
                                      {"crasher": state.BUILD / "apps/crasher"})
            self.assertEqual(record["why"], "fault")
            self.assertEqual(record["fault"],
                             {"vector": 14, "error": 6, "address": 0})
            names = [(call["name"] or "?").partition("+")[0]
                     for call in record["calls"]]
            self.assertEqual(names[:3], ["store", "update", "main"])
            self.assertEqual(record["regs"]["rip"], record["back"][0])
            self.assertGreater(record["held"]["pages"], 0)


class OneHoarder(unittest.TestCase):
    def test_hoarder_gives_what_it_is_asked_for(self):
        run = boot(plan(ONE_HOARDER, memory=32 << 20).modules(), mem="32M",
                   icount=True)
        found = run.find(HOARDER)
        self.assertTrue(found, run)
        asked, gave, lost, wrong = map(int, found.groups())
        self.assertGreater(asked, 0)
        self.assertGreaterEqual(gave, asked)
        self.assertEqual((lost, wrong), (0, 0))
        self.assertEqual((run.end.kind, run.end.status), ("off", 0), run)


class RealTime(unittest.TestCase):
    def test_ends_well_in_real_time(self):
        run = demonstrate()
        self.assertEqual((run.end.kind, run.end.status), ("off", 0), run)
        for app in ("hello", "pingpong", "pager", "stride", "hoarder", "miser",
                    "cruncher", "spinner"):
            self.assertTrue(run.find(rf"init \| {app} ended with status 0"),
                            f"{app}: {run}")
        self.assertEqual(sum(line == "init | mortem end crasher"
                             for line in run.lines), 2, run)


if __name__ == "__main__":
    unittest.main()
