/*
 * der, pem, oid: lengths and integers in one form only, times on both sides
 * of 2050, PEM that is one block or a chain.
 */
#include <string.h>

#include <openssl/objects.h>

#include "ca/base/text.h"
#include "ca/x509/oid.h"
#include "tests/ca/x509/pki.h"
#include "tests/lib/json.h"

static const struct length {
	const char *name;
	size_t n;
	const char *head;	/* hex of tag and length */
} lengths[] = {
	{ "0", 0, "0400" }, { "127", 127, "047f" }, { "128", 128, "048180" },
	{ "255", 255, "0481ff" }, { "256", 256, "04820100" },
	{ "65535", 65535, "0482ffff" }, { "65536", 65536, "0483010000" },
};

static void
length_both_ways(void **state)
{
	static uint8_t body[65536];
	const struct length *l = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(1 << 20);
	JIT_DONE(buf_done) struct buf head = jt_hex(l->head);
	struct rd r;

	der_put(&w, DER_OCTETS, SPAN(body, l->n));
	JT_OK(w.err);
	assert_true(w.n == head.n + l->n);
	assert_memory_equal(w.p, head.p, head.n);
	r = rd_of(wr_view(&w));
	assert_int_equal(der_get(&r, DER_OCTETS).n, l->n);
	JT_OK(rd_end(&r));
}

static const struct bad { const char *name, *hex; } bad[] = {
	{ "empty", "" }, { "a tag alone", "04" },
	{ "longer than it is", "040301" }, { "indefinite", "04800000" },
	{ "a long form for 1", "04810100" },
	{ "a leading zero", "0482008001" }, { "five bytes", "04850000000001" },
	{ "another tag", "0500" }, { "4 GiB", "0484ffffffff00" },
};

static void
refuse_length(void **state)
{
	const struct bad *b = *state;
	JIT_DONE(buf_done) struct buf in = jt_hex(b->hex);
	struct rd r = rd_of(BUF_SPAN(in));

	assert_int_equal(der_get(&r, DER_OCTETS).n, 0);
	JT_ERR(rd_end(&r), JIT_E_FORMAT);
}

static const struct integer {
	const char *name, *hex, *magnitude;	/* NULL: refused */
} integers[] = {
	{ "zero", "020100", "" }, { "one", "020101", "01" },
	{ "127", "02017f", "7f" }, { "128", "02020080", "80" },
	{ "negative", "0201ff", NULL }, { "not minimal", "02020001", NULL },
	{ "empty", "0200", NULL }, { "four bytes", "020401020304", "01020304" },
	{ "five of at most four", "02050102030405", NULL },
};

static void
integer(void **state)
{
	const struct integer *i = *state;
	JIT_DONE(buf_done) struct buf in = jt_hex(i->hex);
	JIT_DONE(wr_done) struct wr w = WR_INIT(64);
	struct rd r = rd_of(BUF_SPAN(in));
	struct span got = der_get_uint(&r, 4);

	if (i->magnitude == NULL) {
		JT_ERR(rd_end(&r), JIT_E_FORMAT);
		return;
	}
	JIT_DONE(buf_done) struct buf want = jt_hex(i->magnitude);
	JT_OK(rd_end(&r));
	assert_true(span_eq(got, BUF_SPAN(want)));
	der_put_uint(&w, got);
	assert_true(span_eq(wr_view(&w), BUF_SPAN(in)));
}

static const struct moment {
	const char *name, *utc, *der;	/* der: text behind tag and length */
	uint8_t tag;
} moments[] = {
	{ "the epoch", "1970-01-01T00:00:00Z", "700101000000Z", DER_UTCTIME },
	{ "1999", "1999-12-31T23:59:59Z", "991231235959Z", DER_UTCTIME },
	{ "a leap day", "2028-02-29T12:00:00Z", "280229120000Z", DER_UTCTIME },
	{ "the last UTCTime", "2049-12-31T23:59:59Z", "491231235959Z",
	    DER_UTCTIME },
	{ "the first GeneralizedTime", "2050-01-01T00:00:00Z",
	    "20500101000000Z", DER_GENTIME },
	{ "the last", "9999-12-31T23:59:59Z", "99991231235959Z", DER_GENTIME },
	{ "GeneralizedTime too early", NULL, "20491231235959Z", DER_GENTIME },
	{ "no second", NULL, "4912312359Z", DER_UTCTIME },
	{ "an offset", NULL, "491231235959+0000", DER_UTCTIME },
	{ "a fraction", NULL, "20500101000000.5Z", DER_GENTIME },
	{ "no such day", NULL, "270229120000Z", DER_UTCTIME },
	{ "before 1970", NULL, "690101000000Z", DER_UTCTIME },
	{ "a letter", NULL, "49123123595aZ", DER_UTCTIME },
	{ "a NUL", NULL, "", DER_UTCTIME },
};

static void
moment(void **state)
{
	const struct moment *m = *state;
	JIT_DONE(wr_done) struct wr in = WR_INIT(64), out = WR_INIT(64);
	struct rd r;
	utc_s t, want;

	der_put(&in, m->tag, span_str(m->der));
	r = rd_of(wr_view(&in));
	t = der_get_time(&r);
	if (m->utc == NULL) {
		JT_ERR(rd_end(&r), JIT_E_FORMAT);
		return;
	}
	JT_OK(rd_end(&r));
	JT_OK(utc_parse(span_str(m->utc), &want));
	assert_true(t == want);
	der_put_time(&out, t);
	assert_true(span_eq(wr_view(&in), wr_view(&out)));
}

/* What our table calls ours is what OpenSSL makes of the dotted form. */
static void
grant_oid(void **state)
{
	ASN1_OBJECT *o = OBJ_txt2obj(X509_GRANT_OID, 1);
	char shown[OID_SHOWN];

	(void)state;
	assert_non_null(o);
	assert_true(span_eq(SPAN(OBJ_get0_data(o), OBJ_length(o)),
	    oid_bytes(OID_GRANT)));
	ASN1_OBJECT_free(o);
	assert_string_equal(oid_shown(SPAN("\x2a\x03\x04", 3), shown),
	    "1.2.3.4");
	assert_string_equal(oid_shown(SPAN("\x80\x80", 2), shown),
	    "an odd object identifier");
}

/* The names of RFCs that OpenSSL knows as well have the same bytes there. */
static void
known_oids(void **state)
{
	static const struct { enum oid o; const char *dotted; } rows[] = {
		{ OID_EC, "1.2.840.10045.2.1" },
		{ OID_P256, "1.2.840.10045.3.1.7" },
		{ OID_P384, "1.3.132.0.34" },
		{ OID_P521, "1.3.132.0.35" }, { OID_ED25519, "1.3.101.112" },
		{ OID_RSA, "1.2.840.113549.1.1.1" },
		{ OID_RSA_PSS, "1.2.840.113549.1.1.10" },
		{ OID_DSA, "1.2.840.10040.4.1" },
		{ OID_ECDSA_SHA1, "1.2.840.10045.4.1" },
		{ OID_ECDSA_SHA256, "1.2.840.10045.4.3.2" },
		{ OID_ECDSA_SHA384, "1.2.840.10045.4.3.3" },
		{ OID_ECDSA_SHA512, "1.2.840.10045.4.3.4" },
		{ OID_RSA_MD5, "1.2.840.113549.1.1.4" },
		{ OID_RSA_SHA1, "1.2.840.113549.1.1.5" },
		{ OID_RSA_SHA256, "1.2.840.113549.1.1.11" },
		{ OID_RSA_SHA384, "1.2.840.113549.1.1.12" },
		{ OID_RSA_SHA512, "1.2.840.113549.1.1.13" },
		{ OID_CN, "2.5.4.3" }, { OID_O, "2.5.4.10" },
		{ OID_EXTENSION_REQUEST, "1.2.840.113549.1.9.14" },
		{ OID_CHALLENGE_PASSWORD, "1.2.840.113549.1.9.7" },
		{ OID_SKI, "2.5.29.14" }, { OID_KEY_USAGE, "2.5.29.15" },
		{ OID_SAN, "2.5.29.17" },
		{ OID_BASIC_CONSTRAINTS, "2.5.29.19" },
		{ OID_CRL_NUMBER, "2.5.29.20" },
		{ OID_NAME_CONSTRAINTS, "2.5.29.30" },
		{ OID_CRL_POINTS, "2.5.29.31" }, { OID_AKI, "2.5.29.35" },
		{ OID_EXT_KEY_USAGE, "2.5.29.37" },
		{ OID_NO_REV_AVAIL, "2.5.29.56" },
		{ OID_CLIENT_AUTH, "1.3.6.1.5.5.7.3.2" },
		{ OID_SERVER_AUTH, "1.3.6.1.5.5.7.3.1" },
	};

	(void)state;
	/* All but the one of grant_oid(). */
	assert_int_equal(sizeof(rows) / sizeof(rows[0]) + 1, OID_COUNT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ASN1_OBJECT *o = OBJ_txt2obj(rows[i].dotted, 1);

		assert_true(span_eq(SPAN(OBJ_get0_data(o), OBJ_length(o)),
		    oid_bytes(rows[i].o)));
		ASN1_OBJECT_free(o);
	}
}

#define B "-----BEGIN X-----\n"
#define E "-----END X-----\n"
static const struct pem {
	const char *name, *text;
	enum jit_err want;
} pems[] = {
	{ "one block", B "AQID\n" E, JIT_OK },
	{ "space around", "\n \r\n" B "AQID\n" E "\n\n", JIT_OK },
	{ "CR LF", "-----BEGIN X-----\r\nAQID\r\n-----END X-----\r\n", JIT_OK },
	{ "no LF at the end", B "AQID\n-----END X-----", JIT_OK },
	{ "empty", "", JIT_E_FORMAT }, { "an empty block", B E, JIT_E_FORMAT },
	{ "no end", B "AQID\n", JIT_E_FORMAT },
	{ "another label", "-----BEGIN Y-----\nAQID\n-----END Y-----\n",
	    JIT_E_FORMAT },
	{ "another end", B "AQID\n-----END Y-----\n", JIT_E_FORMAT },
	{ "text before", "x\n" B "AQID\n" E, JIT_E_FORMAT },
	{ "text behind", B "AQID\n" E "x", JIT_E_FORMAT },
	{ "two blocks", B "AQID\n" E B "AQID\n" E, JIT_E_FORMAT },
	{ "headers", B "Proc-Type: 4\n\nAQID\n" E, JIT_E_FORMAT },
	{ "no base64", B "A?ID\n" E, JIT_E_FORMAT },
	{ "unused bits", B "AR==\n" E, JIT_E_FORMAT },
};

static void
pem(void **state)
{
	const struct pem *p = *state;
	JIT_DONE(buf_done) struct buf got = { NULL, 0 };
	struct jit_why why = { 0 };

	JT_WHY(x509_pem_one(span_str(p->text), "X", &got, &why), p->want,
	    &why);
	if (p->want == JIT_OK)
		assert_true(span_eq(BUF_SPAN(got), SPAN("\1\2\3", 3)));
	else
		assert_true(why.msg[0] != '\0');
}

static void
chains(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1 << 20);
	uint8_t body[200] = { 1 };

	(void)state;
	for (uint8_t n = 1; n <= X509_PEM_CHAIN_MAX + 1; n++) {
		JIT_DONE(x509_chain_done) struct x509_chain c = { .n = 0 };
		struct jit_why why = { 0 };

		body[0] = n;
		x509_put_pem(&w, "CERTIFICATE", SPAN(body, sizeof(body)));
		JT_WHY(x509_pem_chain(wr_view(&w), &c, &why),
		    n <= X509_PEM_CHAIN_MAX ? JIT_OK : JIT_E_FORMAT, &why);
		if (n > X509_PEM_CHAIN_MAX)
			break;
		assert_int_equal(c.n, n);
		assert_int_equal(c.der[n - 1].p[0], n);
		assert_int_equal(c.der[n - 1].n, sizeof(body));
	}
	struct x509_chain none;
	JT_ERR(x509_pem_chain(SPAN_NONE, &none, NULL), JIT_E_FORMAT);
}

int
main(void)
{
	return JT_ROWS("length", length_both_ways, lengths) +
	    JT_ROWS("refused", refuse_length, bad) +
	    JT_ROWS("integer", integer, integers) +
	    JT_ROWS("time", moment, moments) +
	    jt_one("the grant's OID", grant_oid) +
	    jt_one("OIDs", known_oids) + JT_ROWS("PEM", pem, pems) +
	    jt_one("chains", chains);
}
