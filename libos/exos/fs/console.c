// SPDX-License-Identifier: MIT
/*
 * console.c: standard input and output.
 *
 * What is written goes to the log page, which the parent reads, line by line,
 * and shows under the program's name. There is nothing to read: input is at its
 * end. To programs it is a terminal of 80 columns, so that stdio writes whole
 * lines.
 */
#include "exos/fs/device.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "exos/crt/log.h"

static long
console_read(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    (void)file, (void)to, (void)count, (void)at;
    return 0;
}

static long
console_write(struct file *file, const struct iovec *from, int count,
              uint64_t *at)
{
    long done = 0;
    (void)file, (void)at;
    for (int i = 0; i < count; i++) {
        log_text(from[i].iov_base, from[i].iov_len);
        done += (long)from[i].iov_len;
    }
    return done;
}

static long
console_control(struct file *file, unsigned long request, void *argument)
{
    (void)file;
    if (request != TIOCGWINSZ)
        return -ENOTTY;
    *(struct winsize *)argument = (struct winsize){.ws_row = 25, .ws_col = 80};
    return 0;
}

const struct file_ops console_ops = {
    .read = console_read, .write = console_write, .control = console_control};
