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

/* ---- x509 ---- */

static struct ulid
asked_x509(void)
{
	struct ulid id;

	logbook_x509(&b);
	id = logbook_request(&b, "pg-write", K_ALICE);
	(void)logbook_decide(&b, &id, VERDICT_APPROVE, K_BOB);
	return id;
}

static void
issue_x509(void (*x509)(struct x509_fields *))
{
	struct ulid id = asked_x509();
	const struct logbook_spoil s = { .x509 = x509 };

	add(ENTRY_ISSUED, logbook_issued_body(&b, &id, &s));
}

static void
other_subject(struct x509_fields *f)
{
	static const struct span cn[] = { { (const uint8_t *)"CN=root", 7 } };

	f->subject = cn;
	f->n_subject = 1;
}

#define X509(name, code)						\
static void name##_f(struct x509_fields *x) { code; }			\
static void name(void) { issue_x509(name##_f); }
X509(x509_good, (void)x)
X509(x509_longer, x->before++)
X509(x509_earlier, x->after--)
X509(x509_subject, other_subject(x))
X509(x509_organisation, x->n_subject = 1)
X509(x509_mail, x->n_sans = 1)
X509(x509_profile, x->profile = x509_profile_find(span_str("redis")))
X509(x509_crl, x->crl_url = SPAN_NONE)
X509(x509_text, x->text.b[3] ^= 1)

static void
x509_ca_before_keys(void)
{
	struct ulid id = asked_x509();
	struct buf body = logbook_issued_body(&b, &id, NULL);

	/* The keys entry says that there is no X.509 CA any more. */
	ca_keys_done(&b.w.ca);
	JT_OK(ca_keys_add(&b.w.ca, CA_SSH_USER, CA_ACTIVE,
	    ssh_priv_public(b.w.key[K_CA]), NULL, 0, NULL));
	(void)logbook_keys(&b);
	add(ENTRY_ISSUED, body);
}

/* The SSH CA that signs is another since. */
static void
retired_ca(void)
{
	struct ulid id = logbook_asked(&b, 2);
	struct buf body = logbook_issued_body(&b, &id, NULL);

	ca_keys_done(&b.w.ca);
	JT_OK(ca_keys_add(&b.w.ca, CA_SSH_USER, CA_RETIRING,
	    ssh_priv_public(b.w.key[K_CA]), NULL, 0, NULL));
	JT_OK(ca_keys_add(&b.w.ca, CA_SSH_USER, CA_ACTIVE,
	    ssh_priv_public(b.w.key[K_STRANGER]), NULL, 0, NULL));
	(void)logbook_keys(&b);
	add(ENTRY_ISSUED, body);
}

/* ---- revoke ---- */

static struct ulid
issued(void)
{
	struct ulid id = logbook_asked(&b, 2);

	(void)logbook_collect(&b, &id);
	return id;
}

#define REVOKE(name, who, code)						\
static void name(void)							\
{									\
	struct ulid id = issued();					\
	code;								\
	add(ENTRY_REVOKE, logbook_act_body(&b, &id, ACT_REVOKE, who));	\
}
REVOKE(revoke_own, K_ALICE, (void)0)
REVOKE(revoke_approver, K_DAN, (void)0)
REVOKE(revoke_admin, K_DANA, (void)0)
REVOKE(revoke_other, K_EVE, (void)0)
REVOKE(revoke_nobody, K_STRANGER, (void)0)
REVOKE(revoke_late, K_BOB, b.w.now += 45 * 60)
REVOKE(revoke_twice, K_BOB, (void)logbook_revoke(&b, &id, K_DANA))
REVOKE(revoke_dropped, K_BOB, (void)logbook_drop(&b, &id))

static void
revoke_pending(void)
{
	struct ulid id = logbook_asked(&b, 2);

	add(ENTRY_REVOKE, logbook_act_body(&b, &id, ACT_REVOKE, K_BOB));
}

static void
drop_revoked(void)
{
	struct ulid id = issued();

	(void)logbook_revoke(&b, &id, K_BOB);
	add(ENTRY_DROP, logbook_act_body(&b, &id, ACT_DROP, K_ALICE));
}

/* A drop's text under a revoke's type. */
static void
revoke_of_drop(void)
{
	struct ulid id = issued();

	add(ENTRY_REVOKE, logbook_act_body(&b, &id, ACT_DROP, K_ALICE));
}

/* ---- locks, and what they end ---- */

#define LOCK(name, before, person, unlock, who)				\
static void name(void)							\
{									\
	before;								\
	add(ENTRY_LOCK, logbook_lock_body(&b, person, unlock, who));	\
}
#define LOCKED(person, who) (void)logbook_lock(&b, person, false, who)
LOCK(lock_self, (void)0, "alice", false, K_ALICE)
LOCK(lock_admin, (void)0, "alice", false, K_DANA)
LOCK(lock_other, (void)0, "alice", false, K_BOB)
LOCK(lock_nobody, (void)0, "mallory", false, K_DANA)
LOCK(lock_twice, LOCKED("alice", K_DANA), "alice", false, K_DANA)
LOCK(lock_by_locked, LOCKED("dana", K_DANA), "alice", false, K_DANA)
LOCK(unlock_admin, LOCKED("alice", K_ALICE), "alice", true, K_DANA)
LOCK(unlock_self, LOCKED("alice", K_ALICE), "alice", true, K_ALICE)
LOCK(unlock_other, LOCKED("alice", K_ALICE), "alice", true, K_BOB)
LOCK(unlock_free, (void)0, "alice", true, K_DANA)

static void
lock_late(void)
{
	struct buf body = logbook_lock_body(&b, "alice", false, K_DANA);

	b.w.now += 301;
	add(ENTRY_LOCK, body);
}

static void
locked_asks(void)
{
	LOCKED("alice", K_DANA);
	(void)logbook_asked(&b, 0);
}

static void
locked_decides(void)
{
	LOCKED("bob", K_DANA);
	(void)logbook_asked(&b, 1);
}

static void
locked_collects(void)
{
	struct ulid id = logbook_asked(&b, 2);

	LOCKED("alice", K_DANA);
	(void)logbook_collect(&b, &id);
}

static void
locked_cancels(void)
{
	struct ulid id = logbook_asked(&b, 2);

	LOCKED("alice", K_DANA);
	(void)logbook_cancel(&b, &id);
}

static void
locked_drops(void)
{
	struct ulid id = issued();

	LOCKED("alice", K_DANA);
	(void)logbook_drop(&b, &id);
}

static void
locked_approver(void)
{
	struct ulid id = logbook_asked(&b, 2);

	LOCKED("bob", K_DANA);
	(void)logbook_collect(&b, &id);
}

static void
locked_recovers(void)
{
	LOCKED("dana", K_DANA);
	(void)logbook_recovery(&b, SPAN_NONE,
	    (const enum world_key[]){ K_DANA }, 1);
}

#define ENDED(name, cause, at)						\
static void name(void)							\
{									\
	struct ulid id = issued();					\
	uint64_t lock = logbook_lock(&b, "alice", false, K_DANA);	\
	(void)lock;							\
	add(ENTRY_ENDED, logbook_ended_body(&id, cause, at));		\
}
ENDED(ended_locked, ENDED_LOCKED, lock)
ENDED(ended_other_cause, ENDED_PERSON, b.policy_index)
ENDED(ended_other_lock, ENDED_LOCKED, lock - 1)

static void
ended_causeless(void)
{
	struct ulid id = issued();

	add(ENTRY_ENDED, logbook_ended_body(&id, ENDED_LOCKED, b.n - 1));
}

static void
ended_causeless_pending(void)
{
	struct ulid id = logbook_asked(&b, 1);

	add(ENTRY_ENDED, logbook_ended_body(&id, ENDED_PERSON,
	    b.policy_index));
}

static void
ended_unlocked(void)
{
	struct ulid id = issued();
	uint64_t at = logbook_lock(&b, "alice", false, K_DANA);

	(void)logbook_lock(&b, "alice", true, K_DANA);
	add(ENTRY_ENDED, logbook_ended_body(&id, ENDED_LOCKED, at));
}

static void
ended_twice(void)
{
	struct ulid id = issued();
	uint64_t at = logbook_lock(&b, "alice", false, K_DANA);

	(void)logbook_ended(&b, &id, ENDED_LOCKED, at);
	add(ENTRY_ENDED, logbook_ended_body(&id, ENDED_LOCKED, at));
}

static void
ended_nothing(void)
{
	struct ulid id = logbook_asked(&b, 0);

	kept_done(&b.entry[--b.n]);
	add(ENTRY_ENDED, logbook_ended_body(&id, ENDED_LOCKED, 1));
}

static void
ended_key(void)
{
	struct ulid id = issued();

	world_without(&b.w, BLOCK_PERSON, "alice");
	world_person(&b.w, "alice", "group: sre\n",
	    (const enum world_key[]){ K_STRANGER }, 1);
	(void)logbook_policy(&b);
	add(ENTRY_ENDED, logbook_ended_body(&id, ENDED_KEY, b.policy_index));
}

/* ---- keys ---- */

static void
keys_twice(void)
{
	(void)logbook_keys(&b);
	(void)logbook_keys(&b);
}

static void
keys_unlinked(void)
{
	(void)logbook_keys(&b);
	add(ENTRY_KEYS, logbook_keys_body(&b, 0));
}

static void
keys_none_active(void)
{
	ca_keys_done(&b.w.ca);
	JT_OK(ca_keys_add(&b.w.ca, CA_SSH_USER, CA_NEXT,
	    ssh_priv_public(b.w.key[K_CA]), NULL, 0, NULL));
	(void)logbook_keys(&b);
}

static void
keys_erased(void)
{
	(void)logbook_keys(&b);
	logbook_erase(&b, b.n - 1);
}

static void
lock_erased(void)
{
	LOCKED("alice", K_DANA);
	logbook_erase(&b, b.n - 1);
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
	{ "x509", x509_good, JIT_OK },
	{ "x509, longer", x509_longer, JIT_E_VERIFY },
	{ "x509, earlier", x509_earlier, JIT_E_VERIFY },
	{ "x509, another subject", x509_subject, JIT_E_VERIFY },
	{ "x509, an O less", x509_organisation, JIT_E_VERIFY },
	{ "x509, a SAN less", x509_mail, JIT_E_VERIFY },
	{ "x509, another profile", x509_profile, JIT_E_VERIFY },
	{ "x509, not revocable", x509_crl, JIT_E_VERIFY },
	{ "x509, another text", x509_text, JIT_E_VERIFY },
	{ "x509 of no CA any more", x509_ca_before_keys, JIT_E_VERIFY },
	{ "a CA that retires", retired_ca, JIT_E_VERIFY },
	{ "a revoke by the requester", revoke_own, JIT_OK },
	{ "a revoke by an approver", revoke_approver, JIT_OK },
	{ "a revoke by an admin", revoke_admin, JIT_OK },
	{ "a revoke by another", revoke_other, JIT_E_NOTYOURS },
	{ "a revoke by nobody", revoke_nobody, JIT_E_FORMAT },
	{ "a revoke after the end", revoke_late, JIT_E_EXPIRED },
	{ "a second revoke", revoke_twice, JIT_E_VERIFY },
	{ "a revoke after a drop", revoke_dropped, JIT_E_VERIFY },
	{ "a revoke before issue", revoke_pending, JIT_E_VERIFY },
	{ "a drop after a revoke", drop_revoked, JIT_E_VERIFY },
	{ "a drop as revoke", revoke_of_drop, JIT_E_FORMAT },
	{ "a lock by oneself", lock_self, JIT_OK },
	{ "a lock by an admin", lock_admin, JIT_OK },
	{ "a lock by another", lock_other, JIT_E_NOTYOURS },
	{ "a lock of nobody", lock_nobody, JIT_E_PERSON },
	{ "a second lock", lock_twice, JIT_E_EXISTS },
	{ "a lock by who is locked", lock_by_locked, JIT_E_LOCKEDOUT },
	{ "a lock of 301 s ago", lock_late, JIT_E_CLOCK },
	{ "an unlock by an admin", unlock_admin, JIT_OK },
	{ "an unlock by oneself", unlock_self, JIT_E_LOCKEDOUT },
	{ "an unlock by another", unlock_other, JIT_E_NOTYOURS },
	{ "an unlock of who is free", unlock_free, JIT_E_EXISTS },
	{ "locked, and asks", locked_asks, JIT_E_LOCKEDOUT },
	{ "locked, and decides", locked_decides, JIT_E_LOCKEDOUT },
	{ "locked, and collects", locked_collects, JIT_E_LOCKEDOUT },
	{ "locked, and cancels", locked_cancels, JIT_E_LOCKEDOUT },
	{ "locked, and drops", locked_drops, JIT_E_LOCKEDOUT },
	{ "an approver is locked", locked_approver, JIT_E_PENDING },
	{ "locked, and recovers", locked_recovers, JIT_E_LOCKEDOUT },
	{ "ended with a lock", ended_locked, JIT_OK },
	{ "ended with a key", ended_key, JIT_OK },
	{ "ended for another cause", ended_other_cause, JIT_E_VERIFY },
	{ "ended by another lock", ended_other_lock, JIT_E_VERIFY },
	{ "ended for nothing", ended_causeless, JIT_E_VERIFY },
	{ "ended for nothing, pending", ended_causeless_pending,
	    JIT_E_VERIFY },
	{ "ended after the unlock", ended_unlocked, JIT_E_VERIFY },
	{ "ended twice", ended_twice, JIT_E_VERIFY },
	{ "ended what is not there", ended_nothing, JIT_E_VERIFY },
	{ "keys, and keys again", keys_twice, JIT_OK },
	{ "keys that do not follow", keys_unlinked, JIT_E_VERIFY },
	{ "keys of which none is active", keys_none_active, JIT_E_FORMAT },
	{ "keys erased", keys_erased, JIT_E_VERIFY },
	{ "a lock erased", lock_erased, JIT_E_VERIFY },
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

/* Of shape and order: our own journal is refused as well. */
static const struct refusal shapes[] = {
	{ "revoke by approver", revoke_approver, JIT_OK },
	{ "x509", x509_good, JIT_OK },
	{ "ended", ended_locked, JIT_OK },
	{ "unlock", unlock_admin, JIT_OK },
	{ "a second revoke", revoke_twice, JIT_E_VERIFY },
	{ "a revoke before issue", revoke_pending, JIT_E_VERIFY },
	{ "a revoke after a drop", revoke_dropped, JIT_E_VERIFY },
	{ "a drop after a revoke", drop_revoked, JIT_E_VERIFY },
	{ "ended twice", ended_twice, JIT_E_VERIFY },
	{ "ended what is not there", ended_nothing, JIT_E_VERIFY },
	{ "keys that do not follow", keys_unlinked, JIT_E_VERIFY },
	{ "keys of which none is active", keys_none_active, JIT_E_FORMAT },
	{ "keys erased", keys_erased, JIT_E_VERIFY },
	{ "a lock erased", lock_erased, JIT_E_VERIFY },
	{ "a CA that retires", retired_ca, JIT_E_VERIFY },
};

static void
shape(void **state)
{
	const struct refusal *t = *state;
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	JIT_DONE(buf_done) struct buf before = { NULL, 0 };
	struct jit_why why = { 0 };

	fresh();
	t->make();
	l = logbook_ledger(&b, b.n - 1, LEDGER_OWN);
	before = logbook_saved(l);
	JT_WHY(ledger_apply(l, &b.entry[b.n - 1].e, LEDGER_OWN, &why),
	    t->want, &why);
	if (t->want != JIT_OK)
		logbook_same(BUF_SPAN(before), l);
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
	    JT_ROWS("shape", shape, shapes) +
	    jt_one("beginning", beginning);
	logbook_done(&b);
	return failed;
}
