/*
 * left - what taking a certificate back does not reach, for whoever does it.
 *
 * A list (KRL, CRL) works once a server has it; a certificate that says that
 * expiry alone is enough has none; what is open goes on.  Texts alone: no
 * clock, no I/O.
 */
#ifndef JIT_CLI_LEFT_H
#define JIT_CLI_LEFT_H

#include "ca/grant/request.h"
#include "cli/when.h"

/* Is there a list (KRL or CRL) that tells servers of it? */
bool left_is_listed(const struct request *q);
/*
 * What taking a certificate of q back does not reach, in lines: until when
 * it works where, and that what is open goes on.
 *
 *	until  the certificate's end, after now
 */
void left_put(struct wr *w, const struct request *q, utc_s until,
    utc_s now);

#endif
