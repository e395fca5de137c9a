/*
 * view: X.509 requests, what was taken back and by whom, the CA keys that
 * are published, who is locked out; live, reopened and made anew, and beside
 * the ledger of the same log.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/api/view/vt.h"

static struct logbook b;

enum { REVOKED, OWN_REVOKED, CANCELLED_BY_LOCK, REVOKED_BY_LOCK, SSH_REVOKED,
	LIVE, PENDING, STORIES };
static struct ulid ids[STORIES];
static uint64_t locked_at, unlocked_at;

/* ---- a log with all of that ---- */

static struct buf
taken(struct wr *w)
{
	struct buf ret = { NULL, 0 };

	JT_OK(wr_take(w, &ret));
	return ret;
}

static uint64_t
about(const struct ulid *id, enum entry_type t, struct span body)
{
	uint64_t at = logbook_add(&b, t, body);
	struct jit_why why = { 0 };

	JT_WHY(dossier_add(logbook_find(&b, id)->dossier, &b.entry[at].e,
	    DOSSIER_VERIFY, &why), JIT_OK, &why);
	return at;
}

static void
revoke(const struct ulid *id, enum world_key who)
{
	JIT_DONE(buf_done) struct buf body = logbook_act_body(&b, id,
	    ACT_REVOKE, who);

	(void)about(id, ENTRY_REVOKE, BUF_SPAN(body));
}

static struct buf
ended_body(const struct ulid *id, enum ended_cause cause, uint64_t by)
{
	const struct rec_ended e = { *id, cause, by };
	JIT_DONE(wr_done) struct wr w = WR_INIT(256);

	rec_put_ended(&w, &e);
	return taken(&w);
}

static void
end(const struct ulid *id, enum ended_cause cause, uint64_t by)
{
	JIT_DONE(buf_done) struct buf body = ended_body(id, cause, by);

	(void)about(id, ENTRY_ENDED, BUF_SPAN(body));
}

static struct buf
keys_body(uint64_t before)
{
	struct ca_keys k = b.w.ca;
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);

	k.before = before;
	ca_keys_put(&w, &k);
	return taken(&w);
}

static uint64_t
lock(const char *person, bool unlock)
{
	const struct lock l = { .unlock = unlock,
	    .log = span_str(b.w.log_id), .by = span_str("dana"),
	    .at = b.w.now, .person = span_str(person) };
	JIT_DONE(wr_done) struct wr t = WR_INIT(ACT_MAX);
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };
	struct rec_signed s;

	lock_put(&t, &l);
	JT_OK(t.err);
	sig = world_sign(&b.w, K_DANA, lock_namespace(unlock), wr_view(&t));
	s = (struct rec_signed){ wr_view(&t), BUF_SPAN(sig), SPAN_NONE };
	rec_put_signed(&w, ENTRY_LOCK, &s);
	JT_OK(w.err);
	return logbook_add(&b, ENTRY_LOCK, wr_view(&w));
}

static struct buf
x509_body(const struct ulid *id)
{
	struct logbook_matter *m = logbook_find(&b, id);
	const struct ca_key *ca = ca_keys_active(&b.w.ca, CA_X509);
	JIT_SCOPED(x509_linter_free) struct x509_linter *l = NULL;
	JIT_DONE(wr_done) struct wr cert = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct rec_issued rec = { .request = *id,
	    .request_index = m->dossier->h.request_index,
	    .policy_index = b.policy_index };
	struct jit_why why = { 0 };
	struct issue is;

	JT_WHY(judge_issue(b.w.policy, &b.w.own, &m->dossier->h,
	    SPAN(m->secret, 32), b.serial + 1, b.w.now, &is, &why), JIT_OK,
	    &why);
	JT_OK(x509_serial_make(&b.w.rng, is.x509.serial));
	JT_WHY(x509_linter_new(ca->ca, &b.w.rng, &l, &why), JIT_OK, &why);
	JT_WHY(x509_make(&cert, &is.x509,
	    m->dossier->h.request->subject.key, b.w.x509[K_X509_CA], l,
	    &why), JIT_OK, &why);
	memcpy(rec.secret, m->secret, sizeof(rec.secret));
	rec.n_approvals = is.quorum.have;
	for (size_t i = 0; i < rec.n_approvals; i++)
		rec.approvals[i] = m->dossier->h.decision_index[
		    is.quorum.counted[i]];
	rec.cert = wr_view(&cert);
	rec_put_issued(&w, &rec);
	return taken(&w);
}

static struct ulid
x509_issued(enum world_key who)
{
	struct ulid id = logbook_request(&b, "pg-write", who);

	b.w.now++;
	(void)logbook_decide(&b, &id, VERDICT_APPROVE, K_BOB);
	JIT_DONE(buf_done) struct buf body = x509_body(&id);
	(void)about(&id, ENTRY_ISSUED, BUF_SPAN(body));
	b.w.now++;
	return id;
}

static struct ulid
ssh_issued(void)
{
	struct ulid id = logbook_asked(&b, 2);

	(void)logbook_collect(&b, &id);
	b.w.now++;
	return id;
}

static void
write_log(void)
{
	logbook_init(&b);
	world_x509(&b.w);
	JIT_DONE(buf_done) struct buf keys = keys_body(0);
	(void)logbook_add(&b, ENTRY_KEYS, BUF_SPAN(keys));
	(void)logbook_policy(&b);
	ids[REVOKED] = x509_issued(K_ALICE);
	revoke(&ids[REVOKED], K_DANA);
	ids[OWN_REVOKED] = x509_issued(K_ALICE);
	revoke(&ids[OWN_REVOKED], K_ALICE);
	ids[SSH_REVOKED] = ssh_issued();
	revoke(&ids[SSH_REVOKED], K_BOB);
	ids[LIVE] = x509_issued(K_CAROL);
	ids[CANCELLED_BY_LOCK] = logbook_request(&b, "pg-read", K_DAN);
	ids[REVOKED_BY_LOCK] = x509_issued(K_DAN);
	b.w.now++;
	locked_at = lock("dan", false);
	end(&ids[CANCELLED_BY_LOCK], ENDED_LOCKED, locked_at);
	end(&ids[REVOKED_BY_LOCK], ENDED_LOCKED, locked_at);
	b.w.now++;
	(void)lock("carol", false);
	b.w.now++;
	unlocked_at = lock("dan", true);
	ids[PENDING] = logbook_request(&b, "pg-read", K_DAN);
}

/* ---- what is told ---- */

static struct view_row
row(struct view *v, int which)
{
	struct view_row r = { .n_approved = 0 };

	JT_OK(view_get(v, &ids[which], &r, NULL));
	return r;
}

struct told {
	const char *name;
	int which;
	enum view_end end;
	const char *by;
	uint8_t cause;
};

static const struct told tells[] = {
	{ "revoked by an admin", REVOKED, VIEW_REVOKED, "dana", 0 },
	{ "revoked by its requester", OWN_REVOKED, VIEW_REVOKED, "alice", 0 },
	{ "SSH, revoked by an approver", SSH_REVOKED, VIEW_REVOKED, "bob",
	    0 },
	{ "ended by a lock before it was issued", CANCELLED_BY_LOCK,
	    VIEW_CANCELLED, "", ENDED_LOCKED },
	{ "ended by a lock after it was issued", REVOKED_BY_LOCK,
	    VIEW_REVOKED, "", ENDED_LOCKED },
	{ "alive", LIVE, VIEW_ISSUED, "", 0 },
	{ "asked after the lock was taken off", PENDING, VIEW_OPEN, "", 0 },
};

static void
told(void **state)
{
	const struct told *t = *state;
	JIT_SCOPED(view_free) struct view *v = vt_anew(&b, vt_path(t->name));
	JIT_DONE(view_row_done) struct view_row r = row(v, t->which);

	assert_int_equal(r.end, t->end);
	assert_true(span_eq_str(r.revoked, t->by));
	assert_int_equal(r.cause, t->cause);
	vt_same_row(&b, &r);
}

static void
listed(void **state)
{
	JIT_SCOPED(view_free) struct view *v = vt_anew(&b, vt_path("listed"));
	struct view_query q = { .now = b.w.now, .sees_all = true, .max = 3 };

	(void)state;
	vt_same_rows(v, &b);
	for (int s = VIEW_ALL; s <= VIEW_OVER; s++) {
		q.state = (enum view_state)s;
		vt_walk(v, &b, &q);
	}
}

/* Keys and locks are the ledger's after each entry. */
static void
as_ledger(void **state)
{
	static const char *const people[] = { "alice", "bob", "carol", "dan",
	    "dana" };
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("ledger"),
	    VIEW_MAKE);
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	bool is, was = false;

	(void)state;
	JT_OK(ledger_new(&l));
	assert_int_equal(view_keys(v)->n, 0);
	for (uint64_t i = 0; i < b.n; i++) {
		logbook_fold(&b, l, i, i + 1, LEDGER_JUDGE);
		vt_apply(v, &b, i, i + 1);
		assert_int_equal(view_keys_index(v), ledger_keys_index(l));
		assert_int_equal(view_keys(v)->n, ledger_own(l)->ca->n);
		for (size_t k = 0; k < 5 && view_policy(v) != NULL; k++) {
			is = ledger_locked(l, span_str(people[k]), NULL);
			assert_true(policy_is_locked(view_policy(v),
			    span_str(people[k])) == is);
			was = was || is;
		}
	}
	assert_true(was && view_keys(v)->n == 2);
}

static void
anew(void **state)
{
	const char *path = vt_path("live");
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, path, VIEW_MAKE);
	JIT_SCOPED(view_free) struct view *w = NULL;
	struct digest was, now;

	(void)state;
	for (uint64_t i = 0; i < b.n; i++) {
		vt_apply(v, &b, i, i + 1);
		if (i % 5 != 0)
			continue;
		view_free(v);
		v = vt_open(&b, path, VIEW_USE);
	}
	w = vt_anew(&b, vt_path("anew"));
	was = vt_digest(v);
	now = vt_digest(w);
	assert_true(digest_eq(&was, &now));
	vt_check_note(v, &b);
	assert_true(policy_is_locked(view_policy(w), span_str("carol")));
	view_free(v);
	v = vt_open(&b, path, VIEW_USE);
	assert_true(policy_is_locked(view_policy(v), span_str("carol")));
	assert_false(policy_is_locked(view_policy(v), span_str("dan")));
	assert_int_equal(view_keys(v)->n, 2);
	assert_non_null(ca_keys_active(view_keys(v), CA_X509));
}

/* What a batch did to keys, locks and policy is undone with it. */
static void
rolled_back(void **state)
{
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("back"),
	    VIEW_MAKE);
	struct digest was, now;

	(void)state;
	for (uint64_t at = 1; at < b.n; at++) {
		vt_apply(v, &b, at - 1, at);
		was = vt_digest(v);
		bool dan = view_policy(v) != NULL && policy_is_locked(
		    view_policy(v), span_str("dan"));
		size_t keys = view_keys(v)->n;

		JT_OK(view_begin(v, NULL));
		for (uint64_t i = at; i < b.n; i++)
			JT_OK(view_apply(v, &b.entry[i].e, NULL));
		view_rollback(v);
		now = vt_digest(v);
		assert_true(digest_eq(&was, &now));
		assert_int_equal(view_keys(v)->n, keys);
		if (view_policy(v) != NULL)
			assert_true(policy_is_locked(view_policy(v),
			    span_str("dan")) == dan);
	}
}

/* ---- what cannot stand there ---- */

/* Put in by itself, told, and taken out again. */
static void
cannot(struct view *v, enum entry_type t, struct buf body, const char *words)
{
	uint64_t at = logbook_add(&b, t, BUF_SPAN(body));
	struct jit_why why = { 0 };

	JT_OK(view_begin(v, NULL));
	JT_WHY(view_apply(v, &b.entry[at].e, &why), JIT_E_VERIFY, &why);
	if (strstr(why.msg, words) == NULL)
		fail_msg("\"%s\" has no \"%s\"", why.msg, words);
	view_rollback(v);
	kept_done(&b.entry[--b.n]);
	buf_done(&body);
}

/* A certificate of the one kind for a request of the other. */
static struct buf
other_kind(const struct ulid *id)
{
	const struct entry *e = &logbook_find(&b, &ids[SSH_REVOKED])->
	    dossier->entry[3].e;
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct rec_issued rec;

	assert_int_equal(e->type, ENTRY_ISSUED);
	JT_OK(rec_get_issued(e->body, &rec, NULL));
	rec.request = *id;
	rec.request_index = logbook_find(&b, id)->dossier->h.request_index;
	rec_put_issued(&w, &rec);
	return taken(&w);
}

static void
refusals(void **state)
{
	JIT_SCOPED(view_free) struct view *v = vt_anew(&b, vt_path("refuse"));
	struct buf none = { NULL, 0 };

	(void)state;
	cannot(v, ENTRY_REVOKE, logbook_act_body(&b, &ids[PENDING],
	    ACT_REVOKE, K_DANA), "settled");
	cannot(v, ENTRY_REVOKE, logbook_act_body(&b, &ids[REVOKED],
	    ACT_REVOKE, K_DANA), "settled");
	cannot(v, ENTRY_DROP, logbook_act_body(&b, &ids[REVOKED], ACT_DROP,
	    K_ALICE), "settled");
	cannot(v, ENTRY_CANCEL, logbook_act_body(&b, &ids[LIVE], ACT_CANCEL,
	    K_CAROL), "settled");
	cannot(v, ENTRY_ENDED, ended_body(&ids[REVOKED], ENDED_LOCKED, 1),
	    "settled");
	cannot(v, ENTRY_ISSUED, other_kind(&ids[PENDING]), "another kind");
	cannot(v, ENTRY_KEYS, keys_body(0), "other keys");
	cannot(v, ENTRY_KEYS, none, "keys");
	cannot(v, ENTRY_LOCK, none, "lock");
}

static void
erased(void **state)
{
	static const enum entry_type types[] = { ENTRY_KEYS, ENTRY_LOCK };
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("erased"),
	    VIEW_MAKE);

	(void)state;
	for (uint64_t i = 0; i < b.n; i++) {
		struct entry e = b.entry[i].e;
		struct jit_why why = { 0 };

		for (size_t k = 0; k < 2; k++) {
			if (e.type != types[k])
				continue;
			e.erased = true;
			e.body = SPAN_NONE;
			JT_OK(view_begin(v, NULL));
			JT_WHY(view_apply(v, &e, &why), JIT_E_VERIFY, &why);
			view_rollback(v);
		}
		vt_apply(v, &b, i, i + 1);
	}
}

/* Who leaves the policy is locked no more; a row of that is the log's. */
static void
trimmed(void **state)
{
	static const enum world_key carol[] = { K_CAROL };
	JIT_SCOPED(view_free) struct view *v = vt_anew(&b, vt_path("trim"));
	JIT_SCOPED(view_free) struct view *w = NULL;
	uint64_t was = b.n;
	struct digest a, c;

	(void)state;
	assert_true(policy_is_locked(view_policy(v), span_str("carol")));
	b.w.now++;
	world_without(&b.w, BLOCK_PERSON, "carol");
	(void)logbook_policy(&b);
	vt_apply(v, &b, was, b.n);
	assert_false(policy_is_locked(view_policy(v), span_str("carol")));
	was = b.n;
	world_person(&b.w, "carol", "group: sre\n", carol, 1);
	(void)logbook_policy(&b);
	vt_apply(v, &b, was, b.n);
	assert_non_null(policy_person(view_policy(v), span_str("carol")));
	assert_false(policy_is_locked(view_policy(v), span_str("carol")));
	w = vt_anew(&b, vt_path("trimmed"));
	a = vt_digest(v);
	c = vt_digest(w);
	assert_true(digest_eq(&a, &c));
}

int
main(void)
{
	int failed = 0;

	write_log();
	failed += JT_ROWS("what is told of it", told, tells);
	failed += jt_one("in lists", listed);
	failed += jt_one("keys and locks are the ledger's", as_ledger);
	failed += jt_one("live, reopened, anew", anew);
	failed += jt_one("batches taken back", rolled_back);
	failed += jt_one("what cannot stand there", refusals);
	failed += jt_one("erased keys and locks", erased);
	failed += jt_one("locks of who left", trimmed);
	logbook_done(&b);
	return failed;
}
