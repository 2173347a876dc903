// SPDX-License-Identifier: MIT
/*
 * vm.h: memory of the program: heap, stack, mappings; what a fault brings in
 * and what a request to give back takes out.
 *
 * Results are >= 0 or a negated errno, as Linux' calls would give them.
 *
 *   VM-4  what private writable memory may come to need in all is at most the
 *         account's limit: malloc() fails rather than a store. Mappings made
 *         with MAP_NORESERVE or without access, and the stack, do not count.
 *   VM-5  no page is writable and executable, unless the manifest says `wx`.
 */
#ifndef EXOS_VM_VM_H
#define EXOS_VM_VM_H

#include <exo/upcall.h>
#include <stdbool.h>
#include <stdint.h>

struct node;

/* The program's segments, heap and stack. False: no memory. */
bool vm_open(void);

/* pager.c: brings in what the fault is about. False: nothing may be there, or
 * no memory is left. */
bool pager_fault(const struct exo_frame *frame);

/* heap.c: moves the end of the heap. Result: where it was; -ENOMEM. */
long vm_sbrk(long change);

/* mmap.c ----------------------------------------------------------------------
 */

/* prot, flags: PROT_ and MAP_ of <sys/mman.h>. node: the file, null: none.
 * Result: the address. Errors: INVAL; NOMEM; ACCES writable and executable. */
long vm_map(uint64_t va, uint64_t bytes, int prot, int flags, struct node *node,
            uint64_t offset);
long vm_unmap(uint64_t va, uint64_t bytes);
/* Errors: ACCES; NOMEM; NOTSUP taking away all access to memory in use. */
long vm_protect(uint64_t va, uint64_t bytes, int prot);
long vm_advise(uint64_t va, uint64_t bytes, int advice);

/* How PROT_ bits are bound. */
uint32_t vm_rights(uint32_t prot);

/* A page of a file is no longer what it was: takes it out of all mappings. */
void vm_forget(const struct node *node, uint64_t index, uint64_t count);

/* release.c: answers REVOKE and REPOSSESSED. */
void release_asked(struct exo_frame *frame);
void release_taken(struct exo_frame *frame);
/* There is no page to be had: puts some that nobody would miss into the cache
 * of `space_pages`. They are not given back, as what the kernel gets goes to
 * whom it was promised first. False: there is none. */
bool release_reuse(void);
/* The program goes to sleep: says in the u-area which pages may be taken
 * without asking. */
void release_sleep(void);
/* A page came in that reads as zeros and is bound read-only. */
void release_offer(uint64_t va);
/* Pages are about to become writable, or to be unbound: they are not to be
 * taken any more. */
void release_withdraw(uint64_t start, uint64_t end);
/* False: no memory. */
bool release_open(void);

#endif
