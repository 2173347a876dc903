// SPDX-License-Identifier: MIT
/*
 * The kernel's hw.h for an ordinary process: every privileged instruction acts
 * on a simulated machine.
 *
 * The build includes this file in front of each kernel source; it has the
 * guard of exokernel/hw.h, so the kernel's own is skipped. Physical memory is
 * an arena: physical address 0 is its first byte, and an address beyond its
 * end stops the test. The C library's <string.h> stands for lib/string.h.
 *
 * The machine itself is in the files beside this one (parts.h names them);
 * tests drive it through host.h.
 */
#ifndef EXO_HW_H
#define EXO_HW_H
#define EXO_LIB_STRING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cpu;

struct hw_flags {
    bool fsgsbase;
    bool rdrand;
};
extern struct hw_flags hw_flags;

/* Physical memory. */

void *host_memory(uint64_t pa);
uint64_t host_pa(const void *kva);

#define pa_to_kva host_memory
#define kva_to_pa host_pa

/* Devices: who tests a driver supplies them (unit/nic_device.c). */
uint8_t hw_inb(uint16_t port);
uint16_t hw_inw(uint16_t port);
uint32_t hw_inl(uint16_t port);
void hw_outb(uint16_t port, uint8_t value);
void hw_outw(uint16_t port, uint16_t value);
void hw_outl(uint16_t port, uint32_t value);
uint8_t hw_mmio_read8(const volatile void *at);
uint16_t hw_mmio_read16(const volatile void *at);
uint32_t hw_mmio_read32(const volatile void *at);
void hw_mmio_write8(volatile void *at, uint8_t value);
void hw_mmio_write16(volatile void *at, uint16_t value);
void hw_mmio_write32(volatile void *at, uint32_t value);

/* Time: each look at the clock takes a while. */
uint64_t hw_rdtsc(void);
bool hw_rdrand(uint64_t *out);

/* Address translation: mmu.c. */
uint64_t hw_read_cr2(void);
void hw_write_cr3(uint64_t value);
void hw_invlpg(uint64_t va);
enum hw_invpcid_type { HW_INVPCID_ADDRESS = 0 };
void hw_invpcid(uint64_t type, uint64_t pcid, uint64_t va);

/* Words of the user that runs. */
bool hw_user_load(uint64_t *to, uint64_t uva);
bool hw_user_load3(uint64_t to[3], uint64_t uva);
bool hw_user_store(uint64_t uva, uint64_t word);

/* Spinning: with one kernel entry at a time nobody else can end it. */
void hw_pause(void);
extern void (*host_on_pause)(void); /* what else happens then, if not null */

/* Back to the test until an interrupt arrives. */
void hw_halt_wait(void);

/* Those that have arrived, while idle. */
void hw_take_interrupts(void);

/* The FPU is one register. */
void hw_clts(void);
void hw_stts(void);
void hw_xsave(void *area, uint64_t mask);
void hw_xrstor(const void *area, uint64_t mask);
void hw_fxsave(void *area);
void hw_fxrstor(const void *area);

void hw_rd_user_bases(uint64_t *fs, uint64_t *gs);
void hw_wr_user_bases(uint64_t fs, uint64_t gs);

struct cpu *hw_this_cpu(void);
static inline uint64_t
hw_this_word(unsigned offset)
{
    return *(uint64_t *)((char *)hw_this_cpu() + offset);
}

struct hw_table {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));
static inline void
hw_lidt(const struct hw_table *table)
{
    (void)table;
}

#endif
