/* request - ask for a role: sign the request and send it. */
#include <string.h>

#include "cli/ask.h"
#include "cli/await.h"

/* What an earlier request asked for, where nothing else was said. */
static enum jit_err
take_like(struct desk *d, const char *typed, struct dossier **like,
    struct buf *role, struct buf *reason, struct want *w,
    struct jit_why *why)
{
	const utc_s now = cli_now(d->c);
	const struct request *q;

	JIT_TRY(desk_find(d, typed, like, NULL, why));
	q = &(*like)->h.request->req;
	JIT_TRY(buf_copy(role, q->role));
	JIT_TRY(buf_copy(reason, q->reason));
	if (w->role == NULL)
		w->role = (const char *)role->p;
	if (w->reason == NULL && q->reason.n > 0)
		w->reason = (const char *)reason->p;
	/* Another role may not allow as much. */
	if (w->duration == 0 && span_eq_str(q->role, w->role))
		w->duration = q->duration;
	if (w->opens == 0 && w->closes == 0 && q->opens > now) {
		w->opens = q->opens;
		w->closes = q->closes;
	}
	return JIT_OK;
}

static enum jit_err
take_args(struct cli *c, const struct args *a, struct want *w,
    struct jit_why *why)
{
	const utc_s now = cli_now(c);

	w->role = a->n > 0 ? a->operand[0] : NULL;
	w->reason = args_get(a, OPT_REASON);
	w->key_type = args_get(a, OPT_KEY_TYPE);
	if (w->role == NULL && !args_has(a, OPT_LIKE))
		return jit_fail(why, JIT_E_ARG, "request: which role?  "
		    "jit-cert roles lists them; --like ID takes an earlier "
		    "request's");
	JIT_TRY(args_dur(a, OPT_FOR, &w->duration, why));
	JIT_TRY(args_when(a, OPT_OPENS, true, now, &w->opens, why));
	return args_when(a, OPT_CLOSES, true, now, &w->closes, why);
}

/* It is in the log: who is next. */
static int
say_asked(struct desk *d, const struct ulid *id)
{
	JIT_DONE(wr_done) struct wr who = WR_INIT(4096);
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	struct quorum q = { 0 };
	struct jit_why why = { 0 };
	const char *end = desk_short(d, id);
	bool ssh;
	utc_s now = 0;
	enum jit_err e;

	if ((e = session_show(d->s, id, &r, &now, &why)) != JIT_OK)
		return out_error(d->c, e, &why);
	(void)desk_standing(d, r, now, &q, NULL);
	(void)ask_put_approvers(d, r, &who);
	ssh = r->h.request->req.kind == KIND_SSH_USER;
	out_say(d->c, "Asked, log #%llu. It needs %u of: %.*s. Send them: "
	    "jit-cert approve %s\nThen: jit-cert collect %s, or at once "
	    "jit-cert %s %.*s -- %s\n",
	    (unsigned long long)r->h.request_index, q.need,
	    OUT_SPAN(wr_view(&who)), end, end, ssh ? "ssh" : "exec",
	    OUT_SPAN(r->h.request->req.role), ssh ? "HOST" : "COMMAND");
	out_json(d->c, d->c->out.json ? await_json(d, r, now) : NULL);
	return CLI_DONE;
}

static int
wait_for(struct desk *d, const struct ulid *id, dur_s timeout)
{
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	JIT_DONE(wr_done) struct wr by = WR_INIT(8192);
	utc_s now;
	int status = await(d, id, timeout > 0 ? timeout * 1000 :
	    AWAIT_FOREVER, &r, &now);

	if (status != CLI_DONE)
		return status;
	ask_put_counted(d, r, &by);
	out_say(d->c, "Approved by %.*s. Take it: jit-cert collect %s\n",
	    OUT_SPAN(wr_view(&by)), desk_short(d, id));
	out_json(d->c, d->c->out.json ? await_json(d, r, now) : NULL);
	return CLI_DONE;
}

int
verb_request(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *like = NULL;
	JIT_DONE(buf_done) struct buf role = { 0 };
	JIT_DONE(buf_done) struct buf reason = { 0 };
	struct want w = { 0 };
	struct ulid id;
	struct jit_why why = { 0 };
	dur_s timeout = 0;
	enum jit_err e;
	int status;

	if ((e = take_args(c, a, &w, &why)) != JIT_OK ||
	    (e = args_dur(a, OPT_TIMEOUT, &timeout, &why)) != JIT_OK ||
	    (e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (args_has(a, OPT_LIKE) && (e = take_like(&d, args_get(a, OPT_LIKE),
	    &like, &role, &reason, &w, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if ((status = ask_send(&d, &w, &id)) != CLI_DONE ||
	    (status = say_asked(&d, &id)) != CLI_DONE)
		return status;
	return args_has(a, OPT_WAIT) || args_has(a, OPT_TIMEOUT) ?
	    wait_for(&d, &id, timeout) : CLI_DONE;
}
