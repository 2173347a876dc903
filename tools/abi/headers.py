# SPDX-License-Identifier: MIT
"""What a header of the ABI defines: groups of constants, types, enums, structs.

No C parser: the headers are written in one style (definitions begin in column
0, comments above them or at line ends), and whatever is not in it is an error.
"""

import re

from . import AbiError

_MEMBER = re.compile(
    r"(?P<type>EXO_USER\([^)]*\)|(?:const )?(?:(?:struct|enum) )?\w+) "
    r"(?P<names>[^;]+);$")


class Item:
    """One definition. kind: constants, type, enum, struct or function."""

    def __init__(self, kind, name, comment):
        self.kind, self.name, self.comment = kind, name, comment
        self.rows = []  # Row objects


class Row:
    """A constant, an enumerator or a struct's field."""

    def __init__(self, name, value="", comment="", ctype=""):
        self.name, self.value, self.ctype = name, value, ctype
        self.comment = comment


class Header:
    """A parsed header: its first comment, then its items in order."""

    def __init__(self, name, text):
        self.name, self.doc, self.items = name, "", []
        self._lines = _without_kernel_part(text).splitlines()
        self._at = 0
        self._comment = ""
        self._last = None  # item that the line before belongs to
        while self._at < len(self._lines):
            self._definition()

    def _take(self):
        self._at += 1
        return self._lines[self._at - 1]

    def _definition(self):
        line = self._take()
        if not line.strip():
            self._comment, self._last = "", None
        elif line.startswith("/*"):
            self._block_comment(line)
        elif line.startswith("#define"):
            self._define(line)
        elif line.startswith("typedef"):
            self._typedef(line)
        elif re.match(r"(enum|struct) \w+ {", line):
            self._compound(line)
        elif line.startswith("static inline"):
            self._function(line)
        elif line.startswith("_Static_assert"):
            while not line.endswith(";"):
                line = self._take()
        elif line.lstrip().startswith("//"):
            self._continue_comment(line)
        elif not line.startswith("#"):
            raise AbiError(f"{self.name}: what is this line? {line}")

    def _block_comment(self, line):
        lines = [line]
        while "*/" not in lines[-1]:
            lines.append(self._take())
        text = comment_text("\n".join(lines))
        if not self.doc:
            self.doc = text
        else:
            self._comment = text

    def _continue_comment(self, line):
        if line.startswith("// SPDX"):
            return
        if not self._last or not self._last.rows:
            raise AbiError(f"{self.name}: a remark on nothing: {line}")
        self._last.rows[-1].comment += " " + line.strip()[2:].strip()

    def _new(self, kind, name):
        item = Item(kind, name, self._comment)
        self._comment = ""
        self.items.append(item)
        self._last = item
        return item

    def _define(self, line):
        while line.endswith("\\"):
            line = line[:-1].rstrip() + " " + self._take().strip()
        match = re.match(r"#define (\w+(?:\([\w, ]*\))?)\s*(.*?)\s*"
                         r"(?://\s*(.*))?$", line)
        name, value, remark = match.groups()
        if not value:  # the guard
            return
        item = self._last
        if not item or item.kind != "constants" or self._comment:
            item = self._new("constants", name)
        item.rows.append(Row(name, value, remark or ""))

    def _typedef(self, line):
        match = re.match(r"typedef (.*) (\w+);\s*(?://\s*(.*))?$", line)
        item = self._last
        if not item or item.kind != "type":
            item = self._new("type", match[2])
        item.rows.append(Row(match[2], "", match[3] or "", match[1]))

    def _function(self, line):
        text = line
        while "{" not in text:
            text += " " + self._take().strip()
        while self._take() != "}":
            pass
        prototype = text.split("{")[0].replace("static inline ", "").strip()
        last = self.items[-1]
        if last.kind != "function" or self._comment:
            last = self._new("function", "")
        last.rows.append(Row(prototype.replace("* ", "*")))
        self._last = None

    def _compound(self, line):
        kind, name = re.match(r"(enum|struct) (\w+) {", line).groups()
        item = self._new(kind, name)
        body = []
        while True:
            line = self._take()
            if line == "};":
                break
            body.append(line.strip())
        if kind == "enum":
            _enumerators(item, body)
        else:
            _fields(self.name, item, body)
        self._last = None


def _without_kernel_part(text):
    """Keep what user code sees between #ifdef EXO_KERNEL and #endif."""
    return re.sub(r"#ifdef EXO_KERNEL\n.*?#else[^\n]*\n(.*?)#endif[^\n]*\n",
                  r"\1", text, flags=re.S)


def comment_text(comment):
    """The text of a block comment, line structure kept."""
    lines = []
    for line in comment.strip().splitlines():
        line = re.sub(r"^(/\*|\s?\*(?!/))\s?", "", line)
        lines.append(line.replace("*/", "").rstrip())
    return "\n".join(lines).strip("\n")


def _enumerators(item, body):
    for line in body:
        if line.startswith("//"):
            item.rows[-1].comment += " " + line[2:].strip()
            continue
        code, _, remark = line.partition("//")
        match = re.match(r"(\w+)(?: = (.*?))?,?$", code.strip())
        if not match:
            raise AbiError(f"enum {item.name}: what is this line? {line}")
        item.rows.append(Row(match[1], match[2] or "", remark.strip()))


def _fields(header, item, body):
    """Rows of a struct; a nested one gets names like item[].id, unless it has
    no name. A remark is about all fields of its declaration."""
    pending, nested, union = "", None, False  # nested: its first row
    group = []  # rows of the last declaration
    lines = iter(body)
    for line in lines:
        if not line:
            continue
        if line.startswith("/*"):
            while "*/" not in line:
                line += "\n" + next(lines)
            item.rows.append(Row("", comment=comment_text(line)))
        elif line.startswith("//"):
            for row in group:
                row.comment += " " + line[2:].strip()
        elif line in ("struct {", "union {"):
            nested, union = len(item.rows), line == "union {"
        elif line.startswith("}"):
            name = re.match(r"} ?(\w+)?(\[\w+\])?;", line)
            inner, nested = item.rows[nested:], None
            for row in inner if name[1] else ():
                row.name = f"{name[1]}{name[2] or ''}.{row.name}"
            for row in inner[1:] if union else ():
                row.comment = f"in place of it: {row.comment}"
        else:
            code, _, remark = line.partition("//")
            pending = f"{pending} {code.strip()}".strip()
            if not pending.endswith(";"):
                continue
            match = _MEMBER.match(pending)
            if not match:
                raise AbiError(f"{header}: what is this field? {pending}")
            names = [n.strip() for n in match["names"].split(",")]
            group = [Row(n, "", remark.strip(), match["type"]) for n in names]
            item.rows += group
            pending = ""
