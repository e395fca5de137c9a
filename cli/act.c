/* act - somebody takes something back. */
#include "cli/act.h"
#include "cli/await.h"
#include "cli/fetch.h"
#include "cli/left.h"

/* ---- what is signed ---- */

enum jit_err
act_check_comment(struct span s, struct jit_why *why)
{
	if (s.n > COMMENT_MAX || span_eq_str(s, "-"))
		return jit_fail(why, JIT_E_ARG, "what is said with it has 1 "
		    "to %d bytes, and is not \"-\"", COMMENT_MAX);
	return text_check_plain(s, why);
}

static enum op
op_of(enum act_kind kind)
{
	return kind == ACT_CANCEL ? OP_CANCEL : kind == ACT_DROP ? OP_DROP :
	    OP_REVOKE;
}

enum jit_err
act_sign_and_send(struct desk *d, const struct dossier *r,
    enum act_kind kind, struct span comment, struct sent *sent,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr text = WR_INIT(ACT_MAX);
	JIT_DONE(buf_done) struct buf sig = { 0 };
	const struct hand *hand;
	const unsigned any = 1u << PROOF_SSHSIG;
	struct act act = {
		.kind = kind, .log = span_str(session_log_id(d->s)),
		.by = d->me->name, .at = cli_now(d->c), .request = r->id,
		.digest = r->h.request->digest, .comment = comment,
	};

	JIT_TRY(act_check_comment(comment, why));
	JIT_TRY(desk_choose(d, any, &hand, why));
	act_put(&text, &act);
	JIT_TRY(text.err);
	JIT_TRY(desk_sign(d, hand, any, act_namespace(kind), wr_view(&text),
	    &sig, why));
	return session_send(d->s, op_of(kind), wr_view(&text), BUF_SPAN(sig),
	    SPAN_NONE, sent, why);
}

/* ---- asking the person ---- */

enum jit_err
act_take_reason(struct cli *c, const char *given, struct buf *ret,
    struct jit_why *why)
{
	enum jit_err e;

	if (given == NULL) {
		e = out_ask_line(c, span_str("Reason (signed and logged): "),
		    COMMENT_MAX, ret, why);
		if (e == JIT_E_IO || e == JIT_E_ARG)
			return jit_fail(why, JIT_E_ARG, "say why: --reason "
			    "TEXT");
		JIT_TRY(e);
	} else {
		JIT_TRY(buf_copy(ret, span_str(given)));
	}
	if (ret->n == 0)
		return jit_fail(why, JIT_E_ARG, "an empty reason is none; "
		    "nothing was signed");
	return act_check_comment(BUF_SPAN(*ret), why);
}

int
act_confirm(struct cli *c, const char *word)
{
	JIT_DONE(wr_done) struct wr prompt = WR_INIT(256);
	const char keys[] = { word[0], 'q', '\0' };
	struct jit_why why = { 0 };
	char key = 0;
	enum jit_err e;

	out_put(c, &prompt, "[%c]%s [q]uit: ", word[0], word + 1);
	e = out_ask_key(c, wr_view(&prompt), keys, &key, &why);
	if (e != JIT_OK)
		return out_error(c, jit_at(&why, e, "nobody to ask; --yes "
		    "signs without"), &why);
	if (key == word[0])
		return CLI_DONE;
	out_note(c, "Nothing was signed.\n");
	return CLI_WAITING;
}

/* ---- by the requester ---- */

/* Is it mine, and can it still be taken back so? */
static int
check(struct desk *d, const struct dossier *r, enum act_kind kind, utc_s now)
{
	struct jit_why why = { 0 };
	const struct span by = r->h.request->req.requester;
	const char *id = desk_short(d, &r->id);
	enum standing s = desk_standing(d, r, now, NULL, NULL);

	if (!desk_is_me(d, by))
		return out_error(d->c, jit_fail(&why, JIT_E_NOTYOURS, "%s is "
		    "%.*s's request, and you are %.*s", id, OUT_SPAN(by),
		    OUT_SPAN(d->me->name)), &why);
	if (kind == ACT_CANCEL && s == STAND_ACTIVE)
		return out_error(d->c, jit_fail(&why, JIT_E_ISSUED, "%s is "
		    "collected already; give it back: jit-cert drop %s", id,
		    id), &why);
	if (kind == ACT_DROP && (s == STAND_PENDING || s == STAND_APPROVED))
		return out_error(d->c, jit_fail(&why, JIT_E_PENDING, "%s is "
		    "not collected yet; take it back: jit-cert cancel %s",
		    id, id), &why);
	return await_say_end(d, r, s, now);
}

void
act_say_left(struct desk *d, const struct dossier *r, utc_s now)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

	left_put(&w, &r->h.request->req, r->h.issued_until, now);
	out_text(d->c, "  ", wr_view(&w));
}

static void
say_done(struct desk *d, const struct dossier *r, enum act_kind kind,
    const struct sent *sent, utc_s now)
{
	struct cli *c = d->c;
	const char *id = desk_short(d, &r->id);

	if (kind == ACT_CANCEL) {
		out_say(c, "Cancelled %s, log #%llu.\n", id,
		    (unsigned long long)sent->index);
	} else {
		out_say(c, "Dropped %s, log #%llu: its certificate is revoked,"
		    " and its key is gone from this machine.\n", id,
		    (unsigned long long)sent->index);
		act_say_left(d, r, now);
	}
	out_json(c, json_pack("{s:s, s:s, s:I, s:o}", "id", r->id.s, "state",
	    kind == ACT_CANCEL ? "cancelled" : "dropped", "log_index",
	    (json_int_t)sent->index, "time", out_json_utc(sent->time)));
}

int
act_send(struct cli *c, const struct args *a, enum act_kind kind)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	const char *comment = args_get(a, OPT_COMMENT);
	struct sent sent = { 0 };
	struct jit_why why = { 0 };
	utc_s now = 0;
	enum jit_err e;
	int status;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK ||
	    (e = desk_find(&d, a->operand[0], &r, &now, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if ((status = check(&d, r, kind, now)) != CLI_DONE)
		return status;
	if ((e = act_sign_and_send(&d, r, kind, comment != NULL ?
	    span_str(comment) : SPAN_NONE, &sent, &why)) != JIT_OK)
		return out_error(c, e, &why);
	fetch_forget(&d, &r->id);
	say_done(&d, r, kind, &sent, now);
	return CLI_DONE;
}
