#include <stdlib.h>
#include <string.h>

#include "cli/session_int.h"

#define LIST_MAX 65536		/* requests that are not long over */

/* ---- dossiers from receipts ---- */

static enum jit_err
entry_id(const struct entry *e, struct ulid *ret, struct jit_why *why)
{
	if (e->erased)
		return jit_fail(why, JIT_E_ERASED, "the body of entry %llu was "
		    "erased", (unsigned long long)e->index);
	if (!rec_about((enum entry_type)e->type, e->body, ret))
		return jit_fail(why, JIT_E_VERIFY, "entry %llu is not about a "
		    "request", (unsigned long long)e->index);
	return JIT_OK;
}

/*
 * Begin a dossier with a request, or add to the one there is.  id (NULL is
 * fine): which request it must be about.
 */
static enum jit_err
grow(struct session *s, const struct ulid *id, struct dossier **d,
    const struct entry *e, struct jit_why *why)
{
	struct dossier *next = NULL;
	struct ulid about;

	JIT_TRY(entry_id(e, &about, why));
	if (id != NULL && strcmp(about.s, id->s) != 0)
		return jit_fail(why, JIT_E_VERIFY, "entry %llu is about %s, "
		    "not about %s", (unsigned long long)e->index, about.s,
		    id->s);
	if (e->type != ENTRY_REQUEST)
		return *d == NULL ? jit_fail(why, JIT_E_VERIFY, "a %s without "
		    "its request", entry_type_name(e->type)) :
		    client_untrue(dossier_add(*d, e, DOSSIER_VERIFY, why),
		    why);
	JIT_TRY(client_untrue(dossier_new(e, DOSSIER_VERIFY, &next, why),
	    why));
	dossier_free(*d);
	*d = next;
	if (!span_eq_str(next->h.request->req.log, client_log_id(s->client)))
		return jit_fail(why, JIT_E_LOGNAME, "request %s is for another "
		    "log", about.s);
	return JIT_OK;
}

/* One answer of SHOW or WAIT. */
static enum jit_err
ask_dossier(struct session *s, const struct ask *a, struct dossier **ret,
    utc_s *now, struct jit_why *why)
{
	JIT_DONE(listing_done) struct listing l = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;

	JIT_TRY(client_listing(s->client, a, &l, why));
	JIT_TRY(session_see_policy(s, l.policy_index, why));
	for (size_t i = 0; i < l.receipts.n; i++) {
		if (i > 0 && l.receipts.v[i].e.type == ENTRY_REQUEST)
			return jit_fail(why, JIT_E_VERIFY, "two requests of "
			    "one id");
		JIT_TRY(grow(s, &a->id, &d, &l.receipts.v[i].e, why));
	}
	if (d == NULL)
		return jit_fail(why, JIT_E_VERIFY, "a dossier without "
		    "entries");
	if (now != NULL)
		*now = l.now;
	*ret = d;
	d = NULL;
	return JIT_OK;
}

/* ---- a search ---- */

/* One page of a search; *from is where to go on, 0: that was all. */
static enum jit_err
find_page(struct session *s, const struct ulid *id, uint64_t *from,
    struct dossier **d, utc_s *now, struct jit_why *why)
{
	JIT_DONE(listing_done) struct listing l = { 0 };
	const struct ask a = { .op = OP_FIND, .id = *id, .from = *from };

	JIT_TRY(client_listing(s->client, &a, &l, why));
	JIT_TRY(session_see_policy(s, l.policy_index, why));
	if (l.next != 0 && l.next <= *from)
		return jit_fail(why, JIT_E_VERIFY, "a search that does not go "
		    "on");
	/* An id that was forgotten may be used again: the newest counts. */
	for (size_t i = 0; i < l.receipts.n; i++)
		JIT_TRY(grow(s, id, d, &l.receipts.v[i].e, why));
	/* A search says how far it came, which may be long ago. */
	if (now != NULL)
		*now = l.now > session_hello(s)->now ? l.now :
		    session_hello(s)->now;
	*from = l.next;
	return JIT_OK;
}

static enum jit_err
find_dossier(struct session *s, const struct ulid *id, struct dossier **ret,
    utc_s *now, struct jit_why *why)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	uint64_t from = 0;

	do
		JIT_TRY(find_page(s, id, &from, &d, now, why));
	while (from != 0);
	if (d == NULL)
		return jit_fail(why, JIT_E_UNKNOWN, "the log holds no request "
		    "%s", id->s);
	*ret = d;
	d = NULL;
	return JIT_OK;
}

enum jit_err
session_show(struct session *s, const struct ulid *id, struct dossier **ret,
    utc_s *now, struct jit_why *why)
{
	const struct ask a = { .op = OP_SHOW, .id = *id };
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	enum jit_err e = ask_dossier(s, &a, &d, now, why);

	if (e == JIT_E_UNKNOWN)
		e = find_dossier(s, id, &d, now, why);
	JIT_TRY(e);
	JIT_TRY(state_save(&s->state, s->client, why));
	*ret = d;
	d = NULL;
	return JIT_OK;
}

enum jit_err
session_wait(struct session *s, const struct ulid *id, uint64_t since,
    uint32_t ms, struct dossier **ret, utc_s *now, struct jit_why *why)
{
	const struct ask a = { .op = OP_WAIT, .id = *id, .from = since,
	    .max = ms < PROTO_WAIT_MS ? ms : PROTO_WAIT_MS };
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;

	JIT_TRY(ask_dossier(s, &a, &d, now, why));
	JIT_TRY(state_save(&s->state, s->client, why));
	*ret = d;
	d = NULL;
	return JIT_OK;
}

/* ---- the list ---- */

void
dossiers_done(struct dossiers *d)
{
	for (size_t i = 0; i < d->n; i++)
		dossier_free(d->v[i]);
	free(d->v);
	*d = (struct dossiers){ 0 };
}

/* A request opens the next dossier, in log order; others add to it. */
static enum jit_err
add_entry(struct session *s, struct dossiers *l, const struct entry *e,
    struct jit_why *why)
{
	if (e->type != ENTRY_REQUEST)
		return l->n == 0 ? jit_fail(why, JIT_E_VERIFY, "a list that "
		    "begins with a %s", entry_type_name(e->type)) :
		    grow(s, &l->v[l->n - 1]->id, &l->v[l->n - 1], e, why);
	if (l->n == LIST_MAX)
		return jit_fail(why, JIT_E_VERIFY, "a list without an end");
	if ((l->n & (l->n - 1)) == 0) {
		size_t cap = l->n == 0 ? 1 : 2 * l->n;
		void *p = realloc(l->v, cap * sizeof(*l->v));

		if (p == NULL)
			return JIT_E_NOMEM;
		l->v = p;
	}
	l->v[l->n] = NULL;
	l->n++;
	return grow(s, NULL, &l->v[l->n - 1], e, why);
}

static enum jit_err
list_entry(struct session *s, struct dossiers *l, const struct entry *e,
    struct jit_why *why)
{
	if (e->type == ENTRY_REQUEST && l->n > 0 &&
	    e->index <= l->v[l->n - 1]->h.request_index)
		return jit_fail(why, JIT_E_VERIFY, "a list that is not in "
		    "log order");
	return add_entry(s, l, e, why);
}

static enum jit_err
list_page(struct session *s, uint64_t *after, struct dossiers *ret,
    struct jit_why *why)
{
	JIT_DONE(listing_done) struct listing l = { 0 };
	const struct ask a = { .op = OP_LIST, .from = *after,
	    .max = PROTO_LIST_MAX };

	JIT_TRY(client_listing(s->client, &a, &l, why));
	JIT_TRY(session_see_policy(s, l.policy_index, why));
	if (l.next != 0 && l.next <= *after)
		return jit_fail(why, JIT_E_VERIFY, "a list that does not go "
		    "on");
	for (size_t i = 0; i < l.receipts.n; i++)
		JIT_TRY(list_entry(s, ret, &l.receipts.v[i].e, why));
	ret->now = l.now;
	*after = l.next;
	return JIT_OK;
}

enum jit_err
session_list(struct session *s, struct dossiers *ret, struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };
	uint64_t after = 0;

	do
		JIT_TRY(list_page(s, &after, &l, why));
	while (after != 0);
	JIT_TRY(state_save(&s->state, s->client, why));
	*ret = l;
	l = (struct dossiers){ 0 };
	return JIT_OK;
}

enum jit_err
session_search(struct session *s, const struct wire_search *q,
    struct dossiers *ret, uint64_t *next, struct jit_why *why)
{
	JIT_DONE(listing_done) struct listing l = { 0 };
	JIT_DONE(dossiers_done) struct dossiers v = { 0 };

	JIT_TRY(client_search(s->client, q, &l, why));
	JIT_TRY(session_see_policy(s, l.policy_index, why));
	for (size_t i = 0; i < l.receipts.n; i++)
		JIT_TRY(add_entry(s, &v, &l.receipts.v[i].e, why));
	v.now = l.now;
	JIT_TRY(state_save(&s->state, s->client, why));
	if (next != NULL)
		*next = l.next;
	*ret = v;
	v = (struct dossiers){ 0 };
	return JIT_OK;
}

enum jit_err
session_grown(struct session *s, bool *ret, struct jit_why *why)
{
	JIT_TRY(client_grown(s->client, ret, why));
	return state_save(&s->state, s->client, why);
}

/* ---- evidence ---- */

void
evidence_done(struct evidence *e)
{
	receipts_done(&e->r);
	buf_done(&e->bytes);
}

/* The same list, in memory of its own. */
static enum jit_err
own_receipts(const struct receipts *r, struct evidence *ret,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX);
	JIT_DONE(evidence_done) struct evidence e = { .r.n = 0 };
	struct rd rd;

	wr_string(&w, r->note);
	wr_u32(&w, (uint32_t)r->n);
	for (size_t i = 0; i < r->n; i++)
		receipt_put(&w, &r->v[i]);
	JIT_TRY(wr_take(&w, &e.bytes));
	rd = rd_of(BUF_SPAN(e.bytes));
	JIT_TRY(receipts_get(&rd, &e.r, why));
	*ret = e;
	e = (struct evidence){ .r.n = 0 };
	return JIT_OK;
}

enum jit_err
session_evidence(struct session *s, const uint64_t *index, size_t n,
    struct evidence *ret, struct jit_why *why)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	JIT_DONE(evidence_done) struct evidence e = { .r.n = 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_PROVE_MAX * 8);
	struct ask a = { .op = OP_PROVE, .count = (uint32_t)n };

	if (n == 0 || n > PROTO_PROVE_MAX)
		return JIT_E_ARG;
	for (size_t i = 0; i < n; i++)
		wr_u64(&w, index[i]);
	JIT_TRY(w.err);
	a.items = wr_view(&w);
	JIT_TRY(client_receipts(s->client, &a, &r, why));
	if (r.n != n)
		return jit_fail(why, JIT_E_VERIFY, "%zu receipts for %zu "
		    "entries", r.n, n);
	for (size_t i = 0; i < n; i++)
		if (r.v[i].e.index != index[i])
			return jit_fail(why, JIT_E_VERIFY, "entry %llu, not "
			    "%llu", (unsigned long long)r.v[i].e.index,
			    (unsigned long long)index[i]);
	JIT_TRY(own_receipts(&r, &e, why));
	JIT_TRY(state_save(&s->state, s->client, why));
	*ret = e;
	e = (struct evidence){ .r.n = 0 };
	return JIT_OK;
}

enum jit_err
session_page(struct session *s, uint64_t first, uint32_t max,
    struct page *ret, struct jit_why *why)
{
	struct page p;

	JIT_TRY(client_page(s->client, first, max, &p, why));
	/* Its questions leave the page's bytes where they are. */
	JIT_TRY(state_save(&s->state, s->client, why));
	*ret = p;
	return JIT_OK;
}
