/*
 * body - the JSON of a request, read strictly.
 *
 * One object, UTF-8, at most BODY_DEPTH deep, no member twice, none that is
 * not asked for, nothing behind it.  A reader complains by the member's name:
 * "\"sigs\": an array of 1 or 2 strings is accepted, found a number".
 * Jansson does the parsing.
 */
#ifndef JIT_API_JSON_BODY_H
#define JIT_API_JSON_BODY_H

#include <jansson.h>

#include "ca/base/text.h"

#define BODY_DEPTH 8

struct body {
	json_t *root;			/* owned */
	size_t read;			/* members that were asked for */
};

/* JIT_E_FORMAT: with line and column; JIT_E_SIZE: too deep. */
enum jit_err body_parse(struct span s, struct body *ret, struct jit_why *why);
void body_done(struct body *b);
JIT_SCOPED_OBJ(struct body, body_done);

/*
 * Members; each may be asked for once.  JIT_E_FORMAT: it is missing, of
 * another type, or out of bounds.  _opt: absent is JIT_OK, *ret as it was.
 */
enum jit_err body_text(struct body *b, const char *name, size_t max,
    struct span *ret, struct jit_why *why);		/* borrows */
enum jit_err body_text_opt(struct body *b, const char *name, size_t max,
    struct span *ret, struct jit_why *why);
enum jit_err body_b64(struct body *b, const char *name, size_t min,
    size_t max, struct buf *ret, struct jit_why *why);	/* owned */
/* An array of strings of base64, each at most max bytes.  Owned each. */
enum jit_err body_b64s(struct body *b, const char *name, size_t n_min,
    size_t n_max, size_t max, struct buf *ret, size_t *n,
    struct jit_why *why);
enum jit_err body_uint_opt(struct body *b, const char *name, uint64_t max,
    uint64_t *ret, struct jit_why *why);
/* An array of n_min to n_max numbers. */
enum jit_err body_uints(struct body *b, const char *name, size_t n_min,
    size_t n_max, uint64_t *ret, size_t *n, struct jit_why *why);
/* JIT_E_FORMAT naming the first member that nobody asked for. */
enum jit_err body_end(const struct body *b, struct jit_why *why);

/* {"text": base64, "sigs": [base64 …]}: every act. */
#define BODY_SIGS 2
struct body_signed {
	struct buf text, sig[BODY_SIGS];
	size_t n;
};
enum jit_err body_signed(struct span s, size_t max_text, size_t n_sigs,
    struct body_signed *ret, struct jit_why *why);
void body_signed_done(struct body_signed *b);
JIT_SCOPED_OBJ(struct body_signed, body_signed_done);

#endif
