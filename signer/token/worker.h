/*
 * worker - the process that has a vendor's module in it, for one token.
 *
 * Begins with CONFIG, opens the token (READY says how that went), then
 * answers one request after the other.  Ends when its socket closes, and by
 * itself when the token is lost.  Before anything is loaded: no new
 * privileges, no core, no ptrace, killed with the keeper, and no program can
 * be started any more (cage.h).
 */
#ifndef JIT_SIGNER_TOKEN_WORKER_H
#define JIT_SIGNER_TOKEN_WORKER_H

#include "ca/base/rand.h"

/* Serve fd (takes it), without the hidden paths (cage.h); the exit status of
 * the process. */
int worker_run(int fd, char *const hidden[], const struct rng *rng);

#endif
