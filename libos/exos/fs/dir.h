// SPDX-License-Identifier: MIT
/*
 * dir.h: names in directories.
 *
 * One hash table for all directories finds a name; a list in each directory, in
 * the order in which names were made, enumerates them. An entry's cookie is its
 * place in that order, so that reading a directory while it changes neither
 * skips nor repeats what stays.
 */
#ifndef EXOS_FS_DIR_H
#define EXOS_FS_DIR_H

#include <stdbool.h>
#include <stdint.h>

struct node;

#define NAME_BYTES_MAX 255u

/* A name inside a path; not terminated. */
struct name {
    const char *at;
    uint32_t length;
};

struct entry {
    struct node *dir, *node;
    struct entry *chain;       // same hash
    struct entry *next, *prev; // same directory
    uint64_t cookie;
    uint32_t length;
    char name[]; // with a zero byte
};

/* The entry; null: none. */
struct entry *dir_find(const struct node *dir, struct name name);

/* Adds a name for a node, which gets a link more; a directory also gets its
 * parent. needs: the name is not there. False: no memory. */
bool dir_add(struct node *dir, struct name name, struct node *node);

/* Takes a name out. The node has a link less. */
void dir_remove(struct entry *entry);

/* The first entry whose cookie is at least `cookie`; null: none. */
struct entry *dir_from(const struct node *dir, uint64_t cookie);

/* The name of a directory in its parent; null: it has none any more. */
const struct entry *dir_name_of(const struct node *dir);

#endif
