/*
 * key_file: sealed and opened, and told apart: a wrong passphrase, a damaged
 * file, a mode that is too open, a foreign owner.  The last needs root and
 * says so where it is not.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/digest.h"
#include "ca/base/text.h"
#include "signer/key_file.h"
#include "tests/lib/jt.h"

#define PASS "correct horse battery staple"
#define FOREIGN 65534
#define CHEAP { KEY_COST_N_MIN, 8, 1 }
#define BEGIN "-----BEGIN JIT SIGNER KEY-----\n"
#define END "-----END JIT SIGNER KEY-----\n"

static const struct key_cost cheap = CHEAP;

static struct ssh_priv *
new_key(enum ssh_type t)
{
	uint64_t state = 1;
	struct rng rng = rand_counter(&state);
	struct ssh_priv *k = NULL;
	struct jit_why why = { 0 };

	JT_WHY(ssh_priv_generate(t, t == SSH_RSA ? 3072 : 0, &rng, &k, &why),
	    JIT_OK, &why);
	return k;
}

static struct secret
pass_of(const char *s)
{
	struct secret p = { NULL, 0, 0 };

	if (s[0] != '\0')
		JT_OK(secret_copy(&p, span_str(s)));
	return p;
}

static enum jit_err
open_with(struct span text, const char *pass, enum key_use use,
    struct ssh_priv **ret, struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret p = pass_of(pass);

	return key_file_open(text, &p, use, ret, why);
}

/* A sealed Ed25519 user CA key, made once. */
static struct span
sealed(void)
{
	static struct buf text;

	if (text.p == NULL) {
		JIT_SCOPED(ssh_priv_free) struct ssh_priv *k =
		    new_key(SSH_ED25519);
		JIT_DONE(secret_done) struct secret p = pass_of(PASS);
		JIT_DONE(wr_done) struct wr w = WR_INIT(KEY_FILE_MAX);
		uint64_t state = 9;
		struct rng rng = rand_counter(&state);

		JT_OK(key_file_seal(k, KEY_USE_USER_CA, &p, &cheap, &rng, &w,
		    NULL));
		JT_OK(wr_take(&w, &text));
	}
	return BUF_SPAN(text);
}

/* ---- there and back ---- */

struct type_row {
	const char *name;
	enum ssh_type type;
	enum key_use use;
	enum jit_err want;
};
static const struct type_row types[] = {
	{ "Ed25519 for users", SSH_ED25519, KEY_USE_USER_CA, JIT_OK },
	{ "Ed25519 for the log", SSH_ED25519, KEY_USE_LOG, JIT_OK },
	{ "P-256 for hosts", SSH_ECDSA_P256, KEY_USE_HOST_CA, JIT_OK },
	{ "P-384 for X.509", SSH_ECDSA_P384, KEY_USE_X509_CA, JIT_OK },
	{ "P-521 for users", SSH_ECDSA_P521, KEY_USE_USER_CA, JIT_OK },
	{ "RSA for a root", SSH_RSA, KEY_USE_X509_ROOT, JIT_OK },
	{ "P-256 for the log", SSH_ECDSA_P256, KEY_USE_LOG, JIT_E_KEYTYPE },
	{ "no such use", SSH_ED25519, (enum key_use)9, JIT_E_ARG },
};

static void
both_ways(void **state)
{
	const struct type_row *r = *state;
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = new_key(r->type);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *back = NULL;
	JIT_DONE(secret_done) struct secret p = pass_of(PASS);
	JIT_DONE(wr_done) struct wr w = WR_INIT(KEY_FILE_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	JIT_DONE(key_file_claims_done) struct key_file_claims c = { 0 };
	struct rng rng = rand_system();
	struct jit_why why = { 0 };

	JT_WHY(key_file_seal(k, r->use, &p, &cheap, &rng, &w, &why), r->want,
	    &why);
	if (r->want != JIT_OK) {
		assert_int_equal(w.n, 0);
		return;
	}
	JT_WHY(key_file_peek(wr_view(&w), &c, &why), JIT_OK, &why);
	assert_int_equal(c.use, r->use);
	assert_true(ssh_key_eq(c.pub, ssh_priv_public(k)));
	assert_true(c.cost.n == cheap.n && c.cost.r == 8 && c.cost.p == 1);
	JT_WHY(key_file_open(wr_view(&w), &p, r->use, &back, &why), JIT_OK,
	    &why);
	JT_OK(ssh_priv_sign(back, span_str("x"), &sig));
	JT_OK(ssh_sig_verify(ssh_priv_public(k), span_str("x"),
	    wr_view(&sig), NULL, &why));
}

/* The same key twice is two files: salt and nonce are fresh. */
static void
fresh(void **state)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = new_key(SSH_ED25519);
	JIT_DONE(secret_done) struct secret p = pass_of(PASS);
	JIT_DONE(wr_done) struct wr a = WR_INIT(KEY_FILE_MAX);
	JIT_DONE(wr_done) struct wr b = WR_INIT(KEY_FILE_MAX);
	JIT_DONE(secret_done) struct secret none = { NULL, 0, 0 };
	struct rng rng = rand_system();

	(void)state;
	JT_OK(key_file_seal(k, KEY_USE_LOG, &p, &cheap, &rng, &a, NULL));
	JT_OK(key_file_seal(k, KEY_USE_LOG, &p, &cheap, &rng, &b, NULL));
	assert_int_equal(a.n, b.n);
	assert_false(span_eq(wr_view(&a), wr_view(&b)));
	JT_ERR(key_file_seal(k, KEY_USE_LOG, &none, &cheap, &rng, &a, NULL),
	    JIT_E_ARG);
}

/* Made by python, from the words in key_file.h. */
static void
golden(void **state)
{
	JIT_DONE(buf_done) struct buf text =
	    jt_file(jt_source("tests/vectors/signer/key_file.key"));
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = NULL;
	JIT_DONE(secret_done) struct secret seed = { NULL, 0, 0 };
	struct jit_why why = { 0 };

	(void)state;
	JT_WHY(open_with(BUF_SPAN(text), PASS, KEY_USE_USER_CA, &k, &why),
	    JIT_OK, &why);
	JT_OK(ssh_priv_save(k, &seed));
	assert_int_equal(seed.n, 32);
	for (size_t i = 0; i < 32; i++)
		assert_int_equal(seed.p[i], i);
}

/* ---- what is told apart ---- */

struct pass_row {
	const char *name, *pass;
	enum key_use use;
	enum jit_err want;
};
static const struct pass_row passes[] = {
	{ "right", PASS, KEY_USE_USER_CA, JIT_OK },
	{ "wrong", "wrong", KEY_USE_USER_CA, JIT_E_PASSPHRASE },
	{ "one letter more", PASS "r", KEY_USE_USER_CA, JIT_E_PASSPHRASE },
	{ "a line feed more", PASS "\n", KEY_USE_USER_CA, JIT_E_PASSPHRASE },
	{ "none", "", KEY_USE_USER_CA, JIT_E_ARG },
	{ "for another use", PASS, KEY_USE_HOST_CA, JIT_E_ARG },
	{ "for no use", PASS, (enum key_use)0, JIT_E_ARG },
};

static void
passphrases(void **state)
{
	const struct pass_row *r = *state;
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = NULL;
	struct jit_why why = { 0 };

	JT_WHY(open_with(sealed(), r->pass, r->use, &k, &why), r->want, &why);
	assert_true((k != NULL) == (r->want == JIT_OK));
	if (r->use == KEY_USE_HOST_CA)
		assert_string_equal(why.msg, "it is a key for user-ca, "
		    "wanted is one for host-ca");
}

/* Offsets in the bytes of an Ed25519 file; see key_file.h. */
enum {
	AT_MAGIC = 0, AT_USE = 8, AT_TYPE = 9, AT_BLOB = 24, AT_PUB = 47,
	AT_N = 79, AT_R = 87, AT_P = 91, AT_SALT = 95, AT_NONCE = 127,
	AT_CHECK = 139, AT_LEN = 147, AT_SEALED = 151, AT_TAG = 183,
	AT_SUM = 199, RAW = 207
};

static void
raw_of(struct span text, uint8_t ret[static RAW])
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(KEY_FILE_MAX);
	size_t b = sizeof(BEGIN) - 1, e = sizeof(END) - 1;

	JT_OK(b64_get_lines(SPAN(text.p + b, text.n - b - e), &w));
	assert_int_equal(w.n, RAW);
	memcpy(ret, w.p, RAW);
}

/* Not only the whole differs: salt and nonce each do, and the sealed bytes. */
static void
fresh_parts(void **state)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = new_key(SSH_ED25519);
	JIT_DONE(secret_done) struct secret p = pass_of(PASS);
	struct rng rng = rand_system();
	uint8_t raw[2][RAW];

	(void)state;
	for (int i = 0; i < 2; i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(KEY_FILE_MAX);

		JT_OK(key_file_seal(k, KEY_USE_LOG, &p, &cheap, &rng, &w,
		    NULL));
		raw_of(wr_view(&w), raw[i]);
	}
	assert_memory_not_equal(raw[0] + AT_SALT, raw[1] + AT_SALT, 32);
	assert_memory_not_equal(raw[0] + AT_NONCE, raw[1] + AT_NONCE, 12);
	assert_memory_not_equal(raw[0] + AT_SEALED, raw[1] + AT_SEALED, 32);
}

/* Everything holds, but the two halves are of two keys; made by python. */
static void
two_halves(void **state)
{
	JIT_DONE(buf_done) struct buf text =
	    jt_file(jt_source("tests/vectors/signer/key_file_halves.key"));
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = NULL;
	struct jit_why why = { 0 };

	(void)state;
	JT_WHY(open_with(BUF_SPAN(text), PASS, KEY_USE_USER_CA, &k, &why),
	    JIT_E_FORMAT, &why);
	assert_string_equal(why.msg, "the private key is not that of its "
	    "public key");
	assert_null(k);
}

/* As somebody would who changes a file on purpose: with its sum made anew. */
static void
text_of(uint8_t raw[static RAW], size_t n, struct wr *w)
{
	struct digest d;

	JT_OK(digest_sha256(SPAN(raw, n - 8), &d));
	memcpy(raw + n - 8, d.b, 8);
	wr_str(w, BEGIN);
	b64_put_lines(w, SPAN(raw, n), 64);
	wr_str(w, END);
}

struct change {
	const char *name;
	size_t at;
	uint8_t flip;
	enum jit_err want;
};
static const struct change changes[] = {
	{ "magic", AT_MAGIC + 6, 3, JIT_E_FORMAT },
	{ "use of another", AT_USE, 1 ^ 2, JIT_E_ARG },
	{ "use of none", AT_USE, 0x80, JIT_E_FORMAT },
	{ "length of type", AT_TYPE + 3, 1, JIT_E_FORMAT },
	{ "type", AT_TYPE + 14, 1, JIT_E_FORMAT },
	{ "length of blob", AT_BLOB + 3, 1, JIT_E_FORMAT },
	{ "N not a power of two", AT_N + 7, 1, JIT_E_FORMAT },
	{ "N of 2^62", AT_N, 0x40, JIT_E_FORMAT },
	{ "N of nothing", AT_N + 6, 0x40, JIT_E_FORMAT },
	{ "N twice", AT_N + 6, 0xc0, JIT_E_PASSPHRASE },
	{ "r of 9", AT_R + 3, 1, JIT_E_PASSPHRASE },
	{ "r of 0", AT_R + 3, 8, JIT_E_FORMAT },
	{ "r huge", AT_R, 0x80, JIT_E_FORMAT },
	{ "p of 3", AT_P + 3, 2, JIT_E_PASSPHRASE },
	{ "p of 0", AT_P + 3, 1, JIT_E_FORMAT },
	{ "p huge", AT_P, 0x80, JIT_E_FORMAT },
	{ "salt", AT_SALT, 1, JIT_E_PASSPHRASE },
	{ "nonce", AT_NONCE, 1, JIT_E_FORMAT },
	{ "check", AT_CHECK, 1, JIT_E_PASSPHRASE },
	{ "length of the ciphertext", AT_LEN + 3, 1, JIT_E_FORMAT },
	{ "ciphertext", AT_SEALED, 1, JIT_E_FORMAT },
	{ "tag", AT_TAG + 15, 0x80, JIT_E_FORMAT },
};

static void
changed(void **state)
{
	const struct change *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(KEY_FILE_MAX);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = NULL;
	struct jit_why why = { 0 };
	uint8_t raw[RAW];

	raw_of(sealed(), raw);
	raw[r->at] ^= r->flip;
	text_of(raw, RAW, &w);
	JT_WHY(open_with(wr_view(&w), PASS, KEY_USE_USER_CA, &k, &why),
	    r->want, &why);
	assert_null(k);
}

/* Public half or use exchanged: the passphrase is right, the tag is not. */
static void
exchanged(void **state)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *other = NULL, *k = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(KEY_FILE_MAX);
	uint64_t seed = 77;
	struct rng rng = rand_counter(&seed);
	struct jit_why why = { 0 };
	uint8_t raw[RAW];

	(void)state;
	JT_OK(ssh_priv_generate(SSH_ED25519, 0, &rng, &other, NULL));
	raw_of(sealed(), raw);
	memcpy(raw + AT_BLOB + 4, ssh_key_blob(ssh_priv_public(other)).p, 51);
	text_of(raw, RAW, &w);
	JT_ERR(open_with(wr_view(&w), PASS, KEY_USE_USER_CA, &k, &why),
	    JIT_E_FORMAT);
	assert_string_equal(why.msg, "the passphrase is right, but the file "
	    "was changed after it was made");
	wr_done(&w);
	raw_of(sealed(), raw);
	raw[AT_USE] = KEY_USE_HOST_CA;
	text_of(raw, RAW, &w);
	JT_ERR(open_with(wr_view(&w), PASS, KEY_USE_HOST_CA, &k, &why),
	    JIT_E_FORMAT);
	assert_null(k);
}

/* One text means it: what else would decode to the same is refused. */
struct form { const char *name, *from, *to; };
static const struct form forms[] = {
	{ "carriage returns", "KEY-----\n", "KEY-----\r\n" },
	{ "another heading", "BEGIN JIT", "BEGIN A JIT" },
	{ "no line feed at the end", "END JIT SIGNER KEY-----\n",
	    "END JIT SIGNER KEY-----" },
	{ "something before", "-----BEGIN", "x-----BEGIN" },
	{ "something behind", "END JIT SIGNER KEY-----\n",
	    "END JIT SIGNER KEY-----\nx" },
	{ "an empty line", "KEY-----\n", "KEY-----\n\n" },
	{ "a space", "KEY-----\n", "KEY-----\n " },
};

static void
one_form(void **state)
{
	const struct form *f = *state;
	struct span s = sealed();
	const char *at = strstr((const char *)s.p, f->from);
	JIT_DONE(wr_done) struct wr w = WR_INIT(KEY_FILE_MAX);
	struct key_file_claims c = { 0 };
	struct jit_why why = { 0 };

	assert_non_null(at);
	wr_raw(&w, s.p, (size_t)((const uint8_t *)at - s.p));
	wr_str(&w, f->to);
	wr_str(&w, at + strlen(f->from));
	JT_WHY(key_file_peek(wr_view(&w), &c, &why), JIT_E_FORMAT, &why);
	assert_null(c.pub);
}

/* Damage is never taken for a wrong passphrase, and costs no scrypt. */
static void
damaged_one(void *arg, struct span s)
{
	struct ssh_priv *k = NULL;
	struct jit_why why = { 0 };

	JT_WHY(key_file_open(s, arg, KEY_USE_USER_CA, &k, &why),
	    JIT_E_FORMAT, &why);
}

static void
damaged(void **state)
{
	JIT_DONE(secret_done) struct secret p = pass_of(PASS);

	(void)state;
	jt_flip_truncate(sealed(), damaged_one, &p);
}

struct cost_row { const char *name; struct key_cost c; enum jit_err want; };
static const struct cost_row costs[] = {
	{ "default", { 1u << 15, 8, 1 }, JIT_OK },
	{ "least", CHEAP, JIT_OK },
	{ "most memory", { 1u << 17, 8, 4 }, JIT_OK },
	{ "too much memory", { 1u << 18, 8, 1 }, JIT_E_ARG },
	{ "too much by r", { 1u << 16, 32, 1 }, JIT_E_ARG },
	{ "most by r", { 1u << 15, 32, 1 }, JIT_OK },
	{ "too weak", { 1u << 13, 8, 1 }, JIT_E_ARG },
	{ "not a power of two", { 3u << 14, 8, 1 }, JIT_E_ARG },
	{ "r too small", { 1u << 15, 7, 1 }, JIT_E_ARG },
	{ "r too large", { 1u << 14, 33, 1 }, JIT_E_ARG },
	{ "no p", { 1u << 15, 8, 0 }, JIT_E_ARG },
	{ "p too large", { 1u << 15, 8, 5 }, JIT_E_ARG },
	{ "N of 2^63", { (uint64_t)1 << 63, 8, 1 }, JIT_E_ARG },
	{ "nothing", { 0, 0, 0 }, JIT_E_ARG },
};

static void
cost_bounds(void **state)
{
	const struct cost_row *r = *state;
	struct jit_why why = { 0 };

	JT_WHY(key_cost_check(&r->c, &why), r->want, &why);
	assert_true((why.msg[0] == '\0') == (r->want == JIT_OK));
}

/* ---- four different errors, with real files ---- */

static void
files(void **state)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = new_key(SSH_ED25519);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *back = NULL;
	JIT_DONE(secret_done) struct secret p = pass_of(PASS);
	JIT_DONE(secret_done) struct secret q = pass_of("wrong");
	struct rng rng = rand_system();
	struct jit_why why = { 0 };
	struct stat st;
	uid_t me = geteuid();
	char path[4200];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/ca.key", jt_tmpdir());
	JT_WHY(key_file_save(path, k, KEY_USE_USER_CA, &p, &cheap, &rng,
	    &why), JIT_OK, &why);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	JT_ERR(key_file_save(path, k, KEY_USE_USER_CA, &p, &cheap, &rng,
	    &why), JIT_E_EXISTS);
	JT_WHY(key_file_load(path, me, &p, KEY_USE_USER_CA, &back, &why),
	    JIT_OK, &why);
	ssh_priv_free(back);
	back = NULL;
	JT_ERR(key_file_load(path, me, &q, KEY_USE_USER_CA, &back, &why),
	    JIT_E_PASSPHRASE);
	assert_memory_equal(why.msg, path, strlen(path));
	assert_int_equal(chmod(path, 0640), 0);
	JT_ERR(key_file_load(path, me, &p, KEY_USE_USER_CA, &back, &why),
	    JIT_E_MODE);
	assert_int_equal(chmod(path, 0600), 0);
	JT_ERR(key_file_load(path, me + 1, &p, KEY_USE_USER_CA, &back, &why),
	    JIT_E_OWNER);
	if (me == 0) {
		assert_int_equal(chown(path, FOREIGN, (gid_t)-1), 0);
		JT_ERR(key_file_load(path, me, &p, KEY_USE_USER_CA, &back,
		    &why), JIT_E_OWNER);
		assert_int_equal(chown(path, me, (gid_t)-1), 0);
	} else {
		print_message("SKIPPED: a foreign owner needs root\n");
	}
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	JT_ERR(key_file_load(path, me, &p, KEY_USE_USER_CA, &back, &why),
	    JIT_E_FORMAT);
	JT_ERR(key_file_load(jt_tmpdir(), me, &p, KEY_USE_USER_CA, &back,
	    &why), JIT_E_FORMAT);
	assert_null(back);
}

static void
names(void **state)
{
	enum key_use u = KEY_USE_LOG;

	(void)state;
	JT_OK(key_use_parse("host-ca", &u));
	assert_int_equal(u, KEY_USE_HOST_CA);
	JT_ERR(key_use_parse("host", &u), JIT_E_ARG);
	assert_string_equal(key_use_name(KEY_USE_X509_CA), "x509-ca");
	assert_string_equal(key_use_name((enum key_use)77), "unknown");
}

int
main(void)
{
	return JT_ROWS("both ways", both_ways, types) +
	    jt_one("fresh", fresh) + jt_one("golden", golden) +
	    JT_ROWS("passphrases", passphrases, passes) +
	    jt_one("fresh parts", fresh_parts) +
	    jt_one("two halves", two_halves) +
	    JT_ROWS("changed", changed, changes) +
	    jt_one("exchanged", exchanged) +
	    JT_ROWS("one form", one_form, forms) +
	    jt_one("damaged", damaged) + JT_ROWS("costs", cost_bounds, costs) +
	    jt_one("files", files) + jt_one("names", names);
}
