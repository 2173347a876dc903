// SPDX-License-Identifier: MIT
/* random.c: ChaCha20 with its key erased after each use; see random.h. */
#include "exos/proc/random.h"

#include <cpuid.h>

#include "exos/vm/space.h"
#include "lib/clock.h"
#include "lib/string.h"

#define KEY_WORDS   8
#define BLOCK_WORDS 16
#define BLOCKS      8  // drawn at a time; the first half block is the next key
#define ROUNDS      10 // double ones

static uint32_t key[KEY_WORDS];
static uint32_t pool[BLOCKS * BLOCK_WORDS];
static size_t left; // bytes of the pool not given out yet, at its end
static bool seeded;

static uint32_t
rotate(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static void
quarter(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 7);
}

static void
block(uint32_t counter, uint32_t out[BLOCK_WORDS])
{
    uint32_t in[BLOCK_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(in + 4, key, sizeof(key));
    in[12] = counter;
    memcpy(out, in, sizeof(in));
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned c = 0; c < 4; c++)
            quarter(out, c, c + 4, c + 8, c + 12);
        for (unsigned c = 0; c < 4; c++)
            quarter(out, c, 4 + (c + 1) % 4, 8 + (c + 2) % 4, 12 + (c + 3) % 4);
    }
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        out[i] += in[i];
}

static bool
has_rdrand(void)
{
    uint32_t a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND);
}

/* Mixes in what is new. */
static void
stir(void)
{
    uint64_t tsc = clock_tsc(), random = 0;
    if (has_rdrand())
        __asm__ volatile("rdrand %0" : "=r"(random) : : "cc");
    key[0] ^= (uint32_t)tsc;
    key[1] ^= (uint32_t)(tsc >> 32);
    key[2] ^= (uint32_t)random;
    key[3] ^= (uint32_t)(random >> 32);
}

static void
refill(void)
{
    if (!seeded)
        memcpy(key, UAREA->seed, sizeof(key));
    seeded = true;
    stir();
    for (uint32_t i = 0; i < BLOCKS; i++)
        block(i, pool + i * BLOCK_WORDS);
    memcpy(key, pool, sizeof(key));
    memset(pool, 0, sizeof(key));
    left = sizeof(pool) - sizeof(key);
}

void
random_bytes(void *to, size_t bytes)
{
    char *out = to;
    while (bytes) {
        if (!left)
            refill();
        size_t n = bytes < left ? bytes : left;
        char *from = (char *)pool + sizeof(pool) - left;
        memcpy(out, from, n);
        memset(from, 0, n);
        left -= n;
        out += n;
        bytes -= n;
    }
}
