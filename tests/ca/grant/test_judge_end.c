/*
 * judge: what ends access: revoke, lock, unlock, and what the signer has to
 * end by itself; and that who is locked out can do nothing.
 */
#include <string.h>

#include "tests/lib/world.h"

static struct world w;

static void
free_history(struct history **h)
{
	history_free(*h);
}
#define HISTORY __attribute__((cleanup(free_history))) struct history

static struct history *
asked(enum world_key who, struct draft *d)
{
	struct history *h = calloc(1, sizeof(*h));
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };

	assert_non_null(h);
	world_draft(&w, "prod-db", who, d);
	text = world_request_text(d);
	JT_OK(world_open(&w, BUF_SPAN(text), who, &h->request, NULL));
	return h;
}

static enum jit_err
decides(const struct history *h, enum verdict v, enum world_key who,
    struct open_decision **ret)
{
	JIT_SCOPED(open_decision_free) struct open_decision *d = NULL;

	JT_OK(world_decide(&w, v, who, h->request, &d, NULL));
	JIT_TRY(judge_decision(w.policy, w.log_id, h, d, w.now, NULL));
	if (ret != NULL) {
		*ret = d;
		d = NULL;
	}
	return JIT_OK;
}

static void
lock(const char *name)
{
	static struct span one;

	one = span_str(name != NULL ? name : "");
	policy_set_locked(w.policy, &one, name != NULL);
}

/* ---- acts ---- */

struct act_row {
	const char *name;
	enum act_kind kind;
	const char *by;
	enum world_key key;
	bool issued;
	enum request_end end;
	dur_s left;			/* until the certificate ends */
	const char *locked;
	enum jit_err want;
};

#define REVOKE(name, by, key, want)					\
	{ name, ACT_REVOKE, by, key, true, END_NONE, 60, NULL, want }
static const struct act_row act_rows[] = {
	REVOKE("the requester", "alice", K_ALICE, JIT_OK),
	REVOKE("an approver", "bob", K_BOB, JIT_OK),
	REVOKE("an approver's other key", "bob", K_BOB2, JIT_OK),
	REVOKE("an admin", "dana", K_DANA, JIT_OK),
	REVOKE("who may neither", "eve", K_EVE, JIT_E_NOTYOURS),
	REVOKE("a stranger's key", "alice", K_STRANGER, JIT_E_KEYUNKNOWN),
	REVOKE("in an admin's name", "dana", K_BOB, JIT_E_KEYUNKNOWN),
	REVOKE("nobody", "mallory", K_BOB, JIT_E_PERSON),
	{ "before issue, the requester", ACT_REVOKE, "alice", K_ALICE, false,
	    END_NONE, 0, NULL, JIT_E_PENDING },
	{ "before issue, an admin", ACT_REVOKE, "dana", K_DANA, false,
	    END_NONE, 0, NULL, JIT_E_PENDING },
	{ "before issue, who may not", ACT_REVOKE, "eve", K_EVE, false,
	    END_NONE, 0, NULL, JIT_E_NOTYOURS },
	{ "in its last second", ACT_REVOKE, "bob", K_BOB, true, END_NONE, 1,
	    NULL, JIT_OK },
	{ "at its end", ACT_REVOKE, "bob", K_BOB, true, END_NONE, 0, NULL,
	    JIT_E_EXPIRED },
	{ "twice", ACT_REVOKE, "bob", K_BOB, true, END_REVOKED, 60, NULL,
	    JIT_E_REVOKED },
	{ "after a drop", ACT_REVOKE, "bob", K_BOB, true, END_DROPPED, 60,
	    NULL, JIT_E_DROPPED },
	{ "after a deny", ACT_REVOKE, "bob", K_BOB, false, END_DENIED, 0,
	    NULL, JIT_E_DENIED },
	{ "after a cancel", ACT_REVOKE, "bob", K_BOB, false, END_CANCELLED, 0,
	    NULL, JIT_E_CANCELLED },
	{ "a drop after it", ACT_DROP, "alice", K_ALICE, true, END_REVOKED,
	    60, NULL, JIT_E_REVOKED },
	{ "a cancel after it", ACT_CANCEL, "alice", K_ALICE, true,
	    END_REVOKED, 60, NULL, JIT_E_REVOKED },
	{ "a cancel by an admin", ACT_CANCEL, "dana", K_DANA, false, END_NONE,
	    0, NULL, JIT_E_NOTYOURS },
	{ "a drop by an admin", ACT_DROP, "dana", K_DANA, true, END_NONE, 60,
	    NULL, JIT_E_NOTYOURS },
	{ "locked, revokes", ACT_REVOKE, "alice", K_ALICE, true, END_NONE, 60,
	    "alice", JIT_E_LOCKEDOUT },
	{ "a locked admin revokes", ACT_REVOKE, "dana", K_DANA, true,
	    END_NONE, 60, "dana", JIT_E_LOCKEDOUT },
	{ "locked, drops", ACT_DROP, "alice", K_ALICE, true, END_NONE, 60,
	    "alice", JIT_E_LOCKEDOUT },
	{ "locked, cancels", ACT_CANCEL, "alice", K_ALICE, false, END_NONE, 0,
	    "alice", JIT_E_LOCKEDOUT },
	{ "of a locked requester", ACT_REVOKE, "dana", K_DANA, true, END_NONE,
	    60, "alice", JIT_OK },
};

static enum jit_err
judge_row(const struct act_row *r, const struct history *h, struct act *a,
    const char *ns)
{
	JIT_DONE(wr_done) struct wr t = WR_INIT(ACT_MAX);
	JIT_DONE(signer_done) struct signer s = { 0 };
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };
	struct act back;

	act_put(&t, a);
	JT_OK(act_parse(wr_view(&t), a->kind, &back, NULL));
	sig = world_sign(&w, r->key, ns, wr_view(&t));
	JIT_TRY(signer_open(BUF_SPAN(sig), act_namespace(a->kind),
	    wr_view(&t), &s, NULL));
	return judge_act(w.policy, w.log_id, h, &back, &s, w.now, NULL);
}

static void
act_row(void **state)
{
	const struct act_row *r = *state;
	struct draft d;
	HISTORY *h = asked(K_ALICE, &d);
	struct act a = { .kind = r->kind, .log = span_str(w.log_id),
	    .by = span_str(r->by), .at = w.now, .request = d.req.id,
	    .digest = h->request->digest };

	h->issued = r->issued;
	h->issued_until = w.now + r->left;
	h->end = r->end;
	lock(r->locked);
	JT_ERR(judge_row(r, h, &a, act_namespace(r->kind)), r->want);
	lock(NULL);
}

/* Of another log, text, time or purpose. */
static void
false_acts(void **state)
{
	const struct act_row r = act_rows[1];
	struct draft d;
	HISTORY *h = asked(K_ALICE, &d);
	const struct act good = { .kind = ACT_REVOKE,
	    .log = span_str(w.log_id), .by = span_str("bob"), .at = w.now,
	    .request = d.req.id, .digest = h->request->digest };
	struct act a = good;

	(void)state;
	h->issued = true;
	h->issued_until = w.now + 60;
	JT_OK(judge_row(&r, h, &a, NS_REVOKE));
	JT_ERR(judge_row(&r, h, &a, NS_DROP), JIT_E_NAMESPACE);
	JT_ERR(judge_row(&r, h, &a, NS_CANCEL), JIT_E_NAMESPACE);
	a.log = span_str("jit.example.com+00000000");
	JT_ERR(judge_row(&r, h, &a, NS_REVOKE), JIT_E_LOGNAME);
	a = good;
	a.digest.b[0] ^= 1;
	JT_ERR(judge_row(&r, h, &a, NS_REVOKE), JIT_E_OTHERTEXT);
	a = good;
	a.at -= 301;
	JT_ERR(judge_row(&r, h, &a, NS_REVOKE), JIT_E_CLOCK);
	a.at += 602;
	JT_ERR(judge_row(&r, h, &a, NS_REVOKE), JIT_E_CLOCK);
}

/* ---- locks ---- */

struct lock_row {
	const char *name;
	bool unlock;
	const char *person, *by;
	enum world_key key;
	bool is;
	const char *locked;
	enum jit_err want;
};

static const struct lock_row lock_rows[] = {
	{ "oneself", false, "alice", "alice", K_ALICE, false, NULL, JIT_OK },
	{ "by an admin", false, "alice", "dana", K_DANA, false, NULL,
	    JIT_OK },
	{ "an admin, by herself", false, "dana", "dana", K_DANA, false, NULL,
	    JIT_OK },
	{ "by another", false, "alice", "bob", K_BOB, false, NULL,
	    JIT_E_NOTYOURS },
	{ "an admin, by another", false, "dana", "bob", K_BOB, false, NULL,
	    JIT_E_NOTYOURS },
	{ "by a stranger's key", false, "alice", "alice", K_STRANGER, false,
	    NULL, JIT_E_KEYUNKNOWN },
	{ "in an admin's name", false, "alice", "dana", K_ALICE, false, NULL,
	    JIT_E_KEYUNKNOWN },
	{ "by nobody", false, "alice", "mallory", K_ALICE, false, NULL,
	    JIT_E_PERSON },
	{ "nobody, by an admin", false, "mallory", "dana", K_DANA, false,
	    NULL, JIT_E_PERSON },
	{ "twice", false, "alice", "dana", K_DANA, true, "alice",
	    JIT_E_EXISTS },
	{ "twice, oneself", false, "alice", "alice", K_ALICE, true, "alice",
	    JIT_E_LOCKEDOUT },
	{ "by a locked admin", false, "alice", "dana", K_DANA, false, "dana",
	    JIT_E_LOCKEDOUT },
	{ "unlocked by an admin", true, "alice", "dana", K_DANA, true,
	    "alice", JIT_OK },
	{ "unlocked by oneself", true, "alice", "alice", K_ALICE, true,
	    "alice", JIT_E_LOCKEDOUT },
	{ "unlocked by an admin herself", true, "dana", "dana", K_DANA, true,
	    "dana", JIT_E_LOCKEDOUT },
	{ "unlocked by another", true, "alice", "bob", K_BOB, true, "alice",
	    JIT_E_NOTYOURS },
	{ "free, unlocked by an admin", true, "alice", "dana", K_DANA, false,
	    NULL, JIT_E_EXISTS },
	{ "free, unlocked by oneself", true, "alice", "alice", K_ALICE, false,
	    NULL, JIT_E_NOTYOURS },
	{ "free, unlocked by the admin herself", true, "dana", "dana", K_DANA,
	    false, NULL, JIT_E_NOTYOURS },
	{ "nobody, unlocked", true, "mallory", "dana", K_DANA, true, NULL,
	    JIT_E_PERSON },
};

static enum jit_err
judge_text(struct span text, enum world_key key, const char *ns, bool unlock,
    bool is)
{
	JIT_DONE(buf_done) struct buf sig = world_sign(&w, key, ns, text);
	JIT_DONE(signer_done) struct signer s = { 0 };
	struct jit_why why = { 0 };
	struct lock l;
	enum jit_err e;

	JIT_TRY(lock_parse(text, &l, NULL));
	assert_true(l.unlock == unlock);
	JIT_TRY(signer_open(BUF_SPAN(sig), lock_namespace(l.unlock), text, &s,
	    NULL));
	e = judge_lock(w.policy, w.log_id, &l, &s, is, w.now, &why);
	assert_true(e == JIT_OK || why.msg[0] != '\0');
	return e;
}

static void
lock_row(void **state)
{
	const struct lock_row *r = *state;
	JIT_DONE(buf_done) struct buf text = world_lock_text(&w, r->person,
	    r->unlock, r->by);

	lock(r->locked);
	JT_ERR(judge_text(BUF_SPAN(text), r->key, lock_namespace(r->unlock),
	    r->unlock, r->is), r->want);
	lock(NULL);
}

/* A lock is no unlock, and neither is another log's or an old one. */
static void
false_locks(void **state)
{
	JIT_DONE(buf_done) struct buf text = world_lock_text(&w, "alice",
	    false, "dana");
	char id[TLOG_LOGID_TEXT];

	(void)state;
	JT_OK(judge_text(BUF_SPAN(text), K_DANA, NS_LOCK, false, false));
	JT_ERR(judge_text(BUF_SPAN(text), K_DANA, NS_UNLOCK, false, false),
	    JIT_E_NAMESPACE);
	JT_ERR(judge_text(BUF_SPAN(text), K_DANA, NS_REVOKE, false, false),
	    JIT_E_NAMESPACE);
	w.now += 301;
	JT_ERR(judge_text(BUF_SPAN(text), K_DANA, NS_LOCK, false, false),
	    JIT_E_CLOCK);
	w.now = WORLD_NOW;
	memcpy(id, w.log_id, sizeof(id));
	w.log_id[0] = 'k';
	JT_ERR(judge_text(BUF_SPAN(text), K_DANA, NS_LOCK, false, false),
	    JIT_E_LOGNAME);
	memcpy(w.log_id, id, sizeof(id));
}

/* ---- who is locked out ---- */

static void
locked_can_nothing(void **state)
{
	struct draft d, e;
	HISTORY *h = asked(K_ALICE, &d), *of_bob = asked(K_BOB, &e);
	struct issue is;

	(void)state;
	JT_OK(decides(h, VERDICT_APPROVE, K_BOB, &h->decision[0]));
	h->n_decisions++;
	JT_OK(decides(h, VERDICT_APPROVE, K_CAROL, &h->decision[1]));
	h->n_decisions++;
	JT_OK(judge_issue(w.policy, &w.own, h, SPAN(d.secret, 32), 7, w.now,
	    &is, NULL));
	lock("alice");
	JT_ERR(judge_request(w.policy, w.log_id, &w.own, h->request, 0, w.now,
	    NULL), JIT_E_LOCKEDOUT);
	JT_ERR(decides(of_bob, VERDICT_APPROVE, K_ALICE, NULL),
	    JIT_E_LOCKEDOUT);
	JT_ERR(decides(of_bob, VERDICT_DENY, K_ALICE, NULL),
	    JIT_E_LOCKEDOUT);
	JT_ERR(judge_issue(w.policy, &w.own, h, SPAN(d.secret, 32), 7, w.now,
	    &is, NULL), JIT_E_LOCKEDOUT);
	/* Both keys of a person are out. */
	lock("bob");
	JT_ERR(decides(h, VERDICT_DENY, K_BOB2, NULL), JIT_E_LOCKEDOUT);
	lock(NULL);
}

/* What an approver said before does not count while they are locked. */
static void
locked_approver(void **state)
{
	struct draft d;
	HISTORY *h = asked(K_ALICE, &d);
	struct quorum q;
	struct issue is;

	(void)state;
	JT_OK(decides(h, VERDICT_APPROVE, K_BOB, &h->decision[0]));
	h->n_decisions++;
	JT_OK(decides(h, VERDICT_APPROVE, K_CAROL, &h->decision[1]));
	h->n_decisions++;
	lock("bob");
	JT_OK(judge_quorum(w.policy, h, &q, NULL));
	assert_true(q.have == 1 && q.counted[0] == 1);
	JT_ERR(judge_issue(w.policy, &w.own, h, SPAN(d.secret, 32), 7, w.now,
	    &is, NULL), JIT_E_PENDING);
	/* Somebody else's does. */
	JT_OK(decides(h, VERDICT_APPROVE, K_DAN, &h->decision[2]));
	h->n_decisions++;
	JT_OK(judge_issue(w.policy, &w.own, h, SPAN(d.secret, 32), 7, w.now,
	    &is, NULL));
	lock(NULL);
	JT_OK(judge_quorum(w.policy, h, &q, NULL));
	assert_int_equal(q.have, 3);
}

/* Nobody waits for the approval of people who are locked out. */
static void
too_few(void **state)
{
	static const struct span two[] = { { (const uint8_t *)"bob", 3 },
	    { (const uint8_t *)"carol", 5 } };
	struct draft d;
	HISTORY *h = asked(K_ALICE, &d);

	(void)state;
	policy_set_locked(w.policy, two, 1);
	JT_OK(judge_request(w.policy, w.log_id, &w.own, h->request, 0, w.now,
	    NULL));
	policy_set_locked(w.policy, two, 2);
	JT_ERR(judge_request(w.policy, w.log_id, &w.own, h->request, 0, w.now,
	    NULL), JIT_E_NOBODY);
	lock(NULL);
}

/* ---- what the signer has to end ---- */

struct lost_row {
	const char *name, *who;
	enum world_key key;
	const char *locked;
	bool want;
	enum ended_cause cause;
};

static const struct lost_row lost_rows[] = {
	{ "enrolled", "bob", K_BOB, NULL, false, 0 },
	{ "enrolled, the other key", "bob", K_BOB2, NULL, false, 0 },
	{ "somebody else is locked", "bob", K_BOB, "alice", false, 0 },
	{ "locked", "bob", K_BOB, "bob", true, ENDED_LOCKED },
	{ "enrolled no more", "mallory", K_STRANGER, NULL, true,
	    ENDED_PERSON },
	{ "the key is another's", "bob", K_ALICE, NULL, true, ENDED_KEY },
	{ "the key is nobody's", "bob", K_STRANGER, NULL, true, ENDED_KEY },
	{ "locked, and the key is gone", "bob", K_STRANGER, "bob", true,
	    ENDED_LOCKED },
};

static void
lost_row(void **state)
{
	const struct lost_row *r = *state;
	enum ended_cause cause = 0;
	struct digest d;

	JT_OK(judge_key_digest(ssh_priv_public(w.key[r->key]), &d));
	lock(r->locked);
	assert_true(judge_is_lost(w.policy, span_str(r->who), &d, &cause) ==
	    r->want);
	assert_int_equal(cause, r->cause);
	lock(NULL);
}

int
main(void)
{
	int bad;

	world_init(&w);
	bad = JT_ROWS("acts", act_row, act_rows) +
	    jt_one("acts of another log, text, time", false_acts) +
	    JT_ROWS("locks", lock_row, lock_rows) +
	    jt_one("locks of another log, purpose, time", false_locks) +
	    jt_one("who is locked can do nothing", locked_can_nothing) +
	    jt_one("an approver is locked", locked_approver) +
	    jt_one("too few are left", too_few) +
	    JT_ROWS("lost", lost_row, lost_rows);
	world_done(&w);
	return bad;
}
