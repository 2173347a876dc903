# SPDX-License-Identifier: MIT
"""The least memory that runs hello, and how many hellos fit into 256 MiB."""

from exo.machine import Machine

from . import boot, counting

LARGEST = 64      # MiB at which the search for the least ends
PATIENCE = 10.0   # seconds for a machine that is too small to say so
ROOMY = "256M"


def runs_hello(tree, megabytes):
    """Does init run hello to its end in a machine of that size?"""
    with Machine(boot.init_modules(tree), kernel=tree.kernel,
                 mem=f"{megabytes}M") as m:
        m.start()
        end = m.wait(PATIENCE)
        said = "hello, world" in (m.directory / "console.log").read_text(
            errors="replace")
    return said and end.kind == "off" and end.status == 0


def measure(tree, out, _names=()):
    # Upwards: a machine without room need not end by itself.
    for megabytes in range(2, LARGEST + 1):
        if runs_hello(tree, megabytes):
            out.add("least_memory", megabytes, "MiB")
            break
    else:
        out.fail(f"hello does not run in {LARGEST} MiB")
    session = counting.run(tree, "only=many_envs", mem=ROOMY, timeout=600)
    for name, value, unit in session.values:
        out.add(name, value, unit)
    for result in session.results:
        out.add_result(result)
    for failure in session.failures:
        out.fail(failure)
