# SPDX-License-Identifier: MIT
"""The rows of syscall.def and error.def, with their contracts taken apart."""

import re

from . import AbiError
from .headers import comment_text

_ROW = re.compile(r"/\*(?P<comment>(?:(?!\*/).)*)\*/\s*"
                  r"EXO_(?P<kind>CALL|SWITCH|WORDS)(?P<n>\d)"
                  r"\((?P<args>(?:[^()]|\([^()]*\))*)\)", re.S)
_KINDS = {
    "CALL": "returns to its caller; rbx, rbp, r12 to r15 and rsp are kept",
    "SWITCH": "may run another env first; only rsp is kept",
    "WORDS": "switches and carries six words in registers; only rsp is kept",
}


class Call:
    """One system call.

    effect, result: text. args: list of (type, name). notes: list of (names,
    text), what the contract says of arguments. errors: list of (name, cause).
    when: what the errors are for, e.g. "for the first page", or "".
    """

    def __init__(self, match):
        words = [" ".join(w.split()) for w in _split(match["args"])]
        self.number, self.name = int(words[0]), words[1]
        self.kind, self.returns = match["kind"], _KINDS[match["kind"]]
        pairs = words[2:]
        if len(pairs) != 2 * int(match["n"]):
            raise AbiError(f"{self.name}: {match['n']} arguments are "
                           f"announced, {len(pairs) / 2:g} are there")
        self.args = [(re.sub(r"EXO_USER\((.*)\)", r"\1 *", t), n)
                     for t, n in zip(pairs[::2], pairs[1::2])]
        text = " ".join(comment_text("/*" + match["comment"] + "*/").split())
        self._contract(text)

    def _contract(self, text):
        """Cut the text at `name:` of the arguments, Result: and Errors:."""
        self.effect = self.result = self.when = ""
        self.notes, self.errors = [], []
        names = "|".join([n for _, n in self.args] or ["-"])
        cut = re.compile(rf"(?<=[.;)0-9a-z]) ((?:{names})(?:, (?:{names}))*"
                         r"|Result(?: \(SYNC\))?"
                         r"|Errors(?:, for the first \w+)?): ")
        parts = cut.split(text)
        self.effect = parts[0].strip()
        for label, body in zip(parts[1::2], parts[2::2]):
            body = body.strip()
            if label.startswith("Errors"):
                self.when = label.removeprefix("Errors").lstrip(", ")
                self.errors = _errors(self.name, body)
            elif label.startswith("Result"):
                self.result = body
                if "(SYNC)" in label:
                    self.result = "with `EXO_CALL_SYNC`: " + body
            else:
                self.notes.append((label.split(", "), body))
        if not self.effect:
            raise AbiError(f"{self.name}: no contract stands above the row")
        if not self.errors and self.name != "null":
            raise AbiError(f"{self.name}: the contract names no errors")

    def prototype(self):
        """As user code calls it."""
        args = [f"{t} {n}".replace("* ", "*") for t, n in self.args]
        if self.kind == "WORDS":
            const = "const " if self.name == "reply" else ""
            args.append(f"{const}uint64_t words[EXO_CALL_WORDS]")
        return f"int64_t exo_{self.name}({', '.join(args) or 'void'})"


def _split(text):
    """Split at commas that stand in no parentheses."""
    return re.findall(r"(?:[^,()]|\([^()]*\))+", text)


def _errors(call, text):
    found = []
    for part in text.rstrip(".").split(";"):
        match = re.match(r"\s*([A-Z]+)\b\s*(.*)$", part)
        if not match:
            raise AbiError(f"{call}: no error's name begins `{part.strip()}`")
        found.append((match[1], match[2].strip()))
    return found


def read_calls(text):
    """All calls of syscall.def, in the order of their numbers."""
    body = text[text.index("*/") + 2:]  # the file's own comment
    calls = [Call(m) for m in _ROW.finditer(body)]
    rows = len(re.findall(r"^EXO_(?:CALL|SWITCH|WORDS)\d\(", body, re.M))
    if rows != len(calls):
        raise AbiError(f"syscall.def: {rows} rows, but {len(calls)} with a "
                       "contract right above them")
    if [c.number for c in calls] != list(range(len(calls))):
        raise AbiError("syscall.def: the numbers have gaps or are not in order")
    return calls


def read_errors(text):
    """(code, name, text) of every error of error.def."""
    rows = re.findall(r'^EXO_ERROR\((\d+), (\w+), "(.*)"\)$', text, re.M)
    return [(int(code), name, meaning) for code, name, meaning in rows]


def check_errors(calls, errors):
    """Every error that a contract names must be one of error.def."""
    known = {name for _, name, _ in errors}
    for call in calls:
        for name, _ in call.errors:
            if name not in known:
                raise AbiError(f"{call.name}: there is no error {name}")
