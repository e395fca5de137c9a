/*
 * snapshot - the state at one place of the journal, so that a start need not
 * read all of it.
 *
 * The file "snapshot" in the home directory, keep.h:
 *
 *	byte[8]  "jitsnap1"
 *	uint64   size of the log, byte[32] each: the peaks of its Merkle edge,
 *	         largest first
 *	byte[32] hash of the last batch
 *	string   the newest signed checkpoint (of that size)
 *	string   tiles_save()
 *	string   ledger_save()
 *	byte[32] SHA-256 of all before it
 *
 * Everything in it is derived, and it is used only if the journal agrees
 * (journal_open()).  The checkpoint is there for when it does not: signed by
 * our own key, it proves that the journal once was longer.
 */
#ifndef JIT_SIGNER_SNAPSHOT_H
#define JIT_SIGNER_SNAPSHOT_H

#include "ca/grant/ledger.h"
#include "ca/tlog/tiles.h"
#include "signer/journal.h"

#define SNAPSHOT_FILE "snapshot"
#define SNAPSHOT_MAX ((uint64_t)1 << 30)	/* bytes */

struct snapshot {
	struct journal_mark mark;
	struct buf note;		/* owned */
	struct tiles *tiles;		/* owned */
	struct ledger *ledger;		/* owned */
};
void snapshot_done(struct snapshot *s);
JIT_SCOPED_OBJ(struct snapshot, snapshot_done);

/* Of a state that is all in the journal; everything is borrowed. */
struct snapshot_of {
	const struct journal_mark *mark;
	struct span note;
	const struct tiles *tiles;
	const struct ledger *ledger;
};
/* JIT_E_FULL, JIT_E_IO, JIT_E_NOMEM, JIT_E_SIZE: the old one is still there. */
enum jit_err snapshot_save(const struct journal_ops *home,
    const struct snapshot_of *s, struct jit_why *why);
/*
 * Read it.  store is for the tiles, and copied.  Nothing of it is believed
 * but what the parts' own readers check, that they are of one size and root,
 * and the note under log.
 *	JIT_E_UNKNOWN  there is none
 *	JIT_E_FORMAT   it is damaged, or not one; keep_get()'s errors
 *	JIT_E_VERIFY   its parts, or its checkpoint, do not belong together
 */
enum jit_err snapshot_load(const struct journal_ops *home,
    const struct tlog_vkey *log, const struct tile_store *store,
    struct snapshot *ret, struct jit_why *why);

#endif
