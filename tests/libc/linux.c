// SPDX-License-Identifier: MIT
/*
 * Just enough under the C library of exos to run a program on it natively on
 * Linux: the functions that newlib leaves to the system, each one system call,
 * since exos has Linux's numbers and layouts. One thread, no signals. It proves
 * the library, the compiler driver and the linker script without any kernel.
 */
#include <errno.h>
#include <reent.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fcntl.h>
#include <sys/lock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    READ = 0,
    WRITE = 1,
    OPEN = 2,
    CLOSE = 3,
    STAT = 4,
    FSTAT = 5,
    LSEEK = 8,
    MMAP = 9,
    NANOSLEEP = 35,
    GETPID = 39,
    KILL = 62,
    FCNTL = 72,
    UNLINK = 87,
    ARCH_PRCTL = 158,
    GETDENTS64 = 217,
    CLOCK_GETTIME = 228,
    EXIT_GROUP = 231,
    GETRANDOM = 318
};

static long
linux_call(long number, long a, long b, long c)
{
    register long r10 __asm__("r10") = MAP_PRIVATE | MAP_ANONYMOUS; /* mmap's */
    register long r8 __asm__("r8") = -1;
    register long r9 __asm__("r9") = 0;
    __asm__ volatile("syscall"
                     : "+a"(number)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return number;
}

static long
result(long value)
{
    if (value >= 0 || value < -4095)
        return value;
    errno = (int)-value;
    return -1;
}

#define CALL(number, a, b, c)                                                  \
    result(linux_call((number), (long)(a), (long)(b), (long)(c)))

ssize_t
read(int fd, void *buffer, size_t size)
{
    return CALL(READ, fd, buffer, size);
}

ssize_t
write(int fd, const void *buffer, size_t size)
{
    return CALL(WRITE, fd, buffer, size);
}

int
open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
    va_end(list);
    return (int)CALL(OPEN, path, flags, mode);
}

int
close(int fd)
{
    return (int)CALL(CLOSE, fd, 0, 0);
}

int
stat(const char *path, struct stat *into)
{
    return (int)CALL(STAT, path, into, 0);
}

int
fstat(int fd, struct stat *into)
{
    return (int)CALL(FSTAT, fd, into, 0);
}

off_t
lseek(int fd, off_t offset, int from)
{
    return CALL(LSEEK, fd, offset, from);
}

int
fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    return (int)CALL(FCNTL, fd, command, argument);
}

int
unlink(const char *path)
{
    return (int)CALL(UNLINK, path, 0, 0);
}

int
getdents(int fd, void *buffer, int size)
{
    return (int)CALL(GETDENTS64, fd, buffer, size);
}

pid_t
getpid(void)
{
    return (pid_t)CALL(GETPID, 0, 0, 0);
}

int
kill(pid_t pid, int number)
{
    return (int)CALL(KILL, pid, number, 0);
}

int
raise(int number)
{
    return kill(getpid(), number);
}

int
getentropy(void *buffer, size_t size)
{
    return CALL(GETRANDOM, buffer, size, 0) == (long)size ? 0 : -1;
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
    return (int)CALL(CLOCK_GETTIME, id, now, 0);
}

int
gettimeofday(struct timeval *now, void *zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    TIMESPEC_TO_TIMEVAL(now, &exact);
    return 0;
}

int
nanosleep(const struct timespec *time, struct timespec *left)
{
    return (int)CALL(NANOSLEEP, time, left, 0);
}

int
pthread_setcancelstate(int state, int *old)
{
    (void)state;
    (void)old;
    return 0;
}

/* A region that is large enough, and costs only what is touched. */
void *
sbrk(ptrdiff_t more)
{
    enum { REGION = 1 << 30 };
    static char *start, *end;
    if (!start)
        start = end = (char *)CALL(MMAP, 0, REGION, PROT_READ | PROT_WRITE);
    if (start + REGION - end < more) {
        errno = ENOMEM;
        return (void *)-1;
    }
    end += more;
    return end - more;
}

void
_exit(int status)
{
    CALL(EXIT_GROUP, status, 0, 0);
    __builtin_unreachable();
}

struct _reent *
__getreent(void)
{
    return _GLOBAL_REENT;
}

void
_init(void)
{
}

void
_fini(void)
{
}

/* Locks: there is one thread. */
struct __lock {
    char nothing;
};

struct __lock __lock___sinit_recursive_mutex, __lock___sfp_recursive_mutex,
    __lock___atexit_recursive_mutex, __lock___at_quick_exit_mutex,
    __lock___malloc_recursive_mutex, __lock___env_recursive_mutex,
    __lock___tz_mutex, __lock___dd_hash_mutex, __lock___arc4random_mutex;

#define NO_LOCK(name, type)                                                    \
    void name(type lock)                                                       \
    {                                                                          \
        (void)lock;                                                            \
    }
NO_LOCK(__retarget_lock_init, _LOCK_T *)
NO_LOCK(__retarget_lock_init_recursive, _LOCK_T *)
NO_LOCK(__retarget_lock_close, _LOCK_T)
NO_LOCK(__retarget_lock_close_recursive, _LOCK_T)
NO_LOCK(__retarget_lock_acquire, _LOCK_T)
NO_LOCK(__retarget_lock_acquire_recursive, _LOCK_T)
NO_LOCK(__retarget_lock_release, _LOCK_T)
NO_LOCK(__retarget_lock_release_recursive, _LOCK_T)

/* Thread-local variables end where FS points, and the word there points to
   itself [ELF64 TLS, variant 2]. The first page of the image is its headers. */
struct segment {
    unsigned type, flags;
    unsigned long offset, address, physical, in_file, in_memory, align;
};

extern const char __executable_start[];

static void
set_up_tls(void)
{
    const struct segment *s =
        (const void *)(__executable_start +
                       *(const unsigned long *)(__executable_start + 32));
    int count = *(const unsigned short *)(__executable_start + 56);
    enum { PT_TLS = 7, ROOM = 4096, ARCH_SET_FS = 0x1002 };
    static _Alignas(64) char block[ROOM + 64];
    for (; count--; s++)
        if (s->type == PT_TLS) {
            size_t size = (s->in_memory + s->align - 1) & -s->align;
            memcpy(block + ROOM - size, (void *)s->address, s->in_file);
        }
    *(void **)(block + ROOM) = block + ROOM;
    CALL(ARCH_PRCTL, ARCH_SET_FS, block + ROOM, 0);
}

void __libc_init_array(void);
void __libc_fini_array(void);
int main(int argc, char **argv, char **envp);

__attribute__((used)) static void
start(long *stack)
{
    char **argv = (char **)(stack + 1);
    set_up_tls();
    environ = argv + stack[0] + 1;
    __libc_init_array();
    exit(main((int)stack[0], argv, environ));
}

__asm__(".globl _start\n"
        "_start: xor %ebp, %ebp\n"
        "  mov %rsp, %rdi\n"
        "  and $-16, %rsp\n"
        "  call start\n");
