/*
 * merkle - the Merkle tree of a log (RFC 6962 section 2.1): hashes, growing,
 * proofs made and checked.
 *
 *	leaf   SHA-256(0x00 || entry)
 *	node   SHA-256(0x01 || left || right), split at the largest power of
 *	       two strictly below the size
 *	empty  SHA-256("")
 *
 * Proofs are verified as RFC 9162 sections 2.1.3.2 and 2.1.4.2 say.  Pure:
 * no I/O; hashes of complete subtrees come from the caller's function.
 */
#ifndef JIT_TLOG_MERKLE_H
#define JIT_TLOG_MERKLE_H

#include "ca/base/digest.h"

#define MERKLE_PROOF_MAX 64	/* hashes in a proof, at most */

enum jit_err merkle_leaf(struct span entry, struct digest *ret);
enum jit_err merkle_node(const struct digest *left,
    const struct digest *right, struct digest *ret);
enum jit_err merkle_empty(struct digest *ret);

/*
 * The right edge of a growing tree: the roots of its complete subtrees, the
 * largest first, one for each set bit of size.  Plain: copy it to try things
 * out (a scratch frontier) and assign it back to keep them.
 */
struct merkle_edge {
	uint64_t size;
	struct digest peak[64];	/* peak[l]: subtree of 2^l leaves, if bit l */
};
void merkle_edge_init(struct merkle_edge *e);
enum jit_err merkle_edge_add(struct merkle_edge *e, const struct digest *leaf);
enum jit_err merkle_edge_root(const struct merkle_edge *e, struct digest *ret);

/*
 * Where hashes of complete subtrees come from: the root of leaves
 * [index << level, (index + 1) << level).  An error is passed on.
 */
struct merkle_source {
	enum jit_err (*hash)(void *ctx, unsigned level, uint64_t index,
	    struct digest *ret);
	void *ctx;
};

/* Hashes from the leaf's sibling up to the root's child. */
struct merkle_proof {
	size_t n;
	struct digest h[MERKLE_PROOF_MAX];
};
/* JIT_E_ARG: not index < size. */
enum jit_err merkle_prove(const struct merkle_source *src, uint64_t index,
    uint64_t size, struct merkle_proof *ret);
/* JIT_E_ARG: not 0 < old <= size.  old == size gives an empty proof. */
enum jit_err merkle_prove_consistency(const struct merkle_source *src,
    uint64_t old, uint64_t size, struct merkle_proof *ret);
/* The root of size leaves from the source.  */
enum jit_err merkle_root(const struct merkle_source *src, uint64_t size,
    struct digest *ret);

/* JIT_E_VERIFY: the proof does not lead from leaf to root. */
enum jit_err merkle_check(uint64_t index, uint64_t size,
    const struct digest *leaf, const struct merkle_proof *proof,
    const struct digest *root, struct jit_why *why);
/*
 * Is the tree (size, root) an extension of (old, old_root)?  JIT_E_VERIFY;
 * old 0 too, since that would say nothing.
 */
enum jit_err merkle_check_consistency(uint64_t old, uint64_t size,
    const struct digest *old_root, const struct digest *root,
    const struct merkle_proof *proof, struct jit_why *why);

#endif
