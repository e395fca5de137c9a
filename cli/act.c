/* act - the requester takes something back. */
#include "cli/act.h"
#include "cli/await.h"
#include "cli/fetch.h"

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

static enum jit_err
sign_and_send(struct desk *d, const struct dossier *r, enum act_kind kind,
    const char *comment, struct sent *sent, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr text = WR_INIT(ACT_MAX);
	JIT_DONE(buf_done) struct buf sig = { 0 };
	const struct hand *hand;
	const unsigned any = 1u << PROOF_SSHSIG;
	struct act act = {
		.kind = kind, .log = span_str(session_log_id(d->s)),
		.by = d->me->name, .at = cli_now(d->c), .request = r->id,
		.digest = r->h.request->digest,
		.comment = comment != NULL ? span_str(comment) : SPAN_NONE,
	};

	if (act.comment.n > COMMENT_MAX || span_eq_str(act.comment, "-"))
		return jit_fail(why, JIT_E_ARG, "--comment: 1 to %d bytes, "
		    "and not \"-\"", COMMENT_MAX);
	JIT_TRY(text_check_plain(act.comment, why));
	JIT_TRY(desk_choose(d, any, &hand, why));
	act_put(&text, &act);
	JIT_TRY(text.err);
	JIT_TRY(desk_sign(d, hand, any, act_namespace(kind), wr_view(&text),
	    &sig, why));
	return session_send(d->s, kind == ACT_CANCEL ? OP_CANCEL : OP_DROP,
	    wr_view(&text), BUF_SPAN(sig), SPAN_NONE, sent, why);
}

/* What is taken back, and what cannot be. */
static void
say_dropped(struct desk *d, const struct dossier *r, uint64_t index)
{
	const struct request *q = &r->h.request->req;
	char until[WHEN_TEXT];

	out_say(d->c, "Dropped %s, log #%llu. Its key is gone from this "
	    "machine; sessions that are open go on until they end.\n",
	    desk_short(d, &r->id), (unsigned long long)index);
	if (q->kind == KIND_SSH_USER)
		out_say(d->c, "It is in the KRL from now on: servers refuse it "
		    "once they have that (jit-cert ca --krl FILE).\n");
	else if (q->crl.n > 0)
		out_say(d->c, "It is in the CRL from now on: servers refuse it "
		    "once they have that, from %.*s or by jit-cert ca --crl "
		    "FILE.\n", OUT_SPAN(q->crl));
	else
		out_say(d->c, "Its role names no CRL: servers take a copy of "
		    "it until it ends by itself, %s.\n", when_text(WHEN_BOTH,
		    r->h.issued_until, desk_now(d), until));
}

int
act_send(struct cli *c, const struct args *a, enum act_kind kind)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
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
	if ((e = sign_and_send(&d, r, kind, args_get(a, OPT_COMMENT), &sent,
	    &why)) != JIT_OK)
		return out_error(c, e, &why);
	fetch_forget(&d, &r->id);
	if (kind == ACT_CANCEL)
		out_say(c, "Cancelled %s, log #%llu.\n",
		    desk_short(&d, &r->id), (unsigned long long)sent.index);
	else
		say_dropped(&d, r, sent.index);
	out_json(c, json_pack("{s:s, s:s, s:I, s:o}", "id", r->id.s, "state",
	    kind == ACT_CANCEL ? "cancelled" : "dropped", "log_index",
	    (json_int_t)sent.index, "time", out_json_utc(sent.time)));
	return CLI_DONE;
}
