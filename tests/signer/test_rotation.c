/*
 * rotation: what is published before and after each step, and what may not
 * be done.
 */
#include <string.h>

#include "signer/rotation.h"
#include "tests/lib/logbook.h"

static struct world w;

/* "anr" of a use: which states there are; of SSH, then of X.509. */
static const char *
shown(const struct ca_keys *k, char ret[static 8])
{
	static const enum ca_use uses[] = { CA_SSH_USER, CA_X509 };
	size_t n = 0;

	for (int u = 0; u < 2; u++) {
		if (u == 1)
			ret[n++] = '/';
		if (rotation_find(k, uses[u], CA_ACTIVE) != NULL)
			ret[n++] = 'a';
		if (rotation_find(k, uses[u], CA_NEXT) != NULL)
			ret[n++] = 'n';
		if (rotation_find(k, uses[u], CA_RETIRING) != NULL)
			ret[n++] = 'r';
	}
	ret[n] = '\0';
	return ret;
}

static const struct row {
	const char *name;
	enum ca_use use;
	const char *steps;		/* n, a, f: in order */
	enum jit_err want;		/* of the last one */
	const char *after;		/* what shown() says then */
} rows[] = {
	{ "nothing", CA_SSH_USER, "", JIT_OK, "a/a" },
	{ "next", CA_SSH_USER, "n", JIT_OK, "an/a" },
	{ "two next ones", CA_SSH_USER, "nn", JIT_E_EXISTS, "an/a" },
	{ "activate", CA_SSH_USER, "na", JIT_OK, "ar/a" },
	{ "activate without next", CA_SSH_USER, "a", JIT_E_UNKNOWN, "a/a" },
	{ "activate twice", CA_SSH_USER, "naa", JIT_E_UNKNOWN, "ar/a" },
	{ "next while retiring", CA_SSH_USER, "nan", JIT_OK, "anr/a" },
	{ "activate while retiring", CA_SSH_USER, "nana", JIT_E_PENDING,
	    "anr/a" },
	{ "finish", CA_SSH_USER, "naf", JIT_OK, "a/a" },
	{ "finish without retiring", CA_SSH_USER, "nf", JIT_E_UNKNOWN,
	    "an/a" },
	{ "finish, then activate", CA_SSH_USER, "nanfa", JIT_OK, "ar/a" },
	{ "X.509 without a chain", CA_X509, "n", JIT_E_FORMAT, "a/a" },
	{ "X.509 activate without next", CA_X509, "a", JIT_E_UNKNOWN, "a/a" },
};

static enum jit_err
do_step(char c, enum ca_use use, enum world_key *fresh,
    const struct ca_keys *k, struct ca_keys *ret)
{
	struct jit_why why = { 0 };
	enum jit_err e = c == 'n' ? rotation_next(k, use,
	    ssh_priv_public(w.key[(*fresh)++]), NULL, 0, ret, &why) :
	    c == 'a' ? rotation_activate(k, use, ret, &why) :
	    rotation_finish(k, use, ret, &why);

	/* A person is told why. */
	assert_true(e == JIT_OK || why.msg[0] != '\0');
	return e;
}

static void
steps(void **state)
{
	const struct row *r = *state;
	JIT_DONE(ca_keys_done) struct ca_keys have = { 0 };
	const struct ca_keys *now = &w.ca;
	enum world_key fresh = K_ALICE;
	enum jit_err e = JIT_OK;
	char s[8];

	for (const char *c = r->steps; *c != '\0'; c++) {
		struct ca_keys next = { 0 };

		JT_OK(e);
		e = do_step(*c, r->use, &fresh, now, &next);
		if (e != JIT_OK)
			continue;
		JT_OK(ca_keys_check(&next, NULL));
		ca_keys_done(&have);
		have = next;
		now = &have;
	}
	JT_ERR(e, r->want);
	assert_string_equal(shown(now, s), r->after);
}

/* The key that was next signs, and the one before is the retiring one. */
static void
which(void **state)
{
	JIT_DONE(ca_keys_done) struct ca_keys a = { 0 }, b = { 0 };

	(void)state;
	JT_OK(rotation_next(&w.ca, CA_SSH_USER, ssh_priv_public(
	    w.key[K_ALICE]), NULL, 0, &a, NULL));
	assert_true(ssh_key_eq(ca_keys_active(&a, CA_SSH_USER)->key,
	    ssh_priv_public(w.key[K_CA])));
	JT_OK(rotation_activate(&a, CA_SSH_USER, &b, NULL));
	assert_true(ssh_key_eq(ca_keys_active(&b, CA_SSH_USER)->key,
	    ssh_priv_public(w.key[K_ALICE])));
	assert_true(ssh_key_eq(rotation_find(&b, CA_SSH_USER,
	    CA_RETIRING)->key, ssh_priv_public(w.key[K_CA])));
	/* The X.509 CA has not moved. */
	assert_true(ssh_key_eq(ca_keys_active(&b, CA_X509)->key,
	    ssh_priv_public(w.x509[K_X509_CA])));
}

static void
same_key(void **state)
{
	struct ca_keys a = { 0 };

	(void)state;
	JT_ERR(rotation_next(&w.ca, CA_SSH_USER, ssh_priv_public(
	    w.key[K_CA]), NULL, 0, &a, NULL), JIT_E_EXISTS);
	assert_int_equal(a.n, 0);
}

int
main(void)
{
	int bad;

	world_init(&w);
	world_x509(&w);
	bad = JT_ROWS("steps", steps, rows) + jt_one("which key", which) +
	    jt_one("the same key again", same_key);
	world_done(&w);
	return bad;
}
