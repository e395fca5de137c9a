/*
 * Inside hop: hop.c runs ssh, hop_said.c reads what it said (its -v log).
 */
#ifndef JIT_CLI_HOP_INT_H
#define JIT_CLI_HOP_INT_H

#include "cli/hop.h"

/* Tell what ssh would have said without -v. */
void hop_pass_on(struct cli *c, struct span log);
/* It ended by 255: why, as far as we know better than it. */
void hop_explain(struct desk *d, const struct hop *h,
    const struct fetched *f, struct span log);

#endif
