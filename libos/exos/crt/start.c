// SPDX-License-Identifier: MIT
/* start.c: what happens before main(). */
#include "exos/crt/crt.h"

#include <fcntl.h>
#include <stdlib.h>

#include <exo/syscall.h>

#include "exos/fd/table.h"
#include "exos/fs/fs.h"
#include "exos/upcall/dispatch.h"
#include "exos/vm/space.h"
#include "exos/vm/vm.h"
#include "lib/print.h"
#include "lib/string.h"
#include "lib/upcall.h"

const struct start_block *crt_block;

extern char **environ, *program_invocation_name;
extern char *program_invocation_short_name;

int main(int argc, char **argv, char **environment);
void __libc_init_array(void);
void __libc_fini_array(void);
void *start_open(const struct start_block *block);
_Noreturn void start_main(void);

static void
open_console(void)
{
    fs_open(AT_FDCWD, "/dev/console", O_RDONLY, 0);
    fs_open(AT_FDCWD, "/dev/console", O_WRONLY, 0);
    fs_open(AT_FDCWD, "/dev/console", O_WRONLY, 0);
}

/* Opens the parts of the libOS, each after those it stands on. Result: the top
 * of the stack. */
void *
start_open(const struct start_block *block)
{
    char text[200];
    crt_block = block;
    space_pages.guard = block->prefix;
    upcall_open(UAREA, EXO_FIRST_UPCALL);
    if (!vm_open())
        crt_die("exos: not enough memory to start; give it more\n");
    dispatch_open();
    const char *wrong = fs_open_all(block);
    if (wrong) {
        print_text(text, sizeof(text), "exos: cannot use its files: %s\n",
                   wrong);
        crt_say(text);
        crt_exit(EXIT_FAILURE);
    }
    open_console();
    return (void *)EXOS_STACK_TOP;
}

/* Cuts packed strings apart. Result: how many. */
static int
cut(const char *text, uint32_t bytes, uint32_t count, char **to)
{
    const char *end = text + bytes;
    int n = 0;
    while (n < (int)count && text < end) {
        to[n++] = (char *)(uintptr_t)text;
        text += strlen(text) + 1;
    }
    return n;
}

_Noreturn void
start_main(void)
{
    static char *argv[START_ARGS_MAX + 1], *vars[START_VARS_MAX + 1];
    int argc =
        cut(crt_block->args, START_ARGS_BYTES,
            crt_block->argc < START_ARGS_MAX ? crt_block->argc : START_ARGS_MAX,
            argv);
    cut(crt_block->vars, START_VARS_BYTES,
        crt_block->nvars < START_VARS_MAX ? crt_block->nvars : START_VARS_MAX,
        vars);
    space_empty(EXO_FIRST_STACK, EXO_FIRST_STACK_TOP - EXO_FIRST_STACK);
    crt_thread_open();
    if (argc)
        program_invocation_name = program_invocation_short_name = argv[0];
    environ = vars;
    atexit(__libc_fini_array); // destructors, after all that main() registers
    __libc_init_array();
    exit(main(argc, argv, environ));
}
