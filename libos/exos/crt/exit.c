// SPDX-License-Identifier: MIT
/* exit.c: the end of a program. */
#include "exos/crt/crt.h"

#include <exo/syscall.h>

#include "exos/crt/log.h"
#include "exos/vm/space.h"
#include "lib/string.h"
#include "lib/upcall.h"

void
crt_say(const char *text)
{
    log_text(text, strlen(text));
}

_Noreturn void
crt_exit(int status)
{
    for (;;)
        exo_env_control(0, 0, EXO_ENV_DESTROY, (uint64_t)(status & 0xff));
}

/* Without a FAULT handler the next fault ends the env, and the kernel records
 * registers and stack as they are here. */
_Noreturn void
crt_die(const char *text)
{
    crt_say(text);
    upcall_set(UAREA, EXO_UP_FAULT, NULL);
    __builtin_trap();
}
