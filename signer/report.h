/*
 * report - what the daemon's log says: one line for each thing that happened.
 *
 *	request, decision, cancel, drop, issued   what was logged for a task
 *	collected                                 a certificate given out again
 *	refused                                   a task that was not granted
 *
 * Never the texts' reasons and comments, never a secret: names, ids, sizes.
 * What is read is not spoken of, unless it is refused.
 */
#ifndef JIT_SIGNER_REPORT_H
#define JIT_SIGNER_REPORT_H

#include <sys/types.h>

#include "signer/store.h"

/*
 * After the turn that answered t, before its answer is taken.
 *
 *	before  the log's size before that turn
 *	uid     of whoever sent it
 */
void report_task(const struct task *t, uint64_t before, uid_t uid);
/* The log is frozen: by what, and what to do. */
void report_frozen(const struct frozen *f, const struct jit_why *why);

#endif
