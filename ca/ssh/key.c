#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "ca/base/digest.h"
#include "ca/base/text.h"
#include "ca/ssh/key.h"
#include "ca/ssh/mpint.h"
#include "ca/ssh/type.h"

JIT_SCOPED_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
JIT_SCOPED_PTR(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);
JIT_SCOPED_PTR(OSSL_PARAM, OSSL_PARAM_free);
JIT_SCOPED_PTR(BIGNUM, BN_free);

#define V01 "-cert-v01@openssh.com"
const struct ssh_type_row ssh_types[SSH_TYPES] = {
	[SSH_ED25519] = { "ssh-ed25519", "ssh-ed25519" V01,
	    NULL, NULL, NULL, 256, false },
	[SSH_ECDSA_P256] = { "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" V01,
	    "nistp256", "prime256v1", "SHA256", 256, false },
	[SSH_ECDSA_P384] = { "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" V01,
	    "nistp384", "secp384r1", "SHA384", 384, false },
	[SSH_ECDSA_P521] = { "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521" V01,
	    "nistp521", "secp521r1", "SHA512", 521, false },
	[SSH_RSA] = { "ssh-rsa", "ssh-rsa" V01,
	    NULL, NULL, NULL, 0, false },
	[SSH_SK_ED25519] = { "sk-ssh-ed25519@openssh.com",
	    "sk-ssh-ed25519" V01, NULL, NULL, NULL, 256, true },
	[SSH_SK_ECDSA] = { "sk-ecdsa-sha2-nistp256@openssh.com",
	    "sk-ecdsa-sha2-nistp256" V01,
	    "nistp256", "prime256v1", "SHA256", 256, true },
};

struct ssh_key {
	enum ssh_type type;
	unsigned bits;
	uint8_t point[32];	/* Ed25519's */
	EVP_PKEY **evp;		/* one; of an Ed25519 key NULL until asked for */
	char *application;	/* "" unless sk */
	char fp[SSH_FP_TEXT];
	struct buf blob;
};

/* The fields of a blob as they were read. */
struct fields {
	struct span point;	/* Ed25519's 32 bytes, or an EC point */
	struct span e, n;	/* RSA */
	struct span application;
};

static enum jit_err
type_of(struct span name, enum ssh_type *ret, struct jit_why *why)
{
	char shown[80];

	for (int t = 0; t < SSH_TYPES; t++)
		if (span_eq_str(name, ssh_types[t].name)) {
			*ret = (enum ssh_type)t;
			return JIT_OK;
		}
	(void)text_shown(name, shown, sizeof(shown));
	for (int t = 0; t < SSH_TYPES; t++)
		if (span_eq_str(name, ssh_types[t].cert))
			return jit_fail(why, JIT_E_KEYTYPE, "%s is a "
			    "certificate, accepted is a plain key", shown);
	return jit_fail(why, JIT_E_KEYTYPE, "key type \"%s\"; accepted are "
	    "ssh-ed25519, ecdsa-sha2-nistp256, -384, -521, ssh-rsa, "
	    "sk-ssh-ed25519, sk-ecdsa", shown);
}

/*
 * y below p = 2^255 - 19, the sign bit aside: OpenSSL takes y + p for y, and
 * two encodings of one key would be two people.
 */
static bool
is_reduced(struct span y)
{
	if ((y.p[31] & 0x7f) != 0x7f || y.p[0] < 0xed)
		return true;
	for (int i = 1; i < 31; i++)
		if (y.p[i] != 0xff)
			return true;
	return false;
}

static void
read_fields(struct rd *r, const struct ssh_type_row *row, struct fields *f)
{
	if (row->curve != NULL) {
		if (!span_eq_str(rd_string(r, 16), row->curve))
			rd_fail(r);
		f->point = rd_string(r, 256);
	} else if (row->bits == 0) {
		f->e = rd_mpint(r, 8);
		f->n = rd_mpint(r, SSH_RSA_BITS_MAX / 8);
	} else {
		f->point = rd_string(r, 32);
		if (f->point.n != 32 || !is_reduced(f->point))
			rd_fail(r);
	}
	if (row->sk)
		f->application = rd_cstring(r, 256);
}

static EVP_PKEY *
from_params(const char *alg, OSSL_PARAM_BLD *bld)
{
	JIT_SCOPED(OSSL_PARAM_free) OSSL_PARAM *params =
	    OSSL_PARAM_BLD_to_param(bld);
	JIT_SCOPED(EVP_PKEY_CTX_free) EVP_PKEY_CTX *c =
	    EVP_PKEY_CTX_new_from_name(NULL, alg, NULL);
	EVP_PKEY *k = NULL;

	if (params == NULL || c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &k, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return k;
}

static EVP_PKEY *
make_rsa(const struct fields *f)
{
	JIT_SCOPED(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *bld =
	    OSSL_PARAM_BLD_new();
	JIT_SCOPED(BN_free) BIGNUM *e = BN_bin2bn(f->e.p, (int)f->e.n, NULL);
	JIT_SCOPED(BN_free) BIGNUM *n = BN_bin2bn(f->n.p, (int)f->n.n, NULL);

	if (bld == NULL || e == NULL || n == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1)
		return NULL;
	return from_params("RSA", bld);
}

/* OpenSSL checks that the point is on the curve, and not infinity. */
static EVP_PKEY *
make_ec(const struct ssh_type_row *row, struct span point)
{
	JIT_SCOPED(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *bld =
	    OSSL_PARAM_BLD_new();

	/* 0x04: uncompressed, the only form that SSH has. */
	if (bld == NULL || point.n != 1 + 2 * ((row->bits + 7) / 8) ||
	    point.p[0] != 4 ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    row->group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    point.p, point.n) != 1)
		return NULL;
	return from_params("EC", bld);
}

/*
 * OpenSSL takes any 32 bytes for an Ed25519 key, and takes as long as it takes
 * to hash 10 KiB; most keys that are read out of certificates and signatures
 * are never used to verify.  So theirs are made by ssh_key_evp().
 */
static enum jit_err
make_evp(struct ssh_key *k, const struct ssh_type_row *row,
    const struct fields *f, struct jit_why *why)
{
	if ((k->evp = calloc(1, sizeof(EVP_PKEY *))) == NULL)
		return JIT_E_NOMEM;
	k->bits = row->bits;
	if (row->bits != 0 && row->curve == NULL) {
		memcpy(k->point, f->point.p, sizeof(k->point));
		return JIT_OK;
	}
	*k->evp = row->bits == 0 ? make_rsa(f) : make_ec(row, f->point);
	if (*k->evp == NULL)
		return jit_fail(why, JIT_E_FORMAT, "the %s key is no valid "
		    "key: a point off its curve, or in another form",
		    row->name);
	if (row->bits == 0)
		k->bits = (unsigned)EVP_PKEY_get_bits(*k->evp);
	return JIT_OK;
}

/* Made with the key, where a failing hash can still refuse it. */
static enum jit_err
put_fingerprint(struct span blob, char ret[static SSH_FP_TEXT])
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(64);
	struct digest d;

	JIT_TRY(digest_sha256(blob, &d));
	b64_put(&w, DIGEST_SPAN(d));
	JIT_TRY(w.err);
	/* 32 bytes are 43 characters and one of padding, which is left out. */
	memcpy(ret, "SHA256:", 7);
	memcpy(ret + 7, w.p, SSH_FP_TEXT - 8);
	ret[SSH_FP_TEXT - 1] = '\0';
	return JIT_OK;
}

enum jit_err
ssh_key_parse(struct span blob, struct ssh_key **ret, struct jit_why *why)
{
	struct rd r = rd_of(blob);
	struct fields f = { SPAN_NONE, SPAN_NONE, SPAN_NONE, SPAN_NONE };
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	const struct ssh_type_row *row;
	enum ssh_type t = SSH_ED25519;
	struct span name;

	if (blob.n > SSH_BLOB_MAX)
		return jit_fail(why, JIT_E_SIZE, "a key of %zu bytes, "
		    "accepted are at most %d", blob.n, SSH_BLOB_MAX);
	name = rd_string(&r, 64);
	if (r.err != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not an SSH key blob");
	JIT_TRY(type_of(name, &t, why));
	row = &ssh_types[t];
	read_fields(&r, row, &f);
	if (rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "malformed %s key",
		    row->name);
	if (row->sk && (f.application.n < 4 ||
	    memcmp(f.application.p, "ssh:", 4) != 0 ||
	    !text_is_ascii(f.application)))
		return jit_fail(why, JIT_E_KEYTYPE, "the security key's "
		    "application does not begin with ssh:");
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return JIT_E_NOMEM;
	k->type = t;
	JIT_TRY(buf_copy(&k->blob, blob));
	JIT_TRY(put_fingerprint(blob, k->fp));
	k->application = calloc(1, f.application.n + 1);
	if (k->application == NULL)
		return JIT_E_NOMEM;
	if (f.application.n > 0)
		memcpy(k->application, f.application.p, f.application.n);
	JIT_TRY(make_evp(k, row, &f, why));
	*ret = k;
	k = NULL;
	return JIT_OK;
}

enum jit_err
ssh_key_parse_line(struct span line, struct ssh_key **ret,
    struct span *comment, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	struct span type, b64, rest = SPAN_NONE;
	const uint8_t *sp;

	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n == 0 || (sp = memchr(line.p, ' ', line.n)) == NULL ||
	    memchr(line.p, '\n', line.n) != NULL)
		return jit_fail(why, JIT_E_FORMAT, "not a public key line; "
		    "accepted is \"type base64 comment\"");
	type = SPAN(line.p, (size_t)(sp - line.p));
	b64 = SPAN(sp + 1, line.n - type.n - 1);
	if (b64.n > 0 && (sp = memchr(b64.p, ' ', b64.n)) != NULL) {
		rest = SPAN(sp + 1, b64.n - (size_t)(sp - b64.p) - 1);
		b64.n -= rest.n + 1;
	}
	if (b64_get(b64, &w) != JIT_OK)
		return jit_fail(why, w.err == JIT_E_SIZE ? JIT_E_SIZE :
		    JIT_E_FORMAT, "the key is not base64, or too long");
	JIT_TRY(ssh_key_parse(wr_view(&w), &k, why));
	if (!span_eq_str(type, ssh_key_type_name(k)))
		return jit_fail(why, JIT_E_FORMAT, "the line names another "
		    "type than the key in it, %s", ssh_key_type_name(k));
	if (comment != NULL)
		*comment = rest;
	*ret = k;
	k = NULL;
	return JIT_OK;
}

void
ssh_key_free(struct ssh_key *k)
{
	if (k == NULL)
		return;
	if (k->evp != NULL)
		EVP_PKEY_free(*k->evp);
	free(k->evp);
	free(k->application);
	buf_done(&k->blob);
	free(k);
}

enum jit_err
ssh_key_dup(const struct ssh_key *k, struct ssh_key **ret)
{
	return ssh_key_parse(ssh_key_blob(k), ret, NULL);
}

enum ssh_type
ssh_key_type(const struct ssh_key *k)
{
	return k->type;
}

bool
ssh_key_is_sk(const struct ssh_key *k)
{
	return ssh_types[k->type].sk;
}

const char *
ssh_key_type_name(const struct ssh_key *k)
{
	return ssh_types[k->type].name;
}

const char *
ssh_type_name(enum ssh_type t)
{
	return ssh_types[t].name;
}

const char *
ssh_type_cert_name(enum ssh_type t)
{
	return ssh_types[t].cert;
}

struct span
ssh_key_blob(const struct ssh_key *k)
{
	return BUF_SPAN(k->blob);
}

/* Threads may ask at once: who comes second takes the first one's. */
EVP_PKEY *
ssh_key_evp(const struct ssh_key *k)
{
	EVP_PKEY *have = __atomic_load_n(k->evp, __ATOMIC_ACQUIRE), *made;

	if (have != NULL)
		return have;
	made = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->point,
	    sizeof(k->point));
	if (made == NULL || __atomic_compare_exchange_n(k->evp, &have, made,
	    false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return made;
	EVP_PKEY_free(made);
	return have;
}

const uint8_t *
ssh_key_point(const struct ssh_key *k)
{
	return k->point;
}

const char *
ssh_key_application(const struct ssh_key *k)
{
	return k->application;
}

unsigned
ssh_key_bits(const struct ssh_key *k)
{
	return k->bits;
}

bool
ssh_key_eq(const struct ssh_key *a, const struct ssh_key *b)
{
	return span_eq(ssh_key_blob(a), ssh_key_blob(b));
}

void
ssh_key_fingerprint(const struct ssh_key *k, char ret[static SSH_FP_TEXT])
{
	memcpy(ret, k->fp, SSH_FP_TEXT);
}

void
ssh_key_put_line(struct wr *w, const struct ssh_key *k, const char *comment)
{
	wr_str(w, ssh_key_type_name(k));
	wr_u8(w, ' ');
	b64_put(w, ssh_key_blob(k));
	if (comment != NULL) {
		wr_u8(w, ' ');
		wr_str(w, comment);
	}
}
