/*
 * await - wait until a request is decided, and tell how it ended.
 *
 * Each decision is told as it comes.  A signer that is restarted is waited
 * for; the request is in its log.  Ctrl-C ends the program and keeps the
 * request.
 */
#ifndef JIT_CLI_AWAIT_H
#define JIT_CLI_AWAIT_H

#include "cli/desk.h"

#define AWAIT_FOREVER ((int64_t)-1)

/*
 *	ms  how long to wait; 0 looks once
 *
 * CLI_DONE: it can be collected, or is; *ret (owned) is what the log holds,
 * *at its moment by the signer's clock.  Otherwise the outcome is told, and
 * its exit status returned: CLI_DENIED, CLI_CLOSED, CLI_CANCELLED,
 * CLI_NOBODY, CLI_WAITING, CLI_REFUSED (the role has changed since) ...
 */
int await(struct desk *d, const struct ulid *id, int64_t ms,
    struct dossier **ret, utc_s *at);

/* Tell the outcome of what is over; CLI_DONE and nothing when it is not. */
int await_say_end(struct desk *d, const struct dossier *r, enum standing s,
    utc_s now);
/* {"id", "role", "state", "have", "need", ...}; NULL without memory. */
json_t *await_json(struct desk *d, const struct dossier *r, utc_s now);

#endif
