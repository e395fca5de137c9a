#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/tlog/tiles.h"

/*
 * The hashes of a tile, and above them the roots of its subtrees as far as
 * they were asked for: node 256 >> up, plus its place, is the root of the
 * 2^up hashes there.  A complete subtree never changes, so that a proof costs
 * a look instead of up to 255 hashes.
 */
struct sheet {
	struct digest h[TILE_HASHES];
	struct digest node[TILE_HASHES];
	uint8_t have[TILE_HASHES];
};

/* The tile of each level that is still growing, and one that was read. */
struct level {
	uint64_t done;			/* full tiles */
	unsigned width;			/* hashes in the growing one, 0 to 255 */
	struct sheet now;
	bool cached;
	uint64_t cached_n;
	struct sheet cache;
};

struct tiles {
	struct tile_store store;
	uint64_t size;
	struct level *level[TILE_LEVELS];	/* made when first needed */
};

void
tile_path(unsigned level, uint64_t n, unsigned width,
    char ret[static TILE_PATH])
{
	char digits[40] = "";
	size_t len;

	(void)snprintf(ret, TILE_PATH, "tile/%u/", level);
	/* Groups of three digits, all but the last with an x before them. */
	(void)snprintf(digits, sizeof(digits), "%03llu",
	    (unsigned long long)(n % 1000));
	for (n /= 1000; n > 0; n /= 1000) {
		char more[40];

		(void)snprintf(more, sizeof(more), "x%03llu/%.30s",
		    (unsigned long long)(n % 1000), digits);
		memcpy(digits, more, sizeof(digits));
	}
	len = strlen(ret);
	if (width > 0)
		(void)snprintf(ret + len, TILE_PATH - len, "%s.p/%u", digits,
		    width);
	else
		(void)snprintf(ret + len, TILE_PATH - len, "%s", digits);
}

enum jit_err
tiles_new(const struct tile_store *store, struct tiles **ret)
{
	struct tiles *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return JIT_E_NOMEM;
	t->store = *store;
	*ret = t;
	return JIT_OK;
}

void
tiles_free(struct tiles *t)
{
	if (t == NULL)
		return;
	for (unsigned l = 0; l < TILE_LEVELS; l++)
		free(t->level[l]);
	free(t);
}

uint64_t
tiles_size(const struct tiles *t)
{
	return t->size;
}

/* The root of the 2^up hashes at place, which are all there. */
static enum jit_err
fold(struct sheet *s, unsigned up, size_t place, struct digest *ret)
{
	size_t i = ((size_t)TILE_HASHES >> up) + place;
	struct digest left, right;

	if (up == 0) {
		*ret = s->h[place];
		return JIT_OK;
	}
	if (!s->have[i]) {
		JIT_TRY(fold(s, up - 1, 2 * place, &left));
		JIT_TRY(fold(s, up - 1, 2 * place + 1, &right));
		JIT_TRY(merkle_node(&left, &right, &s->node[i]));
		s->have[i] = 1;
	}
	*ret = s->node[i];
	return JIT_OK;
}

static struct level *
level_of(struct tiles *t, unsigned l)
{
	if (l < TILE_LEVELS && t->level[l] == NULL)
		t->level[l] = calloc(1, sizeof(struct level));
	return l < TILE_LEVELS ? t->level[l] : NULL;
}

/* Put the full tile of level l into the store; its root is *ret. */
static enum jit_err
hand_out(struct tiles *t, unsigned l, struct digest *ret)
{
	struct level *v = t->level[l];
	uint8_t bytes[TILE_BYTES];

	memcpy(bytes, v->now.h, sizeof(bytes));
	/* Its last hash may be another than at a try that failed. */
	memset(v->now.have, 0, sizeof(v->now.have));
	JIT_TRY(fold(&v->now, 8, 0, ret));
	return t->store.put(t->store.ctx, l, v->done, bytes);
}

enum jit_err
tiles_add(struct tiles *t, const struct digest *leaf)
{
	struct digest h = *leaf;
	unsigned full = 0;

	/*
	 * Nothing counts until all is put: after a failure the same leaf can
	 * be added again, and a tile that was put already is put once more.
	 */
	for (unsigned l = 0;; l++) {
		struct level *v = level_of(t, l);

		if (v == NULL)
			return l < TILE_LEVELS ? JIT_E_NOMEM : JIT_E_SIZE;
		v->now.h[v->width] = h;
		if (v->width + 1 < TILE_HASHES)
			break;
		JIT_TRY(hand_out(t, l, &h));
		full++;
	}
	t->level[full]->width++;
	while (full-- > 0) {
		struct level *v = t->level[full];

		/* Kept as the cached one too: proofs ask for it next. */
		v->cache = v->now;
		memset(v->now.have, 0, sizeof(v->now.have));
		v->cached = true;
		v->cached_n = v->done++;
		v->width = 0;
	}
	t->size++;
	return JIT_OK;
}

static enum jit_err find(struct tiles *t, unsigned l, uint64_t i,
    struct sheet **ret);

/* What came from the store is this log's: the tile above says so. */
static enum jit_err
check_read(struct tiles *t, unsigned l, uint64_t n)
{
	struct sheet *above = NULL;
	struct digest root;

	JIT_TRY(find(t, l + 1, n, &above));
	JIT_TRY(fold(&t->level[l]->cache, 8, 0, &root));
	if (digest_eq(&root, &above->h[n % TILE_HASHES]))
		return JIT_OK;
	if (t->store.drop != NULL)
		t->store.drop(t->store.ctx, l, n);
	return JIT_E_UNKNOWN;
}

static enum jit_err
read_tile(struct tiles *t, unsigned l, uint64_t n)
{
	struct level *v = t->level[l];
	uint8_t bytes[TILE_BYTES];

	v->cached = false;
	JIT_TRY(t->store.get(t->store.ctx, l, n, bytes));
	memcpy(v->cache.h, bytes, sizeof(bytes));
	memset(v->cache.have, 0, sizeof(v->cache.have));
	JIT_TRY(check_read(t, l, n));
	v->cached = true;
	v->cached_n = n;
	return JIT_OK;
}

/* The tile of level l that holds its hash i, wherever it is. */
static enum jit_err
find(struct tiles *t, unsigned l, uint64_t i, struct sheet **ret)
{
	struct level *v = l < TILE_LEVELS ? t->level[l] : NULL;
	uint64_t n = i / TILE_HASHES;

	if (v == NULL || n > v->done ||
	    (n == v->done && i % TILE_HASHES >= v->width))
		return JIT_E_ARG;
	if (n == v->done) {
		*ret = &v->now;
		return JIT_OK;
	}
	if (!v->cached || v->cached_n != n)
		JIT_TRY(read_tile(t, l, n));
	*ret = &v->cache;
	return JIT_OK;
}

static enum jit_err
source_hash(void *ctx, unsigned level, uint64_t index, struct digest *ret)
{
	struct tiles *t = ctx;
	unsigned l = level / 8, up = level % 8;
	struct sheet *s = NULL;
	uint64_t last;

	if (level > 63 || index > t->size >> level ||
	    index + 1 > t->size >> level)
		return JIT_E_ARG;
	/* 2^up hashes of one tile: both ends are in it. */
	last = (index << up) + ((uint64_t)1 << up) - 1;
	JIT_TRY(find(t, l, last, &s));
	return fold(s, up, (size_t)(last % TILE_HASHES) >> up, ret);
}

struct merkle_source
tiles_source(struct tiles *t)
{
	return (struct merkle_source){ source_hash, t };
}

void
tiles_save(const struct tiles *t, struct wr *w)
{
	wr_u64(w, t->size);
	for (unsigned l = 0; l < TILE_LEVELS; l++)
		if (t->level[l] != NULL)
			wr_raw(w, t->level[l]->now.h, t->level[l]->width *
			    sizeof(struct digest));
}

enum jit_err
tiles_load(struct tiles *t, struct rd *r)
{
	uint64_t size = rd_u64(r), left = size;
	size_t need = 0;

	if (t->size != 0)
		return JIT_E_ARG;
	/* All there or nothing: a short read must not leave zeros as hashes. */
	for (; left > 0; left /= TILE_HASHES)
		need += left % TILE_HASHES * sizeof(struct digest);
	if (r->err != JIT_OK || r->n < need) {
		rd_fail(r);
		return JIT_E_FORMAT;
	}
	for (unsigned l = 0; l < TILE_LEVELS && size >> (8 * l) > 0; l++)
		if (level_of(t, l) == NULL)
			return JIT_E_NOMEM;
	/* The size says how wide each level's growing tile is. */
	left = size;
	for (unsigned l = 0; l < TILE_LEVELS && left > 0; l++) {
		struct level *v = t->level[l];

		v->width = (unsigned)(left % TILE_HASHES);
		v->done = left / TILE_HASHES;
		rd_copy(r, v->now.h, v->width * sizeof(struct digest));
		left /= TILE_HASHES;
	}
	t->size = size;
	return JIT_OK;
}
