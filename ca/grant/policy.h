/*
 * policy - who may ask for what, and who decides: in blocks.
 *
 * The policy in force is a set of blocks, canonical texts as lines.h has
 * them.  The YAML file that an administrator writes becomes blocks
 * (policy_yaml.h); the log keeps each block by digest; a client or an
 * evidence bundle has some of them.  Who has a block, reads it here, so that
 * signer, client and auditor have one reader.  The kinds:
 *
 *	jit-cert settings v1        jit-cert person v1
 *	log: jit.example.com        name: alice
 *	rsa-min: 3072               group: sre              0 to 32, sorted
 *	                            key: ssh-ed25519 AAAA…  1 to 16, sorted
 *
 *	jit-cert host v1            jit-cert host-group v1
 *	name: db1                   name: prod-db
 *	address: db1.example.com    host: db1               1 to 1024, sorted
 *	port: 22
 *	key: ssh-ed25519 AAAA…      0 to 16, sorted
 *
 *	jit-cert admins v1          jit-cert role v1
 *	need: 2                     name: prod-db
 *	of: admins   1 to 32        account: dba            1 to 16, sorted
 *	                            host-group: prod-db     1 to 16, sorted
 *	                            option: permit-pty      0 to 16, sorted
 *	                            max: 8h                 longest duration
 *	                            horizon: 1d             latest "closes"
 *	                            skew: 30s               or - for none
 *	                            reason: required        or optional
 *	                            reason-pattern: ^INC-   POSIX ERE, or -
 *	                            request-of: dev         1 to 32, groups
 *	                            request-proof: sshsig   1 to 3
 *	                            need: 2                 1 to 16
 *	                            approve-of: sre         1 to 32, groups
 *	                            approve-proof: sshsig+touch
 *	                            read: audit             0 to 32, groups
 *
 * An x509 role has, in the place of account, host-group and option:
 *
 *	kind: x509
 *	profile: postgresql         ca/x509/profile.def
 *	subject: CN={person}        as in the request (request.h), where
 *	subject: O=app-write        "{person}" stands for who asks
 *	san: email:{person}@x.com   0 to 15, sorted; the request's own is added
 *	crl: -                      noRevAvail, or the CRL's URL
 *
 * A role names groups, never people: adding an engineer voids nothing.
 * A host group's name has no dot: a principal is split at its last one.
 * A key, a person and a principal are each one: a key may be enrolled once.
 * Pure; regular expressions are compiled when they are used.
 */
#ifndef JIT_GRANT_POLICY_H
#define JIT_GRANT_POLICY_H

#include "ca/base/digest.h"
#include "ca/grant/proof.h"
#include "ca/grant/request.h"
#include "ca/ssh/key.h"

#define POLICY_BLOCKS_MAX 16384
#define POLICY_BLOCK_MAX 65536		/* bytes of a block */
#define POLICY_PATTERN_MAX 256

enum block_kind {
	BLOCK_SETTINGS, BLOCK_ADMINS, BLOCK_PERSON, BLOCK_HOST,
	BLOCK_HOST_GROUP, BLOCK_ROLE,
	BLOCK_KINDS
};
const char *block_kind_name(enum block_kind k);		/* "host-group" */

struct names {			/* borrowed from the block, sorted */
	size_t n;
	struct span v[32];
};

struct person {
	struct span name;
	struct names groups;
	size_t n_keys;
	struct ssh_key *keys[16];
};

struct host {
	struct span name, address;
	unsigned port;
	size_t n_keys;
	struct ssh_key *keys[16];
};

struct host_group {
	struct span name;
	size_t n;
	struct span *hosts;	/* n names */
};

struct role {
	struct span name;
	enum request_kind kind;
	struct names accounts, host_groups, options;	/* KIND_SSH_USER */
	/* KIND_X509; subject and sans with "{person}". */
	struct span profile, crl;
	struct names subject, sans;
	dur_s max, horizon, skew;
	bool reason_required;
	struct span reason_pattern;	/* empty: none */
	struct names request_of, approve_of, read;
	unsigned request_proofs, approve_proofs; /* masks, proof.h */
	unsigned need;
};

struct admins {
	unsigned need;
	struct names of;
};

struct settings {
	struct span log;
	unsigned rsa_min;
};

/* A block that was read. */
struct block {
	enum block_kind kind;
	struct span name;	/* empty for settings and admins */
	struct digest digest;	/* of its bytes */
	struct buf bytes;	/* owned; everything below borrows */
	union {
		struct settings settings;
		struct admins admins;
		struct person person;
		struct host host;
		struct host_group host_group;
		struct role role;
	};
};

/*
 * Read one block.  Copies bytes.  JIT_E_FORMAT, JIT_E_SIZE, JIT_E_CANON,
 * JIT_E_KEYTYPE, JIT_E_UNBUILT (a reserved proof), JIT_E_NOMEM.
 */
enum jit_err block_parse(struct span bytes, struct block **ret,
    struct jit_why *why);
void block_free(struct block *b);
JIT_SCOPED_PTR(struct block, block_free);

struct policy;		/* blocks, by kind and name */

enum jit_err policy_new(struct policy **ret);
void policy_free(struct policy *p);
JIT_SCOPED_PTR(struct policy, policy_free);
/* Takes b.  JIT_E_EXISTS: a block of that kind and name is there; NOMEM. */
enum jit_err policy_add(struct policy *p, struct block *b,
    struct jit_why *why);
/*
 * Is it whole?  Settings and admins are there, every name that is named
 * exists (host groups' hosts, roles' host groups), groups that roles and
 * admins name have a member, no key is enrolled twice or for a host as well,
 * keys are strong enough, enough admins.  JIT_E_POLICY, JIT_E_WEAKKEY.
 */
enum jit_err policy_check(const struct policy *p, struct jit_why *why);

size_t policy_count(const struct policy *p);
/* In order of kind, then name, bytewise. */
const struct block *policy_at(const struct policy *p, size_t i);
/* NULL when absent; name is ignored for settings and admins. */
const struct block *policy_get(const struct policy *p, enum block_kind k,
    struct span name);
const struct role *policy_role(const struct policy *p, struct span name);
const struct person *policy_person(const struct policy *p, struct span name);
/* Whose key is it?  NULL: nobody's. */
const struct person *policy_key_person(const struct policy *p,
    const struct ssh_key *k);
/* Is it a host's key? */
bool policy_key_is_host(const struct policy *p, const struct ssh_key *k);
bool person_has_key(const struct person *p, const struct ssh_key *k);
bool person_in(const struct person *p, const struct names *groups);

/*
 * Fill what the role alone decides about a request: role, digest, kind;
 * principals (account x host group) and options, or profile, subject, SANs
 * and CRL, for which r->requester and r->id are set already.  Borrowed from p
 * and from store, which the caller keeps.
 *	JIT_E_ROLE
 *	JIT_E_SIZE    over 64 principals, or more than a request can hold
 *	JIT_E_FORMAT  with that requester it is no certificate of the profile
 */
struct request_store {
	size_t n;
	char text[REQUEST_MAX];
};
enum jit_err policy_fill_request(const struct policy *p, struct span role,
    struct request *r, struct request_store *store, struct jit_why *why);

/* The reason is as the role wants it.  JIT_E_REASON. */
enum jit_err role_check_reason(const struct role *r, struct span reason,
    struct jit_why *why);
/* POSIX ERE, no back-reference, at most POLICY_PATTERN_MAX bytes. JIT_E_FORMAT. */
enum jit_err pattern_check(struct span pattern, struct jit_why *why);
/* May decide on a request of requester: in approve_of, and not requester. */
bool role_may_approve(const struct role *r, const struct person *who,
    struct span requester);
/* People who may decide on it; requester and who is locked left out. */
size_t policy_count_approvers(const struct policy *p, const struct role *r,
    struct span requester);

/*
 * People who are locked out (an overlay that is no block): names are
 * borrowed, and sorted.  judge.h lets them do nothing.
 */
void policy_set_locked(struct policy *p, const struct span *names, size_t n);
bool policy_is_locked(const struct policy *p, struct span name);
/* Is who an admin? */
bool policy_is_admin(const struct policy *p, const struct person *who);

/* The policy as one digest: SHA-256 over its blocks' digests, in order. */
enum jit_err policy_digest(const struct policy *p, struct digest *ret);

#endif
