/* issued: certificates of both kinds, as one thing. */
#include <string.h>

#include "tests/lib/logbook.h"

static struct logbook b;
static struct ulid ssh_id, x509_id;

/* The certificate that was logged about id, and what led to it. */
static void
get(const struct ulid *id, struct issued *c, struct issue *is)
{
	const struct dossier *d = logbook_find(&b, id)->dossier;
	struct history h = d->h;

	h.issued = false;
	JT_OK(issued_parse(d->issued.cert, c, NULL));
	JT_OK(judge_issue(b.w.policy, &b.w.own, &h, SPAN(d->issued.secret,
	    32), 1, b.entry[d->entry[d->issued_at].e.index].e.time, is,
	    NULL));
}

static const struct ssh_key *
subject(const struct ulid *id)
{
	return logbook_find(&b, id)->dossier->h.request->subject.key;
}

static void
both(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct ulid *id = i == 0 ? &ssh_id : &x509_id;
		const struct ca_key *ca = ca_keys_active(&b.w.ca, i == 0 ?
		    CA_SSH_USER : CA_X509);
		const struct ca_key *other = ca_keys_active(&b.w.ca, i == 0 ?
		    CA_X509 : CA_SSH_USER);
		JIT_DONE(issued_done) struct issued c = {
		    .kind = KIND_SSH_USER };
		struct jit_why why = { 0 };
		struct issue is;

		get(id, &c, &is);
		assert_true(c.kind == (i == 0 ? KIND_SSH_USER : KIND_X509));
		assert_true(issued_life(&c).from == is.life.from &&
		    issued_life(&c).until == is.life.until);
		assert_true(issued_by(&c, ca) && !issued_by(&c, other));
		JT_WHY(issued_check_is(&c, &is, subject(id), ca, &why),
		    JIT_OK, &why);
		JT_OK(issued_verify(&c, ca, NULL));
		/* The other CA, none, another key. */
		JT_ERR(issued_check_is(&c, &is, subject(id), other, NULL),
		    JIT_E_VERIFY);
		JT_ERR(issued_check_is(&c, &is, subject(id), NULL, NULL),
		    JIT_E_VERIFY);
		JT_ERR(issued_verify(&c, other, NULL), JIT_E_SIG);
		JT_ERR(issued_check_is(&c, &is, ssh_priv_public(
		    b.w.key[K_ALICE]), ca, NULL), JIT_E_VERIFY);
		is.kind = i == 0 ? KIND_X509 : KIND_SSH_USER;
		JT_ERR(issued_check_is(&c, &is, subject(id), ca, NULL),
		    JIT_E_VERIFY);
	}
}

/* A CA of the same kind that is another. */
static void
other_ca(void **state)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CA_MAX);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = NULL;
	const struct x509_ca_fields f = {
	    .cn = span_str("jit.example.com-x509-ca"),
	    .after = WORLD_NOW - 86400, .before = WORLD_NOW + 400 * 86400,
	    .eku = true, .serial = { 1 } };
	struct span chain;

	(void)state;
	JT_OK(ssh_priv_generate(SSH_ECDSA_P256, 0, &b.w.rng, &p, NULL));
	JT_OK(x509_ca_make(&der, &f, ssh_priv_public(p), NULL, p, NULL));
	chain = wr_view(&der);
	JT_OK(ca_keys_add(&k, CA_X509, CA_ACTIVE, ssh_priv_public(p), &chain,
	    1, NULL));
	JT_OK(ca_keys_add(&k, CA_SSH_USER, CA_ACTIVE,
	    ssh_priv_public(b.w.key[K_STRANGER]), NULL, 0, NULL));
	for (int i = 0; i < 2; i++) {
		const struct ulid *id = i == 0 ? &ssh_id : &x509_id;
		const struct ca_key *ca = ca_keys_active(&k, i == 0 ?
		    CA_SSH_USER : CA_X509);
		JIT_DONE(issued_done) struct issued c = {
		    .kind = KIND_SSH_USER };
		struct issue is;

		get(id, &c, &is);
		assert_false(issued_by(&c, ca));
		JT_ERR(issued_check_is(&c, &is, subject(id), ca, NULL),
		    JIT_E_VERIFY);
		assert_int_not_equal(issued_verify(&c, ca, NULL), JIT_OK);
	}
}

/* ---- serials ---- */

static void
serials(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		JIT_DONE(issued_done) struct issued c = {
		    .kind = KIND_SSH_USER };
		uint8_t s[ISSUED_SERIAL], back[ISSUED_SERIAL];
		char text[ISSUED_SERIAL_TEXT];
		enum request_kind kind;
		struct issue is;

		get(i == 0 ? &ssh_id : &x509_id, &c, &is);
		issued_serial(&c, s);
		(void)issued_serial_text(c.kind, s, text);
		assert_true(i == 0 ? strcmp(text, "1") == 0 :
		    strlen(text) == 32);
		JT_OK(issued_serial_parse(span_str(text), &kind, back));
		assert_true(kind == c.kind && memcmp(s, back, sizeof(s)) ==
		    0);
	}
}

struct serial_row {
	const char *name, *text;
	enum jit_err want;
	enum request_kind kind;
	const char *shown;
};

static const struct serial_row serial_rows[] = {
	{ "decimal", "4182", JIT_OK, KIND_SSH_USER, "4182" },
	{ "the largest", "18446744073709551615", JIT_OK, KIND_SSH_USER,
	    "18446744073709551615" },
	{ "hex", "00112233445566778899aabbccddeeff", JIT_OK, KIND_X509,
	    "00112233445566778899aabbccddeeff" },
	{ "upper-case hex, as others print it",
	    "00112233445566778899AABBCCDDEEFF", JIT_OK, KIND_X509,
	    "00112233445566778899aabbccddeeff" },
	{ "digits alone, 32 of them", "00000000000000000000000000000012",
	    JIT_OK, KIND_X509, "00000000000000000000000000000012" },
	{ "empty", "", JIT_E_FORMAT, 0, NULL },
	{ "zero", "0", JIT_E_FORMAT, 0, NULL },
	{ "too large (case 19)", "18446744073709551616", JIT_E_FORMAT, 0,
	    NULL },
	{ "negative (case 19)", "-1", JIT_E_FORMAT, 0, NULL },
	{ "a plus (case 19)", "+1", JIT_E_FORMAT, 0, NULL },
	{ "a space (case 19)", " 1", JIT_E_FORMAT, 0, NULL },
	{ "a leading zero", "01", JIT_E_FORMAT, 0, NULL },
	{ "31 digits", "0112233445566778899aabbccddeeff", JIT_E_FORMAT, 0,
	    NULL },
	{ "33 digits", "000112233445566778899aabbccddeeff", JIT_E_FORMAT, 0,
	    NULL },
	{ "no hex", "0011223344556677g899aabbccddeeff", JIT_E_FORMAT, 0,
	    NULL },
	{ "0x", "0x112233445566778899aabbccddeeff", JIT_E_FORMAT, 0, NULL },
};

static void
serial_row(void **state)
{
	const struct serial_row *r = *state;
	uint8_t s[ISSUED_SERIAL];
	char text[ISSUED_SERIAL_TEXT];
	enum request_kind kind;

	JT_ERR(issued_serial_parse(span_str(r->text), &kind, s), r->want);
	if (r->want != JIT_OK)
		return;
	assert_int_equal(kind, r->kind);
	assert_string_equal(issued_serial_text(kind, s, text), r->shown);
}

/* ---- bytes ---- */

static void
no_twin(void *arg, struct span s)
{
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	const struct ca_key *ca = arg;

	if (issued_parse(s, &c, NULL) != JIT_OK) {
		assert_true(c.ssh == NULL && c.x509 == NULL);
		return;
	}
	/* What still parses is not signed. */
	assert_false(issued_by(&c, ca) && issued_verify(&c, ca, NULL) ==
	    JIT_OK);
}

static void
flipped(void **state)
{
	(void)state;
	jt_flip_truncate_max(logbook_find(&b, &ssh_id)->dossier->issued.cert,
	    500, no_twin, (void *)(uintptr_t)ca_keys_active(&b.w.ca,
	    CA_SSH_USER));
	jt_flip_truncate_max(logbook_find(&b, &x509_id)->dossier->issued.cert,
	    500, no_twin, (void *)(uintptr_t)ca_keys_active(&b.w.ca,
	    CA_X509));
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };

	assert_int_not_equal(issued_parse(SPAN_NONE, &c, NULL), JIT_OK);
	assert_int_not_equal(issued_parse(span_str("0"), &c, NULL), JIT_OK);
}

int
main(void)
{
	int bad;

	logbook_init(&b);
	logbook_x509(&b);
	ssh_id = logbook_asked(&b, 2);
	(void)logbook_collect(&b, &ssh_id);
	x509_id = logbook_request(&b, "pg-write", K_ALICE);
	(void)logbook_decide(&b, &x509_id, VERDICT_APPROVE, K_BOB);
	(void)logbook_collect(&b, &x509_id);
	bad = jt_one("both kinds", both) + jt_one("another CA", other_ca) +
	    jt_one("serials", serials) +
	    JT_ROWS("serial texts", serial_row, serial_rows) +
	    jt_one("flipped", flipped);
	logbook_done(&b);
	return bad;
}
