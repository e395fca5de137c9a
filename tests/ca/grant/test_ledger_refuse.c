/*
 * ledger, attacked: nothing enters that the signer would not have let in.
 * Of each log it is the last entry that is to be refused, with its own
 * error, and leaving what was.
 */
#include <string.h>

#include "ca/grant/ledger.h"
#include "tests/lib/logbook.h"

#define SAVE_MAX (4u << 20)

static struct logbook b;

static void
fresh(void)
{
	logbook_done(&b);
	logbook_init(&b);
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
	const struct logbook_spoil s = { .fields = fields, .record = record,
	    .ca = ca };

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
	struct ulid id = logbook_asked(&b, 2);				\
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
	struct ulid id = logbook_asked(&b, 2), other = logbook_asked(&b, 2);

	(void)logbook_collect(&b, &id);
	b.serial--;
	issue(&other, NULL, NULL, K_CA);
}

static void
second_issue(void)
{
	struct ulid id = logbook_asked(&b, 2);

	again(logbook_collect(&b, &id));
}

/* Issued on what was three, one of whom left: it is what it rests on. */
static void
counts_who_left(void)
{
	struct ulid id = logbook_asked(&b, 3);
	struct buf body = logbook_issued_body(&b, &id, NULL);

	world_without(&b.w, BLOCK_PERSON, "dan");
	(void)logbook_policy(&b);
	add(ENTRY_ISSUED, body);
}

static void
pending_issue(void)
{
	struct ulid id = logbook_asked(&b, 2);
	struct buf body = logbook_issued_body(&b, &id, NULL);

	/* The log without the second approval. */
	kept_done(&b.entry[--b.n]);
	add(ENTRY_ISSUED, body);
}

static void
stranger(void)
{
	struct ulid id = logbook_asked(&b, 0);

	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_STRANGER));
}

static void
eve_decides(void)
{
	struct ulid id = logbook_asked(&b, 0);

	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_DENY,
	    K_EVE));
}

static void
herself(void)
{
	struct ulid id = logbook_asked(&b, 0);

	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_ALICE));
}

static void
decides_twice(void)
{
	struct ulid id = logbook_asked(&b, 1);

	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_BOB));
}

static void
old_decision(void)
{
	struct ulid id = logbook_asked(&b, 0);
	struct buf body = logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_BOB);

	b.w.now += 301;
	add(ENTRY_DECISION, body);
}

static void
late_decision(void)
{
	struct ulid id = logbook_asked(&b, 0);

	b.w.now += 8 * 3600;
	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_BOB));
}

static void
deny_after_issue(void)
{
	struct ulid id = logbook_asked(&b, 2);
	struct buf body = logbook_decision_body(&b, &id, VERDICT_DENY, K_DAN);

	(void)logbook_collect(&b, &id);
	add(ENTRY_DECISION, body);
}

static void
after_cancel(void)
{
	struct ulid id = logbook_asked(&b, 1);

	(void)logbook_cancel(&b, &id);
	add(ENTRY_DECISION, logbook_decision_body(&b, &id, VERDICT_APPROVE,
	    K_CAROL));
}

static void
issue_after_cancel(void)
{
	struct ulid id = logbook_asked(&b, 2);
	struct buf body = logbook_issued_body(&b, &id, NULL);

	(void)logbook_cancel(&b, &id);
	add(ENTRY_ISSUED, body);
}

static void
cancels_others(void)
{
	struct ulid id = logbook_asked(&b, 1);

	add(ENTRY_CANCEL, logbook_act_body(&b, &id, ACT_CANCEL, K_BOB));
}

static void
cancel_after_issue(void)
{
	struct ulid id = logbook_asked(&b, 2);

	(void)logbook_collect(&b, &id);
	add(ENTRY_CANCEL, logbook_act_body(&b, &id, ACT_CANCEL, K_ALICE));
}

static void
drops_others(void)
{
	struct ulid id = logbook_asked(&b, 2);

	(void)logbook_collect(&b, &id);
	add(ENTRY_DROP, logbook_act_body(&b, &id, ACT_DROP, K_BOB));
}

static void
drops_twice(void)
{
	struct ulid id = logbook_asked(&b, 2);

	(void)logbook_collect(&b, &id);
	again(logbook_drop(&b, &id));
}

static void
drops_pending(void)
{
	struct ulid id = logbook_asked(&b, 2);

	add(ENTRY_DROP, logbook_act_body(&b, &id, ACT_DROP, K_ALICE));
}

static void
drops_ended(void)
{
	struct ulid id = logbook_asked(&b, 2);

	(void)logbook_collect(&b, &id);
	b.w.now += 45 * 60;
	add(ENTRY_DROP, logbook_act_body(&b, &id, ACT_DROP, K_ALICE));
}

static void
known_id(void)
{
	(void)logbook_asked(&b, 0);
	again(b.n - 1);
}

static void
old_request(void)
{
	JIT_DONE(buf_done) struct buf body = { NULL, 0 };

	(void)logbook_asked(&b, 0);
	JT_OK(buf_copy(&body, b.entry[b.n - 1].e.body));
	kept_done(&b.entry[--b.n]);
	b.w.now += 301;
	(void)logbook_add(&b, ENTRY_REQUEST, BUF_SPAN(body));
}

static void
too_many(void)
{
	for (int i = 0; i <= JUDGE_OPEN_MAX; i++)
		(void)logbook_asked(&b, 0);
}

static void
about_nothing(void)
{
	struct ulid id = logbook_asked(&b, 0);
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
	(void)logbook_asked(&b, 0);
	b.w.now--;
	(void)logbook_asked(&b, 0);
}

static void
gap(void)
{
	(void)logbook_asked(&b, 1);
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

	(void)logbook_asked(&b, 0);
	add(ENTRY_RECOVERY, body);
}

static void
recovery_lost(void)
{
	JIT_DONE(buf_done) struct buf note = { NULL, 0 };

	(void)logbook_asked(&b, 2);
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
		JIT_SCOPED(ledger_free) struct ledger *l = logbook_ledger(&b,
		    b.n - 1, (enum ledger_mode)m);
		JIT_DONE(buf_done) struct buf before = logbook_saved(l);
		struct jit_why why = { 0 };

		JT_WHY(ledger_apply(l, &b.entry[b.n - 1].e,
		    (enum ledger_mode)m, &why), t->want, &why);
		if (t->want == JIT_OK)
			continue;
		assert_true(why.msg[0] != '\0');
		logbook_same(BUF_SPAN(before), l);
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
	(void)logbook_asked(&b, 0);
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

int
main(void)
{
	int failed;

	logbook_init(&b);
	failed = JT_ROWS("refusal", refusal, refusals) +
	    jt_one("beginning", beginning);
	logbook_done(&b);
	return failed;
}
