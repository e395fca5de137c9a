/* All rows as one digest, and every one of them checked on the way. */
#include "api/view/view_int.h"

/* h = SHA-256(h, tag, bytes) */
static enum jit_err
chain(struct digest *h, char tag, struct span bytes)
{
	struct digest was = *h;
	const struct span s[] = { DIGEST_SPAN(was), SPAN(&tag, 1), bytes };

	return digest_sha256v(s, 3, h);
}

static enum jit_err
chain_place(struct digest *h, const struct place *p)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(256);
	struct digest root;

	JIT_TRY(merkle_edge_root(&p->edge, &root));
	wr_u64(&w, p->edge.size);
	wr_span(&w, DIGEST_SPAN(root));
	wr_u64(&w, (uint64_t)p->time);
	wr_u64(&w, p->policy_index);
	wr_span(&w, DIGEST_SPAN(p->policy));
	wr_u64(&w, p->lost);
	wr_u64(&w, (uint64_t)p->skew);
	JIT_TRY(w.err);
	return chain(h, 'm', wr_view(&w));
}

/* Body and sum are the columns at and at + 1. */
static enum jit_err
chain_body(struct view *v, struct stmt *s, int at, char tag,
    const char *table, struct digest *h, struct jit_why *why)
{
	int64_t sum;

	JIT_TRY(view_sum(tag, stmt_get(s, at), &sum));
	if (sum != stmt_get_int(s, at + 1))
		return view_altered(v, table, (uint64_t)stmt_get_int(s, 0),
		    why);
	return chain(h, tag, stmt_get(s, at));
}

static enum jit_err
chain_request(struct view *v, struct stmt *s, struct digest *h,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf mem = { NULL, 0 };
	struct row r;

	JIT_TRY(row_take(v, s, &r, &mem, why));
	return chain(h, 'r', BUF_SPAN(mem));
}

static enum jit_err
chain_about(struct view *v, struct stmt *s, struct digest *h,
    struct jit_why *why)
{
	uint64_t both[] = { (uint64_t)stmt_get_int(s, 0),
	    (uint64_t)stmt_get_int(s, 1) };
	int64_t sum;

	JIT_TRY(view_sum('a', SPAN(both, sizeof(both)), &sum));
	if (sum != stmt_get_int(s, 2))
		return view_altered(v, "about", both[0], why);
	return chain(h, 'a', SPAN(both, sizeof(both)));
}

/* What has one row, which may not be there yet. */
static enum jit_err
chain_one(struct view *v, enum view_sql q, char table, struct digest *h,
    struct jit_why *why)
{
	enum jit_err e = JIT_OK;
	struct stmt *s;
	bool row;

	JIT_TRY(view_one_row(v, q, table, &s, &row, why));
	if (row)
		e = chain(h, table, stmt_get(s, 0));
	stmt_reset(s);
	return e;
}

static enum jit_err
chain_row(struct view *v, enum view_sql q, struct stmt *s, struct digest *h,
    struct jit_why *why)
{
	switch (q) {
	case SQL_REQUEST_ALL:
		return chain_request(v, s, h, why);
	case SQL_ABOUT_ALL:
		return chain_about(v, s, h, why);
	case SQL_BLOCK_ALL:
		return chain_body(v, s, 1, 'b', "block", h, why);
	default:
		return chain_body(v, s, 2, 'p', "pending", h, why);
	}
}

enum jit_err
view_digest(struct view *v, struct digest *ret, struct jit_why *why)
{
	static const enum view_sql all[] = { SQL_REQUEST_ALL, SQL_ABOUT_ALL,
		SQL_BLOCK_ALL, SQL_PENDING_ALL };
	struct digest h = { { 0 } };

	JIT_TRY(chain_place(&h, &v->at));
	JIT_TRY(chain_one(v, SQL_KEYS_GET, 'k', &h, why));
	JIT_TRY(chain_one(v, SQL_LOCKS_GET, 'l', &h, why));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		enum jit_err e = JIT_OK;
		struct stmt *s;
		bool row = true;

		JIT_TRY(view_stmt(v, all[i], &s, why));
		while (e == JIT_OK) {
			JIT_TRY(stmt_step(s, &row, why));
			if (!row)
				break;
			e = chain_row(v, all[i], s, &h, why);
		}
		stmt_reset(s);
		JIT_TRY(e);
	}
	*ret = h;
	return JIT_OK;
}
