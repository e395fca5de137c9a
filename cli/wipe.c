/* wipe - a folder with secrets in it goes for good. */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/wipe.h"

static enum jit_err
io_error(const char *path, struct jit_why *why)
{
	return jit_fail(why, errno == ENOSPC ? JIT_E_FULL : JIT_E_IO,
	    "%s: %s", path, strerror(errno));
}

/* Zeros over all of it, on the disk before it is unlinked. */
static enum jit_err
overwrite(const char *path, const struct stat *st, struct jit_why *why)
{
	static const uint8_t zero[4096];
	JIT_DONE(sys_close) int fd = open(path, O_WRONLY | O_NOFOLLOW |
	    O_CLOEXEC | O_NONBLOCK);
	off_t left = st->st_size;
	enum jit_err e;

	if (fd < 0)
		return io_error(path, why);
	while (left > 0) {
		size_t n = left < (off_t)sizeof(zero) ? (size_t)left :
		    sizeof(zero);

		if ((e = sys_write_fd(fd, SPAN(zero, n), why)) != JIT_OK)
			return jit_at(why, e, "%s", path);
		left -= (off_t)n;
	}
	return fsync(fd) == 0 ? JIT_OK : io_error(path, why);
}

enum jit_err
wipe_file(const char *path, struct jit_why *why)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? JIT_OK : io_error(path, why);
	if (S_ISDIR(st.st_mode))
		return jit_fail(why, JIT_E_FORMAT, "%s: a directory; nothing "
		    "of ours", path);
	if (S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	    st.st_uid == geteuid())
		JIT_TRY(overwrite(path, &st, why));
	return unlink(path) == 0 || errno == ENOENT ? JIT_OK :
	    io_error(path, why);
}

/*
 * Whatever is in it, also what a crash left of a file half written.  Again
 * from the start until nothing is found: readdir() may pass over names when
 * others go meanwhile.
 */
static enum jit_err
wipe_files(const char *dir, DIR *d, struct jit_why *why)
{
	char path[4096];
	struct dirent *t;
	size_t found;

	do {
		found = 0;
		rewinddir(d);
		while ((t = readdir(d)) != NULL) {
			int n;

			if (strcmp(t->d_name, ".") == 0 ||
			    strcmp(t->d_name, "..") == 0)
				continue;
			found++;
			n = snprintf(path, sizeof(path), "%s/%s", dir,
			    t->d_name);
			if (n < 0 || (size_t)n >= sizeof(path))
				return jit_fail(why, JIT_E_ARG, "%.200s...: "
				    "the path is too long", dir);
			JIT_TRY(wipe_file(path, why));
		}
	} while (found > 0);
	return JIT_OK;
}

enum jit_err
wipe_dir(const char *dir, struct jit_why *why)
{
	enum jit_err e;
	DIR *d;

	if ((d = opendir(dir)) == NULL)
		return errno == ENOENT ? jit_fail(why, JIT_E_UNKNOWN, "%s: "
		    "there is no such folder", dir) : io_error(dir, why);
	e = wipe_files(dir, d, why);
	(void)closedir(d);
	JIT_TRY(e);
	return rmdir(dir) == 0 ? JIT_OK : io_error(dir, why);
}
