/*
 * answer - the JSON that jit-certd answers with, written straight.
 *
 * A small writer over struct wr: members in the order of the calls, commas
 * by itself, strings escaped as RFC 8259 section 7 asks, and what proofs are
 * made of (openapi.yaml, Receipt) as base64.
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

/* name NULL: in an array, or the whole. */
void js_open(struct js *j, const char *name, char bracket);	/* '{' '[' */
void js_close(struct js *j, char bracket);			/* '}' ']' */
void js_text(struct js *j, const char *name, struct span s);	/* UTF-8 */
void js_str(struct js *j, const char *name, const char *s);	/* NULL: null */
void js_uint(struct js *j, const char *name, uint64_t v);
void js_int(struct js *j, const char *name, int64_t v);
void js_bool(struct js *j, const char *name, bool v);
void js_null(struct js *j, const char *name);
void js_b64(struct js *j, const char *name, struct span s);
void js_utc(struct js *j, const char *name, utc_s t);	/* RFC 3339 */
void js_dur(struct js *j, const char *name, dur_s d);	/* "45m" */
void js_digest(struct js *j, const char *name, const struct digest *d);
/* Hand over; JIT_E_NOMEM, JIT_E_SIZE. */
enum jit_err js_take(struct js *j, struct buf *ret);

/* "note" and "receipts". */
void js_receipts(struct js *j, const struct receipts *r);
/* An array of base64: a path of hashes. */
void js_path(struct js *j, const char *name, const struct merkle_proof *p);

/*
 * RFC 9457: {"type": "urn:jit-cert:error:bad-signature", "title": sentence,
 * "status": 403, "detail": words, "code": "bad-signature", "request": id}.
 */
enum jit_err problem_put(enum jit_err e, const struct jit_why *why,
    uint64_t request, struct buf *ret);
#define PROBLEM_TYPE "application/problem+json"

#endif
