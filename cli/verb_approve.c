/*
 * approve, deny - see exactly what a request opens, then sign that.
 *
 * What is shown is the text that is signed: parsed here, its signatures
 * verified here, held against the proven role.  Right before signing the log
 * is asked again, so that nobody signs what is decided already.
 */
#include "cli/ended.h"
#include "cli/past.h"
#include "cli/tell.h"

struct deciding {
	struct desk *d;
	const struct args *a;
	bool approve;			/* typed; a key may change it */
	struct dossier *r;		/* owned */
	utc_s now;
	const struct role *role;
	struct wr opens;		/* what it opens, as it was shown */
	struct buf comment;		/* owned; typed when asked for */
};

static void
deciding_done(struct deciding *x)
{
	dossier_free(x->r);
	wr_done(&x->opens);
	buf_done(&x->comment);
}
JIT_SCOPED_OBJ(struct deciding, deciding_done);

/* ---- may it be decided at all? ---- */

/*
 * Before anything is signed: what the signer said and what is not so is
 * nothing to try again, but to tell.
 */
static int
refuse(struct cli *c, enum jit_err e, const struct jit_why *why)
{
	if (jit_err_exit(e) != CLI_UNVERIFIED)
		return out_error(c, e, why);
	return out_outcome(c, "MISMATCH", e, "NOT SIGNED. %s. Tell security.",
	    jit_why_text(why, e));
}

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

	if (desk_is_me(x->d, o->dec.approver))
		return say_late(x, JIT_E_DENIED, "You denied it",
		    o->dec.decided);
	wr_span(&w, o->dec.approver);
	wr_str(&w, " denied it");
	wr_u8(&w, 0);
	return say_late(x, JIT_E_DENIED, w.err == JIT_OK ?
	    (const char *)w.p : "denied", o->dec.decided);
}

static int
say_issued(struct deciding *x)
{
	const struct dossier *r = x->r;
	char ago[WHEN_TEXT], until[WHEN_TEXT];

	return out_outcome(x->d->c, "LATE", JIT_E_ISSUED, "The certificate "
	    "was issued %s and lives until %s; nothing was signed. To take it "
	    "back: jit-cert revoke %s",
	    when_ago(r->entry[r->issued_at].e.time, x->now, ago),
	    when_text(WHEN_BOTH, r->h.issued_until, x->now, until),
	    desk_short(x->d, &r->id));
}

/* By a person after it was collected, or by the signer at any time. */
static int
say_revoked(struct deciding *x)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

	(void)ended_put(&w, x->r, x->now);
	return out_outcome(x->d->c, "LATE", JIT_E_REVOKED, "It was %.*s; "
	    "nothing was signed.", OUT_SPAN(wr_view(&w)));
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
		return say_late(x, JIT_E_CANCELLED, ended_by_signer(r) ?
		    "The signer ended it" : "Its requester cancelled it",
		    last);
	case STAND_DROPPED:
		return say_late(x, JIT_E_DROPPED, "Its requester gave the "
		    "access back", last);
	case STAND_REVOKED:
		return say_revoked(x);
	case STAND_CLOSED:
		return say_late(x, JIT_E_EXPIRED, "Its window closed",
		    r->h.request->req.closes);
	case STAND_ENDED:
		return say_late(x, JIT_E_EXPIRED, "Its access ended",
		    r->h.issued_until);
	case STAND_ACTIVE:
		return say_issued(x);
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
		    "this; somebody else must decide (%.*s).%s%s",
		    OUT_SPAN(wr_view(&others)), x->approve ? "" :
		    " To take it back: jit-cert cancel ", x->approve ? "" :
		    desk_short(x->d, &x->r->id));
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
say_mismatch(struct deciding *x, enum jit_err e, const struct jit_why *why)
{
	if (e == JIT_E_NOMEM || e == JIT_E_CRYPTO)
		return out_error(x->d->c, e, why);
	return out_outcome(x->d->c, "MISMATCH", JIT_E_VERIFY, "NOT SIGNED. "
	    "Against the proven policy this text differs: %s. Tell security.",
	    jit_why_text(why, e));
}

/* A policy that changed since does that; nobody has lied. */
static bool
is_of_today(enum jit_err e)
{
	return e == JIT_E_PERSON || e == JIT_E_ROLE || e == JIT_E_STALE ||
	    e == JIT_E_REFUSED || e == JIT_E_WEAKKEY;
}

/* Is it whole, open, and mine to decide? */
static int
check(struct deciding *x)
{
	const struct own_keys *own = NULL;
	struct jit_why why = { 0 };
	enum jit_err e;
	int status;

	if ((status = check_open(x)) != CLI_DONE)
		return status;
	if ((e = session_keys_before(x->d->s, x->r->h.request_index, &own,
	    NULL, &why)) != JIT_OK)
		return refuse(x->d->c, e, &why);
	e = tell_check(x->d->policy, session_log_id(x->d->s), own, x->r,
	    &why);
	if (e != JIT_OK)
		return is_of_today(e) ? out_error(x->d->c, e, &why) :
		    say_mismatch(x, e, &why);
	x->role = policy_role(x->d->policy, x->r->h.request->req.role);
	return check_me(x);
}

/* ---- showing it ---- */

/*
 * What it opens, in words, and every server of it: kept, to be held against
 * what is so later.
 */
static enum jit_err
put_opens(struct deciding *x, struct wr *w)
{
	wr_init(w, 1u << 21);
	tell_put_opens(w, x->d->policy, &x->r->h.request->req);
	tell_put_servers(w, x->d->policy, &x->r->h.request->req, 0);
	return w->err;
}

/* All servers of a group that is too long for its line: they are granted. */
static void
show_servers(struct deciding *x)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 21);

	tell_put_servers(&w, x->d->policy, &x->r->h.request->req,
	    TELL_SERVERS);
	out_text(x->d->c, "    servers of ", wr_view(&w));
}

static int
show(struct deciding *x)
{
	JIT_DONE(wr_done) struct wr quorum = WR_INIT(65536);
	struct quorum q = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e;

	wr_done(&x->opens);
	tell_request(x->d, x->d->policy, x->r, x->now);
	show_servers(x);
	if ((e = put_opens(x, &x->opens)) != JIT_OK ||
	    (e = past_tell_new(x->d, x->r, x->now, &why)) != JIT_OK)
		return refuse(x->d->c, e, &why);
	tell_put_quorum(&quorum, x->d->policy, x->r, x->now);
	(void)desk_standing(x->d, x->r, x->now, &q, NULL);
	out_say(x->d->c, "  needs  %.*s%s\n", OUT_SPAN(wr_view(&quorum)),
	    q.have + 1 == q.need ? (q.need == 1 ? ": you are enough" :
	    ", you are the last") : "");
	tell_history(x->d, x->r, x->now);
	return CLI_DONE;
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
		.comment = comment != NULL ? span_str(comment) :
		    BUF_SPAN(x->comment),
		.request_text = BUF_SPAN(x->r->h.request->text),
	};

	if (dec.comment.n > COMMENT_MAX || span_eq_str(dec.comment, "-"))
		return jit_fail(why, JIT_E_ARG, "a comment has 1 to %d "
		    "bytes, and is not \"-\"", COMMENT_MAX);
	JIT_TRY(text_check_plain(dec.comment, why));
	decision_put(&w, &dec);
	return wr_take(&w, ret);
}

/* Is what it opens still what was shown?  Servers come and go. */
static int
check_shown(struct deciding *x)
{
	JIT_DONE(wr_done) struct wr now = WR_INIT(0);
	struct jit_why why = { 0 };
	enum jit_err e = put_opens(x, &now);

	if (e != JIT_OK)
		return out_error(x->d->c, e, NULL);
	if (span_eq(wr_view(&now), wr_view(&x->opens)))
		return CLI_DONE;
	return out_error(x->d->c, jit_fail(&why, JIT_E_STALE, "the policy "
	    "changed while it was shown, and with it what this opens; "
	    "nothing was signed: look again"), &why);
}

/* Nothing has happened to it since it was shown. */
static int
look_again(struct deciding *x)
{
	JIT_SCOPED(dossier_free) struct dossier *now = NULL;
	struct dossier *shown = x->r;
	struct jit_why why = { 0 };
	enum jit_err e;
	int status;

	if ((e = session_show(x->d->s, &shown->id, &now, &x->now, &why)) !=
	    JIT_OK || (e = desk_refresh(x->d, &why)) != JIT_OK ||
	    (e = desk_who(x->d, &why)) != JIT_OK)
		return refuse(x->d->c, e, &why);
	if (!span_eq(BUF_SPAN(now->h.request->text),
	    BUF_SPAN(shown->h.request->text)))
		return out_outcome(x->d->c, "MISMATCH", JIT_E_VERIFY, "NOT "
		    "SIGNED. The request is another text than the one that "
		    "was shown. Tell security.");
	x->r = now;
	now = shown;
	status = check(x);
	return status == CLI_DONE ? check_shown(x) : status;
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

/* It is signed, and the signer refused it, or proves nothing. */
static int
say_unsure(struct deciding *x, enum jit_err e, struct jit_why *why)
{
	if (jit_err_exit(e) == CLI_UNVERIFIED)
		return out_outcome(x->d->c, "MISMATCH", e, "Signed and sent, "
		    "but the signer's proof that it is logged does not hold: "
		    "%s. Tell security.", jit_why_text(why, e));
	if (e == JIT_E_UNREACHABLE)
		(void)jit_at(why, e, "signed and sent, but whether it is "
		    "logged is not known (jit-cert show %s)",
		    desk_short(x->d, &x->r->id));
	return out_error(x->d->c, e, why);
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
	    &sig, &why)) != JIT_OK)
		return out_error(x->d->c, e, &why);
	e = session_send(x->d->s, OP_DECISION, BUF_SPAN(text), BUF_SPAN(sig),
	    SPAN_NONE, &sent, &why);
	return e == JIT_OK ? say_done(x, &sent) : say_unsure(x, e, &why);
}

/* ---- asking the person ---- */

/* Who is denied wants to know why. */
static int
ask_comment(struct deciding *x)
{
	JIT_DONE(wr_done) struct wr prompt = WR_INIT(1024);
	struct jit_why why = { 0 };
	enum jit_err e;

	if (args_has(x->a, OPT_COMMENT))
		return CLI_DONE;
	out_put(x->d->c, &prompt, "What %.*s is told (may be empty): ",
	    OUT_SPAN(x->r->h.request->req.requester));
	e = out_ask_line(x->d->c, wr_view(&prompt), COMMENT_MAX, &x->comment,
	    &why);
	return e == JIT_OK ? CLI_DONE : out_error(x->d->c, jit_at(&why, e,
	    "nothing was signed"), &why);
}

static int
ask(struct deciding *x)
{
	JIT_DONE(wr_done) struct wr prompt = WR_INIT(256);
	struct jit_why why = { 0 };
	char key = 0;
	int status;

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
		if (!x->approve && (status = ask_comment(x)) != CLI_DONE)
			return status;
		return sign_and_send(x);
	}
}

/* --view */
static int
view(struct deciding *x)
{
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };
	struct jit_why why = { 0 };
	enum jit_err e = render(x, &text, &why);

	if (e != JIT_OK)
		return out_error(x->d->c, e, &why);
	out_text(x->d->c, "    ", BUF_SPAN(text));
	out_json(x->d->c, json_pack("{s:s, s:o}", "id", x->r->id.s, "text",
	    out_json_span(BUF_SPAN(text))));
	return CLI_DONE;
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
		return refuse(c, e, &why);
	if ((status = check(&x)) != CLI_DONE ||
	    (status = show(&x)) != CLI_DONE)
		return status;
	if (args_has(a, OPT_VIEW))
		return view(&x);
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
