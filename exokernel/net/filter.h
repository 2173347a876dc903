// SPDX-License-Identifier: MIT
/*
 * Filters: which frames belong to whom. See exo/net.h for what they mean.
 *
 * Both directions have a decision tree. A node holds the one field that all
 * filters passing through it look at next, and an edge for each value (hashed,
 * so their number costs nothing) and each range (a short sorted list). A filter
 * ends at a node; matching walks down without ever going back, and the frame
 * belongs to the last filter that was passed.
 *
 *   root --ethertype--> 0800 --dst address--> 10.0.2.15 [filter A]
 *                                                |--fragment, protocol, ports
 *                                                v
 *                                            [filter B, parent A]
 *
 * NET-1  a node other than a root is on the way to at least one filter: its
 *        count of uses is the number of filters that end at or below it.
 * NET-2  at most one filter ends at a node, and the next one above it in the
 *        tree is its parent.
 * NET-3  values and ranges of one node exclude each other.
 * NET-4  atoms charged to all payers >= nodes in use; the table never runs out
 *        for who has room in its account.
 *
 * Work is bounded: matching takes at most EXO_DEPTH_MAX steps, and looks
 * through the ranges of at most EXO_RANGES_MAX + 1 nodes. Checking compares a
 * new range with at most SCAN_MAX values. Chains of the hash table hold at most
 * CHAIN_MAX.
 *
 * Pure: nodes and frames, no cards, no pages. tests/unit/filter_test.c drives
 * it against a brute-force reference.
 *
 * Policy left to the libOS: everything about protocols. How it is taken back:
 * filter_remove with CONTROL removes a filter and all below it; holders are
 * told by REPOSSESSED. [DPF96 3]
 */
#ifndef EXO_NET_FILTER_H
#define EXO_NET_FILTER_H

#include "kernel.h"

/* What matching says: the index of the deepest filter that matches, 0: none.
 * `bytes` of the frame may be read, at most EXO_NET_HEADER are looked at. A
 * frame of less than EXO_FRAME_MIN bytes matches nothing. */
uint32_t filter_match(enum exo_direction direction, const uint8_t *frame,
                      size_t bytes);

/* Would these atoms fit below `parent` (an index, 0: the root)? 0 or an error:
 * INVAL malformed or too deep, EXCL they could overlap with a neighbour's,
 * BUSY a filter with just these atoms is there, LIMIT the table or a list of
 * ranges is full, or there is too much to compare with. */
int64_t filter_check(enum exo_direction direction, uint32_t parent,
                     const struct exo_atom *atom, uint32_t count);

/* Put filter `index` there. needs: filter_check() said 0. */
void filter_insert(enum exo_direction direction, uint32_t index,
                   uint32_t parent, const struct exo_atom *atom,
                   uint32_t count);

/* Take a filter out of its tree. needs: no filter is below it. */
void filter_extract(uint32_t index);

/* The next filter above one, 0: none. */
uint32_t filter_above(uint32_t index);

/* Nodes in use, the roots aside. */
uint32_t filter_nodes(void);

/* Tables for filters with indexes below `nfilters`, and `natoms` nodes. Boot.
 */
void filter_init(uint32_t nfilters, uint32_t natoms);

/* Panics when NET-1, 2 or 3 is broken. */
void check_filters(void);

#endif
