# SPDX-License-Identifier: MIT
"""docs/abi.md: the headers, the calls and the layouts as Markdown."""

import re

_ORDER = ["types.h", "layout.h", "cap.h", "page.h", "tlb.h", "env.h",
          "upcall.h", "slice.h", "call.h", "net.h", "info.h", "trace.h"]
_NAME = re.compile(r"(?<![`\w])((?:struct |enum )?(?:exo_|EXO_)[A-Za-z]\w*"
                   r"(?:\.\w+|\(\w*\))?)(?![\w`*])")


def prose(text):
    """One paragraph: names of the ABI as code, Markdown's signs escaped."""
    pieces = re.split(r"(`[^`]*`)", " ".join(text.split()))
    for i in range(0, len(pieces), 2):
        parts = _NAME.split(pieces[i])
        parts[::2] = [re.sub(r"([*<\\])", r"\\\1", p) for p in parts[::2]]
        parts[1::2] = [f"`{p}`" for p in parts[1::2]]
        pieces[i] = "".join(parts)
    return "".join(pieces)


def cell(text):
    """Prose inside a table."""
    return prose(text).replace("|", r"\|")


def blocks(text):
    """A comment: paragraphs as prose, drawings and tables as they are."""
    out = []
    for part in re.split(r"\n\s*\n", text):
        lines = part.strip("\n").splitlines()
        drawn = [i for i, line in enumerate(lines) if line.startswith(" ")]
        if not drawn:
            out += [prose(part), ""]
            continue
        if drawn[0]:  # a sentence that introduces a drawing
            out += [prose(" ".join(lines[:drawn[0]])), ""]
        out += ["```text", *lines[drawn[0]:], "```", ""]
    return out


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |",
             "| " + " | ".join("---" for _ in head) + " |"]
    return lines + ["| " + " | ".join(r) + " |" for r in rows] + [""]


def first_sentence(text):
    return re.split(r"(?<=[.:]) ", text)[0].rstrip(":.") + "."


def number(layout, row):
    """A constant's value, in the base its definition is written in."""
    value = layout.value[row.name]
    if value == 2**64 - 1 or value == 2**32 - 1:
        return f"2^{value.bit_length()} - 1"
    wide = "0x" in row.value or "<<" in row.value or value > 65536
    return f"{value:#x}" if wide else str(value)


def calls_section(calls, errors, doc):
    meaning = {name: text for _, name, text in errors}
    out = ["## System calls", ""]
    out += blocks(re.sub(r"^.*?\n\s*\n", "", doc, count=1, flags=re.S))
    out += table(["nr", "call", ""],
                 [[str(c.number), f"[`{c.name}`](#{c.number}-{c.name})",
                   cell(first_sentence(c.effect))] for c in calls])
    for c in calls:
        out += [f"### {c.number} {c.name}", "", "```c", c.prototype() + ";",
                "```", "", prose(c.effect), ""]
        out += [f"- {', '.join(f'`{n}`' for n in names)}: {prose(text)}"
                for names, text in c.notes]
        if c.result:
            out.append(f"- Result: {prose(c.result)}")
        out += [f"- It {prose(c.returns)}.", ""]
        if c.errors:
            when = f" ({c.when})" if c.when else ""
            out += table([f"error{when}", "cause"],
                         [[f"`EXO_E_{n}`",
                           cell(f"{meaning[n]}: {text}" if text
                                else meaning[n])] for n, text in c.errors])
    return out


def errors_section(errors, doc):
    out = ["## Errors", ""] + blocks(doc)
    return out + table(["code", "name", "meaning"],
                       [[str(n), f"`EXO_E_{name}`", cell(text)]
                        for n, name, text in errors])


def struct(item, layout):
    out = [f"#### struct {item.name}", ""]
    out += blocks(item.comment) if item.comment else []
    out += [f"{layout.size[item.name]} bytes.", ""]
    rows = []
    for row in item.rows:
        if not row.name:
            rows.append(["", "", "", f"*{cell(row.comment)}*"])
            continue
        offset, size = layout.field[item.name, row.name]
        rows.append([str(offset), str(size),
                     f"`{row.ctype} {row.name}`", cell(row.comment)])
    return out + table(["offset", "bytes", "field", ""], rows)


def item_section(item, layout):
    if item.kind == "struct":
        return struct(item, layout)
    out = [f"#### enum {item.name}", ""] if item.kind == "enum" else []
    out += blocks(item.comment) if item.comment else []
    if item.kind == "enum":
        return out + table(["name", "value", ""],
                           [[f"`{r.name}`", number(layout, r), cell(r.comment)]
                            for r in item.rows])
    if item.kind == "type":
        return out + table(["type", "is", ""],
                           [[f"`{r.name}`", f"`{r.ctype}`", cell(r.comment)]
                            for r in item.rows])
    if item.kind == "function":
        return out + ["```c", *(r.name + ";" for r in item.rows), "```", ""]
    rows = [[f"`{r.name}`", number(layout, r) if r.name in layout.value
             else f"`{r.value}`", cell(r.comment)] for r in item.rows]
    return out + table(["constant", "value", ""], rows)


def header_section(header, layout):
    purpose, _, rest = header.doc.partition("\n\n")
    purpose = " ".join(purpose.split())
    title = purpose.split(": ", 1)[0]
    text = purpose.split(": ", 1)[1]
    out = [f"## exo/{title}", "", prose(text[0].upper() + text[1:]), ""]
    out += blocks(rest) if rest else []
    for item in header.items:
        out += item_section(item, layout)
    return out


def exposure_section(headers, bindable):
    """Who can see what of the kernel: from info.h, upcall.h and bind_sys.c."""
    rows = [[f"`{where}`", prose(what), "read", "every env but those under "
             "`EXO_ENV_HIDE`"]
            for where, what in re.findall(
                r"^ +(EXO_INFO \+ \w+) +(struct .*)$", headers["info.h"].doc,
                re.M)]
    for header, name in (("upcall.h", "exo_uarea"), ("env.h", "exo_log"),
                         ("net.h", "exo_net_rx"), ("net.h", "exo_net_tx")):
        item = next(i for i in headers[header].items if i.name == name)
        for letter, access in (("R", "written by the kernel, never read back"),
                               ("U", "written by the libOS; the kernel reads "
                                "each word once and trusts none"),
                               ("a", "written by both, atomically")):
            fields = _fields_with(item, letter)
            if fields:
                rows.append([f"`struct {name}`", ", ".join(fields), access,
                             "whoever binds the page"])
    rows += [
        ["where bound", "a page table, accessed and dirty bits included",
         "read", "READ over its guard"],
        ["where bound", "a trace ring (`struct exo_trace_event`), complete "
         "below `trace_head`", "read", "READ over guard 0"],
        ["`exo_env_state()`", "`struct exo_context`, the XSAVE area, "
         "`struct exo_mortem`", "a copy; contexts can be written",
         "CONTROL over the env, which does not run meanwhile"],
    ]
    out = ["## What is exposed", "",
           "Everything of the kernel's state that user code can see. What is "
           "read in place is the kernel's own working copy: it is never "
           "stale, and it may change between two loads.", ""]
    out += table(["where", "what", "access", "by whom"], rows)
    out += ["What a page of each use may be bound as, with a capability over "
            "its guard (`enum exo_page_use`; a use that is not listed is "
            "never bound):", ""]
    return out + table(["use", "may be bound"],
                       [[f"`{use}`", ways] for use, ways in bindable])


def _fields_with(item, letter):
    """The fields of a struct that are marked [letter]."""
    return [f"`{r.name.split('[')[0]}`" for r in item.rows
            if r.comment.startswith(f"[{letter}]")]


def document(abi):
    out = ["# The ABI of the Exo kernel", "",
           "<!-- Generated by tools/abidoc from exokernel/include/exo/. Do not "
           "edit; run `make docs`. -->", "",
           f"ABI version {abi.version}. This page is made from the headers "
           "that kernel and libOSes compile (`exokernel/include/exo/`); sizes "
           "and offsets are the compiler's.", "",
           "- [System calls](#system-calls)", "- [Errors](#errors)"]
    out += [f"- [exo/{h}](#exo{h.replace('.', '')})" for h in _ORDER]
    out += ["- [What is exposed](#what-is-exposed)", ""]
    out += calls_section(abi.calls, abi.errors, abi.calls_doc)
    out += ["### Registers", ""] + blocks(abi.registers)
    out += errors_section(abi.errors, abi.errors_doc)
    for name in _ORDER:
        out += header_section(abi.headers[name], abi.layout)
    out += exposure_section(abi.headers, abi.bindable)
    return "\n".join(out).rstrip() + "\n"
