/*
 * ended - why an access was over before its time: who took it back, with
 * which words; or that the signer did it by itself, because its requester was
 * locked out or is enrolled no more.  Texts alone: no clock, no I/O.
 */
#ifndef JIT_CLI_ENDED_H
#define JIT_CLI_ENDED_H

#include "ca/grant/dossier.h"
#include "cli/when.h"

/*
 * "revoked by carol 22:05: \"laptop stolen\"", "ended 22:05, as alice was
 * locked out (log #41)"; also for a cancel and a drop.  Nothing when no such
 * entry ended it.
 */
void ended_put(struct wr *w, const struct dossier *r, utc_s now);
/* Did the signer end it by itself?  *ret (NULL is fine) says why. */
bool ended_by_signer(const struct dossier *r, struct rec_ended *ret);

#endif
