/*
 * db: what is opened and what is not, statements, no room, and pages that
 * are not what was written.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/store/db.h"
#include "ca/base/sys.h"
#include "tests/lib/jt.h"

#define CACHE 256

static const char *
at(const char *name)
{
	static char path[16][512];
	static unsigned n;
	char *p = path[n++ % 16];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", jt_tmpdir(), name);
	return p;
}

static struct db *
opened(const char *path, enum db_how how)
{
	struct jit_why why = { 0 };
	struct db *d = NULL;

	JT_WHY(db_open(path, how, CACHE, &d, &why), JIT_OK, &why);
	return d;
}

/* A database with rows 1 .. n. */
static struct db *
made(const char *path, int n)
{
	struct db *d = opened(path, DB_MAKE);
	struct stmt *s = NULL;

	JT_OK(db_run(d, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, "
	    "c BLOB)", NULL));
	JT_OK(db_prepare(d, "INSERT INTO t VALUES (?1, ?2, ?3)", &s, NULL));
	JT_OK(db_begin(d, NULL));
	for (int i = 1; i <= n; i++) {
		stmt_int(s, 1, i);
		stmt_text(s, 2, span_str("some words of a row"));
		stmt_blob(s, 3, SPAN("\0\1\2", 3));
		JT_OK(stmt_run(s, NULL));
	}
	JT_OK(db_commit(d, NULL));
	return d;
}

/* -1: an error, in *e. */
static int64_t
count(struct db *d, enum jit_err *e)
{
	struct stmt *s = NULL;
	int64_t n = 0;
	bool row = true;

	*e = db_prepare(d, "SELECT a, b, c FROM t ORDER BY a", &s, NULL);
	while (*e == JIT_OK && row) {
		*e = stmt_step(s, &row, NULL);
		if (*e != JIT_OK || !row)
			break;
		n++;
		assert_int_equal(stmt_get_int(s, 0), n);
		assert_true(span_eq_str(stmt_get(s, 1),
		    "some words of a row"));
		assert_true(span_eq(stmt_get(s, 2), SPAN("\0\1\2", 3)));
	}
	return *e == JIT_OK ? n : -1;
}

static void
refused(const char *path, enum db_how how, enum jit_err want,
    const char *words)
{
	struct jit_why why = { 0 };
	struct db *d = NULL;

	JT_WHY(db_open(path, how, CACHE, &d, &why), want, &why);
	assert_null(d);
	if (strstr(why.msg, words) == NULL)
		fail_msg("\"%s\" has no \"%s\"", why.msg, words);
	assert_null(strchr(why.msg, '\n'));
	if (want == JIT_E_VIEW)
		assert_non_null(strstr(why.msg, "run jit-certd rebuild"));
}

static void
put(const char *path, struct span s)
{
	(void)unlink(path);
	JT_OK(sys_write_file(path, s, 0600, SYS_NEW, NULL));
}

/* ---- opening ---- */

static void
opening(void **state)
{
	const char *p = at("opening");
	struct stat st;
	enum jit_err e;
	struct db *d;

	(void)state;
	refused(p, DB_USE, JIT_E_UNKNOWN, "no such file");
	d = made(p, 3);
	assert_string_equal(db_path(d), p);
	assert_true(stat(p, &st) == 0 && (st.st_mode & 0777) == 0600);
	refused(p, DB_USE, JIT_E_LOCKED, "another process");
	refused(p, DB_MAKE, JIT_E_LOCKED, "another process");
	db_free(d);
	refused(p, DB_MAKE, JIT_E_EXISTS, "exists");
	d = opened(p, DB_USE);
	assert_int_equal(count(d, &e), 3);
	db_free(d);
	assert_int_equal(chmod(p, 0640), 0);
	refused(p, DB_USE, JIT_E_MODE, "0640");
	assert_int_equal(chmod(p, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(p, 1, 1), 0);
		refused(p, DB_USE, JIT_E_OWNER, "user 1");
		assert_int_equal(chown(p, 0, 0), 0);
	}
	assert_int_equal(symlink(p, at("link")), 0);
	refused(at("link"), DB_USE, JIT_E_FORMAT, "symbolic link");
	refused(at("link"), DB_MAKE, JIT_E_EXISTS, "exists");
	assert_int_equal(link(p, at("second")), 0);
	refused(p, DB_USE, JIT_E_FORMAT, "names");
	assert_int_equal(unlink(at("second")), 0);
	assert_int_equal(mkdir(at("folder"), 0700), 0);
	refused(at("folder"), DB_USE, JIT_E_FORMAT, "regular");
	refused(at("none/x"), DB_MAKE, JIT_E_IO, "none/x");
}

/* A header with some bytes changed. */
static void
headers(void **state)
{
	static const struct {
		size_t at;
		uint8_t flip;
		const char *words;
	} rows[] = {
		{ 0, 1, "not a database" },
		{ 16, 1, "pages are not ours" },
		{ 17, 1, "pages are not ours" },
		{ 20, 1, "pages are not ours" },
		{ 60, 1, "another version" },
		{ 63, 3, "another version" },	/* 2 becomes 1 */
		{ 63, 2, "never finished" },	/* 2 becomes 0 */
		{ 68, 1, "another program" },
	};
	const char *p = at("headers");
	struct buf b;

	(void)state;
	db_free(made(p, 3));
	b = jt_file(p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b.p[rows[i].at] ^= rows[i].flip;
		put(p, BUF_SPAN(b));
		refused(p, DB_USE, JIT_E_VIEW, rows[i].words);
		b.p[rows[i].at] ^= rows[i].flip;
	}
	for (size_t n = 0; n < 100; n++) {
		put(p, SPAN(b.p, n));
		refused(p, DB_USE, JIT_E_VIEW, "not a database");
	}
	put(p, span_str("#!/bin/sh\n"));
	refused(p, DB_USE, JIT_E_VIEW, "not a database");
	buf_done(&b);
}

static void
bulk(void **state)
{
	const char *p = at("bulk");
	struct db *d = opened(p, DB_BULK);
	enum jit_err e;

	(void)state;
	JT_OK(db_run(d, "CREATE TABLE t (a INTEGER PRIMARY KEY, b, c)", NULL));
	db_free(d);
	refused(p, DB_USE, JIT_E_VIEW, "never finished");
	assert_int_equal(unlink(p), 0);
	d = opened(p, DB_BULK);
	JT_OK(db_run(d, "CREATE TABLE t (a INTEGER PRIMARY KEY, b, c)", NULL));
	JT_OK(db_settle(d, NULL));
	JT_OK(db_settle(d, NULL));
	refused(p, DB_USE, JIT_E_LOCKED, "another process");
	db_free(d);
	d = opened(p, DB_USE);
	assert_int_equal(count(d, &e), 0);
	db_free(d);
}

static int64_t
pragma(struct db *d, const char *sql)
{
	struct stmt *s = NULL;
	int64_t v = -1;
	bool row;

	JT_OK(db_prepare(d, sql, &s, NULL));
	JT_OK(stmt_step(s, &row, NULL));
	assert_true(row);
	v = stmt_get(s, 0).n > 0 && stmt_get(s, 0).p[0] >= 'a' ?
	    stmt_get(s, 0).p[0] : stmt_get_int(s, 0);
	stmt_reset(s);
	return v;
}

/* Words by their first letter. */
static void
settings(void **state)
{
	static const struct {
		const char *sql;
		int64_t want;
	} rows[] = {
		{ "PRAGMA journal_mode", 'w' },
		{ "PRAGMA locking_mode", 'e' },
		{ "PRAGMA synchronous", 1 },
		{ "PRAGMA temp_store", 2 },
		{ "PRAGMA foreign_keys", 1 },
		{ "PRAGMA trusted_schema", 0 },
		{ "PRAGMA cell_size_check", 1 },
		{ "PRAGMA page_size", 4096 },
		{ "PRAGMA cache_size", -256 },
	};
	const char *p = at("settings");
	struct db *d = made(p, 1);

	(void)state;
	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (pragma(d, rows[i].sql) != rows[i].want)
				fail_msg("%s", rows[i].sql);
		JT_ERR(db_run(d, "ATTACH 'x' AS y", NULL), JIT_E_VIEW);
		JT_ERR(db_run(d, "SELECT load_extension('x')", NULL),
		    JIT_E_VIEW);
		JT_ERR(db_run(d, "PRAGMA writable_schema=ON; UPDATE "
		    "sqlite_schema SET sql = ''", NULL), JIT_E_VIEW);
		db_free(d);
		d = opened(p, DB_USE);
	}
	db_free(d);
}

/* ---- another process ---- */

static void
other_process(void **state)
{
	const char *p = at("other");
	int go[2], done[2];
	char c = 0;
	pid_t pid;

	(void)state;
	db_free(made(p, 3));
	JT_OK(sys_pipe(go, NULL));
	JT_OK(sys_pipe(done, NULL));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct db *d = NULL;
		enum jit_err e = db_open(p, DB_USE, CACHE, &d, NULL);

		c = e == JIT_OK ? 'y' : 'n';
		(void)!write(done[1], &c, 1);
		(void)!read(go[0], &c, 1);
		_exit(0);	/* as a crash: nothing is closed */
	}
	assert_int_equal(read(done[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	refused(p, DB_USE, JIT_E_LOCKED, "another process");
	assert_int_equal(write(go[1], &c, 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	db_free(opened(p, DB_USE));
	for (int i = 0; i < 2; i++) {
		(void)close(go[i]);
		(void)close(done[i]);
	}
}

/* One that does not know of FILE.lock. */
static void
other_program(void **state)
{
	const char *p = at("program");
	sqlite3 *h = NULL;
	enum jit_err e;
	struct db *d;
	int to[2], from[2];
	char c = 0;
	pid_t pid;

	(void)state;
	db_free(made(p, 3));
	JT_OK(sys_pipe(to, NULL));
	JT_OK(sys_pipe(from, NULL));
	if ((pid = fork()) == 0) {
		bool ok = sqlite3_open(p, &h) == SQLITE_OK &&
		    sqlite3_exec(h, "PRAGMA locking_mode=EXCLUSIVE; BEGIN "
		    "IMMEDIATE; UPDATE t SET b = 'x'", NULL, NULL, NULL) ==
		    SQLITE_OK;

		c = ok ? 'y' : 'n';
		(void)!write(from[1], &c, 1);
		(void)!read(to[0], &c, 1);
		_exit(0);
	}
	assert_int_equal(read(from[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	refused(p, DB_USE, JIT_E_LOCKED, "another process");
	assert_int_equal(write(to[1], &c, 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* It never committed. */
	d = opened(p, DB_USE);
	assert_int_equal(count(d, &e), 3);
	db_free(d);
	/* Now it does, into the file. */
	assert_int_equal(sqlite3_open(p, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "UPDATE t SET b = 'edited'", NULL,
	    NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(h), SQLITE_OK);
	d = opened(p, DB_USE);
	assert_int_equal(count(d, &e), -1);
	assert_int_equal(e, JIT_E_VIEW);
	db_free(d);
	for (int i = 0; i < 2; i++) {
		(void)close(to[i]);
		(void)close(from[i]);
	}
}

/* ---- statements ---- */

static void
statements(void **state)
{
	struct db *d = opened(at("statements"), DB_MAKE);
	struct stmt *s = NULL, *q = NULL;
	struct jit_why why = { 0 };
	bool row;

	(void)state;
	JT_OK(db_run(d, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, "
	    "c BLOB, d TEXT)", NULL));
	JT_ERR(db_prepare(d, "SELECT x FROM t", &s, &why), JIT_E_VIEW);
	assert_null(s);
	JT_OK(db_prepare(d, "INSERT INTO t VALUES (?1, ?2, ?3, ?4)", &s,
	    NULL));
	stmt_int(s, 1, INT64_MIN);
	stmt_text(s, 2, span_str("'; DROP TABLE t; --"));
	stmt_blob(s, 3, SPAN_NONE);
	stmt_null(s, 4);
	JT_OK(stmt_run(s, NULL));
	/* Bound by place: what does not exist is told when it runs. */
	stmt_int(s, 1, 1);
	stmt_int(s, 5, 1);
	stmt_int(s, 2, 1);
	assert_true(stmt_run(s, &why) != JIT_OK);
	/* And forgotten then; values too. */
	JT_OK(stmt_run(s, NULL));
	stmt_int(s, 1, INT64_MIN);
	JT_ERR(stmt_run(s, &why), JIT_E_VIEW);
	JT_OK(db_prepare(d, "SELECT a, b, c, d, c IS NULL, b IS NULL FROM t "
	    "ORDER BY a", &q, NULL));
	JT_OK(stmt_step(q, &row, NULL));
	assert_true(row && stmt_get_int(q, 0) == INT64_MIN);
	assert_true(span_eq_str(stmt_get(q, 1), "'; DROP TABLE t; --"));
	assert_int_equal(stmt_get(q, 2).n, 0);
	assert_int_equal(stmt_get(q, 3).n, 0);
	assert_int_equal(stmt_get_int(q, 4), 0);
	/* A rollback while q stands on a row. */
	JT_OK(db_begin(d, NULL));
	assert_true(db_begin(d, NULL) != JIT_OK);
	stmt_int(s, 1, 7);
	JT_OK(stmt_run(s, NULL));
	db_rollback(d);
	db_rollback(d);
	JT_OK(stmt_step(q, &row, NULL));
	assert_true(row && stmt_get_int(q, 0) == INT64_MIN);
	JT_OK(stmt_step(q, &row, NULL));
	assert_true(row && stmt_get_int(q, 5) == 1);
	JT_OK(stmt_step(q, &row, NULL));
	assert_false(row);
	db_free(d);
}

/* ---- no room ---- */

static void
no_room(void **state)
{
	const char *p = at("room");
	struct db *d = made(p, 10);
	struct jit_why why = { 0 };
	enum jit_err e = JIT_OK;
	struct stmt *s = NULL;

	(void)state;
	JT_OK(db_run(d, "PRAGMA max_page_count=8", NULL));
	JT_OK(db_prepare(d, "INSERT INTO t VALUES (?1, ?2, ?3)", &s, NULL));
	JT_OK(db_begin(d, NULL));
	for (int i = 11; e == JIT_OK && i < 10000; i++) {
		stmt_int(s, 1, i);
		stmt_text(s, 2, span_str("some words of a row"));
		stmt_blob(s, 3, SPAN("\0\1\2", 3));
		e = stmt_run(s, &why);
	}
	JT_WHY(e, JIT_E_FULL, &why);
	db_rollback(d);
	assert_int_equal(count(d, &e), 10);
	JT_OK(db_run(d, "PRAGMA max_page_count=1000000", NULL));
	stmt_int(s, 1, 11);
	stmt_text(s, 2, span_str("some words of a row"));
	stmt_blob(s, 3, SPAN("\0\1\2", 3));
	JT_OK(stmt_run(s, NULL));
	assert_int_equal(count(d, &e), 11);
	db_free(d);
}

/* ---- pages ---- */

/* Either all rows as they were, or JIT_E_VIEW. */
static void
damaged(const char *p, struct span s, int n, bool sure)
{
	struct db *d = NULL;
	enum jit_err e;

	put(p, s);
	e = db_open(p, DB_USE, CACHE, &d, NULL);
	if (e == JIT_OK && count(d, &e) >= 0) {
		assert_false(sure);
		assert_int_equal(count(d, &e), n);
	}
	if (e != JIT_OK)
		JT_ERR(e, JIT_E_VIEW);
	db_free(d);
}

static void
pages(void **state)
{
	const char *p = at("pages");
	struct buf b, swap;

	(void)state;
	db_free(made(p, 400));
	b = jt_file(p);
	assert_true(b.n > 5 * 4096 && b.n % 4096 == 0);
	for (size_t i = 0; i < b.n; i += 31) {
		b.p[i] ^= (uint8_t)(1 << i % 8);
		damaged(p, BUF_SPAN(b), 400, true);
		b.p[i] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t n = 100; n < b.n; n += 333)
		damaged(p, SPAN(b.p, n), 400, true);
	/* Two pages change places. */
	JT_OK(buf_copy(&swap, BUF_SPAN(b)));
	memcpy(swap.p + 3 * 4096, b.p + 4 * 4096, 4096);
	memcpy(swap.p + 4 * 4096, b.p + 3 * 4096, 4096);
	damaged(p, BUF_SPAN(swap), 400, true);
	buf_done(&swap);
	damaged(p, BUF_SPAN(b), 400, false);
	buf_done(&b);
}

/* The database that was there before does not come back through its WAL. */
static void
stale_wal(void **state)
{
	const char *p = at("stale");
	char wal[600], journal[600];
	struct buf b, w;
	enum jit_err e;
	struct db *d = made(p, 400);

	(void)state;
	(void)snprintf(wal, sizeof(wal), "%s-wal", p);
	JT_OK(db_run(d, "UPDATE t SET a = a", NULL));
	b = jt_file(p);
	w = jt_file(wal);
	assert_true(w.n > 4096);
	db_free(d);
	/* As a crash left it, there are both. */
	put(p, BUF_SPAN(b));
	put(wal, BUF_SPAN(w));
	d = opened(p, DB_USE);
	assert_int_equal(count(d, &e), 400);
	db_free(d);
	/* One that others can read is not believed. */
	put(wal, BUF_SPAN(w));
	assert_int_equal(chmod(wal, 0644), 0);
	refused(p, DB_USE, JIT_E_MODE, "0644");
	assert_int_equal(unlink(wal), 0);
	(void)snprintf(journal, sizeof(journal), "%s-journal", p);
	put(journal, BUF_SPAN(w));
	refused(p, DB_USE, JIT_E_VIEW, "journal");
	/* Made anew beside both. */
	put(wal, BUF_SPAN(w));
	assert_int_equal(unlink(p), 0);
	d = made(p, 5);
	assert_int_equal(count(d, &e), 5);
	db_free(d);
	d = opened(p, DB_USE);
	assert_int_equal(count(d, &e), 5);
	db_free(d);
	buf_done(&b);
	buf_done(&w);
}

int
main(void)
{
	int failed = 0;

	failed += jt_one("what is opened", opening);
	failed += jt_one("headers of others", headers);
	failed += jt_one("bulk is not accepted before it is settled", bulk);
	failed += jt_one("settings", settings);
	failed += jt_one("locked by another process", other_process);
	failed += jt_one("another program opens and edits", other_program);
	failed += jt_one("statements", statements);
	failed += jt_one("no room, and room again", no_room);
	failed += jt_one("damaged pages are told", pages);
	failed += jt_one("an older WAL", stale_wal);
	return failed;
}
