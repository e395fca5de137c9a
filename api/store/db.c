#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/store/db_int.h"

/* ---- what SQLite says ---- */

enum jit_err
db_damaged(const struct db *d, struct jit_why *why, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return jit_fail(why, JIT_E_VIEW, "%s: %s; run jit-certd rebuild",
	    d->path, what);
}

enum jit_err
db_error(const struct db *d, int rc, struct jit_why *why)
{
	const char *said = sqlite3_errstr(rc);

	if (rc == SQLITE_IOERR_DATA)
		return db_damaged(d, why, "a page is damaged, or was changed "
		    "by another program");
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return jit_fail(why, JIT_E_FULL, "%s: no room to write",
		    d->path);
	case SQLITE_NOMEM:
		return JIT_E_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return jit_fail(why, JIT_E_LOCKED, "%s: another process has "
		    "it open", d->path);
	case SQLITE_ERROR:
		/* All SQL is ours: what does not fit it is the schema. */
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_FORMAT:
	case SQLITE_TOOBIG:
		return db_damaged(d, why, "%s", said);
	default:
		return jit_fail(why, JIT_E_IO, "%s: %s", d->path, said);
	}
}

const char *
db_path(const struct db *d)
{
	return d->path;
}

/* ---- without values ---- */

enum jit_err
db_run(struct db *d, const char *sql, struct jit_why *why)
{
	int rc = sqlite3_exec(d->h, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? JIT_OK : db_error(d, rc, why);
}

enum jit_err
db_begin(struct db *d, struct jit_why *why)
{
	return db_run(d, "BEGIN IMMEDIATE", why);
}

enum jit_err
db_commit(struct db *d, struct jit_why *why)
{
	enum jit_err e = db_run(d, "COMMIT", why);

	if (e != JIT_OK)
		db_rollback(d);
	return e;
}

void
db_rollback(struct db *d)
{
	/* A statement that still stands on a row would keep it open. */
	for (struct stmt *s = d->stmts; s != NULL; s = s->next)
		stmt_reset(s);
	if (sqlite3_get_autocommit(d->h) == 0)
		(void)db_run(d, "ROLLBACK", NULL);
}

/* ---- statements ---- */

enum jit_err
db_prepare(struct db *d, const char *sql, struct stmt **ret,
    struct jit_why *why)
{
	struct stmt *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return JIT_E_NOMEM;
	rc = sqlite3_prepare_v3(d->h, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &s->s, NULL);
	if (rc != SQLITE_OK) {
		free(s);
		return db_error(d, rc, why);
	}
	s->d = d;
	s->next = d->stmts;
	d->stmts = s;
	*ret = s;
	return JIT_OK;
}

static void
bound(struct stmt *s, int rc)
{
	if (s->rc == SQLITE_OK)
		s->rc = rc;
}

void
stmt_int(struct stmt *s, int at, int64_t v)
{
	bound(s, sqlite3_bind_int64(s->s, at, v));
}

/* An empty span is an empty value, never NULL. */
static const void *
start_of(struct span v)
{
	return v.n > 0 ? (const void *)v.p : "";
}

void
stmt_text(struct stmt *s, int at, struct span v)
{
	bound(s, sqlite3_bind_text64(s->s, at, start_of(v), v.n,
	    SQLITE_TRANSIENT, SQLITE_UTF8));
}

void
stmt_blob(struct stmt *s, int at, struct span v)
{
	bound(s, sqlite3_bind_blob64(s->s, at, start_of(v), v.n,
	    SQLITE_TRANSIENT));
}

void
stmt_null(struct stmt *s, int at)
{
	bound(s, sqlite3_bind_null(s->s, at));
}

void
stmt_reset(struct stmt *s)
{
	(void)sqlite3_reset(s->s);
	(void)sqlite3_clear_bindings(s->s);
	s->rc = SQLITE_OK;
}

enum jit_err
stmt_step(struct stmt *s, bool *row, struct jit_why *why)
{
	int rc = s->rc != SQLITE_OK ? s->rc : sqlite3_step(s->s);

	*row = rc == SQLITE_ROW;
	if (*row)
		return JIT_OK;
	stmt_reset(s);
	return rc == SQLITE_DONE ? JIT_OK : db_error(s->d, rc, why);
}

enum jit_err
stmt_run(struct stmt *s, struct jit_why *why)
{
	bool row;

	JIT_TRY(stmt_step(s, &row, why));
	if (row)
		stmt_reset(s);
	return JIT_OK;
}

int64_t
stmt_get_int(struct stmt *s, int col)
{
	return sqlite3_column_int64(s->s, col);
}

struct span
stmt_get(struct stmt *s, int col)
{
	/* In this order: the first may convert, the second then measures. */
	const void *p = sqlite3_column_blob(s->s, col);
	int n = sqlite3_column_bytes(s->s, col);

	return p == NULL ? SPAN_NONE : SPAN(p, (size_t)n);
}
