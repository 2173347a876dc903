// SPDX-License-Identifier: MIT
/* condition.c: see condition.h. */
#include "condition.h"

#include "date.h"

/* A date is a proof when the file was not changed again within its second
 * [RFC9110 §8.8.2.2]. */
#define DATE_SETTLES_S 2

/* Takes one entity tag off the front of a list. False: the list is malformed.
 * A comma may be part of a tag, so that span_next() would not do. */
static bool
next_tag(struct span *list, struct span *tag, bool *weak)
{
    *weak = list->length >= 2 && memcmp(list->at, "W/", 2) == 0;
    size_t start = *weak ? 2 : 0;
    if (list->length <= start || list->at[start] != '"')
        return false;
    const char *quote =
        memchr(list->at + start + 1, '"', list->length - start - 1);
    if (!quote)
        return false;
    *tag =
        (struct span){list->at + start, (size_t)(quote + 1 - list->at) - start};
    list->length -= (size_t)(quote + 1 - list->at);
    list->at = quote + 1;
    while (list->length && strchr(", \t", *list->at))
        list->at++, list->length--;
    return true;
}

static bool
is_tag(struct span tag, const struct item *item)
{
    return tag.length == strlen(item->tag) &&
           memcmp(tag.at, item->tag, tag.length) == 0;
}

/* The item's tag is in the list, or the list is "*". */
static bool
matches(struct span list, const struct item *item, bool strongly)
{
    struct span tag;
    bool weak;
    if (span_is(list, "*"))
        return true;
    while (list.length && next_tag(&list, &tag, &weak))
        if (is_tag(tag, item) && !(strongly && (weak || item->weak)))
            return true;
    return false;
}

/* The item changed after the date. A date that is none says nothing, which is
 * `otherwise`. */
static bool
changed_since(struct span field, const struct item *item, int64_t now,
              bool otherwise)
{
    int64_t date = date_read(field, now);
    return date < 0 ? otherwise : item->mtime > date;
}

/* A list may come in several fields. Only the last one is kept, so what such a
 * request means is not known, and it gets the whole file. */
static bool
unclear(const struct request *r)
{
    return r->repeated &
           (1u << FIELD_IF_MATCH | 1u << FIELD_IF_NONE_MATCH |
            1u << FIELD_IF_MODIFIED_SINCE | 1u << FIELD_IF_UNMODIFIED_SINCE);
}

int
condition_check(const struct request *r, const struct item *item, int64_t now)
{
    const struct span *match = &r->field[FIELD_IF_MATCH],
                      *none = &r->field[FIELD_IF_NONE_MATCH],
                      *since = &r->field[FIELD_IF_MODIFIED_SINCE],
                      *not_since = &r->field[FIELD_IF_UNMODIFIED_SINCE];
    if (!item->tag[0] || unclear(r))
        return 200;
    if (match->at) {
        if (!matches(*match, item, true))
            return 412;
    } else if (not_since->at) {
        if (changed_since(*not_since, item, now, false))
            return 412;
    }
    if (none->at)
        return matches(*none, item, false) ? 304 : 200;
    if (since->at)
        return changed_since(*since, item, now, true) ? 200 : 304;
    return 200;
}

bool
condition_range(const struct request *r, const struct item *item, int64_t now)
{
    struct span field = r->field[FIELD_IF_RANGE], tag;
    bool weak;
    if (!item->tag[0] || !r->field[FIELD_RANGE].at ||
        (r->repeated & (1u << FIELD_RANGE | 1u << FIELD_IF_RANGE)))
        return false;
    if (!field.at)
        return true;
    if (memchr(field.at, '"', field.length))
        return next_tag(&field, &tag, &weak) && !field.length && !weak &&
               !item->weak && is_tag(tag, item);
    return date_read(field, now) == item->mtime &&
           now >= item->mtime + DATE_SETTLES_S;
}
