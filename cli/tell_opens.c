/* tell_opens - what a request opens, in words. */
#include <string.h>

#include "cli/opens.h"
#include "cli/tell.h"

/* What an option means to somebody who has to allow it. */
struct meaning {
	const char *option, *with, *without;
};
static const struct meaning meanings[] = {
	{ "permit-pty", "terminal", "no terminal" },
	{ "permit-port-forwarding", "PORT FORWARDING", NULL },
	{ "permit-agent-forwarding", "AGENT FORWARDING", NULL },
	{ "permit-X11-forwarding", "X11 FORWARDING", NULL },
	{ "permit-user-rc", "runs ~/.ssh/rc", NULL },
	{ "no-touch-required", "NO TOUCH OF THE KEY NEEDED", NULL },
	{ "verify-required", "only with the key's PIN", NULL },
};

static bool
has_option(const struct request *q, const char *name)
{
	for (size_t i = 0; i < q->n_options; i++)
		if (span_eq_str(q->options[i], name))
			return true;
	return false;
}

static bool
forwards(const struct request *q)
{
	return has_option(q, "permit-port-forwarding") ||
	    has_option(q, "permit-agent-forwarding") ||
	    has_option(q, "permit-X11-forwarding");
}

/* The value of "name=value", or none. */
static struct span
option_value(const struct request *q, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < q->n_options; i++) {
		struct span o = q->options[i];

		if (o.n > n && memcmp(o.p, name, n) == 0 && o.p[n] == '=')
			return SPAN(o.p + n + 1, o.n - n - 1);
	}
	return SPAN_NONE;
}

static void
put_options(struct wr *w, const struct request *q)
{
	struct span command = option_value(q, "force-command");
	struct span from = option_value(q, "source-address");

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		const struct meaning *m = &meanings[i];
		bool on = has_option(q, m->option);

		if (on || m->without != NULL)
			wr_fmt(w, "; %s", on ? m->with : m->without);
	}
	if (command.n > 0) {
		wr_str(w, "; only the command ");
		wr_span(w, command);
	} else {
		wr_str(w, "; any command");
	}
	if (from.n > 0) {
		wr_str(w, "; only from ");
		wr_span(w, from);
	}
	if (!forwards(q))
		wr_str(w, "; NO forwarding");
}

/* A principal is <account>.<host group>. */
static void
split(struct span principal, struct span *account, struct span *group)
{
	size_t dot = principal.n;

	while (dot > 0 && principal.p[dot - 1] != '.')
		dot--;
	*account = SPAN(principal.p, dot > 0 ? dot - 1 : 0);
	*group = SPAN(principal.p + dot, principal.n - dot);
}

static void
put_principal(struct wr *w, const struct policy *p, struct span principal)
{
	struct span account, group;
	const struct block *b;

	split(principal, &account, &group);
	b = policy_get(p, BLOCK_HOST_GROUP, group);
	wr_str(w, "login as ");
	wr_span(w, account);
	wr_str(w, " on ");
	for (size_t i = 0; b != NULL && i < b->host_group.n &&
	    i < TELL_SERVERS; i++) {
		wr_str(w, i > 0 ? ", " : "");
		wr_span(w, b->host_group.hosts[i]);
	}
	if (b == NULL)
		wr_str(w, "UNKNOWN SERVERS");
	else if (b->host_group.n > TELL_SERVERS)
		wr_fmt(w, " and %zu more", b->host_group.n - TELL_SERVERS);
	wr_str(w, " (principal ");
	wr_span(w, principal);
	wr_str(w, ")");
}

void
tell_put_opens(struct wr *w, const struct policy *p, const struct request *q)
{
	if (q->kind == KIND_X509) {
		opens_put_names(w, q);
		wr_str(w, "; ");
		opens_put_end(w, q);
		return;
	}
	for (size_t i = 0; i < q->n_principals; i++) {
		wr_str(w, i > 0 ? "; " : "");
		put_principal(w, p, q->principals[i]);
	}
	put_options(w, q);
}

static bool
is_before(const struct request *q, size_t n, struct span group)
{
	struct span account, other;

	for (size_t i = 0; i < n; i++) {
		split(q->principals[i], &account, &other);
		if (span_eq(other, group))
			return true;
	}
	return false;
}

void
tell_put_servers(struct wr *w, const struct policy *p,
    const struct request *q, size_t above)
{
	for (size_t i = 0; i < q->n_principals; i++) {
		struct span account, group;
		const struct block *b;

		split(q->principals[i], &account, &group);
		b = policy_get(p, BLOCK_HOST_GROUP, group);
		if (b == NULL || b->host_group.n <= above ||
		    is_before(q, i, group))
			continue;
		wr_span(w, group);
		for (size_t k = 0; k < b->host_group.n; k++) {
			wr_str(w, k > 0 ? ", " : ": ");
			wr_span(w, b->host_group.hosts[k]);
		}
		wr_u8(w, '\n');
	}
}
