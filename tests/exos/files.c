// SPDX-License-Identifier: MIT
/* Files: names, directories, links, sizes and times behave as POSIX says. */
#define _GNU_SOURCE
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static char base[64];

/* A path in a directory of this claim's own. Four of them at a time. */
static const char *
in(const char *name)
{
    static char path[4][400];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof(path[next]), "%s%s", base, name);
    return path[next];
}

static void
begin(void)
{
    strcpy(base, test_directory());
}

static void
make(const char *name, const char *content)
{
    int fd = open(in(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    WANT(fd >= 0);
    EQ(write(fd, content, strlen(content)), strlen(content));
    EQ(close(fd), 0);
}

static bool
holds(const char *name, const char *content)
{
    char text[200];
    int fd = open(in(name), O_RDONLY);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, sizeof(text));
    close(fd);
    return got == (ssize_t)strlen(content) &&
           memcmp(text, content, (size_t)got) == 0;
}

static off_t
size_of(const char *name)
{
    struct stat there;
    return stat(in(name), &there) ? -1 : there.st_size;
}

TEST(what_is_written_is_read)
{
    begin();
    make("a", "hello");
    WANT(holds("a", "hello"));
    make("a", "x"); // truncated first
    WANT(holds("a", "x"));
    FAILS(open(in("b"), O_RDONLY), ENOENT);
    FAILS(open(in("a"), O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    FAILS(open(in("a/b"), O_RDONLY), ENOTDIR);
    FAILS(open(in("a/"), O_RDONLY), ENOTDIR);
    FAILS(open("", O_RDONLY), ENOENT);
}

TEST(positions_move_as_bytes_do)
{
    char text[10];
    begin();
    make("a", "0123456789");
    int fd = open(in("a"), O_RDWR);
    EQ(read(fd, text, 3), 3);
    EQ(lseek(fd, 0, SEEK_CUR), 3);
    EQ(lseek(fd, -2, SEEK_END), 8);
    EQ(read(fd, text, 10), 2);
    EQ(read(fd, text, 10), 0);
    EQ(pread(fd, text, 2, 4), 2);
    EQ(text[0], '4');
    EQ(lseek(fd, 0, SEEK_CUR), 10);
    FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
    FAILS(lseek(fd, 0, 77), EINVAL);
    EQ(pwrite(fd, "ab", 2, 1), 2);
    EQ(close(fd), 0);
    WANT(holds("a", "0ab3456789"));
    FAILS(read(fd, text, 1), EBADF);
}

TEST(append_goes_to_the_end)
{
    begin();
    make("a", "one");
    int first = open(in("a"), O_WRONLY | O_APPEND);
    int second = open(in("a"), O_WRONLY | O_APPEND);
    EQ(write(first, "two", 3), 3);
    EQ(write(second, "three", 5), 5);
    EQ(write(first, "!", 1), 1);
    WANT(holds("a", "onetwothree!"));
    EQ(close(first), 0);
    EQ(close(second), 0);
}

TEST(access_modes_are_kept)
{
    char c = 'x';
    begin();
    make("a", "text");
    int fd = open(in("a"), O_RDONLY);
    FAILS(write(fd, &c, 1), EBADF);
    FAILS(ftruncate(fd, 0), EINVAL);
    EQ(close(fd), 0);
    fd = open(in("a"), O_WRONLY);
    FAILS(read(fd, &c, 1), EBADF);
    EQ(close(fd), 0);
}

TEST(holes_and_new_ends_read_as_zeros)
{
    char text[20];
    begin();
    int fd = open(in("a"), O_RDWR | O_CREAT, 0644);
    EQ(pwrite(fd, "end", 3, 100000), 3);
    EQ(size_of("a"), 100003);
    EQ(pread(fd, text, 4, 50000), 4);
    WANT(memcmp(text, "\0\0\0\0", 4) == 0);
    EQ(ftruncate(fd, 100001), 0);
    EQ(ftruncate(fd, 100010), 0);
    EQ(pread(fd, text, 20, 100000), 10);
    WANT(memcmp(text, "e\0\0\0\0\0\0\0\0\0", 10) == 0);
    EQ(ftruncate(fd, 1ul << 40), 0); // costs nothing
    EQ(pread(fd, text, 4, (1ul << 40) - 2), 2);
    EQ(ftruncate(fd, 0), 0);
    EQ(close(fd), 0);
    EQ(size_of("a"), 0);
}

TEST(a_large_file_keeps_every_byte)
{
    enum { BYTES = 3000000 };
    static unsigned char block[7919];
    begin();
    int fd = open(in("a"), O_RDWR | O_CREAT, 0644);
    for (size_t at = 0, n; at < BYTES; at += n) {
        n = sizeof(block) < BYTES - at ? sizeof(block) : BYTES - at;
        for (size_t i = 0; i < n; i++)
            block[i] = (unsigned char)((at + i) * 2654435761u >> 13);
        EQ(write(fd, block, n), n);
    }
    for (size_t at = 0; at < BYTES; at += 4001) {
        unsigned char c;
        EQ(pread(fd, &c, 1, (off_t)at), 1);
        EQ(c, (unsigned char)(at * 2654435761u >> 13));
    }
    EQ(close(fd), 0);
    EQ(unlink(in("a")), 0);
}

TEST(directories_are_made_and_removed)
{
    begin();
    EQ(mkdir(in("d"), 0755), 0);
    FAILS(mkdir(in("d"), 0755), EEXIST);
    FAILS(mkdir(in("x/y"), 0755), ENOENT);
    make("d/a", "1");
    FAILS(rmdir(in("d")), ENOTEMPTY);
    FAILS(unlink(in("d")), EISDIR);
    FAILS(rmdir(in("d/a")), ENOTDIR);
    EQ(unlink(in("d/a")), 0);
    EQ(rmdir(in("d")), 0);
    FAILS(rmdir(in("d")), ENOENT);
    FAILS(open(in("."), O_WRONLY), EISDIR);
    EQ(mkdir(in("e/"), 0700), 0);
    EQ(rmdir(in("e/")), 0);
    FAILS(rmdir(in(".")), EINVAL);
}

TEST(reading_a_directory_sees_all_that_stays)
{
    char name[32];
    int seen[100] = {0}, dots = 0;
    begin();
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "file-%d", i);
        make(name, "");
    }
    DIR *dir = opendir(base);
    WANT(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        int i;
        if (entry->d_name[0] == '.') {
            dots++;
            EQ(entry->d_type, DT_DIR);
            continue;
        }
        EQ(sscanf(entry->d_name, "file-%d", &i), 1);
        EQ(entry->d_type, DT_REG);
        seen[i]++;
        snprintf(name, sizeof(name), "file-%d", i);
        EQ(unlink(in(name)), 0); // while it is read
    }
    EQ(dots, 2);
    for (int i = 0; i < 100; i++)
        EQ(seen[i], 1);
    rewinddir(dir);
    int left = 0;
    while (readdir(dir))
        left++;
    EQ(left, 2);
    EQ(closedir(dir), 0);
}

TEST(rename_replaces_and_moves)
{
    begin();
    make("a", "A");
    make("b", "B");
    EQ(rename(in("a"), in("b")), 0);
    WANT(holds("b", "A"));
    FAILS(rename(in("a"), in("c")), ENOENT);
    EQ(mkdir(in("d"), 0755), 0);
    EQ(rename(in("b"), in("d/b")), 0);
    WANT(holds("d/b", "A"));
    FAILS(rename(in("d"), in("d/e")), EINVAL);
    EQ(mkdir(in("f"), 0755), 0);
    FAILS(rename(in("f"), in("d")), ENOTEMPTY);
    EQ(rename(in("d"), in("f")), 0);
    WANT(holds("f/b", "A"));
    make("g", "G");
    FAILS(rename(in("f"), in("g")), ENOTDIR);
    FAILS(rename(in("g"), in("f")), EISDIR);
    EQ(rename(in("g"), in("g")), 0);
    WANT(holds("g", "G"));
}

TEST(hard_links_are_one_file)
{
    struct stat a, b;
    begin();
    make("a", "1");
    EQ(link(in("a"), in("b")), 0);
    FAILS(link(in("a"), in("b")), EEXIST);
    make("b", "22");
    WANT(holds("a", "22"));
    EQ(stat(in("a"), &a), 0);
    EQ(stat(in("b"), &b), 0);
    EQ(a.st_ino, b.st_ino);
    EQ(a.st_nlink, 2);
    EQ(unlink(in("a")), 0);
    WANT(holds("b", "22"));
    EQ(mkdir(in("d"), 0755), 0);
    FAILS(link(in("d"), in("e")), EPERM);
    EQ(stat(in("d"), &a), 0);
    EQ(a.st_nlink, 2);
    EQ(mkdir(in("d/x"), 0755), 0);
    EQ(stat(in("d"), &a), 0);
    EQ(a.st_nlink, 3);
}

TEST(an_unlinked_file_lives_while_it_is_open)
{
    char text[10];
    begin();
    make("a", "still");
    int fd = open(in("a"), O_RDWR);
    EQ(unlink(in("a")), 0);
    FAILS(open(in("a"), O_RDONLY), ENOENT);
    EQ(read(fd, text, 10), 5);
    EQ(pwrite(fd, "more", 4, 5), 4);
    struct stat there;
    EQ(fstat(fd, &there), 0);
    EQ(there.st_size, 9);
    EQ(there.st_nlink, 0);
    EQ(close(fd), 0);
}

TEST(symbolic_links_lead_somewhere)
{
    char text[100];
    struct stat there;
    begin();
    make("a", "target");
    EQ(symlink("a", in("l")), 0);
    WANT(holds("l", "target"));
    EQ(readlink(in("l"), text, sizeof(text)), 1);
    EQ(readlink(in("l"), text, 0) < 0, 1);
    FAILS(readlink(in("a"), text, sizeof(text)), EINVAL);
    EQ(lstat(in("l"), &there), 0);
    WANT(S_ISLNK(there.st_mode));
    EQ(stat(in("l"), &there), 0);
    WANT(S_ISREG(there.st_mode));
    FAILS(open(in("l"), O_RDONLY | O_NOFOLLOW), ELOOP);
    EQ(mkdir(in("d"), 0755), 0);
    EQ(symlink("../a", in("d/up")), 0);
    WANT(holds("d/up", "target"));
    EQ(symlink("d", in("dl")), 0);
    WANT(holds("dl/up", "target"));
    EQ(symlink("loop", in("loop")), 0);
    FAILS(open(in("loop"), O_RDONLY), ELOOP);
    EQ(symlink("nowhere", in("n")), 0);
    FAILS(open(in("n"), O_RDONLY), ENOENT);
    int fd = open(in("n"), O_WRONLY | O_CREAT, 0644);
    WANT(fd >= 0);
    EQ(close(fd), 0);
    EQ(size_of("nowhere"), 0);
    EQ(unlink(in("l")), 0);
    WANT(holds("a", "target"));
}

TEST(names_have_a_length)
{
    char name[300];
    begin();
    memset(name, 'n', sizeof(name));
    name[255] = 0;
    make(name, "x");
    name[255] = 'n';
    name[256] = 0;
    FAILS(open(in(name), O_RDONLY), ENAMETOOLONG);
    char path[5000];
    memset(path, '/', sizeof(path));
    path[4999] = 0;
    FAILS(open(path, O_RDONLY), ENAMETOOLONG);
}

TEST(the_working_directory_is_where_paths_begin)
{
    char before[200], here[200];
    begin();
    WANT(getcwd(before, sizeof(before)));
    EQ(mkdir(in("d"), 0755), 0);
    make("d/a", "here");
    EQ(chdir(in("d")), 0);
    WANT(getcwd(here, sizeof(here)));
    WANT(strcmp(here, in("d")) == 0);
    EQ(access("a", F_OK), 0);
    EQ(access("../d/./a", F_OK), 0);
    errno = 0;
    WANT(!getcwd(here, 3) && errno == ERANGE);
    FAILS(chdir("a"), ENOTDIR);
    EQ(chdir(before), 0);
    FAILS(access("a-name-that-is-nowhere", F_OK), ENOENT);
}

TEST(paths_may_begin_at_a_descriptor)
{
    struct stat there;
    begin();
    EQ(mkdir(in("d"), 0755), 0);
    int dir = open(in("d"), O_RDONLY | O_DIRECTORY);
    WANT(dir >= 0);
    int fd = openat(dir, "a", O_WRONLY | O_CREAT, 0600);
    WANT(fd >= 0);
    EQ(write(fd, "abc", 3), 3);
    FAILS(openat(fd, "b", O_RDONLY), ENOTDIR);
    EQ(close(fd), 0);
    EQ(fstatat(dir, "a", &there, 0), 0);
    EQ(there.st_size, 3);
    EQ(mkdirat(dir, "sub", 0755), 0);
    EQ(renameat(dir, "a", dir, "sub/b"), 0);
    EQ(unlinkat(dir, "sub/b", 0), 0);
    EQ(unlinkat(dir, "sub", AT_REMOVEDIR), 0);
    FAILS(openat(dir, "a", O_RDONLY), ENOENT);
    EQ(close(dir), 0);
    FAILS(openat(dir, "a", O_RDONLY), EBADF);
}

TEST(permissions_and_times_are_kept)
{
    struct stat there;
    struct timespec times[2] = {{1000, 5}, {2000, 6}};
    begin();
    mode_t mask = umask(027);
    make("a", "");
    EQ(mkdir(in("d"), 0777), 0);
    umask(mask);
    EQ(stat(in("a"), &there), 0);
    EQ(there.st_mode & 0777, 0640);
    EQ(stat(in("d"), &there), 0);
    EQ(there.st_mode & 0777, 0750);
    EQ(chmod(in("a"), 0604), 0);
    EQ(utimensat(AT_FDCWD, in("a"), times, 0), 0);
    EQ(stat(in("a"), &there), 0);
    EQ(there.st_mode & 0777, 0604);
    EQ(there.st_atim.tv_sec, 1000);
    EQ(there.st_mtim.tv_nsec, 6);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    EQ(utimensat(AT_FDCWD, in("a"), times, 0), 0);
    EQ(stat(in("a"), &there), 0);
    EQ(there.st_atim.tv_sec, 1000);
    WANT(there.st_mtim.tv_sec != 2000);
}

TEST(a_write_moves_the_time_of_change)
{
    struct stat there;
    struct timespec old[2] = {{1, 0}, {1, 0}};
    begin();
    make("a", "");
    int fd = open(in("a"), O_WRONLY);
    EQ(futimens(fd, old), 0);
    EQ(write(fd, "x", 1), 1);
    EQ(fstat(fd, &there), 0);
    WANT(there.st_mtim.tv_sec != 1 || there.st_mtim.tv_nsec != 0);
    EQ(close(fd), 0);
}

TEST(standard_streams_work_on_files)
{
    char line[100];
    begin();
    FILE *file = fopen(in("a"), "w+");
    WANT(file);
    for (int i = 0; i < 2000; i++)
        WANT(fprintf(file, "line %d\n", i) > 0);
    EQ(fflush(file), 0);
    EQ(fseek(file, 0, SEEK_SET), 0);
    for (int i = 0, n; i < 2000; i++) {
        WANT(fgets(line, sizeof(line), file));
        EQ(sscanf(line, "line %d", &n), 1);
        EQ(n, i);
    }
    WANT(!fgets(line, sizeof(line), file) && feof(file));
    EQ(fclose(file), 0);
    file = tmpfile();
    WANT(file);
    EQ(fputs("temporary", file) >= 0, 1);
    rewind(file);
    EQ(fgetc(file), 't');
    EQ(fclose(file), 0);
}

TEST(devices_do_what_they_are_for)
{
    char text[16] = "something";
    int fd = open("/dev/null", O_RDWR);
    WANT(fd >= 0);
    EQ(write(fd, text, 9), 9);
    EQ(read(fd, text, 9), 0);
    EQ(close(fd), 0);
    fd = open("/dev/zero", O_RDONLY);
    EQ(read(fd, text, 16), 16);
    for (int i = 0; i < 16; i++)
        EQ(text[i], 0);
    EQ(close(fd), 0);
    fd = open("/dev/full", O_WRONLY);
    FAILS(write(fd, text, 1), ENOSPC);
    EQ(close(fd), 0);
    fd = open("/dev/urandom", O_RDONLY);
    char other[16];
    EQ(read(fd, text, 16), 16);
    EQ(read(fd, other, 16), 16);
    WANT(memcmp(text, other, 16) != 0);
    EQ(close(fd), 0);
    struct stat there;
    EQ(stat("/dev/null", &there), 0);
    WANT(S_ISCHR(there.st_mode));
}

TEST(descriptors_have_names)
{
    char path[32], c;
    begin();
    make("a", "q");
    int fd = open(in("a"), O_RDONLY);
    snprintf(path, sizeof(path), "/dev/fd/%d", fd);
    int other = open(path, O_RDONLY);
    WANT(other >= 0 && other != fd);
    EQ(read(other, &c, 1), 1);
    EQ(c, 'q');
    EQ(close(fd), 0);
    EQ(close(other), 0);
    WANT(open(path, O_RDONLY) < 0);
}

TEST(random_work_on_names_agrees_with_a_model)
{
    enum { NAMES = 12 };
    int there[NAMES] = {0}; // size + 1; 0: not there
    char name[2][8];
    begin();
    for (int round = 0; round < 3000; round++) {
        int i = (int)(test_random() % NAMES), j = (int)(test_random() % NAMES);
        int bytes = (int)(test_random() % 9000);
        snprintf(name[0], 8, "n%d", i);
        snprintf(name[1], 8, "n%d", j);
        switch (test_random() % 4) {
        case 0: {
            int fd = open(in(name[0]), O_WRONLY | O_CREAT, 0644);
            WANT(fd >= 0);
            EQ(ftruncate(fd, bytes), 0);
            EQ(close(fd), 0);
            there[i] = bytes + 1;
            break;
        }
        case 1:
            EQ(unlink(in(name[0])), there[i] ? 0 : -1);
            there[i] = 0;
            break;
        case 2:
            EQ(rename(in(name[0]), in(name[1])), there[i] ? 0 : -1);
            if (there[i] && i != j) {
                there[j] = there[i];
                there[i] = 0;
            }
            break;
        default:
            EQ(size_of(name[0]), there[i] - 1);
        }
    }
}

#ifdef __exos__
TEST(the_archive_is_the_root)
{
    char text[64];
    struct stat there;
    int fd = open("/first.txt", O_RDWR);
    WANT(fd >= 0);
    EQ(read(fd, text, sizeof(text)), 16);
    WANT(memcmp(text, "The first file.\n", 16) == 0);
    EQ(pwrite(fd, "That", 4, 0), 4); // a page of its own from now on
    EQ(close(fd), 0);
    fd = open("/sub/link", O_RDONLY);
    EQ(read(fd, text, sizeof(text)), 16);
    WANT(memcmp(text, "Thatfirst file.\n", 16) == 0);
    EQ(close(fd), 0);
    EQ(stat("/sub/large.txt", &there), 0);
    EQ(there.st_size, 10000);
    WANT(there.st_mtim.tv_sec > 1000000000);
    fd = open("/sub/large.txt", O_RDONLY);
    for (int i = 0; i < 10000; i += 50) {
        EQ(read(fd, text, 50), 50);
        EQ(text[0], 'x');
        EQ(text[49], 'x');
    }
    EQ(read(fd, text, 50), 0);
    EQ(close(fd), 0);
}

TEST(files_end_at_the_limit_of_memory)
{
    static char block[65536];
    struct statvfs before, after;
    begin();
    EQ(statvfs("/", &before), 0);
    int fd = open(in("a"), O_WRONLY | O_CREAT, 0644);
    ssize_t put;
    while ((put = write(fd, block, sizeof(block))) == (ssize_t)sizeof(block))
        ;
    WANT(put < 0 ? errno == ENOSPC : put > 0);
    FAILS(write(fd, block, sizeof(block)), ENOSPC);
    char *still = malloc(1000); // the program goes on
    WANT(still);
    free(still);
    EQ(close(fd), 0);
    EQ(unlink(in("a")), 0);
    EQ(statvfs("/", &after), 0);
    WANT(after.f_bfree + 200 > before.f_bfree);
}
#endif
