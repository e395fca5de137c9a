/* dossier: what can follow on what, and where that leaves a request. */
#include <string.h>

#include "tests/lib/logbook.h"

static struct logbook b;
static struct ulid ids[STORY_N];

/* All entries about id, as a stranger takes them. */
static struct dossier *
collect(const struct ulid *id, enum dossier_trust trust)
{
	struct jit_why why = { 0 };
	struct dossier *d = NULL;
	struct ulid about;

	for (size_t i = 0; i < b.n; i++) {
		const struct entry *e = &b.entry[i].e;

		if (!rec_about((enum entry_type)e->type, e->body, &about) ||
		    strcmp(about.s, id->s) != 0)
			continue;
		JT_WHY(d == NULL ? dossier_new(e, trust, &d, &why) :
		    dossier_add(d, e, trust, &why), JIT_OK, &why);
	}
	assert_non_null(d);
	return d;
}

struct where {
	const char *name;
	int which;
	dur_s later;
	enum standing want;
	unsigned have;
};

#define H 3600
static const struct where wheres[] = {
	{ "dropped", STORY_DROPPED, 0, STAND_DROPPED, 0 },
	{ "denied", STORY_DENIED, 0, STAND_DENIED, 0 },
	{ "denied, and its window over", STORY_DENIED, 9 * H, STAND_DENIED,
	    0 },
	{ "cancelled", STORY_CANCELLED, 0, STAND_CANCELLED, 0 },
	{ "active", STORY_ACTIVE, 0, STAND_ACTIVE, 0 },
	{ "ended", STORY_ACTIVE, H, STAND_ENDED, 0 },
	{ "approved", STORY_APPROVED, 0, STAND_APPROVED, 2 },
	{ "approved and never collected", STORY_APPROVED, 8 * H, STAND_CLOSED,
	    0 },
	{ "pending", STORY_PENDING, 0, STAND_PENDING, 1 },
	{ "pending, and its window over", STORY_PENDING, 8 * H, STAND_CLOSED,
	    0 },
};

static void
where(void **state)
{
	const struct where *t = *state;

	for (int trust = DOSSIER_VERIFY; trust <= DOSSIER_OWN; trust++) {
		JIT_SCOPED(dossier_free) struct dossier *d =
		    collect(&ids[t->which], (enum dossier_trust)trust);
		struct quorum q;
		bool stale = true;

		assert_string_equal(standing_name(dossier_standing(d,
		    b.w.policy, b.w.now + t->later, &q, &stale)),
		    standing_name(t->want));
		assert_int_equal(q.have, t->have);
		assert_false(stale);
		assert_int_equal(dossier_last(d),
		    d->entry[d->n - 1].e.index);
	}
}

/* The role changes, and nothing counts any more. */
static void
stale(void **state)
{
	JIT_SCOPED(dossier_free) struct dossier *d =
	    collect(&ids[STORY_APPROVED], DOSSIER_VERIFY);
	struct world *w = calloc(1, sizeof(*w));
	struct quorum q;
	bool is = false;

	(void)state;
	assert_non_null(w);
	world_init(w);
	world_without(w, BLOCK_ROLE, "prod-db");
	assert_int_equal(dossier_standing(d, w->policy, b.w.now, &q, &is),
	    STAND_PENDING);
	assert_true(is && q.have == 0);
	assert_int_equal(dossier_standing(d, w->policy, b.w.now, NULL, NULL),
	    STAND_PENDING);
	assert_string_equal(standing_name(STANDINGS), "unknown");
	world_done(w);
	free(w);
}

/* Whatever is taken back off leaves what was there. */
static void
pop(void **state)
{
	(void)state;
	for (int i = 0; i < STORY_N; i++) {
		JIT_SCOPED(dossier_free) struct dossier *d = collect(&ids[i],
		    DOSSIER_VERIFY);
		enum request_end end = d->h.end;
		size_t n = d->n;

		for (size_t k = n; k > 1; k--) {
			const struct entry e = d->entry[k - 1].e;
			JIT_DONE(kept_done) struct kept again = { 0 };

			JT_OK(kept_copy(&again, &e));
			dossier_pop(d);
			assert_true(d->n == k - 1 && d->h.end == END_NONE);
			JT_OK(dossier_add(d, &again.e, DOSSIER_VERIFY, NULL));
			assert_true(d->n == k);
			dossier_pop(d);
		}
		dossier_pop(d);		/* the request stays */
		assert_true(d->n == 1 && d->h.n_decisions == 0 &&
		    !d->h.issued);
		assert_true(i != STORY_DENIED || end == END_DENIED);
	}
}

/* ---- what cannot follow ---- */

/* Index of the first entry of that type about a request. */
static struct entry *
entry_of(int which, enum entry_type t)
{
	struct ulid about;

	for (size_t i = 0; i < b.n; i++) {
		struct entry *e = &b.entry[i].e;

		if (e->type == t && rec_about(t, e->body, &about) &&
		    strcmp(about.s, ids[which].s) == 0)
			return e;
	}
	fail();
	return NULL;
}

struct follow {
	const char *name;
	int on, from;		/* which dossiers */
	enum entry_type type;
	enum jit_err want;
};

static const struct follow follows[] = {
	{ "another's decision", STORY_PENDING, STORY_APPROVED, ENTRY_DECISION,
	    JIT_E_OTHERTEXT },
	{ "another's cancel", STORY_PENDING, STORY_CANCELLED, ENTRY_CANCEL,
	    JIT_E_OTHERTEXT },
	{ "another's certificate", STORY_PENDING, STORY_ACTIVE, ENTRY_ISSUED,
	    JIT_E_OTHERTEXT },
	{ "a drop before issue", STORY_PENDING, STORY_DROPPED, ENTRY_DROP,
	    JIT_E_VERIFY },
	{ "a drop of another", STORY_ACTIVE, STORY_DROPPED, ENTRY_DROP,
	    JIT_E_OTHERTEXT },
	{ "a second certificate", STORY_ACTIVE, STORY_ACTIVE, ENTRY_ISSUED,
	    JIT_E_VERIFY },
	{ "a decision after issue", STORY_ACTIVE, STORY_ACTIVE,
	    ENTRY_DECISION, JIT_E_VERIFY },
	{ "a decision after deny", STORY_DENIED, STORY_DENIED, ENTRY_DECISION,
	    JIT_E_VERIFY },
	{ "a decision after cancel", STORY_CANCELLED, STORY_CANCELLED,
	    ENTRY_DECISION, JIT_E_VERIFY },
	{ "a second drop", STORY_DROPPED, STORY_DROPPED, ENTRY_DROP,
	    JIT_E_VERIFY },
	{ "a second request", STORY_PENDING, STORY_PENDING, ENTRY_REQUEST,
	    JIT_E_VERIFY },
};

static void
follow(void **state)
{
	const struct follow *t = *state;
	JIT_SCOPED(dossier_free) struct dossier *d = collect(&ids[t->on],
	    DOSSIER_VERIFY);
	struct entry e = *entry_of(t->from, t->type);
	size_t n = d->n;

	e.index = b.n;
	e.time = b.w.now;
	JT_ERR(dossier_add(d, &e, DOSSIER_VERIFY, NULL), t->want);
	JT_ERR(dossier_add(d, &e, DOSSIER_OWN, NULL), t->want);
	assert_int_equal(d->n, n);
}

/* Order, kind, erased bodies, and each part of what is signed. */
static void
broken(void **state)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	const struct entry req = *entry_of(STORY_PENDING, ENTRY_REQUEST);
	const struct entry dec = *entry_of(STORY_PENDING, ENTRY_DECISION);
	struct dossier *no = NULL;
	struct entry e = dec;

	(void)state;
	JT_ERR(dossier_new(&dec, DOSSIER_VERIFY, &no, NULL), JIT_E_FORMAT);
	e = req;
	e.erased = true;
	JT_ERR(dossier_new(&e, DOSSIER_VERIFY, &no, NULL), JIT_E_ERASED);
	JT_OK(dossier_new(&req, DOSSIER_VERIFY, &d, NULL));
	e = dec;
	e.index = req.index;
	JT_ERR(dossier_add(d, &e, DOSSIER_OWN, NULL), JIT_E_VERIFY);
	e = dec;
	e.time = req.time - 1;
	JT_ERR(dossier_add(d, &e, DOSSIER_OWN, NULL), JIT_E_VERIFY);
	e = dec;
	e.erased = true;
	JT_ERR(dossier_add(d, &e, DOSSIER_OWN, NULL), JIT_E_ERASED);
	e = dec;
	e.body.n--;
	JT_ERR(dossier_add(d, &e, DOSSIER_OWN, NULL), JIT_E_FORMAT);
	JT_OK(dossier_add(d, &dec, DOSSIER_VERIFY, NULL));
}

/* Own entries are read, not verified; a stranger's are verified. */
static void
trust(void **state)
{
	const struct entry req = *entry_of(STORY_PENDING, ENTRY_REQUEST);
	const struct entry dec = *entry_of(STORY_PENDING, ENTRY_DECISION);
	const struct entry can = *entry_of(STORY_CANCELLED, ENTRY_CANCEL);
	struct entry e = req;

	(void)state;
	/* The last byte of each body is a signature's. */
	for (int i = 0; i < 3; i++) {
		JIT_SCOPED(dossier_free) struct dossier *d = NULL;
		JIT_DONE(buf_done) struct buf bad = { NULL, 0 };

		e = i == 0 ? req : i == 1 ? dec : can;
		JT_OK(buf_copy(&bad, e.body));
		bad.p[bad.n - 1] ^= 4;
		e.body = BUF_SPAN(bad);
		if (i == 0) {
			JT_ERR(dossier_new(&e, DOSSIER_VERIFY, &d, NULL),
			    JIT_E_POSSESS);
			JT_OK(dossier_new(&e, DOSSIER_OWN, &d, NULL));
			continue;
		}
		JT_OK(dossier_new(i == 1 ? &req : entry_of(STORY_CANCELLED,
		    ENTRY_REQUEST), DOSSIER_VERIFY, &d, NULL));
		JT_ERR(dossier_add(d, &e, DOSSIER_VERIFY, NULL), JIT_E_SIG);
		assert_true(d->n == 1 && d->h.end == END_NONE);
		JT_OK(dossier_add(d, &e, DOSSIER_OWN, NULL));
	}
}

/* The parts that were opened are taken, whatever comes of it. */
static void
opened(void **state)
{
	const struct entry req = *entry_of(STORY_PENDING, ENTRY_REQUEST);
	const struct entry dec = *entry_of(STORY_PENDING, ENTRY_DECISION);
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	struct dossier *no = NULL;
	struct open_request *r = NULL;
	struct open_decision *o = NULL;
	struct rec_signed s;

	(void)state;
	JT_OK(rec_get_signed(req.body, ENTRY_REQUEST, &s, NULL));
	JT_OK(open_request_new(s.text, s.sig, s.possess, &r, NULL));
	JT_ERR(dossier_new_open(&dec, r, &no, NULL), JIT_E_FORMAT);
	JT_OK(open_request_new(s.text, s.sig, s.possess, &r, NULL));
	JT_OK(dossier_new_open(&req, r, &d, NULL));
	JT_OK(rec_get_signed(dec.body, ENTRY_DECISION, &s, NULL));
	for (int i = 0; i < 3; i++) {
		struct entry e = dec;

		e.index = i == 0 ? req.index : dec.index;
		JT_OK(open_decision_new(s.text, s.sig, &o, NULL));
		JT_ERR(dossier_add_open(d, &e, o, NULL),
		    i == 1 ? JIT_OK : JIT_E_VERIFY);
	}
	assert_int_equal(d->h.n_decisions, 1);
}

/* ---- what is taken back ---- */

static struct ulid taken[TAKEN_N];

static const struct where taken_wheres[] = {
	{ "revoked", TAKEN_REVOKED, 0, STAND_REVOKED, 0 },
	{ "revoked, and its time over", TAKEN_REVOKED, 9 * H, STAND_REVOKED,
	    0 },
	{ "ended with a lock", TAKEN_LOCKED, 0, STAND_REVOKED, 0 },
	{ "ended while pending", TAKEN_PENDING, 0, STAND_CANCELLED, 0 },
	{ "ended with the person", TAKEN_PERSON, 0, STAND_REVOKED, 0 },
	{ "ended with the key", TAKEN_KEY, 0, STAND_CANCELLED, 0 },
	{ "x509, active", TAKEN_ACTIVE, 0, STAND_ACTIVE, 0 },
	{ "x509, ended", TAKEN_ACTIVE, H, STAND_ENDED, 0 },
	{ "x509, dropped", TAKEN_DROPPED, 0, STAND_DROPPED, 0 },
	{ "x509, pending", TAKEN_OPEN, 0, STAND_PENDING, 0 },
};

static void
taken_where(void **state)
{
	const struct where *t = *state;

	for (int trust = DOSSIER_VERIFY; trust <= DOSSIER_OWN; trust++) {
		JIT_SCOPED(dossier_free) struct dossier *d =
		    collect(&taken[t->which], (enum dossier_trust)trust);

		assert_string_equal(standing_name(dossier_standing(d,
		    b.w.policy, b.w.now + t->later, NULL, NULL)),
		    standing_name(t->want));
		/* Nothing follows on an end, of whatever kind. */
		if (d->h.end == END_NONE)
			continue;
		JIT_DONE(buf_done) struct buf body = logbook_ended_body(
		    &taken[t->which], ENDED_LOCKED, 1);
		struct entry e = { .type = ENTRY_ENDED, .time = b.w.now,
		    .index = b.n, .body = BUF_SPAN(body) };

		JT_ERR(dossier_add(d, &e, DOSSIER_OWN, NULL), JIT_E_VERIFY);
		/* Without its last entry it stands open, with it it ends. */
		dossier_pop(d);
		assert_int_equal(d->h.end, END_NONE);
		JT_OK(dossier_add(d, &e, DOSSIER_VERIFY, NULL));
		assert_int_equal(d->h.end, d->h.issued ? END_REVOKED :
		    END_CANCELLED);
	}
}

/* An x509 certificate for an SSH request, and the other way round. */
static void
other_kind(void **state)
{
	const int from[] = { TAKEN_ACTIVE, TAKEN_REVOKED };
	const int on[] = { TAKEN_PENDING, TAKEN_OPEN };

	(void)state;
	for (int i = 0; i < 2; i++) {
		JIT_SCOPED(dossier_free) struct dossier *d =
		    collect(&taken[on[i]], DOSSIER_VERIFY);
		struct rec_issued rec =
		    logbook_find(&b, &taken[from[i]])->dossier->issued;
		JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
		struct entry e = { .type = ENTRY_ISSUED, .time = b.w.now,
		    .index = b.n };

		rec.request = taken[on[i]];
		rec_put_issued(&w, &rec);
		e.body = wr_view(&w);
		if (d->h.end != END_NONE)
			dossier_pop(d);
		JT_ERR(dossier_add(d, &e, DOSSIER_VERIFY, NULL),
		    JIT_E_OTHERTEXT);
		/* What ends another request ends not this one. */
		JIT_DONE(buf_done) struct buf body = logbook_ended_body(
		    &taken[from[i]], ENDED_LOCKED, 1);

		e.type = ENTRY_ENDED;
		e.body = BUF_SPAN(body);
		JT_ERR(dossier_add(d, &e, DOSSIER_VERIFY, NULL),
		    JIT_E_OTHERTEXT);
	}
}

int
main(void)
{
	int failed;

	logbook_init(&b);
	logbook_story(&b, ids);
	failed = JT_ROWS("where", where, wheres) +
	    JT_ROWS("follow", follow, follows) + jt_one("stale", stale) +
	    jt_one("pop", pop) + jt_one("broken", broken) +
	    jt_one("trust", trust) + jt_one("opened", opened);
	logbook_done(&b);
	logbook_init(&b);
	logbook_taken(&b, taken);
	failed += JT_ROWS("taken back", taken_where, taken_wheres) +
	    jt_one("the other kind", other_kind);
	logbook_done(&b);
	return failed;
}
