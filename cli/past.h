/*
 * past - what somebody had of a role before, and what is new this time.
 *
 * For an approver: a request that is as the last one needs less thought than
 * one that opens a server more.  Told from signed texts, from certificates
 * and from the proven policies of then and now.
 */
#ifndef JIT_CLI_PAST_H
#define JIT_CLI_PAST_H

#include "cli/desk.h"

#define PAST_ENTRIES 4096u	/* of the log that are searched */

/*
 * The newest other request of r's person for r's role that a certificate was
 * issued for: among those that are live, then in the newest PAST_ENTRIES
 * entries of the log, or among what a server finds.  Returns owned in *ret; NULL: there is none, in *whole
 * whether the whole log was searched.  The errors of session_list(),
 * session_page() and session_show().
 */
enum jit_err past_find(struct desk *d, const struct dossier *r,
    struct dossier **ret, bool *whole, struct jit_why *why);

/*
 * "45m, last time 30m (12 Nov); else the same": how r differs from then.
 *
 *	p, was  the policy now, and the one that then's certificate rests on;
 *	        NULL: not known, servers are not compared
 */
void past_put_new(struct wr *w, const struct dossier *r,
    const struct policy *p, const struct dossier *then,
    const struct policy *was, utc_s now);

/*
 * Find it and say the line "new" to an approver of r.  A help for them: what
 * cannot be found is said so; only a lie in it is an error (exit 18).
 */
enum jit_err past_tell_new(struct desk *d, const struct dossier *r,
    utc_s now, struct jit_why *why);

#endif
