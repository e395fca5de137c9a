#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "ca/base/text.h"
#include "ca/tlog/checkpoint.h"

JIT_SCOPED_PTR(EVP_PKEY, EVP_PKEY_free);
JIT_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

#define ALG_ED25519 0x01
#define SIGNERS_MAX 16
static const char dash[] = "\xe2\x80\x94 ";	/* U+2014 and a space */

static bool
is_origin(struct span s)
{
	return s.n > 0 && s.n <= TLOG_ORIGIN_MAX && text_is_ascii(s) &&
	    memchr(s.p, ' ', s.n) == NULL && memchr(s.p, '+', s.n) == NULL;
}

enum jit_err
tlog_vkey_make(const char *origin, const uint8_t pub[static 32],
    struct tlog_vkey *ret, struct jit_why *why)
{
	static const uint8_t mid[2] = { 0x0a, ALG_ED25519 };
	struct span name = span_str(origin);
	const struct span s[] = { name, SPAN(mid, 2), SPAN(pub, 32) };
	struct digest d;
	char shown[80];

	if (!is_origin(name))
		return jit_fail(why, JIT_E_FORMAT, "log name \"%s\": accepted "
		    "are 1 to %d printable characters without space and +",
		    text_shown(name, shown, sizeof(shown)), TLOG_ORIGIN_MAX);
	JIT_TRY(digest_sha256v(s, 3, &d));
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->origin, name.p, name.n);
	memcpy(ret->pub, pub, 32);
	for (int i = 0; i < 4; i++)
		ret->id = ret->id << 8 | d.b[i];
	return JIT_OK;
}

enum jit_err
tlog_vkey_parse(struct span s, struct tlog_vkey *ret, struct jit_why *why)
{
	static const char want[] = "a log key; accepted is "
	    "name+hex8+base64, as jit-signer init prints it";
	JIT_DONE(wr_done) struct wr w = WR_INIT(64);
	const uint8_t *plus = s.n ? memchr(s.p, '+', s.n) : NULL;
	char origin[TLOG_ORIGIN_MAX + 1] = "";
	uint8_t id[4];
	uint32_t v = 0;
	size_t n;

	if (plus == NULL || (n = (size_t)(plus - s.p)) > TLOG_ORIGIN_MAX ||
	    s.n < n + 10 || plus[9] != '+' ||
	    hex_parse(SPAN(plus + 1, 8), id, 4) != JIT_OK ||
	    b64_get(SPAN(plus + 10, s.n - n - 10), &w) != JIT_OK ||
	    w.n != 33 || w.p[0] != ALG_ED25519)
		return jit_fail(why, JIT_E_FORMAT, "not %s", want);
	memcpy(origin, s.p, n);
	if (strlen(origin) != n)
		return jit_fail(why, JIT_E_FORMAT, "not %s", want);
	JIT_TRY(tlog_vkey_make(origin, w.p + 1, ret, why));
	for (int i = 0; i < 4; i++)
		v = v << 8 | id[i];
	if (v != ret->id)
		return jit_fail(why, JIT_E_FORMAT, "the log key's id %08x does "
		    "not belong to it (%08x does)", (unsigned)v,
		    (unsigned)ret->id);
	return JIT_OK;
}

void
tlog_vkey_put(struct wr *w, const struct tlog_vkey *v)
{
	uint8_t raw[33] = { ALG_ED25519 };

	memcpy(raw + 1, v->pub, 32);
	wr_fmt(w, "%s+%08x+", v->origin, (unsigned)v->id);
	b64_put(w, SPAN(raw, sizeof(raw)));
}

bool
tlog_vkey_eq(const struct tlog_vkey *a, const struct tlog_vkey *b)
{
	return strcmp(a->origin, b->origin) == 0 &&
	    span_eq(SPAN(a->pub, 32), SPAN(b->pub, 32));
}

void
tlog_vkey_logid(const struct tlog_vkey *v, char ret[static TLOG_LOGID_TEXT])
{
	(void)snprintf(ret, TLOG_LOGID_TEXT, "%s+%08x", v->origin,
	    (unsigned)v->id);
}

static void
put_text(struct wr *w, const struct checkpoint *c, const char *origin)
{
	wr_fmt(w, "%s\n%llu\n", origin, (unsigned long long)c->size);
	b64_put(w, DIGEST_SPAN(c->root));
	wr_u8(w, '\n');
}

enum jit_err
checkpoint_sign(struct wr *w, const struct checkpoint *c,
    const struct tlog_vkey *v, const struct ssh_priv *log)
{
	JIT_DONE(wr_done) struct wr text = WR_INIT(512), sig = WR_INIT(128);
	JIT_DONE(wr_done) struct wr raw = WR_INIT(68);
	struct rd r;
	struct span s;

	put_text(&text, c, v->origin);
	JIT_TRY(text.err);
	JIT_TRY(ssh_priv_sign(log, wr_view(&text), &sig));
	r = rd_of(wr_view(&sig));
	(void)rd_string(&r, 64);
	s = rd_string(&r, 64);
	if (rd_end(&r) != JIT_OK || s.n != 64)
		return JIT_E_KEYTYPE;
	wr_u32(&raw, v->id);
	wr_span(&raw, s);
	wr_span(w, wr_view(&text));
	wr_fmt(w, "\n%s%s ", dash, v->origin);
	b64_put(w, wr_view(&raw));
	wr_u8(w, '\n');
	return w->err;
}

static enum jit_err
verify(const struct tlog_vkey *v, struct span text, struct span sig)
{
	JIT_SCOPED(EVP_PKEY_free) EVP_PKEY *k = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, v->pub, 32);
	JIT_SCOPED(EVP_MD_CTX_free) EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (k == NULL || c == NULL ||
	    EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, k, NULL) != 1)
		return JIT_E_CRYPTO;
	return EVP_DigestVerify(c, sig.p, sig.n, text.p, text.n) == 1 ?
	    JIT_OK : JIT_E_SIG;
}

/*
 * One signature line.  JIT_OK: by v, and it holds; JIT_E_UNKNOWN: by
 * somebody else.
 */
static enum jit_err
check_line(struct span line, const struct tlog_vkey *v, struct span text)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	const uint8_t *sp;
	struct span name;
	struct rd r;
	size_t n = strlen(dash);

	if (line.n <= n || memcmp(line.p, dash, n) != 0)
		return JIT_E_FORMAT;
	line = SPAN(line.p + n, line.n - n);
	if ((sp = memchr(line.p, ' ', line.n)) == NULL || sp == line.p)
		return JIT_E_FORMAT;
	name = SPAN(line.p, (size_t)(sp - line.p));
	if (memchr(name.p, '+', name.n) != NULL ||
	    b64_get(SPAN(sp + 1, line.n - name.n - 1), &w) != JIT_OK ||
	    w.n < 5)
		return JIT_E_FORMAT;
	r = rd_of(wr_view(&w));
	if (rd_u32(&r) != v->id || !span_eq_str(name, v->origin))
		return JIT_E_UNKNOWN;
	return verify(v, text, SPAN(r.p, r.n));
}

/* All signature lines: at least one by v, none of v's that does not hold. */
static enum jit_err
check_signers(struct span sigs, const struct tlog_vkey *v, struct span text,
    struct jit_why *why)
{
	struct span line;
	unsigned n = 0, ours = 0;

	while (sigs.n > 0) {
		enum jit_err e;

		if (!span_take_line(&sigs, &line) || ++n > SIGNERS_MAX)
			return jit_fail(why, JIT_E_FORMAT, "the checkpoint's "
			    "signatures are malformed or over %d",
			    SIGNERS_MAX);
		e = check_line(line, v, text);
		if (e == JIT_E_FORMAT || e == JIT_E_CRYPTO)
			return jit_fail(why, e, "a signature line of the "
			    "checkpoint is malformed");
		if (e == JIT_E_SIG)
			return jit_fail(why, e, "the checkpoint's signature "
			    "does not hold");
		ours += e == JIT_OK;
	}
	if (ours == 0)
		return jit_fail(why, JIT_E_SIG, "the checkpoint is not signed "
		    "by log %s+%08x", v->origin, (unsigned)v->id);
	return JIT_OK;
}

enum jit_err
checkpoint_open(struct span note, const struct tlog_vkey *v,
    struct checkpoint *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr root = WR_INIT(64);
	struct span left = note, origin, size, b64, empty, text;
	struct checkpoint c;

	if (note.n > TLOG_NOTE_MAX)
		return jit_fail(why, JIT_E_SIZE, "a checkpoint of %zu bytes",
		    note.n);
	if (!span_take_line(&left, &origin) || !span_take_line(&left, &size) ||
	    !span_take_line(&left, &b64))
		return jit_fail(why, JIT_E_FORMAT, "not a checkpoint");
	text = SPAN(note.p, note.n - left.n);
	/* An extension line would stand here; we never write one. */
	if (!span_take_line(&left, &empty) || empty.n != 0 ||
	    uint_parse(size, UINT64_MAX, &c.size) != JIT_OK ||
	    b64_get(b64, &root) != JIT_OK || root.n != 32)
		return jit_fail(why, JIT_E_FORMAT, "not a checkpoint");
	if (!span_eq_str(origin, v->origin))
		return jit_fail(why, JIT_E_LOGNAME, "a checkpoint of another "
		    "log; accepted is %s", v->origin);
	memcpy(c.root.b, root.p, 32);
	JIT_TRY(check_signers(left, v, text, why));
	*ret = c;
	return JIT_OK;
}
