#include <stdlib.h>
#include <string.h>

#include "tests/signer/simdisk.h"

#define FILES 32
#define SECTOR 512

struct inode {
	uint8_t *now, *safe;	/* written, durable; size bytes each */
	bool *dirty;		/* by sector: the next sync writes it */
	uint64_t size, safe_size;
};

struct name { char s[32]; int inode; };

struct simdisk {
	struct inode inode[256];
	int n_inode;
	struct name now[FILES], safe[FILES];
	int fd[64];		/* inode of each descriptor, -1: closed */
	uint64_t capacity;
	unsigned effects, fail_at;
	enum jit_err fail_with;
};

struct simdisk *
simdisk_new(uint64_t capacity)
{
	struct simdisk *d = calloc(1, sizeof(*d));

	if (d == NULL)
		abort();
	d->capacity = capacity;
	for (int i = 0; i < 64; i++)
		d->fd[i] = -1;
	return d;
}

void
simdisk_free(struct simdisk *d)
{
	for (int i = 0; i < d->n_inode; i++) {
		free(d->inode[i].now);
		free(d->inode[i].safe);
		free(d->inode[i].dirty);
	}
	free(d);
}

void
simdisk_fail(struct simdisk *d, unsigned n, enum jit_err e)
{
	d->fail_at = n ? d->effects + n : 0;
	d->fail_with = e;
}

unsigned
simdisk_effects(const struct simdisk *d)
{
	return d->effects;
}

void
simdisk_capacity(struct simdisk *d, uint64_t bytes)
{
	d->capacity = bytes;
}

static enum jit_err
effect(struct simdisk *d)
{
	return ++d->effects == d->fail_at ? d->fail_with : JIT_OK;
}

static struct name *
find(struct name *dir, const char *s)
{
	for (int i = 0; i < FILES; i++)
		if (dir[i].s[0] != '\0' && strcmp(dir[i].s, s) == 0)
			return &dir[i];
	return NULL;
}

uint8_t *
simdisk_file(struct simdisk *d, const char *s, uint64_t *size)
{
	struct name *n = find(d->now, s);

	if (n == NULL)
		return NULL;
	*size = d->inode[n->inode].size;
	return d->inode[n->inode].now;
}

static enum jit_err
sim_open(void *ctx, const char *s, bool create, int *fd)
{
	struct simdisk *d = ctx;
	struct name *n = find(d->now, s);

	if (create) {
		JIT_TRY(effect(d));
		for (int i = 0; n == NULL && i < FILES; i++)
			if (d->now[i].s[0] == '\0') {
				n = &d->now[i];
				(void)strcpy(n->s, s);
			}
		/* O_TRUNC: a fresh inode is what it comes to here. */
		if (n == NULL || d->n_inode == 256)
			abort();
		n->inode = d->n_inode++;
	}
	if (n == NULL)
		return JIT_E_UNKNOWN;
	for (int i = 0; i < 64; i++)
		if (d->fd[i] < 0) {
			d->fd[i] = n->inode;
			*fd = i;
			return JIT_OK;
		}
	abort();
}

static void
sim_close(void *ctx, int fd)
{
	((struct simdisk *)ctx)->fd[fd] = -1;
}

static enum jit_err
sim_size(void *ctx, int fd, uint64_t *ret)
{
	struct simdisk *d = ctx;

	*ret = d->inode[d->fd[fd]].size;
	return JIT_OK;
}

/* What all names hold; files without one cost nothing. */
static uint64_t
used(const struct simdisk *d)
{
	uint64_t n = 0;

	for (int i = 0; i < FILES; i++)
		if (d->now[i].s[0] != '\0')
			n += d->inode[d->now[i].inode].size;
	return n;
}

static void
grow(struct inode *f, uint64_t size)
{
	if (size <= f->size)
		return;
	f->now = realloc(f->now, size);
	f->safe = realloc(f->safe, size);
	f->dirty = realloc(f->dirty, size / SECTOR + 1);
	if (f->now == NULL || f->safe == NULL || f->dirty == NULL)
		abort();
	for (uint64_t i = f->size > 0 ? f->size / SECTOR + 1 : 0;
	    i <= size / SECTOR; i++)
		f->dirty[i] = false;
	memset(f->now + f->size, 0, size - f->size);
	memset(f->safe + f->size, 0, size - f->size);
	f->size = size;
}

static enum jit_err
sim_reserve(void *ctx, int fd, uint64_t size)
{
	struct simdisk *d = ctx;

	JIT_TRY(effect(d));
	if (size <= d->inode[d->fd[fd]].size)
		return JIT_OK;
	if (used(d) + size - d->inode[d->fd[fd]].size > d->capacity)
		return JIT_E_FULL;
	grow(&d->inode[d->fd[fd]], size);
	return JIT_OK;
}

static enum jit_err
sim_read(void *ctx, int fd, uint64_t off, void *p, size_t n)
{
	struct simdisk *d = ctx;
	struct inode *f = &d->inode[d->fd[fd]];

	if (off > f->size || n > f->size - off)
		return JIT_E_IO;
	memcpy(p, f->now + off, n);
	return JIT_OK;
}

static enum jit_err
sim_write(void *ctx, int fd, uint64_t off, const void *p, size_t n)
{
	struct simdisk *d = ctx;
	struct inode *f = &d->inode[d->fd[fd]];
	enum jit_err e = effect(d);

	/* A write that fails is a short one. */
	if (e != JIT_OK)
		n /= 2;
	grow(f, off + n);
	memcpy(f->now + off, p, n);
	for (uint64_t at = off; at < off + n; at++)
		f->dirty[at / SECTOR] = true;
	return e;
}

/* The sector at becomes durable. */
static void
keep(struct inode *f, uint64_t at)
{
	size_t len = f->size - at < SECTOR ? (size_t)(f->size - at) : SECTOR;

	memcpy(f->safe + at, f->now + at, len);
}

static enum jit_err
sim_sync(void *ctx, int fd)
{
	struct simdisk *d = ctx;
	struct inode *f = &d->inode[d->fd[fd]];
	enum jit_err e = effect(d);

	for (uint64_t at = 0; at < f->size; at += SECTOR) {
		if (f->dirty[at / SECTOR] && e == JIT_OK)
			keep(f, at);
		f->dirty[at / SECTOR] = false;
	}
	if (e == JIT_OK)
		f->safe_size = f->size;
	return e;
}

static enum jit_err
sim_sync_dir(void *ctx)
{
	struct simdisk *d = ctx;

	JIT_TRY(effect(d));
	memcpy(d->safe, d->now, sizeof(d->safe));
	return JIT_OK;
}

static enum jit_err
sim_rename(void *ctx, const char *from, const char *to)
{
	struct simdisk *d = ctx;
	struct name *a = find(d->now, from), *b = find(d->now, to);

	JIT_TRY(effect(d));
	if (a == NULL)
		return JIT_E_UNKNOWN;
	if (b != NULL)
		b->s[0] = '\0';
	(void)strcpy(a->s, to);
	return JIT_OK;
}

static enum jit_err
sim_remove(void *ctx, const char *s)
{
	struct simdisk *d = ctx;
	struct name *n = find(d->now, s);

	JIT_TRY(effect(d));
	if (n == NULL)
		return JIT_E_UNKNOWN;
	n->s[0] = '\0';
	return JIT_OK;
}

static enum jit_err
sim_list(void *ctx, enum jit_err (*fn)(void *arg, const char *name),
    void *arg)
{
	struct simdisk *d = ctx;

	for (int i = 0; i < FILES; i++)
		if (d->now[i].s[0] != '\0')
			JIT_TRY(fn(arg, d->now[i].s));
	return JIT_OK;
}

static enum jit_err
sim_lock(void *ctx)
{
	(void)ctx;
	return JIT_OK;
}

struct journal_ops
simdisk_ops(struct simdisk *d)
{
	return (struct journal_ops){ d, sim_open, sim_close, sim_size,
	    sim_reserve, sim_read, sim_write, sim_sync, sim_sync,
	    sim_sync_dir, sim_rename, sim_remove, sim_list, sim_lock };
}

/* Does the sector survive?  n: which it is among the unsynced ones. */
static bool
survives(enum loss mode, unsigned n)
{
	switch (mode) {
	case LOSE_NONE:
	case LOSE_NAMES:
		return true;
	case LOSE_ODD:
		return n % 2 == 0;
	case LOSE_EVEN:
		return n % 2 == 1;
	case LOSE_TORN:
		return n == 0;
	case LOSE_FIRST:
		return n != 0;
	default:
		return false;
	}
}

static void
crash_inode(struct inode *f, enum loss mode)
{
	unsigned n = 0;

	for (uint64_t at = 0; at < f->size; at += SECTOR) {
		if (f->dirty[at / SECTOR] && survives(mode, n++))
			keep(f, at);
		f->dirty[at / SECTOR] = false;
	}
	/* A size that was not synced goes with the data. */
	if (mode == LOSE_ALL || mode == LOSE_DATA)
		f->size = f->safe_size;
	f->safe_size = f->size;
	if (f->size > 0)
		memcpy(f->now, f->safe, f->size);
}

void
simdisk_restart(struct simdisk *d)
{
	for (int i = 0; i < 64; i++)
		d->fd[i] = -1;
	d->fail_at = 0;
}

void
simdisk_crash(struct simdisk *d, enum loss mode)
{
	for (int i = 0; i < d->n_inode; i++)
		crash_inode(&d->inode[i], mode);
	if (mode == LOSE_NONE || mode == LOSE_DATA || mode == LOSE_EVEN ||
	    mode == LOSE_FIRST)
		memcpy(d->safe, d->now, sizeof(d->safe));
	else
		memcpy(d->now, d->safe, sizeof(d->now));
	simdisk_restart(d);
}
