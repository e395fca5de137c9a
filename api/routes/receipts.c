#include "api/routes/receipts.h"

void
receipts_known(struct certd *d, const struct receipts *r)
{
	for (size_t i = 0; i < r->n; i++)
		follow_known(d, r->v[i].e.index + 1);
}

void
receipts_answer(struct call *c, unsigned status, const struct answer *a)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	struct rd rd = rd_of(a->payload);
	struct jit_why why = { 0 };
	struct js j = JS_INIT;
	enum jit_err e = receipts_get(&rd, &r, &why);

	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	receipts_known(c->d, &r);
	js_open(&j, NULL, '{');
	if (r.n > 0) {
		js_uint(&j, "index", r.v[0].e.index);
		js_utc(&j, "time", r.v[0].e.time);
	}
	js_receipts(&j, &r);
	js_close(&j, '}');
	call_answer(c, status, &j);
}

void
receipts_ok(struct call *c, const struct answer *ans, size_t n)
{
	(void)n;
	receipts_answer(c, 200, &ans[0]);
}

void
receipts_created(struct call *c, const struct answer *ans, size_t n)
{
	(void)n;
	receipts_answer(c, 201, &ans[0]);
}

void
receipts_prove(struct call *c, const uint64_t *index, size_t n,
    call_answers *then)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_PROVE_MAX * 8);
	struct ask a = { .op = OP_PROVE, .count = (uint32_t)n };

	for (size_t i = 0; i < n; i++)
		wr_u64(&w, index[i]);
	if (w.err != JIT_OK) {
		call_fail(c, w.err, NULL);
		return;
	}
	a.items = wr_view(&w);
	call_ask(c, &a, 1, false, then);
}
