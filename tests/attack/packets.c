// SPDX-License-Identifier: MIT
/*
 * Hostile interfaces: counts, offsets and lengths that are not true, changed
 * while the kernel reads them; frames that pretend to be another's; floods.
 *
 * Must be seen: nothing is written but into buffers of the area, nothing is
 * sent but what a filter allows, a flooded neighbour loses packets but nothing
 * else, and the kernel goes on.
 */
#include "attack.h"
#include "net.h"

#define HERE  SCRATCH
#define THERE (SCRATCH + 0x100000)
#define SPARE (SCRATCH + 0x200000)
#define PORT  4711

static struct port a, b;
static volatile bool over;
static volatile uint64_t turns;

static void
pair(void)
{
    port_new(&a, HERE, 8);
    port_new(&b, THERE, 8);
    udp_filter(EXO_NET_SEND, 7, a.id);
    udp_filter(EXO_NET_RECEIVE, PORT, b.id);
    udp_frame(a.area, TO_SELF, 7, PORT, 300, 1);
}

static uint32_t
hostile(void)
{
    static const uint32_t numbers[] = {
        0,    1,    255,  256,        257,        2047,
        2048, 4095, 4096, 0x7fffffff, 0x80000000, UINT32_MAX};
    uint64_t r = random64();
    return r % 3 ? numbers[r / 3 % ARRAY_SIZE(numbers)] : (uint32_t)(r >> 8);
}

/* Pages that no interface was given stay as they are. */
static void
watch(void)
{
    for (unsigned i = 0; i < 16; i++)
        fill((void *)(SPARE + i * EXO_PAGE_BYTES), 0x7777777777777777,
             EXO_PAGE_BYTES);
}

static void
watch_check(void)
{
    for (unsigned i = 0; i < 16; i++)
        CHECK(is_filled((void *)(SPARE + i * EXO_PAGE_BYTES),
                        0x7777777777777777, EXO_PAGE_BYTES));
}

static void
watch_pages(void)
{
    for (unsigned i = 0; i < 16; i++)
        page_at(SPARE + i * EXO_PAGE_BYTES);
    watch();
}

TEST(packets_counts_that_lie_are_not_believed)
{
    struct kid *n = neighbour_new();
    pair();
    watch_pages();
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t *const count[] = {&b.rx->filled, &b.rx->taken, &b.rx->head,
                                   &b.rx->tail,   &a.tx->head,  &a.tx->tail,
                                   &a.tx->done};
        *count[random64() % ARRAY_SIZE(count)] = hostile();
        a.tx->packet[a.tx->tail % EXO_NET_ENTRIES] =
            (struct exo_net_entry){0, 300, 0};
        if (random64() % 2)
            a.tx->head = a.tx->tail + random64() % 4;
        int64_t result = exo_net_send(ROOT_CAP, a.id);
        CHECK(result == -EXO_E_INVAL ||
              (result >= 0 && result <= EXO_NET_ENTRIES));
    }
    watch_check();
    port_close(&a);
    port_close(&b);
    neighbour_check(n);
}

TEST(packets_buffers_that_lie_are_not_written)
{
    pair();
    watch_pages();
    const uint32_t bad[] = {1,       2047,       2049,       8 * 4096,
                            1 << 20, UINT32_MAX, 0x80000000, 8 * 4096 + 2048};
    uint32_t filled = b.rx->taken;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        b.rx->fill[filled++ % EXO_NET_ENTRIES] = bad[i];
    b.rx->fill[filled++ % EXO_NET_ENTRIES] = 2048;
    b.rx->filled = filled;
    uint64_t frames = port_info(&b)->rx_frames;
    for (unsigned i = 0; i <= ARRAY_SIZE(bad); i++) {
        port_queue(&a, 0, 300, 0);
        EQ(port_send(&a), 0);
    }
    EQ(port_info(&b)->rx_dropped, ARRAY_SIZE(bad));
    EQ(port_info(&b)->rx_frames, frames + 1);
    watch_check();
}

TEST(packets_random_entries_harm_nobody)
{
    struct kid *n = neighbour_new();
    pair();
    watch_pages();
    for (unsigned i = 0; i < 3000; i++) {
        struct exo_net_entry e = {hostile(), (uint16_t)hostile(),
                                  (uint16_t)hostile()};
        if (random64() % 2)
            e = (struct exo_net_entry){0, (uint16_t)(14 + random64() % 1500),
                                       random64() % 32};
        port_queue(&a, e.at, e.bytes, e.flags);
        if (random64() % 4 == 0) {
            CHECK(port_send(&a) >= 0);
            a.tx->head = a.tx->tail; // what has no end
        }
        while (port_next(&b))
            ;
    }
    watch_check();
    port_close(&a);
    port_close(&b);
    neighbour_check(n);
}

/* ---- while it is being read -----------------------------------------------
 */

/* Turns the port in the header from allowed to forbidden and back, and the
 * entries to anything. */
static void
spoil(uint64_t unused)
{
    (void)unused;
    while (!over) {
        a.area[34 + 1] ^= 7 ^ 8;
        a.tx->packet[turns % EXO_NET_ENTRIES].at ^= 0x1000;
        a.tx->packet[turns % EXO_NET_ENTRIES].at ^= 0x1000;
        a.tx->packet[turns % EXO_NET_ENTRIES].bytes ^= 0x4000;
        a.tx->packet[turns % EXO_NET_ENTRIES].bytes ^= 0x4000;
        turns++;
        if (NCPUS == 1)
            exo_yield(0, 0);
    }
    leave(0);
}

static void
is_from_port_7(void)
{
    const struct exo_net_entry *e;
    while ((e = port_next(&b)))
        EQ(port_frame(&b, e)[35], 7);
}

TEST(packets_header_that_changes_is_sent_as_it_was_checked)
{
    pair();
    over = false;
    turns = 0;
    struct kid *k = kid_new(
        &(struct kid_plan){.flags = KID_THREAD, .cpu1 = NCPUS > 1 ? 2 : 0},
        spoil, 0);
    kid_go(k);
    UNTIL(turns > 2);
    /* The other CPU may stand still where every frame is refused. */
    for (unsigned i = 0; i < 4000 || !port_info(&b)->rx_frames; i++) {
        port_queue(&a, 0, 300, 0);
        CHECK(port_send(&a) >= 0);
        is_from_port_7();
        if (i % 64 == 0)
            pause_here();
    }
    over = true;
    EQ(kid_join(k), 0);
}

/* Counts change on another CPU while frames arrive. */
static void
scramble(uint64_t unused)
{
    (void)unused;
    while (!over) {
        b.rx->tail += 3;
        b.rx->filled -= 5;
        b.rx->fill[turns % EXO_NET_ENTRIES] = (uint32_t)turns * 999;
        b.rx->filled += 1000;
        b.rx->tail = (uint32_t)turns;
        b.rx->filled = (uint32_t)(turns + 100);
        a.tx->done = a.tx->tail = (uint32_t)turns;
        turns++;
        if (NCPUS == 1)
            exo_yield(0, 0);
    }
    leave(0);
}

TEST(packets_rings_that_change_meanwhile_harm_nobody)
{
    struct kid *n = neighbour_new();
    pair();
    watch_pages();
    over = false;
    turns = 0;
    struct kid *k = kid_new(
        &(struct kid_plan){.flags = KID_THREAD, .cpu1 = NCPUS > 1 ? 2 : 0},
        scramble, 0);
    kid_go(k);
    UNTIL(turns > 2);
    for (unsigned i = 0; i < 4000; i++) {
        port_queue(&a, 0, 300, 0);
        exo_net_send(ROOT_CAP, a.id);
        if (i % 64 == 0)
            pause_here();
    }
    over = true;
    EQ(kid_join(k), 0);
    watch_check();
    port_close(&a);
    port_close(&b);
    neighbour_check(n);
}

/* ---- by an env without rights ------------------------------------------- */

static void
without_rights(uint64_t unused)
{
    (void)unused;
    struct exo_filter_spec s;
    udp_spec(&s, 0, EXO_NET_RECEIVE, 99);
    FAILS(exo_filter_add(0, &s), CAP);
    for (uint32_t i = 0; i < exo_net_info()->nifaces; i++) {
        exo_iface id = exo_iface_info(i)->id;
        CHECK(exo_net_send(0, id) < 0);
        CHECK(exo_net_close(0, id) < 0);
        CHECK(exo_reguard(0, EXO_KIND_RING, id, 1, 0) < 0);
    }
    for (uint32_t i = 0; i < exo_net_info()->nfilters; i++) {
        exo_filter id = exo_filter_info(i)->id;
        CHECK(exo_filter_remove(0, id) < 0);
        CHECK(exo_filter_attach(0, id, a.id, EXO_ATTACH) < 0);
        CHECK(exo_filter_attach(0, id, a.id, EXO_ATTACH_TAP) < 0);
        CHECK(exo_filter_attach(0, id, a.id, EXO_ATTACH_NOT) < 0);
        CHECK(exo_reguard(0, EXO_KIND_ATOM, id, 1, 0) < 0);
    }
    struct exo_iface_spec spec = a.spec;
    CHECK(exo_net_open(0, &spec) < 0);
    leave(0);
}

TEST(packets_need_capabilities)
{
    pair();
    attack(0, without_rights, 0);
    port_queue(&a, 0, 300, 0);
    EQ(port_send(&a), 0);
    CHECK(port_next(&b) != NULL);
}

/* ---- floods ---------------------------------------------------------------
 */

static void
flood(uint64_t unused)
{
    (void)unused;
    while (!over) {
        while (a.tx->head - a.tx->done < EXO_NET_ENTRIES)
            port_queue(&a, 0, 300, 0);
        exo_net_send(0, a.id);
        turns++;
    }
    leave(0);
}

TEST(packets_flood_costs_the_flooded_no_time_of_its_slots)
{
    struct kid *n = neighbour_new();
    pair();
    EQ(exo_reguard(CAPS, EXO_KIND_RING, a.id, 1, 0), 1);
    over = false;
    turns = 0;
    struct kid *k = kid_new(
        &(struct kid_plan){.flags = KID_THREAD, .cpu1 = NCPUS > 1 ? 2 : 0},
        flood, 0);
    EQ(exo_cap_grant(CAPS, k->id, 0, 0, 64 | EXO_WRITE << 8), 0);
    kid_go(k);
    UNTIL(turns > 20);
    neighbour_check(n);
    UNTIL(port_info(&b)->rx_dropped > 100);
    over = true;
    EQ(kid_join(k), 0);
    EQ(ME->time_penalty, 0);
}

static void
flood_until_killed(uint64_t unused)
{
    over = false;
    flood(unused);
}

TEST(packets_death_while_sending)
{
    for (unsigned i = 0; i < 10; i++) {
        turns = 0;
        struct kid *k = kid_new(&(struct kid_plan){.flags = KID_THREAD,
                                                   .rings = 1,
                                                   .cpu1 = NCPUS > 1 ? 2 : 0},
                                flood_until_killed, 0);
        port_new(&b, THERE, 8);
        port_new(&a, HERE, 8);
        exo_filter f[] = {udp_filter(EXO_NET_SEND, 7, a.id),
                          udp_filter(EXO_NET_RECEIVE, PORT, b.id)};
        udp_frame(a.area, TO_SELF, 7, PORT, 300, 1);
        EQ(exo_cap_grant(CAPS, k->id, 0, 0, 64 | EXO_WRITE << 8), 0);
        kid_go(k);
        UNTIL(turns > 3);
        if (i % 2)
            port_close(&a);
        kid_end(k);
        if (!(i % 2))
            port_close(&a);
        port_close(&b);
        filter_gone(f[0]);
        filter_gone(f[1]);
    }
}
