// SPDX-License-Identifier: MIT
/* mount.c: what is in the file system when the program starts. */
#include "exos/fs/fs.h"

#include <fcntl.h>
#include <stddef.h>

#include "exos/fs/archive.h"
#include "exos/fs/device.h"
#include "exos/fs/lookup.h"
#include "exos/vm/space.h"
#include "lib/print.h"

struct node *fs_dev_fd;

static bool
make_root(void)
{
    path_root = node_new(S_IFDIR | 0755);
    if (!path_root)
        return false;
    path_root->dir.parent = path_root;
    path_root->links = 2;
    path_cwd = path_root;
    node_hold(path_cwd);
    return true;
}

static bool
make_devices(void)
{
    char path[32];
    const struct device *device;
    bool good = fs_make_dir(AT_FDCWD, "/dev", 0755) == 0 &&
                fs_make_dir(AT_FDCWD, "/dev/fd", 0555) == 0 &&
                lookup_node(AT_FDCWD, "/dev/fd", 0, &fs_dev_fd) == 0;
    if (good)
        node_hold(fs_dev_fd);
    for (unsigned i = 0; good && (device = device_at(i)) != NULL; i++) {
        print_text(path, sizeof(path), "/dev/%s", device->name);
        good = fs_make_node(AT_FDCWD, path, S_IFCHR | device->mode,
                            device->number) == 0;
    }
    return good && fs_symlink("fd/0", AT_FDCWD, "/dev/stdin") == 0 &&
           fs_symlink("fd/1", AT_FDCWD, "/dev/stdout") == 0 &&
           fs_symlink("fd/2", AT_FDCWD, "/dev/stderr") == 0;
}

/* Binds the whole archive: reading a file is copying from there. */
static const char *
add_archive(const struct start_block *start)
{
    uint64_t pages = (start->files_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    if (pages > (EXOS_MMAP - EXOS_ARCHIVE) / PAGE_BYTES)
        return "the archive is too large";
    if (space_bind(START_CAP_FILES, EXOS_ARCHIVE, start->files, (uint32_t)pages,
                   EXO_BIND_R))
        return "there is no memory for the tables of its archive";
    return archive_read((const char *)EXOS_ARCHIVE, start->files_bytes,
                        start->files);
}

const char *
fs_open_all(const struct start_block *start)
{
    mode_t mask = fs_umask(0);
    const char *wrong = NULL;
    if (!make_root() || !make_devices() || fs_make_dir(AT_FDCWD, "/tmp", 01777))
        wrong = "there is no memory for a file system";
    if (!wrong && start->files)
        wrong = add_archive(start);
    fs_umask(mask);
    return wrong;
}
