// SPDX-License-Identifier: MIT
/* archive.c: reading a ustar archive with hostile content in mind. */
#include "exos/fs/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "exos/fs/lookup.h"
#include "exos/fs/fs.h"
#include "exos/layout.h"
#include "lib/clock.h"
#include "lib/print.h"
#include "lib/string.h"

#define BLOCK 512u

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], time[12], sum[8], kind;
    char target[100], magic[6], version[2], owner[32], group[32];
    char major[8], minor[8], prefix[155], zero[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "[POSIX.1 pax]");

/* One entry, checked. */
struct member {
    char path[256 + 1]; // prefix and name
    char target[100 + 1];
    uint64_t size, time;
    mode_t mode;
    char kind;
};

static char wrong[200];

static const char *
refuse(const char *path, const char *why)
{
    print_text(wrong, sizeof(wrong), "\"%.100s\" in the archive %s", path, why);
    return wrong;
}

/* A field of octal digits, ended by a zero byte or a space. False: it is none.
 */
static bool
read_octal(const char *field, unsigned bytes, uint64_t *out)
{
    unsigned n = 0;
    *out = 0;
    while (n < bytes && field[n] == ' ')
        n++;
    unsigned start = n;
    for (; n < bytes && field[n] >= '0' && field[n] <= '7'; n++)
        *out = *out << 3 | (uint64_t)(field[n] - '0');
    return n > start && (n == bytes || field[n] == 0 || field[n] == ' ');
}

/* Bytes of a field that need not be terminated. */
static uint32_t
field_bytes(const char *field, uint32_t most)
{
    uint32_t n = 0;
    while (n < most && field[n])
        n++;
    return n;
}

static bool
sum_matches(const struct header *h)
{
    const uint8_t *bytes = (const uint8_t *)h;
    uint64_t said, sum = 0;
    for (unsigned i = 0; i < BLOCK; i++) {
        bool own = i >= offsetof(struct header, sum) &&
                   i < offsetof(struct header, kind);
        sum += own ? ' ' : bytes[i];
    }
    return read_octal(h->sum, sizeof(h->sum), &said) && said == sum;
}

/* Does a path stay inside: no "..", not absolute, not empty? Slashes at the end
 * are taken off. */
static bool
is_inside(char *path)
{
    size_t length = strlen(path), at = 0;
    while (length && path[length - 1] == '/')
        path[--length] = 0;
    if (!length || path[0] == '/')
        return false;
    while (at < length) {
        size_t end = at;
        while (end < length && path[end] != '/')
            end++;
        if (end - at == 2 && path[at] == '.' && path[at + 1] == '.')
            return false;
        if (end - at > NAME_BYTES_MAX)
            return false;
        at = end + 1;
    }
    return true;
}

/* Does a symbolic link in the directory of `path` stay inside? Its target may
 * climb as often as the link is deep. */
static bool
stays_inside(const char *path, const char *target)
{
    long depth = 0;
    for (const char *at = path; *at; at++)
        depth += *at == '/';
    if (!*target || *target == '/')
        return false;
    while (*target) {
        size_t n = 0;
        while (target[n] && target[n] != '/')
            n++;
        if (n == 2 && target[0] == '.' && target[1] == '.')
            depth--;
        else if (n && !(n == 1 && target[0] == '.'))
            depth++;
        if (depth < 0)
            return false;
        target += n;
        while (*target == '/')
            target++;
    }
    return true;
}

static void
read_path(const struct header *h, char *to)
{
    uint32_t prefix = field_bytes(h->prefix, sizeof(h->prefix));
    uint32_t name = field_bytes(h->name, sizeof(h->name));
    memcpy(to, h->prefix, prefix);
    if (prefix)
        to[prefix++] = '/';
    memcpy(to + prefix, h->name, name);
    to[prefix + name] = 0;
}

static const char *
read_header(const struct header *h, uint64_t left, struct member *m)
{
    uint64_t mode;
    read_path(h, m->path);
    uint32_t target = field_bytes(h->target, sizeof(h->target));
    memcpy(m->target, h->target, target);
    m->target[target] = 0;
    m->kind = h->kind ? h->kind : '0';
    if (memcmp(h->magic, "ustar", 5) != 0 || !sum_matches(h))
        return refuse(m->path,
                      "is damaged, or the archive is no ustar archive");
    if (!read_octal(h->size, sizeof(h->size), &m->size) ||
        !read_octal(h->mode, sizeof(h->mode), &mode) ||
        !read_octal(h->time, sizeof(h->time), &m->time))
        return refuse(m->path, "has a number that is none");
    if (m->kind != '0' && m->kind != 'x')
        m->size = 0;
    if (m->size > left)
        return refuse(m->path, "is larger than the archive");
    m->mode = (mode_t)mode & 07777;
    return NULL;
}

/* A regular file, whose content lies in the archive. */
static long
make_file(const struct member *m, const char *content, exo_page page)
{
    struct node *node;
    long error = fs_make_node(AT_FDCWD, m->path, S_IFREG | m->mode, 0);
    if (!error)
        error = lookup_node(AT_FDCWD, m->path, 0, &node);
    if (error)
        return error;
    node->size = node->data.base_bytes = m->size;
    node->data.base = content;
    node->data.base_page = (uint64_t)content % PAGE_BYTES ? 0 : page;
    return 0;
}

static long
make_link(const struct member *m)
{
    struct node *node;
    long error = lookup_node(AT_FDCWD, m->target, AT_SYMLINK_NOFOLLOW, &node);
    if (error || S_ISDIR(node->mode))
        return -1;
    return fs_link(AT_FDCWD, m->target, AT_FDCWD, m->path, 0);
}

/* The directories a path goes through, as far as they are missing. */
static void
make_parents(const struct member *m)
{
    char path[sizeof(m->path)];
    for (size_t i = 0; m->path[i]; i++) {
        path[i] = 0;
        if (m->path[i] == '/')
            fs_make_dir(AT_FDCWD, path, 0755);
        path[i] = m->path[i];
    }
}

static void
set_times(const struct member *m)
{
    struct node *node;
    if (lookup_node(AT_FDCWD, m->path, AT_SYMLINK_NOFOLLOW, &node))
        return;
    node->changed = node->meta = node->read = m->time * CLOCK_S;
    if (!S_ISLNK(node->mode))
        node->mode = (node->mode & S_IFMT) | m->mode;
}

static const char *
add_member(struct member *m, const char *content, exo_page page)
{
    struct stat there;
    long error;
    if (strcmp(m->path, ".") == 0 || strcmp(m->path, "./") == 0)
        return NULL;
    if (!is_inside(m->path))
        return refuse(m->path, "has a name that leads out of it");
    make_parents(m);
    switch (m->kind) {
    case '0':
        error = make_file(m, content, page);
        break;
    case '5':
        error = fs_make_dir(AT_FDCWD, m->path, m->mode);
        if (error &&
            fs_stat(AT_FDCWD, m->path, &there, AT_SYMLINK_NOFOLLOW) == 0)
            error = S_ISDIR(there.st_mode) ? 0 : error;
        break;
    case '2':
        if (!stays_inside(m->path, m->target))
            return refuse(m->path, "is a link that leads out of it");
        error = fs_symlink(m->target, AT_FDCWD, m->path);
        break;
    case '1':
        if (!is_inside(m->target) || make_link(m))
            return refuse(m->path, "is a link to what is not in it");
        error = 0;
        break;
    default:
        return refuse(m->path, "is neither file, directory nor link");
    }
    if (error)
        return refuse(m->path, error == -ENOSPC
                                   ? "does not fit into memory"
                                   : "comes twice, or below a file");
    set_times(m);
    return NULL;
}

/* An extended header may hold a comment, which ./exo puts there to bring what
 * follows to a page boundary, and nothing else. */
static bool
is_comment(const char *content, uint64_t bytes)
{
    static const char word[] = " comment=";
    uint64_t at = 0;
    while (at < bytes && content[at] >= '0' && content[at] <= '9')
        at++;
    return bytes - at >= sizeof(word) - 1 &&
           memcmp(content + at, word, sizeof(word) - 1) == 0;
}

static bool
is_end(const char *block)
{
    for (unsigned i = 0; i < BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

const char *
archive_read(const char *text, uint64_t bytes, exo_page first)
{
    struct member m;
    for (uint64_t at = 0; at + BLOCK <= bytes;) {
        if (is_end(text + at))
            return NULL;
        const struct header *h = (const struct header *)(text + at);
        at += BLOCK;
        const char *why = read_header(h, bytes - at, &m);
        if (why)
            return why;
        if (m.kind == 'x' && !is_comment(text + at, m.size))
            return refuse(m.path, "has an extended header");
        if (m.kind != 'x')
            why = add_member(&m, text + at, first + at / PAGE_BYTES);
        if (why)
            return why;
        at += (m.size + BLOCK - 1) & ~(uint64_t)(BLOCK - 1);
    }
    return "it is cut off: the archive has no end";
}
