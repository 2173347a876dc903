# SPDX-License-Identifier: MIT
"""tests/run: builds what is missing, runs jobs side by side, counts.

The last line is `N passed, N failed` (and `, N skipped` if so); the exit
status is 0 when nothing failed and something passed.
"""

import argparse
import fnmatch
import os
import subprocess
import sys
import threading

from . import jobs, plan
from .report import Report


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="tests/run", description="Run the tests.",
        epilog="A PATTERN is part of a job's name (kernel/page@pc-1) or of a "
               "claim's, or a shell pattern of a whole one.")
    add = parser.add_argument
    add("--list", action="store_true", help="name jobs and claims, run none")
    add("--only", action="append", default=[], metavar="PATTERN",
        help="only what matches (may be given more than once)")
    add("--smp", type=int, metavar="N", help="only machines with N CPUs")
    add("--bochs", action="store_true", help="only Bochs")
    add("--san", action="store_true", help="only the kernel with sanitizers")
    add("--seed", type=int, default=1, metavar="N", help="for random tests")
    add("--option", action="append", default=[], metavar="NAME=N",
        help="one more option for the images (rounds=1000)")
    add("--jobs", type=int, default=os.cpu_count(), metavar="N",
        help="CPUs to keep busy (all)")
    add("--repeat", type=int, default=1, metavar="N", help="run all N times")
    add("--no-build", action="store_true", help="take what was built")
    add("-v", "--verbose", action="store_true",
        help="say when each job begins, and show its whole console")
    return parser.parse_args(argv)


def _matches(pattern, name):
    return pattern in name or fnmatch.fnmatch(name, pattern)


def _chosen(job, args):
    """Is this job wanted? A job of which single claims are gets `only`."""
    config = getattr(job, "config", None)
    if args.smp and (not config or config.smp != args.smp):
        return False
    if args.bochs and (not config or "emulator" not in config.more):
        return False
    if args.san and not (config and config.san):
        return False
    if not args.only or any(_matches(p, job.name) for p in args.only):
        return True
    claims = [c for c in job.claims()
              if any(_matches(p, c) for p in args.only)]
    if claims and hasattr(job, "only"):
        job.only = claims[0] if len(claims) == 1 else _common(args, claims)
    return bool(claims)


def _wanted(args):
    """The jobs of this run."""
    options = " ".join([f"seed={args.seed}", *args.option])
    return [job for job in plan.every(options) if _chosen(job, args)]


def _common(args, claims):
    """One word that the image takes for all these claims, or none."""
    for pattern in args.only:
        if all(pattern in claim for claim in claims):
            return pattern
    return ""


class Runner:
    """Runs jobs in threads, as many as the CPUs they use allow."""

    def __init__(self, wanted, report, cpus, verbose):
        self._waiting, self._report = list(wanted), report
        self._free = self._cpus = max(cpus, 1)
        self._verbose = verbose
        self._changed = threading.Condition()

    def _take(self):
        """The next job that fits; None: all are begun."""
        with self._changed:
            while self._waiting:
                for job in self._waiting:
                    need = min(job.cpus, self._cpus)
                    if need <= self._free:
                        self._waiting.remove(job)
                        self._free -= need
                        return job, need
                self._changed.wait()
        return None, 0

    def _work(self):
        while True:
            job, need = self._take()
            if not job:
                return
            if self._verbose:
                self._report.note(f"begin {job.name}")
            jobs.attempt(job, self._report)
            with self._changed:
                self._free += need
                self._changed.notify_all()

    def run(self):
        """All of them. Machines end with the threads that run them."""
        threads = [threading.Thread(target=self._work, daemon=True)
                   for _ in range(self._cpus)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(1)


def _build(wanted):
    """make; the kernel with sanitizers, and fuzzers, if a job wants them."""
    commands = [["make", "-s", "all"]]
    if any(getattr(getattr(job, "config", None), "san", False)
           for job in wanted):
        commands.append(["make", "-s", "SAN=1", "build/san/exokernel.elf"])
    if any(isinstance(job, jobs.Fuzzer) for job in wanted):
        commands.append(["make", "-s", "fuzzers"])
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("MAKE") and key != "MFLAGS"}
    for command in commands:
        command.insert(1, f"-j{os.cpu_count()}")
        if subprocess.run(command, cwd=jobs.ROOT, stdout=subprocess.DEVNULL,
                          env=environment, check=False).returncode:
            sys.exit(f"tests/run: {' '.join(command)} failed")


def _list(wanted):
    for job in wanted:
        print(job.name)
        for claim in job.claims():
            print(f"    {claim}")


def main(argv):
    """The command. Returns the exit status."""
    args = _arguments(argv)
    if not args.no_build and not args.list:
        _build(_wanted(args))
    wanted = _wanted(args)
    if args.list:
        _list(wanted)
        return 0
    if not wanted:
        sys.exit("tests/run: nothing matches; --list names what there is")
    report = Report(lambda line: print(line, flush=True))
    for job in wanted:
        job.verbose = args.verbose
    try:
        Runner(wanted * args.repeat, report, args.jobs, args.verbose).run()
    except KeyboardInterrupt:
        sys.exit("tests/run: interrupted")
    if report.failed:
        print("# failed:")
    for line in report.failed:
        print("#   " + line)
    print(report.last_line())
    return 1 if report.failed or not report.counts["ok"] else 0
