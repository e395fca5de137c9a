/*
 * tell, past, ended, log_line for X.509: what a certificate is good for, what
 * is new about it, that no request passes which the role does not have, and
 * how things ended.
 */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ended.h"
#include "cli/log_line.h"
#include "cli/past.h"
#include "cli/tell.h"
#include "tests/lib/logbook.h"

static struct logbook book;

static void
is_text(const struct wr *w, const char *want)
{
	JIT_DONE(buf_done) struct buf got = { NULL, 0 };

	assert_int_equal(w->err, JIT_OK);
	JT_OK(buf_copy(&got, wr_view(w)));
	assert_string_equal(got.n > 0 ? (const char *)got.p : "", want);
}

/* ---- what it opens ---- */

#define GRANT "URI:urn:jit:grant:01JDE0V5Y8M3T1K3ZJ6X4N9Q2B"
#define LIST(...) { __VA_ARGS__, NULL }

struct opens_row {
	const char *name, *profile, *subject[4], *sans[4], *crl, *want;
};
static const struct opens_row opens[] = {
	{ "a client", "client", LIST("CN=alice"), LIST(GRANT), "",
	    "TLS client as CN=alice; cannot be revoked, ends by itself" },
	{ "with an O and a name", "client", LIST("CN=alice", "O=app-write"),
	    LIST(GRANT, "email:alice@example.com"), "", "TLS client as "
	    "CN=alice, O=app-write; also email:alice@example.com; cannot be "
	    "revoked, ends by itself" },
	{ "with a CRL", "redis", LIST("CN=alice"), LIST(GRANT),
	    "http://ca.example.com/crl", "TLS client for Redis as CN=alice "
	    "(a client of tls-auth-clients); can be revoked, by the CRL at "
	    "http://ca.example.com/crl" },
	{ "groups", "kubernetes", LIST("CN=alice", "O=dev", "O=ops"),
	    LIST(GRANT), "", "TLS client for Kubernetes as CN=alice, O=dev, "
	    "O=ops (CN is the user, each O a group); cannot be revoked, ends "
	    "by itself" },
	{ "a server", "server", LIST("CN=db1"), LIST("DNS:db1.example.com",
	    "IP:127.0.0.1", GRANT), "", "TLS SERVER as CN=db1; also "
	    "DNS:db1.example.com, IP:127.0.0.1; cannot be revoked, ends by "
	    "itself" },
	{ "what nobody knows", "smtp", LIST("CN=alice"), LIST(GRANT), "",
	    "UNKNOWN PROFILE smtp as CN=alice; cannot be revoked, ends by "
	    "itself" },
};

static void
tells_opens(void **state)
{
	const struct opens_row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct request q = { .kind = KIND_X509,
	    .profile = span_str(r->profile), .crl = span_str(r->crl) };

	for (size_t i = 0; r->subject[i] != NULL; i++)
		q.subject[q.n_subject++] = span_str(r->subject[i]);
	for (size_t i = 0; r->sans[i] != NULL; i++)
		q.sans[q.n_sans++] = span_str(r->sans[i]);
	tell_put_opens(&w, book.w.policy, &q);
	is_text(&w, r->want);
}

/* ---- as logged, whatever it says ---- */

static struct dossier *
logged(struct draft *d, enum world_key who)
{
	JIT_DONE(buf_done) struct buf text = world_request_text(d);
	JIT_DONE(buf_done) struct buf sig = world_sign(&book.w, who,
	    NS_REQUEST, BUF_SPAN(text));
	JIT_DONE(buf_done) struct buf possess = world_possess(&book.w,
	    BUF_SPAN(text));
	JIT_DONE(wr_done) struct wr body = WR_INIT(ENTRY_BODY_MAX);
	const struct rec_signed s = { BUF_SPAN(text), BUF_SPAN(sig),
	    BUF_SPAN(possess) };
	struct dossier *ret = NULL;
	struct jit_why why = { 0 };
	uint64_t index;

	rec_put_signed(&body, ENTRY_REQUEST, &s);
	assert_int_equal(body.err, JIT_OK);
	index = logbook_add(&book, ENTRY_REQUEST, wr_view(&body));
	JT_WHY(dossier_new(&book.entry[index].e, DOSSIER_VERIFY, &ret, &why),
	    JIT_OK, &why);
	return ret;
}

static void
same(struct draft *d)
{
	(void)d;
}

static void
admins(struct draft *d)
{
	d->req.subject[1] = span_str("O=admins");
}

static void
a_group_more(struct draft *d)
{
	d->req.subject[d->req.n_subject++] = span_str("O=zadmins");
}

static void
root(struct draft *d)
{
	d->req.subject[0] = span_str("CN=root");
}

static void
no_email(struct draft *d)
{
	d->req.n_sans = 1;
}

static void
mariadb(struct draft *d)
{
	d->req.profile = span_str("mariadb");
}

static void
no_crl(struct draft *d)
{
	d->req.crl = SPAN_NONE;
}

static void
crl_elsewhere(struct draft *d)
{
	d->req.crl = span_str("http://other.example.com/crl");
}

/* ---- what is new ---- */

struct new_row {
	const char *name;
	void (*now)(struct draft *d);
	const char *want;
};
static const struct new_row news[] = {
	/* Its own grant's name is not new. */
	{ "nothing", same, "the same as last time (23 Nov)" },
	{ "another group", admins, "since last time (23 Nov): also subject "
	    "O=admins; no more subject O=app-write; else the same" },
	{ "a name less", no_email, "since last time (23 Nov): no more name "
	    "email:bob@example.com; else the same" },
	{ "another profile", mariadb, "since last time (23 Nov): another "
	    "profile than client; else the same" },
	{ "no CRL any more", no_crl, "since last time (23 Nov): CANNOT BE "
	    "REVOKED any more; else the same" },
	{ "another CRL", crl_elsewhere, "since last time (23 Nov): its CRL is "
	    "elsewhere; else the same" },
};

static void
tells_new(void **state)
{
	const struct new_row *r = *state;
	JIT_SCOPED(dossier_free) struct dossier *then = NULL, *now = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct draft d;

	world_draft(&book.w, "pg-write", K_BOB, &d);
	then = logged(&d, K_BOB);
	world_draft(&book.w, "pg-write", K_BOB, &d);
	r->now(&d);
	now = logged(&d, K_BOB);
	past_put_new(&w, now, book.w.policy, then, book.w.policy, book.w.now);
	is_text(&w, r->want);
}

/* ---- is it what it says? ---- */

struct check_row {
	const char *name;
	void (*change)(struct draft *d);
	enum jit_err want;
	const char *says;
};
static const struct check_row checks[] = {
	{ "as the role has it", same, JIT_OK, "" },
	{ "somebody else", root, JIT_E_RENDER, "subject \"CN=bob\" in the "
	    "role is \"CN=root\" here" },
	{ "another group", admins, JIT_E_RENDER, "\"O=admins\" here" },
	{ "a group more", a_group_more, JIT_E_RENDER, "subject \"\" in the "
	    "role is \"O=zadmins\" here" },
	{ "a name less", no_email, JIT_E_RENDER, "name "
	    "\"email:bob@example.com\" in the role is \"\" here" },
	{ "another profile", mariadb, JIT_E_RENDER, "profile \"client\" in the "
	    "role is \"mariadb\" here" },
	{ "no CRL", no_crl, JIT_E_RENDER, "CRL \"http://ca.example.com/crl\" "
	    "in the role is \"\" here" },
};

static void
checks_text(void **state)
{
	const struct check_row *r = *state;
	JIT_SCOPED(dossier_free) struct dossier *x = NULL;
	struct jit_why why = { 0 };
	struct draft d;

	world_draft(&book.w, "pg-write", K_BOB, &d);
	r->change(&d);
	x = logged(&d, K_BOB);
	JT_WHY(tell_check(book.w.policy, book.w.log_id, &book.w.own, x, &why),
	    r->want, &why);
	assert_non_null(strstr(why.msg, r->says));
}

/* ---- how it ended ---- */

/* One more entry about it, signed by who where it is an act. */
static void
end(struct dossier *d, enum entry_type t, enum world_key who)
{
	JIT_DONE(buf_done) struct buf act = { NULL, 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	const struct rec_ended ended = { .request = d->id,
	    .cause = ENDED_LOCKED, .by_index = 3 };
	struct jit_why why = { 0 };
	uint64_t index;

	if (t == ENTRY_ENDED) {
		rec_put_ended(&w, &ended);
	} else {
		struct act a = { .kind = t == ENTRY_CANCEL ? ACT_CANCEL :
		    ACT_REVOKE, .log = span_str(book.w.log_id),
		    .by = span_str(world_name(who)), .at = book.w.now,
		    .request = d->id, .digest = d->h.request->digest,
		    .comment = span_str("stolen") };
		JIT_DONE(wr_done) struct wr text = WR_INIT(ACT_MAX);
		struct rec_signed s;

		act_put(&text, &a);
		act = world_sign(&book.w, who, act_namespace(a.kind),
		    wr_view(&text));
		s = (struct rec_signed){ wr_view(&text), BUF_SPAN(act),
		    SPAN_NONE };
		rec_put_signed(&w, t, &s);
	}
	JT_OK(w.err);
	index = logbook_add(&book, t, wr_view(&w));
	JT_WHY(dossier_add(d, &book.entry[index].e, DOSSIER_VERIFY, &why),
	    JIT_OK, &why);
}

struct end_row {
	const char *name;
	enum entry_type type;
	enum world_key who;
	bool signer;
	const char *want, *line;	/* told by show, and by log */
};
static const struct end_row ends[] = {
	{ "cancelled", ENTRY_CANCEL, K_BOB, false, "cancelled by the "
	    "requester 22:00 UTC: \"stolen\"", "takes the request back: "
	    "\"stolen\"" },
	{ "by the signer", ENTRY_ENDED, K_BOB, true, "ended by the signer "
	    "22:00 UTC: its requester was locked out", "the signer ends "
	    "pg-write of bob: its requester was locked out, log #3" },
};

/* As log tells it, once the request was read. */
static void
line_is(const struct dossier *d, const char *want)
{
	JIT_DONE(log_words_done) struct log_words x = { .now = book.w.now };
	struct jit_why why = { 0 };

	for (size_t i = 0; i < d->n; i++) {
		JIT_DONE(log_line_done) struct log_line l = {
		    .what = WR_INIT(65536) };
		bool is = false;

		JT_WHY(log_line_read(&x, &d->entry[i].e, &l, &is, &why),
		    JIT_OK, &why);
		assert_true(is && span_eq_str(l.whose, "bob"));
		assert_string_equal(l.id.s, d->id.s);
		if (i + 1 == d->n)
			is_text(&l.what, want);
	}
}

static void
tells_end(void **state)
{
	const struct end_row *r = *state;
	JIT_SCOPED(dossier_free) struct dossier *x = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct draft d;
	json_t *o;

	world_draft(&book.w, "pg-write", K_BOB, &d);
	x = logged(&d, K_BOB);
	assert_false(ended_put(&w, x, book.w.now));
	assert_null(ended_json(x));
	end(x, r->type, r->who);
	assert_true(ended_put(&w, x, book.w.now));
	is_text(&w, r->want);
	assert_true(ended_by_signer(x) == r->signer);
	o = ended_json(x);
	assert_non_null(o);
	assert_true(json_is_null(json_object_get(o, "by")) == r->signer);
	json_decref(o);
	line_is(x, r->line);
}

/* ---- entries about no request ---- */

static void
tells_lock(void **state)
{
	JIT_DONE(log_words_done) struct log_words x = { .now = book.w.now };

	(void)state;
	for (int unlock = 0; unlock < 2; unlock++) {
		const struct lock lock = { .unlock = unlock != 0,
		    .log = span_str(book.w.log_id), .by = span_str("dana"),
		    .at = book.w.now, .person = span_str("alice"),
		    .comment = span_str("laptop") };
		JIT_DONE(wr_done) struct wr text = WR_INIT(ACT_MAX);
		JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
		JIT_DONE(buf_done) struct buf sig = { NULL, 0 };
		JIT_DONE(log_line_done) struct log_line l = {
		    .what = WR_INIT(65536) };
		struct rec_signed s;
		bool is = false;
		uint64_t i;

		lock_put(&text, &lock);
		sig = world_sign(&book.w, K_DANA, lock_namespace(lock.unlock),
		    wr_view(&text));
		s = (struct rec_signed){ wr_view(&text), BUF_SPAN(sig),
		    SPAN_NONE };
		rec_put_signed(&w, ENTRY_LOCK, &s);
		i = logbook_add(&book, ENTRY_LOCK, wr_view(&w));
		JT_OK(log_line_read(&x, &book.entry[i].e, &l, &is, NULL));
		assert_true(is && span_eq_str(l.who, "dana") &&
		    span_eq_str(l.whose, "alice"));
		is_text(&l.what, unlock ? "lets alice in again: \"laptop\"" :
		    "LOCKS OUT alice: \"laptop\"");
	}
}

static void
tells_keys(void **state)
{
	JIT_DONE(log_words_done) struct log_words x = { .now = book.w.now };
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	JIT_DONE(log_line_done) struct log_line l = {
	    .what = WR_INIT(65536) };
	JIT_DONE(wr_done) struct wr want = WR_INIT(4096);
	char ssh[SSH_FP_TEXT], x509[SSH_FP_TEXT];
	bool is = false;
	uint64_t i;

	(void)state;
	ca_keys_put(&w, &book.w.ca);
	i = logbook_add(&book, ENTRY_KEYS, wr_view(&w));
	JT_OK(log_line_read(&x, &book.entry[i].e, &l, &is, NULL));
	ssh_key_fingerprint(ca_keys_active(&book.w.ca, CA_SSH_USER)->key,
	    ssh);
	ssh_key_fingerprint(ca_keys_active(&book.w.ca, CA_X509)->key, x509);
	wr_fmt(&want, "these CA keys are published: user-ca active %s, "
	    "x509-ca active %s", ssh, x509);
	wr_u8(&want, 0);
	is_text(&l.what, (const char *)want.p);
	assert_true(is);
}

int
main(void)
{
	int failed;

	(void)setenv("TZ", "UTC", 1);
	tzset();
	logbook_init(&book);
	world_x509(&book.w);
	(void)logbook_policy(&book);
	failed = JT_ROWS("opens", tells_opens, opens) +
	    JT_ROWS("new", tells_new, news) +
	    JT_ROWS("check", checks_text, checks) +
	    JT_ROWS("ends", tells_end, ends) +
	    jt_one("lock", tells_lock) + jt_one("keys", tells_keys);
	logbook_done(&book);
	return failed;
}
