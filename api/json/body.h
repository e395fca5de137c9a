/*
 * body - the JSON of a request, read strictly.
 *
 * One object, UTF-8, at most BODY_DEPTH deep, no member twice, none that is
 * not asked for, nothing behind it.  A reader complains by the member's name:
 * "\"sigs\": an array of 1 to 2 strings is accepted, found a number".  What
 * stands in a body may be a secret: no complaint quotes a string, only the
 * names of members that nobody knows, and numbers where one is accepted.
 * Jansson does the parsing; a main calls json_object_seed() before the
 * first.  The size of a body is its receiver's to bound.
 */
#ifndef JIT_API_JSON_BODY_H
#define JIT_API_JSON_BODY_H

#include <jansson.h>

#include "ca/base/text.h"

#define BODY_DEPTH 8			/* brackets that are open at once */
#define BODY_MEMBERS 24			/* that may be asked for */

struct body {
	json_t *root;			/* owned */
	const char *asked[BODY_MEMBERS]; /* borrowed names, in that order */
	size_t read;			/* of them */
};

/*
 * JIT_E_FORMAT: not JSON, with line and column, or not an object;
 * JIT_E_SIZE: too deep; JIT_E_NOMEM.  *ret is set on success only.
 */
enum jit_err body_parse(struct span s, struct body *ret, struct jit_why *why);
void body_done(struct body *b);
JIT_SCOPED_OBJ(struct body, body_done);

/*
 * Members; each may be asked for once, by a name that lives as long as b.
 * JIT_E_FORMAT: it is missing, of another type (null too), or out of bounds;
 * JIT_E_NOMEM.  On an error *ret is as it was.  _opt: absent is JIT_OK, *ret
 * as it was.  JIT_E_ARG: asked for more than BODY_MEMBERS.
 */
/* At most max bytes, maybe none; a borrowed string of UTF-8 without NUL. */
enum jit_err body_text(struct body *b, const char *name, size_t max,
    struct span *ret, struct jit_why *why);
enum jit_err body_text_opt(struct body *b, const char *name, size_t max,
    struct span *ret, struct jit_why *why);
/* A string of base64 that is min to max bytes.  Returns owned. */
enum jit_err body_b64(struct body *b, const char *name, size_t min,
    size_t max, struct buf *ret, struct jit_why *why);
/*
 * An array of n_min to n_max strings of base64, each of 1 to max bytes.
 * ret has room for n_max; each is owned.  On an error none is.
 */
enum jit_err body_b64s(struct body *b, const char *name, size_t n_min,
    size_t n_max, size_t max, struct buf *ret, size_t *n,
    struct jit_why *why);
enum jit_err body_uint_opt(struct body *b, const char *name, uint64_t max,
    uint64_t *ret, struct jit_why *why);
/* An array of n_min to n_max whole numbers, none negative. */
enum jit_err body_uints(struct body *b, const char *name, size_t n_min,
    size_t n_max, uint64_t *ret, size_t *n, struct jit_why *why);
/* JIT_E_FORMAT naming the first member that nobody asked for. */
enum jit_err body_end(const struct body *b, struct jit_why *why);

/*
 * {"text": base64, "sigs": [base64 …]}: every act.  A text of 1 to max_text
 * bytes, 1 to n_sigs (at most BODY_SIGS) signatures of at most SSHSIG_MAX; a
 * second one may be a CSR, of at most BODY_PROOF_MAX.
 * Errors as above; *ret is set on success only.
 */
#define BODY_SIGS 2
#define BODY_PROOF_MAX 16384
struct body_signed {
	struct buf text, sig[BODY_SIGS];	/* owned */
	size_t n;
};
enum jit_err body_signed(struct span s, size_t max_text, size_t n_sigs,
    struct body_signed *ret, struct jit_why *why);
void body_signed_done(struct body_signed *b);
JIT_SCOPED_OBJ(struct body_signed, body_signed_done);

#endif
