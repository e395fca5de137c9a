/*
 * lost - what a lock, or a policy that enrols somebody no more, ended.
 *
 * The signer ends each open request and live certificate of that person by an
 * entry that names the lock's.  Told from those entries alone.  Pure.
 */
#ifndef JIT_CLI_LOST_H
#define JIT_CLI_LOST_H

#include "cli/session.h"
#include "cli/when.h"

struct lost {
	size_t requests;	/* that had no certificate yet */
	size_t ssh, crl, silent; /* certificates: SSH, X.509 with a CRL, and
				   without: nothing tells servers */
	utc_s until;		/* the latest end of a certificate; 0: none */
	utc_s silent_until;	/* of those without a CRL */
};

/* What is in l and was ended because of entry index. */
void lost_count(const struct dossiers *l, uint64_t index, struct lost *ret);
/*
 * What of person's is in l, and would be ended now under p.  now is l's.
 */
void lost_expect(const struct dossiers *l, const struct policy *p,
    struct span person, struct lost *ret);
/* "2 open requests, 1 SSH certificate and 1 X.509 certificate"; "nothing". */
void lost_put(struct wr *w, const struct lost *x);
/* What goes on all the same, in lines; nothing when nothing was issued. */
void lost_put_left(struct wr *w, const struct lost *x, utc_s now);

#endif
