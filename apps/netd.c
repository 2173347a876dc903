// SPDX-License-Identifier: MIT
/*
 * netd: answers for an address of which other applications have ports: who has
 * it (ARP, neighbour requests), echo, and ports where nobody listens. It gets
 * what the filters of the others leave over, so none of their packets passes
 * through it.
 */
#include "minimal/minimal.h"

#include "lib/inet.h"
#include "lib/net.h"

#define NET_VA  UINT64_C(0x0c000000)
#define SEND    8 // pages of buffers
#define RECEIVE 16

static struct net net;
static struct inet_self me;

static void
answer(const struct net_packet *p)
{
    uint16_t flags;
    uint8_t *out = net_reserve(&net);
    uint32_t bytes = out ? inet_answer(&me, p->frame, p->bytes,
                                       (uint16_t)p->flags, out, &flags)
                         : 0;
    if (bytes)
        net_commit(&net, bytes, flags);
}

int
main(int argc, char **argv)
{
    static exo_page pages[3 + SEND + RECEIVE];
    const struct net_plan plan = {.cap = START_CAP_SELF,
                                  .guard = self.prefix,
                                  .va = NET_VA,
                                  .send = SEND,
                                  .receive = RECEIVE,
                                  .page = pages};
    (void)argc, (void)argv;
    me.net = &self.start->net;
    memcpy(me.mac, exo_net_info()->mac, sizeof(me.mac));
    int64_t error = net_open_own(&net, &page_map, &plan, me.net);
    if (error) {
        print("netd: %s\n", error == -EXO_E_NONE
                                ? "no address; give it one in the manifest"
                                : "not enough memory; reserve at least 256K");
        return 1;
    }
    const uint8_t *a = me.net->address4;
    print("netd: answers for %u.%u.%u.%u\n", a[0], a[1], a[2], a[3]);
    for (;;) {
        struct net_packet packet;
        while (net_take(&net, &packet)) {
            answer(&packet);
            net_give(&net, packet.at);
        }
        net_kick(&net);
        event_wait(EXO_EVENT_NET, EXO_NEVER);
    }
}
