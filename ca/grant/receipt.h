/*
 * receipt - an entry of the log with the proof that it is in it.
 *
 * What the signer answers with, what an evidence bundle is made of: leaf,
 * salt, body, the Merkle path, and a signed checkpoint (checkpoint.h) that
 * several receipts share.  A receipt is believed only after receipt_check()
 * under a pinned log key.  On the wire, in a frame:
 *
 *	string   note, the signed checkpoint
 *	uint32   count, and that many of:
 *	  byte[53] leaf
 *	  uint8    1 if the body was erased (then salt is zero, body empty)
 *	  byte[16] salt
 *	  string   body
 *	  uint8    hashes of the path, 0 to 64        byte[32] each
 *
 * Pure.
 */
#ifndef JIT_GRANT_RECEIPT_H
#define JIT_GRANT_RECEIPT_H

#include "ca/tlog/checkpoint.h"
#include "ca/tlog/entry.h"
#include "ca/tlog/merkle.h"

struct receipt {
	struct entry e;			/* body borrows */
	struct merkle_proof proof;
};

/* One receipt without note, as drawn above. */
void receipt_put(struct wr *w, const struct receipt *r);
/*
 * Read one from r; the body borrows.  A failure is r's sticky error.  Type,
 * time and index are read from the leaf; nothing is verified.
 */
void receipt_get(struct rd *r, struct receipt *ret);

/* A list of receipts under one note. */
struct receipts {
	struct span note;		/* borrows */
	size_t n;
	struct receipt *v;		/* owned; bodies borrow */
};
#define RECEIPTS_MAX 4096
/* Read the note and the list, to the end of r.  JIT_E_FORMAT, JIT_E_NOMEM. */
enum jit_err receipts_get(struct rd *r, struct receipts *ret,
    struct jit_why *why);
void receipts_done(struct receipts *r);
JIT_SCOPED_OBJ(struct receipts, receipts_done);

/*
 * Is the entry in the tree of checkpoint c (which the caller opened under
 * the pinned key), and is the body the one that the leaf holds?  An erased
 * body passes, with e.erased set.  JIT_E_VERIFY.
 */
enum jit_err receipt_check(const struct receipt *r,
    const struct checkpoint *c, struct jit_why *why);

#endif
