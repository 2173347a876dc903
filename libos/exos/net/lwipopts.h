/* SPDX-License-Identifier: MIT */
/*
 * lwIP for servers: the raw interface, driven by one thread or under one lock,
 * with libos/exos' own sockets on top.
 *
 * Nothing is sized here that grows with the load. Every control block and
 * buffer comes from libos/exos/net/memory.h, which keeps to a limit that the
 * program sets from its manifest's memory; near it connections in TIME_WAIT
 * end, the oldest first, and at it lwIP refuses. What a connection may
 * have waiting to be sent is a share of what is left (sock_tcp.c).
 */
#ifndef EXOS_NET_LWIPOPTS_H
#define EXOS_NET_LWIPOPTS_H

#include "memory.h"

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0
#define LWIP_COMPAT_SOCKETS  0
#define LWIP_RAW             1
#define LWIP_NETIF_API       0

/* Memory. */
#define MEM_LIBC_MALLOC          1
#define MEMP_MEM_MALLOC          1
#define MEM_ALIGNMENT            16
#define MEM_SIZE                 0x1000000 /* only for the width of its types */
#define mem_clib_malloc          net_memory_take
#define mem_clib_calloc          net_memory_take_zeroed
#define mem_clib_free            net_memory_give
#define LWIP_SUPPORT_CUSTOM_PBUF 1

/* Links. A packet may be sent from several buffers; whether a card adds
   checksums is said for each interface. */
#define LWIP_ETHERNET                  1
#define LWIP_ARP                       1
#define ARP_TABLE_SIZE                 127
#define ARP_QUEUEING                   1
#define ARP_QUEUE_LEN                  16
#define ETHARP_TABLE_MATCH_NETIF       1
#define ETHARP_SUPPORT_STATIC_ENTRIES  1
#define LWIP_NETIF_TX_SINGLE_PBUF      0
#define LWIP_CHECKSUM_CTRL_PER_NETIF   1
#define LWIP_NETIF_HOSTNAME            1
#define LWIP_NETIF_STATUS_CALLBACK     1
#define LWIP_NETIF_LINK_CALLBACK       1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1
#define LWIP_NETIF_HWADDRHINT          1
#define LWIP_HAVE_LOOPIF               1
#define LWIP_NETIF_LOOPBACK            1

/* Internet. */
#define LWIP_IPV4                     1
#define LWIP_IPV6                     1
#define LWIP_ICMP                     1
#define LWIP_IGMP                     0
#define LWIP_IPV6_MLD                 0
#define LWIP_IPV6_AUTOCONFIG          0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_NUM_ADDRESSES       4
#define LWIP_ND6_NUM_NEIGHBORS        64
#define LWIP_ND6_NUM_DESTINATIONS     64
#define MEMP_NUM_ND6_QUEUE            64
#define IP_FORWARD                    0
#define IP_REASSEMBLY                 1
#define IP_REASS_MAX_PBUFS            128
#define IP_FRAG                       1
#define IPV6_FRAG_COPYHEADER          1 /* pointers are longer than what it overlays */
#define LWIP_MULTICAST_TX_OPTIONS     1
#define IP_SOF_BROADCAST              1
#define LWIP_DHCP                     0
#define LWIP_DNS                      1
#define DNS_MAX_SERVERS               3
#define DNS_TABLE_SIZE                16
#define DNS_MAX_NAME_LENGTH           256

/* Addresses, prefix lengths and gateways stand in the manifest (stack.c). */
struct netif;
struct ip6_addr;
const struct ip6_addr *stack_gateway6(const struct ip6_addr *to);
#define LWIP_HOOK_ND6_GET_GW(netif, to) ((void)(netif), stack_gateway6(to))

/* Sums are added as the rest of Exo adds them: eight bytes a step. */
unsigned short stack_checksum(const void *bytes, int count);
#define LWIP_CHKSUM stack_checksum

/* UDP and TCP. */
#define LWIP_UDP                           1
#define LWIP_TCP                           1
#define SO_REUSE                           1
#define SO_REUSE_RXTOALL                   1
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1
#define TCP_LISTEN_BACKLOG                 1
#define TCP_DEFAULT_LISTEN_BACKLOG         255
#define LWIP_TCP_KEEPALIVE                 1

#define TCP_MSS             1460
#define LWIP_WND_SCALE      1
#define TCP_RCV_SCALE       2
#define TCP_WND             (128 * TCP_MSS)
#define TCP_SND_BUF         (128 * TCP_MSS)
#define TCP_SND_QUEUELEN    512
#define TCP_SNDLOWAT        32768
#define TCP_OVERSIZE        TCP_MSS
#define TCP_QUEUE_OOSEQ     1
#define TCP_OOSEQ_MAX_BYTES (64 * TCP_MSS)
#define LWIP_TCP_SACK_OUT   1
#define LWIP_TCP_TIMESTAMPS 0

/* The clock of TCP ticks every 50 ms while there are connections: delayed
   acknowledgements wait that long, and a retransmission at least some 200 ms,
   as elsewhere today. lwIP's own values are five times that. */
#define TCP_TMR_INTERVAL  50
#define LWIP_TCP_RTO_TIME 1000

/* A connection waits for its end twice this, in ms; lwIP uses it where `pcb` is
   that connection. In TIME_WAIT it is short: initial sequence numbers are
   unpredictable and grow with time for each pair of addresses, so a segment of
   a former connection is not taken for one of the next. In LAST_ACK all that
   was sent may still be on its way, and a peer may be slow to take it. */
#define TCP_MSL (pcb->state == LAST_ACK ? 60000u : 1000u)

struct ip_addr;
unsigned net_first_sequence(const struct ip_addr *local, unsigned short port,
                            const struct ip_addr *remote,
                            unsigned short remote_port);
#define LWIP_HOOK_TCP_ISN net_first_sequence

/* A segment's connection is found by a hash (connections.c). A pcb is known
   there from when it has both addresses until it is freed. */
struct tcp_pcb;
struct tcp_hdr;
void net_connection_add(struct tcp_pcb *pcb);
void net_connection_remove(struct tcp_pcb *pcb);
struct tcp_pcb *net_connection_find(const struct tcp_hdr *segment,
                                    const struct tcp_pcb *list);

/* When memory for data is short, ends the older half of the connections in
   TIME_WAIT. lwIP itself would look through all of them for the oldest, for
   each new connection. To be called between packets, not by lwIP. */
void net_connections_tidy(void);

#define LWIP_HOOK_TCP_PCB_FIELDS struct tcp_pcb *found_next, **found_at;
#define LWIP_HOOK_TCP_PCB_ADD    net_connection_add
#define LWIP_HOOK_TCP_PCB_REMOVE net_connection_remove
#define LWIP_HOOK_TCP_PCB_FIND   net_connection_find

/* Assertions are on; counters are there to be shown. */
#define LWIP_STATS         1
#define LWIP_STATS_LARGE   1
#define LWIP_STATS_DISPLAY 0

#endif
