/*
 * lookup - a request by its id, or by the serial of its certificate.
 *
 * A server's log, a KRL or a certificate at hand show the serial alone.  It
 * is written as issued.h has it (4182, or 32 hex digits), or as openssl
 * prints it: in capitals, with colons, without leading zeros.
 */
#ifndef JIT_CLI_LOOKUP_H
#define JIT_CLI_LOOKUP_H

#include "ca/grant/issued.h"
#include "cli/desk.h"

/*
 * The request that was typed: by id as desk_find(), else by serial among what
 * is live, else by reading the log (over a server: what it shows).  *now is
 * the signer's clock.  Returns owned.
 *	JIT_E_ARG      it is the end of one's id and another's serial
 *	JIT_E_UNKNOWN  neither
 *	the errors of desk_find(), scan_requests() and scan_shown()
 */
enum jit_err lookup(struct desk *d, const char *typed, struct dossier **ret,
    utc_s *now, struct jit_why *why);

/* What was typed as a serial.  JIT_E_FORMAT: it can be none. */
enum jit_err lookup_parse(const char *typed, enum request_kind *kind,
    uint8_t ret[static ISSUED_SERIAL]);
/* The serial of r's certificate in words; "-": it has none. */
enum jit_err lookup_serial(const struct dossier *r,
    char ret[static ISSUED_SERIAL_TEXT], struct jit_why *why);

#endif
