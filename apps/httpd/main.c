// SPDX-License-Identifier: MIT
/*
 * httpd: a web server for static files, in plain POSIX with epoll and sendfile.
 * server.h says how it is built, README.md of apps/ what it does; -h its
 * options.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "server.h"

#define BACKLOG 511

static int stop[2] = {-1, -1}; // a pipe: what can be read from it is the end

static void
on_stop(int number)
{
    int error = errno;
    (void)number;
    (void)!write(stop[1], "", 1);
    errno = error;
}

/* Ends in good order when asked to. Where there are no pipes or signals, being
 * asked is the end. */
static void
catch_signals(void)
{
    signal(SIGPIPE, SIG_IGN); // sendfile() has no flag for it
    if (pipe(stop) != 0)
        return;
    signal(SIGTERM, on_stop);
    signal(SIGINT, on_stop);
}

/* Opens a socket that listens. Result: it; -1: errno says why not. */
static int
listen_at(const struct addrinfo *at)
{
    int on = 1, s = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
    if (s < 0)
        return -1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at->ai_family == AF_INET6)
        setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(s, at->ai_addr, at->ai_addrlen) == 0 && listen(s, BACKLOG) == 0 &&
        fcntl(s, F_SETFL, O_NONBLOCK) == 0)
        return s;
    int error = errno;
    close(s);
    errno = error;
    return -1;
}

/* Says where it listens, as a URL. */
static void
announce(int listener, char port[8])
{
    char host[64] = "?";
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    getsockname(listener, (struct sockaddr *)&address, &length);
    getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port,
                8, NI_NUMERICHOST | NI_NUMERICSERV);
    bool six = address.ss_family == AF_INET6;
    printf("httpd: serving %s/ at http://%s%s%s:%s/\n", server.cache.root,
           six ? "[" : "", host, six ? "]" : "", port);
    fflush(stdout);
}

/* Listens on all addresses of a name; null: of this machine. A port of "0" is
 * replaced by the one that is found free. */
static bool
listen_on(const char *name, char port[8])
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    int error = getaddrinfo(name, port, &hints, &list);
    if (error) {
        fprintf(stderr, "httpd: address %s: %s\n", name ? name : "any",
                gai_strerror(error));
        return false;
    }
    unsigned before = server.listeners;
    for (struct addrinfo *at = list; at && server.listeners < LISTENERS_MAX;
         at = at->ai_next) {
        if (strcmp(port, "0") != 0) { // found by an earlier address
            in_port_t number = htons((in_port_t)atoi(port));
            if (at->ai_family == AF_INET)
                ((struct sockaddr_in *)at->ai_addr)->sin_port = number;
            else
                ((struct sockaddr_in6 *)at->ai_addr)->sin6_port = number;
        }
        int s = listen_at(at);
        if (s < 0)
            continue; // a machine may be without one of the families
        server.listener[server.listeners++] = s;
        announce(s, port);
    }
    freeaddrinfo(list);
    if (server.listeners > before)
        return true;
    fprintf(stderr, "httpd: cannot listen on %s port %s: %s\n",
            name ? name : "any address", port, strerror(errno));
    return false;
}

static bool
listen_everywhere(const struct options *options)
{
    char port[8];
    snprintf(port, sizeof(port), "%s", options->port);
    if (!options->addresses)
        return listen_on(NULL, port);
    for (unsigned i = 0; i < options->addresses; i++)
        if (!listen_on(options->address[i], port))
            return false;
    return true;
}

/* Sets the root, without a "/" at its end. */
static bool
set_root(const char *root)
{
    static char copy[PATH_BYTES];
    struct stat s;
    size_t n = strlen(root);
    while (n && root[n - 1] == '/')
        n--;
    if (n >= sizeof(copy) || stat(root, &s) != 0 || !S_ISDIR(s.st_mode)) {
        fprintf(stderr, "httpd: \"%s\" is not a directory that can be read\n",
                root);
        return false;
    }
    memcpy(copy, root, n);
    server.cache.root = copy;
    return true;
}

static bool
open_log(const char *name)
{
    if (!name)
        return true;
    server.log = strcmp(name, "-") == 0 ? stdout : fopen(name, "a");
    if (!server.log)
        fprintf(stderr, "httpd: cannot write the log to \"%s\": %s\n", name,
                strerror(errno));
    return server.log != NULL;
}

int
main(int argc, char **argv)
{
    struct options options;
    int status = options_read(&options, argc, argv);
    if (status >= 0)
        return status;
    catch_signals();
    server.limits = options.limits;
    server.listing = options.listing;
    server.pool.most = options.limits.buffers;
    if (!set_root(options.root) || !open_log(options.log) ||
        !listen_everywhere(&options))
        return 1;
    if (loop_run(stop[0]) != 0) {
        fprintf(stderr, "httpd: cannot wait for clients: %s\n",
                strerror(errno));
        return 1;
    }
    if (server.log && server.log != stdout)
        fclose(server.log);
    return 0;
}
