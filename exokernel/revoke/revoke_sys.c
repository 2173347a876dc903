// SPDX-License-Identifier: MIT
/* The revocation call: contract in syscall.def. */
#include "cap/cap.h"
#include "env/env.h"
#include "revoke/revoke.h"

int64_t
sys_revoke(exo_cap cap, exo_env env, uint32_t kind, uint32_t count,
           exo_tsc deadline)
{
    struct env *e = env_get(env);
    if (kind != EXO_KIND_PAGE || !count)
        return -EXO_E_INVAL;
    if (!e)
        return -EXO_E_STALE;
    if (!cap_covers(cap_slot(env_self(), cap), e->info->guard, EXO_CONTROL))
        return -EXO_E_CAP;
    if (!env_alive(e))
        return -EXO_E_STATE;
    if (e->revoke_left)
        return -EXO_E_BUSY;
    return revoke_ask(e, count, deadline, env_self()->id);
}
