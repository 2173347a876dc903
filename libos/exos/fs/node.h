// SPDX-License-Identifier: MIT
/*
 * node.h: a file, directory, symbolic link or device of the file system, apart
 * from any name it has.
 *
 * A node lives while a name leads to it (`links`) or somebody holds it: an open
 * file, a mapping, a working directory. So a file that was unlinked lives on
 * until the last of them lets go (FS-1).
 */
#ifndef EXOS_FS_NODE_H
#define EXOS_FS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "exos/fs/radix.h"
#include "lib/pages.h"

struct entry;
struct device;
struct pipe;

/* The content of a regular file. A page that was written is in `pages`; one
 * that was not is in the archive at `base`, or a hole. */
struct data {
    const char *base;    // in the archive; null: nothing
    uint64_t base_bytes; // how far it counts; cut when the file is truncated
    exo_page base_page;  // number of its first page; 0: not on a page boundary
    struct radix pages;
};

struct node {
    uint64_t number;
    uint32_t mode; // S_IFMT and permissions
    uint32_t uid, gid;
    uint32_t links, holds;
    uint64_t size;                // in bytes; of a directory: entries
    uint64_t read, changed, meta; // ns since 1970: atime, mtime, ctime
    union {
        struct data data;        // S_IFREG
        struct {                 // S_IFDIR
            struct node *parent; // of the root: itself
            struct entry *first, *last;
            uint64_t next_cookie;
        } dir;
        char *target;                // S_IFLNK, size + 1 bytes
        const struct device *device; // S_IFCHR
        struct pipe *pipe;           // S_IFIFO; null: nobody has it open
    };
};

/* A new node with no name, held once. Null: no memory. */
struct node *node_new(uint32_t mode);

void node_hold(struct node *node);
void node_release(struct node *node);

/* One name less. */
void node_unlink(struct node *node);

/* Notes that the content, or the properties, changed now. */
void node_touch(struct node *node);
void node_touch_meta(struct node *node);

/* What stat() says. */
void node_stat(const struct node *node, struct stat *out);

/* Nodes there are, and pages that regular files use. */
extern uint64_t node_count;

#endif
