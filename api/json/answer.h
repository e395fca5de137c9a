/*
 * answer - the JSON that jit-certd answers with, written straight.
 *
 * A small writer over struct wr: members in the order of the calls, commas
 * by itself, strings escaped as RFC 8259 section 7 asks, and what proofs are
 * made of (openapi.yaml, Receipt) as base64.  Nothing is returned by the
 * calls; the first thing that cannot be written is kept as w.err, and told
 * by js_take().  Pure.
 */
#ifndef JIT_API_JSON_ANSWER_H
#define JIT_API_JSON_ANSWER_H

#include "ca/base/text.h"
#include "ca/grant/receipt.h"

struct js {
	struct wr w;			/* owned; sticky error */
	bool comma;			/* something stands before */
};
#define JS_MAX (4u << 20)
#define JS_INIT { .w = WR_INIT(JS_MAX) }
void js_done(struct js *j);
JIT_SCOPED_OBJ(struct js, js_done);

/*
 * name: a constant of ours, written as it is; NULL in an array, or for the
 * whole.
 */
void js_open(struct js *j, const char *name, char bracket);	/* '{' '[' */
void js_close(struct js *j, char bracket);			/* '}' ']' */
/* JIT_E_UTF8 sticks when s is not UTF-8. */
void js_text(struct js *j, const char *name, struct span s);
void js_str(struct js *j, const char *name, const char *s);	/* NULL: null */
void js_uint(struct js *j, const char *name, uint64_t v);
void js_bool(struct js *j, const char *name, bool v);
void js_null(struct js *j, const char *name);
void js_b64(struct js *j, const char *name, struct span s);
/* RFC 3339; JIT_E_FORMAT sticks outside of 0 .. UTC_MAX. */
void js_utc(struct js *j, const char *name, utc_s t);
/* "45m"; JIT_E_FORMAT sticks outside of 1 .. DUR_MAX. */
void js_dur(struct js *j, const char *name, dur_s d);
void js_digest(struct js *j, const char *name, const struct digest *d);
/*
 * Hand over; returns owned.  JIT_E_NOMEM; JIT_E_SIZE: over JS_MAX;
 * JIT_E_UTF8, JIT_E_FORMAT: as above.
 */
enum jit_err js_take(struct js *j, struct buf *ret);

/* An object: an entry without its path (openapi.yaml, Entry). */
void js_entry(struct js *j, const char *name, const struct entry *e);
/* "note" and "receipts". */
void js_receipts(struct js *j, const struct receipts *r);
/* An array of base64: a path of hashes. */
void js_path(struct js *j, const char *name, const struct merkle_proof *p);

/*
 * RFC 9457: {"type": "urn:jit-cert:error:bad-signature", "title": sentence,
 * "status": 403, "detail": words, "code": "bad-signature", "request": id}.
 * detail is why's message (NULL is fine, and one without words); whatever in
 * it is not plain text is escaped.  Returns owned.  JIT_E_NOMEM;
 * JIT_E_ARG: JIT_OK is not a problem.
 */
enum jit_err problem_put(enum jit_err e, const struct jit_why *why,
    uint64_t request, struct buf *ret);
#define PROBLEM_TYPE "application/problem+json"

#endif
