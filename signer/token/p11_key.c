/*
 * p11_key - keys of a token: found, and their public halves read.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/ssh/mpint.h"
#include "signer/token/form.h"
#include "signer/token/p11_int.h"

/* ---- searching ---- */

enum jit_err
p11_objects(struct p11 *p, ck_session_handle_t s, struct ck_attribute *t,
    size_t n, struct p11_objects *ret, struct jit_why *why)
{
	unsigned long got = 0;
	ck_rv_t rv;

	ret->n = 0;
	if ((rv = p->f->C_FindObjectsInit(s, t, n)) != CKR_OK)
		return p11_rv(p, "C_FindObjectsInit", rv, why);
	/* Modules may give fewer than there are: until none comes. */
	while (ret->n < P11_OBJECTS &&
	    (rv = p->f->C_FindObjects(s, ret->h + ret->n,
	    P11_OBJECTS - ret->n, &got)) == CKR_OK && got > 0) {
		if (got > P11_OBJECTS - ret->n)
			rv = CKR_GENERAL_ERROR;
		if (rv != CKR_OK)
			break;
		ret->n += got;
		got = 0;
	}
	(void)p->f->C_FindObjectsFinal(s);
	return rv == CKR_OK ? JIT_OK : p11_rv(p, "C_FindObjects", rv, why);
}

enum jit_err
p11_keys(struct p11 *p, ck_session_handle_t s, const struct uri *u,
    ck_object_class_t class, struct p11_objects *ret, struct jit_why *why)
{
	struct uri copy = *u;
	struct ck_attribute t[3] = {
		{ CKA_CLASS, &class, sizeof(class) },
	};
	size_t n = 1;

	if (u->object[0] != '\0')
		t[n++] = (struct ck_attribute){ CKA_LABEL, copy.object,
		    strlen(copy.object) };
	if (u->id_n > 0)
		t[n++] = (struct ck_attribute){ CKA_ID, copy.id, copy.id_n };
	return p11_objects(p, s, t, n, ret, why);
}

enum jit_err
p11_attr(struct p11 *p, ck_session_handle_t s, ck_object_handle_t o,
    ck_attribute_type_t type, uint8_t buf[static P11_ATTR_MAX],
    struct span *ret, struct jit_why *why)
{
	struct ck_attribute a = { type, buf, P11_ATTR_MAX };
	ck_rv_t rv = p->f->C_GetAttributeValue(s, o, &a, 1);

	*ret = SPAN_NONE;
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_BUFFER_TOO_SMALL)
		return JIT_OK;
	if (rv != CKR_OK)
		return p11_rv(p, "C_GetAttributeValue", rv, why);
	/* (unsigned long)-1 is "I do not say". */
	if (a.value_len <= P11_ATTR_MAX)
		*ret = SPAN(buf, a.value_len);
	return JIT_OK;
}

unsigned long
p11_number(struct p11 *p, ck_session_handle_t s, ck_object_handle_t o,
    ck_attribute_type_t type, unsigned long otherwise)
{
	uint8_t buf[P11_ATTR_MAX];
	struct span v;
	unsigned long n;

	if (p11_attr(p, s, o, type, buf, &v, NULL) != JIT_OK)
		return otherwise;
	if (v.n == 1)
		return v.p[0];
	if (v.n != sizeof(n))
		return otherwise;
	memcpy(&n, v.p, sizeof(n));
	return n;
}

void
p11_name(struct p11 *p, ck_session_handle_t s, ck_object_handle_t o,
    struct uri *u)
{
	uint8_t buf[P11_ATTR_MAX];
	struct span v;

	u->object[0] = '\0';
	u->id_n = 0;
	if (p11_attr(p, s, o, CKA_LABEL, buf, &v, NULL) == JIT_OK &&
	    v.n < sizeof(u->object) && v.n > 0) {
		memcpy(u->object, v.p, v.n);
		u->object[v.n] = '\0';
	}
	if (p11_attr(p, s, o, CKA_ID, buf, &v, NULL) == JIT_OK &&
	    v.n <= sizeof(u->id) && v.n > 0) {
		memcpy(u->id, v.p, v.n);
		u->id_n = v.n;
	}
}

/* ---- public halves ---- */

#define P256_OID "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P384_OID "\x06\x05\x2b\x81\x04\x00\x22"
#define ED25519_OID "\x06\x03\x2b\x65\x70"
#define ED25519_NAME "\x13\x0c" "edwards25519"

static const struct curve {
	const char *der;
	size_t n;
	bool edwards;
	enum ssh_type type;
} curves[] = {
	{ P256_OID, sizeof(P256_OID) - 1, false, SSH_ECDSA_P256 },
	{ P384_OID, sizeof(P384_OID) - 1, false, SSH_ECDSA_P384 },
	{ ED25519_NAME, sizeof(ED25519_NAME) - 1, true, SSH_ED25519 },
	{ ED25519_OID, sizeof(ED25519_OID) - 1, true, SSH_ED25519 },
};

enum jit_err
p11_curve(struct span params, bool edwards, enum ssh_type *ret,
    struct jit_why *why)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (curves[i].edwards == edwards &&
		    span_eq(params, SPAN(curves[i].der, curves[i].n))) {
			*ret = curves[i].type;
			return JIT_OK;
		}
	return jit_fail(why, JIT_E_KEYTYPE, "the token's key is on a curve "
	    "that is not accepted; accepted are P-256, P-384, Ed25519, by "
	    "name");
}

struct span
p11_curve_params(enum frame_gen g)
{
	const struct curve *c = &curves[g == FRAME_G_P256 ? 0 :
	    g == FRAME_G_P384 ? 1 : 2];

	return SPAN(c->der, c->n);
}

/* A point of n bytes, bare or in an OCTET STRING (PKCS #11 2.40: the latter). */
static struct span
unwrap(struct span v, size_t n)
{
	if (v.n == n + 2 && v.p[0] == 0x04 && v.p[1] == n)
		return SPAN(v.p + 2, n);
	return v.n == n ? v : SPAN_NONE;
}

static enum jit_err
put_ec(struct p11 *p, ck_session_handle_t s, ck_object_handle_t o,
    bool edwards, struct wr *w, struct jit_why *why)
{
	uint8_t buf[P11_ATTR_MAX];
	enum ssh_type t = SSH_ED25519;
	struct span v;

	JIT_TRY(p11_attr(p, s, o, CKA_EC_PARAMS, buf, &v, why));
	JIT_TRY(p11_curve(v, edwards, &t, why));
	JIT_TRY(p11_attr(p, s, o, CKA_EC_POINT, buf, &v, why));
	v = unwrap(v, edwards ? 32 : t == SSH_ECDSA_P256 ? 65 : 97);
	if (v.n == 0)
		return jit_fail(why, JIT_E_TOKEN, "the token does not give "
		    "the key's public point");
	wr_cstring(w, ssh_type_name(t));
	if (!edwards)
		wr_cstring(w, t == SSH_ECDSA_P256 ? "nistp256" : "nistp384");
	wr_string(w, v);
	return w->err;
}

static enum jit_err
put_rsa(struct p11 *p, ck_session_handle_t s, ck_object_handle_t o,
    struct wr *w, struct jit_why *why)
{
	uint8_t ebuf[P11_ATTR_MAX], nbuf[P11_ATTR_MAX];
	struct span e, n;

	JIT_TRY(p11_attr(p, s, o, CKA_PUBLIC_EXPONENT, ebuf, &e, why));
	JIT_TRY(p11_attr(p, s, o, CKA_MODULUS, nbuf, &n, why));
	if (e.n == 0 || n.n == 0)
		return jit_fail(why, JIT_E_TOKEN, "the token does not give "
		    "the key's public numbers");
	wr_cstring(w, ssh_type_name(SSH_RSA));
	wr_mpint(w, e);
	wr_mpint(w, n);
	return w->err;
}

/* The public object of the same id (or label); o itself when there is none. */
static enum jit_err
public_object(struct p11 *p, ck_session_handle_t s, ck_object_handle_t o,
    ck_object_handle_t *ret, struct jit_why *why)
{
	struct uri name = { .object = "" };
	struct p11_objects found;

	p11_name(p, s, o, &name);
	if (name.id_n > 0)
		name.object[0] = '\0';
	*ret = o;
	if (name.id_n == 0 && name.object[0] == '\0')
		return JIT_OK;
	JIT_TRY(p11_keys(p, s, &name, CKO_PUBLIC_KEY, &found, why));
	for (size_t i = 0; i < found.n; i++)
		if (p11_number(p, s, found.h[i], CKA_KEY_TYPE, 0) ==
		    p11_number(p, s, o, CKA_KEY_TYPE, 0)) {
			*ret = found.h[i];
			break;
		}
	return JIT_OK;
}

enum jit_err
p11_public(struct p11 *p, ck_session_handle_t s, ck_object_handle_t o,
    struct ssh_key **ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	unsigned long type = p11_number(p, s, o, CKA_KEY_TYPE, ~0ul);
	ck_object_handle_t pub;

	JIT_TRY(public_object(p, s, o, &pub, why));
	switch (type) {
	case CKK_EC:
	case CKK_EC_EDWARDS:
		JIT_TRY(put_ec(p, s, pub, type == CKK_EC_EDWARDS, &w, why));
		break;
	case CKK_RSA:
		JIT_TRY(put_rsa(p, s, pub, &w, why));
		break;
	default:
		return jit_fail(why, JIT_E_KEYTYPE, "the token's key is of "
		    "type 0x%lx; accepted are EC, Ed25519, RSA", type);
	}
	JIT_TRY(ssh_key_parse(wr_view(&w), &k, why));
	JIT_TRY(form_check(k, why));
	*ret = k;
	k = NULL;
	return JIT_OK;
}

/* ---- the one ---- */

/* "user-ca" (id %01), "x" (id %02) */
static enum jit_err
wrong_number(struct p11 *p, const struct uri *u,
    const struct p11_objects *found, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	const struct uri any = { .object = "" };
	struct p11_objects all = *found;

	if (found->n == 0)
		JIT_TRY(p11_keys(p, p->session, &any, CKO_PRIVATE_KEY, &all,
		    why));
	for (size_t i = 0; i < all.n && w.n < 200; i++) {
		struct uri name = { .object = "" };

		p11_name(p, p->session, all.h[i], &name);
		wr_str(&w, i > 0 ? ", " : "");
		uri_put(&w, &name);
	}
	wr_str(&w, all.n == 0 ? "none at all" : "");
	wr_u8(&w, '\0');
	JIT_TRY(w.err);
	return found->n == 0 ?
	    jit_fail(why, JIT_E_TOKEN, "the token \"%s\" has no such private "
	    "key; it has %s", u->token[0] != '\0' ? u->token : u->serial,
	    (const char *)w.p) :
	    jit_fail(why, JIT_E_TOKEN, "the URI names %zu private keys, it "
	    "has to be one: %s", found->n, (const char *)w.p);
}

enum jit_err
p11_find(struct p11 *p, const struct uri *u, struct p11_key *ret,
    struct jit_why *why)
{
	struct p11_objects found;

	JIT_TRY(p11_keys(p, p->session, u, CKO_PRIVATE_KEY, &found, why));
	if (found.n != 1)
		return wrong_number(p, u, &found, why);
	if (p11_number(p, p->session, found.h[0], CKA_ALWAYS_AUTHENTICATE,
	    0) != 0)
		return jit_fail(why, JIT_E_TOKEN, "the key wants its PIN "
		    "before each signature; a daemon needs one that wants it "
		    "once (YubiKey: not slot 9c, or --pin-policy=once)");
	JIT_TRY(p11_public(p, p->session, found.h[0], &ret->pub, why));
	ret->handle = found.h[0];
	return JIT_OK;
}

void
p11_key_done(struct p11_key *k)
{
	ssh_key_free(k->pub);
	k->pub = NULL;
}
