// SPDX-License-Identifier: MIT
/* child.c: children of a program, from its own image. */
#include "minimal/minimal.h"

/* The image is bound only while it is parsed: a page that is bound nowhere else
 * needs no link page in the child (exo/tlb.h). */
static int64_t
bind_image(uint32_t flags)
{
    uint64_t pages =
        (self.start->image_bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES;
    return map_run(&page_map, START_CAP_IMAGE, MINIMAL_IMAGE, self.start->image,
                   (uint32_t)pages, flags);
}

/* Packs the arguments as the start block has them. False: they do not fit. */
static bool
pack_args(struct spawn *spawn, char *to, int argc, const char *const *argv)
{
    uint32_t at = 0;
    for (int i = 0; i < argc; i++) {
        size_t length = strlen(argv[i]) + 1;
        if (length > START_ARGS_BYTES - at)
            return false;
        memcpy(to + at, argv[i], length);
        at += (uint32_t)length;
    }
    spawn->args = to;
    spawn->args_bytes = at;
    spawn->argc = (uint32_t)argc;
    return true;
}

static void
fill_in(struct spawn *spawn)
{
    spawn->image_page = self.start->image;
    spawn->image_bytes = self.start->image_bytes;
    spawn->image_cap = START_CAP_IMAGE;
    spawn->length = self.children.child;
    spawn->cap = START_CAP_SELF;
    spawn->door_cap = START_CAP_SELF;
    spawn->door = START_ENV_GUARD(self.prefix);
    if (!spawn->stack_pages)
        spawn->stack_pages = 1;
    if (!spawn->upcall_pages)
        spawn->upcall_pages = 1;
}

int64_t
child_create(struct spawn *spawn, int argc, const char *const *argv)
{
    struct elf_program program;
    char args[START_ARGS_BYTES];
    spawn->what = "find its own image";
    if (!self.start || !self.start->image || !page_window())
        return -EXO_E_NONE;
    spawn->what = "pass arguments";
    if (!pack_args(spawn, args, argc, argv))
        return -EXO_E_INVAL;
    int64_t error = prefixes_issue(&self.children, &spawn->prefix);
    if (error)
        return error;
    fill_in(spawn);
    spawn->what = "read its own image";
    error = bind_image(EXO_BIND_R);
    if (error)
        return error;
    spawn->what =
        elf_parse((const char *)MINIMAL_IMAGE, spawn->image_bytes, &program);
    bind_image(0);
    spawn->program = &program;
    if (spawn->what)
        return -EXO_E_INVAL;
    /* What was promised to the child is being collected: it may need another
     * attempt, because the event that tells goes to the child. */
    while ((error = spawn_create(spawn, &page_map)) == -EXO_E_WAIT)
        event_sleep(10 * CLOCK_MS);
    return error;
}

int64_t
child_start(const struct spawn *spawn)
{
    return exo_env_control(START_CAP_SELF, spawn->env, EXO_ENV_START, 0);
}

int64_t
child_bury(const struct spawn *spawn, struct exo_mortem *mortem)
{
    return spawn_bury(START_CAP_SELF, spawn->env, mortem);
}
