// SPDX-License-Identifier: MIT
/*
 * jit: writes code at one address and runs it at another. Ends with 77 if that
 * is allowed, which the manifest's `wx` says; with 1 if the kernel refuses to
 * make executable what is writable; with 2 if something else is wrong.
 */
#include "minimal/minimal.h"

#define WRITTEN UINT64_C(0x30000000)
#define RUN     (WRITTEN + EXO_PAGE_BYTES)

int
main(int argc, char **argv)
{
    exo_page page;
    (void)argc, (void)argv;
    if (!page_window() || page_take(&page) || page_bind(WRITTEN, page))
        return 2;
    int64_t error = map_run(&page_map, START_CAP_SELF, RUN, page, 1,
                            EXO_BIND_R | EXO_BIND_X);
    if (error)
        return error == -EXO_E_EXCL ? 1 : 2;
    static const uint8_t code[] = {0xb8, 77, 0, 0, 0, 0xc3}; // mov eax; ret
    memcpy((void *)WRITTEN, code, sizeof(code));
    return ((int (*)(void))RUN)();
}
