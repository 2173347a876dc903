// SPDX-License-Identifier: MIT
/*
 * own_cpu.h: where a program's time is. Programs that work together by directed
 * yields and calls belong on one CPU: neither crosses CPUs.
 */
#ifndef APPS_OWN_CPU_H
#define APPS_OWN_CPU_H

#include <stdint.h>

/* The first CPU on which this env owns a slot, or EXO_CPU_ANY. */
uint32_t own_cpu(void);

#endif
