// SPDX-License-Identifier: MIT
/* jump.S: _setjmp and _longjmp, which leave the signal mask alone, as newlib's
 * setjmp and longjmp do too. */
    .text
    .globl _setjmp, _longjmp
    .type _setjmp, @function
    .type _longjmp, @function
_setjmp:
    jmp setjmp
_longjmp:
    jmp longjmp

    .section .note.GNU-stack, "", @progbits
