/* show - one request: what it opens, who decided what, where it stands. */
#include "cli/ask.h"
#include "cli/tell.h"

/* "1 of 2 of sre: bob 22:03; can still approve: carol, dan" */
static void
tell_needs(struct desk *d, const struct dossier *r, utc_s now)
{
	JIT_DONE(wr_done) struct wr have = WR_INIT(65536);
	JIT_DONE(wr_done) struct wr can = WR_INIT(65536);
	bool open = desk_standing(d, r, now, NULL, NULL) == STAND_PENDING;

	tell_put_quorum(&have, d, r, now);
	if (open && ask_put_approvers(d, r, &can) > 0)
		out_say(d->c, "  needs  %.*s; can still approve: %.*s\n",
		    OUT_SPAN(wr_view(&have)), OUT_SPAN(wr_view(&can)));
	else
		out_say(d->c, "  needs  %.*s\n", OUT_SPAN(wr_view(&have)));
}

int
verb_show(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	JIT_DONE(wr_done) struct wr standing = WR_INIT(1024);
	struct jit_why why = { 0 }, differs = { 0 };
	enum jit_err e;
	utc_s now = 0;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_find(&d, a->operand[0], &r, &now, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (r->h.issued &&
	    (e = session_check_issued(d.s, r, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (args_has(a, OPT_TEXT)) {
		out_bytes(c, BUF_SPAN(r->h.request->text));
		return CLI_DONE;
	}
	tell_request(&d, r, now);
	tell_put_standing(&standing, &d, r, now);
	tell_needs(&d, r, now);
	out_say(c, "  state  %.*s\n", OUT_SPAN(wr_view(&standing)));
	tell_history(&d, r, now);
	out_say(c, "  id     %s, log #%llu\n", r->id.s,
	    (unsigned long long)r->h.request_index);
	e = tell_check(d.policy, session_log_id(d.s), session_keys(d.s), r,
	    &differs);
	if (e == JIT_E_RENDER || e == JIT_E_KEYUNKNOWN || e == JIT_E_LOGNAME)
		out_note(c, "It is not what the policy in force would open: "
		    "%s\n", differs.msg);
	out_json(c, tell_json(&d, r, now));
	return CLI_DONE;
}
