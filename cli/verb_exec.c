/*
 * exec - run a program with the certificate of an X.509 role, asking and
 * waiting first if that is needed.
 *
 * The program gets paths, by its own environment or options, of files that
 * are gone with it.  How it ends is how we end.
 */
#include <string.h>

#include "cli/await.h"
#include "cli/handout.h"
#include "cli/tools.h"

/* What the command line says. */
struct running {
	const struct args *a;
	struct want want;
	const struct tool *tool;	/* NULL: none of the table */
	int64_t ms;			/* to wait */
};

static enum jit_err
take_args(const struct args *a, struct running *g, struct jit_why *why)
{
	const char *tool = args_get(a, OPT_TOOL);
	dur_s timeout = 0;

	g->a = a;
	/* An option in front of it would be taken for one of ours. */
	if (a->dashes != 1)
		return jit_fail(why, JIT_E_ARG, "the command stands after "
		    "\"--\": jit-cert exec ROLE -- COMMAND...");
	g->want.role = a->operand[0];
	g->want.reason = args_get(a, OPT_REASON);
	JIT_TRY(args_dur(a, OPT_FOR, &g->want.duration, why));
	JIT_TRY(args_dur(a, OPT_TIMEOUT, &timeout, why));
	g->ms = args_has(a, OPT_NO_WAIT) ? 0 : timeout > 0 ? timeout * 1000 :
	    AWAIT_FOREVER;
	if (tool != NULL)
		return tool_named(tool, &g->tool, why);
	g->tool = tool_find(a->operand[1]);
	return JIT_OK;
}

/* The certificate as files; its key leaves our memory. */
static int
hand_out(struct desk *d, const struct running *g, struct child *child,
    struct handout *h, struct ulid *id, char serial[static ISSUED_SERIAL_TEXT],
    char until[static UTC_TEXT])
{
	JIT_DONE(leaf_done) struct leaf l = { .fresh = false };
	struct cli *c = d->c;
	struct jit_why why = { 0 };
	char at[WHEN_TEXT], left[WHEN_TEXT];
	utc_s now;
	enum jit_err e;

	if (leaf_get(d, &g->want, g->ms, &l) != CLI_DONE)
		return CLI_CHILD;
	now = desk_now(d);
	*id = l.id;
	(void)memcpy(serial, l.serial, sizeof(l.serial));
	utc_text(l.until, until);
	if (l.fresh)
		out_note(c, "Certificate %s, until %s (%s). Close it early: "
		    "jit-cert drop %s\n", l.serial, when_text(WHEN_BOTH,
		    l.until, now, at), when_dur(l.until - now, left),
		    desk_short(d, &l.id));
	desk_hang_up(d);
	/* From here on a signal must not end us before it is removed. */
	if ((e = child_begin(child, &why)) != JIT_OK ||
	    (e = handout_make(c, &l, h, &why)) != JIT_OK)
		return out_error_exit(c, e, &why, CLI_CHILD);
	return CLI_DONE;
}

static enum jit_err
run(const struct running *g, const struct handout *h, const char *id,
    const char *serial, const char *until, struct child *child, int *status,
    int *sig, struct jit_why *why)
{
	JIT_DONE(tool_run_done) struct tool_run r = { .argc = 0 };
	const struct tool_facts f = {
		.cert = h->leaf.s, .chain = h->chain.s, .ca = h->ca.s,
		.key = h->key.s, .request = id, .serial = serial,
		.until = until,
	};

	JIT_TRY(tool_prepare(g->tool, &f, g->a->operand + 1, g->a->n - 1, &r,
	    why));
	return child_run(child, r.argv, r.vars, r.n_vars, status, sig, why);
}

static int
run_with(struct desk *d, const struct running *g, int *sig)
{
	JIT_DONE(child_end) struct child child = { .begun = false };
	struct handout h = { .lock = -1 };
	struct jit_why why = { 0 };
	struct ulid id;
	char serial[ISSUED_SERIAL_TEXT], until[UTC_TEXT];
	int status = CLI_CHILD;
	enum jit_err e;

	if (hand_out(d, g, &child, &h, &id, serial, until) != CLI_DONE)
		return CLI_CHILD;
	e = run(g, &h, id.s, serial, until, &child, &status, sig, &why);
	handout_done(d->c, &h);
	return e == JIT_OK ? status : out_error_exit(d->c, e, &why,
	    CLI_CHILD);
}

static int
exec(struct cli *c, const struct args *a, int *sig)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	struct running g = { .ms = 0 };
	struct jit_why why = { 0 };
	enum jit_err e;

	/* Standard output is the program's. */
	out_say_on_stderr(c);
	if ((e = take_args(a, &g, &why)) != JIT_OK ||
	    (e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK)
		return out_error_exit(c, e, &why, CLI_CHILD);
	return run_with(&d, &g, sig);
}

int
verb_exec(struct cli *c, const struct args *a)
{
	int sig = 0, status = exec(c, a, &sig);

	/* All is put away: nothing is left to be lost. */
	if (sig != 0)
		child_die_of(sig);
	return status;
}
