/*
 * keeper - the token helper's main: it watches the workers.
 *
 * No vendor code is in here.  A worker (worker.h) is started for each token
 * that the keys are on, by the first request, from this same program, anew:
 * it shares no memory with us.  Requests go on to it as they come, answers
 * come back in their order.
 *
 *	no answer in time    the worker is killed; what it had fails
 *	it ends or crashes   what it had fails
 *	its token is lost    it says so and ends; the next request has a new one
 *	it does not start    so do those that follow, for a pause of
 *	                     back-off, then twice, four times ... (at most
 *	                     KEEPER_BACKOFF_MAX); a good answer resets that
 *
 * The PINs are here.  A worker asks before it logs in, names the token, and
 * gets the PIN once: a token (by serial, label, manufacturer, model) that
 * refused it, or whose worker died over it without having taken it before,
 * is never tried again by this process.
 *
 * Ends when jit-signer's end of the socket closes, and at nothing else: a
 * service manager's SIGTERM for all must not take the key away from a signer
 * that finishes its turn.
 */
#ifndef JIT_SIGNER_TOKEN_KEEPER_H
#define JIT_SIGNER_TOKEN_KEEPER_H

#include "ca/base/err.h"

#define KEEPER_QUEUE_MAX 256		/* requests of one worker */
#define KEEPER_BACKOFF_MAX 60000	/* ms */

/*
 * Serve fd (takes it) until it closes.  program: what a worker is started
 * from; hidden: what workers may not see (cage.h); both borrowed.  JIT_OK:
 * the signer has gone; else the signer sent nonsense.
 */
enum jit_err keeper_run(int fd, const char *program, char *const hidden[],
    struct jit_why *why);

#endif
