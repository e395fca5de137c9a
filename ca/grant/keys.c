#include <string.h>

#include "ca/grant/keys.h"

#define VERSION 1

const char *
ca_use_name(enum ca_use u)
{
	return u == CA_SSH_USER ? "user-ca" : u == CA_X509 ? "x509-ca" :
	    "unknown";
}

const char *
ca_state_name(enum ca_state s)
{
	return s == CA_ACTIVE ? "active" : s == CA_NEXT ? "next" :
	    s == CA_RETIRING ? "retiring" : "unknown";
}

static void
key_done(struct ca_key *k)
{
	ssh_key_free(k->key);
	x509_ca_free(k->ca);
	for (size_t i = 0; i < k->n_chain; i++)
		buf_done(&k->chain[i]);
	*k = (struct ca_key){ .n_chain = 0 };
}

void
ca_keys_done(struct ca_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		key_done(&k->v[i]);
	*k = (struct ca_keys){ 0 };
}

static int
order(const struct ca_key *a, const struct ca_key *b)
{
	if (a->use != b->use)
		return a->use < b->use ? -1 : 1;
	if (a->state != b->state)
		return a->state < b->state ? -1 : 1;
	return span_cmp(ssh_key_blob(a->key), ssh_key_blob(b->key));
}

/* Each is issued by the one behind it, the last by itself or by nobody here. */
static enum jit_err
check_chain(const struct ca_key *k, struct jit_why *why)
{
	JIT_SCOPED(x509_ca_free) struct x509_ca *below = NULL;

	for (size_t i = 0; i < k->n_chain; i++) {
		JIT_SCOPED(x509_ca_free) struct x509_ca *ca = NULL;

		JIT_TRY(x509_ca_parse(BUF_SPAN(k->chain[i]), &ca, why));
		if (below != NULL && x509_ca_is_self_signed(below))
			return jit_fail(why, JIT_E_FORMAT, "the CA's chain "
			    "goes on behind its root");
		if (below != NULL)
			JIT_TRY(x509_ca_verify(below, ca, why));
		x509_ca_free(below);
		below = ca;
		ca = NULL;
	}
	if (below == NULL || !x509_ca_is_self_signed(below))
		return jit_fail(why, JIT_E_FORMAT, "the CA's chain does not "
		    "end in a root");
	return x509_ca_verify(below, below, why);
}

static enum jit_err
fill_x509(struct ca_key *k, struct jit_why *why)
{
	if (k->n_chain == 0)
		return jit_fail(why, JIT_E_FORMAT, "an X.509 CA without its "
		    "certificate");
	JIT_TRY(x509_ca_parse(BUF_SPAN(k->chain[0]), &k->ca, why));
	if (!ssh_key_eq(x509_ca_key(k->ca), k->key))
		return jit_fail(why, JIT_E_FORMAT, "the CA's certificate is "
		    "for another key");
	if (x509_ca_pathlen(k->ca) != 0)
		return jit_fail(why, JIT_E_FORMAT, "the CA's certificate has "
		    "no path length of 0");
	return check_chain(k, why);
}

static enum jit_err
fill(struct ca_key *k, const struct ssh_key *key, const struct span *chain,
    size_t n_chain, struct jit_why *why)
{
	JIT_TRY(ssh_key_dup(key, &k->key));
	for (; k->n_chain < n_chain; k->n_chain++)
		JIT_TRY(buf_copy(&k->chain[k->n_chain], chain[k->n_chain]));
	return k->use == CA_X509 ? fill_x509(k, why) : JIT_OK;
}

enum jit_err
ca_keys_add(struct ca_keys *k, enum ca_use use, enum ca_state state,
    const struct ssh_key *key, const struct span *chain, size_t n_chain,
    struct jit_why *why)
{
	struct ca_key new = { .use = use, .state = state };
	enum jit_err e;
	size_t at = 0;

	if (k->n == CA_KEYS_MAX || n_chain > CA_CHAIN_MAX)
		return jit_fail(why, JIT_E_SIZE, "more than %d CA keys, or "
		    "%d certificates in a chain", CA_KEYS_MAX, CA_CHAIN_MAX);
	if (use == CA_SSH_USER && n_chain > 0)
		return jit_fail(why, JIT_E_FORMAT, "a chain for an SSH CA");
	if (ca_keys_find(k, key) != NULL)
		return jit_fail(why, JIT_E_EXISTS, "that CA key is there "
		    "already");
	if ((e = fill(&new, key, chain, n_chain, why)) != JIT_OK) {
		key_done(&new);
		return e;
	}
	while (at < k->n && order(&k->v[at], &new) < 0)
		at++;
	memmove(&k->v[at + 1], &k->v[at], (k->n - at) * sizeof(k->v[0]));
	k->v[at] = new;
	k->n++;
	return JIT_OK;
}

enum jit_err
ca_keys_check(const struct ca_keys *k, struct jit_why *why)
{
	size_t ssh = 0, x509 = 0;

	for (size_t i = 0; i < k->n; i++) {
		ssh += k->v[i].state == CA_ACTIVE &&
		    k->v[i].use == CA_SSH_USER;
		x509 += k->v[i].state == CA_ACTIVE && k->v[i].use == CA_X509;
	}
	if (ssh == 1 && x509 <= 1)
		return JIT_OK;
	return jit_fail(why, JIT_E_FORMAT, "%zu active SSH CAs and %zu "
	    "active X.509 CAs; accepted are one and at most one", ssh, x509);
}

const struct ca_key *
ca_keys_active(const struct ca_keys *k, enum ca_use u)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].use == u && k->v[i].state == CA_ACTIVE)
			return &k->v[i];
	return NULL;
}

const struct ca_key *
ca_keys_find(const struct ca_keys *k, const struct ssh_key *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (ssh_key_eq(k->v[i].key, key))
			return &k->v[i];
	return NULL;
}

void
ca_keys_put(struct wr *w, const struct ca_keys *k)
{
	wr_u8(w, VERSION);
	wr_u64(w, k->before);
	wr_u32(w, (uint32_t)k->n);
	for (size_t i = 0; i < k->n; i++) {
		const struct ca_key *c = &k->v[i];

		wr_u8(w, (uint8_t)c->use);
		wr_u8(w, (uint8_t)c->state);
		wr_string(w, ssh_key_blob(c->key));
		wr_u32(w, (uint32_t)c->n_chain);
		for (size_t j = 0; j < c->n_chain; j++)
			wr_string(w, BUF_SPAN(c->chain[j]));
	}
}

static enum jit_err
get_key(struct rd *r, struct ca_keys *ret, struct jit_why *why)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *key = NULL;
	struct span chain[CA_CHAIN_MAX], blob;
	uint8_t use = rd_u8(r), state = rd_u8(r);
	uint32_t n;

	blob = rd_string(r, SSH_BLOB_MAX);
	n = rd_u32(r);
	if (r->err != JIT_OK || (use != CA_SSH_USER && use != CA_X509) ||
	    state < CA_ACTIVE || state > CA_RETIRING || n > CA_CHAIN_MAX)
		return JIT_E_FORMAT;
	for (uint32_t i = 0; i < n; i++)
		chain[i] = rd_string(r, X509_CA_MAX);
	JIT_TRY(r->err);
	JIT_TRY(ssh_key_parse(blob, &key, why));
	return ca_keys_add(ret, (enum ca_use)use, (enum ca_state)state, key,
	    chain, n, why);
}

enum jit_err
ca_keys_get(struct span body, struct ca_keys *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr again = WR_INIT(body.n);
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };
	struct rd r = rd_of(body);
	uint8_t version = rd_u8(&r);
	uint32_t n;

	k.before = rd_u64(&r);
	n = rd_u32(&r);

	if (r.err != JIT_OK || version != VERSION || n > CA_KEYS_MAX)
		return jit_fail(why, JIT_E_FORMAT, "not a body of CA keys");
	for (uint32_t i = 0; i < n; i++)
		JIT_TRY(get_key(&r, &k, why));
	JIT_TRY(rd_end(&r));
	JIT_TRY(ca_keys_check(&k, why));
	ca_keys_put(&again, &k);
	if (again.err != JIT_OK || !span_eq(wr_view(&again), body))
		return jit_fail(why, JIT_E_CANON, "CA keys out of order");
	*ret = k;
	k = (struct ca_keys){ 0 };
	return JIT_OK;
}
