#include "ca/tlog/merkle.h"

enum jit_err
merkle_leaf(struct span entry, struct digest *ret)
{
	static const uint8_t tag = 0x00;
	const struct span s[] = { SPAN(&tag, 1), entry };

	return digest_sha256v(s, 2, ret);
}

enum jit_err
merkle_node(const struct digest *left, const struct digest *right,
    struct digest *ret)
{
	static const uint8_t tag = 0x01;
	const struct span s[] = {
		SPAN(&tag, 1), DIGEST_SPAN(*left), DIGEST_SPAN(*right),
	};

	return digest_sha256v(s, 3, ret);
}

enum jit_err
merkle_empty(struct digest *ret)
{
	return digest_sha256(SPAN_NONE, ret);
}

/* ---- the right edge ---- */

void
merkle_edge_init(struct merkle_edge *e)
{
	*e = (struct merkle_edge){ .size = 0 };
}

enum jit_err
merkle_edge_add(struct merkle_edge *e, const struct digest *leaf)
{
	struct digest h = *leaf;
	unsigned l = 0;

	if (e->size == UINT64_MAX)
		return JIT_E_SIZE;
	/* As a binary counter carries: each set bit from below joins in. */
	for (; (e->size >> l & 1) != 0; l++)
		JIT_TRY(merkle_node(&e->peak[l], &h, &h));
	e->peak[l] = h;
	e->size++;
	return JIT_OK;
}

enum jit_err
merkle_edge_root(const struct merkle_edge *e, struct digest *ret)
{
	struct digest h;
	bool any = false;

	if (e->size == 0)
		return merkle_empty(ret);
	for (unsigned l = 0; l < 64; l++) {
		if ((e->size >> l & 1) == 0)
			continue;
		if (any)
			JIT_TRY(merkle_node(&e->peak[l], &h, &h));
		else
			h = e->peak[l];
		any = true;
	}
	*ret = h;
	return JIT_OK;
}

/* ---- proofs made ---- */

/* The level of the largest power of two strictly below n; n >= 2. */
static unsigned
split_level(uint64_t n)
{
	return 63u - (unsigned)__builtin_clzll(n - 1);
}

/*
 * The root of the n leaves from start on.  start is a multiple of the
 * largest power of two below n, as in every subtree of RFC 6962, and so each
 * peak is a complete subtree of the source.
 */
static enum jit_err
range_root(const struct merkle_source *src, uint64_t start, uint64_t n,
    struct digest *ret)
{
	struct digest h, left;
	bool any = false;

	for (unsigned l = 0; l < 64; l++) {
		if ((n >> l & 1) == 0)
			continue;
		/* The bits above l come before this peak. */
		uint64_t before = l == 63 ? 0 : n >> (l + 1) << (l + 1);

		JIT_TRY(src->hash(src->ctx, l, (start + before) >> l, &left));
		if (any)
			JIT_TRY(merkle_node(&left, &h, &h));
		else
			h = left;
		any = true;
	}
	*ret = h;
	return JIT_OK;
}

enum jit_err
merkle_root(const struct merkle_source *src, uint64_t size,
    struct digest *ret)
{
	return size == 0 ? merkle_empty(ret) : range_root(src, 0, size, ret);
}

/* Proofs are found from the root down and written from the leaf up. */
static void
reverse(struct merkle_proof *p)
{
	for (size_t i = 0, j = p->n; i + 1 < j; i++) {
		struct digest t = p->h[i];

		p->h[i] = p->h[--j];
		p->h[j] = t;
	}
}

enum jit_err
merkle_prove(const struct merkle_source *src, uint64_t index, uint64_t size,
    struct merkle_proof *ret)
{
	struct merkle_proof p = { .n = 0 };
	uint64_t start = 0, n = size;

	if (index >= size)
		return JIT_E_ARG;
	while (n > 1) {
		uint64_t k = (uint64_t)1 << split_level(n);
		bool left = index - start < k;

		JIT_TRY(range_root(src, left ? start + k : start,
		    left ? n - k : k, &p.h[p.n]));
		p.n++;
		if (left) {
			n = k;
		} else {
			start += k;
			n -= k;
		}
	}
	reverse(&p);
	*ret = p;
	return JIT_OK;
}

enum jit_err
merkle_prove_consistency(const struct merkle_source *src, uint64_t old,
    uint64_t size, struct merkle_proof *ret)
{
	struct merkle_proof p = { .n = 0 };
	uint64_t start = 0, n = size, m = old;
	bool known = true;	/* the subtree is the old tree itself */

	if (old == 0 || old > size)
		return JIT_E_ARG;
	/* SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2. */
	while (m != n) {
		uint64_t k = (uint64_t)1 << split_level(n);
		bool left = m <= k;

		JIT_TRY(range_root(src, left ? start + k : start,
		    left ? n - k : k, &p.h[p.n]));
		p.n++;
		if (left) {
			n = k;
		} else {
			start += k;
			n -= k;
			m -= k;
			known = false;
		}
	}
	if (!known) {
		JIT_TRY(range_root(src, start, n, &p.h[p.n]));
		p.n++;
	}
	reverse(&p);
	*ret = p;
	return JIT_OK;
}

/* ---- proofs checked ---- */

enum jit_err
merkle_check(uint64_t index, uint64_t size, const struct digest *leaf,
    const struct merkle_proof *proof, const struct digest *root,
    struct jit_why *why)
{
	uint64_t fn = index, sn = size - 1;
	struct digest r = *leaf;

	/* The steps of RFC 9162 section 2.1.3.2, its names kept. */
	if (index >= size)
		return jit_fail(why, JIT_E_VERIFY,
		    "index %llu is not in a tree of %llu",
		    (unsigned long long)index, (unsigned long long)size);
	if (proof->n > MERKLE_PROOF_MAX)
		return jit_fail(why, JIT_E_VERIFY, "proof too long");
	for (size_t i = 0; i < proof->n; i++) {
		if (sn == 0)
			return jit_fail(why, JIT_E_VERIFY, "proof too long");
		if ((fn & 1) != 0 || fn == sn) {
			JIT_TRY(merkle_node(&proof->h[i], &r, &r));
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			JIT_TRY(merkle_node(&r, &proof->h[i], &r));
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return jit_fail(why, JIT_E_VERIFY, "proof too short");
	if (!digest_eq(&r, root))
		return jit_fail(why, JIT_E_VERIFY,
		    "the inclusion proof leads to another root");
	return JIT_OK;
}

/* Steps 3 to 6 of RFC 9162 section 2.1.4.2: both roots from the proof. */
static enum jit_err
consistency_roots(uint64_t old, uint64_t size, const struct digest *old_root,
    const struct merkle_proof *proof, struct digest *fr, struct digest *sr,
    struct jit_why *why)
{
	uint64_t fn = old - 1, sn = size - 1;
	size_t i = 0;

	/* An old tree of 2^k leaves is a subtree: its root opens the path. */
	*fr = (old & (old - 1)) == 0 ? *old_root : proof->h[i++];
	*sr = *fr;
	for (; (fn & 1) != 0; fn >>= 1)
		sn >>= 1;
	for (; i < proof->n; i++) {
		const struct digest *c = &proof->h[i];

		if (sn == 0)
			return jit_fail(why, JIT_E_VERIFY, "proof too long");
		if ((fn & 1) != 0 || fn == sn) {
			JIT_TRY(merkle_node(c, fr, fr));
			JIT_TRY(merkle_node(c, sr, sr));
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			JIT_TRY(merkle_node(sr, c, sr));
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return jit_fail(why, JIT_E_VERIFY, "proof too short");
	return JIT_OK;
}

enum jit_err
merkle_check_consistency(uint64_t old, uint64_t size,
    const struct digest *old_root, const struct digest *root,
    const struct merkle_proof *proof, struct jit_why *why)
{
	struct digest fr, sr;

	if (old == 0 || old > size)
		return jit_fail(why, JIT_E_VERIFY,
		    "a tree of %llu cannot extend one of %llu",
		    (unsigned long long)size, (unsigned long long)old);
	if (old == size) {
		if (proof->n != 0 || !digest_eq(old_root, root))
			return jit_fail(why, JIT_E_VERIFY,
			    "two roots for one size");
		return JIT_OK;
	}
	if (proof->n == 0 || proof->n > MERKLE_PROOF_MAX)
		return jit_fail(why, JIT_E_VERIFY, "no consistency proof");
	JIT_TRY(consistency_roots(old, size, old_root, proof, &fr, &sr, why));
	if (!digest_eq(&fr, old_root) || !digest_eq(&sr, root))
		return jit_fail(why, JIT_E_VERIFY,
		    "the consistency proof leads to another root");
	return JIT_OK;
}
