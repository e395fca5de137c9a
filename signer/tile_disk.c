#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/tile_disk.h"

struct tile_id {
	unsigned level;
	uint64_t n;
};

struct pending {
	struct tile_id id;
	uint8_t bytes[TILE_BYTES];
};

struct tile_disk {
	int dir;
	size_t n;		/* pending, oldest first */
	struct pending pending[TILE_PENDING];
	/* Written, not known to be durable. */
	struct tile_id *dirty;
	size_t n_dirty, cap_dirty;
};

enum jit_err
tile_disk_new(int dir, struct tile_disk **ret)
{
	struct tile_disk *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return JIT_E_NOMEM;
	d->dir = dir;
	*ret = d;
	return JIT_OK;
}

void
tile_disk_free(struct tile_disk *d)
{
	if (d == NULL)
		return;
	free(d->dirty);
	free(d);
}

static enum jit_err
of_errno(void)
{
	return errno == ENOSPC || errno == EDQUOT ? JIT_E_FULL :
	    errno == ENOENT ? JIT_E_UNKNOWN : JIT_E_IO;
}

/* ---- writing ---- */

/* Make the directories of a path that does not begin with a slash. */
static enum jit_err
make_parents(int dir, const char *path)
{
	char part[TILE_PATH];

	for (size_t i = 0; path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdirat(dir, part, 0700) != 0 && errno != EEXIST)
			return of_errno();
	}
	return JIT_OK;
}

static enum jit_err
write_file(int dir, const char *path, const uint8_t *bytes)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW;
	JIT_DONE(sys_close) int fd = openat(dir, path, flags, 0600);
	ssize_t put;

	if (fd < 0 && errno == ENOENT) {
		JIT_TRY(make_parents(dir, path));
		fd = openat(dir, path, flags, 0600);
	}
	if (fd < 0)
		return of_errno();
	do
		put = pwrite(fd, bytes, TILE_BYTES, 0);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return of_errno();
	/* A short one is not there; it is written again. */
	return put == TILE_BYTES ? JIT_OK : JIT_E_IO;
}

enum jit_err
tile_disk_room(struct tile_disk *d, uint64_t size, struct jit_why *why)
{
	/* One directory holds a thousand tiles. */
	for (unsigned level = 0; level < TILE_LEVELS - 1; level++) {
		uint64_t n = size >> (8 * (level + 1));
		uint64_t end = (size + TILE_AHEAD) >> (8 * (level + 1));

		for (n -= n % 1000; n <= end; n += 1000) {
			char path[TILE_PATH];
			enum jit_err e;

			tile_path(level, n, 0, path);
			if ((e = make_parents(d->dir, path)) != JIT_OK)
				return jit_fail(why, e, "cannot make the "
				    "directory of %s", path);
		}
	}
	return JIT_OK;
}

static enum jit_err
mark_dirty(struct tile_disk *d, const struct tile_id *id)
{
	if (d->n_dirty == d->cap_dirty) {
		size_t cap = d->cap_dirty > 0 ? 2 * d->cap_dirty : 64;
		void *v = realloc(d->dirty, cap * sizeof(*d->dirty));

		if (v == NULL)
			return JIT_E_NOMEM;
		d->dirty = v;
		d->cap_dirty = cap;
	}
	d->dirty[d->n_dirty++] = *id;
	return JIT_OK;
}

static void
drop_oldest(struct tile_disk *d, size_t n)
{
	d->n -= n;
	memmove(d->pending, d->pending + n, d->n * sizeof(d->pending[0]));
}

enum jit_err
tile_disk_flush(struct tile_disk *d, struct jit_why *why)
{
	enum jit_err e = JIT_OK;
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct pending *p = &d->pending[i];
		char path[TILE_PATH];

		tile_path(p->id.level, p->id.n, 0, path);
		if ((e = write_file(d->dir, path, p->bytes)) == JIT_OK)
			e = mark_dirty(d, &p->id);
		if (e != JIT_OK) {
			e = jit_fail(why, e, "cannot write %s", path);
			break;
		}
	}
	if (i > 0)
		drop_oldest(d, i);
	return e;
}

static enum jit_err
sync_path(int dir, const char *path, int flags)
{
	JIT_DONE(sys_close) int fd = openat(dir, path, flags | O_CLOEXEC |
	    O_NOFOLLOW | O_RDONLY);

	if (fd < 0 || fsync(fd) != 0)
		return of_errno();
	return JIT_OK;
}

/* The file, and every directory above it: one of them may be new. */
static enum jit_err
sync_tile(int dir, char path[static TILE_PATH])
{
	char *slash;

	JIT_TRY(sync_path(dir, path, 0));
	while ((slash = strrchr(path, '/')) != NULL) {
		*slash = '\0';
		JIT_TRY(sync_path(dir, path, O_DIRECTORY));
	}
	return sync_path(dir, ".", O_DIRECTORY);
}

enum jit_err
tile_disk_sync(struct tile_disk *d, struct jit_why *why)
{
	JIT_TRY(tile_disk_flush(d, why));
	while (d->n_dirty > 0) {
		const struct tile_id *id = &d->dirty[d->n_dirty - 1];
		char path[TILE_PATH];
		enum jit_err e;

		tile_path(id->level, id->n, 0, path);
		if ((e = sync_tile(d->dir, path)) != JIT_OK)
			return jit_fail(why, e, "cannot sync tile %u/%llu",
			    id->level, (unsigned long long)id->n);
		d->n_dirty--;
	}
	return JIT_OK;
}

/* ---- the store ---- */

static enum jit_err
store_put(void *ctx, unsigned level, uint64_t n, const uint8_t *bytes)
{
	struct tile_disk *d = ctx;
	struct pending *p;

	if (d->n == TILE_PENDING) {
		(void)tile_disk_flush(d, NULL);
		/* No room on the disk: it can be made again at a start. */
		if (d->n == TILE_PENDING)
			drop_oldest(d, 1);
	}
	p = &d->pending[d->n++];
	p->id = (struct tile_id){ level, n };
	memcpy(p->bytes, bytes, TILE_BYTES);
	return JIT_OK;
}

static enum jit_err
read_file(int dir, const char *path, uint8_t *bytes)
{
	JIT_DONE(sys_close) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return of_errno();
	if (fstat(fd, &st) != 0)
		return JIT_E_IO;
	if (!S_ISREG(st.st_mode) || st.st_size != TILE_BYTES)
		return JIT_E_UNKNOWN;
	for (size_t have = 0; have < TILE_BYTES;) {
		ssize_t got = pread(fd, bytes + have, TILE_BYTES - have,
		    (off_t)have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? JIT_E_UNKNOWN : JIT_E_IO;
		have += (size_t)got;
	}
	return JIT_OK;
}

static enum jit_err
store_get(void *ctx, unsigned level, uint64_t n, uint8_t *bytes)
{
	const struct tile_disk *d = ctx;
	char path[TILE_PATH];

	/* The newest first: a tile may have been put twice. */
	for (size_t i = d->n; i-- > 0;) {
		const struct pending *p = &d->pending[i];

		if (p->id.level == level && p->id.n == n) {
			memcpy(bytes, p->bytes, TILE_BYTES);
			return JIT_OK;
		}
	}
	tile_path(level, n, 0, path);
	return read_file(d->dir, path, bytes);
}

/* Gone, it is found missing at the next start, and made again. */
static void
store_drop(void *ctx, unsigned level, uint64_t n)
{
	const struct tile_disk *d = ctx;
	char path[TILE_PATH];

	tile_path(level, n, 0, path);
	(void)unlinkat(d->dir, path, 0);
}

struct tile_store
tile_disk_store(struct tile_disk *d)
{
	return (struct tile_store){ store_put, store_get, d, store_drop };
}

/* ---- are they there? ---- */

static enum jit_err
check_tile(struct tile_disk *d, unsigned level, uint64_t n,
    struct jit_why *why)
{
	char path[TILE_PATH];
	struct stat st;

	tile_path(level, n, 0, path);
	if (fstatat(d->dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return jit_fail(why, of_errno(), "%s is missing", path);
	return S_ISREG(st.st_mode) && st.st_size == TILE_BYTES ? JIT_OK :
	    jit_fail(why, JIT_E_UNKNOWN, "%s is no tile", path);
}

enum jit_err
tile_disk_check(struct tile_disk *d, const struct tiles *t,
    struct jit_why *why)
{
	if (d->n > 0)
		return jit_fail(why, JIT_E_ARG, "tiles are not written yet");
	for (unsigned level = 0; level < TILE_LEVELS - 1; level++) {
		uint64_t n = tiles_size(t) >> (8 * (level + 1));

		for (uint64_t i = 0; i < n; i++)
			JIT_TRY(check_tile(d, level, i, why));
	}
	return JIT_OK;
}
