/* await - wait until a request is decided, and tell how it ended. */
#include <poll.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/await.h"
#include "cli/ended.h"

#define AWAIT_STEP_MS (int64_t)PROTO_WAIT_MS	/* of one question */
#define AWAIT_BACK_MS 600000		/* a signer may be away so long */
#define AWAIT_BUSY_MS 2000
#define AWAIT_NAP_MIN 200
#define AWAIT_NAP_MAX 5000

/* What is known while waiting. */
struct waiting {
	struct desk *d;
	const struct ulid *id;
	int64_t end;			/* of mono_ms; -1: never */
	struct dossier *now;		/* owned; the newest */
	utc_s at;			/* by the signer's clock */
	size_t told;			/* decisions that were told */
	bool begun;			/* the waiting line was told */
};

static void
waiting_done(struct waiting *w)
{
	dossier_free(w->now);
}
JIT_SCOPED_OBJ(struct waiting, waiting_done);

/* ---- words ---- */

static const struct decision *
denial(const struct dossier *r)
{
	for (size_t i = r->h.n_decisions; i > 0; i--) {
		const struct decision *dec = &r->h.decision[i - 1]->dec;

		if (dec->verdict == VERDICT_DENY)
			return dec;
	}
	return NULL;
}

static int
say_denied(struct desk *d, const struct dossier *r, utc_s now)
{
	const struct decision *dec = denial(r);
	const char *id = desk_short(d, &r->id);
	char at[WHEN_TEXT];

	if (dec == NULL)
		return out_outcome(d->c, "DENIED", JIT_E_DENIED, "Denied.");
	if (dec->comment.n == 0)
		return out_outcome(d->c, "DENIED", JIT_E_DENIED, "Denied by "
		    "%.*s %s. Ask again with changes: jit-cert request --like "
		    "%s", OUT_SPAN(dec->approver),
		    when_text(WHEN_SHORT, dec->decided, now, at), id);
	return out_outcome(d->c, "DENIED", JIT_E_DENIED, "Denied by %.*s %s: "
	    "\"%.*s\". Ask again with changes: jit-cert request --like %s",
	    OUT_SPAN(dec->approver), when_text(WHEN_SHORT, dec->decided, now,
	    at), OUT_SPAN(dec->comment), id);
}

static int
say_closed(struct desk *d, const struct dossier *r, utc_s now)
{
	JIT_DONE(wr_done) struct wr who = WR_INIT(4096);
	const char *id = desk_short(d, &r->id);
	struct quorum q = { 0 };
	char at[WHEN_TEXT];
	size_t n;

	(void)judge_quorum(d->policy, &r->h, &q, NULL);
	(void)when_text(WHEN_BOTH, r->h.request->req.closes, now, at);
	if (q.need > 0 && q.have >= q.need)
		return out_outcome(d->c, "CLOSED", JIT_E_EXPIRED, "Approved, "
		    "but not collected by %s. Ask again: jit-cert request "
		    "--like %s", at, id);
	n = ask_put_approvers(d, r, &who);
	return out_outcome(d->c, "CLOSED", JIT_E_EXPIRED, "No decision by %s "
	    "(%u of %u%s%.*s%s). Ask again: jit-cert request --like %s", at,
	    q.have, q.need, n > 0 ? "; " : "", OUT_SPAN(wr_view(&who)),
	    n > 0 ? " did not answer" : "", id);
}

/* By somebody else than who asked. */
static int
say_ended(struct desk *d, const struct dossier *r, const char *word,
    enum jit_err e, utc_s now)
{
	JIT_DONE(wr_done) struct wr how = WR_INIT(2048);

	(void)ended_put(&how, r, now);
	return out_outcome(d->c, word, e, "This was %.*s.",
	    OUT_SPAN(wr_view(&how)));
}

int
await_say_end(struct desk *d, const struct dossier *r, enum standing s,
    utc_s now)
{
	const char *id = desk_short(d, &r->id);
	char at[WHEN_TEXT], ago[WHEN_TEXT];

	switch (s) {
	case STAND_DENIED:
		return say_denied(d, r, now);
	case STAND_REVOKED:
		return say_ended(d, r, "REVOKED", JIT_E_REVOKED, now);
	case STAND_CANCELLED:
		if (ended_by_signer(r))
			return say_ended(d, r, "ENDED", JIT_E_CANCELLED, now);
		return out_outcome(d->c, "CANCELLED", JIT_E_CANCELLED,
		    "%.*s took this request back. Ask again: jit-cert "
		    "request --like %s",
		    OUT_SPAN(r->h.request->req.requester), id);
	case STAND_DROPPED:
		return out_outcome(d->c, "DROPPED", JIT_E_DROPPED, "This "
		    "access was given back. Ask again: jit-cert request "
		    "--like %s", id);
	case STAND_CLOSED:
		return say_closed(d, r, now);
	case STAND_ENDED:
		return out_outcome(d->c, "EXPIRED", JIT_E_EXPIRED, "Your "
		    "access ended %s (%s). Ask again: jit-cert request "
		    "--like %s", when_text(WHEN_SHORT, r->h.issued_until, now,
		    at), when_ago(r->h.issued_until, now, ago), id);
	case STAND_PENDING:
	case STAND_APPROVED:
	case STAND_ACTIVE:
	case STANDINGS:
		break;
	}
	return CLI_DONE;
}

json_t *
await_json(struct desk *d, const struct dossier *r, utc_s now)
{
	const struct request *q = &r->h.request->req;
	struct quorum have = { 0 };
	bool stale = false;
	enum standing s = desk_standing(d, r, now, &have, &stale);
	json_t *list = json_array(), *o, *end;

	for (size_t i = 0; i < r->h.n_decisions; i++) {
		const struct decision *dec = &r->h.decision[i]->dec;

		(void)json_array_append_new(list, json_pack(
		    "{s:o, s:s, s:o, s:o}", "person",
		    out_json_span(dec->approver), "verdict",
		    dec->verdict == VERDICT_APPROVE ? "approve" : "deny",
		    "time", out_json_utc(dec->decided), "comment",
		    out_json_span(dec->comment)));
	}
	o = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:I, s:o, "
	    "s:o}", "id", r->id.s, "kind", request_kind_name(q->kind),
	    "short", desk_short(d, &r->id), "role",
	    out_json_span(q->role), "requester", out_json_span(q->requester),
	    "state", standing_name(s), "opens", out_json_utc(q->opens),
	    "closes", out_json_utc(q->closes), "duration",
	    (json_int_t)q->duration, "reason", out_json_span(q->reason),
	    "decisions", list);
	if (o == NULL)
		return NULL;
	if (s == STAND_PENDING || s == STAND_APPROVED) {
		(void)json_object_set_new(o, "have",
		    json_integer((json_int_t)have.have));
		(void)json_object_set_new(o, "need",
		    json_integer((json_int_t)have.need));
	}
	if ((end = ended_json(r)) != NULL)
		(void)json_object_set_new(o, "ended", end);
	if (stale)
		(void)json_object_set_new(o, "stale", json_true());
	if (r->h.issued)
		(void)json_object_set_new(o, "until",
		    out_json_utc(r->h.issued_until));
	return o;
}

static void
say_decisions(struct waiting *w)
{
	const struct history *h = &w->now->h;
	char at[WHEN_TEXT];

	for (; w->told < h->n_decisions; w->told++) {
		const struct decision *dec = &h->decision[w->told]->dec;

		/* A denial is the outcome, told as such. */
		if (dec->verdict == VERDICT_DENY)
			continue;
		out_note(w->d->c, "  %.*s approved %s%s%.*s%s\n",
		    OUT_SPAN(dec->approver), when_text(WHEN_SHORT,
		    dec->decided, w->at, at), dec->comment.n > 0 ? ": \"" :
		    "", OUT_SPAN(dec->comment), dec->comment.n > 0 ? "\"" :
		    "");
	}
}

/* " (bob 22:03, erin 22:05)" */
static void
put_have(const struct waiting *w, const struct quorum *q, struct wr *out)
{
	char at[WHEN_TEXT];

	for (unsigned i = 0; i < q->have; i++) {
		const struct decision *dec =
		    &w->now->h.decision[q->counted[i]]->dec;

		wr_str(out, i == 0 ? " (" : ", ");
		wr_span(out, dec->approver);
		wr_fmt(out, " %s", when_text(WHEN_SHORT, dec->decided, w->at,
		    at));
	}
	wr_str(out, q->have > 0 ? ")" : "");
}

static void
say_waiting(struct waiting *w, const struct quorum *q)
{
	JIT_DONE(wr_done) struct wr who = WR_INIT(4096);
	JIT_DONE(wr_done) struct wr have = WR_INIT(4096);
	const char *id = desk_short(w->d, w->id);
	const dur_s since = w->at - w->now->h.request->req.created;
	char text[WHEN_TEXT];

	(void)ask_put_approvers(w->d, w->now, &who);
	put_have(w, q, &have);
	out_note(w->d->c, "Waiting%s%s: %u of %u%.*s. Can%s approve: %.*s. "
	    "Send them: jit-cert approve %s\n", since > 4 ? " " : "",
	    since > 4 ? when_dur(since, text) : "", q->have, q->need,
	    OUT_SPAN(wr_view(&have)), q->have > 0 ? " still" : "",
	    OUT_SPAN(wr_view(&who)), id);
	if (!w->begun)
		out_note(w->d->c, "  Ctrl-C keeps the request; jit-cert wait "
		    "%s picks it up.\n", id);
	w->begun = true;
}

/* ---- asking ---- */

static int64_t
left_ms(const struct waiting *w, int64_t most)
{
	int64_t left = w->end < 0 ? most :
	    w->end - w->d->c->clock.mono_ms();

	return left < 0 ? 0 : left < most ? left : most;
}

static enum jit_err
look(struct waiting *w, uint32_t ms, struct jit_why *why)
{
	struct dossier *next = NULL;
	enum jit_err e = JIT_E_UNKNOWN;

	if (w->now != NULL)
		e = session_wait(w->d->s, w->id, dossier_last(w->now) + 1, ms,
		    &next, &w->at, why);
	if (e == JIT_E_UNKNOWN)
		e = session_show(w->d->s, w->id, &next, &w->at, why);
	JIT_TRY(e);
	dossier_free(w->now);
	w->now = next;
	return desk_refresh(w->d, why);
}

bool
await_may_pass(enum jit_err e)
{
	return e == JIT_E_UNREACHABLE || e == JIT_E_BUSY || e == JIT_E_RATE;
}

static void
say_away(struct desk *d, const struct jit_why *why)
{
	if (d->server == NULL)
		out_note(d->c, "  jit-signer went away; the request is in its "
		    "log. Trying again …\n");
	else
		out_note(d->c, "  %s; what was asked is in the log. Trying "
		    "again …\n", jit_why_text(why, JIT_E_UNREACHABLE));
}

static void
say_back(struct desk *d)
{
	if (d->server == NULL)
		out_note(d->c, "  jit-signer is back.\n");
	else
		out_note(d->c, "  %s answers again.\n", desk_where(d));
}

/* How long to sleep, for nap at most. */
static int
sleep_ms(const struct desk *d, int64_t end, int64_t nap)
{
	int64_t left = end < 0 ? nap : end - d->c->clock.mono_ms();

	return (int)(left < 0 ? 0 : left < nap ? left : nap);
}

enum jit_err
await_back(struct desk *d, int64_t end, bool patient, struct jit_why *why)
{
	const struct cli_clock *clock = &d->c->clock;
	const int64_t begin = clock->mono_ms();
	int64_t nap = AWAIT_NAP_MIN;
	enum jit_err e;

	say_away(d, why);
	for (;;) {
		if ((e = desk_reopen(d, why)) == JIT_OK) {
			say_back(d);
			return JIT_OK;
		}
		if (!await_may_pass(e) || sleep_ms(d, end, 1) == 0 ||
		    (!patient && clock->mono_ms() - begin > AWAIT_BACK_MS))
			return e;
		(void)poll(NULL, 0, sleep_ms(d, end, nap));
		nap = nap * 2 < AWAIT_NAP_MAX ? nap * 2 : AWAIT_NAP_MAX;
	}
}

/* Until the window closes, which is no entry of the log, and no longer. */
static uint32_t
step_ms(const struct waiting *w)
{
	int64_t open;

	if (w->now == NULL)
		return 0;
	open = (w->now->h.request->req.closes - w->at) * 1000 + 500;
	return (uint32_t)left_ms(w, open < AWAIT_STEP_MS && open > 0 ? open :
	    AWAIT_STEP_MS);
}

static enum jit_err
look_again(struct waiting *w, struct jit_why *why)
{
	const int64_t begin = w->d->c->clock.mono_ms();
	enum jit_err e = look(w, step_ms(w), why);

	/* It has much to do: later, and as long as it is away otherwise. */
	while (e != JIT_E_UNREACHABLE && await_may_pass(e) && w->now != NULL &&
	    left_ms(w, 1) > 0 &&
	    w->d->c->clock.mono_ms() - begin < AWAIT_BACK_MS) {
		(void)poll(NULL, 0, sleep_ms(w->d, w->end, AWAIT_BUSY_MS));
		e = look(w, 0, why);
	}
	if (e != JIT_E_UNREACHABLE)
		return e;
	for (;;) {
		JIT_TRY(await_back(w->d, w->end, false, why));
		/* Over a server, the signer may still be away. */
		if ((e = look(w, 0, why)) != JIT_E_UNREACHABLE ||
		    left_ms(w, 1) == 0)
			return e;
		(void)poll(NULL, 0, sleep_ms(w->d, w->end, AWAIT_BUSY_MS));
	}
}

/* Nobody is left who could complete the quorum? */
static bool
is_hopeless(const struct waiting *w, const struct quorum *q)
{
	JIT_DONE(wr_done) struct wr who = WR_INIT(4096);

	return q->need > q->have &&
	    ask_put_approvers(w->d, w->now, &who) < q->need - q->have;
}

/*
 * One look at where it stands: -1 to go on, else the exit status.  What is
 * new is told when changed is set.
 */
static int
judge_look(struct waiting *w, bool changed)
{
	struct cli *c = w->d->c;
	struct quorum q = { 0 };
	bool stale = false;
	enum standing s = desk_standing(w->d, w->now, w->at, &q, &stale);
	const struct request *r = &w->now->h.request->req;

	/* Approved at the first look: who it was is for the caller to say. */
	if (changed && (w->begun || s == STAND_PENDING))
		say_decisions(w);
	if (s == STAND_APPROVED || s == STAND_ACTIVE)
		return CLI_DONE;
	if (s != STAND_PENDING)
		return await_say_end(w->d, w->now, s, w->at);
	if (stale)
		return out_outcome(c, "CHANGED", JIT_E_STALE, "%.*s has "
		    "changed since you asked; approvals of the old one count "
		    "nothing. Ask again: jit-cert request --like %s",
		    OUT_SPAN(r->role), desk_short(w->d, w->id));
	if (is_hopeless(w, &q))
		return out_outcome(c, "NOBODY", JIT_E_NOBODY, "Nobody can "
		    "approve any more: %u of %u, and nobody who is left may "
		    "decide. Take it back: jit-cert cancel %s", q.have,
		    q.need, desk_short(w->d, w->id));
	if (changed && left_ms(w, 1) > 0) {
		say_waiting(w, &q);
		out_json(c, c->out.json ? await_json(w->d, w->now, w->at) :
		    NULL);
	}
	if (left_ms(w, 1) == 0)
		return out_outcome(c, "WAITING", JIT_E_PENDING, "%u of %u "
		    "have approved. It stays open: jit-cert wait %s", q.have,
		    q.need, desk_short(w->d, w->id));
	return -1;
}

int
await(struct desk *d, const struct ulid *id, int64_t ms,
    struct dossier **ret, utc_s *at)
{
	JIT_DONE(waiting_done) struct waiting w = {
		.d = d, .id = id,
		.end = ms < 0 ? -1 : d->c->clock.mono_ms() + ms,
	};
	struct jit_why why = { 0 };
	uint64_t last = 0, policy = 0;
	enum jit_err e;
	int status;

	for (;;) {
		if ((e = look_again(&w, &why)) != JIT_OK)
			return out_error(d->c, e, &why);
		status = judge_look(&w, dossier_last(w.now) != last ||
		    d->policy_index != policy);
		if (status == CLI_DONE)
			break;
		if (status > 0)
			return status;
		last = dossier_last(w.now);
		policy = d->policy_index;
	}
	*ret = w.now;
	w.now = NULL;
	*at = w.at;
	return CLI_DONE;
}
