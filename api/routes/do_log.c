/* The log: entries with proofs, blocks by digest, whole pages. */
#include <string.h>

#include "api/routes/receipts.h"

#define PAGE_MAX 4096
#define PAGE_USUAL 256

/* ---- entries by index ---- */

static enum jit_err
read_indexes(struct call *c, uint64_t *index, size_t *n,
    struct jit_why *why)
{
	JIT_DONE(body_done) struct body b = { .root = NULL };

	JIT_TRY(body_parse(exchange_body(c->x), &b, why));
	JIT_TRY(body_uints(&b, "indexes", 1, PROTO_PROVE_MAX, index, n, why));
	return body_end(&b, why);
}

/* Of requests only those that one may see; what else is there is all's. */
static enum jit_err
check_index(struct call *c, const struct reader *r, uint64_t index,
    struct jit_why *why)
{
	JIT_DONE(view_row_done) struct view_row row = { .index = 0 };
	enum jit_err e;

	if (index >= view_size(c->d->view))
		return jit_fail(why, JIT_E_ARG, "entry %llu: the log has "
		    "%llu", (unsigned long long)index,
		    (unsigned long long)view_size(c->d->view));
	if (r->all)
		return JIT_OK;
	e = view_about(c->d->view, index, &c->id, why);
	if (e == JIT_E_UNKNOWN)
		return JIT_OK;
	JIT_TRY(e);
	JIT_TRY(view_get(c->d->view, &c->id, &row, why));
	return reader_sees(r, row.requester, row.role) ? JIT_OK : jit_fail(why,
	    JIT_E_FORBIDDEN, "entry %llu is about a request that you may not "
	    "see", (unsigned long long)index);
}

static void
prove(struct call *c)
{
	uint64_t index[PROTO_PROVE_MAX];
	struct jit_why why = { 0 };
	struct reader r;
	size_t n = 0;
	enum jit_err e = read_indexes(c, index, &n, &why);

	if (e == JIT_OK)
		e = call_reader(c, &r, &why);
	for (size_t i = 0; i < n && e == JIT_OK; i++)
		e = check_index(c, &r, index[i], &why);
	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		receipts_prove(c, index, n, receipts_ok);
}

void
do_prove(struct call *c)
{
	call_when_known(c, prove);
}

/* ---- blocks by digest ---- */

static enum jit_err
read_digests(struct call *c, struct wr *w, uint32_t *count,
    struct jit_why *why)
{
	JIT_DONE(body_done) struct body b = { .root = NULL };
	JIT_SCOPED(free) struct buf *v = calloc(PROTO_PROVE_MAX, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(body_parse(exchange_body(c->x), &b, why));
	JIT_TRY(body_b64s(&b, "digests", 1, PROTO_PROVE_MAX, 32, v, &n, why));
	for (size_t i = 0; i < n; i++) {
		if (v[i].n != 32)
			(void)jit_fail(why, JIT_E_FORMAT, "\"digests\": 32 "
			    "bytes each are accepted, found %zu", v[i].n);
		if (v[i].n != 32)
			wr_fail(w, JIT_E_FORMAT);
		wr_span(w, BUF_SPAN(v[i]));
		buf_done(&v[i]);
	}
	*count = (uint32_t)n;
	JIT_TRY(w->err);
	return body_end(&b, why);
}

void
do_blobs(struct call *c)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_PROVE_MAX * 32);
	struct ask a = { .op = OP_BLOBS };
	struct jit_why why = { 0 };
	enum jit_err e = read_digests(c, &w, &a.count, &why);

	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	a.items = wr_view(&w);
	call_ask(c, &a, 1, false, receipts_ok);
}

/* ---- pages ---- */

static void
got_entries(struct call *c, const struct answer *ans, size_t n)
{
	struct js j = JS_INIT;
	struct jit_why why = { 0 };
	struct page p;
	struct entry entry;
	enum jit_err e = page_get(ans[0].payload, &p, &why);

	(void)n;
	js_open(&j, NULL, '{');
	js_text(&j, "note", e == JIT_OK ? p.note : SPAN_NONE);
	js_uint(&j, "first", c->number);
	js_open(&j, "entries", '[');
	for (uint32_t i = 0; e == JIT_OK && i < p.count; i++) {
		e = page_next(&p, &entry, &why);
		if (e == JIT_OK)
			js_entry(&j, NULL, &entry);
	}
	js_close(&j, ']');
	js_close(&j, '}');
	if (e == JIT_OK) {
		call_answer(c, 200, &j);
		return;
	}
	js_done(&j);
	call_fail(c, e, &why);
}

void
do_entries(struct call *c)
{
	struct jit_why why = { 0 };
	uint64_t max = PAGE_USUAL;
	enum jit_err e;

	if ((e = query_uint(&c->query, "first", UINT64_MAX, &c->number,
	    &why)) == JIT_OK &&
	    (e = query_uint(&c->query, "limit", PAGE_MAX, &max, &why)) ==
	    JIT_OK && max == 0)
		e = jit_fail(&why, JIT_E_FORMAT, "\"limit\": 1 to %d is "
		    "accepted", PAGE_MAX);
	if (e != JIT_OK || (e = query_end(&c->query, &why)) != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	call_ask(c, &(const struct ask){ .op = OP_ENTRIES,
	    .from = c->number, .max = (uint32_t)max }, 1, false, got_entries);
}
