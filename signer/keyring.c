#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "ca/base/sys.h"
#include "signer/keyring.h"

/*
 * What RSA-4096 needs for a signature, times a pool of workers: an empty
 * secure heap is an error in OpenSSL, not a way back to the common one.
 */
#define SECURE_HEAP (1u << 20)
#define SECURE_MIN 32		/* bytes of its smallest piece */

#define PUB_LINE_MAX 4096

enum file { USER_CA_KEY, LOG_KEY, USER_CA_PUB, LOG_VKEY, FILES };
static const char *const names[FILES] = {
	"user-ca.key", "log.key", "user-ca.pub", "log.vkey",
};

struct path { char s[PATH_MAX]; };

/* ---- what OpenSSL allocates, wiped when it is freed ---- */

static void *
take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void
give(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p != NULL)
		OPENSSL_cleanse(p, malloc_usable_size(p));
	free(p);
}

/* realloc() would leave the old bytes behind. */
static void *
move(void *p, size_t n, const char *file, int line)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *q = n > 0 ? malloc(n) : NULL;

	if (n > 0 && q == NULL)
		return NULL;
	if (q != NULL && had > 0)
		memcpy(q, p, had < n ? had : n);
	give(p, file, line);
	return q;
}

enum jit_err
keyring_memory(bool *locked, struct jit_why *why)
{
	static bool is_locked;

	if (CRYPTO_secure_malloc_initialized() != 1) {
		int r;

		if (CRYPTO_set_mem_functions(take, move, give) != 1)
			return jit_fail(why, JIT_E_ARG, "memory for keys has "
			    "to be set up before OpenSSL is used");
		r = CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN);
		if (r == 0)
			return jit_fail(why, JIT_E_NOMEM, "no memory for "
			    "keys: %u KiB", SECURE_HEAP / 1024);
		is_locked = r == 1;
	}
	if (locked != NULL)
		*locked = is_locked;
	return JIT_OK;
}

enum jit_err
keyring_type_parse(const char *name, enum ssh_type *type, unsigned *bits,
    struct jit_why *why)
{
	static const struct {
		const char *name;
		enum ssh_type type;
		unsigned bits;
	} rows[] = {
		{ "ed25519", SSH_ED25519, 0 },
		{ "ecdsa-p256", SSH_ECDSA_P256, 0 },
		{ "ecdsa-p384", SSH_ECDSA_P384, 0 },
		{ "rsa-3072", SSH_RSA, 3072 },
		{ "rsa-4096", SSH_RSA, 4096 },
		{ "rsa", SSH_RSA, 3072 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0) {
			*type = rows[i].type;
			*bits = rows[i].bits;
			return JIT_OK;
		}
	return jit_fail(why, JIT_E_ARG, "unknown type of key; accepted are "
	    "ed25519, ecdsa-p256, ecdsa-p384, rsa-3072 and rsa-4096");
}

void
keyring_done(struct keyring *k)
{
	ssh_priv_free(k->log);
	for (size_t i = 0; i < k->n; i++)
		ssh_priv_free(k->ca[i]);
	*k = (struct keyring){ 0 };
}

const struct ssh_priv *
keyring_first(const struct keyring *k, enum key_use use)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->use[i] == use)
			return k->ca[i];
	return NULL;
}

static enum jit_err
path_of(const char *home, enum file f, struct path *ret, struct jit_why *why)
{
	int n = snprintf(ret->s, sizeof(ret->s), "%s/%s", home, names[f]);

	if (n < 0 || (size_t)n >= sizeof(ret->s))
		return jit_fail(why, JIT_E_SIZE, "%s: the path is too long",
		    home);
	return JIT_OK;
}

static enum jit_err
make_vkey(const struct ssh_priv *log, const char *origin,
    struct tlog_vkey *ret, struct jit_why *why)
{
	struct span blob = ssh_key_blob(ssh_priv_public(log));

	/* An Ed25519 blob ends with the key's 32 bytes. */
	return tlog_vkey_make(origin, blob.p + blob.n - 32, ret, why);
}

/* The n-th key file of a CA's use: "user-ca.key", "user-ca.2.key" ... */
static enum jit_err
ca_path(const char *home, enum key_use use, unsigned n, struct path *ret,
    struct jit_why *why)
{
	char digit[4] = { '.', (char)('0' + n), '\0' };
	int r = snprintf(ret->s, sizeof(ret->s), "%s/%s%s.key", home,
	    key_use_name(use), n == 1 ? "" : digit);

	if (r < 0 || (size_t)r >= sizeof(ret->s))
		return jit_fail(why, JIT_E_SIZE, "%s: the path is too long",
		    home);
	return JIT_OK;
}

static bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || errno != ENOENT;
}

static void
put_ca(struct keyring *k, enum key_use use, struct ssh_priv *key)
{
	k->use[k->n] = use;
	k->ca[k->n++] = key;
}

/* All of that use; need: one at least. */
static enum jit_err
load_cas(const char *home, enum key_use use, bool need,
    const struct secret *passphrase, struct keyring *k, struct jit_why *why)
{
	for (unsigned n = 1; n <= KEYRING_MAX; n++) {
		struct ssh_priv *key = NULL;
		struct path p;

		JIT_TRY(ca_path(home, use, n, &p, why));
		if (!is_there(p.s) && !(need && n == 1))
			continue;
		JIT_TRY(key_file_load(p.s, geteuid(), passphrase, use, &key,
		    why));
		put_ca(k, use, key);
	}
	return JIT_OK;
}

enum jit_err
keyring_load(const char *home, const char *origin,
    const struct secret *passphrase, struct keyring *ret,
    struct jit_why *why)
{
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	struct path p;

	JIT_TRY(load_cas(home, KEY_USE_USER_CA, true, passphrase, &k, why));
	JIT_TRY(path_of(home, LOG_KEY, &p, why));
	JIT_TRY(key_file_load(p.s, geteuid(), passphrase, KEY_USE_LOG,
	    &k.log, why));
	JIT_TRY(load_cas(home, KEY_USE_X509_CA, false, passphrase, &k, why));
	JIT_TRY(make_vkey(k.log, origin, &k.vkey, why));
	*ret = k;
	k = (struct keyring){ 0 };
	return JIT_OK;
}

/* ---- new ones ---- */

static enum jit_err
check_none(const char *home, struct jit_why *why)
{
	struct stat st;
	struct path p;

	for (int f = 0; f < FILES; f++) {
		JIT_TRY(path_of(home, (enum file)f, &p, why));
		if (lstat(p.s, &st) == 0)
			return jit_fail(why, JIT_E_EXISTS, "%s: exists "
			    "already; keys are made once, in a home without "
			    "any", p.s);
		if (errno != ENOENT)
			return jit_fail(why, JIT_E_IO, "%s: %s", p.s,
			    strerror(errno));
	}
	return JIT_OK;
}

static enum jit_err
make_keys(const struct keyring_new *n, struct keyring *k,
    struct jit_why *why)
{
	struct ssh_priv *ca = NULL;

	JIT_TRY(ssh_priv_generate(n->type, n->bits, n->rng, &ca, why));
	put_ca(k, KEY_USE_USER_CA, ca);
	JIT_TRY(ssh_priv_generate(SSH_ED25519, 0, n->rng, &k->log, why));
	return make_vkey(k->log, n->origin, &k->vkey, why);
}

static enum jit_err
write_public(const char *path, const struct keyring *k, enum file f,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PUB_LINE_MAX);
	JIT_DONE(wr_done) struct wr comment = WR_INIT(PUB_LINE_MAX);

	if (f == USER_CA_PUB) {
		wr_fmt(&comment, "jit-cert user-ca %s", k->vkey.origin);
		wr_u8(&comment, '\0');
		JIT_TRY(comment.err);
		ssh_key_put_line(&w, ssh_priv_public(k->ca[0]),
		    (const char *)comment.p);
	} else {
		tlog_vkey_put(&w, &k->vkey);
	}
	wr_u8(&w, '\n');
	JIT_TRY(w.err);
	return sys_write_file(path, wr_view(&w), 0644, SYS_NEW, why);
}

static enum jit_err
write_one(const char *path, const struct keyring *k, enum file f,
    const struct keyring_new *n, struct jit_why *why)
{
	switch (f) {
	case USER_CA_KEY:
		return key_file_save(path, k->ca[0], KEY_USE_USER_CA,
		    n->passphrase, &n->cost, n->rng, why);
	case LOG_KEY:
		return key_file_save(path, k->log, KEY_USE_LOG,
		    n->passphrase, &n->cost, n->rng, why);
	default:
		return write_public(path, k, f, why);
	}
}

/* Write all; *made counts the files that are ours and there. */
static enum jit_err
write_all(const char *home, const struct keyring *k,
    const struct keyring_new *n, int *made, struct jit_why *why)
{
	struct path p;

	for (*made = 0; *made < FILES; (*made)++) {
		enum jit_err e;

		JIT_TRY(path_of(home, (enum file)*made, &p, why));
		e = write_one(p.s, k, (enum file)*made, n, why);
		/* Somebody else's is left; a directory that could not be
		 * synced has ours in it. */
		if (e != JIT_OK && e != JIT_E_EXISTS)
			(void)unlink(p.s);
		JIT_TRY(e);
	}
	return JIT_OK;
}

static void
remove_made(const char *home, int made)
{
	struct path p;

	for (int f = 0; f < made; f++)
		if (path_of(home, (enum file)f, &p, NULL) == JIT_OK)
			(void)unlink(p.s);
}

enum jit_err
keyring_create(const char *home, const struct keyring_new *n,
    struct keyring *ret, struct jit_why *why)
{
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	enum jit_err e;
	int made = 0;

	JIT_TRY(check_none(home, why));
	JIT_TRY(make_keys(n, &k, why));
	e = write_all(home, &k, n, &made, why);
	if (e == JIT_OK)
		e = keyring_load(home, n->origin, n->passphrase, ret, why);
	if (e != JIT_OK)
		remove_made(home, made);
	return e;
}

enum jit_err
keyring_add(const char *home, enum key_use use, const struct keyring_new *n,
    struct keyring *k, struct jit_why *why)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *key = NULL;
	unsigned at = 1;
	struct path p;

	if (use != KEY_USE_USER_CA && use != KEY_USE_X509_CA)
		return jit_fail(why, JIT_E_ARG, "%s: not a CA's key",
		    key_use_name(use));
	for (; at <= KEYRING_MAX; at++) {
		JIT_TRY(ca_path(home, use, at, &p, why));
		if (!is_there(p.s))
			break;
	}
	if (at > KEYRING_MAX)
		return jit_fail(why, JIT_E_EXISTS, "%s holds %d keys of %s; "
		    "remove the file of one that is not published any more",
		    home, KEYRING_MAX, key_use_name(use));
	JIT_TRY(ssh_priv_generate(n->type, n->bits, n->rng, &key, why));
	JIT_TRY(key_file_save(p.s, key, use, n->passphrase, &n->cost, n->rng,
	    why));
	put_ca(k, use, key);
	key = NULL;
	return JIT_OK;
}
