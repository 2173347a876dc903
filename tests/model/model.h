// SPDX-License-Identifier: MIT
/*
 * A reference model of the kernel's resources, written from the contracts in
 * exo/syscall.def and not from the kernel.
 *
 * The model has its own tables of pages, page tables, capabilities, shares and
 * slots. Each call is made on both: the kernel first, then model_call() with
 * what the caller passed and the kernel's result. The result must be one the
 * contract allows (where several errors apply, any of them; of a batch, any
 * part), and model_compare() then wants both to be in the same state. Accounts
 * are not kept but counted anew from the pages: the ledger.
 *
 * What the contracts leave open (the order in which a dead env is taken apart,
 * what revocation takes) is not predicted: model_import() goes on from the
 * kernel's state, after the ledger was found to balance in it.
 */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include "host.h"

#define MODEL_PAGES 4096
#define MODEL_ENVS  512
#define MODEL_SLOTS 512
#define MODEL_WORDS 512 /* of the caller's memory that a call may read */

/* Bits of a page table entry that the contracts speak of. */
#define MODEL_PTE                                                              \
    (EXO_PTE_P | EXO_PTE_W | EXO_PTE_U | EXO_PTE_NX | EXO_PTE_PS |             \
     EXO_PTE_HEIR | EXO_PTE_PAGE | 0xe00ull | 0x7full << 52)

struct model_page {
    exo_guard guard;
    uint16_t payer;
    uint8_t use, level;
    bool large, sealed;
    uint32_t tails;   /* large: TAIL pages behind it; fewer than 511: in part */
    uint64_t va;      /* table: what it maps */
    uint64_t first;   /* binding that is recorded with the page */
    uint32_t link[2]; /* table: link pages */
    uint64_t *entry;  /* table: its entries */
};

struct model_cap {
    uint64_t name;
    uint8_t length, rights, opened;
};

struct model_env {
    exo_env id; /* 0: none */
    uint16_t parent, flags;
    bool alive;
    exo_guard guard;
    exo_page root;
    struct exo_share share[EXO_KINDS];
    struct model_cap cap[EXO_CAPS_MAX];
};

struct model {
    uint32_t npages, nenvs;
    struct model_page page[MODEL_PAGES];
    struct model_env env[MODEL_ENVS];
    struct exo_slot slot[MODEL_SLOTS];
};

extern struct model model;

/* A call as the caller made it. */
struct model_args {
    uint64_t nr, a[5];
    uint16_t me;                 /* who called */
    unsigned nwords;             /* of memory at the pointer argument */
    uint64_t words[MODEL_WORDS]; /* before the call ... */
    uint64_t after[MODEL_WORDS]; /* ... and after it */
};

/* Is the kernel's result right, and what does it change? False: the contracts
 * leave open what happened. Stops the test when it is wrong. */
bool model_call(const struct model_args *args, int64_t result);

/* Take over the kernel's state. */
void model_import(struct model *to);

/* Stop the test unless the kernel is in the model's state. */
void model_compare(void);

/* Count all resources anew and compare with every account. */
void model_audit(void);

/* The ledger: what an env and its descendants use of pages. */
struct model_use {
    uint32_t own, pinned, used, promised;
};
void model_count(struct model_use use[MODEL_ENVS]);

#endif
