/*
 * jit-signer init - keys, the log's first entries, the first snapshot.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/ca_cert.h"
#include "signer/cmd.h"
#include "signer/wall.h"

struct init {
	const char *home, *policy, *type, *x509, *file, *fd;
	bool made;		/* the directory is ours to take away again */
};

/* ---- a second try must not stumble over the first ---- */

static DIR *
open_list(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL)
		sys_close(&fd);
	return d;
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Everything below dir, which was empty when we began. */
static void
empty(int dir)
{
	DIR *list = open_list(dir);
	struct dirent *e;

	while (list != NULL && (e = readdir(list)) != NULL) {
		JIT_DONE(sys_close) int sub = -1;

		if (is_dots(e->d_name) || unlinkat(dir, e->d_name, 0) == 0)
			continue;
		sub = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY |
		    O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			continue;
		empty(sub);
		(void)unlinkat(dir, e->d_name, AT_REMOVEDIR);
	}
	if (list != NULL)
		(void)closedir(list);
}

static enum jit_err
check_empty(int dir, const char *path, struct jit_why *why)
{
	DIR *list = open_list(dir);
	struct dirent *e;
	bool found = false;

	if (list == NULL)
		return jit_fail(why, JIT_E_IO, "%s: cannot be read", path);
	while ((e = readdir(list)) != NULL)
		found = found || !is_dots(e->d_name);
	(void)closedir(list);
	return !found ? JIT_OK : jit_fail(why, JIT_E_EXISTS, "%s: is not "
	    "empty; a signer's home begins as an empty directory, or none",
	    path);
}

/* ---- making it ---- */

static enum jit_err
make_keys(struct cmd_home *h, const struct init *in,
    const struct rng *rng, struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret passphrase = { NULL, 0, 0 };
	struct passphrase_from from;
	struct keyring_new n = {
		.origin = h->origin,
		.passphrase = &passphrase,
		.cost = KEY_COST_DEFAULT,
		.rng = rng,
	};

	JIT_TRY(keyring_type_parse(in->type != NULL ? in->type : "ed25519",
	    &n.type, &n.bits, why));
	JIT_TRY(cmd_passphrase(in->file, in->fd, &from, why));
	from.prompt = "New passphrase of the CA keys: ";
	from.again = "The same again: ";
	JIT_TRY(passphrase_get(&from, &passphrase, why));
	JIT_TRY(keyring_create(in->home, &n, &h->keys, why));
	if (in->x509 == NULL)
		return JIT_OK;
	JIT_TRY(keyring_type_parse(in->x509, &n.type, &n.bits, why));
	return keyring_add(in->home, KEY_USE_X509_CA, &n, &h->keys, why);
}

/* What the log publishes from its first entries on. */
static enum jit_err
publish(const struct cmd_home *h, const struct init *in,
    const struct rng *rng, struct ca_keys *ret, struct jit_why *why)
{
	const struct ssh_priv *x509 = keyring_first(&h->keys,
	    KEY_USE_X509_CA);
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CA_MAX);
	struct span chain;

	JIT_TRY(ca_keys_add(ret, CA_SSH_USER, CA_ACTIVE, ssh_priv_public(
	    keyring_first(&h->keys, KEY_USE_USER_CA)), NULL, 0, why));
	if (x509 == NULL)
		return JIT_OK;
	JIT_TRY(ca_cert_self(&der, x509, h->origin, wall_s(), rng, why));
	chain = wr_view(&der);
	JIT_TRY(ca_keys_add(ret, CA_X509, CA_ACTIVE, ssh_priv_public(x509),
	    &chain, 1, why));
	return ca_cert_write(in->home, ret, why);
}

static enum jit_err
begin_log(const struct cmd_home *h, const struct init *in,
    const struct rng *rng, struct jit_why *why)
{
	JIT_DONE(ca_keys_done) struct ca_keys keys = { 0 };
	JIT_SCOPED(store_close) struct store *s = NULL;
	const struct store_config c = {
		.home = h->dir,
		.vkey = &h->keys.vkey,
		.ca = cmd_privs(&h->keys),
		.log = h->keys.log,
		.rng = rng,
	};

	JIT_TRY(publish(h, in, rng, &keys, why));
	JIT_TRY(store_create(&c, &s, why));
	JIT_TRY(turn_genesis(store_turn(s), h->policy, &keys, wall_s(),
	    why));
	return store_snapshot(s, why);
}

static enum jit_err
make(struct cmd_home *h, const struct init *in, struct jit_why *why)
{
	const struct rng rng = rand_system();

	JIT_TRY(make_keys(h, in, &rng, why));
	return begin_log(h, in, &rng, why);
}

/* ---- what to do next ---- */

static enum jit_err
tell(const struct cmd_home *h, const struct init *in, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	char comment[TLOG_ORIGIN_MAX + 16];

	(void)snprintf(comment, sizeof(comment), "user-ca@%s", h->origin);
	wr_str(&w, "The signer's home is ready.\n\n"
	    "Servers: this line into the file that sshd_config names with\n"
	    "TrustedUserCAKeys (it is in user-ca.pub as well):\n\n");
	ssh_key_put_line(&w, ssh_priv_public(keyring_first(&h->keys,
	    KEY_USE_USER_CA)), comment);
	if (in->x509 != NULL)
		wr_fmt(&w, "\n\nServers that take client certificates: "
		    "%s/" CA_CERT_FILE, in->home);
	wr_str(&w, "\n\nPeople: the log's key, to be pinned (log.vkey):\n\n");
	tlog_vkey_put(&w, &h->keys.vkey);
	wr_fmt(&w, "\n\nNext:\n\n  jit-signer serve %s %s --socket PATH\n\n"
	    "Keep copies of user-ca.key and log.key, and of their passphrase\n"
	    "somewhere else.\n", in->home, in->policy);
	JIT_TRY(w.err);
	if (fwrite(w.p, 1, w.n, stdout) != w.n || fflush(stdout) != 0)
		return jit_fail(why, JIT_E_IO, "the home is ready, but the "
		    "answer could not be written");
	return JIT_OK;
}

static enum jit_err
init(struct init *in, struct jit_why *why)
{
	JIT_DONE(cmd_home_done) struct cmd_home h = CMD_HOME_INIT;
	struct stat st;
	enum jit_err e;

	JIT_TRY(cmd_open_policy(&h, in->policy, why));
	in->made = lstat(in->home, &st) != 0 && errno == ENOENT;
	JIT_TRY(home_make(in->home, &h.dir, why));
	JIT_TRY(check_empty(h.dir, in->home, why));
	if ((e = make(&h, in, why)) != JIT_OK) {
		empty(h.dir);
		if (in->made)
			(void)rmdir(in->home);
		return e;
	}
	return tell(&h, in, why);
}

int
cmd_init(int argc, char **argv)
{
	struct init in = { .home = NULL };
	const char *operand[2];
	const struct cmd_opt opts[] = {
		{ .name = "--ca-type", .text = &in.type },
		{ .name = "--x509", .text = &in.x509 },
		{ .name = "--passphrase-file", .text = &in.file },
		{ .name = "--passphrase-fd", .text = &in.fd },
	};
	struct jit_why why = { 0 };
	enum jit_err e = cmd_parse(argc, argv, opts, 4, operand, 2, &why);

	if (e == JIT_OK) {
		log_setup("jit-signer", STDERR_FILENO, LOG_L_WARN, wall_s);
		in.home = operand[0];
		in.policy = operand[1];
		e = sys_no_dumps(&why);
	}
	if (e == JIT_OK)
		e = init(&in, &why);
	return e == JIT_OK ? 0 : cmd_complain(e, &why);
}
