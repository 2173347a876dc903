// SPDX-License-Identifier: MIT
/*
 * port.c: the two serial channels. Writing to a channel takes what the device
 * takes at once, so what is left waits in a ring and goes with the next round
 * of the event loop.
 */
#include "init.h"

#define PATIENCE 1000 // sleeps of a millisecond

struct port console, management;

bool
port_open(struct port *port, uint32_t chan)
{
    port->chan = chan;
    port->bytes = page_grow(PORT_BYTES / EXO_PAGE_BYTES);
    return port->bytes != NULL;
}

uint32_t
port_room(const struct port *port)
{
    return PORT_BYTES - (port->head - port->tail);
}

void
port_put(struct port *port, const char *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        port->bytes[port->head++ % PORT_BYTES] = bytes[i];
}

bool
port_flush(struct port *port)
{
    while (port->head != port->tail) {
        uint32_t at = port->tail % PORT_BYTES;
        uint32_t count = port->head - port->tail;
        if (count > PORT_BYTES - at)
            count = PORT_BYTES - at;
        int64_t done =
            exo_chan_write(ROOT_CAP, port->chan, port->bytes + at, count);
        if (done == 0)
            return false;
        /* No such channel on this machine: nobody listens. */
        port->tail += done < 0 ? count : (uint32_t)done;
    }
    return true;
}

void
port_drain(struct port *port)
{
    for (unsigned i = 0; !port_flush(port) && i < PATIENCE; i++)
        event_sleep(CLOCK_MS);
    port->tail = port->head;
}
