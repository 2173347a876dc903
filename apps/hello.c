// SPDX-License-Identifier: MIT
/* hello: the smallest program. Arguments: whom to greet. */
#include "minimal/minimal.h"

int
main(int argc, char **argv)
{
    print("hello, %s\n", argc > 1 ? argv[1] : "world");
    return 0;
}
