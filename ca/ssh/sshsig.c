#include <string.h>

#include "ca/base/digest.h"
#include "ca/base/text.h"
#include "ca/ssh/sshsig.h"

static const char magic[6] = "SSHSIG";
static const char begin_line[] = "-----BEGIN SSH SIGNATURE-----";
static const char end_line[] = "-----END SSH SIGNATURE-----";

void
sshsig_done(struct sshsig *s)
{
	ssh_key_free(s->key);
	*s = (struct sshsig){ 0 };
}

enum jit_err
sshsig_parse(struct span blob, struct sshsig *ret, struct jit_why *why)
{
	struct rd r = rd_of(blob);
	struct sshsig s = { 0 };
	struct span m, key, reserved;
	uint32_t version;

	if (blob.n > SSHSIG_MAX)
		return jit_fail(why, JIT_E_SIZE, "a signature of %zu bytes, "
		    "accepted are at most %d", blob.n, SSHSIG_MAX);
	m = rd_raw(&r, sizeof(magic));
	version = rd_u32(&r);
	key = rd_string(&r, SSH_BLOB_MAX);
	s.namespace = rd_cstring(&r, 64);
	reserved = rd_string(&r, 0);
	s.hash = rd_string(&r, 16);
	s.sig = rd_string(&r, SSH_SIG_MAX);
	if (rd_end(&r) != JIT_OK || reserved.n != 0 ||
	    !span_eq(m, SPAN(magic, sizeof(magic))))
		return jit_fail(why, JIT_E_FORMAT, "not an SSHSIG signature");
	if (version != 1)
		return jit_fail(why, JIT_E_FORMAT, "SSHSIG version %u, "
		    "accepted is 1", (unsigned)version);
	if (s.namespace.n == 0)
		return jit_fail(why, JIT_E_FORMAT, "SSHSIG without namespace");
	if (!span_eq_str(s.hash, "sha512") && !span_eq_str(s.hash, "sha256"))
		return jit_fail(why, JIT_E_FORMAT, "SSHSIG's hash is neither "
		    "sha512 nor sha256");
	JIT_TRY(ssh_key_parse(key, &s.key, why));
	*ret = s;
	return JIT_OK;
}

static enum jit_err
put_tbs(struct wr *w, struct span ns, bool sha512, struct span message)
{
	uint8_t d512[64];
	struct digest d256;

	if (sha512)
		JIT_TRY(digest_sha512(message, d512));
	else
		JIT_TRY(digest_sha256(message, &d256));
	wr_raw(w, magic, sizeof(magic));
	wr_string(w, ns);
	wr_string(w, SPAN_NONE);
	wr_cstring(w, sha512 ? "sha512" : "sha256");
	wr_string(w, sha512 ? SPAN(d512, 64) : DIGEST_SPAN(d256));
	return w->err;
}

enum jit_err
sshsig_verify(const struct sshsig *s, const char *ns, struct span message,
    struct ssh_sig_facts *facts, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(512);
	char shown[80];

	if (!span_eq_str(s->namespace, ns))
		return jit_fail(why, JIT_E_NAMESPACE, "the signature is for "
		    "\"%s\", accepted is \"%s\"", text_shown(s->namespace,
		    shown, sizeof(shown)), ns);
	JIT_TRY(put_tbs(&w, s->namespace, span_eq_str(s->hash, "sha512"),
	    message));
	return ssh_sig_verify(s->key, wr_view(&w), s->sig, facts, why);
}

enum jit_err
sshsig_put_tbs(struct wr *w, const char *ns, struct span message)
{
	return put_tbs(w, span_str(ns), true, message);
}

void
sshsig_put(struct wr *w, const struct ssh_key *k, const char *ns,
    struct span sig)
{
	wr_raw(w, magic, sizeof(magic));
	wr_u32(w, 1);
	wr_string(w, ssh_key_blob(k));
	wr_cstring(w, ns);
	wr_string(w, SPAN_NONE);
	wr_cstring(w, "sha512");
	wr_string(w, sig);
}

enum jit_err
sshsig_make(const struct ssh_priv *p, const char *ns, struct span message,
    struct wr *w)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(512);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);

	JIT_TRY(sshsig_put_tbs(&tbs, ns, message));
	JIT_TRY(ssh_priv_sign(p, wr_view(&tbs), &sig));
	sshsig_put(w, ssh_priv_public(p), ns, wr_view(&sig));
	return w->err;
}

void
sshsig_put_armor(struct wr *w, struct span blob)
{
	wr_fmt(w, "%s\n", begin_line);
	b64_put_lines(w, blob, 70);
	wr_fmt(w, "%s\n", end_line);
}

/* Drop one line end, LF or CR LF, from the front; false when there is none. */
static bool
skip_eol(struct span *s)
{
	size_t n = s->n > 0 && s->p[0] == '\n' ? 1 :
	    s->n > 1 && s->p[0] == '\r' && s->p[1] == '\n' ? 2 : 0;

	*s = SPAN(s->p + n, s->n - n);
	return n > 0;
}

static bool
skip_text(struct span *s, const char *t)
{
	size_t n = strlen(t);

	if (s->n < n || memcmp(s->p, t, n) != 0)
		return false;
	*s = SPAN(s->p + n, s->n - n);
	return true;
}

enum jit_err
sshsig_get_armor(struct span text, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSHSIG_MAX);
	struct span s = text, body;
	const uint8_t *dash;

	if (text.n > SSHSIG_ARMOR_MAX)
		return jit_fail(why, JIT_E_SIZE, "an armoured signature of "
		    "%zu bytes, accepted are at most %d", text.n,
		    SSHSIG_ARMOR_MAX);
	if (!skip_text(&s, begin_line) || !skip_eol(&s))
		return jit_fail(why, JIT_E_FORMAT, "accepted is a text that "
		    "begins \"%s\"", begin_line);
	dash = s.n > 0 ? memchr(s.p, '-', s.n) : NULL;
	if (dash == NULL || dash == s.p || dash[-1] != '\n')
		return jit_fail(why, JIT_E_FORMAT, "no line \"%s\"", end_line);
	body = SPAN(s.p, (size_t)(dash - s.p));
	s = SPAN(dash, s.n - body.n);
	if (!skip_text(&s, end_line))
		return jit_fail(why, JIT_E_FORMAT, "no line \"%s\"", end_line);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\n' && s.p[i] != '\r' && s.p[i] != ' ')
			return jit_fail(why, JIT_E_FORMAT, "something stands "
			    "behind \"%s\"", end_line);
	if (b64_get_lines(body, &w) != JIT_OK)
		return jit_fail(why, w.err == JIT_E_SIZE ? JIT_E_SIZE :
		    JIT_E_FORMAT, "the signature is not base64");
	return wr_take(&w, ret);
}
