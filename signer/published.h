/*
 * published - the lists of what was taken back: a KRL for sshd, a CRL for
 * each X.509 CA that is published.
 *
 * A list is made when it is asked for and something was taken back since, or
 * when LISTS_REFRESH has gone by, in which what expired drops out.  So who
 * asks after a revocation was answered never gets a list without it.  Each
 * is read back and compared before anybody sees it; the KRL is signed apart
 * (an SSHSIG of the SSH user CA; sshd reads no signature inside).
 *
 * A list's number is its second and the size of the log in it, so that it
 * grows over restarts as well; it never goes back in one process.
 */
#ifndef JIT_SIGNER_PUBLISHED_H
#define JIT_SIGNER_PUBLISHED_H

#include "ca/grant/ledger.h"

#define LISTS_REFRESH 3600		/* s */
#define LISTS_NEXT (24 * 3600)		/* s from thisUpdate to nextUpdate */

struct turn;

struct list {
	uint64_t number;
	utc_s made, next;
	uint64_t revoked, keys;		/* the ledger's, when it was made */
	struct buf bytes, sig;		/* owned */
};

/* KRL, and a CRL for each place in the keys that are published. */
struct lists {
	uint64_t number;		/* the newest that was given out */
	struct list krl;
	struct list crl[CA_KEYS_MAX];
};

void lists_done(struct lists *l);
/*
 * The newest list of that name (proto.h), made when it has to be.  Borrowed
 * until the next turn.  JIT_E_UNKNOWN: no list of that name, or its CA's key
 * is not here; the errors of krl.h and crl.h.
 */
enum jit_err lists_get(struct lists *l, struct turn *t, struct span name,
    const struct list **ret, struct jit_why *why);

#endif
