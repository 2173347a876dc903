// SPDX-License-Identifier: MIT
/* Calls for whoever holds the machine: contracts in syscall.def. */
#include "cap/cap.h"
#include "debug/check.h"
#include "drv/power.h"
#include "env/env.h"

int64_t
sys_trace(exo_cap cap, uint32_t classes)
{
    if (!cap_covers(cap_slot(env_self(), cap), 0, EXO_CONTROL))
        return -EXO_E_CAP;
    uint32_t before = K.machine->trace_mask;
    classes &= (1u << EXO_TRACE_TYPES) - 1;
    K.machine->trace_mask = classes;
    K.trace_mask = (K.trace_mask & CHECK_BIT) | classes;
    return before;
}

int64_t
sys_power(exo_cap cap, uint32_t op, uint32_t value)
{
    if (op > 1 || value > 127)
        return -EXO_E_INVAL;
    if (!cap_covers(cap_slot(env_self(), cap), 0, EXO_CONTROL))
        return -EXO_E_CAP;
    if (op)
        power_reboot();
    power_off(value);
}
