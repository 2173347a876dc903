// SPDX-License-Identifier: MIT
/*
 * pager: paging as an application. 256 virtual pages live in 32 page frames;
 * what does not fit is kept compressed in a little memory of the program's own.
 * The kernel knows nothing of it: it delivers page faults and writes bindings.
 *
 *   policy     second chance: the hand passes by frames that were accessed
 *              since, which it reads in the page table itself, bound read-only
 *   backing    runs of words with a constant difference; a page that does not
 *              compress stays where it is
 *   check      each page's content is known, and every byte of it is compared
 *              each time the page is visited
 *
 * Arguments: visits (4000).
 */
#include "minimal/minimal.h"

#define PAGES      256
#define FRAMES     32
#define WORDS      (EXO_PAGE_BYTES / 8)
#define RUNS_MAX   5
#define PTES       (MINIMAL_POOL + PAGES * EXO_PAGE_BYTES) // the page table
#define PAGE_FAULT 14

struct packed {
    uint32_t runs; // 0: never written, all zeros
    struct {
        uint32_t words;
        uint64_t first, step;
    } run[RUNS_MAX];
};

static struct packed *backing; // one for each page
static struct {
    exo_page page;
    uint32_t at; // which page is in it
    bool used;
} frame[FRAMES];
static unsigned hand;
static struct {
    uint64_t faults, packed, kept;
} counts;

static uint64_t *
words_of(uint32_t page)
{
    return (uint64_t *)(MINIMAL_POOL + page * EXO_PAGE_BYTES);
}

static uint64_t
pte_of(uint32_t page)
{
    return ((const volatile uint64_t *)PTES)[page];
}

static bool
pack(const uint64_t *word, struct packed *to)
{
    struct packed p = {0};
    for (unsigned i = 0, n; i < WORDS; i += n) {
        if (p.runs == RUNS_MAX)
            return false;
        uint64_t step = i + 1 < WORDS ? word[i + 1] - word[i] : 0;
        for (n = 1; i + n < WORDS && word[i + n] - word[i + n - 1] == step; n++)
            ;
        p.run[p.runs].words = n;
        p.run[p.runs].first = word[i];
        p.run[p.runs++].step = step;
    }
    *to = p;
    return true;
}

static void
unpack(const struct packed *from, uint64_t *word)
{
    if (!from->runs)
        memset(word, 0, EXO_PAGE_BYTES);
    for (unsigned r = 0; r < from->runs; r++) {
        uint64_t value = from->run[r].first;
        for (unsigned i = 0; i < from->run[r].words; i++) {
            *word++ = value;
            value += from->run[r].step;
        }
    }
}

static int64_t
bind(uint32_t page, exo_page to, uint32_t flags)
{
    return map_run(&page_map, START_CAP_SELF, (uint64_t)words_of(page), to, 1,
                   flags);
}

/* Is the frame's page to go? One that was accessed gets a second chance. */
static bool
may_go(unsigned f)
{
    uint32_t page = frame[f].at;
    uint64_t pte = pte_of(page);
    if (!(pte & EXO_PTE_A))
        return true;
    /* Clearing A clears D too, so what is dirty is saved first. */
    if ((pte & EXO_PTE_D) && !pack(words_of(page), &backing[page])) {
        counts.kept++;
        return false;
    }
    counts.packed += (pte & EXO_PTE_D) != 0;
    bind(page, 0, EXO_BIND_SAME | EXO_BIND_CLEAN | EXO_BIND_W);
    return false;
}

/* Finds a frame for another page, emptying it. The hand goes round at most
 * twice unless nothing compresses. */
static unsigned
choose_frame(void)
{
    for (unsigned n = 0; n < 4 * FRAMES; n++) {
        unsigned f = hand;
        hand = (hand + 1) % FRAMES;
        if (!frame[f].used)
            return f;
        if (!may_go(f))
            continue;
        bind(frame[f].at, 0, 0);
        return f;
    }
    return FRAMES;
}

static void
on_fault(struct exo_frame *fault)
{
    uint64_t page = (fault->addr - MINIMAL_POOL) / EXO_PAGE_BYTES;
    unsigned f = FRAMES;
    if (fault->cause == PAGE_FAULT && fault->addr >= MINIMAL_POOL &&
        page < PAGES)
        f = choose_frame();
    if (f == FRAMES) {
        upcall_set(UAREA, EXO_UP_FAULT, NULL); // the same fault again ends us
        return;
    }
    counts.faults++;
    frame[f].used = true;
    frame[f].at = (uint32_t)page;
    bind(frame[f].at, frame[f].page, EXO_BIND_W);
    unpack(&backing[page], words_of(frame[f].at));
    /* What unpacking touched counts neither as accessed nor as dirty. */
    bind(frame[f].at, 0, EXO_BIND_SAME | EXO_BIND_CLEAN | EXO_BIND_W);
}

static bool
set_up(void)
{
    exo_page table;
    backing = page_grow((PAGES * sizeof(*backing) + EXO_PAGE_BYTES - 1) /
                        EXO_PAGE_BYTES);
    if (!backing || !page_window() ||
        map_table(&page_map, MINIMAL_POOL, 1, &table) != 0)
        return false;
    for (unsigned f = 0; f < FRAMES; f++)
        if (page_take(&frame[f].page) != 0)
            return false;
    if (map_run(&page_map, START_CAP_SELF, PTES, table, 1, EXO_BIND_R) != 0)
        return false;
    upcall_set(UAREA, EXO_UP_FAULT, on_fault);
    return true;
}

/* What a page holds after its n-th writing: a ramp with one word that differs.
 */
static uint64_t
expected(uint32_t page, uint64_t n, unsigned word)
{
    uint64_t start = (page + 1) * UINT64_C(0x9e3779b97f4a7c15) * n;
    return word == (page + n) % WORDS ? ~start : start + word * n;
}

/* Compares every byte of a page and perhaps writes it anew. Result: words that
 * were wrong. */
static uint64_t
visit(uint32_t page, uint32_t *written, bool write)
{
    uint64_t wrong = 0, *word = words_of(page);
    for (unsigned i = 0; i < WORDS; i++)
        wrong += word[i] != (*written ? expected(page, *written, i) : 0);
    if (!write)
        return wrong;
    ++*written;
    for (unsigned i = 0; i < WORDS; i++)
        word[i] = expected(page, *written, i);
    return wrong;
}

int
main(int argc, char **argv)
{
    static uint32_t written[PAGES];
    uint64_t visits = number(argc > 1 ? argv[1] : NULL, 4000), wrong = 0;
    uint64_t random = 88172645463325252u;
    if (!set_up()) {
        print("not enough memory for %u frames\n", FRAMES);
        return 1;
    }
    for (uint64_t i = 0; i < visits + PAGES; i++) {
        random ^= random << 13; // xorshift
        random ^= random >> 7;
        random ^= random << 17;
        uint32_t page = i < visits ? random % PAGES : i - visits;
        wrong += visit(page, &written[page], random >> 32 & 1);
    }
    print("%u pages in %u frames: %lu visits, %lu faults, %lu packed, "
          "%lu could not be, %lu words wrong\n",
          PAGES, FRAMES, visits + PAGES, counts.faults, counts.packed,
          counts.kept, wrong);
    return wrong != 0;
}
