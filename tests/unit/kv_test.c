// SPDX-License-Identifier: MIT
//
// kv_test: the store against a plain model under random operations, eviction
// and pages taken away included; the protocol by what is sent and what must
// come back. Run on the host under ASan and UBSan.
// Sources: apps/kv/store.c apps/kv/protocol.c
#include "kv/protocol.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGES   16
#define BUCKETS 64
#define KEYS    200

static uint32_t buckets[BUCKETS];
static char *ring[PAGES];
static struct kv kv;
static unsigned long seed = 1;

static uint32_t
rnd(uint32_t below)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (uint32_t)(seed >> 33) % below;
}

static void
begin(uint32_t pages)
{
    while (kv.store.npages)
        free(store_take_page(&kv.store));
    memset(buckets, 0, sizeof(buckets));
    kv = (struct kv){.now = 1000, .start = 900};
    store_open(&kv.store, buckets, BUCKETS, ring, PAGES);
    for (uint32_t i = 0; i < pages; i++)
        assert(store_add_page(&kv.store, malloc(STORE_PAGE)));
}

static uint32_t
name(uint32_t n, char *key)
{
    // Some keys are long, so that items differ in size.
    return (uint32_t)sprintf(
        key, "key-%u%.*s", n, (int)(n % 7 * 30),
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

// What the store must say, or nothing: a cache may forget, never lie.
static struct {
    bool known;
    uint32_t bytes;
    uint8_t fill;
} model[KEYS];

static void
check_item(uint32_t n, const struct store_item *item)
{
    assert(model[n].known && item->bytes == model[n].bytes);
    const char *value = store_value((struct store_item *)item);
    for (uint32_t i = 0; i < item->bytes; i++)
        assert((uint8_t)value[i] == model[n].fill);
}

static void
one_operation(void)
{
    struct store *s = &kv.store;
    char key[300];
    uint32_t n = rnd(KEYS), bytes = name(n, key);
    uint32_t hash = store_hash(key, bytes);
    struct store_item *item;
    switch (rnd(8)) {
    case 0:
        item = store_find(s, key, bytes, hash, 1);
        if (item)
            store_delete(s, item);
        model[n].known = false;
        break;
    case 1:
        if (rnd(20) == 0)
            free(store_take_page(s));
        else if (rnd(20) == 1 && s->npages < PAGES)
            store_add_page(s, malloc(STORE_PAGE));
        break;
    case 2:
    case 3:
        model[n].bytes = rnd(STORE_VALUE + 1);
        model[n].fill = (uint8_t)rnd(256);
        item = store_put(s, key, bytes, hash, model[n].bytes);
        model[n].known = item;
        assert(item || !s->npages);
        if (item)
            memset(store_value(item), model[n].fill, model[n].bytes);
        break;
    default:
        item = store_find(s, key, bytes, hash, 1);
        if (item)
            check_item(n, item);
    }
}

static void
count_items(void)
{
    uint64_t items = 0;
    char key[300];
    for (uint32_t n = 0; n < KEYS; n++) {
        uint32_t bytes = name(n, key);
        items += store_find(&kv.store, key, bytes, store_hash(key, bytes), 1) !=
                 NULL;
    }
    assert(items == kv.store.items);
}

static void
test_store_against_model(void)
{
    for (uint32_t pages = 0; pages <= PAGES; pages++) {
        begin(pages);
        memset(model, 0, sizeof(model));
        for (int i = 0; i < 20000; i++) {
            one_operation();
            if (i % 500 == 0)
                count_items();
        }
    }
    assert(kv.store.evicted > 1000);
}

// What is read again and again survives what is written once.
static void
test_read_items_stay(void)
{
    begin(4);
    struct store_item *item =
        store_put(&kv.store, "hot", 3, store_hash("hot", 3), 100);
    memset(store_value(item), 7, 100);
    for (int i = 0; i < 2000; i++) {
        char key[20];
        uint32_t bytes = (uint32_t)sprintf(key, "cold%d", i);
        assert(store_put(&kv.store, key, bytes, store_hash(key, bytes), 200));
        assert(store_find(&kv.store, "hot", 3, store_hash("hot", 3), 1));
    }
}

static void
test_limits(void)
{
    begin(1);
    char key[300];
    memset(key, 'k', sizeof(key));
    assert(!store_put(&kv.store, key, 0, 1, 1));
    assert(!store_put(&kv.store, key, STORE_KEY + 1, 1, 1));
    assert(!store_put(&kv.store, key, 3, 1, STORE_VALUE + 1));
    assert(store_put(&kv.store, key, STORE_KEY, 1, STORE_VALUE));
    assert(store_find(&kv.store, key, STORE_KEY, 1, 1));
    begin(0);
    assert(!store_put(&kv.store, key, 3, 1, 1));
    assert(!store_take_page(&kv.store));
}

// Sends a request in a block of just its size, so that ASan sees each read
// beyond it, and compares the reply.
static void
talk(const char *request, const char *wanted)
{
    size_t bytes = strlen(request);
    char *copy = malloc(bytes ? bytes : 1), reply[8192];
    memcpy(copy, request, bytes);
    uint32_t n = kv_answer(&kv, copy, (uint32_t)bytes, reply, sizeof(reply));
    free(copy);
    if (n == strlen(wanted) && memcmp(reply, wanted, n) == 0)
        return;
    printf("request:  %s\nexpected: %s\ngot:      %.*s\n", request, wanted,
           (int)n, reply);
    exit(1);
}

static void
test_storage(void)
{
    begin(8);
    talk("get a\r\n", "END\r\n");
    talk("set a 5 0 3\r\nabc\r\n", "STORED\r\n");
    talk("get a\r\n", "VALUE a 5 3\r\nabc\r\nEND\r\n");
    talk("gets a\r\n", "VALUE a 5 3 1\r\nabc\r\nEND\r\n");
    talk("set b 0 0 0\r\n\r\n", "STORED\r\n");
    talk("get a b zz\r\n", "VALUE a 5 3\r\nabc\r\nVALUE b 0 0\r\n\r\nEND\r\n");
    talk("add a 0 0 1\r\nx\r\n", "NOT_STORED\r\n");
    talk("add c 0 0 1\r\nx\r\n", "STORED\r\n");
    talk("replace c 0 0 1\r\ny\r\n", "STORED\r\n");
    talk("replace d 0 0 1\r\ny\r\n", "NOT_STORED\r\n");
    talk("append c 9 9 2\r\n12\r\n", "STORED\r\n");
    talk("prepend c 9 9 2\r\n34\r\n", "STORED\r\n");
    talk("get c\r\n", "VALUE c 0 5\r\n34y12\r\nEND\r\n");
    talk("append zz 0 0 1\r\nx\r\n", "NOT_STORED\r\n");
    talk("cas a 0 0 1 99\r\nx\r\n", "EXISTS\r\n");
    talk("cas a 0 0 1 1\r\nx\r\n", "STORED\r\n");
    talk("cas zz 0 0 1 1\r\nx\r\n", "NOT_FOUND\r\n");
    talk("delete a\r\n", "DELETED\r\n");
    talk("delete a\r\n", "NOT_FOUND\r\n");
    talk("set a 0 0 1 noreply\r\nx\r\nget a\r\n",
         "VALUE a 0 1\r\nx\r\nEND\r\n");
    talk("set a 0 0 4\r\n\r\n\r\n\r\nget a\r\n",
         "STORED\r\nVALUE a 0 4\r\n\r\n\r\n\r\nEND\r\n");
    talk("flush_all\r\nget a b c\r\n", "OK\r\nEND\r\n");
}

static void
test_numbers(void)
{
    begin(8);
    talk("set n 7 0 2\r\n10\r\nincr n 5\r\ndecr n 100\r\n",
         "STORED\r\n15\r\n0\r\n");
    talk("incr n 18446744073709551615\r\nincr n 1\r\n",
         "18446744073709551615\r\n0\r\n");
    talk("incr n 18446744073709551616\r\n",
         "CLIENT_ERROR invalid numeric delta argument\r\n");
    talk("incr zz 1\r\nincr n\r\n", "NOT_FOUND\r\nERROR\r\n");
    talk("set s 0 0 1\r\nx\r\nincr s 1\r\n",
         "STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric "
         "value\r\n");
    talk("get n\r\n", "VALUE n 7 1\r\n0\r\nEND\r\n");
}

static void
test_expiry(void)
{
    begin(8);
    talk("set a 0 10 1\r\nx\r\nset b 0 -1 1\r\nx\r\nset c 0 5000000 1\r\nx\r\n",
         "STORED\r\nSTORED\r\nSTORED\r\n");
    talk("get a b c\r\n", "VALUE a 0 1\r\nx\r\nVALUE c 0 1\r\nx\r\nEND\r\n");
    talk("touch a 100\r\ntouch b 1\r\ntouch a x\r\n",
         "TOUCHED\r\nNOT_FOUND\r\nCLIENT_ERROR invalid exptime argument\r\n");
    kv.now = 1099;
    talk("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
    kv.now = 1100;
    talk("get a\r\n", "END\r\n");
    kv.now = 5000000;
    talk("get c\r\n", "END\r\n");
}

static void
test_broken_requests(void)
{
    begin(2);
    static const char *const format =
        "CLIENT_ERROR bad command line format\r\n";
    static const char *const chunk = "CLIENT_ERROR bad data chunk\r\n";
    talk("", "");
    talk("get a", "ERROR\r\n");
    talk("\r\n", "ERROR\r\n");
    talk("bogus\r\n", "ERROR\r\n");
    talk("set a 0 0\r\n", "ERROR\r\n");
    talk("set a x 0 1\r\nx\r\n", "CLIENT_ERROR bad command line format\r\n"
                                 "ERROR\r\n");
    talk("set a 4294967296 0 1\r\n", format);
    talk("set a 0 1x 1\r\n", format);
    talk("set a 0 0 -1\r\n", format);
    talk("set a 0 0 2147483648\r\n", format);
    talk("set a 0 0 2147483647\r\nx\r\n", chunk);
    talk("set a 0 0 3\r\nab\r\n", chunk);
    talk("set a 0 0 1\r\nab\r\n", chunk);
    talk("set a 0 0 1\r\na\n\r", chunk);
    talk("set a 0 0 1\r\n", chunk);
    talk("cas a 0 0 1\r\nx\r\n", "ERROR\r\nERROR\r\n");
    talk("delete\r\ntouch a\r\nget\r\n", "ERROR\r\nERROR\r\nEND\r\n");
    char request[3000], wanted[100];
    sprintf(request, "set %0251d 0 0 1\r\n", 1);
    talk(request, format);
    sprintf(request, "set a 0 0 1025\r\n%01025d\r\n", 1);
    talk(request, "SERVER_ERROR object too large for cache\r\n");
    sprintf(request, "set a 0 0 1024\r\n%01024d\r\nappend a 0 0 1\r\nx\r\n", 1);
    sprintf(wanted, "STORED\r\nSERVER_ERROR object too large for cache\r\n");
    talk(request, wanted);
    begin(0);
    talk("set a 0 0 1\r\nx\r\n", "SERVER_ERROR out of memory\r\n");
}

// A reply never grows beyond its buffer, whatever is asked for.
static void
test_small_replies(void)
{
    begin(4);
    char request[2000], *at = request;
    sprintf(request, "set a 0 0 1024\r\n%01024d\r\n", 1);
    talk(request, "STORED\r\n");
    at += sprintf(at, "get");
    for (int i = 0; i < 20; i++)
        at += sprintf(at, " a");
    sprintf(at, "\r\nstats\r\n");
    for (uint32_t most = 0; most < 5000; most += 17) {
        char *reply = malloc(most + 1);
        uint32_t n =
            kv_answer(&kv, request, (uint32_t)strlen(request), reply, most);
        assert(n <= most);
        free(reply);
    }
}

static void
test_random_bytes(void)
{
    static const char *const pieces[] = {
        "get ",    "set ",  "a",  " 0",   " 1", "\r\n",
        "noreply", "incr ", "\n", "cas ", "-",  "18446744073709551615"};
    begin(2);
    for (int i = 0; i < 200000; i++) {
        char request[200], reply[4096];
        uint32_t bytes = 0;
        for (uint32_t n = rnd(12); n; n--) {
            const char *piece = pieces[rnd(12)];
            memcpy(request + bytes, piece, strlen(piece));
            bytes += (uint32_t)strlen(piece);
            if (rnd(10) == 0 && bytes)
                request[rnd(bytes)] = (char)rnd(256);
            if (bytes > 150)
                break;
        }
        char *copy = malloc(bytes + 1);
        memcpy(copy, request, bytes);
        assert(kv_answer(&kv, copy, bytes, reply, sizeof(reply)) <=
               sizeof(reply));
        free(copy);
    }
}

int
main(void)
{
    test_store_against_model();
    test_read_items_stay();
    test_limits();
    test_storage();
    test_numbers();
    test_expiry();
    test_broken_requests();
    test_small_replies();
    test_random_bytes();
    begin(0);
    return 0;
}
