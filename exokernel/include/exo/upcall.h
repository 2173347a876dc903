// SPDX-License-Identifier: MIT
/*
 * upcall.h: how the kernel speaks to a libOS: frames and the u-area.
 *
 * All upcalls have one shape. The kernel writes an exo_frame to the env's
 * upcall stack and enters the handler of the vector with rsp = rdi = the frame
 * (16-aligned), rax = the vector, a clean flags word, callee-saved registers
 * untouched and every other register zero (CALL brings its words, see call.h).
 * The handler returns in user mode: it restores the scratch registers, flags,
 * stack and instruction pointer; the frame's tail is what iretq takes. No
 * kernel call is needed. (QEMU before 9.1 reads iretq's operands with the
 * kernel's rights, which SMAP refuses: use popfq and an indirect jump instead.)
 *
 * The frame goes below rsp - 128 (red zone) when rsp lies inside the upcall
 * stack, else to the stack's top. Delivery sets `mask`; while it is set the
 * asynchronous upcalls stay in `pending`, and only FAULT and FOREIGN nest.
 * When a frame no longer fits, the env is aborted.
 *
 * Unmasking and returning is one restartable sequence: when an asynchronous
 * upcall would interrupt code in [ret_start, ret_end), the kernel pushes no
 * frame but sets `mask`, adds the vector to `pending` and resumes the env at
 * ret_restart, registers and stack as they were. ret_restart drains `pending`
 * and enters the range again. So no event is lost and no frame nests.
 */
#ifndef EXO_UPCALL_H
#define EXO_UPCALL_H

#include <exo/types.h>

enum exo_vector {
    EXO_UP_FAULT = 0,       // cause = CPU exception number, addr = CR2
    EXO_UP_FOREIGN = 1,     // cause = 0x80000000 for `syscall`, or n of `int n`
    EXO_UP_QUANTUM = 2,     // the slice is over: save, yield, you have GRACE
    EXO_UP_REVOKE = 3,      // uarea.revoke says what is wanted back
    EXO_UP_REPOSSESSED = 4, // uarea.taken lists bindings that were broken
    EXO_UP_EVENT = 5,       // events & event_upcall became nonzero
    EXO_UP_CALL = 6,        // another env called; cause = reply handle,
                            // addr = the caller's id
    EXO_VECTORS = 8,
};

#define EXO_FOREIGN_SYSCALL 0x80000000u

struct exo_frame {
    uint64_t vector; // enum exo_vector
    uint64_t cause;
    uint64_t addr;
    uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t error;                    // the CPU's error code, or 0
    uint64_t rip, cs, rflags, rsp, ss; // what iretq takes
};

_Static_assert(sizeof(struct exo_frame) == 144, "ABI layout");

/* A request to give something back. */
struct exo_revoke {
    uint32_t kind;    // enum exo_kind
    uint32_t count;   // how many are still wanted; 0: none
    exo_tsc deadline; // after it the kernel takes what is missing
    exo_env asker;    // who asked; 0: the kernel, on shortage
};

#define EXO_TAKEN_MAX 24

/* What was taken without consent since the libOS last set `count` to 0. */
struct exo_taken {
    uint32_t count; // entries that are valid, at most EXO_TAKEN_MAX
    uint32_t more;  // further ones that did not fit: look at the tables
    struct {
        uint64_t id; // page number, or other id by kind
        uint32_t kind;
        uint32_t zero;
    } item[EXO_TAKEN_MAX];
};

/* The kernel's part of the u-area page; the rest of the page, and everything
 * in it, is the libOS's. [U] the libOS writes and the kernel reads each word
 * once and believes nothing, [R] the kernel writes, [a] both, atomically: the
 * kernel only sets bits, the libOS clears with an exchange. */
struct exo_uarea {
    uint32_t mask;         // [a] nonzero: asynchronous upcalls wait
    uint32_t pending;      // [a] 1 << vector for each that waits
    uint64_t events;       // [a] doorbells that rang; kernel events on top
    uint64_t event_upcall; // [U] events that raise an EVENT upcall
    uint64_t handler[EXO_VECTORS]; // [U] entry points, 0: none
    uint64_t stack_base;           // [U] where the upcall stack is bound
    uint64_t ret_start, ret_end, ret_restart; // [U] restartable return
    exo_env self, parent;                     // [R]
    uint64_t seed[4];                         // [R] private random bits
    uint64_t arg;           // [R] `arg` of the spec the env was made by
    exo_page release[4];    // [U] pages that hold the release order: page
                            // numbers, 512 to a page, least valuable first
    uint32_t release_count; // [U] entries of the release order, at most 2048
    uint32_t zero;
    struct exo_revoke revoke; // [R]
    struct exo_taken taken;   // [a]
};

#define EXO_UAREA_KERNEL 1024 // bytes of the page the ABI defines
_Static_assert(sizeof(struct exo_uarea) <= EXO_UAREA_KERNEL, "ABI layout");

/* Event bits the kernel sets; the other bits are doorbells (exo_ring). */
#define EXO_EVENT_CHILD  (UINT64_C(1) << 63) // a child died
#define EXO_EVENT_GRANT  (UINT64_C(1) << 62) // what EXO_E_WAIT promised is there
#define EXO_EVENT_CHAN   (UINT64_C(1) << 61) // a channel has input
#define EXO_EVENT_NET    (UINT64_C(1) << 60) // packets came, or were sent
#define EXO_EVENT_KERNEL (UINT64_C(15) << 60)

#endif
