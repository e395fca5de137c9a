/*
 * hop - run ssh to one server of a role, with one certificate and no other
 * trust than the policy's.
 *
 * ssh is run as a child, by an argument vector: only this certificate
 * (IdentitiesOnly), no shared connection that would outlive the window
 * (ControlPath=none), host keys of the policy alone.  What ssh has to say
 * itself goes through a file, so that a refusal can be explained.
 */
#ifndef JIT_CLI_HOP_H
#define JIT_CLI_HOP_H

#include "cli/fetch.h"

struct hop {
	const struct host *host;	/* borrowed from the policy */
	struct span account;		/* borrowed from the role */
	struct span group;		/* of the role, that has the host */
};

/*
 * HOST or ACCOUNT@HOST as it was typed.  The account is the role's only one,
 * else named there or by account (NULL: not given).
 *	JIT_E_ARG   which account, or two that differ
 *	JIT_E_REFUSED  the role opens no such server or account; the policy has
 *	               no host key for it
 */
enum jit_err hop_choose(const struct policy *p, const struct role *role,
    const char *typed, const char *account, struct hop *ret,
    struct jit_why *why);

/*
 * Run it, and explain a refusal of the server's on standard error.
 *
 *	f        the certificate
 *	command  NULL-terminated; empty: a shell
 *	*status  ssh's, or 128 and the signal that ended it
 *
 * JIT_E_UNKNOWN: there is no ssh; JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err hop_run(struct desk *d, const struct hop *h,
    const struct fetched *f, const char *const *command, int *status,
    struct jit_why *why);

/* The arguments that stand for it, for a person to copy; no command. */
void hop_put_line(struct wr *w, const struct hop *h,
    const struct fetched *f);

#endif
