// SPDX-License-Identifier: MIT
/*
 * See smp.h.
 */
#include "boot/smp.h"

#include "drv/acpi.h"
#include "boot/memory.h"
#include "boot/smp_slot.h"
#include "debug/print.h"
#include "drv/apic.h"
#include "drv/timer.h"
#include "hw.h"
#include "kernel.h"
#include "lib/string.h"

enum {
    /* APs answer in microseconds, in a busy emulator perhaps in seconds. */
    FIRST_WAIT_US = 100000,
    SECOND_WAIT_US = 2000000,
    RUN_WAIT_US = 10000000,
};

extern const char ap_trampoline[], ap_trampoline_end[];
extern const char ap_patch_gdt[], ap_patch_protected[], ap_patch_long[];
extern uint64_t boot_pml4[];

/* Read by trampoline.S. */
struct ap_slot ap_slots[EXO_MAX_CPUS];
uint32_t ap_slot_count;
uint64_t ap_root_pa;

_Noreturn void ap_main(struct cpu *c);

unsigned
smp_count(void)
{
    static unsigned count; /* 0: not asked before */
    if (count != 0)
        return count;
    uint64_t wanted = boot_option_number("cpus", EXO_MAX_CPUS);
    if (wanted > EXO_MAX_CPUS)
        wanted = EXO_MAX_CPUS;
    count = acpi.ncpus < wanted ? acpi.ncpus : (unsigned)wanted;
    if (count == 0 || K.boot.trampoline_pa == 0)
        count = 1;
    return count;
}

/* Add the page's address to a word of the trampoline's copy. */
static void
patch(char *copy, const char *where)
{
    uint32_t word;
    char *at = copy + (where - ap_trampoline);
    memcpy(&word, at, sizeof word);
    word += (uint32_t)K.boot.trampoline_pa;
    memcpy(at, &word, sizeof word);
}

static void
place_trampoline(void)
{
    char *copy = pa_to_kva(K.boot.trampoline_pa);
    memcpy(copy, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    patch(copy, ap_patch_gdt);
    patch(copy, ap_patch_protected);
    patch(copy, ap_patch_long);
    ap_root_pa = K.kernel_root_pa;
}

/* The CPUs to start: all listed but this one. */
static void
fill_slots(unsigned count)
{
    const uint32_t self = apic_id();
    for (unsigned i = 0; i < acpi.ncpus && ap_slot_count < count - 1; i++) {
        if (acpi.apic_id[i] != self)
            ap_slots[ap_slot_count++].apic_id = acpi.apic_id[i];
    }
}

static unsigned
count_present(void)
{
    unsigned present = 0;
    for (unsigned i = 0; i < ap_slot_count; i++)
        present += ap_slots[i].present;
    return present;
}

static bool
wait_present(uint64_t us)
{
    const uint64_t end = hw_rdtsc() + us * K.tsc_khz / 1000;
    while (count_present() < ap_slot_count) {
        if (hw_rdtsc() >= end)
            return false;
        hw_pause();
    }
    return true;
}

/* Start those that have not answered yet; the others ignore it. */
static void
send_startup(void)
{
    const uint8_t page = (uint8_t)(K.boot.trampoline_pa >> EXO_PAGE_SHIFT);
    for (unsigned i = 0; i < ap_slot_count; i++) {
        if (!ap_slots[i].present)
            apic_send_startup(ap_slots[i].apic_id, page);
    }
}

/* 64-bit CPUs need no wait between INIT and start-up; should one want the 10 ms
 * of old, the second start-up finds it ready. No second INIT: it could hit a
 * CPU that has just come up. */
static void
wake_all(void)
{
    for (unsigned i = 0; i < ap_slot_count; i++)
        apic_send_init(ap_slots[i].apic_id);
    send_startup();
    if (wait_present(FIRST_WAIT_US))
        return;
    send_startup();
    wait_present(SECOND_WAIT_US);
}

/* Give those that are there an index each, in the table's order, and let them
 * go on. INIT puts the others to sleep, whether they are awake by now or not.
 */
static void
release(void)
{
    bool there[EXO_MAX_CPUS];
    K.ncpus = 1;
    for (unsigned i = 0; i < ap_slot_count; i++) {
        there[i] = ap_slots[i].present;
        K.ncpus += there[i];
    }
    unsigned index = 1;
    for (unsigned i = 0; i < ap_slot_count; i++) {
        struct ap_slot *slot = &ap_slots[i];
        if (!there[i]) {
            apic_send_init(slot->apic_id);
            printk("smp: the CPU with APIC id %u does not start; left out\n",
                   slot->apic_id);
            continue;
        }
        struct cpu *c = K.cpu[index];
        c->index = index++;
        slot->stack = c->hw.main_stack_top;
        __atomic_store_n(&slot->cpu, c, __ATOMIC_RELEASE);
    }
}

_Noreturn void
ap_main(struct cpu *c)
{
    cpu_init(c);
    apic_init_cpu();
    timer_init_cpu();
    for (unsigned i = 0; i < ap_slot_count; i++) {
        if (ap_slots[i].cpu == c)
            __atomic_store_n(&ap_slots[i].running, 1, __ATOMIC_RELEASE);
    }
    kernel_main_ap(c);
}

static void
wait_running(void)
{
    const uint64_t end = hw_rdtsc() + RUN_WAIT_US * K.tsc_khz / 1000;
    for (unsigned i = 0; i < ap_slot_count; i++) {
        while (ap_slots[i].cpu != NULL && !ap_slots[i].running) {
            if (hw_rdtsc() >= end)
                panic("the CPU with APIC id %u started but went astray",
                      ap_slots[i].apic_id);
            hw_pause();
        }
    }
}

void
smp_start(void)
{
    const unsigned count = smp_count();
    K.ncpus = 1;
    if (count == 1)
        return;
    place_trampoline();
    fill_slots(count);
    wake_all();
    release();
    wait_running();
    /* Nobody uses the boot page tables any more; they map all memory writable
     * and executable. A CPU that was left out might still be on them. */
    if (K.ncpus == count)
        memset(pa_to_kva((uint64_t)boot_pml4 - KVBASE), 0, EXO_PAGE_BYTES);
}
