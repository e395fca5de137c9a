#include <string.h>

#include "signer/journal_batch.h"

static const char seg_magic[8] = "jitseg1\n";
static const char bat_magic[8] = "jitbat1\n";

enum jit_err
segment_put_header(struct wr *w, uint64_t first, const struct digest *before,
    const char *origin)
{
	size_t at = w->n;
	struct digest d;

	wr_raw(w, seg_magic, sizeof(seg_magic));
	wr_u64(w, first);
	wr_span(w, DIGEST_SPAN(*before));
	wr_cstring(w, origin);
	JIT_TRY(w->err);
	JIT_TRY(digest_sha256(SPAN(w->p + at, w->n - at), &d));
	wr_span(w, DIGEST_SPAN(d));
	return w->err;
}

enum jit_err
segment_get_header(struct span s, const char *origin, uint64_t *first,
    struct digest *before, size_t *n)
{
	struct rd r = rd_of(s);
	struct span magic = rd_raw(&r, sizeof(seg_magic)), name, sum;
	uint64_t index = rd_u64(&r);
	struct digest d, prev;

	rd_copy(&r, prev.b, sizeof(prev.b));
	name = rd_string(&r, TLOG_ORIGIN_MAX);
	if (r.err != JIT_OK)
		return JIT_E_FORMAT;
	JIT_TRY(digest_sha256(SPAN(s.p, (size_t)(r.p - s.p)), &d));
	sum = rd_raw(&r, 32);
	if (r.err != JIT_OK || !span_eq(sum, DIGEST_SPAN(d)) ||
	    !span_eq(magic, SPAN(seg_magic, sizeof(seg_magic))))
		return JIT_E_FORMAT;
	if (!span_eq_str(name, origin))
		return JIT_E_LOGNAME;
	*first = index;
	*before = prev;
	*n = (size_t)(r.p - s.p);
	return JIT_OK;
}

uint32_t
batch_length(struct span prefix)
{
	struct rd r = rd_of(prefix);
	struct span magic = rd_raw(&r, sizeof(bat_magic));
	uint32_t n = rd_u32(&r);

	return span_eq(magic, SPAN(bat_magic, sizeof(bat_magic))) &&
	    n >= BATCH_PREFIX ? n : 0;
}

/* The length is known when the bodies have been counted. */
static void
put_length(struct wr *w, size_t at, size_t n)
{
	for (unsigned i = 0; i < 4; i++)
		w->p[at + i] = (uint8_t)(n >> (8 * (3 - i)));
}

enum jit_err
batch_put(struct wr *w, const struct entry *e, size_t n, struct span note,
    const struct digest *before, struct digest *hash)
{
	size_t at = w->n, total = 0;

	wr_raw(w, bat_magic, sizeof(bat_magic));
	wr_u32(w, 0);
	wr_u64(w, e[0].index);
	wr_u32(w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wr_raw(w, e[i].leaf, ENTRY_LEAF);
	for (size_t i = 0; i < n; i++) {
		wr_u32(w, (uint32_t)e[i].body.n);
		total += 1 + ENTRY_SALT + e[i].body.n;
	}
	wr_string(w, note);
	wr_span(w, DIGEST_SPAN(*before));
	JIT_TRY(w->err);
	put_length(w, at + sizeof(bat_magic), w->n - at + 32 + total);
	JIT_TRY(digest_sha256(SPAN(w->p + at, w->n - at), hash));
	wr_span(w, DIGEST_SPAN(*hash));
	for (size_t i = 0; i < n; i++) {
		wr_u8(w, 0);
		wr_raw(w, e[i].salt, ENTRY_SALT);
		wr_span(w, e[i].body);
	}
	return w->err;
}

enum jit_err
batch_get(struct span s, struct batch *ret)
{
	struct rd r = rd_of(s);
	struct batch b = { .size = batch_length(s) };
	struct span sum, magic = rd_raw(&r, sizeof(bat_magic) + 4);

	b.first = rd_u64(&r);
	b.count = rd_u32(&r);
	if (b.size == 0 || b.size > s.n || magic.n == 0 || b.count == 0 ||
	    b.count > JOURNAL_BATCH_MAX)
		return JIT_E_FORMAT;
	b.leaves = rd_raw(&r, (size_t)b.count * ENTRY_LEAF);
	b.lengths = rd_raw(&r, (size_t)b.count * 4);
	b.note = rd_string(&r, TLOG_NOTE_MAX);
	rd_copy(&r, b.before.b, sizeof(b.before.b));
	if (r.err != JIT_OK)
		return JIT_E_FORMAT;
	JIT_TRY(digest_sha256(SPAN(s.p, (size_t)(r.p - s.p)), &b.hash));
	sum = rd_raw(&r, 32);
	if (r.err != JIT_OK || !span_eq(sum, DIGEST_SPAN(b.hash)) ||
	    (size_t)(r.p - s.p) > b.size)
		return JIT_E_FORMAT;
	b.bodies = SPAN(r.p, b.size - (size_t)(r.p - s.p));
	*ret = b;
	return JIT_OK;
}

bool
batch_prefix(struct span prefix, uint64_t *first, uint32_t *count)
{
	struct rd r = rd_of(prefix);

	(void)rd_raw(&r, sizeof(bat_magic) + 4);
	*first = rd_u64(&r);
	*count = rd_u32(&r);
	return r.err == JIT_OK && batch_length(prefix) != 0 && *count > 0 &&
	    *count <= JOURNAL_BATCH_MAX;
}

utc_s
batch_time(const struct batch *b, uint32_t i)
{
	struct rd r = rd_of(SPAN(b->leaves.p + (size_t)i * ENTRY_LEAF,
	    ENTRY_LEAF));

	(void)rd_raw(&r, 5);
	return (utc_s)rd_u64(&r);
}

enum jit_err
batch_entry(const struct batch *b, uint32_t i, size_t *at, struct entry *ret)
{
	struct rd len = rd_of(SPAN(b->lengths.p + 4 * (size_t)i, 4));
	struct rd r = rd_of(SPAN(b->bodies.p + *at, b->bodies.n - *at));
	uint8_t flag = rd_u8(&r);

	*ret = (struct entry){ .erased = flag == 1 };
	if (entry_parse_leaf(SPAN(b->leaves.p + (size_t)i * ENTRY_LEAF,
	    ENTRY_LEAF), ret) != JIT_OK || ret->index != b->first + i)
		return JIT_E_DAMAGE;
	rd_copy(&r, ret->salt, ENTRY_SALT);
	ret->body = rd_raw(&r, rd_u32(&len));
	if (r.err != JIT_OK || flag > 1)
		return JIT_E_FORMAT;
	*at = (size_t)(r.p - b->bodies.p);
	return JIT_OK;
}

enum jit_err
batch_settle(struct entry *e)
{
	bool marked = e->erased;
	enum jit_err err;

	e->erased = false;
	err = entry_check_body(e, NULL);
	if (err != JIT_E_VERIFY)
		return err;
	if (!marked)
		return JIT_E_FORMAT;
	/*
	 * The flag is durable before the zeros are written: what is left
	 * behind it is a part of a body, and nobody's any more.
	 */
	e->erased = true;
	e->body = SPAN_NONE;
	memset(e->salt, 0, sizeof(e->salt));
	return JIT_OK;
}
