/*
 * journal_index - where in a segment the batch of an entry is.  Inside the
 * journal only.
 *
 * For the live segment and for those that were read last, in memory: points,
 * each the first index of a batch and its offset, a 512th of a segment apart
 * (32 KiB; less than 64 KiB where points came out of order), and the open
 * file.  They are noted as batches are appended, scanned and read; so the
 * first read of an older segment walks it up to the entry, and later ones go
 * on from the nearest point.  4 KiB a segment, JOURNAL_INDEX_SLOTS of them;
 * the one that was not used for the longest time makes room, never the live
 * one.
 *
 * A point is a hint and no evidence: a batch that is not found from it is
 * looked for from the segment's beginning.
 */
#ifndef JIT_SIGNER_JOURNAL_INDEX_H
#define JIT_SIGNER_JOURNAL_INDEX_H

#include "signer/journal_int.h"

#define JOURNAL_INDEX_SLOTS 16

/* Returns owned, empty.  JIT_E_NOMEM. */
enum jit_err journal_index_new(struct journal_index **ret);
/* Closes the files that are open. */
void journal_index_free(struct journal_index *x, const struct journal_ops *o);

/*
 * A batch of the segment whose first entry is seg begins with entry first,
 * at off.  Without memory nothing is noted.
 */
void journal_index_note(struct journal *j, uint64_t seg, uint64_t first,
    uint64_t off);

/* A place in a segment: a batch that was found there. */
struct reader {
	struct journal *j;	/* borrowed */
	struct pane pane;	/* its file goes back to the index when done */
	uint64_t seg;		/* first index of the segment */
	size_t head;		/* where its batches begin */
	uint64_t off;		/* of the batch */
	uint64_t next;		/* index of the entry after it */
	struct batch batch;	/* borrows from the pane */
};
#define READER_INIT { .pane = { .fd = -1 } }
void reader_done(struct reader *r);
JIT_SCOPED_OBJ(struct reader, reader_done);

/*
 * Find the batch with an entry; seg is the first index of the segment that
 * holds it.  The file's header is checked when it is opened, not while it is
 * kept open; each batch on the way is whole and follows on the one before.
 * r is READER_INIT.  JIT_E_DAMAGE: it is not there, or the segment is not;
 * JIT_E_LOGNAME; JIT_E_NOMEM; JIT_E_IO.
 */
enum jit_err reader_find(struct reader *r, struct journal *j, uint64_t seg,
    uint64_t index, struct jit_why *why);
/* Go on to the batch behind, in the same segment.  Errors as above. */
enum jit_err reader_next(struct reader *r, struct jit_why *why);

#endif
