/*
 * digest - SHA-256, SHA-384, SHA-512 of spans, and how a SHA-256 is written:
 * "sha256:" and 64 lower-case hex digits.  FIPS 180-4, by OpenSSL.
 */
#ifndef JIT_BASE_DIGEST_H
#define JIT_BASE_DIGEST_H

#include "ca/base/bytes.h"

struct digest { uint8_t b[32]; };

#define DIGEST_TEXT 72		/* "sha256:", 64 digits, NUL */

/* JIT_E_CRYPTO only. */
enum jit_err digest_sha256(struct span s, struct digest *ret);
/* SHA-256 over several spans, one after the other. */
enum jit_err digest_sha256v(const struct span *s, size_t n,
    struct digest *ret);
enum jit_err digest_sha384(struct span s, uint8_t ret[static 48]);
enum jit_err digest_sha512(struct span s, uint8_t ret[static 64]);
bool digest_eq(const struct digest *a, const struct digest *b);
#define DIGEST_SPAN(d) SPAN((d).b, sizeof((d).b))

void digest_text(const struct digest *d, char ret[static DIGEST_TEXT]);
/* JIT_E_FORMAT: not exactly that form. */
enum jit_err digest_parse(struct span s, struct digest *ret);

#endif
