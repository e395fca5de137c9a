/*
 * watch - inbox --watch: requests that wait for me, told as they come.
 */
#ifndef JIT_CLI_WATCH_H
#define JIT_CLI_WATCH_H

#include "cli/desk.h"

/*
 * Tell each request that waits for d's person once, by tell, until the
 * program is ended; with a bell (terminals only, and no --json) for those
 * that come after the first look.  A program that is restarted is waited
 * for.  Returns the exit status of what cannot be waited for; d is open,
 * and desk_who() has been asked.
 */
int watch_inbox(struct desk *d, void (*tell)(struct desk *d,
    const struct dossier *r, utc_s now));

#endif
