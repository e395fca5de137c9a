/*
 * proof - how strong a signature must be, as sets that a role lists.
 *
 * A set is written as in the policy: "sshsig", "sshsig+touch", "sshsig+pin"
 * ("+touch+pin" is "+pin": a PIN is asked for with a touch).  A signature
 * satisfies a role when it satisfies one of its sets.  Other sets that the
 * design reserves (webauthn+uv, session, +otp) are refused as not built.
 * Pure.
 */
#ifndef JIT_GRANT_PROOF_H
#define JIT_GRANT_PROOF_H

#include "ca/ssh/key.h"
#include "ca/ssh/sig.h"

enum proof_set { PROOF_SSHSIG, PROOF_TOUCH, PROOF_PIN, PROOF_SETS };

/* JIT_E_FORMAT: not a set; JIT_E_UNBUILT: reserved. */
enum jit_err proof_parse(struct span s, enum proof_set *ret,
    struct jit_why *why);
const char *proof_name(enum proof_set p);	/* "sshsig+touch" */

/*
 * Does a valid signature by k with these facts satisfy one of the sets in
 * mask (bit 1 << enum proof_set)?  JIT_E_PROOF, why says what it was and
 * what is accepted.
 */
enum jit_err proof_check(unsigned mask, const struct ssh_key *k,
    const struct ssh_sig_facts *facts, struct jit_why *why);
/* "sshsig+touch or sshsig+pin", for messages. */
const char *proof_mask_text(unsigned mask, char ret[static 64]);

#endif
