#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signer/journal.h"

static enum jit_err
of_errno(void)
{
	switch (errno) {
	case ENOSPC:
	case EDQUOT:
		return JIT_E_FULL;
	case ENOENT:
		return JIT_E_UNKNOWN;
	case EWOULDBLOCK:
		return JIT_E_LOCKED;
	default:
		return JIT_E_IO;
	}
}

/*
 * A segment holds what people wrote: a plain file with one name, of the
 * directory's owner, which nobody else can read (case 101).
 */
static enum jit_err
check_file(const struct journal_disk *d, int fd)
{
	struct stat st, dir;

	if (fstat(fd, &st) != 0 || fstat(d->dirfd, &dir) != 0)
		return JIT_E_IO;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_uid != dir.st_uid)
		return JIT_E_OWNER;
	return st.st_mode & 077 ? JIT_E_MODE : JIT_OK;
}

static enum jit_err
disk_create(const struct journal_disk *d, const char *name, int *fd)
{
	/* Never into a file that somebody has laid there. */
	if (unlinkat(d->dirfd, name, 0) != 0 && errno != ENOENT)
		return of_errno();
	*fd = openat(d->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	return *fd >= 0 ? JIT_OK : of_errno();
}

static enum jit_err
disk_open(void *ctx, const char *name, bool create, int *fd)
{
	const struct journal_disk *d = ctx;
	const int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	enum jit_err e;

	if (create)
		return disk_create(d, name, fd);
	*fd = openat(d->dirfd, name, O_RDWR | flags);
	/* Good enough to read; a write will say so. */
	if (*fd < 0 && (errno == EACCES || errno == EROFS))
		*fd = openat(d->dirfd, name, O_RDONLY | flags);
	if (*fd < 0)
		return of_errno();
	if ((e = check_file(d, *fd)) != JIT_OK) {
		(void)close(*fd);
		*fd = -1;
	}
	return e;
}

static void
disk_close(void *ctx, int fd)
{
	(void)ctx;
	(void)close(fd);
}

static enum jit_err
disk_size(void *ctx, int fd, uint64_t *ret)
{
	struct stat st;

	(void)ctx;
	if (fstat(fd, &st) != 0)
		return of_errno();
	*ret = (uint64_t)st.st_size;
	return JIT_OK;
}

static enum jit_err
disk_reserve(void *ctx, int fd, uint64_t size)
{
	(void)ctx;
	errno = posix_fallocate(fd, 0, (off_t)size);
	return errno == 0 ? JIT_OK : of_errno();
}

static enum jit_err
disk_read(void *ctx, int fd, uint64_t off, void *p, size_t n)
{
	(void)ctx;
	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return JIT_E_IO;
		p = (char *)p + got;
		n -= (size_t)got;
		off += (uint64_t)got;
	}
	return JIT_OK;
}

static enum jit_err
disk_write(void *ctx, int fd, uint64_t off, const void *p, size_t n)
{
	ssize_t put;

	(void)ctx;
	do
		put = pwrite(fd, p, n, (off_t)off);
	while (put < 0 && errno == EINTR);
	/* A short write is never continued: the disk is not to be trusted. */
	if (put < 0)
		return of_errno();
	return (size_t)put == n ? JIT_OK : JIT_E_IO;
}

static enum jit_err
disk_sync(void *ctx, int fd)
{
	(void)ctx;
	return fdatasync(fd) == 0 ? JIT_OK : JIT_E_IO;
}

static enum jit_err
disk_sync_all(void *ctx, int fd)
{
	(void)ctx;
	return fsync(fd) == 0 ? JIT_OK : JIT_E_IO;
}

static enum jit_err
disk_sync_dir(void *ctx)
{
	struct journal_disk *d = ctx;

	return fsync(d->dirfd) == 0 ? JIT_OK : JIT_E_IO;
}

static enum jit_err
disk_rename(void *ctx, const char *from, const char *to)
{
	struct journal_disk *d = ctx;

	return renameat(d->dirfd, from, d->dirfd, to) == 0 ?
	    JIT_OK : of_errno();
}

static enum jit_err
disk_remove(void *ctx, const char *name)
{
	struct journal_disk *d = ctx;

	return unlinkat(d->dirfd, name, 0) == 0 ? JIT_OK : of_errno();
}

static enum jit_err
disk_list(void *ctx, enum jit_err (*fn)(void *arg, const char *name),
    void *arg)
{
	struct journal_disk *d = ctx;
	/* A descriptor of its own: fdopendir takes it, and its position. */
	int fd = openat(d->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	enum jit_err e = JIT_OK;
	struct dirent *de;

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return JIT_E_IO;
	}
	while (e == JIT_OK && (errno = 0, de = readdir(dir)) != NULL)
		e = fn(arg, de->d_name);
	if (e == JIT_OK && errno != 0)
		e = JIT_E_IO;
	(void)closedir(dir);
	return e;
}

static enum jit_err
disk_lock(void *ctx)
{
	struct journal_disk *d = ctx;

	if (d->lockfd < 0)
		d->lockfd = openat(d->dirfd, "lock", O_RDWR | O_CREAT |
		    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->lockfd < 0)
		return of_errno();
	return flock(d->lockfd, LOCK_EX | LOCK_NB) == 0 ?
	    JIT_OK : of_errno();
}

struct journal_ops
journal_ops_posix(struct journal_disk *d)
{
	d->lockfd = -1;
	return (struct journal_ops){ d, disk_open, disk_close, disk_size,
	    disk_reserve, disk_read, disk_write, disk_sync, disk_sync_all,
	    disk_sync_dir, disk_rename, disk_remove, disk_list, disk_lock };
}
