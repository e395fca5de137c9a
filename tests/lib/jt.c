#define _GNU_SOURCE
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/jt.h"

int
jt_rows(const char *group, CMUnitTestFunction fn, const void *rows, size_t n,
    size_t size)
{
	struct CMUnitTest *t = calloc(n, sizeof(*t));
	int failed;

	if (t == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		const char *row = (const char *)rows + i * size;

		memcpy(&t[i].name, row, sizeof(t[i].name));
		t[i].test_func = fn;
		t[i].initial_state = (void *)(uintptr_t)row;
	}
	failed = _cmocka_run_group_tests(group, t, n, NULL, NULL);
	free(t);
	return failed;
}

int
jt_one(const char *name, CMUnitTestFunction fn)
{
	struct CMUnitTest t = { .name = name, .test_func = fn };

	return _cmocka_run_group_tests(name, &t, 1, NULL, NULL);
}

void
jt_err(enum jit_err got, enum jit_err want, const struct jit_why *why,
    const char *file, int line)
{
	if (got == want)
		return;
	print_error("%s:%d: got %s, want %s%s%s\n", file, line,
	    jit_err_name(got), jit_err_name(want),
	    why != NULL ? ": " : "", why != NULL ? why->msg : "");
	_fail(file, line);
}

static void
try_copy(struct span s, void (*fn)(void *, struct span), void *arg)
{
	/* Exactly its size, so that a sanitizer sees a byte too far. */
	uint8_t *p = malloc(s.n ? s.n : 1);

	if (p == NULL)
		abort();
	memcpy(p, s.p, s.n);
	fn(arg, SPAN(p, s.n));
	free(p);
}

void
jt_flip_truncate(struct span valid, void (*fn)(void *arg, struct span s),
    void *arg)
{
	jt_flip_truncate_max(valid, 65536, fn, arg);
}

void
jt_flip_truncate_max(struct span valid, size_t max,
    void (*fn)(void *arg, struct span s), void *arg)
{
	/* Odd, so that every bit of a byte has its turn. */
	size_t bits = valid.n * 8, step = (bits / max + 1) | 1;
	uint8_t *p = malloc(valid.n ? valid.n : 1);

	if (p == NULL)
		abort();
	for (size_t n = 0; n < valid.n; n += valid.n / max + 1)
		try_copy(SPAN(valid.p, n), fn, arg);
	for (size_t b = 0; b < bits; b += step) {
		memcpy(p, valid.p, valid.n);
		p[b / 8] ^= (uint8_t)(1u << (b % 8));
		try_copy(SPAN(p, valid.n), fn, arg);
	}
	free(p);
}

struct buf
jt_file(const char *path)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(64u << 20);
	struct buf ret = { NULL, 0 };
	char chunk[8192];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		print_error("cannot open %s\n", path);
		fail();
		return ret;
	}
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		wr_raw(&w, chunk, n);
	(void)fclose(f);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

static const char *
join(const char *a, const char *b)
{
	static char path[4][4096];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", a, b);
	return p;
}

const char *
jt_source(const char *rel)
{
	const char *top = getenv("JIT_SOURCE");

	return join(top ? top : ".", rel);
}

const char *
jt_vectors(const char *rel)
{
	const char *dir = getenv("JIT_VECTORS");

	if (dir == NULL)
		dir = jt_source("../shared/vectors");
	if (access(dir, R_OK) != 0) {
		(void)fprintf(stderr, "SKIPPED: no test vectors at %s "
		    "(set JIT_VECTORS)\n", dir);
		exit(77);
	}
	return join(dir, rel);
}

static char tmpdir[4096];

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static void
remove_tmpdir(void)
{
	(void)nftw(tmpdir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
jt_tmpdir(void)
{
	const char *base = getenv("TMPDIR");

	if (tmpdir[0] != '\0')
		return tmpdir;
	(void)snprintf(tmpdir, sizeof(tmpdir), "%s/jit-test-XXXXXX",
	    base ? base : "/tmp");
	if (mkdtemp(tmpdir) == NULL)
		abort();
	(void)atexit(remove_tmpdir);
	return tmpdir;
}
