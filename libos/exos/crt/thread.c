// SPDX-License-Identifier: MIT
/*
 * thread.c: thread-local data.
 *
 * There is one thread. program.ld has laid out its data: a copy of the image of
 * thread-local variables ends at __thread_pointer, where FS base points from
 * the first instruction on, and the word there holds its own address.
 */
#include "exos/crt/crt.h"

#include "lib/string.h"

/* Of program.ld. */
extern char __thread_image[], __thread_image_end[], __thread_data[];
extern void *__thread_pointer;

void
crt_thread_open(void)
{
    memcpy(__thread_data, __thread_image,
           (size_t)(__thread_image_end - __thread_image));
    __thread_pointer = &__thread_pointer;
}
