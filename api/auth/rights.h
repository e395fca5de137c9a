/*
 * rights - who may read what.
 *
 * One reads one's own requests, those of roles that one may decide on or
 * that name a group of one's own under "read", and roles that one may ask
 * for.  Admins read all; so does an auditor: whoever is in a "read" group of
 * every role.  So whoever may end a request (its requester, whoever may decide
 * on its role, admins) sees it.  Who is locked out reads nothing.  Nothing
 * here lets anybody act: that is the signer's to judge.  Pure.
 */
#ifndef JIT_API_AUTH_RIGHTS_H
#define JIT_API_AUTH_RIGHTS_H

#include "ca/grant/policy.h"

struct reader {
	const struct policy *policy;	/* borrowed */
	const struct person *person;	/* borrowed from it */
	bool all;			/* admin or auditor */
	bool admin;
};

/*
 * Who is it, under this policy?  JIT_E_LOGIN: nobody of that name is in it
 * any more, they are locked out, or the key (SHA-256 of its blob) that logged
 * in is not theirs.
 */
enum jit_err reader_of(const struct policy *p, struct span person,
    const struct digest *key, struct reader *ret, struct jit_why *why);

/* May they see requests of that role by others? */
bool reader_sees_role(const struct reader *r, const struct role *role);
/* A request of requester for a role of that name (which may be gone). */
bool reader_sees(const struct reader *r, struct span requester,
    struct span role);
/* May they know of the role: ask for it, decide on it, or read it? */
bool reader_knows_role(const struct reader *r, const struct role *role);
/*
 * Names of all roles whose requests they see, borrowed from the policy.
 * Returns owned in *ret (free); NULL when none.
 */
enum jit_err reader_roles(const struct reader *r, struct span **ret,
    size_t *n);

/*
 * Check a log-in: its text names this log, server and TLS key, its times are
 * within LOGIN_LIFE of now, it is signed by a key that is enrolled for its
 * person.  The nonce is the caller's to use up, afterwards.  A signature
 * names its key: it is verified once, under that one, whoever is meant, and
 * then it is asked whose the key is.  So the same work is done for a person
 * that does not exist, and the same said.  No touch is asked for.
 *	JIT_E_LOGIN      not enrolled, or a bad signature: not told apart
 *	JIT_E_LOCKEDOUT  it is theirs, and they are locked out
 *	JIT_E_LOGNAME    another log's, or another server's or TLS key's
 *	JIT_E_CLOCK      its times are over, or not yet
 *	JIT_E_NAMESPACE  signed for another purpose
 *	JIT_E_KEYTYPE    by a certificate, or another key that we do not know
 *	JIT_E_FORMAT JIT_E_SIZE JIT_E_UTF8 JIT_E_CANON
 *	                 not a log-in, or not a signature
 * On success *key is SHA-256 of the key's blob, person borrows from text.
 */
struct login_here {
	struct span log;		/* "origin+hex8" */
	const struct digest *tls;	/* SPKI of our certificate */
	const char *const *names;	/* "host:port" of ours; NULL ends */
};
enum jit_err login_check(const struct policy *p, const struct login_here *h,
    struct span text, struct span sig, utc_s now, struct span *person,
    struct digest *key, struct jit_why *why);

#endif
