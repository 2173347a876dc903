// SPDX-License-Identifier: MIT
/* temporary.c: files and directories of names that nobody has: <stdlib.h>. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "exos/fs/fs.h"
#include "exos/posix/result.h"
#include "exos/proc/random.h"

#define BLANKS 6   // the Xs that are replaced
#define TRIES  100 // until the names there are must be taken

/* Makes something of the name. Result: >= 0 or a negated errno. */
typedef long make_fn(const char *path, int flags);

static long
make_file(const char *path, int flags)
{
    return fs_open(AT_FDCWD, path,
                   O_RDWR | O_CREAT | O_EXCL | (flags & ~O_ACCMODE), 0600);
}

static long
make_dir(const char *path, int flags)
{
    (void)flags;
    return fs_make_dir(AT_FDCWD, path, 0700);
}

static void
fill_in(char *at)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    unsigned char random[BLANKS];
    random_bytes(random, sizeof(random));
    for (int i = 0; i < BLANKS; i++)
        at[i] = letters[random[i] % (sizeof(letters) - 1)];
}

static long
make(char *path, size_t suffix, int flags, make_fn *made)
{
    size_t length = strlen(path);
    char *at = path + length - suffix - BLANKS;
    if (length < suffix + BLANKS || memcmp(at, "XXXXXX", BLANKS) != 0)
        return -EINVAL;
    for (int i = 0; i < TRIES; i++) {
        fill_in(at);
        long answer = made(path, flags);
        if (answer != -EEXIST)
            return answer;
    }
    return -EEXIST;
}

int
mkostemps(char *path, int suffix, int flags)
{
    return int_result(
        suffix < 0 ? -EINVAL : make(path, (size_t)suffix, flags, make_file));
}

int
mkstemp(char *path)
{
    return mkostemps(path, 0, 0);
}

int
mkostemp(char *path, int flags)
{
    return mkostemps(path, 0, flags);
}

int
mkstemps(char *path, int suffix)
{
    return mkostemps(path, suffix, 0);
}

char *
mkdtemp(char *path)
{
    return result(make(path, 0, 0, make_dir)) < 0 ? NULL : path;
}
