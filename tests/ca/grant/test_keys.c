/* keys: what may be published, in which order, and the bytes of it. */
#include <string.h>

#include "tests/lib/world.h"

static struct world w;
static struct ssh_priv *key[6];		/* P-256 */
static struct buf self, root, issuing, leafless;

enum { ROOT, ISSUING, SELF, SPARE, OTHER, MORE };

static const struct ssh_key *
pub(int k)
{
	return ssh_priv_public(key[k]);
}

static struct buf
make_ca(int who, int pathlen, const struct x509_ca *issuer, int signing)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CA_MAX);
	const struct x509_ca_fields f = { .cn = span_str(who == ROOT ?
	    "root" : "issuing"), .after = WORLD_NOW - 86400,
	    .before = WORLD_NOW + 86400, .pathlen = pathlen, .serial = { 1,
	    (uint8_t)(who + 1) } };
	struct jit_why why = { 0 };
	struct buf b = { NULL, 0 };

	JT_WHY(x509_ca_make(&der, &f, pub(who), issuer, key[signing], &why),
	    JIT_OK, &why);
	JT_OK(wr_take(&der, &b));
	return b;
}

static void
setup(void)
{
	JIT_SCOPED(x509_ca_free) struct x509_ca *ca = NULL;

	world_init(&w);
	for (int i = 0; i < 6; i++)
		JT_OK(ssh_priv_generate(SSH_ECDSA_P256, 0, &w.rng, &key[i],
		    NULL));
	self = make_ca(SELF, 0, NULL, SELF);
	root = make_ca(ROOT, 1, NULL, ROOT);
	leafless = make_ca(OTHER, 1, NULL, OTHER);
	JT_OK(x509_ca_parse(BUF_SPAN(root), &ca, NULL));
	issuing = make_ca(ISSUING, 0, ca, ROOT);
}

static void
teardown(void)
{
	buf_done(&self);
	buf_done(&root);
	buf_done(&issuing);
	buf_done(&leafless);
	for (int i = 0; i < 6; i++)
		ssh_priv_free(key[i]);
	world_done(&w);
}

/* ---- adding ---- */

struct add_row {
	const char *name;
	enum ca_use use;
	int key;
	const struct buf *chain[5];
	enum jit_err want;
};

static const struct add_row adds[] = {
	{ "an SSH CA", CA_SSH_USER, SPARE, { NULL }, JIT_OK },
	{ "an SSH CA with a chain", CA_SSH_USER, SELF, { &self },
	    JIT_E_FORMAT },
	{ "a self-signed CA", CA_X509, SELF, { &self }, JIT_OK },
	{ "an issuing CA and its root", CA_X509, ISSUING, { &issuing, &root },
	    JIT_OK },
	{ "no chain", CA_X509, SELF, { NULL }, JIT_E_FORMAT },
	{ "another key's certificate", CA_X509, SPARE, { &self },
	    JIT_E_FORMAT },
	{ "the root's key with the chain", CA_X509, ROOT, { &issuing, &root },
	    JIT_E_FORMAT },
	{ "without its root", CA_X509, ISSUING, { &issuing }, JIT_E_FORMAT },
	{ "a root alone", CA_X509, ROOT, { &root }, JIT_E_FORMAT },
	{ "turned around", CA_X509, ROOT, { &root, &issuing }, JIT_E_FORMAT },
	{ "another root", CA_X509, ISSUING, { &issuing, &leafless },
	    JIT_E_VERIFY },
	{ "a CA above a root", CA_X509, ISSUING, { &issuing, &root, &self },
	    JIT_E_FORMAT },
	{ "the root twice", CA_X509, ISSUING, { &issuing, &root, &root },
	    JIT_E_FORMAT },
	{ "five of them", CA_X509, ISSUING, { &issuing, &root, &root, &root,
	    &root }, JIT_E_SIZE },
};

static void
add_row(void **state)
{
	const struct add_row *r = *state;
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };
	struct jit_why why = { 0 };
	struct span chain[5];
	size_t n = 0;

	for (; n < 5 && r->chain[n] != NULL; n++)
		chain[n] = BUF_SPAN(*r->chain[n]);
	JT_WHY(ca_keys_add(&k, r->use, CA_ACTIVE, pub(r->key), chain, n,
	    &why), r->want, &why);
	assert_int_equal(k.n, r->want == JIT_OK);
	assert_true(r->want == JIT_OK || why.msg[0] != '\0');
	if (r->want != JIT_OK)
		return;
	assert_true(ca_keys_find(&k, pub(r->key)) == &k.v[0]);
	assert_true(ca_keys_active(&k, r->use) == &k.v[0]);
	assert_int_equal(k.v[0].n_chain, n);
	assert_true((k.v[0].ca != NULL) == (r->use == CA_X509));
	/* The same key twice, whatever it is to be for. */
	JT_ERR(ca_keys_add(&k, CA_SSH_USER, CA_NEXT, pub(r->key), NULL, 0,
	    &why), JIT_E_EXISTS);
	assert_int_equal(k.n, 1);
}

/* A certificate that is cut or flipped. */
static void
broken_chain(void *arg, struct span s)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };

	(void)arg;
	if (ca_keys_add(&k, CA_X509, CA_ACTIVE, pub(SELF), &s, 1, NULL) ==
	    JIT_OK)
		fail_msg("an altered CA certificate was taken");
}

static void
chains(void **state)
{
	(void)state;
	jt_flip_truncate_max(BUF_SPAN(self), 500, broken_chain, NULL);
}

/* ---- all of them ---- */

static void
fill(struct ca_keys *k)
{
	const struct span one = BUF_SPAN(self);
	const struct span two[] = { BUF_SPAN(issuing), BUF_SPAN(root) };

	/* In no order of theirs. */
	JT_OK(ca_keys_add(k, CA_X509, CA_RETIRING, pub(SELF), &one, 1, NULL));
	JT_OK(ca_keys_add(k, CA_SSH_USER, CA_RETIRING, pub(SPARE), NULL, 0,
	    NULL));
	JT_OK(ca_keys_add(k, CA_X509, CA_ACTIVE, pub(ISSUING), two, 2, NULL));
	JT_OK(ca_keys_add(k, CA_SSH_USER, CA_ACTIVE,
	    ssh_priv_public(w.key[K_CA]), NULL, 0, NULL));
	JT_OK(ca_keys_add(k, CA_SSH_USER, CA_NEXT, pub(MORE), NULL, 0, NULL));
	JT_OK(ca_keys_add(k, CA_SSH_USER, CA_NEXT, pub(OTHER), NULL, 0,
	    NULL));
	k->before = 77;
}

static void
order(void **state)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 }, back = { 0 };
	JIT_DONE(wr_done) struct wr a = WR_INIT(65536), b = WR_INIT(65536);

	(void)state;
	fill(&k);
	assert_int_equal(k.n, 6);
	for (size_t i = 1; i < k.n; i++)
		assert_true(k.v[i - 1].use < k.v[i].use ||
		    (k.v[i - 1].use == k.v[i].use &&
		    (k.v[i - 1].state < k.v[i].state ||
		    (k.v[i - 1].state == k.v[i].state &&
		    span_cmp(ssh_key_blob(k.v[i - 1].key),
		    ssh_key_blob(k.v[i].key)) < 0))));
	assert_true(ssh_key_eq(ca_keys_active(&k, CA_X509)->key,
	    pub(ISSUING)));
	assert_null(ca_keys_find(&k, pub(ROOT)));
	JT_OK(ca_keys_check(&k, NULL));
	ca_keys_put(&a, &k);
	JT_OK(a.err);
	JT_OK(ca_keys_get(wr_view(&a), &back, NULL));
	assert_true(back.before == 77 && back.n == k.n);
	ca_keys_put(&b, &back);
	assert_true(span_eq(wr_view(&a), wr_view(&b)));
}

static void
actives(void **state)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };
	const struct span one = BUF_SPAN(self);
	const struct span two[] = { BUF_SPAN(issuing), BUF_SPAN(root) };

	(void)state;
	JT_ERR(ca_keys_check(&k, NULL), JIT_E_FORMAT);
	JT_OK(ca_keys_add(&k, CA_X509, CA_ACTIVE, pub(SELF), &one, 1, NULL));
	JT_ERR(ca_keys_check(&k, NULL), JIT_E_FORMAT);
	assert_null(ca_keys_active(&k, CA_SSH_USER));
	JT_OK(ca_keys_add(&k, CA_SSH_USER, CA_NEXT, pub(SPARE), NULL, 0,
	    NULL));
	JT_ERR(ca_keys_check(&k, NULL), JIT_E_FORMAT);
	JT_OK(ca_keys_add(&k, CA_SSH_USER, CA_ACTIVE, pub(MORE), NULL, 0,
	    NULL));
	JT_OK(ca_keys_check(&k, NULL));
	JT_OK(ca_keys_add(&k, CA_X509, CA_ACTIVE, pub(ISSUING), two, 2,
	    NULL));
	JT_ERR(ca_keys_check(&k, NULL), JIT_E_FORMAT);
	ca_keys_done(&k);
	JT_OK(ca_keys_add(&k, CA_SSH_USER, CA_ACTIVE, pub(MORE), NULL, 0,
	    NULL));
	JT_OK(ca_keys_add(&k, CA_SSH_USER, CA_ACTIVE, pub(SPARE), NULL, 0,
	    NULL));
	JT_ERR(ca_keys_check(&k, NULL), JIT_E_FORMAT);
}

static void
too_many(void **state)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };

	(void)state;
	for (int i = 0; i <= CA_KEYS_MAX; i++) {
		JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = NULL;

		JT_OK(ssh_priv_generate(SSH_ED25519, 0, &w.rng, &p, NULL));
		JT_ERR(ca_keys_add(&k, CA_SSH_USER, CA_NEXT,
		    ssh_priv_public(p), NULL, 0, NULL), i < CA_KEYS_MAX ?
		    JIT_OK : JIT_E_SIZE);
	}
	assert_int_equal(k.n, CA_KEYS_MAX);
}

/* ---- bytes ---- */

static void
put_key(struct wr *t, int use, int state, const struct ssh_key *k)
{
	wr_u8(t, (uint8_t)use);
	wr_u8(t, (uint8_t)state);
	wr_string(t, ssh_key_blob(k));
	wr_u32(t, 0);
}

static enum jit_err
get(const struct wr *t)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };

	return ca_keys_get(wr_view(t), &k, NULL);
}

struct body_row {
	const char *name;
	uint8_t version;
	uint32_t n;
	struct { int use, state, key; } v[3];
	uint8_t tail;
	enum jit_err want;
};

/* Of keys 0 and 1 the first is the smaller blob; -1 is the CA's, Ed25519. */
static const struct body_row bodies[] = {
	{ "one active", 1, 1, { { 1, 1, 0 } }, 0, JIT_OK },
	{ "sorted", 1, 2, { { 1, 1, 1 }, { 1, 2, 0 } }, 0, JIT_OK },
	{ "sorted by key", 1, 3, { { 1, 1, -1 }, { 1, 2, 0 }, { 1, 2, 1 } },
	    0, JIT_OK },
	{ "version 2", 2, 1, { { 1, 1, 0 } }, 0, JIT_E_FORMAT },
	{ "no key", 1, 0, { { 0, 0, 0 } }, 0, JIT_E_FORMAT },
	{ "too many", 1, CA_KEYS_MAX + 1, { { 1, 1, 0 } }, 0, JIT_E_FORMAT },
	{ "one that is missing", 1, 2, { { 1, 1, 0 } }, 0, JIT_E_FORMAT },
	{ "another state first", 1, 2, { { 1, 2, 0 }, { 1, 1, 1 } }, 0,
	    JIT_E_CANON },
	{ "another key first", 1, 3, { { 1, 1, -1 }, { 1, 2, 1 },
	    { 1, 2, 0 } }, 0, JIT_E_CANON },
	{ "the same key", 1, 2, { { 1, 1, 0 }, { 1, 2, 0 } }, 0,
	    JIT_E_EXISTS },
	{ "two active", 1, 2, { { 1, 1, 0 }, { 1, 1, 1 } }, 0,
	    JIT_E_FORMAT },
	{ "none active", 1, 1, { { 1, 2, 0 } }, 0, JIT_E_FORMAT },
	{ "use 0", 1, 1, { { 0, 1, 0 } }, 0, JIT_E_FORMAT },
	{ "use 3", 1, 1, { { 3, 1, 0 } }, 0, JIT_E_FORMAT },
	{ "state 0", 1, 1, { { 1, 0, 0 } }, 0, JIT_E_FORMAT },
	{ "state 4", 1, 1, { { 1, 4, 0 } }, 0, JIT_E_FORMAT },
	{ "X.509 without a chain", 1, 1, { { 2, 1, 0 } }, 0, JIT_E_FORMAT },
	{ "a byte more", 1, 1, { { 1, 1, 0 } }, 1, JIT_E_FORMAT },
};

static void
body_row(void **state)
{
	const struct body_row *r = *state;
	JIT_DONE(wr_done) struct wr t = WR_INIT(65536);
	int first = span_cmp(ssh_key_blob(pub(0)), ssh_key_blob(pub(1))) > 0;

	wr_u8(&t, r->version);
	wr_u64(&t, 0);
	wr_u32(&t, r->n);
	for (int i = 0; i < 3 && r->v[i].use + r->v[i].state > 0; i++)
		put_key(&t, r->v[i].use, r->v[i].state, r->v[i].key < 0 ?
		    ssh_priv_public(w.key[K_CA]) : pub(r->v[i].key ^ first));
	if (r->tail)
		wr_u8(&t, 0);
	JT_ERR(get(&t), r->want);
}

static void
again_or_refused(void *arg, struct span s)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };
	JIT_DONE(wr_done) struct wr t = WR_INIT(65536);
	struct jit_why why = { 0 };

	(void)arg;
	if (ca_keys_get(s, &k, &why) != JIT_OK) {
		assert_int_equal(k.n, 0);
		return;
	}
	ca_keys_put(&t, &k);
	assert_true(span_eq(wr_view(&t), s));
}

static void
flipped(void **state)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };
	JIT_DONE(wr_done) struct wr t = WR_INIT(65536);

	(void)state;
	fill(&k);
	ca_keys_put(&t, &k);
	jt_flip_truncate_max(wr_view(&t), 2000, again_or_refused, NULL);
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(ca_use_name(CA_SSH_USER), "user-ca");
	assert_string_equal(ca_use_name(CA_X509), "x509-ca");
	assert_string_equal(ca_use_name(0), "unknown");
	assert_string_equal(ca_state_name(CA_ACTIVE), "active");
	assert_string_equal(ca_state_name(CA_NEXT), "next");
	assert_string_equal(ca_state_name(CA_RETIRING), "retiring");
	assert_string_equal(ca_state_name(0), "unknown");
}

int
main(void)
{
	int bad;

	setup();
	bad = JT_ROWS("add", add_row, adds) +
	    jt_one("broken chains", chains) + jt_one("order", order) +
	    jt_one("actives", actives) + jt_one("too many", too_many) +
	    JT_ROWS("bodies", body_row, bodies) +
	    jt_one("flipped", flipped) + jt_one("names", names);
	teardown();
	return bad;
}
