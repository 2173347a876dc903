/* SPDX-License-Identifier: MIT */
/* How large the machine is, and how busy. */
#ifndef EXOS_SYS_SYSINFO_H
#define EXOS_SYS_SYSINFO_H

#include <sys/cdefs.h>

struct sysinfo {
    long uptime; /* seconds */
    unsigned long loads[3];
    unsigned long totalram; /* this and what follows in mem_unit */
    unsigned long freeram;
    unsigned long sharedram;
    unsigned long bufferram;
    unsigned long totalswap;
    unsigned long freeswap;
    unsigned short procs;
    unsigned short __padding;
    unsigned long totalhigh;
    unsigned long freehigh;
    unsigned mem_unit;
};

__BEGIN_DECLS
int get_nprocs(void);
int get_nprocs_conf(void);
int sysinfo(struct sysinfo *);
__END_DECLS

#endif
