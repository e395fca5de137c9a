/* ssh - log in under a role, asking and waiting first if that is needed. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/await.h"
#include "cli/hop.h"

#define SSH_LEFT_MIN 5		/* s; a certificate that ends is none */
#define A_MOMENT 3		/* s until a window opens */

/* How good an own request of that role is to begin with; 0: not at all. */
static int
rank(struct desk *d, const struct dossier *r, utc_s now, bool *lost)
{
	int is;

	switch (desk_standing(d, r, now, NULL, NULL)) {
	case STAND_ACTIVE:
		is = r->h.issued_until - now < SSH_LEFT_MIN ? 0 : 3;
		break;
	case STAND_APPROVED:
		is = 2;
		break;
	case STAND_PENDING:
		is = 1;
		break;
	default:
		is = 0;
		break;
	}
	if (is == 0 || fetch_can(d, r))
		return is;
	*lost = true;
	return 0;
}

/* What the command line says. */
struct going {
	const struct args *a;
	struct want want;
	const struct role *role;
	struct hop hop;
	int64_t ms;			/* to wait */
};

/* It is never asked twice: so what is wanted now may not be what was. */
static void
say_found(struct desk *d, const struct going *g, const struct dossier *r,
    int is, utc_s now)
{
	const struct request *q = &r->h.request->req;
	const struct want *w = &g->want;

	if (is < 3)
		ask_say_request(d, q, now);
	if ((w->reason == NULL || span_eq_str(q->reason, w->reason)) &&
	    (w->duration == 0 || w->duration == q->duration))
		return;
	out_note(d->c, "  This one is open already, with its own reason and "
	    "duration. To ask anew: jit-cert %s %s\n", is < 3 ? "cancel" :
	    "drop", desk_short(d, &q->id));
}

/*
 * A live certificate or an open request of mine for the role: it is never
 * asked twice.
 */
static enum jit_err
find_mine(struct desk *d, const struct going *g, struct ulid *ret,
    bool *found, struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };
	const struct role *role = g->role;
	size_t at = 0;
	int best = 0;

	JIT_TRY(desk_list(d, &l, why));
	for (size_t i = 0; i < l.n; i++) {
		const struct request *q = &l.v[i]->h.request->req;
		bool lost = false, stale = false;
		int is;

		if (!desk_is_me(d, q->requester) ||
		    !span_eq(q->role, role->name))
			continue;
		(void)desk_standing(d, l.v[i], l.now, NULL, &stale);
		is = stale ? 0 : rank(d, l.v[i], l.now, &lost);
		if (lost)
			out_note(d->c, "Your request %s for %.*s is open as "
			    "well, but its key is not on this machine; "
			    "jit-cert cancel or drop ends it.\n",
			    desk_short(d, &l.v[i]->id),
			    OUT_SPAN(role->name));
		if (is <= best)
			continue;
		best = is;
		at = i;
	}
	*found = best > 0;
	if (!*found)
		return JIT_OK;
	*ret = l.v[at]->id;
	say_found(d, g, l.v[at], best, l.now);
	return JIT_OK;
}

/* From the request to the approval that completed it. */
static dur_s
decided_after(const struct dossier *r)
{
	const size_t n = r->h.n_decisions;
	const dur_s s = n == 0 ? 0 : r->h.decision[n - 1]->dec.decided -
	    r->h.request->req.created;

	return s < 0 ? 0 : s;
}

static void
say_connecting(struct desk *d, const struct hop *h, const struct dossier *r,
    const struct fetched *f)
{
	JIT_DONE(wr_done) struct wr by = WR_INIT(8192);
	const struct ssh_cert_fields *cf = ssh_cert_fields(f->cert);
	const utc_s now = desk_now(d);
	char until[WHEN_TEXT], left[WHEN_TEXT], after[WHEN_TEXT];

	ask_put_counted(d, r, &by);
	out_note(d->c, "Approved by %.*s after %s. Serial %llu, until %s (%s). "
	    "Connecting to %.*s@%.*s …\n", OUT_SPAN(wr_view(&by)),
	    when_dur(decided_after(r), after),
	    (unsigned long long)cf->serial,
	    when_text(WHEN_EXACT, cf->before, now, until),
	    when_dur(cf->before - now, left), OUT_SPAN(h->account),
	    OUT_SPAN(h->host->name));
}

static void
say_logout(struct desk *d, const struct dossier *r, const struct fetched *f)
{
	const dur_s left = ssh_cert_fields(f->cert)->before - desk_now(d);
	char text[WHEN_TEXT];

	if (left <= 0)
		return;
	out_note(d->c, "[logout] %.*s stays open %s. Close it now: jit-cert "
	    "drop %s\n", OUT_SPAN(r->h.request->req.role),
	    when_dur(left, text), desk_short(d, &r->id));
}

static enum jit_err
take_args(const struct args *a, struct going *g, struct jit_why *why)
{
	dur_s timeout = 0;

	g->a = a;
	g->want.role = a->operand[0];
	g->want.reason = args_get(a, OPT_REASON);
	JIT_TRY(args_dur(a, OPT_FOR, &g->want.duration, why));
	JIT_TRY(args_dur(a, OPT_TIMEOUT, &timeout, why));
	g->ms = args_has(a, OPT_NO_WAIT) ? 0 : timeout > 0 ? timeout * 1000 :
	    AWAIT_FOREVER;
	return JIT_OK;
}

/* Role and server as the policy in force has them. */
static enum jit_err
choose(struct desk *d, struct going *g, struct jit_why *why)
{
	JIT_TRY(ask_find_role(d, g->a->operand[0], &g->role, why));
	return hop_choose(d->policy, g->role, g->a->operand[1],
	    args_get(g->a, OPT_ACCOUNT), &g->hop, why);
}

/* Until there is something to collect. */
static int
get_approved(struct desk *d, struct going *g, struct dossier **r)
{
	struct jit_why why = { 0 };
	struct ulid id;
	bool found = false;
	utc_s now;
	enum jit_err e;
	int status;

	if ((e = find_mine(d, g, &id, &found, &why)) != JIT_OK)
		return out_error(d->c, e, &why);
	if (!found && (status = ask_send(d, &g->want, &id)) != CLI_DONE)
		return status;
	return await(d, &id, g->ms, r, &now);
}

/* A window that opens in a moment is waited for, not told of. */
static void
wait_a_moment(const struct desk *d, utc_s opens)
{
	while (opens > desk_now(d) && opens - desk_now(d) <= A_MOMENT)
		(void)poll(NULL, 0, 100);
}

static int
connect_to(struct desk *d, struct going *g, const struct dossier *r)
{
	static const char *const none[] = { NULL };
	JIT_SCOPED(free) const char **command = NULL;
	JIT_DONE(fetched_done) struct fetched f = { 0 };
	struct jit_why why = { 0 };
	const utc_s opens = r->h.request->req.opens;
	const size_t n = g->a->n - 2;
	char from[WHEN_TEXT];
	enum jit_err e;
	int status = CLI_CHILD;

	wait_a_moment(d, opens);
	/* Not collected yet: its time would begin without the person. */
	if (opens > desk_now(d)) {
		(void)out_outcome(d->c, "LATER", JIT_E_PENDING, "Approved, "
		    "and it opens %s. Run this again then.", when_text(
		    WHEN_BOTH, opens, desk_now(d), from));
		return CLI_CHILD;
	}
	/* The policy may have been read anew while waiting. */
	if ((e = choose(d, g, &why)) != JIT_OK ||
	    (e = fetch(d, r, &f, &why)) != JIT_OK)
		return out_error_exit(d->c, e, &why, CLI_CHILD);
	if ((command = calloc(n + 1, sizeof(*command))) == NULL)
		return out_error_exit(d->c, JIT_E_NOMEM, NULL, CLI_CHILD);
	for (size_t i = 0; i < n; i++)
		command[i] = g->a->operand[2 + i];
	say_connecting(d, &g->hop, r, &f);
	desk_hang_up(d);
	if ((e = hop_run(d, &g->hop, &f, n > 0 ? command : none, &status,
	    &why)) != JIT_OK)
		return out_error_exit(d->c, e, &why, CLI_CHILD);
	if (status != 255)
		say_logout(d, r, &f);
	return status;
}

int
verb_ssh(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	struct going g = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e;

	/* Standard output is the other side's. */
	out_say_on_stderr(c);
	if ((e = take_args(a, &g, &why)) != JIT_OK ||
	    (e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK ||
	    (e = choose(&d, &g, &why)) != JIT_OK)
		return out_error_exit(c, e, &why, CLI_CHILD);
	if (get_approved(&d, &g, &r) != CLI_DONE)
		return CLI_CHILD;
	return connect_to(&d, &g, r);
}
