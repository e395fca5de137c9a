/*
 * tile_disk: tiles where C2SP has them; what is short, missing or another is
 * noticed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signer/tile_disk.h"
#include "tests/lib/jt.h"

static int
fresh_dir(void)
{
	static int n;
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/tiles%d", jt_tmpdir(), n++);
	assert_int_equal(mkdir(path, 0700), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	return fd;
}

static void
fill(uint8_t *b, unsigned level, uint64_t n)
{
	memset(b, (int)(level * 31 + n), TILE_BYTES);
	(void)snprintf((char *)b, TILE_BYTES, "%u/%llu", level,
	    (unsigned long long)n);
}

static long long
size_of(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, 0) == 0 ? (long long)st.st_size : -1;
}

static void
there(struct tile_disk *d, unsigned level, uint64_t n)
{
	const struct tile_store s = tile_disk_store(d);
	uint8_t want[TILE_BYTES], got[TILE_BYTES];

	fill(want, level, n);
	JT_OK(s.get(s.ctx, level, n, got));
	assert_memory_equal(got, want, TILE_BYTES);
}

static void
put(struct tile_disk *d, unsigned level, uint64_t n)
{
	const struct tile_store s = tile_disk_store(d);
	uint8_t b[TILE_BYTES];

	fill(b, level, n);
	JT_OK(s.put(s.ctx, level, n, b));
}

static void
files(void **state)
{
	JIT_SCOPED(tile_disk_free) struct tile_disk *d = NULL;
	struct tile_store s;
	uint8_t b[TILE_BYTES];
	int dir = fresh_dir();

	(void)state;
	JT_OK(tile_disk_new(dir, &d));
	s = tile_disk_store(d);
	JT_ERR(s.get(s.ctx, 0, 0, b), JIT_E_UNKNOWN);
	put(d, 0, 0);
	put(d, 1, 1234067);
	/* Not written yet, and there. */
	there(d, 0, 0);
	there(d, 1, 1234067);
	assert_int_equal(size_of(dir, "tile/0/000"), -1);
	JT_OK(tile_disk_flush(d, NULL));
	assert_int_equal(size_of(dir, "tile/0/000"), TILE_BYTES);
	assert_int_equal(size_of(dir, "tile/1/x001/x234/067"), TILE_BYTES);
	there(d, 0, 0);
	there(d, 1, 1234067);
	JT_OK(tile_disk_sync(d, NULL));
	/* Cut off, gone, a link. */
	{
		int fd = openat(dir, "tile/0/000", O_WRONLY);

		assert_int_equal(ftruncate(fd, TILE_BYTES - 1), 0);
		(void)close(fd);
	}
	JT_ERR(s.get(s.ctx, 0, 0, b), JIT_E_UNKNOWN);
	assert_int_equal(unlinkat(dir, "tile/0/000", 0), 0);
	JT_ERR(s.get(s.ctx, 0, 0, b), JIT_E_UNKNOWN);
	assert_int_equal(symlinkat("../1/x001/x234/067", dir, "tile/0/000"),
	    0);
	assert_true(s.get(s.ctx, 0, 0, b) != JIT_OK);
	(void)close(dir);
}

static void
many(void **state)
{
	JIT_SCOPED(tile_disk_free) struct tile_disk *d = NULL;
	int dir = fresh_dir();

	(void)state;
	JT_OK(tile_disk_new(dir, &d));
	for (uint64_t n = 0; n < 3 * TILE_PENDING; n++)
		put(d, 0, n);
	for (uint64_t n = 0; n < 3 * TILE_PENDING; n++)
		there(d, 0, n);
	JT_OK(tile_disk_sync(d, NULL));
	for (uint64_t n = 0; n < 3 * TILE_PENDING; n++)
		there(d, 0, n);
	(void)close(dir);
}

/* A file stands where a directory must be: tried again, nothing else lost. */
static void
no_room(void **state)
{
	JIT_SCOPED(tile_disk_free) struct tile_disk *d = NULL;
	struct jit_why why = { 0 };
	int dir = fresh_dir(), fd;

	(void)state;
	fd = openat(dir, "tile", O_WRONLY | O_CREAT, 0600);
	(void)close(fd);
	JT_OK(tile_disk_new(dir, &d));
	put(d, 0, 0);
	JT_ERR(tile_disk_flush(d, &why), JIT_E_IO);
	there(d, 0, 0);
	for (uint64_t n = 1; n <= TILE_PENDING; n++)
		put(d, 0, n);
	there(d, 0, TILE_PENDING);
	assert_int_equal(unlinkat(dir, "tile", 0), 0);
	JT_OK(tile_disk_sync(d, &why));
	there(d, 0, TILE_PENDING);
	assert_int_equal(size_of(dir, "tile/0/016"), TILE_BYTES);
	(void)close(dir);
}

static void
room(void **state)
{
	JIT_SCOPED(tile_disk_free) struct tile_disk *d = NULL;
	int dir = fresh_dir();

	(void)state;
	JT_OK(tile_disk_new(dir, &d));
	JT_OK(tile_disk_room(d, 999 * 256 + 7, NULL));
	assert_true(size_of(dir, "tile/0") > 0);
	assert_true(size_of(dir, "tile/0/x001") > 0);
	assert_true(size_of(dir, "tile/0/x263") > 0);
	assert_int_equal(size_of(dir, "tile/0/x264"), -1);
	assert_true(size_of(dir, "tile/1/x001") > 0);
	assert_true(size_of(dir, "tile/6") > 0);
	(void)close(dir);
}

static void
flip(int dir, const char *path)
{
	uint8_t b;
	int fd = openat(dir, path, O_RDWR);

	assert_int_equal(pread(fd, &b, 1, 77), 1);
	b ^= 1;
	assert_int_equal(pwrite(fd, &b, 1, 77), 1);
	(void)close(fd);
}

/* Three tiles of 70,000 leaves: 273 of level 0 and one of level 1. */
static void
check(void **state)
{
	JIT_SCOPED(tile_disk_free) struct tile_disk *d = NULL;
	JIT_SCOPED(tiles_free) struct tiles *t = NULL;
	struct merkle_source src;
	struct tile_store s;
	struct digest h;
	struct jit_why why = { 0 };
	int dir = fresh_dir();

	(void)state;
	JT_OK(tile_disk_new(dir, &d));
	s = tile_disk_store(d);
	JT_OK(tiles_new(&s, &t));
	for (uint32_t i = 0; i < 70000; i++) {
		struct digest leaf;

		JT_OK(digest_sha256(SPAN(&i, sizeof(i)), &leaf));
		JT_OK(tiles_add(t, &leaf));
	}
	JT_ERR(tile_disk_check(d, t, NULL), JIT_E_ARG);
	JT_OK(tile_disk_flush(d, NULL));
	JT_WHY(tile_disk_check(d, t, &why), JIT_OK, &why);
	src = tiles_source(t);
	JT_OK(src.hash(src.ctx, 0, 17 * 256 + 3, &h));
	JT_OK(src.hash(src.ctx, 0, 99 * 256, &h));
	/* Another than it was: found when it is read, and gone. */
	flip(dir, "tile/0/017");
	JT_OK(tile_disk_check(d, t, NULL));
	JT_ERR(src.hash(src.ctx, 0, 17 * 256 + 3, &h), JIT_E_UNKNOWN);
	JT_ERR(tile_disk_check(d, t, &why), JIT_E_UNKNOWN);
	assert_int_equal(faccessat(dir, "tile/0/017", F_OK, 0), -1);
	JT_OK(src.hash(src.ctx, 0, 18 * 256, &h));
	(void)close(dir);
}

int
main(void)
{
	return jt_one("files", files) + jt_one("more than are kept", many) +
	    jt_one("nothing can be written", no_room) +
	    jt_one("directories ahead", room) +
	    jt_one("each tile is looked at", check);
}
