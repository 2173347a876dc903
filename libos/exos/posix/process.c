// SPDX-License-Identifier: MIT
/*
 * process.c: who the program is, what the system is, and what exos does not do
 * yet: there are no processes besides the program, so fork and its kin say
 * ENOSYS.
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exo/info.h>

#include "exos/crt/crt.h"
#include "exos/fd/table.h"
#include "exos/layout.h"
#include "exos/posix/result.h"
#include "exos/proc/random.h"
#include "exos/proc/signal.h"
#include "exos/vm/space.h"

_Noreturn void
_exit(int status)
{
    crt_exit(status);
}

_Noreturn void
_Exit(int status)
{
    crt_exit(status);
}

pid_t
getpid(void)
{
    return (pid_t)EXO_ENV_INDEX(UAREA->self);
}

pid_t
getppid(void)
{
    return (pid_t)EXO_ENV_INDEX(UAREA->parent);
}

pid_t
getpgrp(void)
{
    return getpid();
}

pid_t
getpgid(pid_t pid)
{
    return pid == 0 || pid == getpid() ? getpid() : int_result(-ESRCH);
}

pid_t
getsid(pid_t pid)
{
    return getpgid(pid);
}

pid_t
setsid(void)
{
    return int_result(-EPERM); // it leads its group already
}

int
setpgid(pid_t pid, pid_t group)
{
    bool own =
        (pid == 0 || pid == getpid()) && (group == 0 || group == getpid());
    return int_result(own ? 0 : -EPERM);
}

uid_t
getuid(void)
{
    return 0;
}

uid_t
geteuid(void)
{
    return 0;
}

gid_t
getgid(void)
{
    return 0;
}

gid_t
getegid(void)
{
    return 0;
}

/* There is one user and one group. */
static int
only_zero(unsigned id)
{
    return int_result(id == 0 ? 0 : -EINVAL);
}

int
setuid(uid_t uid)
{
    return only_zero(uid);
}

int
seteuid(uid_t uid)
{
    return only_zero(uid);
}

int
setgid(gid_t gid)
{
    return only_zero(gid);
}

int
setegid(gid_t gid)
{
    return only_zero(gid);
}

int
getgroups(int most, gid_t *out)
{
    (void)most, (void)out;
    return 0;
}

pid_t
fork(void)
{
    return int_result(-ENOSYS);
}

pid_t
vfork(void)
{
    return int_result(-ENOSYS);
}

int
execve(const char *path, char *const argv[], char *const environment[])
{
    (void)path, (void)argv, (void)environment;
    return int_result(-ENOSYS);
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
    (void)pid, (void)status, (void)options;
    return int_result(-ECHILD);
}

pid_t
wait(int *status)
{
    (void)status;
    return int_result(-ECHILD);
}

int
kill(pid_t pid, int number)
{
    if (pid != getpid() && pid != 0 && pid != -getpid())
        return int_result(pid == -1 ? -EPERM : -ESRCH);
    return int_result(signal_raise(number));
}

int
raise(int number)
{
    return int_result(signal_raise(number));
}

int
sigaction(int number, const struct sigaction *restrict set,
          struct sigaction *restrict old)
{
    return int_result(signal_action(number, set, old));
}

_sig_func_ptr
signal(int number, _sig_func_ptr handler)
{
    struct sigaction set = {.sa_flags = SA_RESTART}, old;
    set.sa_handler = handler;
    return result(signal_action(number, &set, &old)) ? SIG_ERR : old.sa_handler;
}

int
sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    return int_result(signal_mask(how, set, old));
}

int
pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    return (int)-signal_mask(how, set, old);
}

int
sigpending(sigset_t *out)
{
    signal_pending(out);
    return 0;
}

int
sigsuspend(const sigset_t *mask)
{
    return int_result(signal_suspend(mask));
}

int
pause(void)
{
    sigset_t now;
    signal_mask(SIG_BLOCK, NULL, &now);
    return int_result(signal_suspend(&now));
}

int
sched_yield(void)
{
    return 0;
}

ssize_t
getrandom(void *to, size_t bytes, unsigned flags)
{
    if (flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM))
        return result(-EINVAL);
    random_bytes(to, bytes);
    return (ssize_t)bytes;
}

int
getentropy(void *to, size_t bytes)
{
    if (bytes > 256)
        return int_result(-EIO);
    random_bytes(to, bytes);
    return 0;
}

int
gethostname(char *to, size_t bytes)
{
    strncpy(to, crt_block->args, bytes);
    return int_result(strlen(crt_block->args) < bytes ? 0 : -ENAMETOOLONG);
}

int
uname(struct utsname *out)
{
    memset(out, 0, sizeof(*out));
    strcpy(out->sysname, "Exo");
    strncpy(out->nodename, crt_block->args, sizeof(out->nodename) - 1);
    strcpy(out->release, "1");
    strcpy(out->version, "exos");
    strcpy(out->machine, "x86_64");
    return 0;
}

int
getpagesize(void)
{
    return (int)PAGE_BYTES;
}

int
getrlimit(int which, struct rlimit *out)
{
    const volatile struct exo_account *pages =
        &exo_env_info(UAREA->self)->account[EXO_KIND_PAGE];
    uint64_t now = RLIM_INFINITY, most = RLIM_INFINITY;
    if (which < 0 || which >= RLIM_NLIMITS)
        return int_result(-EINVAL);
    if (which == RLIMIT_NOFILE) {
        now = (uint64_t)fd_limit();
        most = FD_MAX;
    } else if (which == RLIMIT_STACK) {
        now = most = EXOS_STACK_BYTES;
    } else if (which == RLIMIT_DATA || which == RLIMIT_RSS) {
        now = most = pages->limit * PAGE_BYTES;
    } else if (which == RLIMIT_CORE || which == RLIMIT_MEMLOCK) {
        now = most = 0;
    }
    *out = (struct rlimit){now, most};
    return 0;
}

int
setrlimit(int which, const struct rlimit *set)
{
    if (which < 0 || which >= RLIM_NLIMITS || set->rlim_cur > set->rlim_max)
        return int_result(-EINVAL);
    if (which == RLIMIT_NOFILE)
        return int_result(fd_set_limit(set->rlim_cur));
    return int_result(-EPERM);
}

long
sysconf(int name)
{
    const struct exo_machine *machine = exo_machine();
    const volatile struct exo_account *pages =
        &exo_env_info(UAREA->self)->account[EXO_KIND_PAGE];
    switch (name) {
    case _SC_PAGESIZE:
        return (long)PAGE_BYTES;
    case _SC_OPEN_MAX:
        return fd_limit();
    case _SC_CLK_TCK:
        return 100;
    case _SC_ARG_MAX:
        return START_ARGS_BYTES;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return machine->ncpus;
    case _SC_PHYS_PAGES:
        return pages->limit;
    case _SC_AVPHYS_PAGES:
        return (long)space_left();
    case _SC_IOV_MAX:
        return 1024;
    case _SC_VERSION:
        return _POSIX_VERSION;
    case _SC_HOST_NAME_MAX:
        return 64;
    case _SC_LINE_MAX:
        return 2048;
    case _SC_GETPW_R_SIZE_MAX:
    case _SC_GETGR_R_SIZE_MAX:
        return 1024;
    default:
        return result(-EINVAL);
    }
}
