#include <string.h>

#include "ca/x509/tbs.h"

enum jit_err
signed_read(struct span der, struct signed_parts *ret)
{
	struct rd r = rd_of(der), in = der_enter(&r, DER_SEQ);
	struct signed_parts p = { .tbs = der_whole(&in) };

	p.alg = der_whole(&in);
	p.sig = der_get_bits(&in);
	if (rd_end(&in) != JIT_OK || rd_end(&r) != JIT_OK)
		return JIT_E_FORMAT;
	*ret = p;
	return JIT_OK;
}

void
signed_put(struct wr *w, struct span tbs, enum ssh_type t, struct span sig)
{
	size_t m = der_begin(w, DER_SEQ);

	wr_span(w, tbs);
	x509_put_sig_alg(w, t);
	der_put_bits(w, sig);
	der_end(w, m);
}

static void
read_validity(struct span whole, struct cert_parts *p, struct rd *fail)
{
	struct rd r = rd_of(whole), in = der_enter(&r, DER_SEQ);

	p->after = der_get_time(&in);
	p->before = der_get_time(&in) + 1;
	if (rd_end(&in) != JIT_OK || p->after >= p->before)
		rd_fail(fail);
}

/* [0] { INTEGER 2 }: v3. */
static void
read_version(struct rd *tbs)
{
	struct rd v = der_enter(tbs, DER_CTXC(0));
	struct span n = der_get_uint(&v, 1);

	if (rd_end(&v) != JIT_OK || n.n != 1 || n.p[0] != 2)
		rd_fail(tbs);
}

enum jit_err
cert_parts_read(struct span der, struct cert_parts *ret, struct jit_why *why)
{
	struct cert_parts p = { .serial = SPAN_NONE };
	struct rd r, tbs, exts;
	struct span alg;

	if (signed_read(der, &p.s) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a certificate in DER");
	r = rd_of(p.s.tbs);
	tbs = der_enter(&r, DER_SEQ);
	read_version(&tbs);
	p.serial = der_get_uint(&tbs, 20);
	alg = der_whole(&tbs);
	p.issuer = der_whole(&tbs);
	p.validity = der_whole(&tbs);
	read_validity(p.validity, &p, &tbs);
	p.subject = der_whole(&tbs);
	p.spki = der_whole(&tbs);
	p.exts_whole = der_whole(&tbs);
	exts = rd_of(p.exts_whole);
	exts = der_enter(&exts, DER_CTXC(3));
	p.exts = der_enter(&exts, DER_SEQ);
	if (rd_end(&tbs) != JIT_OK || rd_end(&exts) != JIT_OK ||
	    p.exts.err != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a certificate of "
		    "version 3 with extensions, or a validity that is none");
	if (p.serial.n == 0 ||
	    (p.serial.n == 20 && (p.serial.p[0] & 0x80) != 0))
		return jit_fail(why, JIT_E_FORMAT, "a serial number that is "
		    "zero or longer than 20 bytes");
	if (!span_eq(alg, p.s.alg))
		return jit_fail(why, JIT_E_FORMAT, "two algorithms of one "
		    "signature");
	*ret = p;
	return JIT_OK;
}

bool
serial_is_ours(const uint8_t s[static X509_SERIAL_LEN])
{
	static const uint8_t zero[X509_SERIAL_LEN] = { 0 };

	return (s[0] & 0x80) == 0 && memcmp(s, zero, sizeof(zero)) != 0;
}

bool
serial_widen(struct span m, uint8_t ret[static X509_SERIAL_LEN])
{
	if (m.n == 0 || m.n > X509_SERIAL_LEN)
		return false;
	memset(ret, 0, X509_SERIAL_LEN);
	memcpy(ret + X509_SERIAL_LEN - m.n, m.p, m.n);
	return serial_is_ours(ret);
}

void
cert_put_head(struct wr *w, const uint8_t serial[static X509_SERIAL_LEN],
    enum ssh_type signing, struct span issuer, utc_s after, utc_s before)
{
	size_t m = der_begin(w, DER_CTXC(0));

	der_put_small(w, 2);
	der_end(w, m);
	der_put_uint(w, SPAN(serial, X509_SERIAL_LEN));
	x509_put_sig_alg(w, signing);
	wr_span(w, issuer);
	m = der_begin(w, DER_SEQ);
	der_put_time(w, after);
	der_put_time(w, before - 1);
	der_end(w, m);
}

/* ---- extensions ---- */

bool
ext_next(struct rd *r, struct ext *ret)
{
	struct rd in;

	if (r->err != JIT_OK || r->n == 0)
		return false;
	in = der_enter(r, DER_SEQ);
	ret->oid = der_get(&in, DER_OID);
	ret->critical = der_get_default_false(&in);
	ret->value = der_get(&in, DER_OCTETS);
	if (rd_end(&in) != JIT_OK)
		rd_fail(r);
	return r->err == JIT_OK;
}

struct ext_mark
ext_begin(struct wr *w, enum oid o, bool critical)
{
	struct ext_mark m = { .ext = der_begin(w, DER_SEQ) };

	oid_put(w, o);
	if (critical)
		der_put_true(w);
	m.octets = der_begin(w, DER_OCTETS);
	return m;
}

void
ext_end(struct wr *w, struct ext_mark m)
{
	der_end(w, m.octets);
	der_end(w, m.ext);
}

void
ext_put(struct wr *w, enum oid o, bool critical, struct span value)
{
	struct ext_mark m = ext_begin(w, o, critical);

	wr_span(w, value);
	ext_end(w, m);
}

void
ext_put_aki(struct wr *w, struct span ski)
{
	struct ext_mark m = ext_begin(w, OID_AKI, false);
	size_t seq = der_begin(w, DER_SEQ);

	der_put(w, DER_CTX(0), ski);
	der_end(w, seq);
	ext_end(w, m);
}

void
ext_put_ski(struct wr *w, struct span ski)
{
	struct ext_mark m = ext_begin(w, OID_SKI, false);

	der_put(w, DER_OCTETS, ski);
	ext_end(w, m);
}

/* SEQUENCE { SEQUENCE { [0] { [0] { [6] URI } } } } */
void
ext_put_crl_url(struct wr *w, struct span url)
{
	struct ext_mark m = ext_begin(w, OID_CRL_POINTS, false);
	size_t points = der_begin(w, DER_SEQ), point = der_begin(w, DER_SEQ);
	size_t name = der_begin(w, DER_CTXC(0));
	size_t full = der_begin(w, DER_CTXC(0));

	der_put(w, DER_CTX(6), url);
	der_end(w, full);
	der_end(w, name);
	der_end(w, point);
	der_end(w, points);
	ext_end(w, m);
}

struct span
ext_get_aki(struct span value, bool strict)
{
	struct rd r = rd_of(value), in = der_enter(&r, DER_SEQ);
	struct span id = der_get(&in, DER_CTX(0));

	while (!strict && in.err == JIT_OK && in.n > 0)
		(void)der_whole(&in);
	return rd_end(&in) == JIT_OK && rd_end(&r) == JIT_OK ? id : SPAN_NONE;
}

struct span
ext_get_ski(struct span value)
{
	struct rd r = rd_of(value);
	struct span id = der_get(&r, DER_OCTETS);

	return rd_end(&r) == JIT_OK ? id : SPAN_NONE;
}

struct span
ext_get_crl_url(struct span value)
{
	struct rd r = rd_of(value), points = der_enter(&r, DER_SEQ);
	struct rd point = der_enter(&points, DER_SEQ);
	struct rd name = der_enter(&point, DER_CTXC(0));
	struct rd full = der_enter(&name, DER_CTXC(0));
	struct span url = der_get(&full, DER_CTX(6));

	return rd_end(&full) == JIT_OK && rd_end(&name) == JIT_OK &&
	    rd_end(&point) == JIT_OK && rd_end(&points) == JIT_OK &&
	    rd_end(&r) == JIT_OK && is_crl_url(url) ? url : SPAN_NONE;
}

bool
is_crl_url(struct span s)
{
	size_t head = s.n > 7 && memcmp(s.p, "http://", 7) == 0 ? 7 :
	    s.n > 8 && memcmp(s.p, "https://", 8) == 0 ? 8 : 0;

	if (head == 0 || s.n > X509_URL_MAX)
		return false;
	for (size_t i = head; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' ||
		    strchr("\"',\\<>^`{|}", s.p[i]) != NULL)
			return false;
	return true;
}
