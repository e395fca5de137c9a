/*
 * journal_batch - the bytes of a segment's header and of a batch, as
 * journal.h draws them.  Inside the journal only.  Pure.
 */
#ifndef JIT_SIGNER_JOURNAL_BATCH_H
#define JIT_SIGNER_JOURNAL_BATCH_H

#include "signer/journal.h"

#define BATCH_PREFIX 24		/* magic, length, first index, count */
#define SEGMENT_HEADER_MAX (8 + 8 + 32 + 4 + TLOG_ORIGIN_MAX + 32)

enum jit_err segment_put_header(struct wr *w, uint64_t first,
    const struct digest *before, const char *origin);
/* *n is its length.  JIT_E_FORMAT; JIT_E_LOGNAME: another log's. */
enum jit_err segment_get_header(struct span s, const char *origin,
    uint64_t *first, struct digest *before, size_t *n);

struct batch {
	uint64_t first;
	uint32_t count;
	struct span leaves, lengths, note, bodies;	/* borrowed */
	struct digest before, hash;
	size_t size;		/* bytes of the whole batch */
};

/* The whole length that a prefix of BATCH_PREFIX bytes names; 0: none. */
uint32_t batch_length(struct span prefix);
enum jit_err batch_put(struct wr *w, const struct entry *e, size_t n,
    struct span note, const struct digest *before, struct digest *hash);
/* Shape and hash; neither chain nor leaves nor bodies.  JIT_E_FORMAT. */
enum jit_err batch_get(struct span s, struct batch *ret);
/*
 * The i-th entry as it stands there; *at, which begins at 0, is the offset
 * of its body record and goes on to the next.  erased is only what the flag
 * says; see batch_settle.  JIT_E_FORMAT: the body does not fit, the flag is
 * no flag; JIT_E_DAMAGE: the leaf, which the hash holds, is not one.
 */
enum jit_err batch_entry(const struct batch *b, uint32_t i, size_t *at,
    struct entry *ret);
/*
 * Check the body.  A body marked as erased that is still whole is given back
 * as present: an erasing that was never acknowledged, or a flipped flag;
 * otherwise e has no body and no salt.  JIT_E_FORMAT: not what the leaf
 * holds; other errors are those of the machine.
 */
enum jit_err batch_settle(struct entry *e);
/* What a prefix of BATCH_PREFIX bytes says; false: it is none. */
bool batch_prefix(struct span prefix, uint64_t *first, uint32_t *count);
/* The time in the i-th leaf. */
utc_s batch_time(const struct batch *b, uint32_t i);

#endif
