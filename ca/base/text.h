/*
 * text - characters: UTF-8, what a person may write, base64, hex, ids,
 * and how somebody else's text is shown without harm.  Pure.
 */
#ifndef JIT_BASE_TEXT_H
#define JIT_BASE_TEXT_H

#include "ca/base/bytes.h"
#include "ca/base/rand.h"
#include "ca/base/utc.h"

/* ---- hex, lower case ---- */
/* Writes 2 * s.n digits and a NUL. */
void hex_text(struct span s, char *ret);
/* Exactly n bytes from 2 * n lower-case digits.  JIT_E_FORMAT. */
enum jit_err hex_parse(struct span s, uint8_t *ret, size_t n);

/* ---- numbers ---- */
/* Decimal, no sign, no leading zero, at most max.  JIT_E_FORMAT. */
enum jit_err uint_parse(struct span s, uint64_t max, uint64_t *ret);

/* ---- base64, RFC 4648 sections 4 and 5 ---- */
/* Padded, standard alphabet, no line breaks. */
void b64_put(struct wr *w, struct span s);
/* The same in lines of cols characters, each with LF, as PEM and SSHSIG have. */
void b64_put_lines(struct wr *w, struct span s, size_t cols);
/* URL alphabet, unpadded. */
void b64url_put(struct wr *w, struct span s);
/*
 * Strict: alphabet and padding exact, unused bits zero, no white space.
 * Appends to w.  JIT_E_FORMAT, or the writer's error.
 */
enum jit_err b64_get(struct span s, struct wr *w);
/* As b64_get, but LF (and CR LF) between lines is skipped. */
enum jit_err b64_get_lines(struct span s, struct wr *w);

/* ---- characters ---- */
/*
 * One code point of UTF-8 (RFC 3629: no surrogate, shortest form).
 * Returns its bytes, 1 to 4, and sets *cp; 0 when s does not begin with one.
 */
size_t utf8_next(struct span s, uint32_t *cp);
/*
 * A code point that a person may write into a reason or a comment: assigned
 * in Unicode 15.0 and not of General_Category Cc Cf Cs Co Cn Zl Zp.
 */
bool utf8_is_plain(uint32_t cp);
/* Every code point is plain.  JIT_E_UTF8, why says which and where. */
enum jit_err text_check_plain(struct span s, struct jit_why *why);
/* 0x20 to 0x7e only. */
bool text_is_ascii(struct span s);
/* [a-z0-9][a-z0-9._-]{0,31} */
bool text_is_name(struct span s);
/*
 * Somebody else's text made safe for a terminal or a log line: plain code
 * points as they are (backslash doubled), every other byte as \xHH.  At most
 * max bytes of s are shown, then "...".
 */
void text_escape(struct wr *w, struct span s, size_t max);
/* As text_escape into an array, cut so that it fits; returns ret. */
const char *text_shown(struct span s, char *ret, size_t size);
#define TEXT_SHOWN 160		/* a good size for that array */

/* ---- ULID: 26 characters of Crockford's base32 ---- */
#define ULID_LEN 26
struct ulid { char s[ULID_LEN + 1]; };	/* NUL-terminated */
/* ms since 1970 in 48 bits, then 80 random bits.  JIT_E_ARG, JIT_E_RANDOM. */
enum jit_err ulid_make(int64_t ms, const struct rng *rng, struct ulid *ret);
/* Upper-case, first character 0 to 7, no I L O U.  JIT_E_FORMAT. */
enum jit_err ulid_parse(struct span s, struct ulid *ret);
/* The ms of its first 48 bits; u has been parsed. */
int64_t ulid_ms(const struct ulid *u);

#endif
