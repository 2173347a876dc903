# SPDX-License-Identifier: MIT
"""Lines `name value unit` on standard output, details after them, and the same
as JSON and as a table. A figure with a target says how it stands to it."""

import json
import subprocess
import time

from . import counting, rows


def number(value):
    """A figure as short as it can be: to a tenth, small ones to a
    hundredth."""
    value = round(value, 1 if value >= 10 else 2)
    return str(int(value)) if value == int(value) else str(value)


class Report:
    """Collects figures and prints each as it comes."""

    def __init__(self):
        self.figures, self.failures = {}, []

    def add(self, name, value, unit, **details):
        """One figure. details: further numbers or words, printed beside."""
        figure = {"value": value, "unit": unit} | details
        words = [f"{name} {number(value)} {unit}"]
        target = rows.TARGETS.get(name)
        if target:
            figure["target"] = target
            words.append(_verdict(name, value, target))
        words += [f"{key} {_word(d)}" for key, d in details.items()]
        self.figures[name] = figure
        print("  ".join(words), flush=True)

    def add_result(self, result):
        """A row of the benchmark program: median, and the least beside."""
        median = result.median
        self.add(result.name, median.insn, "insn", min=result.least.insn,
                 user=median.user, crossings=median.crossings, rep=median.rep,
                 cr3=median.cr3, invlpg=median.invlpg)

    def fail(self, text):
        self.failures.append(text)
        print(f"# failed: {text}", flush=True)

    def note(self, text):
        print(f"# {text}", flush=True)

    def write(self, path, tree):
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = circumstances(tree) | {"figures": self.figures,
                                       "failures": self.failures}
        path.write_text(json.dumps(facts, indent=1) + "\n")

    def write_table(self, path, tree):
        """The same for people, as Markdown."""
        lines = ["# What was measured", "", "Written by `bench/run --table`; "
                 "[README](README.md) says what is counted.", ""]
        lines += [f"- {key}: {value}"
                  for key, value in circumstances(tree).items()]
        lines += ["", "| figure | value | unit | target | beside |",
                  "| --- | ---: | --- | --- | --- |"]
        for name, figure in self.figures.items():
            target = figure.get("target")
            beside = [f"{key} {_word(value)}" for key, value in figure.items()
                      if key not in ("value", "unit", "target", "what")]
            verdict = _verdict(name, figure["value"], target) if target else ""
            lines.append(f"| {name} | {number(figure['value'])} | "
                         f"{figure['unit']} | {verdict} | "
                         f"{', '.join(beside)} |")
        path.write_text("\n".join(lines) + "\n")


def circumstances(tree):
    """When and on what."""
    return {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": _output("git", "-C", str(tree.root), "describe", "--always",
                          "--dirty"),
        "emulator": _output("qemu-system-x86_64", "--version"),
        "compiler": _output("gcc", "--version"),
        "flags": f"-icount shift=0,sleep=off -smp 1 -cpu {counting.CPU} "
                 "-seed 1 -rtc base=2026-01-01,clock=vm",
    }


def _word(detail):
    return number(detail) if isinstance(detail, (int, float)) else detail


def _verdict(name, value, target):
    good = value >= target if name in rows.AT_LEAST else value <= target
    if name in rows.AT_LEAST:
        return f"{'reaches' if good else 'MISSES'} {number(target)}"
    return f"{'within' if good else 'MISSES'} {number(target)}"


def _output(*command):
    """The first line a command prints, or "unknown"."""
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return (done.stdout.splitlines() or ["unknown"])[0]
