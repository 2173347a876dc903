// SPDX-License-Identifier: MIT
/* node.c: lives of nodes; see node.h. */
#include "exos/fs/node.h"

#include "exos/fs/data.h"
#include "exos/fs/device.h"
#include "exos/layout.h"
#include "exos/vm/core.h"
#include "lib/clock.h"

uint64_t node_count;

static uint64_t last_number;

struct node *
node_new(uint32_t mode)
{
    struct node *node = core_alloc(sizeof(*node));
    if (!node)
        return NULL;
    node->number = ++last_number;
    node->mode = mode;
    node->holds = 1;
    node->read = node->changed = node->meta = clock_wall_ns();
    node_count++;
    return node;
}

void
node_hold(struct node *node)
{
    node->holds++;
}

static void
free_if_unused(struct node *node)
{
    if (node->links || node->holds)
        return;
    if (S_ISREG(node->mode))
        data_truncate(node, 0);
    else if (S_ISLNK(node->mode))
        core_free(node->target, node->size + 1);
    core_free(node, sizeof(*node));
    node_count--;
}

void
node_release(struct node *node)
{
    node->holds--;
    free_if_unused(node);
}

void
node_unlink(struct node *node)
{
    node->links--;
    node_touch_meta(node);
    free_if_unused(node);
}

void
node_touch(struct node *node)
{
    node->changed = node->meta = clock_wall_ns();
}

void
node_touch_meta(struct node *node)
{
    node->meta = clock_wall_ns();
}

static struct timespec
time_of(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / CLOCK_S), (long)(ns % CLOCK_S)};
}

void
node_stat(const struct node *node, struct stat *out)
{
    uint64_t bytes = S_ISDIR(node->mode) ? PAGE_BYTES : node->size;
    *out = (struct stat){
        .st_dev = 1, // the only file system
        .st_ino = node->number,
        .st_nlink = node->links,
        .st_mode = node->mode,
        .st_uid = node->uid,
        .st_gid = node->gid,
        .st_size = S_ISCHR(node->mode) ? 0 : (off_t)bytes,
        .st_blksize = (blksize_t)PAGE_BYTES,
        .st_atim = time_of(node->read),
        .st_mtim = time_of(node->changed),
        .st_ctim = time_of(node->meta),
    };
    if (S_ISREG(node->mode))
        out->st_blocks = (blkcnt_t)((bytes + 511) / 512);
    if (S_ISCHR(node->mode))
        out->st_rdev = node->device->number;
}
