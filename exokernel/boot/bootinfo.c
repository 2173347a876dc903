// SPDX-License-Identifier: MIT
/*
 * See bootinfo.h. The parsers of multiboot1.c and multiboot2.c report facts;
 * here they are copied, checked against each other, and turned into lists of
 * memory that is free and memory that is not.
 */
#include "boot/bootinfo.h"

#include "boot/multiboot.h"
#include "boot/region.h"
#include "debug/print.h"
#include "kernel.h"
#include "lib/string.h"

#define FOUR_GIB (UINT64_C(1) << 32)
#define PA_END   (UINT64_C(1) << 52)

enum {
    TEXT_BYTES = 8192,
    RSDP_BYTES = 36,
};

extern const char kernel_image_start[], kernel_image_end[];
extern const uint64_t boot_entry_tsc;

/* Copies of all strings, one after the other. */
static char text[TEXT_BYTES];
static uint8_t rsdp_copy[RSDP_BYTES] __attribute__((aligned(8)));

static uint64_t
image_pa(const char *symbol)
{
    return (uint64_t)symbol - KVBASE;
}

static uint64_t
page_down(uint64_t pa)
{
    return pa & ~(uint64_t)(EXO_PAGE_BYTES - 1);
}

static uint64_t
page_up(uint64_t pa)
{
    return page_down(pa + EXO_PAGE_BYTES - 1);
}

const void *
loader_memory(uint64_t pa, uint64_t len, const char *what)
{
    if (pa == 0 || len > FOUR_GIB || pa > FOUR_GIB - len)
        boot_refuse("the boot loader's %s is damaged (%lu bytes at 0x%lx)",
                    what, len, pa);
    return pa_to_kva(pa);
}

static const char *
copy_text(uint64_t pa, uint64_t max, const char *what)
{
    if (pa == 0)
        return "";
    if (max > FOUR_GIB - pa)
        max = FOUR_GIB - pa;
    const char *from = loader_memory(pa, max, what);
    const size_t len = strnlen(from, max);
    if (len == max)
        boot_refuse("the boot loader's %s does not end within %lu bytes", what,
                    max);
    if (len >= TEXT_BYTES - K.boot.text_used)
        boot_refuse("the command line and module strings are longer than %u "
                    "bytes",
                    TEXT_BYTES);
    char *copy = text + K.boot.text_used;
    memcpy(copy, from, len);
    copy[len] = '\0';
    K.boot.text_used += len + 1;
    return copy;
}

void
bootinfo_add_memory(uint64_t start, uint64_t len, uint32_t type)
{
    /* Firmware writes what it likes; what wraps around is cut, and so is what
     * no page table could name. */
    uint64_t end = start + len;
    if (end < start || end > PA_END)
        end = PA_END;
    if (start >= end)
        return;
    struct bootinfo *boot = &K.boot;
    if (type == MULTIBOOT_RAM) {
        region_add(boot->ram, &boot->nram, page_up(start), page_down(end));
        return;
    }
    /* No reserved range may be forgotten: it could lie in RAM. */
    if (boot->nreserved == BOOT_MAX_REGIONS)
        region_join(boot->reserved, &boot->nreserved);
    region_add(boot->reserved, &boot->nreserved, page_down(start),
               page_up(end));
}

void
bootinfo_set_cmdline(uint64_t text_pa, uint64_t max)
{
    K.boot.cmdline = copy_text(text_pa, max, "command line");
}

void
bootinfo_set_loader(uint64_t text_pa, uint64_t max)
{
    K.boot.loader = copy_text(text_pa, max, "name");
}

void
bootinfo_set_rsdp(const void *rsdp, uint64_t len)
{
    /* A newer one, which is longer, wins over an old one. */
    memcpy(rsdp_copy, rsdp, len < RSDP_BYTES ? len : RSDP_BYTES);
    K.boot.rsdp_pa = (uint64_t)rsdp_copy - KVBASE;
}

void
bootinfo_add_module(uint64_t start, uint64_t end, uint64_t text_pa,
                    uint64_t max)
{
    const unsigned index = K.boot.nmodules;
    if (index == BOOT_MAX_MODULES)
        boot_refuse("more than %u modules", BOOT_MAX_MODULES);
    if (end < start)
        boot_refuse("module %u ends before it begins", index);
    const char *whole = copy_text(text_pa, max, "module string");
    const char *args = whole;
    while (*args != '\0' && *args != ' ')
        args++;
    while (*args == ' ')
        args++;
    K.boot.modules[index] =
        (struct boot_module){start, end - start, whole, args};
    K.boot.nmodules++;
}

/* A module must lie in memory, apart from the kernel. */
static void
check_module(unsigned index)
{
    const struct boot_module *m = &K.boot.modules[index];
    const uint64_t start = page_down(m->pa), end = page_up(m->pa + m->size);
    if (m->size == 0)
        return;
    if (m->pa % EXO_PAGE_BYTES != 0)
        boot_refuse("module %u (%s) at 0x%lx is not page aligned", index,
                    m->text, m->pa);
    if (start == 0 || !region_contains(K.boot.ram, K.boot.nram, start, end))
        boot_refuse("module %u (%s) at 0x%lx, %lu bytes, lies outside memory",
                    index, m->text, m->pa, m->size);
    if (start < image_pa(kernel_image_end) &&
        end > image_pa(kernel_image_start))
        boot_refuse("module %u (%s) at 0x%lx lies on the kernel", index,
                    m->text, m->pa);
}

/* An AP starts in real mode, on a page it can address: 4 KiB .. 636 KiB. */
static void
choose_trampoline(void)
{
    const struct boot_region *r = K.boot.regions;
    for (unsigned i = 0; i < K.boot.nregions; i++) {
        if (r[i].start < 0x9f000) {
            K.boot.trampoline_pa = r[i].start;
            region_remove(K.boot.regions, &K.boot.nregions, r[i].start,
                          r[i].start + EXO_PAGE_BYTES);
            return;
        }
    }
}

/* From the raw map: what is RAM for sure. */
static void
settle_ram(void)
{
    struct bootinfo *boot = &K.boot;
    const uint64_t beyond = UINT64_C(1) << cpu_phys_bits();
    region_remove(boot->ram, &boot->nram, beyond, UINT64_MAX);
    region_remove(boot->reserved, &boot->nreserved, FOUR_GIB, UINT64_MAX);
    for (unsigned i = 0; i < boot->nreserved; i++)
        region_remove(boot->ram, &boot->nram, boot->reserved[i].start,
                      boot->reserved[i].end);
    if (boot->nram == 0)
        boot_refuse("the boot loader gave no memory map");
    if (!region_contains(boot->ram, boot->nram, image_pa(kernel_image_start),
                         image_pa(kernel_image_end)))
        boot_refuse("the memory map says there is no memory where the kernel "
                    "is");
}

/* What of the RAM is free. */
static void
settle_regions(void)
{
    struct bootinfo *boot = &K.boot;
    for (unsigned i = 0; i < boot->nram; i++) {
        boot->regions[i] = boot->ram[i];
        boot->ram_pages_total +=
            (boot->ram[i].end - boot->ram[i].start) >> EXO_PAGE_SHIFT;
        boot->top_pa = boot->ram[i].end;
    }
    boot->nregions = boot->nram;
    region_remove(boot->regions, &boot->nregions, 0, EXO_PAGE_BYTES);
    region_remove(boot->regions, &boot->nregions, image_pa(kernel_image_start),
                  image_pa(kernel_image_end));
    for (unsigned i = 0; i < boot->nmodules; i++) {
        check_module(i);
        const struct boot_module *m = &boot->modules[i];
        region_remove(boot->regions, &boot->nregions, page_down(m->pa),
                      page_up(m->pa + m->size));
    }
    choose_trampoline();
}

void
bootinfo_init(uint32_t magic, uint32_t info_pa)
{
    K.entry_tsc = boot_entry_tsc;
    K.boot.cmdline = K.boot.loader = "";
    if (magic == MULTIBOOT1_MAGIC)
        multiboot1_parse(info_pa);
    else if (magic == MULTIBOOT2_MAGIC)
        multiboot2_parse(info_pa);
    else
        boot_refuse("not started by a Multiboot loader (EAX was 0x%x)", magic);
    settle_ram();
    settle_regions();
}

static const char *
next_word(const char *at)
{
    while (*at != '\0' && *at != ' ')
        at++;
    while (*at == ' ')
        at++;
    return at;
}

const char *
boot_option_next(const char *name, const char *last)
{
    const size_t len = strlen(name);
    const char *at = last == NULL ? K.boot.cmdline : next_word(last);
    for (; *at != '\0'; at = next_word(at)) {
        if (strncmp(at, name, len) != 0)
            continue;
        if (at[len] == '=')
            return at + len + 1;
        if (at[len] == ' ' || at[len] == '\0')
            return at + len;
    }
    return NULL;
}

const char *
boot_option(const char *name)
{
    return boot_option_next(name, NULL);
}

static int
digit_of(char c, unsigned base)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (base == 16 && c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool
boot_number(const char **text, uint64_t *value)
{
    const char *at = *text;
    const unsigned base = at[0] == '0' && at[1] == 'x' ? 16 : 10;
    if (base == 16)
        at += 2;
    const char *first = at;
    *value = 0;
    for (int d; (d = digit_of(*at, base)) >= 0; at++) {
        if (*value > (UINT64_MAX - (unsigned)d) / base)
            return false;
        *value = *value * base + (unsigned)d;
    }
    *text = at;
    return at != first;
}

uint64_t
boot_option_number(const char *name, uint64_t fallback)
{
    const char *at = boot_option(name);
    uint64_t value;
    if (at == NULL)
        return fallback;
    if (!boot_number(&at, &value) || (*at != ' ' && *at != '\0')) {
        printk("boot: option %s is no number; %lu is used\n", name, fallback);
        return fallback;
    }
    return value;
}
