// SPDX-License-Identifier: MIT
/*
 * Arguments of random system calls.
 *
 * They are picked with the kernel's own state in view, so that most are nearly
 * right: a page the caller pays for, a capability that covers it, an address
 * that a table maps. The rest is hostile. Whoever runs on a CPU makes the next
 * call; envs come and go as the calls have it.
 */
#ifndef TEST_PICK_H
#define TEST_PICK_H

#include "host.h"

#define HANDLER 0x300000 /* where all handlers are; nothing is there */

/* Who makes the next call, and where the choices come from. */
extern struct who {
    struct host_cpu *cpu;
    struct env *env;
    uint64_t (*random)(void);
} who;

/* Once, after boot: what the first env has now it keeps, to make calls from. */
void pick_begin(void);

uint32_t below(uint32_t n);
bool chance(unsigned percent);
uint64_t hostile(void); /* any number, mostly at some edge */

exo_guard pick_guard(void); /* few, all inside one another */
uint32_t pick_cap(void);
uint32_t pick_caps(void);
uint64_t pick_va(void); /* in few tables */

/* Does the caller pay for this page of that use, and may it go? */
bool is_mine(exo_page page, unsigned use, bool unbound);

/* Such a page; any page if it has none. */
exo_page pick_mine(unsigned use, bool unbound);
exo_page pick_page(void);
exo_page pick_root(void);

struct env *pick_env_at_all(void);
exo_env pick_env(void);

/* The first env never sleeps for ever: nobody could wake it. */
uint64_t pick_deadline(void);

/* A page of writable memory of the caller for call arguments; 0: none. */
uint64_t scratch(void);

/* Put words where the caller can point to them. */
uint64_t put_words(const void *words, size_t bytes);

/* In calls.c: make a call. False: refused, or somebody else runs now. */
bool call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
          uint64_t e);

/* In packets.c: a call about packets, or something a card does. */
void packets_step(void);

#endif
