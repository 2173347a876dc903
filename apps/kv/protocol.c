// SPDX-License-Identifier: MIT
/* The memcached text protocol: see protocol.h. */
#include "protocol.h"

#include "lib/string.h"

#define WORDS_MAX  24 // of a line: a get with many keys is the longest
#define LINE_ROOM  (STORE_VALUE + STORE_KEY + 64) // of a reply, for one value
#define RELATIVE   (60 * 60 * 24 * 30)            // longer times are absolute
#define DIGITS_MAX 20

struct word {
    const char *at;
    uint32_t bytes;
};

/* What a request is read from and answered to. */
struct talk {
    struct kv *kv;
    const char *at, *end; // what is left of the request
    char *out, *out_end;
    uint32_t nwords;
    struct word word[WORDS_MAX];
};

/* Writing ------------------------------------------------------------------ */

static void
put(struct talk *t, const char *bytes, uint32_t count)
{
    memcpy(t->out, bytes, count);
    t->out += count;
}

static void
put_text(struct talk *t, const char *text)
{
    put(t, text, (uint32_t)strlen(text));
}

static uint32_t
format(uint64_t value, char digits[DIGITS_MAX])
{
    char back[DIGITS_MAX];
    uint32_t n = 0;
    do
        back[n++] = (char)('0' + value % 10);
    while (value /= 10);
    for (uint32_t i = 0; i < n; i++)
        digits[i] = back[n - 1 - i];
    return n;
}

static void
put_number(struct talk *t, uint64_t value)
{
    t->out += format(value, t->out);
}

static bool
has_room(const struct talk *t)
{
    return t->out_end - t->out >= LINE_ROOM;
}

/* A reply, unless the request's last word is "noreply". */
static void
say(struct talk *t, const char *text)
{
    const struct word *last = &t->word[t->nwords - 1];
    if (t->nwords > 1 && last->bytes == 7 &&
        memcmp(last->at, "noreply", 7) == 0)
        return;
    put_text(t, text);
}

/* Reading ------------------------------------------------------------------ */

/* Splits the next line into words. False: there is no whole line. */
static bool
read_line(struct talk *t)
{
    const char *at = t->at, *stop = at;
    while (stop < t->end && *stop != '\n')
        stop++;
    if (stop == t->end)
        return false;
    t->at = stop + 1;
    if (stop > at && stop[-1] == '\r')
        stop--;
    for (t->nwords = 0; at < stop && t->nwords < WORDS_MAX; t->nwords++) {
        struct word *w = &t->word[t->nwords];
        while (at < stop && *at == ' ')
            at++;
        w->at = at;
        while (at < stop && *at != ' ')
            at++;
        w->bytes = (uint32_t)(at - w->at);
        if (!w->bytes)
            break;
    }
    return true;
}

static bool
read_number(const struct word *w, uint64_t most, uint64_t *value)
{
    *value = 0;
    for (uint32_t i = 0; i < w->bytes; i++) {
        uint64_t digit = (uint64_t)(w->at[i] - '0');
        if (digit > 9 || *value > (most - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return w->bytes > 0;
}

/* When an item expires, as a client said; a negative time is past already. */
static bool
read_expiry(const struct talk *t, const struct word *w, uint32_t *expires)
{
    uint64_t seconds;
    struct word digits = *w;
    bool past = w->bytes > 1 && w->at[0] == '-';
    if (past)
        digits = (struct word){w->at + 1, w->bytes - 1};
    if (!read_number(&digits, UINT32_MAX, &seconds))
        return false;
    if (past)
        *expires = 1;
    else if (!seconds || seconds > RELATIVE)
        *expires = (uint32_t)seconds;
    else
        *expires = t->kv->now + (uint32_t)seconds;
    return true;
}

static struct store_item *
find(struct talk *t, const struct word *key)
{
    return store_find(&t->kv->store, key->at, key->bytes,
                      store_hash(key->at, key->bytes), t->kv->now);
}

static bool
is_key(const struct word *w)
{
    return w->bytes && w->bytes <= STORE_KEY;
}

/* Requests ----------------------------------------------------------------- */

static void
get(struct talk *t, bool unique)
{
    for (uint32_t i = 1; i < t->nwords && has_room(t); i++) {
        struct store_item *item = find(t, &t->word[i]);
        t->kv->gets++;
        if (!item)
            continue;
        t->kv->hits++;
        put(t, "VALUE ", 6);
        put(t, store_key(item), item->key_bytes);
        put(t, " ", 1);
        put_number(t, item->flags);
        put(t, " ", 1);
        put_number(t, item->bytes);
        if (unique) {
            put(t, " ", 1);
            put_number(t, item->unique);
        }
        put(t, "\r\n", 2);
        put(t, store_value(item), item->bytes);
        put(t, "\r\n", 2);
    }
    put(t, "END\r\n", 5);
}

static void
do_get(struct talk *t)
{
    get(t, false);
}

static void
do_gets(struct talk *t)
{
    get(t, true);
}

/* A storage command: <command> key flags exptime bytes [unique] [noreply], and
 * the value in the next line. */
struct storage {
    struct word key;
    uint32_t hash, flags, expires, bytes;
    uint64_t unique; // cas
    const char *value;
};

/* Reads one. False: it was answered already. */
static bool
read_storage(struct talk *t, bool with_unique, struct storage *s)
{
    uint64_t flags, bytes;
    if (t->nwords < (with_unique ? 6 : 5)) {
        say(t, "ERROR\r\n");
        return false;
    }
    s->key = t->word[1];
    s->unique = 0;
    if (!is_key(&s->key) || !read_number(&t->word[2], UINT32_MAX, &flags) ||
        !read_expiry(t, &t->word[3], &s->expires) ||
        !read_number(&t->word[4], INT32_MAX, &bytes) ||
        (with_unique && !read_number(&t->word[5], UINT64_MAX, &s->unique))) {
        say(t, "CLIENT_ERROR bad command line format\r\n");
        return false;
    }
    uint64_t left = (uint64_t)(t->end - t->at);
    s->value = t->at;
    if (bytes + 2 > left || t->at[bytes] != '\r' || t->at[bytes + 1] != '\n') {
        t->at = t->end; // what follows is no request
        say(t, "CLIENT_ERROR bad data chunk\r\n");
        return false;
    }
    t->at += bytes + 2;
    if (bytes > STORE_VALUE) {
        say(t, "SERVER_ERROR object too large for cache\r\n");
        return false;
    }
    s->hash = store_hash(s->key.at, s->key.bytes);
    s->flags = (uint32_t)flags;
    s->bytes = (uint32_t)bytes;
    return true;
}

/* Puts `before` in front of and `after` behind the value. */
static void
store_pieces(struct talk *t, const struct storage *s, const struct word *before,
             const struct word *after)
{
    uint32_t bytes = before->bytes + after->bytes;
    struct store_item *item =
        store_put(&t->kv->store, s->key.at, s->key.bytes, s->hash, bytes);
    if (!item) {
        say(t, bytes > STORE_VALUE
                   ? "SERVER_ERROR object too large for cache\r\n"
                   : "SERVER_ERROR out of memory\r\n");
        return;
    }
    item->flags = s->flags;
    item->expires = s->expires;
    memcpy(store_value(item), before->at, before->bytes);
    memcpy(store_value(item) + before->bytes, after->at, after->bytes);
    t->kv->sets++;
    say(t, "STORED\r\n");
}

static void
store_value_of(struct talk *t, const struct storage *s)
{
    store_pieces(t, s, &(struct word){s->value, s->bytes},
                 &(struct word){s->value, 0});
}

static void
do_set(struct talk *t)
{
    struct storage s;
    if (read_storage(t, false, &s))
        store_value_of(t, &s);
}

static void
do_add(struct talk *t)
{
    struct storage s;
    if (!read_storage(t, false, &s))
        return;
    if (find(t, &s.key))
        say(t, "NOT_STORED\r\n");
    else
        store_value_of(t, &s);
}

static void
do_replace(struct talk *t)
{
    struct storage s;
    if (!read_storage(t, false, &s))
        return;
    if (find(t, &s.key))
        store_value_of(t, &s);
    else
        say(t, "NOT_STORED\r\n");
}

static void
do_cas(struct talk *t)
{
    struct storage s;
    if (!read_storage(t, true, &s))
        return;
    struct store_item *item = find(t, &s.key);
    if (!item)
        say(t, "NOT_FOUND\r\n");
    else if (item->unique != s.unique)
        say(t, "EXISTS\r\n");
    else
        store_value_of(t, &s);
}

/* append, prepend: flags and expiry stay. The old value is copied aside, since
 * making room may move it. */
static void
extend(struct talk *t, bool in_front)
{
    struct storage s;
    char old[STORE_VALUE];
    if (!read_storage(t, false, &s))
        return;
    struct store_item *item = find(t, &s.key);
    if (!item) {
        say(t, "NOT_STORED\r\n");
        return;
    }
    if (s.bytes + item->bytes > STORE_VALUE) {
        say(t, "SERVER_ERROR object too large for cache\r\n");
        return;
    }
    struct word there = {old, item->bytes}, more = {s.value, s.bytes};
    memcpy(old, store_value(item), item->bytes);
    s.flags = item->flags;
    s.expires = item->expires;
    store_pieces(t, &s, in_front ? &more : &there, in_front ? &there : &more);
}

static void
do_append(struct talk *t)
{
    extend(t, false);
}

static void
do_prepend(struct talk *t)
{
    extend(t, true);
}

static void
do_delete(struct talk *t)
{
    if (t->nwords < 2) {
        say(t, "ERROR\r\n");
        return;
    }
    struct store_item *item = find(t, &t->word[1]);
    if (item)
        store_delete(&t->kv->store, item);
    say(t, item ? "DELETED\r\n" : "NOT_FOUND\r\n");
}

/* incr, decr: the value is a decimal number. */
static void
count(struct talk *t, bool up)
{
    uint64_t by, value;
    char digits[DIGITS_MAX + 3];
    if (t->nwords < 3) {
        say(t, "ERROR\r\n");
        return;
    }
    if (!read_number(&t->word[2], UINT64_MAX, &by)) {
        say(t, "CLIENT_ERROR invalid numeric delta argument\r\n");
        return;
    }
    struct store_item *item = find(t, &t->word[1]);
    if (!item) {
        say(t, "NOT_FOUND\r\n");
        return;
    }
    struct word old = {store_value(item), item->bytes};
    if (!read_number(&old, UINT64_MAX, &value)) {
        say(t, "CLIENT_ERROR cannot increment or decrement non-numeric "
               "value\r\n");
        return;
    }
    value = up ? value + by : value > by ? value - by : 0;
    struct storage s = {.key = t->word[1],
                        .hash = item->hash,
                        .flags = item->flags,
                        .expires = item->expires,
                        .bytes = format(value, digits)};
    item = store_put(&t->kv->store, s.key.at, s.key.bytes, s.hash, s.bytes);
    item->flags = s.flags;
    item->expires = s.expires;
    memcpy(store_value(item), digits, s.bytes);
    memcpy(digits + s.bytes, "\r\n", 3);
    say(t, digits);
}

static void
do_incr(struct talk *t)
{
    count(t, true);
}

static void
do_decr(struct talk *t)
{
    count(t, false);
}

static void
do_touch(struct talk *t)
{
    uint32_t expires;
    if (t->nwords < 3) {
        say(t, "ERROR\r\n");
        return;
    }
    if (!read_expiry(t, &t->word[2], &expires)) {
        say(t, "CLIENT_ERROR invalid exptime argument\r\n");
        return;
    }
    struct store_item *item = find(t, &t->word[1]);
    if (item)
        item->expires = expires;
    say(t, item ? "TOUCHED\r\n" : "NOT_FOUND\r\n");
}

static void
do_flush_all(struct talk *t)
{
    store_clear(&t->kv->store);
    say(t, "OK\r\n");
}

static void
put_stat(struct talk *t, const char *name, uint64_t value)
{
    put_text(t, "STAT ");
    put_text(t, name);
    put(t, " ", 1);
    put_number(t, value);
    put(t, "\r\n", 2);
}

static void
do_stats(struct talk *t)
{
    const struct kv *kv = t->kv;
    put_stat(t, "uptime", kv->now - kv->start);
    put_stat(t, "time", kv->now);
    put_text(t, "STAT version " KV_VERSION "\r\n");
    put_stat(t, "cmd_get", kv->gets);
    put_stat(t, "cmd_set", kv->sets);
    put_stat(t, "get_hits", kv->hits);
    put_stat(t, "get_misses", kv->gets - kv->hits);
    put_stat(t, "curr_items", kv->store.items);
    put_stat(t, "evictions", kv->store.evicted);
    put_stat(t, "reclaimed", kv->store.expired);
    put_stat(t, "limit_maxbytes", (uint64_t)kv->store.npages * STORE_PAGE);
    put_text(t, "END\r\n");
}

static void
do_version(struct talk *t)
{
    put_text(t, "VERSION " KV_VERSION "\r\n");
}

static void
do_verbosity(struct talk *t)
{
    say(t, "OK\r\n");
}

static const struct command {
    const char *name;
    void (*act)(struct talk *t);
} commands[] = {
    {"get", do_get},
    {"set", do_set},
    {"gets", do_gets},
    {"add", do_add},
    {"replace", do_replace},
    {"append", do_append},
    {"prepend", do_prepend},
    {"cas", do_cas},
    {"delete", do_delete},
    {"incr", do_incr},
    {"decr", do_decr},
    {"touch", do_touch},
    {"flush_all", do_flush_all},
    {"stats", do_stats},
    {"version", do_version},
    {"verbosity", do_verbosity},
};

static const struct command *
find_command(const struct word *name)
{
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strlen(commands[i].name) == name->bytes &&
            memcmp(commands[i].name, name->at, name->bytes) == 0)
            return &commands[i];
    return NULL;
}

uint32_t
kv_answer(struct kv *kv, const char *request, uint32_t bytes, char *reply,
          uint32_t most)
{
    struct talk t; // its words are a line's, and not cleared for each request
    t.kv = kv;
    t.at = request;
    t.end = request + bytes;
    t.out = reply;
    t.out_end = reply + most;
    while (t.at < t.end && has_room(&t)) {
        if (!read_line(&t)) {
            put_text(&t, "ERROR\r\n");
            break;
        }
        const struct command *c = t.nwords ? find_command(&t.word[0]) : NULL;
        if (c)
            c->act(&t);
        else
            put_text(&t, "ERROR\r\n");
    }
    return (uint32_t)(t.out - reply);
}
