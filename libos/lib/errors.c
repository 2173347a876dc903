// SPDX-License-Identifier: MIT
/* errors.c: names and sentences of the kernel's errors. */
#include "lib/errors.h"

#include <exo/error.h>

static const char *const names[EXO_ERRORS] = {
#define EXO_ERROR(code, name, text) [code] = #name,
#include <exo/error.def>
#undef EXO_ERROR
};

static const char *const texts[EXO_ERRORS] = {
#define EXO_ERROR(code, name, text) [code] = text,
#include <exo/error.def>
#undef EXO_ERROR
};

static uint64_t
code_of(int64_t result)
{
    return result < 0 ? -(uint64_t)result : (uint64_t)result;
}

const char *
error_name(int64_t result)
{
    uint64_t code = code_of(result);
    return code < EXO_ERRORS && names[code] ? names[code] : "?";
}

const char *
error_text(int64_t result)
{
    uint64_t code = code_of(result);
    return code < EXO_ERRORS && texts[code] ? texts[code] : "an unknown error";
}
