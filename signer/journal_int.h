/*
 * journal_int - what the journal's files share.  Inside the journal only.
 */
#ifndef JIT_SIGNER_JOURNAL_INT_H
#define JIT_SIGNER_JOURNAL_INT_H

#include "signer/journal.h"
#include "signer/journal_batch.h"

#define JOURNAL_NAME 24		/* "0123456789abcdef.seg" and NUL */
#define SPARE "spare"
#define SPARE_NEW "spare.new"
#define COPY_NEW "live.new"

struct journal_index;	/* journal_index.h */

struct journal {
	struct journal_ops ops;
	struct tlog_vkey log;
	uint32_t segment;
	bool readonly, spare;
	uint64_t *seg;		/* first index of each segment, ascending */
	size_t n_seg;
	int fd;			/* of the live (last) segment, -1: none */
	uint64_t off;		/* where its next batch goes */
	struct journal_mark mark;
	utc_s time;		/* of the newest entry */
	struct buf note;
	struct wr batch;	/* the batch being written; kept for the next */
	struct journal_index *index;
};

#define JOURNAL_SEGMENT_MIN 4096
/* A journal without segments.  JIT_E_NOMEM; JIT_E_ARG: segments too small. */
enum jit_err journal_new(const struct journal_config *c, struct journal **ret);

void journal_name(uint64_t first, char ret[static JOURNAL_NAME]);
/* Remember a segment.  JIT_E_NOMEM. */
enum jit_err journal_add_segment(struct journal *j, uint64_t first);
/* Make the spare, unless it is there. */
enum jit_err journal_make_spare(struct journal *j);

/* Read from mark to the end; j->off is then where the next batch goes. */
enum jit_err journal_scan(struct journal *j, const struct journal_mark *mark,
    journal_entry_fn fn, void *arg, struct jit_why *why);

/*
 * A file seen through a buffer, so that small reads are few calls.  Each
 * read that follows on takes twice as much as the one before, up to 1 MiB.
 */
struct pane {
	const struct journal_ops *ops;
	int fd;
	size_t ahead;		/* bytes the next read takes; 0: 1 MiB */
	uint64_t size;		/* of the file */
	uint64_t off;		/* of what is in buf */
	struct buf buf;
};
void pane_done(struct pane *p);
JIT_SCOPED_OBJ(struct pane, pane_done);
/* All there is at off, at least need bytes unless the file ends before. */
enum jit_err pane_at(struct pane *p, uint64_t off, size_t need,
    struct span *ret);
/*
 * The batch at off; *b borrows from the pane.  JIT_E_FORMAT when none is
 * there.
 */
enum jit_err pane_batch(struct pane *p, uint64_t off, struct batch *b);
/* Open a segment and read its header; *n is where its batches begin. */
enum jit_err pane_open(struct pane *p, const struct journal *j,
    uint64_t first, struct digest *before, size_t *n, struct jit_why *why);

#endif
