/* Requests that one may see: a page of the view, with proofs or without. */
#include "api/routes/receipts.h"

#define PAGE_USUAL 50
#define PAGE_MAX 256
#define TEXT_MAX 64
/* What the signer puts into one answer, with room for its paths. */
#define PROOF_BYTES (PROTO_PAGE - 65536u)
#define PROOF_OVERHEAD 1200u		/* leaf, salt, lengths, a long path */

static const char *const states[] = { "all", "current", "pending", "live",
    "over", NULL };
static const char *const orders[] = { "oldest", "newest", NULL };

/* ---- what is asked ---- */

static enum jit_err
read_name(struct call *c, const char *name, struct span *ret,
    struct jit_why *why)
{
	JIT_TRY(query_text(&c->query, name, 32, ret, why));
	return ret->p == NULL || text_is_name(*ret) ? JIT_OK : jit_fail(why,
	    JIT_E_FORMAT, "\"%s\": a name is accepted", name);
}

static enum jit_err
read_place(struct call *c, struct view_query *q, struct jit_why *why)
{
	uint64_t max = PAGE_USUAL, after = UINT64_MAX;
	unsigned order = 0;

	JIT_TRY(query_word(&c->query, "order", orders, &order, why));
	JIT_TRY(query_uint(&c->query, "after", UINT64_MAX - 1, &after, why));
	JIT_TRY(query_uint(&c->query, "limit", PAGE_MAX, &max, why));
	if (max == 0)
		return jit_fail(why, JIT_E_FORMAT, "\"limit\": 1 to %d is "
		    "accepted", PAGE_MAX);
	q->newest_first = order == 1;
	q->has_after = after != UINT64_MAX;
	q->after = after;
	q->max = max;
	return JIT_OK;
}

static enum jit_err
read_query(struct call *c, struct view_query *q, bool *proofs,
    struct jit_why *why)
{
	unsigned state = 0;

	JIT_TRY(query_word(&c->query, "state", states, &state, why));
	q->state = (enum view_state)state;
	JIT_TRY(read_name(c, "requester", &q->requester, why));
	JIT_TRY(read_name(c, "role", &q->role, why));
	JIT_TRY(query_text(&c->query, "text", TEXT_MAX, &q->text, why));
	JIT_TRY(query_utc(&c->query, "since", &q->since, why));
	JIT_TRY(query_utc(&c->query, "until", &q->until, why));
	JIT_TRY(query_bool(&c->query, "proofs", proofs, why));
	JIT_TRY(read_place(c, q, why));
	return query_end(&c->query, why);
}

/* ---- what is answered ---- */

/* The first n of p, at least one if there is one; not the closing bracket. */
static void
put_page(struct call *c, struct js *j, const struct view_page *p, size_t n,
    utc_s now)
{
	const bool all = n == p->n;

	js_open(j, NULL, '{');
	js_utc(j, "now", now);
	js_uint(j, "policy", view_policy_index(c->d->view));
	js_open(j, "requests", '[');
	for (size_t i = 0; i < n; i++)
		call_put_request(j, NULL, c->d, &p->v[i], now);
	js_close(j, ']');
	if (!all)
		js_uint(j, "next", p->v[n - 1].index);
	else if (p->more)
		js_uint(j, "next", p->next);
	else
		js_null(j, "next");
}

/* Back to what was written before the signer was asked. */
static void
resume(struct call *c, struct js *j)
{
	wr_span(&j->w, BUF_SPAN(c->kept));
	j->comma = true;
}

static void
proven(struct call *c, const struct answer *ans, size_t n)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct rd rd = rd_of(ans[0].payload);
	struct jit_why why = { 0 };
	enum jit_err e = receipts_get(&rd, &r, &why);

	(void)n;
	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	resume(c, &j);
	js_receipts(&j, &r);
	js_close(&j, '}');
	call_answer(c, 200, &j);
}

/* No request, no receipt; the note all the same. */
static void
proven_empty(struct call *c, const struct answer *ans, size_t n)
{
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct jit_why why = { 0 };
	struct grown g;
	enum jit_err e = grown_get(ans[0].payload, &g, &why);
	struct receipts r = { .n = 0 };

	(void)n;
	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	r.note = g.note;
	resume(c, &j);
	js_receipts(&j, &r);
	js_close(&j, '}');
	call_answer(c, 200, &j);
}

/* Whole requests, as many as fit in one answer of the signer. */
static enum jit_err
take_indexes(struct call *c, const struct view_page *p, uint64_t *index,
    size_t *n_index, size_t *n_rows, struct jit_why *why)
{
	size_t bytes = 0;

	*n_index = 0;
	for (*n_rows = 0; *n_rows < p->n; (*n_rows)++) {
		JIT_SCOPED(free) struct view_entry *v = NULL;
		size_t n = 0, own = 0;

		JIT_TRY(view_entries(c->d->view, &p->v[*n_rows].id, &v, &n,
		    why));
		/* More than fit in one answer: its first ones. */
		if (*n_rows == 0 && n > PROTO_PROVE_MAX)
			n = PROTO_PROVE_MAX;
		for (size_t i = 0; i < n; i++)
			own += v[i].size + PROOF_OVERHEAD;
		if (*n_index + n > PROTO_PROVE_MAX ||
		    (*n_rows > 0 && bytes + own > PROOF_BYTES))
			break;
		for (size_t i = 0; i < n; i++)
			index[(*n_index)++] = v[i].index;
		bytes += own;
	}
	return JIT_OK;
}

static void
answer_proven(struct call *c, const struct view_page *p, utc_s now)
{
	JIT_DONE(js_done) struct js j = JS_INIT;
	const struct ask none = { .op = OP_CHECKPOINT };
	uint64_t index[PROTO_PROVE_MAX];
	struct jit_why why = { 0 };
	size_t n_index = 0, n_rows = 0;
	enum jit_err e = take_indexes(c, p, index, &n_index, &n_rows, &why);

	if (e == JIT_OK) {
		put_page(c, &j, p, n_rows, now);
		e = js_take(&j, &c->kept);
	}
	if (e != JIT_OK)
		call_fail(c, e, &why);
	else if (n_index == 0)
		call_ask(c, &none, 1, false, proven_empty);
	else
		receipts_prove(c, index, n_index, proven);
}

static void
list(struct call *c)
{
	JIT_DONE(view_page_done) struct view_page p = { .n = 0 };
	JIT_SCOPED(free) struct span *roles = NULL;
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct view_query q = { .now = certd_now(c->d) };
	struct jit_why why = { 0 };
	struct reader r;
	bool proofs = false;
	enum jit_err e;

	if ((e = read_query(c, &q, &proofs, &why)) == JIT_OK &&
	    (e = call_reader(c, &r, &why)) == JIT_OK &&
	    (e = reader_roles(&r, &roles, &q.n_roles)) == JIT_OK) {
		q.sees_all = r.all;
		q.person = r.person->name;
		q.roles = roles;
		e = view_list(c->d->view, &q, &p, &why);
	}
	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	if (proofs) {
		answer_proven(c, &p, q.now);
		return;
	}
	put_page(c, &j, &p, p.n, q.now);
	js_close(&j, '}');
	call_answer(c, 200, &j);
}

void
do_requests(struct call *c)
{
	call_when_known(c, list);
}
