# SPDX-License-Identifier: MIT
"""The ABI read from its own headers, for docs/abi.md and for checks.

headers   what exokernel/include/exo/*.h define, with their comments
calls     what syscall.def and error.def say, one object for each row
layout    sizes, offsets and values, asked of the compiler
render    all of it as Markdown
"""


class AbiError(Exception):
    """The headers are not as this tool, or a reader, can understand them."""
