// SPDX-License-Identifier: MIT
/* Byte channels: see chan.h. */
#include "chan/chan.h"

#include "cap/cap.h"
#include "drv/apic.h"
#include "drv/uart.h"
#include "env/env.h"
#include "tlb/user.h"

#define CHAN_STEP 64 /* bytes moved while the lock is held */

void
chan_init(void)
{
    static const uint8_t irq[] = {4, 3}, vector[] = {VECTOR_COM1, VECTOR_COM2};
    for (unsigned i = 0; i < ARRAY_SIZE(K.chan); i++)
        if (uart_present(i) && ioapic_route_isa(irq[i], vector[i]))
            uart_enable_irq(i, false);
}

static void
take_input(struct chan *ch, unsigned port)
{
    uint8_t in[CHAN_STEP];
    uint32_t before = ch->head;
    size_t room = sizeof(ch->ring) - (ch->head - ch->tail);
    size_t n = uart_read(port, in, sizeof(in));
    for (size_t i = 0; i < n && i < room; i++)
        ch->ring[ch->head++ % sizeof(ch->ring)] = in[i];
    if (ch->head != before && ch->listener)
        env_ring(ch->listener, EXO_EVENT_CHAN);
}

void
chan_interrupt(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(K.chan); i++)
        if (uart_present(i) && (uart_irq(i) & UART_RX))
            take_input(&K.chan[i], i);
}

/* The channel, if the caller may use it so. */
static struct chan *
chan_get(exo_cap cap, uint32_t chan, unsigned right, int64_t *error)
{
    *error = -EXO_E_INVAL;
    if (chan >= ARRAY_SIZE(K.chan) || !uart_present(chan))
        return NULL;
    *error = -EXO_E_CAP;
    return cap_covers(cap_slot(env_self(), cap), K.chan[chan].guard, right)
               ? &K.chan[chan]
               : NULL;
}

int64_t
sys_chan_write(exo_cap cap, uint32_t chan, EXO_USER(const char) bytes,
               uint64_t count)
{
    int64_t error;
    char buf[CHAN_STEP];
    if (!chan_get(cap, chan, EXO_WRITE, &error))
        return error;
    if (count > sizeof(buf))
        count = sizeof(buf);
    if (!user_get_bytes(buf, bytes, count))
        return -EXO_E_FAULT;
    return (int64_t)uart_write(chan, buf, count);
}

int64_t
sys_chan_read(exo_cap cap, uint32_t chan, EXO_USER(char) bytes, uint64_t count)
{
    int64_t error;
    struct chan *ch = chan_get(cap, chan, EXO_READ, &error);
    if (!ch)
        return error;
    char buf[CHAN_STEP];
    uint64_t n = 0;
    if (count > sizeof(buf))
        count = sizeof(buf);
    for (; n < count && ch->tail + n != ch->head; n++)
        buf[n] = (char)ch->ring[(ch->tail + n) % sizeof(ch->ring)];
    if (!user_put_bytes(bytes, buf, n))
        return -EXO_E_FAULT;
    ch->tail += (uint32_t)n;
    ch->listener = env_self();
    return (int64_t)n;
}
