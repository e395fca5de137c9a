/*
 * merkle: the roots of RFC 6962, the vectors of the transparency-dev
 * project, and every proof of every small tree against the definition.
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/tlog/merkle.h"
#include "tests/lib/jt.h"

#define N 131

static struct digest leaf[N];

/* The root of n leaves from a on, straight from the definition. */
static struct digest
brute(const struct digest *l, size_t a, size_t n)
{
	struct digest x, y, r;
	size_t k = 1;

	if (n == 0) {
		JT_OK(merkle_empty(&r));
		return r;
	}
	if (n == 1)
		return l[a];
	while (k * 2 < n)
		k *= 2;
	x = brute(l, a, k);
	y = brute(l, a + k, n - k);
	JT_OK(merkle_node(&x, &y, &r));
	return r;
}

static enum jit_err
from_leaves(void *ctx, unsigned level, uint64_t index, struct digest *ret)
{
	const uint64_t *size = ctx;

	assert_true((index + 1) << level <= *size);
	*ret = brute(leaf, index << level, (size_t)1 << level);
	return JIT_OK;
}

struct root { const char *name, *input, *hex; };
static const struct root rfc[] = {
	{ "1", "", "6e340b9c" },
	{ "2", "00", "fac54203" },
	{ "3", "10", "aeb6bcfe" },
	{ "4", "2021", "d37ee418" },
	{ "5", "3031", "4e3bbb1f" },
	{ "6", "40414243", "76e67dad" },
	{ "7", "5051525354555657", "ddb89be4" },
	{ "8", "606162636465666768696a6b6c6d6e6f", "5dc9da79" },
};

static void
rfc_root(void **state)
{
	const struct root *r = *state;
	struct merkle_edge e;
	struct digest h;
	char hex[65];

	merkle_edge_init(&e);
	for (const struct root *p = rfc; p <= r; p++) {
		uint8_t b[16];
		size_t n = strlen(p->input) / 2;

		JT_OK(hex_parse(span_str(p->input), b, n));
		JT_OK(merkle_leaf(SPAN(b, n), &h));
		JT_OK(merkle_edge_add(&e, &h));
	}
	JT_OK(merkle_edge_root(&e, &h));
	hex_text(DIGEST_SPAN(h), hex);
	hex[8] = '\0';
	assert_string_equal(hex, r->hex);
}

static void
empty_root(void **state)
{
	struct merkle_edge e;
	struct digest h;
	char hex[65];

	(void)state;
	merkle_edge_init(&e);
	JT_OK(merkle_edge_root(&e, &h));
	hex_text(DIGEST_SPAN(h), hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
}

static struct merkle_source
source_of(uint64_t *size)
{
	return (struct merkle_source){ from_leaves, size };
}

static void
edge_and_root(void **state)
{
	struct merkle_edge e;

	(void)state;
	merkle_edge_init(&e);
	for (uint64_t n = 1; n <= N; n++) {
		struct digest want = brute(leaf, 0, n), a, b;
		struct merkle_source s = source_of(&n);

		JT_OK(merkle_edge_add(&e, &leaf[n - 1]));
		JT_OK(merkle_edge_root(&e, &a));
		JT_OK(merkle_root(&s, n, &b));
		assert_true(digest_eq(&a, &want) && digest_eq(&b, &want));
	}
}

/* Each index of each size: holds, and for no other leaf or index. */
static void
inclusion(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= N; n++) {
		struct digest root = brute(leaf, 0, n);
		struct merkle_source s = source_of(&n);

		for (uint64_t i = 0; i < n; i++) {
			struct merkle_proof p, q;
			uint64_t o = (i + 1) % n;

			JT_OK(merkle_prove(&s, i, n, &p));
			JT_OK(merkle_check(i, n, &leaf[i], &p, &root, NULL));
			/* case 93: this entry, not just any. */
			if (n > 1) {
				JT_ERR(merkle_check(i, n, &leaf[o], &p, &root,
				    NULL), JIT_E_VERIFY);
				JT_ERR(merkle_check(o, n, &leaf[i], &p, &root,
				    NULL), JIT_E_VERIFY);
			}
			q = p;
			q.h[q.n++] = root;
			JT_ERR(merkle_check(i, n, &leaf[i], &q, &root, NULL),
			    JIT_E_VERIFY);
			if (p.n == 0)
				continue;
			q = p;
			q.n--;
			JT_ERR(merkle_check(i, n, &leaf[i], &q, &root, NULL),
			    JIT_E_VERIFY);
			q = p;
			q.h[i % q.n].b[i % 32] ^= 1;
			JT_ERR(merkle_check(i, n, &leaf[i], &q, &root, NULL),
			    JIT_E_VERIFY);
		}
		JT_ERR(merkle_prove(&s, n, n, &(struct merkle_proof){ 0 }),
		    JIT_E_ARG);
	}
}

static void
one_consistency(uint64_t m, uint64_t n, const struct digest *roots)
{
	const struct digest *a = &roots[m], *b = &roots[n];
	struct merkle_source s = source_of(&n);
	struct merkle_proof p, q;

	JT_OK(merkle_prove_consistency(&s, m, n, &p));
	JT_OK(merkle_check_consistency(m, n, a, b, &p, NULL));
	if (m == n) {
		assert_int_equal(p.n, 0);
		return;
	}
	JT_ERR(merkle_check_consistency(m, n, b, a, &p, NULL), JIT_E_VERIFY);
	JT_ERR(merkle_check_consistency(n, m, b, a, &p, NULL), JIT_E_VERIFY);
	q = p;
	q.h[m % q.n].b[n % 32] ^= 0x10;
	JT_ERR(merkle_check_consistency(m, n, a, b, &q, NULL), JIT_E_VERIFY);
	q = p;
	q.n--;
	JT_ERR(merkle_check_consistency(m, n, a, b, &q, NULL), JIT_E_VERIFY);
	q = p;
	q.h[q.n++] = *a;
	JT_ERR(merkle_check_consistency(m, n, a, b, &q, NULL), JIT_E_VERIFY);
}

static void
consistency(void **state)
{
	static struct digest roots[N + 1];
	struct merkle_proof p;
	uint64_t n = 5;
	struct merkle_source s = source_of(&n);

	(void)state;
	for (size_t i = 0; i <= N; i++)
		roots[i] = brute(leaf, 0, i);
	for (n = 1; n <= N; n++)
		for (uint64_t m = 1; m <= n; m++)
			one_consistency(m, n, roots);
	JT_ERR(merkle_prove_consistency(&s, 0, 5, &p), JIT_E_ARG);
	JT_ERR(merkle_prove_consistency(&s, 6, 5, &p), JIT_E_ARG);
}

/* ---- vectors ---- */

static bool
get_digest(const json_t *j, struct digest *ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(64);
	const char *s = json_string_value(j);

	if (s == NULL || b64_get(span_str(s), &w) != JIT_OK || w.n != 32)
		return false;
	memcpy(ret->b, w.p, 32);
	return true;
}

static bool
get_proof(const json_t *j, struct merkle_proof *ret)
{
	ret->n = json_array_size(j);
	if (ret->n > MERKLE_PROOF_MAX)
		return false;
	for (size_t i = 0; i < ret->n; i++)
		if (!get_digest(json_array_get(j, i), &ret->h[i]))
			return false;
	return true;
}

static uint64_t
get_u64(const json_t *j, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(j, name));
}

static bool
vector_holds(const json_t *j)
{
	struct digest a, b;
	struct merkle_proof p;
	bool incl = json_object_get(j, "leafIdx") != NULL;

	if (!get_digest(json_object_get(j, incl ? "leafHash" : "root1"), &a) ||
	    !get_digest(json_object_get(j, incl ? "root" : "root2"), &b) ||
	    !get_proof(json_object_get(j, "proof"), &p))
		return false;
	if (incl)
		return merkle_check(get_u64(j, "leafIdx"),
		    get_u64(j, "treeSize"), &a, &p, &b, NULL) == JIT_OK;
	return merkle_check_consistency(get_u64(j, "size1"),
	    get_u64(j, "size2"), &a, &b, &p, NULL) == JIT_OK;
}

static unsigned seen, good;

static int
one_vector(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	size_t n = strlen(path);
	json_error_t e;
	json_t *j;
	bool want;

	(void)st;
	(void)f;
	if (flag != FTW_F || n < 5 || strcmp(path + n - 5, ".json") != 0)
		return 0;
	j = json_load_file(path, 0, &e);
	if (j == NULL)
		fail_msg("%s: %s", path, e.text);
	want = !json_is_true(json_object_get(j, "wantErr"));
	if (vector_holds(j) != want)
		fail_msg("%s: %s", path,
		    json_string_value(json_object_get(j, "desc")));
	json_decref(j);
	seen++;
	good += want;
	return 0;
}

struct dir { const char *name; };
static const struct dir dirs[] = {
	{ "merkle/inclusion" }, { "merkle/consistency" },
};

static void
vectors(void **state)
{
	const struct dir *d = *state;

	seen = good = 0;
	assert_int_equal(nftw(jt_vectors(d->name), one_vector, 16, FTW_PHYS),
	    0);
	assert_true(seen > 50 && good > 0 && good < seen);
	print_message("%u vectors, %u of them hold\n", seen, good);
}

int
main(void)
{
	for (unsigned i = 0; i < N; i++) {
		uint8_t b[2] = { (uint8_t)i, 'x' };

		if (merkle_leaf(SPAN(b, 2), &leaf[i]) != JIT_OK)
			return 1;
	}
	return JT_ROWS("roots of RFC 6962", rfc_root, rfc) +
	    jt_one("the empty tree", empty_root) +
	    jt_one("edge and root", edge_and_root) +
	    jt_one("inclusion, all", inclusion) +
	    jt_one("consistency, all", consistency) +
	    JT_ROWS("vectors", vectors, dirs);
}
