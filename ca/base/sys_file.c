#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/sys.h"

/* Temporary names tried before giving up. */
#define TMP_TRIES 16

static enum jit_err
io_error(const char *path, struct jit_why *why)
{
	enum jit_err e = errno == ENOSPC || errno == EDQUOT ?
	    JIT_E_FULL : JIT_E_IO;

	return jit_fail(why, e, "%s: %s", path, strerror(errno));
}

static bool
is_owner(const struct sys_rule *rule, uid_t uid)
{
	for (size_t i = 0; i < rule->nuids; i++)
		if (rule->uids[i] == uid)
			return true;
	return false;
}

static enum jit_err
check_file(const char *path, const struct stat *st,
    const struct sys_rule *rule, struct jit_why *why)
{
	if (!S_ISREG(st->st_mode))
		return jit_fail(why, JIT_E_FORMAT, "%s: not a regular file",
		    path);
	if (st->st_nlink != 1)
		return jit_fail(why, JIT_E_FORMAT, "%s: has %lu names, "
		    "accepted is one", path, (unsigned long)st->st_nlink);
	if (!is_owner(rule, st->st_uid))
		return jit_fail(why, JIT_E_OWNER, "%s: belongs to user %lu",
		    path, (unsigned long)st->st_uid);
	if ((st->st_mode & rule->forbid) != 0)
		return jit_fail(why, JIT_E_MODE, "%s: mode is %04o, accepted "
		    "is at most %04o", path, (unsigned)(st->st_mode & 07777),
		    (unsigned)(0777 & ~rule->forbid));
	if ((uintmax_t)st->st_size > rule->max)
		return jit_fail(why, JIT_E_SIZE, "%s: %lld bytes, accepted are "
		    "at most %zu", path, (long long)st->st_size, rule->max);
	return JIT_OK;
}

enum jit_err
sys_open_at(int dir, const char *path, const struct sys_rule *rule, int *ret,
    struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	struct stat st;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return jit_fail(why, JIT_E_UNKNOWN, "%s: there is no such "
		    "file", path);
	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		return jit_fail(why, JIT_E_FORMAT, "%s: a symbolic link or a "
		    "socket, not a regular file", path);
	if (fd < 0 || fstat(fd, &st) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", path,
		    strerror(errno));
	JIT_TRY(check_file(path, &st, rule, why));
	JIT_TRY(sys_set_nonblock(fd, false, why));
	*ret = fd;
	fd = -1;
	return JIT_OK;
}

enum jit_err
sys_open(const char *path, const struct sys_rule *rule, int *ret,
    struct jit_why *why)
{
	return sys_open_at(AT_FDCWD, path, rule, ret, why);
}

enum jit_err
sys_read_fd(int fd, size_t max, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(max);
	/* Wiped by the scope: what is read may be secret. */
	JIT_DONE(secret_done) struct secret chunk = { NULL, 0, 0 };
	enum jit_err e;

	JIT_TRY(secret_new(&chunk, 16384));
	for (;;) {
		ssize_t n = read(fd, chunk.p, chunk.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return jit_fail(why, JIT_E_IO, "reading: %s",
			    strerror(errno));
		if (n == 0)
			break;
		wr_raw(&w, chunk.p, (size_t)n);
		if (w.err != JIT_OK)
			break;
	}
	if ((e = wr_take(&w, ret)) == JIT_E_SIZE)
		return jit_fail(why, e, "more than %zu bytes", max);
	return e;
}

enum jit_err
sys_read_file_at(int dir, const char *name, const struct sys_rule *rule,
    struct buf *ret, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	enum jit_err e;

	JIT_TRY(sys_open_at(dir, name, rule, &fd, why));
	if ((e = sys_read_fd(fd, rule->max, ret, why)) != JIT_OK)
		return jit_at(why, e, "%s", name);
	return JIT_OK;
}

enum jit_err
sys_read_file(const char *path, const struct sys_rule *rule, struct buf *ret,
    struct jit_why *why)
{
	return sys_read_file_at(AT_FDCWD, path, rule, ret, why);
}

enum jit_err
sys_write_fd(int fd, struct span s, struct jit_why *why)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error("writing", why);
		s = SPAN(s.p + n, s.n - (size_t)n);
	}
	return JIT_OK;
}

static int
sync_fd(int fd)
{
#ifdef F_FULLFSYNC
	/* On macOS fsync() leaves the bytes in the disk's own cache. */
	if (fcntl(fd, F_FULLFSYNC) == 0)
		return 0;
#endif
	return fsync(fd);
}

/* A name beside path that nobody has; its file, empty. */
static enum jit_err
open_tmp(const char *path, char *tmp, size_t size, int *ret,
    struct jit_why *why)
{
	for (int i = 0; i < TMP_TRIES; i++) {
		if ((size_t)snprintf(tmp, size, "%s.%ld-%d.tmp", path,
		    (long)getpid(), i) >= size)
			return jit_fail(why, JIT_E_ARG, "%s: the path is too "
			    "long", path);
		*ret = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
		    O_CLOEXEC, 0600);
		if (*ret >= 0)
			return JIT_OK;
		if (errno != EEXIST)
			break;
	}
	return io_error(tmp, why);
}

static enum jit_err
fill_tmp(int fd, const char *tmp, struct span s, mode_t mode,
    struct jit_why *why)
{
	enum jit_err e = sys_write_fd(fd, s, why);

	if (e != JIT_OK)
		return jit_at(why, e, "%s", tmp);
	/* Exactly mode, whatever the umask is. */
	if (fchmod(fd, mode) != 0 || sync_fd(fd) != 0)
		return io_error(tmp, why);
	return JIT_OK;
}

static enum jit_err
put_in_place(const char *tmp, const char *path, enum sys_write how,
    struct jit_why *why)
{
	if (how == SYS_REPLACE)
		return rename(tmp, path) == 0 ? JIT_OK : io_error(path, why);
	/* link() does not replace. */
	if (link(tmp, path) != 0)
		return errno == EEXIST ? jit_fail(why, JIT_E_EXISTS,
		    "%s: exists already", path) : io_error(path, why);
	return unlink(tmp) == 0 ? JIT_OK : io_error(tmp, why);
}

static enum jit_err
sync_dir_of(const char *path, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) + 1 : 0;

	if (n >= sizeof(dir))
		return jit_fail(why, JIT_E_ARG, "%s: the path is too long",
		    path);
	memcpy(dir, path, n);
	dir[n] = '\0';
	fd = open(n > 0 ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return io_error(n > 0 ? dir : ".", why);
	return JIT_OK;
}

enum jit_err
sys_write_file(const char *path, struct span s, mode_t mode,
    enum sys_write how, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	char tmp[PATH_MAX];
	enum jit_err e;

	JIT_TRY(open_tmp(path, tmp, sizeof(tmp), &fd, why));
	e = fill_tmp(fd, tmp, s, mode, why);
	if (e == JIT_OK)
		e = put_in_place(tmp, path, how, why);
	if (e != JIT_OK) {
		(void)unlink(tmp);
		return e;
	}
	return sync_dir_of(path, why);
}

#define LOCK_STEP_MS 20

enum jit_err
sys_lock(const char *path, int timeout_ms, int *ret, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	int64_t end = sys_mono_ms() + timeout_ms;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", path,
		    strerror(errno));
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return jit_fail(why, JIT_E_IO, "%s: %s", path,
			    strerror(errno));
		if (sys_mono_ms() >= end)
			return jit_fail(why, JIT_E_BUSY, "%s: held by another "
			    "process", path);
		(void)poll(NULL, 0, LOCK_STEP_MS);
	}
	*ret = fd;
	fd = -1;
	return JIT_OK;
}
