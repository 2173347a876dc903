// SPDX-License-Identifier: MIT
/* The rest of the system: clocks, identity, signals to oneself, the C library
 * on top of it all. */
#define _GNU_SOURCE
#include "test.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t
read_clock(clockid_t clock)
{
    struct timespec now;
    EQ(clock_gettime(clock, &now), 0);
    return now.tv_sec * 1000000000l + now.tv_nsec;
}

TEST(clocks_go_forward)
{
    int64_t last = read_clock(CLOCK_MONOTONIC);
    for (int i = 0; i < 1000; i++) {
        int64_t now = read_clock(CLOCK_MONOTONIC);
        WANT(now >= last);
        last = now;
    }
    FAILS(clock_gettime((clockid_t)77, &(struct timespec){0, 0}), EINVAL);
    struct timeval day;
    EQ(gettimeofday(&day, NULL), 0);
    WANT(time(NULL) - day.tv_sec <= 1);
}

TEST(sleeping_takes_at_least_its_time)
{
    int64_t before = read_clock(CLOCK_MONOTONIC);
    struct timespec time = {0, 20000000}, wrong = {0, 1000000000};
    EQ(nanosleep(&time, NULL), 0);
    WANT(read_clock(CLOCK_MONOTONIC) - before >= 20000000);
    FAILS(nanosleep(&wrong, NULL), EINVAL);
    before = read_clock(CLOCK_MONOTONIC);
    time.tv_sec = (before + 10000000) / 1000000000;
    time.tv_nsec = (before + 10000000) % 1000000000;
    EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL), 0);
    WANT(read_clock(CLOCK_MONOTONIC) - before >= 10000000);
    EQ(usleep(1000), 0);
}

TEST(working_costs_cpu_time)
{
    int64_t before = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    volatile uint64_t sum = 0;
    for (int i = 0; i < 3000000; i++)
        sum += (uint64_t)i;
    WANT(sum && read_clock(CLOCK_PROCESS_CPUTIME_ID) > before);
    WANT(clock() > 0);
}

TEST(random_bytes_differ)
{
    unsigned char a[100], b[300];
    EQ(getrandom(a, sizeof(a), 0), sizeof(a));
    EQ(getentropy(b, 100), 0);
    WANT(memcmp(a, b, sizeof(a)) != 0);
    FAILS(getentropy(b, 257), EIO);
    int ones = 0;
    for (int round = 0; round < 100; round++) {
        EQ(getrandom(a, sizeof(a), 0), sizeof(a));
        for (int i = 0; i < 100; i++)
            ones += __builtin_popcount(a[i]);
    }
    WANT(ones > 39000 && ones < 41000);
}

static volatile int handled, nested;

static void
handler(int number)
{
    handled = number;
    nested += number == SIGUSR1;
    if (number == SIGUSR1 && nested == 1)
        raise(SIGUSR1); // blocked while this runs
}

TEST(a_signal_to_oneself_runs_its_handler)
{
    struct sigaction action = {.sa_handler = handler}, old;
    EQ(sigaction(SIGUSR1, &action, &old), 0);
    WANT(old.sa_handler == SIG_DFL);
    EQ(raise(SIGUSR1), 0);
    EQ(handled, SIGUSR1);
    EQ(nested, 2);
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    EQ(sigaction(SIGUSR2, &action, NULL), 0);
    EQ(sigprocmask(SIG_BLOCK, &set, &before), 0);
    handled = 0;
    EQ(kill(getpid(), SIGUSR2), 0);
    EQ(handled, 0);
    EQ(sigpending(&set), 0);
    EQ(sigismember(&set, SIGUSR2), 1);
    EQ(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    EQ(handled, SIGUSR2);
    FAILS(sigaction(SIGKILL, &action, NULL), EINVAL);
    FAILS(kill(getpid(), 99), EINVAL);
    EQ(kill(getpid(), 0), 0);
}

TEST(the_system_says_what_it_is)
{
    struct utsname name;
    struct rlimit limit;
    EQ(uname(&name), 0);
    WANT(strcmp(name.machine, "x86_64") == 0 && name.sysname[0]);
    EQ(sysconf(_SC_PAGESIZE), 4096);
    WANT(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    WANT(getpid() > 0);
    EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    WANT(limit.rlim_cur >= 256);
}

static int constructed;

__attribute__((constructor)) static void
construct(void)
{
    constructed++;
}

TEST(constructors_run_once_before_main)
{
    EQ(constructed, 1);
}

static __thread int local = 17;
static __thread char zeros[100];

TEST(thread_local_variables_begin_as_written)
{
    EQ(local, 17);
    for (int i = 0; i < 100; i++)
        EQ(zeros[i], 0);
    local++;
    zeros[99] = 1;
    EQ(local, 18);
}

TEST(numbers_become_text_and_text_numbers)
{
    char text[100];
    snprintf(text, sizeof(text), "%d %5.2f %g %s %c %x %ld %%", -3, 2.345,
             1e100, "word", 'z', 255u, 1234567890123l);
    WANT(strcmp(text, "-3  2.35 1e+100 word z ff 1234567890123 %") == 0 ||
         strcmp(text, "-3  2.34 1e+100 word z ff 1234567890123 %") == 0);
    snprintf(text, sizeof(text), "%2$s %1$d", 5, "five");
    WANT(strcmp(text, "five 5") == 0);
    WANT(strtod("1.25e2", NULL) == 125.0);
    EQ(strtol("0x7f", NULL, 0), 127);
    WANT(fabs(sqrt(2.0) * sqrt(2.0) - 2.0) < 1e-15);
    WANT(fabs(sin(1.0) * sin(1.0) + cos(1.0) * cos(1.0) - 1.0) < 1e-15);
}

static int
compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

TEST(sorting_sorts)
{
    static int numbers[5000];
    for (int i = 0; i < 5000; i++)
        numbers[i] = (int)(test_random() % 100000);
    qsort(numbers, 5000, sizeof(int), compare);
    for (int i = 1; i < 5000; i++)
        WANT(numbers[i - 1] <= numbers[i]);
}

TEST(the_environment_can_be_changed)
{
    EQ(setenv("COLOUR", "green", 1), 0);
    WANT(strcmp(getenv("COLOUR"), "green") == 0);
    EQ(unsetenv("COLOUR"), 0);
    WANT(!getenv("COLOUR"));
}

/* Registers of the FPU survive other programs, page faults and waits. */
TEST(floating_point_survives_faults_and_sleep)
{
    double sum = 0;
    for (int i = 1; i <= 200; i++) {
        volatile char *page = malloc(20000);
        page[i * 50] = 1; // a fault in the middle of it
        sum += 1.0 / i;
        if (i % 50 == 0)
            usleep(1000);
        free((void *)(uintptr_t)page);
    }
    WANT(fabs(sum - 5.878030948121444) < 1e-12);
}

#ifdef __exos__
TEST(the_manifest_gives_environment_and_name)
{
    WANT(getenv("LIKE") && strcmp(getenv("LIKE"), "this one") == 0);
    char name[64];
    EQ(gethostname(name, sizeof(name)), 0);
    WANT(strcmp(name, "t") == 0);
}

TEST(what_is_not_there_says_so)
{
    FAILS(fork(), ENOSYS);
    FAILS(execl("/first.txt", "x", (char *)0), ENOSYS);
    FAILS(wait(NULL), ECHILD);
}
#endif
