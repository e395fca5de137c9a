/*
 * bytes - a borrowed run of bytes, a bounded writer, a strict reader.
 *
 * struct span borrows.  struct wr grows up to a ceiling that its maker gives
 * it; struct rd walks a span.  Both carry a sticky error: after the first
 * failure every further call does nothing (a reader gives zeros and empty
 * spans), so that an encoder or decoder reads like its specification and is
 * checked once, at the end.  All integers are big-endian, as in RFC 4251
 * section 5; "string" is a uint32 length and that many bytes.
 * The writer's memory is wiped when it moves or is freed: what is written
 * may be secret.  No clock, no I/O, no logging.
 */
#ifndef JIT_BASE_BYTES_H
#define JIT_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"
#include "ca/base/scope.h"

struct span {
	const uint8_t *p;	/* borrowed; may be NULL when n is 0 */
	size_t n;
};

#define SPAN_NONE ((struct span){ NULL, 0 })
#define SPAN(ptr, len) ((struct span){ (const uint8_t *)(ptr), (len) })
/* The bytes of a C string without its NUL. */
struct span span_str(const char *s);
/* Equal length and bytes; not for secrets (secret_equal). */
bool span_eq(struct span a, struct span b);
bool span_eq_str(struct span a, const char *s);
/* <0, 0, >0 by bytes, then by length: the order of canonical lists. */
int span_cmp(struct span a, struct span b);
/*
 * Cut the first line off the front of *s; *line is it without its LF.  False,
 * and nothing changed, when no LF is there.
 */
bool span_take_line(struct span *s, struct span *line);

/* An owned copy of some bytes.  buf_done() wipes and frees; {NULL,0} is empty. */
struct buf {
	uint8_t *p;
	size_t n;
};
/* Copies s, with a NUL behind it that is not counted.  JIT_E_NOMEM. */
enum jit_err buf_copy(struct buf *ret, struct span s);
void buf_done(struct buf *b);
JIT_SCOPED_OBJ(struct buf, buf_done);
#define BUF_SPAN(b) SPAN((b).p, (b).n)

/* ---- writer ---- */

struct wr {
	uint8_t *p;		/* owned; NULL until the first byte */
	size_t n, cap, max;	/* written, allocated, ceiling; bytes */
	enum jit_err err;	/* JIT_OK, JIT_E_SIZE, JIT_E_NOMEM, JIT_E_FORMAT */
};

/* A writer that refuses (JIT_E_SIZE) to hold more than max bytes. */
#define WR_INIT(m) { .max = (m) }
void wr_init(struct wr *w, size_t max);
void wr_done(struct wr *w);		/* wipes and frees; usable again */
JIT_SCOPED_OBJ(struct wr, wr_done);

void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_raw(struct wr *w, const void *p, size_t n);
void wr_span(struct wr *w, struct span s);	/* raw, no length */
void wr_string(struct wr *w, struct span s);	/* uint32 length, bytes */
void wr_cstring(struct wr *w, const char *s);	/* as wr_string */
void wr_str(struct wr *w, const char *s);	/* raw characters */
void wr_fmt(struct wr *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Begin a string whose length is not known yet; wr_string_end() with the
 * returned mark writes it.  May nest.
 */
size_t wr_string_begin(struct wr *w);
void wr_string_end(struct wr *w, size_t mark);
/* Make the sticky error e (first one wins). */
void wr_fail(struct wr *w, enum jit_err e);
/* What is written so far; borrowed until the next call on w. */
struct span wr_view(const struct wr *w);
/*
 * Hand the bytes over: *ret owns them (NUL behind, uncounted), w is empty
 * again.  On error *ret is untouched and the sticky error is returned.
 */
enum jit_err wr_take(struct wr *w, struct buf *ret);

/* ---- reader ---- */

struct rd {
	const uint8_t *p;	/* next byte */
	size_t n;		/* bytes left */
	enum jit_err err;	/* JIT_OK or JIT_E_FORMAT */
};

struct rd rd_of(struct span s);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* n bytes, borrowed from what is read; empty when there are fewer. */
struct span rd_raw(struct rd *r, size_t n);
/* Exactly n bytes into dst; zeros when there are fewer. */
void rd_copy(struct rd *r, void *dst, size_t n);
/* A string of at most max bytes, borrowed. */
struct span rd_string(struct rd *r, size_t max);
/* As rd_string, refusing a NUL inside. */
struct span rd_cstring(struct rd *r, size_t max);
void rd_fail(struct rd *r);
/* JIT_OK when nothing failed and nothing is left over, else JIT_E_FORMAT. */
enum jit_err rd_end(const struct rd *r);

#endif
