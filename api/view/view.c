#include <stdlib.h>
#include <string.h>

#include "api/view/view_int.h"

#define CACHE_KIB 1024
#define BULK_CACHE_KIB 65536
#define META_MAX 8192

/* By one's index is one's place in the log. */
static const char tables[] =
    "CREATE TABLE meta (one INTEGER PRIMARY KEY, body BLOB NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE note (one INTEGER PRIMARY KEY, body BLOB NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE held_keys (one INTEGER PRIMARY KEY, body BLOB NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE locks (one INTEGER PRIMARY KEY, body BLOB NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE block (place INTEGER PRIMARY KEY, body BLOB NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE pending (idx INTEGER PRIMARY KEY, digest BLOB NOT NULL,"
    " body BLOB NOT NULL, sum INTEGER NOT NULL) STRICT;"
    "CREATE INDEX pending_digest ON pending (digest);"
    "CREATE TABLE about (idx INTEGER PRIMARY KEY, request INTEGER NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE request (idx INTEGER PRIMARY KEY, id TEXT NOT NULL,"
    " requester TEXT NOT NULL, role TEXT NOT NULL, closes INTEGER NOT NULL,"
    " ends INTEGER NOT NULL, over_at INTEGER NOT NULL, body BLOB NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE INDEX request_id ON request (id);";
/* For lists: made at the end when all is made anew. */
static const char indexes[] =
    "CREATE INDEX request_requester ON request (requester);"
    "CREATE INDEX request_role ON request (role);"
    "CREATE INDEX request_both ON request (requester, role);"
    "CREATE INDEX request_over ON request (over_at, ends, role, requester);"
    "CREATE INDEX request_closes ON request (closes, role, requester);";

enum jit_err
view_stmt(struct view *v, enum view_sql q, struct stmt **ret,
    struct jit_why *why)
{
	static const char *const sql[] = {
#define X(NAME, text) text,
#include "api/view/view_sql.def"
#undef X
	};

	if (v->stmt[q] == NULL)
		JIT_TRY(db_prepare(v->db, sql[q], &v->stmt[q], why));
	stmt_reset(v->stmt[q]);
	*ret = v->stmt[q];
	return JIT_OK;
}

enum jit_err
view_sum(char table, struct span body, int64_t *ret)
{
	const struct span s[] = { SPAN(&table, 1), body };
	struct digest d;

	JIT_TRY(digest_sha256v(s, 2, &d));
	memcpy(ret, d.b, sizeof(*ret));
	return JIT_OK;
}

enum jit_err
view_altered(const struct view *v, const char *table, uint64_t at,
    struct jit_why *why)
{
	return db_damaged(v->db, why, "row %llu of %s was altered",
	    (unsigned long long)at, table);
}

/* ---- the meta row ---- */

static void
put_meta(struct wr *w, const struct view *v)
{
	const struct place *p = &v->at;
	size_t mark = wr_string_begin(w);

	tlog_vkey_put(w, &v->log);
	wr_string_end(w, mark);
	wr_u64(w, p->edge.size);
	for (unsigned l = 0; l < 64; l++)
		if ((p->edge.size >> l & 1) != 0)
			wr_span(w, DIGEST_SPAN(p->edge.peak[l]));
	wr_u64(w, (uint64_t)p->time);
	wr_u64(w, p->policy_index);
	wr_span(w, DIGEST_SPAN(p->policy));
	wr_u64(w, p->lost);
	wr_u64(w, (uint64_t)p->skew);
}

static enum jit_err
save_meta(struct view *v, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(META_MAX);

	put_meta(&w, v);
	JIT_TRY(w.err);
	return view_put_row(v, SQL_META_PUT, 'm', wr_view(&w), why);
}

static enum jit_err
parse_meta(struct view *v, struct span body, struct jit_why *why)
{
	struct rd r = rd_of(body);
	struct span name = rd_string(&r, TLOG_VKEY_MAX);
	struct place p = { .edge.size = rd_u64(&r) };
	struct tlog_vkey log;

	for (unsigned l = 0; l < 64; l++)
		if ((p.edge.size >> l & 1) != 0)
			rd_copy(&r, p.edge.peak[l].b,
			    sizeof(p.edge.peak[l].b));
	p.time = (utc_s)rd_u64(&r);
	p.policy_index = rd_u64(&r);
	rd_copy(&r, p.policy.b, sizeof(p.policy.b));
	p.lost = rd_u64(&r);
	p.skew = (dur_s)rd_u64(&r);
	if (rd_end(&r) != JIT_OK || p.time < 0 || p.time > UTC_MAX ||
	    p.skew < 0 || p.skew > UTC_MAX ||
	    tlog_vkey_parse(name, &log, NULL) != JIT_OK)
		return view_altered(v, "meta", 1, why);
	if (!tlog_vkey_eq(&log, &v->log))
		return jit_fail(why, JIT_E_LOGNAME, "%s: is of the log %s, "
		    "not of %s", db_path(v->db), log.origin, v->log.origin);
	v->at = p;
	return JIT_OK;
}

enum jit_err
view_one_row(struct view *v, enum view_sql q, char table, struct stmt **s,
    bool *row, struct jit_why *why)
{
	int64_t sum;

	JIT_TRY(view_stmt(v, q, s, why));
	JIT_TRY(stmt_step(*s, row, why));
	if (!*row)
		return JIT_OK;
	JIT_TRY(view_sum(table, stmt_get(*s, 0), &sum));
	if (sum == stmt_get_int(*s, 1))
		return JIT_OK;
	return view_altered(v, table == 'm' ? "meta" : table == 'n' ? "note" :
	    table == 'k' ? "held_keys" : "locks", 1, why);
}

enum jit_err
view_put_row(struct view *v, enum view_sql q, char table, struct span body,
    struct jit_why *why)
{
	struct stmt *s;
	int64_t sum;

	JIT_TRY(view_sum(table, body, &sum));
	JIT_TRY(view_stmt(v, q, &s, why));
	stmt_blob(s, 1, body);
	stmt_int(s, 2, sum);
	return stmt_run(s, why);
}

static enum jit_err
load(struct view *v, struct jit_why *why)
{
	struct stmt *s;
	bool row;

	JIT_TRY(view_one_row(v, SQL_META_GET, 'm', &s, &row, why));
	if (!row)
		return view_altered(v, "meta", 1, why);
	JIT_TRY(parse_meta(v, stmt_get(s, 0), why));
	stmt_reset(s);
	JIT_TRY(view_one_row(v, SQL_NOTE_GET, 'n', &s, &row, why));
	if (row)
		JIT_TRY(buf_copy(&v->note, stmt_get(s, 0)));
	stmt_reset(s);
	JIT_TRY(view_load_policy(v, why));
	return view_load_held(v, why);
}

/* ---- open ---- */

static enum jit_err
make(struct view *v, struct jit_why *why)
{
	JIT_TRY(db_begin(v->db, why));
	JIT_TRY(db_run(v->db, tables, why));
	if (!v->bulk)
		JIT_TRY(db_run(v->db, indexes, why));
	JIT_TRY(save_meta(v, why));
	return db_commit(v->db, why);
}

enum jit_err
view_open(const char *path, enum view_open_how how,
    const struct tlog_vkey *log, struct view **ret, struct jit_why *why)
{
	JIT_SCOPED(view_free) struct view *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return JIT_E_NOMEM;
	v->log = *log;
	v->bulk = how == VIEW_BULK;
	merkle_edge_init(&v->at.edge);
	JIT_TRY(db_open(path, how == VIEW_USE ? DB_USE : v->bulk ? DB_BULK :
	    DB_MAKE, v->bulk ? BULK_CACHE_KIB : CACHE_KIB, &v->db, why));
	JIT_TRY(how == VIEW_USE ? load(v, why) : make(v, why));
	*ret = v;
	v = NULL;
	return JIT_OK;
}

enum jit_err
view_settle(struct view *v, struct jit_why *why)
{
	if (!v->bulk)
		return JIT_OK;
	JIT_TRY(db_begin(v->db, why));
	JIT_TRY(db_run(v->db, indexes, why));
	JIT_TRY(db_commit(v->db, why));
	JIT_TRY(db_settle(v->db, why));
	v->bulk = false;
	return JIT_OK;
}

void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	view_rollback(v);
	policy_free(v->policy);
	view_held_done(v);
	buf_done(&v->note);
	db_free(v->db);
	free(v);
}

struct db *
view_db(struct view *v)
{
	return v->db;
}

uint64_t
view_size(const struct view *v)
{
	return v->at.edge.size;
}

const struct policy *
view_policy(const struct view *v)
{
	return v->policy;
}

uint64_t
view_policy_index(const struct view *v)
{
	return v->at.policy_index;
}

const struct ca_keys *
view_keys(const struct view *v)
{
	return &v->keys.ca;
}

uint64_t
view_keys_index(const struct view *v)
{
	return v->keys.index;
}

/* ---- a batch ---- */

enum jit_err
view_begin(struct view *v, struct jit_why *why)
{
	if (v->batch)
		return jit_fail(why, JIT_E_ARG, "a batch has begun already");
	JIT_TRY(db_begin(v->db, why));
	v->batch = true;
	v->failed = false;
	v->at_was = v->at;
	return JIT_OK;
}

static void
end_batch(struct view *v)
{
	policy_free(v->policy_was);
	v->policy_was = NULL;
	view_held_keep(v);
	buf_done(&v->note_was);
	v->policy_new = v->note_new = v->batch = v->failed = false;
}

void
view_rollback(struct view *v)
{
	if (!v->batch)
		return;
	db_rollback(v->db);
	v->at = v->at_was;
	if (v->policy_new) {
		policy_free(v->policy);
		v->policy = v->policy_was;
		v->policy_was = NULL;
	}
	view_held_back(v);
	if (v->note_new) {
		buf_done(&v->note);
		v->note = v->note_was;
		v->note_was = (struct buf){ NULL, 0 };
	}
	end_batch(v);
}

enum jit_err
view_commit(struct view *v, struct jit_why *why)
{
	enum jit_err e;

	if (!v->batch || v->failed) {
		view_rollback(v);
		return jit_fail(why, JIT_E_ARG, "nothing to commit");
	}
	e = save_meta(v, why);
	if (e == JIT_OK)
		e = db_commit(v->db, why);
	if (e != JIT_OK)
		view_rollback(v);
	else
		end_batch(v);
	return e;
}

/* ---- checkpoints ---- */

static enum jit_err
keep_note(struct view *v, struct span note, struct jit_why *why)
{
	struct buf copy = { NULL, 0 };
	enum jit_err e;

	JIT_TRY(buf_copy(&copy, note));
	e = view_put_row(v, SQL_NOTE_PUT, 'n', note, why);
	if (e != JIT_OK) {
		buf_done(&copy);
		return e;
	}
	if (v->batch && !v->note_new) {
		v->note_was = v->note;
		v->note_new = true;
	} else {
		buf_done(&v->note);
	}
	v->note = copy;
	return JIT_OK;
}

enum jit_err
view_check_note(struct view *v, struct span note, struct jit_why *why)
{
	unsigned long long have = v->at.edge.size;
	struct checkpoint c;
	struct digest root;

	JIT_TRY(checkpoint_open(note, &v->log, &c, why));
	if (c.size < have)
		return jit_fail(why, JIT_E_ROLLBACK, "the log went back: it "
		    "is signed for %llu entries, the view has %llu",
		    (unsigned long long)c.size, have);
	if (c.size > have)
		return jit_fail(why, JIT_E_ARG, "the note is of %llu entries, "
		    "the view has %llu yet", (unsigned long long)c.size, have);
	JIT_TRY(merkle_edge_root(&v->at.edge, &root));
	if (!digest_eq(&root, &c.root))
		return jit_fail(why, JIT_E_ROLLBACK, "the log of %llu entries "
		    "is another than the one that was signed", have);
	return keep_note(v, note, why);
}

struct span
view_note(const struct view *v)
{
	return BUF_SPAN(v->note);
}
