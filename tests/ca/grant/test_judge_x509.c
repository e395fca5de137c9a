/*
 * judge: the road to an X.509 certificate, and what is offered in the place
 * of the key to be certified (case 28).
 */
#include <string.h>

#include "ca/grant/issued.h"
#include "ca/x509/csr.h"
#include "tests/lib/world.h"

static struct world w;

static void
free_history(struct history **h)
{
	history_free(*h);
}
#define HISTORY __attribute__((cleanup(free_history))) struct history

static struct history *
logged(const char *role, struct draft *d, enum world_key approver)
{
	struct history *h = calloc(1, sizeof(*h));
	struct open_decision *dec = NULL;
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };
	struct jit_why why = { 0 };

	assert_non_null(h);
	world_draft(&w, role, K_ALICE, d);
	text = world_request_text(d);
	JT_WHY(world_open(&w, BUF_SPAN(text), K_ALICE, &h->request, &why),
	    JIT_OK, &why);
	JT_WHY(judge_request(w.policy, w.log_id, &w.own, h->request, 0, w.now,
	    &why), JIT_OK, &why);
	JT_OK(world_decide(&w, VERDICT_APPROVE, approver, h->request, &dec,
	    NULL));
	h->decision[h->n_decisions++] = dec;
	JT_WHY(judge_decision(w.policy, w.log_id, &(struct history){
	    .request = h->request }, dec, w.now, &why), JIT_OK, &why);
	return h;
}

static enum jit_err
issue(const struct history *h, const struct draft *d, struct issue *is)
{
	struct jit_why why = { 0 };

	return judge_issue(w.policy, &w.own, h, SPAN(d->secret, 32), 0, w.now,
	    is, &why);
}

/* Down to a certificate that says exactly that, and that the CA signed. */
static void
road(void **state)
{
	const struct ca_key *ca = ca_keys_active(&w.ca, CA_X509);
	struct draft d;
	HISTORY *h = logged("pg-write", &d, K_BOB);
	JIT_SCOPED(x509_linter_free) struct x509_linter *l = NULL;
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CERT_MAX);
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	struct jit_why why = { 0 };
	struct issue is;
	char own[REQUEST_SAN_TEXT];

	(void)state;
	JT_OK(issue(h, &d, &is));
	assert_true(is.kind == KIND_X509 && is.quorum.have == 1);
	assert_true(is.x509.n_subject == 2 &&
	    span_eq_str(is.x509.subject[0], "CN=alice") &&
	    span_eq_str(is.x509.subject[1], "O=app-write"));
	request_san(&d.req.id, own);
	assert_true(is.x509.n_sans == 2 && span_eq_str(is.x509.sans[0], own) &&
	    span_eq_str(is.x509.sans[1], "email:alice@example.com"));
	assert_true(span_eq_str(is.x509.crl_url,
	    "http://ca.example.com/crl"));
	assert_true(is.x509.after == w.now &&
	    is.x509.before == w.now + 45 * 60);
	assert_true(digest_eq(&is.x509.text, &h->request->digest));
	JT_OK(x509_serial_make(&w.rng, is.x509.serial));
	JT_OK(x509_linter_new(ca->ca, &w.rng, &l, NULL));
	JT_WHY(x509_make(&der, &is.x509, h->request->subject.key,
	    w.x509[K_X509_CA], l, &why), JIT_OK, &why);
	JT_OK(issued_parse(wr_view(&der), &c, NULL));
	JT_OK(issued_check_is(&c, &is, h->request->subject.key, ca, &why));
	JT_OK(issued_verify(&c, ca, &why));
}

static void
expiry_only(void **state)
{
	struct draft d;
	HISTORY *h = logged("pg-read", &d, K_BOB);
	struct issue is;

	(void)state;
	JT_OK(issue(h, &d, &is));
	assert_true(is.x509.crl_url.n == 0 && is.x509.n_sans == 1);
	w.now += 8 * 3600 - 60;
	JT_OK(issue(h, &d, &is));
	/* No skew: it never begins before it was collected. */
	assert_true(is.life.from == w.now && is.life.until == w.now + 60);
	w.now = WORLD_NOW;
}

/* ---- a text that is not what the policy renders ---- */

struct attack {
	const char *name;
	void (*change)(struct draft *d);
	enum jit_err want;
};

#define CHANGE(name, code)						\
static void name(struct draft *d) { code; }
CHANGE(nothing, (void)d)
CHANGE(root, d->req.subject[0] = span_str("CN=root"))
CHANGE(bob, d->req.subject[0] = span_str("CN=bob"))
CHANGE(admin, d->req.subject[1] = span_str("O=app-admin"))
CHANGE(one_more, d->req.subject[2] = span_str("O=system:masters");
    d->req.n_subject = 3)
CHANGE(one_less, d->req.n_subject = 1)
CHANGE(mail, d->req.sans[1] = span_str("email:bob@example.com"))
CHANGE(no_mail, d->req.n_sans = 1)
CHANGE(spiffe, d->req.sans[2] = d->req.sans[1];
    d->req.sans[1] = span_str("URI:urn:jit:root"); d->req.n_sans = 3)
CHANGE(profile, d->req.profile = span_str("redis"))
CHANGE(no_crl, d->req.crl = SPAN_NONE)
CHANGE(crl, d->req.crl = span_str("http://evil.example.com/crl"))
CHANGE(stale, d->req.role_digest.b[5] ^= 1)
CHANGE(other_role, d->req.role = span_str("pg-read"))

static const struct attack attacks[] = {
	{ "as it is", nothing, JIT_OK },
	{ "another CN", root, JIT_E_RENDER },
	{ "another person", bob, JIT_E_RENDER },
	{ "another O", admin, JIT_E_RENDER },
	{ "an O more", one_more, JIT_E_RENDER },
	{ "an O less", one_less, JIT_E_RENDER },
	{ "another's mail", mail, JIT_E_RENDER },
	{ "a SAN less", no_mail, JIT_E_RENDER },
	{ "a SAN more", spiffe, JIT_E_RENDER },
	{ "another profile", profile, JIT_E_RENDER },
	{ "not revocable", no_crl, JIT_E_RENDER },
	{ "another CRL", crl, JIT_E_RENDER },
	{ "an older role", stale, JIT_E_STALE },
	{ "another role", other_role, JIT_E_STALE },
};

static void
attack(void **state)
{
	const struct attack *a = *state;
	JIT_SCOPED(open_request_free) struct open_request *r = NULL;
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };
	struct jit_why why = { 0 };
	struct draft d;

	world_draft(&w, "pg-write", K_ALICE, &d);
	a->change(&d);
	text = world_request_text(&d);
	JT_WHY(world_open(&w, BUF_SPAN(text), K_ALICE, &r, &why), JIT_OK,
	    &why);
	JT_WHY(judge_request(w.policy, w.log_id, &w.own, r, 0, w.now, &why),
	    a->want, &why);
}

/* An SSH text for an x509 role, and the other way round. */
static void
other_kind(void **state)
{
	struct draft ssh, x509;

	(void)state;
	world_draft(&w, "prod-db", K_ALICE, &ssh);
	world_draft(&w, "pg-write", K_ALICE, &x509);
	for (int i = 0; i < 2; i++) {
		struct draft d = i == 0 ? ssh : x509;
		const struct draft *from = i == 0 ? &x509 : &ssh;
		JIT_SCOPED(open_request_free) struct open_request *r = NULL;
		JIT_DONE(buf_done) struct buf text = { NULL, 0 };
		struct jit_why why = { 0 };

		d.req.role = from->req.role;
		d.req.role_digest = from->req.role_digest;
		text = world_request_text(&d);
		JT_WHY(world_open(&w, BUF_SPAN(text), K_ALICE, &r, &why),
		    JIT_OK, &why);
		JT_WHY(judge_request(w.policy, w.log_id, &w.own, r, 0, w.now,
		    &why), JIT_E_RENDER, &why);
	}
}

/* ---- the key offered is the key proven ---- */

static struct buf
csr_of(const struct ssh_priv *k, const char *cn)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CSR_MAX);
	struct buf b = { NULL, 0 };

	JT_OK(csr_put(&der, k, span_str(cn), NULL));
	JT_OK(wr_take(&der, &b));
	return b;
}

/* What opening the text with that possession says. */
static enum jit_err
opened(struct span text, struct span possess, struct jit_why *why)
{
	JIT_SCOPED(open_request_free) struct open_request *r = NULL;
	JIT_DONE(buf_done) struct buf sig = world_sign(&w, K_ALICE,
	    NS_REQUEST, text);

	*why = (struct jit_why){ 0 };
	return open_request_new(text, BUF_SPAN(sig), possess, &r, why);
}

static void
possession(void **state)
{
	struct draft d, e, ssh;

	(void)state;
	world_draft(&w, "pg-write", K_ALICE, &d);
	world_draft(&w, "pg-write", K_ALICE, &e);
	world_draft(&w, "prod-db", K_ALICE, &ssh);
	JIT_DONE(buf_done) struct buf text = world_request_text(&d);
	JIT_DONE(buf_done) struct buf ssh_text = world_request_text(&ssh);
	JIT_DONE(buf_done) struct buf good = csr_of(w.x509[K_LEAF],
	    d.req.id.s);
	JIT_DONE(buf_done) struct buf other_key = csr_of(w.x509[K_X509_CA],
	    d.req.id.s);
	JIT_DONE(buf_done) struct buf other_id = csr_of(w.x509[K_LEAF],
	    e.req.id.s);
	JIT_DONE(buf_done) struct buf sshsig = world_sign(&w, K_SUBJECT,
	    NS_POSSESS, BUF_SPAN(text));
	JIT_DONE(buf_done) struct buf csr_for_ssh = csr_of(w.x509[K_LEAF],
	    ssh.req.id.s);
	struct jit_why why = { 0 };

	JT_WHY(opened(BUF_SPAN(text), BUF_SPAN(good), &why), JIT_OK, &why);
	JT_WHY(opened(BUF_SPAN(text), BUF_SPAN(other_key), &why),
	    JIT_E_POSSESS, &why);
	JT_WHY(opened(BUF_SPAN(text), BUF_SPAN(other_id), &why),
	    JIT_E_POSSESS, &why);
	assert_non_null(strstr(why.msg, d.req.id.s));
	/* The one in the place of the other. */
	JT_WHY(opened(BUF_SPAN(text), BUF_SPAN(sshsig), &why), JIT_E_FORMAT,
	    &why);
	JT_WHY(opened(BUF_SPAN(ssh_text), BUF_SPAN(csr_for_ssh), &why),
	    JIT_E_POSSESS, &why);
	JT_WHY(opened(BUF_SPAN(text), SPAN_NONE, &why), JIT_E_FORMAT, &why);
	/* The last byte is the self-signature's. */
	good.p[good.n - 1] ^= 1;
	JT_WHY(opened(BUF_SPAN(text), BUF_SPAN(good), &why), JIT_E_POSSESS,
	    &why);
}

struct flip { struct span text, sig; };

static void
never(void *arg, struct span s)
{
	const struct flip *f = arg;
	struct open_request *r = NULL;

	assert_int_not_equal(open_request_new(f->text, f->sig, s, &r, NULL),
	    JIT_OK);
}

/*
 * No bit of a CSR can be another.  (An ECDSA signature has a twin, s and
 * n - s, but that is many bits.)
 */
static void
every_bit(void **state)
{
	struct draft d;

	(void)state;
	world_draft(&w, "pg-write", K_ALICE, &d);
	JIT_DONE(buf_done) struct buf text = world_request_text(&d);
	JIT_DONE(buf_done) struct buf sig = world_sign(&w, K_ALICE,
	    NS_REQUEST, BUF_SPAN(text));
	JIT_DONE(buf_done) struct buf csr = world_possess(&w,
	    BUF_SPAN(text));
	struct flip f = { BUF_SPAN(text), BUF_SPAN(sig) };

	jt_flip_truncate_max(BUF_SPAN(csr), 1000, never, &f);
}

/* A key that is ours or somebody's, whole with its possession. */
static void
subject(const struct ssh_priv *k, const char *role, enum jit_err want)
{
	JIT_SCOPED(open_request_free) struct open_request *r = NULL;
	const struct ssh_key *pub = ssh_priv_public(k);
	JIT_DONE(wr_done) struct wr own = WR_INIT(X509_CSR_MAX);
	struct jit_why why = { 0 };
	struct draft d;

	world_draft(&w, role, K_ALICE, &d);
	d.req.certify_type = span_str(ssh_key_type_name(pub));
	ssh_key_fingerprint(pub, d.fp);
	JIT_DONE(buf_done) struct buf text = world_request_text(&d);
	JIT_DONE(buf_done) struct buf sig = world_sign(&w, K_ALICE,
	    NS_REQUEST, BUF_SPAN(text));

	if (d.req.kind == KIND_X509)
		JT_OK(csr_put(&own, k, span_str(d.req.id.s), NULL));
	else
		JT_OK(sshsig_make(k, NS_POSSESS, BUF_SPAN(text), &own));
	JT_WHY(open_request_new(BUF_SPAN(text), BUF_SPAN(sig), wr_view(&own),
	    &r, &why), JIT_OK, &why);
	JT_WHY(judge_request(w.policy, w.log_id, &w.own, r, 0, w.now, &why),
	    want, &why);
}

static void
subjects(void **state)
{
	static const enum world_key own[] = { K_ALICE, K_BOB2, K_CA, K_LOG,
	    K_HOST };
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *next = NULL;

	(void)state;
	JT_OK(ssh_priv_generate(SSH_ECDSA_P256, 0, &w.rng, &next, NULL));
	for (int i = 0; i < 2; i++) {
		const char *role = i == 0 ? "pg-read" : "prod-db";

		for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
			subject(w.key[own[k]], role, JIT_E_SUBJECT);
		subject(w.x509[K_X509_CA], role, JIT_E_SUBJECT);
		subject(next, role, i == 0 ? JIT_OK :
		    JIT_E_SUBJECT);
		/* Whatever its state: the second time round it is a CA's. */
		if (i == 0)
			JT_OK(ca_keys_add(&w.ca, CA_SSH_USER, CA_NEXT,
			    ssh_priv_public(next), NULL, 0, NULL));
	}
	subject(next, "pg-read", JIT_E_SUBJECT);
}

/* Judged again at issue: a key that became a CA's gets no certificate. */
static void
becomes_ca(void **state)
{
	struct draft d;
	HISTORY *h = logged("pg-write", &d, K_BOB);
	struct issue is;

	(void)state;
	JT_OK(issue(h, &d, &is));
	JT_OK(ca_keys_add(&w.ca, CA_SSH_USER, CA_RETIRING,
	    ssh_priv_public(w.x509[K_LEAF]), NULL, 0, NULL));
	JT_ERR(issue(h, &d, &is), JIT_E_SUBJECT);
}

int
main(void)
{
	int bad;

	world_init(&w);
	world_x509(&w);
	bad = jt_one("the whole road", road) +
	    jt_one("expiry only", expiry_only) +
	    JT_ROWS("texts", attack, attacks) +
	    jt_one("the other kind", other_kind) +
	    jt_one("possession (case 28)", possession) +
	    jt_one("every bit of a CSR", every_bit) +
	    jt_one("subject keys", subjects) +
	    jt_one("a key becomes a CA's", becomes_ca);
	world_done(&w);
	return bad;
}
