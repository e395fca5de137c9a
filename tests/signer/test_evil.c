/*
 * evil: somebody who owns everything but the people's keys, and somebody who
 * owns one approver's key, over the signer's frames.  Every field of request
 * and decision is changed at every stage, times every operation; each try
 * has its own error, and not one certificate comes of it (cases 1 to 4, 8,
 * 13, 17, 20, 22, 24 to 28, 38).  Between the tries a true road issues.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/signer/rig.h"

static struct rig rig;

/* A text with the first line of that name given another value. */
static struct buf
with_line(struct span text, const char *name, const char *value)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4 * DECISION_MAX);
	struct buf b = { NULL, 0 };
	size_t n = strlen(name);
	bool done = false;

	while (text.n > 0) {
		struct span line;

		assert_true(span_take_line(&text, &line));
		if (!done && line.n > n && memcmp(line.p, name, n) == 0) {
			wr_fmt(&w, "%s%s\n", name, value);
			done = true;
			continue;
		}
		wr_span(&w, line);
		wr_u8(&w, '\n');
	}
	assert_true(done);
	JT_OK(wr_take(&w, &b));
	return b;
}

static enum jit_err
ask(const struct ask *a)
{
	struct jit_why why = { 0 };
	enum jit_err e = rig_ask(&rig, a, NULL, &why);

	return e;
}

static enum jit_err
send_request(struct span text, struct span sig, struct span possess)
{
	return ask(&(struct ask){ .op = OP_REQUEST, .text = text, .sig = sig,
	    .possess = possess });
}

/* ---- stages ---- */

enum stage { SIGNED, LOGGED, ONE, ALL, ISSUED, STAGES };
static const char *const stage_names[STAGES] = {
	"before it is sent", "logged", "one approval", "approved", "issued",
};

static void
reach(enum stage s, struct draft *d)
{
	world_draft(&rig.w, "prod-db", K_ALICE, d);
	if (s == SIGNED)
		return;

	JIT_DONE(mail_done) struct mail m;

	rig_mail_request(&rig, d, K_ALICE, &m);
	JT_OK(ask(&m.ask));
	if (s >= ONE)
		JT_OK(rig_decide(&rig, d, VERDICT_APPROVE, K_BOB));
	if (s >= ALL)
		JT_OK(rig_decide(&rig, d, VERDICT_APPROVE, K_CAROL));
	if (s >= ISSUED)
		JT_OK(rig_collect(&rig, d, NULL));
}

/* The request is out of the way again, so that nobody has too many open. */
static void
leave(enum stage s, const struct draft *d)
{
	if (s != SIGNED && s != ISSUED)
		JT_OK(rig_act(&rig, d, ACT_CANCEL, K_ALICE));
}

static uint64_t
certificates(void)
{
	return ledger_next_serial(turn_ledger(rig.turn)) - 1;
}

/* A true road issues: what refuses everything would pass all else. */
static void
control(void)
{
	uint64_t before = certificates();
	struct draft d;

	reach(ISSUED, &d);
	assert_true(certificates() == before + 1);
}

/* ---- every field ---- */

struct field {
	const char *name;	/* of the row */
	const char *line, *value;
	/*
	 * resigned: signed anew by requester and subject key, at SIGNED; once
	 * the id is logged it is always id-used.
	 */
	enum jit_err parse;	/* JIT_OK: the text is well-formed */
	enum jit_err resigned;
};

#define ID2 "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B"
#define D64 "0000000000000000000000000000000000000000000000000000000000000000"

static const struct field fields[] = {
	{ "log", "log: ", "jit.example.com+00000000", JIT_OK, JIT_E_LOGNAME },
	{ "foreign log", "log: ", "other.example.com+00000000", JIT_OK,
	    JIT_E_LOGNAME },
	{ "kind", "kind: ", "ssh-host", JIT_E_UNBUILT, JIT_OK },
	{ "mode", "mode: ", "break-glass", JIT_E_UNBUILT, JIT_OK },
	{ "extends", "extends: ", ID2, JIT_E_UNBUILT, JIT_OK },
	{ "role digest", "role: ", "prod-db sha256:" D64, JIT_OK,
	    JIT_E_STALE },
	{ "no such role", "role: ", "prod-all sha256:" D64, JIT_OK,
	    JIT_E_ROLE },
	{ "requester", "requester: ", "bob", JIT_OK, JIT_E_KEYUNKNOWN },
	{ "nobody", "requester: ", "mallory", JIT_OK, JIT_E_PERSON },
	{ "alias by case", "requester: ", "Alice", JIT_E_FORMAT, JIT_OK },
	{ "alias by space", "requester: ", "alice ", JIT_E_FORMAT, JIT_OK },
	{ "alias by domain", "requester: ", "alice@x", JIT_E_FORMAT, JIT_OK },
	{ "alias by dot", "requester: ", "alice.", JIT_OK, JIT_E_PERSON },
	{ "certified key", "certify: ",
	    "ssh-ed25519 SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	    JIT_OK, JIT_E_POSSESS },
	{ "certified type", "certify: ",
	    "ssh-rsa SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	    JIT_OK, JIT_E_POSSESS },
	{ "principal", "principal: ", "root.prod-db", JIT_OK, JIT_E_RENDER },
	{ "two in one principal", "principal: ", "root,dba.prod-db",
	    JIT_E_FORMAT, JIT_OK },
	{ "any principal", "principal: ", "*", JIT_E_FORMAT, JIT_OK },
	{ "option", "option: ", "permit-agent-forwarding", JIT_OK,
	    JIT_E_RENDER },
	{ "unknown option", "option: ", "permit-all", JIT_E_FORMAT, JIT_OK },
	{ "created", "created: ", "2026-11-23T21:00:00Z", JIT_OK,
	    JIT_E_CLOCK },
	{ "closes too late", "closes: ", "2026-12-23T22:00:00Z", JIT_OK,
	    JIT_E_WINDOW },
	{ "closed already", "closes: ", "2026-11-23T21:59:00Z", JIT_E_WINDOW,
	    JIT_OK },
	{ "too long", "duration: ", "9h", JIT_E_WINDOW, JIT_OK },
	{ "duration as others write it", "duration: ", "60m", JIT_E_FORMAT,
	    JIT_OK },
	{ "duration with a sign", "duration: ", "+45m", JIT_E_FORMAT, JIT_OK },
	{ "reason", "reason: ", "because", JIT_OK, JIT_E_REASON },
	{ "no reason", "reason: ", "-", JIT_OK, JIT_E_REASON },
};

/* Anything but JIT_OK: a text that is none is told as FORMAT or CANON. */
static void
is(enum jit_err got, enum jit_err want, const char *what)
{
	if (got == want || (want == JIT_E_FORMAT && (got == JIT_E_CANON ||
	    got == JIT_E_UTF8)))
		return;
	print_message("%s: got %s, want %s\n", what, jit_err_name(got),
	    jit_err_name(want));
	fail();
}

static void
try_field(const struct field *f, enum stage s, const struct draft *d)
{
	JIT_DONE(buf_done) struct buf text = world_request_text(d);
	JIT_DONE(buf_done) struct buf other = with_line(BUF_SPAN(text),
	    f->line, f->value);
	struct span t = BUF_SPAN(other);
	JIT_DONE(buf_done) struct buf sig = world_sign(&rig.w, K_ALICE,
	    NS_REQUEST, BUF_SPAN(text));
	JIT_DONE(buf_done) struct buf own = world_sign(&rig.w, K_SUBJECT,
	    NS_POSSESS, BUF_SPAN(text));
	JIT_DONE(buf_done) struct buf sig2 = world_sign(&rig.w, K_ALICE,
	    NS_REQUEST, t);
	JIT_DONE(buf_done) struct buf own2 = world_sign(&rig.w, K_SUBJECT,
	    NS_POSSESS, t);
	JIT_DONE(buf_done) struct buf dec = world_decision_text(&rig.w,
	    VERDICT_APPROVE, "dan", t, &d->req.id);
	JIT_DONE(buf_done) struct buf true_dec = world_decision_text(&rig.w,
	    VERDICT_APPROVE, "dan", BUF_SPAN(text), &d->req.id);
	JIT_DONE(buf_done) struct buf old = world_sign(&rig.w, K_DAN,
	    NS_DECISION, BUF_SPAN(true_dec));
	JIT_DONE(buf_done) struct buf fooled = world_sign(&rig.w, K_DAN,
	    NS_DECISION, BUF_SPAN(dec));
	bool whole = f->parse == JIT_OK;

	/* The text with the signatures of the true one. */
	is(send_request(t, BUF_SPAN(sig), BUF_SPAN(own)), whole ? JIT_E_SIG :
	    f->parse, f->name);
	/* Half of it signed anew. */
	is(send_request(t, BUF_SPAN(sig2), BUF_SPAN(own)), whole ?
	    JIT_E_POSSESS : f->parse, f->name);
	/* All of it. */
	is(send_request(t, BUF_SPAN(sig2), BUF_SPAN(own2)), !whole ?
	    f->parse : f->resigned == JIT_E_POSSESS || s == SIGNED ?
	    f->resigned : JIT_E_IDUSED, f->name);
	/* An approval of it, by the signature of the true approval. */
	is(ask(&(struct ask){ .op = OP_DECISION, .text = BUF_SPAN(dec),
	    .sig = BUF_SPAN(old) }), !whole ? f->parse :
	    strcmp(f->line, "log: ") == 0 ? JIT_E_OTHERTEXT : JIT_E_SIG,
	    f->name);
	/* An approver who was shown the false text and signed it. */
	is(ask(&(struct ask){ .op = OP_DECISION, .text = BUF_SPAN(dec),
	    .sig = BUF_SPAN(fooled) }), !whole ? f->parse : s == SIGNED &&
	    strcmp(f->line, "log: ") != 0 ? JIT_E_UNKNOWN : JIT_E_OTHERTEXT,
	    f->name);
}

static void
test_field(void **state)
{
	const struct field *f = *state;

	for (int s = 0; s < STAGES; s++) {
		uint64_t before;
		struct draft d;

		reach((enum stage)s, &d);
		before = certificates();
		try_field(f, (enum stage)s, &d);
		if (s == ALL || s == ISSUED)
			JT_OK(rig_collect(&rig, &d, NULL));
		assert_true(certificates() == before + (s == ALL));
		if (s == ALL)
			continue;
		leave((enum stage)s, &d);
	}
	control();
}

/* ---- a decision's own fields ---- */

struct dec_field {
	const char *name, *line, *value;
	enum jit_err parse;
	enum jit_err resigned;		/* by dan, who may approve */
};

static const struct dec_field dec_fields[] = {
	{ "log", "log: ", "jit.example.com+00000000", JIT_E_OTHERTEXT,
	    JIT_OK },
	{ "verdict", "verdict: ", "deny", JIT_OK, JIT_OK },
	{ "no verdict", "verdict: ", "Approve", JIT_E_FORMAT, JIT_OK },
	{ "another approver", "approver: ", "carol", JIT_OK,
	    JIT_E_KEYUNKNOWN },
	{ "the requester", "approver: ", "alice", JIT_OK, JIT_E_KEYUNKNOWN },
	{ "nobody", "approver: ", "mallory", JIT_OK, JIT_E_PERSON },
	{ "an alias", "approver: ", "DAN", JIT_E_FORMAT, JIT_OK },
	{ "decided long ago", "decided: ", "2026-11-23T21:54:59Z", JIT_OK,
	    JIT_E_CLOCK },
	{ "decided in the future", "decided: ", "2026-11-23T22:05:01Z",
	    JIT_OK, JIT_E_CLOCK },
	{ "another request", "request: ", ID2, JIT_E_OTHERTEXT, JIT_OK },
};

static void
test_decision(void **state)
{
	const struct dec_field *f = *state;
	uint64_t before;
	struct draft d;

	reach(ONE, &d);
	before = certificates();

	JIT_DONE(buf_done) struct buf text = world_request_text(&d);
	JIT_DONE(buf_done) struct buf dec = world_decision_text(&rig.w,
	    VERDICT_APPROVE, "dan", BUF_SPAN(text), &d.req.id);
	JIT_DONE(buf_done) struct buf sig = world_sign(&rig.w, K_DAN,
	    NS_DECISION, BUF_SPAN(dec));
	JIT_DONE(buf_done) struct buf other = with_line(BUF_SPAN(dec),
	    f->line, f->value);
	JIT_DONE(buf_done) struct buf again = world_sign(&rig.w, K_DAN,
	    NS_DECISION, BUF_SPAN(other));

	is(ask(&(struct ask){ .op = OP_DECISION, .text = BUF_SPAN(other),
	    .sig = BUF_SPAN(sig) }), f->parse != JIT_OK ? f->parse :
	    JIT_E_SIG, f->name);
	if (f->parse != JIT_OK || f->resigned != JIT_OK)
		is(ask(&(struct ask){ .op = OP_DECISION,
		    .text = BUF_SPAN(other), .sig = BUF_SPAN(again) }),
		    f->parse != JIT_OK ? f->parse : f->resigned, f->name);
	JT_ERR(rig_collect(&rig, &d, NULL), JIT_E_PENDING);
	assert_true(certificates() == before);
	leave(ONE, &d);
	control();
}

/* ---- who counts ---- */

static void
test_people(void **state)
{
	JIT_DONE(mail_done) struct mail m = { 0 }, deny = { 0 };
	struct draft d;

	(void)state;
	reach(ONE, &d);
	/* Bob's second key is still Bob. */
	rig_mail_decision(&rig, &d, VERDICT_APPROVE, K_BOB2, &m);
	m.ask.op = OP_DECISION;
	(void)ask(&m.ask);
	JT_ERR(rig_collect(&rig, &d, NULL), JIT_E_PENDING);
	/* The requester, a person of no group, a key of nobody. */
	JT_ERR(rig_decide(&rig, &d, VERDICT_APPROVE, K_ALICE), JIT_E_SELF);
	JT_ERR(rig_decide(&rig, &d, VERDICT_APPROVE, K_EVE),
	    JIT_E_APPROVER);
	JT_ERR(rig_decide(&rig, &d, VERDICT_APPROVE, K_DANA),
	    JIT_E_APPROVER);
	/* The deny of one is not the approve of another. */
	rig_mail_decision(&rig, &d, VERDICT_DENY, K_CAROL, &deny);
	{
		JIT_DONE(buf_done) struct buf yes = with_line(
		    BUF_SPAN(deny.text), "verdict: ", "approve");

		JT_ERR(ask(&(struct ask){ .op = OP_DECISION,
		    .text = BUF_SPAN(yes), .sig = BUF_SPAN(deny.sig) }),
		    JIT_E_SIG);
	}
	JT_ERR(rig_collect(&rig, &d, NULL), JIT_E_PENDING);
	JT_OK(ask(&deny.ask));
	JT_ERR(rig_collect(&rig, &d, NULL), JIT_E_DENIED);
	control();
}

/* ---- signatures that are not the ones asked for ---- */

static void
test_signatures(void **state)
{
	JIT_DONE(mail_done) struct mail m, yes;
	struct draft d, e;

	(void)state;
	reach(SIGNED, &d);
	rig_mail_request(&rig, &d, K_ALICE, &m);
	/* Swapped; of another namespace; of another person. */
	JT_ERR(send_request(m.ask.text, m.ask.possess, m.ask.sig),
	    JIT_E_NAMESPACE);
	JT_ERR(send_request(m.ask.text, m.ask.sig, m.ask.sig),
	    JIT_E_POSSESS);
	{
		JIT_DONE(buf_done) struct buf bob = world_sign(&rig.w, K_BOB,
		    NS_REQUEST, m.ask.text);
		JIT_DONE(buf_done) struct buf stranger = world_sign(&rig.w,
		    K_STRANGER, NS_REQUEST, m.ask.text);
		JIT_DONE(buf_done) struct buf login = world_sign(&rig.w,
		    K_ALICE, NS_CANCEL, m.ask.text);

		JT_ERR(send_request(m.ask.text, BUF_SPAN(bob),
		    m.ask.possess), JIT_E_KEYUNKNOWN);
		JT_ERR(send_request(m.ask.text, BUF_SPAN(stranger),
		    m.ask.possess), JIT_E_KEYUNKNOWN);
		JT_ERR(send_request(m.ask.text, BUF_SPAN(login),
		    m.ask.possess), JIT_E_NAMESPACE);
	}
	/* Bytes behind it, a byte less, none. */
	{
		JIT_DONE(wr_done) struct wr w = WR_INIT(SSHSIG_MAX);

		wr_span(&w, m.ask.sig);
		wr_u8(&w, 0);
		JT_ERR(send_request(m.ask.text, wr_view(&w), m.ask.possess),
		    JIT_E_FORMAT);
		JT_ERR(send_request(m.ask.text, SPAN(w.p, w.n - 2),
		    m.ask.possess), JIT_E_FORMAT);
		JT_ERR(send_request(m.ask.text, SPAN_NONE, m.ask.possess),
		    JIT_E_FORMAT);
	}
	/* The approval of one request for another. */
	JT_OK(ask(&m.ask));
	reach(LOGGED, &e);
	rig_mail_decision(&rig, &d, VERDICT_APPROVE, K_BOB, &yes);
	{
		JIT_DONE(buf_done) struct buf other = with_line(
		    yes.ask.text, "request: ", e.req.id.s);

		JT_ERR(ask(&(struct ask){ .op = OP_DECISION,
		    .text = BUF_SPAN(other), .sig = yes.ask.sig }),
		    JIT_E_OTHERTEXT);
	}
	leave(LOGGED, &d);
	leave(LOGGED, &e);
	control();
}

/* The keys that are somebody's own are never certified. */
static void
test_subjects(void **state)
{
	static const enum world_key own[] = { K_ALICE, K_BOB, K_CA, K_LOG,
	    K_HOST };

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		const struct ssh_key *k = ssh_priv_public(rig.w.key[own[i]]);
		struct draft d;

		world_draft(&rig.w, "prod-db", K_ALICE, &d);
		ssh_key_fingerprint(k, d.fp);

		JIT_DONE(buf_done) struct buf text = world_request_text(&d);
		JIT_DONE(buf_done) struct buf sig = world_sign(&rig.w,
		    K_ALICE, NS_REQUEST, BUF_SPAN(text));
		JIT_DONE(buf_done) struct buf p = world_sign(&rig.w, own[i],
		    NS_POSSESS, BUF_SPAN(text));

		JT_ERR(send_request(BUF_SPAN(text), BUF_SPAN(sig),
		    BUF_SPAN(p)), JIT_E_SUBJECT);
	}
	control();
}

/* ---- collecting ---- */

static void
test_collect(void **state)
{
	struct task *t[64];
	struct draft d, e;
	struct mail m;
	uint64_t before;

	(void)state;
	reach(ALL, &d);
	before = certificates();
	e = d;
	e.secret[31] ^= 1;
	JT_ERR(rig_collect(&rig, &e, NULL), JIT_E_COLLECT);
	memset(e.secret, 0, sizeof(e.secret));
	JT_ERR(rig_collect(&rig, &e, NULL), JIT_E_COLLECT);
	assert_true(certificates() == before);
	/* 64 at once, in one turn: one certificate, the same bytes for all. */
	rig_mail_collect(&d, &m);
	for (int i = 0; i < 64; i++)
		t[i] = rig_task(&m.ask);
	JT_OK(rig_turn(&rig, t, 64));
	for (int i = 0; i < 64; i++) {
		JT_OK(t[i]->err);
		assert_true(t[i]->entry == t[0]->entry);
	}
	for (int i = 0; i < 64; i++)
		task_free(t[i]);
	assert_true(certificates() == before + 1);
	/* Ended by its requester: not even the same bytes again. */
	JT_OK(rig_act(&rig, &d, ACT_DROP, K_ALICE));
	JT_ERR(rig_collect(&rig, &d, NULL), JIT_E_DROPPED);
	control();
}

/* In one turn, in every order: a deny that is acknowledged wins (case 20). */
static void
test_race(void **state)
{
	static const int orders[][4] = { { 0, 1, 2, 3 }, { 1, 0, 2, 3 },
	    { 2, 0, 1, 3 }, { 0, 2, 1, 3 }, { 1, 2, 0, 3 }, { 2, 1, 0, 3 },
	    { 3, 0, 1, 2 }, { 0, 3, 1, 2 }, { 1, 3, 0, 2 }, { 3, 1, 0, 2 },
	    { 2, 3, 0, 1 }, { 3, 2, 1, 0 } };

	(void)state;
	for (size_t n = 0; n < sizeof(orders) / sizeof(orders[0]); n++) {
		struct mail m[4];
		struct task *t[4];
		uint64_t before;
		struct draft d;
		bool denied, cancelled, issued;

		reach(ONE, &d);
		before = certificates();
		rig_mail_decision(&rig, &d, VERDICT_APPROVE, K_CAROL, &m[0]);
		rig_mail_decision(&rig, &d, VERDICT_DENY, K_DAN, &m[1]);
		rig_mail_act(&rig, &d, ACT_CANCEL, K_ALICE, &m[2]);
		rig_mail_collect(&d, &m[3]);
		for (int i = 0; i < 4; i++)
			t[i] = rig_task(&m[orders[n][i]].ask);
		JT_OK(rig_turn(&rig, t, 4));
		denied = cancelled = issued = false;
		for (int i = 0; i < 4; i++) {
			bool ok = t[i]->err == JIT_OK;

			denied |= ok && orders[n][i] == 1;
			cancelled |= ok && orders[n][i] == 2;
			issued |= ok && orders[n][i] == 3;
			task_free(t[i]);
		}
		assert_int_equal(denied + cancelled + issued, 1);
		assert_true(certificates() == before + issued);
		for (int i = 0; i < 4; i++)
			mail_done(&m[i]);
	}
	control();
}

int
main(void)
{
	int bad = 0;

	rig_init(&rig, 0);
	print_message("stages:");
	for (int i = 0; i < STAGES; i++)
		print_message(" %s,", stage_names[i]);
	print_message(" each row\n");
	bad += JT_ROWS("request", test_field, fields);
	bad += JT_ROWS("decision", test_decision, dec_fields);
	bad += jt_one("who counts", test_people);
	bad += jt_one("signatures", test_signatures);
	bad += jt_one("keys that are somebody's own", test_subjects);
	bad += jt_one("collecting", test_collect);
	bad += jt_one("at once", test_race);
	rig_check_log(&rig);
	rig_done(&rig);
	return bad != 0;
}
