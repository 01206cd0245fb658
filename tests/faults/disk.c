/* A disk that fails, and that remembers, and a wall clock that jumps: LD_PRELOAD, around the calls of the C library.
 *
 * Seen: open, write, pwrite, writev, truncate, fallocate, fsync, fdatasync, rename, link, unlink, mkdir and rmdir below one
 * folder, of Python and of every library that calls them by name, as FFmpeg does. Not seen: what stdio flushes by
 * itself (fwrite), system calls without the C library, mapped memory, sendfile and copy_file_range.
 * Nothing is done until faults_arm is called, and nothing in the programs that this one starts.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ONCE, ON };                     /* the one call, or all from it on */
enum { ANY, GROWING, BODIES }; /* which calls fail: each; those that need room; those on the data of files */

static int armed, error_number, how, which, log_file = -1;
static long first, calls;
static int failed;
static char root[PATH_MAX];
static size_t root_length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double jump_s, jump_at;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static double now(void)
{
    struct timespec t;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* The nth call (from 1) below folder fails, 0: none; every call is written to the file log. */
void faults_arm(const char *folder, const char *log, long nth, int error, int once_or_on, int of_which)
{
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    first = nth, error_number = error, how = once_or_on, which = of_which;
    if (*log) log_file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    armed = 1;
}

/* The wall clock is wrong by so much, so many seconds from now on. */
void faults_clock(double by, double after) { jump_at = now() + after, jump_s = by; }

static int below(const char *path)
{
    return armed && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

static int path_of(int file, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = 0;
    return n >= 0;
}

static int whole(int folder, const char *path, char *out)
{
    char start[PATH_MAX];
    if (path[0] == '/') start[0] = 0;
    else if (folder == AT_FDCWD) { if (!getcwd(start, sizeof start)) return 0; }
    else if (!path_of(folder, start)) return 0;
    return snprintf(out, PATH_MAX, "%s%s%s", start, *start && *path ? "/" : "", path) < PATH_MAX && below(out);
}

struct head { uint32_t kind, path, other, data; int64_t at; uint64_t file; double t; };

static void note(char kind, const char *path, const char *other, uint64_t file, int64_t at, const void *data, size_t n)
{
    if (log_file < 0) return;
    struct head head = {kind, strlen(path), strlen(other), n, at, file, now()};
    struct iovec parts[] = {
        {&head, sizeof head}, {(void *)path, head.path}, {(void *)other, head.other}, {(void *)data, n}};
    syscall(SYS_writev, log_file, parts, 4);
}

/* Under the lock. Does this call fail? room: it needs some; body: data of a file. */
static int fails(int room, int body)
{
    if ((which == GROWING && !room) || (which == BODIES && !body)) return 0;
    calls++;
    if (!first || (how == ONCE ? calls != first : calls < first)) return 0;
    failed++;
    errno = error_number;
    return 1;
}

static uint64_t number_of(int file, off_t *size)
{
    struct stat is;
    if (fstat(file, &is)) return 0;
    if (size) *size = is.st_size;
    return is.st_ino;
}

static int opened(int folder, const char *path, int flags, mode_t mode)
{
    char name[PATH_MAX];
    int making = flags & (O_CREAT | O_TRUNC) || (flags & O_TMPFILE) == O_TMPFILE, file;
    if (!armed || !whole(folder, path, name) || (!making && (flags & O_ACCMODE) == O_RDONLY))
        return syscall(SYS_openat, folder, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat before;
    int there = !stat(name, &before);
    if (fails(0, 0)) file = -1;
    else if ((file = syscall(SYS_openat, folder, path, flags, mode)) >= 0) {
        uint64_t number = number_of(file, NULL);
        if ((flags & O_TMPFILE) == O_TMPFILE) note('n', "", "", number, 0, "", 0);
        else if (!there) note('o', name, "", number, 0, "", 0);
        else if (flags & O_TRUNC) note('t', "", "", number, 0, "", 0);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return file;
}

#define OPEN(name, folder, ...)                                                                                     \
    int name(__VA_ARGS__, int flags, ...)                                                                              \
    {                                                                                                                  \
        mode_t mode = 0;                                                                                               \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) mode = va_arg(more, mode_t);                          \
        va_end(more);                                                                                                  \
        return opened(folder, path, flags, mode);                                                                      \
    }
OPEN(open, AT_FDCWD, const char *path)
OPEN(open64, AT_FDCWD, const char *path)
OPEN(openat, folder, int folder, const char *path)
OPEN(openat64, folder, int folder, const char *path)

/* at: where, -1: at the file's place */
static ssize_t written(int file, const void *data, size_t n, off_t at)
{
    char name[PATH_MAX];
    ssize_t done;
    if (!armed || !path_of(file, name) || !below(name))
        return at < 0 ? syscall(SYS_write, file, data, n) : syscall(SYS_pwrite64, file, data, n, at);
    pthread_mutex_lock(&lock);
    off_t size = 0, place = at;
    uint64_t number = number_of(file, &size);
    if (at < 0) place = fcntl(file, F_GETFL) & O_APPEND ? size : lseek(file, 0, SEEK_CUR);
    int before = failed;
    if (fails(place + (off_t)n > size, 1)) {
        if (how == ON && error_number == ENOSPC && !before && n > 1) n /= 2; /* a disk fills up within a write */
        else n = 0;
    }
    if (failed > before && !n) done = -1;
    else {
        done = at < 0 ? syscall(SYS_write, file, data, n) : syscall(SYS_pwrite64, file, data, n, at);
        if (done > 0) note('w', "", "", number, place, data, done);
    }
    int error = failed > before && !n ? error_number : errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t write(int file, const void *data, size_t n) { return written(file, data, n, -1); }
ssize_t pwrite(int file, const void *data, size_t n, off_t at) { return written(file, data, n, at); }
ssize_t pwrite64(int file, const void *data, size_t n, off64_t at) { return written(file, data, n, at); }
ssize_t writev(int file, const struct iovec *parts, int n)
{
    char name[PATH_MAX];
    if (!armed || !path_of(file, name) || !below(name)) return syscall(SYS_writev, file, parts, n);
    ssize_t all = 0;
    for (int i = 0; i < n; i++) {
        ssize_t done = written(file, parts[i].iov_base, parts[i].iov_len, -1);
        if (done < 0) return all ? all : -1;
        all += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return all;
}

/* A call on an open file below the folder: DO, which returns 0, unless it fails. */
#define ON_FILE(name, words, file, kind, room, body, at, DO)                                                           \
    int name words                                                                                                     \
    {                                                                                                                  \
        char path[PATH_MAX];                                                                                           \
        if (!armed || !path_of(file, path) || !below(path)) return DO;                                                 \
        pthread_mutex_lock(&lock);                                                                                     \
        int bad = fails(room, body), is = bad ? -1 : DO;                                                               \
        struct stat it;                                                                                                \
        if (!is && !fstat(file, &it)) note(S_ISDIR(it.st_mode) ? 'S' : kind, path, "", it.st_ino, at, "", 0);          \
        int error = errno;                                                                                             \
        pthread_mutex_unlock(&lock);                                                                                   \
        errno = error;                                                                                                 \
        return is;                                                                                                     \
    }
ON_FILE(fsync, (int file), file, 's', 0, 1, 0, syscall(SYS_fsync, file))
ON_FILE(fdatasync, (int file), file, 's', 0, 1, 0, syscall(SYS_fdatasync, file))
ON_FILE(ftruncate, (int file, off_t to), file, 't', 0, 0, to, syscall(SYS_ftruncate, file, to))
ON_FILE(ftruncate64, (int file, off64_t to), file, 't', 0, 0, to, syscall(SYS_ftruncate, file, to))

/* this one returns its error */
#define FALLOCATE(name, off)                                                                                           \
    int name(int file, off at, off n)                                                                                  \
    {                                                                                                                  \
        char path[PATH_MAX];                                                                                           \
        if (!armed || !path_of(file, path) || !below(path)) return REAL(name)(file, at, n);                            \
        pthread_mutex_lock(&lock);                                                                                     \
        int bad = fails(1, 1) ? error_number : REAL(name)(file, at, n);                                                \
        if (!bad) note('a', "", "", number_of(file, NULL), at + n, "", 0);                                             \
        pthread_mutex_unlock(&lock);                                                                                   \
        return bad;                                                                                                    \
    }
FALLOCATE(posix_fallocate, off_t)
FALLOCATE(posix_fallocate64, off64_t)

/* A call on names: DO, which returns 0, unless it fails. */
#define ON_NAME(name, words, kind, folder, path, folder2, path2, room, DO)                                             \
    int name words                                                                                                     \
    {                                                                                                                  \
        char a[PATH_MAX] = "", b[PATH_MAX] = "";                                                                       \
        const char *other = path2;                                                                                     \
        int here = whole(folder, path, a), there = other ? whole(folder2, other, b) : 0;                               \
        if (!armed || (!here && !there)) return DO;                                                                    \
        pthread_mutex_lock(&lock);                                                                                     \
        int bad = fails(room, 0), is = bad ? -1 : DO;                                                                  \
        struct stat it;                                                                                                \
        if (!is) note(kind, a, b, !lstat(other ? b : a, &it) ? it.st_ino : 0, 0, "", 0);                               \
        int error = errno;                                                                                             \
        pthread_mutex_unlock(&lock);                                                                                   \
        errno = error;                                                                                                 \
        return is;                                                                                                     \
    }
ON_NAME(rename, (const char *p, const char *q), 'r', AT_FDCWD, p, AT_FDCWD, q, 0,
        syscall(SYS_renameat2, AT_FDCWD, p, AT_FDCWD, q, 0))
ON_NAME(renameat, (int f, const char *p, int g, const char *q), 'r', f, p, g, q, 0,
        syscall(SYS_renameat2, f, p, g, q, 0))
ON_NAME(link, (const char *p, const char *q), 'l', AT_FDCWD, p, AT_FDCWD, q, 0,
        syscall(SYS_linkat, AT_FDCWD, p, AT_FDCWD, q, 0))
ON_NAME(linkat, (int f, const char *p, int g, const char *q, int how), 'l', f, p, g, q, 0,
        syscall(SYS_linkat, f, p, g, q, how))
ON_NAME(unlink, (const char *p), 'u', AT_FDCWD, p, 0, NULL, 0, syscall(SYS_unlinkat, AT_FDCWD, p, 0))
ON_NAME(unlinkat, (int f, const char *p, int how), how & AT_REMOVEDIR ? 'd' : 'u', f, p, 0, NULL, 0,
        syscall(SYS_unlinkat, f, p, how))
ON_NAME(rmdir, (const char *p), 'd', AT_FDCWD, p, 0, NULL, 0, syscall(SYS_unlinkat, AT_FDCWD, p, AT_REMOVEDIR))
ON_NAME(mkdir, (const char *p, mode_t mode), 'm', AT_FDCWD, p, 0, NULL, 1, syscall(SYS_mkdirat, AT_FDCWD, p, mode))
ON_NAME(mkdirat, (int f, const char *p, mode_t mode), 'm', f, p, 0, NULL, 1, syscall(SYS_mkdirat, f, p, mode))

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int is = syscall(SYS_clock_gettime, clock, t);
    if (!is && clock == CLOCK_REALTIME && jump_s != 0 && now() >= jump_at) t->tv_sec += (time_t)jump_s;
    return is;
}

time_t time(time_t *out)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (out) *out = t.tv_sec;
    return t.tv_sec;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec is;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &is);
    t->tv_sec = is.tv_sec, t->tv_usec = is.tv_nsec / 1000;
    return 0;
}
