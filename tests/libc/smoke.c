// SPDX-License-Identifier: MIT
/*
 * What programs expect of the C library, where newlib had to be patched, is
 * configured by us, or is filled up: one claim each.
 */
#include <complex.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static int failures;

static void
judge(int holds, const char *name, const char *what, int line)
{
    if (holds)
        printf("ok %s\n", name);
    else
        printf("not ok %s: smoke.c:%d: wanted %s\n", name, line, what);
    failures += !holds;
}

#define CLAIM(name, holds) judge((holds), #name, #holds, __LINE__)

/* Whether `format` makes `expected`, and says how long that is. */
static int __attribute__((format(printf, 2, 3)))
prints(const char *expected, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return length == (int)strlen(expected) && strcmp(text, expected) == 0;
}

static void
formats(void)
{
    char word[20];
    wchar_t wide[20];
    int n = 0, m = 0;
    CLAIM(printf_takes_arguments_by_position,
          prints("two 1 2", "%2$s %1$d %3$d", 1, "two", 2));
    CLAIM(printf_takes_widths_by_position, prints("[   7]", "[%2$*1$d]", 4, 7));
    CLAIM(printf_has_long_long_and_sizes,
          prints("-9223372036854775808 4096 ff", "%lld %zu %jx", LLONG_MIN,
                 (size_t)4096, (intmax_t)255));
    CLAIM(printf_has_floats,
          prints("3.142 1e-300 0x1p-1", "%.3f %g %a", 3.14159, 1e-300, 0.5));
    CLAIM(printf_has_long_doubles,
          prints("3.14159265358979324", "%.17Lf",
                 3.14159265358979323846264338327950288L));
    CLAIM(scanf_takes_arguments_by_position,
          sscanf("12 34", "%2$d %1$d", &n, &m) == 2 && n == 34 && m == 12);
    CLAIM(scanf_stops_at_what_does_not_fit,
          sscanf("7 seven x", "%d %19s %d", &n, word, &m) == 2 && n == 7 &&
              strcmp(word, "seven") == 0);
    CLAIM(wide_printf_takes_arguments_by_position,
          swprintf(wide, 20, L"%2$d-%1$d", 1, 2) == 3 &&
              wcscmp(wide, L"2-1") == 0);
}

static void
numbers(void)
{
    CLAIM(strtod_rounds_correctly,
          strtod("2.2250738585072014e-308", NULL) == DBL_MIN &&
              strtod("9007199254740993", NULL) == 9007199254740992.0);
    errno = 0;
    CLAIM(strtol_says_out_of_range,
          strtol("99999999999999999999", NULL, 10) == LONG_MAX &&
              errno == ERANGE);
    CLAIM(long_doubles_are_longer, LDBL_MANT_DIG == 64);
    volatile long double x = 0.7L, two = 2, half = 2.5L;
    CLAIM(long_double_sin_and_cos_agree,
          fabsl(sinl(x) * sinl(x) + cosl(x) * cosl(x) - 1) < 1e-18L);
    CLAIM(long_double_exp_undoes_log, fabsl(expl(logl(x)) - x) < 2e-19L);
    CLAIM(long_double_pow_is_exact_for_whole_powers,
          powl(two, 60) == 0x1p60L && powl(-two, 3) == -8 &&
              powl(two, -2) == 0.25L);
    CLAIM(long_double_rounding_goes_every_way,
          floorl(-half) == -3 && ceill(-half) == -2 && truncl(-half) == -2 &&
              roundl(half) == 3 && roundl(-half) == -3 && rintl(half) == 2 &&
              llroundl(half) == 3 && lrintl(half) == 2);
    CLAIM(long_double_parts, fmodl(7.5L, two) == 1.5L &&
                                 ldexpl(x, 3) == x * 8 &&
                                 nextafterl(1, 2) == 1 + LDBL_EPSILON);
    CLAIM(complex_long_double_uses_them,
          fabsl(creall(cexpl(1.0L * I)) - cosl(1)) < 1e-18L);
}

static int
compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static _Thread_local int thread_word = 42;
static _Thread_local char thread_zeros[100];
static int constructed;

__attribute__((constructor)) static void
construct(void)
{
    constructed = thread_word;
}

static void
memory(void)
{
    enum { N = 1000 };
    static char *blocks[N];
    uint32_t seed = 1;
    int whole = 1;
    for (int i = 0; i < 20 * N; i++) {
        seed = seed * 1664525 + 1013904223;
        char **block = &blocks[seed >> 8 & 511];
        if (*block)
            whole &= (*block)[0] == (char)((uintptr_t)block >> 3);
        free(*block);
        *block = malloc(1 + (seed >> 20));
        (*block)[0] = (char)((uintptr_t)block >> 3);
    }
    CLAIM(malloc_keeps_what_is_in_use, whole);
    void *aligned = NULL;
    CLAIM(posix_memalign_aligns, posix_memalign(&aligned, 4096, 100) == 0 &&
                                     ((uintptr_t)aligned & 4095) == 0);
    CLAIM(malloc_aligns_for_vectors, ((uintptr_t)malloc(1) & 15) == 0);
    int order[] = {5, 3, 9, -1, 0};
    qsort(order, 5, sizeof order[0], compare);
    CLAIM(qsort_sorts, order[0] == -1 && order[2] == 3 && order[4] == 9);
    CLAIM(thread_local_variables_have_their_values,
          thread_word == 42 && thread_zeros[99] == 0);
    CLAIM(constructors_run_before_main, constructed == 42);
}

static void
control(void)
{
    jmp_buf place;
    volatile int passes = 0;
    int value = setjmp(place);
    if (value < 3) {
        passes++;
        longjmp(place, value + 1);
    }
    CLAIM(longjmp_returns_to_setjmp, passes == 3 && value == 3);
    passes = 0;
    value = setjmp(place);
    if (passes++ == 0)
        longjmp(place, 0);
    CLAIM(longjmp_never_returns_zero, passes == 2 && value == 1);
    sigset_t set;
    sigemptyset(&set);
    CLAIM(signal_sets_have_64_members,
          sigaddset(&set, 64) == 0 && sigismember(&set, 64) == 1 &&
              sigismember(&set, 1) == 0 && sigaddset(&set, 65) == -1);
    atomic_int counter = 1;
    CLAIM(stdatomic_is_the_compilers, atomic_fetch_add(&counter, 2) == 1);
    regex_t expression;
    regmatch_t match[2];
    CLAIM(regular_expressions_match,
          regcomp(&expression, "^([a-z]+)=", REG_EXTENDED) == 0 &&
              regexec(&expression, "key=value", 2, match, 0) == 0 &&
              match[1].rm_eo == 3);
}

static void
times_of_day(void)
{
    time_t moment = 1709210096; /* 29 February 2024, 12:34:56 UTC */
    struct tm tm = {0}, back;
    char text[64];
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    localtime_r(&moment, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z %Z", &tm);
    CLAIM(strftime_knows_zones,
          strcmp(text, "2024-02-29 13:34:56 +0100 CET") == 0);
    CLAIM(tm_has_zone_and_offset,
          tm.tm_gmtoff == 3600 && strcmp(tm.tm_zone, "CET") == 0);
    CLAIM(mktime_undoes_localtime, mktime(&tm) == moment);
    CLAIM(timezone_is_a_variable, timezone == -3600 && daylight == 1);
    gmtime_r(&moment, &back);
    CLAIM(timegm_undoes_gmtime, timegm(&back) == moment && back.tm_hour == 12);
    back = (struct tm){.tm_year = 69, .tm_mon = -1, .tm_mday = 31};
    CLAIM(timegm_takes_months_out_of_range, timegm(&back) == -366 * 86400l);
    CLAIM(localtime_has_room_for_all_of_tm,
          localtime(&moment)->tm_gmtoff == 3600 &&
              strcmp(asctime(&back), "Tue Dec 31 00:00:00 1968\n") == 0);
    struct timespec now, later;
    clock_gettime(CLOCK_MONOTONIC, &now);
    nanosleep(&(struct timespec){0, 1000000}, NULL);
    clock_gettime(CLOCK_MONOTONIC, &later);
    CLAIM(nanosleep_takes_time, (later.tv_sec - now.tv_sec) * 1000000000 +
                                        later.tv_nsec - now.tv_nsec >=
                                    1000000);
}

static int
is_listed(const char *directory, const char *name)
{
    DIR *dir = opendir(directory);
    int found = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        found |= strcmp(entry->d_name, name) == 0;
    if (dir)
        closedir(dir);
    return found;
}

static void
files(void)
{
    char path[] = "/tmp/exos-libc-XXXXXX", line[20] = "";
    struct stat status = {0};
    errno = 0;
    CLAIM(errno_is_linuxs,
          !fopen("/nowhere/at/all", "r") && errno == 2 && ETIMEDOUT == 110 &&
              EINPROGRESS == 115 &&
              strcmp(strerror(ECONNREFUSED), "Connection refused") == 0);
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w+");
    CLAIM(files_are_made, fd >= 0 && file);
    fprintf(file, "first\nsecond\n");
    rewind(file);
    CLAIM(files_keep_lines, fgets(line, sizeof line, file) &&
                                fgets(line, sizeof line, file) &&
                                strcmp(line, "second\n") == 0);
    CLAIM(stat_has_linuxs_layout,
          stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
              status.st_size == 13 && status.st_nlink == 1 &&
              status.st_mtim.tv_sec > 1500000000 && status.st_blksize >= 512 &&
              sizeof status == 144);
    CLAIM(directories_list_their_files, is_listed("/tmp", path + 5));
    CLAIM(append_is_appended,
          fclose(file) == 0 && (file = fopen(path, "a")) &&
              fputs("third\n", file) >= 0 && fclose(file) == 0 &&
              stat(path, &status) == 0 && status.st_size == 19);
    CLAIM(exclusive_creation_is_exclusive,
          !fopen(path, "wx") && errno == EEXIST && unlink(path) == 0);
}

static void
layouts(void)
{
    CLAIM(addresses_have_no_length, sizeof(struct sockaddr) == 16 &&
                                        AF_INET6 == 10 &&
                                        sizeof(struct sockaddr_storage) == 128);
    CLAIM(structures_are_linuxs,
          sizeof(struct epoll_event) == 12 && sizeof(siginfo_t) == 128 &&
              sizeof(struct msghdr) == 56 && sizeof(fd_set) == 128);
    CLAIM(types_are_wide, sizeof(off_t) == 8 && sizeof(time_t) == 8 &&
                              sizeof(ino_t) == 8 && sizeof(dev_t) == 8 &&
                              sizeof(blkcnt_t) == 8 &&
                              sizeof(read(0, NULL, 0)) == 8);
}

int
main(void)
{
    formats();
    numbers();
    memory();
    control();
    times_of_day();
    files();
    layouts();
    return failures != 0; /* and exit() writes what stdout still has */
}
