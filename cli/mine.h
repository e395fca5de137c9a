/*
 * mine - the one request of a role that somebody works with: it is never
 * asked twice.
 */
#ifndef JIT_CLI_MINE_H
#define JIT_CLI_MINE_H

#include "cli/ask.h"

/*
 * A live certificate or an open request of mine for w->role, asked for if
 * there is none, and waited for until there is something to collect.  One
 * whose key is not on this machine is told of and passed over.
 *
 *	ms  how long to wait, as await() has it
 *
 * CLI_DONE: *ret (owned) is approved or active.  Otherwise what happened is
 * told already.
 */
int mine_get(struct desk *d, const struct want *w, int64_t ms,
    struct dossier **ret);
/* A window that opens in a moment is waited for, not told of. */
void mine_wait_a_moment(const struct desk *d, utc_s opens);

#endif
