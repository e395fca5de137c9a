#include "signer/check.h"

static void
put_words(struct wr *w, const struct names *n)
{
	for (size_t i = 0; i < n->n; i++) {
		wr_str(w, i > 0 ? ", " : "");
		wr_span(w, n->v[i]);
	}
}

/* What its certificates open. */
static void
put_opens(struct wr *w, const struct role *r)
{
	if (r->kind == KIND_X509) {
		put_words(w, &r->subject);
		wr_str(w, " (");
		wr_span(w, r->profile);
		wr_u8(w, ')');
		return;
	}
	put_words(w, &r->accounts);
	wr_str(w, " on ");
	put_words(w, &r->host_groups);
}

static void
put_role(struct wr *w, const struct role *r)
{
	char max[DUR_TEXT];

	dur_text(r->max, max);
	wr_str(w, "  ");
	wr_span(w, r->name);
	wr_str(w, ": ");
	put_opens(w, r);
	wr_fmt(w, ", at most %s, %u of ", max, r->need);
	put_words(w, &r->approve_of);
	wr_u8(w, '\n');
}

void
check_put_summary(struct wr *w, const struct policy *p)
{
	size_t n[BLOCK_KINDS] = { 0 };

	for (size_t i = 0; i < policy_count(p); i++)
		n[policy_at(p, i)->kind]++;
	wr_fmt(w, "%zu people, %zu hosts, %zu host groups, %zu roles\n",
	    n[BLOCK_PERSON], n[BLOCK_HOST], n[BLOCK_HOST_GROUP],
	    n[BLOCK_ROLE]);
	for (size_t i = 0; i < policy_count(p); i++)
		if (policy_at(p, i)->kind == BLOCK_ROLE)
			put_role(w, &policy_at(p, i)->role);
}

/* The people who could approve, named; and whether they are enough. */
static void
put_approvers(struct wr *w, const struct policy *p, const struct role *r,
    struct span requester)
{
	unsigned n = 0;
	char mask[64];

	wr_fmt(w, "    needs %u of:", r->need);
	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);

		if (b->kind != BLOCK_PERSON ||
		    !role_may_approve(r, &b->person, requester))
			continue;
		wr_str(w, n++ > 0 ? ", " : " ");
		wr_span(w, b->name);
	}
	wr_fmt(w, "%s (%s)%s\n", n == 0 ? " nobody" : "",
	    proof_mask_text(r->approve_proofs, mask), n < r->need ?
	    " - too few: this request would be refused" : "");
}

enum jit_err
check_put_person(struct wr *w, const struct policy *p, struct span name,
    struct jit_why *why)
{
	const struct person *who = policy_person(p, name);
	char shown[64], mask[64];
	bool any = false;

	if (who == NULL)
		return jit_fail(why, JIT_E_PERSON, "nobody named \"%s\" is "
		    "enrolled", text_shown(name, shown, sizeof(shown)));
	wr_span(w, who->name);
	wr_str(w, " may ask for:\n");
	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);

		if (b->kind != BLOCK_ROLE ||
		    !person_in(who, &b->role.request_of))
			continue;
		any = true;
		put_role(w, &b->role);
		wr_fmt(w, "    signs with %s\n",
		    proof_mask_text(b->role.request_proofs, mask));
		put_approvers(w, p, &b->role, who->name);
	}
	if (!any)
		wr_str(w, "  nothing\n");
	wr_span(w, who->name);
	wr_str(w, " may decide on:");
	any = false;
	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);

		if (b->kind != BLOCK_ROLE ||
		    !person_in(who, &b->role.approve_of))
			continue;
		wr_str(w, any ? ", " : " ");
		wr_span(w, b->name);
		any = true;
	}
	wr_str(w, any ? "\n" : " nothing\n");
	return w->err;
}
