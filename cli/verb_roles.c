/* roles - what I may ask for, what it opens and who can approve it. */
#include "cli/ask.h"
#include "cli/tell.h"

static void
put_names(struct wr *w, const struct names *n)
{
	for (size_t i = 0; i < n->n; i++) {
		wr_str(w, i > 0 ? ", " : "");
		wr_span(w, n->v[i]);
	}
}

static void
put_approvers(const struct desk *d, const struct role *r, struct wr *w)
{
	size_t n = 0;

	for (size_t i = 0; i < policy_count(d->policy); i++) {
		const struct block *b = policy_at(d->policy, i);

		if (b->kind != BLOCK_PERSON ||
		    !role_may_approve(r, &b->person, d->me->name))
			continue;
		if (n++ < 8) {
			wr_str(w, n > 1 ? ", " : "");
			wr_span(w, b->name);
		}
	}
	if (n > 8)
		wr_fmt(w, " and %zu more", n - 8);
	if (n < r->need)
		wr_fmt(w, "%stoo few: nobody can approve", n > 0 ? ", " : "");
}

/* A request of the role, to say what it would open. */
static enum jit_err
put_opens(const struct desk *d, const struct role *r, struct wr *w,
    struct jit_why *why)
{
	/* An id that is nobody's: it is not told. */
	struct request q = { .role = r->name, .requester = d->me->name,
	    .id.s = "00000000000000000000000000" };
	struct request_store store;

	JIT_TRY(policy_fill_request(d->policy, r->name, &q, &store, why));
	tell_put_opens(w, d->policy, &q);
	return w->err;
}

static json_t *
json_names(const struct names *n)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < n->n; i++)
		(void)json_array_append_new(list, out_json_span(n->v[i]));
	return list;
}

static json_t *
json_approvers(const struct desk *d, const struct role *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < policy_count(d->policy); i++) {
		const struct block *b = policy_at(d->policy, i);

		if (b->kind == BLOCK_PERSON &&
		    role_may_approve(r, &b->person, d->me->name))
			(void)json_array_append_new(list,
			    out_json_span(b->name));
	}
	return list;
}

static json_t *
json_proofs(unsigned mask)
{
	json_t *list = json_array();

	for (int p = 0; list != NULL && p < PROOF_SETS; p++)
		if (mask >> p & 1)
			(void)json_array_append_new(list, json_string(
			    proof_name((enum proof_set)p)));
	return list;
}

/* What it opens, by its kind; "{person}" stands for who asks. */
static void
put_kind(json_t *o, const struct role *r)
{
	if (o == NULL)
		return;
	if (r->kind == KIND_SSH_USER) {
		(void)json_object_set_new(o, "accounts",
		    json_names(&r->accounts));
		(void)json_object_set_new(o, "host_groups",
		    json_names(&r->host_groups));
		(void)json_object_set_new(o, "options",
		    json_names(&r->options));
		return;
	}
	(void)json_object_set_new(o, "profile", out_json_span(r->profile));
	(void)json_object_set_new(o, "subject", json_names(&r->subject));
	(void)json_object_set_new(o, "sans", json_names(&r->sans));
	(void)json_object_set_new(o, "crl", r->crl.n > 0 ?
	    out_json_span(r->crl) : json_null());
}

static json_t *
json_role(const struct desk *d, const struct role *r)
{
	json_t *o = json_pack("{s:o, s:s, s:I, s:I, s:b, s:o, s:b, s:o, s:i, "
	    "s:o, s:o, s:o}", "role", out_json_span(r->name), "kind",
	    request_kind_name(r->kind), "max", (json_int_t)r->max,
	    "horizon", (json_int_t)r->horizon,
	    "reason_required", (int)r->reason_required, "reason_pattern",
	    out_json_span(r->reason_pattern), "mine",
	    (int)person_in(d->me, &r->request_of), "request_proofs",
	    json_proofs(r->request_proofs), "need", (int)r->need,
	    "approve_of", json_names(&r->approve_of), "approvers",
	    json_approvers(d, r), "approve_proofs",
	    json_proofs(r->approve_proofs));

	put_kind(o, r);
	return o;
}

static int
one(struct desk *d, const char *name)
{
	JIT_DONE(wr_done) struct wr opens = WR_INIT(1u << 18);
	JIT_DONE(wr_done) struct wr who = WR_INIT(4096);
	JIT_DONE(wr_done) struct wr of = WR_INIT(4096);
	const struct role *r = NULL;
	struct jit_why why = { 0 };
	char max[WHEN_TEXT], ahead[WHEN_TEXT], ask[64], allow[64];
	enum jit_err e;

	if ((e = ask_find_role(d, name, &r, &why)) != JIT_OK ||
	    (e = put_opens(d, r, &opens, &why)) != JIT_OK)
		return out_error(d->c, e, &why);
	put_approvers(d, r, &who);
	put_names(&of, &r->approve_of);
	out_say(d->c, "%.*s\n", OUT_SPAN(r->name));
	out_say(d->c, "  opens     %.*s\n", OUT_SPAN(wr_view(&opens)));
	out_say(d->c, "  for       at most %s, within %s from now\n",
	    when_dur(r->max, max), when_dur(r->horizon, ahead));
	out_say(d->c, "  reason    %s", r->reason_required ? "needed" :
	    "as you like");
	if (r->reason_pattern.n > 0)
		out_say(d->c, ", like %.*s", OUT_SPAN(r->reason_pattern));
	out_say(d->c, "\n  ask       %s, signed with %s\n",
	    person_in(d->me, &r->request_of) ? "you may" : "you may NOT",
	    proof_mask_text(r->request_proofs, ask));
	out_say(d->c, "  approve   %u of %.*s: %.*s, signed with %s\n",
	    r->need, OUT_SPAN(wr_view(&of)), OUT_SPAN(wr_view(&who)),
	    proof_mask_text(r->approve_proofs, allow));
	out_json(d->c, json_role(d, r));
	return CLI_DONE;
}

/* "dba on prod-db", or what a certificate says. */
static void
put_what(const struct desk *d, const struct role *r, struct wr *w)
{
	if (r->kind == KIND_X509) {
		if (put_opens(d, r, w, NULL) != JIT_OK)
			wr_str(w, "nothing that you can have");
		return;
	}
	put_names(w, &r->accounts);
	wr_str(w, " on ");
	put_names(w, &r->host_groups);
}

static int
all(struct desk *d)
{
	JIT_DONE(out_table_done) struct out_table t;
	size_t shown = 0;
	char max[WHEN_TEXT];

	out_table_init(&t, 5);
	for (size_t i = 0; i < policy_count(d->policy); i++) {
		const struct block *b = policy_at(d->policy, i);
		JIT_DONE(wr_done) struct wr what = WR_INIT(65536);
		JIT_DONE(wr_done) struct wr who = WR_INIT(4096);

		if (b->kind != BLOCK_ROLE ||
		    !person_in(d->me, &b->role.request_of))
			continue;
		shown++;
		put_what(d, &b->role, &what);
		put_approvers(d, &b->role, &who);
		out_cell(d->c, &t, "%.*s", OUT_SPAN(b->name));
		out_cell(d->c, &t, "%.*s", OUT_SPAN(wr_view(&what)));
		out_cell(d->c, &t, "at most %s", when_dur(b->role.max, max));
		out_cell(d->c, &t, "needs %u", b->role.need);
		out_cell(d->c, &t, "of %.*s", OUT_SPAN(wr_view(&who)));
		out_json(d->c, json_role(d, &b->role));
	}
	out_table_say(d->c, &t, "");
	if (shown == 0)
		out_note(d->c, "There is no role that you may ask for.\n");
	return CLI_DONE;
}

int
verb_roles(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK)
		return out_error(c, e, &why);
	return a->n > 0 ? one(&d, a->operand[0]) : all(&d);
}
