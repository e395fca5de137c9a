#include <string.h>

#include "ca/tlog/entry.h"

static const char magic[4] = { 'j', 'i', 't', '1' };

const char *
entry_type_name(uint8_t type)
{
	switch (type) {
#define X(NAME, value, wire) case (value): return (wire);
#include "ca/tlog/entry.def"
#undef X
	default:
		return NULL;
	}
}

static void
put_u64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
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
	struct digest d;

	if (entry_type_name(e->type) == NULL || e->time < 0)
		return JIT_E_ARG;
	if (e->erased)
		return JIT_E_ERASED;
	if (e->body.n > ENTRY_BODY_MAX)
		return JIT_E_SIZE;
	JIT_TRY(body_digest(e, &d));
	memcpy(e->leaf, magic, 4);
	e->leaf[4] = e->type;
	put_u64(e->leaf + 5, (uint64_t)e->time);
	put_u64(e->leaf + 13, e->index);
	memcpy(e->leaf + 21, d.b, 32);
	return JIT_OK;
}

enum jit_err
entry_parse_leaf(struct span leaf, struct entry *ret)
{
	struct rd r = rd_of(leaf);
	struct span m = rd_raw(&r, sizeof(magic));
	uint8_t type = rd_u8(&r);
	uint64_t time = rd_u64(&r), index = rd_u64(&r);

	(void)rd_raw(&r, 32);
	JIT_TRY(rd_end(&r));
	if (!span_eq(m, SPAN(magic, 4)) || entry_type_name(type) == NULL ||
	    time > INT64_MAX)
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
		return jit_fail(why, JIT_E_ERASED,
		    "the body of entry %llu was erased",
		    (unsigned long long)e->index);
	JIT_TRY(body_digest(e, &d));
	if (memcmp(d.b, e->leaf + 21, 32) != 0)
		return jit_fail(why, JIT_E_VERIFY,
		    "the body of entry %llu is not the one that its leaf holds",
		    (unsigned long long)e->index);
	return JIT_OK;
}
