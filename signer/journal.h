/*
 * journal - the truth: the log's entries on disk, appended in batches.
 *
 * A directory of segments, <first index, 16 hex digits>.seg, 16 MiB,
 * preallocated; made under another name, synced, renamed, directory synced;
 * one spare ("spare") is always ready.  A segment begins with a header:
 *
 *	byte[8]  "jitseg1\n"      uint64   first index
 *	byte[32] hash of the batch before (zeros at the very first)
 *	uint32   length of origin, origin          byte[32] SHA-256 of these
 *
 * and goes on with batches, back to back, zeros after the last:
 *
 *	byte[8]  "jitbat1\n"
 *	uint32   length of the whole batch
 *	uint64   first index
 *	uint32   count
 *	leaves   count * 53 bytes
 *	lengths  count * uint32, of the bodies
 *	uint32   length of the checkpoint, the signed checkpoint after it
 *	byte[32] hash of the batch before
 *	byte[32] SHA-256 over all of the above
 *	bodies   count * (uint8 0 present | 1 erased, salt[16], body)
 *
 * The bodies are outside that hash (each is held by its leaf), so that one
 * can be erased: flag 1, then salt and body zero.  The flag is made durable
 * first, and what stands behind it is not read any more.
 *
 * One writer: flock on the directory's "lock".  A batch that does not fit
 * goes to the spare.  Every effect on a disk goes through struct journal_ops,
 * so that tests can fail, tear, reorder and lose it.
 */
#ifndef JIT_SIGNER_JOURNAL_H
#define JIT_SIGNER_JOURNAL_H

#include <sys/types.h>

#include "ca/tlog/checkpoint.h"
#include "ca/tlog/entry.h"
#include "ca/tlog/merkle.h"

#define JOURNAL_SEGMENT (16u * 1024 * 1024)
#define JOURNAL_BATCH_MAX 4096		/* entries */

/*
 * The disk.  Names are relative to the journal's directory.  Each returns
 * JIT_OK, JIT_E_FULL (ENOSPC, EDQUOT), JIT_E_UNKNOWN (ENOENT), JIT_E_LOCKED
 * or JIT_E_IO; opening also JIT_E_OWNER and JIT_E_MODE: not a plain file
 * with one name that only its owner can read.  A short read or write is
 * JIT_E_IO.  Creating replaces a file of that name.
 */
struct journal_ops {
	void *ctx;
	enum jit_err (*open)(void *ctx, const char *name, bool create, int *fd);
	void (*close)(void *ctx, int fd);
	enum jit_err (*size)(void *ctx, int fd, uint64_t *ret);
	enum jit_err (*reserve)(void *ctx, int fd, uint64_t size);
	enum jit_err (*read)(void *ctx, int fd, uint64_t off, void *p, size_t n);
	enum jit_err (*write)(void *ctx, int fd, uint64_t off,
	    const void *p, size_t n);
	enum jit_err (*sync)(void *ctx, int fd);	/* fdatasync */
	enum jit_err (*sync_all)(void *ctx, int fd);	/* fsync, size as well */
	enum jit_err (*sync_dir)(void *ctx);
	enum jit_err (*rename)(void *ctx, const char *from, const char *to);
	enum jit_err (*remove)(void *ctx, const char *name);
	/* Calls fn with each name, in any order. */
	enum jit_err (*list)(void *ctx,
	    enum jit_err (*fn)(void *arg, const char *name), void *arg);
	enum jit_err (*lock)(void *ctx);
};

/*
 * The real disk below an open directory; dirfd is borrowed.  lockfd is the
 * lock's, -1 before; the caller closes it when the journal is closed.
 */
struct journal_disk { int dirfd, lockfd; };
struct journal_ops journal_ops_posix(struct journal_disk *d);

struct journal;

struct journal_config {
	const struct journal_ops *ops;	/* borrowed */
	const struct tlog_vkey *log;	/* whose checkpoints; borrowed */
	uint32_t segment;		/* bytes; 0: JOURNAL_SEGMENT */
	bool readonly;			/* no lock, no spare, nothing written */
};

/* Where a scan begins: what a snapshot says.  All zeros: the beginning. */
struct journal_mark {
	struct merkle_edge edge;	/* of the entries before */
	struct digest batch;		/* hash of the last batch before */
};

/*
 * Called for each entry, in order, as the journal is read; bodies of erased
 * entries are empty.  Its error stops the reading and is passed on.
 */
typedef enum jit_err (*journal_entry_fn)(void *arg, const struct entry *e);

/*
 * Begin a new journal in an empty directory: no entries yet.  JIT_E_EXISTS
 * when there is one.
 */
enum jit_err journal_create(const struct journal_config *c,
    struct journal **ret, struct jit_why *why);

/*
 * Open: lock, copy the live segment up to its last batch to a new file, sync
 * and rename it (after a failed sync the page cache may lie; on a full disk
 * the spare is the new file), make the spare, read from mark to the end,
 * calling fn.  Checked: batch hashes and their
 * chain, indexes and times that never go back, body digests, roots,
 * checkpoint signatures.  A bad record is a torn tail, cut off, only if no
 * valid batch follows it anywhere in the segment and no later segment
 * exists; else JIT_E_DAMAGE, why says where.  A batch whose own hash is right
 * is never a torn one.
 *	JIT_E_LOCKED    another process writes
 *	JIT_E_UNKNOWN   no journal here
 *	JIT_E_ROLLBACK  mark is not a state of this journal: a snapshot that
 *	                is newer than the journal, or of another one
 */
enum jit_err journal_open(const struct journal_config *c,
    const struct journal_mark *mark, journal_entry_fn fn, void *arg,
    struct journal **ret, struct jit_why *why);
/* Does not sync: nothing is pending between calls. */
void journal_close(struct journal *j);
JIT_SCOPED_PTR(struct journal, journal_close);

/* After all that was read or appended. */
const struct journal_mark *journal_mark(const struct journal *j);
/* The newest signed checkpoint, borrowed until the next append; empty at size 0. */
struct span journal_note(const struct journal *j);

/*
 * Append n sealed entries whose indexes follow on, and the signed checkpoint
 * over the tree with them: one write, one fdatasync.  JIT_OK: durable.
 *	JIT_E_ARG   the entries do not follow, or note is not of that tree
 *	JIT_E_SIZE  more than a segment holds
 *	JIT_E_FULL  no spare segment and no room; nothing was written, the
 *	            journal is as before
 *	JIT_E_IO    anything else: the process must end without an answer and
 *	            without another call (a failed sync cannot be retried)
 */
enum jit_err journal_append(struct journal *j, const struct entry *e, size_t n,
    struct span note, struct jit_why *why);
/*
 * Is a spare ready?  With none, only what ends access (deny, cancel) should
 * still be appended.  Tries to make one when there is none.
 */
bool journal_has_spare(struct journal *j);

/*
 * Read back entries first .. first + n - 1, calling fn.  Bodies are checked
 * against their leaves.  Costs a walk of at most 64 KiB to the first entry's
 * batch; of the segment up to there when it is none of the 16 that were read
 * last, whose files stay open.
 * JIT_E_ARG: past the end; JIT_E_DAMAGE.
 */
enum jit_err journal_read(struct journal *j, uint64_t first, uint64_t n,
    journal_entry_fn fn, void *arg, struct jit_why *why);
/* Index of the first entry whose time is >= t; the size when there is none. */
enum jit_err journal_find_time(struct journal *j, utc_s t, uint64_t *ret,
    struct jit_why *why);
/*
 * Erase one body and its salt on disk.  Nothing in the tree changes.  After
 * an error or a crash ask again: it may be marked, with its bytes there.
 */
enum jit_err journal_erase(struct journal *j, uint64_t index,
    struct jit_why *why);
/* Bytes of all segments in use, without the spare. */
uint64_t journal_bytes(const struct journal *j);

#endif
