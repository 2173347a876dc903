// SPDX-License-Identifier: MIT
/* fetch: gets what a URL names, over HTTP, in plain POSIX; -h tells how. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetch.h"
#include "http.h"

static const char help[] =
    "usage: fetch [-I] [-o FILE] [-r COUNT] [-t SECONDS] URL\n"
    "Gets what a URL names and writes it to the standard output.\n\n"
    "  -o FILE     write it to FILE\n"
    "  -I          show the head of the answer only\n"
    "  -r COUNT    be sent on to other URLs at most so often (10)\n"
    "  -t SECONDS  wait so long for a sign of life (30)\n\n"
    "Only http is spoken. Exit status: 0 all is well; 2 the command or URL is\n"
    "wrong; 3 the host has no address; 4 no connection; 5 the answer is "
    "broken\n"
    "or not whole; 6 too slow; 7 cannot write; 8 the server refused (4xx, 5xx);"
    "\n9 sent on too often.\n";

struct options {
    const char *url, *output;
    bool head;
    unsigned long redirects, patience_s;
};

static const char *unfinished;

void
fail_removes(const char *file)
{
    unfinished = file;
}

_Noreturn void
fail(enum end end, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("fetch: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    if (unfinished)
        unlink(unfinished);
    exit(end);
}

static unsigned long
number(int option, const char *text, unsigned long most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value > most)
        fail(END_USAGE, "-%c wants a number up to %lu, not \"%s\"", option,
             most, text);
    return value;
}

static void
read_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){.redirects = 10, .patience_s = 30};
    int option;
    while ((option = getopt(argc, argv, "Io:r:t:h")) != -1) {
        switch (option) {
        case 'I':
            options->head = true;
            break;
        case 'o':
            options->output = optarg;
            break;
        case 'r':
            options->redirects = number('r', optarg, 1000);
            break;
        case 't':
            options->patience_s = number('t', optarg, 86400);
            break;
        case 'h':
            fputs(help, stdout);
            exit(END_OK);
        default:
            fail(END_USAGE, "-h lists the options");
        }
    }
    if (optind + 1 != argc)
        fail(END_USAGE, "one URL is wanted; -h tells more");
    options->url = argv[optind];
}

static bool
sends_on(const struct answer *answer)
{
    int s = answer->status;
    return (s == 301 || s == 302 || s == 303 || s == 307 || s == 308) &&
           answer->location[0];
}

/* Asks until it is not sent on any more. */
static void
ask(const struct options *options, struct stream *stream, struct answer *answer)
{
    struct url url;
    url_read(&url, options->url);
    for (unsigned long n = 0;; n++) {
        stream_open(stream, url.host, url.port,
                    (int)options->patience_s * 1000);
        http_ask(stream, options->head ? "HEAD" : "GET", &url, answer,
                 options->head ? stdout : NULL);
        if (!sends_on(answer))
            return;
        stream_close(stream);
        if (n == options->redirects)
            fail(END_REDIRECTS, "sent on more than %lu times",
                 options->redirects);
        url_follow(&url, answer->location);
    }
}

/* Writes the content to where it shall go. */
static void
save(const struct options *options, struct stream *stream,
     const struct answer *answer)
{
    FILE *out = options->output ? fopen(options->output, "wb") : stdout;
    if (!out)
        fail(END_OUTPUT, "cannot write \"%s\": %s", options->output,
             strerror(errno));
    struct stat s; // a device is not removed when the answer breaks off
    if (options->output && fstat(fileno(out), &s) == 0 && S_ISREG(s.st_mode))
        fail_removes(options->output);
    http_content(stream, answer, out);
    if (fflush(out) != 0 || (options->output && fclose(out) != 0))
        fail(END_OUTPUT, "cannot write the output: %s", strerror(errno));
    fail_removes(NULL);
}

int
main(int argc, char **argv)
{
    static struct stream stream;
    struct options options;
    struct answer answer;
    read_options(&options, argc, argv);
    ask(&options, &stream, &answer);
    bool refused = answer.status >= 400;
    if (refused && options.output) // an error page is not what was asked for
        fail(END_STATUS, "the server says: %s", answer.status_line + 9);
    if (!options.head)
        save(&options, &stream, &answer);
    stream_close(&stream);
    if (refused)
        fail(END_STATUS, "the server says: %s", answer.status_line + 9);
    return END_OK;
}
