// SPDX-License-Identifier: MIT
/*
 * device.h: the character devices there are.
 *
 * A device is a number (as Linux numbers them) and the operations of a file
 * that is opened on it.
 */
#ifndef EXOS_FS_DEVICE_H
#define EXOS_FS_DEVICE_H

#include "exos/fd/file.h"

struct device {
    const char *name; // in /dev
    dev_t number;
    mode_t mode;
    const struct file_ops *ops;
};

#define DEVICE_NUMBER(major, minor) ((dev_t)((major) << 8 | (minor)))

/* The device of a number; null: none. */
const struct device *device_find(dev_t number);

/* Device i, from 0 on; null: there are no more. */
const struct device *device_at(unsigned i);

extern const struct file_ops console_ops; // console.c

#endif
