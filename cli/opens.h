/*
 * opens - what an X.509 certificate is good for, in words.
 *
 * Told from the request's own text and the table of profiles: "TLS client
 * for PostgreSQL as CN=alice, O=app-write; also email:alice@example.com;
 * cannot be revoked, ends by itself".
 */
#ifndef JIT_CLI_OPENS_H
#define JIT_CLI_OPENS_H

#include "ca/grant/request.h"

/* "TLS client for PostgreSQL as CN=alice, O=app-write; also email:..." */
void opens_put_names(struct wr *w, const struct request *q);
/* "cannot be revoked, ends by itself", or where its CRL is. */
void opens_put_end(struct wr *w, const struct request *q);
/* Is it the SAN that ties every certificate to its request? */
bool opens_is_grant(struct span san);

#endif
