// SPDX-License-Identifier: MIT
/*
 * Copies to and from user memory: see user.h.
 *
 * int user_copy_words_smap(void *to, const void *from, size_t words) and so on.
 * STAC and CLAC do not exist on a CPU without SMAP, so there are two of each.
 */
    .text
    .globl user_copy_words_smap, user_copy_words_plain
    .globl user_copy_bytes_smap, user_copy_bytes_plain

user_copy_begin:
user_copy_words_smap:
    mov %rdx, %rcx
    stac
    rep movsq
    clac
    xor %eax, %eax
    ret

user_copy_words_plain:
    mov %rdx, %rcx
    rep movsq
    xor %eax, %eax
    ret

user_copy_bytes_smap:
    mov %rdx, %rcx
    stac
    rep movsb
    clac
    xor %eax, %eax
    ret

user_copy_bytes_plain:
    mov %rdx, %rcx
    rep movsb
    xor %eax, %eax
    ret
user_copy_end:

/* Where a fault inside goes on; trap/ has cleared AC. */
user_copy_failed:
    mov $1, %eax
    ret

    .section .fixups, "a"
    .quad user_copy_begin, user_copy_end, user_copy_failed
