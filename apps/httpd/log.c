// SPDX-License-Identifier: MIT
/* log.c: see log.h. */
#include "log.h"

#include <netdb.h>
#include <sys/socket.h>

#include "date.h"
#include "server.h"

static void
put_client(const struct conn *c)
{
    char name[64] = "-";
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    if (getpeername(c->socket, (struct sockaddr *)&address, &length) == 0)
        getnameinfo((struct sockaddr *)&address, length, name, sizeof(name),
                    NULL, 0, NI_NUMERICHOST);
    fputs(name, server.log);
}

/* The line holds visible characters only; quotes would end it early. */
static void
put_line(struct span line)
{
    for (size_t i = 0; i < line.length; i++)
        if (line.at[i] == '"' || line.at[i] == '\\')
            fprintf(server.log, "\\x%02x", (unsigned)line.at[i]);
        else
            putc(line.at[i], server.log);
}

void
log_request(const struct conn *c, const struct request *request, int status,
            uint64_t bytes)
{
    char date[DATE_BYTES];
    if (!server.log)
        return;
    put_client(c);
    date_write_log(date, server.now);
    fprintf(server.log, " - - [%s] \"", date);
    put_line(request ? request->line : (struct span){"-", 1});
    fprintf(server.log, "\" %d %llu\n", status, (unsigned long long)bytes);
}
