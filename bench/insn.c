// SPDX-License-Identifier: MIT
/*
 * insn.c: a QEMU plugin that counts what a guest executes, whatever its OS.
 *
 *   -plugin insn.so,log=FILE[,at=ADDRESS:ID]...[,profile=FILE]
 *   -plugin insn.so,live=FILE[,table=FILE]
 *
 * log      one line for each marker executed: the marker and the counters of
 *          enum counter, as they are just before it. A marker is the no-op
 *          0f 1f 84 00 <id16> c5 5e, or the instruction at an `at=` address.
 * profile  at the end, how often each instruction was executed between markers
 *          1 and 2: "address executions", hexadecimal and decimal.
 * live     the counters, as a file that is this program's memory: to be looked
 * at while the guest runs. table    the same of how often each instruction was
 * executed, struct execution.
 *
 * Instructions count as executed; halted time adds nothing. Each iteration of
 * a REP string instruction counts as one. "High" is the upper half of the
 * address space, where kernels live. A crossing is control passing from the
 * low half to the high one: system calls, exceptions and interrupts. A turn is
 * the no-op 0f 1f 84 00 .. .. c6 5e, by which a program that waits for an
 * interrupt marks one round of its waiting loop, so that it can be left out.
 *
 * One virtual CPU only: the counters are not atomic.
 */
#define _GNU_SOURCE
#include "qemu_plugin.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum counter { LOW, HIGH, REP, CROSSINGS, CR3, INVLPG, TURNS, COUNTERS };

enum { MARK_BEGIN = 1, MARK_END = 2, AT_MAX = 8 };

#define HASH_SLOTS (1u << 18) // power of two, far more than a guest's code

struct execution {
    uint64_t address, count, before, inside;
};

PLUGIN_EXPORT int qemu_plugin_version = 1;
PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                                      const struct qemu_info_t *info, int argc,
                                      char **argv);

static uint64_t own[COUNTERS], *counter = own;
static unsigned last_half;
static FILE *log_file;
static const char *profile_path;
static struct execution *executions; // open hashing by address
static struct {
    uint64_t address;
    unsigned id;
} at[AT_MAX];
static unsigned at_count;

// Sums up what lies between markers 1 and 2.
static void
profile_mark(unsigned id)
{
    static bool begun;
    for (unsigned i = 0; i < HASH_SLOTS; i++) {
        struct execution *e = &executions[i];
        if (id == MARK_BEGIN)
            e->before = e->count;
        else if (begun)
            e->inside += e->count - e->before;
    }
    begun = id == MARK_BEGIN;
}

static void
on_marker(unsigned vcpu, void *user)
{
    unsigned id = (unsigned)(uintptr_t)user;
    (void)vcpu;
    fprintf(log_file, "%u", id);
    for (unsigned i = 0; i < COUNTERS; i++)
        fprintf(log_file, " %" PRIu64, counter[i]);
    fputc('\n', log_file);
    fflush(log_file);
    if (executions && (id == MARK_BEGIN || id == MARK_END))
        profile_mark(id);
}

static void
on_block(unsigned vcpu, void *user)
{
    unsigned half = (unsigned)(uintptr_t)user;
    (void)vcpu;
    if (half == last_half)
        return;
    counter[CROSSINGS] += half;
    last_half = half;
}

// Skips prefixes, among them REX; *rep tells whether one was F2 or F3.
static const uint8_t *
skip_prefixes(const uint8_t *byte, const uint8_t *end, bool *rep)
{
    for (*rep = false; byte < end; byte++) {
        if (*byte == 0xf2 || *byte == 0xf3)
            *rep = true;
        else if (!memchr("\x66\x67\x2e\x36\x3e\x26\x64\x65", *byte, 8) &&
                 (*byte & 0xf0) != 0x40)
            break;
    }
    return byte;
}

// INS, OUTS, MOVS, CMPS, STOS, LODS and SCAS.
static bool
is_string(uint8_t opcode)
{
    return (opcode >= 0x6c && opcode <= 0x6f) ||
           (opcode >= 0xa4 && opcode <= 0xa7) ||
           (opcode >= 0xaa && opcode <= 0xaf);
}

// The counter that an instruction adds to beside its half's, or COUNTERS.
static enum counter
classify(const uint8_t *byte, size_t size)
{
    const uint8_t *end = byte + size;
    bool rep;
    byte = skip_prefixes(byte, end, &rep);
    size = (size_t)(end - byte);
    if (rep && size && is_string(byte[0]))
        return REP;
    if (size < 3 || byte[0] != 0x0f)
        return COUNTERS;
    if (byte[1] == 0x22 && (byte[2] & 0x38) == 0x18)
        return CR3; // mov to cr3
    if (byte[1] == 0x01 && (byte[2] & 0x38) == 0x38 && byte[2] < 0xc0)
        return INVLPG;
    if (byte[1] == 0x38 && byte[2] == 0x82)
        return INVLPG; // invpcid
    return COUNTERS;
}

static bool
is_marked_nop(const uint8_t *byte, size_t size, uint8_t kind)
{
    return size == 8 && !memcmp(byte, "\x0f\x1f\x84\x00", 4) &&
           byte[6] == kind && byte[7] == 0x5e;
}

static void
add_marker(struct qemu_plugin_insn *insn, unsigned id)
{
    qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, PLUGIN_NO_REGS,
                                           (void *)(uintptr_t)id);
}

static void
add_inline(struct qemu_plugin_insn *insn, uint64_t *to)
{
    qemu_plugin_register_vcpu_insn_exec_inline(insn, PLUGIN_INLINE_ADD, to, 1);
}

static void
add_profile(struct qemu_plugin_insn *insn, uint64_t address)
{
    unsigned i = (unsigned)(address * 0x9e3779b97f4a7c15u >> 40);
    for (;; i++) {
        struct execution *e = &executions[i % HASH_SLOTS];
        if (e->address && e->address != address)
            continue;
        e->address = address;
        add_inline(insn, &e->count);
        return;
    }
}

static void
translate_insn(struct qemu_plugin_insn *insn, unsigned half)
{
    const uint8_t *byte = qemu_plugin_insn_data(insn);
    size_t size = qemu_plugin_insn_size(insn);
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    enum counter other = classify(byte, size);
    add_inline(insn, &counter[half ? HIGH : LOW]);
    if (other != COUNTERS)
        add_inline(insn, &counter[other]);
    if (is_marked_nop(byte, size, 0xc6))
        add_inline(insn, &counter[TURNS]);
    if (executions)
        add_profile(insn, address);
    if (log_file && is_marked_nop(byte, size, 0xc5))
        add_marker(insn, byte[4] | (unsigned)byte[5] << 8);
    for (unsigned i = 0; i < at_count; i++)
        if (at[i].address == address)
            add_marker(insn, at[i].id);
}

static void
translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    unsigned half = (unsigned)(qemu_plugin_tb_vaddr(tb) >> 63);
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, PLUGIN_NO_REGS,
                                         (void *)(uintptr_t)half);
    for (size_t i = 0; i < n; i++)
        translate_insn(qemu_plugin_tb_get_insn(tb, i), half);
}

static void
write_profile(qemu_plugin_id_t id, void *user)
{
    FILE *to = fopen(profile_path, "w");
    (void)id, (void)user;
    for (unsigned i = 0; to && i < HASH_SLOTS; i++)
        if (executions[i].inside)
            fprintf(to, "%" PRIx64 " %" PRIu64 "\n", executions[i].address,
                    executions[i].inside);
    if (to)
        fclose(to);
}

// Zeroes that are also a file's content; NULL: that cannot be.
static void *
map_file(const char *path, size_t bytes)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    void *at = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0)
        at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return at == MAP_FAILED ? NULL : at;
}

static bool
read_argument(const char *argument)
{
    if (!strncmp(argument, "log=", 4)) {
        log_file = fopen(argument + 4, "w");
    } else if (!strncmp(argument, "profile=", 8)) {
        profile_path = argument + 8;
        executions = calloc(HASH_SLOTS, sizeof(*executions));
    } else if (!strncmp(argument, "live=", 5)) {
        counter = map_file(argument + 5, sizeof(own));
        return counter;
    } else if (!strncmp(argument, "table=", 6)) {
        executions = map_file(argument + 6, HASH_SLOTS * sizeof(*executions));
        return executions;
    } else if (!strncmp(argument, "at=", 3) && at_count < AT_MAX) {
        char *end;
        at[at_count].address = strtoull(argument + 3, &end, 16);
        at[at_count++].id = (unsigned)strtoul(end + 1, NULL, 10);
    } else {
        return false;
    }
    return true;
}

int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
                    int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!read_argument(argv[i])) {
            fprintf(stderr, "insn: cannot use the argument %s\n", argv[i]);
            return -1;
        }
    }
    if ((!log_file && counter == own) || (profile_path && !executions)) {
        fprintf(stderr, "insn: log= or live= must name a file\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    if (profile_path)
        qemu_plugin_register_atexit_cb(id, write_profile, NULL);
    return 0;
}
