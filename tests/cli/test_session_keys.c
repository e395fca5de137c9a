/*
 * session, CA keys: which are published now and which were at an entry, as
 * they change; certificates of either kind under them; and lies about both.
 */
#include <stdio.h>
#include <string.h>

#include "ca/x509/key.h"
#include "cli/session.h"
#include "tests/signer/liar.h"

#define PATIENT 20000

static struct logbook book;

/* Entries of keys: with X.509; with another user CA; and what cannot be. */
enum { KEYS_X509, KEYS_NEXT, KEYS_AHEAD, KEYS_TWO, KEYS_N };
static uint64_t keys[KEYS_N];

/* Requests that were collected. */
enum {
	OF_GENESIS,		/* by the user CA of genesis */
	OF_X509,		/* under KEYS_X509 */
	OF_X509_OTHER,		/* the same, for somebody else's name */
	OF_X509_STRANGER,	/* the same, by no CA of this log */
	OF_OLD,			/* by K_CA, still under KEYS_X509 */
	OF_NEXT,		/* by the CA that is active since KEYS_NEXT */
	OF_RETIRED,		/* by the one that is active no more */
	OF_N
};
static struct ulid of[OF_N];
static uint64_t at[OF_N];		/* of its certificate */

/* ---- the log ---- */

static uint64_t
add_keys(const struct ca_keys *k)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);

	ca_keys_put(&w, k);
	JT_OK(w.err);
	return logbook_add(&book, ENTRY_KEYS, wr_view(&w));
}

/* Those of the world, but with another user CA for signing. */
static void
rotated(struct ca_keys *ret, enum ca_state old, uint64_t before)
{
	const struct ca_key *x = ca_keys_active(&book.w.ca, CA_X509);
	const struct span chain = BUF_SPAN(x->chain[0]);

	*ret = (struct ca_keys){ .before = before };
	JT_OK(ca_keys_add(ret, CA_SSH_USER, CA_ACTIVE, ssh_priv_public(
	    book.w.key[K_STRANGER]), NULL, 0, NULL));
	JT_OK(ca_keys_add(ret, CA_SSH_USER, old, ssh_priv_public(
	    book.w.key[K_CA]), NULL, 0, NULL));
	JT_OK(ca_keys_add(ret, CA_X509, CA_ACTIVE, x->key, &chain, 1, NULL));
}

static void
ssh_cert_by(int which, enum world_key ca)
{
	const struct logbook_spoil change = { .ca = ca };
	JIT_DONE(buf_done) struct buf body = { NULL, 0 };

	of[which] = logbook_asked(&book, 2);
	body = logbook_issued_body(&book, &of[which], &change);
	at[which] = logbook_add(&book, ENTRY_ISSUED, BUF_SPAN(body));
}

/* What judge_issue() says, signed by that key for that CA. */
static void
put_x509(const struct x509_fields *f, const struct ssh_key *subject,
    bool stranger, struct wr *w)
{
	const struct ca_key *k = ca_keys_active(&book.w.ca, CA_X509);
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(4096);

	JT_OK(x509_put_tbs(&tbs, f, subject, k->ca, NULL));
	JT_OK(x509_sign(book.w.x509[stranger ? K_LEAF : K_X509_CA],
	    wr_view(&tbs), &sig));
	x509_join(w, wr_view(&tbs), SSH_ECDSA_P256, wr_view(&sig));
	JT_OK(w->err);
}

static void
x509_cert_by(int which, bool other, bool stranger)
{
	static const struct span eve = SPAN("CN=eve", 6);
	JIT_DONE(wr_done) struct wr cert = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct logbook_matter *m;
	struct rec_issued rec = { .n_approvals = 1 };
	struct issue is;

	of[which] = logbook_request(&book, "pg-write", K_ALICE);
	(void)logbook_decide(&book, &of[which], VERDICT_APPROVE, K_BOB);
	m = logbook_find(&book, &of[which]);
	JT_OK(judge_issue(book.w.policy, &book.w.own, &m->dossier->h,
	    SPAN(m->secret, 32), 0, book.w.now, &is, NULL));
	JT_OK(x509_serial_make(&book.w.rng, is.x509.serial));
	if (other) {
		is.x509.subject = &eve;
		is.x509.n_subject = 1;
	}
	put_x509(&is.x509, m->dossier->h.request->subject.key, stranger,
	    &cert);
	rec.request = of[which];
	rec.cert = wr_view(&cert);
	memcpy(rec.secret, m->secret, 32);
	rec.request_index = m->dossier->h.request_index;
	rec.policy_index = book.policy_index;
	rec.approvals[0] = m->dossier->h.decision_index[0];
	rec_put_issued(&w, &rec);
	at[which] = logbook_add(&book, ENTRY_ISSUED, wr_view(&w));
}

static void
set_up(void)
{
	JIT_DONE(ca_keys_done) struct ca_keys next = { .n = 0 };
	JIT_DONE(ca_keys_done) struct ca_keys ahead = { .n = 0 };
	JIT_DONE(ca_keys_done) struct ca_keys two = { .n = 0 };

	logbook_init(&book);
	ssh_cert_by(OF_GENESIS, K_CA);
	world_x509(&book.w);
	(void)logbook_policy(&book);
	keys[KEYS_X509] = add_keys(&book.w.ca);
	x509_cert_by(OF_X509, false, false);
	x509_cert_by(OF_X509_OTHER, true, false);
	x509_cert_by(OF_X509_STRANGER, false, true);
	ssh_cert_by(OF_OLD, K_CA);
	rotated(&next, CA_RETIRING, keys[KEYS_X509]);
	keys[KEYS_NEXT] = add_keys(&next);
	ssh_cert_by(OF_NEXT, K_STRANGER);
	ssh_cert_by(OF_RETIRED, K_CA);
	/* What no signer of ours writes. */
	rotated(&ahead, CA_RETIRING, book.n);
	keys[KEYS_AHEAD] = add_keys(&ahead);
	rotated(&two, CA_ACTIVE, keys[KEYS_NEXT]);
	keys[KEYS_TWO] = add_keys(&two);
}

/* ---- a run ---- */

struct run {
	struct liar l;
	struct session_config c;
	char state[100];
	struct session *s;
	struct jit_why why;
};

/* A signer that has the log up to and with that entry of keys. */
static void
run_init(struct run *r, uint64_t size)
{
	static unsigned count;

	*r = (struct run){ .l = { .b = &book, .size = size } };
	(void)snprintf(r->state, sizeof(r->state), "%s/keys%u", jt_tmpdir(),
	    count++);
	r->c = (struct session_config){ .state = r->state,
	    .socket = r->l.path, .timeout_ms = PATIENT };
}

static void
run_open(struct run *r)
{
	bool first;

	liar_start(&r->l);
	JT_WHY(session_open(&r->c, &r->s, &first, &r->why), JIT_OK, &r->why);
}

static void
run_done(struct run *r)
{
	session_free(r->s);
	liar_stop(&r->l);
}

/* ---- which keys ---- */

static bool
signs(const struct own_keys *own, enum world_key k)
{
	return ssh_key_eq(ca_keys_active(own->ca, CA_SSH_USER)->key,
	    ssh_priv_public(book.w.key[k]));
}

static void
test_now(void **state)
{
	const struct own_keys *own = NULL, *same = NULL;
	struct run r;

	(void)state;
	run_init(&r, keys[KEYS_NEXT] + 1);
	run_open(&r);
	JT_WHY(session_keys(r.s, &own, &r.why), JIT_OK, &r.why);
	assert_int_equal(own->ca->n, 3);
	assert_true(signs(own, K_STRANGER));
	assert_non_null(ca_keys_active(own->ca, CA_X509));
	assert_int_equal(ca_keys_find(own->ca, ssh_priv_public(
	    book.w.key[K_CA]))->state, CA_RETIRING);
	assert_non_null(own->log);
	/* Asked for once: nothing is asked after it. */
	session_hang_up(r.s);
	JT_OK(session_keys(r.s, &same, NULL));
	assert_ptr_equal(own, same);
	run_done(&r);
}

static void
test_before(void **state)
{
	const struct { uint64_t index, entry; enum world_key ca; } want[] = {
		{ 1, 0, K_CA }, { at[OF_GENESIS], 0, K_CA },
		{ keys[KEYS_X509], 0, K_CA },
		{ keys[KEYS_X509] + 1, keys[KEYS_X509], K_CA },
		{ keys[KEYS_NEXT], keys[KEYS_X509], K_CA },
		{ keys[KEYS_NEXT] + 1, keys[KEYS_NEXT], K_STRANGER },
		{ UINT64_MAX, keys[KEYS_NEXT], K_STRANGER },
	};
	struct run r;

	(void)state;
	run_init(&r, keys[KEYS_AHEAD]);
	run_open(&r);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct own_keys *own = NULL;
		uint64_t entry = 99;

		JT_WHY(session_keys_before(r.s, want[i].index, &own, &entry,
		    &r.why), JIT_OK, &r.why);
		assert_true(entry == want[i].entry);
		assert_true(signs(own, want[i].ca));
	}
	run_done(&r);
}

struct lie_row {
	const char *name;
	int keys;			/* the newest that is there */
	enum lie lie;
	enum jit_err want;
};
static const struct lie_row lies[] = {
	{ "true", KEYS_NEXT, LIE_NONE, JIT_OK },
	{ "another entry", KEYS_NEXT, LIE_OTHER, JIT_E_VERIFY },
	{ "no entry", KEYS_NEXT, LIE_NOTHING, JIT_E_VERIFY },
	{ "two entries", KEYS_NEXT, LIE_TWICE, JIT_E_VERIFY },
	{ "erased", KEYS_NEXT, LIE_ERASED, JIT_E_ERASED },
	{ "another body", KEYS_NEXT, LIE_BODY, JIT_E_VERIFY },
	{ "not in the log", KEYS_NEXT, LIE_PROOF, JIT_E_VERIFY },
	{ "they follow on what comes later", KEYS_AHEAD, LIE_NONE,
	    JIT_E_VERIFY },
	{ "two that sign", KEYS_TWO, LIE_NONE, JIT_E_VERIFY },
};

static void
test_lie(void **state)
{
	const struct lie_row *t = *state;
	const struct own_keys *own = NULL;
	struct run r;

	run_init(&r, keys[t->keys] + 1);
	r.l.lie = t->lie;
	r.l.at = OP_PROVE;
	r.l.after = 1;			/* behind genesis */
	run_open(&r);
	JT_WHY(session_keys(r.s, &own, &r.why), t->want, &r.why);
	run_done(&r);
}

/* ---- certificates under them ---- */

struct cert_row {
	const char *name;
	int which;
	enum jit_err want;
};
static const struct cert_row certs[] = {
	{ "of genesis's CA", OF_GENESIS, JIT_OK },
	{ "of the X.509 CA", OF_X509, JIT_OK },
	{ "of the X.509 CA, another name", OF_X509_OTHER, JIT_E_VERIFY },
	{ "of another X.509 CA", OF_X509_STRANGER, JIT_E_SIG },
	{ "of the CA that is retiring now, and was active", OF_OLD, JIT_OK },
	{ "of the next CA", OF_NEXT, JIT_OK },
	{ "of the CA that was retiring", OF_RETIRED, JIT_E_SIG },
};

static enum jit_err
collect(struct run *r, int which)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	JIT_DONE(secret_done) struct secret secret = { .p = NULL };

	JT_OK(secret_copy(&secret, SPAN(logbook_find(&book,
	    &of[which])->secret, 32)));
	return session_collect(r->s, &of[which], &secret, &d, &r->why);
}

static void
test_cert(void **state)
{
	const struct cert_row *t = *state;
	struct run r;

	run_init(&r, keys[KEYS_AHEAD]);
	run_open(&r);
	JT_WHY(collect(&r, t->which), t->want, &r.why);
	run_done(&r);
}

/* The keys changed after hello: to be asked again, no lie. */
static void
test_stale(void **state)
{
	struct run r;

	(void)state;
	run_init(&r, keys[KEYS_NEXT]);
	r.l.grow = keys[KEYS_AHEAD] - keys[KEYS_NEXT];
	r.l.still = 1;			/* hello; behind genesis it grows */
	run_open(&r);
	JT_WHY(collect(&r, OF_NEXT), JIT_E_STALE, &r.why);
	run_done(&r);
}

/* ---- lists ---- */

/* A signer that has none gives no bytes: that is no list. */
static void
test_list(void **state)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct run r;

	(void)state;
	run_init(&r, keys[KEYS_AHEAD]);
	run_open(&r);
	JT_ERR(session_list_of(r.s, "other", &b, NULL, NULL, NULL),
	    JIT_E_ARG);
	JT_ERR(session_list_of(r.s, PUBLISHED_KRL, &b, NULL, NULL, NULL),
	    JIT_E_VERIFY);
	JT_ERR(session_list_of(r.s, PUBLISHED_CRL, &b, NULL, NULL, NULL),
	    JIT_E_VERIFY);
	run_done(&r);
}

int
main(void)
{
	int failed = 0;

	set_up();
	failed += jt_one("now", test_now);
	failed += jt_one("before", test_before);
	failed += JT_ROWS("lies", test_lie, lies);
	failed += JT_ROWS("certificates", test_cert, certs);
	failed += jt_one("stale", test_stale);
	failed += jt_one("lists", test_list);
	logbook_done(&book);
	return failed != 0;
}
