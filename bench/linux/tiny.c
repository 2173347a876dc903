// SPDX-License-Identifier: MIT
//
// tiny.c: the smallest Linux program: exits at once. With -DPROBE it is the
// init of a boot that is measured: marker 3 (see insn.c) is its first
// instruction; then it prints one line and powers off.

enum { SYS_write = 1, SYS_reboot = 169, SYS_exit_group = 231 };

static long
call(long number, long a, long b, long c)
{
    long result;
    register long d __asm__("r10") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(d)
                     : "rcx", "r11", "memory");
    return result;
}

void begin(void);

__asm__(".globl _start\n"
        "_start:\n"
        ".byte 0x0f, 0x1f, 0x84, 0, 3, 0, 0xc5, 0x5e\n"
        "and $-16, %rsp\n"
        "call begin\n");

void
begin(void)
{
#ifdef PROBE
    call(SYS_write, 1, (long)"up\n", 3);
    call(SYS_reboot, 0xfee1dead, 672274793, 0x4321fedc); // power off
    call(SYS_reboot, 0xfee1dead, 672274793, 0x1234567);  // or restart
#endif
    call(SYS_exit_group, 0, 0, 0);
    for (;;)
        ;
}
