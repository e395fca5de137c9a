/*
 * ask - from "that role, for so long" to a request that stands in the log.
 *
 * The text is rendered here, from the proven block of the role; the key to
 * be certified and the collect secret are new; both are in their locker
 * before anything is sent.  What can be known beforehand (no such role, not
 * allowed, nobody who could approve, a reason that the role does not take)
 * is told before anything is signed.
 */
#ifndef JIT_CLI_ASK_H
#define JIT_CLI_ASK_H

#include "cli/desk.h"

/* What somebody wants; zero and NULL: left to the role. */
struct want {
	const char *role;
	const char *reason;
	dur_s duration;
	utc_s opens, closes;
	const char *key_type;	/* as --key-type has it; x509 only */
};

/*
 * Ask, and say in words what is asked for.  On success *id is in the log.
 * Returns the exit status; what was wrong is told already.
 */
int ask_send(struct desk *d, const struct want *w, struct ulid *id);

/* "9N2B  prod-db: dba on db1, db2 · ..." on standard output. */
void ask_say_request(struct desk *d, const struct request *r, utc_s now);
/* Names of those who may approve r and have not: "carol, dan". */
size_t ask_put_approvers(const struct desk *d, const struct dossier *r,
    struct wr *w);
/* Those whose approvals count: "bob and carol". */
void ask_put_counted(const struct desk *d, const struct dossier *r,
    struct wr *w);
/* The role that was typed; JIT_E_ROLE says which are near. */
enum jit_err ask_find_role(const struct desk *d, const char *name,
    const struct role **ret, struct jit_why *why);

#endif
