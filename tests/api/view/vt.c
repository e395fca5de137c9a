#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/api/view/vt.h"

const char *
vt_path(const char *name)
{
	static char path[16][512];
	static unsigned at;
	char *p = path[at++ % 16];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", jt_tmpdir(), name);
	return p;
}

struct view *
vt_open(struct logbook *b, const char *path, enum view_open_how how)
{
	struct jit_why why = { 0 };
	struct view *v = NULL;

	JT_WHY(view_open(path, how, &b->w.log, &v, &why), JIT_OK, &why);
	return v;
}

void
vt_apply(struct view *v, struct logbook *b, uint64_t from, uint64_t to)
{
	struct jit_why why = { 0 };

	JT_WHY(view_begin(v, &why), JIT_OK, &why);
	for (uint64_t i = from; i < to; i++)
		JT_WHY(view_apply(v, &b->entry[i].e, &why), JIT_OK, &why);
	JT_WHY(view_commit(v, &why), JIT_OK, &why);
}

struct view *
vt_anew(struct logbook *b, const char *path)
{
	struct view *v = vt_open(b, path, VIEW_BULK);
	struct jit_why why = { 0 };

	vt_apply(v, b, 0, b->n);
	JT_WHY(view_settle(v, &why), JIT_OK, &why);
	return v;
}

struct digest
vt_digest(struct view *v)
{
	struct jit_why why = { 0 };
	struct digest d;

	JT_WHY(view_digest(v, &d, &why), JIT_OK, &why);
	return d;
}

void
vt_check_note(struct view *v, struct logbook *b)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(b, view_size(v));
	struct jit_why why = { 0 };

	JT_WHY(view_check_note(v, BUF_SPAN(note), &why), JIT_OK, &why);
	assert_true(span_eq(view_note(v), BUF_SPAN(note)));
}

/* ---- what a dossier says ---- */

static enum view_end
end_of(const struct dossier *d)
{
	switch (d->h.end) {
	case END_DENIED:
		return VIEW_DENIED;
	case END_CANCELLED:
		return VIEW_CANCELLED;
	case END_DROPPED:
		return VIEW_DROPPED;
	case END_REVOKED:
		return VIEW_REVOKED;
	default:
		return d->h.issued ? VIEW_ISSUED : VIEW_OPEN;
	}
}

static void
same_decisions(const struct dossier *d, const struct view_row *r)
{
	size_t approved = 0;

	for (size_t i = 0; i < d->h.n_decisions; i++) {
		const struct decision *dec = &d->h.decision[i]->dec;

		if (dec->verdict == VERDICT_DENY)
			assert_true(span_eq(r->denied, dec->approver));
		else
			assert_true(approved < r->n_approved && span_eq(
			    r->approved[approved++], dec->approver));
	}
	assert_int_equal(approved, r->n_approved);
	if (d->h.end != END_DENIED)
		assert_int_equal(r->denied.n, 0);
}

static void
same_cert(const struct dossier *d, const struct view_row *r)
{
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	uint8_t serial[ISSUED_SERIAL];
	char text[ISSUED_SERIAL_TEXT];

	if (!d->h.issued) {
		assert_true(r->serial.n == 0 && r->from == 0 && r->until == 0);
		return;
	}
	JT_OK(issued_parse(d->issued.cert, &c, NULL));
	issued_serial(&c, serial);
	assert_true(span_eq_str(r->serial, issued_serial_text(c.kind, serial,
	    text)));
	assert_int_equal(r->from, issued_life(&c).from);
	assert_int_equal(r->until, issued_life(&c).until);
}

/* What the text asks for, in the order of the text. */
static void
same_kind(const struct request *q, const struct view_row *r)
{
	assert_int_equal(r->kind, q->kind);
	assert_true(span_eq(r->profile, q->profile) && span_eq(r->crl,
	    q->crl));
	assert_int_equal(r->n_subject, q->n_subject);
	for (size_t i = 0; i < q->n_subject; i++)
		assert_true(span_eq(r->subject[i], q->subject[i]));
	assert_int_equal(r->n_sans, q->n_sans);
	for (size_t i = 0; i < q->n_sans; i++)
		assert_true(span_eq(r->sans[i], q->sans[i]));
}

/* Who took it back: a person, or the signer. */
static void
same_end(const struct dossier *d, const struct view_row *r)
{
	const struct entry *e = &d->entry[d->n - 1].e;
	struct rec_signed s;
	struct rec_ended end;
	struct act a;

	if (e->type == ENTRY_REVOKE) {
		JT_OK(rec_get_signed(e->body, ENTRY_REVOKE, &s, NULL));
		JT_OK(act_parse(s.text, ACT_REVOKE, &a, NULL));
		assert_true(span_eq(r->revoked, a.by));
	} else {
		assert_int_equal(r->revoked.n, 0);
	}
	if (e->type == ENTRY_ENDED) {
		JT_OK(rec_get_ended(e->body, &end, NULL));
		assert_int_equal(r->cause, end.cause);
	} else {
		assert_int_equal(r->cause, 0);
	}
}

void
vt_same_row(struct logbook *b, const struct view_row *r)
{
	const struct dossier *d = logbook_find(b, &r->id)->dossier;
	const struct request *q = &d->h.request->req;

	assert_string_equal(r->id.s, q->id.s);
	assert_int_equal(r->index, d->h.request_index);
	assert_int_equal(r->last, dossier_last(d));
	assert_true(digest_eq(&r->digest, &d->h.request->digest));
	assert_true(span_eq(r->requester, q->requester));
	assert_true(span_eq(r->role, q->role));
	assert_true(span_eq(r->reason, q->reason));
	assert_true(r->created == q->created && r->opens == q->opens &&
	    r->closes == q->closes && r->duration == q->duration);
	assert_int_equal(r->end, end_of(d));
	same_kind(q, r);
	same_decisions(d, r);
	same_cert(d, r);
	same_end(d, r);
}

void
vt_same_rows(struct view *v, struct logbook *b)
{
	for (size_t i = 0; i < b->n_matters; i++) {
		const struct dossier *d = b->matter[i].dossier;
		JIT_DONE(view_row_done) struct view_row r = { .n_approved = 0 };
		struct view_entry *e = NULL;
		struct ulid id;
		size_t n = 0;

		JT_OK(view_get(v, &d->id, &r, NULL));
		vt_same_row(b, &r);
		JT_OK(view_entries(v, &d->id, &e, &n, NULL));
		assert_int_equal(n, d->n);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(e[k].index, d->entry[k].e.index);
			assert_int_equal(e[k].size, d->entry[k].body.n);
			JT_OK(view_about(v, e[k].index, &id, NULL));
			assert_string_equal(id.s, d->id.s);
		}
		free(e);
	}
}

/* ---- lists ---- */

static bool
has_word(struct span in, struct span word)
{
	for (size_t i = 0; i + word.n <= in.n; i++)
		if (strncasecmp((const char *)in.p + i, (const char *)word.p,
		    word.n) == 0)
			return true;
	return false;
}

static bool
in_state(const struct dossier *d, const struct view_query *q)
{
	enum view_end end = end_of(d);
	utc_s closes = d->h.request->req.closes;
	bool pending = end == VIEW_OPEN && q->now < closes;
	bool live = end == VIEW_ISSUED && q->now < d->h.issued_until;

	switch (q->state) {
	case VIEW_CURRENT:
		return q->now - LEDGER_GRACE < closes;
	case VIEW_PENDING:
		return pending;
	case VIEW_LIVE:
		return live;
	case VIEW_OVER:
		return !pending && !live;
	default:
		return true;
	}
}

static bool
expected(const struct dossier *d, const struct view_query *q)
{
	const struct request *r = &d->h.request->req;
	bool eyes = q->sees_all || span_eq(q->person, r->requester);

	for (size_t i = 0; i < q->n_roles; i++)
		eyes = eyes || span_eq(q->roles[i], r->role);
	return eyes && in_state(d, q) &&
	    (q->requester.n == 0 || span_eq(q->requester, r->requester)) &&
	    (q->role.n == 0 || span_eq(q->role, r->role)) &&
	    (q->since == 0 || r->created >= q->since) &&
	    (q->until == 0 || r->created < q->until) &&
	    (q->text.n == 0 || has_word(r->reason, q->text) ||
	    has_word(span_str(r->id.s), q->text));
}

size_t
vt_expect(struct logbook *b, const struct view_query *q,
    uint64_t ret[static LOGBOOK_REQUESTS])
{
	size_t n = 0;

	for (size_t k = 0; k < b->n_matters; k++) {
		size_t i = q->newest_first ? b->n_matters - 1 - k : k;
		const struct dossier *d = b->matter[i].dossier;

		if (expected(d, q))
			ret[n++] = d->h.request_index;
	}
	return n;
}

void
vt_walk(struct view *v, struct logbook *b, const struct view_query *q)
{
	uint64_t want[LOGBOOK_REQUESTS];
	size_t n = vt_expect(b, q, want), at = 0;
	struct view_query page = *q;
	bool more = true;

	while (more) {
		JIT_DONE(view_page_done) struct view_page p = { .n = 0 };
		struct jit_why why = { 0 };

		JT_WHY(view_list(v, &page, &p, &why), JIT_OK, &why);
		for (size_t i = 0; i < p.n; i++) {
			assert_true(at < n);
			assert_int_equal(p.v[i].index, want[at++]);
			vt_same_row(b, &p.v[i]);
		}
		more = p.more;
		if (more && q->text.n == 0)
			assert_int_equal(p.n, q->max);
		page.has_after = true;
		page.after = p.next;
	}
	assert_int_equal(at, n);
}

/* ---- a history ---- */

static uint64_t
chance(struct logbook *b, uint64_t below)
{
	uint64_t v;

	JT_OK(rng_fill(&b->w.rng, (uint8_t *)&v, sizeof(v)));
	return v % below;
}

static void
ask(struct logbook *b)
{
	static const enum world_key who[] = { K_ALICE, K_BOB, K_CAROL, K_DAN };
	static char reason[64];
	bool ro = chance(b, 3) == 0;
	struct draft d;

	world_draft(&b->w, ro ? "prod-db-ro" : "prod-db", who[chance(b, 4)],
	    &d);
	(void)snprintf(reason, sizeof(reason), "INC-%u Payments %s",
	    (unsigned)chance(b, 1000), chance(b, 2) ? "stuck" : "SLOW");
	d.req.reason = span_str(reason);
	for (enum world_key k = K_ALICE; k < K_STRANGER; k++)
		if (span_eq_str(d.req.requester, world_name(k))) {
			(void)logbook_request_draft(b, &d, k);
			return;
		}
}

/* Something that may follow on a request, if anything may. */
static void
follow(struct logbook *b, struct logbook_matter *m)
{
	const struct history *h = &m->dossier->h;
	bool over = b->w.now >= h->request->req.closes;
	bool db = span_eq_str(h->request->req.role, "prod-db");
	bool alice = span_eq_str(h->request->req.requester, "alice");

	if (h->end != END_NONE || over)
		return;
	if (h->issued && b->w.now < h->issued_until) {
		if (chance(b, 4) == 0)
			(void)logbook_drop(b, &m->id);
	} else if (!h->issued && chance(b, 8) == 0) {
		(void)logbook_cancel(b, &m->id);
	} else if (!h->issued && db && alice && h->n_decisions < 2) {
		(void)logbook_decide(b, &m->id, chance(b, 5) == 0 ?
		    VERDICT_DENY : VERDICT_APPROVE,
		    h->n_decisions == 0 ? K_BOB : K_CAROL);
	} else if (!h->issued && db && alice) {
		(void)logbook_collect(b, &m->id);
	}
}

void
vt_live(struct logbook *b, unsigned acts)
{
	for (unsigned i = 0; i < acts; i++) {
		b->w.now += (utc_s)chance(b, 300);
		if (chance(b, 3) == 0 && b->n_matters < LOGBOOK_REQUESTS)
			ask(b);
		else if (b->n_matters > 0)
			follow(b, &b->matter[b->n_matters - 1 -
			    chance(b, b->n_matters < 12 ? b->n_matters : 12)]);
		if (chance(b, 40) == 0)
			(void)logbook_policy(b);
	}
}
