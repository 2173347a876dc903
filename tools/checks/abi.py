# SPDX-License-Identifier: MIT
"""The wall between kernel and libOS: headers that stand alone, no others."""

import re
import shutil

from . import Error, ROOT, Warning, c_files, files, read, run

# User code, and the roots its includes are looked up in.
USER = ("libos/", "apps/", "bench/", "tests/lib/", "tests/kernel/",
        "tests/attack/", "tests/minimal/")
FREESTANDING = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "limits.h",
                "stdalign.h", "stdnoreturn.h", "cpuid.h"}


def check_headers_alone():
    """each ABI header compiles by itself, for users and for the kernel"""
    for compiler in ("gcc", "clang"):
        if not shutil.which(compiler):
            yield Warning(f"{compiler} is not there: not tried with it")
            continue
        for name in files("exokernel/include/exo/*.h"):
            header = name.removeprefix("exokernel/include/")
            text = f"#include <{header}>\n#include <{header}>\nint dummy;\n"
            for side in ([], ["-DEXO_KERNEL"]):
                status, out = run(compiler, "-std=c11", "-ffreestanding",
                                  "-Wall", "-Wextra", "-Werror",
                                  "-fsyntax-only", "-Iexokernel/include", *side,
                                  "-x", "c", "-", text=text)
                if status:
                    why = re.search(r"error: (.*)", out)
                    yield Error(f"{name}: does not compile alone with "
                                f"{' '.join([compiler, *side])}: "
                                f"{why[1] if why else out.strip()}")


def check_user_includes():
    """libOSes and programs include only exo/ of the kernel"""
    kernel = {n.removeprefix("exokernel/") for n in files("exokernel/*.h")}
    for name in c_files():
        if not name.startswith(USER):
            continue
        for number, line in enumerate(read(name).splitlines(), 1):
            match = re.match(r'#include [<"]([^>"]+)[>"]', line)
            if not match or match[1].startswith("exo/") or \
                    match[1] in FREESTANDING:
                continue
            if match[1] in kernel and not _is_users_own(name, match[1]) or \
                    "exokernel" in match[1]:
                yield Error(f"{name}:{number}: {match[1]} is the kernel's own")


def _is_users_own(name, header):
    here = (ROOT / name).parent
    return any((root / header).exists()
               for root in (here, ROOT / "libos", ROOT / "apps", ROOT / "tests",
                            ROOT / "bench", ROOT))


def check_reference():
    """docs/abi.md is what the headers say"""
    status, out = run("tools/abidoc", "--check")
    if status:
        yield Error(out.strip())


CHECKS = [check_headers_alone, check_user_includes, check_reference]
