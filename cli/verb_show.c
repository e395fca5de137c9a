/* show - one request: what it opens, who decided what, where it stands. */
#include "cli/ask.h"
#include "cli/tell.h"

struct showing {
	struct desk *d;
	struct dossier *r;		/* owned */
	utc_s now;
	const struct policy *p;		/* it is told under; borrowed */
	uint64_t policy_index;
	enum standing s;
};

static void
showing_done(struct showing *x)
{
	dossier_free(x->r);
}
JIT_SCOPED_OBJ(struct showing, showing_done);

static bool
is_open(const struct showing *x)
{
	return x->s == STAND_PENDING || x->s == STAND_APPROVED;
}

/* "2 of sre: bob 22:03; can still approve: carol, dan" */
static void
tell_needs(const struct showing *x)
{
	JIT_DONE(wr_done) struct wr have = WR_INIT(65536);
	JIT_DONE(wr_done) struct wr can = WR_INIT(65536);
	struct quorum q = { 0 };

	/* What is over needs nothing; a role may change after that. */
	if (!is_open(x) && judge_quorum(x->p, &x->r->h, &q, NULL) != JIT_OK)
		return;
	tell_put_quorum(&have, x->p, x->r, x->now);
	if (x->s == STAND_PENDING && ask_put_approvers(x->d, x->r, &can) > 0)
		out_say(x->d->c, "  needs  %.*s; can still approve: %.*s\n",
		    OUT_SPAN(wr_view(&have)), OUT_SPAN(wr_view(&can)));
	else
		out_say(x->d->c, "  needs  %.*s\n", OUT_SPAN(wr_view(&have)));
}

/* Is it what the policy opens?  Who left since has lied to nobody. */
static void
tell_differs(const struct showing *x)
{
	const struct own_keys *own = NULL;
	struct jit_why why = { 0 };
	enum jit_err e = session_keys_before(x->d->s, x->r->h.request_index,
	    &own, NULL, &why);

	if (e == JIT_OK)
		e = tell_check(x->p, session_log_id(x->d->s), own, x->r,
		    &why);
	if (e == JIT_E_RENDER || e == JIT_E_LOGNAME ||
	    ((e == JIT_E_KEYUNKNOWN || e == JIT_E_PERSON) && is_open(x)))
		out_note(x->d->c, "It is not what the policy would open: "
		    "%s\n", why.msg);
}

static void
tell_all(const struct showing *x)
{
	JIT_DONE(wr_done) struct wr standing = WR_INIT(1024);
	JIT_DONE(wr_done) struct wr servers = WR_INIT(1u << 20);
	struct cli *c = x->d->c;

	tell_request(x->d, x->p, x->r, x->now);
	tell_put_servers(&servers, x->p, &x->r->h.request->req, TELL_SERVERS);
	out_text(c, "         ", wr_view(&servers));
	tell_put_standing(&standing, x->d, x->r, x->now);
	tell_needs(x);
	out_say(c, "  state  %.*s\n", OUT_SPAN(wr_view(&standing)));
	tell_history(x->d, x->r, x->now);
	if (x->policy_index != x->d->policy_index)
		out_say(c, "  policy log #%llu, which the certificate rests "
		    "on; in force is #%llu\n",
		    (unsigned long long)x->policy_index,
		    (unsigned long long)x->d->policy_index);
	out_say(c, "  id     %s, log #%llu\n", x->r->id.s,
	    (unsigned long long)x->r->h.request_index);
	tell_differs(x);
	out_json(c, tell_json(x->d, x->r, x->now));
}

/* The bytes alone, or as one object. */
static void
tell_text(const struct showing *x)
{
	struct span text = BUF_SPAN(x->r->h.request->text);

	if (!x->d->c->out.json)
		out_bytes(x->d->c, text);
	out_json(x->d->c, json_pack("{s:s, s:o}", "id", x->r->id.s, "text",
	    out_json_span(text)));
}

int
verb_show(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_DONE(showing_done) struct showing x = { .d = &d };
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_find(&d, a->operand[0], &x.r, &x.now, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (x.r->h.issued &&
	    (e = session_check_issued(d.s, x.r, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if ((e = tell_policy(&d, x.r, &x.p, &x.policy_index, &why)) != JIT_OK)
		return out_error(c, e, &why);
	x.s = desk_standing(&d, x.r, x.now, NULL, NULL);
	if (args_has(a, OPT_TEXT))
		tell_text(&x);
	else
		tell_all(&x);
	return CLI_DONE;
}
