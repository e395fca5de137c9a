/*
 * type - what the code of this folder must know of each type of key, as one
 * table.  Inside ca/ssh only.
 */
#ifndef JIT_SSH_TYPE_H
#define JIT_SSH_TYPE_H

#include "ca/ssh/key.h"

struct ssh_type_row {
	const char *name;	/* of the key, and of its signatures unless RSA */
	const char *cert;
	const char *curve;	/* SSH's name; NULL unless ECDSA */
	const char *group;	/* OpenSSL's name */
	const char *hash;	/* over what ECDSA signs */
	unsigned bits;		/* 0: depends on the key */
	bool sk;
};
extern const struct ssh_type_row ssh_types[SSH_TYPES];
/* The 32 bytes of an Ed25519 key's point; zeros of others.  Borrowed. */
const uint8_t *ssh_key_point(const struct ssh_key *k);

#endif
