// SPDX-License-Identifier: MIT
/* lwIP over one interface: see stack.h. */
#include "exos/net/stack.h"

#include <errno.h>
#include <string.h>

#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include <exo/info.h>

#include "exos/crt/crt.h"
#include "exos/fd/wait.h"
#include "exos/net/memory.h"
#include "exos/vm/core.h"
#include "exos/vm/space.h"
#include "lib/inet.h"
#include "lib/net.h"

#define MTU           1500
#define RECEIVE_MOST  64u // pages of receive buffers, two buffers each
#define SEND_MOST     32u
#define RECEIVE_LEAST 8u
#define SEND_LEAST    4u
#define SHARE         16u // of the promised memory, for each kind of buffer
#define LWIP_SHARE    4u  // of it, for lwIP's own blocks
#define RUN_MOST      64u // packets in one run, then timers are due a look

/* A pbuf over a receive buffer; back to the kernel when lwIP frees it. */
struct received {
    struct pbuf_custom pbuf; // first: lwIP frees it by this address
    uint32_t at;
};

static struct {
    bool open, running;
    bool starved;    // a frame found no send buffer
    bool complained; // that there is no memory for it
    struct net net;
    struct netif netif;
    struct received *received; // one for each receive buffer
    uint32_t buffers;          // of these
    uint32_t lent;             // in lwIP's or the program's hands
    uint32_t first;            // offset of the first
} stack;

/* lwIP is not in the core (core.mk), so what it calls is seen from outside. */
#define FOR_LWIP __attribute__((visibility("default")))

FOR_LWIP u32_t
sys_now(void)
{
    return (u32_t)(clock_uptime_ns() / CLOCK_MS);
}

FOR_LWIP u16_t
stack_checksum(const void *bytes, int count)
{
    return inet_fold(inet_sum(bytes, (uint32_t)count, 0));
}

/* In -------------------------------------------------------------------------
 */

static void
give_back(struct pbuf *p)
{
    const struct received *r = (const struct received *)p;
    stack.lent--;
    net_give(&stack.net, r->at);
}

/* The packet as a pbuf: where it lies, or a copy when few buffers are left for
 * the kernel to fill. */
static struct pbuf *
wrap(const struct net_packet *packet)
{
    struct received *r =
        &stack.received[(packet->at - stack.first) / EXO_NET_BUFFER];
    if (stack.lent >= stack.buffers / 2) {
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)packet->bytes, PBUF_RAM);
        if (p)
            pbuf_take(p, packet->frame, (u16_t)packet->bytes);
        net_give(&stack.net, packet->at);
        return p;
    }
    stack.lent++;
    r->at = packet->at;
    r->pbuf.custom_free_function = give_back;
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)packet->bytes, PBUF_REF,
                               &r->pbuf, (void *)(uintptr_t)packet->frame,
                               (u16_t)packet->bytes);
}

/* lwIP checks the sums that nobody vouches for. */
static void
set_checks(uint32_t flags)
{
    u16_t checks = stack.netif.chksum_flags;
    u16_t transport = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;
    if (flags & EXO_RX_CHECKED)
        checks &= (u16_t)~transport;
    else
        checks |= transport;
    NETIF_SET_CHECKSUM_CTRL(&stack.netif, checks);
}

static void
take_packets(void)
{
    struct net_packet packet;
    for (unsigned n = 0; n < RUN_MOST && net_take(&stack.net, &packet); n++) {
        struct pbuf *p = wrap(&packet);
        if (!p)
            continue;
        set_checks(packet.flags);
        if (stack.netif.input(p, &stack.netif) != ERR_OK)
            pbuf_free(p);
    }
}

/* Out ------------------------------------------------------------------------
 */

/* Leaves a TCP checksum to the card: the field gets the pseudo header's sum.
 * Result: flags to send the frame with. */
static uint32_t
leave_sum(uint8_t *frame, uint32_t bytes)
{
    uint8_t *ip = frame + SIZEOF_ETH_HDR;
    uint32_t type = inet_get16(frame + 12), head, at;
    bool v6 = type == ETHTYPE_IPV6;
    if (v6 && ip[6] == IP_PROTO_TCP)
        head = INET_IP6;
    else if (type == ETHTYPE_IP && ip[9] == IP_PROTO_TCP && ip[0] == 0x45)
        head = INET_IP4;
    else
        return 0;
    at = head + 16;
    uint8_t tail[4] = {0, IP_PROTO_TCP, (uint8_t)((bytes - head) >> 8),
                       (uint8_t)(bytes - head)};
    uint16_t sum = inet_fold(
        inet_sum(tail, 4, inet_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, 0)));
    memcpy(frame + at, &sum, sizeof(sum));
    return EXO_TX_SUM | (v6 ? EXO_TX_SUM_V6 : 0);
}

static err_t
send(struct netif *netif, struct pbuf *p)
{
    (void)netif;
    uint8_t *buffer = net_reserve(&stack.net);
    if (!buffer) { // let the card catch up
        net_kick(&stack.net);
        buffer = net_reserve(&stack.net);
    }
    if (!buffer) {
        stack.starved = true;
        stack.net.tx->wake = 1;
    }
    if (!buffer || p->tot_len > EXO_FRAME_MAX)
        return ERR_MEM;
    pbuf_copy_partial(p, buffer, p->tot_len, 0);
    net_commit(&stack.net, p->tot_len, leave_sum(buffer, p->tot_len));
    return ERR_OK;
}

static bool
can_resume(void)
{
    return stack.starved && net_reserve(&stack.net);
}

/* Connections whose frames found no buffer send them now that there are some:
 * by itself lwIP would take them for lost, and wait. */
static void
resume(void)
{
    if (!can_resume())
        return;
    stack.starved = false;
    stack.net.tx->wake = 0;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->unsent)
            tcp_output(pcb);
}

void
stack_flush(void)
{
    if (stack.open && !stack.running)
        net_kick(&stack.net);
}

/* Running --------------------------------------------------------------------
 */

/* Are there packets of the program's for its own addresses? */
static bool
talks_to_itself(void)
{
    const struct netif *netif;
    NETIF_FOREACH(netif)
    {
        if (netif->loop_first)
            return true;
    }
    return false;
}

void
stack_run(void)
{
    if (!stack.open || stack.running)
        return;
    stack.running = true;
    take_packets();
    net_connections_tidy();
    resume();
    sys_check_timeouts();
    if (talks_to_itself())
        netif_poll_all();
    stack.running = false;
    net_kick(&stack.net);
}

static void
run(uint64_t bits)
{
    (void)bits;
    stack_run();
}

static exo_tsc
due(void)
{
    if (net_waits(&stack.net) || talks_to_itself() || can_resume())
        return 0;
    u32_t ms = sys_timeouts_sleeptime();
    if (!ms)
        return 0;
    return ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? EXO_NEVER
                                                 : clock_after(ms * CLOCK_MS);
}

static struct wait_source source = {
    .events = EXO_EVENT_NET, .due = due, .run = run};

/* Opening --------------------------------------------------------------------
 */

static const struct start_net *
granted(void)
{
    return &crt_block->net;
}

/* The gateway of IPv6 is said in the manifest, not found by asking. */
FOR_LWIP const ip6_addr_t *
stack_gateway6(const ip6_addr_t *to)
{
    static ip6_addr_t gateway;
    (void)to;
    memcpy(gateway.addr, granted()->gateway6, sizeof(gateway.addr));
    return ip6_addr_isany(&gateway) ? NULL : &gateway;
}

static ip4_addr_t
address4(const uint8_t bytes[4])
{
    ip4_addr_t a;
    memcpy(&a.addr, bytes, sizeof(a.addr));
    return a;
}

static err_t
set_up(struct netif *netif)
{
    const struct start_net *net = granted();
    netif->name[0] = 'e', netif->name[1] = 'n';
    netif->mtu = MTU;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
                   NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, exo_net_info()->mac, ETH_HWADDR_LEN);
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = send;
    NETIF_SET_CHECKSUM_CTRL(netif, NETIF_CHECKSUM_ENABLE_ALL &
                                       (u16_t)~NETIF_CHECKSUM_GEN_TCP);
    if (net->prefix6) {
        memcpy(ip_2_ip6(&netif->ip6_addr[0])->addr, net->address6, 16);
        IP_SET_TYPE_VAL(netif->ip6_addr[0], IPADDR_TYPE_V6);
        netif_ip6_addr_set_state(netif, 0, IP6_ADDR_PREFERRED);
    }
    return ERR_OK;
}

static void
add_netif(void)
{
    const struct start_net *net = granted();
    ip4_addr_t address = address4(net->address4), mask = {0};
    ip4_addr_t gateway = address4(net->gateway4);
    ip_addr_t dns = {0};
    if (net->prefix4)
        mask.addr = lwip_htonl(~UINT32_C(0) << (32 - net->prefix4));
    netif_add(&stack.netif, &address, &mask, &gateway, NULL, set_up,
              ethernet_input);
    netif_set_default(&stack.netif);
    netif_set_up(&stack.netif);
    stack.netif.rs_count = 0; // nor are routers asked for
    if (net->prefix4) {
        ip_addr_copy_from_ip4(dns, address4(net->dns4));
        dns_setserver(0, &dns);
    }
}

static uint32_t
share_of(uint64_t pages, uint32_t least, uint32_t most)
{
    uint64_t part = pages / SHARE;
    return part < least ? least : part > most ? most : (uint32_t)part;
}

static long
open_interface(void)
{
    static exo_page page[3 + SEND_MOST + RECEIVE_MOST];
    const volatile struct exo_account *account =
        &exo_env_info(UAREA->self)->account[EXO_KIND_PAGE];
    uint64_t pages = account->reserved - account->carved - account->pinned;
    struct net_plan plan = {
        .cap = START_CAP_SELF,
        .guard = crt_block->prefix,
        .va = EXOS_NET,
        .send = share_of(pages, SEND_LEAST, SEND_MOST),
        .receive = share_of(pages, RECEIVE_LEAST, RECEIVE_MOST),
        .page = page,
    };
    int64_t error = net_open_own(&stack.net, &space_map, &plan, granted());
    if (error)
        return crt_errno(error);
    stack.first = plan.send * EXO_PAGE_BYTES;
    stack.buffers = plan.receive * (EXO_PAGE_BYTES / EXO_NET_BUFFER);
    stack.received = core_alloc(stack.buffers * sizeof(*stack.received));
    if (!stack.received)
        return -ENOMEM;
    net_memory_set_limit(pages * EXO_PAGE_BYTES / LWIP_SHARE);
    return 0;
}

long
stack_open(void)
{
    if (stack.open)
        return 0;
    if (!granted()->nfilters)
        return -ENETDOWN;
    long error = open_interface();
    if (error == -ENOMEM && !stack.complained) {
        stack.complained = true;
        crt_say("exos: not enough memory for the network; give it more\n");
    }
    if (error)
        return error;
    lwip_init();
    add_netif();
    wait_source_add(&source);
    stack.open = true;
    return 0;
}
