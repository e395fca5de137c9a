#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "ca/base/bytes.h"

struct span
span_str(const char *s)
{
	return SPAN(s, strlen(s));
}

bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
span_eq_str(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

int
span_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool
span_take_line(struct span *s, struct span *line)
{
	const uint8_t *lf = s->n > 0 ? memchr(s->p, '\n', s->n) : NULL;

	if (lf == NULL)
		return false;
	*line = SPAN(s->p, (size_t)(lf - s->p));
	*s = SPAN(lf + 1, s->n - line->n - 1);
	return true;
}

enum jit_err
buf_copy(struct buf *ret, struct span s)
{
	uint8_t *p = malloc(s.n + 1);

	if (p == NULL)
		return JIT_E_NOMEM;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = 0;
	*ret = (struct buf){ p, s.n };
	return JIT_OK;
}

void
buf_done(struct buf *b)
{
	if (b->p != NULL) {
		OPENSSL_cleanse(b->p, b->n);
		free(b->p);
	}
	*b = (struct buf){ NULL, 0 };
}

/* ---- writer ---- */

void
wr_init(struct wr *w, size_t max)
{
	*w = (struct wr)WR_INIT(max);
}

void
wr_done(struct wr *w)
{
	if (w->p != NULL) {
		OPENSSL_cleanse(w->p, w->cap);
		free(w->p);
	}
	*w = (struct wr)WR_INIT(w->max);
}

void
wr_fail(struct wr *w, enum jit_err e)
{
	if (w->err == JIT_OK)
		w->err = e;
}

/* Room for n more bytes; the place for them, or NULL. */
static uint8_t *
wr_room(struct wr *w, size_t n)
{
	uint8_t *p;

	if (w->err != JIT_OK)
		return NULL;
	if (n > w->max || w->n > w->max - n) {
		w->err = JIT_E_SIZE;
		return NULL;
	}
	/* One byte more is kept free for the NUL of wr_take(). */
	if (w->n + n + 1 > w->cap) {
		size_t cap = w->cap < 64 ? 64 : w->cap;

		while (cap < w->n + n + 1)
			cap *= 2;
		if ((p = malloc(cap)) == NULL) {
			w->err = JIT_E_NOMEM;
			return NULL;
		}
		if (w->p != NULL) {
			memcpy(p, w->p, w->n);
			OPENSSL_cleanse(w->p, w->cap);
			free(w->p);
		}
		w->p = p;
		w->cap = cap;
	}
	p = w->p + w->n;
	w->n += n;
	return p;
}

void
wr_raw(struct wr *w, const void *src, size_t n)
{
	uint8_t *p = wr_room(w, n);

	if (p != NULL && n > 0)
		memcpy(p, src, n);
}

void
wr_span(struct wr *w, struct span s)
{
	wr_raw(w, s.p, s.n);
}

static void
wr_uint(struct wr *w, uint64_t v, unsigned bytes)
{
	uint8_t *p = wr_room(w, bytes);

	if (p == NULL)
		return;
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

void
wr_u8(struct wr *w, uint8_t v)
{
	wr_uint(w, v, 1);
}

void
wr_u16(struct wr *w, uint16_t v)
{
	wr_uint(w, v, 2);
}

void
wr_u32(struct wr *w, uint32_t v)
{
	wr_uint(w, v, 4);
}

void
wr_u64(struct wr *w, uint64_t v)
{
	wr_uint(w, v, 8);
}

void
wr_string(struct wr *w, struct span s)
{
	if (s.n > UINT32_MAX) {
		wr_fail(w, JIT_E_SIZE);
		return;
	}
	wr_u32(w, (uint32_t)s.n);
	wr_span(w, s);
}

void
wr_cstring(struct wr *w, const char *s)
{
	wr_string(w, span_str(s));
}

void
wr_str(struct wr *w, const char *s)
{
	wr_span(w, span_str(s));
}

void
wr_fmt(struct wr *w, const char *fmt, ...)
{
	va_list ap;
	int n;
	uint8_t *p;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		wr_fail(w, JIT_E_FORMAT);
		return;
	}
	/* vsnprintf writes its NUL into the byte that wr_room keeps free. */
	if ((p = wr_room(w, (size_t)n)) == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf((char *)p, (size_t)n + 1, fmt, ap);
	va_end(ap);
}

size_t
wr_string_begin(struct wr *w)
{
	wr_u32(w, 0);
	return w->n;
}

void
wr_string_end(struct wr *w, size_t mark)
{
	size_t n;

	if (w->err != JIT_OK)
		return;
	n = w->n - mark;
	if (n > UINT32_MAX) {
		wr_fail(w, JIT_E_SIZE);
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		w->p[mark - 4 + i] = (uint8_t)(n >> (8 * (3 - i)));
}

struct span
wr_view(const struct wr *w)
{
	return SPAN(w->p, w->n);
}

enum jit_err
wr_take(struct wr *w, struct buf *ret)
{
	if (w->err != JIT_OK)
		return w->err;
	if (w->p == NULL)
		return buf_copy(ret, SPAN_NONE);
	w->p[w->n] = 0;
	*ret = (struct buf){ w->p, w->n };
	*w = (struct wr)WR_INIT(w->max);
	return JIT_OK;
}

/* ---- reader ---- */

struct rd
rd_of(struct span s)
{
	return (struct rd){ s.p, s.n, JIT_OK };
}

void
rd_fail(struct rd *r)
{
	r->err = JIT_E_FORMAT;
	r->n = 0;
}

struct span
rd_raw(struct rd *r, size_t n)
{
	struct span s;

	if (r->err != JIT_OK || n > r->n) {
		rd_fail(r);
		return SPAN_NONE;
	}
	s = SPAN(r->p, n);
	if (n > 0)
		r->p += n;
	r->n -= n;
	return s;
}

void
rd_copy(struct rd *r, void *dst, size_t n)
{
	struct span s = rd_raw(r, n);

	if (s.n == n && n > 0)
		memcpy(dst, s.p, n);
	else if (n > 0)
		memset(dst, 0, n);
}

static uint64_t
rd_uint(struct rd *r, unsigned bytes)
{
	struct span s = rd_raw(r, bytes);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}

uint8_t
rd_u8(struct rd *r)
{
	return (uint8_t)rd_uint(r, 1);
}

uint16_t
rd_u16(struct rd *r)
{
	return (uint16_t)rd_uint(r, 2);
}

uint32_t
rd_u32(struct rd *r)
{
	return (uint32_t)rd_uint(r, 4);
}

uint64_t
rd_u64(struct rd *r)
{
	return rd_uint(r, 8);
}

struct span
rd_string(struct rd *r, size_t max)
{
	uint32_t n = rd_u32(r);

	if (n > max) {
		rd_fail(r);
		return SPAN_NONE;
	}
	return rd_raw(r, n);
}

struct span
rd_cstring(struct rd *r, size_t max)
{
	struct span s = rd_string(r, max);

	if (s.n > 0 && memchr(s.p, 0, s.n) != NULL) {
		rd_fail(r);
		return SPAN_NONE;
	}
	return s;
}

enum jit_err
rd_end(const struct rd *r)
{
	return r->err == JIT_OK && r->n == 0 ? JIT_OK : JIT_E_FORMAT;
}
