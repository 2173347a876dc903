// SPDX-License-Identifier: MIT
//
// peer.c: the other envs that benchmarks need.
#include "bench.h"

#include "lib/caps.h"
#include "lib/string.h"

#define PEER_PAGES   64 // most a peer may use
#define STACK_PAGES  2  // the shape that init gives to applications
#define UPCALL_PAGES 1

static struct prefixes prefixes = {.length = 0, .child = 24, .next = 1};

bool
image_open(const char *name, uint32_t index, struct image *image)
{
    const struct exo_machine *m = exo_machine();
    if (index >= m->nmodules)
        return give_up(name, "find its boot module", -EXO_E_NONE);
    const struct exo_module *module = &m->module[index];
    uint64_t pages = (module->bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES;
    uint64_t at = IMAGES + index * UINT64_C(0x200000);
    int64_t error = map_run(&own_map, ROOT_CAP, at, module->page,
                            (uint32_t)pages, EXO_BIND_R);
    if (error)
        return give_up(name, "bind its boot module", error);
    image->page = module->page;
    image->bytes = module->bytes;
    image->at = (const char *)at;
    if (elf_parse(image->at, image->bytes, &image->program))
        return give_up(name, "load its boot module", -EXO_E_INVAL);
    return true;
}

// Makes an env and starts it. *what: after an error, what could not be done.
static int64_t
start(struct spawn *spawn, const struct image *image, const char *args,
      uint32_t args_bytes, struct exo_share pages)
{
    *spawn = (struct spawn){
        .program = &image->program,
        .image = image->at,
        .image_page = image->page,
        .image_bytes = image->bytes,
        .image_cap = ROOT_CAP,
        .length = prefixes.child,
        .cap = ROOT_CAP,
        .door_cap = ROOT_CAP,
        .door = START_ENV_GUARD(0),
        .args = args,
        .args_bytes = args_bytes,
        .argc = 2,
        .with_log = true,
        .stack_pages = STACK_PAGES,
        .upcall_pages = UPCALL_PAGES,
        .cpu = EXO_CPU_ANY,
        .share = {[EXO_KIND_PAGE] = pages},
    };
    spawn->what = "issue a prefix";
    int64_t error = prefixes_issue(&prefixes, &spawn->prefix);
    if (!error)
        error = spawn_create(spawn, &own_map);
    if (error)
        return error;
    spawn->what = "start it";
    return exo_env_control(ROOT_CAP, spawn->env, EXO_ENV_START, 0);
}

bool
peer_start(const char *name, struct spawn *spawn, const struct image *image,
           const char *args, uint32_t args_bytes)
{
    struct exo_share pages = {PEER_PAGES, PEER_PAGES};
    int64_t error = start(spawn, image, args, args_bytes, pages);
    return !error || give_up(name, spawn->what, error);
}

bool
peer_try(struct spawn *spawn, const struct image *image, const char *args,
         uint32_t args_bytes, struct exo_share pages)
{
    return start(spawn, image, args, args_bytes, pages) == 0;
}

bool
peer_open(const char *name, struct spawn *spawn, const char *role)
{
    static struct image self;
    char args[64] = "peer";
    size_t n = strlen(role);
    if (!self.at && !image_open(name, 0, &self))
        return false;
    memcpy(args + 5, role, n + 1);
    return peer_start(name, spawn, &self, args, 5 + (uint32_t)n + 1);
}

void
peer_close(const struct spawn *spawn)
{
    spawn_bury(ROOT_CAP, spawn->env, NULL);
}
