/*
 * db - one SQLite connection, and statements with bound values only.
 *
 * All SQL of jit-certd is constant text in db_run() and db_prepare() calls;
 * values are bound, never pasted (a test looks for anything else).  The file
 * is ours alone: mode 0600, locking_mode EXCLUSIVE, and a flock on FILE.lock,
 * so that a second process is told instead of corrupting a WAL database.
 *
 * Each page of the file ends in a checksum over it and its number, made when
 * it is written and checked when it is read (db_vfs.c): a flipped bit, a page
 * in another's place, or one that another program wrote is told, in an index
 * as in a table.  WAL frames have SQLite's own.
 *
 * What SQLite says becomes ours: SQLITE_FULL JIT_E_FULL; CORRUPT, NOTADB, a
 * bad checksum, and a schema that does not fit JIT_E_VIEW ("FILE: …; run
 * jit-certd rebuild"); BUSY JIT_E_LOCKED; NOMEM; the rest JIT_E_IO.
 *
 * Not for two threads at once.
 */
#ifndef JIT_API_STORE_DB_H
#define JIT_API_STORE_DB_H

#include "ca/base/bytes.h"
#include "ca/base/utc.h"

struct db;
struct stmt;

enum db_how {
	DB_USE,
	DB_MAKE,
	/*
	 * As DB_MAKE, to be filled at once: nothing is synced, and until
	 * db_settle() the file is not accepted by DB_USE.
	 */
	DB_BULK
};
/*
 * DB_USE: JIT_E_UNKNOWN when there is none, JIT_E_VIEW when it is another
 * program's, another version's, damaged, or was not settled.  DB_MAKE,
 * DB_BULK: JIT_E_EXISTS.  JIT_E_OWNER, JIT_E_MODE, JIT_E_FORMAT (a link, a
 * directory): the file is not ours alone.  JIT_E_LOCKED: another process has
 * it.
 *
 *	cache_kib  memory for pages: the largest of 256, 1024, 8192 and 65536
 *	           that is not more
 *
 * An empty FILE.lock stays behind.
 */
enum jit_err db_open(const char *path, enum db_how how, unsigned cache_kib,
    struct db **ret, struct jit_why *why);
void db_free(struct db *d);
JIT_SCOPED_PTR(struct db, db_free);
/* DB_BULK is over: synced, and from here on as DB_USE would have opened it. */
enum jit_err db_settle(struct db *d, struct jit_why *why);
const char *db_path(const struct db *d);
/* "PATH: <fmt>; run jit-certd rebuild"; returns JIT_E_VIEW. */
enum jit_err db_damaged(const struct db *d, struct jit_why *why,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Constant SQL without values: schema, pragmas, BEGIN, COMMIT. */
enum jit_err db_run(struct db *d, const char *sql, struct jit_why *why);
enum jit_err db_begin(struct db *d, struct jit_why *why);
/* On an error all since db_begin() is undone. */
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
