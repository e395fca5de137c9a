#include "ca/grant/principals.h"

static bool
holds(const struct names *n, struct span s)
{
	for (size_t i = 0; i < n->n; i++)
		if (span_eq(n->v[i], s))
			return true;
	return false;
}

static bool
group_has(const struct host_group *g, struct span host)
{
	for (size_t i = 0; i < g->n; i++)
		if (span_eq(g->hosts[i], host))
			return true;
	return false;
}

/* Does a role give that account on a group of the host? */
static bool
reaches(const struct role *r, struct span account, struct span group)
{
	return holds(&r->accounts, account) && holds(&r->host_groups, group);
}

/* The file of one account: a line for each group of the host that counts. */
static void
put_account(struct wr *w, const struct policy *p, struct span host,
    struct span account)
{
	wr_str(w, "principals/");
	wr_span(w, account);
	wr_str(w, ":\n");
	for (size_t g = 0; g < policy_count(p); g++) {
		const struct block *b = policy_at(p, g);
		bool any = false;

		if (b->kind != BLOCK_HOST_GROUP ||
		    !group_has(&b->host_group, host))
			continue;
		for (size_t i = 0; i < policy_count(p) && !any; i++)
			any = policy_at(p, i)->kind == BLOCK_ROLE &&
			    reaches(&policy_at(p, i)->role, account, b->name);
		if (!any)
			continue;
		wr_span(w, account);
		wr_u8(w, '.');
		wr_span(w, b->name);
		wr_u8(w, '\n');
	}
}

/* The smallest account above last of a role that reaches the host. */
static struct span
next_account(const struct policy *p, struct span host, struct span last)
{
	struct span best = SPAN_NONE;

	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);

		if (b->kind != BLOCK_ROLE)
			continue;
		for (size_t g = 0; g < b->role.host_groups.n; g++) {
			const struct block *hg = policy_get(p,
			    BLOCK_HOST_GROUP, b->role.host_groups.v[g]);

			if (hg == NULL || !group_has(&hg->host_group, host))
				continue;
			for (size_t a = 0; a < b->role.accounts.n; a++) {
				struct span s = b->role.accounts.v[a];

				if (span_cmp(s, last) > 0 && (best.n == 0 ||
				    span_cmp(s, best) < 0))
					best = s;
			}
		}
	}
	return best;
}

enum jit_err
principals_put(struct wr *w, const struct policy *p, struct span name,
    struct jit_why *why)
{
	const struct block *b = policy_get(p, BLOCK_HOST, name);
	struct span account = SPAN_NONE;
	char shown[64];

	if (b == NULL)
		return jit_fail(why, JIT_E_UNKNOWN, "there is no host \"%s\"",
		    text_shown(name, shown, sizeof(shown)));
	while ((account = next_account(p, b->name, account)).n > 0)
		put_account(w, p, b->name, account);
	return w->err;
}
