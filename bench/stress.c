// SPDX-License-Identifier: MIT
#include "bench.h"
void
lock_hold(void)
{
}
