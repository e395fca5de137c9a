/*
 * A view whose file was lost, replaced, damaged, edited, or that found no
 * room: right data or one line, never something else as if it were right.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "tests/api/view/vt.h"
#include "tests/lib/run.h"

static struct logbook b;
static struct ulid ids[STORY_N];

static void
put(const char *path, struct span s)
{
	char wal[600];

	(void)snprintf(wal, sizeof(wal), "%s-wal", path);
	(void)unlink(wal);
	(void)unlink(path);
	JT_OK(sys_write_file(path, s, 0600, SYS_NEW, NULL));
}

/* A closed view of the first n entries, as bytes. */
static struct buf
bytes_of(const char *name, uint64_t n)
{
	const char *p = vt_path(name);
	struct view *v = vt_open(&b, p, VIEW_MAKE);

	vt_apply(v, &b, 0, n);
	vt_check_note(v, &b);
	view_free(v);
	return jt_file(p);
}

static struct digest
digest_at(const char *name, uint64_t n)
{
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path(name),
	    VIEW_MAKE);

	vt_apply(v, &b, 0, n);
	return vt_digest(v);
}

static enum jit_err
try_open(const char *path, struct view **ret, struct jit_why *why)
{
	enum jit_err e;

	*ret = NULL;
	e = view_open(path, VIEW_USE, &b.w.log, ret, why);
	assert_null(strchr(why->msg, '\n'));
	return e;
}

static void
refused(const char *path, enum jit_err want, const char *words)
{
	struct jit_why why = { 0 };
	struct view *v;

	JT_WHY(try_open(path, &v, &why), want, &why);
	if (strstr(why.msg, words) == NULL)
		fail_msg("\"%s\" has no \"%s\"", why.msg, words);
}

/* ---- the whole file ---- */

static void
files(void **state)
{
	JIT_DONE(buf_done) struct buf s = bytes_of("files", b.n);
	const char *p = vt_path("files");
	struct jit_why why = { 0 };
	struct view *v = NULL;

	(void)state;
	JT_WHY(view_open(p, VIEW_MAKE, &b.w.log, &v, &why), JIT_E_EXISTS,
	    &why);
	assert_int_equal(chmod(p, 0644), 0);
	refused(p, JIT_E_MODE, "0644");
	assert_int_equal(unlink(p), 0);
	refused(p, JIT_E_UNKNOWN, "no such file");
	assert_int_equal(symlink("/dev/null", p), 0);
	refused(p, JIT_E_FORMAT, "symbolic link");
	assert_int_equal(unlink(p), 0);
	assert_int_equal(mkdir(p, 0700), 0);
	refused(p, JIT_E_FORMAT, "regular");
	assert_int_equal(rmdir(p), 0);
	put(p, span_str("not a database, but some words\n"));
	refused(p, JIT_E_VIEW, "not a database; run jit-certd rebuild");
	/* Ours, and yet no view. */
	assert_int_equal(unlink(p), 0);
	struct db *d = NULL;
	JT_OK(db_open(p, DB_MAKE, 256, &d, NULL));
	JT_OK(db_run(d, "CREATE TABLE t (a)", NULL));
	db_free(d);
	refused(p, JIT_E_VIEW, "run jit-certd rebuild");
	put(p, BUF_SPAN(s));
	v = vt_open(&b, p, VIEW_USE);
	vt_same_rows(v, &b);
	refused(p, JIT_E_LOCKED, "another process");
	view_free(v);
}

/* An older copy only has more to catch up with. */
static void
older(void **state)
{
	JIT_DONE(buf_done) struct buf s = bytes_of("older", b.n / 2);
	struct digest want = digest_at("older-want", b.n), d;
	const char *p = vt_path("older-copy");
	struct view *v;

	(void)state;
	put(p, BUF_SPAN(s));
	v = vt_open(&b, p, VIEW_USE);
	assert_int_equal(view_size(v), b.n / 2);
	vt_apply(v, &b, b.n / 2, b.n);
	vt_check_note(v, &b);
	d = vt_digest(v);
	assert_true(digest_eq(&d, &want));
	view_free(v);
}

/* ---- every 97th byte ---- */

#define LISTS 12

static void
question(unsigned i, struct view_query *q)
{
	static const struct span role = SPAN("prod-db", 7);

	*q = (struct view_query){ .now = b.w.now, .max = 256,
	    .newest_first = i % 2 != 0, .sees_all = i % 3 != 0,
	    .state = (enum view_state)(i % 5) };
	if (i % 4 == 1)
		q->requester = span_str("alice");
	if (i % 4 == 2)
		q->role = role;
	if (!q->sees_all) {
		q->person = span_str("alice");
		q->roles = &role;
		q->n_roles = i % 2;
	}
}

/* Lists are those of the dossiers, or an error. */
static enum jit_err
check_lists(struct view *v)
{
	for (unsigned i = 0; i < LISTS; i++) {
		JIT_DONE(view_page_done) struct view_page p = { .n = 0 };
		uint64_t want[LOGBOOK_REQUESTS];
		struct view_query q;
		size_t n;

		question(i, &q);
		JIT_TRY(view_list(v, &q, &p, NULL));
		n = vt_expect(&b, &q, want);
		assert_int_equal(p.n, n);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(p.v[k].index, want[k]);
			vt_same_row(&b, &p.v[k]);
		}
	}
	return JIT_OK;
}

static enum jit_err
check_ids(struct view *v)
{
	for (size_t i = 0; i < b.n_matters; i++) {
		JIT_DONE(view_row_done) struct view_row r = { .n_approved = 0 };
		enum jit_err e = view_get(v, &b.matter[i].id, &r, NULL);

		if (e != JIT_OK)
			return e;
		vt_same_row(&b, &r);
	}
	return JIT_OK;
}

/* Right in everything that can be asked, or the error. */
static enum jit_err
check_all(struct view *v, const struct digest *want, struct jit_why *why)
{
	struct digest d;

	JIT_TRY(check_lists(v));
	JIT_TRY(check_ids(v));
	JIT_TRY(view_digest(v, &d, why));
	assert_true(digest_eq(&d, want));
	return JIT_OK;
}

/* Cut anywhere: at its end there may be free pages, and nothing is lost. */
static void
cut(void **state)
{
	JIT_DONE(buf_done) struct buf s = bytes_of("cut", b.n);
	struct digest want = digest_at("cut-want", b.n);
	const char *p = vt_path("cut-copy");
	size_t told = 0, tried = 0;

	(void)state;
	for (size_t n = 0; n < s.n; n += 1021) {
		struct jit_why why = { 0 };
		struct view *v;
		enum jit_err e;

		put(p, SPAN(s.p, n));
		e = try_open(p, &v, &why);
		if (e == JIT_OK)
			e = check_all(v, &want, &why);
		view_free(v);
		tried++;
		told += e != JIT_OK;
		if (e != JIT_OK)
			JT_WHY(e, JIT_E_VIEW, &why);
	}
	assert_true(told > tried / 2);
}

static void
flips(void **state)
{
	JIT_DONE(buf_done) struct buf s = bytes_of("flips", b.n);
	struct digest want = digest_at("flips-want", b.n);
	const char *p = vt_path("flipped");
	size_t tried = 0, told = 0;

	(void)state;
	for (size_t i = 0; i < s.n; i += 97) {
		struct jit_why why = { 0 };
		struct view *v;
		enum jit_err e;

		s.p[i] ^= (uint8_t)(1u << tried % 8);
		put(p, BUF_SPAN(s));
		s.p[i] ^= (uint8_t)(1u << tried % 8);
		e = try_open(p, &v, &why);
		if (e == JIT_OK)
			e = check_all(v, &want, &why);
		view_free(v);
		if (e != JIT_OK && e != JIT_E_VIEW && e != JIT_E_IO)
			JT_WHY(e, JIT_E_VIEW, &why);
		told += e != JIT_OK;
		tried++;
	}
	(void)printf("%zu flips, %zu told\n", tried, told);
	assert_true(tried > 300 && told > tried / 2);
}

/* The same in a WAL that a crash left behind: some earlier state, or told. */
static void
wal_flips(void **state)
{
	const char *p = vt_path("wal"), *f = vt_path("wal-flipped");
	struct view *v = vt_open(&b, p, VIEW_MAKE);
	struct digest *at = calloc(b.n + 1, sizeof(*at));
	JIT_DONE(buf_done) struct buf s = { NULL, 0 }, w = { NULL, 0 };
	char wal[600], fwal[600];
	size_t tried = 0;

	(void)state;
	assert_non_null(at);
	at[0] = vt_digest(v);
	for (uint64_t i = 0; i < b.n; i++) {
		vt_apply(v, &b, i, i + 1);
		at[i + 1] = vt_digest(v);
	}
	(void)snprintf(wal, sizeof(wal), "%s-wal", p);
	(void)snprintf(fwal, sizeof(fwal), "%s-wal", f);
	s = jt_file(p);
	w = jt_file(wal);
	view_free(v);
	for (size_t i = 0; i < w.n; i += w.n / 300 / 97 * 97 + 97) {
		struct jit_why why = { 0 };
		struct digest d;
		enum jit_err e;

		put(f, BUF_SPAN(s));
		w.p[i] ^= (uint8_t)(1u << tried % 8);
		JT_OK(sys_write_file(fwal, BUF_SPAN(w), 0600, SYS_NEW, NULL));
		w.p[i] ^= (uint8_t)(1u << tried++ % 8);
		e = try_open(f, &v, &why);
		if (e == JIT_OK)
			e = view_digest(v, &d, &why);
		if (e == JIT_OK)
			assert_true(digest_eq(&d, &at[view_size(v)]));
		else if (e != JIT_E_VIEW && e != JIT_E_IO)
			JT_WHY(e, JIT_E_VIEW, &why);
		view_free(v);
	}
	assert_true(tried > 200);
	free(at);
}

/* ---- edits ---- */

/* By a program that knows SQLite, and nothing of our pages. */
static void
edited_by_program(void **state)
{
	static const char edit[] = "import sqlite3, sys\n"
	    "d = sqlite3.connect(sys.argv[1])\n"
	    "n = d.execute('UPDATE request SET ends = 1 WHERE id = ?',\n"
	    "    (sys.argv[2],)).rowcount\n"
	    "d.commit()\n"
	    "sys.exit(n != 1)\n";
	const char *p = vt_path("edited");
	const char *argv[] = { "python3", "-c", edit, p,
		ids[STORY_PENDING].s, NULL };
	struct jit_why why = { 0 };
	struct view_row r = { .n_approved = 0 };
	struct view *v = vt_open(&b, p, VIEW_MAKE);
	enum jit_err e;

	(void)state;
	vt_apply(v, &b, 0, b.n);
	view_free(v);
	assert_int_equal(jt_run(argv, SPAN_NONE, NULL), 0);
	e = try_open(p, &v, &why);
	if (e == JIT_OK)
		e = view_get(v, &ids[STORY_PENDING], &r, &why);
	JT_WHY(e, JIT_E_VIEW, &why);
	assert_non_null(strstr(why.msg, "run jit-certd rebuild"));
	view_free(v);
}

struct edit {
	const char *name, *sql;
	/* Asked afterwards: the request itself, a list, all, or opening. */
	enum { ASK_GET, ASK_LIST, ASK_ABOUT, ASK_ALL, ASK_OPEN } ask;
};

/* By one that knows them: each row still says that it was altered. */
static void
edited(void **state)
{
	const struct edit *t = *state;
	const char *p = vt_path("edited-by-us");
	struct jit_why why = { 0 };
	struct view_row r = { .n_approved = 0 };
	JIT_DONE(view_page_done) struct view_page page = { .n = 0 };
	const struct view_query q = { .now = b.w.now, .sees_all = true,
	    .max = 256 };
	struct ulid id;
	struct digest dg;
	struct view *v = NULL;
	struct db *d = NULL;
	enum jit_err e;

	(void)unlink(p);
	v = vt_open(&b, p, VIEW_MAKE);
	vt_apply(v, &b, 0, b.n);
	vt_check_note(v, &b);
	view_free(v);
	JT_OK(db_open(p, DB_USE, 256, &d, NULL));
	JT_OK(db_run(d, t->sql, NULL));
	db_free(d);
	e = try_open(p, &v, &why);
	if (t->ask != ASK_OPEN)
		JT_WHY(e, JIT_OK, &why);
	if (t->ask == ASK_GET)
		e = view_get(v, &ids[STORY_PENDING], &r, &why);
	if (t->ask == ASK_LIST)
		e = view_list(v, &q, &page, &why);
	if (t->ask == ASK_ABOUT)
		e = view_about(v, b.n - 1, &id, &why);
	if (t->ask == ASK_ALL)
		e = view_digest(v, &dg, &why);
	JT_WHY(e, JIT_E_VIEW, &why);
	assert_non_null(strstr(why.msg, "run jit-certd rebuild"));
	view_free(v);
}

static const struct edit edits[] = {
	{ "issued, by its column", "UPDATE request SET ends = 1", ASK_GET },
	{ "the same, in a list", "UPDATE request SET ends = 1", ASK_LIST },
	{ "another requester", "UPDATE request SET requester = 'eve'",
	    ASK_GET },
	{ "another role", "UPDATE request SET role = 'x'", ASK_LIST },
	{ "it closes later", "UPDATE request SET closes = closes + 9, "
	    "over_at = over_at + 9", ASK_GET },
	{ "a byte of its record", "UPDATE request SET body = "
	    "cast(replace(hex(body), '00', '01') AS BLOB)", ASK_GET },
	{ "an empty record", "UPDATE request SET body = x''", ASK_LIST },
	{ "its sum", "UPDATE request SET sum = sum + 1", ASK_GET },
	{ "records change places", "UPDATE request SET body = (SELECT body "
	    "FROM request ORDER BY idx LIMIT 1), sum = (SELECT sum FROM "
	    "request ORDER BY idx LIMIT 1)", ASK_LIST },
	{ "an id", "UPDATE request SET id = '01JDE0V5Y8M3T1K3ZJ6X4N9Q2B'",
	    ASK_LIST },
	{ "what an entry is about", "UPDATE about SET request = 1",
	    ASK_ABOUT },
	{ "a whole request is gone", "DELETE FROM request", ASK_ABOUT },
	{ "a block of the policy", "UPDATE block SET body = "
	    "(SELECT body FROM block LIMIT 1)", ASK_OPEN },
	{ "a block is gone", "DELETE FROM block WHERE place = 1", ASK_OPEN },
	{ "the last block is gone", "DELETE FROM block WHERE place = "
	    "(SELECT max(place) FROM block)", ASK_OPEN },
	{ "the place in the log", "UPDATE meta SET body = x'00'", ASK_OPEN },
	{ "no place in the log", "DELETE FROM meta", ASK_OPEN },
	{ "the note", "UPDATE note SET body = x'00'", ASK_OPEN },
	{ "a table is gone", "DROP TABLE about", ASK_ABOUT },
	{ "an index is gone", "DROP INDEX request_id", ASK_GET },
	{ "a row added to what waits", "INSERT INTO pending VALUES "
	    "(1, x'00', x'00', 1)", ASK_ALL },
};

/* ---- no room ---- */

/* Fills up by pages, then has room again; every time all or nothing. */
static void
full(struct view *v, const char *less, const char *more)
{
	uint64_t at = 3;
	unsigned told = 0;

	vt_apply(v, &b, 0, at);
	while (at < b.n) {
		uint64_t to = at + 10 < b.n ? at + 10 : b.n;
		struct jit_why why = { 0 };
		enum jit_err e = JIT_OK;
		struct digest before = vt_digest(v), after;

		JT_OK(db_run(view_db(v), less, NULL));
		JT_OK(view_begin(v, NULL));
		for (uint64_t i = at; e == JIT_OK && i < to; i++)
			e = view_apply(v, &b.entry[i].e, &why);
		if (e == JIT_OK)
			e = view_commit(v, &why);
		view_rollback(v);
		if (e == JIT_OK) {
			at = to;
			continue;
		}
		told++;
		JT_WHY(e, JIT_E_FULL, &why);
		assert_non_null(strstr(why.msg, "no room"));
		assert_int_equal(view_size(v), at);
		after = vt_digest(v);
		assert_true(digest_eq(&before, &after));
		JT_OK(db_run(view_db(v), more, NULL));
		vt_apply(v, &b, at, to);
		at = to;
	}
	assert_true(told > 0);
	vt_check_note(v, &b);
	vt_same_rows(v, &b);
}

static void
no_room(void **state)
{
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("full"),
	    VIEW_MAKE);

	(void)state;
	full(v, "PRAGMA max_page_count=1", "PRAGMA max_page_count=1000000");
}

static void
fill_disk(const char *dir, bool on)
{
	char path[600];
	static char block[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/ballast", dir);
	if (!on) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	f = fopen(path, "w");
	assert_non_null(f);
	setbuf(f, NULL);
	while (fwrite(block, 1, sizeof(block), f) == sizeof(block))
		;
	(void)fclose(f);
}

/* A real disk that is full: a small tmpfs, for root alone. */
static void
full_disk(void **state)
{
	const char *dir = vt_path("disk");
	struct jit_why why = { 0 };
	struct view *v = NULL;
	struct digest before, after;
	enum jit_err e = JIT_OK;
	char path[600];

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	if (mount("none", dir, "tmpfs", 0, "size=2m") != 0) {
		(void)printf("no tmpfs here: %s\n", strerror(errno));
		skip();
	}
	(void)snprintf(path, sizeof(path), "%s/view", dir);
	fill_disk(dir, true);
	JT_WHY(view_open(path, VIEW_MAKE, &b.w.log, &v, &why), JIT_E_FULL,
	    &why);
	fill_disk(dir, false);
	(void)unlink(path);
	v = vt_open(&b, path, VIEW_MAKE);
	vt_apply(v, &b, 0, b.n / 2);
	before = vt_digest(v);
	fill_disk(dir, true);
	for (unsigned i = 0; e == JIT_OK && i < 200; i++) {
		/* The WAL has some room in its last block. */
		JT_OK(view_begin(v, NULL));
		for (uint64_t k = b.n / 2; e == JIT_OK && k < b.n; k++)
			e = view_apply(v, &b.entry[k].e, &why);
		if (e == JIT_OK)
			e = view_commit(v, &why);
		view_rollback(v);
		if (e == JIT_OK)
			break;
	}
	JT_WHY(e, JIT_E_FULL, &why);
	after = vt_digest(v);
	assert_true(digest_eq(&before, &after));
	fill_disk(dir, false);
	vt_apply(v, &b, b.n / 2, b.n);
	vt_check_note(v, &b);
	vt_same_rows(v, &b);
	view_free(v);
	v = vt_open(&b, path, VIEW_USE);
	vt_same_rows(v, &b);
	view_free(v);
	assert_int_equal(umount(dir), 0);
}

int
main(void)
{
	int failed = 0;

	logbook_init(&b);
	logbook_story(&b, ids);
	failed += jt_one("lost, replaced, locked", files);
	failed += jt_one("cut anywhere", cut);
	failed += jt_one("an older copy catches up", older);
	failed += jt_one("every 97th byte flipped", flips);
	failed += jt_one("flips in a WAL", wal_flips);
	failed += jt_one("edited by another program", edited_by_program);
	failed += JT_ROWS("edits", edited, edits);
	vt_live(&b, 200);
	failed += jt_one("no room, and room again", no_room);
	failed += jt_one("a disk that is full", full_disk);
	logbook_done(&b);
	return failed;
}
