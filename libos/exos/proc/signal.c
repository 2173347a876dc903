// SPDX-License-Identifier: MIT
/* signal.c: signals within one program; see signal.h. */
#include "exos/proc/signal.h"

#include <errno.h>

#include "exos/crt/crt.h"
#include "exos/fd/wait.h"
#include "lib/print.h"

#define SET(number) ((sigset_t)1 << ((number)-1))

#define IGNORED (SET(SIGCHLD) | SET(SIGURG) | SET(SIGWINCH) | SET(SIGCONT))
#define RECORDED                                                               \
    (SET(SIGQUIT) | SET(SIGILL) | SET(SIGTRAP) | SET(SIGABRT) | SET(SIGBUS) |  \
     SET(SIGFPE) | SET(SIGSEGV) | SET(SIGSYS))
#define NEVER_BLOCKED (SET(SIGKILL) | SET(SIGSTOP))

static struct sigaction action[NSIG];
static sigset_t blocked;
static volatile sigset_t pending; // an upcall handler adds SIGTERM

static bool
is_signal(int number)
{
    return number > 0 && number < NSIG;
}

long
signal_action(int number, const struct sigaction *set, struct sigaction *old)
{
    if (!is_signal(number) || (set && (SET(number) & NEVER_BLOCKED)))
        return -EINVAL;
    if (old)
        *old = action[number];
    if (set)
        action[number] = *set;
    return 0;
}

/* What happens to those who did not ask for a handler. */
static void
act_by_default(int number)
{
    char text[80];
    if (SET(number) & IGNORED)
        return;
    print_text(text, sizeof(text), "exos: ended by signal %d\n", number);
    if (SET(number) & RECORDED)
        crt_die(text);
    crt_say(text);
    crt_exit(128 + number);
}

static void
run_handler(int number)
{
    struct sigaction now = action[number];
    siginfo_t info = {.si_signo = number, .si_code = SI_USER};
    sigset_t before = blocked;
    if (now.sa_flags & (int)SA_RESETHAND)
        action[number].sa_handler = SIG_DFL;
    blocked |= now.sa_mask;
    if (!(now.sa_flags & SA_NODEFER))
        blocked |= SET(number);
    if (now.sa_flags & SA_SIGINFO)
        now.sa_sigaction(number, &info, NULL);
    else
        now.sa_handler(number);
    blocked = before;
}

/* Result: a handler ran. */
static bool
deliver(int number)
{
    void (*handler)(int) = action[number].sa_handler;
    if (handler == SIG_IGN)
        return false;
    if (handler == SIG_DFL) {
        act_by_default(number);
        return false;
    }
    run_handler(number);
    return true;
}

bool
signal_deliver(void)
{
    bool any = false;
    sigset_t now;
    while ((now = pending & ~blocked) != 0) {
        int number = __builtin_ctzl(now) + 1;
        __atomic_fetch_and(&pending, ~SET(number), __ATOMIC_SEQ_CST);
        any = deliver(number) || any;
    }
    return any;
}

void
signal_post(int number)
{
    __atomic_fetch_or(&pending, SET(number), __ATOMIC_SEQ_CST);
}

long
signal_raise(int number)
{
    if (number == 0)
        return 0;
    if (!is_signal(number))
        return -EINVAL;
    signal_post(number);
    signal_deliver();
    return 0;
}

long
signal_mask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t before = blocked;
    if (set && how == SIG_BLOCK)
        blocked |= *set;
    else if (set && how == SIG_UNBLOCK)
        blocked &= ~*set;
    else if (set && how == SIG_SETMASK)
        blocked = *set;
    else if (set)
        return -EINVAL;
    blocked &= ~NEVER_BLOCKED;
    if (old)
        *old = before;
    signal_deliver();
    return 0;
}

void
signal_pending(sigset_t *out)
{
    *out = pending & blocked;
}

long
signal_suspend(const sigset_t *mask)
{
    sigset_t before = blocked;
    blocked = *mask & ~NEVER_BLOCKED;
    while (wait_once(EXO_NEVER) != -EINTR)
        ;
    blocked = before;
    return -EINTR;
}

void
signal_asked_to_end(void)
{
    if (action[SIGTERM].sa_handler == SIG_DFL)
        crt_exit(0);
    signal_post(SIGTERM);
}
