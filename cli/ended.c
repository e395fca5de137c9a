/* ended - why an access was over before its time, and what goes on. */
#include "cli/ended.h"

static const struct entry *
last(const struct dossier *r)
{
	return &r->entry[r->n - 1].e;
}

bool
ended_by_signer(const struct dossier *r, struct rec_ended *ret)
{
	struct rec_ended mine;

	return last(r)->type == ENTRY_ENDED &&
	    rec_get_ended(last(r)->body, ret != NULL ? ret : &mine, NULL) ==
	    JIT_OK;
}

static void
put_by_signer(struct wr *w, const struct dossier *r,
    const struct rec_ended *x, utc_s now)
{
	const struct span who = r->h.request->req.requester;
	char at[WHEN_TEXT];

	wr_fmt(w, "ended %s, as ", when_text(WHEN_SHORT, last(r)->time, now,
	    at));
	if (x->cause == ENDED_KEY)
		wr_str(w, "the key that asked for it is enrolled no more");
	wr_span(w, x->cause == ENDED_KEY ? SPAN_NONE : who);
	if (x->cause == ENDED_LOCKED)
		wr_str(w, " was locked out");
	if (x->cause == ENDED_PERSON)
		wr_str(w, " is enrolled no more");
	wr_fmt(w, " (log #%llu)", (unsigned long long)x->by_index);
}

static const char *
act_words(enum act_kind k)
{
	return k == ACT_REVOKE ? "revoked by " : k == ACT_DROP ?
	    "given back by " : "cancelled by ";
}

void
ended_put(struct wr *w, const struct dossier *r, utc_s now)
{
	const struct entry *e = last(r);
	struct rec_ended x;
	struct rec_signed s;
	struct act a;
	char at[WHEN_TEXT];

	if (ended_by_signer(r, &x)) {
		put_by_signer(w, r, &x, now);
		return;
	}
	if (e->type != ENTRY_CANCEL && e->type != ENTRY_DROP &&
	    e->type != ENTRY_REVOKE)
		return;
	if (rec_get_signed(e->body, (enum entry_type)e->type, &s, NULL) !=
	    JIT_OK || act_parse(s.text, dossier_act_kind(e), &a, NULL) !=
	    JIT_OK)
		return;
	wr_str(w, act_words(a.kind));
	wr_span(w, a.by);
	wr_fmt(w, " %s", when_text(WHEN_SHORT, e->time, now, at));
	if (a.comment.n == 0)
		return;
	wr_str(w, ": \"");
	wr_span(w, a.comment);
	wr_str(w, "\"");
}
