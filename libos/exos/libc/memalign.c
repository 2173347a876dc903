/* SPDX-License-Identifier: MIT */
/* posix_memalign(), on newlib's memalign(). */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

int
posix_memalign(void **place, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)))
        return EINVAL;
    int before = errno;
    void *memory = memalign(alignment, size);
    errno = before;
    if (!memory)
        return ENOMEM;
    *place = memory;
    return 0;
}
