#include <stdlib.h>
#include <string.h>

#include "ca/x509/crl.h"
#include "ca/x509/tbs.h"

struct crl {
	struct buf copy;		/* owned; empty when der is borrowed */
	struct span der;		/* s points into it */
	struct signed_parts s;
	struct span issuer, aki;
	struct crl_fields f;
	struct crl_entry *entries;	/* owned; f's */
};

void
crl_free(struct crl *c)
{
	if (c == NULL)
		return;
	free(c->entries);
	buf_done(&c->copy);
	free(c);
}

const struct crl_fields *
crl_fields(const struct crl *c)
{
	return &c->f;
}

struct span
crl_der(const struct crl *c)
{
	return c->der;
}

static int
by_serial(const void *a, const void *b)
{
	const struct crl_entry *x = a, *y = b;

	return memcmp(x->serial, y->serial, sizeof(x->serial));
}

const struct crl_entry *
crl_find(const struct crl *c, const uint8_t serial[static X509_SERIAL_LEN])
{
	struct crl_entry want = { .at = 0 };

	if (c->f.n == 0)
		return NULL;
	memcpy(want.serial, serial, sizeof(want.serial));
	return bsearch(&want, c->entries, c->f.n, sizeof(want), by_serial);
}

bool
crl_has(const struct crl *c, const uint8_t serial[static X509_SERIAL_LEN])
{
	return crl_find(c, serial) != NULL;
}

/* ---- encode ---- */

static enum jit_err
check_fields(const struct crl_fields *f, struct jit_why *why)
{
	if (f->number == 0)
		return jit_fail(why, JIT_E_FORMAT, "a CRL of number 0");
	if (f->this_update < 0 || f->this_update >= f->next_update ||
	    f->next_update > UTC_MAX)
		return jit_fail(why, JIT_E_WINDOW, "a CRL whose next update is "
		    "not behind it");
	for (size_t i = 0; i < f->n; i++) {
		const struct crl_entry *e = &f->entries[i];

		if (!serial_is_ours(e->serial) || e->at < 0 || e->at > UTC_MAX)
			return jit_fail(why, JIT_E_FORMAT, "entry %zu of the "
			    "CRL has a serial or time that is none", i);
		if (i > 0 && by_serial(e - 1, e) >= 0)
			return jit_fail(why, JIT_E_FORMAT, "entry %zu of the "
			    "CRL is out of order or there twice", i);
	}
	return JIT_OK;
}

static void
put_entries(struct wr *w, const struct crl_fields *f)
{
	size_t list, m;

	/* RFC 5280 section 5.1.2.6: without entries the list is absent. */
	if (f->n == 0)
		return;
	list = der_begin(w, DER_SEQ);
	for (size_t i = 0; i < f->n; i++) {
		m = der_begin(w, DER_SEQ);
		der_put_uint(w, SPAN(f->entries[i].serial, X509_SERIAL_LEN));
		der_put_time(w, f->entries[i].at);
		der_end(w, m);
	}
	der_end(w, list);
}

static void
put_extensions(struct wr *w, const struct crl_fields *f, struct span ski)
{
	size_t outer = der_begin(w, DER_CTXC(0)), list = der_begin(w, DER_SEQ);
	struct ext_mark m;
	uint8_t n[8];

	for (size_t i = 0; i < sizeof(n); i++)
		n[i] = (uint8_t)(f->number >> (8 * (7 - i)));
	ext_put_aki(w, ski);
	m = ext_begin(w, OID_CRL_NUMBER, false);
	der_put_uint(w, SPAN(n, sizeof(n)));
	ext_end(w, m);
	der_end(w, list);
	der_end(w, outer);
}

enum jit_err
crl_put_tbs(struct wr *w, const struct crl_fields *f,
    const struct x509_ca *ca, struct jit_why *why)
{
	size_t m;

	JIT_TRY(check_fields(f, why));
	m = der_begin(w, DER_SEQ);
	der_put_small(w, 1);
	x509_put_sig_alg(w, ssh_key_type(x509_ca_key(ca)));
	wr_span(w, x509_ca_subject(ca));
	der_put_time(w, f->this_update);
	der_put_time(w, f->next_update);
	put_entries(w, f);
	put_extensions(w, f, x509_ca_ski(ca));
	der_end(w, m);
	return w->err;
}

void
crl_join(struct wr *w, struct span tbs, enum ssh_type t, struct span sig)
{
	signed_put(w, tbs, t, sig);
}

/* ---- parse ---- */

/* SEQUENCE, INTEGER of one byte, UTCTime. */
#define ENTRY_MIN (2 + 3 + 15)

static enum jit_err
read_entries(struct crl *c, struct rd *tbs)
{
	struct rd list = der_enter(tbs, DER_SEQ);

	if (list.err != JIT_OK || list.n < ENTRY_MIN)
		return JIT_E_FORMAT;
	c->entries = calloc(list.n / ENTRY_MIN, sizeof(*c->entries));
	if (c->entries == NULL)
		return JIT_E_NOMEM;
	while (list.err == JIT_OK && list.n > 0) {
		struct rd one = der_enter(&list, DER_SEQ);
		struct span serial = der_get_uint(&one, X509_SERIAL_LEN);
		struct crl_entry e = { .at = der_get_time(&one) };

		if (rd_end(&one) != JIT_OK || !serial_widen(serial, e.serial))
			return JIT_E_FORMAT;
		c->entries[c->f.n++] = e;
	}
	c->f.entries = c->entries;
	return rd_end(&list) == JIT_OK ? JIT_OK : JIT_E_FORMAT;
}

static bool
read_extensions(struct crl *c, struct rd *tbs)
{
	struct rd outer = der_enter(tbs, DER_CTXC(0));
	struct rd list = der_enter(&outer, DER_SEQ), value;
	struct ext aki, number;
	struct span n;

	if (!ext_next(&list, &aki) || !ext_next(&list, &number) ||
	    rd_end(&list) != JIT_OK || rd_end(&outer) != JIT_OK ||
	    aki.critical || !span_eq(aki.oid, oid_bytes(OID_AKI)) ||
	    number.critical || !span_eq(number.oid, oid_bytes(OID_CRL_NUMBER)))
		return false;
	c->aki = ext_get_aki(aki.value, true);
	value = rd_of(number.value);
	n = der_get_uint(&value, 8);
	for (size_t i = 0; i < n.n; i++)
		c->f.number = c->f.number << 8 | n.p[i];
	return rd_end(&value) == JIT_OK && c->aki.n > 0;
}

static enum jit_err
read_tbs(struct crl *c, struct jit_why *why)
{
	struct rd r = rd_of(c->s.tbs), tbs = der_enter(&r, DER_SEQ);
	struct span version = der_get_uint(&tbs, 1), alg = der_whole(&tbs);

	c->issuer = der_whole(&tbs);
	c->f.this_update = der_get_time(&tbs);
	c->f.next_update = der_get_time(&tbs);
	if (der_is(&tbs, DER_SEQ))
		JIT_TRY(read_entries(c, &tbs));
	if (!read_extensions(c, &tbs) || rd_end(&tbs) != JIT_OK ||
	    version.n != 1 || version.p[0] != 1 || !span_eq(alg, c->s.alg))
		return jit_fail(why, JIT_E_FORMAT, "not a CRL of version 2 "
		    "with a key id and a number and nothing else");
	return JIT_OK;
}

static enum jit_err
parse(struct span der, bool borrow, struct crl **ret, struct jit_why *why)
{
	JIT_SCOPED(crl_free) struct crl *c = calloc(1, sizeof(*c));
	enum jit_err e;

	if (c == NULL)
		return JIT_E_NOMEM;
	if (der.n > X509_CRL_MAX)
		return jit_fail(why, JIT_E_SIZE, "a CRL of %zu bytes, accepted "
		    "are at most %zu", der.n, X509_CRL_MAX);
	if (!borrow)
		JIT_TRY(buf_copy(&c->copy, der));
	c->der = borrow ? der : BUF_SPAN(c->copy);
	if (signed_read(c->der, &c->s) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a CRL in DER");
	if ((e = read_tbs(c, why)) != JIT_OK)
		return jit_at(why, e, "malformed CRL");
	JIT_TRY(check_fields(&c->f, why));
	*ret = c;
	c = NULL;
	return JIT_OK;
}

enum jit_err
crl_parse(struct span der, struct crl **ret, struct jit_why *why)
{
	return parse(der, false, ret, why);
}

/* ---- check ---- */

enum jit_err
crl_verify(const struct crl *c, const struct x509_ca *ca, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr alg = WR_INIT(64);
	enum jit_err e;

	x509_put_sig_alg(&alg, ssh_key_type(x509_ca_key(ca)));
	JIT_TRY(alg.err);
	if (!span_eq(c->issuer, x509_ca_subject(ca)) ||
	    !span_eq(c->aki, x509_ca_ski(ca)) ||
	    !span_eq(c->s.alg, wr_view(&alg)))
		return jit_fail(why, JIT_E_VERIFY, "the CRL names another "
		    "issuer or algorithm");
	e = x509_sig_verify(x509_ca_key(ca), c->s.tbs, c->s.sig);
	return e == JIT_OK ? JIT_OK : jit_fail(why, e, "the CA's signature of "
	    "the CRL does not hold");
}

enum jit_err
crl_check_is(const struct crl *c, const struct crl_fields *f,
    struct jit_why *why)
{
	const char *what = c->f.number != f->number ? "number" :
	    c->f.this_update != f->this_update ? "moment" :
	    c->f.next_update != f->next_update ? "next update" :
	    c->f.n != f->n ? "number of entries" : NULL;

	for (size_t i = 0; what == NULL && i < f->n; i++)
		if (by_serial(&c->f.entries[i], &f->entries[i]) != 0 ||
		    c->f.entries[i].at != f->entries[i].at)
			what = "list";
	return what == NULL ? JIT_OK : jit_fail(why, JIT_E_VERIFY, "the CRL's "
	    "%s is not what was asked for", what);
}

/* ---- the whole way ---- */

static enum jit_err
check_whole(struct span der, const struct crl_fields *f,
    const struct x509_ca *ca, struct jit_why *why)
{
	JIT_SCOPED(crl_free) struct crl *c = NULL;

	JIT_TRY(parse(der, true, &c, why));
	JIT_TRY(crl_check_is(c, f, why));
	return crl_verify(c, ca, why);
}

/* A CRL may be of megabytes: joined where it is to be, cut off if it fails. */
enum jit_err
crl_finish(struct wr *w, struct span tbs, struct span sig,
    const struct crl_fields *f, const struct x509_ca *ca,
    struct jit_why *why)
{
	size_t from = w->n;
	enum jit_err e;

	crl_join(w, tbs, ssh_key_type(x509_ca_key(ca)), sig);
	JIT_TRY(w->err);
	e = check_whole(SPAN(w->p + from, w->n - from), f, ca, why);
	if (e != JIT_OK)
		w->n = from;
	return e;
}

enum jit_err
crl_make(struct wr *w, const struct crl_fields *f, const struct x509_ca *ca,
    const struct ssh_priv *ca_key, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CRL_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);

	if (!ssh_key_eq(ssh_priv_public(ca_key), x509_ca_key(ca)))
		return jit_fail(why, JIT_E_ARG, "the signing key is not the "
		    "CA's");
	JIT_TRY(crl_put_tbs(&tbs, f, ca, why));
	JIT_TRY(x509_sign(ca_key, wr_view(&tbs), &sig));
	return crl_finish(w, wr_view(&tbs), wr_view(&sig), f, ca, why);
}
