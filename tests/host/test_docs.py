# SPDX-License-Identifier: MIT
"""What reads the ABI's headers and the documents: tools/abi, tools/lineref."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from abi import AbiError, calls, headers  # noqa: E402

ROW = """/* file comment */
/* Does a thing to `x`. More of it.
 * cap: WRITE over x. x, y: what it is
 * about.
 * Result: how many.
 * Errors, for the first one: INVAL; CAP; STATE it is
 * busy: later. */
EXO_CALL3(0, thing, exo_cap, cap, EXO_USER(const struct x), x, uint64_t,
          y)
"""


class Calls(unittest.TestCase):
    def test_a_contract_is_taken_apart(self):
        (call,) = calls.read_calls(ROW)
        self.assertEqual(call.effect, "Does a thing to `x`. More of it.")
        self.assertEqual(call.notes, [(["cap"], "WRITE over x."),
                                      (["x", "y"], "what it is about.")])
        self.assertEqual(call.result, "how many.")
        self.assertEqual(call.when, "for the first one")
        self.assertEqual(call.errors, [("INVAL", ""), ("CAP", ""),
                                       ("STATE", "it is busy: later")])
        self.assertEqual(call.prototype(), "int64_t exo_thing(exo_cap cap, "
                         "const struct x *x, uint64_t y)")

    def test_rows_that_cannot_be_documented_are_refused(self):
        bare = "/* f */\n/* Far away. */\n\nint x;\nEXO_CALL0(0, thing)\n"
        for text in (bare, ROW.replace("CALL3", "CALL2"),
                     ROW.replace("(0, ", "(1, "),
                     ROW.replace("Errors,", "Faults,")):
            with self.assertRaises(AbiError):
                calls.read_calls(text)

    def test_unknown_errors_are_refused(self):
        known = calls.read_errors('EXO_ERROR(1, INVAL, "no")\n')
        with self.assertRaises(AbiError):
            calls.check_errors(calls.read_calls(ROW), known)


class Headers(unittest.TestCase):
    TEXT = """// SPDX-License-Identifier: MIT
/*
 * x.h: an example.
 */
#ifndef EXO_X_H
#define EXO_X_H

#ifdef EXO_KERNEL
#define EXO_SIDE 1
#else
#define EXO_SIDE 2
#endif

#define EXO_LONG 3 // a remark
                   // in two lines
/* About it. */
struct exo_x {
    uint32_t a, b; // both
    struct {
        uint64_t id; // inner
    } item[EXO_LONG];
};
"""

    def test_definitions_and_remarks(self):
        side, long, struct = headers.Header("x.h", self.TEXT).items
        self.assertEqual(side.rows[0].value, "2")
        self.assertEqual(long.rows[0].comment, "a remark in two lines")
        self.assertEqual(struct.comment, "About it.")
        self.assertEqual([(r.name, r.comment) for r in struct.rows],
                         [("a", "both"), ("b", "both"),
                          ("item[EXO_LONG].id", "inner")])

    def test_what_is_not_understood_is_refused(self):
        with self.assertRaises(AbiError):
            headers.Header("x.h", self.TEXT + "int (*f)(void);\n")


class References(unittest.TestCase):
    def check(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".md") as file:
            file.write(text)
            file.flush()
            return subprocess.run([ROOT / "tools/lineref", file.name],
                                  text=True, capture_output=True)

    def test_good_references_pass(self):
        done = self.check("`exokernel/main.c:/^kernel_main\\(/` in "
                          "`exokernel/main.c`, `docs/`, [here](#a-heading)\n"
                          "# A heading\n```\n`exokernel/none.c`\n```\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_each_kind_of_bad_reference_is_found(self):
        for text in ("`exokernel/main.c:/^no_such_function\\(/`",
                     "`exokernel/main.c:/static/`", "`exokernel/main.c:/(/`",
                     "`exokernel/none.c:/x/`", "`exokernel/none/`",
                     "[x](none.md)", "[x](#none)",
                     "`exokernel/main.c:/^kernel_main\n\\(/`"):
            with self.subTest(text):
                self.assertEqual(self.check(text + "\n").returncode, 1)


if __name__ == "__main__":
    unittest.main()
