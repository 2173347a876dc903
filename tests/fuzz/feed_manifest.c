// SPDX-License-Identifier: MIT
/* Texts, fed to apps/init/manifest.c, and what is in them to admit.c. */
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "init.h"

static void
check_text(const char *text, size_t room)
{
    size_t length = strnlen(text, room);
    PROMISE(length > 0 && length < room);
    for (size_t i = 0; i < length; i++)
        PROMISE((uint8_t)text[i] >= ' ');
}

/* docs/manifest.md. */
static void
check_app(const struct manifest_app *a)
{
    uint32_t zeros = 0;
    check_text(a->name, sizeof(a->name));
    check_text(a->image, sizeof(a->image));
    PROMISE(a->reserved >= 16 && a->limit >= a->reserved);
    PROMISE(a->limit <= UINT64_C(1) << 32);
    PROMISE(a->envs >= 1 && a->envs <= 4096);
    PROMISE(!a->slots || !a->share);
    PROMISE(a->slots <= 65536 && a->share <= 64000 && a->restarts <= 1000);
    PROMISE(a->argc >= 1 && a->argc <= START_ARGS_MAX);
    PROMISE(a->args_bytes <= sizeof(a->args));
    for (uint32_t i = 0; i < a->args_bytes; i++)
        zeros += !a->args[i];
    PROMISE(zeros == a->argc && !a->args[a->args_bytes - 1]);
    PROMISE(!(a->wx && a->seal));
    PROMISE(!a->restarts || a->restart != MANIFEST_NEVER);
}

static void
eat(const uint8_t *bytes, size_t size)
{
    static struct manifest m;
    struct manifest_app app;
    struct admit admit = {.pages = 1000,
                          .envs = 100,
                          .ncpus = 2,
                          .nslots = 128,
                          .free_slots = {126, 128}};
    char error[160] = "";
    char *copy = malloc(size ? size : 1); /* just its size */
    int got;
    memcpy(copy, bytes, size);
    manifest_open(&m, copy, size);
    while ((got = manifest_next(&m, &app)) == 1) {
        check_app(&app);
        PROMISE(m.count <= MANIFEST_APPS_MAX);
        if (!admit_app(&admit, &app, error, sizeof(error)))
            PROMISE(error[0] && memchr(error, 0, sizeof(error)));
        PROMISE(admit.pages <= 1000 && admit.envs <= 100);
        PROMISE(admit.free_slots[0] <= 126 && admit.free_slots[1] <= 128);
    }
    PROMISE(got == 0 ? m.count > 0 && !m.error[0] : m.error[0] != 0);
    PROMISE(memchr(m.error, 0, sizeof(m.error)));
    PROMISE(got == 0 || manifest_next(&m, &app) == -1); /* for good */
    free(copy);
}

static const char *const texts[] = {
    "exo-manifest 1\n"
    "# two\n"
    "app web\n  image web.elf\n  arg -p\n  arg\n  reserved 64\n"
    "  limit 128\n  envs 4\n  share 125\n  affinity 0 1\n"
    "  restart on-failure\n  restarts 3\n  may_fail yes\n  wx no\n"
    "  hide_info yes\nend\n"
    "app b\nimage i\nreserved 16\nlimit 16\nslots 3\nbackground yes\n"
    "seal yes\nend\n",
    "exo-manifest 1\napp a\nimage i\nreserved 16\nlimit 16\nwx yes\nend\n",
};

static size_t
seed(unsigned n, uint8_t *to)
{
    if (n >= sizeof(texts) / sizeof(texts[0]))
        return 0;
    memcpy(to, texts[n], strlen(texts[n]));
    return strlen(texts[n]);
}

const struct feed feed = {
    .name = "manifest", .max = 2048, .runs = 200000, .eat = eat, .seed = seed};
