// SPDX-License-Identifier: MIT
/*
 * syscall_undef.h: clears the row macros after a pass over syscall.def. It is
 * included once for every pass, so it has no guard.
 */
#undef EXO_CALL0
#undef EXO_CALL1
#undef EXO_CALL2
#undef EXO_CALL3
#undef EXO_CALL4
#undef EXO_CALL5
#undef EXO_SWITCH2
#undef EXO_SWITCH3
#undef EXO_SWITCH4
#undef EXO_WORDS1
#undef EXO_WORDS3
