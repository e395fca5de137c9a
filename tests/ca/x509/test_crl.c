/*
 * crl: lists of ours and of openssl, before openssl and certtool (case 53).
 */
#include <stdlib.h>
#include <string.h>

#include "tests/ca/x509/pki.h"

static struct crl_fields
fields(const struct crl_entry *e, size_t n)
{
	return (struct crl_fields){ .number = 7, .this_update = PKI_FROM,
	    .next_update = PKI_FROM + 86400, .entries = e, .n = n };
}

static struct buf
make(const struct pki *p, const struct crl_fields *f)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CRL_MAX);
	struct buf ret = { NULL, 0 };
	struct jit_why why = { 0 };

	JT_WHY(crl_make(&w, f, p->ca, p->key, &why), JIT_OK, &why);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

/* ---- of openssl ---- */

static const struct row {
	const char *name, *file;
	enum jit_err parse, verify;
	size_t n;
} rows[] = {
	{ "empty", "empty", JIT_OK, JIT_OK, 0 },
	{ "two entries", "two", JIT_OK, JIT_OK, 2 },
	{ "SHA-1", "sha1", JIT_OK, JIT_E_VERIFY, 2 },
	{ "an issuing distribution point", "idp", JIT_E_FORMAT, 0, 0 },
	{ "no AKI", "no-aki", JIT_E_FORMAT, 0, 0 },
	{ "a reason", "reason", JIT_E_FORMAT, 0, 0 },
};

static void
of_openssl(void **state)
{
	static const uint8_t one[16] = { [15] = 1 }, two[16] = { 0x5a, 1, 2, 3,
	    4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 }, none[16] = { 1 };
	const struct row *r = *state;
	JIT_DONE(buf_done) struct buf der = pki_vector("crl", r->file);
	JIT_DONE(buf_done) struct buf ca_der = pki_vector("ca",
	    "root-pathlen1");
	JIT_SCOPED(x509_ca_free) struct x509_ca *ca = NULL;
	JIT_SCOPED(crl_free) struct crl *c = NULL;
	struct jit_why why = { 0 };

	JT_OK(x509_ca_parse(BUF_SPAN(ca_der), &ca, NULL));
	JT_WHY(crl_parse(BUF_SPAN(der), &c, &why), r->parse, &why);
	if (r->parse != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	JT_WHY(crl_verify(c, ca, &why), r->verify, &why);
	assert_int_equal(crl_fields(c)->n, r->n);
	assert_true(crl_fields(c)->number >= 0x1000);
	assert_int_equal(crl_has(c, one), r->n == 2);
	assert_int_equal(crl_has(c, two), r->n == 2);
	assert_false(crl_has(c, none));
	if (r->n == 2)
		assert_true(crl_find(c, two)->at == 1767323045);
}

/* ---- ours ---- */

static void
ours(void **state)
{
	const struct pki_type *t = *state;
	const struct pki *p = pki(t->t, true);
	const struct crl_entry e[] = { { { 0x5a, 1 }, PKI_FROM - 100 },
	    { { 0x5a, 2 }, PKI_FROM - 1 } };

	for (size_t n = 0; n <= 2; n++) {
		struct crl_fields f = fields(e, n);
		JIT_DONE(buf_done) struct buf der = make(p, &f);
		JIT_SCOPED(crl_free) struct crl *c = NULL;
		const char *path = pki_file("ours.crl", "X509 CRL",
		    BUF_SPAN(der));
		const char *ca = pki_file("ca.pem", "CERTIFICATE",
		    x509_ca_der(p->ca));

		JT_OK(crl_parse(BUF_SPAN(der), &c, NULL));
		JT_OK(crl_check_is(c, &f, NULL));
		JT_OK(crl_verify(c, p->ca, NULL));
		JT_ERR(crl_verify(c, p->root, NULL), JIT_E_VERIFY);
		assert_true(pki_run(false, "openssl", "crl", "-noout",
		    "-verify", "-CAfile", ca, "-in", path, NULL));
		assert_true(pki_run(false, "env", "TZ=UTC", "faketime", "-f",
		    "2025-11-24 16:00:01", "certtool", "--verify-crl",
		    "--load-ca-certificate", ca, "--infile", path, NULL));
	}
}

/*
 * A leaf that is on the list is refused, one that is not is taken, and a list
 * that is not there refuses every leaf, whatever noRevAvail says.
 */
static void
judged(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	const utc_s at = PKI_FROM + 10;
	struct crl_entry e = { .at = PKI_FROM + 5 };
	struct pki_leaf l;

	(void)state;
	pki_leaf(&l, "client");
	JIT_DONE(buf_done) struct buf der = pki_cert(p, &l,
	    pki_pub(SSH_ECDSA_P256, 2));
	memcpy(e.serial, l.f.serial, sizeof(e.serial));
	struct crl_fields with = fields(&e, 1), empty = fields(NULL, 0);
	struct crl_fields other = with;
	struct crl_entry near = e;
	near.serial[15] ^= 1;
	other.entries = &near;
	JIT_DONE(buf_done) struct buf on = make(p, &with);
	JIT_DONE(buf_done) struct buf off = make(p, &other);
	JIT_DONE(buf_done) struct buf none = make(p, &empty);
	const char *leaf = pki_file("leaf.pem", "CERTIFICATE", BUF_SPAN(der));
	const char *crl_on = pki_file("on.crl", "X509 CRL", BUF_SPAN(on));
	const char *crl_off = pki_file("off.crl", "X509 CRL", BUF_SPAN(off));
	const char *crl_none = pki_file("none.crl", "X509 CRL",
	    BUF_SPAN(none));
	const char *root = pki_file("root.pem", "CERTIFICATE",
	    x509_ca_der(p->root));

	assert_false(pki_openssl(p, leaf, "sslclient", at, crl_on));
	assert_true(pki_openssl(p, leaf, "sslclient", at, crl_off));
	assert_true(pki_openssl(p, leaf, "sslclient", at, crl_none));
	/* A list that is out of date refuses all. */
	assert_false(pki_openssl(p, leaf, "sslclient", PKI_FROM - 1,
	    crl_none));
	assert_false(pki_certtool(p, leaf, "sslclient", at, crl_on));
	assert_true(pki_certtool(p, leaf, "sslclient", at, crl_off));
	assert_true(pki_certtool(p, leaf, "sslclient", at, crl_none));
	/* OpenSSL 3.0 does not know noRevAvail (certificates.md). */
	assert_false(pki_run(true, "openssl", "verify", "-crl_check",
	    "-attime", "1764000010", "-CAfile", root, leaf, NULL));
}

static void
many(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	size_t n = 3000;
	struct crl_entry *e = calloc(n, sizeof(*e));
	JIT_SCOPED(crl_free) struct crl *c = NULL;
	uint8_t absent[16] = { 0 };

	(void)state;
	assert_non_null(e);
	for (size_t i = 0; i < n; i++) {
		e[i].serial[14] = (uint8_t)((2 * i + 1) >> 8);
		e[i].serial[15] = (uint8_t)(2 * i + 1);
		e[i].at = PKI_FROM;
	}
	struct crl_fields f = fields(e, n);
	JIT_DONE(buf_done) struct buf der = make(p, &f);
	JT_OK(crl_parse(BUF_SPAN(der), &c, NULL));
	for (size_t i = 0; i < n; i++) {
		assert_true(crl_has(c, e[i].serial));
		absent[14] = (uint8_t)((2 * i) >> 8);
		absent[15] = (uint8_t)(2 * i);
		assert_false(crl_has(c, absent));
	}
	free(e);
}

/* ---- refused ---- */

static void
refused(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	const struct crl_entry good[] = { { { 1 }, 5 }, { { 2 }, 5 } };
	const struct crl_entry twice[] = { { { 1 }, 5 }, { { 1 }, 6 } };
	const struct crl_entry back[] = { { { 2 }, 5 }, { { 1 }, 5 } };
	const struct crl_entry high[] = { { { 0x80 }, 5 } };
	const struct crl_entry zero[] = { { { 0 }, 5 } };
	const struct crl_entry late[] = { { { 1 }, UTC_MAX + 1 } };
	const struct {
		const char *name;
		struct crl_fields f;
		enum jit_err want;
	} table[] = {
		{ "good", { 1, 5, 6, good, 2 }, JIT_OK },
		{ "the greatest number", { UINT64_MAX, 5, 6, good, 2 },
		    JIT_OK },
		{ "number 0", { 0, 5, 6, good, 2 }, JIT_E_FORMAT },
		{ "no time", { 1, 5, 5, good, 2 }, JIT_E_WINDOW },
		{ "past 9999", { 1, 5, UTC_MAX + 1, good, 2 }, JIT_E_WINDOW },
		{ "twice", { 1, 5, 6, twice, 2 }, JIT_E_FORMAT },
		{ "backwards", { 1, 5, 6, back, 2 }, JIT_E_FORMAT },
		{ "128 bits", { 1, 5, 6, high, 1 }, JIT_E_FORMAT },
		{ "zero", { 1, 5, 6, zero, 1 }, JIT_E_FORMAT },
		{ "late", { 1, 5, 6, late, 1 }, JIT_E_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		enum jit_err e = crl_make(&w, &table[i].f, p->ca, p->key,
		    NULL);

		if (e != table[i].want)
			fail_msg("%s: %s", table[i].name, jit_err_name(e));
	}
	JT_ERR(crl_make(&w, &table[0].f, p->ca, pki_key(SSH_ECDSA_P256, 3),
	    NULL), JIT_E_ARG);
}

static void
differs(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	const struct crl_entry a = { { 1 }, 5 }, b = { { 2 }, 5 },
	    c = { { 1 }, 6 };
	struct crl_fields f = fields(&a, 1), g;
	JIT_DONE(buf_done) struct buf der = make(p, &f);
	JIT_SCOPED(crl_free) struct crl *crl = NULL;

	(void)state;
	JT_OK(crl_parse(BUF_SPAN(der), &crl, NULL));
	assert_true(span_eq(crl_der(crl), BUF_SPAN(der)));
	for (int i = 0; i < 6; i++) {
		g = f;
		g.number += i == 0;
		g.this_update += i == 1;
		g.next_update += i == 2;
		g.n -= i == 3;
		g.entries = i == 4 ? &b : i == 5 ? &c : &a;
		JT_ERR(crl_check_is(crl, &g, NULL), JIT_E_VERIFY);
	}
}

static void
halves(void **state)
{
	const struct pki *p = pki(SSH_ED25519, false);
	struct crl_fields f = fields(NULL, 0);
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(65536), w = WR_INIT(65536);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(512), bad = WR_INIT(512);

	(void)state;
	JT_OK(crl_put_tbs(&tbs, &f, p->ca, NULL));
	JT_OK(x509_sign(pki_key(SSH_ED25519, 3), wr_view(&tbs), &bad));
	JT_ERR(crl_finish(&w, wr_view(&tbs), wr_view(&bad), &f, p->ca, NULL),
	    JIT_E_SIG);
	assert_int_equal(w.n, 0);
	JT_OK(x509_sign(p->key, wr_view(&tbs), &sig));
	JT_OK(crl_finish(&w, wr_view(&tbs), wr_view(&sig), &f, p->ca, NULL));
}

static void
flipped(void *arg, struct span s)
{
	JIT_SCOPED(crl_free) struct crl *c = NULL;
	struct jit_why why = { 0 };

	if (crl_parse(s, &c, &why) == JIT_OK)
		assert_true(crl_verify(c, arg, NULL) != JIT_OK);
	else
		assert_true(why.msg[0] != '\0');
}

static void
flip(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	const struct crl_entry e[] = { { { 0x5a, 1 }, PKI_FROM },
	    { { 0x5a, 2 }, PKI_FROM } };
	struct crl_fields f = fields(e, 2);
	JIT_DONE(buf_done) struct buf der = make(p, &f);

	(void)state;
	jt_flip_truncate_max(BUF_SPAN(der), 4000, flipped, p->ca);
}

int
main(void)
{
	return JT_ROWS("of openssl", of_openssl, rows) +
	    JT_ROWS("ours", ours, pki_types) +
	    jt_one("case 53: judged by others", judged) +
	    jt_one("3,000 entries", many) + jt_one("refused", refused) +
	    jt_one("differs", differs) + jt_one("halves", halves) +
	    jt_one("flip and truncate", flip);
}
