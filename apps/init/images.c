// SPDX-License-Identifier: MIT
/*
 * images.c: the boot modules: the manifest, and programs by name.
 *
 * The kernel says which pages hold them and lets init pay for those. Each
 * program's pages get a guard of their own, so that instances can be given
 * READ over their image and nothing else.
 */
#include "init.h"

#include "lib/print.h"

#define IMAGE_PREFIX "image "
#define FILES_PREFIX "files " // stays: an image's name has no space

static struct image image[EXO_MODULES_MAX];
static uint32_t nimages;
static struct image manifest;

static uint32_t
pages_of(const struct image *i)
{
    return (uint32_t)((i->bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES);
}

static bool
guard_pages(struct image *i)
{
    if (prefixes_issue(&self.children, &i->guard))
        return false;
    for (uint32_t done = 0; done < pages_of(i);) {
        int64_t n = exo_reguard(EXO_CAPS(ROOT_CAP, ROOT_CAP), EXO_KIND_PAGE,
                                i->page + done, pages_of(i) - done, i->guard);
        if (n <= 0)
            return false;
        done += (uint32_t)n;
    }
    return true;
}

static bool
add_module(const struct exo_module *module)
{
    struct image new = {
        .name = module->name, .page = module->page, .bytes = module->bytes};
    if (strcmp(module->name, "manifest") == 0) {
        if (manifest.page) {
            say("modules: there are two manifests");
            return false;
        }
        manifest = new;
        return true;
    }
    if (strncmp(module->name, IMAGE_PREFIX, strlen(IMAGE_PREFIX)) == 0)
        new.name += strlen(IMAGE_PREFIX);
    if (images_find(new.name)) {
        say("modules: there are two of the string \"%s\"", module->name);
        return false;
    }
    if (!guard_pages(&new)) {
        say("modules: the pages of \"%s\" cannot be guarded", module->name);
        return false;
    }
    image[nimages++] = new;
    return true;
}

bool
images_open(void)
{
    const struct exo_machine *m = exo_machine();
    for (uint32_t i = 1; i < m->nmodules; i++) // 0 is init itself
        if (!add_module(&m->module[i]))
            return false;
    return true;
}

const struct image *
images_manifest(void)
{
    return manifest.page ? &manifest : NULL;
}

const struct image *
images_find(const char *name)
{
    for (uint32_t i = 0; i < nimages; i++)
        if (strcmp(image[i].name, name) == 0)
            return &image[i];
    return NULL;
}

const struct image *
images_files(const char *name)
{
    char string[sizeof(FILES_PREFIX) + MANIFEST_NAME_BYTES];
    print_text(string, sizeof(string), FILES_PREFIX "%s", name);
    return images_find(string);
}

const char *
images_next(uint32_t *cursor)
{
    return *cursor < nimages ? image[(*cursor)++].name : NULL;
}

const char *
images_bind(const struct image *i)
{
    uint64_t room = (MINIMAL_MEMORY - MINIMAL_IMAGE) / EXO_PAGE_BYTES;
    if (pages_of(i) > room || map_run(&page_map, ROOT_CAP, MINIMAL_IMAGE,
                                      i->page, pages_of(i), EXO_BIND_R))
        return NULL;
    return (const char *)MINIMAL_IMAGE;
}

void
images_unbind(const struct image *i)
{
    map_run(&page_map, ROOT_CAP, MINIMAL_IMAGE, 0, pages_of(i), 0);
}

const char *
images_parse(const struct image *i, struct elf_program *program)
{
    const char *text = images_bind(i);
    if (!text)
        return "it cannot be bound";
    const char *wrong = elf_parse(text, i->bytes, program);
    images_unbind(i);
    return wrong;
}

static void
free_run(exo_page first, uint64_t count)
{
    struct pages mine = {.cap = ROOT_CAP};
    for (exo_page page = first; page < first + count; page++)
        pages_free(&mine, &page, 1);
}

/* Symbols and debugging information lie behind what is loaded. */
static void
trim_image(struct image *i)
{
    struct elf_program program;
    uint64_t end = 0;
    if (images_parse(i, &program))
        return;
    for (uint32_t s = 0; s < program.count; s++) {
        const struct elf_segment *segment = &program.segment[s];
        if (segment->offset + segment->file_bytes > end)
            end = segment->offset + segment->file_bytes;
    }
    uint32_t keep = (uint32_t)((end + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES);
    /* The headers are read again at every start. */
    if (keep == 0 || keep >= pages_of(i))
        return;
    free_run(i->page + keep, pages_of(i) - keep);
    i->bytes = (uint64_t)keep * EXO_PAGE_BYTES;
}

void
images_trim(void)
{
    const struct exo_module *own = &exo_machine()->module[0];
    struct image self_image = {.page = own->page, .bytes = own->bytes};
    free_run(self_image.page, pages_of(&self_image));
    if (manifest.page)
        free_run(manifest.page, pages_of(&manifest));
    manifest.page = 0;
    for (uint32_t i = 0; i < nimages; i++)
        trim_image(&image[i]);
}
