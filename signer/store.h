/*
 * store - the log and all that is derived from it, opened together.
 *
 *	<home>/journal/   the truth, journal.h
 *	<home>/tiles/     tile_disk.h
 *	<home>/snapshot   snapshot.h
 *	<home>/frozen     there while the signer is frozen:
 *	                  byte[8] "jitfrzn1", uint8 cause (0 rollback, 1 clock),
 *	                  uint64 size of the log then, string note
 *
 * Opening: the snapshot is taken if it is whole, its tiles are there and the
 * journal has been where it says; the entries behind it are folded into it.
 * In any other case the whole journal is folded, and that is logged.  If the
 * journal has never been where a snapshot of this very log says, then it lost
 * a tail that was durable, or is a restored backup: the checkpoint in the
 * snapshot proves that as a client's would, and the store begins frozen.
 *
 * "frozen" is for the time between two runs.  It does not count any more when
 * a recovery entry stands at or behind its size (a crash before the removal).
 *
 * For programs: it logs what it found (log.h).  No clock.
 */
#ifndef JIT_SIGNER_STORE_H
#define JIT_SIGNER_STORE_H

#include "signer/turn.h"

struct store;

struct store_config {
	int home;			/* open directory; borrowed */
	const struct tlog_vkey *vkey;	/* borrowed, as all below */
	struct ca_privs ca;		/* none if readonly */
	const struct ssh_priv *log;	/* NULL if readonly */
	const struct rng *rng;			/* NULL if readonly */
	bool readonly;		/* no lock, nothing written, no turn */
};

/*
 * Make <home>/journal and <home>/tiles and begin the log, without an entry.
 * Returns owned.  JIT_E_EXISTS; the errors of journal_create().
 */
enum jit_err store_create(const struct store_config *c, struct store **ret,
    struct jit_why *why);
/*
 * Open what is there.  Returns owned.
 *	JIT_E_LOCKED   another process has it
 *	JIT_E_UNKNOWN  there is no log here, or one that was not finished
 *	JIT_E_VERIFY   the log is not that of these keys
 *	JIT_E_FORMAT   "frozen" is there and cannot be read
 *	JIT_E_DAMAGE and the other errors of journal_open(); JIT_E_NOMEM
 */
enum jit_err store_open(const struct store_config *c, struct store **ret,
    struct jit_why *why);
/* Writes nothing any more. */
void store_close(struct store *s);
JIT_SCOPED_PTR(struct store, store_close);

struct turn *store_turn(struct store *s);	/* borrowed; not readonly */
const struct ledger *store_ledger(const struct store *s);
struct journal *store_journal(struct store *s);
/* As turn_frozen(); readonly: what a turn would begin with. */
const struct frozen *store_frozen(const struct store *s);

/*
 * Make "frozen" agree with turn_frozen(): after a turn that froze, before
 * anybody is told, and after a recovery.  JIT_E_FULL, JIT_E_IO.
 */
enum jit_err store_keep_frozen(struct store *s, struct jit_why *why);
/* Write new tiles; what failed is tried again.  Off the answers' way. */
enum jit_err store_flush(struct store *s, struct jit_why *why);
/* Tiles, then the snapshot.  JIT_E_FULL, JIT_E_IO, JIT_E_NOMEM. */
enum jit_err store_snapshot(struct store *s, struct jit_why *why);
/* Entries that the newest snapshot does not have. */
uint64_t store_behind(const struct store *s);

#endif
