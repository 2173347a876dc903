// SPDX-License-Identifier: MIT
/* error.h: error codes, from the one table in error.def. */
#ifndef EXO_ERROR_H
#define EXO_ERROR_H

enum exo_error {
#define EXO_ERROR(code, name, text) EXO_E_##name = code,
#include <exo/error.def>
#undef EXO_ERROR
    EXO_ERRORS
};

#endif
