// SPDX-License-Identifier: MIT
/*
 * Stand-ins for the drivers and for what only a booting kernel has: serial
 * ports that print, APICs that set a bit, the alarm, the FPU, panic.
 */
#include "parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/common_interface_defs.h>

#include "boot/memory.h"
#include "debug/symbols.h"
#include "drv/apic.h"
#include "drv/nic.h"
#include "drv/power.h"
#include "drv/rtc.h"
#include "drv/timer.h"
#include "drv/uart.h"

bool host_quiet;
struct nic nic; /* there is no card */
void (*host_on_panic)(const char *why);

static struct {
    char text[512];
    size_t put, taken;
} typed[UART_PORTS];

/* ---- serial ports ------------------------------------------------------- */

bool
uart_present(unsigned port)
{
    return port < UART_PORTS;
}

size_t
uart_write(unsigned port, const void *buf, size_t n)
{
    if (!host_quiet && port == UART_CONSOLE)
        fwrite(buf, 1, n, stdout);
    return n;
}

void
uart_put_sync(unsigned port, char c)
{
    uart_write(port, &c, 1);
}

size_t
uart_read(unsigned port, void *buf, size_t n)
{
    size_t there = typed[port].put - typed[port].taken;
    n = n < there ? n : there;
    memcpy(buf, typed[port].text + typed[port].taken, n);
    typed[port].taken += n;
    return n;
}

unsigned
uart_irq(unsigned port)
{
    return typed[port].put != typed[port].taken ? UART_RX : 0;
}

void
uart_enable_irq(unsigned port, bool transmit)
{
    (void)port, (void)transmit;
}

void
host_type(unsigned port, const char *text)
{
    size_t n = strlen(text);
    if (typed[port].put + n > sizeof(typed[port].text))
        typed[port].put = typed[port].taken = 0;
    memcpy(typed[port].text + typed[port].put, text, n);
    typed[port].put += n;
    host_cpus[0].irq |= 1u << (VECTOR_COM1 + port - 32);
}

/* ---- interrupts ---------------------------------------------------------- */

void
apic_eoi(void)
{
}

bool
ioapic_route_isa(unsigned irq, uint8_t vector)
{
    (void)irq, (void)vector;
    return true;
}

/* Its receiver has interrupts on, so what must be answered is at once; the
 * rest waits until the test lets that CPU take it. */
void
apic_ipi(struct cpu *to, uint8_t vector)
{
    struct host_cpu *h = host_of(to);
    if (vector != VECTOR_FLUSH)
        h->irq |= 1u << (vector - 32);
    if (h == host_this())
        return;
    if (to->kicked != to->kick_ack)
        h->must_irq = true;
    host_serve(h);
}

void
timer_arm(uint64_t tsc_deadline)
{
    host_this()->alarm = tsc_deadline;
}

void
timer_stop(void)
{
    host_this()->alarm = EXO_NEVER;
}

uint64_t
rtc_epoch_ns(void)
{
    return 1700000000000000000ull;
}

bool
hw_rdrand(uint64_t *out)
{
    (void)out;
    return false;
}

_Noreturn void
power_off(unsigned code)
{
    host_power(code);
}

_Noreturn void
power_reboot(void)
{
    host_power(~0u);
}

/* ---- registers that are switched with an env ----------------------------- */

#define FPU_WORD 80 /* of the XSAVE area: first of the AVX component */

void
hw_clts(void)
{
    host_this()->ts = false;
}

void
hw_stts(void)
{
    host_this()->ts = true;
}

void
hw_xsave(void *area, uint64_t mask)
{
    uint64_t *word = area;
    if (host_this()->ts)
        panic("XSAVE with CR0.TS set");
    word[64] = mask; /* XSTATE_BV */
    word[FPU_WORD] = host_this()->fpu;
}

void
hw_xrstor(const void *area, uint64_t mask)
{
    const uint64_t *word = area;
    if (host_this()->ts)
        panic("XRSTOR with CR0.TS set");
    if (word[65] || (word[64] & ~mask))
        panic("XRSTOR of a bad header: #GP");
    host_this()->fpu = word[64] & 4 ? word[FPU_WORD] : 0;
}

void
hw_fxsave(void *area)
{
    hw_xsave(area, 0);
}

void
hw_fxrstor(const void *area)
{
    hw_xrstor(area, 7);
}

void
hw_rd_user_bases(uint64_t *fs, uint64_t *gs)
{
    *fs = host_this()->fs_base;
    *gs = host_this()->gs_base;
}

void
hw_wr_user_bases(uint64_t fs, uint64_t gs)
{
    host_this()->fs_base = fs;
    host_this()->gs_base = gs;
}

/* ---- the end ---------------------------------------------------------------
 */

static _Noreturn void
die(const char *where, int line, const char *format, va_list args)
{
    char why[512];
    vsnprintf(why, sizeof(why), format, args);
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s\n", where, line, why);
    if (host_on_panic)
        host_on_panic(why);
    __sanitizer_print_stack_trace();
    abort();
}

_Noreturn void
panic_at(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    die(file, line, format, args);
}

_Noreturn void
panic_regs(const struct panic_frame *frame, const char *format, ...)
{
    va_list args;
    (void)frame;
    va_start(args, format);
    die("trap", 0, format, args);
}

/* Ends the host_try() that it happens in. */
_Noreturn void
boot_refuse(const char *format, ...)
{
    static char why[512];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    host_refusal = why;
    host_back();
}

void
panic_check_nmi(void)
{
}

/* Symbols that only linking the kernel defines. */

const char trap_stubs[256 * 16];
void trap_nmi(void);
void trap_double_fault(void);
void trap_machine_check(void);
void trap_debug(void);

void
trap_nmi(void)
{
}

void
trap_double_fault(void)
{
}

void
trap_machine_check(void)
{
}

void
trap_debug(void)
{
}

int
memory_stack_cpu(uint64_t kva)
{
    (void)kva;
    return -1;
}

const uint64_t boot_entry_tsc;

unsigned
cpu_phys_bits(void)
{
    return 40;
}
