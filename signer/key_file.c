#include <string.h>

#include <openssl/evp.h>

#include "ca/base/digest.h"
#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "signer/key_file.h"

#define MAGIC "jitkey1\n"
#define BEGIN "-----BEGIN JIT SIGNER KEY-----\n"
#define END "-----END JIT SIGNER KEY-----\n"
#define LINE 64
#define CHECK_LABEL "jit-cert key check v1"

#define SALT 32
#define NONCE 12
#define SHORT 8		/* bytes of the check and of the sum */
#define TAG 16
#define KEY 32
#define RAW_MAX (KEY_FILE_MAX / 4 * 3)
/* Above 128 * N * r: p blocks and what OpenSSL needs beside. */
#define MEMORY_SPARE (1u << 20)

JIT_SCOPED_PTR(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free);

static const struct use_row {
	enum key_use use;
	const char *name;
	bool ed25519;
} uses[] = {
#define X(n, b, s, e) { KEY_USE_##n, s, e },
#include "signer/key_use.def"
#undef X
};
#define USES (sizeof(uses) / sizeof(uses[0]))

/* The fields of a file; spans borrow from its raw bytes. */
struct fields {
	uint8_t use;
	struct span type, blob;
	struct key_cost cost;
	struct span salt, nonce, check;
	struct span aad, sealed;	/* sealed: ciphertext and tag */
};

static const struct use_row *
use_row(unsigned use)
{
	for (size_t i = 0; i < USES; i++)
		if ((unsigned)uses[i].use == use)
			return &uses[i];
	return NULL;
}

const char *
key_use_name(enum key_use u)
{
	const struct use_row *row = use_row((unsigned)u);

	return row != NULL ? row->name : "unknown";
}

enum jit_err
key_use_parse(const char *name, enum key_use *ret)
{
	for (size_t i = 0; i < USES; i++)
		if (strcmp(uses[i].name, name) == 0) {
			*ret = uses[i].use;
			return JIT_OK;
		}
	return JIT_E_ARG;
}

enum jit_err
key_cost_check(const struct key_cost *c, struct jit_why *why)
{
	if (c->r < KEY_COST_R_MIN || c->r > KEY_COST_R_MAX)
		return jit_fail(why, JIT_E_ARG, "scrypt r is %lu, accepted "
		    "are %d to %d", (unsigned long)c->r, KEY_COST_R_MIN,
		    KEY_COST_R_MAX);
	if (c->p < 1 || c->p > KEY_COST_P_MAX)
		return jit_fail(why, JIT_E_ARG, "scrypt p is %lu, accepted "
		    "are 1 to %d", (unsigned long)c->p, KEY_COST_P_MAX);
	if (c->n < KEY_COST_N_MIN || (c->n & (c->n - 1)) != 0 ||
	    c->n > KEY_COST_MEMORY_MAX / 128 / c->r)
		return jit_fail(why, JIT_E_ARG, "scrypt N is %llu, accepted "
		    "are powers of two from %u that need at most %u MiB",
		    (unsigned long long)c->n, KEY_COST_N_MIN,
		    KEY_COST_MEMORY_MAX >> 20);
	return JIT_OK;
}

/* ---- the passphrase ---- */

/* 64 bytes: the key, and what the check is made of. */
static enum jit_err
derive(const struct secret *pass, const struct key_cost *cost,
    struct span salt, struct secret *ret, struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret out = { NULL, 0, 0 };
	uint64_t memory = 128 * cost->n * cost->r + MEMORY_SPARE;

	if (pass->n == 0)
		return jit_fail(why, JIT_E_ARG, "no passphrase");
	JIT_TRY(secret_new(&out, (size_t)2 * KEY));
	/* With its cost checked, memory is all that it can lack. */
	if (EVP_PBE_scrypt((const char *)pass->p, pass->n, salt.p, salt.n,
	    cost->n, cost->r, cost->p, memory, out.p, out.n) != 1)
		return jit_fail(why, JIT_E_NOMEM, "scrypt needs %llu MiB",
		    (unsigned long long)(memory >> 20));
	*ret = out;
	out = (struct secret){ NULL, 0, 0 };
	return JIT_OK;
}

static enum jit_err
make_check(const struct secret *derived, uint8_t ret[static SHORT])
{
	struct span in[2] = {
		SPAN(CHECK_LABEL, sizeof(CHECK_LABEL) - 1),
		SPAN(derived->p + KEY, KEY),
	};
	struct digest d;

	JIT_TRY(digest_sha256v(in, 2, &d));
	memcpy(ret, d.b, SHORT);
	return JIT_OK;
}

/* ---- sealing ---- */

/* Append ciphertext and tag; the AAD is what w holds. */
static enum jit_err
encrypt(struct wr *w, const uint8_t key[static KEY],
    const uint8_t nonce[static NONCE], const struct secret *plain)
{
	JIT_SCOPED(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *c =
	    EVP_CIPHER_CTX_new();
	JIT_DONE(secret_done) struct secret out = { NULL, 0, 0 };
	struct span aad = wr_view(w);
	uint8_t tag[TAG];
	int n = 0, more = 0;

	JIT_TRY(w->err);
	JIT_TRY(secret_new(&out, plain->n));
	if (c == NULL || EVP_EncryptInit_ex(c, EVP_chacha20_poly1305(), NULL,
	    key, nonce) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &n, aad.p, (int)aad.n) != 1 ||
	    EVP_EncryptUpdate(c, out.p, &n, plain->p, (int)plain->n) != 1 ||
	    EVP_EncryptFinal_ex(c, out.p + n, &more) != 1 ||
	    (size_t)(n + more) != plain->n ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, tag) != 1)
		return JIT_E_CRYPTO;
	wr_raw(w, out.p, out.n);
	wr_raw(w, tag, TAG);
	return w->err;
}

static void
put_sum(struct wr *w)
{
	struct digest d;

	if (w->err == JIT_OK && digest_sha256(wr_view(w), &d) != JIT_OK)
		wr_fail(w, JIT_E_CRYPTO);
	else
		wr_raw(w, d.b, SHORT);
}

static void
put_armour(struct wr *w, struct span raw)
{
	wr_str(w, BEGIN);
	b64_put_lines(w, raw, LINE);
	wr_str(w, END);
}

/* Everything up to the check. */
static void
put_head(struct wr *w, const struct ssh_key *pub, enum key_use use,
    const struct key_cost *cost, const uint8_t salt[static SALT],
    const uint8_t nonce[static NONCE], const uint8_t check[static SHORT])
{
	wr_str(w, MAGIC);
	wr_u8(w, (uint8_t)use);
	wr_cstring(w, ssh_key_type_name(pub));
	wr_string(w, ssh_key_blob(pub));
	wr_u64(w, cost->n);
	wr_u32(w, cost->r);
	wr_u32(w, cost->p);
	wr_raw(w, salt, SALT);
	wr_raw(w, nonce, NONCE);
	wr_raw(w, check, SHORT);
}

static enum jit_err
check_use(unsigned use, const struct ssh_key *pub, struct jit_why *why)
{
	const struct use_row *row = use_row(use);

	if (row == NULL)
		return jit_fail(why, JIT_E_ARG, "there is no use %u of a key",
		    use);
	if (row->ed25519 && ssh_key_type(pub) != SSH_ED25519)
		return jit_fail(why, JIT_E_KEYTYPE, "a key for %s is %s, "
		    "accepted is ssh-ed25519", row->name,
		    ssh_key_type_name(pub));
	return JIT_OK;
}

enum jit_err
key_file_seal(const struct ssh_priv *k, enum key_use use,
    const struct secret *passphrase, const struct key_cost *cost,
    const struct rng *rng, struct wr *w, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr raw = WR_INIT(RAW_MAX);
	JIT_DONE(secret_done) struct secret derived = { NULL, 0, 0 };
	JIT_DONE(secret_done) struct secret plain = { NULL, 0, 0 };
	const struct ssh_key *pub = ssh_priv_public(k);
	uint8_t salt[SALT], nonce[NONCE], check[SHORT];

	JIT_TRY(check_use((unsigned)use, pub, why));
	JIT_TRY(key_cost_check(cost, why));
	JIT_TRY(rng_fill(rng, salt, sizeof(salt)));
	JIT_TRY(rng_fill(rng, nonce, sizeof(nonce)));
	JIT_TRY(derive(passphrase, cost, SPAN(salt, SALT), &derived, why));
	JIT_TRY(make_check(&derived, check));
	JIT_TRY(ssh_priv_save(k, &plain));
	put_head(&raw, pub, use, cost, salt, nonce, check);
	wr_u32(&raw, (uint32_t)(plain.n + TAG));
	JIT_TRY(encrypt(&raw, derived.p, nonce, &plain));
	put_sum(&raw);
	JIT_TRY(raw.err);
	put_armour(w, wr_view(&raw));
	return w->err;
}

/* ---- opening ---- */

static enum jit_err
bad_form(struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_FORMAT, "not a whole signer key file: %s",
	    what);
}

/* The bytes of the one text that means them. */
static enum jit_err
unarmour(struct span text, struct wr *raw, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr again = WR_INIT(KEY_FILE_MAX);
	size_t b = sizeof(BEGIN) - 1, e = sizeof(END) - 1;

	if (text.n > KEY_FILE_MAX)
		return bad_form(why, "too large");
	if (text.n < b + e || memcmp(text.p, BEGIN, b) != 0)
		return bad_form(why, "it does not begin as one");
	if (memcmp(text.p + text.n - e, END, e) != 0)
		return bad_form(why, "its end is missing");
	if (b64_get_lines(SPAN(text.p + b, text.n - b - e), raw) != JIT_OK)
		return bad_form(why, "bad base64");
	put_armour(&again, wr_view(raw));
	JIT_TRY(again.err);
	if (!span_eq(wr_view(&again), text))
		return bad_form(why, "lines are 64 characters and a line "
		    "feed");
	return JIT_OK;
}

static enum jit_err
check_sum(struct span raw, struct jit_why *why)
{
	struct digest d;

	if (raw.n < SHORT)
		return bad_form(why, "too short");
	JIT_TRY(digest_sha256(SPAN(raw.p, raw.n - SHORT), &d));
	if (!span_eq(SPAN(d.b, SHORT), SPAN(raw.p + raw.n - SHORT, SHORT)))
		return bad_form(why, "it is damaged, its sum does not match");
	return JIT_OK;
}

static enum jit_err
read_fields(struct span raw, struct fields *f, struct jit_why *why)
{
	struct rd r = rd_of(SPAN(raw.p, raw.n - SHORT));
	struct jit_why cost = { 0 };

	if (!span_eq_str(rd_raw(&r, sizeof(MAGIC) - 1), MAGIC))
		return bad_form(why, "not version 1");
	f->use = rd_u8(&r);
	f->type = rd_cstring(&r, 64);
	f->blob = rd_string(&r, SSH_BLOB_MAX);
	f->cost.n = rd_u64(&r);
	f->cost.r = rd_u32(&r);
	f->cost.p = rd_u32(&r);
	f->salt = rd_raw(&r, SALT);
	f->nonce = rd_raw(&r, NONCE);
	f->check = rd_raw(&r, SHORT);
	f->sealed = rd_string(&r, RAW_MAX);
	if (rd_end(&r) != JIT_OK)
		return bad_form(why, "fields are cut or something is behind "
		    "them");
	if (f->sealed.n <= TAG)
		return bad_form(why, "nothing is in it");
	f->aad = SPAN(raw.p, (size_t)(f->sealed.p - raw.p));
	if (key_cost_check(&f->cost, &cost) != JIT_OK)
		return bad_form(why, cost.msg);
	return JIT_OK;
}

/* Text to fields (borrowing from raw) and the public key that they claim. */
static enum jit_err
parse(struct span text, struct wr *raw, struct fields *f,
    struct ssh_key **pub, struct jit_why *why)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;

	JIT_TRY(unarmour(text, raw, why));
	JIT_TRY(check_sum(wr_view(raw), why));
	JIT_TRY(read_fields(wr_view(raw), f, why));
	JIT_TRY(ssh_key_parse(f->blob, &k, why));
	if (!span_eq_str(f->type, ssh_key_type_name(k)))
		return bad_form(why, "type and public key differ");
	if (use_row(f->use) == NULL)
		return bad_form(why, "it is for a use that is not known");
	JIT_TRY(check_use(f->use, k, why));
	*pub = k;
	k = NULL;
	return JIT_OK;
}

enum jit_err
key_file_peek(struct span text, struct key_file_claims *ret,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr raw = WR_INIT(RAW_MAX);
	struct fields f;
	struct ssh_key *pub = NULL;

	JIT_TRY(parse(text, &raw, &f, &pub, why));
	*ret = (struct key_file_claims){ (enum key_use)f.use, f.cost, pub };
	return JIT_OK;
}

void
key_file_claims_done(struct key_file_claims *c)
{
	ssh_key_free(c->pub);
	*c = (struct key_file_claims){ 0 };
}

static enum jit_err
decrypt(const struct fields *f, const uint8_t key[static KEY],
    struct secret *ret, struct jit_why *why)
{
	JIT_SCOPED(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *c =
	    EVP_CIPHER_CTX_new();
	JIT_DONE(secret_done) struct secret out = { NULL, 0, 0 };
	size_t len = f->sealed.n - TAG;
	uint8_t tag[TAG];
	int n = 0, more = 0;

	memcpy(tag, f->sealed.p + len, TAG);
	JIT_TRY(secret_new(&out, len));
	if (c == NULL || EVP_DecryptInit_ex(c, EVP_chacha20_poly1305(), NULL,
	    key, f->nonce.p) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 ||
	    EVP_DecryptUpdate(c, NULL, &n, f->aad.p, (int)f->aad.n) != 1 ||
	    EVP_DecryptUpdate(c, out.p, &n, f->sealed.p, (int)len) != 1)
		return JIT_E_CRYPTO;
	if (EVP_DecryptFinal_ex(c, out.p + n, &more) != 1 ||
	    (size_t)(n + more) != len)
		return jit_fail(why, JIT_E_FORMAT, "the passphrase is right, "
		    "but the file was changed after it was made");
	*ret = out;
	out = (struct secret){ NULL, 0, 0 };
	return JIT_OK;
}

/* The private key in it, when the passphrase is right. */
static enum jit_err
unseal(const struct fields *f, const struct secret *pass, enum ssh_type type,
    struct ssh_priv **ret, struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret derived = { NULL, 0, 0 };
	JIT_DONE(secret_done) struct secret plain = { NULL, 0, 0 };
	uint8_t check[SHORT];

	JIT_TRY(derive(pass, &f->cost, f->salt, &derived, why));
	JIT_TRY(make_check(&derived, check));
	if (!secret_equal(SPAN(check, SHORT), f->check))
		return jit_fail(why, JIT_E_PASSPHRASE, "wrong passphrase");
	JIT_TRY(decrypt(f, derived.p, &plain, why));
	return ssh_priv_load(type, SPAN(plain.p, plain.n), ret, why);
}

enum jit_err
key_file_open(struct span text, const struct secret *passphrase,
    enum key_use use, struct ssh_priv **ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr raw = WR_INIT(RAW_MAX);
	JIT_SCOPED(ssh_key_free) struct ssh_key *pub = NULL;
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = NULL;
	struct fields f;

	JIT_TRY(parse(text, &raw, &f, &pub, why));
	if (f.use != (unsigned)use)
		return jit_fail(why, JIT_E_ARG, "it is a key for %s, wanted "
		    "is one for %s", key_use_name((enum key_use)f.use),
		    key_use_name(use));
	JIT_TRY(unseal(&f, passphrase, ssh_key_type(pub), &k, why));
	if (!ssh_key_eq(ssh_priv_public(k), pub))
		return jit_fail(why, JIT_E_FORMAT, "the private key is not "
		    "that of its public key");
	*ret = k;
	k = NULL;
	return JIT_OK;
}

/* ---- files ---- */

enum jit_err
key_file_load(const char *path, uid_t owner, const struct secret *passphrase,
    enum key_use use, struct ssh_priv **ret, struct jit_why *why)
{
	struct sys_rule rule = { &owner, 1, 0077, KEY_FILE_MAX };
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };
	enum jit_err e;

	JIT_TRY(sys_read_file(path, &rule, &text, why));
	e = key_file_open(BUF_SPAN(text), passphrase, use, ret, why);
	return e == JIT_OK ? e : jit_at(why, e, "%s", path);
}

enum jit_err
key_file_save(const char *path, const struct ssh_priv *k, enum key_use use,
    const struct secret *passphrase, const struct key_cost *cost,
    const struct rng *rng, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr text = WR_INIT(KEY_FILE_MAX);

	JIT_TRY(key_file_seal(k, use, passphrase, cost, rng, &text, why));
	return sys_write_file(path, wr_view(&text), 0600, SYS_NEW, why);
}
