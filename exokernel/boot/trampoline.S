// SPDX-License-Identifier: MIT
//
// From a start-up IPI to C on an application processor (AP).
//
// smp.c copies ap_trampoline .. ap_trampoline_end to a page below 1 MiB and
// patches the two far-jump addresses and the GDT's pointer there; the SIPI
// names that page, so the AP begins with CS = page * 256, IP = 0. It goes
// through the boot page tables (which map the page at its own address) to
// ap_high in the kernel's text, finds its entry of ap_slots by its APIC id,
// says that it is there, and waits for a struct cpu. Until then it has no stack.
//
// Sources: [SDM3 9.4.4] MP start-up, 10.9 mode switching.

#include "boot/smp_slot.h"

#define KVBASE   0xffffffff80000000
#define PA(x)    (x - KVBASE)
#define LOCAL(x) (x - ap_trampoline)

    .section .rodata
    .balign 16
    .globl ap_trampoline, ap_trampoline_end
    .globl ap_patch_gdt, ap_patch_protected, ap_patch_long
    .code16
ap_trampoline:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl LOCAL(ap_gdt_pointer)
    movl %cr0, %eax
    orl $1, %eax                    // PE
    movl %eax, %cr0
    .byte 0x66, 0xea                // ljmpl $0x18, ap_protected
ap_patch_protected:
    .long LOCAL(ap_protected)
    .word 0x18

    .code32
ap_protected:
    movl $0x20, %eax
    movl %eax, %ds
    movl %eax, %ss
    movl $0x20, %eax                // PAE
    movl %eax, %cr4
    movl $PA(boot_pml4), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          // EFER: LME, NXE
    rdmsr
    orl $0x900, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80010000, %eax           // PG, WP
    movl %eax, %cr0
    .byte 0xea                      // ljmpl $0x08, ap_long
ap_patch_long:
    .long LOCAL(ap_long)
    .word 0x08

    .code64
ap_long:
    movabsq $ap_high, %rax
    jmp *%rax

    .balign 8
ap_gdt:
    .quad 0
    .quad 0x00209a0000000000        // 0x08: 64-bit code
    .quad 0x0000920000000000        // 0x10: data
    .quad 0x00cf9a000000ffff        // 0x18: 32-bit code
    .quad 0x00cf92000000ffff        // 0x20: 32-bit data
ap_gdt_pointer:
    .word ap_gdt_pointer - ap_gdt - 1
ap_patch_gdt:
    .long LOCAL(ap_gdt)
ap_trampoline_end:

    .text
    .code64
// The APIC id: leaf 0Bh has all 32 bits where it exists, leaf 1 has eight.
ap_high:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    cpuid
    cmpl $0x0b, %eax
    jb 1f
    movl $0x0b, %eax
    xorl %ecx, %ecx
    cpuid
    testl %ebx, %ebx                // no threads at this level: leaf is empty
    jz 1f
    movl %edx, %edi
    jmp 2f
1:  movl $1, %eax
    cpuid
    shrl $24, %ebx
    movl %ebx, %edi
2:
    movq $ap_slots, %rsi
    movl ap_slot_count, %ecx
3:  jecxz ap_unwanted
    cmpl %edi, AP_SLOT_APIC_ID(%rsi)
    je 4f
    addq $AP_SLOT_BYTES, %rsi
    decl %ecx
    jmp 3b
4:  movl $1, AP_SLOT_PRESENT(%rsi)
5:  pause
    movq AP_SLOT_CPU(%rsi), %rdi
    testq %rdi, %rdi
    jz 5b
    movq ap_root_pa, %rax
    movq %rax, %cr3
    movq AP_SLOT_STACK(%rsi), %rsp
    xorl %ebp, %ebp
    call ap_main
    ud2

// Not in the table: stop for good.
ap_unwanted:
    cli
    hlt
    jmp ap_unwanted

// SYSCALL from a 32-bit segment goes here; there is no such segment, so this is
// never reached. It returns at once, having done nothing.
    .globl syscall_refuse32
syscall_refuse32:
    sysretl

    .section .note.GNU-stack, "", @progbits
