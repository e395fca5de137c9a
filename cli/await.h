/*
 * await - wait until a request is decided, and tell how it ended.
 *
 * Each decision is told as it comes.  A jit-signer or jit-certd that is
 * restarted is waited for; the request is in the log.  Ctrl-C ends the program and keeps the
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

/*
 * What was asked went away, as why says: connect anew until it is back, at
 * most until end of mono_ms (-1: no end) and ten minutes, or for ever when
 * patient.  Told once on standard error.  What was borrowed from d->s is
 * gone.  The error of the last try; others than "not there" at once.
 */
enum jit_err await_back(struct desk *d, int64_t end, bool patient,
    struct jit_why *why);
/* Errors that pass: a program is being restarted, or has much to do. */
bool await_may_pass(enum jit_err e);

/* Tell the outcome of what is over; CLI_DONE and nothing when it is not. */
int await_say_end(struct desk *d, const struct dossier *r, enum standing s,
    utc_s now);
/* {"id", "role", "state", "have", "need", ...}; NULL without memory. */
json_t *await_json(struct desk *d, const struct dossier *r, utc_s now);

#endif
