#include <string.h>

#include "ca/tlog/entry.h"

const char *
entry_type_name(uint8_t type)
{
	switch (type) {
#define X(NAME, value, wire) case (value): return (wire);
#include "ca/tlog/entry.def"
#undef X
	default: return NULL;
	}
}

static enum jit_err
body_digest(const struct entry *e, struct digest *ret)
{
	const struct span s[] = { SPAN(e->salt, ENTRY_SALT), e->body };

	return digest_sha256v(s, 2, ret);
}

enum jit_err
entry_seal(struct entry *e)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_LEAF);
	struct digest d;

	if (entry_type_name(e->type) == NULL || e->time < 0 ||
	    e->time > UTC_MAX || e->body.n > ENTRY_BODY_MAX)
		return JIT_E_ARG;
	JIT_TRY(body_digest(e, &d));
	wr_str(&w, "jit1");
	wr_u8(&w, e->type);
	wr_u64(&w, (uint64_t)e->time);
	wr_u64(&w, e->index);
	wr_span(&w, DIGEST_SPAN(d));
	JIT_TRY(w.err);
	memcpy(e->leaf, w.p, ENTRY_LEAF);
	return JIT_OK;
}

enum jit_err
entry_parse_leaf(struct span leaf, struct entry *ret)
{
	struct rd r = rd_of(leaf);
	struct span magic = rd_raw(&r, 4);
	uint8_t type = rd_u8(&r);
	uint64_t time = rd_u64(&r), index = rd_u64(&r);

	(void)rd_raw(&r, 32);
	if (rd_end(&r) != JIT_OK || !span_eq_str(magic, "jit1") ||
	    entry_type_name(type) == NULL || time > (uint64_t)UTC_MAX)
		return JIT_E_FORMAT;
	ret->type = type;
	ret->time = (utc_s)time;
	ret->index = index;
	memcpy(ret->leaf, leaf.p, ENTRY_LEAF);
	return JIT_OK;
}

enum jit_err
entry_check_body(const struct entry *e, struct jit_why *why)
{
	struct digest d;

	if (e->erased)
		return jit_fail(why, JIT_E_ERASED, "the body of entry %llu was "
		    "erased", (unsigned long long)e->index);
	JIT_TRY(body_digest(e, &d));
	if (!span_eq(DIGEST_SPAN(d), SPAN(e->leaf + ENTRY_LEAF - 32, 32)))
		return jit_fail(why, JIT_E_VERIFY, "the body of entry %llu is "
		    "not the one that its leaf holds",
		    (unsigned long long)e->index);
	return JIT_OK;
}
