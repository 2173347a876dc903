// SPDX-License-Identifier: MIT
/*
 * Copies to and from user memory: see user.h.
 *
 * int user_copy_words(void *to, const void *from, size_t words)
 * int user_copy_bytes(void *to, const void *from, size_t bytes)
 *
 * STAC and CLAC do not exist on a CPU without SMAP, so they hang on a flag.
 */
    .text
    .globl user_copy_words, user_copy_bytes
    .globl user_copy_begin, user_copy_end, user_copy_failed

user_copy_words:
    mov %rdx, %rcx
    cmpb $0, user_smap(%rip)
    je 1f
    stac
1:  jmp user_copy_do_words

user_copy_bytes:
    mov %rdx, %rcx
    cmpb $0, user_smap(%rip)
    je 1f
    stac
1:  jmp user_copy_do_bytes

user_copy_begin:
user_copy_do_words:
    rep movsq
    jmp 2f
user_copy_do_bytes:
    rep movsb
user_copy_end:
2:  xor %eax, %eax
    cmpb $0, user_smap(%rip)
    je 3f
    clac
3:  ret

/* Where a fault inside goes on. */
user_copy_failed:
    mov $1, %eax
    cmpb $0, user_smap(%rip)
    je 3b
    clac
    ret
