/*
 * turn - one turn of the signer: frames in, entries and answers out.
 *
 * A frame becomes a task.  task_open() does what needs no state (reading,
 * verifying signatures), so that workers can do it.  turn_run() takes all
 * that are open, in the one thread that owns the state: judges each against
 * the ledger plus this batch, builds and verifies certificates, signs the
 * new checkpoint, appends everything by one write and one sync, and only
 * then makes the answers, each a receipt.  No socket, no clock, no thread;
 * files only through the journal and the tile store.
 */
#ifndef JIT_SIGNER_TURN_H
#define JIT_SIGNER_TURN_H

#include "ca/grant/ledger.h"
#include "ca/tlog/tiles.h"
#include "signer/journal.h"
#include "signer/proto.h"

/* A frame on its way through the signer. */
struct task {
	void *owner;			/* the caller's, untouched */
	struct task *next;		/* the caller's list */
	int64_t deadline;		/* the caller's: when a wait ends */
	struct buf frame;		/* owned; behind the length */
	struct ask ask;			/* borrows from frame */
	enum jit_err err;		/* why it is refused, or JIT_OK */
	struct jit_why why;
	/* By task_open, for what is signed. */
	struct open_request *request;
	struct open_decision *decision;
	struct act act;
	struct lock lock;
	struct signer by;
	/* By the turn. */
	uint64_t entry;			/* index that the receipt is about */
	bool logged;			/* entry is set */
	bool parked;			/* a wait with nothing to say yet */
	enum signer_state state;	/* of the signer when it was parked */
	struct wr answer;		/* a whole answer, length and all */
};

/* Takes frame.  Returns owned.  JIT_E_NOMEM: frame stays the caller's. */
enum jit_err task_new(struct buf *frame, struct task **ret);
void task_free(struct task *t);
JIT_SCOPED_PTR(struct task, task_free);
/* Parse and verify; the result is in t->err.  Pure, any thread. */
void task_open(struct task *t);

/* Private keys of CAs that this process holds, in any order; borrowed. */
struct ca_privs {
	size_t n;
	const struct ssh_priv *v[CA_KEYS_MAX];
};
/* The private half of k; NULL: it is not among them. */
const struct ssh_priv *ca_privs_find(const struct ca_privs *p,
    const struct ssh_key *k);

struct turn;

struct turn_config {
	struct journal *journal;	/* borrowed */
	struct tiles *tiles;		/* borrowed; as many leaves as the journal */
	struct ledger *ledger;		/* taken; folded from that journal */
	struct ca_privs ca;		/* the active ones among them */
	const struct ssh_priv *log;	/* borrowed */
	const struct tlog_vkey *vkey;	/* borrowed */
	const struct rng *rng;		/* borrowed */
};

/* JIT_E_VERIFY: journal, tiles, ledger and keys are not of one log. */
enum jit_err turn_new(const struct turn_config *c, struct turn **ret,
    struct jit_why *why);
void turn_free(struct turn *t);
JIT_SCOPED_PTR(struct turn, turn_free);

/*
 * The whole turn over n opened tasks, in order.  Afterwards each has an
 * answer or is parked.  hello comes first: a client that saw more of this
 * log than we have freezes it before anything is written.  Any error is the
 * end: exit without an answer.
 */
enum jit_err turn_run(struct turn *t, struct task *const *task, size_t n,
    utc_s now, struct jit_why *why);
/* What hello says of it; of room, as the newest turn found it. */
enum signer_state turn_state(const struct turn *t);
/*
 * Has a parked wait something to be told now?  True, and it is answered.
 * over: its time is up, so that it is answered as things stand.
 */
bool turn_wake(struct turn *t, struct task *w, bool over, utc_s now);

/* ---- what is not asked over the socket ---- */

/*
 * The first entries of a log: genesis (which names the one active SSH user CA
 * of k), blocks, policy, and k itself if there is more in it.  The ledger is
 * empty.
 */
enum jit_err turn_genesis(struct turn *t, const struct policy *p,
    struct ca_keys *k, utc_s now, struct jit_why *why);
/*
 * Put p in force: its new blocks and its digests are logged.  Nothing
 * happens when it is in force already.  JIT_E_LOGNAME: it is for another
 * log; JIT_E_FULL and JIT_E_FROZEN: the old one stays; others are the end.
 */
enum jit_err turn_policy(struct turn *t, const struct policy *p, utc_s now,
    struct jit_why *why);
/*
 * Publish these CA keys, if they are not just what is published: k->before is
 * filled in.  JIT_E_FULL, JIT_E_FROZEN as turn_policy.
 */
enum jit_err turn_keys(struct turn *t, struct ca_keys *k, utc_s now,
    struct jit_why *why);
/*
 * A recovery, with verified signers, for what it is frozen by; thawed
 * afterwards.  Errors of judge_recovery leave all as it was.
 */
enum jit_err turn_recover(struct turn *t, const struct rec_recovery *rec,
    utc_s now, struct jit_why *why);

/* Why nothing is issued until a recovery.  note: ROLLBACK's, else empty. */
struct frozen {
	bool is;
	enum recovery_cause cause;
	struct buf note;
};
const struct frozen *turn_frozen(const struct turn *t);
/* Copies note.  First cause wins. */
enum jit_err turn_freeze(struct turn *t, enum recovery_cause cause,
    struct span note);
/* Borrowed. */
const struct ledger *turn_ledger(const struct turn *t);

#endif
