/*
 * sshsig: ssh-keygen -Y signs and we verify, we sign and ssh-keygen -Y
 * verifies, for every type of key; our own strictness beyond it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "ca/ssh/sshsig.h"
#include "tests/lib/run.h"

#define NS "decision.v1@jit-cert"
static const struct span text = SPAN("jit-cert decision v1\n", 21);

struct kind { const char *name, *alg, *bits; enum ssh_type type; };
static const struct kind kinds[] = {
	{ "Ed25519", "ed25519", "256", SSH_ED25519 },
	{ "ECDSA P-256", "ecdsa", "256", SSH_ECDSA_P256 },
	{ "ECDSA P-384", "ecdsa", "384", SSH_ECDSA_P384 },
	{ "ECDSA P-521", "ecdsa", "521", SSH_ECDSA_P521 },
	{ "RSA 3072", "rsa", "3072", SSH_RSA },
};

static const char *
path_of(const char *name, const char *suffix)
{
	static char path[4][4096];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/%s%s", jt_tmpdir(), name,
	    suffix);
	return p;
}

static void
never(void *arg, struct span s)
{
	JIT_DONE(sshsig_done) struct sshsig g = { 0 };

	(void)arg;
	if (sshsig_parse(s, &g, NULL) == JIT_OK)
		assert_int_not_equal(sshsig_verify(&g, NS, text, NULL, NULL),
		    JIT_OK);
}

static void
theirs(void **state)
{
	const struct kind *k = *state;
	JIT_DONE(buf_done) struct buf armor = { NULL, 0 }, blob = { NULL, 0 };
	JIT_DONE(sshsig_done) struct sshsig s = { 0 };
	JIT_SCOPED(ssh_key_free) struct ssh_key *pub = NULL;
	struct jit_why why = { 0 };

	assert_int_equal(jt_run((const char *const[]){ "ssh-keygen", "-q",
	    "-t", k->alg, "-b", k->bits, "-N", "", "-f",
	    path_of(k->name, ""), NULL }, SPAN_NONE, NULL), 0);
	jt_write(path_of(k->name, ".txt"), text);
	assert_int_equal(jt_run((const char *const[]){ "ssh-keygen", "-q",
	    "-Y", "sign", "-n", NS, "-f", path_of(k->name, ""),
	    path_of(k->name, ".txt"), NULL }, SPAN_NONE, NULL), 0);
	armor = jt_file(path_of(k->name, ".txt.sig"));
	JT_WHY(sshsig_get_armor(BUF_SPAN(armor), &blob, &why), JIT_OK, &why);
	JT_WHY(sshsig_parse(BUF_SPAN(blob), &s, &why), JIT_OK, &why);
	JT_WHY(sshsig_verify(&s, NS, text, NULL, &why), JIT_OK, &why);
	assert_int_equal(ssh_key_type(s.key), k->type);
	JIT_DONE(buf_done) struct buf line = jt_file(path_of(k->name,
	    ".pub"));

	JT_OK(ssh_key_parse_line(BUF_SPAN(line), &pub, NULL, NULL));
	assert_true(ssh_key_eq(pub, s.key));
	JT_ERR(sshsig_verify(&s, "cancel.v1@jit-cert", text, NULL, NULL),
	    JIT_E_NAMESPACE);
	JT_ERR(sshsig_verify(&s, NS, span_str("another"), NULL, NULL),
	    JIT_E_SIG);
	jt_flip_truncate(BUF_SPAN(blob), never, NULL);
}

static void
ours(void **state)
{
	const struct kind *k = *state;
	uint64_t n = 5;
	struct rng rng = rand_counter(&n);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = NULL;
	JIT_DONE(wr_done) struct wr blob = WR_INIT(SSHSIG_MAX);
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSHSIG_ARMOR_MAX);
	JIT_DONE(buf_done) struct buf out = { NULL, 0 }, back = { NULL, 0 };

	JT_OK(ssh_priv_generate(k->type, 3072, &rng, &p, NULL));
	JT_OK(sshsig_make(p, NS, text, &blob));
	sshsig_put_armor(&w, wr_view(&blob));
	jt_write(path_of(k->name, ".ours.sig"), wr_view(&w));
	wr_done(&w);
	wr_str(&w, "alice ");
	ssh_key_put_line(&w, ssh_priv_public(p), NULL);
	wr_str(&w, "\n");
	jt_write(path_of(k->name, ".allowed"), wr_view(&w));
	assert_int_equal(jt_run((const char *const[]){ "ssh-keygen", "-q",
	    "-Y", "verify", "-n", NS, "-I", "alice", "-f",
	    path_of(k->name, ".allowed"), "-s",
	    path_of(k->name, ".ours.sig"), NULL }, text, &out), 0);
	/* The private key as a file: ssh-keygen -y finds the same public one. */
	wr_done(&w);
	JT_OK(ssh_priv_put_file(p, "c", &rng, &w));
	jt_write(path_of(k->name, ".ours"), wr_view(&w));
	assert_int_equal(jt_run((const char *const[]){ "ssh-keygen", "-y",
	    "-f", path_of(k->name, ".ours"), NULL }, SPAN_NONE, &back), 0);
	wr_done(&w);
	ssh_key_put_line(&w, ssh_priv_public(p), "c");
	wr_u8(&w, '\n');
	assert_true(span_eq(BUF_SPAN(back), wr_view(&w)));
}

struct row { const char *name; int what; enum jit_err want; };
static const struct row rows[] = {
	{ "as it is", 0, JIT_OK },
	{ "version 2", 1, JIT_E_FORMAT },
	{ "something reserved", 2, JIT_E_FORMAT },
	{ "SHA-1", 3, JIT_E_FORMAT },
	{ "no namespace", 4, JIT_E_FORMAT },
	{ "something behind", 5, JIT_E_FORMAT },
	{ "NUL in the namespace", 6, JIT_E_FORMAT },
	{ "another magic", 7, JIT_E_FORMAT },
};

static void
strict(void **state)
{
	const struct row *r = *state;
	uint64_t n = 5;
	struct rng rng = rand_counter(&n);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSHSIG_MAX);
	JIT_DONE(sshsig_done) struct sshsig s = { 0 };

	JT_OK(ssh_priv_generate(SSH_ED25519, 0, &rng, &p, NULL));
	wr_str(&w, r->what == 7 ? "SSHSIH" : "SSHSIG");
	wr_u32(&w, r->what == 1 ? 2 : 1);
	wr_string(&w, ssh_key_blob(ssh_priv_public(p)));
	wr_string(&w, r->what == 4 ? SPAN_NONE :
	    r->what == 6 ? SPAN("a\0b", 3) : span_str(NS));
	wr_string(&w, r->what == 2 ? span_str("x") : SPAN_NONE);
	wr_cstring(&w, r->what == 3 ? "sha1" : "sha512");
	wr_string(&w, span_str("signature"));
	if (r->what == 5)
		wr_u8(&w, 0);
	JT_ERR(sshsig_parse(wr_view(&w), &s, NULL), r->want);
}

static const struct { const char *name, *text; enum jit_err want; } armors[] =
{
	{ "as it is", "-----BEGIN SSH SIGNATURE-----\nAAAA\n"
	    "-----END SSH SIGNATURE-----\n", JIT_OK },
	{ "CR LF", "-----BEGIN SSH SIGNATURE-----\r\nAAAA\r\n"
	    "-----END SSH SIGNATURE-----\r\n", JIT_OK },
	{ "text before", "x\n-----BEGIN SSH SIGNATURE-----\nAAAA\n"
	    "-----END SSH SIGNATURE-----\n", JIT_E_FORMAT },
	{ "text behind", "-----BEGIN SSH SIGNATURE-----\nAAAA\n"
	    "-----END SSH SIGNATURE-----\nx\n", JIT_E_FORMAT },
	{ "no end", "-----BEGIN SSH SIGNATURE-----\nAAAA\n", JIT_E_FORMAT },
	{ "no base64", "-----BEGIN SSH SIGNATURE-----\nA*AA\n"
	    "-----END SSH SIGNATURE-----\n", JIT_E_FORMAT },
	{ "nothing in it", "-----BEGIN SSH SIGNATURE-----\n"
	    "-----END SSH SIGNATURE-----\n", JIT_E_FORMAT },
	{ "empty", "", JIT_E_FORMAT },
};

static void
armor(void **state)
{
	const char *const *r = *state;
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	enum jit_err want;

	memcpy(&want, r + 2, sizeof(want));
	JT_ERR(sshsig_get_armor(span_str(r[1]), &b, NULL), want);
}

int
main(void)
{
	return JT_ROWS("ssh-keygen signs", theirs, kinds) +
	    JT_ROWS("ssh-keygen verifies", ours, kinds) +
	    JT_ROWS("strict", strict, rows) +
	    JT_ROWS("armour", armor, armors);
}
