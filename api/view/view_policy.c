/*
 * The policy in force, kept as its blocks; and blobs that the next one may
 * name.  As the ledger has it: a block is one that was logged since the
 * policy before, or one of that policy.
 */
#include <stdlib.h>
#include <string.h>

#include "api/view/view_int.h"

enum jit_err
view_take_blob(struct view *v, const struct entry *e, struct jit_why *why)
{
	static const char head[] = "jit-cert ";
	struct digest d;
	struct stmt *s;
	int64_t sum;
	bool row;

	if (e->body.n < sizeof(head) || e->body.n > POLICY_BLOCK_MAX ||
	    memcmp(e->body.p, head, sizeof(head) - 1) != 0)
		return JIT_OK;
	JIT_TRY(view_stmt(v, SQL_PENDING_COUNT, &s, why));
	JIT_TRY(stmt_step(s, &row, why));
	if (row && stmt_get_int(s, 0) >= POLICY_BLOCKS_MAX) {
		stmt_reset(s);
		return JIT_OK;
	}
	stmt_reset(s);
	JIT_TRY(digest_sha256(e->body, &d));
	JIT_TRY(view_sum('p', e->body, &sum));
	JIT_TRY(view_stmt(v, SQL_PENDING_PUT, &s, why));
	stmt_int(s, 1, (int64_t)e->index);
	stmt_blob(s, 2, DIGEST_SPAN(d));
	stmt_blob(s, 3, e->body);
	stmt_int(s, 4, sum);
	return stmt_run(s, why);
}

struct new_policy {
	struct view *v;
	struct policy *p;
	struct jit_why *why;
};

/* The bytes of a block: just logged, or of the policy in force. */
static enum jit_err
block_bytes(struct view *v, enum block_kind kind, struct span name,
    const struct digest *d, struct buf *ret, struct jit_why *why)
{
	const struct block *b = v->policy == NULL ? NULL :
	    policy_get(v->policy, kind, name);
	struct stmt *s;
	enum jit_err e;
	bool row;

	JIT_TRY(view_stmt(v, SQL_PENDING_FIND, &s, why));
	stmt_blob(s, 1, DIGEST_SPAN(*d));
	JIT_TRY(stmt_step(s, &row, why));
	if (row) {
		e = buf_copy(ret, stmt_get(s, 0));
		stmt_reset(s);
		return e;
	}
	if (b != NULL && digest_eq(&b->digest, d))
		return buf_copy(ret, BUF_SPAN(b->bytes));
	return JIT_E_UNKNOWN;
}

/* rec_get_policy()'s function.  Its errors are about the entry. */
static enum jit_err
take_block(void *arg, enum block_kind kind, struct span name,
    const struct digest *d)
{
	struct new_policy *n = arg;
	JIT_SCOPED(block_free) struct block *b = NULL;
	JIT_DONE(buf_done) struct buf bytes = { NULL, 0 };
	struct block *own;
	char shown[64];
	enum jit_err e;

	e = block_bytes(n->v, kind, name, d, &bytes, n->why);
	if (e != JIT_OK && e != JIT_E_UNKNOWN)
		return e;
	if (e == JIT_OK)
		JIT_TRY(block_parse(BUF_SPAN(bytes), &b, n->why));
	if (b == NULL || b->kind != kind || !span_eq(b->name, name) ||
	    !digest_eq(&b->digest, d))
		return jit_fail(n->why, JIT_E_VERIFY, "the block of %s \"%s\" "
		    "is not in the log", block_kind_name(kind),
		    text_shown(name, shown, sizeof(shown)));
	own = b;
	b = NULL;
	return policy_add(n->p, own, n->why);
}

/* The rows become p's blocks, and nothing waits any more. */
static enum jit_err
save_blocks(struct view *v, const struct policy *p, struct jit_why *why)
{
	struct stmt *s;
	int64_t sum;

	JIT_TRY(view_stmt(v, SQL_PENDING_CLEAR, &s, why));
	JIT_TRY(stmt_run(s, why));
	JIT_TRY(view_stmt(v, SQL_BLOCK_CLEAR, &s, why));
	JIT_TRY(stmt_run(s, why));
	for (size_t i = 0; i < policy_count(p); i++) {
		struct span bytes = BUF_SPAN(policy_at(p, i)->bytes);

		JIT_TRY(view_sum('b', bytes, &sum));
		JIT_TRY(view_stmt(v, SQL_BLOCK_PUT, &s, why));
		stmt_int(s, 1, (int64_t)i);
		stmt_blob(s, 2, bytes);
		stmt_int(s, 3, sum);
		JIT_TRY(stmt_run(s, why));
	}
	return JIT_OK;
}

static void
replace_policy(struct view *v, struct policy *p, const struct digest *d,
    uint64_t index)
{
	if (v->policy_new) {
		policy_free(v->policy);
	} else {
		v->policy_was = v->policy;
		v->policy_new = true;
	}
	v->policy = p;
	v->at.policy = *d;
	v->at.policy_index = index;
}

enum jit_err
view_take_policy(struct view *v, const struct entry *e, struct jit_why *why)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL;
	struct new_policy n = { .v = v, .why = why };
	struct digest whole, again;

	JIT_TRY(policy_new(&p));
	n.p = p;
	JIT_TRY(rec_get_policy(e->body, &whole, take_block, &n, why));
	JIT_TRY(policy_digest(p, &again));
	if (!digest_eq(&whole, &again))
		return view_cannot(e, why, "its digest is not its blocks'");
	JIT_TRY(policy_check(p, why));
	JIT_TRY(save_blocks(v, p, why));
	replace_policy(v, p, &whole, e->index);
	p = NULL;
	return view_trim_locks(v, why);
}

static enum jit_err
load_block(struct view *v, struct stmt *s, struct policy *p,
    struct jit_why *why)
{
	uint64_t at = (uint64_t)stmt_get_int(s, 0);
	JIT_SCOPED(block_free) struct block *b = NULL;
	struct block *own;
	enum jit_err e;
	int64_t sum;

	JIT_TRY(view_sum('b', stmt_get(s, 1), &sum));
	if (sum != stmt_get_int(s, 2) || at != policy_count(p))
		return view_altered(v, "block", at, why);
	e = block_parse(stmt_get(s, 1), &b, NULL);
	if (e != JIT_OK && e != JIT_E_NOMEM)
		return view_altered(v, "block", at, why);
	JIT_TRY(e);
	own = b;
	b = NULL;
	e = policy_add(p, own, NULL);
	return e == JIT_E_EXISTS ? view_altered(v, "block", at, why) : e;
}

enum jit_err
view_load_policy(struct view *v, struct jit_why *why)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL;
	struct digest d;
	struct stmt *s;
	enum jit_err e;
	bool row;

	if (v->at.policy_index == 0)
		return JIT_OK;
	JIT_TRY(policy_new(&p));
	JIT_TRY(view_stmt(v, SQL_BLOCK_ALL, &s, why));
	for (;;) {
		JIT_TRY(stmt_step(s, &row, why));
		if (!row)
			break;
		if ((e = load_block(v, s, p, why)) != JIT_OK) {
			stmt_reset(s);
			return e;
		}
	}
	JIT_TRY(policy_digest(p, &d));
	if (!digest_eq(&d, &v->at.policy))
		return db_damaged(v->db, why, "the policy in it is not whole");
	v->policy = p;
	p = NULL;
	return JIT_OK;
}
