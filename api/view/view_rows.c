/* A request as bytes, and as a row. */
#include <stdlib.h>
#include <string.h>

#include "api/view/view_int.h"

#define BODY_MAX 16384		/* bytes of a request's record */

enum { COL_INDEX, COL_ID, COL_REQUESTER, COL_ROLE, COL_CLOSES, COL_ENDS,
	COL_OVER, COL_BODY, COL_SUM };

utc_s
row_over_at(const struct view_row *r)
{
	if (r->end == VIEW_OPEN)
		return r->closes;
	return r->end == VIEW_ISSUED ? r->until : 0;
}

/* ---- bytes ---- */

static void
put_list(struct wr *w, const struct span *v, size_t n)
{
	wr_u32(w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wr_string(w, v[i]);
}

static void
put_row(struct wr *w, const struct row *row)
{
	const struct view_row *r = &row->r;

	wr_u64(w, r->index);
	wr_u64(w, r->last);
	wr_raw(w, r->id.s, ULID_LEN);
	wr_span(w, DIGEST_SPAN(r->digest));
	wr_string(w, r->requester);
	wr_string(w, r->role);
	wr_u64(w, (uint64_t)row->logged);
	wr_u64(w, (uint64_t)r->created);
	wr_u64(w, (uint64_t)r->opens);
	wr_u64(w, (uint64_t)r->closes);
	wr_u64(w, (uint64_t)r->duration);
	wr_string(w, r->reason);
	wr_u8(w, (uint8_t)r->kind);
	wr_string(w, r->profile);
	put_list(w, r->subject, r->n_subject);
	put_list(w, r->sans, r->n_sans);
	wr_string(w, r->crl);
	wr_u8(w, (uint8_t)r->end);
	put_list(w, r->approved, r->n_approved);
	wr_string(w, r->denied);
	wr_string(w, r->revoked);
	wr_u8(w, r->cause);
	wr_string(w, r->serial);
	wr_u64(w, (uint64_t)r->from);
	wr_u64(w, (uint64_t)r->until);
	wr_u32(w, (uint32_t)row->n);
	for (size_t i = 0; i < row->n; i++) {
		wr_u64(w, row->entry[i].index);
		wr_u32(w, (uint32_t)row->entry[i].size);
	}
}

static void
get_entries(struct rd *r, struct row *row)
{
	uint32_t n = rd_u32(r);

	if (n > DOSSIER_ENTRIES_MAX)
		rd_fail(r);
	for (row->n = 0; r->err == JIT_OK && row->n < n; row->n++) {
		row->entry[row->n].index = rd_u64(r);
		row->entry[row->n].size = rd_u32(r);
	}
}

static void
get_list(struct rd *r, struct span *v, size_t *ret, size_t most, size_t max)
{
	uint32_t n = rd_u32(r);

	if (n > most)
		rd_fail(r);
	for (*ret = 0; r->err == JIT_OK && *ret < n; (*ret)++)
		v[*ret] = rd_string(r, max);
}

static void
get_kind(struct rd *r, struct view_row *v)
{
	uint8_t kind = rd_u8(r);

	if (kind >= REQUEST_KINDS)
		rd_fail(r);
	v->kind = (enum request_kind)kind;
	v->profile = rd_string(r, REQUEST_MAX);
	get_list(r, v->subject, &v->n_subject, REQUEST_SUBJECT, REQUEST_MAX);
	get_list(r, v->sans, &v->n_sans, REQUEST_SANS, REQUEST_MAX);
	v->crl = rd_string(r, REQUEST_CRL_MAX);
}

static void
get_end(struct rd *r, struct view_row *v)
{
	uint8_t end = rd_u8(r);

	if (end > VIEW_REVOKED)
		rd_fail(r);
	v->end = (enum view_end)end;
	get_list(r, v->approved, &v->n_approved, VIEW_APPROVERS, 32);
	v->denied = rd_string(r, 32);
	v->revoked = rd_string(r, 32);
	v->cause = rd_u8(r);
	if (v->cause > ENDED_KEY)
		rd_fail(r);
	v->serial = rd_string(r, ISSUED_SERIAL_TEXT - 1);
	v->from = (utc_s)rd_u64(r);
	v->until = (utc_s)rd_u64(r);
}

enum jit_err
row_parse(struct span body, struct row *ret)
{
	struct rd r = rd_of(body);
	struct view_row *v = &ret->r;

	v->index = rd_u64(&r);
	v->last = rd_u64(&r);
	rd_copy(&r, v->id.s, ULID_LEN);
	v->id.s[ULID_LEN] = '\0';
	rd_copy(&r, v->digest.b, sizeof(v->digest.b));
	v->requester = rd_string(&r, 32);
	v->role = rd_string(&r, 32);
	ret->logged = (utc_s)rd_u64(&r);
	v->created = (utc_s)rd_u64(&r);
	v->opens = (utc_s)rd_u64(&r);
	v->closes = (utc_s)rd_u64(&r);
	v->duration = (dur_s)rd_u64(&r);
	v->reason = rd_string(&r, REASON_MAX);
	get_kind(&r, v);
	get_end(&r, v);
	get_entries(&r, ret);
	v->store = (struct buf){ NULL, 0 };
	return rd_end(&r);
}

/* ---- rows ---- */

static void
bind_state(struct stmt *s, int at, const struct row *r, const struct wr *w,
    int64_t sum)
{
	stmt_int(s, at, r->r.end);
	stmt_int(s, at + 1, row_over_at(&r->r));
	stmt_blob(s, at + 2, wr_view(w));
	stmt_int(s, at + 3, sum);
}

enum jit_err
row_insert(struct view *v, const struct row *r, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(BODY_MAX);
	struct stmt *s;
	int64_t sum;

	put_row(&w, r);
	JIT_TRY(w.err);
	JIT_TRY(view_sum('r', wr_view(&w), &sum));
	JIT_TRY(view_stmt(v, SQL_REQUEST_PUT, &s, why));
	stmt_int(s, 1, (int64_t)r->r.index);
	stmt_text(s, 2, span_str(r->r.id.s));
	stmt_text(s, 3, r->r.requester);
	stmt_text(s, 4, r->r.role);
	stmt_int(s, 5, r->r.closes);
	bind_state(s, 6, r, &w, sum);
	return stmt_run(s, why);
}

enum jit_err
row_update(struct view *v, const struct row *r, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(BODY_MAX);
	struct stmt *s;
	int64_t sum;

	put_row(&w, r);
	JIT_TRY(w.err);
	JIT_TRY(view_sum('r', wr_view(&w), &sum));
	JIT_TRY(view_stmt(v, SQL_REQUEST_SET, &s, why));
	stmt_int(s, 1, (int64_t)r->r.index);
	bind_state(s, 2, r, &w, sum);
	return stmt_run(s, why);
}

/* The columns are what the record says. */
static bool
same_columns(struct stmt *s, const struct view_row *r)
{
	return stmt_get_int(s, COL_INDEX) == (int64_t)r->index &&
	    stmt_get_int(s, COL_CLOSES) == r->closes &&
	    stmt_get_int(s, COL_ENDS) == (int64_t)r->end &&
	    stmt_get_int(s, COL_OVER) == row_over_at(r) &&
	    span_eq_str(stmt_get(s, COL_ID), r->id.s) &&
	    span_eq(stmt_get(s, COL_REQUESTER), r->requester) &&
	    span_eq(stmt_get(s, COL_ROLE), r->role);
}

enum jit_err
row_take(struct view *v, struct stmt *s, struct row *ret, struct buf *mem,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf copy = { NULL, 0 };
	uint64_t at = (uint64_t)stmt_get_int(s, COL_INDEX);
	int64_t sum;

	JIT_TRY(buf_copy(&copy, stmt_get(s, COL_BODY)));
	JIT_TRY(view_sum('r', BUF_SPAN(copy), &sum));
	if (sum != stmt_get_int(s, COL_SUM) ||
	    row_parse(BUF_SPAN(copy), ret) != JIT_OK ||
	    !same_columns(s, &ret->r))
		return view_altered(v, "request", at, why);
	*mem = copy;
	copy = (struct buf){ NULL, 0 };
	return JIT_OK;
}

/* The one row of s, which is left ready to be bound. */
static enum jit_err
take_one(struct view *v, struct stmt *s, struct row *ret, struct buf *mem,
    struct jit_why *why)
{
	enum jit_err e;
	bool row;

	JIT_TRY(stmt_step(s, &row, why));
	if (!row)
		return JIT_E_UNKNOWN;
	e = row_take(v, s, ret, mem, why);
	stmt_reset(s);
	return e;
}

enum jit_err
row_by_id(struct view *v, const struct ulid *id, struct row *ret,
    struct buf *mem, struct jit_why *why)
{
	struct stmt *s;
	enum jit_err e;

	JIT_TRY(view_stmt(v, SQL_BY_ID, &s, why));
	stmt_text(s, 1, span_str(id->s));
	e = take_one(v, s, ret, mem, why);
	return e == JIT_E_UNKNOWN ? jit_fail(why, e, "there is no request %s",
	    id->s) : e;
}

enum jit_err
row_by_index(struct view *v, uint64_t index, struct row *ret,
    struct buf *mem, struct jit_why *why)
{
	struct stmt *s;
	enum jit_err e;

	JIT_TRY(view_stmt(v, SQL_BY_INDEX, &s, why));
	stmt_int(s, 1, (int64_t)index);
	e = take_one(v, s, ret, mem, why);
	return e == JIT_E_UNKNOWN ? jit_fail(why, e, "entry %llu is no "
	    "request", (unsigned long long)index) : e;
}

/* ---- which entry is about which request ---- */

static enum jit_err
about_sum(uint64_t index, uint64_t request, int64_t *ret)
{
	const uint64_t both[] = { index, request };

	return view_sum('a', SPAN(both, sizeof(both)), ret);
}

enum jit_err
about_insert(struct view *v, uint64_t index, uint64_t request,
    struct jit_why *why)
{
	struct stmt *s;
	int64_t sum;

	JIT_TRY(about_sum(index, request, &sum));
	JIT_TRY(view_stmt(v, SQL_ABOUT_PUT, &s, why));
	stmt_int(s, 1, (int64_t)index);
	stmt_int(s, 2, (int64_t)request);
	stmt_int(s, 3, sum);
	return stmt_run(s, why);
}

/* The request that an entry is about, by that one's index. */
static enum jit_err
about_get(struct view *v, uint64_t index, uint64_t *ret, struct jit_why *why)
{
	struct stmt *s;
	int64_t sum, is;
	bool row;

	JIT_TRY(view_stmt(v, SQL_ABOUT_GET, &s, why));
	stmt_int(s, 1, (int64_t)index);
	JIT_TRY(stmt_step(s, &row, why));
	if (!row) {
		*ret = index;
		return JIT_OK;
	}
	*ret = (uint64_t)stmt_get_int(s, 0);
	is = stmt_get_int(s, 1);
	stmt_reset(s);
	JIT_TRY(about_sum(index, *ret, &sum));
	return sum == is ? JIT_OK : view_altered(v, "about", index, why);
}

/* ---- for callers ---- */

void
view_row_done(struct view_row *r)
{
	buf_done(&r->store);
}

enum jit_err
view_get(struct view *v, const struct ulid *id, struct view_row *ret,
    struct jit_why *why)
{
	struct buf mem = { NULL, 0 };
	struct row row;

	JIT_TRY(row_by_id(v, id, &row, &mem, why));
	*ret = row.r;
	ret->store = mem;
	return JIT_OK;
}

enum jit_err
view_about(struct view *v, uint64_t index, struct ulid *ret,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf mem = { NULL, 0 };
	uint64_t request = 0;
	struct row row;
	enum jit_err e;

	JIT_TRY(about_get(v, index, &request, why));
	e = row_by_index(v, request, &row, &mem, why);
	if (e == JIT_E_UNKNOWN && request != index)
		return view_altered(v, "about", index, why);
	JIT_TRY(e);
	*ret = row.r.id;
	return JIT_OK;
}

enum jit_err
view_entries(struct view *v, const struct ulid *id, struct view_entry **ret,
    size_t *n, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf mem = { NULL, 0 };
	struct view_entry *e;
	struct row row;

	JIT_TRY(row_by_id(v, id, &row, &mem, why));
	if ((e = calloc(row.n + 1, sizeof(*e))) == NULL)
		return JIT_E_NOMEM;
	memcpy(e, row.entry, row.n * sizeof(*e));
	*ret = e;
	*n = row.n;
	return JIT_OK;
}
