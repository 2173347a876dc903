// SPDX-License-Identifier: MIT
/* status_linux.c: the machine, where the server is an ordinary Linux program;
 * see status.h. */
#include "status.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

static void
report_memory_lines(struct report *r)
{
    char name[32];
    unsigned long long kib;
    FILE *file = fopen("/proc/meminfo", "r");
    if (!file)
        return;
    report_table(r, "memory_kib");
    for (unsigned n = 0;
         n < 3 && fscanf(file, "%31[^:]: %llu kB\n", name, &kib) == 2; n++) {
        report_row(r);
        report_text(r, "name", name);
        report_number(r, "kib", kib);
    }
    fclose(file);
}

void
status_machine(struct report *r)
{
    struct utsname names;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    report_group(r, "machine");
    if (uname(&names) >= 0) {
        report_text(r, "system", names.sysname);
        report_text(r, "release", names.release);
    }
    report_number(r, "cpus", cpus > 0 ? (uint64_t)cpus : 1);
    report_memory_lines(r);
}
