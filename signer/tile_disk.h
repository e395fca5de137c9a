/*
 * tile_disk - full tiles below <home>/tiles, where C2SP tlog-tiles has them.
 *
 * A struct tile_store for tiles.h.  put() only remembers: the file is written
 * by tile_disk_flush(), when the answers have left.  Tiles are derived, so
 * nothing is lost with them: a file that is short or missing is not there
 * (JIT_E_UNKNOWN), one that says something else is removed when it is read, and
 * whoever opens the log makes all of them again from the journal.
 *
 *	tile/0/000, tile/0/x001/234, tile/1/000 ...	8,192 bytes each
 *
 * Files only below the descriptor that it was given.  One thread.
 */
#ifndef JIT_SIGNER_TILE_DISK_H
#define JIT_SIGNER_TILE_DISK_H

#include "ca/tlog/tiles.h"

/*
 * Tiles that wait to be written; when there are more they are written at
 * once.  A disk that takes none loses the oldest.
 */
#define TILE_PENDING 16

struct tile_disk;

/* dir: the open directory; borrowed.  Returns owned.  JIT_E_NOMEM. */
enum jit_err tile_disk_new(int dir, struct tile_disk **ret);
/* What is pending is dropped. */
void tile_disk_free(struct tile_disk *d);
JIT_SCOPED_PTR(struct tile_disk, tile_disk_free);
/*
 * Make the directories that the next TILE_AHEAD leaves behind size need: the
 * jail makes none.  Whoever logs more in one run loses those tiles until the
 * next start.  JIT_E_FULL, JIT_E_IO.
 */
#define TILE_AHEAD ((uint64_t)1 << 26)
enum jit_err tile_disk_room(struct tile_disk *d, uint64_t size,
    struct jit_why *why);
/* Borrows d. */
struct tile_store tile_disk_store(struct tile_disk *d);
/*
 * Write what is pending; no sync.  JIT_E_FULL, JIT_E_IO: what was not written
 * is still pending and is tried again the next time.
 */
enum jit_err tile_disk_flush(struct tile_disk *d, struct jit_why *why);
/* Flush, and make durable all that was written since the last time. */
enum jit_err tile_disk_sync(struct tile_disk *d, struct jit_why *why);
/*
 * Is every full tile of t there, as a file of its size?  What stands in them
 * is looked at when one is read (tiles.h), and one that is not this log's is
 * removed then.  JIT_E_UNKNOWN: one is missing, why says which; JIT_E_ARG:
 * not all are written; JIT_E_IO.
 */
enum jit_err tile_disk_check(struct tile_disk *d, const struct tiles *t,
    struct jit_why *why);

#endif
