/*
 * audit - the whole log, verified by somebody who trusts its key alone.
 *
 * The caller feeds every entry from genesis on, a page at a time as they
 * come, and then a checkpoint: the entries are that log, all of it, and
 * everything in it was allowed when it was done.  What a bundle cannot show
 * (that nothing was left out) is shown here.  Pure: no I/O, no clock.
 */
#ifndef JIT_GRANT_AUDIT_H
#define JIT_GRANT_AUDIT_H

#include "ca/grant/ledger.h"

struct audit_counts {
	uint64_t entries, requests, approvals, denials, cancelled, issued,
	    dropped, revoked, locks, policies, recoveries;
	uint64_t erased;	/* bodies; of decisions then no verdict */
	uint64_t unjudged;	/* what could not be judged for want of them */
};

struct audit;

/* pin: the log's key, from outside.  Returns owned.  JIT_E_NOMEM. */
enum jit_err audit_new(const struct tlog_vkey *pin, struct audit **ret);
void audit_free(struct audit *a);
JIT_SCOPED_PTR(struct audit, audit_free);

/*
 * The next entry.  Its fields must be its leaf's and its body the one that
 * the leaf holds, or be erased; it must be able to stand there (ledger.h).
 *
 *	mode   LEDGER_JUDGE, or LEDGER_DEEP to verify signatures as well;
 *	       LEDGER_OWN is JIT_E_ARG: that would be no audit
 *
 * JIT_E_LOGNAME: genesis is another log's; JIT_E_VERIFY and the errors of
 * ledger_apply().  After an error the audit has failed: the error comes back
 * for all that follows.
 */
enum jit_err audit_entry(struct audit *a, const struct entry *e,
    enum ledger_mode mode, struct jit_why *why);
/*
 * Is this signed checkpoint exactly what was fed?  Sets *ret (NULL is fine).
 * The errors of checkpoint_open(); JIT_E_VERIFY: another size or root.
 */
enum jit_err audit_checkpoint(struct audit *a, struct span note,
    struct checkpoint *ret, struct jit_why *why);
/* Borrowed. */
const struct audit_counts *audit_counts(const struct audit *a);
const struct ledger *audit_ledger(const struct audit *a);

#endif
