// SPDX-License-Identifier: MIT
/*
 * What is exposed: the pages every env sees read-only at EXO_INFO.
 *
 * The kernel's own tables are laid out for exposure from the start: the env
 * table, the page table of owners and the slot vectors are the kernel's working
 * copies, mapped again for users. So exposing costs nothing and is never stale.
 *
 * Policy left to the libOS: everything one can decide by looking. How it is
 * taken back: it is not; EXO_ENV_HIDE withholds it from the start.
 */
#ifndef EXO_INFO_INFO_H
#define EXO_INFO_INFO_H

/* Allocate and map the exposed tables: K.machine, K.cpu[i]->info, K.slot,
 * K.env_info, K.page_info, those of K.net. Boot. needs: K.ncpus, K.nslots,
 * K.nenvs, net_size(). */
void info_init(void);

/* Fill in what is known only at the end of the boot. */
void info_publish(void);

#endif
