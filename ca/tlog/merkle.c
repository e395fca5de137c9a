#include "ca/tlog/merkle.h"

enum jit_err
merkle_leaf(struct span entry, struct digest *ret)
{
	static const uint8_t zero = 0;
	const struct span s[] = { SPAN(&zero, 1), entry };

	return digest_sha256v(s, 2, ret);
}

enum jit_err
merkle_node(const struct digest *left, const struct digest *right,
    struct digest *ret)
{
	uint8_t b[65] = { 1 };

	for (int i = 0; i < 32; i++) {
		b[1 + i] = left->b[i];
		b[33 + i] = right->b[i];
	}
	return digest_sha256(SPAN(b, sizeof(b)), ret);
}

enum jit_err
merkle_empty(struct digest *ret)
{
	return digest_sha256(SPAN_NONE, ret);
}

void
merkle_edge_init(struct merkle_edge *e)
{
	*e = (struct merkle_edge){ 0 };
}

enum jit_err
merkle_edge_add(struct merkle_edge *e, const struct digest *leaf)
{
	struct digest h = *leaf;
	unsigned l;

	if (e->size == UINT64_MAX)
		return JIT_E_SIZE;
	/* Like adding one to a binary number: each carry is a node. */
	for (l = 0; e->size >> l & 1; l++)
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
		if (!(e->size >> l & 1))
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

/* The largest power of two strictly below n, as its exponent; n > 1. */
static unsigned
split_level(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n - 1);
}

/*
 * The root of leaves [from, to), where from is a multiple of the largest
 * power of two below the length: complete subtrees joined from the right.
 */
static enum jit_err
range_root(const struct merkle_source *src, uint64_t from, uint64_t to,
    struct digest *ret)
{
	struct digest part[64], h;
	size_t n = 0;

	while (from < to) {
		unsigned l = 63 - (unsigned)__builtin_clzll(to - from);

		JIT_TRY(src->hash(src->ctx, l, from >> l, &part[n++]));
		from += (uint64_t)1 << l;
	}
	h = part[--n];
	while (n > 0)
		JIT_TRY(merkle_node(&part[--n], &h, &h));
	*ret = h;
	return JIT_OK;
}

enum jit_err
merkle_root(const struct merkle_source *src, uint64_t size,
    struct digest *ret)
{
	return size == 0 ? merkle_empty(ret) : range_root(src, 0, size, ret);
}

/* Siblings were found from the root down; a proof goes from the leaf up. */
static void
reverse(struct merkle_proof *p)
{
	for (size_t i = 0; i < p->n / 2; i++) {
		struct digest t = p->h[i];

		p->h[i] = p->h[p->n - 1 - i];
		p->h[p->n - 1 - i] = t;
	}
}

enum jit_err
merkle_prove(const struct merkle_source *src, uint64_t index, uint64_t size,
    struct merkle_proof *ret)
{
	uint64_t from = 0, to = size;
	struct merkle_proof p = { .n = 0 };

	if (index >= size)
		return JIT_E_ARG;
	while (to - from > 1) {
		uint64_t mid = from + ((uint64_t)1 << split_level(to - from));

		if (index < mid) {
			JIT_TRY(range_root(src, mid, to, &p.h[p.n++]));
			to = mid;
		} else {
			JIT_TRY(range_root(src, from, mid, &p.h[p.n++]));
			from = mid;
		}
	}
	reverse(&p);
	*ret = p;
	return JIT_OK;
}

/* RFC 6962 section 2.1.2, SUBPROOF without its recursion. */
enum jit_err
merkle_prove_consistency(const struct merkle_source *src, uint64_t old,
    uint64_t size, struct merkle_proof *ret)
{
	uint64_t from = 0, to = size;
	struct merkle_proof p = { .n = 0 };

	if (old == 0 || old > size)
		return JIT_E_ARG;
	while (old != to) {
		uint64_t mid = from + ((uint64_t)1 << split_level(to - from));

		if (old <= mid) {
			JIT_TRY(range_root(src, mid, to, &p.h[p.n++]));
			to = mid;
		} else {
			JIT_TRY(range_root(src, from, mid, &p.h[p.n++]));
			from = mid;
		}
	}
	/* The old tree itself is known to the verifier when it is complete. */
	if (from != 0)
		JIT_TRY(range_root(src, from, to, &p.h[p.n++]));
	reverse(&p);
	*ret = p;
	return JIT_OK;
}

static enum jit_err
refuse(struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_VERIFY, "%s", what);
}

/* RFC 9162 section 2.1.3.2. */
enum jit_err
merkle_check(uint64_t index, uint64_t size, const struct digest *leaf,
    const struct merkle_proof *proof, const struct digest *root,
    struct jit_why *why)
{
	uint64_t fn = index, sn = size - 1;
	struct digest r = *leaf;

	if (index >= size)
		return refuse(why, "the index is outside the log");
	for (size_t i = 0; i < proof->n; i++) {
		if (sn == 0)
			return refuse(why, "the inclusion proof is too long");
		if ((fn & 1) || fn == sn) {
			JIT_TRY(merkle_node(&proof->h[i], &r, &r));
			while (!(fn & 1) && fn != 0) {
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
		return refuse(why, "the inclusion proof is too short");
	if (!digest_eq(&r, root))
		return refuse(why, "the inclusion proof does not lead to the "
		    "root");
	return JIT_OK;
}

/* RFC 9162 section 2.1.4.2, with 0 < old < size. */
static enum jit_err
check_growth(uint64_t old, uint64_t size, const struct digest *old_root,
    const struct digest *root, const struct merkle_proof *proof,
    struct jit_why *why)
{
	uint64_t fn = old - 1, sn = size - 1;
	struct digest fr, sr;
	size_t i = 0;

	if (proof->n == 0)
		return refuse(why, "the consistency proof is empty");
	/* A complete old tree is its own first hash. */
	fr = sr = (old & (old - 1)) == 0 ? *old_root : proof->h[i++];
	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	for (; i < proof->n; i++) {
		const struct digest *c = &proof->h[i];

		if (sn == 0)
			return refuse(why, "the consistency proof is too long");
		if ((fn & 1) || fn == sn) {
			JIT_TRY(merkle_node(c, &fr, &fr));
			JIT_TRY(merkle_node(c, &sr, &sr));
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			JIT_TRY(merkle_node(&sr, c, &sr));
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return refuse(why, "the consistency proof is too short");
	if (!digest_eq(&fr, old_root) || !digest_eq(&sr, root))
		return refuse(why, "the logs are not consistent");
	return JIT_OK;
}

enum jit_err
merkle_check_consistency(uint64_t old, uint64_t size,
    const struct digest *old_root, const struct digest *root,
    const struct merkle_proof *proof, struct jit_why *why)
{
	if (old > size)
		return refuse(why, "the log has become shorter");
	if (old == 0)
		return refuse(why, "an empty log is the beginning of any log");
	if (old == size) {
		if (proof->n > 0)
			return refuse(why, "a proof where none is needed");
		if (!digest_eq(old_root, root))
			return refuse(why, "two roots for one size");
		return JIT_OK;
	}
	return check_growth(old, size, old_root, root, proof, why);
}
