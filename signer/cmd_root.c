/*
 * jit-signer root - an offline root: a ceremony of files.
 *
 * On a machine of its own, in a directory of its own:
 *
 *	root.key   key_file.h, under a passphrase; never leaves the directory
 *	root.pem   its certificate, self-signed, path length 1
 *
 * init makes them, sign answers a CSR of jit-signer rotate --csr with a
 * chain, crl makes the root's own CRL, which servers with revocation checking
 * want beside the issuing CA's.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "ca/x509/crl.h"
#include "ca/x509/csr.h"
#include "ca/x509/der.h"
#include "signer/cmd.h"
#include "signer/wall.h"

#define DAY ((dur_s)24 * 3600)
#define ROOT_DAYS 7300		/* usual life of a root, */
#define CA_DAYS 1825		/* of an issuing CA, */
#define CRL_DAYS 180		/* and of the root's CRL */
#define SLACK 300		/* s that another clock may run slow */

struct root {
	const char *dir, *what, *name, *type, *csr, *out, *days, *revoke, *file,
	    *fd;
};

struct path { char s[PATH_MAX]; };

static enum jit_err
path_of(const struct root *o, const char *name, struct path *ret,
    struct jit_why *why)
{
	int n = snprintf(ret->s, sizeof(ret->s), "%s/%s", o->dir, name);

	if (n < 0 || (size_t)n >= sizeof(ret->s))
		return jit_fail(why, JIT_E_SIZE, "%s: the path is too long",
		    o->dir);
	return JIT_OK;
}

static enum jit_err
life(const struct root *o, unsigned usual, dur_s *ret, struct jit_why *why)
{
	uint64_t days = usual;

	if (o->days != NULL && (uint_parse(span_str(o->days), 36500, &days) !=
	    JIT_OK || days == 0))
		return jit_fail(why, JIT_E_ARG, "--days: accepted are 1 to "
		    "36500");
	*ret = (dur_s)days * DAY;
	return JIT_OK;
}

static enum jit_err
passphrase(const struct root *o, bool new, struct secret *ret,
    struct jit_why *why)
{
	struct passphrase_from from;

	JIT_TRY(cmd_passphrase(o->file, o->fd, &from, why));
	from.prompt = new ? "New passphrase of the root: " :
	    "Passphrase of the root: ";
	from.again = new ? "The same again: " : NULL;
	return passphrase_get(&from, ret, why);
}

/* ---- init ---- */

static enum jit_err
make_root(const struct root *o, const struct ssh_priv *k,
    const struct rng *rng, struct wr *pem, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CA_MAX);
	struct x509_ca_fields f = { .cn = span_str(o->name),
	    .after = wall_s() - SLACK, .pathlen = 1 };
	dur_s d = 0;

	JIT_TRY(life(o, ROOT_DAYS, &d, why));
	f.before = wall_s() + d;
	JIT_TRY(x509_serial_make(rng, f.serial));
	JIT_TRY(x509_ca_make(&der, &f, ssh_priv_public(k), NULL, k, why));
	x509_put_pem(pem, "CERTIFICATE", wr_view(&der));
	return pem->err;
}

static enum jit_err
root_init(const struct root *o, struct jit_why *why)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = NULL;
	JIT_DONE(secret_done) struct secret pass = { NULL, 0, 0 };
	JIT_DONE(wr_done) struct wr pem = WR_INIT(2 * X509_CA_MAX);
	const struct rng rng = rand_system();
	const struct key_cost cost = KEY_COST_DEFAULT;
	JIT_DONE(sys_close) int dir = -1;
	enum ssh_type type;
	unsigned bits;
	struct path key, cert;

	JIT_TRY(keyring_type_parse(o->type != NULL ? o->type : "ecdsa-p384",
	    &type, &bits, why));
	JIT_TRY(home_make(o->dir, &dir, why));
	JIT_TRY(path_of(o, "root.key", &key, why));
	JIT_TRY(path_of(o, "root.pem", &cert, why));
	JIT_TRY(passphrase(o, true, &pass, why));
	JIT_TRY(ssh_priv_generate(type, bits, &rng, &k, why));
	JIT_TRY(make_root(o, k, &rng, &pem, why));
	JIT_TRY(key_file_save(key.s, k, KEY_USE_X509_ROOT, &pass, &cost, &rng,
	    why));
	JIT_TRY(sys_write_file(cert.s, wr_view(&pem), 0644, SYS_NEW, why));
	(void)printf("The root is ready: %s is for servers, %s stays here.\n",
	    cert.s, key.s);
	return JIT_OK;
}

/* ---- what the root signs ---- */

struct root_keys {
	struct ssh_priv *key;
	struct x509_ca *ca;
};

static void
root_keys_done(struct root_keys *r)
{
	ssh_priv_free(r->key);
	x509_ca_free(r->ca);
}
JIT_SCOPED_OBJ(struct root_keys, root_keys_done);

static enum jit_err
open_root(const struct root *o, struct root_keys *ret, struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret pass = { NULL, 0, 0 };
	JIT_DONE(buf_done) struct buf pem = { NULL, 0 }, der = { NULL, 0 };
	struct path key, cert;
	enum jit_err e;

	JIT_TRY(path_of(o, "root.key", &key, why));
	JIT_TRY(path_of(o, "root.pem", &cert, why));
	JIT_TRY(cmd_read_file(cert.s, 2 * X509_CA_MAX, &pem, why));
	e = x509_pem_one(BUF_SPAN(pem), "CERTIFICATE", &der, why);
	if (e == JIT_OK)
		e = x509_ca_parse(BUF_SPAN(der), &ret->ca, why);
	if (e != JIT_OK)
		return jit_at(why, e, "%s", cert.s);
	JIT_TRY(passphrase(o, false, &pass, why));
	JIT_TRY(key_file_load(key.s, geteuid(), &pass, KEY_USE_X509_ROOT,
	    &ret->key, why));
	if (!ssh_key_eq(ssh_priv_public(ret->key), x509_ca_key(ret->ca)))
		return jit_fail(why, JIT_E_VERIFY, "%s is not the certificate "
		    "of %s", cert.s, key.s);
	return JIT_OK;
}

/* The key of a CSR, whose possession is proven; nothing else of it. */
static enum jit_err
read_csr(const char *path, struct ssh_key **ret, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf pem = { NULL, 0 }, der = { NULL, 0 };
	JIT_DONE(csr_done) struct csr csr = { 0 };
	enum jit_err e;

	JIT_TRY(cmd_read_file(path, 2 * X509_CSR_MAX, &pem, why));
	e = csr_from_pem(BUF_SPAN(pem), &der, why);
	if (e == JIT_OK)
		e = csr_open(BUF_SPAN(der), &csr, why);
	if (e != JIT_OK)
		return jit_at(why, e, "%s", path);
	*ret = csr.key;
	csr.key = NULL;
	return JIT_OK;
}

static enum jit_err
root_sign(const struct root *o, struct jit_why *why)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *subject = NULL;
	JIT_DONE(root_keys_done) struct root_keys r = { NULL, NULL };
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CA_MAX);
	JIT_DONE(wr_done) struct wr pem = WR_INIT(4 * X509_CA_MAX);
	const struct rng rng = rand_system();
	struct x509_ca_fields f = { .cn = span_str(o->name),
	    .after = wall_s() - SLACK, .pathlen = 0, .eku = true };
	char fp[SSH_FP_TEXT];
	dur_s d = 0;

	JIT_TRY(read_csr(o->csr, &subject, why));
	JIT_TRY(life(o, CA_DAYS, &d, why));
	JIT_TRY(open_root(o, &r, why));
	if (f.after < x509_ca_after(r.ca))
		f.after = x509_ca_after(r.ca);
	f.before = wall_s() + d;
	JIT_TRY(x509_serial_make(&rng, f.serial));
	JIT_TRY(x509_ca_make(&der, &f, subject, r.ca, r.key, why));
	x509_put_pem(&pem, "CERTIFICATE", wr_view(&der));
	x509_put_pem(&pem, "CERTIFICATE", x509_ca_der(r.ca));
	JIT_TRY(pem.err);
	JIT_TRY(sys_write_file(o->out, wr_view(&pem), 0644, SYS_NEW, why));
	ssh_key_fingerprint(subject, fp);
	(void)printf("%s: the issuing CA %s, and the root. Back to the "
	    "signer: jit-signer rotate HOME POLICY x509-ca --next --chain "
	    "%s\n", o->out, fp, o->out);
	return JIT_OK;
}

/* ---- its CRL ---- */

static enum jit_err
read_serial(const char *text, uint8_t ret[static X509_SERIAL_LEN],
    struct jit_why *why)
{
	if (hex_parse(span_str(text), ret, X509_SERIAL_LEN) == JIT_OK)
		return JIT_OK;
	return jit_fail(why, JIT_E_ARG, "--revoke: accepted is the serial of "
	    "an issuing CA, 32 hex digits in small letters");
}

static enum jit_err
root_crl(const struct root *o, struct jit_why *why)
{
	JIT_DONE(root_keys_done) struct root_keys r = { NULL, NULL };
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CRL_MAX);
	JIT_DONE(wr_done) struct wr pem = WR_INIT(X509_CRL_MAX);
	struct crl_entry e = { .at = wall_s() };
	struct crl_fields f = { .number = (uint64_t)wall_s(),
	    .this_update = wall_s(), .entries = &e };
	dur_s d = 0;

	JIT_TRY(life(o, CRL_DAYS, &d, why));
	f.next_update = wall_s() + d;
	if (o->revoke != NULL) {
		JIT_TRY(read_serial(o->revoke, e.serial, why));
		f.n = 1;
	}
	JIT_TRY(open_root(o, &r, why));
	JIT_TRY(crl_make(&der, &f, r.ca, r.key, why));
	x509_put_pem(&pem, "X509 CRL", wr_view(&der));
	JIT_TRY(pem.err);
	JIT_TRY(sys_write_file(o->out, wr_view(&pem), 0644, SYS_REPLACE, why));
	(void)printf("%s: the root's CRL, %s revoked.\n", o->out,
	    f.n > 0 ? o->revoke : "nothing");
	return JIT_OK;
}

/* ---- all ---- */

static const struct step {
	const char *name;
	enum jit_err (*run)(const struct root *o, struct jit_why *why);
	bool wants_name, wants_csr, wants_out;
} steps[] = {
	{ "init", root_init, true, false, false },
	{ "sign", root_sign, true, true, true },
	{ "crl", root_crl, false, false, true },
};

static enum jit_err
parse(int argc, char **argv, struct root *o, const struct step **ret,
    struct jit_why *why)
{
	const struct cmd_opt opts[] = {
		{ .name = "--name", .text = &o->name },
		{ .name = "--type", .text = &o->type },
		{ .name = "--csr", .text = &o->csr },
		{ .name = "--out", .text = &o->out },
		{ .name = "--days", .text = &o->days },
		{ .name = "--revoke", .text = &o->revoke },
		{ .name = "--passphrase-file", .text = &o->file },
		{ .name = "--passphrase-fd", .text = &o->fd },
	};
	const char *operand[2];

	JIT_TRY(cmd_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0]),
	    operand, 2, why));
	o->what = operand[0];
	o->dir = operand[1];
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step *s = &steps[i];

		if (strcmp(s->name, o->what) != 0)
			continue;
		if (s->wants_name != (o->name != NULL) ||
		    s->wants_csr != (o->csr != NULL) ||
		    s->wants_out != (o->out != NULL) ||
		    (o->type != NULL && s->run != root_init) ||
		    (o->revoke != NULL && s->run != root_crl))
			return jit_fail(why, JIT_E_ARG, "root %s: options are "
			    "missing, or not its own: jit-signer --help shows "
			    "what is accepted", s->name);
		*ret = s;
		return JIT_OK;
	}
	return jit_fail(why, JIT_E_ARG, "root: accepted is init, sign or crl");
}

int
cmd_root(int argc, char **argv)
{
	const struct step *s = NULL;
	struct root o = { .dir = NULL };
	struct jit_why why = { 0 };
	enum jit_err e = parse(argc, argv, &o, &s, &why);

	log_setup("jit-signer", STDERR_FILENO, LOG_L_WARN, wall_s);
	if (e == JIT_OK)
		e = sys_no_dumps(&why);
	if (e == JIT_OK)
		e = s->run(&o, &why);
	return e == JIT_OK ? 0 : cmd_complain(e, &why);
}
