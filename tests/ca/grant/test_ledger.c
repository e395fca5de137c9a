/*
 * ledger: one log, one state, however it is folded.  What is refused stands
 * in test_ledger_refuse.c.
 */
#include <string.h>

#include "ca/grant/ledger.h"
#include "tests/lib/logbook.h"

#define SAVE_MAX (4u << 20)

static struct logbook b;
static struct ulid ids[STORY_N], taken[TAKEN_N];
static bool tell_taken;		/* which of the two stories */

static void
fresh(void)
{
	logbook_done(&b);
	logbook_init(&b);
}

static void
tell(void)
{
	fresh();
	if (tell_taken)
		logbook_taken(&b, taken);
	else
		logbook_story(&b, ids);
}

/* ---- one state ---- */

static void
modes(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *own = logbook_ledger(&b, b.n,
	    LEDGER_OWN),
	    *judge = logbook_ledger(&b, b.n, LEDGER_JUDGE),
	    *deep = logbook_ledger(&b, b.n, LEDGER_DEEP), *back = NULL;
	JIT_DONE(buf_done) struct buf s = logbook_saved(own);

	(void)state;
	logbook_same(BUF_SPAN(s), judge);
	logbook_same(BUF_SPAN(s), deep);
	back = logbook_loaded(BUF_SPAN(s));
	logbook_same(BUF_SPAN(s), back);
}

/* Cut anywhere, saved, loaded and gone on with: the same. */
static void
prefixes(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *all = logbook_ledger(&b, b.n,
	    LEDGER_JUDGE), *l = NULL;
	JIT_DONE(buf_done) struct buf want = logbook_saved(all);

	(void)state;
	JT_OK(ledger_new(&l));
	for (size_t n = 1; n < b.n; n++) {
		JIT_SCOPED(ledger_free) struct ledger *back = NULL;
		JIT_DONE(buf_done) struct buf s = { NULL, 0 };

		logbook_fold(&b, l, n - 1, n, LEDGER_JUDGE);
		s = logbook_saved(l);
		back = logbook_loaded(BUF_SPAN(s));
		logbook_same(BUF_SPAN(s), back);
		logbook_fold(&b, back, n, b.n, LEDGER_JUDGE);
		logbook_same(BUF_SPAN(want), back);
	}
}

static void
knows(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = logbook_ledger(&b, b.n,
	    LEDGER_DEEP);
	const struct dossier *d = NULL;
	const struct settled *s = NULL;
	struct checkpoint c;
	struct digest root;
	struct ulid none;
	uint64_t at;

	(void)state;
	logbook_root(&b, b.n, &c);
	JT_OK(merkle_edge_root(ledger_edge(l), &root));
	assert_true(digest_eq(&root, &c.root) && ledger_size(l) == b.n);
	assert_true(ledger_time(l) == b.entry[b.n - 1].e.time);
	assert_string_equal(ledger_log_id(l), b.w.log_id);
	assert_true(tlog_vkey_eq(&ledger_genesis(l)->log, &b.w.log));
	assert_true(ssh_key_eq(ledger_own(l)->ca->v[0].key, b.w.ca.v[0].key));
	assert_true(ssh_key_eq(ledger_own(l)->log, b.w.own.log));
	assert_int_equal(ledger_policy_index(l), b.policy_index);
	assert_int_equal(ledger_next_serial(l), 3);
	assert_int_equal(ledger_erased(l) + ledger_unjudged(l), 0);
	assert_int_equal(b.entry[ledger_recovery(l)].e.type, ENTRY_RECOVERY);
	assert_int_equal(ledger_given_up(l), 0);
	assert_int_equal(ledger_count(l), STORY_N);
	assert_int_equal(ledger_open(l, span_str("alice"), b.w.now), 2);
	assert_int_equal(ledger_open(l, span_str("alice"), b.w.now + 8 * 3600),
	    0);
	assert_int_equal(ledger_open(l, span_str("bob"), b.w.now), 0);
	assert_int_equal(ledger_get(l, &ids[STORY_PENDING], &d, &s),
	    LEDGER_WHOLE);
	assert_true(d->h.n_decisions == 1 && s == NULL);
	assert_int_equal(ledger_get(l, &ids[STORY_DROPPED], NULL, &s),
	    LEDGER_SETTLED);
	assert_true(s->issued && s->end == END_DROPPED && s->n == 5 &&
	    ledger_last(NULL, s) == s->index[4]);
	assert_string_equal(s->requester, "alice");
	assert_int_equal(ledger_at(l, STORY_DENIED, &d, &s), LEDGER_SETTLED);
	assert_true(!s->issued && s->end == END_DENIED);
	JT_OK(ulid_make(7, &b.w.rng, &none));
	assert_int_equal(ledger_get(l, &none, &d, &s), LEDGER_NONE);
	for (size_t i = 0; i < policy_count(b.w.policy); i++) {
		const struct block *k = policy_at(b.w.policy, i);

		JT_OK(ledger_blob(l, &k->digest, &at));
		assert_true(span_eq(b.entry[at].e.body, BUF_SPAN(k->bytes)));
	}
	JT_ERR(ledger_blob(l, &c.root, &at), JIT_E_UNKNOWN);
}

/* ---- what was taken back, who is locked, the keys ---- */

static const struct settled *
settled_of(const struct ledger *l, int which)
{
	const struct settled *s = NULL;

	assert_int_equal(ledger_get(l, &taken[which], NULL, &s),
	    LEDGER_SETTLED);
	return s;
}

static size_t
newest(enum entry_type t)
{
	size_t i = b.n;

	while (b.entry[--i].e.type != t)
		assert_true(i > 0);
	return i;
}

static size_t
first_of(enum entry_type t)
{
	size_t i = 0;

	while (b.entry[i].e.type != t)
		assert_true(++i < b.n);
	return i;
}

static void
taken_knows(void **state)
{
	static const struct { int which; bool issued; enum request_end end;
	    enum request_kind kind; } want[] = {
		{ TAKEN_REVOKED, true, END_REVOKED, KIND_SSH_USER },
		{ TAKEN_LOCKED, true, END_REVOKED, KIND_X509 },
		{ TAKEN_PENDING, false, END_CANCELLED, KIND_SSH_USER },
		{ TAKEN_PERSON, true, END_REVOKED, KIND_X509 },
		{ TAKEN_KEY, false, END_CANCELLED, KIND_SSH_USER },
		{ TAKEN_ACTIVE, true, END_NONE, KIND_X509 },
		{ TAKEN_DROPPED, true, END_DROPPED, KIND_X509 } };
	JIT_SCOPED(ledger_free) struct ledger *l = logbook_ledger(&b, b.n,
	    LEDGER_DEEP);
	const struct dossier *d = NULL;
	uint64_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct settled *s = settled_of(l, want[i].which);

		assert_true(s->issued == want[i].issued &&
		    s->end == want[i].end && s->kind == want[i].kind);
		if (!s->issued)
			continue;
		assert_true(ssh_key_eq(s->ca, ca_keys_active(&b.w.ca,
		    s->kind == KIND_X509 ? CA_X509 : CA_SSH_USER)->key));
		assert_true((s->ended == 0) == (s->end == END_NONE));
		assert_true(s->end == END_NONE || s->ended ==
		    b.entry[s->index[s->n - 1]].e.time);
	}
	assert_int_equal(ledger_get(l, &taken[TAKEN_OPEN], &d, NULL),
	    LEDGER_WHOLE);
	assert_true(ledger_keys_index(l) == b.keys_index);
	assert_int_equal(ledger_own(l)->ca->n, 3);
	assert_false(ledger_locked(l, span_str("alice"), NULL));
	assert_true(ledger_locked(l, span_str("eve"), &at));
	assert_true(at == newest(ENTRY_LOCK));
	assert_true(policy_is_locked(ledger_policy(l), span_str("eve")));
	assert_false(policy_is_locked(ledger_policy(l), span_str("alice")));
	assert_int_equal(ledger_revoked_index(l), newest(ENTRY_DROP));
	assert_int_equal(ledger_next_serial(l), 2);
	assert_int_equal(ledger_unjudged(l), 0);
	/* An SSH serial is the last eight bytes. */
	assert_int_equal(settled_of(l, TAKEN_REVOKED)->serial[15], 1);
}

static enum jit_err
count_one(void *arg, const struct settled *s)
{
	assert_true(s->issued && s->end != END_NONE);
	++*(int *)arg;
	return JIT_OK;
}

static enum jit_err
stop_one(void *arg, const struct settled *s)
{
	(void)arg;
	(void)s;
	return JIT_E_IO;
}

static int
revoked_at(const struct ledger *l, utc_s now)
{
	int n = 0;

	JT_OK(ledger_revoked(l, now, count_one, &n));
	return n;
}

/* A list holds what was taken back, until its grace is over. */
static void
taken_lists(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = logbook_ledger(&b, b.n,
	    LEDGER_JUDGE);
	utc_s last = settled_of(l, TAKEN_DROPPED)->until;
	utc_s first = settled_of(l, TAKEN_REVOKED)->until;

	(void)state;
	assert_int_equal(revoked_at(l, b.w.now), 4);
	assert_int_equal(revoked_at(l, first + LEDGER_REVOKED_GRACE - 1), 4);
	assert_int_equal(revoked_at(l, first + LEDGER_REVOKED_GRACE), 3);
	assert_int_equal(revoked_at(l, last + LEDGER_REVOKED_GRACE - 1), 1);
	assert_int_equal(revoked_at(l, last + LEDGER_REVOKED_GRACE), 0);
	JT_ERR(ledger_revoked(l, b.w.now, stop_one, NULL), JIT_E_IO);
	assert_int_equal(revoked_at(l, b.w.now), 4);
}

/* What has to be ended: before each ended entry, exactly those that follow. */
static void
taken_lost(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	size_t seen = 0;

	(void)state;
	JT_OK(ledger_new(&l));
	for (size_t i = 0; i < b.n; i++) {
		struct rec_ended want, got;
		size_t at = 0;
		bool is;

		if (b.entry[i].e.type == ENTRY_ENDED) {
			JT_OK(rec_get_ended(b.entry[i].e.body, &want, NULL));
			assert_true(ledger_next_lost(l, b.w.now, &at, &got));
			assert_string_equal(got.request.s, want.request.s);
			assert_true(got.cause == want.cause &&
			    got.by_index == want.by_index);
			seen++;
		}
		logbook_fold(&b, l, i, i + 1, LEDGER_JUDGE);
		at = 0;
		is = ledger_next_lost(l, b.w.now, &at, &got);
		assert_true(is == (i + 1 < b.n &&
		    b.entry[i + 1].e.type == ENTRY_ENDED));
	}
	assert_int_equal(seen, 4);
}

/* ---- taking back ---- */

static enum jit_err
apply_open(struct ledger *l, const struct entry *e)
{
	struct open_request *r = NULL;
	struct open_decision *d = NULL;
	struct rec_signed s;

	if (e->type == ENTRY_REQUEST || e->type == ENTRY_DECISION)
		JT_OK(rec_get_signed(e->body, (enum entry_type)e->type, &s,
		    NULL));
	if (e->type == ENTRY_REQUEST)
		JT_OK(open_request_new(s.text, s.sig, s.possess, &r, NULL));
	if (e->type == ENTRY_DECISION)
		JT_OK(open_decision_new(s.text, s.sig, &d, NULL));
	return ledger_apply_open(l, e, r, d, NULL);
}

static bool
can_take_back(const struct entry *e)
{
	return e->type != ENTRY_GENESIS && e->type != ENTRY_POLICY &&
	    e->type != ENTRY_BLOB && e->type != ENTRY_RECOVERY &&
	    e->type != ENTRY_KEYS;
}

/* Every batch of up to n entries is taken back once, then kept. */
static void
roll(size_t n)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	JIT_SCOPED(ledger_free) struct ledger *all = logbook_ledger(&b, b.n,
	    LEDGER_OWN);
	JIT_DONE(buf_done) struct buf want = logbook_saved(all);

	JT_OK(ledger_new(&l));
	for (size_t i = 0; i < b.n;) {
		JIT_DONE(buf_done) struct buf before = { NULL, 0 };
		JIT_DONE(wr_done) struct wr w = WR_INIT(SAVE_MAX);
		size_t k = 0;

		if (!can_take_back(&b.entry[i].e)) {
			JT_OK(apply_open(l, &b.entry[i++].e));
			ledger_commit(l);
			continue;
		}
		while (k < n && i + k < b.n &&
		    can_take_back(&b.entry[i + k].e))
			k++;
		before = logbook_saved(l);
		for (size_t j = 0; j < k; j++)
			JT_OK(apply_open(l, &b.entry[i + j].e));
		JT_ERR(ledger_save(l, &w), JIT_E_ARG);
		ledger_rollback(l);
		logbook_same(BUF_SPAN(before), l);
		for (size_t j = 0; j < k; j++)
			JT_OK(apply_open(l, &b.entry[i + j].e));
		ledger_commit(l);
		i += k;
	}
	logbook_same(BUF_SPAN(want), l);
}

static void
rollback(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 12; n++)
		roll(n);
}

/* An entry with parts that are not its own takes them and is refused. */
static void
wrong_parts(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	struct open_request *r = NULL;
	struct rec_signed s;
	struct entry req = { 0 };
	size_t at = 0;

	(void)state;
	while (b.entry[at].e.type != ENTRY_REQUEST)
		at++;
	req = b.entry[at].e;
	l = logbook_ledger(&b, at, LEDGER_OWN);
	JT_ERR(ledger_apply_open(l, &req, NULL, NULL, NULL), JIT_E_ARG);
	JT_OK(rec_get_signed(req.body, ENTRY_REQUEST, &s, NULL));
	JT_OK(open_request_new(s.text, s.sig, s.possess, &r, NULL));
	JT_ERR(ledger_apply_open(l, &b.entry[at + 1].e, r, NULL, NULL),
	    JIT_E_ARG);
	JT_OK(open_request_new(s.text, s.sig, s.possess, &r, NULL));
	req.erased = true;
	JT_ERR(ledger_apply_open(l, &req, r, NULL, NULL), JIT_E_ARG);
	JT_OK(open_request_new(s.text, s.sig, s.possess, &r, NULL));
	req.erased = false;
	req.index++;
	JT_ERR(ledger_apply_open(l, &req, r, NULL, NULL), JIT_E_VERIFY);
}

/* ---- bits ---- */

static void
flip_bodies(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	size_t tried = 0;

	(void)state;
	tell();
	JT_OK(ledger_new(&l));
	for (size_t i = 0; i < b.n; i++) {
		struct entry e = b.entry[i].e;
		JIT_DONE(buf_done) struct buf body = { NULL, 0 };
		size_t bits = e.body.n * 8, step = (bits / 80 + 1) | 1;

		JT_OK(buf_copy(&body, e.body));
		e.body = BUF_SPAN(body);
		for (size_t k = i % step; k < bits && i > 0 &&
		    e.type != ENTRY_BLOB && e.type != ENTRY_KEYS;
		    k += step, tried++) {
			body.p[k / 8] ^= (uint8_t)(1u << k % 8);
			if (ledger_apply(l, &e, LEDGER_DEEP, NULL) == JIT_OK)
				fail_msg("bit %zu of a %s", k,
				    entry_type_name(e.type));
			JT_ERR(entry_check_body(&e, NULL), JIT_E_VERIFY);
			body.p[k / 8] ^= (uint8_t)(1u << k % 8);
		}
		JT_OK(ledger_apply(l, &b.entry[i].e, LEDGER_DEEP, NULL));
	}
	assert_true(tried > 1000);
	assert_int_equal(ledger_unjudged(l), 0);
}

static void
try_load(void *arg, struct span s)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SAVE_MAX);
	struct rd r = rd_of(s);

	(void)arg;
	if (ledger_load(&r, &l, NULL) != JIT_OK || r.n > 0)
		return;
	JT_OK(ledger_save(l, &w));
	assert_true(span_eq(wr_view(&w), s));
}

static void
flip_saved(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	JIT_DONE(buf_done) struct buf s = { NULL, 0 };

	(void)state;
	tell();
	(void)logbook_add(&b, ENTRY_BLOB, span_str("jit-cert pending"));
	l = logbook_ledger(&b, b.n, LEDGER_OWN);
	s = logbook_saved(l);
	jt_flip_truncate_max(BUF_SPAN(s), 3000, try_load, NULL);
}

/* ---- erased ---- */

/*
 * Nobody knows whether an erased certificate had an SSH serial, so one more
 * is left out than may be needed; with a later one that is known again.
 */
static uint64_t
next_serial(size_t erased)
{
	if (!tell_taken)
		return 3;
	return b.entry[erased].e.type == ENTRY_ISSUED &&
	    erased > first_of(ENTRY_ISSUED) ? 3 : 2;
}

/* Each entry alone, in every mode: the fold goes on and says so. */
static void
erased_one(void **state)
{
	(void)state;
	for (size_t i = 1;; i++) {
		JIT_SCOPED(ledger_free) struct ledger *own = NULL, *deep =
		    NULL;
		JIT_DONE(buf_done) struct buf s = { NULL, 0 };

		tell();
		if (i == b.n)
			break;
		/* Policies and their blocks stay, and keys and locks. */
		if (b.entry[i].e.type == ENTRY_BLOB ||
		    b.entry[i].e.type == ENTRY_POLICY ||
		    b.entry[i].e.type == ENTRY_KEYS ||
		    b.entry[i].e.type == ENTRY_LOCK)
			continue;
		logbook_erase(&b, i);
		own = logbook_ledger(&b, b.n, LEDGER_OWN);
		deep = logbook_ledger(&b, b.n, LEDGER_DEEP);
		assert_int_equal(ledger_erased(own), 1);
		assert_int_equal(ledger_erased(deep), 1);
		assert_int_equal(ledger_next_serial(deep), next_serial(i));
		s = logbook_saved(deep);
		own = (ledger_free(own), logbook_loaded(BUF_SPAN(s)));
		logbook_same(BUF_SPAN(s), own);
	}
}

static void
erased_all(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	struct ulid id;
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < b.n; i++)
		if (rec_about((enum entry_type)b.entry[i].e.type,
		    b.entry[i].e.body, &id)) {
			logbook_erase(&b, i);
			n++;
		}
	l = logbook_ledger(&b, b.n, LEDGER_DEEP);
	assert_int_equal(ledger_erased(l), n);
	assert_int_equal(ledger_unjudged(l), 0);
	assert_int_equal(ledger_count(l), 0);
	assert_int_equal(ledger_next_serial(l), 3);
}

/* Of a policy that is in force nothing can be missing. */
static void
erased_policy(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = logbook_ledger(&b, 1,
	    LEDGER_OWN);
	struct jit_why why = { 0 };

	(void)state;
	logbook_erase(&b, 1);
	while (b.entry[ledger_size(l)].e.type == ENTRY_BLOB)
		logbook_fold(&b, l, ledger_size(l), ledger_size(l) + 1,
		    LEDGER_DEEP);
	JT_WHY(ledger_apply(l, &b.entry[ledger_size(l)].e, LEDGER_DEEP, &why),
	    JIT_E_VERIFY, &why);
}

static void
serial_skip(struct ssh_cert_fields *f)
{
	f->serial++;
}

static void
issue(const struct ulid *id, struct logbook_spoil how)
{
	JIT_DONE(buf_done) struct buf body = logbook_issued_body(&b, id,
	    &how);

	(void)logbook_add(&b, ENTRY_ISSUED, BUF_SPAN(body));
}

/* Erasing an approval lets no certificate of a stranger's CA in. */
static void
erased_ca(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	struct ulid id;

	(void)state;
	fresh();
	id = logbook_asked(&b, 2);
	issue(&id, (struct logbook_spoil){ .ca = K_STRANGER });
	logbook_erase(&b, b.n - 2);
	l = logbook_ledger(&b, b.n - 1, LEDGER_JUDGE);
	JT_ERR(ledger_apply(l, &b.entry[b.n - 1].e, LEDGER_JUDGE, NULL),
	    JIT_E_VERIFY);
	fresh();
	id = logbook_asked(&b, 2);
	issue(&id, (struct logbook_spoil){ .fields = serial_skip,
	    .ca = K_CA });
	for (int i = 2; i <= 4; i++)
		logbook_erase(&b, b.n - (size_t)i);
	ledger_free(l);
	l = logbook_ledger(&b, b.n - 1, LEDGER_JUDGE);
	JT_ERR(ledger_apply(l, &b.entry[b.n - 1].e, LEDGER_JUDGE, NULL),
	    JIT_E_VERIFY);
}

/* ---- forgetting ---- */

static void
expiry(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL, *back = NULL;
	JIT_DONE(buf_done) struct buf s = { NULL, 0 };
	utc_s closes = WORLD_NOW + 8 * 3600;
	struct ulid id;

	(void)state;
	fresh();
	id = logbook_asked(&b, 2);
	(void)logbook_collect(&b, &id);
	b.w.now++;
	(void)logbook_asked(&b, 1);
	l = logbook_ledger(&b, b.n, LEDGER_OWN);
	ledger_expire(l, closes + LEDGER_GRACE - 1);
	assert_int_equal(ledger_count(l), 2);
	ledger_expire(l, closes + LEDGER_GRACE);
	assert_int_equal(ledger_count(l), 1);
	assert_int_equal(ledger_get(l, &id, NULL, NULL), LEDGER_NONE);
	s = logbook_saved(l);
	back = logbook_loaded(BUF_SPAN(s));
	logbook_same(BUF_SPAN(s), back);
	ledger_expire(l, closes + LEDGER_GRACE + 1);
	assert_int_equal(ledger_count(l), 0);
	assert_int_equal(ledger_next_serial(l), 2);
}

/* An id that was forgotten is free, whoever folds, whenever it expires. */
static void
id_again(void **state)
{
	static const dur_s later[] = { 8 * 3600 + LEDGER_GRACE,
	    8 * 3600 + LEDGER_GRACE - 1 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		JIT_SCOPED(ledger_free) struct ledger *l = NULL;
		struct draft d;
		struct ulid id;

		fresh();
		id = logbook_asked(&b, 1);
		b.w.now += later[i];
		world_draft(&b.w, "prod-db", K_ALICE, &d);
		d.req.id = id;
		(void)logbook_request_draft(&b, &d, K_ALICE);
		l = logbook_ledger(&b, b.n - 1, LEDGER_DEEP);
		JT_ERR(ledger_apply(l, &b.entry[b.n - 1].e, LEDGER_DEEP,
		    NULL), i == 0 ? JIT_OK : JIT_E_VERIFY);
	}
}

/* More requests than buckets, people and blobs than first allocated. */
static void
many(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL, *back = NULL;
	JIT_DONE(buf_done) struct buf s = { NULL, 0 };
	static struct ulid id[200];

	(void)state;
	fresh();
	for (int i = 0; i < 200; i++) {
		b.w.now += 1;
		id[i] = logbook_asked(&b, 0);
		if (i % 8 > 0)
			(void)logbook_cancel(&b, &id[i]);
	}
	l = logbook_ledger(&b, b.n, LEDGER_JUDGE);
	s = logbook_saved(l);
	back = logbook_loaded(BUF_SPAN(s));
	for (int i = 0; i < 200; i++)
		assert_int_equal(ledger_get(back, &id[i], NULL, NULL),
		    i % 8 > 0 ? LEDGER_SETTLED : LEDGER_WHOLE);
}

int
main(void)
{
	int failed;

	logbook_init(&b);
	tell_taken = true;
	tell();
	failed = jt_one("taken: knows", taken_knows) +
	    jt_one("taken: lists", taken_lists) +
	    jt_one("taken: lost", taken_lost) +
	    jt_one("taken: modes", modes) +
	    jt_one("taken: prefixes", prefixes) +
	    jt_one("taken: rollback", rollback) +
	    jt_one("taken: flipped bodies", flip_bodies) +
	    jt_one("taken: flipped snapshot", flip_saved) +
	    jt_one("taken: erased one", erased_one);
	tell_taken = false;
	tell();
	failed += jt_one("modes", modes) + jt_one("prefixes", prefixes) +
	    jt_one("knows", knows) + jt_one("rollback", rollback) +
	    jt_one("wrong parts", wrong_parts) +
	    jt_one("flipped bodies", flip_bodies) +
	    jt_one("flipped snapshot", flip_saved) +
	    jt_one("erased one", erased_one) +
	    jt_one("erased all", erased_all) +
	    jt_one("erased policy", erased_policy) +
	    jt_one("erased, another CA", erased_ca) +
	    jt_one("expiry", expiry) + jt_one("id again", id_again) +
	    jt_one("many", many);
	logbook_done(&b);
	return failed;
}
