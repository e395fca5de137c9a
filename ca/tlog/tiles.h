/*
 * tiles - the log's hashes in C2SP tlog-tiles form.
 *
 * A tile is 256 hashes (8,192 bytes): tile L/N holds the roots of the
 * subtrees of 256^L leaves with indexes 256 N to 256 N + 255.  Its path is
 * "tile/<L>/<N>" with N as "x001/x234/067", and ".p/<W>" behind it when it
 * is partial.  Here: paths, and an in-memory right edge of tiles which takes
 * leaves, hands out tiles as they fill up, and serves hashes for proofs.
 */
#ifndef JIT_TLOG_TILES_H
#define JIT_TLOG_TILES_H

#include "ca/tlog/merkle.h"

#define TILE_HASHES 256
#define TILE_BYTES (TILE_HASHES * 32)
#define TILE_LEVELS 8		/* 256^8 leaves: the whole of uint64 */
#define TILE_PATH 64

/* width 0: a full tile. */
void tile_path(unsigned level, uint64_t n, unsigned width,
    char ret[static TILE_PATH]);

struct tile_store {
	/* Keep a full tile (8,192 bytes); may be lost, it is derived. */
	enum jit_err (*put)(void *ctx, unsigned level, uint64_t n,
	    const uint8_t *bytes);
	/* Give it back; JIT_E_UNKNOWN when it is not there. */
	enum jit_err (*get)(void *ctx, unsigned level, uint64_t n,
	    uint8_t *bytes);
	void *ctx;
	/* A tile that is not this log's: forget it.  May be NULL. */
	void (*drop)(void *ctx, unsigned level, uint64_t n);
};

struct tiles;		/* about 33 KiB for each level that is used, 1 to 8 */

enum jit_err tiles_new(const struct tile_store *store, struct tiles **ret);
void tiles_free(struct tiles *t);
JIT_SCOPED_PTR(struct tiles, tiles_free);
/* Take the hash of the next leaf; full tiles go to the store. */
enum jit_err tiles_add(struct tiles *t, const struct digest *leaf);
uint64_t tiles_size(const struct tiles *t);
/*
 * A source of complete subtrees of the first tiles_size() leaves, from the
 * edge and the store.  Borrows t.  A tile that the store has lost is
 * JIT_E_UNKNOWN; so is one that does not hash to what the tile above it says,
 * which is looked at whenever one comes from the store.
 */
struct merkle_source tiles_source(struct tiles *t);
/* The partial tiles of the edge, to go on later without the leaves. */
void tiles_save(const struct tiles *t, struct wr *w);
enum jit_err tiles_load(struct tiles *t, struct rd *r);

#endif
