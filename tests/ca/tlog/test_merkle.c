/* merkle: RFC 6962's own values, other people's proofs, and brute force. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/tlog/merkle.h"
#include "tests/lib/json.h"

/* The RFC's example: eight leaves, and the first bytes of the roots. */
static void
rfc_roots(void **state)
{
	static const char *const leaves[8] = { "", "00", "10", "2021", "3031",
	    "40414243", "5051525354555657",
	    "606162636465666768696a6b6c6d6e6f" };
	static const char *const roots[8] = { "6e340b9c", "fac54203",
	    "aeb6bcfe", "d37ee418", "4e3bbb1f", "76e67dad", "ddb89be4",
	    "5dc9da79" };
	struct merkle_edge e;
	struct digest d;
	char hex[65];

	(void)state;
	merkle_edge_init(&e);
	JT_OK(merkle_edge_root(&e, &d));
	hex_text(DIGEST_SPAN(d), hex);
	assert_memory_equal(hex, "e3b0c442", 8);
	for (int i = 0; i < 8; i++) {
		JIT_DONE(buf_done) struct buf b = jt_hex(leaves[i]);

		JT_OK(merkle_leaf(BUF_SPAN(b), &d));
		JT_OK(merkle_edge_add(&e, &d));
		JT_OK(merkle_edge_root(&e, &d));
		hex_text(DIGEST_SPAN(d), hex);
		assert_memory_equal(hex, roots[i], 8);
	}
}

/* ---- the vectors of transparency-dev/merkle ---- */

static bool
get_hash(const char *b64, struct digest *ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

	memset(ret, 0, sizeof(*ret));
	if (b64_get(span_str(b64), &w) != JIT_OK || w.n != 32)
		return false;
	memcpy(ret->b, w.p, 32);
	return true;
}

/*
 * Some roots there are words, "don't care": their SHA-256 stands for them,
 * so that equal ones stay equal and others differ.
 */
static void
get_root(const char *b64, struct digest *ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

	if (get_hash(b64, ret))
		return;
	JT_OK(b64_get(span_str(b64), &w));
	JT_OK(digest_sha256(wr_view(&w), ret));
}

/* False when a hash has another length: our type cannot hold it. */
static bool
get_proof(json_t *o, struct merkle_proof *p)
{
	json_t *list = json_object_get(o, "proof"), *v;
	size_t i;

	p->n = 0;
	json_array_foreach(list, i, v)
		if (i >= MERKLE_PROOF_MAX ||
		    !get_hash(json_string_value(v), &p->h[p->n++]))
			return false;
	return true;
}

static bool
inclusion_holds(json_t *o)
{
	struct merkle_proof p;
	struct digest leaf, root;

	return get_hash(jt_json_str(o, "leafHash"), &leaf) &&
	    get_hash(jt_json_str(o, "root"), &root) && get_proof(o, &p) &&
	    merkle_check(jt_json_uint(o, "leafIdx"), jt_json_uint(o, "treeSize"),
	    &leaf, &p, &root, NULL) == JIT_OK;
}

static bool
consistency_holds(json_t *o)
{
	struct merkle_proof p;
	struct digest r1, r2;
	uint64_t n1 = jt_json_uint(o, "size1");

	get_root(jt_json_str(o, "root1"), &r1);
	get_root(jt_json_str(o, "root2"), &r2);
	return get_proof(o, &p) &&
	    merkle_check_consistency(n1, jt_json_uint(o, "size2"), &r1, &r2, &p,
	    NULL) == JIT_OK;
}

static unsigned files;

static void
walk(const char *dir, bool (*holds)(json_t *))
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[4096];

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%.2000s/%s", dir,
		    e->d_name);
		if (strstr(e->d_name, ".json") == NULL) {
			walk(path, holds);
			continue;
		}
		json_t *o = jt_json(path);
		bool want = !json_is_true(json_object_get(o, "wantErr"));

		if (holds(o) != want) {
			print_error("%s: want %s\n", path,
			    want ? "ok" : "an error");
			fail();
		}
		json_decref(o);
		files++;
	}
	(void)closedir(d);
}

static void
vectors(void **state)
{
	(void)state;
	walk(jt_vectors("merkle/inclusion"), inclusion_holds);
	walk(jt_vectors("merkle/consistency"), consistency_holds);
	assert_true(files > 150);
}

/* ---- brute force ---- */

#define LEAVES 130u
static struct digest leaf[LEAVES];

/* Every complete subtree, each made once from the two below it. */
static struct digest tree[8][LEAVES];

static void
grow_tree(void)
{
	memcpy(tree[0], leaf, sizeof(leaf));
	for (unsigned l = 1; l < 8; l++)
		for (size_t i = 0; i < LEAVES >> l; i++)
			JT_OK(merkle_node(&tree[l - 1][2 * i],
			    &tree[l - 1][2 * i + 1], &tree[l][i]));
}

static enum jit_err
from_tree(void *ctx, unsigned level, uint64_t index, struct digest *ret)
{
	(void)ctx;
	assert_true(level < 8 && index < LEAVES >> level);
	*ret = tree[level][index];
	return JIT_OK;
}

/*
 * Another size with its own root is another checkpoint.  With this root it
 * is refused too where the path would be of another length; where it is not
 * (index 0 of 3 and of 4), only the checkpoint's signature binds the size.
 */
static void
wrong_size(const struct merkle_source *src, uint64_t i, uint64_t n,
    uint64_t other, const struct merkle_proof *p, const struct digest *roots)
{
	struct merkle_proof q;

	if (other > LEAVES || i >= other)
		return;
	JT_ERR(merkle_check(i, other, &leaf[i], p, &roots[other], NULL),
	    JIT_E_VERIFY);
	JT_OK(merkle_prove(src, i, other, &q));
	if (q.n != p->n)
		JT_ERR(merkle_check(i, other, &leaf[i], p, &roots[n], NULL),
		    JIT_E_VERIFY);
}

/* Flipped, one hash fewer, one more: no longer consistent. */
static void
wrong_growth(uint64_t old, uint64_t n, struct merkle_proof *p,
    const struct digest *roots)
{
	for (size_t k = 0; k < p->n; k++) {
		p->h[k].b[k % 32] ^= 1;
		JT_ERR(merkle_check_consistency(old, n, &roots[old], &roots[n],
		    p, NULL), JIT_E_VERIFY);
		p->h[k].b[k % 32] ^= 1;
	}
	p->h[p->n++] = leaf[0];
	JT_ERR(merkle_check_consistency(old, n, &roots[old], &roots[n], p,
	    NULL), JIT_E_VERIFY);
	p->n--;
	if (p->n == 0)
		return;
	p->n--;
	JT_ERR(merkle_check_consistency(old, n, &roots[old], &roots[n], p,
	    NULL), JIT_E_VERIFY);
}

static void
check_size(uint64_t n, const struct digest *roots)
{
	static const struct merkle_source src = { from_tree, NULL };
	struct merkle_proof p;
	struct digest root;

	JT_OK(merkle_root(&src, n, &root));
	assert_true(digest_eq(&root, &roots[n]));
	for (uint64_t i = 0; i < n; i++) {
		JT_OK(merkle_prove(&src, i, n, &p));
		JT_OK(merkle_check(i, n, &leaf[i], &p, &root, NULL));
		/* Case 93: the proof of one entry is none of another. */
		JT_ERR(merkle_check(i, n, &leaf[(i + 1) % LEAVES], &p, &root,
		    NULL), JIT_E_VERIFY);
		if (n > 1)
			JT_ERR(merkle_check((i + 1) % n, n, &leaf[i], &p,
			    &root, NULL), JIT_E_VERIFY);
		for (size_t k = 0; k < p.n; k++) {
			p.h[k].b[k % 32] ^= 1;
			JT_ERR(merkle_check(i, n, &leaf[i], &p, &root, NULL),
			    JIT_E_VERIFY);
			p.h[k].b[k % 32] ^= 1;
		}
		wrong_size(&src, i, n, n - 1, &p, roots);
		wrong_size(&src, i, n, n + 1, &p, roots);
		wrong_size(&src, i, n, 2 * n, &p, roots);
	}
	for (uint64_t old = 1; old <= n; old++) {
		JT_OK(merkle_prove_consistency(&src, old, n, &p));
		JT_OK(merkle_check_consistency(old, n, &roots[old], &root, &p,
		    NULL));
		if (old < n)
			JT_ERR(merkle_check_consistency(old, n, &roots[old - 1],
			    &root, &p, NULL), JIT_E_VERIFY);
		JT_ERR(merkle_check_consistency(old, n, &roots[old],
		    &roots[n - 1], &p, NULL), JIT_E_VERIFY);
		wrong_growth(old, n, &p, roots);
	}
	JT_ERR(merkle_prove(&src, n, n, &p), JIT_E_ARG);
	JT_ERR(merkle_prove_consistency(&src, n + 1, n, &p), JIT_E_ARG);
	JT_ERR(merkle_prove_consistency(&src, 0, n, &p), JIT_E_ARG);
}

static void
brute_force(void **state)
{
	struct digest roots[LEAVES + 1];
	struct merkle_edge e;

	(void)state;
	merkle_edge_init(&e);
	JT_OK(merkle_edge_root(&e, &roots[0]));
	for (uint64_t i = 0; i < LEAVES; i++) {
		JT_OK(merkle_leaf(SPAN(&i, sizeof(i)), &leaf[i]));
		JT_OK(merkle_edge_add(&e, &leaf[i]));
		JT_OK(merkle_edge_root(&e, &roots[i + 1]));
	}
	grow_tree();
	for (uint64_t n = 1; n <= LEAVES; n++)
		check_size(n, roots);
}

int
main(void)
{
	return jt_one("RFC 6962's roots", rfc_roots) +
	    jt_one("brute force", brute_force) +
	    jt_one("vectors of transparency-dev/merkle", vectors);
}
