// SPDX-License-Identifier: MIT
/* names.c: words and sentences for the numbers of the ABI. */
#include "lib/names.h"

#include <exo/exo.h>

#define PICK(table, i)                                                         \
    ((i) < sizeof(table) / sizeof(table[0]) && table[i] ? table[i] : "?")

const char *
name_syscall(uint64_t number)
{
    static const char *const names[EXO_SYSCALLS] = {
#define EXO_CALL0(nr, name)        [nr] = #name,
#define EXO_CALL1(nr, name, ...)   [nr] = #name,
#define EXO_CALL2(nr, name, ...)   [nr] = #name,
#define EXO_CALL3(nr, name, ...)   [nr] = #name,
#define EXO_CALL4(nr, name, ...)   [nr] = #name,
#define EXO_CALL5(nr, name, ...)   [nr] = #name,
#define EXO_SWITCH2(nr, name, ...) [nr] = #name,
#define EXO_SWITCH3(nr, name, ...) [nr] = #name,
#define EXO_SWITCH4(nr, name, ...) [nr] = #name,
#define EXO_WORDS1(nr, name, ...)  [nr] = #name,
#define EXO_WORDS3(nr, name, ...)  [nr] = #name,
#include <exo/syscall.def>
#include <exo/syscall_undef.h>
    };
    return PICK(names, number);
}

const char *
name_trace(uint32_t type)
{
    static const char *const names[EXO_TRACE_TYPES] = {
        [EXO_TRACE_SYSCALL] = "syscall", [EXO_TRACE_RETURN] = "return",
        [EXO_TRACE_SWITCH] = "switch",   [EXO_TRACE_UPCALL] = "upcall",
        [EXO_TRACE_FAULT] = "fault",     [EXO_TRACE_IRQ] = "irq",
        [EXO_TRACE_WAKE] = "wake",       [EXO_TRACE_REVOKE] = "revoke",
        [EXO_TRACE_TAKEN] = "taken",     [EXO_TRACE_BORN] = "born",
        [EXO_TRACE_END] = "end",         [EXO_TRACE_PACKET] = "packet",
    };
    return PICK(names, type);
}

const char *
name_end(uint32_t end)
{
    static const char *const names[] = {
        [EXO_END_EXIT] = "exit",       [EXO_END_DESTROYED] = "destroyed",
        [EXO_END_FAULT] = "fault",     [EXO_END_STACK] = "stack",
        [EXO_END_HANDLER] = "handler", [EXO_END_PARENT] = "parent",
        [EXO_END_ROOT] = "root",       [EXO_END_PAGE] = "page",
    };
    return PICK(names, end);
}

const char *
name_end_text(uint32_t end)
{
    static const char *const texts[] = {
        [EXO_END_EXIT] = "it ended by itself",
        [EXO_END_DESTROYED] = "it was destroyed",
        [EXO_END_FAULT] = "an exception that it does not handle",
        [EXO_END_STACK] = "its upcall stack overflowed",
        [EXO_END_HANDLER] = "a handler or return address that is no user code",
        [EXO_END_PARENT] = "its parent ended",
        [EXO_END_ROOT] = "the root table it shared was given up",
        [EXO_END_PAGE] = "a page that held it was taken",
    };
    return PICK(texts, end);
}

const char *
name_exception(uint64_t vector)
{
    static const char *const names[] = {
        [0] = "divide error",
        [1] = "debug exception",
        [3] = "breakpoint",
        [4] = "overflow",
        [5] = "bound range exceeded",
        [6] = "invalid instruction",
        [7] = "FPU used without asking for it",
        [10] = "invalid task state",
        [11] = "segment not present",
        [12] = "stack segment fault",
        [13] = "general protection fault",
        [14] = "page fault",
        [16] = "x87 floating-point error",
        [17] = "misaligned access",
        [19] = "SIMD floating-point error",
    };
    return PICK(names, vector);
}

const char *
name_kind(uint32_t kind)
{
    static const char *const names[EXO_KINDS] = {
        [EXO_KIND_PAGE] = "pages", [EXO_KIND_ENV] = "envs",
        [EXO_KIND_SLOT] = "slots", [EXO_KIND_BLOCK] = "blocks",
        [EXO_KIND_ATOM] = "atoms", [EXO_KIND_RING] = "rings",
        [EXO_KIND_CODE] = "code",  [EXO_KIND_MMIO] = "mmio",
        [EXO_KIND_PORT] = "ports", [EXO_KIND_IRQ] = "irqs",
        [EXO_KIND_DMA] = "dma",    [EXO_KIND_CHAN] = "chans",
    };
    return PICK(names, kind);
}
