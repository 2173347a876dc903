// SPDX-License-Identifier: MIT
/*
 * kv: a memcached that answers from raw packets. No stack lies between it and
 * its rings: a datagram is checked, answered and sent where it lies, and all
 * that came together leaves in one call to the kernel.
 *
 *     kv [PORT]
 *
 * Speaks memcached's text protocol over UDP, IPv4 and IPv6, on port 11211.
 * Its memory is a cache and is treated as one: it takes what its account
 * allows, beyond what it was promised too, and when the kernel wants pages back
 * it gives the oldest, with what is in them.
 */
#include "minimal/minimal.h"

#include "lib/inet.h"
#include "lib/net.h"
#include "frame.h"
#include "protocol.h"

#define NET_VA  UINT64_C(0x0c000000)
#define SEND    32 // pages of buffers
#define RECEIVE 64

#define SLOTS_MAX 16384u
#define BUCKETS   32768u

#define WANTED_BACK (UINT64_C(1) << 9) // the kernel asked for pages
#define RETRY       CLOCK_S            // after it had none to give

static struct kv kv;
static struct net net;
static struct inet_self self_net;
static uint16_t port;
static exo_page *page_of; // by slot of the store
static exo_tsc grow_again;

/* Memory ----------------------------------------------------------------------
 */

static uint64_t
va_of(uint32_t slot)
{
    return MINIMAL_POOL + (uint64_t)slot * EXO_PAGE_BYTES;
}

/* Takes a page if the kernel has one to spare. */
static bool
grow(struct store *store)
{
    exo_page page;
    uint32_t slot = 0;
    if (clock_tsc() < grow_again)
        return false;
    while (slot < store->most && store->page[slot])
        slot++;
    if (slot == store->most)
        return false;
    int64_t error = pages_take(&page_own, &page, 1);
    if (!error) {
        error = map_run(&page_map, START_CAP_SELF, va_of(slot), page, 1,
                        EXO_BIND_W);
        if (error)
            pages_free(&page_own, &page, 1);
    }
    if (error) {
        grow_again = clock_after(RETRY);
        return false;
    }
    page_of[slot] = page;
    return store_add_page(store, (char *)va_of(slot));
}

static void
on_revoke(struct exo_frame *frame)
{
    (void)frame;
    event_raise(WANTED_BACK); // not here: a request may be half done
}

static void
give_back(void)
{
    const volatile struct exo_revoke *wanted = &UAREA->revoke;
    while (wanted->kind == EXO_KIND_PAGE && wanted->count) {
        char *page = store_take_page(&kv.store);
        if (!page)
            break;
        uint64_t slot = ((uint64_t)page - MINIMAL_POOL) / EXO_PAGE_BYTES;
        pages_free(&page_own, &page_of[slot], 1);
    }
    grow_again = clock_after(RETRY);
}

static bool
open_store(void)
{
    uint64_t most = exo_env_info(UAREA->self)->account[EXO_KIND_PAGE].limit;
    if (most > SLOTS_MAX)
        most = SLOTS_MAX;
    uint64_t bytes =
        BUCKETS * sizeof(uint32_t) + most * (sizeof(char *) + sizeof(exo_page));
    char *tables = page_grow((bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES);
    if (!tables)
        return false;
    char **pages = (char **)(tables + BUCKETS * sizeof(uint32_t));
    page_of = (exo_page *)(pages + most);
    store_open(&kv.store, (uint32_t *)tables, BUCKETS, pages, (uint32_t)most);
    kv.store.grow = grow;
    kv.start = kv.now;
    upcall_set(UAREA, EXO_UP_REVOKE, on_revoke);
    return grow(&kv.store);
}

/* Requests
 * --------------------------------------------------------------------- */

static void *
reserve(void)
{
    void *buffer = net_reserve(&net);
    if (!buffer) { // let the card catch up
        net_kick(&net);
        buffer = net_reserve(&net);
    }
    return buffer;
}

/* Sends a reply in as many datagrams as it takes. */
static void
reply(const struct net_packet *p, const struct inet_udp *udp, const char *bytes,
      uint32_t count)
{
    uint32_t pieces = frame_pieces(count);
    for (uint32_t n = 0; n < pieces; n++) {
        uint8_t *out = reserve();
        if (!out)
            return; // the client asks again
        uint32_t part = count < FRAME_TEXT ? count : FRAME_TEXT;
        uint8_t *head = out + (udp->v6 ? INET_UDP6 : INET_UDP4);
        uint16_t flags;
        frame_write(head, udp->payload, n, pieces);
        memcpy(head + FRAME_HEAD, bytes, part);
        uint32_t frame = inet_udp_answer(&self_net, p->frame, udp, out,
                                         FRAME_HEAD + part, &flags);
        net_commit(&net, frame, flags);
        bytes += part;
        count -= part;
    }
}

static void
serve(const struct net_packet *p, const struct inet_udp *udp)
{
    static char out[FRAME_REPLY];
    if (!frame_is_request(udp->payload, udp->bytes))
        return;
    uint32_t bytes = kv_answer(&kv, (const char *)udp->payload + FRAME_HEAD,
                               udp->bytes - FRAME_HEAD, out, sizeof(out));
    reply(p, udp, out, bytes);
}

static void
take(const struct net_packet *p)
{
    struct inet_udp udp;
    uint16_t flags;
    if (inet_udp(&self_net, p->frame, p->bytes, (uint16_t)p->flags, &udp) &&
        udp.to == port) {
        serve(p, &udp);
        return;
    }
    uint8_t *out = reserve();
    uint32_t bytes = out ? inet_answer(&self_net, p->frame, p->bytes,
                                       (uint16_t)p->flags, out, &flags)
                         : 0;
    if (bytes)
        net_commit(&net, bytes, flags);
}

static void
look(void)
{
    struct net_packet packet;
    kv.now = (uint32_t)(clock_uptime_ns() / CLOCK_S) + 1;
    while (net_take(&net, &packet)) {
        take(&packet);
        net_give(&net, packet.at);
    }
    net_kick(&net);
}

/* Beginning
 * -------------------------------------------------------------------- */

static int64_t
open_net(void)
{
    static exo_page pages[3 + SEND + RECEIVE];
    const struct net_plan plan = {.cap = START_CAP_SELF,
                                  .guard = self.prefix,
                                  .va = NET_VA,
                                  .send = SEND,
                                  .receive = RECEIVE,
                                  .page = pages};
    self_net.net = &self.start->net;
    memcpy(self_net.mac, exo_net_info()->mac, sizeof(self_net.mac));
    return net_open_own(&net, &page_map, &plan, self_net.net);
}

int
main(int argc, char **argv)
{
    port = (uint16_t)number(argc > 1 ? argv[1] : NULL, FRAME_PORT);
    int64_t error = open_net();
    if (error == -EXO_E_NONE) {
        print("kv: no address; give it one in the manifest: address = "
              "\"auto\"\n");
        return 1;
    }
    if (error || !open_store()) {
        print("kv: not enough memory; reserve at least 1M\n");
        return 1;
    }
    const uint8_t *a = self_net.net->address4;
    print("kv: %u.%u.%u.%u port %u (UDP)\n", a[0], a[1], a[2], a[3], port);
    for (;;) {
        look();
        uint64_t events = event_wait(EXO_EVENT_NET | WANTED_BACK, EXO_NEVER);
        if (events & WANTED_BACK)
            give_back();
    }
}
