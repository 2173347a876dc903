# SPDX-License-Identifier: MIT
"""tools/exos-cc, and the headers it compiles programs with."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from support import ROOT

CC = ROOT / "tools/exos-cc"
PARTS = {"exos/", "machine/", "sys/_"}  # for other headers, not for programs
HELLO = '#include <stdio.h>\nint main(void) { return puts("hi") < 0; }\n'


def headers():
    """The names of all headers of ours that programs may include."""
    for base in (ROOT / "libos/exos/include", ROOT / "libos/exos/newlib"):
        for path in sorted(base.rglob("*.h")):
            name = path.relative_to(base).as_posix()
            if not any(name.startswith(part) for part in PARTS):
                yield name


def compile_with(*options, text, **environment):
    """(exit status, what it said)"""
    done = subprocess.run([CC, "-Wall", "-Wextra", "-Werror", *options, "-"],
                          input=text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False,
                          env={**os.environ, **environment})
    return done.returncode, done.stdout


class Headers(unittest.TestCase):
    def each_alone(self, *options, **environment):
        for name in headers():
            text = f"#include <{name}>\n#include <{name}>\nint dummy;\n"
            with self.subTest(header=name):
                status, said = compile_with("-fsyntax-only", *options,
                                            text=text, **environment)
                self.assertEqual(status, 0, said)

    def test_each_compiles_alone_as_c11(self):
        self.each_alone("-std=c11", "-xc")

    def test_each_compiles_alone_as_gnu_c(self):
        self.each_alone("-std=gnu11", "-D_GNU_SOURCE", "-xc")

    def test_each_compiles_alone_as_posix(self):
        self.each_alone("-std=c11", "-D_POSIX_C_SOURCE=200809L", "-xc")

    def test_each_compiles_alone_as_cpp_by_clang(self):
        self.each_alone("-std=c++17", "-xc++",
                        "-Wno-unused-command-line-argument", EXOS_GCC="clang")

    def test_all_compile_together(self):
        text = "".join(f"#include <{name}>\n" for name in headers())
        for order in (text, "".join(reversed(text.splitlines(True)))):
            status, said = compile_with("-fsyntax-only", "-D_GNU_SOURCE",
                                        "-xc", text=order + "int dummy;\n")
            self.assertEqual(status, 0, said)

    def test_the_hosts_are_out_of_sight(self):
        status, said = compile_with("-fsyntax-only", "-xc",
                                    text="#include <gnu/libc-version.h>\n")
        self.assertNotEqual(status, 0)
        self.assertIn("libc-version.h", said)


class Driver(unittest.TestCase):
    def test_it_is_exos_and_not_linux(self):
        status, said = compile_with("-xc", "-fsyntax-only", text="""
            #if !defined __exos__ || !defined __unix__ || \\
                defined __linux__ || defined linux
            #error
            #endif
            int dummy;\n""")
        self.assertEqual(status, 0, said)
        name = subprocess.run([CC, "-dumpmachine"], capture_output=True,
                              text=True, check=True).stdout
        self.assertEqual(name, "x86_64-exos\n")

    def test_it_makes_objects_and_assembly_where_told(self):
        with tempfile.TemporaryDirectory() as place:
            for option, name in (("-c", "hello.o"), ("-S", "hello.s")):
                path = pathlib.Path(place) / name
                status, said = compile_with("-xc", option, "-o", str(path),
                                            text=HELLO)
                self.assertEqual(status, 0, said)
                self.assertTrue(path.exists())

    def test_it_refuses_shared_libraries_with_a_sentence(self):
        status, said = compile_with("-xc", "-shared", text=HELLO)
        self.assertEqual(status, 1)
        self.assertIn("no shared libraries", said)


class Fetch(unittest.TestCase):
    def fetch(self, *arguments, **environment):
        return subprocess.run([ROOT / "tools/fetch", *arguments],
                              capture_output=True, text=True, check=False,
                              env={**os.environ, **environment})

    def test_an_unknown_name_is_refused_with_those_there_are(self):
        done = self.fetch("nosuch")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^fetch: there is no .*newlib")

    def test_without_mirrors_it_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as place:
            empty = pathlib.Path(place) / "apt.conf"
            empty.write_text('Dir::Etc::sourcelist "/dev/null";\n'
                             'Dir::Etc::sourceparts "/dev/null";\n')
            done = self.fetch("zlib", EXO_SOURCES=place, APT_CONFIG=str(empty))
            self.assertEqual(done.returncode, 1)
            self.assertIn("zlib 1.2.13", done.stderr)
            self.assertIn(f"into {place}", done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_a_file_in_the_cache_that_is_not_the_pinned_one_is_not_used(self):
        with tempfile.TemporaryDirectory() as place:
            empty = pathlib.Path(place) / "apt.conf"
            empty.write_text('Dir::Etc::sourcelist "/dev/null";\n'
                             'Dir::Etc::sourceparts "/dev/null";\n')
            wrong = pathlib.Path(place) / "zlib_1.2.13.dfsg.orig.tar.bz2"
            wrong.write_bytes(b"something else")
            done = self.fetch("zlib", EXO_SOURCES=place, APT_CONFIG=str(empty))
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout, "")
