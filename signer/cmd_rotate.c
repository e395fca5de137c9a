/*
 * jit-signer rotate - a CA key is replaced, a step at a time.
 *
 * The daemon is stopped for a moment: the log has one writer.  Certificates
 * that are out do not notice.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "ca/x509/csr.h"
#include "ca/x509/der.h"
#include "signer/ca_cert.h"
#include "signer/cmd.h"
#include "signer/rotation.h"
#include "signer/wall.h"

#define CHAIN_FILE_MAX ((size_t)CA_CHAIN_MAX * 2 * X509_CA_MAX)

struct rotate {
	const char *home, *policy, *use_name, *type, *csr, *chain, *file, *fd;
	bool next, activate, finish, force;
	enum ca_use use;
};

/* What a step works on. */
struct desk {
	struct cmd_home home;
	struct secret passphrase;
	struct store *store;
};
#define DESK_INIT { .home = CMD_HOME_INIT }

static void
desk_done(struct desk *d)
{
	store_close(d->store);
	secret_done(&d->passphrase);
	cmd_home_done(&d->home);
}
JIT_SCOPED_OBJ(struct desk, desk_done);

static enum jit_err
desk_open(struct desk *d, const struct rotate *o, const struct rng *rng,
    struct jit_why *why)
{
	struct passphrase_from from;

	JIT_TRY(home_open(o->home, &d->home.dir, why));
	JIT_TRY(cmd_open_policy(&d->home, o->policy, why));
	JIT_TRY(cmd_passphrase(o->file, o->fd, &from, why));
	JIT_TRY(passphrase_get(&from, &d->passphrase, why));
	JIT_TRY(keyring_load(o->home, d->home.origin, &d->passphrase,
	    &d->home.keys, why));
	const struct store_config c = {
		.home = d->home.dir,
		.vkey = &d->home.keys.vkey,
		.ca = cmd_privs(&d->home.keys),
		.log = d->home.keys.log,
		.rng = rng,
	};
	return store_open(&c, &d->store, why);
}

/* ---- a key that is not published yet ---- */

static enum key_use
file_use(enum ca_use u)
{
	return u == CA_X509 ? KEY_USE_X509_CA : KEY_USE_USER_CA;
}

/* One that an earlier try left, or NULL. */
static const struct ssh_priv *
find_spare(const struct desk *d, enum ca_use use)
{
	const struct keyring *k = &d->home.keys;
	const struct ca_keys *out = ledger_own(store_ledger(d->store))->ca;

	for (size_t i = k->n; i > 0; i--)
		if (k->use[i - 1] == file_use(use) &&
		    ca_keys_find(out, ssh_priv_public(k->ca[i - 1])) == NULL)
			return k->ca[i - 1];
	return NULL;
}

static enum jit_err
spare_key(struct desk *d, const struct rotate *o, const struct rng *rng,
    const struct ssh_priv **ret, struct jit_why *why)
{
	struct keyring_new n = {
		.origin = d->home.origin,
		.passphrase = &d->passphrase,
		.cost = KEY_COST_DEFAULT,
		.rng = rng,
	};

	/* After a crash, or between --csr and --chain. */
	if ((*ret = find_spare(d, o->use)) != NULL)
		return JIT_OK;
	JIT_TRY(keyring_type_parse(o->type != NULL ? o->type :
	    o->use == CA_X509 ? "ecdsa-p256" : "ed25519", &n.type, &n.bits,
	    why));
	JIT_TRY(keyring_add(o->home, file_use(o->use), &n, &d->home.keys,
	    why));
	*ret = d->home.keys.ca[d->home.keys.n - 1];
	return JIT_OK;
}

static enum jit_err
write_csr(const struct rotate *o, const struct ssh_priv *k,
    const struct rng *rng, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CSR_MAX);
	JIT_DONE(wr_done) struct wr pem = WR_INIT(2 * X509_CSR_MAX);
	struct ulid id;

	JIT_TRY(ulid_make(wall_s() * 1000, rng, &id));
	JIT_TRY(csr_put(&der, k, span_str(id.s), why));
	x509_put_pem(&pem, "CERTIFICATE REQUEST", wr_view(&der));
	JIT_TRY(pem.err);
	JIT_TRY(sys_write_file(o->csr, wr_view(&pem), 0644, SYS_NEW, why));
	(void)printf("%s: to the offline root (jit-signer root sign); what it "
	    "answers comes back with --chain.\n", o->csr);
	return JIT_OK;
}

static enum jit_err
read_chain(const char *path, struct x509_chain *ret, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	enum jit_err e;

	JIT_TRY(cmd_read_file(path, CHAIN_FILE_MAX, &b, why));
	e = x509_pem_chain(BUF_SPAN(b), ret, why);
	return e == JIT_OK ? e : jit_at(why, e, "%s", path);
}

/* The chain of an X.509 CA: of a file, or made here. */
static enum jit_err
chain_of(struct desk *d, const struct rotate *o, const struct ssh_priv *k,
    const struct rng *rng, struct x509_chain *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CA_MAX);

	if (o->use != CA_X509)
		return JIT_OK;
	if (o->chain != NULL)
		return read_chain(o->chain, ret, why);
	JIT_TRY(ca_cert_self(&der, k, d->home.origin, wall_s(), rng, why));
	ret->n = 1;
	return wr_take(&der, &ret->der[0]);
}

static enum jit_err
step_next(struct desk *d, const struct rotate *o, const struct rng *rng,
    struct ca_keys *ret, struct jit_why *why)
{
	JIT_DONE(x509_chain_done) struct x509_chain chain = { .n = 0 };
	const struct ca_keys *now = ledger_own(store_ledger(d->store))->ca;
	struct span v[X509_PEM_CHAIN_MAX];
	const struct ssh_priv *k = NULL;

	if (rotation_find(now, o->use, CA_NEXT) != NULL)
		return jit_fail(why, JIT_E_EXISTS, "a next %s is published "
		    "already", ca_use_name(o->use));
	JIT_TRY(spare_key(d, o, rng, &k, why));
	if (o->csr != NULL)
		return write_csr(o, k, rng, why);
	JIT_TRY(chain_of(d, o, k, rng, &chain, why));
	for (size_t i = 0; i < chain.n; i++)
		v[i] = BUF_SPAN(chain.der[i]);
	return rotation_next(now, o->use, ssh_priv_public(k), v, chain.n, ret,
	    why);
}

static enum jit_err
step_finish(struct desk *d, const struct rotate *o, struct ca_keys *ret,
    struct jit_why *why)
{
	const struct ledger *l = store_ledger(d->store);
	const struct ca_key *k = rotation_find(ledger_own(l)->ca, o->use,
	    CA_RETIRING);
	struct rotation_live v = { 0, 0 };
	char until[UTC_TEXT];

	if (k != NULL)
		v = rotation_count(l, k->key, wall_s());
	if (v.n > 0 && !o->force) {
		utc_text(v.until, until);
		return jit_fail(why, JIT_E_PENDING, "%zu certificates of the "
		    "retiring %s live, the last until %s; --force ends it all "
		    "the same", v.n, ca_use_name(o->use), until);
	}
	return rotation_finish(ledger_own(l)->ca, o->use, ret, why);
}

/* ---- putting it in force ---- */

/* What servers' TrustedUserCAKeys should hold: all that is published. */
static enum jit_err
write_pub(const struct rotate *o, const struct ca_keys *k,
    const char *origin, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(CA_KEYS_MAX *
	    (2 * SSH_BLOB_MAX));
	char path[PATH_MAX], comment[TLOG_ORIGIN_MAX + 64];
	int n = snprintf(path, sizeof(path), "%s/user-ca.pub", o->home);

	if (n < 0 || (size_t)n >= sizeof(path))
		return jit_fail(why, JIT_E_SIZE, "%s: the path is too long",
		    o->home);
	for (size_t i = 0; i < k->n; i++) {
		if (k->v[i].use != CA_SSH_USER)
			continue;
		(void)snprintf(comment, sizeof(comment), "jit-cert user-ca "
		    "%s %s", origin, ca_state_name(k->v[i].state));
		ssh_key_put_line(&w, k->v[i].key, comment);
		wr_u8(&w, '\n');
	}
	JIT_TRY(w.err);
	return sys_write_file(path, wr_view(&w), 0644, SYS_REPLACE, why);
}

static enum jit_err
publish(struct desk *d, struct ca_keys *k, struct jit_why *why)
{
	utc_s now = wall_s(), newest = ledger_time(store_ledger(d->store));

	JIT_TRY(turn_keys(store_turn(d->store), k, now > newest ? now : newest,
	    why));
	return store_snapshot(d->store, why);
}

/* The files that are handed on say what the log says; also after a crash. */
static enum jit_err
write_files(const struct desk *d, const struct rotate *o,
    struct jit_why *why)
{
	const struct ca_keys *k = ledger_own(store_ledger(d->store))->ca;

	JIT_TRY(write_pub(o, k, d->home.origin, why));
	return ca_cert_write(o->home, k, why);
}

static enum jit_err
rotate(const struct rotate *o, struct desk *d, struct jit_why *why)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	const struct rng rng = rand_system();
	enum jit_err e = JIT_OK;

	JIT_TRY(desk_open(d, o, &rng, why));
	if (o->next)
		e = step_next(d, o, &rng, &k, why);
	else if (o->activate)
		e = rotation_activate(ledger_own(store_ledger(
		    d->store))->ca, o->use, &k, why);
	else if (o->finish)
		e = step_finish(d, o, &k, why);
	JIT_TRY(e);
	/* Nothing, where it was only a look, or a CSR that was written. */
	if (k.n > 0)
		JIT_TRY(publish(d, &k, why));
	JIT_TRY(write_files(d, o, why));
	rotation_plan(&w, store_ledger(d->store), o->use, wall_s());
	JIT_TRY(w.err);
	if (fwrite(w.p, 1, w.n, stdout) != w.n || fflush(stdout) != 0)
		return jit_fail(why, JIT_E_IO, "it is done, but the answer "
		    "could not be written");
	return JIT_OK;
}

static enum jit_err
parse(int argc, char **argv, struct rotate *o, struct jit_why *why)
{
	const struct cmd_opt opts[] = {
		{ .name = "--next", .flag = &o->next },
		{ .name = "--activate", .flag = &o->activate },
		{ .name = "--finish", .flag = &o->finish },
		{ .name = "--force", .flag = &o->force },
		{ .name = "--type", .text = &o->type },
		{ .name = "--csr", .text = &o->csr },
		{ .name = "--chain", .text = &o->chain },
		{ .name = "--passphrase-file", .text = &o->file },
		{ .name = "--passphrase-fd", .text = &o->fd },
	};
	const char *operand[3];

	JIT_TRY(cmd_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0]),
	    operand, 3, why));
	o->home = operand[0];
	o->policy = operand[1];
	if (strcmp(operand[2], ca_use_name(CA_SSH_USER)) == 0)
		o->use = CA_SSH_USER;
	else if (strcmp(operand[2], ca_use_name(CA_X509)) == 0)
		o->use = CA_X509;
	else
		return jit_fail(why, JIT_E_ARG, "rotate: accepted is user-ca "
		    "or x509-ca");
	if (o->next + o->activate + o->finish > 1)
		return jit_fail(why, JIT_E_ARG, "one step at a time: --next, "
		    "--activate or --finish");
	if ((o->csr != NULL || o->chain != NULL) && (!o->next ||
	    o->use != CA_X509 || (o->csr != NULL && o->chain != NULL)))
		return jit_fail(why, JIT_E_ARG, "--csr or --chain goes with "
		    "x509-ca --next");
	if ((o->type != NULL && !o->next) || (o->force && !o->finish))
		return jit_fail(why, JIT_E_ARG, "--type goes with --next, "
		    "--force with --finish");
	return JIT_OK;
}

int
cmd_rotate(int argc, char **argv)
{
	JIT_DONE(desk_done) struct desk d = DESK_INIT;
	struct rotate o = { .home = NULL };
	struct jit_why why = { 0 };
	enum jit_err e = parse(argc, argv, &o, &why);

	log_setup("jit-signer", STDERR_FILENO, LOG_L_WARN, wall_s);
	if (e == JIT_OK)
		e = sys_no_dumps(&why);
	if (e == JIT_OK)
		e = rotate(&o, &d, &why);
	return e == JIT_OK ? 0 : cmd_complain(e, &why);
}
