#include <string.h>

#include "ca/x509/der.h"

/* ---- writer ---- */

size_t
der_begin(struct wr *w, uint8_t tag)
{
	wr_u8(w, tag);
	wr_u8(w, 0);
	return w->n;
}

/* How many bytes behind the first a length takes. */
static size_t
length_bytes(size_t n)
{
	size_t k = 0;

	if (n < 0x80)
		return 0;
	for (; n > 0; n >>= 8)
		k++;
	return k;
}

/* One byte was left for the length: what is inside moves if it takes more. */
void
der_end(struct wr *w, size_t mark)
{
	static const uint8_t zero[8] = { 0 };
	size_t n, more;

	if (w->err != JIT_OK)
		return;
	n = w->n - mark;
	more = length_bytes(n);
	if (more == 0) {
		w->p[mark - 1] = (uint8_t)n;
		return;
	}
	wr_raw(w, zero, more);
	if (w->err != JIT_OK)
		return;
	memmove(w->p + mark + more, w->p + mark, n);
	w->p[mark - 1] = (uint8_t)(0x80 | more);
	for (size_t i = 0; i < more; i++)
		w->p[mark + i] = (uint8_t)(n >> (8 * (more - 1 - i)));
}

void
der_put(struct wr *w, uint8_t tag, struct span content)
{
	size_t m = der_begin(w, tag);

	wr_span(w, content);
	der_end(w, m);
}

void
der_put_true(struct wr *w)
{
	wr_u8(w, DER_BOOL);
	wr_u8(w, 1);
	wr_u8(w, 0xff);
}

void
der_put_small(struct wr *w, uint8_t v)
{
	wr_u8(w, DER_INT);
	wr_u8(w, 1);
	wr_u8(w, v & 0x7f);
}

void
der_put_uint(struct wr *w, struct span m)
{
	size_t mark = der_begin(w, DER_INT);

	while (m.n > 0 && m.p[0] == 0) {
		m.p++;
		m.n--;
	}
	if (m.n == 0 || (m.p[0] & 0x80) != 0)
		wr_u8(w, 0);
	wr_span(w, m);
	der_end(w, mark);
}

void
der_put_bits(struct wr *w, struct span bytes)
{
	size_t m = der_begin(w, DER_BITS);

	wr_u8(w, 0);
	wr_span(w, bytes);
	der_end(w, m);
}

/* "2026-11-23T20:58:11Z" without what stands between the digits. */
void
der_put_time(struct wr *w, utc_s t)
{
	static const uint8_t at[14] = { 0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15,
	    17, 18 };
	char text[UTC_TEXT], out[15];
	bool late;

	utc_text(t, text);
	if (text[0] == '-') {
		wr_fail(w, JIT_E_FORMAT);
		return;
	}
	for (size_t i = 0; i < 14; i++)
		out[i] = text[at[i]];
	out[14] = 'Z';
	late = memcmp(out, "2050", 4) >= 0;
	der_put(w, late ? DER_GENTIME : DER_UTCTIME,
	    late ? SPAN(out, 15) : SPAN(out + 2, 13));
}

/* ---- reader ---- */

/* The rest of a length whose first byte is 0x80 | k. */
static size_t
long_length(struct rd *r, size_t k)
{
	size_t n = 0;

	if (k == 0 || k > 4) {
		rd_fail(r);
		return 0;
	}
	for (size_t i = 0; i < k; i++)
		n = n << 8 | rd_u8(r);
	if (length_bytes(n) != k)
		rd_fail(r);
	return n;
}

static struct span
content(struct rd *r)
{
	size_t n = rd_u8(r);

	if (n >= 0x80)
		n = long_length(r, n & 0x7f);
	return rd_raw(r, n);
}

bool
der_is(const struct rd *r, uint8_t tag)
{
	return r->err == JIT_OK && r->n > 0 && r->p[0] == tag;
}

struct span
der_get(struct rd *r, uint8_t tag)
{
	if (rd_u8(r) != tag)
		rd_fail(r);
	return content(r);
}

struct rd
der_enter(struct rd *r, uint8_t tag)
{
	struct rd in = rd_of(der_get(r, tag));

	in.err = r->err;
	return in;
}

struct span
der_whole(struct rd *r)
{
	const uint8_t *from = r->p;

	/* 0x1f: a tag of several bytes. */
	if ((rd_u8(r) & 0x1f) == 0x1f)
		rd_fail(r);
	(void)content(r);
	return r->err == JIT_OK ? SPAN(from, (size_t)(r->p - from)) :
	    SPAN_NONE;
}

struct span
der_get_uint(struct rd *r, size_t max)
{
	struct span s = der_get(r, DER_INT);

	if (s.n == 0 || (s.p[0] & 0x80) != 0 ||
	    (s.n > 1 && s.p[0] == 0 && (s.p[1] & 0x80) == 0)) {
		rd_fail(r);
		return SPAN_NONE;
	}
	if (s.p[0] == 0) {
		s.p++;
		s.n--;
	}
	if (s.n > max) {
		rd_fail(r);
		return SPAN_NONE;
	}
	return s;
}

struct span
der_get_bits(struct rd *r)
{
	struct rd in = der_enter(r, DER_BITS);

	if (rd_u8(&in) != 0 || in.err != JIT_OK) {
		rd_fail(r);
		return SPAN_NONE;
	}
	return SPAN(in.p, in.n);
}

bool
der_get_default_false(struct rd *r)
{
	struct span s;

	if (!der_is(r, DER_BOOL))
		return false;
	s = der_get(r, DER_BOOL);
	if (s.n != 1 || s.p[0] != 0xff)
		rd_fail(r);
	return true;
}

utc_s
der_get_time(struct rd *r)
{
	bool late = der_is(r, DER_GENTIME);
	struct span s = der_get(r, late ? DER_GENTIME : DER_UTCTIME);
	char d[15], iso[UTC_TEXT + 4] = "0000-00-00T00:00:00Z";
	static const uint8_t at[14] = { 0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15,
	    17, 18 };
	utc_s t = 0;

	if (s.n != (late ? 15 : 13) || s.p[s.n - 1] != 'Z') {
		rd_fail(r);
		return 0;
	}
	memcpy(d + (late ? 0 : 2), s.p, s.n);
	if (!late)
		memcpy(d, s.p[0] >= '5' ? "19" : "20", 2);
	for (size_t i = 0; i < 14; i++)
		iso[at[i]] = d[i];
	if (utc_parse(span_str(iso), &t) != JIT_OK ||
	    late != (memcmp(d, "2050", 4) >= 0))
		rd_fail(r);
	return t;
}
