// SPDX-License-Identifier: MIT
/*
 * Physical pages: page_alloc, page_free, page_size, reguard of pages.
 * Must be seen: the page asked for and no other, each documented refusal with
 * its cause, partial results, zeros wherever a page changes hands.
 */
#include "test.h"

#define CAPS EXO_CAPS(ROOT_CAP, ROOT_CAP)

TEST(page_alloc_gives_the_page_asked_for)
{
    exo_page a = page_new(0);
    page_gone(a);
    exo_page want = a;
    EQ(exo_page_alloc(CAPS, 0x1234, 0, &want, 1), 1);
    EQ(want, a);
    EQ(exo_page_info(a)->use, EXO_USE_DATA);
    EQ(exo_page_info(a)->guard, 0x1234);
    EQ(exo_page_info(a)->payer, EXO_ENV_INDEX(self()));
}
