# SPDX-License-Identifier: MIT
"""Results of claims: printed one line each as they come, and counted.

A claim is `ok`, `not ok` with a reason, or `skip` with a reason. Lines of jobs
that run side by side come in whole lines, each with its job's name.
"""

import collections
import threading

VERDICTS = ("ok", "not ok", "skip")


def parse(line):
    """(verdict, claim, reason) of a result line, or None."""
    for verdict in VERDICTS:
        if line.startswith(verdict + " "):
            claim, _, reason = line[len(verdict) + 1:].partition(": ")
            return verdict, claim, reason
    return None


class Report:
    """Prints and counts. `show` gets each whole line."""

    def __init__(self, show=print):
        self.show = show
        self.counts = collections.Counter()
        self.failed = []  # lines, to be repeated at the end
        self.jobs = set()  # names of those in which something failed
        self._lock = threading.Lock()

    def result(self, job, verdict, claim, reason=""):
        """Note one result of a job."""
        line = f"{verdict} {job}: {claim}" + (f": {reason}" if reason else "")
        with self._lock:
            self.counts[verdict] += 1
            if verdict == "not ok":
                self.failed.append(line)
                self.jobs.add(job)
            self.show(line)

    def note(self, text):
        """Lines that are no result."""
        with self._lock:
            for line in text.splitlines():
                self.show("#   " + line)

    def last_line(self):
        """What the run comes to."""
        passed, failed, skipped = (self.counts[v] for v in VERDICTS)
        line = f"{passed} passed, {failed} failed"
        return line + (f", {skipped} skipped" if skipped else "")
