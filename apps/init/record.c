// SPDX-License-Identifier: MIT
/*
 * record.c: post-mortem records. The kernel left registers, the top of the
 * stack, what was held and the last trace events; here they are put into words
 * between two marker lines, for people and for the host tool, which adds
 * function names.
 */
#include "init.h"

#include "lib/names.h"
#include "lib/print.h"

#define PAGE_FAULT 14
#define PF_PRESENT 1 // error code [SDM3 4.7]
#define PF_WRITE   2
#define PF_FETCH   16

static bool
is_code(const struct elf_program *program, uint64_t va)
{
    for (uint32_t i = 0; i < program->count; i++) {
        const struct elf_segment *s = &program->segment[i];
        if ((s->flags & ELF_X) && va >= s->va && va - s->va < s->file_bytes)
            return true;
    }
    return false;
}

void
record_fill(struct record *record, const struct elf_program *program)
{
    const struct exo_mortem *m = &record->mortem;
    record->valid = m->end != EXO_END_EXIT;
    record->ms = clock_uptime_ns() / CLOCK_MS;
    record->nback = 0;
    record->back[record->nback++] = m->context.rip;
    for (uint32_t i = 0; i < m->nstack && i < EXO_MORTEM_STACK; i++)
        if (is_code(program, m->stack[i]))
            record->back[record->nback++] = m->stack[i];
}

void
record_detail(const struct exo_mortem *m, char *to, size_t size)
{
    if (m->end != EXO_END_FAULT) {
        print_text(to, size, "%s", name_end_text(m->end));
        return;
    }
    if (m->vector != PAGE_FAULT) {
        print_text(to, size, "%s", name_exception(m->vector));
        return;
    }
    const char *what = m->value & PF_FETCH   ? "execution at"
                       : m->value & PF_WRITE ? "write to"
                                             : "read from";
    const char *why = !(m->value & PF_PRESENT) ? "not bound"
                      : m->value & PF_FETCH    ? "not executable"
                      : m->value & PF_WRITE    ? "not writable"
                                               : "not accessible";
    print_text(to, size, "page fault: %s 0x%lx, %s", what, m->addr, why);
}

void
record_regs(const struct exo_context *x, struct record_reg regs[RECORD_REGS])
{
    const struct record_reg all[RECORD_REGS] = {
        {"rip", x->rip}, {"rsp", x->rsp}, {"rflags", x->rflags},
        {"rax", x->rax}, {"rbx", x->rbx}, {"rcx", x->rcx},
        {"rdx", x->rdx}, {"rsi", x->rsi}, {"rdi", x->rdi},
        {"rbp", x->rbp}, {"r8", x->r8},   {"r9", x->r9},
        {"r10", x->r10}, {"r11", x->r11}, {"r12", x->r12},
        {"r13", x->r13}, {"r14", x->r14}, {"r15", x->r15},
    };
    memcpy(regs, all, sizeof(all));
}

static void
print_regs(const struct exo_context *context)
{
    struct record_reg r[RECORD_REGS];
    record_regs(context, r);
    for (unsigned i = 0; i < RECORD_REGS; i += 3)
        say("mortem reg %s 0x%lx %s 0x%lx %s 0x%lx", r[i].name, r[i].value,
            r[i + 1].name, r[i + 1].value, r[i + 2].name, r[i + 2].value);
}

static void
print_stack(const struct exo_mortem *m)
{
    for (uint32_t i = 0; i < m->nstack && i < EXO_MORTEM_STACK;) {
        char line[128];
        size_t at = print_text(line, sizeof(line), "0x%lx",
                               (m->context.rsp & ~UINT64_C(7)) + 8 * i);
        for (unsigned n = 0; n < 4 && i < m->nstack; n++, i++)
            at +=
                print_text(line + at, sizeof(line) - at, " 0x%lx", m->stack[i]);
        say("mortem stack %s", line);
    }
}

static void
print_held(const struct exo_mortem *m)
{
    char line[160];
    size_t at = 0;
    for (uint32_t kind = 0; kind < EXO_KINDS; kind++)
        if (m->used[kind] || kind <= EXO_KIND_SLOT)
            at += print_text(line + at, sizeof(line) - at, " %s %u",
                             name_kind(kind), m->used[kind]);
    say("mortem held%s", line);
}

void
record_print(const struct record *record, const char *name, const char *image)
{
    const struct exo_mortem *m = &record->mortem;
    char detail[80];
    record_detail(m, detail, sizeof(detail));
    say("mortem begin %s", name);
    say("mortem image %s", image);
    say("mortem env %lu", m->env);
    say("mortem why %s", name_end(m->end));
    say("mortem detail %s", detail);
    if (m->end == EXO_END_FAULT)
        say("mortem fault vector %u error 0x%lx address 0x%lx", m->vector,
            m->value, m->addr);
    print_regs(&m->context);
    print_stack(m);
    for (uint32_t i = 0; i < record->nback; i++)
        say("mortem back 0x%lx", record->back[i]);
    print_held(m);
    for (uint32_t i = 0; i < m->ntrace && i < EXO_MORTEM_TRACE; i++)
        say("mortem trace %lu %u %s %lu %lu", m->trace[i].time, m->trace[i].cpu,
            name_trace(m->trace[i].type), m->trace[i].a, m->trace[i].b);
    say("mortem end %s", name);
}
