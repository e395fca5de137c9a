#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ca/x509/pki.h"

const struct pki_type pki_types[4] = {
	{ "P-256", SSH_ECDSA_P256 }, { "P-384", SSH_ECDSA_P384 },
	{ "Ed25519", SSH_ED25519 }, { "RSA", SSH_RSA },
};

const struct ssh_priv *
pki_key(enum ssh_type t, unsigned i)
{
	static struct ssh_priv *keys[SSH_TYPES][4];
	const struct rng rng = rand_system();

	if (keys[t][i] == NULL)
		JT_OK(ssh_priv_generate(t, 3072, &rng, &keys[t][i], NULL));
	return keys[t][i];
}

const struct ssh_key *
pki_pub(enum ssh_type t, unsigned i)
{
	return ssh_priv_public(pki_key(t, i));
}

struct x509_ca_fields
pki_ca_fields(const char *cn, int pathlen)
{
	return (struct x509_ca_fields){ .cn = span_str(cn),
	    .o = SPAN("Example", 7), .after = PKI_FROM - PKI_YEAR,
	    .before = PKI_FROM + 9 * PKI_YEAR, .pathlen = pathlen,
	    .serial = { 0x11, 2, 3 } };
}

static struct x509_ca *
make_ca(const struct x509_ca_fields *f, const struct ssh_key *subject,
    const struct x509_ca *issuer, const struct ssh_priv *signing)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CA_MAX);
	struct jit_why why = { 0 };
	struct x509_ca *ca = NULL;

	JT_WHY(x509_ca_make(&w, f, subject, issuer, signing, &why), JIT_OK,
	    &why);
	JT_WHY(x509_ca_parse(wr_view(&w), &ca, &why), JIT_OK, &why);
	return ca;
}

const struct pki *
pki(enum ssh_type t, bool two)
{
	static struct pki all[SSH_TYPES][2];
	struct x509_ca_fields f = pki_ca_fields("jit-ca", 0);
	const struct rng rng = rand_system();
	struct pki *p = &all[t][two];
	struct jit_why why = { 0 };

	if (p->ca != NULL)
		return p;
	p->key = pki_key(t, 0);
	if (two) {
		struct x509_ca_fields r = pki_ca_fields("jit-root", 1);

		p->root = make_ca(&r, pki_pub(t, 1), NULL, pki_key(t, 1));
		f.eku = true;
		f.crl_url = span_str("http://pki.example.com/root.crl");
		p->ca = make_ca(&f, pki_pub(t, 0), p->root, pki_key(t, 1));
	} else {
		p->ca = make_ca(&f, pki_pub(t, 0), NULL, p->key);
		p->root = p->ca;
	}
	JT_WHY(x509_linter_new(p->ca, &rng, &p->lint, &why), JIT_OK, &why);
	return p;
}

void
pki_leaf(struct pki_leaf *l, const char *profile)
{
	const struct x509_profile *p = x509_profile_find(span_str(profile));
	static const uint8_t serial[16] = { 0x5a, 1, 2, 3, 4, 5, 6, 7, 8, 9,
	    10, 11, 12, 13, 14, 15 };

	assert_non_null(p);
	*l = (struct pki_leaf){ .f = { .profile = p, .after = PKI_FROM,
	    .before = PKI_FROM + 3600, .request = { PKI_ID },
	    .text = { { 7, 8, 9 } } } };
	memcpy(l->f.serial, serial, sizeof(serial));
	l->subject[l->f.n_subject++] = span_str("CN=alice@example.com");
	if (p->max_o > 0) {
		l->subject[l->f.n_subject++] = span_str("O=dba");
		l->subject[l->f.n_subject++] = span_str("O=system:masters");
	}
	if (p->use == X509_USE_SERVER) {
		l->sans[l->f.n_sans++] = span_str("DNS:db1.example.com");
		l->sans[l->f.n_sans++] = span_str("IP:127.0.0.1");
		l->sans[l->f.n_sans++] = span_str("IP:2001:db8::1");
	}
	l->sans[l->f.n_sans++] = span_str(X509_GRANT_URI PKI_ID);
	if ((p->kinds & X509_SAN_EMAIL) != 0)
		l->sans[l->f.n_sans++] = span_str("email:alice@example.com");
	l->f.subject = l->subject;
	l->f.sans = l->sans;
}

struct buf
pki_cert(const struct pki *p, const struct pki_leaf *l,
    const struct ssh_key *subject)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CERT_MAX);
	struct buf ret = { NULL, 0 };
	struct jit_why why = { 0 };

	JT_WHY(x509_make(&w, &l->f, subject, p->key, p->lint, &why), JIT_OK,
	    &why);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

struct buf
pki_vector(const char *kind, const char *name)
{
	char rel[256];

	(void)snprintf(rel, sizeof(rel), "tests/ca/x509/vectors/%s-%s.der",
	    kind, name);
	return jt_file(jt_source(rel));
}

/* Each name has one place for good. */
const char *
pki_tmp(const char *name)
{
	static char path[64][512];
	static size_t n;
	char want[512];

	(void)snprintf(want, sizeof(want), "%s/%s", jt_tmpdir(), name);
	for (size_t i = 0; i < n; i++)
		if (strcmp(path[i], want) == 0)
			return path[i];
	assert_true(n < 64);
	return memcpy(path[n++], want, sizeof(want));
}

const char *
pki_file(const char *name, const char *label, struct span der)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(16u << 20);
	const char *path = pki_tmp(name);

	x509_put_pem(&w, label, der);
	JT_OK(w.err);
	jt_write(path, wr_view(&w));
	return path;
}

static bool
run_list(bool quiet, const char *const argv[])
{
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	int status = jt_run(argv, SPAN_NONE, &out);

	if (status == 127)
		fail_msg("%s is not there", argv[0]);
	if (status != 0 && !quiet)
		print_error("%s: exit %d: %.*s\n", argv[0], status,
		    (int)out.n, (const char *)out.p);
	return status == 0;
}

bool
pki_run(bool quiet, const char *program, ...)
{
	const char *argv[32] = { program };
	va_list ap;
	size_t n = 1;

	va_start(ap, program);
	while (n < 31 && (argv[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	argv[n] = NULL;
	return run_list(quiet, argv);
}

bool
pki_openssl(const struct pki *p, const char *leaf, const char *purpose,
    utc_s at, const char *crl)
{
	const char *argv[32] = { "openssl", "verify", "-x509_strict",
	    "-purpose", purpose };
	char when[32];
	size_t n = 5;

	(void)snprintf(when, sizeof(when), "%lld", (long long)at);
	argv[n++] = "-attime";
	argv[n++] = when;
	argv[n++] = "-CAfile";
	argv[n++] = pki_file("root.pem", "CERTIFICATE", x509_ca_der(p->root));
	if (p->root != p->ca) {
		argv[n++] = "-untrusted";
		argv[n++] = pki_file("ca.pem", "CERTIFICATE",
		    x509_ca_der(p->ca));
	}
	if (crl != NULL) {
		argv[n++] = "-crl_check";
		argv[n++] = "-CRLfile";
		argv[n++] = crl;
	}
	argv[n++] = leaf;
	return run_list(getenv("PKI_SAY") == NULL, argv);
}

/* certtool knows no -attime; its clock is faked. */
bool
pki_certtool(const struct pki *p, const char *leaf, const char *purpose,
    utc_s at, const char *crl)
{
	JIT_DONE(wr_done) struct wr chain = WR_INIT(1 << 20);
	JIT_DONE(buf_done) struct buf own = jt_file(leaf);
	const char *argv[32] = { "env", "TZ=UTC", "faketime", "-f" };
	const char *root = pki_file("root.pem", "CERTIFICATE",
	    x509_ca_der(p->root)), *path = pki_tmp("chain.pem");
	char text[UTC_TEXT], when[UTC_TEXT + 2];
	size_t n = 4;

	/* "2025-11-24 16:00:00": a clock that stands still. */
	utc_text(at, text);
	(void)snprintf(when, sizeof(when), "%.10s %.8s", text, text + 11);
	wr_span(&chain, BUF_SPAN(own));
	if (p->root != p->ca)
		x509_put_pem(&chain, "CERTIFICATE", x509_ca_der(p->ca));
	JT_OK(chain.err);
	jt_write(path, wr_view(&chain));
	argv[n++] = when;
	argv[n++] = "certtool";
	argv[n++] = "--verify";
	argv[n++] = "--verify-purpose";
	argv[n++] = strcmp(purpose, "sslserver") == 0 ? "1.3.6.1.5.5.7.3.1" :
	    "1.3.6.1.5.5.7.3.2";
	argv[n++] = "--load-ca-certificate";
	argv[n++] = root;
	if (crl != NULL) {
		argv[n++] = "--load-crl";
		argv[n++] = crl;
	}
	argv[n++] = "--infile";
	argv[n++] = path;
	return run_list(getenv("PKI_SAY") == NULL, argv);
}
