// SPDX-License-Identifier: MIT
/* errors.c: the kernel's errors as errno. */
#include "exos/crt/crt.h"

#include <errno.h>

#include <exo/error.h>

long
crt_errno(int64_t result)
{
    static const uint8_t number[] = {
        [EXO_E_INVAL] = EINVAL,    [EXO_E_CAP] = EPERM,
        [EXO_E_STALE] = ESRCH,     [EXO_E_FAULT] = EFAULT,
        [EXO_E_LIMIT] = ENOMEM,    [EXO_E_NONE] = ENOMEM,
        [EXO_E_WAIT] = EAGAIN,     [EXO_E_BUSY] = EBUSY,
        [EXO_E_STATE] = EINVAL,    [EXO_E_EXCL] = EACCES,
        [EXO_E_TABLE] = ENOMEM,    [EXO_E_LINK] = ENOMEM,
        [EXO_E_AGAIN] = EAGAIN,    [EXO_E_TIME] = ETIMEDOUT,
        [EXO_E_DEAD] = ECONNRESET,
    };
    if (result >= 0)
        return result;
    uint64_t code = (uint64_t)-result;
    return code < sizeof(number) && number[code] ? -(long)number[code] : -EIO;
}
