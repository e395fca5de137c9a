/* ssh - log in under a role, asking and waiting first if that is needed. */
#include <string.h>

#include "cli/await.h"
#include "cli/hop.h"
#include "cli/mine.h"

/* What the command line says. */
struct going {
	const struct args *a;
	struct want want;
	const struct role *role;
	struct hop hop;
	int64_t ms;			/* to wait */
};

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
	if (g->role->kind != KIND_SSH_USER)
		return jit_fail(why, JIT_E_ARG, "%.*s gives an X.509 "
		    "certificate, not one for ssh: jit-cert exec %.*s -- "
		    "COMMAND uses it", OUT_SPAN(g->role->name),
		    OUT_SPAN(g->role->name));
	return hop_choose(d->policy, g->role, g->a->operand[1],
	    args_get(g->a, OPT_ACCOUNT), &g->hop, why);
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

	mine_wait_a_moment(d, opens);
	/* Not collected yet: its time would begin without the person. */
	if (opens > desk_now(d)) {
		(void)out_outcome(d->c, "LATER", JIT_E_PENDING, "Approved, "
		    "and it opens %s. Run this again then.", when_text(
		    WHEN_BOTH, opens, desk_now(d), from));
		return CLI_CHILD;
	}
	/* The policy may have been read anew while waiting. */
	if ((e = choose(d, g, &why)) != JIT_OK ||
	    (e = fetch(d, r, &f, &why)) != JIT_OK ||
	    /* Which connects anew when the CA keys have changed. */
	    (e = choose(d, g, &why)) != JIT_OK)
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
	if (mine_get(&d, &g.want, g.ms, &r) != CLI_DONE)
		return CLI_CHILD;
	return connect_to(&d, &g, r);
}
