/*
 * ended - why an access was over before its time, and what goes on all the
 * same.
 *
 * Who took it back, with which words; or that the signer did it by itself,
 * because its requester was locked out or is enrolled no more.  And, for
 * whoever takes something back: what that does not reach.  Texts alone: no
 * clock, no I/O.
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

/* Is there a list (KRL or CRL) that tells servers of it? */
bool ended_is_listed(const struct request *q);
/*
 * What taking a certificate of q back does not reach, in lines: until when
 * it works where, and that what is open goes on.
 *
 *	until  the certificate's end, after now
 */
void ended_put_left(struct wr *w, const struct request *q, utc_s until,
    utc_s now);

#endif
