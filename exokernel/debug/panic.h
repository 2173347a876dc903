// SPDX-License-Identifier: MIT
/*
 * The one way to stop because the kernel itself is wrong, and the one way to
 * refuse to boot.
 *
 * panic() is for broken invariants: it stops the other CPUs by NMI, prints the
 * reason, place, CPU, return addresses and the last trace events, and ends the
 * emulator with PANIC_EXIT. A panic inside it prints one line and stops.
 * boot_refuse() is for a machine or loader we cannot use: one readable line,
 * exit REFUSE_EXIT. Neither is for user input once the machine runs.
 *
 * assert() is always compiled in.
 */
#ifndef EXO_DEBUG_PANIC_H
#define EXO_DEBUG_PANIC_H

#include <stdint.h>

enum {
    PANIC_EXIT = 0x0e,  /* QEMU's status: 29 */
    REFUSE_EXIT = 0x0d, /* QEMU's status: 27 */
};

/* Registers at an exception, for panic_regs(). */
struct panic_frame {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14,
        r15;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

_Noreturn void panic_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Panic with the registers of an exception in the kernel. */
_Noreturn void panic_regs(const struct panic_frame *frame, const char *format,
                          ...) __attribute__((format(printf, 2, 3)));

/* Print registers; part of panic_regs(). */
void panic_print_frame(const struct panic_frame *frame);

/* Call from the NMI handler: does not return when another CPU panics. */
void panic_check_nmi(void);

_Noreturn void boot_refuse(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

#define assert(x)                                                              \
    do {                                                                       \
        if (__builtin_expect(!(x), 0))                                         \
            panic("assertion failed: %s", #x);                                 \
    } while (0)

#endif
