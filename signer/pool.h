/*
 * pool - a few threads that open tasks: reading and verifying signatures,
 * which needs no state.
 *
 * What is submitted is opened by some thread, comes back in the order in
 * which it was done, and pool_fd() becomes readable.  The threads see frames
 * and public keys, nothing that is secret to the signer; they take no signal.
 * To be started inside the jail, which they then share.
 */
#ifndef JIT_SIGNER_POOL_H
#define JIT_SIGNER_POOL_H

#include "signer/turn.h"

#define POOL_MAX 4

struct pool;

/*
 *	n     threads; 0: one a processor, 1 to POOL_MAX
 *	work  task_open(), or a test's
 *
 * Returns owned.  JIT_E_NOMEM; JIT_E_IO: no descriptor, no thread.
 */
enum jit_err pool_new(unsigned n, void (*work)(struct task *t),
    struct pool **ret, struct jit_why *why);
/* Ends the threads, each after its task; frees the tasks not taken back. */
void pool_free(struct pool *p);
JIT_SCOPED_PTR(struct pool, pool_free);
/* Takes t. */
void pool_submit(struct pool *p, struct task *t);
/* To be polled for reading; borrowed. */
int pool_fd(const struct pool *p);
/* All that is done, as a list by ->next, owned; NULL: none. */
struct task *pool_take(struct pool *p);

#endif
