// SPDX-License-Identifier: MIT
/*
 * lwIP with exos' configuration and memory, over its own loopback interface, on
 * the C library of exos: natively on Linux, in a time of its own.
 */
#include <stdio.h>
#include <string.h>

#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

enum { PORT = 7, STEP_MS = 10 };

static u32_t now = 1000;
static int failures;
static size_t server_ends_after; /* so many bytes; 0: when the client does */
static u16_t client_port;        /* 0: any */

static struct {
    size_t total, window, sent, echoed;
    int connected, wrong, ended;
    err_t error;
} client;

u32_t
sys_now(void)
{
    return now;
}

static void
judge(int holds, const char *name, const char *what, int line)
{
    if (holds)
        printf("ok %s\n", name);
    else
        printf("not ok %s: loop.c:%d: wanted %s\n", name, line, what);
    failures += !holds;
}

#define CLAIM(name, holds) judge((holds), #name, #holds, __LINE__)

static void
run_for(unsigned ms)
{
    for (; ms >= STEP_MS; ms -= STEP_MS) {
        netif_poll_all();
        now += STEP_MS;
        sys_check_timeouts();
    }
}

static char
pattern(size_t at)
{
    return (char)(at * 2654435761u >> 13);
}

/* The server sends back what it got. Who closes first is who waits. */
static err_t
server_got(void *none, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    (void)none;
    (void)error;
    if (!p)
        return tcp_close(pcb);
    static char bytes[65536];
    pbuf_copy_partial(p, bytes, p->tot_len, 0);
    if (tcp_write(pcb, bytes, p->tot_len, TCP_WRITE_FLAG_COPY) != ERR_OK)
        return ERR_MEM; /* lwIP keeps it and tries again */
    size_t taken = p->tot_len;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    if (server_ends_after && (server_ends_after -= taken) == 0)
        return tcp_close(pcb);
    return tcp_output(pcb);
}

static err_t
server_accepted(void *none, struct tcp_pcb *pcb, err_t error)
{
    (void)none;
    if (error == ERR_OK)
        tcp_recv(pcb, server_got);
    return error;
}

static void
client_send(struct tcp_pcb *pcb)
{
    char piece[1000];
    while (client.sent < client.total &&
           client.sent - client.echoed < client.window &&
           tcp_sndbuf(pcb) >= sizeof piece) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = pattern(client.sent + i);
        if (tcp_write(pcb, piece, sizeof piece, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        client.sent += sizeof piece;
    }
    tcp_output(pcb);
}

static err_t
client_got(void *none, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    (void)none;
    (void)error;
    if (!p) {
        client.ended = 1;
        return ERR_OK;
    }
    for (struct pbuf *q = p; q; q = q->next)
        for (unsigned i = 0; i < q->len; i++)
            client.wrong += ((char *)q->payload)[i] != pattern(client.echoed++);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    client_send(pcb);
    return ERR_OK;
}

static err_t
client_connected(void *none, struct tcp_pcb *pcb, err_t error)
{
    (void)none;
    client.connected = 1;
    client_send(pcb);
    return error;
}

static void
client_failed(void *none, err_t error)
{
    (void)none;
    client.error = error;
}

static err_t
client_acked(void *none, struct tcp_pcb *pcb, u16_t length)
{
    (void)none;
    (void)length;
    client_send(pcb);
    return ERR_OK;
}

/* Sends so many bytes there and back, at most `window` of them at once; whether
   all came back right. */
static int
exchange_by(const ip_addr_t *server, size_t bytes, size_t window)
{
    memset(&client, 0, sizeof client);
    client.total = bytes;
    client.window = window;
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(server));
    if (!pcb)
        return 0;
    tcp_recv(pcb, client_got);
    tcp_sent(pcb, client_acked);
    tcp_err(pcb, client_failed);
    tcp_bind(pcb, NULL, client_port);
    if (tcp_connect(pcb, server, PORT, client_connected) != ERR_OK) {
        tcp_abort(pcb);
        return 0;
    }
    for (int i = 0; i < 20000 && client.echoed < bytes && !client.error; i++)
        run_for(STEP_MS);
    if (!client.error) {
        tcp_recv(pcb, NULL);
        tcp_err(pcb, NULL);
        tcp_sent(pcb, NULL);
        if (tcp_close(pcb) != ERR_OK)
            tcp_abort(pcb);
    }
    return client.echoed == bytes && !client.wrong;
}

static int
exchange(const ip_addr_t *server, size_t bytes)
{
    return exchange_by(server, bytes, bytes);
}

static int
in_time_wait(void)
{
    int n = 0;
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next)
        n++;
    return n;
}

static void
listen_on(u8_t type)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(type);
    tcp_bind(pcb, IP_ANY_TYPE, PORT);
    tcp_accept(tcp_listen(pcb), server_accepted);
}

static void
sequences(void)
{
    ip_addr_t here = IPADDR4_INIT_BYTES(127, 0, 0, 1);
    unsigned first = net_first_sequence(&here, 1, &here, 2);
    unsigned other = net_first_sequence(&here, 1, &here, 3);
    CLAIM(first_sequences_depend_on_the_ports,
          first - other > 1000 && other - first > 1000);
    run_for(100);
    CLAIM(first_sequences_grow_by_250_each_ms,
          net_first_sequence(&here, 1, &here, 2) - first == 25000);
}

/* A server closed a connection, and the client begins one from the same port
   before the server has waited for the end of the first. */
static void
ports_again(const ip_addr_t *server)
{
    client_port = 5000;
    server_ends_after = 1000;
    exchange(server, 1000);
    run_for(100);
    CLAIM(a_connection_that_the_server_closed_waits, in_time_wait() == 1);
    server_ends_after = 1000;
    u32_t began = now;
    CLAIM(another_from_the_same_port_takes_its_place,
          exchange(server, 1000) && now - began < 500 && in_time_wait() == 0);
    run_for(3000);
    server_ends_after = 1000000;
    exchange(server, 1000000);
    run_for(100);
    server_ends_after = 1000;
    CLAIM(one_whose_numbers_were_just_used_is_refused,
          in_time_wait() == 1 && !exchange(server, 1000) && !client.connected);
    client_port = 0;
    server_ends_after = 0;
    run_for(3000);
}

int
main(void)
{
    ip_addr_t v4 = IPADDR4_INIT_BYTES(127, 0, 0, 1);
    ip_addr_t v6 = IPADDR6_INIT_HOST(0, 0, 0, 1);
    lwip_init();
    listen_on(IPADDR_TYPE_ANY);
    run_for(1000);
    sequences();

    size_t before = net_memory_used();
    CLAIM(a_million_bytes_come_back_over_ipv4, exchange(&v4, 1000000));
    CLAIM(a_million_bytes_come_back_over_ipv6, exchange(&v6, 1000000));
    run_for(1000);
    CLAIM(closed_connections_wait, in_time_wait() == 2);
    run_for(1500);
    CLAIM(after_two_seconds_they_are_gone, in_time_wait() == 0);
    CLAIM(nothing_is_left_of_them, net_memory_used() == before);

    ports_again(&v4);
    ports_again(&v6);
    CLAIM(nor_of_these, net_memory_used() == before);

    size_t kept = net_memory_kept();
    CLAIM(freed_blocks_are_kept_and_given_up_when_asked,
          kept > 0 && net_memory_trim() == kept && net_memory_kept() == 0);

    net_memory_set_limit(before + 64000);
    size_t refused = net_memory_refused();
    CLAIM(short_of_memory_a_transfer_comes_through,
          exchange_by(&v4, 1000000, 20000) && net_memory_refused() > refused);
    run_for(3000);
    net_memory_set_limit(before);
    CLAIM(without_memory_a_connection_is_refused, !exchange(&v4, 1000));
    net_memory_set_limit(0);
    run_for(5000);
    CLAIM(and_goes_on_when_there_is_some, exchange(&v4, 1000));
    int right = 0;
    for (int i = 0; i < 1000; i++)
        right += exchange(&v4, 1000);
    run_for(3000);
    CLAIM(a_thousand_connections_leave_nothing,
          right == 1000 && net_memory_used() == before);
    return failures != 0;
}
