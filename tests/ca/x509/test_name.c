/*
 * name and profile: what a certificate may name (cases 45, 46).
 */
#include <string.h>

#include "ca/base/text.h"
#include "ca/x509/profile.h"
#include "tests/ca/x509/pki.h"

#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define S(s) SPAN(s, sizeof(s) - 1)

struct row {
	const char *name;
	size_t n;
	struct span s[18];
	enum jit_err want;
};

static const struct row subjects[] = {
	{ "CN alone", 1, { S("CN=alice") }, JIT_OK },
	{ "an address", 1, { S("CN=alice@example.com") }, JIT_OK },
	{ "64", 1, { S("CN=" X63 "y") }, JIT_OK },
	{ "two O", 3, { S("CN=a"), S("O=dba"), S("O=system:masters") },
	    JIT_OK },
	{ "eight O", 9, { S("CN=a"), S("O=1"), S("O=2"), S("O=3"), S("O=4"),
	    S("O=5"), S("O=6"), S("O=7"), S("O=8") }, JIT_OK },
	{ "nothing", 0, { { NULL, 0 } }, JIT_E_FORMAT },
	{ "no CN", 1, { S("O=a") }, JIT_E_FORMAT },
	{ "CN behind O", 2, { S("O=a"), S("CN=a") }, JIT_E_FORMAT },
	{ "two CN", 2, { S("CN=a"), S("CN=b") }, JIT_E_FORMAT },
	{ "OU", 2, { S("CN=a"), S("OU=b") }, JIT_E_FORMAT },
	{ "O out of order", 3, { S("CN=a"), S("O=b"), S("O=a") },
	    JIT_E_FORMAT },
	{ "an O twice", 3, { S("CN=a"), S("O=a"), S("O=a") }, JIT_E_FORMAT },
	{ "nine O", 10, { S("CN=a"), S("O=1"), S("O=2"), S("O=3"), S("O=4"),
	    S("O=5"), S("O=6"), S("O=7"), S("O=8"), S("O=9") }, JIT_E_FORMAT },
	{ "empty", 1, { S("CN=") }, JIT_E_FORMAT },
	{ "65", 1, { S("CN=" X63 "yy") }, JIT_E_FORMAT },
	{ "case 45: NUL", 1, { S("CN=bank\0.evil") }, JIT_E_FORMAT },
	{ "case 45: a comma", 1, { S("CN=a,O=b") }, JIT_E_FORMAT },
	{ "case 45: a slash", 1, { S("CN=a/CN=b") }, JIT_E_FORMAT },
	{ "case 45: a plus", 1, { S("CN=a+O=b") }, JIT_E_FORMAT },
	{ "case 45: an equals sign", 1, { S("CN=a=b") }, JIT_E_FORMAT },
	{ "case 45: a quote", 1, { S("CN=a\"b") }, JIT_E_FORMAT },
	{ "case 45: a backslash", 1, { S("CN=a\\b") }, JIT_E_FORMAT },
	{ "case 45: a semicolon", 1, { S("CN=a;b") }, JIT_E_FORMAT },
	{ "case 45: less than", 1, { S("CN=a<b") }, JIT_E_FORMAT },
	{ "case 45: a hash", 1, { S("CN=#0500") }, JIT_E_FORMAT },
	{ "case 45: 8 bits", 1, { S("CN=al\xefze") }, JIT_E_FORMAT },
	{ "case 45: a line feed", 1, { S("CN=a\nO=b") }, JIT_E_FORMAT },
	{ "a space", 1, { S("CN=a b") }, JIT_E_FORMAT },
	{ "a star", 1, { S("CN=*") }, JIT_E_FORMAT },
	{ "lower-case cn", 1, { S("cn=a") }, JIT_E_FORMAT },
};

static const struct row sans[] = {
	{ "none", 0, { { NULL, 0 } }, JIT_OK },
	{ "a name", 1, { S("DNS:db1.example.com") }, JIT_OK },
	{ "one label", 1, { S("DNS:localhost") }, JIT_OK },
	{ "IDNA", 1, { S("DNS:xn--bcher-kva.example") }, JIT_OK },
	{ "a label of 63", 1, { S("DNS:" X63 ".a") }, JIT_OK },
	{ "253", 1, { S("DNS:" X63 "." X63 "." X63 "."
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") },
	    JIT_OK },
	{ "254", 1, { S("DNS:" X63 "." X63 "." X63 "."
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") },
	    JIT_E_FORMAT },
	{ "a label of 64", 1, { S("DNS:" X63 "x.a") }, JIT_E_FORMAT },
	{ "case 46: a wildcard", 1, { S("DNS:*.example.com") }, JIT_E_FORMAT },
	{ "case 46: a wildcard inside", 1, { S("DNS:a*.example.com") },
	    JIT_E_FORMAT },
	{ "case 46: an address as name", 1, { S("DNS:127.0.0.1") },
	    JIT_E_FORMAT },
	{ "case 46: a hex address as name", 1, { S("DNS:0x7f000001") },
	    JIT_E_FORMAT },
	{ "case 46: a number as name", 1, { S("DNS:2130706433") },
	    JIT_E_FORMAT },
	{ "case 46: a last label of 0x", 1, { S("DNS:a.0x1") }, JIT_E_FORMAT },
	{ "case 46: a name as address", 1, { S("IP:localhost") },
	    JIT_E_FORMAT },
	{ "case 45: two names in one", 1, { S("DNS:a, DNS:b") }, JIT_E_FORMAT },
	{ "case 45: NUL", 1, { S("DNS:bank\0.evil") }, JIT_E_FORMAT },
	{ "case 45: 8 bits", 1, { S("DNS:b\xfc" "cher.example") },
	    JIT_E_FORMAT },
	{ "upper case", 1, { S("DNS:Db1.example.com") }, JIT_E_FORMAT },
	{ "an underscore", 1, { S("DNS:_dmarc.example.com") }, JIT_E_FORMAT },
	{ "a dot at the end", 1, { S("DNS:example.com.") }, JIT_E_FORMAT },
	{ "a dot in front", 1, { S("DNS:.example.com") }, JIT_E_FORMAT },
	{ "two dots", 1, { S("DNS:a..b") }, JIT_E_FORMAT },
	{ "a hyphen in front", 1, { S("DNS:-a.b") }, JIT_E_FORMAT },
	{ "a hyphen behind", 1, { S("DNS:a-.b") }, JIT_E_FORMAT },
	{ "an empty name", 1, { S("DNS:") }, JIT_E_FORMAT },
	{ "IPv4", 1, { S("IP:127.0.0.1") }, JIT_OK },
	{ "IPv6", 1, { S("IP:2001:db8::1") }, JIT_OK },
	{ "IPv6 loopback", 1, { S("IP:::1") }, JIT_OK },
	{ "IPv4 with a zero", 1, { S("IP:127.0.0.01") }, JIT_E_FORMAT },
	{ "IPv4 of three", 1, { S("IP:127.0.1") }, JIT_E_FORMAT },
	{ "IPv6 not shortest", 1, { S("IP:2001:db8:0::1") }, JIT_E_FORMAT },
	{ "IPv6 upper case", 1, { S("IP:2001:DB8::1") }, JIT_E_FORMAT },
	{ "IPv6 mapped", 1, { S("IP:::ffff:127.0.0.1") }, JIT_E_FORMAT },
	{ "IPv6 with a zone", 1, { S("IP:fe80::1%eth0") }, JIT_E_FORMAT },
	{ "a network", 1, { S("IP:10.0.0.0/8") }, JIT_E_FORMAT },
	{ "SPIFFE", 1, { S("URI:spiffe://x/y") }, JIT_OK },
	{ "a URN", 1, { S("URI:urn:jit:grant:" PKI_ID) }, JIT_OK },
	{ "no scheme", 1, { S("URI:/etc/passwd") }, JIT_E_FORMAT },
	{ "nothing behind the scheme", 1, { S("URI:urn:") }, JIT_E_FORMAT },
	{ "a space in a URI", 1, { S("URI:urn:a b") }, JIT_E_FORMAT },
	{ "a comma in a URI", 1, { S("URI:urn:a,URI:b") }, JIT_E_FORMAT },
	{ "a quote in a URI", 1, { S("URI:urn:a\"b") }, JIT_E_FORMAT },
	{ "NUL in a URI", 1, { S("URI:urn:a\0b") }, JIT_E_FORMAT },
	{ "mail", 1, { S("email:alice@example.com") }, JIT_OK },
	{ "mail with a tag", 1, { S("email:alice.b+c@example.com") }, JIT_OK },
	{ "case 49: no at", 1, { S("email:alice") }, JIT_E_FORMAT },
	{ "case 49: two at", 1, { S("email:a@b@c") }, JIT_E_FORMAT },
	{ "case 49: no host", 1, { S("email:a@") }, JIT_E_FORMAT },
	{ "case 49: quoted", 1, { S("email:\"a b\"@example.com") },
	    JIT_E_FORMAT },
	{ "case 49: punycode overlong", 1, { S("email:a@xn--" X63 ".b") },
	    JIT_E_FORMAT },
	{ "case 49: 8 bits", 1, { S("email:\xe4@example.com") }, JIT_E_FORMAT },
	{ "case 49: NUL", 1, { S("email:a@example.com\0.evil") },
	    JIT_E_FORMAT },
	{ "mail: a dot in front", 1, { S("email:.a@b") }, JIT_E_FORMAT },
	{ "mail: two dots", 1, { S("email:a..c@b") }, JIT_E_FORMAT },
	{ "another kind", 1, { S("dirName:x") }, JIT_E_FORMAT },
	{ "otherName", 1, { S("otherName:1.2.3;UTF8:x") }, JIT_E_FORMAT },
	{ "no kind", 1, { S("db1.example.com") }, JIT_E_FORMAT },
	{ "each kind", 4, { S("DNS:a.b"), S("IP:10.0.0.1"), S("URI:urn:a"),
	    S("email:a@b.c") }, JIT_OK },
	{ "out of order", 2, { S("IP:10.0.0.1"), S("DNS:a.b") },
	    JIT_E_FORMAT },
	{ "twice", 2, { S("DNS:a.b"), S("DNS:a.b") }, JIT_E_FORMAT },
	{ "sixteen", 16, { S("DNS:a"), S("DNS:b"), S("DNS:c"), S("DNS:d"),
	    S("DNS:e"), S("DNS:f"), S("DNS:g"), S("DNS:h"), S("DNS:i"),
	    S("DNS:j"), S("DNS:k"), S("DNS:l"), S("DNS:m"), S("DNS:n"),
	    S("DNS:o"), S("DNS:p") }, JIT_OK },
	{ "seventeen", 17, { S("DNS:a"), S("DNS:b"), S("DNS:c"), S("DNS:d"),
	    S("DNS:e"), S("DNS:f"), S("DNS:g"), S("DNS:h"), S("DNS:i"),
	    S("DNS:j"), S("DNS:k"), S("DNS:l"), S("DNS:m"), S("DNS:n"),
	    S("DNS:o"), S("DNS:p"), S("DNS:q") }, JIT_E_FORMAT },
};

/* What is taken comes back out of its DER as the same set (case 45). */
static void
there_and_back(const struct row *r, bool san)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(16384);
	JIT_DONE(x509_names_done) struct x509_names got = { .n = 0 };
	struct jit_why why = { 0 };

	JT_WHY(san ? x509_san_check(r->s, r->n, &why) :
	    x509_subject_check(r->s, r->n, &why), r->want, &why);
	if (san)
		x509_san_put(&w, r->s, r->n);
	else
		x509_subject_put(&w, r->s, r->n);
	JT_ERR(w.err, r->want);
	if (r->want != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		assert_true(text_is_ascii(span_str(why.msg)));
		return;
	}
	JT_WHY(san ? x509_san_get(wr_view(&w), &got, &why) :
	    x509_subject_get(wr_view(&w), &got, &why), JIT_OK, &why);
	assert_int_equal(got.n, r->n);
	for (size_t i = 0; i < r->n; i++)
		assert_true(span_eq(got.at[i], r->s[i]));
}

static void
subject(void **state)
{
	there_and_back(*state, false);
}

static void
san(void **state)
{
	there_and_back(*state, true);
}

/* ---- DER of others ---- */

/* A Name or GeneralNames by parts: what we would never write. */
static void
refuse_der(void **state)
{
	static const struct { bool san; struct span der; } rows[] = {
		/* CN as PrintableString; two values in one RDN; DNS with NUL;
		 * 5-byte address; dirName; trailing byte; empty CN. */
		{ false, S("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13"
		    "\x01" "a") },
		{ false, S("\x30\x16\x31\x14\x30\x08\x06\x03\x55\x04\x03\x0c"
		    "\x01" "a\x30\x08\x06\x03\x55\x04\x0a\x0c\x01" "a") },
		{ true, S("\x30\x05\x82\x03" "a\0b") },
		{ true, S("\x30\x07\x87\x05" "\1\2\3\4\5") },
		{ true, S("\x30\x04\xa4\x02\x30\x00") },
		{ true, S("\x30\x03\x82\x01" "a\0") },
		{ true, S("\x30\x06\x82\x01" "b\x82\x01" "a") },
		{ true, S("\x30\x12\x87\x10\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f"
		    "\0\0\1") },
		{ false, S("\x30\x0b\x31\x09\x30\x07\x06\x03\x55\x04\x03\x0c"
		    "\x00") },
		{ false, S("\x30\x00") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		JIT_DONE(x509_names_done) struct x509_names l = { .n = 0 };
		enum jit_err e = rows[i].san ?
		    x509_san_get(rows[i].der, &l, NULL) :
		    x509_subject_get(rows[i].der, &l, NULL);

		if (e != JIT_E_FORMAT)
			fail_msg("row %zu: %s", i, jit_err_name(e));
	}
}

static void
flipped(void *arg, struct span s)
{
	JIT_DONE(x509_names_done) struct x509_names l = { .n = 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(16384);

	/* One list has one encoding. */
	if (x509_san_get(s, &l, NULL) == JIT_OK) {
		x509_san_put(&w, l.at, l.n);
		assert_true(span_eq(wr_view(&w), s));
	}
	(void)arg;
}

static void
flip(void **state)
{
	static const struct span list[] = { S("DNS:a.b"), S("IP:10.0.0.1"),
	    S("IP:2001:db8::1"), S("URI:urn:a"), S("email:a@b.c") };
	JIT_DONE(wr_done) struct wr w = WR_INIT(16384);

	(void)state;
	x509_san_put(&w, list, 5);
	jt_flip_truncate(wr_view(&w), flipped, NULL);
}

int
main(void)
{
	return JT_ROWS("subject", subject, subjects) +
	    JT_ROWS("SAN", san, sans) +
	    jt_one("what we never write", refuse_der) +
	    jt_one("flip and truncate", flip);
}
