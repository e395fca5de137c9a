/*
 * scan - the whole log, read page by page through a session.
 *
 * Each entry's body is checked against its leaf, and all leaves together
 * against the checkpoint: what is told is the log, all of it from the
 * beginning, or an error.
 */
#ifndef JIT_CLI_SCAN_H
#define JIT_CLI_SCAN_H

#include "ca/grant/audit.h"
#include "cli/desk.h"

/* Its error stops the reading and is passed on.  e is for the call. */
typedef enum jit_err (*scan_entry_fn)(void *arg, const struct entry *e);
/*
 * Every entry in order, then the proof that these are the log.  JIT_E_VERIFY
 * and the errors of session_page().
 */
enum jit_err scan_entries(struct desk *d, scan_entry_fn fn, void *arg,
    struct jit_why *why);

/*
 * Every request with all that is about it, in log order, once the log is
 * read; those that were made before since are left out.  A request whose
 * body was erased is left out as well.
 */
typedef enum jit_err (*scan_dossier_fn)(void *arg, const struct dossier *r);
enum jit_err scan_requests(struct desk *d, utc_s since, scan_dossier_fn fn,
    void *arg, struct jit_why *why);
/*
 * The same of those that a server shows one who may not read the log: each is
 * proven, that these are all is not.  JIT_E_UNBUILT: it is no server.
 */
enum jit_err scan_shown(struct desk *d, scan_dossier_fn fn, void *arg,
    struct jit_why *why);

#endif
