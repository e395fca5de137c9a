/* One request with all that proves it; at once, or when there is news. */
#include "api/routes/receipts.h"

static void
put_dossier(struct call *c, struct js *j, const struct view_row *row,
    utc_s now, uint64_t policy, const struct receipts *r)
{
	js_open(j, NULL, '{');
	js_utc(j, "now", now);
	js_uint(j, "policy", policy);
	call_put_request(j, "request", c->d, row, now);
	js_receipts(j, r);
	js_close(j, '}');
}

static enum jit_err
write_dossier(struct call *c, const struct receipts *r, utc_s now,
    uint64_t policy, struct js *j, struct jit_why *why)
{
	JIT_DONE(view_row_done) struct view_row row = { .index = 0 };

	/* The policy may have changed while it waited. */
	JIT_TRY(call_row(c, &row, why));
	receipts_known(c->d, r);
	put_dossier(c, j, &row, now, policy, r);
	return JIT_OK;
}

static void
answer_dossier(struct call *c, const struct receipts *r, utc_s now,
    uint64_t policy)
{
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct jit_why why = { 0 };
	enum jit_err e = write_dossier(c, r, now, policy, &j, &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		call_answer(c, 200, &j);
}

/* Long over: the signer has forgotten it, the view knows where it stands. */
static void
proven(struct call *c, const struct answer *ans, size_t n)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	struct rd rd = rd_of(ans[0].payload);
	struct jit_why why = { 0 };
	enum jit_err e = receipts_get(&rd, &r, &why);

	(void)n;
	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		answer_dossier(c, &r, certd_now(c->d), c->d->says.policy_index);
}

static void
ask_old(struct call *c)
{
	JIT_SCOPED(free) struct view_entry *v = NULL;
	uint64_t index[PROTO_PROVE_MAX];
	struct jit_why why = { 0 };
	size_t n = 0;
	enum jit_err e = view_entries(c->d->view, &c->id, &v, &n, &why);

	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	if (n > PROTO_PROVE_MAX)
		n = PROTO_PROVE_MAX;
	for (size_t i = 0; i < n; i++)
		index[i] = v[i].index;
	receipts_prove(c, index, n, proven);
}

static void
shown(struct call *c, const struct answer *ans, size_t n)
{
	JIT_DONE(listing_done) struct listing l = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e = ans[0].err;

	(void)n;
	if (e == JIT_E_UNKNOWN) {
		ask_old(c);
		return;
	}
	if (e != JIT_OK)
		call_fail(c, e, &ans[0].why);
	else if ((e = dossier_answer_get(ans[0].payload, &l, &why)) != JIT_OK)
		call_fail(c, e, &why);
	else
		answer_dossier(c, &l.receipts, l.now, l.policy_index);
}

static void
show(struct call *c)
{
	const struct ask a = { .op = OP_SHOW, .id = c->id };

	call_ask(c, &a, 1, true, shown);
}

void
do_show(struct call *c)
{
	struct jit_why why = { 0 };
	uint64_t since = 0, ms = 0;
	enum jit_err e;

	if ((e = query_uint(&c->query, "since", UINT64_MAX, &since, &why)) !=
	    JIT_OK || (e = query_uint(&c->query, "wait", PROTO_WAIT_MS, &ms,
	    &why)) != JIT_OK || (e = query_end(&c->query, &why)) != JIT_OK)
		call_fail(c, e, &why);
	else
		call_wait(c, since, (uint32_t)ms, show);
}
