/*
 * tell - a request in words: what it opens, who decided what, where it
 * stands.  For those who decide on it, and for those who read the log.
 *
 * Everything is told from the signed texts and the proven policy, nothing
 * from what a server says of them.
 */
#ifndef JIT_CLI_TELL_H
#define JIT_CLI_TELL_H

#include <jansson.h>

#include "ca/grant/issued.h"
#include "cli/desk.h"

/*
 * The policy that r is told under: the one that its certificate rests on,
 * once there is one; else the one in force.  What was granted is what it was
 * then, whatever became of the role since.  Borrowed from d->s; *index (NULL
 * is fine) is its entry.  The errors of session_policy().
 */
enum jit_err tell_policy(struct desk *d, const struct dossier *r,
    const struct policy **ret, uint64_t *index, struct jit_why *why);

#define TELL_SERVERS 32		/* of a group that are named */
/*
 * "login as dba on db1, db2 (principal dba.prod-db); terminal; ...", or "TLS
 * client for PostgreSQL as CN=alice (...); cannot be revoked, ends by itself".
 */
void tell_put_opens(struct wr *w, const struct policy *p,
    const struct request *q);
/*
 * All servers of the groups that q opens and that have more than above, a
 * line a group: "prod-db: db1, db2".
 */
void tell_put_servers(struct wr *w, const struct policy *p,
    const struct request *q, size_t above);
/* "45m from first use, between now and 06:00 CET (05:00Z)" */
void tell_put_when(struct wr *w, const struct request *q, utc_s now);
/* "2 of sre: bob 22:03"; p as tell_policy() gives it. */
void tell_put_quorum(struct wr *w, const struct policy *p,
    const struct dossier *r, utc_s now);
/* The lines why, opens, when of a request, under p. */
void tell_request(struct desk *d, const struct policy *p,
    const struct dossier *r, utc_s now);
/* A line for each decision, and for how it went on. */
void tell_history(struct desk *d, const struct dossier *r, utc_s now);
/* "pending, 1 of 2", "active until 22:49 CET (21:49Z), serial 7" ... */
void tell_put_standing(struct wr *w, struct desk *d, const struct dossier *r,
    utc_s now);

/* Its certificate's, "4182" or 32 hex digits; "-" when there is none. */
const char *tell_serial(const struct dossier *r,
    char ret[static ISSUED_SERIAL_TEXT]);

/*
 * Is what the requester signed what the proven role opens, by a key of
 * theirs, and could the signer log it when it did?  Judged as the signer must
 * have judged it, at the time of its entry, under p.
 *	JIT_E_PERSON  who asked for it left since
 *	JIT_E_STALE   the role's block is another now
 *	JIT_E_RENDER  why names what differs
 *	JIT_E_KEYUNKNOWN JIT_E_LOGNAME JIT_E_ROLE and the others of
 *	judge_request(), but that too few are left who can approve is none
 */
enum jit_err tell_check(const struct policy *p, const char *log_id,
    const struct own_keys *own, const struct dossier *r,
    struct jit_why *why);

/*
 * One object about a request; NULL without memory.  "kind" is "ssh-user"
 * (with "principals", "options") or "x509" (with "profile", "subject",
 * "sans", "crl"); "serial_text" is text for both.  "approvals" are the
 * people whose approvals count, or counted when it was issued; "need" is
 * there only while it is open.
 */
json_t *tell_json(struct desk *d, const struct dossier *r, utc_s now);

#endif
