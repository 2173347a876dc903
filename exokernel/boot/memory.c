// SPDX-License-Identifier: MIT
/*
 * See memory.h. Page tables are written through the physmap; the boot tables
 * have one of the first 4 GiB, so until memory_init() is done tables and
 * boot_alloc()'s memory come from there.
 */
#include "boot/memory.h"

#include "boot/alloc.h"
#include "boot/region.h"
#include "debug/sanitize.h"
#include "hw.h"
#include "kernel.h"

enum pte {
    PTE_P = 1u << 0,
    PTE_W = 1u << 1,
    PTE_USER = 1u << 2,
    PTE_PWT = 1u << 3,
    PTE_PCD = 1u << 4,
    PTE_BIG = 1u << 7,
    PTE_GLOBAL = 1u << 8,
};
#define PTE_NX   (UINT64_C(1) << 63)
#define PTE_ADDR UINT64_C(0x000ffffffffff000)

/* What a kernel mapping may be: never writable and executable. */
#define MAP_RX     ((uint64_t)PTE_P | PTE_GLOBAL)
#define MAP_RO     (MAP_RX | PTE_NX)
#define MAP_RW     (MAP_RO | PTE_W)
#define MAP_DEVICE (MAP_RW | PTE_PCD | PTE_PWT)

/* The stacks of one CPU: where each begins in its 64 KiB, and how long. The
 * page below each is not mapped. */
enum {
    STACK_SPACE = 64 * 1024,
    STACK_IST = 0x1000, /* and 0x3000, 0x5000, 0x7000 */
    STACK_IST_BYTES = 0x1000,
    STACK_IST_STEP = 0x2000,
    STACK_MAIN = 0x9000,
    STACK_MAIN_BYTES = KERNEL_STACK_BYTES, /* of the build */
};
_Static_assert(STACK_MAIN_BYTES % 4096 == 0 &&
                   STACK_MAIN + STACK_MAIN_BYTES <= STACK_SPACE,
               "the main stack is the last of its space");

enum { MMIO_MAPPINGS = 32 };

extern const char kernel_image_start[], kernel_text_end[], kernel_rodata_end[],
    kernel_image_end[];
extern const char boot_tables[], boot_tables_end[];

static uint64_t mmio_next = MMIO_WINDOW;
static struct {
    uint64_t pa, end, kva;
} mmio[MMIO_MAPPINGS];
static unsigned nmmio;

/* The entry for va in the table of `level` (1: maps 4 KiB .. 3: 1 GiB); tables
 * on the way are made. */
static uint64_t *
entry_for(uint64_t va, unsigned level)
{
    uint64_t *table = pa_to_kva(K.kernel_root_pa);
    for (unsigned l = 4; l > level; l--) {
        uint64_t *entry = &table[va >> (12 + 9 * (l - 1)) & 511];
        if ((*entry & PTE_P) == 0) {
            const void *new = boot_alloc(EXO_PAGE_BYTES, EXO_PAGE_BYTES);
            *entry = kva_to_pa(new) | PTE_P | PTE_W;
        }
        assert((*entry & PTE_BIG) == 0);
        table = pa_to_kva(*entry & PTE_ADDR);
    }
    return &table[va >> (12 + 9 * (level - 1)) & 511];
}

/* The largest page that fits at va and pa with len bytes to go, as a level. */
static unsigned
level_for(uint64_t va, uint64_t pa, uint64_t len)
{
    for (unsigned level = K.features.page1g ? 3 : 2; level > 1; level--) {
        const uint64_t bytes = UINT64_C(1) << (12 + 9 * (level - 1));
        if (((va | pa) & (bytes - 1)) == 0 && len >= bytes)
            return level;
    }
    return 1;
}

static void
map(uint64_t va, uint64_t pa, uint64_t end_pa, uint64_t rights)
{
    while (pa < end_pa) {
        const unsigned level = level_for(va, pa, end_pa - pa);
        uint64_t *entry = entry_for(va, level);
        uint64_t bytes = UINT64_C(1) << (12 + 9 * (level - 1));
        const uint64_t big = level > 1 ? PTE_BIG : 0;
        /* Fill to the end of this table without walking again. */
        do {
            assert((*entry & PTE_P) == 0);
            *entry++ = pa | rights | big;
            va += bytes;
            pa += bytes;
        } while (end_pa >= pa + bytes && ((uintptr_t)entry & 4095) != 0 &&
                 level_for(va, pa, end_pa - pa) == level);
    }
}

static uint64_t
image_pa(const char *symbol)
{
    return (uint64_t)symbol - KVBASE;
}

/* Map RAM read-write, but what lies in the kernel's text and rodata. */
static void
map_ram(uint64_t start, uint64_t end)
{
    const uint64_t ro_start = image_pa(kernel_image_start);
    const uint64_t ro_end = image_pa(kernel_rodata_end);
    if (start >= ro_end || end <= ro_start) {
        map(PHYSMAP + start, start, end, MAP_RW);
        return;
    }
    /* The kernel lies in one region; bootinfo_init() made sure. */
    map(PHYSMAP + start, start, ro_start, MAP_RW);
    map(PHYSMAP + ro_start, ro_start, ro_end, MAP_RO);
    map(PHYSMAP + ro_end, ro_end, end, MAP_RW);
}

/* What the memory map does not mention below 1 MiB: the BIOS's data and code,
 * where older firmware keeps its tables. */
static void
map_bios_area(void)
{
    struct boot_region hole[BOOT_MAX_REGIONS] = {{0, 0x100000}};
    unsigned count = 1;
    for (unsigned i = 0; i < K.boot.nram; i++)
        region_remove(hole, &count, K.boot.ram[i].start, K.boot.ram[i].end);
    for (unsigned i = 0; i < K.boot.nreserved; i++)
        region_remove(hole, &count, K.boot.reserved[i].start,
                      K.boot.reserved[i].end);
    for (unsigned i = 0; i < count; i++)
        map(PHYSMAP + hole[i].start, hole[i].start, hole[i].end, MAP_RO);
}

/* The image where it is linked. The boot tables are left out: they are the
 * guard below the boot stack. */
static void
map_image(void)
{
    const char *const edges[] = {kernel_image_start, kernel_text_end,
                                 kernel_rodata_end, boot_tables};
    const uint64_t rights[] = {MAP_RX, MAP_RO, MAP_RW};
    for (unsigned i = 0; i < ARRAY_SIZE(rights); i++)
        map((uint64_t)edges[i], image_pa(edges[i]), image_pa(edges[i + 1]),
            rights[i]);
    map((uint64_t)boot_tables_end, image_pa(boot_tables_end),
        image_pa(kernel_image_end), MAP_RW);
}

void
memory_init(void)
{
    K.kernel_root_pa = kva_to_pa(boot_alloc(EXO_PAGE_BYTES, EXO_PAGE_BYTES));
    map_image();
    for (unsigned i = 0; i < K.boot.nram; i++)
        map_ram(K.boot.ram[i].start, K.boot.ram[i].end);
    for (unsigned i = 0; i < K.boot.nreserved; i++)
        map(PHYSMAP + K.boot.reserved[i].start, K.boot.reserved[i].start,
            K.boot.reserved[i].end, MAP_RO);
    map_bios_area();
    /* Top-level entries for the other windows, so that none is added later. */
    entry_for(KSTACKS, 1);
    entry_for(MMIO_WINDOW, 1);

    hw_wrmsr(HW_MSR_EFER, hw_rdmsr(HW_MSR_EFER) | CPU_EFER);
    hw_write_cr3(K.kernel_root_pa);
    alloc_allow_high();
    sanitize_init();
}

static uint64_t
map_stack(uint64_t va, uint64_t bytes)
{
    const uint64_t pa = kva_to_pa(boot_alloc(bytes, EXO_PAGE_BYTES));
    map(va, pa, pa + bytes, MAP_RW);
    return va + bytes;
}

/* The sanitizers' shadow of a CPU's stacks, if this is such a kernel. */
static void
map_shadow(uint64_t base)
{
    uint64_t shadow;
    const uint64_t bytes = sanitize_shadow(base, STACK_SPACE, &shadow);
    if (bytes != 0)
        map_stack(shadow, bytes);
}

void
memory_map_stacks(unsigned index, struct cpu_hw *hw)
{
    assert(index < EXO_MAX_CPUS);
    const uint64_t base = KSTACKS + (uint64_t)index * STACK_SPACE;
    map_shadow(base);
    hw->main_stack_top = map_stack(base + STACK_MAIN, STACK_MAIN_BYTES);
    for (unsigned i = 0; i < ARRAY_SIZE(hw->ist_top); i++)
        hw->ist_top[i] =
            map_stack(base + STACK_IST + i * STACK_IST_STEP, STACK_IST_BYTES);
}

void *
mmio_map(uint64_t pa, size_t len)
{
    for (unsigned i = 0; i < nmmio; i++) {
        if (mmio[i].pa <= pa && pa + len <= mmio[i].end)
            return (void *)(mmio[i].kva + (pa - mmio[i].pa));
    }
    assert(nmmio < MMIO_MAPPINGS && len > 0);
    const uint64_t start = pa & ~UINT64_C(0xfff);
    const uint64_t end = (pa + len + 0xfff) & ~UINT64_C(0xfff);
    map(mmio_next, start, end, MAP_DEVICE);
    mmio[nmmio].pa = start;
    mmio[nmmio].end = end;
    mmio[nmmio++].kva = mmio_next;
    const uint64_t kva = mmio_next + (pa - start);
    mmio_next += end - start;
    return (void *)kva;
}

bool
mmio_is_possible(uint64_t pa, uint64_t len)
{
    const uint64_t beyond = UINT64_C(1) << cpu_phys_bits();
    if (pa == 0 || len == 0 || pa >= beyond || len > beyond - pa)
        return false;
    for (unsigned i = 0; i < K.boot.nram; i++) {
        if (pa < K.boot.ram[i].end && pa + len > K.boot.ram[i].start)
            return false;
    }
    return true;
}

/* The entry that maps va, 0 when none does; *level: of the page, 1 to 3. */
static uint64_t
walk(uint64_t va, unsigned *level)
{
    const uint64_t *table = pa_to_kva(K.kernel_root_pa);
    for (*level = 4;; (*level)--) {
        const uint64_t entry = table[va >> (12 + 9 * (*level - 1)) & 511];
        if ((entry & PTE_P) == 0)
            return 0;
        if (*level == 1 || (entry & PTE_BIG) != 0)
            return entry;
        table = pa_to_kva(entry & PTE_ADDR);
    }
}

bool
memory_is_mapped(uint64_t pa, uint64_t len)
{
    const uint64_t limit = UINT64_C(1) << 46;
    if (len > limit || pa > limit - len)
        return false;
    const uint64_t end = pa + len;
    while (pa < end) {
        unsigned level;
        if (walk(PHYSMAP + pa, &level) == 0)
            return false;
        pa = (pa | ((UINT64_C(1) << (12 + 9 * (level - 1))) - 1)) + 1;
    }
    return true;
}

int
memory_stack_cpu(uint64_t kva)
{
    if (kva < KSTACKS || kva >= KSTACKS + EXO_MAX_CPUS * (uint64_t)STACK_SPACE)
        return -1;
    return (int)((kva - KSTACKS) / STACK_SPACE);
}

uint64_t
memory_stack_top(uint64_t kva)
{
    if (memory_stack_cpu(kva) < 0)
        return kva;
    const uint64_t offset = (kva - KSTACKS) % STACK_SPACE, base = kva - offset;
    if (offset >= STACK_MAIN && offset < STACK_MAIN + STACK_MAIN_BYTES)
        return base + STACK_MAIN + STACK_MAIN_BYTES;
    for (unsigned i = 0; i < CPU_IST_DEBUG; i++) {
        const uint64_t start = STACK_IST + i * STACK_IST_STEP;
        if (offset >= start && offset < start + STACK_IST_BYTES)
            return base + start + STACK_IST_BYTES;
    }
    return kva;
}

/* Check the entries below one table; write and execute: what the levels above
 * allow. */
static void
check_table(uint64_t table_pa, unsigned level, bool write, bool execute)
{
    const uint64_t *table = pa_to_kva(table_pa);
    for (unsigned i = 0; i < 512; i++) {
        const uint64_t e = table[i];
        if ((e & PTE_P) == 0)
            continue;
        const bool w = write && (e & PTE_W) != 0;
        const bool x = execute && (e & PTE_NX) == 0;
        assert((e & PTE_USER) == 0);
        if (level == 1 || (e & PTE_BIG) != 0)
            assert(!(w && x)); /* MEM-1 */
        else
            check_table(e & PTE_ADDR, level - 1, w, x);
    }
}

static bool
is_mapped_at(uint64_t va)
{
    unsigned level;
    return walk(va, &level) != 0;
}

void
check_memory(void)
{
    const uint64_t *root = pa_to_kva(K.kernel_root_pa);
    for (unsigned i = 0; i < 256; i++)
        assert(root[i] == 0); /* MEM-4 */
    check_table(K.kernel_root_pa, 4, true, true);
    for (unsigned i = 0; i < K.ncpus; i++) { /* MEM-3 */
        const uint64_t base = KSTACKS + (uint64_t)i * STACK_SPACE;
        assert(is_mapped_at(base + STACK_MAIN));
        assert(!is_mapped_at(base + STACK_MAIN - 1));
        for (unsigned s = 0; s < CPU_IST_DEBUG; s++)
            assert(!is_mapped_at(base + STACK_IST + s * STACK_IST_STEP - 1));
    }
}
