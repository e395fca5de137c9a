/*
 * ledger - the state of an installation, as a fold over its log.
 *
 * ledger_apply() takes the log's entries one by one, from genesis on; what
 * it knows afterwards is all that judging needs: the keys, the policy in
 * force, what is open, the next serial.  The signer folds its own journal at
 * start, and each batch before it is written; an auditor folds the whole
 * log with every act judged again.  The same entries give the same ledger.
 *
 * Kept whole are the dossiers of what is open.  Of what is over only the
 * indexes of its entries, until its window closes.  Pure.
 */
#ifndef JIT_GRANT_LEDGER_H
#define JIT_GRANT_LEDGER_H

#include "ca/grant/dossier.h"
#include "ca/grant/issued.h"
#include "ca/tlog/merkle.h"

#define LEDGER_GRACE 600	/* s after "closes" that it stays known */

enum ledger_mode {
	LEDGER_OWN,		/* our own journal: shape and order only */
	LEDGER_JUDGE,		/* every act is judged again, at its time */
	LEDGER_DEEP		/* and its signatures are verified */
};

struct ledger;

enum jit_err ledger_new(struct ledger **ret);
void ledger_free(struct ledger *l);
JIT_SCOPED_PTR(struct ledger, ledger_free);

/*
 * Take the next entry; copies what it keeps.  That e's fields are its leaf's
 * and its body the one that the leaf holds is for whoever folds to check
 * first: entry_parse_leaf(), entry_check_body().  JIT_E_VERIFY: it cannot stand
 * there (a first entry that is no genesis, an index that does not follow, a
 * time that goes back, a serial that is not the next, a certificate that is
 * not the one approved, a policy whose blocks are not all there ...); with
 * LEDGER_JUDGE the errors of judge.h, with LEDGER_DEEP those of signatures.
 * An error leaves requests and policy as they were; what was applied since
 * the last commit can still be taken back.  Success commits.
 *
 * Erased bodies (of anything but genesis and policies) are counted.  What
 * cannot be known any more without them is not judged, and counted as well:
 * acts on a request that was erased; an issue whose approvals, or a drop
 * whose issue, may be among what was erased.  Of a certificate the serial,
 * the CA and (DEEP) its signature are checked all the same.
 */
enum jit_err ledger_apply(struct ledger *l, const struct entry *e,
    enum ledger_mode mode, struct jit_why *why);
/*
 * The same for an entry that was just made and judged, of which the parts
 * are open already: r for a request, d for a decision, else NULL.  Both are
 * taken, also on an error.  JIT_E_ARG: they are not this entry's parts, or
 * its body is erased.
 */
enum jit_err ledger_apply_open(struct ledger *l, const struct entry *e,
    struct open_request *r, struct open_decision *d, struct jit_why *why);

/*
 * What was applied since the last ledger_commit() can be taken back as long
 * as it is about requests, or a lock (a batch that found no room on the
 * disk).
 */
void ledger_commit(struct ledger *l);
void ledger_rollback(struct ledger *l);

/* ---- what it knows; all borrowed until the next change ---- */

uint64_t ledger_size(const struct ledger *l);	/* entries applied */
/* Of the Merkle tree of the entries applied. */
const struct merkle_edge *ledger_edge(const struct ledger *l);
utc_s ledger_time(const struct ledger *l);	/* of the newest, 0: none */
uint64_t ledger_erased(const struct ledger *l);	/* bodies that were missing */
/* Entries that could not be judged for want of those. */
uint64_t ledger_unjudged(const struct ledger *l);
const struct rec_genesis *ledger_genesis(const struct ledger *l);
const struct own_keys *ledger_own(const struct ledger *l);
const char *ledger_log_id(const struct ledger *l);
/* In force; NULL before the first policy entry. */
const struct policy *ledger_policy(const struct ledger *l);
uint64_t ledger_policy_index(const struct ledger *l);
/* Index of the blob of a block that was ever in a policy.  JIT_E_UNKNOWN. */
enum jit_err ledger_blob(const struct ledger *l, const struct digest *d,
    uint64_t *index);
/* Index of the newest keys entry, 0: none, genesis is all there is. */
uint64_t ledger_keys_index(const struct ledger *l);
/* Is that person locked out?  *index (NULL is fine): of the lock's entry. */
bool ledger_locked(const struct ledger *l, struct span person,
    uint64_t *index);
/*
 * The next request, from *at on (begin with 0), that must be ended under the
 * policy and locks in force (judge_is_lost), with the entry that says so.
 * False: there is none.
 */
bool ledger_next_lost(const struct ledger *l, utc_s now, size_t *at,
    struct rec_ended *ret);
/*
 * Certificates that were taken back and may still be believed somewhere: live
 * at now, or ended less than LEDGER_REVOKED_GRACE before.  fn's error stops.
 */
#define LEDGER_REVOKED_GRACE 300	/* s, for hosts whose clock runs slow */
struct settled;
typedef enum jit_err (*ledger_revoked_fn)(void *arg, const struct settled *s);
enum jit_err ledger_revoked(const struct ledger *l, utc_s now,
    ledger_revoked_fn fn, void *arg);
/* Index of the newest entry that took something back; 0: none. */
uint64_t ledger_revoked_index(const struct ledger *l);
uint64_t ledger_next_serial(const struct ledger *l);
/* Newest recovery entry; 0: none (index 0 is genesis). */
uint64_t ledger_recovery(const struct ledger *l);
/* Size of the largest checkpoint that a recovery gave up; 0: none. */
uint64_t ledger_given_up(const struct ledger *l);

/* Requests of a person that count towards JUDGE_OPEN_MAX at now. */
size_t ledger_open(const struct ledger *l, struct span person, utc_s now);

/* What is known about a request. */
enum ledger_has { LEDGER_NONE, LEDGER_WHOLE, LEDGER_SETTLED };
struct settled {		/* issued, denied, cancelled, dropped, revoked */
	struct ulid id;
	struct digest digest;	/* of the request's text */
	struct digest key;	/* that signed it; judge_key_digest() */
	const char *requester, *role;
	utc_s closes;
	enum request_end end;
	bool issued;
	/* If issued: */
	utc_s until;		/* the certificate's end */
	enum request_kind kind;
	uint8_t serial[ISSUED_SERIAL];
	const struct ssh_key *ca;	/* that signed it; borrowed */
	utc_s ended;		/* when it was dropped or revoked */
	size_t n;
	uint64_t *index;	/* of its entries, in log order */
};
/*
 * WHOLE: *d is its dossier (not issued, not ended).  SETTLED: *s says which
 * entries make its dossier.  d and s may be NULL.
 */
enum ledger_has ledger_get(const struct ledger *l, const struct ulid *id,
    const struct dossier **d, const struct settled **s);
/* Dossiers and settled ones, by index of the request; i < ledger_count(). */
size_t ledger_count(const struct ledger *l);
enum ledger_has ledger_at(const struct ledger *l, size_t i,
    const struct dossier **d, const struct settled **s);
/* May it be dropped or revoked?  As judge_act(), without its dossier. */
enum jit_err ledger_judge_act(const struct ledger *l,
    const struct settled *s, const struct act *a, const struct signer *by,
    utc_s now, struct jit_why *why);
/* Index of the newest entry about it. */
uint64_t ledger_last(const struct dossier *d, const struct settled *s);
/*
 * Forget what closed LEDGER_GRACE before now, or earlier; its id may be used
 * again.  Does nothing while something is uncommitted.
 */
void ledger_expire(struct ledger *l, utc_s now);

/* ---- a snapshot ---- */

/* Everything above as bytes; nothing may be uncommitted. */
enum jit_err ledger_save(const struct ledger *l, struct wr *w);
/*
 * Back; our own bytes, but checked in every length and order: what is taken
 * saves as the same bytes.  What is behind it in r is the caller's.
 * JIT_E_FORMAT.
 */
enum jit_err ledger_load(struct rd *r, struct ledger **ret,
    struct jit_why *why);

#endif
