// SPDX-License-Identifier: MIT
/* fetch.h: what the parts of fetch share: how it ends. */
#ifndef FETCH_H
#define FETCH_H

/* Exit statuses. Users rely on them: -h lists them. */
enum end {
    END_OK = 0,
    END_USAGE = 2,     // the command line or a URL is wrong
    END_NAME = 3,      // the host has no address
    END_CONNECT = 4,   // nobody answers there
    END_ANSWER = 5,    // what came is no HTTP, or is not whole
    END_TIME = 6,      // nothing came for too long
    END_OUTPUT = 7,    // the output cannot be written
    END_STATUS = 8,    // the server said 4xx or 5xx
    END_REDIRECTS = 9, // it sent us on too often
};

/* Says why in a sentence, and exits. */
_Noreturn void fail(enum end end, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* From now on, fail() removes this file: it is not whole. Null: none. */
void fail_removes(const char *file);

#endif
