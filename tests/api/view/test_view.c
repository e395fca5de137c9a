/*
 * view: a whole log applied, what each row says, checkpoints, the policy,
 * and a live view beside one that was made anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/api/view/vt.h"

static struct logbook b;
static struct ulid ids[STORY_N];

static void
fresh(void)
{
	logbook_done(&b);
	logbook_init(&b);
}

static void
story(void **state)
{
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("story"),
	    VIEW_MAKE);
	static const struct { int which; enum view_end end; } ends[] = {
		{ STORY_DROPPED, VIEW_DROPPED },
		{ STORY_DENIED, VIEW_DENIED },
		{ STORY_CANCELLED, VIEW_CANCELLED },
		{ STORY_ACTIVE, VIEW_ISSUED },
		{ STORY_APPROVED, VIEW_OPEN },
		{ STORY_PENDING, VIEW_OPEN },
	};

	(void)state;
	assert_int_equal(view_size(v), 0);
	assert_null(view_policy(v));
	assert_int_equal(view_note(v).n, 0);
	vt_apply(v, &b, 0, b.n);
	assert_int_equal(view_size(v), b.n);
	vt_same_rows(v, &b);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		JIT_DONE(view_row_done) struct view_row r = { .n_approved = 0 };

		JT_OK(view_get(v, &ids[ends[i].which], &r, NULL));
		assert_int_equal(r.end, ends[i].end);
	}
	vt_check_note(v, &b);
}

static void
same_policy(struct view *v)
{
	struct digest a, c;

	JT_OK(policy_digest(view_policy(v), &a));
	JT_OK(policy_digest(b.w.policy, &c));
	assert_true(digest_eq(&a, &c));
	assert_int_equal(view_policy_index(v), b.policy_index);
}

/* Everything is there again, memory or not. */
static void
reopened(void **state)
{
	const char *path = vt_path("reopened");
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, path, VIEW_MAKE);
	struct digest d;

	(void)state;
	vt_apply(v, &b, 0, b.n);
	vt_check_note(v, &b);
	same_policy(v);
	d = vt_digest(v);
	view_free(v);
	v = vt_open(&b, path, VIEW_USE);
	assert_int_equal(view_size(v), b.n);
	assert_true(digest_eq(&d, &(struct digest){ { 0 } }) == false);
	same_policy(v);
	vt_same_rows(v, &b);
	JIT_DONE(buf_done) struct buf note = logbook_note(&b, b.n);
	assert_true(span_eq(view_note(v), BUF_SPAN(note)));
	struct digest again = vt_digest(v);
	assert_true(digest_eq(&d, &again));
}

static void
unknown(void **state)
{
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("unknown"),
	    VIEW_MAKE);
	struct view_row r;
	struct view_entry *e = NULL;
	struct ulid id;
	size_t n;

	(void)state;
	vt_apply(v, &b, 0, b.n);
	JT_OK(ulid_make(7, &b.w.rng, &id));
	JT_ERR(view_get(v, &id, &r, NULL), JIT_E_UNKNOWN);
	JT_ERR(view_entries(v, &id, &e, &n, NULL), JIT_E_UNKNOWN);
	/* Genesis, a blob, the policy, what is not there yet. */
	JT_ERR(view_about(v, 0, &id, NULL), JIT_E_UNKNOWN);
	JT_ERR(view_about(v, 1, &id, NULL), JIT_E_UNKNOWN);
	JT_ERR(view_about(v, b.policy_index, &id, NULL), JIT_E_UNKNOWN);
	JT_ERR(view_about(v, b.n, &id, NULL), JIT_E_UNKNOWN);
	JT_ERR(view_about(v, UINT64_MAX, &id, NULL), JIT_E_UNKNOWN);
}

/* ---- checkpoints ---- */

static void
notes(void **state)
{
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("notes"),
	    VIEW_MAKE);
	static struct logbook other;
	struct jit_why why = { 0 };
	struct buf note;

	(void)state;
	vt_apply(v, &b, 0, b.n - 2);
	vt_check_note(v, &b);
	note = logbook_note(&b, b.n - 3);
	JT_WHY(view_check_note(v, BUF_SPAN(note), &why), JIT_E_ROLLBACK, &why);
	assert_non_null(strstr(why.msg, "went back"));
	buf_done(&note);
	note = logbook_note(&b, b.n);
	JT_ERR(view_check_note(v, BUF_SPAN(note), NULL), JIT_E_ARG);
	note.p[note.n - 20] = note.p[note.n - 20] == (uint8_t)'A' ? 'B' : 'A';
	JT_ERR(view_check_note(v, BUF_SPAN(note), NULL), JIT_E_SIG);
	JT_ERR(view_check_note(v, span_str("x\n"), NULL), JIT_E_FORMAT);
	buf_done(&note);
	/* Same name and key, other entries. */
	logbook_init(&other);
	while (other.n < b.n)
		(void)logbook_add(&other, ENTRY_BLOB, span_str("x"));
	note = logbook_note(&other, b.n - 2);
	JT_WHY(view_check_note(v, BUF_SPAN(note), &why), JIT_E_ROLLBACK, &why);
	assert_non_null(strstr(why.msg, "another"));
	buf_done(&note);
	/* Another name. */
	JT_OK(tlog_vkey_make("else.example.com", other.w.log.pub,
	    &other.w.log, NULL));
	note = logbook_note(&other, b.n - 2);
	JT_ERR(view_check_note(v, BUF_SPAN(note), NULL), JIT_E_LOGNAME);
	buf_done(&note);
	logbook_done(&other);
	/* What was seen is still the one that was true. */
	note = logbook_note(&b, b.n - 2);
	assert_true(span_eq(view_note(v), BUF_SPAN(note)));
	buf_done(&note);
}

static void
another_log(void **state)
{
	const char *path = vt_path("another");
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, path, VIEW_MAKE);
	struct tlog_vkey log;
	struct jit_why why = { 0 };

	(void)state;
	vt_apply(v, &b, 0, 5);
	view_free(v);
	v = NULL;
	JT_OK(tlog_vkey_make("else.example.com", b.w.log.pub, &log, NULL));
	JT_ERR(view_open(path, VIEW_USE, &log, &v, &why), JIT_E_LOGNAME);
	v = NULL;
	JT_OK(view_open(vt_path("another2"), VIEW_MAKE, &log, &v, NULL));
	JT_OK(view_begin(v, NULL));
	JT_ERR(view_apply(v, &b.entry[0].e, &why), JIT_E_LOGNAME);
	view_rollback(v);
}

/* ---- what is refused ---- */

static void
refused(struct view *v, const struct entry *e, enum jit_err want,
    const char *words)
{
	struct digest before = vt_digest(v), after;
	uint64_t size = view_size(v);
	struct jit_why why = { 0 };

	JT_OK(view_begin(v, NULL));
	JT_WHY(view_apply(v, e, &why), want, &why);
	assert_non_null(strstr(why.msg, words));
	/* Nothing goes in on top of it. */
	JT_ERR(view_apply(v, &b.entry[size].e, NULL), JIT_E_ARG);
	JT_ERR(view_commit(v, NULL), JIT_E_ARG);
	assert_int_equal(view_size(v), size);
	after = vt_digest(v);
	assert_true(digest_eq(&before, &after));
}

static uint64_t
first_of(enum entry_type t)
{
	uint64_t i = 0;

	while (b.entry[i].e.type != t)
		i++;
	return i;
}

/* The next entry as a change of it, sealed again. */
static void
refused_sealed(struct view *v, enum entry_type t, struct span body,
    const char *words)
{
	struct entry e = b.entry[view_size(v)].e;

	e.type = (uint8_t)t;
	e.body = body;
	e.erased = false;
	JT_OK(entry_seal(&e));
	refused(v, &e, JIT_E_VERIFY, words);
}

static void
refusals(void **state)
{
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("refused"),
	    VIEW_MAKE);
	uint64_t issued = first_of(ENTRY_ISSUED), at;
	struct entry e;

	(void)state;
	JT_ERR(view_apply(v, &b.entry[0].e, NULL), JIT_E_ARG);
	JT_ERR(view_commit(v, NULL), JIT_E_ARG);
	refused(v, &b.entry[1].e, JIT_E_VERIFY, "numbered");
	refused_sealed(v, ENTRY_BLOB, span_str("x"), "genesis");
	vt_apply(v, &b, 0, 1);
	refused_sealed(v, ENTRY_GENESIS, b.entry[0].e.body, "genesis");
	refused_sealed(v, ENTRY_REQUEST, span_str("x"), "no policy");
	refused_sealed(v, ENTRY_POLICY, b.entry[b.policy_index].e.body,
	    "not in the log");
	at = first_of(ENTRY_POLICY);
	vt_apply(v, &b, 1, at);
	refused_sealed(v, ENTRY_POLICY, span_str("x"), "malformed");
	e = b.entry[at].e;
	e.erased = true;
	refused(v, &e, JIT_E_VERIFY, "erased");
	vt_apply(v, &b, at, issued);
	e = b.entry[issued].e;
	e.body.n--;
	refused(v, &e, JIT_E_VERIFY, "body");
	e = b.entry[issued].e;
	e.leaf[0] ^= 1;
	refused(v, &e, JIT_E_VERIFY, "leaf");
	e = b.entry[issued].e;
	e.time++;
	refused(v, &e, JIT_E_VERIFY, "leaf");
	e = b.entry[issued].e;
	e.time = b.entry[issued - 1].e.time - 1;
	JT_OK(entry_seal(&e));
	refused(v, &e, JIT_E_VERIFY, "goes back");
	refused_sealed(v, ENTRY_REQUEST, span_str("x"), "malformed");
	refused_sealed(v, ENTRY_ISSUED, span_str("x"), "malformed");
	refused_sealed(v, ENTRY_REVOKE, span_str("x"), "malformed");
	refused_sealed(v, ENTRY_ENDED, span_str("x"), "malformed");
	refused_sealed(v, ENTRY_CLAIMED, span_str("x"), "nothing writes");
	refused_sealed(v, ENTRY_DECISION,
	    b.entry[first_of(ENTRY_CANCEL) - 1].e.body, "no such request");
	refused_sealed(v, ENTRY_CANCEL, b.entry[first_of(ENTRY_CANCEL)].e.body,
	    "no such request");
	vt_apply(v, &b, issued, issued + 1);
	refused_sealed(v, ENTRY_ISSUED, b.entry[issued].e.body, "settled");
	refused_sealed(v, ENTRY_DECISION,
	    b.entry[first_of(ENTRY_DECISION)].e.body, "settled");
	vt_apply(v, &b, issued + 1, b.n);
	vt_same_rows(v, &b);
	vt_check_note(v, &b);
}

/* ---- taking back ---- */

static void
rollback(void **state)
{
	const char *path = vt_path("back");
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, path, VIEW_MAKE);

	(void)state;
	for (uint64_t at = 0; at < b.n; at += 7) {
		uint64_t to = at + 7 < b.n ? at + 7 : b.n;
		struct digest before = vt_digest(v), after;

		/* All the rest, a note, and back. */
		JT_OK(view_begin(v, NULL));
		JT_ERR(view_begin(v, NULL), JIT_E_ARG);
		for (uint64_t i = at; i < b.n; i++)
			JT_OK(view_apply(v, &b.entry[i].e, NULL));
		vt_check_note(v, &b);
		same_policy(v);
		view_rollback(v);
		after = vt_digest(v);
		assert_true(digest_eq(&before, &after));
		assert_int_equal(view_size(v), at);
		vt_apply(v, &b, at, to);
		vt_check_note(v, &b);
		/* Blobs that wait for their policy are kept as well. */
		view_free(v);
		v = vt_open(&b, path, VIEW_USE);
	}
	same_policy(v);
	vt_same_rows(v, &b);
}

/* ---- erased bodies ---- */

static void
erased(void **state)
{
	const struct dossier *d;
	struct view_row r = { .n_approved = 0 };
	struct ulid id;

	(void)state;
	fresh();
	logbook_story(&b, ids);
	/* A request with all about it; a decision and an issue of others. */
	d = logbook_find(&b, &ids[STORY_DROPPED])->dossier;
	logbook_erase(&b, d->entry[0].e.index);
	uint64_t orphan = d->entry[1].e.index;
	d = logbook_find(&b, &ids[STORY_ACTIVE])->dossier;
	for (size_t i = 1; i < d->n; i++)
		logbook_erase(&b, d->entry[i].e.index);
	logbook_erase(&b, 1);
	JIT_SCOPED(view_free) struct view *none = vt_open(&b,
	    vt_path("erased0"), VIEW_MAKE);
	/* A block of the policy: nothing can be said without it. */
	JT_OK(view_begin(none, NULL));
	for (uint64_t i = 0; i < first_of(ENTRY_POLICY); i++)
		JT_OK(view_apply(none, &b.entry[i].e, NULL));
	JT_ERR(view_apply(none, &b.entry[first_of(ENTRY_POLICY)].e, NULL),
	    JIT_E_VERIFY);
	fresh();
	logbook_story(&b, ids);
	d = logbook_find(&b, &ids[STORY_DROPPED])->dossier;
	logbook_erase(&b, d->entry[0].e.index);
	d = logbook_find(&b, &ids[STORY_ACTIVE])->dossier;
	for (size_t i = 1; i < d->n; i++)
		logbook_erase(&b, d->entry[i].e.index);
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("erased"),
	    VIEW_MAKE);
	vt_apply(v, &b, 0, b.n);
	vt_check_note(v, &b);
	JT_ERR(view_get(v, &ids[STORY_DROPPED], &r, NULL), JIT_E_UNKNOWN);
	JT_ERR(view_about(v, orphan, &id, NULL), JIT_E_UNKNOWN);
	JT_OK(view_get(v, &ids[STORY_ACTIVE], &r, NULL));
	assert_true(r.end == VIEW_OPEN && r.n_approved == 0 &&
	    r.serial.n == 0);
	view_row_done(&r);
	JT_OK(view_get(v, &ids[STORY_DENIED], &r, NULL));
	vt_same_row(&b, &r);
	view_row_done(&r);
}

/* ---- an id that is used again ---- */

static void
id_again(void **state)
{
	struct draft d;
	struct ulid first;
	uint64_t old, was;
	struct view_row r = { .n_approved = 0 };
	struct view_entry *e = NULL;
	size_t n = 0;

	(void)state;
	fresh();
	first = logbook_asked(&b, 1);
	old = logbook_find(&b, &first)->dossier->h.request_index;
	was = b.n;
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("again"),
	    VIEW_MAKE);
	vt_apply(v, &b, 0, b.n);
	/* Long over, and forgotten by the signer. */
	b.w.now += 3 * 86400;
	world_draft(&b.w, "prod-db", K_DAN, &d);
	d.req.id = first;
	(void)logbook_request_draft(&b, &d, K_DAN);
	(void)logbook_decide(&b, &first, VERDICT_DENY, K_BOB);
	vt_apply(v, &b, was, b.n);
	vt_check_note(v, &b);
	JT_OK(view_get(v, &first, &r, NULL));
	vt_same_row(&b, &r);
	assert_true(r.index == was && r.end == VIEW_DENIED);
	view_row_done(&r);
	JT_OK(view_entries(v, &first, &e, &n, NULL));
	assert_true(n == 2 && e[0].index == was && e[1].index == was + 1);
	free(e);
	/* The old one is still listed as it was. */
	const struct view_query q = { .now = b.w.now, .sees_all = true,
	    .max = 2 };
	JIT_DONE(view_page_done) struct view_page p = { .n = 0 };
	JT_OK(view_list(v, &q, &p, NULL));
	assert_true(p.n == 2 && p.v[0].index == old &&
	    p.v[0].end == VIEW_OPEN && p.v[0].n_approved == 1);
	/* What is about the old one's text cannot follow on the new. */
	JT_OK(view_begin(v, NULL));
	struct entry late = b.entry[old + 1].e;
	late.index = b.n;
	late.time = b.w.now;
	JT_OK(entry_seal(&late));
	JT_ERR(view_apply(v, &late, NULL), JIT_E_VERIFY);
	view_rollback(v);
}

/* ---- live and anew ---- */

static uint64_t seed;

static uint64_t
chance(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static struct view *
live_view(const char *path)
{
	struct view *v = vt_open(&b, path, VIEW_MAKE);
	uint64_t at = 0;

	while (at < b.n) {
		uint64_t n = 1 + chance(b.n - at < 40 ? b.n - at : 40);

		if (chance(3) == 0) {
			JT_OK(view_begin(v, NULL));
			for (uint64_t i = at; i < at + n; i++)
				JT_OK(view_apply(v, &b.entry[i].e, NULL));
			view_rollback(v);
		}
		vt_apply(v, &b, at, at + n);
		at += n;
		if (chance(4) == 0)
			vt_check_note(v, &b);
		if (chance(4) == 0) {
			view_free(v);
			v = vt_open(&b, path, VIEW_USE);
		}
	}
	return v;
}

struct life {
	const char *name;
	uint64_t seed;
	unsigned acts;
};

static void
anew(void **state)
{
	const struct life *h = *state;
	char live[32], made[32];

	seed = h->seed;
	fresh();
	b.w.chance = h->seed << 32;
	vt_live(&b, h->acts);
	(void)snprintf(live, sizeof(live), "live-%u", (unsigned)h->seed);
	(void)snprintf(made, sizeof(made), "anew-%u", (unsigned)h->seed);
	JIT_SCOPED(view_free) struct view *v = live_view(vt_path(live));
	JIT_SCOPED(view_free) struct view *w = vt_anew(&b, vt_path(made));
	struct digest dv = vt_digest(v), dw = vt_digest(w);

	assert_true(digest_eq(&dv, &dw));
	vt_check_note(v, &b);
	vt_check_note(w, &b);
	vt_same_rows(v, &b);
	vt_same_rows(w, &b);
	/* And on from there. */
	uint64_t was = b.n;
	vt_live(&b, 20);
	vt_apply(v, &b, was, b.n);
	vt_apply(w, &b, was, b.n);
	dv = vt_digest(v);
	dw = vt_digest(w);
	assert_true(digest_eq(&dv, &dw));
}

static const struct life histories[] = {
	{ "live and anew: nothing but a policy", 1, 0 },
	{ "live and anew: 60 acts", 2, 60 },
	{ "live and anew: 150 acts", 3, 150 },
	{ "live and anew: 300 acts", 4, 300 },
	{ "live and anew: 301 acts", 5, 301 },
	{ "live and anew: 302 acts", 6, 302 },
};

int
main(void)
{
	int failed = 0;

	logbook_init(&b);
	logbook_story(&b, ids);
	failed += jt_one("a story, entry by entry", story);
	failed += jt_one("reopened, all is there", reopened);
	failed += jt_one("what is not there is unknown", unknown);
	failed += jt_one("notes of other sizes, roots, logs", notes);
	failed += jt_one("a view of another log", another_log);
	failed += jt_one("what cannot be next", refusals);
	failed += jt_one("batches taken back", rollback);
	failed += jt_one("erased bodies are passed over", erased);
	failed += jt_one("an id that is used again", id_again);
	failed += JT_ROWS("histories", anew, histories);
	logbook_done(&b);
	return failed;
}
