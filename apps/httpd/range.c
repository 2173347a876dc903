// SPDX-License-Identifier: MIT
/* range.c: see range.h. */
#include "range.h"

/* Takes a number off the front; one too large becomes the largest. False:
 * there is none. */
static bool
number(struct span *s, uint64_t *value)
{
    size_t digits = 0;
    *value = 0;
    for (; s->length && *s->at >= '0' && *s->at <= '9'; digits++) {
        if (*value > (UINT64_MAX - 9) / 10)
            *value = UINT64_MAX;
        else
            *value = *value * 10 + (uint64_t)(*s->at - '0');
        s->at++, s->length--;
    }
    return digits != 0;
}

/* "a-b", "a-" or "-n". Result: 1: a range within the file; 0: outside of it;
 * -1: malformed. */
static int
read_range(struct range *range, struct span s, uint64_t size)
{
    uint64_t first, last;
    bool has_first = number(&s, &first);
    if (!s.length || *s.at != '-')
        return -1;
    s.at++, s.length--;
    bool has_last = number(&s, &last);
    if (s.length || (!has_first && !has_last) ||
        (has_first && has_last && last < first))
        return -1;
    if (!has_first) {
        *range = (struct range){last < size ? size - last : 0, size};
        return last && size;
    }
    if (!has_last || last >= size)
        last = size - 1; // not used when the file is empty
    *range = (struct range){first, last + 1};
    return first < size;
}

int
range_parse(struct range ranges[RANGES_MAX], struct span field, uint64_t size)
{
    if (field.length < 6 || !span_is((struct span){field.at, 6}, "bytes="))
        return 0;
    struct span list = {field.at + 6, field.length - 6}, item;
    unsigned asked = 0, count = 0;
    uint64_t bytes = 0;
    while (span_next(&list, &item)) {
        if (!item.length)
            continue; // empty items of a list are allowed
        struct range range;
        int got = read_range(&range, item, size);
        if (got < 0 || ++asked > RANGES_MAX)
            return 0;
        if (!got)
            continue;
        bytes += range.end - range.at;
        if (bytes > size)
            return 0;
        ranges[count++] = range;
    }
    return count ? (int)count : asked ? -416 : 0;
}
