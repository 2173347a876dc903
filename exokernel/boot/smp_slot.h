// SPDX-License-Identifier: MIT
/*
 * Where an AP reports and what it is given; shared by trampoline.S and smp.c.
 */
#ifndef EXO_BOOT_SMP_SLOT_H
#define EXO_BOOT_SMP_SLOT_H

#define AP_SLOT_CPU     0
#define AP_SLOT_STACK   8
#define AP_SLOT_APIC_ID 16
#define AP_SLOT_PRESENT 20
#define AP_SLOT_RUNNING 24
#define AP_SLOT_BYTES   32

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

struct cpu;

struct ap_slot {
    struct cpu *volatile cpu; /* set last: the AP goes on. [a] */
    uint64_t stack;           /* its kernel stack's top */
    uint32_t apic_id;
    volatile uint32_t present; /* set by the AP: I have started. [a] */
    volatile uint32_t running; /* set by the AP: I run in C. [a] */
};

_Static_assert(offsetof(struct ap_slot, cpu) == AP_SLOT_CPU, "asm");
_Static_assert(offsetof(struct ap_slot, stack) == AP_SLOT_STACK, "asm");
_Static_assert(offsetof(struct ap_slot, apic_id) == AP_SLOT_APIC_ID, "asm");
_Static_assert(offsetof(struct ap_slot, present) == AP_SLOT_PRESENT, "asm");
_Static_assert(sizeof(struct ap_slot) == AP_SLOT_BYTES, "asm");

#endif
#endif
