/*
 * keys - the CA keys of an installation, as the log publishes them.
 *
 * Genesis names the first SSH user CA; each "keys" entry after it replaces
 * the whole set, so that rotation and an X.509 CA are there for whoever
 * verifies.  Its body (record.h's way of writing):
 *
 *	uint8 version 1, uint64 index of the keys entry before (0: genesis),
 *	list of:
 *	  uint8 use, uint8 state, key public blob,
 *	  list of string: for x509 the CA's certificate and those above it, up
 *	  to the root; for SSH none
 *
 * in order of use, state, then blob.  There is one active SSH user CA, at
 * most one active X.509 CA.  What is active signs; what is next is published
 * so that servers know it before; what is retiring is published for as long
 * as certificates of it live.  Pure.
 */
#ifndef JIT_GRANT_KEYS_H
#define JIT_GRANT_KEYS_H

#include "ca/ssh/key.h"
#include "ca/x509/ca.h"

#define CA_KEYS_MAX 16
#define CA_CHAIN_MAX 4

enum ca_use { CA_SSH_USER = 1, CA_X509 = 2 };
enum ca_state { CA_ACTIVE = 1, CA_NEXT = 2, CA_RETIRING = 3 };
/* "user-ca", "x509-ca"; "active" ...; "unknown" for no value of them. */
const char *ca_use_name(enum ca_use u);
const char *ca_state_name(enum ca_state s);

struct ca_key {
	enum ca_use use;
	enum ca_state state;
	struct ssh_key *key;
	struct x509_ca *ca;		/* CA_X509: of its certificate */
	size_t n_chain;
	struct buf chain[CA_CHAIN_MAX];	/* DER, the CA's own first */
};

struct ca_keys {
	uint64_t before;		/* index of the entry before; 0 */
	size_t n;
	struct ca_key v[CA_KEYS_MAX];	/* all of it owned */
};

void ca_keys_done(struct ca_keys *k);
JIT_SCOPED_OBJ(struct ca_keys, ca_keys_done);
/*
 * Add a copy of a key, and of its chain for CA_X509, in its place.
 *	JIT_E_EXISTS   the key is there already
 *	JIT_E_SIZE     more than CA_KEYS_MAX, a longer chain
 *	JIT_E_FORMAT   a chain for SSH, none for X.509, one that does not hold
 *	               together or whose first is not this key's
 */
enum jit_err ca_keys_add(struct ca_keys *k, enum ca_use use,
    enum ca_state state, const struct ssh_key *key, const struct span *chain,
    size_t n_chain, struct jit_why *why);
/* Exactly one active user CA, at most one active X.509 CA.  JIT_E_FORMAT. */
enum jit_err ca_keys_check(const struct ca_keys *k, struct jit_why *why);
/* The one that signs; NULL: there is none. */
const struct ca_key *ca_keys_active(const struct ca_keys *k, enum ca_use u);
/* By its key; NULL: it is none of these. */
const struct ca_key *ca_keys_find(const struct ca_keys *k,
    const struct ssh_key *key);

void ca_keys_put(struct wr *w, const struct ca_keys *k);
/* Strict; what was read is written as the same bytes.  JIT_E_FORMAT ... */
enum jit_err ca_keys_get(struct span body, struct ca_keys *ret,
    struct jit_why *why);

#endif
