/*
 * db - one SQLite connection, and statements with bound values only.
 *
 * All SQL of jit-certd is constant text in db_prepare() calls; values are
 * bound, never pasted (a test looks for anything else).  The file is ours
 * alone: mode 0600, locking_mode EXCLUSIVE, and a flock on FILE.lock, so that
 * a second process is told instead of corrupting a WAL database.
 *
 * What SQLite says becomes ours: SQLITE_FULL JIT_E_FULL; CORRUPT, NOTADB,
 * and what a schema of another version gives JIT_E_VIEW ("FILE: …; run
 * jit-certd rebuild"); BUSY JIT_E_LOCKED; NOMEM; the rest JIT_E_IO.
 */
#ifndef JIT_API_STORE_DB_H
#define JIT_API_STORE_DB_H

#include "ca/base/bytes.h"
#include "ca/base/utc.h"

struct db;
struct stmt;

enum db_how { DB_USE, DB_MAKE };
/*
 * DB_USE: JIT_E_UNKNOWN when there is none; DB_MAKE: JIT_E_EXISTS.  JIT_E_OWNER, JIT_E_MODE:
 * the file is not ours alone.  cache_kib: memory for pages.
 */
enum jit_err db_open(const char *path, enum db_how how, unsigned cache_kib,
    struct db **ret, struct jit_why *why);
void db_free(struct db *d);
JIT_SCOPED_PTR(struct db, db_free);

/* Constant SQL without values: schema, pragmas, BEGIN, COMMIT. */
enum jit_err db_run(struct db *d, const char *sql, struct jit_why *why);
enum jit_err db_begin(struct db *d, struct jit_why *why);
enum jit_err db_commit(struct db *d, struct jit_why *why);
void db_rollback(struct db *d);		/* fine outside of a transaction */

/* Kept for the life of d; *ret is NULL before, and borrowed. */
enum jit_err db_prepare(struct db *d, const char *sql, struct stmt **ret,
    struct jit_why *why);
/* Bind by place from 1 on; what is bound is copied.  Sticky: see stmt_step. */
void stmt_int(struct stmt *s, int at, int64_t v);
void stmt_text(struct stmt *s, int at, struct span v);
void stmt_blob(struct stmt *s, int at, struct span v);
void stmt_null(struct stmt *s, int at);
/* *row: there is one.  After the last, or an error, s is ready to be bound. */
enum jit_err stmt_step(struct stmt *s, bool *row, struct jit_why *why);
/* For one that gives no row. */
enum jit_err stmt_run(struct stmt *s, struct jit_why *why);
void stmt_reset(struct stmt *s);
int64_t stmt_get_int(struct stmt *s, int col);		/* from 0 on */
struct span stmt_get(struct stmt *s, int col);	/* until the next step */

#endif
