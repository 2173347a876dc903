// SPDX-License-Identifier: MIT
/*
 * What instrumented code calls; see sanitize.h. The names and structures are
 * the compilers' (gcc 12 and clang 14 agree on them). Built without sanitizers
 * itself, like the rooms that print.
 */
#include "debug/sanitize.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/memory.h"
#include "debug/panic.h"
#include "debug/print.h"
#include "kernel.h"

#define SANITIZE_OFFSET 0xdfffffff90800000ull

enum { GRAIN = 8 }; /* bytes a shadow byte stands for */

typedef void constructor(void);

extern constructor *const kernel_init_start[], *const kernel_init_end[];
extern const char kernel_image_start[], kernel_text_end[], kernel_shadow[];
extern char boot_stack[], boot_stack_top[];

static int8_t *
shadow_of(uint64_t va)
{
    return (int8_t *)((va >> 3) + SANITIZE_OFFSET);
}

static bool
is_shadowed(uint64_t va)
{
    return (va >= (uint64_t)kernel_image_start &&
            va < (uint64_t)kernel_shadow) ||
           memory_stack_top(va) != va;
}

void
sanitize_init(void)
{
    for (constructor *const *c = kernel_init_start; c != kernel_init_end; c++)
        (*c)();
}

uint64_t
sanitize_shadow(uint64_t start, uint64_t bytes, uint64_t *shadow)
{
    *shadow = (uint64_t)shadow_of(start) & ~(uint64_t)(EXO_PAGE_BYTES - 1);
    const uint64_t end = (uint64_t)shadow_of(start + bytes);
    return (end - *shadow + EXO_PAGE_BYTES - 1) &
           ~(uint64_t)(EXO_PAGE_BYTES - 1);
}

/* Fill the shadow of [start, start + bytes): `good` bytes of it usable. */
static void
set_shadow(uint64_t start, uint64_t bytes, uint64_t good)
{
    enum { POISON = -1 };
    for (uint64_t at = 0; at < bytes; at += GRAIN) {
        int8_t *s = shadow_of(start + at);
        if (at + GRAIN <= good)
            *s = 0;
        else
            *s = at < good ? (int8_t)(good - at) : POISON;
    }
}

static bool
is_good(uint64_t va)
{
    const int8_t s = *shadow_of(va);
    return s == 0 || (s > 0 && (int8_t)(va % GRAIN) < s);
}

/* Both ends and each grain between them. */
static void
check(uint64_t va, uint64_t bytes, const char *what, const void *caller)
{
    if (bytes == 0 || !is_shadowed(va))
        return;
    const uint64_t last = va + bytes - 1;
    bool good = is_good(last);
    for (uint64_t at = va; good && at < last; at = (at | (GRAIN - 1)) + 1)
        good = is_good(at);
    if (!good)
        panic("kasan: %s of %lu bytes at %lx, from %p", what, bytes, va,
              caller);
}

#define CALLER __builtin_return_address(0)

/* KASAN's entries for each size of access. */
#define ACCESS(name, bytes, what)                                              \
    void __asan_##name##_noabort(uint64_t va);                                 \
    void __asan_##name##_noabort(uint64_t va)                                  \
    {                                                                          \
        check(va, bytes, what, CALLER);                                        \
    }
ACCESS(load1, 1, "read")
ACCESS(load2, 2, "read")
ACCESS(load4, 4, "read")
ACCESS(load8, 8, "read")
ACCESS(load16, 16, "read")
ACCESS(store1, 1, "write")
ACCESS(store2, 2, "write")
ACCESS(store4, 4, "write")
ACCESS(store8, 8, "write")
ACCESS(store16, 16, "write")

void __asan_loadN_noabort(uint64_t va, uint64_t bytes);
void __asan_storeN_noabort(uint64_t va, uint64_t bytes);
void __asan_handle_no_return(void);

void
__asan_loadN_noabort(uint64_t va, uint64_t bytes)
{
    check(va, bytes, "read", CALLER);
}

void
__asan_storeN_noabort(uint64_t va, uint64_t bytes)
{
    check(va, bytes, "write", CALLER);
}

/* A function that will not return leaves its stack as it is: the kernel starts
 * again at its top, so everything on it is usable. */
void
__asan_handle_no_return(void)
{
    const uint64_t here = (uint64_t)__builtin_frame_address(0);
    uint64_t top = memory_stack_top(here);
    if (top == here)
        top = (uint64_t)boot_stack_top;
    const uint64_t start = here & ~(uint64_t)(GRAIN - 1);
    if (start < top && top - start <= 64 * 1024)
        set_shadow(start, top - start, top - start);
}

/* A global variable, as the compiler describes it. */
struct asan_global {
    uint64_t start, bytes, bytes_with_redzone;
    const char *name, *module;
    uint64_t has_constructor, source, odr;
};

void __asan_register_globals(const struct asan_global *globals, size_t n);
void __asan_unregister_globals(const struct asan_global *globals, size_t n);

void
__asan_register_globals(const struct asan_global *globals, size_t n)
{
    for (size_t i = 0; i < n; i++)
        set_shadow(globals[i].start, globals[i].bytes_with_redzone,
                   globals[i].bytes);
}

void
__asan_unregister_globals(const struct asan_global *globals, size_t n)
{
    (void)globals;
    (void)n;
}

/* The functions of lib/string.c are assembly; the linker (--wrap) sends their
 * callers here first. */
void *__real_memcpy(void *to, const void *from, size_t n);
void *__real_memmove(void *to, const void *from, size_t n);
void *__real_memset(void *to, int byte, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);
void *__wrap_memset(void *to, int byte, size_t n);

void *
__wrap_memcpy(void *to, const void *from, size_t n)
{
    check((uint64_t)from, n, "memcpy from", CALLER);
    check((uint64_t)to, n, "memcpy to", CALLER);
    return __real_memcpy(to, from, n);
}

void *
__wrap_memmove(void *to, const void *from, size_t n)
{
    check((uint64_t)from, n, "memmove from", CALLER);
    check((uint64_t)to, n, "memmove to", CALLER);
    return __real_memmove(to, from, n);
}

void *
__wrap_memset(void *to, int byte, size_t n)
{
    check((uint64_t)to, n, "memset", CALLER);
    return __real_memset(to, byte, n);
}

/* UBSan: every handler's first argument begins with where it happened. */
struct ubsan_place {
    const char *file;
    uint32_t line, column;
};

#define UNDEFINED(name, what)                                                  \
    _Noreturn void __ubsan_handle_##name(const struct ubsan_place *at);        \
    _Noreturn void __ubsan_handle_##name(const struct ubsan_place *at)         \
    {                                                                          \
        panic("ubsan: %s at %s:%u:%u", what, at->file, at->line, at->column);  \
    }
UNDEFINED(add_overflow, "signed addition overflows")
UNDEFINED(sub_overflow, "signed subtraction overflows")
UNDEFINED(mul_overflow, "signed multiplication overflows")
UNDEFINED(negate_overflow, "negation overflows")
UNDEFINED(divrem_overflow, "division by zero, or overflows")
UNDEFINED(shift_out_of_bounds, "shift out of bounds")
UNDEFINED(out_of_bounds, "array index out of bounds")
UNDEFINED(pointer_overflow, "pointer arithmetic overflows")
UNDEFINED(type_mismatch_v1, "null or misaligned pointer, or object too small")
UNDEFINED(load_invalid_value, "value invalid for its type")
UNDEFINED(builtin_unreachable, "unreachable code reached")
UNDEFINED(missing_return, "function ends without a value")
UNDEFINED(vla_bound_not_positive, "array of no or negative size")
UNDEFINED(nonnull_arg, "null for an argument that may not be")
UNDEFINED(nonnull_return_v1, "null returned where it may not be")
UNDEFINED(invalid_builtin, "zero given to a bit-scan builtin")
UNDEFINED(function_type_mismatch, "call through a pointer of another type")
UNDEFINED(alignment_assumption, "alignment assumption broken")
