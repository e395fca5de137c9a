/*
 * record - the bodies of the log's entries: length-prefixed fields in fixed
 * order.  "string" is a uint32 length and bytes; "key" is a string holding a
 * public key blob; "list" is a uint32 count and that many items.
 *
 *	genesis   uint8 version 1, string log key (vkey), key user CA,
 *	          uint32 need, list of admins (string name, list of key)
 *	policy    uint8 version 1, digest of the whole (byte[32]),
 *	          list of blocks (uint8 kind, string name, byte[32] digest)
 *	blob      the bytes themselves
 *	request   string text, string requester's SSHSIG, string possession:
 *	          the certified key's SSHSIG, or its PKCS#10 request
 *	decision  string text, string SSHSIG
 *	cancel    string text, string SSHSIG
 *	drop, revoke, lock (unlocks as well)
 *	          string text, string SSHSIG
 *	ended     string request id, uint8 cause (judge.h), uint64 index of
 *	          the lock or policy entry that made it so
 *	keys      keys.h
 *	issued    string request id, string certificate, byte[32] collect
 *	          secret, uint64 index of the request, uint64 of the policy,
 *	          list of uint64 indexes of the approvals counted
 *	recovery  list of (string text, string SSHSIG), string lost note: the
 *	          signed checkpoint whose tail is given up, empty for a clock
 *
 * Strict both ways: nothing behind, sizes bounded.  Pure.
 */
#ifndef JIT_GRANT_RECORD_H
#define JIT_GRANT_RECORD_H

#include "ca/base/digest.h"
#include "ca/grant/judge.h"
#include "ca/tlog/checkpoint.h"
#include "ca/tlog/entry.h"

#define RECORD_APPROVALS_MAX 64
#define RECORD_ADMINS_MAX 64
#define RECORD_KEYS_MAX 16

/* Everything borrows from the body. */
struct rec_signed {	/* request, decision, cancel, drop, revoke, lock */
	struct span text, sig, possess;	/* possess: request only */
};

struct rec_issued {
	struct ulid request;
	struct span cert;
	uint8_t secret[32];
	uint64_t request_index, policy_index;
	uint64_t approvals[RECORD_APPROVALS_MAX];
	size_t n_approvals;
};

struct rec_ended {
	struct ulid request;
	enum ended_cause cause;
	uint64_t by_index;
};

struct rec_admin {
	struct span name;
	size_t n_keys;
	struct span keys[RECORD_KEYS_MAX];	/* blobs */
};

struct rec_genesis {
	struct tlog_vkey log;
	struct span user_ca;			/* key blob */
	unsigned need;			/* of the admins, for recovery */
	size_t n_admins;
	struct rec_admin admins[RECORD_ADMINS_MAX];
};

struct rec_recovery {
	size_t n;
	struct rec_signed by[RECORD_ADMINS_MAX];	/* possess: unused */
	struct span lost;
};

/*
 * What is first in a log.  rec_fill_genesis takes the admins from p (those
 * in a group that its admins block names); it borrows from p and from ca.
 * JIT_E_POLICY: no admins block, or too many admins.
 */
enum jit_err rec_fill_genesis(const struct policy *p,
    const struct tlog_vkey *log, const struct ssh_key *ca,
    struct rec_genesis *ret, struct jit_why *why);
/* The log's key as an SSH key; returns owned.  JIT_E_NOMEM, JIT_E_FORMAT. */
enum jit_err rec_log_key(const struct tlog_vkey *v, struct ssh_key **ret);
void rec_put_genesis(struct wr *w, const struct rec_genesis *g);
enum jit_err rec_get_genesis(struct span body, struct rec_genesis *ret,
    struct jit_why *why);
void rec_put_recovery(struct wr *w, const struct rec_recovery *r);
enum jit_err rec_get_recovery(struct span body, struct rec_recovery *ret,
    struct jit_why *why);

/*
 * Which request is an entry about?  For request, decision, cancel, drop,
 * revoke, ended and issued: true, and *ret is its id.  False for others and for
 * bodies that are not theirs.  Reads no more than it must: for searching a log.
 */
bool rec_about(enum entry_type t, struct span body, struct ulid *ret);

/* JIT_E_FORMAT, or the writer's error. */
void rec_put_signed(struct wr *w, enum entry_type t,
    const struct rec_signed *s);
enum jit_err rec_get_signed(struct span body, enum entry_type t,
    struct rec_signed *ret, struct jit_why *why);
void rec_put_ended(struct wr *w, const struct rec_ended *e);
enum jit_err rec_get_ended(struct span body, struct rec_ended *ret,
    struct jit_why *why);
void rec_put_issued(struct wr *w, const struct rec_issued *i);
enum jit_err rec_get_issued(struct span body, struct rec_issued *ret,
    struct jit_why *why);
/* The list of p's blocks. */
enum jit_err rec_put_policy(struct wr *w, const struct policy *p);
/*
 * Walk the blocks that a policy body lists, in order.  *whole is set first.
 * fn's error stops and is passed on.
 */
typedef enum jit_err (*rec_block_fn)(void *arg, enum block_kind kind,
    struct span name, const struct digest *d);
enum jit_err rec_get_policy(struct span body, struct digest *whole,
    rec_block_fn fn, void *arg, struct jit_why *why);

#endif
