/*
 * issued - a certificate of either kind, as the log holds it.
 *
 * An SSH certificate blob begins with the length of its type's name (a zero
 * byte), a DER certificate with 0x30.  Pure.
 */
#ifndef JIT_GRANT_ISSUED_H
#define JIT_GRANT_ISSUED_H

#include "ca/grant/judge.h"

#define ISSUED_SERIAL 16	/* bytes; an SSH serial is the last eight */
#define ISSUED_SERIAL_TEXT 33	/* "4182", or 32 hex digits; NUL */

struct issued {
	enum request_kind kind;
	struct ssh_cert *ssh;		/* owned, by kind */
	struct x509_cert *x509;
};

/* Strict, signature not verified.  The errors of cert.h of either kind. */
enum jit_err issued_parse(struct span bytes, struct issued *ret,
    struct jit_why *why);
void issued_done(struct issued *c);
JIT_SCOPED_OBJ(struct issued, issued_done);

/* Half-open, whichever kind. */
struct window issued_life(const struct issued *c);
void issued_serial(const struct issued *c, uint8_t ret[static ISSUED_SERIAL]);
/* For people: decimal for SSH, hex for X.509. */
const char *issued_serial_text(enum request_kind kind,
    const uint8_t serial[static ISSUED_SERIAL],
    char ret[static ISSUED_SERIAL_TEXT]);
/* A copy in text's form, back: either form.  JIT_E_FORMAT. */
enum jit_err issued_serial_parse(struct span text, enum request_kind *kind,
    uint8_t ret[static ISSUED_SERIAL]);

/*
 * Does it say exactly what i says, for that key, under that CA?  An X.509
 * serial is c's own, random; an SSH serial is i's.  JIT_E_VERIFY.
 */
enum jit_err issued_check_is(const struct issued *c, const struct issue *i,
    const struct ssh_key *subject, const struct ca_key *ca,
    struct jit_why *why);
/* Signed by that CA.  JIT_E_SIG. */
enum jit_err issued_verify(const struct issued *c, const struct ca_key *ca,
    struct jit_why *why);
/* Is it that CA's, by what it says of itself? */
bool issued_by(const struct issued *c, const struct ca_key *ca);

#endif
