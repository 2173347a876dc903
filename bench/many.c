// SPDX-License-Identifier: MIT
#include "bench.h"
void
many_envs(void)
{
}
