/*
 * approve, deny - see exactly what a request opens, then sign that.
 *
 * What is shown is the text that is signed: parsed here, its signatures
 * verified here, held against the proven role.  Right before signing the log
 * is asked again, so that nobody signs what is decided already.
 */
#include <string.h>

#include "cli/tell.h"

struct deciding {
	struct desk *d;
	const struct args *a;
	bool approve;			/* what was typed; a key may change it */
	struct dossier *r;		/* owned */
	utc_s now;
	const struct role *role;
};

static void
deciding_done(struct deciding *x)
{
	dossier_free(x->r);
}
JIT_SCOPED_OBJ(struct deciding, deciding_done);

/* ---- may it be decided at all? ---- */

static int
say_late(struct deciding *x, enum jit_err e, const char *what, utc_s at)
{
	char ago[WHEN_TEXT];

	return out_outcome(x->d->c, "LATE", e, "%s %s; nothing was signed.",
	    what, when_ago(at, x->now, ago));
}

/* The deny that ended it, in words. */
static int
say_denied(struct deciding *x)
{
	const struct open_decision *o =
	    x->r->h.decision[x->r->h.n_decisions - 1];
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);

	wr_span(&w, o->dec.approver);
	wr_str(&w, " denied it");
	wr_u8(&w, 0);
	return say_late(x, JIT_E_DENIED, w.err == JIT_OK ?
	    (const char *)w.p : "denied", o->dec.decided);
}

/* CLI_DONE: it is still open. */
static int
check_open(struct deciding *x)
{
	const struct dossier *r = x->r;
	utc_s last = r->entry[r->n - 1].e.time;

	switch (desk_standing(x->d, r, x->now, NULL, NULL)) {
	case STAND_DENIED:
		return say_denied(x);
	case STAND_CANCELLED:
		return say_late(x, JIT_E_CANCELLED, "its requester cancelled "
		    "it", last);
	case STAND_DROPPED:
		return say_late(x, JIT_E_DROPPED, "its requester gave the "
		    "access back", last);
	case STAND_CLOSED:
		return say_late(x, JIT_E_EXPIRED, "its window closed",
		    r->h.request->req.closes);
	case STAND_ENDED:
		return say_late(x, JIT_E_EXPIRED, "its access ended",
		    r->h.issued_until);
	case STAND_ACTIVE:
		return say_late(x, JIT_E_ISSUED, "the certificate was issued",
		    r->entry[r->issued_at].e.time);
	case STAND_PENDING:
	case STAND_APPROVED:
	case STANDINGS:
		break;
	}
	return CLI_DONE;
}

/* Somebody who could: for those who cannot. */
static void
put_others(struct deciding *x, struct wr *w)
{
	const struct request *q = &x->r->h.request->req;
	size_t n = 0;

	for (size_t i = 0; i < policy_count(x->d->policy); i++) {
		const struct block *b = policy_at(x->d->policy, i);

		if (b->kind != BLOCK_PERSON ||
		    !role_may_approve(x->role, &b->person, q->requester))
			continue;
		wr_str(w, n++ > 0 ? ", " : "");
		wr_span(w, b->name);
	}
}

/* The newest decision of mine, NULL: none. */
static const struct open_decision *
my_last(const struct deciding *x)
{
	for (size_t i = x->r->h.n_decisions; i > 0; i--)
		if (desk_is_me(x->d, x->r->h.decision[i - 1]->dec.approver))
			return x->r->h.decision[i - 1];
	return NULL;
}

static int
check_me(struct deciding *x)
{
	JIT_DONE(wr_done) struct wr others = WR_INIT(65536);
	const struct request *q = &x->r->h.request->req;
	const struct open_decision *mine = my_last(x);
	struct jit_why why = { 0 };
	char ago[WHEN_TEXT];

	put_others(x, &others);
	if (desk_is_me(x->d, q->requester))
		return out_outcome(x->d->c, "OWN", JIT_E_SELF, "You asked for "
		    "this; somebody else must decide (%.*s).",
		    OUT_SPAN(wr_view(&others)));
	if (!role_may_approve(x->role, x->d->me, q->requester))
		return out_error(x->d->c, jit_fail(&why, JIT_E_APPROVER, "you "
		    "may not decide on this role; %.*s may",
		    OUT_SPAN(wr_view(&others))), &why);
	if (x->approve && mine != NULL &&
	    mine->dec.verdict == VERDICT_APPROVE)
		return out_outcome(x->d->c, "LATE", JIT_E_DECIDED, "You "
		    "approved it %s; nothing was signed. To take that back: "
		    "jit-cert deny %s", when_ago(mine->dec.decided, x->now,
		    ago), desk_short(x->d, &x->r->id));
	return CLI_DONE;
}

static int
say_mismatch(struct deciding *x, const struct jit_why *why)
{
	return out_outcome(x->d->c, "MISMATCH", JIT_E_VERIFY, "NOT SIGNED. "
	    "Against the proven policy this text differs: %s. Tell security.",
	    why->msg);
}

/* Is it whole, open, and mine to decide? */
static int
check(struct deciding *x)
{
	struct jit_why why = { 0 };
	enum jit_err e;
	int status;

	if ((status = check_open(x)) != CLI_DONE)
		return status;
	e = tell_check(x->d, x->r, &why);
	if (e == JIT_E_ROLE || e == JIT_E_STALE)
		return out_error(x->d->c, e, &why);
	if (e != JIT_OK)
		return say_mismatch(x, &why);
	x->role = policy_role(x->d->policy, x->r->h.request->req.role);
	return check_me(x);
}

/* ---- what is new about it ---- */

/* The same person's last one for that role that was issued. */
static const struct dossier *
last_time(const struct deciding *x, const struct dossiers *v)
{
	const struct request *q = &x->r->h.request->req;

	for (size_t i = v->n; i > 0; i--) {
		const struct dossier *r = v->v[i - 1];
		const struct request *o = &r->h.request->req;

		if (r->h.issued && strcmp(r->id.s, x->r->id.s) != 0 &&
		    span_eq(o->requester, q->requester) &&
		    span_eq(o->role, q->role))
			return r;
	}
	return NULL;
}

static void
tell_new(struct deciding *x)
{
	JIT_DONE(dossiers_done) struct dossiers v = { 0 };
	const struct request *q = &x->r->h.request->req, *o;
	const struct dossier *last;
	char now[WHEN_TEXT], then[WHEN_TEXT], day[WHEN_TEXT];
	struct jit_why why = { 0 };

	if (desk_list(x->d, &v, &why) != JIT_OK)
		return;
	if ((last = last_time(x, &v)) == NULL) {
		out_say(x->d->c, "  new    no certificate of this role for "
		    "them lately\n");
		return;
	}
	o = &last->h.request->req;
	(void)when_text(WHEN_SHORT, o->created, x->now, day);
	if (q->duration != o->duration)
		out_say(x->d->c, "  new    %s, last time %s (%s)%s\n",
		    when_dur(q->duration, now), when_dur(o->duration, then),
		    day, digest_eq(&q->role_digest, &o->role_digest) ?
		    "; else the same" : "; the role has changed since");
	else
		out_say(x->d->c, "  new    the same as last time (%s)%s\n",
		    day, digest_eq(&q->role_digest, &o->role_digest) ? "" :
		    ", but the role has changed since");
}

static void
show(struct deciding *x)
{
	JIT_DONE(wr_done) struct wr quorum = WR_INIT(65536);
	struct quorum q = { 0 };

	tell_request(x->d, x->r, x->now);
	tell_new(x);
	tell_put_quorum(&quorum, x->d, x->r, x->now);
	(void)desk_standing(x->d, x->r, x->now, &q, NULL);
	out_say(x->d->c, "  needs  %.*s%s\n", OUT_SPAN(wr_view(&quorum)),
	    q.have + 1 == q.need ? ", you are the last" : "");
	tell_history(x->d, x->r, x->now);
}

/* ---- signing ---- */

/* The text that is signed: the request as it was shown, whole. */
static enum jit_err
render(struct deciding *x, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(DECISION_MAX);
	const char *comment = args_get(x->a, OPT_COMMENT);
	struct decision dec = {
		.log = span_str(session_log_id(x->d->s)),
		.verdict = x->approve ? VERDICT_APPROVE : VERDICT_DENY,
		.approver = x->d->me->name,
		.decided = cli_now(x->d->c),
		.request = x->r->id,
		.comment = comment != NULL ? span_str(comment) : SPAN_NONE,
		.request_text = BUF_SPAN(x->r->h.request->text),
	};

	if (dec.comment.n > COMMENT_MAX || span_eq_str(dec.comment, "-"))
		return jit_fail(why, JIT_E_ARG, "--comment: 1 to %d bytes, "
		    "and not \"-\"", COMMENT_MAX);
	JIT_TRY(text_check_plain(dec.comment, why));
	decision_put(&w, &dec);
	return wr_take(&w, ret);
}

/* Nothing has happened to it since it was shown. */
static int
look_again(struct deciding *x)
{
	JIT_SCOPED(dossier_free) struct dossier *now = NULL;
	struct dossier *shown = x->r;
	struct jit_why why = { 0 };
	enum jit_err e;

	e = session_show(x->d->s, &shown->id, &now, &x->now, &why);
	if (e != JIT_OK)
		return out_error(x->d->c, e, &why);
	if (!span_eq(BUF_SPAN(now->h.request->text),
	    BUF_SPAN(shown->h.request->text)))
		return out_outcome(x->d->c, "MISMATCH", JIT_E_VERIFY, "NOT "
		    "SIGNED. The request is another text than the one that "
		    "was shown. Tell security.");
	x->r = now;
	now = shown;
	return check(x);
}

static int
say_done(struct deciding *x, const struct sent *sent)
{
	const struct request *q = &x->r->h.request->req;
	const char *id = desk_short(x->d, &x->r->id);

	if (x->approve)
		out_say(x->d->c, "Approved, log #%llu, proof checked. Until "
		    "%.*s connects you can still take it back: jit-cert deny "
		    "%s\n", (unsigned long long)sent->index,
		    OUT_SPAN(q->requester), id);
	else
		out_say(x->d->c, "Denied, log #%llu, proof checked. %.*s is "
		    "told.\n", (unsigned long long)sent->index,
		    OUT_SPAN(q->requester));
	out_json(x->d->c, json_pack("{s:s, s:s, s:I, s:o}", "id",
	    x->r->id.s, "verdict", x->approve ? "approve" : "deny",
	    "log_index", (json_int_t)sent->index, "time",
	    out_json_utc(sent->time)));
	return CLI_DONE;
}

static int
sign_and_send(struct deciding *x)
{
	JIT_DONE(buf_done) struct buf text = { NULL, 0 }, sig = { NULL, 0 };
	const unsigned proofs = x->role->approve_proofs;
	const struct hand *hand = NULL;
	struct jit_why why = { 0 };
	struct sent sent = { 0 };
	enum jit_err e;
	int status;

	if ((status = look_again(x)) != CLI_DONE)
		return status;
	if ((e = desk_choose(x->d, proofs, &hand, &why)) != JIT_OK ||
	    (e = render(x, &text, &why)) != JIT_OK ||
	    (e = desk_sign(x->d, hand, proofs, NS_DECISION, BUF_SPAN(text),
	    &sig, &why)) != JIT_OK ||
	    (e = session_send(x->d->s, OP_DECISION, BUF_SPAN(text),
	    BUF_SPAN(sig), SPAN_NONE, &sent, &why)) != JIT_OK)
		return out_error(x->d->c, e, &why);
	return say_done(x, &sent);
}

/* ---- asking the person ---- */

static int
ask(struct deciding *x)
{
	JIT_DONE(wr_done) struct wr prompt = WR_INIT(256);
	struct jit_why why = { 0 };
	char key = 0;

	out_put(x->d->c, &prompt, "[a]pprove [d]eny [v]iew signed text "
	    "[q]uit: ");
	for (;;) {
		enum jit_err e = out_ask_key(x->d->c, wr_view(&prompt),
		    "advq", &key, &why);

		if (e != JIT_OK)
			return out_error(x->d->c, jit_at(&why, e, "nobody to "
			    "ask; --yes signs without"), &why);
		if (key == 'q') {
			out_note(x->d->c, "Nothing was signed.\n");
			return CLI_WAITING;
		}
		if (key == 'v') {
			out_text(x->d->c, "    ",
			    BUF_SPAN(x->r->h.request->text));
			continue;
		}
		x->approve = key == 'a';
		return sign_and_send(x);
	}
}

static int
decide(struct cli *c, const struct args *a, bool approve)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_DONE(deciding_done) struct deciding x = { .d = &d, .a = a,
	    .approve = approve };
	struct jit_why why = { 0 };
	enum jit_err e;
	int status;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK ||
	    (e = desk_find(&d, a->operand[0], &x.r, &x.now, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if ((status = check(&x)) != CLI_DONE)
		return status;
	show(&x);
	if (args_has(a, OPT_VIEW)) {
		JIT_DONE(buf_done) struct buf text = { NULL, 0 };

		if ((e = render(&x, &text, &why)) != JIT_OK)
			return out_error(c, e, &why);
		out_text(c, "    ", BUF_SPAN(text));
		return CLI_DONE;
	}
	return args_has(a, OPT_YES) ? sign_and_send(&x) : ask(&x);
}

int
verb_approve(struct cli *c, const struct args *a)
{
	return decide(c, a, true);
}

int
verb_deny(struct cli *c, const struct args *a)
{
	return decide(c, a, false);
}
