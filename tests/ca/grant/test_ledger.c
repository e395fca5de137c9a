/*
 * ledger: one log, one state, however it is folded; nothing enters that the
 * signer would not have let in.
 */
#include <string.h>

#include "ca/grant/ledger.h"
#include "tests/lib/logbook.h"

#define SAVE_MAX (4u << 20)

static struct logbook b;
static struct ulid ids[STORY_N];

static void
fresh(void)
{
	logbook_done(&b);
	logbook_init(&b);
}

static struct buf
save(const struct ledger *l)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SAVE_MAX);
	struct buf ret = { NULL, 0 };

	JT_OK(ledger_save(l, &w));
	JT_OK(wr_take(&w, &ret));
	return ret;
}

static struct ledger *
load(struct span s)
{
	struct jit_why why = { 0 };
	struct rd r = rd_of(s);
	struct ledger *l = NULL;

	JT_WHY(ledger_load(&r, &l, &why), JIT_OK, &why);
	JT_OK(rd_end(&r));
	return l;
}

static void
fold(struct ledger *l, size_t from, size_t to, enum ledger_mode mode)
{
	for (size_t i = from; i < to; i++) {
		struct jit_why why = { 0 };

		JT_WHY(ledger_apply(l, &b.entry[i].e, mode, &why), JIT_OK,
		    &why);
	}
}

static struct ledger *
folded(size_t to, enum ledger_mode mode)
{
	struct ledger *l = NULL;

	JT_OK(ledger_new(&l));
	fold(l, 0, to, mode);
	return l;
}

static void
check_same(struct span a, const struct ledger *l)
{
	JIT_DONE(buf_done) struct buf s = save(l);

	assert_true(span_eq(a, BUF_SPAN(s)));
}

/* ---- one state ---- */

static void
modes(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *own = folded(b.n, LEDGER_OWN),
	    *judge = folded(b.n, LEDGER_JUDGE), *deep = folded(b.n,
	    LEDGER_DEEP), *back = NULL;
	JIT_DONE(buf_done) struct buf s = save(own);

	(void)state;
	check_same(BUF_SPAN(s), judge);
	check_same(BUF_SPAN(s), deep);
	back = load(BUF_SPAN(s));
	check_same(BUF_SPAN(s), back);
}

/* Cut anywhere, saved, loaded and gone on with: the same. */
static void
prefixes(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *all = folded(b.n,
	    LEDGER_JUDGE), *l = NULL;
	JIT_DONE(buf_done) struct buf want = save(all);

	(void)state;
	JT_OK(ledger_new(&l));
	for (size_t n = 1; n < b.n; n++) {
		JIT_SCOPED(ledger_free) struct ledger *back = NULL;
		JIT_DONE(buf_done) struct buf s = { NULL, 0 };

		fold(l, n - 1, n, LEDGER_JUDGE);
		s = save(l);
		back = load(BUF_SPAN(s));
		check_same(BUF_SPAN(s), back);
		fold(back, n, b.n, LEDGER_JUDGE);
		check_same(BUF_SPAN(want), back);
	}
}

static void
knows(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = folded(b.n, LEDGER_DEEP);
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
	assert_true(ssh_key_eq(ledger_own(l)->user_ca, b.w.own.user_ca));
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
	    e->type != ENTRY_BLOB && e->type != ENTRY_RECOVERY;
}

/* Every batch of up to n entries is taken back once, then kept. */
static void
roll(size_t n)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	JIT_SCOPED(ledger_free) struct ledger *all = folded(b.n, LEDGER_OWN);
	JIT_DONE(buf_done) struct buf want = save(all);

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
		before = save(l);
		for (size_t j = 0; j < k; j++)
			JT_OK(apply_open(l, &b.entry[i + j].e));
		JT_ERR(ledger_save(l, &w), JIT_E_ARG);
		ledger_rollback(l);
		check_same(BUF_SPAN(before), l);
		for (size_t j = 0; j < k; j++)
			JT_OK(apply_open(l, &b.entry[i + j].e));
		ledger_commit(l);
		i += k;
	}
	check_same(BUF_SPAN(want), l);
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
	l = folded(at, LEDGER_OWN);
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

/* ---- what is refused: the last entry of each log ---- */

static struct ulid
asked(unsigned approvals)
{
	struct ulid id = logbook_request(&b, "prod-db", K_ALICE);

	if (approvals > 0)
		(void)logbook_decide(&b, &id, VERDICT_APPROVE, K_BOB);
	if (approvals > 1)
		(void)logbook_decide(&b, &id, VERDICT_APPROVE, K_CAROL);
	if (approvals > 2)
		(void)logbook_decide(&b, &id, VERDICT_APPROVE, K_DAN);
	return id;
}

static void
add(enum entry_type t, struct buf body)
{
	(void)logbook_add(&b, t, BUF_SPAN(body));
	buf_done(&body);
}

/* The same bytes once more, as the next entry. */
static void
again(uint64_t at)
{
	(void)logbook_add(&b, (enum entry_type)b.entry[at].e.type,
	    b.entry[at].e.body);
}

static void
issue(const struct ulid *id, void (*fields)(struct ssh_cert_fields *),
    void (*record)(struct rec_issued *), enum world_key ca)
{
	const struct logbook_spoil s = { fields, record, ca };

	add(ENTRY_ISSUED, logbook_issued_body(&b, id, &s));
}

#define SPOIL(name, type, code)						\
static void name(struct type *x) { code; }
SPOIL(serial_skip, ssh_cert_fields, x->serial++)
SPOIL(longer, ssh_cert_fields, x->before++)
SPOIL(earlier, ssh_cert_fields, x->after--)
SPOIL(no_option, ssh_cert_fields, x->n_opts = 0)
SPOIL(half, rec_issued, x->n_approvals = 1)
SPOIL(none, rec_issued, x->n_approvals = 0)
SPOIL(turned, rec_issued, uint64_t t = x->approvals[0];
    x->approvals[0] = x->approvals[1]; x->approvals[1] = t)
SPOIL(one_more, rec_issued, x->approvals[x->n_approvals++] = 1)
SPOIL(twice, rec_issued, x->approvals[1] = x->approvals[0])
SPOIL(other_policy, rec_issued, x->policy_index--)
SPOIL(other_request, rec_issued, x->request_index--)
SPOIL(other_secret, rec_issued, x->secret[0] ^= 1)

static void
principal(struct ssh_cert_fields *f)
{
	static const struct span root[] = { { (const uint8_t *)"root.prod-db",
	    12 } };

	f->principals = root;
}

static void
key_id(struct ssh_cert_fields *f)
{
	f->key_id = span_str("alice:nothing");
}

static void
forwarding(struct ssh_cert_fields *f)
{
	static const struct ssh_opt o[] = { { { (const uint8_t *)
	    "permit-port-forwarding", 22 }, { NULL, 0 } } };

	f->opts = o;
}

#define ISSUE(name, fields, record, ca)					\
static void name(void)							\
{									\
	struct ulid id = asked(2);					\
	issue(&id, fields, record, ca);					\
}
ISSUE(good, NULL, NULL, K_CA)
ISSUE(skips_serial, serial_skip, NULL, K_CA)
ISSUE(longer_cert, longer, NULL, K_CA)
ISSUE(earlier_cert, earlier, NULL, K_CA)
ISSUE(other_principal, principal, NULL, K_CA)
ISSUE(other_option, forwarding, NULL, K_CA)
ISSUE(option_less, no_option, NULL, K_CA)
ISSUE(other_key_id, key_id, NULL, K_CA)
ISSUE(other_ca, NULL, NULL, K_STRANGER)
ISSUE(half_approvals, NULL, half, K_CA)
ISSUE(no_approvals, NULL, none, K_CA)
ISSUE(turned_approvals, NULL, turned, K_CA)
ISSUE(more_approvals, NULL, one_more, K_CA)
ISSUE(twice_approved, NULL, twice, K_CA)
ISSUE(old_policy, NULL, other_policy, K_CA)
ISSUE(not_its_request, NULL, other_request, K_CA)
ISSUE(not_its_secret, NULL, other_secret, K_CA)

static void
repeats_serial(void)
{
	struct ulid id = asked(2), other = asked(2);

	(void)logbook_collect(&b, &id);
	b.serial--;
	issue(&other, NULL, NULL, K_CA);
}

static void
second_issue(void)
{
	struct ulid id = asked(2);

	again(logbook_collect(&b, &id));
}

/* Issued on what was three, one of whom left: it is what it rests on. */
static void
counts_who_left(void)
{
	struct ulid id = asked(3);
	struct buf body = logbook_issued_body(&b, &id, NULL);

	world_without(&b.w, BLOCK_PERSON, "dan");
	(void)logbook_policy(&b);
	add(ENTRY_ISSUED, body);
}

static void
pending_issue(void)
{
	struct ulid id = asked(2);
	struct buf body = logbook_issued_body(&b, &id, NULL);

	/* The log without the second approval. */
	kept_done(&b.entry[--b.n]);
	add(ENTRY_ISSUED, body);
}

static void
stranger(void)
{
	struct ulid id = asked(0);

	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_STRANGER));
}

static void
eve_decides(void)
{
	struct ulid id = asked(0);

	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_DENY,
	    K_EVE));
}

static void
herself(void)
{
	struct ulid id = asked(0);

	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_ALICE));
}

static void
decides_twice(void)
{
	struct ulid id = asked(1);

	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_BOB));
}

static void
old_decision(void)
{
	struct ulid id = asked(0);
	struct buf body = logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_BOB);

	b.w.now += 301;
	add(ENTRY_DECISION, body);
}

static void
late_decision(void)
{
	struct ulid id = asked(0);

	b.w.now += 8 * 3600;
	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_BOB));
}

static void
deny_after_issue(void)
{
	struct ulid id = asked(2);
	struct buf body = logbook_decision_body(&b, &id, VERDICT_DENY, K_DAN);

	(void)logbook_collect(&b, &id);
	add(ENTRY_DECISION, body);
}

static void
after_cancel(void)
{
	struct ulid id = asked(1);

	(void)logbook_cancel(&b, &id);
	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_CAROL));
}

static void
issue_after_cancel(void)
{
	struct ulid id = asked(2);
	struct buf body = logbook_issued_body(&b, &id, NULL);

	(void)logbook_cancel(&b, &id);
	add(ENTRY_ISSUED, body);
}

static void
cancels_others(void)
{
	struct ulid id = asked(1);

	add(ENTRY_CANCEL, logbook_act_body(&b, &id, ACT_CANCEL, K_BOB));
}

static void
cancel_after_issue(void)
{
	struct ulid id = asked(2);

	(void)logbook_collect(&b, &id);
	add(ENTRY_CANCEL, logbook_act_body(&b, &id, ACT_CANCEL, K_ALICE));
}

static void
drops_others(void)
{
	struct ulid id = asked(2);

	(void)logbook_collect(&b, &id);
	add(ENTRY_DROP, logbook_act_body(&b, &id, ACT_DROP, K_BOB));
}

static void
drops_twice(void)
{
	struct ulid id = asked(2);

	(void)logbook_collect(&b, &id);
	again(logbook_drop(&b, &id));
}

static void
drops_pending(void)
{
	struct ulid id = asked(2);

	add(ENTRY_DROP, logbook_act_body(&b, &id, ACT_DROP, K_ALICE));
}

static void
drops_ended(void)
{
	struct ulid id = asked(2);

	(void)logbook_collect(&b, &id);
	b.w.now += 45 * 60;
	add(ENTRY_DROP, logbook_act_body(&b, &id, ACT_DROP, K_ALICE));
}

static void
known_id(void)
{
	(void)asked(0);
	again(b.n - 1);
}

static void
old_request(void)
{
	JIT_DONE(buf_done) struct buf body = { NULL, 0 };

	(void)asked(0);
	JT_OK(buf_copy(&body, b.entry[b.n - 1].e.body));
	kept_done(&b.entry[--b.n]);
	b.w.now += 301;
	(void)logbook_add(&b, ENTRY_REQUEST, BUF_SPAN(body));
}

static void
too_many(void)
{
	for (int i = 0; i <= JUDGE_OPEN_MAX; i++)
		(void)asked(0);
}

static void
about_nothing(void)
{
	struct ulid id = asked(0);
	struct buf body = logbook_decision_body(&b, &id, VERDICT_DENY, K_BOB);

	kept_done(&b.entry[--b.n]);
	add(ENTRY_DECISION, body);
}

static void
genesis_twice(void)
{
	again(0);
}

static void
unlogged_block(void)
{
	size_t n;

	world_without(&b.w, BLOCK_PERSON, "eve");
	world_person(&b.w, "eve", "group: dev\ngroup: sre\n",
	    (const enum world_key[]){ K_EVE }, 1);
	(void)logbook_policy(&b);
	/* Its blob is left out. */
	n = b.n;
	kept_done(&b.entry[n - 2]);
	b.entry[n - 2] = b.entry[n - 1];
	b.entry[n - 2].e.index = n - 2;
	JT_OK(entry_seal(&b.entry[n - 2].e));
	b.entry[n - 1] = (struct kept){ 0 };
	b.n--;
}

static void
other_digest(void)
{
	JIT_DONE(buf_done) struct buf body = { NULL, 0 };

	JT_OK(buf_copy(&body, b.entry[b.policy_index].e.body));
	body.p[1] ^= 1;
	(void)logbook_add(&b, ENTRY_POLICY, BUF_SPAN(body));
}

static void
holed_policy(void)
{
	struct world *w = &b.w;
	JIT_DONE(wr_done) struct wr body = WR_INIT(ENTRY_BODY_MAX);

	world_without(w, BLOCK_ADMINS, "");
	JT_OK(rec_put_policy(&body, w->policy));
	(void)logbook_add(&b, ENTRY_POLICY, wr_view(&body));
}

static void
time_back(void)
{
	(void)asked(0);
	b.w.now--;
	(void)asked(0);
}

static void
gap(void)
{
	(void)asked(1);
	b.entry[b.n - 1].e.index++;
	JT_OK(entry_seal(&b.entry[b.n - 1].e));
}

static void
recovers(const enum world_key *who, size_t n)
{
	world_without(&b.w, BLOCK_ADMINS, "");
	world_without(&b.w, BLOCK_PERSON, "eve");
	world_person(&b.w, "eve", "group: admins\ngroup: dev\n",
	    (const enum world_key[]){ K_EVE }, 1);
	world_add(&b.w, "jit-cert admins v1\nneed: 2\nof: admins\n");
	(void)logbook_policy(&b);
	add(ENTRY_RECOVERY, logbook_recovery_body(&b, SPAN_NONE, who, n));
}

static void
recovery(void)
{
	recovers((const enum world_key[]){ K_DANA, K_EVE }, 2);
}

static void
recovery_few(void)
{
	recovers((const enum world_key[]){ K_DANA }, 1);
}

static void
recovery_same(void)
{
	recovers((const enum world_key[]){ K_DANA, K_DANA }, 2);
}

static void
recovery_no_admin(void)
{
	recovers((const enum world_key[]){ K_DANA, K_BOB }, 2);
}

static void
recovery_elsewhere(void)
{
	struct buf body = logbook_recovery_body(&b, SPAN_NONE,
	    (const enum world_key[]){ K_DANA }, 1);

	(void)asked(0);
	add(ENTRY_RECOVERY, body);
}

static void
recovery_lost(void)
{
	JIT_DONE(buf_done) struct buf note = { NULL, 0 };

	(void)asked(2);
	note = logbook_note(&b, b.n);
	(void)logbook_recovery(&b, BUF_SPAN(note),
	    (const enum world_key[]){ K_DANA }, 1);
}

/* What is given up must have been this log's. */
static void
recovery_forged(void)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(&b, b.n);

	note.p[note.n - 10] ^= 1;
	(void)logbook_recovery(&b, BUF_SPAN(note),
	    (const enum world_key[]){ K_DANA }, 1);
}

static void
claimed(void)
{
	(void)logbook_add(&b, ENTRY_CLAIMED, span_str("it was so"));
}

struct refusal {
	const char *name;
	void (*make)(void);
	enum jit_err want;
};

static const struct refusal refusals[] = {
	{ "as it is", good, JIT_OK },
	{ "a serial is skipped", skips_serial, JIT_E_VERIFY },
	{ "a serial is repeated", repeats_serial, JIT_E_VERIFY },
	{ "a certificate that is longer", longer_cert, JIT_E_VERIFY },
	{ "a certificate that is earlier", earlier_cert, JIT_E_VERIFY },
	{ "another principal", other_principal, JIT_E_VERIFY },
	{ "another option", other_option, JIT_E_VERIFY },
	{ "an option less", option_less, JIT_E_VERIFY },
	{ "another key id", other_key_id, JIT_E_VERIFY },
	{ "another CA", other_ca, JIT_E_VERIFY },
	{ "one approval listed", half_approvals, JIT_E_VERIFY },
	{ "no approval listed", no_approvals, JIT_E_VERIFY },
	{ "approvals turned around", turned_approvals, JIT_E_VERIFY },
	{ "an approval too many", more_approvals, JIT_E_VERIFY },
	{ "one approval twice", twice_approved, JIT_E_VERIFY },
	{ "another policy entry", old_policy, JIT_E_VERIFY },
	{ "another request entry", not_its_request, JIT_E_VERIFY },
	{ "another secret", not_its_secret, JIT_E_COLLECT },
	{ "a second issue", second_issue, JIT_E_VERIFY },
	{ "an approver who left is counted", counts_who_left, JIT_E_VERIFY },
	{ "issued while pending", pending_issue, JIT_E_PENDING },
	{ "a decision by a stranger", stranger, JIT_E_KEYUNKNOWN },
	{ "a decision by no approver", eve_decides, JIT_E_APPROVER },
	{ "her own request", herself, JIT_E_SELF },
	{ "the same verdict again", decides_twice, JIT_E_DECIDED },
	{ "a decision of 301 s ago", old_decision, JIT_E_CLOCK },
	{ "a decision after the window", late_decision, JIT_E_EXPIRED },
	{ "a deny after issue", deny_after_issue, JIT_E_VERIFY },
	{ "a decision after cancel", after_cancel, JIT_E_VERIFY },
	{ "an issue after cancel", issue_after_cancel, JIT_E_VERIFY },
	{ "a cancel by another", cancels_others, JIT_E_NOTYOURS },
	{ "a cancel after issue", cancel_after_issue, JIT_E_VERIFY },
	{ "a drop by another", drops_others, JIT_E_NOTYOURS },
	{ "a second drop", drops_twice, JIT_E_VERIFY },
	{ "a drop before issue", drops_pending, JIT_E_VERIFY },
	{ "a drop after the end", drops_ended, JIT_E_EXPIRED },
	{ "a known id", known_id, JIT_E_VERIFY },
	{ "a request of 301 s ago", old_request, JIT_E_CLOCK },
	{ "a request too many", too_many, JIT_E_QUOTA },
	{ "about no request", about_nothing, JIT_E_VERIFY },
	{ "genesis twice", genesis_twice, JIT_E_VERIFY },
	{ "a policy names an unlogged block", unlogged_block, JIT_E_VERIFY },
	{ "a policy with another digest", other_digest, JIT_E_VERIFY },
	{ "a policy with a hole", holed_policy, JIT_E_POLICY },
	{ "time goes back", time_back, JIT_E_VERIFY },
	{ "an index is skipped", gap, JIT_E_VERIFY },
	{ "a recovery", recovery, JIT_OK },
	{ "a recovery that gives up a tail", recovery_lost, JIT_OK },
	{ "a recovery by too few", recovery_few, JIT_E_PENDING },
	{ "a recovery by one admin twice", recovery_same, JIT_E_PENDING },
	{ "a recovery by no admin", recovery_no_admin, JIT_E_APPROVER },
	{ "a recovery of another size", recovery_elsewhere,
	    JIT_E_OTHERTEXT },
	{ "a forged note is given up", recovery_forged, JIT_E_SIG },
	{ "a reserved type", claimed, JIT_E_VERIFY },
};

static void
refusal(void **state)
{
	const struct refusal *t = *state;

	fresh();
	t->make();
	for (int m = LEDGER_JUDGE; m <= LEDGER_DEEP; m++) {
		JIT_SCOPED(ledger_free) struct ledger *l = folded(b.n - 1,
		    (enum ledger_mode)m);
		JIT_DONE(buf_done) struct buf before = save(l);
		struct jit_why why = { 0 };

		JT_WHY(ledger_apply(l, &b.entry[b.n - 1].e,
		    (enum ledger_mode)m, &why), t->want, &why);
		if (t->want == JIT_OK)
			continue;
		assert_true(why.msg[0] != '\0');
		check_same(BUF_SPAN(before), l);
	}
}

/* A log begins with genesis, and nothing but blobs stands before a policy. */
static void
beginning(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SAVE_MAX);
	struct entry e;

	(void)state;
	fresh();
	(void)asked(0);
	JT_OK(ledger_new(&l));
	JT_ERR(ledger_save(l, &w), JIT_E_ARG);
	JT_ERR(ledger_apply(l, &b.entry[1].e, LEDGER_OWN, NULL),
	    JIT_E_VERIFY);
	e = b.entry[1].e;
	e.index = 0;
	JT_ERR(ledger_apply(l, &e, LEDGER_OWN, NULL), JIT_E_VERIFY);
	e = b.entry[0].e;
	e.erased = true;
	JT_ERR(ledger_apply(l, &e, LEDGER_OWN, NULL), JIT_E_VERIFY);
	JT_OK(ledger_apply(l, &b.entry[0].e, LEDGER_OWN, NULL));
	e = b.entry[b.n - 1].e;
	e.index = 1;
	JT_ERR(ledger_apply(l, &e, LEDGER_OWN, NULL), JIT_E_VERIFY);
}

/* ---- bits ---- */

static void
flip_bodies(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	size_t tried = 0;

	(void)state;
	fresh();
	logbook_story(&b, ids);
	JT_OK(ledger_new(&l));
	for (size_t i = 0; i < b.n; i++) {
		struct entry e = b.entry[i].e;
		JIT_DONE(buf_done) struct buf body = { NULL, 0 };
		size_t bits = e.body.n * 8, step = (bits / 80 + 1) | 1;

		JT_OK(buf_copy(&body, e.body));
		e.body = BUF_SPAN(body);
		for (size_t k = i % step; k < bits && i > 0 &&
		    e.type != ENTRY_BLOB; k += step, tried++) {
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
	fresh();
	logbook_story(&b, ids);
	(void)logbook_add(&b, ENTRY_BLOB, span_str("jit-cert pending"));
	l = folded(b.n, LEDGER_OWN);
	s = save(l);
	jt_flip_truncate_max(BUF_SPAN(s), 3000, try_load, NULL);
}

/* ---- erased ---- */

/* Each entry alone, in every mode: the fold goes on and says so. */
static void
erased_one(void **state)
{
	(void)state;
	for (size_t i = 1;; i++) {
		JIT_SCOPED(ledger_free) struct ledger *own = NULL, *deep =
		    NULL;
		JIT_DONE(buf_done) struct buf s = { NULL, 0 };

		fresh();
		logbook_story(&b, ids);
		if (i == b.n)
			break;
		/* Policies and their blocks stay. */
		if (b.entry[i].e.type == ENTRY_BLOB ||
		    b.entry[i].e.type == ENTRY_POLICY)
			continue;
		logbook_erase(&b, i);
		own = folded(b.n, LEDGER_OWN);
		deep = folded(b.n, LEDGER_DEEP);
		assert_int_equal(ledger_erased(own), 1);
		assert_int_equal(ledger_erased(deep), 1);
		assert_int_equal(ledger_next_serial(deep), 3);
		s = save(deep);
		own = (ledger_free(own), load(BUF_SPAN(s)));
		check_same(BUF_SPAN(s), own);
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
	l = folded(b.n, LEDGER_DEEP);
	assert_int_equal(ledger_erased(l), n);
	assert_int_equal(ledger_unjudged(l), 0);
	assert_int_equal(ledger_count(l), 0);
	assert_int_equal(ledger_next_serial(l), 3);
}

/* Of a policy that is in force nothing can be missing. */
static void
erased_policy(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = folded(1, LEDGER_OWN);
	struct jit_why why = { 0 };

	(void)state;
	logbook_erase(&b, 1);
	while (b.entry[ledger_size(l)].e.type == ENTRY_BLOB)
		fold(l, ledger_size(l), ledger_size(l) + 1, LEDGER_DEEP);
	JT_WHY(ledger_apply(l, &b.entry[ledger_size(l)].e, LEDGER_DEEP, &why),
	    JIT_E_VERIFY, &why);
}

/* Erasing an approval lets no certificate of a stranger's CA in. */
static void
erased_ca(void **state)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	struct ulid id;

	(void)state;
	fresh();
	id = asked(2);
	issue(&id, NULL, NULL, K_STRANGER);
	logbook_erase(&b, b.n - 2);
	l = folded(b.n - 1, LEDGER_JUDGE);
	JT_ERR(ledger_apply(l, &b.entry[b.n - 1].e, LEDGER_JUDGE, NULL),
	    JIT_E_VERIFY);
	fresh();
	id = asked(2);
	issue(&id, serial_skip, NULL, K_CA);
	for (int i = 2; i <= 4; i++)
		logbook_erase(&b, b.n - (size_t)i);
	ledger_free(l);
	l = folded(b.n - 1, LEDGER_JUDGE);
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
	id = asked(2);
	(void)logbook_collect(&b, &id);
	b.w.now++;
	(void)asked(1);
	l = folded(b.n, LEDGER_OWN);
	ledger_expire(l, closes + LEDGER_GRACE - 1);
	assert_int_equal(ledger_count(l), 2);
	ledger_expire(l, closes + LEDGER_GRACE);
	assert_int_equal(ledger_count(l), 1);
	assert_int_equal(ledger_get(l, &id, NULL, NULL), LEDGER_NONE);
	s = save(l);
	back = load(BUF_SPAN(s));
	check_same(BUF_SPAN(s), back);
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
		id = asked(1);
		b.w.now += later[i];
		world_draft(&b.w, "prod-db", K_ALICE, &d);
		d.req.id = id;
		(void)logbook_request_draft(&b, &d, K_ALICE);
		l = folded(b.n - 1, LEDGER_DEEP);
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
		id[i] = asked(0);
		if (i % 8 > 0)
			(void)logbook_cancel(&b, &id[i]);
	}
	l = folded(b.n, LEDGER_JUDGE);
	s = save(l);
	back = load(BUF_SPAN(s));
	for (int i = 0; i < 200; i++)
		assert_int_equal(ledger_get(back, &id[i], NULL, NULL),
		    i % 8 > 0 ? LEDGER_SETTLED : LEDGER_WHOLE);
}

int
main(void)
{
	int failed;

	logbook_init(&b);
	logbook_story(&b, ids);
	failed = jt_one("modes", modes) + jt_one("prefixes", prefixes) +
	    jt_one("knows", knows) + jt_one("rollback", rollback) +
	    jt_one("wrong parts", wrong_parts) +
	    JT_ROWS("refusal", refusal, refusals) +
	    jt_one("beginning", beginning) +
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
