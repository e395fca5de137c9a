/*
 * p11_use - keys of a token: used, made, listed.
 */
#include <string.h>

#include "signer/token/p11_int.h"

#define SIG_MAX 1024		/* bytes: RSA of 8192 bits */

/* ---- signing ---- */

/* DigestInfo of RFC 8017 section 9.2, before the digest. */
static const struct {
	uint8_t b[19];
} info[FRAME_HASHES] = {
	[FRAME_H_SHA256] = { { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
	    0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
	    0x20 } },
	[FRAME_H_SHA384] = { { 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
	    0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04,
	    0x30 } },
	[FRAME_H_SHA512] = { { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
	    0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04,
	    0x40 } },
};

/* What goes into C_Sign, and by which mechanism. */
static enum jit_err
choose(const struct ssh_key *k, enum frame_hash h, struct span data,
    ck_mechanism_type_t *m, struct wr *w, struct jit_why *why)
{
	bool ok = h != FRAME_H_NONE;

	switch (ssh_key_type(k)) {
	case SSH_ED25519:
		*m = CKM_EDDSA;
		ok = h == FRAME_H_NONE;
		break;
	case SSH_ECDSA_P256:
		*m = CKM_ECDSA;
		ok = h == FRAME_H_SHA256;
		break;
	case SSH_ECDSA_P384:
		*m = CKM_ECDSA;
		ok = h == FRAME_H_SHA384;
		break;
	default:
		*m = CKM_RSA_PKCS;
		if (ok)
			wr_raw(w, info[h].b, sizeof(info[h].b));
		break;
	}
	if (!ok)
		return jit_fail(why, JIT_E_ARG, "not a hash for a key %s",
		    ssh_key_type_name(k));
	wr_span(w, data);
	return w->err;
}

enum jit_err
p11_sign(struct p11 *p, const struct p11_key *k, enum frame_hash h,
    struct span data, struct wr *w, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr in = WR_INIT(FRAME_DATA_MAX + 64);
	struct ck_mechanism m = { 0, NULL, 0 };
	unsigned char sig[SIG_MAX];
	unsigned long n = sizeof(sig);
	ck_rv_t rv;

	JIT_TRY(choose(k->pub, h, data, &m.mechanism, &in, why));
	if ((rv = p->f->C_SignInit(p->session, &m, k->handle)) != CKR_OK)
		return p11_rv(p, "C_SignInit", rv, why);
	if ((rv = p->f->C_Sign(p->session, in.p, in.n, sig, &n)) != CKR_OK)
		return p11_rv(p, "C_Sign", rv, why);
	if (n > sizeof(sig))
		return jit_fail(why, JIT_E_TOKEN, "C_Sign: a signature of %lu "
		    "bytes", n);
	wr_raw(w, sig, n);
	return w->err;
}

/* ---- making ---- */

static enum jit_err
refuse_existing(struct p11 *p, const struct uri *u, struct jit_why *why)
{
	static const ck_object_class_t classes[] = { CKO_PRIVATE_KEY,
	    CKO_PUBLIC_KEY };
	struct p11_objects found;

	for (int by = 0; by < 2; by++)
		for (int c = 0; c < 2; c++) {
			struct uri one = *u;

			/* Once by label, once by id. */
			if (by == 0)
				one.id_n = 0;
			else
				one.object[0] = '\0';
			JIT_TRY(p11_keys(p, p->session, &one, classes[c],
			    &found, why));
			if (found.n > 0)
				return jit_fail(why, JIT_E_EXISTS, "the token "
				    "has a key of that %s; nothing was made",
				    by == 0 ? "label" : "id");
		}
	return JIT_OK;
}

/* The two templates; t's point into it. */
struct templates {
	unsigned char yes, no, e[3];
	unsigned long bits;
	struct span curve;
	struct ck_attribute pub[8], priv[8];
	unsigned long n_pub, n_priv;
};

static void
fill(struct templates *t, struct uri *u, enum frame_gen g)
{
	struct ck_attribute label = { CKA_LABEL, u->object,
	    strlen(u->object) }, id = { CKA_ID, u->id, u->id_n };

	*t = (struct templates){ .yes = 1, .no = 0, .e = { 1, 0, 1 },
	    .bits = 3072, .curve = p11_curve_params(g) };
	t->pub[t->n_pub++] = (struct ck_attribute){ CKA_TOKEN, &t->yes, 1 };
	t->pub[t->n_pub++] = (struct ck_attribute){ CKA_VERIFY, &t->yes, 1 };
	t->pub[t->n_pub++] = label;
	t->pub[t->n_pub++] = id;
	if (g == FRAME_G_RSA3072) {
		t->pub[t->n_pub++] = (struct ck_attribute){ CKA_MODULUS_BITS,
		    &t->bits, sizeof(t->bits) };
		t->pub[t->n_pub++] = (struct ck_attribute){
		    CKA_PUBLIC_EXPONENT, t->e, sizeof(t->e) };
	} else
		/* PKCS #11 has no const; nobody writes there. */
		t->pub[t->n_pub++] = (struct ck_attribute){ CKA_EC_PARAMS,
		    (void *)(uintptr_t)t->curve.p, t->curve.n };
	t->priv[t->n_priv++] = (struct ck_attribute){ CKA_TOKEN, &t->yes, 1 };
	t->priv[t->n_priv++] = (struct ck_attribute){ CKA_PRIVATE, &t->yes,
	    1 };
	t->priv[t->n_priv++] = (struct ck_attribute){ CKA_SENSITIVE, &t->yes,
	    1 };
	t->priv[t->n_priv++] = (struct ck_attribute){ CKA_EXTRACTABLE, &t->no,
	    1 };
	t->priv[t->n_priv++] = (struct ck_attribute){ CKA_SIGN, &t->yes, 1 };
	t->priv[t->n_priv++] = label;
	t->priv[t->n_priv++] = id;
}

static enum jit_err
make(struct p11 *p, ck_session_handle_t s, struct uri *u, enum frame_gen g,
    struct jit_why *why)
{
	struct ck_mechanism m = { g == FRAME_G_RSA3072 ?
	    CKM_RSA_PKCS_KEY_PAIR_GEN : g == FRAME_G_ED25519 ?
	    CKM_EC_EDWARDS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	ck_object_handle_t pub, priv;
	struct templates t;
	ck_rv_t rv;

	fill(&t, u, g);
	rv = p->f->C_GenerateKeyPair(s, &m, t.pub, t.n_pub, t.priv, t.n_priv,
	    &pub, &priv);
	return rv == CKR_OK ? JIT_OK : p11_rv(p, "C_GenerateKeyPair", rv,
	    why);
}

/* A token that makes another thing of it than it was told. */
static enum jit_err
check_made(struct p11 *p, const struct p11_key *k, struct jit_why *why)
{
	if (p11_number(p, p->session, k->handle, CKA_SENSITIVE, 0) == 1 &&
	    p11_number(p, p->session, k->handle, CKA_EXTRACTABLE, 1) == 0)
		return JIT_OK;
	return jit_fail(why, JIT_E_TOKEN, "the token made the key, but says "
	    "that it can be extracted: delete it and do not use it");
}

enum jit_err
p11_generate(struct p11 *p, struct uri *u, enum frame_gen g,
    const struct rng *rng, struct p11_key *ret, struct jit_why *why)
{
	JIT_DONE(p11_key_done) struct p11_key k = { 0, NULL };
	ck_session_handle_t s;
	enum jit_err e;
	ck_rv_t rv;

	if (u->object[0] == '\0')
		return jit_fail(why, JIT_E_ARG, "a new key needs a label: "
		    "object= in its URI");
	if (u->id_n == 0) {
		JIT_TRY(rng_fill(rng, u->id, 16));
		u->id_n = 16;
	}
	JIT_TRY(refuse_existing(p, u, why));
	rv = p->f->C_OpenSession(p->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
	    NULL, NULL, &s);
	if (rv != CKR_OK)
		return p11_rv(p, "C_OpenSession to write", rv, why);
	e = make(p, s, u, g, why);
	(void)p->f->C_CloseSession(s);
	JIT_TRY(e);
	JIT_TRY(p11_find(p, u, &k, why));
	JIT_TRY(check_made(p, &k, why));
	*ret = k;
	k.pub = NULL;
	return JIT_OK;
}

/* ---- listing ---- */

static const char *
type_name(struct p11 *p, ck_session_handle_t s, ck_object_handle_t o)
{
	unsigned long type = p11_number(p, s, o, CKA_KEY_TYPE, ~0ul);
	uint8_t buf[P11_ATTR_MAX];
	enum ssh_type t;
	struct span v;

	if (type == CKK_RSA)
		return "RSA";
	if ((type != CKK_EC && type != CKK_EC_EDWARDS) ||
	    p11_attr(p, s, o, CKA_EC_PARAMS, buf, &v, NULL) != JIT_OK ||
	    p11_curve(v, type == CKK_EC_EDWARDS, &t, NULL) != JIT_OK)
		return "of a type that is not accepted";
	return t == SSH_ED25519 ? "Ed25519" : t == SSH_ECDSA_P256 ? "P-256" :
	    "P-384";
}

static enum jit_err
list_class(struct p11 *p, ck_session_handle_t s, const struct uri *u,
    ck_object_class_t class, struct wr *w, struct jit_why *why)
{
	struct uri filter = { .object = "" };
	struct p11_objects found;

	memcpy(filter.object, u->object, sizeof(filter.object));
	memcpy(filter.id, u->id, sizeof(filter.id));
	filter.id_n = u->id_n;
	JIT_TRY(p11_keys(p, s, &filter, class, &found, why));
	for (size_t i = 0; i < found.n; i++) {
		struct uri name = { .object = "" };

		p11_name(p, s, found.h[i], &name);
		wr_str(w, "  ");
		uri_put(w, &name);
		wr_fmt(w, " %s %s\n", class == CKO_PRIVATE_KEY ? "private" :
		    "public", type_name(p, s, found.h[i]));
	}
	return w->err;
}

static enum jit_err
list_token(struct p11 *p, const struct uri *u, const struct p11_slot *slot,
    struct wr *w, struct jit_why *why)
{
	struct uri name = { .object = "" };
	ck_session_handle_t s;
	enum jit_err e;
	ck_rv_t rv;

	memcpy(name.token, slot->token.label, sizeof(name.token));
	memcpy(name.manufacturer, slot->token.manufacturer,
	    sizeof(name.manufacturer));
	memcpy(name.model, slot->token.model, sizeof(name.model));
	memcpy(name.serial, slot->token.serial, sizeof(name.serial));
	uri_put(w, &name);
	wr_str(w, "\n");
	rv = p->f->C_OpenSession(slot->id, CKF_SERIAL_SESSION, NULL, NULL,
	    &s);
	if (rv != CKR_OK)
		return p11_rv(p, "C_OpenSession", rv, why);
	e = list_class(p, s, u, CKO_PRIVATE_KEY, w, why);
	if (e == JIT_OK)
		e = list_class(p, s, u, CKO_PUBLIC_KEY, w, why);
	(void)p->f->C_CloseSession(s);
	return e;
}

enum jit_err
p11_list(struct p11 *p, const struct uri *u, struct wr *w,
    struct jit_why *why)
{
	struct p11_slot s[P11_SLOTS];
	size_t n;

	JIT_TRY(p11_slots(p, u, s, &n, why));
	for (size_t i = 0; i < n; i++)
		JIT_TRY(list_token(p, u, &s[i], w, why));
	return w->err;
}
