/* wait - until a request is decided. */
#include "cli/ask.h"
#include "cli/await.h"

int
verb_wait(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *found = NULL;
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	JIT_DONE(wr_done) struct wr by = WR_INIT(8192);
	struct ulid id;
	struct jit_why why = { 0 };
	dur_s timeout = 0;
	utc_s now;
	enum jit_err e;
	int status;

	if ((e = args_dur(a, OPT_TIMEOUT, &timeout, &why)) != JIT_OK ||
	    (e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_find(&d, a->operand[0], &found, NULL, &why)) != JIT_OK)
		return out_error(c, e, &why);
	id = found->id;
	status = await(&d, &id, args_has(a, OPT_NO_WAIT) ? 0 : timeout > 0 ?
	    timeout * 1000 : AWAIT_FOREVER, &r, &now);
	if (status != CLI_DONE)
		return status;
	ask_put_counted(&d, r, &by);
	if (r->h.issued)
		out_say(c, "Approved, and collected already.\n");
	else
		out_say(c, "Approved by %.*s. Take it: jit-cert collect %s\n",
		    OUT_SPAN(wr_view(&by)), desk_short(&d, &id));
	out_json(c, c->out.json ? await_json(&d, r, now) : NULL);
	return CLI_DONE;
}
