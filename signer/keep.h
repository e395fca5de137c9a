/*
 * keep - small files of the home directory that are there whole or not at
 * all: the snapshot, and the note that the signer is frozen.
 *
 * Written under another name ("<name>.new"), synced, renamed, the directory
 * synced: after a crash the old one or the new one stands there.  Every
 * effect goes through struct journal_ops, so that tests can fail, tear and
 * lose it; the names are relative to its directory, the home.
 */
#ifndef JIT_SIGNER_KEEP_H
#define JIT_SIGNER_KEEP_H

#include "signer/journal.h"

#define KEEP_NAME 32		/* bytes of a name, at most, NUL counted */

/*
 * Write bytes as name, durably.  JIT_E_ARG: the name is too long; JIT_E_FULL;
 * JIT_E_IO.  Then the old one is still there, unless it was the directory's
 * sync that failed.
 */
enum jit_err keep_put(const struct journal_ops *o, const char *name,
    struct span bytes, struct jit_why *why);
/*
 * Read all of name.  *ret is owned.  JIT_E_UNKNOWN: there is none;
 * JIT_E_SIZE: more than max bytes; JIT_E_OWNER, JIT_E_MODE: it is not a plain
 * file that only its owner can read; JIT_E_NOMEM, JIT_E_IO.
 */
enum jit_err keep_get(const struct journal_ops *o, const char *name,
    uint64_t max, struct buf *ret, struct jit_why *why);
/* Remove it, durably; fine when there is none.  JIT_E_IO. */
enum jit_err keep_remove(const struct journal_ops *o, const char *name,
    struct jit_why *why);

#endif
