/* tiles: paths of the specification, and hashes wherever they are kept. */
#include <stdlib.h>
#include <string.h>

#include "ca/tlog/tiles.h"
#include "tests/lib/jt.h"

struct path { const char *name; unsigned level; uint64_t n; unsigned width; };
static const struct path paths[] = {
	{ "tile/0/000", 0, 0, 0 },
	{ "tile/0/x001/x234/067", 0, 1234067, 0 },
	{ "tile/0/273.p/112", 0, 273, 112 },
	{ "tile/1/001.p/17", 1, 1, 17 },
	{ "tile/63/x018/x446/x744/x073/x709/x551/615.p/255", 63, UINT64_MAX,
	    255 },
};

static void
path(void **state)
{
	const struct path *p = *state;
	char text[TILE_PATH];

	tile_path(p->level, p->n, p->width, text);
	assert_string_equal(text, p->name);
}

/* A store of the first 300 tiles of levels 0 and 1. */
static uint8_t kept[2][300][TILE_BYTES];
static bool there[2][300];

static enum jit_err
put(void *ctx, unsigned level, uint64_t n, const uint8_t *bytes)
{
	(void)ctx;
	assert_true(level < 2 && n < 300);
	memcpy(kept[level][n], bytes, TILE_BYTES);
	there[level][n] = true;
	return JIT_OK;
}

static enum jit_err
get(void *ctx, unsigned level, uint64_t n, uint8_t *bytes)
{
	(void)ctx;
	if (level >= 2 || n >= 300 || !there[level][n])
		return JIT_E_UNKNOWN;
	memcpy(bytes, kept[level][n], TILE_BYTES);
	return JIT_OK;
}

static const struct tile_store store = { put, get, NULL, NULL };

static void
leaf_of(uint64_t i, struct digest *ret)
{
	JT_OK(merkle_leaf(SPAN(&i, sizeof(i)), ret));
}

static void
check(struct tiles *t, const struct merkle_edge *e)
{
	struct merkle_source src = tiles_source(t);
	struct merkle_proof p;
	struct digest root, want, leaf;

	JT_OK(merkle_edge_root(e, &want));
	JT_OK(merkle_root(&src, e->size, &root));
	assert_true(digest_eq(&root, &want));
	for (uint64_t i = 0; i < e->size; i += 1 + e->size / 5) {
		JT_OK(merkle_prove(&src, i, e->size, &p));
		leaf_of(i, &leaf);
		JT_OK(merkle_check(i, e->size, &leaf, &p, &want, NULL));
	}
}

static void
grows(void **state)
{
	JIT_SCOPED(tiles_free) struct tiles *t = NULL;
	struct merkle_edge e;
	struct digest d;

	(void)state;
	merkle_edge_init(&e);
	JT_OK(tiles_new(&store, &t));
	for (uint64_t i = 0; i < 70000; i++) {
		JIT_SCOPED(tiles_free) struct tiles *u = NULL;
		JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
		struct rd r;

		leaf_of(i, &d);
		JT_OK(merkle_edge_add(&e, &d));
		JT_OK(tiles_add(t, &d));
		if ((i + 2) % 256 > 3 && i != 69999 && i > 20)
			continue;
		if (i % 4096 > 300 && i < 65000)
			continue;
		check(t, &e);
		/* What was saved goes on without the leaves. */
		tiles_save(t, &w);
		JT_OK(tiles_new(&store, &u));
		r = rd_of(wr_view(&w));
		JT_OK(tiles_load(u, &r));
		JT_OK(rd_end(&r));
		check(u, &e);
	}
	assert_true(tiles_size(t) == 70000);
}

/* Every complete subtree, of every level, by plain recursion. */
static enum jit_err
slow_hash(unsigned level, uint64_t index, struct digest *ret)
{
	struct digest l, r;

	if (level == 0) {
		leaf_of(index, ret);
		return JIT_OK;
	}
	JIT_TRY(slow_hash(level - 1, 2 * index, &l));
	JIT_TRY(slow_hash(level - 1, 2 * index + 1, &r));
	return merkle_node(&l, &r, ret);
}

static void
subtrees(void **state)
{
	JIT_SCOPED(tiles_free) struct tiles *t = NULL;
	struct merkle_source src;
	struct merkle_edge e;
	struct digest d, want;

	(void)state;
	JT_OK(tiles_new(&store, &t));
	merkle_edge_init(&e);
	check(t, &e);
	for (uint64_t i = 0; i < 1100; i++) {
		leaf_of(i, &d);
		JT_OK(tiles_add(t, &d));
	}
	src = tiles_source(t);
	for (unsigned l = 0; l < 12; l++) {
		uint64_t n = 1100u >> l;

		for (uint64_t i = 0; i < n; i++) {
			JT_OK(src.hash(src.ctx, l, i, &d));
			JT_OK(slow_hash(l, i, &want));
			assert_true(digest_eq(&d, &want));
		}
		JT_ERR(src.hash(src.ctx, l, n, &d), JIT_E_ARG);
	}
}

static void
lost(void **state)
{
	JIT_SCOPED(tiles_free) struct tiles *t = NULL;
	struct merkle_source src;
	struct digest d;

	(void)state;
	JT_OK(tiles_new(&store, &t));
	for (uint64_t i = 0; i < 1024; i++) {
		leaf_of(i, &d);
		JT_OK(tiles_add(t, &d));
	}
	src = tiles_source(t);
	there[0][1] = false;
	JT_ERR(src.hash(src.ctx, 0, 300, &d), JIT_E_UNKNOWN);
	JT_OK(src.hash(src.ctx, 8, 1, &d));
	JT_ERR(src.hash(src.ctx, 0, 1024, &d), JIT_E_ARG);
	JT_ERR(src.hash(src.ctx, 10, 1, &d), JIT_E_ARG);
	JT_ERR(src.hash(src.ctx, 64, 0, &d), JIT_E_ARG);
}

/* Every tile's first put fails; the leaf is then added again. */
static bool tried[2][300];

static enum jit_err
put_fails_once(void *ctx, unsigned level, uint64_t n, const uint8_t *bytes)
{
	assert_true(level < 2 && n < 300);
	if (!tried[level][n]) {
		tried[level][n] = true;
		return JIT_E_IO;
	}
	return put(ctx, level, n, bytes);
}

static void
failed_put(void **state)
{
	static const struct tile_store bad = { put_fails_once, get, NULL, NULL };
	JIT_SCOPED(tiles_free) struct tiles *t = NULL;
	struct merkle_edge e;
	struct digest d;
	unsigned failed = 0;

	(void)state;
	merkle_edge_init(&e);
	JT_OK(tiles_new(&bad, &t));
	for (uint64_t i = 0; i < 66000; i++) {
		leaf_of(i, &d);
		JT_OK(merkle_edge_add(&e, &d));
		while (tiles_add(t, &d) != JIT_OK) {
			assert_true(tiles_size(t) == i);
			assert_true(failed++ < 1000);
		}
	}
	assert_int_equal(failed, 257 + 1);
	check(t, &e);
}

/* No prefix of what was saved loads, and none leaves a size behind. */
static void
cut_short(void **state)
{
	JIT_SCOPED(tiles_free) struct tiles *t = NULL, *u = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct digest d;

	(void)state;
	JT_OK(tiles_new(&store, &t));
	JT_OK(tiles_new(&store, &u));
	for (uint64_t i = 0; i < 300; i++) {
		leaf_of(i, &d);
		JT_OK(tiles_add(t, &d));
	}
	tiles_save(t, &w);
	JT_OK(w.err);
	for (size_t n = 0; n < w.n; n++) {
		struct rd r = rd_of(SPAN(w.p, n));

		JT_ERR(tiles_load(u, &r), JIT_E_FORMAT);
		assert_true(tiles_size(u) == 0);
	}
}

int
main(void)
{
	return JT_ROWS("paths", path, paths) + jt_one("grows", grows) +
	    jt_one("every subtree", subtrees) +
	    jt_one("a tile is lost", lost) +
	    jt_one("a put that fails", failed_put) +
	    jt_one("cut short", cut_short);
}
