/*
 * sshsig: ssh-keygen's signatures hold here and ours hold there; what is
 * looser than our own rules is refused; no bit may be flipped.
 */
#include <stdio.h>
#include <string.h>

#include "ca/base/digest.h"
#include "ca/ssh/sshsig.h"
#include "tests/ca/ssh/keygen.h"
#include "tests/lib/run.h"

#define NS "decision.v1@jit-cert"
#define TEXT "jit-cert decision v1\nverdict: approve\n"

/* ---- both directions ---- */

/* As ssh-keygen signs TEXT; hash is "hashalg=sha256" or 512. */
static struct buf
keygen_signs(const char *key, const char *hash)
{
	JIT_DONE(buf_done) struct buf printed = { NULL, 0 };
	const char *msg = kg_tmp("msg");
	char sig[600];

	jt_write(msg, span_str(TEXT));
	(void)snprintf(sig, sizeof(sig), "%s.sig", msg);
	(void)remove(sig);
	assert_int_equal(kg_run(SPAN_NONE, &printed, "-Y", "sign", "-O", hash,
	    "-f", key, "-n", NS, msg, (char *)NULL), 0);
	return jt_file(sig);
}

static enum jit_err
verify_armor(struct span armor, const char *ns, const char *text,
    struct sshsig *ret)
{
	static struct buf blob;	/* what *ret borrows from */

	buf_done(&blob);
	sshsig_done(ret);
	JIT_TRY(sshsig_get_armor(armor, &blob, NULL));
	JIT_TRY(sshsig_parse(BUF_SPAN(blob), ret, NULL));
	return sshsig_verify(ret, ns, span_str(text), NULL, NULL);
}

static void
theirs(void **state)
{
	static const char *const hashes[] = { "hashalg=sha512",
	    "hashalg=sha256" };
	const struct kg_sort *k = *state;

	for (int i = 0; i < 2; i++) {
		JIT_DONE(buf_done) struct buf a = keygen_signs(kg_path(k),
		    hashes[i]);
		JIT_SCOPED(ssh_key_free) struct ssh_key *pub = kg_public(k);
		JIT_DONE(sshsig_done) struct sshsig s = { 0 };

		JT_OK(verify_armor(BUF_SPAN(a), NS, TEXT, &s));
		assert_true(ssh_key_eq(s.key, pub));
		JT_ERR(verify_armor(BUF_SPAN(a), "request.v1@jit-cert", TEXT,
		    &s), JIT_E_NAMESPACE);
		JT_ERR(verify_armor(BUF_SPAN(a), NS "x", TEXT, &s),
		    JIT_E_NAMESPACE);
		JT_ERR(verify_armor(BUF_SPAN(a), "", TEXT, &s),
		    JIT_E_NAMESPACE);
		JT_ERR(verify_armor(BUF_SPAN(a), NS, TEXT "\n", &s),
		    JIT_E_SIG);
		JT_ERR(verify_armor(BUF_SPAN(a), NS, "", &s), JIT_E_SIG);
		(void)verify_armor(SPAN_NONE, NS, "", &s);
	}
}

struct made { const char *name; enum ssh_type type; unsigned bits; };
static const struct made made[] = {
	{ "ed25519", SSH_ED25519, 0 },
	{ "ecdsa-256", SSH_ECDSA_P256, 0 },
	{ "ecdsa-384", SSH_ECDSA_P384, 0 },
	{ "ecdsa-521", SSH_ECDSA_P521, 0 },
	{ "rsa-3072", SSH_RSA, 3072 },
};
#define MADE (sizeof(made) / sizeof(made[0]))
static struct ssh_priv *priv[MADE];

/* Exit status of ssh-keygen -Y verify, with that key as alice's. */
static int
keygen_verifies(const struct ssh_key *k, struct span armor, const char *ns,
    const char *text)
{
	JIT_DONE(wr_done) struct wr allowed = WR_INIT(SSH_BLOB_MAX);
	JIT_DONE(buf_done) struct buf printed = { NULL, 0 };
	const char *list = kg_tmp("allowed"), *sig = kg_tmp("sig");

	wr_str(&allowed, "alice ");
	ssh_key_put_line(&allowed, k, NULL);
	wr_str(&allowed, "\n");
	jt_write(list, wr_view(&allowed));
	jt_write(sig, armor);
	return kg_run(span_str(text), &printed, "-Y", "verify", "-f", list,
	    "-I", "alice", "-n", ns, "-s", sig, (char *)NULL);
}

static void
ours(void **state)
{
	const struct made *m = *state;
	const struct ssh_priv *p = priv[m - made];
	const struct ssh_key *k = ssh_priv_public(p);
	JIT_DONE(wr_done) struct wr blob = WR_INIT(SSHSIG_MAX);
	JIT_DONE(wr_done) struct wr armor = WR_INIT(SSHSIG_ARMOR_MAX);
	JIT_DONE(wr_done) struct wr file = WR_INIT(16384);
	uint64_t n = 3;
	struct rng rng = rand_counter(&n);

	JT_OK(sshsig_make(p, NS, span_str(TEXT), &blob));
	sshsig_put_armor(&armor, wr_view(&blob));
	assert_int_equal(keygen_verifies(k, wr_view(&armor), NS, TEXT), 0);
	assert_int_not_equal(keygen_verifies(k, wr_view(&armor), "git", TEXT),
	    0);
	assert_int_not_equal(keygen_verifies(k, wr_view(&armor), NS, "x"), 0);
	if (m->type == SSH_ECDSA_P256 || m->type == SSH_ECDSA_P384 ||
	    m->type == SSH_ECDSA_P521)
		return;
	/* Signatures without chance in them: the very same armour. */
	JT_OK(ssh_priv_put_file(p, "", &rng, &file));
	jt_write(kg_tmp("ours"), wr_view(&file));
	JIT_DONE(buf_done) struct buf same = keygen_signs(kg_tmp("ours"),
	    "hashalg=sha512");

	assert_true(span_eq(BUF_SPAN(same), wr_view(&armor)));
}

/* ---- flipped and cut ---- */

struct flip { struct span blob, armor; };

static void
never(void *arg, struct span s)
{
	JIT_DONE(sshsig_done) struct sshsig g = { 0 };

	(void)arg;
	if (sshsig_parse(s, &g, NULL) == JIT_OK)
		assert_int_not_equal(sshsig_verify(&g, NS, span_str(TEXT),
		    NULL, NULL), JIT_OK);
}

/* Of the armour, only the last line end may go. */
static void
never_armored(void *arg, struct span s)
{
	const struct flip *f = arg;
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };

	if (sshsig_get_armor(s, &b, NULL) != JIT_OK)
		return;
	if (span_eq(BUF_SPAN(b), f->blob))
		assert_true(s.n == f->armor.n - 1);
	else
		never(NULL, BUF_SPAN(b));
}

static void
flipped(void **state)
{
	const struct made *m = *state;
	JIT_DONE(wr_done) struct wr blob = WR_INIT(SSHSIG_MAX);
	JIT_DONE(wr_done) struct wr armor = WR_INIT(SSHSIG_ARMOR_MAX);
	struct flip f;

	JT_OK(sshsig_make(priv[m - made], NS, span_str(TEXT), &blob));
	sshsig_put_armor(&armor, wr_view(&blob));
	f = (struct flip){ wr_view(&blob), wr_view(&armor) };
	jt_flip_truncate(f.blob, never, &f);
	/* Armour is the same for all; one type shows it. */
	if (m->type == SSH_ED25519)
		jt_flip_truncate(f.armor, never_armored, &f);
	wr_u8(&blob, 0);
	never(NULL, wr_view(&blob));
}

/* ---- looser than our rules ---- */

struct raw {
	const char *name;
	enum jit_err want;
	const char *magic;
	uint32_t version;
	const char *ns, *reserved, *hash;
	const char *key;	/* name that replaces the key's */
	const char *alg;	/* name that replaces the signature's */
	const char *tail;
};
#define OF(v, ns, res, hash) "SSHSIG", v, ns, res, hash

static const struct raw raws[] = {
	{ "sha512", JIT_OK, OF(1, NS, "", "sha512"), 0, 0, "" },
	{ "sha256", JIT_OK, OF(1, NS, "", "sha256"), 0, 0, "" },
	{ "another magic", JIT_E_FORMAT, "SSHKRL", 1, NS, "", "sha512", 0, 0,
	    "" },
	{ "version 0", JIT_E_FORMAT, OF(0, NS, "", "sha512"), 0, 0, "" },
	{ "version 2", JIT_E_FORMAT, OF(2, NS, "", "sha512"), 0, 0, "" },
	{ "version 2^24", JIT_E_FORMAT, OF(1 << 24, NS, "", "sha512"), 0, 0,
	    "" },
	{ "no namespace", JIT_E_FORMAT, OF(1, "", "", "sha512"), 0, 0, "" },
	{ "something reserved", JIT_E_FORMAT, OF(1, NS, "x", "sha512"), 0, 0,
	    "" },
	{ "sha1", JIT_E_FORMAT, OF(1, NS, "", "sha1"), 0, 0, "" },
	{ "sha384", JIT_E_FORMAT, OF(1, NS, "", "sha384"), 0, 0, "" },
	{ "SHA512", JIT_E_FORMAT, OF(1, NS, "", "SHA512"), 0, 0, "" },
	{ "no hash", JIT_E_FORMAT, OF(1, NS, "", ""), 0, 0, "" },
	{ "a byte behind", JIT_E_FORMAT, OF(1, NS, "", "sha512"), 0, 0, "x" },
	{ "case 27: a certificate as key", JIT_E_KEYTYPE,
	    OF(1, NS, "", "sha512"), "ssh-ed25519-cert-v01@openssh.com", 0,
	    "" },
	{ "case 29: another type's key", JIT_E_FORMAT,
	    OF(1, NS, "", "sha512"), "ssh-rsa", 0, "" },
	{ "case 29: another type's signature", JIT_E_KEYTYPE,
	    OF(1, NS, "", "sha512"), 0, "rsa-sha2-512", "" },
	{ "case 29: the certificate's name for it", JIT_E_KEYTYPE,
	    OF(1, NS, "", "sha512"), 0, "ssh-ed25519-cert-v01@openssh.com",
	    "" },
};

/* The string after its first one, whose name is replaced when as is given. */
static void
put_renamed(struct wr *w, struct span s, const char *as)
{
	struct rd r = rd_of(s);
	struct span name = rd_string(&r, 64);
	size_t mark = wr_string_begin(w);

	if (as != NULL)
		wr_cstring(w, as);
	else
		wr_string(w, name);
	wr_raw(w, r.p, r.n);
	wr_string_end(w, mark);
}

static void
put_hashed(struct wr *w, const char *hash, struct span text)
{
	uint8_t d512[64];
	struct digest d;

	JT_OK(digest_sha512(text, d512));
	JT_OK(digest_sha256(text, &d));
	wr_string(w, strcmp(hash, "sha256") == 0 ? DIGEST_SPAN(d) :
	    SPAN(d512, 64));
}

/* A signature that holds over just those fields. */
static void
put_raw(struct wr *w, const struct raw *r, const struct ssh_priv *p)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(1024);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);

	wr_str(&tbs, r->magic);
	wr_cstring(&tbs, r->ns);
	wr_cstring(&tbs, r->reserved);
	wr_cstring(&tbs, r->hash);
	put_hashed(&tbs, r->hash, span_str(TEXT));
	JT_OK(ssh_priv_sign(p, wr_view(&tbs), &sig));
	wr_str(w, r->magic);
	wr_u32(w, r->version);
	put_renamed(w, ssh_key_blob(ssh_priv_public(p)), r->key);
	wr_cstring(w, r->ns);
	wr_cstring(w, r->reserved);
	wr_cstring(w, r->hash);
	put_renamed(w, wr_view(&sig), r->alg);
	wr_str(w, r->tail);
}

static void
by_hand(void **state)
{
	const struct raw *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSHSIG_MAX);
	JIT_DONE(sshsig_done) struct sshsig s = { 0 };
	struct jit_why why = { JIT_OK, "" };
	enum jit_err e;

	put_raw(&w, r, priv[0]);
	e = sshsig_parse(wr_view(&w), &s, &why);
	if (e == JIT_OK)
		e = sshsig_verify(&s, r->ns, span_str(TEXT), NULL, &why);
	else
		assert_null(s.key);
	JT_WHY(e, r->want, &why);
	assert_int_equal(why.msg[0] != '\0', r->want != JIT_OK);
}

/* sshsig_put() around a signature over sshsig_put_tbs() is sshsig_make(). */
static void
in_two_steps(void **state)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(512), one = WR_INIT(4096);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	JIT_DONE(wr_done) struct wr two = WR_INIT(4096);

	(void)state;
	JT_OK(sshsig_make(priv[0], NS, span_str(TEXT), &one));
	JT_OK(sshsig_put_tbs(&tbs, NS, span_str(TEXT)));
	JT_OK(ssh_priv_sign(priv[0], wr_view(&tbs), &sig));
	sshsig_put(&two, ssh_priv_public(priv[0]), NS, wr_view(&sig));
	assert_true(span_eq(wr_view(&one), wr_view(&two)));
}

/* A NUL would end the namespace for one reader and not for another. */
static void
nul_in_namespace(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSHSIG_MAX);
	struct sshsig s = { 0 };

	(void)state;
	wr_str(&w, "SSHSIG");
	wr_u32(&w, 1);
	wr_string(&w, ssh_key_blob(ssh_priv_public(priv[0])));
	wr_string(&w, SPAN(NS "\0x", sizeof(NS "\0x") - 1));
	wr_string(&w, SPAN_NONE);
	wr_cstring(&w, "sha512");
	wr_string(&w, span_str("any"));
	JT_ERR(sshsig_parse(wr_view(&w), &s, NULL), JIT_E_FORMAT);
	assert_null(s.key);
}

static void
too_long(void **state)
{
	static const uint8_t zero[SSHSIG_ARMOR_MAX + 1];
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct sshsig s = { 0 };

	(void)state;
	JT_ERR(sshsig_parse(SPAN(zero, SSHSIG_MAX + 1), &s, NULL),
	    JIT_E_SIZE);
	JT_ERR(sshsig_parse(SPAN_NONE, &s, NULL), JIT_E_FORMAT);
	JT_ERR(sshsig_get_armor(SPAN(zero, sizeof(zero)), &b, NULL),
	    JIT_E_SIZE);
	assert_null(s.key);
	assert_null(b.p);
}

/* ---- armour ---- */

#define BEGIN "-----BEGIN SSH SIGNATURE-----"
#define END "-----END SSH SIGNATURE-----"
struct armor { const char *name, *text, *want; };	/* want: the bytes */

static const struct armor armors[] = {
	{ "one line", BEGIN "\nYWJj\n" END "\n", "abc" },
	{ "two lines", BEGIN "\nYWJj\nZGVm\n" END "\n", "abcdef" },
	{ "padded", BEGIN "\nYWI=\n" END "\n", "ab" },
	{ "CR LF", BEGIN "\r\nYWJj\r\nZGVm\r\n" END "\r\n", "abcdef" },
	{ "without the last LF", BEGIN "\nYWJj\n" END, "abc" },
	{ "white space behind", BEGIN "\nYWJj\n" END " \n\r\n", "abc" },
	{ "nothing", "", NULL },
	{ "the first line alone", BEGIN, NULL },
	{ "no last line", BEGIN "\nYWJj\n", NULL },
	{ "a last line cut short", BEGIN "\nYWJj\n-----END SSH", NULL },
	{ "another last line", BEGIN "\nYWJj\n-----END PGP SIGNATURE-----\n",
	    NULL },
	{ "another first line", "-----BEGIN PGP SIGNATURE-----\nYWJj\n" END
	    "\n", NULL },
	{ "space before", " " BEGIN "\nYWJj\n" END "\n", NULL },
	{ "text before", "x\n" BEGIN "\nYWJj\n" END "\n", NULL },
	{ "BOM before", "\xef\xbb\xbf" BEGIN "\nYWJj\n" END "\n", NULL },
	{ "text behind", BEGIN "\nYWJj\n" END "\nx", NULL },
	{ "a second one behind", BEGIN "\nYWJj\n" END "\n" BEGIN
	    "\nYWJj\n" END "\n", NULL },
	{ "no line end behind the first", BEGIN "YWJj\n" END "\n", NULL },
	{ "space behind the first", BEGIN " \nYWJj\n" END "\n", NULL },
	{ "no line end before the last", BEGIN "\nYWJj" END "\n", NULL },
	{ "nothing between", BEGIN "\n" END "\n", NULL },
	{ "space in a line", BEGIN "\nYW Jj\n" END "\n", NULL },
	{ "no base64", BEGIN "\nY*Jj\n" END "\n", NULL },
	{ "a header", BEGIN "\nHash: x\n\nYWJj\n" END "\n", NULL },
	{ "padding inside", BEGIN "\nYWI=\nYWJj\n" END "\n", NULL },
	{ "padding missing", BEGIN "\nYWI\n" END "\n", NULL },
	{ "bits behind", BEGIN "\nYWJ=\n" END "\n", NULL },
	{ "the URL alphabet", BEGIN "\n__-_\n" END "\n", NULL },
	{ "CR alone", BEGIN "\rYWJj\r" END "\r", NULL },
};

static void
armor(void **state)
{
	const struct armor *a = *state;
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };

	JT_ERR(sshsig_get_armor(span_str(a->text), &b, NULL),
	    a->want != NULL ? JIT_OK : JIT_E_FORMAT);
	if (a->want != NULL)
		assert_true(span_eq_str(BUF_SPAN(b), a->want));
	else
		assert_null(b.p);
}

int
main(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	int bad;

	for (size_t i = 0; i < MADE; i++)
		if (ssh_priv_generate(made[i].type, made[i].bits, &rng,
		    &priv[i], NULL) != JIT_OK)
			return 1;
	bad = JT_ROWS("ssh-keygen signs", theirs, kg_sorts) +
	    JT_ROWS("ssh-keygen verifies", ours, made) +
	    JT_ROWS("flipped and cut", flipped, made) +
	    JT_ROWS("by hand", by_hand, raws) +
	    jt_one("in two steps", in_two_steps) +
	    jt_one("NUL in the namespace", nul_in_namespace) +
	    jt_one("too long, too short", too_long) +
	    JT_ROWS("armour", armor, armors);
	for (size_t i = 0; i < MADE; i++)
		ssh_priv_free(priv[i]);
	return bad;
}
