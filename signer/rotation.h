/*
 * rotation - the three steps by which a CA key is replaced without a gap.
 *
 *	next      a new key is published beside the active one: servers learn
 *	          to trust it before anything is signed by it
 *	activate  it signs from now on; the one before is retiring, and stays
 *	          published while certificates of it live
 *	finish    the retiring one is published no more
 *
 * Each is one keys entry of the log, so that a crash leaves the state before
 * it or the state after it.  Pure.
 */
#ifndef JIT_SIGNER_ROTATION_H
#define JIT_SIGNER_ROTATION_H

#include "ca/grant/ledger.h"

/* The key of that use and state; NULL: there is none. */
const struct ca_key *rotation_find(const struct ca_keys *k, enum ca_use use,
    enum ca_state state);

/*
 * Each makes *ret, owned, from what is published.
 *	JIT_E_EXISTS   there is a next one already; the key is published
 *	JIT_E_UNKNOWN  there is no next one, or none retiring
 *	JIT_E_PENDING  the one before is still retiring: finish first
 *	JIT_E_SIZE, the errors of ca_keys_add()
 */
enum jit_err rotation_next(const struct ca_keys *k, enum ca_use use,
    const struct ssh_key *key, const struct span *chain, size_t n_chain,
    struct ca_keys *ret, struct jit_why *why);
enum jit_err rotation_activate(const struct ca_keys *k, enum ca_use use,
    struct ca_keys *ret, struct jit_why *why);
enum jit_err rotation_finish(const struct ca_keys *k, enum ca_use use,
    struct ca_keys *ret, struct jit_why *why);

/* Certificates of a CA that live at now. */
struct rotation_live {
	size_t n;
	utc_s until;		/* when the last of them ends; 0: none */
};
struct rotation_live rotation_count(const struct ledger *l,
    const struct ssh_key *ca, utc_s now);

/*
 * Append what is published of that use, and what each step would break at
 * now, for a person.
 */
void rotation_plan(struct wr *w, const struct ledger *l, enum ca_use use,
    utc_s now);

#endif
