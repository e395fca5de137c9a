/*
 * principals - what a server's principals files hold under a policy.
 *
 * A certificate carries principals "<account>.<host group>"; sshd lets it
 * into an account when AuthorizedPrincipalsFile of that account lists one of
 * them.  For a server that is every group that it is in and that a role
 * opens with that account.  Pure.
 */
#ifndef JIT_GRANT_PRINCIPALS_H
#define JIT_GRANT_PRINCIPALS_H

#include "ca/grant/policy.h"

/*
 * Append, for each account of a role that reaches the host,
 * "principals/<account>:" and the lines of that file.  JIT_E_UNKNOWN: the
 * policy has no such host.
 */
enum jit_err principals_put(struct wr *w, const struct policy *p,
    struct span host, struct jit_why *why);

#endif
