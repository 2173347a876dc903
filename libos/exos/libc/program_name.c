/* SPDX-License-Identifier: MIT */
/* The name by which the program was called; whoever starts it sets both. */
#include <errno.h>

char *program_invocation_name = (char *)"";
char *program_invocation_short_name = (char *)"";
