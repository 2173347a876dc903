/* SPDX-License-Identifier: MIT */
/*
 * TCP's connections by their addresses, so that a segment finds its own among
 * thousands: lwIP goes through its lists, of which the one of those in
 * TIME_WAIT grows with each connection that a server closes. third_party/lwip's
 * patch calls these; the lists stay what they were.
 *
 * Here, too, a new connection takes the place of one in TIME_WAIT, as [RFC1122
 * 4.2.2.13] allows: a client that connects often uses its ports again before
 * two seconds are over, and would wait for a second each time.
 *
 * The hash adds products of the addresses' words and random numbers [Carter79],
 * so that nobody can choose addresses that meet in one bucket.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lwip/priv/tcp_priv.h"

#define BUCKETS 1024u /* power of two */
#define WORDS   5     /* of a peer's address, and the ports */

static struct tcp_pcb *bucket[BUCKETS];
static uint64_t factor[WORDS];

static uint32_t
word_of(const ip_addr_t *address, int i)
{
    if (IP_IS_V6(address))
        return ip_2_ip6(address)->addr[i];
    return i ? 0 : ip_2_ip4(address)->addr;
}

static struct tcp_pcb **
bucket_of(const ip_addr_t *peer, uint16_t peer_port, uint16_t port)
{
    uint64_t sum = factor[WORDS - 1] * ((uint32_t)peer_port << 16 | port);
    for (int i = 0; i < (IP_IS_V6(peer) ? 4 : 1); i++)
        sum += factor[i] * word_of(peer, i);
    return &bucket[sum >> 32 & (BUCKETS - 1)];
}

void
net_connection_add(struct tcp_pcb *pcb)
{
    if (!factor[0])
        arc4random_buf(factor, sizeof factor);
    struct tcp_pcb **at =
        bucket_of(&pcb->remote_ip, pcb->remote_port, pcb->local_port);
    pcb->found_next = *at;
    if (*at)
        (*at)->found_at = &pcb->found_next;
    pcb->found_at = at;
    *at = pcb;
}

void
net_connection_remove(struct tcp_pcb *pcb)
{
    if (!pcb->found_at) /* it never was one */
        return;
    *pcb->found_at = pcb->found_next;
    if (pcb->found_next)
        pcb->found_next->found_at = pcb->found_at;
}

/* Does a segment begin a connection that cannot be taken for the former one of
   the same addresses? Sequence numbers of both sides begin behind the last. */
static int
follows(const struct tcp_hdr *segment, const struct tcp_pcb *pcb)
{
    return TCPH_FLAGS(segment) == TCP_SYN &&
           TCP_SEQ_GT(segment->seqno, pcb->rcv_nxt) &&
           TCP_SEQ_GT(net_first_sequence(&pcb->local_ip, pcb->local_port,
                                         &pcb->remote_ip, pcb->remote_port),
                      pcb->snd_nxt);
}

static struct tcp_pcb *
find(const struct tcp_hdr *segment, const struct tcp_pcb *list)
{
    const ip_addr_t *peer = ip_current_src_addr();
    struct tcp_pcb *pcb = *bucket_of(peer, segment->src, segment->dest);
    if (!list)
        return NULL;
    for (; pcb; pcb = pcb->found_next)
        if (pcb->remote_port == segment->src &&
            pcb->local_port == segment->dest &&
            (pcb->state == TIME_WAIT) == (list->state == TIME_WAIT) &&
            ip_addr_cmp(&pcb->remote_ip, peer) &&
            ip_addr_cmp(&pcb->local_ip, ip_current_dest_addr()))
            return pcb;
    return NULL;
}

/* One in TIME_WAIT ends when a new connection follows it: then the segment is
   the listener's. */
struct tcp_pcb *
net_connection_find(const struct tcp_hdr *segment, const struct tcp_pcb *list)
{
    struct tcp_pcb *pcb = find(segment, list);
    if (!pcb || pcb->state != TIME_WAIT || !follows(segment, pcb))
        return pcb;
    tcp_pcb_remove(&tcp_tw_pcbs, pcb);
    tcp_free(pcb);
    return NULL;
}

void
net_connections_tidy(void)
{
    struct tcp_pcb **half = &tcp_tw_pcbs, *pcb, *next;
    if (!net_memory_is_short())
        return;
    for (pcb = tcp_tw_pcbs; pcb && pcb->next; pcb = pcb->next->next)
        half = &(*half)->next;
    pcb = *half; /* the newest are in front */
    *half = NULL;
    for (; pcb; pcb = next) {
        next = pcb->next;
        tcp_pcb_purge(pcb);
        tcp_free(pcb);
    }
}
