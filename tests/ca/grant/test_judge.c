/*
 * judge: who may ask, decide and collect; attacked field by field.  Each
 * attack asserts its own error; a positive control runs between them.
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

/* A logged request of who for prod-db, with approvals of those. */
static struct history *
logged(const char *role, enum world_key who, struct draft *d,
    const enum world_key *approvers, size_t n)
{
	struct history *h = calloc(1, sizeof(*h));
	struct jit_why why = { 0 };
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };

	assert_non_null(h);
	world_draft(&w, role, who, d);
	text = world_request_text(d);
	JT_WHY(world_open(&w, BUF_SPAN(text), who, &h->request, &why), JIT_OK,
	    &why);
	JT_WHY(judge_request(w.policy, w.log_id, &w.own, h->request, 0, w.now,
	    &why), JIT_OK, &why);
	for (size_t i = 0; i < n; i++) {
		struct open_decision *dec = NULL;

		JT_WHY(world_decide(&w, VERDICT_APPROVE, approvers[i],
		    h->request, &dec, &why), JIT_OK, &why);
		JT_WHY(judge_decision(w.policy, w.log_id, h, dec, w.now,
		    &why), JIT_OK, &why);
		h->decision[h->n_decisions++] = dec;
	}
	return h;
}

static enum jit_err
issue(const struct history *h, const struct draft *d, struct issue *is)
{
	struct jit_why why = { 0 };

	return judge_issue(w.policy, &w.own, h, SPAN(d->secret, 32), 7, w.now,
	    is, &why);
}

static const enum world_key bob_carol[] = { K_BOB, K_CAROL };

static void
fresh(void)
{
	world_done(&w);
	world_init(&w);
}

/* The whole road, down to a certificate that says exactly that. */
static void
road(void **state)
{
	struct draft d;
	HISTORY *h = logged("prod-db", K_ALICE, &d, bob_carol, 2);
	JIT_DONE(wr_done) struct wr blob = WR_INIT(SSH_CERT_MAX);
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	const struct ssh_cert_fields *f;
	struct issue is;
	uint8_t nonce[32] = { 1 };

	(void)state;
	JT_OK(issue(h, &d, &is));
	assert_int_equal(is.quorum.have, 2);
	JT_OK(ssh_cert_make(&is.fields, h->request->subject.key, w.key[K_CA],
	    nonce, &blob, NULL));
	JT_OK(ssh_cert_parse(wr_view(&blob), &c, NULL));
	f = ssh_cert_fields(c);
	assert_true(f->serial == 7 && f->n_principals == 1 && f->n_opts == 1);
	assert_true(span_eq_str(f->principals[0], "dba.prod-db"));
	assert_true(span_eq_str(f->opts[0].name, "permit-pty"));
	/* Backdating never goes before "opens", which is now. */
	assert_true(f->after == w.now && f->before == w.now + 45 * 60);
	assert_true(strncmp(is.key_id, "alice:", 6) == 0);
}

/* ---- requests ---- */

static char long_reason[REASON_MAX + 2];

struct attack {
	const char *name;
	void (*change)(struct draft *d);
	enum world_key signer;
	enum jit_err want;
};

#define CHANGE(name, code)						\
static void name(struct draft *d) { code; }
CHANGE(nothing, (void)d)
CHANGE(other_log, d->req.log = span_str("jit.example.com+00000000"))
CHANGE(as_bob, d->req.requester = span_str("bob"))
CHANGE(as_nobody, d->req.requester = span_str("mallory"))
CHANGE(as_eve, d->req.requester = span_str("eve"))
CHANGE(root, d->req.principals[0] = span_str("root.prod-db"))
CHANGE(one_more, d->req.principals[1] = span_str("root.prod-db");
    d->req.n_principals = 2)
CHANGE(forwarding, d->req.options[0] = span_str("permit-agent-forwarding");
    d->req.options[1] = span_str("permit-pty"); d->req.n_options = 2)
CHANGE(no_options, d->req.n_options = 0)
CHANGE(no_role, d->req.role = span_str("prod-dc"))
CHANGE(ro_role, d->req.role = span_str("prod-db-ro"))
CHANGE(stale, d->req.role_digest.b[5] ^= 1)
CHANGE(old, d->req.created -= 301)
CHANGE(early, d->req.created += 301)
CHANGE(oldest, d->req.created -= 300)
CHANGE(long_one, d->req.duration = 8 * 3600 - 1; d->req.opens -= 3600;
    d->req.duration = 8 * 3600 + 1)
CHANGE(horizon, d->req.closes = WORLD_NOW + 86401)
CHANGE(past, d->req.opens = WORLD_NOW - 7200; d->req.closes = WORLD_NOW)
CHANGE(reasonless, d->req.reason = SPAN_NONE)
CHANGE(bad_reason, d->req.reason = span_str("because"))
CHANGE(hides_reason, d->req.reason = span_str("see INC-4711"))

static const struct attack attacks[] = {
	{ "as it is", nothing, K_ALICE, JIT_OK },
	{ "300 s old", oldest, K_ALICE, JIT_OK },
	{ "signed by somebody else", nothing, K_BOB, JIT_E_KEYUNKNOWN },
	{ "signed by nobody's key", nothing, K_STRANGER, JIT_E_KEYUNKNOWN },
	{ "in another's name", as_bob, K_ALICE, JIT_E_KEYUNKNOWN },
	{ "in nobody's name", as_nobody, K_ALICE, JIT_E_PERSON },
	{ "of no group that may ask", as_eve, K_EVE, JIT_E_REFUSED },
	{ "for another log", other_log, K_ALICE, JIT_E_LOGNAME },
	{ "another account", root, K_ALICE, JIT_E_RENDER },
	{ "one account more", one_more, K_ALICE, JIT_E_RENDER },
	{ "one option more (case 38)", forwarding, K_ALICE, JIT_E_RENDER },
	{ "one option less (case 17)", no_options, K_ALICE, JIT_E_RENDER },
	{ "no such role", no_role, K_ALICE, JIT_E_ROLE },
	{ "another role's name", ro_role, K_ALICE, JIT_E_STALE },
	{ "an older block", stale, K_ALICE, JIT_E_STALE },
	{ "301 s old", old, K_ALICE, JIT_E_CLOCK },
	{ "301 s ahead", early, K_ALICE, JIT_E_CLOCK },
	{ "longer than max", long_one, K_ALICE, JIT_E_WINDOW },
	{ "past the horizon", horizon, K_ALICE, JIT_E_WINDOW },
	{ "over already", past, K_ALICE, JIT_E_WINDOW },
	{ "no reason", reasonless, K_ALICE, JIT_E_REASON },
	{ "a reason that does not match", bad_reason, K_ALICE, JIT_E_REASON },
	{ "the pattern is anchored", hides_reason, K_ALICE, JIT_E_REASON },
};

static void
request_attack(void **state)
{
	const struct attack *a = *state;
	JIT_SCOPED(open_request_free) struct open_request *r = NULL;
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };
	struct jit_why why = { 0 };
	struct draft d;

	world_draft(&w, "prod-db", K_ALICE, &d);
	a->change(&d);
	text = world_request_text(&d);
	JT_WHY(world_open(&w, BUF_SPAN(text), a->signer, &r, &why), JIT_OK,
	    &why);
	JT_WHY(judge_request(w.policy, w.log_id, &w.own, r, 0, w.now, &why),
	    a->want, &why);
	assert_true(a->want == JIT_OK || why.msg[0] != '\0');
}

/* The key to be certified: not proven, another, or one that is somebody's. */
static void
subject_attacks(void **state)
{
	static const enum world_key own[] = { K_ALICE, K_BOB, K_CA, K_LOG,
	    K_HOST };
	struct draft d;
	struct jit_why why = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		JIT_SCOPED(open_request_free) struct open_request *r = NULL;
		struct open_request *none = NULL;
		const struct ssh_key *k = ssh_priv_public(w.key[own[i]]);

		world_draft(&w, "prod-db", K_ALICE, &d);
		ssh_key_fingerprint(k, d.fp);
		JIT_DONE(buf_done) struct buf t = world_request_text(&d);
		JIT_DONE(buf_done) struct buf sig = world_sign(&w, K_ALICE,
		    NS_REQUEST, BUF_SPAN(t));
		JIT_DONE(buf_done) struct buf pos = world_sign(&w, own[i],
		    NS_POSSESS, BUF_SPAN(t));

		JT_OK(open_request_new(BUF_SPAN(t), BUF_SPAN(sig),
		    BUF_SPAN(pos), &r, &why));
		JT_WHY(judge_request(w.policy, w.log_id, &w.own, r, 0, w.now,
		    &why), JIT_E_SUBJECT, &why);
		/* Case 28: the key offered is not the key proven. */
		JT_ERR(world_open(&w, BUF_SPAN(t), K_ALICE, &none, &why),
		    JIT_E_POSSESS);
		/* A signature for one purpose is none for the other. */
		JT_ERR(open_request_new(BUF_SPAN(t), BUF_SPAN(pos),
		    BUF_SPAN(sig), &none, &why), JIT_E_NAMESPACE);
		JT_ERR(open_request_new(BUF_SPAN(t), BUF_SPAN(sig),
		    BUF_SPAN(sig), &none, &why), JIT_E_POSSESS);
		assert_null(none);
	}
}

static void
limits(void **state)
{
	JIT_SCOPED(open_request_free) struct open_request *r = NULL;
	struct draft d;

	(void)state;
	world_draft(&w, "prod-db", K_ALICE, &d);
	JIT_DONE(buf_done) struct buf t = world_request_text(&d);

	JT_OK(world_open(&w, BUF_SPAN(t), K_ALICE, &r, NULL));
	JT_OK(judge_request(w.policy, w.log_id, &w.own, r, 31, w.now, NULL));
	JT_ERR(judge_request(w.policy, w.log_id, &w.own, r, 32, w.now, NULL),
	    JIT_E_QUOTA);
	/* Nobody can approve is said at once: two of carol, dan, bob go. */
	world_without(&w, BLOCK_PERSON, "bob");
	world_without(&w, BLOCK_PERSON, "carol");
	JT_ERR(judge_request(w.policy, w.log_id, &w.own, r, 0, w.now, NULL),
	    JIT_E_NOBODY);
	fresh();
}

/* ---- no byte of a request can be changed after any signature ---- */

struct flip { struct span sig, possess, text; };

static void
never_opens(void *arg, struct span s)
{
	const struct flip *f = arg;
	struct open_request *r = NULL;

	assert_int_not_equal(open_request_new(s, f->sig, f->possess, &r,
	    NULL), JIT_OK);
}

static void
no_signature(void *arg, struct span s)
{
	const struct flip *f = arg;
	struct open_request *r = NULL;

	assert_int_not_equal(open_request_new(f->text, s, f->possess, &r,
	    NULL), JIT_OK);
	assert_int_not_equal(open_request_new(f->text, f->sig, s, &r, NULL),
	    JIT_OK);
}

static void
every_byte(void **state)
{
	struct draft d;

	(void)state;
	world_draft(&w, "prod-db", K_ALICE, &d);
	JIT_DONE(buf_done) struct buf t = world_request_text(&d);
	JIT_DONE(buf_done) struct buf sig = world_sign(&w, K_ALICE,
	    NS_REQUEST, BUF_SPAN(t));
	JIT_DONE(buf_done) struct buf pos = world_sign(&w, K_SUBJECT,
	    NS_POSSESS, BUF_SPAN(t));
	struct flip f = { BUF_SPAN(sig), BUF_SPAN(pos), BUF_SPAN(t) };

	jt_flip_truncate(BUF_SPAN(t), never_opens, &f);
	jt_flip_truncate(BUF_SPAN(sig), no_signature, &f);
}

/* ---- decisions ---- */

static void
decide(struct history *h, enum verdict v, enum world_key who,
    enum jit_err want)
{
	JIT_SCOPED(open_decision_free) struct open_decision *d = NULL;
	struct jit_why why = { 0 };

	JT_WHY(world_decide(&w, v, who, h->request, &d, &why), JIT_OK, &why);
	JT_WHY(judge_decision(w.policy, w.log_id, h, d, w.now, &why), want,
	    &why);
}

static void
deciders(void **state)
{
	struct draft d;
	HISTORY *h = logged("prod-db", K_ALICE, &d, bob_carol, 1);

	(void)state;
	decide(h, VERDICT_APPROVE, K_CAROL, JIT_OK);
	decide(h, VERDICT_APPROVE, K_ALICE, JIT_E_SELF);
	decide(h, VERDICT_DENY, K_ALICE, JIT_E_SELF);
	decide(h, VERDICT_APPROVE, K_EVE, JIT_E_APPROVER);
	decide(h, VERDICT_DENY, K_EVE, JIT_E_APPROVER);
	decide(h, VERDICT_APPROVE, K_DANA, JIT_E_APPROVER);
	decide(h, VERDICT_APPROVE, K_BOB, JIT_E_DECIDED);
	decide(h, VERDICT_DENY, K_BOB, JIT_OK);
	h->end = END_DENIED;
	decide(h, VERDICT_APPROVE, K_CAROL, JIT_E_DENIED);
	h->end = END_CANCELLED;
	decide(h, VERDICT_APPROVE, K_CAROL, JIT_E_CANCELLED);
	h->end = END_NONE;
	h->issued = true;
	decide(h, VERDICT_DENY, K_CAROL, JIT_E_ISSUED);
	h->issued = false;
	w.now += 8 * 3600;
	decide(h, VERDICT_DENY, K_CAROL, JIT_E_EXPIRED);
	w.now = WORLD_NOW;
}

/* A decision by bob's key in carol's name, or about another text. */
static void
false_decisions(void **state)
{
	struct draft d, d2;
	HISTORY *h = logged("prod-db", K_ALICE, &d, NULL, 0);
	HISTORY *h2 = logged("prod-db", K_ALICE, &d2, NULL, 0);
	JIT_SCOPED(open_decision_free) struct open_decision *other = NULL;
	JIT_SCOPED(open_decision_free) struct open_decision *dec = NULL;
	struct jit_why why = { 0 };
	struct open_decision *none = NULL;

	(void)state;
	JIT_DONE(buf_done) struct buf t = world_decision_text(&w,
	    VERDICT_APPROVE, "carol", BUF_SPAN(h->request->text),
	    &h->request->req.id);
	JIT_DONE(buf_done) struct buf sig = world_sign(&w, K_BOB, NS_DECISION,
	    BUF_SPAN(t));
	JIT_DONE(buf_done) struct buf ns = world_sign(&w, K_CAROL, NS_REQUEST,
	    BUF_SPAN(t));

	JT_OK(open_decision_new(BUF_SPAN(t), BUF_SPAN(sig), &dec, &why));
	JT_WHY(judge_decision(w.policy, w.log_id, h, dec, w.now, &why),
	    JIT_E_KEYUNKNOWN, &why);
	JT_ERR(open_decision_new(BUF_SPAN(t), BUF_SPAN(ns), &none, &why),
	    JIT_E_NAMESPACE);
	/* A decision on one request is none on the other (case 4). */
	JT_OK(world_decide(&w, VERDICT_APPROVE, K_BOB, h2->request, &other,
	    &why));
	JT_ERR(judge_decision(w.policy, w.log_id, h, other, w.now, &why),
	    JIT_E_OTHERTEXT);
	w.now += 301;
	JT_ERR(judge_decision(w.policy, w.log_id, h2, other, w.now, &why),
	    JIT_E_CLOCK);
	w.now = WORLD_NOW;
}

/* A deny's signature under the approve text: the verdict is inside it. */
static void
deny_as_approve(void **state)
{
	struct draft d;
	HISTORY *h = logged("prod-db", K_ALICE, &d, NULL, 0);
	struct open_decision *none = NULL;
	JIT_DONE(buf_done) struct buf deny = world_decision_text(&w,
	    VERDICT_DENY, "bob", BUF_SPAN(h->request->text),
	    &h->request->req.id);
	JIT_DONE(buf_done) struct buf approve = world_decision_text(&w,
	    VERDICT_APPROVE, "bob", BUF_SPAN(h->request->text),
	    &h->request->req.id);
	JIT_DONE(buf_done) struct buf sig = world_sign(&w, K_BOB, NS_DECISION,
	    BUF_SPAN(deny));

	(void)state;
	JT_ERR(open_decision_new(BUF_SPAN(approve), BUF_SPAN(sig), &none,
	    NULL), JIT_E_SIG);
	assert_null(none);
}

/* ---- collecting ---- */

/* Case 8: one person's two keys are one approval. */
static void
two_keys_one_person(void **state)
{
	static const enum world_key both[] = { K_BOB, K_BOB2 };
	struct draft d;
	HISTORY *h = logged("prod-db", K_ALICE, &d, both, 2);
	struct issue is;

	(void)state;
	assert_int_equal(h->n_decisions, 2);
	JT_ERR(issue(h, &d, &is), JIT_E_PENDING);
	assert_int_equal(is.quorum.have, 1);
}

/* Case 8: a key is enrolled once, so two people with one key cannot be. */
static void
one_key_two_people(void **state)
{
	static const enum world_key bobs[] = { K_BOB };
	JIT_DONE(wr_done) struct wr t = WR_INIT(POLICY_BLOCK_MAX);
	struct block *b = NULL;
	struct jit_why why = { 0 };

	(void)state;
	wr_str(&t, "jit-cert person v1\nname: robert\ngroup: sre\nkey: ");
	ssh_key_put_line(&t, ssh_priv_public(w.key[bobs[0]]), NULL);
	wr_str(&t, "\n");
	JT_WHY(block_parse(wr_view(&t), &b, &why), JIT_OK, &why);
	JT_ERR(policy_add(w.policy, b, &why), JIT_E_POLICY);
	assert_non_null(strstr(why.msg, "enrolled for person bob"));
	JT_OK(policy_check(w.policy, NULL));
}

/* Case 16: everything is judged again at issue. */
static void
judged_again(void **state)
{
	struct draft d;
	HISTORY *h = logged("prod-db", K_ALICE, &d, bob_carol, 2);
	static const enum world_key one[] = { K_BOB2 };
	struct issue is;
	uint8_t wrong[32] = { 0 };

	(void)state;
	JT_OK(issue(h, &d, &is));
	JT_ERR(judge_issue(w.policy, &w.own, h, SPAN(wrong, 32), 7, w.now,
	    &is, NULL), JIT_E_COLLECT);
	JT_ERR(judge_issue(w.policy, &w.own, h, SPAN(d.secret, 31), 7, w.now,
	    &is, NULL), JIT_E_COLLECT);
	/* The key that bob approved with is no longer his. */
	world_without(&w, BLOCK_PERSON, "bob");
	world_person(&w, "bob", "group: sre\n", one, 1);
	JT_ERR(issue(h, &d, &is), JIT_E_PENDING);
	/* carol has left the group: nobody's approval is left. */
	world_without(&w, BLOCK_PERSON, "carol");
	world_person(&w, "carol", "group: dev\n",
	    (const enum world_key[]){ K_CAROL }, 1);
	JT_ERR(issue(h, &d, &is), JIT_E_PENDING);
	assert_int_equal(is.quorum.have, 0);
	world_without(&w, BLOCK_PERSON, "alice");
	JT_ERR(issue(h, &d, &is), JIT_E_PERSON);
	world_without(&w, BLOCK_ROLE, "prod-db");
	JT_ERR(issue(h, &d, &is), JIT_E_ROLE);
	fresh();
}

static void
ends(void **state)
{
	struct draft d;
	HISTORY *h = logged("prod-db", K_ALICE, &d, bob_carol, 2);
	struct issue is;

	(void)state;
	h->end = END_DENIED;
	JT_ERR(issue(h, &d, &is), JIT_E_DENIED);
	h->end = END_CANCELLED;
	JT_ERR(issue(h, &d, &is), JIT_E_CANCELLED);
	h->end = END_NONE;
	h->issued = true;
	JT_ERR(issue(h, &d, &is), JIT_E_ISSUED);
	h->issued = false;
	w.now = WORLD_NOW + 8 * 3600 - 1;
	JT_OK(issue(h, &d, &is));
	assert_true(is.fields.before == WORLD_NOW + 8 * 3600);
	assert_true(is.fields.after == w.now - 30);
	w.now++;
	JT_ERR(issue(h, &d, &is), JIT_E_EXPIRED);
	w.now = WORLD_NOW;
}

/* A role that wants a touch is not satisfied by a plain key. */
static void
weak_proof(void **state)
{
	struct draft d;
	HISTORY *h = logged("prod-db-ro", K_EVE, &d, NULL, 0);

	(void)state;
	decide(h, VERDICT_APPROVE, K_BOB, JIT_E_PROOF);
}

/* ---- acts ---- */

static enum jit_err
act(const struct history *h, enum act_kind kind, const char *by,
    enum world_key who)
{
	JIT_DONE(wr_done) struct wr t = WR_INIT(ACT_MAX);
	JIT_DONE(signer_done) struct signer s = { 0 };
	struct act a = { .kind = kind, .log = span_str(w.log_id),
	    .by = span_str(by), .at = w.now, .request = h->request->req.id,
	    .digest = h->request->digest }, back;

	act_put(&t, &a);
	JT_OK(act_parse(wr_view(&t), kind, &back, NULL));
	JIT_DONE(buf_done) struct buf sig = world_sign(&w, who,
	    act_namespace(kind), wr_view(&t));

	JT_OK(signer_open(BUF_SPAN(sig), act_namespace(kind), wr_view(&t), &s,
	    NULL));
	return judge_act(w.policy, w.log_id, h, &back, &s, w.now, NULL);
}

static void
acts(void **state)
{
	struct draft d;
	HISTORY *h = logged("prod-db", K_ALICE, &d, bob_carol, 2);

	(void)state;
	JT_OK(act(h, ACT_CANCEL, "alice", K_ALICE));
	JT_ERR(act(h, ACT_CANCEL, "alice", K_BOB), JIT_E_KEYUNKNOWN);
	JT_ERR(act(h, ACT_CANCEL, "bob", K_BOB), JIT_E_NOTYOURS);
	JT_ERR(act(h, ACT_DROP, "alice", K_ALICE), JIT_E_PENDING);
	h->issued = true;
	h->issued_until = w.now + 60;
	JT_ERR(act(h, ACT_CANCEL, "alice", K_ALICE), JIT_E_ISSUED);
	JT_OK(act(h, ACT_DROP, "alice", K_ALICE));
	JT_ERR(act(h, ACT_DROP, "bob", K_BOB), JIT_E_NOTYOURS);
	h->issued_until = w.now;
	JT_ERR(act(h, ACT_DROP, "alice", K_ALICE), JIT_E_EXPIRED);
	h->end = END_DROPPED;
	JT_ERR(act(h, ACT_DROP, "alice", K_ALICE), JIT_E_DROPPED);
}

int
main(void)
{
	int bad;

	memset(long_reason, 'a', sizeof(long_reason) - 1);
	world_init(&w);
	bad = jt_one("the whole road", road) +
	    JT_ROWS("requests", request_attack, attacks) +
	    jt_one("subject keys", subject_attacks) +
	    jt_one("limits", limits) +
	    jt_one("every byte of a request", every_byte) +
	    jt_one("who decides", deciders) +
	    jt_one("false decisions", false_decisions) +
	    jt_one("a deny replayed as approve", deny_as_approve) +
	    jt_one("one person with two keys", two_keys_one_person) +
	    jt_one("two people with one key", one_key_two_people) +
	    jt_one("judged again at issue", judged_again) +
	    jt_one("ends", ends) + jt_one("weak proof", weak_proof) +
	    jt_one("cancel and drop", acts) + jt_one("control", road);
	world_done(&w);
	return bad;
}
