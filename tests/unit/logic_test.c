// SPDX-License-Identifier: MIT
/*
 * Pure logic of the rooms: prefixes, deadlines, places of frames, text, and the
 * numbers of the ABI, which never change.
 */
#include "libos.h"

#include "cap/cap.h"
#include "debug/print.h"
#include "env/upcall.h"
#include "lib/string.h"

#include <stdlib.h>

static struct cap
cap_of(uint64_t name, unsigned length, unsigned rights)
{
    return (struct cap){.name = name & cap_mask(length),
                        .mask = cap_mask(length),
                        .length = (uint8_t)length,
                        .rights = (uint8_t)rights};
}

CLAIM(a_capability_covers_what_begins_with_its_prefix)
{
    srandom(1);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t name = (uint64_t)random() << 33 ^ (uint64_t)random() << 11;
        uint64_t guard = name ^ 1ull << (random() % 64);
        unsigned length = (unsigned)random() % 65;
        struct cap c = cap_of(name, length, EXO_READ);
        bool same = length == 0 || (name ^ guard) >> (64 - length) == 0;
        want_equal(cap_covers(&c, guard, EXO_READ), same);
        want(!cap_covers(&c, name, EXO_WRITE));
        want(cap_covers(&c, name, EXO_READ));
    }
}

CLAIM(a_part_is_longer_and_has_no_more_rights)
{
    struct cap c = cap_of(0xab00000000000000, 8, EXO_READ | EXO_GRANT);
    want(cap_is_part(&c, 0xab00000000000000, 8, EXO_READ));
    want(cap_is_part(&c, 0xabcd000000000000, 16, EXO_READ | EXO_GRANT));
    want(cap_is_part(&c, 0xab00000000000001, 64, EXO_READ));
    want(!cap_is_part(&c, 0xab00000000000000, 7, EXO_READ));
    want(!cap_is_part(&c, 0xac00000000000000, 8, EXO_READ));
    want(!cap_is_part(&c, 0xab00000000000000, 8, EXO_WRITE));
    want(!cap_is_part(&c, 0xab00000000000000, 8, 0));
    want(!cap_is_part(&c, 0xabcd000000000000, 8, EXO_READ)); /* CAP-1 */
    want(!cap_is_part(&c, 0xab00000000000000, 65, EXO_READ));
}

CLAIM(deadlines_come_in_order_whatever_is_cancelled)
{
    enum { N = 24 };
    struct env *e[N];
    uint64_t deadline[N];
    lib_boot(1, NULL);
    struct cpu *c = K.cpu[0];
    for (unsigned i = 0; i < N; i++)
        e[i] = lib_spawn(&(struct lib_spawn){0, 0, 20, 40, 0, 0, 0});
    srandom(2);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < N; i++) {
            deadline[i] = 1000 + (uint64_t)random() % 50;
            env_timer_arm(c, e[i], TIMER_WAIT, deadline[i]);
            if (random() % 4 == 0) {
                unsigned j = (unsigned)random() % (i + 1);
                env_timer_cancel(e[j], TIMER_WAIT);
                deadline[j] = EXO_NEVER;
            }
        }
        for (uint64_t last = 0;;) {
            enum env_timer which;
            uint64_t next = env_timer_next(c);
            struct env *first = env_timer_pop(c, 2000, &which);
            if (!first)
                break;
            unsigned i = 0;
            while (e[i] != first)
                i++;
            want_equal(next, deadline[i]);
            want(next >= last && which == TIMER_WAIT);
            deadline[i] = EXO_NEVER;
            last = next;
        }
        for (unsigned i = 0; i < N; i++)
            want_equal(deadline[i], EXO_NEVER);
    }
}

CLAIM(frames_nest_below_the_red_zone_and_never_cross_a_page)
{
    lib_boot(1, NULL);
    struct env *e = lib_spawn(&(struct lib_spawn){0, 0, 20, 40, 0, 0, 0});
    const uint64_t base = 0x7000000, bytes = e->stack_bytes;
    e->uarea->stack_base = base;
    struct frame_place at = upcall_place(e, 0x1234);
    want_equal(at.rsp, base + bytes - sizeof(struct exo_frame));
    for (uint64_t used = 0; used <= bytes; used++) {
        at = upcall_place(e, base + used);
        if (!at.frame) {
            want(used < 128 + sizeof(struct exo_frame) + 16);
            continue;
        }
        uint64_t start = at.rsp - base, end = start + sizeof(struct exo_frame);
        want(end + 128 <= used && at.rsp % 16 == 0);
        want_equal(start / EXO_PAGE_BYTES, (end - 1) / EXO_PAGE_BYTES);
    }
}

static const char *
text(const char *format, uint64_t value)
{
    static char buf[64];
    memset(buf, 'x', sizeof(buf));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    format_text(buf, sizeof(buf), format, value);
#pragma GCC diagnostic pop
    return buf;
}

CLAIM(numbers_are_written_as_asked)
{
    want_equal(strcmp(text("%lu", UINT64_MAX), "18446744073709551615"), 0);
    want_equal(strcmp(text("%ld", (uint64_t)INT64_MIN), "-9223372036854775808"),
               0);
    want_equal(strcmp(text("%lx", 0xdeadbeef), "deadbeef"), 0);
    want_equal(strcmp(text("%08x", 0x1f), "0000001f"), 0);
    want_equal(strcmp(text("%5u|", 7), "    7|"), 0);
    want_equal(strcmp(text("%-5u|", 7), "7    |"), 0);
    char small[4];
    want(format_text(small, sizeof(small), "%s", "too long") >= 3);
    want_equal(small[3], 0);
}

/* A number that moved breaks every program that was built before. */
CLAIM(the_numbers_of_the_abi_stand_still)
{
    want_equal(EXO_ABI_VERSION, 1);
    want_equal(EXO_SYSCALLS, 37);
    want_equal(EXO_SYS_null, 0);
    want_equal(EXO_SYS_page_alloc, 1);
    want_equal(EXO_SYS_bind, 9);
    want_equal(EXO_SYS_env_create, 10);
    want_equal(EXO_SYS_cap_grant, 15);
    want_equal(EXO_SYS_slot_set, 20);
    want_equal(EXO_SYS_call, 24);
    want_equal(EXO_SYS_reply, 25);
    want_equal(EXO_SYS_revoke, 26);
    want_equal(EXO_SYS_power, 30);
    want_equal(EXO_E_INVAL, 1);
    want_equal(EXO_E_AGAIN, 13);
    want_equal(EXO_E_DEAD, 15);
    want_equal(sizeof(struct exo_frame), 144);
    want_equal(sizeof(struct exo_run), 24);
    want_equal(sizeof(struct exo_env_spec), 208);
    want_equal(sizeof(struct exo_page_info), 16);
    want_equal(sizeof(struct exo_slot), 16);
    want_equal(sizeof(struct exo_context), 160);
    want_equal(offsetof(struct exo_uarea, handler), 24);
    want_equal(offsetof(struct exo_uarea, stack_base), 88);
    want_equal(offsetof(struct exo_uarea, revoke), 216);
    want_equal(offsetof(struct exo_machine, clock), 104);
}
