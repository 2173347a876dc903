// SPDX-License-Identifier: MIT
/* listing.c: see listing.h. Hidden names are not listed. */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "date.h"
#include "text.h"

#define LISTING_BYTES (1u << 20)
#define LISTING_NAMES 4096
#define LISTING_LINE  4096 // bytes of one line, and of the page's end

struct names {
    char *name[LISTING_NAMES];
    unsigned count;
    bool more; // than were read
};

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
read_names(DIR *directory, struct names *names)
{
    for (struct dirent *d; (d = readdir(directory));) {
        if (d->d_name[0] == '.')
            continue;
        size_t size = strlen(d->d_name) + 1;
        char *copy = names->count < LISTING_NAMES ? malloc(size) : NULL;
        names->more |= !copy;
        if (copy)
            names->name[names->count++] = memcpy(copy, d->d_name, size);
    }
    qsort(names->name, names->count, sizeof(*names->name), by_name);
}

/* One line of the table. */
static void
put_name(struct text *page, const char *directory, const char *name)
{
    char full[3 * PATH_BYTES], date[DATE_BYTES];
    struct stat s;
    if (snprintf(full, sizeof(full), "%s%s", directory, name) >=
            (int)sizeof(full) ||
        stat(full, &s) != 0 || !(S_ISREG(s.st_mode) || S_ISDIR(s.st_mode)))
        return;
    const char *slash = S_ISDIR(s.st_mode) ? "/" : "";
    text_string(page, "<tr><td><a href=\"./");
    text_url(page, name);
    text_format(page, "%s\">", slash);
    text_html(page, name);
    date_write(date, (int64_t)s.st_mtim.tv_sec);
    text_format(page, "%s</a><td>", slash);
    if (!*slash)
        text_format(page, "%llu", (unsigned long long)s.st_size);
    text_format(page, "<td>%s\n", date);
}

static void
put_page(struct text *page, const char *path, const char *directory,
         const struct names *names)
{
    text_string(page,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">"
                "\n<meta name=\"viewport\" content=\"width=device-width\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<style>body{font:1rem/1.5 sans-serif;margin:2rem}"
                "td,th{padding:0 2rem 0 0;text-align:left}"
                "td:nth-child(2),th:nth-child(2){text-align:right}</style>\n"
                "<title>");
    text_html(page, path);
    text_string(page, "</title>\n<h1>");
    text_html(page, path);
    text_string(page, "</h1>\n<table>\n"
                      "<tr><th>Name<th>Bytes<th>Last changed\n");
    if (path[1])
        text_string(page, "<tr><td><a href=\"../\">../</a><td><td>\n");
    unsigned i = 0;
    while (i < names->count && page->length + LISTING_LINE < page->most)
        put_name(page, directory, names->name[i++]);
    text_string(page, "</table>\n");
    if (names->more || i < names->count)
        text_string(page, "<p>There are more files than this page can list.\n");
}

int
listing_make(const struct cache *cache, const char *path, struct item **item)
{
    char directory[2 * PATH_BYTES];
    if (snprintf(directory, sizeof(directory), "%s%s", cache->root, path) >=
        (int)sizeof(directory))
        return 404;
    struct names *names = calloc(1, sizeof(*names));
    DIR *open_directory = names ? opendir(directory) : NULL;
    if (!open_directory) {
        int status = !names ? 503 : errno == EACCES ? 403 : 404;
        free(names);
        return status;
    }
    read_names(open_directory, names);
    closedir(open_directory);
    struct text page = {.most = LISTING_BYTES};
    put_page(&page, path, directory, names);
    while (names->count)
        free(names->name[--names->count]);
    free(names);
    if (!page.at)
        return 503;
    *item = item_make(page.at, page.length, "text/html; charset=utf-8");
    return *item ? 0 : 503;
}
