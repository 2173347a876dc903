// SPDX-License-Identifier: MIT
/* number.c: numbers from text. */
#include "lib/number.h"

uint64_t
number(const char *text, uint64_t otherwise)
{
    uint64_t value = 0;
    if (!text || !*text)
        return otherwise;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > UINT64_MAX / 10 - 1)
            return otherwise;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    return value;
}
