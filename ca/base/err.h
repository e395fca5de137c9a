/*
 * err - one list of errors for every layer, and the words for a person.
 *
 * A function that can fail returns enum jit_err: JIT_OK (0) or a negative
 * JIT_E_*.  err.def holds each with its wire name, HTTP status, exit status
 * and sentence.  The detail for a person (what was found, where, what would
 * be accepted) goes into the optional last parameter, struct jit_why.
 * Pure: no allocation, no logging; library code returns, programs log.
 */
#ifndef JIT_BASE_ERR_H
#define JIT_BASE_ERR_H

#include <stdbool.h>

enum jit_err_index {
	JIT_I_OK = 0,
#define X(n, w, h, e, s) JIT_I_##n,
#include "ca/base/err.def"
#undef X
	JIT_I_COUNT
};

enum jit_err {
	JIT_OK = 0,
#define X(n, w, h, e, s) JIT_E_##n = -JIT_I_##n,
#include "ca/base/err.def"
#undef X
};

/* What happened, for a person: one line of UTF-8, "" when nothing was said. */
struct jit_why {
	enum jit_err code;
	char msg[384];
};

/*
 * Fill why (NULL is fine) and return code.  The message is cut at the end of
 * the array; bytes outside printable ASCII that arrive in arguments must be
 * escaped by the caller (text_escape) when they are somebody else's.
 */
enum jit_err jit_fail(struct jit_why *why, enum jit_err code,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Put "<prefix>: " before the message in why; returns code, so that a caller
 * can add where it stood: return jit_at(why, e, "role \"%s\"", name).
 */
enum jit_err jit_at(struct jit_why *why, enum jit_err code,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* "bad-signature"; "ok" for JIT_OK; "unknown" for a value of no row. */
const char *jit_err_name(enum jit_err e);
/* The row with that wire name; JIT_E_PROTOCOL when there is none. */
enum jit_err jit_err_from_name(const char *name);
const char *jit_err_sentence(enum jit_err e);
int jit_err_http(enum jit_err e);
int jit_err_exit(enum jit_err e);
/* why's message when it has one, else the sentence of e. */
const char *jit_why_text(const struct jit_why *why, enum jit_err e);

/* Return early with the error of an expression of type enum jit_err. */
#define JIT_TRY(x) do {							\
	enum jit_err jit_try_e_ = (x);					\
	if (jit_try_e_ != JIT_OK)					\
		return jit_try_e_;					\
} while (0)

#endif
