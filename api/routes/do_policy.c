/* The policy in force: its entry, and the roles that concern one. */
#include "api/routes/receipts.h"

void
do_policy(struct call *c)
{
	const uint64_t index = c->d->says.policy_index;
	struct jit_why why = { 0 };
	enum jit_err e = query_end(&c->query, &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		receipts_prove(c, &index, 1, receipts_ok);
}

static void
put_role(struct js *j, const char *name, const struct reader *r,
    const struct block *b)
{
	js_open(j, name, '{');
	js_text(j, "name", b->name);
	js_digest(j, "digest", &b->digest);
	js_b64(j, "block", BUF_SPAN(b->bytes));
	js_bool(j, "may_request", person_in(r->person, &b->role.request_of));
	js_bool(j, "may_approve", person_in(r->person, &b->role.approve_of));
	js_close(j, '}');
}

static enum jit_err
answer_roles(struct call *c, struct js *j, struct jit_why *why)
{
	struct reader r;

	JIT_TRY(query_end(&c->query, why));
	JIT_TRY(call_reader(c, &r, why));
	js_open(j, NULL, '{');
	js_uint(j, "policy", view_policy_index(c->d->view));
	js_open(j, "roles", '[');
	for (size_t i = 0; i < policy_count(r.policy); i++) {
		const struct block *b = policy_at(r.policy, i);

		if (b->kind == BLOCK_ROLE && reader_knows_role(&r, &b->role))
			put_role(j, NULL, &r, b);
	}
	js_close(j, ']');
	js_close(j, '}');
	return JIT_OK;
}

void
do_roles(struct call *c)
{
	call_make(c, 200, answer_roles);
}

static enum jit_err
answer_role(struct call *c, struct js *j, struct jit_why *why)
{
	struct reader r;
	const struct block *b;

	JIT_TRY(query_end(&c->query, why));
	JIT_TRY(call_reader(c, &r, why));
	b = policy_get(r.policy, BLOCK_ROLE, span_str(c->role));
	if (b == NULL || !reader_knows_role(&r, &b->role))
		return jit_fail(why, JIT_E_ROLE, "there is no role %s that "
		    "concerns you", c->role);
	put_role(j, NULL, &r, b);
	return JIT_OK;
}

void
do_role(struct call *c)
{
	call_make(c, 200, answer_role);
}
