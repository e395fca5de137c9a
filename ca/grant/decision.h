/*
 * decision - what people say about a logged request, as signed texts.
 *
 * A decision (at most 8 KiB) holds the whole request text, so that what was
 * decided on is inside what is signed (namespace decision.v1@jit-cert):
 *
 *	jit-cert decision v1
 *	log: jit.example.com+3f1c9a07
 *	verdict: approve                     or deny
 *	approver: bob
 *	decided: 2026-11-23T21:03:00Z
 *	request: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B
 *	comment: -                           0 to 512 bytes of UTF-8
 *
 *	jit-cert request v1
 *	...
 *
 * An act ends something: a cancel (before issue) or a drop (after it) by the
 * requester, a revoke (after it) by the requester, whoever may decide on the
 * role, or an admin; namespaces cancel.v1@jit-cert, drop.v1@jit-cert and
 * revoke.v1@jit-cert; digest is the request text's:
 *
 *	jit-cert cancel v1
 *	log: ...
 *	by: alice
 *	at: 2026-11-23T21:03:00Z
 *	request: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B
 *	digest: sha256:...
 *	comment: -
 *
 * A lock takes all access from a person at once, an unlock (by an admin other
 * than the person) lets them in again; lock.v1@jit-cert, unlock.v1@jit-cert:
 *
 *	jit-cert lock v1                     or unlock
 *	log: ...
 *	by: bob
 *	at: 2026-11-23T21:03:00Z
 *	person: alice
 *	comment: laptop stolen
 *
 * A recovery lets a log go on after a lost tail or a clock that jumped; each
 * admin of the quorum signs one with the same size, root and cause
 * (recovery.v1@jit-cert):
 *
 *	jit-cert recovery v1
 *	log: ...
 *	by: dana
 *	at: ...
 *	size: 18231
 *	root: sha256:...
 *	cause: rollback                      or clock
 *	comment: -
 *
 * Pure.
 */
#ifndef JIT_GRANT_DECISION_H
#define JIT_GRANT_DECISION_H

#include "ca/grant/request.h"

#define DECISION_MAX 8192
#define COMMENT_MAX 512
#define ACT_MAX 2048
#define NS_DECISION "decision.v1@jit-cert"
#define NS_CANCEL "cancel.v1@jit-cert"
#define NS_DROP "drop.v1@jit-cert"
#define NS_REVOKE "revoke.v1@jit-cert"
#define NS_LOCK "lock.v1@jit-cert"
#define NS_UNLOCK "unlock.v1@jit-cert"
#define NS_RECOVERY "recovery.v1@jit-cert"

enum verdict { VERDICT_APPROVE, VERDICT_DENY };

struct decision {
	struct span log;
	enum verdict verdict;
	struct span approver;
	utc_s decided;
	struct ulid request;
	struct span comment;		/* empty: none */
	struct span request_text;	/* parsed, its id is request */
};

enum act_kind { ACT_CANCEL, ACT_DROP, ACT_REVOKE, ACT_KINDS };

struct act {
	enum act_kind kind;
	struct span log, by;
	utc_s at;
	struct ulid request;
	struct digest digest;
	struct span comment;
};

struct lock {
	bool unlock;
	struct span log, by;
	utc_s at;
	struct span person, comment;
};

enum recovery_cause { RECOVERY_ROLLBACK, RECOVERY_CLOCK };

struct recovery {
	struct span log, by;
	utc_s at;
	uint64_t size;
	struct digest root;
	enum recovery_cause cause;
	struct span comment;
};

/*
 * All spans borrow from text.  JIT_E_FORMAT, JIT_E_SIZE, JIT_E_UTF8,
 * JIT_E_CANON; for a decision also the errors of the request inside it, and
 * JIT_E_OTHERTEXT when that has another id or another log.
 */
enum jit_err decision_parse(struct span text, struct decision *ret,
    struct jit_why *why);
void decision_put(struct wr *w, const struct decision *d);
enum jit_err act_parse(struct span text, enum act_kind kind, struct act *ret,
    struct jit_why *why);
void act_put(struct wr *w, const struct act *a);
const char *act_namespace(enum act_kind kind);
/* Either of the two, by its first line. */
enum jit_err lock_parse(struct span text, struct lock *ret,
    struct jit_why *why);
void lock_put(struct wr *w, const struct lock *l);
const char *lock_namespace(bool unlock);
enum jit_err recovery_parse(struct span text, struct recovery *ret,
    struct jit_why *why);
void recovery_put(struct wr *w, const struct recovery *r);

#endif
