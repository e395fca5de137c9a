/*
 * act - the requester takes something back: cancel before the certificate is
 * collected, drop after it.
 */
#ifndef JIT_CLI_ACT_H
#define JIT_CLI_ACT_H

#include "cli/cli.h"
#include "ca/grant/decision.h"

/*
 * Sign the act on the request that was typed, send it, and forget its key on
 * this machine.  Returns the exit status; what happened is told.
 */
int act_send(struct cli *c, const struct args *a, enum act_kind kind);

#endif
