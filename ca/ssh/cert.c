#include <stdlib.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/ssh/cert.h"

struct ssh_cert {
	struct buf blob;
	struct ssh_cert_fields f;
	struct span principals[SSH_CERT_PRINCIPALS_MAX];
	struct ssh_opt opts[SSH_CERT_OPTS_MAX];
	struct ssh_key *subject, *ca;
	struct span tbs, sig;	/* borrowed from blob */
};

/* [A-Za-z0-9._-]: nothing that a comma list or a pattern could read (25, 26). */
static bool
is_principal(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '.' || c == '_' ||
		    c == '-'))
			return false;
	}
	return s.n > 0 && s.n <= 255;
}

/* It reaches host scripts as %i and every log line (case 34). */
static bool
is_key_id(struct span s)
{
	static const char bad[] = " \"'`$\\;&|<>(){}*?!#~%";

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e ||
		    strchr(bad, s.p[i]) != NULL)
			return false;
	return s.n > 0 && s.n <= 255;
}

static enum jit_err
bad_field(struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_FORMAT, "certificate: %s", what);
}

static enum jit_err
check_principals(const struct ssh_cert_fields *f, struct jit_why *why)
{
	if (f->n_principals < 1 || f->n_principals > SSH_CERT_PRINCIPALS_MAX)
		return bad_field(why, "accepted are 1 to 256 principals");
	for (size_t i = 0; i < f->n_principals; i++) {
		if (!is_principal(f->principals[i]))
			return bad_field(why, "a principal holds more than "
			    "letters, digits . _ -");
		for (size_t k = 0; k < i; k++)
			if (span_eq(f->principals[i], f->principals[k]))
				return bad_field(why, "a principal stands "
				    "twice");
	}
	return JIT_OK;
}

static enum jit_err
check_fields(const struct ssh_cert_fields *f, struct jit_why *why)
{
	if (f->serial == 0)
		return bad_field(why, "serial 0 cannot be revoked");
	if (f->type != SSH_CERT_USER && f->type != SSH_CERT_HOST)
		return bad_field(why, "the type is neither user nor host");
	if (!is_key_id(f->key_id))
		return bad_field(why, "the key id is empty, over 255 bytes, "
		    "or holds a character that a shell or a log could read");
	JIT_TRY(check_principals(f, why));
	/* 0 is "always", 2^64 - 1 "forever": neither is a window (case 35). */
	if (f->after <= 0 || f->before > UTC_MAX || f->after >= f->before)
		return bad_field(why, "the validity is empty or without end");
	if (f->type == SSH_CERT_HOST && f->n_opts > 0)
		return bad_field(why, "a host certificate with options");
	if (f->n_opts > SSH_CERT_OPTS_MAX)
		return bad_field(why, "more than 16 options");
	return JIT_OK;
}

/* What is to be encoded; what was read has been through ssh_opts_get(). */
static enum jit_err
check_opts(const struct ssh_cert_fields *f, struct jit_why *why)
{
	for (size_t i = 0; i < f->n_opts; i++) {
		JIT_TRY(ssh_opt_check(&f->opts[i], why));
		for (size_t k = 0; k < i; k++)
			if (span_eq(f->opts[i].name, f->opts[k].name))
				return bad_field(why, "an option stands "
				    "twice");
	}
	return JIT_OK;
}

/* The key's fields: its blob without the type name before them. */
static struct span
key_fields(const struct ssh_key *k)
{
	struct rd r = rd_of(ssh_key_blob(k));

	(void)rd_string(&r, 64);
	return SPAN(r.p, r.n);
}

static void
put_opts(struct wr *w, const struct ssh_cert_fields *f, bool critical)
{
	size_t mark = wr_string_begin(w);
	enum jit_err e = ssh_opts_put(w, f->opts, f->n_opts, critical);

	if (e != JIT_OK)
		wr_fail(w, e);
	wr_string_end(w, mark);
}

enum jit_err
ssh_cert_put_tbs(struct wr *w, const struct ssh_cert_fields *f,
    const struct ssh_key *subject, const struct ssh_key *ca,
    const uint8_t nonce[static 32], struct jit_why *why)
{
	size_t mark;

	JIT_TRY(check_fields(f, why));
	JIT_TRY(check_opts(f, why));
	wr_cstring(w, ssh_type_cert_name(ssh_key_type(subject)));
	wr_string(w, SPAN(nonce, 32));
	wr_span(w, key_fields(subject));
	wr_u64(w, f->serial);
	wr_u32(w, (uint32_t)f->type);
	wr_string(w, f->key_id);
	mark = wr_string_begin(w);
	for (size_t i = 0; i < f->n_principals; i++)
		wr_string(w, f->principals[i]);
	wr_string_end(w, mark);
	wr_u64(w, (uint64_t)f->after);
	wr_u64(w, (uint64_t)f->before);
	put_opts(w, f, true);
	put_opts(w, f, false);
	wr_string(w, SPAN_NONE);
	wr_string(w, ssh_key_blob(ca));
	return w->err;
}

/* How many fields a key of that type has behind its name. */
static unsigned
fields_of(enum ssh_type t)
{
	static const unsigned n[SSH_TYPES] = {
		[SSH_ED25519] = 1, [SSH_ECDSA_P256] = 2, [SSH_ECDSA_P384] = 2,
		[SSH_ECDSA_P521] = 2, [SSH_RSA] = 2, [SSH_SK_ED25519] = 2,
		[SSH_SK_ECDSA] = 3,
	};
	return n[t];
}

/* Type name, nonce and key fields; the plain key is built from the fields. */
static enum jit_err
read_subject(struct rd *r, struct ssh_key **ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr blob = WR_INIT(SSH_BLOB_MAX);
	struct span name = rd_cstring(r, 64), nonce;
	const uint8_t *from;
	int t;

	for (t = 0; t < SSH_TYPES; t++)
		if (span_eq_str(name, ssh_type_cert_name((enum ssh_type)t)))
			break;
	if (t == SSH_TYPES)
		return jit_fail(why, JIT_E_KEYTYPE, "not a certificate type "
		    "that is accepted");
	nonce = rd_string(r, 64);
	if (nonce.n < 16)
		return bad_field(why, "a nonce under 16 bytes");
	wr_cstring(&blob, ssh_type_name((enum ssh_type)t));
	from = r->p;
	for (unsigned i = 0; i < fields_of((enum ssh_type)t); i++)
		(void)rd_string(r, SSH_BLOB_MAX);
	if (r->err != JIT_OK)
		return bad_field(why, "cut short in its key");
	wr_raw(&blob, from, (size_t)(r->p - from));
	JIT_TRY(blob.err);
	return ssh_key_parse(wr_view(&blob), ret, why);
}

static void
read_principals(struct rd *r, struct ssh_cert *c)
{
	struct rd in = rd_of(rd_string(r, SSH_CERT_MAX));
	size_t n = 0;

	while (in.n > 0 && n < SSH_CERT_PRINCIPALS_MAX)
		c->principals[n++] = rd_cstring(&in, 255);
	if (rd_end(&in) != JIT_OK)
		rd_fail(r);
	c->f.principals = c->principals;
	c->f.n_principals = n;
}

static enum jit_err
read_opts(struct rd *r, struct ssh_cert *c, struct jit_why *why)
{
	struct span crit = rd_string(r, SSH_CERT_MAX);
	struct span ext = rd_string(r, SSH_CERT_MAX);
	size_t n1, n2;

	JIT_TRY(ssh_opts_get(crit, true, c->opts, SSH_CERT_OPTS_MAX, &n1,
	    why));
	JIT_TRY(ssh_opts_get(ext, false, c->opts + n1, SSH_CERT_OPTS_MAX - n1,
	    &n2, why));
	c->f.opts = c->opts;
	c->f.n_opts = n1 + n2;
	return JIT_OK;
}

/* A moment of the wire; what no utc_s holds becomes one that is refused. */
static utc_s
rd_time(struct rd *r)
{
	uint64_t v = rd_u64(r);

	return v <= (uint64_t)UTC_MAX ? (utc_s)v : UTC_MAX + 1;
}

static enum jit_err
parse_into(struct ssh_cert *c, struct jit_why *why)
{
	struct rd r = rd_of(BUF_SPAN(c->blob));
	struct span ca, reserved;

	JIT_TRY(read_subject(&r, &c->subject, why));
	c->f.serial = rd_u64(&r);
	c->f.type = (enum ssh_cert_type)rd_u32(&r);
	c->f.key_id = rd_cstring(&r, 255);
	read_principals(&r, c);
	c->f.after = rd_time(&r);
	c->f.before = rd_time(&r);
	JIT_TRY(read_opts(&r, c, why));
	reserved = rd_string(&r, 0);
	ca = rd_string(&r, SSH_BLOB_MAX);
	c->tbs = SPAN(c->blob.p, (size_t)(r.err == JIT_OK ?
	    r.p - c->blob.p : 0));
	c->sig = rd_string(&r, SSH_SIG_MAX);
	if (rd_end(&r) != JIT_OK || reserved.n > 0)
		return bad_field(why, "malformed");
	JIT_TRY(check_fields(&c->f, why));
	return ssh_key_parse(ca, &c->ca, why);
}

enum jit_err
ssh_cert_parse(struct span blob, struct ssh_cert **ret, struct jit_why *why)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;

	if (blob.n > SSH_CERT_MAX)
		return jit_fail(why, JIT_E_SIZE, "a certificate of %zu bytes, "
		    "accepted are at most %d", blob.n, SSH_CERT_MAX);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(buf_copy(&c->blob, blob));
	JIT_TRY(parse_into(c, why));
	*ret = c;
	c = NULL;
	return JIT_OK;
}

void
ssh_cert_free(struct ssh_cert *c)
{
	if (c == NULL)
		return;
	ssh_key_free(c->subject);
	ssh_key_free(c->ca);
	buf_done(&c->blob);
	free(c);
}

const struct ssh_cert_fields *
ssh_cert_fields(const struct ssh_cert *c)
{
	return &c->f;
}

const struct ssh_key *
ssh_cert_subject(const struct ssh_cert *c)
{
	return c->subject;
}

const struct ssh_key *
ssh_cert_ca(const struct ssh_cert *c)
{
	return c->ca;
}

struct span
ssh_cert_blob(const struct ssh_cert *c)
{
	return BUF_SPAN(c->blob);
}

enum jit_err
ssh_cert_verify(const struct ssh_cert *c, const struct ssh_key *ca,
    struct jit_why *why)
{
	if (!ssh_key_eq(c->ca, ca))
		return jit_fail(why, JIT_E_SIG, "the certificate is of "
		    "another CA");
	return ssh_sig_verify(ca, c->tbs, c->sig, NULL, why);
}

static bool
same_principals(const struct ssh_cert_fields *a,
    const struct ssh_cert_fields *b)
{
	if (a->n_principals != b->n_principals)
		return false;
	for (size_t i = 0; i < a->n_principals; i++)
		if (!span_eq(a->principals[i], b->principals[i]))
			return false;
	return true;
}

static bool
has_opt(const struct ssh_cert_fields *f, const struct ssh_opt *o)
{
	for (size_t i = 0; i < f->n_opts; i++)
		if (span_eq(f->opts[i].name, o->name) &&
		    span_eq(f->opts[i].value, o->value))
			return true;
	return false;
}

/* Both ways: one that f repeats must not stand for two. */
static bool
same_opts(const struct ssh_cert_fields *a, const struct ssh_cert_fields *b)
{
	if (a->n_opts != b->n_opts)
		return false;
	for (size_t i = 0; i < a->n_opts; i++)
		if (!has_opt(b, &a->opts[i]) || !has_opt(a, &b->opts[i]))
			return false;
	return true;
}

enum jit_err
ssh_cert_check_is(const struct ssh_cert *c, const struct ssh_cert_fields *f,
    const struct ssh_key *subject, struct jit_why *why)
{
	const char *bad =
	    c->f.serial != f->serial ? "serial" :
	    c->f.type != f->type ? "type" :
	    !span_eq(c->f.key_id, f->key_id) ? "key id" :
	    !same_principals(&c->f, f) ? "principals" :
	    c->f.after != f->after ? "start of validity" :
	    c->f.before != f->before ? "end of validity" :
	    !same_opts(&c->f, f) ? "options" :
	    !ssh_key_eq(c->subject, subject) ? "key" : NULL;

	if (bad == NULL)
		return JIT_OK;
	return jit_fail(why, JIT_E_VERIFY, "the certificate's %s is not what "
	    "was approved", bad);
}

enum jit_err
ssh_cert_make(const struct ssh_cert_fields *f, const struct ssh_key *subject,
    const struct ssh_priv *ca, const uint8_t nonce[static 32], struct wr *w,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr blob = WR_INIT(SSH_CERT_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	const struct ssh_key *pub = ssh_priv_public(ca);

	JIT_TRY(ssh_cert_put_tbs(&blob, f, subject, pub, nonce, why));
	JIT_TRY(ssh_priv_sign(ca, wr_view(&blob), &sig));
	wr_string(&blob, wr_view(&sig));
	JIT_TRY(blob.err);
	JIT_TRY(ssh_cert_parse(wr_view(&blob), &c, why));
	JIT_TRY(ssh_cert_check_is(c, f, subject, why));
	JIT_TRY(ssh_cert_verify(c, pub, why));
	wr_span(w, wr_view(&blob));
	return w->err;
}

void
ssh_cert_put_line(struct wr *w, struct span blob, const char *comment)
{
	struct rd r = rd_of(blob);

	wr_span(w, rd_cstring(&r, 64));
	wr_u8(w, ' ');
	b64_put(w, blob);
	wr_fmt(w, " %s\n", comment);
}

enum jit_err
ssh_cert_line_blob(struct span line, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	const uint8_t *sp = line.n ? memchr(line.p, ' ', line.n) : NULL, *end;
	struct span b64;
	struct rd r;

	if (sp == NULL)
		return bad_field(why, "not a line \"type base64 comment\"");
	b64 = SPAN(sp + 1, line.n - (size_t)(sp - line.p) - 1);
	if (b64.n > 0 && b64.p[b64.n - 1] == '\n')
		b64.n--;
	if (b64.n > 0 && memchr(b64.p, '\n', b64.n) != NULL)
		return bad_field(why, "more than one line");
	if (b64.n > 0 && (end = memchr(b64.p, ' ', b64.n)) != NULL)
		b64.n = (size_t)(end - b64.p);
	if (b64_get(b64, &w) != JIT_OK)
		return bad_field(why, "not base64");
	r = rd_of(wr_view(&w));
	if (!span_eq(rd_cstring(&r, 64), SPAN(line.p,
	    (size_t)(sp - line.p))))
		return bad_field(why, "the line names another type");
	return wr_take(&w, ret);
}
