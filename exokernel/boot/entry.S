// SPDX-License-Identifier: MIT
//
// From the boot loader to C: the Multiboot headers and the first instructions.
//
// Loaders of either protocol enter kernel_entry in 32-bit mode, paging off,
// EAX = the protocol's magic, EBX = its information. Here: refuse CPUs without
// 64-bit mode with a readable message, build boot page tables, switch, and call
// kernel_main(magic, info) at its linked address on the boot stack.
//
// Boot page tables map the first 4 GiB three times: at 0 (for the switch, and
// for APs), at PHYSMAP, and its first GiB at KVBASE. memory_init() replaces
// them; only starting APs see them again. They lie below the boot stack and are
// left out of the final map, so that they are its guard pages as well.
//
// Everything is linked high; 32-bit code writes PA(symbol).
// Sources: Multiboot 0.6.96, 3.1; Multiboot 2.0, 3.1; [SDM3 10.8.5].

#define KVBASE 0xffffffff80000000
#define PA(x)  (x - KVBASE)

#define PTE_P   0x1
#define PTE_W   0x2
#define PTE_BIG 0x80

#define CR0_PE 0x1
#define CR0_PG 0x80000000
#define CR0_WP 0x10000
#define CR4_PAE 0x20
#define EFER    0xc0000080
#define EFER_LME 0x100

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4
#define REFUSE_EXIT 0x0d

// Flags: page-align modules, memory information, address fields below valid
// (which makes loaders take an ELF64 file). No video mode is asked for: some
// emulators' loaders cannot set one.
#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003
#define MB2_MAGIC 0xe85250d6

    .section .multiboot, "a"
    .balign 8
mb1_header:
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
    .long PA(mb1_header)            // where this header is
    .long PA(kernel_image_start)    // file contents from its page on, go here
    .long PA(kernel_load_end)
    .long PA(kernel_image_end)      // zeroed up to here
    .long PA(kernel_entry)

    .balign 8
mb2_header:
    .long MB2_MAGIC, 0, mb2_end - mb2_header
    .long -(MB2_MAGIC + (mb2_end - mb2_header))
    .balign 8
    .short 2, 0                     // addresses, as above
    .long 24, PA(mb2_header), PA(kernel_image_start)
    .long PA(kernel_load_end), PA(kernel_image_end)
    .balign 8
    .short 3, 0                     // entry
    .long 12, PA(kernel_entry)
    .balign 8
    .short 6, 1                     // page-align modules
    .long 8
    .balign 8
    .short 0, 0
    .long 8
mb2_end:

    .section .boot.text, "ax"
    .code32
    .globl kernel_entry
kernel_entry:
    cli
    cld
    movl $PA(boot_stack_top), %esp
    movl %eax, %ebp                 // magic
    movl %ebx, %esi                 // information
    rdtsc
    movl %eax, PA(boot_entry_tsc)
    movl %edx, PA(boot_entry_tsc) + 4

    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    btl $29, %edx
    jnc no_long_mode

    // One page directory per GiB, 2 MiB pages.
    movl $PA(boot_pd), %ebx
    movl $(PTE_P | PTE_W | PTE_BIG), %eax
1:  movl %eax, (%ebx)
    addl $8, %ebx
    addl $0x200000, %eax
    jnc 1b
    movl $PA(boot_pdpt), %ebx
    movl $(PA(boot_pd) + PTE_P + PTE_W), %eax
    movl $4, %ecx
2:  movl %eax, (%ebx)
    addl $8, %ebx
    addl $0x1000, %eax
    loop 2b
    movl $(PA(boot_pd) + PTE_P + PTE_W), PA(boot_pdpt_kernel) + 510 * 8
    movl $(PA(boot_pdpt) + PTE_P + PTE_W), PA(boot_pml4)
    movl $(PA(boot_pdpt) + PTE_P + PTE_W), PA(boot_pml4) + 256 * 8
    movl $(PA(boot_pdpt_kernel) + PTE_P + PTE_W), PA(boot_pml4) + 511 * 8

    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $PA(boot_pml4), %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    orl $(CR0_PG | CR0_WP | CR0_PE), %eax
    movl %eax, %cr0
    lgdt PA(boot_gdt_pointer)
    ljmp $0x08, $PA(long_mode)

// Say why and stop; without 64-bit mode there is no kernel to say it.
no_long_mode:
    movl $PA(no_long_mode_text), %esi
    movw $(COM1 + 3), %dx           // 8 bits, no parity, divisor next
    movb $0x83, %al
    outb %al, %dx
    movw $COM1, %dx
    movb $1, %al
    outb %al, %dx
    movw $(COM1 + 1), %dx
    xorl %eax, %eax
    outb %al, %dx
    movw $(COM1 + 3), %dx
    movb $0x03, %al
    outb %al, %dx
1:  movl $100000, %ecx
2:  movw $(COM1 + 5), %dx           // room in the transmitter?
    inb %dx, %al
    testb $0x20, %al
    jnz 3f
    pause
    loop 2b
3:  lodsb
    testb %al, %al
    jz 4f
    movw $COM1, %dx
    outb %al, %dx
    jmp 1b
4:  movb $REFUSE_EXIT, %al
    outb %al, $DEBUG_EXIT
5:  hlt
    jmp 5b

no_long_mode_text:
    .asciz "exo: cannot start: this CPU has no 64-bit mode\n"

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00209a0000000000        // 0x08: 64-bit code
    .quad 0x0000920000000000        // 0x10: data
    .quad 0x00cf9a000000ffff        // 0x18: 32-bit code, for APs
    .quad 0x00cf92000000ffff        // 0x20: 32-bit data, for APs
boot_gdt_pointer:
    .word boot_gdt_pointer - boot_gdt - 1
    .quad PA(boot_gdt)
    .globl boot_gdt

    .code64
long_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movabsq $start_high, %rax
    jmp *%rax

    .text
start_high:
    movq $boot_stack_top, %rsp
    movl %esi, %ebx
    call canary_init
    movl %ebp, %edi
    movl %ebx, %esi
    xorl %ebp, %ebp
    call kernel_main
    ud2

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
    .globl boot_tables, boot_tables_end, boot_pml4
boot_tables:
boot_pd:
    .skip 4 * 4096
boot_pdpt:
    .skip 4096
boot_pdpt_kernel:
    .skip 4096
boot_pml4:
    .skip 4096
boot_tables_end:
boot_stack:
    .skip 8192
    .globl boot_stack, boot_stack_top
boot_stack_top:

    .bss
    .balign 8
    .globl boot_entry_tsc
boot_entry_tsc:
    .skip 8

    .section .note.GNU-stack, "", @progbits
