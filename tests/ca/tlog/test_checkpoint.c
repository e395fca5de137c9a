/* checkpoint: other people's keys, and every way to be wrong. */
#include <string.h>

#include "ca/base/text.h"
#include "ca/tlog/checkpoint.h"
#include "tests/lib/jt.h"

static struct ssh_priv *priv;
static struct tlog_vkey key;
static const struct checkpoint cp = { 18231, { { 1, 2, 3 } } };

static void
set_up(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	struct span blob;

	JT_OK(ssh_priv_generate(SSH_ED25519, 0, &rng, &priv, NULL));
	blob = ssh_key_blob(ssh_priv_public(priv));
	JT_OK(tlog_vkey_make("jit.example.com", blob.p + blob.n - 32, &key,
	    NULL));
}

static struct buf
signed_note(void)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TLOG_NOTE_MAX);
	struct buf b = { NULL, 0 };

	JT_OK(checkpoint_sign(&w, &cp, &key, priv));
	JT_OK(wr_take(&w, &b));
	return b;
}

/* Keys of the signed-note specification and of Go's sumdb/note. */
static void
other_peoples_keys(void **state)
{
	static const char spec[] = "example.com/foo+530d903a+"
	    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
	struct tlog_vkey v;
	struct jit_why why = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(TLOG_VKEY_MAX);

	(void)state;
	JT_WHY(tlog_vkey_parse(span_str(spec), &v, &why), JIT_OK, &why);
	assert_string_equal(v.origin, "example.com/foo");
	assert_int_equal(v.id, 0x530d903a);
	tlog_vkey_put(&w, &v);
	assert_true(span_eq_str(wr_view(&w), spec));
	JT_ERR(tlog_vkey_parse(span_str("example.com/foo+530d903b+"
	    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"), &v, NULL),
	    JIT_E_FORMAT);
	JT_ERR(tlog_vkey_parse(span_str("a b+530d903a+AekyeRrm56hApGFkyQR4ZCb"
	    "V54Id2LKaANYcrnKv3U2k"), &v, NULL), JIT_E_FORMAT);
	JT_ERR(tlog_vkey_parse(span_str("x"), &v, NULL), JIT_E_FORMAT);
}

static void
both_ways(void **state)
{
	JIT_DONE(buf_done) struct buf b = signed_note();
	struct checkpoint c;
	struct tlog_vkey other = key;
	static const char text[] = "jit.example.com\n18231\n"
	    "AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\xe2\x80\x94 ";

	(void)state;
	assert_memory_equal(b.p, text, sizeof(text) - 1);
	JT_OK(checkpoint_open(BUF_SPAN(b), &key, &c, NULL));
	assert_true(c.size == cp.size && digest_eq(&c.root, &cp.root));
	other.id ^= 1;
	JT_ERR(checkpoint_open(BUF_SPAN(b), &other, &c, NULL), JIT_E_SIG);
	(void)strcpy(other.origin, "x");
	JT_ERR(checkpoint_open(BUF_SPAN(b), &other, &c, NULL),
	    JIT_E_LOGNAME);
}

/* Made by tests/vectors/tlog/checkpoint.py; a witness signed it first. */
static void
golden(void **state)
{
	JIT_DONE(buf_done) struct buf note =
	    jt_file(jt_source("tests/vectors/tlog/checkpoint.note"));
	JIT_DONE(buf_done) struct buf line =
	    jt_file(jt_source("tests/vectors/tlog/checkpoint.vkey"));
	struct digest root;
	struct tlog_vkey v;
	struct checkpoint c;
	char id[TLOG_LOGID_TEXT];

	(void)state;
	JT_OK(tlog_vkey_parse(SPAN(line.p, line.n - 1), &v, NULL));
	JT_OK(checkpoint_open(BUF_SPAN(note), &v, &c, NULL));
	JT_OK(digest_sha256(span_str("a root"), &root));
	assert_true(c.size == 70000 && digest_eq(&c.root, &root));
	tlog_vkey_logid(&v, id);
	assert_memory_equal(id, line.p, strlen(id));
	JT_ERR(checkpoint_open(BUF_SPAN(note), &key, &c, NULL),
	    JIT_E_LOGNAME);
}

/* Nobody's signature but strangers', or none at all: not ours. */
static void
strangers_only(void **state)
{
	static const char bare[] = "jit.example.com\n1\n"
	    "AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n";
	static const char strange[] = "\xe2\x80\x94 stranger AAAAAAAA\n";
	JIT_DONE(wr_done) struct wr w = WR_INIT(TLOG_NOTE_MAX);
	struct checkpoint c;

	(void)state;
	wr_str(&w, bare);
	JT_ERR(checkpoint_open(wr_view(&w), &key, &c, NULL), JIT_E_SIG);
	wr_str(&w, strange);
	JT_OK(w.err);
	JT_ERR(checkpoint_open(wr_view(&w), &key, &c, NULL), JIT_E_SIG);
}

/* The note with its text changed by hand, signed properly or not. */
struct row {
	const char *name, *text;
	enum jit_err want;
	const char *before, *behind;	/* lines around the signature */
};
#define ROOT "AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define O "jit.example.com\n"
#define STRANGER "\xe2\x80\x94 stranger AAAAAAAA\n"
#define S4 STRANGER STRANGER STRANGER STRANGER
static const struct row rows[] = {
	{ "as it is", O "1\n" ROOT "\n", JIT_OK, "", "" },
	{ "other signers", O "1\n" ROOT "\n", JIT_OK, STRANGER, STRANGER },
	{ "16 signers", O "1\n" ROOT "\n", JIT_OK, S4 S4 S4 STRANGER STRANGER,
	    STRANGER },
	{ "17 signers", O "1\n" ROOT "\n", JIT_E_FORMAT, S4 S4 S4 S4, "" },
	{ "size 0", O "0\n" ROOT "\n", JIT_OK, "", "" },
	{ "largest size", O "18446744073709551615\n" ROOT "\n", JIT_OK,
	    "", "" },
	{ "size overflows", O "18446744073709551616\n" ROOT "\n",
	    JIT_E_FORMAT, "", "" },
	{ "leading zero", O "01\n" ROOT "\n", JIT_E_FORMAT, "", "" },
	{ "signed size", O "+1\n" ROOT "\n", JIT_E_FORMAT, "", "" },
	{ "no size", O "\n" ROOT "\n", JIT_E_FORMAT, "", "" },
	{ "short root", O "1\nAQID\n\n", JIT_E_FORMAT, "", "" },
	{ "extension line", O "1\n" ROOT "more\n\n", JIT_E_FORMAT, "", "" },
	{ "CR LF", "jit.example.com\r\n1\r\n" ROOT "\n", JIT_E_FORMAT, "", "" },
	{ "other origin", "jit.example.org\n1\n" ROOT "\n", JIT_E_LOGNAME,
	    "", "" },
	{ "a line that is no signature", O "1\n" ROOT "\n", JIT_E_FORMAT,
	    "hello\n", "" },
	{ "our name, bad signature beside the good one", O "1\n" ROOT "\n",
	    JIT_E_SIG, NULL, "" },
	{ "no last LF", O "1\n" ROOT "\n", JIT_E_FORMAT, "", STRANGER "x" },
};

static void
row(void **state)
{
	const struct row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(TLOG_NOTE_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(256), raw = WR_INIT(256);
	struct span text = SPAN(r->text, strlen(r->text) - 1);
	struct checkpoint c;
	struct jit_why why = { 0 };

	JT_OK(ssh_priv_sign(priv, text, &sig));
	wr_u32(&raw, key.id);
	wr_raw(&raw, sig.p + sig.n - 64, 64);
	wr_str(&w, r->text);
	if (r->before != NULL) {
		wr_str(&w, r->before);
	} else {
		raw.p[20] ^= 1;
		wr_str(&w, "\xe2\x80\x94 jit.example.com ");
		b64_put(&w, wr_view(&raw));
		wr_str(&w, "\n");
		raw.p[20] ^= 1;
	}
	wr_str(&w, "\xe2\x80\x94 jit.example.com ");
	b64_put(&w, wr_view(&raw));
	wr_str(&w, "\n");
	wr_str(&w, r->behind);
	JT_WHY(checkpoint_open(wr_view(&w), &key, &c, &why), r->want, &why);
}

static void
never_opens(void *arg, struct span s)
{
	struct checkpoint c;

	(void)arg;
	assert_int_not_equal(checkpoint_open(s, &key, &c, NULL), JIT_OK);
}

static void
flipped(void **state)
{
	JIT_DONE(buf_done) struct buf b = signed_note();

	(void)state;
	jt_flip_truncate(BUF_SPAN(b), never_opens, NULL);
}

int
main(void)
{
	int bad;

	set_up();
	bad = jt_one("other people's keys", other_peoples_keys) +
	    jt_one("golden", golden) +
	    jt_one("strangers only", strangers_only) +
	    jt_one("both ways", both_ways) + JT_ROWS("notes", row, rows) +
	    jt_one("a flipped bit never opens", flipped);
	ssh_priv_free(priv);
	return bad;
}
