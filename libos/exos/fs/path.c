// SPDX-License-Identifier: MIT
/* path.c: walking paths; see path.h. */
#include "exos/fs/path.h"

#include <errno.h>

#include "exos/fs/node.h"
#include "lib/string.h"

struct node *path_root, *path_cwd;

/* A walk under way. What is still to be walked stands at the end of `buffer`,
 * so that the target of a link can be put in front of it. */
struct walk {
    char *buffer;
    char *rest; // in the buffer, terminated
    unsigned links;
    uint32_t flags;
    struct path *path;
};

/* Takes the next name off the rest. */
static struct name
next_name(struct walk *walk)
{
    while (*walk->rest == '/')
        walk->rest++;
    struct name name = {walk->rest, 0};
    while (*walk->rest && *walk->rest != '/')
        walk->rest++;
    name.length = (uint32_t)(walk->rest - name.at);
    return name;
}

/* Is there another name? Slashes at the end are none. */
static bool
is_last(const struct walk *walk)
{
    const char *at = walk->rest;
    while (*at == '/')
        at++;
    return !*at;
}

static bool
name_is(struct name name, const char *text)
{
    return name.length == strlen(text) &&
           memcmp(name.at, text, name.length) == 0;
}

static struct node *
look_up(struct node *dir, struct name name)
{
    if (name_is(name, "."))
        return dir;
    if (name_is(name, ".."))
        return dir->dir.parent;
    const struct entry *entry = dir_find(dir, name);
    return entry ? entry->node : NULL;
}

/* Puts the target of a link in front of what is left. */
static long
follow(struct walk *walk, const struct node *link)
{
    if (++walk->links > PATH_LINKS_MAX)
        return -ELOOP;
    if (link->size > (uint64_t)(walk->rest - walk->buffer))
        return -ENAMETOOLONG;
    walk->rest -= link->size;
    memmove(walk->rest, link->target, link->size);
    if (*walk->rest == '/')
        walk->path->dir = path_root;
    return 0;
}

/* One name further. Result: 1 go on, 0 the end, or an error. */
static long
step(struct walk *walk)
{
    struct path *path = walk->path;
    struct name name = next_name(walk);
    bool last = is_last(walk);
    if (!name.length) { // only slashes
        path->node = path->dir;
        return 0;
    }
    if (name.length > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    if (!S_ISDIR(path->dir->mode))
        return -ENOTDIR;
    path->last = name;
    path->node = look_up(path->dir, name);
    path->must_be_dir = last && *walk->rest == '/';
    if (path->node && S_ISLNK(path->node->mode) &&
        (!last || (walk->flags & PATH_FOLLOW) || path->must_be_dir)) {
        long error = follow(walk, path->node);
        path->last = (struct name){".", 1};
        path->node = path->dir;
        return error ? error : 1;
    }
    if (last)
        return 0;
    if (!path->node)
        return -ENOENT;
    path->dir = path->node;
    return 1;
}

long
path_walk(struct node *from, const char *text, uint32_t flags,
          char buffer[PATH_BYTES_MAX], struct path *out)
{
    uint64_t bytes = strlen(text) + 1;
    struct walk walk = {.buffer = buffer, .flags = flags, .path = out};
    *out =
        (struct path){.dir = *text == '/' ? path_root : from, .last = {".", 1}};
    if (bytes > PATH_BYTES_MAX)
        return -ENAMETOOLONG;
    if (bytes == 1) {
        out->node = from;
        return flags & PATH_EMPTY ? 0 : -ENOENT;
    }
    if (!out->dir->links) // a working directory that was removed
        return -ENOENT;
    walk.rest = buffer + PATH_BYTES_MAX - bytes;
    memcpy(walk.rest, text, bytes);
    long more;
    do
        more = step(&walk);
    while (more == 1);
    if (!more && out->node && out->must_be_dir && !S_ISDIR(out->node->mode))
        return -ENOTDIR;
    return more;
}

long
path_of(const struct node *dir, char *to, uint64_t bytes)
{
    uint64_t at = bytes; // built from the end
    if (bytes < 2)
        return -ERANGE;
    to[--at] = 0;
    if (dir == path_root)
        to[--at] = '/';
    for (; dir != path_root; dir = dir->dir.parent) {
        const struct entry *entry = dir_name_of(dir);
        if (!entry)
            return -ENOENT;
        if (at < entry->length + 1)
            return -ERANGE;
        at -= entry->length;
        memcpy(to + at, entry->name, entry->length);
        to[--at] = '/';
    }
    memmove(to, to + at, bytes - at);
    return (long)(bytes - at);
}
