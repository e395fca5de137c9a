/*
 * check - what a policy means, in words: for jit-signer check.
 *
 * Pure: a policy goes in, text for a person comes out.  Names are plain by
 * the policy's own rules, so nothing needs escaping.
 */
#ifndef JIT_SIGNER_CHECK_H
#define JIT_SIGNER_CHECK_H

#include "ca/grant/policy.h"

/* How many of each kind there are, and each role on a line. */
void check_put_summary(struct wr *w, const struct policy *p);
/*
 * What that person may ask for, and who could approve it; what they may
 * decide on.  JIT_E_PERSON.
 */
enum jit_err check_put_person(struct wr *w, const struct policy *p,
    struct span name, struct jit_why *why);

#endif
