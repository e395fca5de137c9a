#include <stdlib.h>
#include <string.h>

#include "ca/grant/receipt.h"

void
receipt_put(struct wr *w, const struct receipt *r)
{
	static const uint8_t none[ENTRY_SALT];

	wr_raw(w, r->e.leaf, sizeof(r->e.leaf));
	wr_u8(w, r->e.erased);
	wr_raw(w, r->e.erased ? none : r->e.salt, ENTRY_SALT);
	wr_string(w, r->e.erased ? SPAN_NONE : r->e.body);
	wr_u8(w, (uint8_t)r->proof.n);
	for (size_t i = 0; i < r->proof.n; i++)
		wr_span(w, DIGEST_SPAN(r->proof.h[i]));
}

static bool
all_zero(const uint8_t salt[static ENTRY_SALT])
{
	static const uint8_t none[ENTRY_SALT];

	return memcmp(salt, none, ENTRY_SALT) == 0;
}

void
receipt_get(struct rd *r, struct receipt *ret)
{
	struct span leaf = rd_raw(r, ENTRY_LEAF);
	uint8_t erased, n;

	*ret = (struct receipt){ 0 };
	erased = rd_u8(r);
	ret->e.erased = erased == 1;
	rd_copy(r, ret->e.salt, sizeof(ret->e.salt));
	ret->e.body = rd_string(r, ENTRY_BODY_MAX);
	n = rd_u8(r);
	if (r->err != JIT_OK || erased > 1 || n > MERKLE_PROOF_MAX ||
	    (erased && (ret->e.body.n > 0 || !all_zero(ret->e.salt))) ||
	    entry_parse_leaf(leaf, &ret->e) != JIT_OK) {
		rd_fail(r);
		return;
	}
	for (ret->proof.n = 0; ret->proof.n < n; ret->proof.n++)
		rd_copy(r, ret->proof.h[ret->proof.n].b, 32);
}

enum jit_err
receipts_get(struct rd *r, struct receipts *ret, struct jit_why *why)
{
	JIT_DONE(receipts_done) struct receipts v = { 0 };
	uint32_t n;

	v.note = rd_string(r, TLOG_NOTE_MAX);
	n = rd_u32(r);
	/* A receipt has at least so many bytes: no length is believed. */
	if (r->err != JIT_OK || n > RECEIPTS_MAX || n > r->n / ENTRY_LEAF)
		return jit_fail(why, JIT_E_FORMAT, "not a list of receipts");
	if (n > 0 && (v.v = calloc(n, sizeof(*v.v))) == NULL)
		return JIT_E_NOMEM;
	for (; v.n < n && r->err == JIT_OK; v.n++)
		receipt_get(r, &v.v[v.n]);
	if (rd_end(r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a list of receipts");
	*ret = v;
	v = (struct receipts){ 0 };
	return JIT_OK;
}

void
receipts_done(struct receipts *r)
{
	free(r->v);
	*r = (struct receipts){ 0 };
}

enum jit_err
receipt_check(const struct receipt *r, const struct checkpoint *c,
    struct jit_why *why)
{
	struct digest leaf;

	JIT_TRY(merkle_leaf(SPAN(r->e.leaf, ENTRY_LEAF), &leaf));
	JIT_TRY(merkle_check(r->e.index, c->size, &leaf, &r->proof, &c->root,
	    why));
	return r->e.erased ? JIT_OK : entry_check_body(&r->e, why);
}
