# SPDX-License-Identifier: MIT
"""The benchmarks by name: what they are, which program part measures them, and
what they should cost at most, in executed instructions."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    text: str
    target: float | None = None
    part: str = ""  # benchmark of bench/main.c that has it, unless its own name

    @property
    def program(self):
        return self.part or self.name


ROWS = [
    Row("null_call", "a call that does nothing, user to user", 60),
    Row("exception_upcall", "ud2, handler, resumed after it, with libos/lib's "
        "entry", 150),
    Row("exception_upcall_bare", "the same with the least handler", None,
        "exception_upcall"),
    Row("foreign_upcall", "foreign syscall, handler, back, with libos/lib's "
        "entry", 120),
    Row("foreign_upcall_bare", "the same with the least handler", None,
        "foreign_upcall"),
    Row("fault_upcall", "store to a protected page, handler, binding changed, "
        "store retried, with libos/lib's entry", 320),
    Row("fault_upcall_bare", "the same with the least handler", None,
        "fault_upcall"),
    Row("trap", "protection fault, handler, return, again", None,
        "fault_upcall"),
    Row("first_touch", "touch of a page that a user-level pager supplies, "
        "zeroed"),
    Row("call_oneway", "protected control transfer, to the first instruction "
        "of the handler", 150),
    Row("reply_oneway", "the reply, from that instruction to the caller", None,
        "call_oneway"),
    Row("call_reply", "a call and its reply, with the least server", None,
        "call_oneway"),
    Row("call_reply_lib", "a call and its reply, with libos/lib's server", None,
        "call_oneway"),
    Row("yield_to", "directed yield, one way, two address spaces", 150),
    Row("slice_switch", "QUANTUM upcall, yield, next env resumed", 300),
    Row("bind_1", "one binding", 150),
    Row("unbind_1", "one binding taken out, with invalidation", None, "bind_1"),
    Row("bind_run", "per page, a run of 100", 45, "bind_many"),
    Row("unbind_run", "per page, a run of 100, with invalidation", 45,
        "bind_many"),
    Row("bind_scattered", "per page, 100 unrelated pages in one batch", 100,
        "bind_many"),
    Row("unbind_scattered", "per page, the same 100, with invalidation", None,
        "bind_many"),
    Row("page_cycle", "allocate, bind, touch, unbind, free one page", 450),
    Row("page_alloc_zeroed", "allocate a page that was another's, with its "
        "zeroing", None, "page_cycle"),
    Row("env_cycle", "create, load hello, run it to its end, reclaim all",
        40000),
]

BY_NAME = {row.name: row for row in ROWS}

# Figures that are not rows of the benchmark program.
TARGETS = {
    "kernel_boot": 3_000_000,
    "power_on.pc": 9_000_000,
    "power_on.microvm": 1_000_000,
    "lock_hold": 4000,
    "filter_1": 80,
    "filter_10": 100,
    "filter_1000": 140,
    "tx_packet": 500,
    "rx_packet": 500,
    "ping_minimal": 1500,
    "kv_get": 2000,
    "kv_ratio": 5,
    "udp_echo_exos": 7000,
    "http_small_exos": 9000,
    "httpd_keepalive": 12000,
    "httpd_close": 30000,
    "httpd_close_1": 30000,
    "httpd_idle_memory": 1024,
    "kernel_lines": 6000,
    "pages_per_hello": 13,
    "least_memory": 4,
    "hello_envs": 4000,
} | {row.name: row.target for row in ROWS if row.target}

AT_LEAST = {"hello_envs", "kv_ratio"}  # where more is better
