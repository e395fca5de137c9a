#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "ca/base/text.h"

/* ---- hex ---- */

void
hex_text(struct span s, char *ret)
{
	static const char d[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		ret[2 * i] = d[s.p[i] >> 4];
		ret[2 * i + 1] = d[s.p[i] & 15];
	}
	ret[2 * s.n] = '\0';
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum jit_err
hex_parse(struct span s, uint8_t *ret, size_t n)
{
	if (s.n != 2 * n)
		return JIT_E_FORMAT;
	for (size_t i = 0; i < n; i++) {
		int h = hex_value(s.p[2 * i]), l = hex_value(s.p[2 * i + 1]);

		if (h < 0 || l < 0)
			return JIT_E_FORMAT;
		ret[i] = (uint8_t)(h << 4 | l);
	}
	return JIT_OK;
}

/* ---- numbers ---- */

enum jit_err
uint_parse(struct span s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
		return JIT_E_FORMAT;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)s.p[i] - '0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return JIT_E_FORMAT;
		v = v * 10 + d;
	}
	if (v > max)
		return JIT_E_FORMAT;
	*ret = v;
	return JIT_OK;
}

/* ---- base64 ---- */

static const char b64_std[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Bytes that are encoded, or decoded, in one go: a multiple of 3. */
#define B64_CHUNK 768

/* The characters of s, at most B64_CHUNK bytes; returns their number. */
static size_t
b64_chunk(struct span s, const char *abc, bool pad, char *q)
{
	char *start = q;
	size_t i = 0;

	for (; s.n - i >= 3; i += 3, q += 4) {
		uint32_t v = (uint32_t)s.p[i] << 16 |
		    (uint32_t)s.p[i + 1] << 8 | s.p[i + 2];

		q[0] = abc[v >> 18];
		q[1] = abc[v >> 12 & 63];
		q[2] = abc[v >> 6 & 63];
		q[3] = abc[v & 63];
	}
	if (s.n > i) {
		bool two = s.n - i == 2;
		uint32_t v = (uint32_t)s.p[i] << 16 |
		    (two ? (uint32_t)s.p[i + 1] << 8 : 0);

		*q++ = abc[v >> 18];
		*q++ = abc[v >> 12 & 63];
		if (two)
			*q++ = abc[v >> 6 & 63];
		for (size_t k = two; pad && k < 2; k++)
			*q++ = '=';
	}
	return (size_t)(q - start);
}

static void
b64_encode(struct wr *w, struct span s, const char *abc, bool pad)
{
	char q[B64_CHUNK / 3 * 4];
	size_t n, used = 0;

	for (; s.n > 0 && w->err == JIT_OK; s = SPAN(s.p + n, s.n - n)) {
		size_t chars;

		n = s.n < B64_CHUNK ? s.n : B64_CHUNK;
		chars = b64_chunk(SPAN(s.p, n), abc, pad, q);
		wr_raw(w, q, chars);
		used = used > chars ? used : chars;
	}
	/* It may have been a secret. */
	OPENSSL_cleanse(q, used);
}

void
b64_put(struct wr *w, struct span s)
{
	b64_encode(w, s, b64_std, true);
}

void
b64url_put(struct wr *w, struct span s)
{
	b64_encode(w, s, b64_url, false);
}

void
b64_put_lines(struct wr *w, struct span s, size_t cols)
{
	JIT_DONE(wr_done) struct wr one = WR_INIT(s.n * 2 + 8);
	struct span v;

	b64_put(&one, s);
	if (one.err != JIT_OK) {
		wr_fail(w, one.err);
		return;
	}
	v = wr_view(&one);
	for (size_t i = 0; i < v.n; i += cols) {
		wr_raw(w, v.p + i, v.n - i < cols ? v.n - i : cols);
		wr_u8(w, '\n');
	}
}

/* The value of a character plus 1; 0: not of the alphabet. */
static const uint8_t b64_values[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,
	43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63, ['/'] = 64,
};

static inline int
b64_value(uint8_t c)
{
	return b64_values[c] - 1;
}

/* Collects characters four at a time. */
struct quad {
	uint32_t v;
	unsigned chars, pads;
	bool ended;
};

static enum jit_err
quad_add(struct quad *q, uint8_t c, struct wr *w)
{
	int v = b64_value(c);

	if (q->ended)
		return JIT_E_FORMAT;
	if (c == '=' && q->chars >= 2) {
		q->pads++;
		v = 0;
	} else if (v < 0 || q->pads > 0) {
		return JIT_E_FORMAT;
	}
	q->v = q->v << 6 | (uint32_t)v;
	if (++q->chars < 4)
		return JIT_OK;
	/* The bits under the padding must be zero, or two texts are one value. */
	if ((q->pads == 1 && (q->v & 0xff)) ||
	    (q->pads == 2 && (q->v & 0xffff)))
		return JIT_E_FORMAT;
	wr_u8(w, (uint8_t)(q->v >> 16));
	if (q->pads < 2)
		wr_u8(w, (uint8_t)(q->v >> 8));
	if (q->pads < 1)
		wr_u8(w, (uint8_t)q->v);
	*q = (struct quad){ .ended = q->pads > 0 };
	return w->err;
}

/*
 * Whole quads without padding, as many as there are, a chunk at a time;
 * returns the characters used.  What stops it is for quad_add() to judge.
 */
static size_t
b64_get_quads(struct span s, struct wr *w)
{
	uint8_t out[B64_CHUNK];
	size_t i = 0, n, most = 0;

	do {
		for (n = 0; n < sizeof(out) && s.n - i >= 4; n += 3, i += 4) {
			int a = b64_value(s.p[i]), b = b64_value(s.p[i + 1]),
			    c = b64_value(s.p[i + 2]), d = b64_value(s.p[i + 3]);

			if ((a | b | c | d) < 0)
				break;
			out[n] = (uint8_t)(a << 2 | b >> 4);
			out[n + 1] = (uint8_t)(b << 4 | c >> 2);
			out[n + 2] = (uint8_t)(c << 6 | d);
		}
		wr_raw(w, out, n);
		most = most > n ? most : n;
	} while (n == sizeof(out) && w->err == JIT_OK);
	OPENSSL_cleanse(out, most);
	return i;
}

enum jit_err
b64_get(struct span s, struct wr *w)
{
	struct quad q = { 0 };

	for (size_t i = b64_get_quads(s, w); i < s.n; i++)
		JIT_TRY(quad_add(&q, s.p[i], w));
	return q.chars == 0 ? w->err : JIT_E_FORMAT;
}

enum jit_err
b64_get_lines(struct span s, struct wr *w)
{
	struct quad q = { 0 };

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			continue;
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
			continue;
		JIT_TRY(quad_add(&q, s.p[i], w));
	}
	return q.chars == 0 ? w->err : JIT_E_FORMAT;
}

/* ---- characters ---- */

size_t
utf8_next(struct span s, uint32_t *cp)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t v;
	size_t n;

	if (s.n == 0)
		return 0;
	v = s.p[0];
	if (v < 0x80) {
		*cp = v;
		return 1;
	}
	if (v >= 0xc2 && v < 0xe0) {
		n = 2;
		v &= 0x1f;
	} else if (v >= 0xe0 && v < 0xf0) {
		n = 3;
		v &= 0x0f;
	} else if (v >= 0xf0 && v < 0xf5) {
		n = 4;
		v &= 0x07;
	} else {
		return 0;
	}
	if (s.n < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s.p[i] & 0x3fu);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	*cp = v;
	return n;
}

/* Ranges of code points that are plain, ascending; made by unicode.py. */
static const struct { uint32_t lo, hi; } plain[] = {
#include "ca/base/unicode.inc"
};

bool
utf8_is_plain(uint32_t cp)
{
	size_t lo = 0, hi = sizeof(plain) / sizeof(plain[0]);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (cp > plain[mid].hi)
			lo = mid + 1;
		else if (cp < plain[mid].lo)
			hi = mid;
		else
			return true;
	}
	return false;
}

enum jit_err
text_check_plain(struct span s, struct jit_why *why)
{
	for (size_t i = 0; i < s.n;) {
		uint32_t cp = 0;
		size_t n = utf8_next(SPAN(s.p + i, s.n - i), &cp);

		if (n == 0)
			return jit_fail(why, JIT_E_UTF8,
			    "byte %zu (0x%02x) is not UTF-8", i + 1,
			    (unsigned)s.p[i]);
		if (!utf8_is_plain(cp))
			return jit_fail(why, JIT_E_UTF8,
			    "U+%04X at byte %zu is a control, format, private "
			    "or unassigned character", (unsigned)cp, i + 1);
		i += n;
	}
	return JIT_OK;
}

bool
text_is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

bool
text_is_name(struct span s)
{
	if (s.n < 1 || s.n > 32)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!alnum && (i == 0 || (c != '.' && c != '_' && c != '-')))
			return false;
	}
	return true;
}

void
text_escape(struct wr *w, struct span s, size_t max)
{
	size_t i = 0;

	while (i < s.n) {
		uint32_t cp = 0;
		size_t n = utf8_next(SPAN(s.p + i, s.n - i), &cp);

		if (i + (n ? n : 1) > max) {
			wr_str(w, "...");
			return;
		}
		if (n > 0 && cp == '\\') {
			wr_str(w, "\\\\");
		} else if (n > 0 && utf8_is_plain(cp)) {
			wr_raw(w, s.p + i, n);
		} else {
			n = n ? n : 1;
			for (size_t k = 0; k < n; k++)
				wr_fmt(w, "\\x%02x", (unsigned)s.p[i + k]);
		}
		i += n;
	}
}

const char *
text_shown(struct span s, char *ret, size_t size)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4 * s.n + 16);
	size_t max = s.n;

	/* Escaping only grows: cut the source until its shown form fits. */
	for (;;) {
		text_escape(&w, s, max);
		if (w.err == JIT_OK && w.n < size)
			break;
		if (max == 0) {
			wr_done(&w);
			break;
		}
		max = max > 8 ? max - max / 8 - 1 : max - 1;
		wr_done(&w);
	}
	if (w.n > 0)
		memcpy(ret, w.p, w.n);
	ret[w.n] = '\0';
	return ret;
}

/* ---- ULID ---- */

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum jit_err
ulid_make(int64_t ms, const struct rng *rng, struct ulid *ret)
{
	uint8_t chance[16];

	if (ms < 0 || ms >= (int64_t)1 << 48)
		return JIT_E_ARG;
	JIT_TRY(rng_fill(rng, chance, sizeof(chance)));
	for (int i = 9; i >= 0; i--) {
		ret->s[i] = crockford[ms & 31];
		ms >>= 5;
	}
	for (size_t i = 0; i < 16; i++)
		ret->s[10 + i] = crockford[chance[i] & 31];
	ret->s[ULID_LEN] = '\0';
	return JIT_OK;
}

enum jit_err
ulid_parse(struct span s, struct ulid *ret)
{
	if (s.n != ULID_LEN || s.p[0] > '7')
		return JIT_E_FORMAT;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == 0 || strchr(crockford, s.p[i]) == NULL)
			return JIT_E_FORMAT;
	memcpy(ret->s, s.p, ULID_LEN);
	ret->s[ULID_LEN] = '\0';
	return JIT_OK;
}

int64_t
ulid_ms(const struct ulid *u)
{
	int64_t v = 0;

	for (size_t i = 0; i < 10; i++)
		v = v << 5 | (strchr(crockford, u->s[i]) - crockford);
	return v;
}
