// SPDX-License-Identifier: MIT
/* device.c: null, zero, full, random, and the console. */
#include "exos/fs/device.h"

#include <errno.h>
#include <stddef.h>

#include "exos/proc/random.h"
#include "lib/string.h"

static long
sum(const struct iovec *vector, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += vector[i].iov_len;
    return (long)bytes;
}

static long
null_read(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    (void)file, (void)to, (void)count, (void)at;
    return 0;
}

static long
null_write(struct file *file, const struct iovec *from, int count, uint64_t *at)
{
    (void)file, (void)at;
    return sum(from, count);
}

static long
zero_read(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    (void)file, (void)at;
    for (int i = 0; i < count; i++)
        memset(to[i].iov_base, 0, to[i].iov_len);
    return sum(to, count);
}

static long
full_write(struct file *file, const struct iovec *from, int count, uint64_t *at)
{
    (void)file, (void)at;
    return sum(from, count) ? -ENOSPC : 0;
}

static long
random_read(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    (void)file, (void)at;
    for (int i = 0; i < count; i++)
        random_bytes(to[i].iov_base, to[i].iov_len);
    return sum(to, count);
}

static const struct file_ops null_ops = {.read = null_read,
                                         .write = null_write};
static const struct file_ops zero_ops = {.read = zero_read,
                                         .write = null_write};
static const struct file_ops full_ops = {.read = zero_read,
                                         .write = full_write};
static const struct file_ops random_ops = {.read = random_read,
                                           .write = null_write};

static const struct device devices[] = {
    {"null", DEVICE_NUMBER(1, 3), 0666, &null_ops},
    {"zero", DEVICE_NUMBER(1, 5), 0666, &zero_ops},
    {"full", DEVICE_NUMBER(1, 7), 0666, &full_ops},
    {"random", DEVICE_NUMBER(1, 8), 0666, &random_ops},
    {"urandom", DEVICE_NUMBER(1, 9), 0666, &random_ops},
    {"console", DEVICE_NUMBER(5, 1), 0600, &console_ops},
    {"tty", DEVICE_NUMBER(5, 0), 0666, &console_ops},
};

#define DEVICES (sizeof(devices) / sizeof(devices[0]))

const struct device *
device_at(unsigned i)
{
    return i < DEVICES ? &devices[i] : NULL;
}

const struct device *
device_find(dev_t number)
{
    for (unsigned i = 0; i < DEVICES; i++)
        if (devices[i].number == number)
            return &devices[i];
    return NULL;
}
