/*
 * key: read, written, named as ssh-keygen does; one encoding of each key;
 * certificates are no keys (case 27), labels fit the key (case 29).
 */
#include <stdio.h>
#include <string.h>

#include "ca/ssh/key.h"
#include "ca/ssh/mpint.h"
#include "tests/ca/ssh/keygen.h"

/* ---- ssh-keygen's keys ---- */

/* What is accepted goes out as it came, and is another key. */
static void
other_key(void *arg, struct span s)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;

	if (ssh_key_parse(s, &k, NULL) != JIT_OK)
		return;
	assert_true(span_eq(ssh_key_blob(k), s));
	assert_false(ssh_key_eq(k, arg));
}

static void
same_as_keygen(void **state)
{
	const struct kg_sort *s = *state;
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL, *twin = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	char path[600], fp[SSH_FP_TEXT];
	struct span comment;

	(void)snprintf(path, sizeof(path), "%s.pub", kg_path(s));
	JIT_DONE(buf_done) struct buf line = jt_file(path);

	JT_OK(ssh_key_parse_line(BUF_SPAN(line), &k, &comment, NULL));
	assert_int_equal(ssh_key_type(k), s->type);
	assert_int_equal(ssh_key_bits(k), s->bits);
	assert_true(span_eq_str(comment, "a b"));
	assert_string_equal(ssh_key_application(k), "");
	ssh_key_put_line(&w, k, "a b");
	wr_u8(&w, '\n');
	assert_true(span_eq(wr_view(&w), BUF_SPAN(line)));

	assert_int_equal(kg_run(SPAN_NONE, &out, "-lf", path, (char *)NULL),
	    0);
	ssh_key_fingerprint(k, fp);
	assert_int_equal(strlen(fp), SSH_FP_TEXT - 1);
	assert_non_null(strstr((char *)out.p, fp));

	JT_OK(ssh_key_dup(k, &twin));
	assert_true(ssh_key_eq(k, twin));
	JT_OK(ssh_key_check_strength(k, 2048, NULL));
	JT_ERR(ssh_key_check_strength(k, 3072, NULL),
	    s->bits == 2048 ? JIT_E_WEAKKEY : JIT_OK);
	jt_flip_truncate(ssh_key_blob(k), other_key, k);
}

/* ---- blobs by hand ---- */

/* The base point of P-256 (FIPS 186-4 D.1.2.3): a point that is on it. */
static const uint8_t p256[65] = { 4,
	0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6,
	0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
	0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb,
	0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
	0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

enum how {
	H_ED,		/* n bytes of a point */
	H_EC,		/* curve a, n bytes of the base point, first b */
	H_OFF,		/* ... its last bit flipped */
	H_ZERO,		/* ... 04 and zeros */
	H_RSA,		/* e of b bytes, modulus of n bytes, raw */
	H_SK,		/* Ed25519, application a of n bytes */
	H_SK_EC,	/* P-256, application a of n bytes */
};

struct row {
	const char *name, *type;
	enum jit_err want;
	enum how how;
	const char *a;
	size_t b, n;
	unsigned flags;
};
#define TAIL 1		/* a byte behind */
#define E_NEG 2		/* e is negative */
#define E_PAD 4		/* e has a zero that is not needed */
#define N_NEG 8
#define N_PAD 16

#define V01 "-cert-v01@openssh.com"
#define EC256 "ecdsa-sha2-nistp256"
#define SKED "sk-ssh-ed25519@openssh.com"
#define SKEC "sk-ecdsa-sha2-nistp256@openssh.com"
static const struct row rows[] = {
	{ "ed25519", "ssh-ed25519", JIT_OK, H_ED, NULL, 0, 32, 0 },
	{ "31 bytes", "ssh-ed25519", JIT_E_FORMAT, H_ED, NULL, 0, 31, 0 },
	{ "33 bytes", "ssh-ed25519", JIT_E_FORMAT, H_ED, NULL, 0, 33, 0 },
	{ "no bytes", "ssh-ed25519", JIT_E_FORMAT, H_ED, NULL, 0, 0, 0 },
	{ "a byte behind", "ssh-ed25519", JIT_E_FORMAT, H_ED, NULL, 0, 32,
	    TAIL },
	{ "case 27: ed25519 certificate", "ssh-ed25519" V01, JIT_E_KEYTYPE,
	    H_ED, NULL, 0, 32, 0 },
	{ "case 27: P-256 certificate", EC256 V01, JIT_E_KEYTYPE,
	    H_EC, "nistp256", 4, 65, 0 },
	{ "case 27: P-384 certificate", "ecdsa-sha2-nistp384" V01,
	    JIT_E_KEYTYPE, H_EC, "nistp384", 4, 65, 0 },
	{ "case 27: P-521 certificate", "ecdsa-sha2-nistp521" V01,
	    JIT_E_KEYTYPE, H_EC, "nistp521", 4, 65, 0 },
	{ "case 27: RSA certificate", "ssh-rsa" V01, JIT_E_KEYTYPE,
	    H_RSA, NULL, 3, 256, 0 },
	{ "case 27: sk-ed25519 certificate", "sk-ssh-ed25519" V01,
	    JIT_E_KEYTYPE, H_SK, "ssh:", 0, 4, 0 },
	{ "case 27: sk-ecdsa certificate", "sk-ecdsa-sha2-nistp256" V01,
	    JIT_E_KEYTYPE, H_SK_EC, "ssh:", 0, 4, 0 },
	{ "case 39: DSA", "ssh-dss", JIT_E_KEYTYPE, H_ED, NULL, 0, 32, 0 },
	{ "a signature's name", "rsa-sha2-512", JIT_E_KEYTYPE, H_RSA, NULL,
	    3, 256, 0 },
	{ "another case", "SSH-ed25519", JIT_E_KEYTYPE, H_ED, NULL, 0, 32,
	    0 },
	{ "no type", "", JIT_E_KEYTYPE, H_ED, NULL, 0, 32, 0 },
	{ "case 29: RSA named ed25519", "ssh-ed25519", JIT_E_FORMAT, H_RSA,
	    NULL, 3, 256, 0 },
	{ "case 29: ed25519 named RSA", "ssh-rsa", JIT_E_FORMAT, H_ED, NULL,
	    0, 32, 0 },

	{ "P-256", EC256, JIT_OK, H_EC, "nistp256", 4, 65, 0 },
	{ "case 29: curve of another type", EC256, JIT_E_FORMAT, H_EC,
	    "nistp384", 4, 65, 0 },
	{ "case 29: type of another curve", "ecdsa-sha2-nistp384",
	    JIT_E_FORMAT, H_EC, "nistp256", 4, 65, 0 },
	{ "case 29: point of another curve", "ecdsa-sha2-nistp384",
	    JIT_E_FORMAT, H_EC, "nistp384", 4, 65, 0 },
	{ "OpenSSL's name of the curve", EC256, JIT_E_FORMAT, H_EC,
	    "prime256v1", 4, 65, 0 },
	{ "compressed", EC256, JIT_E_FORMAT, H_EC, "nistp256", 3, 33, 0 },
	{ "hybrid", EC256, JIT_E_FORMAT, H_EC, "nistp256", 7, 65, 0 },
	{ "infinity", EC256, JIT_E_FORMAT, H_EC, "nistp256", 0, 1, 0 },
	{ "no point", EC256, JIT_E_FORMAT, H_EC, "nistp256", 0, 0, 0 },
	{ "case 39: off the curve", EC256, JIT_E_FORMAT, H_OFF, "nistp256",
	    4, 65, 0 },
	{ "case 39: (0, 0)", EC256, JIT_E_FORMAT, H_ZERO, "nistp256", 4, 65,
	    0 },

	{ "RSA", "ssh-rsa", JIT_OK, H_RSA, NULL, 3, 256, 0 },
	{ "RSA's longest", "ssh-rsa", JIT_OK, H_RSA, NULL, 3, 1024, 0 },
	{ "RSA a byte longer", "ssh-rsa", JIT_E_FORMAT, H_RSA, NULL, 3, 1025,
	    0 },
	{ "RSA with e of 9 bytes", "ssh-rsa", JIT_E_FORMAT, H_RSA, NULL, 9,
	    256, 0 },
	{ "RSA without e", "ssh-rsa", JIT_E_FORMAT, H_RSA, NULL, 0, 256, 0 },
	{ "RSA without n", "ssh-rsa", JIT_E_FORMAT, H_RSA, NULL, 3, 0, 0 },
	{ "negative e", "ssh-rsa", JIT_E_FORMAT, H_RSA, NULL, 3, 256, E_NEG },
	{ "padded e", "ssh-rsa", JIT_E_FORMAT, H_RSA, NULL, 3, 256, E_PAD },
	{ "negative n", "ssh-rsa", JIT_E_FORMAT, H_RSA, NULL, 3, 256, N_NEG },
	{ "padded n", "ssh-rsa", JIT_E_FORMAT, H_RSA, NULL, 3, 256, N_PAD },
	{ "RSA, a byte behind", "ssh-rsa", JIT_E_FORMAT, H_RSA, NULL, 3, 256,
	    TAIL },

	{ "sk-ed25519", SKED, JIT_OK, H_SK, "ssh:", 0, 4, 0 },
	{ "sk of an application", SKED, JIT_OK, H_SK, "ssh:prod", 0, 8, 0 },
	{ "sk-ecdsa", SKEC, JIT_OK, H_SK_EC, "ssh:", 0, 4, 0 },
	{ "a web site's key", SKED, JIT_E_KEYTYPE, H_SK, "example.com", 0,
	    11, 0 },
	{ "a web site's key, ecdsa", SKEC, JIT_E_KEYTYPE, H_SK_EC,
	    "https://example.com", 0, 19, 0 },
	{ "nearly ssh:", SKED, JIT_E_KEYTYPE, H_SK, "ssh", 0, 3, 0 },
	{ "no application", SKED, JIT_E_KEYTYPE, H_SK, "", 0, 0, 0 },
	{ "another case of ssh:", SKED, JIT_E_KEYTYPE, H_SK, "SSH:", 0, 4,
	    0 },
	{ "NUL in the application", SKED, JIT_E_FORMAT, H_SK, "ssh:\0x", 0,
	    6, 0 },
	{ "escape in the application", SKED, JIT_E_KEYTYPE, H_SK,
	    "ssh:\033[2J", 0, 8, 0 },
	{ "sk, a byte behind", SKED, JIT_E_FORMAT, H_SK, "ssh:", 0, 4, TAIL },
};

static void
put_number(struct wr *w, size_t n, bool negative, bool padded)
{
	uint8_t b[1100];

	memset(b, 0x71, sizeof(b));
	b[0] = negative ? 0x80 : padded ? 0 : 0x71;
	wr_string(w, SPAN(b, n));
}

static void
put_row(struct wr *w, const struct row *r)
{
	uint8_t point[65];

	memcpy(point, p256, sizeof(point));
	wr_cstring(w, r->type);
	if (r->how == H_RSA) {
		put_number(w, r->b, r->flags & E_NEG, r->flags & E_PAD);
		put_number(w, r->n, r->flags & N_NEG, r->flags & N_PAD);
	} else if (r->how == H_ED) {
		wr_string(w, SPAN(p256 + 1, r->n));
	} else if (r->how == H_SK) {
		wr_string(w, SPAN(p256 + 1, 32));
		wr_string(w, SPAN(r->a, r->n));
	} else if (r->how == H_SK_EC) {
		wr_cstring(w, "nistp256");
		wr_string(w, SPAN(p256, 65));
		wr_string(w, SPAN(r->a, r->n));
	} else {
		point[0] = (uint8_t)r->b;
		point[64] ^= r->how == H_OFF;
		if (r->how == H_ZERO)
			memset(point + 1, 0, 64);
		wr_cstring(w, r->a);
		wr_string(w, SPAN(point, r->n));
	}
	if (r->flags & TAIL)
		wr_u8(w, 0);
}

static void
by_hand(void **state)
{
	const struct row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	struct jit_why why = { JIT_OK, "" };

	put_row(&w, r);
	JT_OK(w.err);
	JT_WHY(ssh_key_parse(wr_view(&w), &k, &why), r->want, &why);
	assert_int_equal(k != NULL, r->want == JIT_OK);
	assert_int_equal(why.msg[0] != '\0', r->want != JIT_OK);
	if (k == NULL)
		return;
	assert_string_equal(ssh_key_type_name(k), r->type);
	assert_int_equal(ssh_key_is_sk(k), r->how >= H_SK);
	assert_string_equal(ssh_key_application(k),
	    r->how >= H_SK ? r->a : "");
	jt_flip_truncate(wr_view(&w), other_key, k);
}

static void
too_long(void **state)
{
	static const uint8_t zero[SSH_BLOB_MAX + 1];
	struct ssh_key *k = NULL;

	(void)state;
	JT_ERR(ssh_key_parse(SPAN(zero, sizeof(zero)), &k, NULL), JIT_E_SIZE);
	JT_ERR(ssh_key_parse(SPAN_NONE, &k, NULL), JIT_E_FORMAT);
	assert_null(k);
}

/* ---- lines ---- */

#define ED "AAAAC3NzaC1lZDI1NTE5AAAA" \
    "IGlyyJTTbtm+KQfbpxdX7AoLMKkhjKm05zMxiy9H4LmW"
struct line {
	const char *name, *text;
	enum jit_err want;
	const char *comment;
};

static const struct line lines[] = {
	{ "no comment", "ssh-ed25519 " ED, JIT_OK, "" },
	{ "with LF", "ssh-ed25519 " ED "\n", JIT_OK, "" },
	{ "a comment of words", "ssh-ed25519 " ED " a b  c\n", JIT_OK,
	    "a b  c" },
	{ "nothing", "", JIT_E_FORMAT, NULL },
	{ "LF alone", "\n", JIT_E_FORMAT, NULL },
	{ "type alone", "ssh-ed25519", JIT_E_FORMAT, NULL },
	{ "type and a space", "ssh-ed25519 ", JIT_E_FORMAT, NULL },
	{ "base64 alone", ED, JIT_E_FORMAT, NULL },
	{ "leading space", " ssh-ed25519 " ED, JIT_E_FORMAT, NULL },
	{ "two spaces", "ssh-ed25519  " ED, JIT_E_FORMAT, NULL },
	{ "a tab", "ssh-ed25519\t" ED " x", JIT_E_FORMAT, NULL },
	{ "CR LF", "ssh-ed25519 " ED "\r\n", JIT_E_FORMAT, NULL },
	{ "two LF", "ssh-ed25519 " ED "\n\n", JIT_E_FORMAT, NULL },
	{ "case 33: two lines", "ssh-ed25519 " ED " a\nssh-ed25519 " ED "\n",
	    JIT_E_FORMAT, NULL },
	{ "options first", "no-pty ssh-ed25519 " ED, JIT_E_FORMAT, NULL },
	{ "a host first", "db1 ssh-ed25519 " ED, JIT_E_FORMAT, NULL },
	{ "case 29: another type", "ssh-rsa " ED, JIT_E_FORMAT, NULL },
	{ "a certificate's name", "ssh-ed25519-cert-v01@openssh.com " ED,
	    JIT_E_FORMAT, NULL },
	{ "padding that is not needed", "ssh-ed25519 " ED "==",
	    JIT_E_FORMAT, NULL },
	{ "cut in its base64", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGly",
	    JIT_E_FORMAT, NULL },
	{ "no base64", "ssh-ed25519 ****", JIT_E_FORMAT, NULL },
};

static void
line(void **state)
{
	const struct line *l = *state;
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	struct span comment = span_str("untouched");

	/* The row's base64 must be a key, or its refusal shows nothing. */
	JT_OK(ssh_key_parse_line(span_str("ssh-ed25519 " ED), &k, NULL,
	    NULL));
	ssh_key_free(k);
	k = NULL;
	JT_ERR(ssh_key_parse_line(span_str(l->text), &k, &comment, NULL),
	    l->want);
	assert_true(span_eq_str(comment, l->comment != NULL ? l->comment :
	    "untouched"));
}

/* Ed25519's y from p - 2 to 2^255 - 1: below p is a key, the rest is not. */
static void
one_encoding(void **state)
{
	(void)state;
	for (unsigned low = 0xeb; low <= 0xff; low++)
		for (int i = 0; i < 4; i++) {
			JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
			JIT_DONE(wr_done) struct wr w = WR_INIT(200);
			uint8_t y[32];

			memset(y, 0xff, sizeof(y));
			y[0] = (uint8_t)low;
			y[31] = i & 1 ? 0xff : 0x7f;
			wr_cstring(&w, i & 2 ? SKED : "ssh-ed25519");
			wr_string(&w, SPAN(y, 32));
			if (i & 2)
				wr_cstring(&w, "ssh:");
			JT_ERR(ssh_key_parse(wr_view(&w), &k, NULL),
			    low < 0xed ? JIT_OK : JIT_E_FORMAT);
		}
}

int
main(void)
{
	return JT_ROWS("ssh-keygen's", same_as_keygen, kg_sorts) +
	    JT_ROWS("by hand", by_hand, rows) +
	    jt_one("too long, too short", too_long) +
	    jt_one("one encoding of each Ed25519 key", one_encoding) +
	    JT_ROWS("lines", line, lines);
}
