/* ended - how something ended before its time, in words. */
#include "cli/ended.h"

/* The entry that ended it, and what it says. */
struct ending {
	const struct entry *e;
	bool signer;			/* else a person's act */
	struct act act;
	struct rec_ended ended;
};

static bool
find(const struct dossier *r, struct ending *ret)
{
	struct rec_signed s;

	if (r->h.end == END_NONE || r->h.end == END_DENIED || r->n == 0)
		return false;
	ret->e = &r->entry[r->n - 1].e;
	ret->signer = ret->e->type == ENTRY_ENDED;
	if (ret->signer)
		return rec_get_ended(ret->e->body, &ret->ended, NULL) ==
		    JIT_OK;
	return rec_get_signed(ret->e->body, (enum entry_type)ret->e->type, &s,
	    NULL) == JIT_OK && act_parse(s.text, dossier_act_kind(ret->e),
	    &ret->act, NULL) == JIT_OK;
}

const char *
ended_cause_words(enum ended_cause c)
{
	switch (c) {
	case ENDED_LOCKED:
		return "its requester was locked out";
	case ENDED_PERSON:
		return "its requester is enrolled no more";
	case ENDED_KEY:
		return "the key that asked for it is enrolled no more";
	}
	return "for another cause";
}

static const char *
how(const struct ending *x)
{
	if (x->signer)
		return "ended";
	return x->act.kind == ACT_DROP ? "dropped" :
	    x->act.kind == ACT_REVOKE ? "revoked" : "cancelled";
}

bool
ended_by_signer(const struct dossier *r)
{
	struct ending x = { 0 };

	return find(r, &x) && x.signer;
}

bool
ended_put(struct wr *w, const struct dossier *r, utc_s now)
{
	struct ending x = { 0 };
	char at[WHEN_TEXT];

	if (!find(r, &x))
		return false;
	wr_fmt(w, "%s by ", how(&x));
	if (x.signer)
		wr_str(w, "the signer");
	else if (span_eq(x.act.by, r->h.request->req.requester))
		wr_str(w, "the requester");
	else
		wr_span(w, x.act.by);
	wr_fmt(w, " %s", when_text(WHEN_BOTH, x.e->time, now, at));
	if (x.signer) {
		wr_fmt(w, ": %s", ended_cause_words(x.ended.cause));
	} else if (x.act.comment.n > 0) {
		wr_str(w, ": \"");
		wr_span(w, x.act.comment);
		wr_str(w, "\"");
	}
	return true;
}

json_t *
ended_json(const struct dossier *r)
{
	static const char *const causes[] = {
		[ENDED_LOCKED] = "locked", [ENDED_PERSON] = "person",
		[ENDED_KEY] = "key",
	};
	struct ending x = { 0 };

	if (!find(r, &x))
		return NULL;
	return json_pack("{s:s, s:o?, s:s?, s:o, s:o, s:I}", "how", how(&x),
	    "by", x.signer ? NULL : out_json_span(x.act.by), "cause",
	    x.signer ? causes[x.ended.cause] : NULL, "comment",
	    out_json_span(x.signer ? SPAN_NONE : x.act.comment), "at",
	    out_json_utc(x.e->time), "log_index", (json_int_t)x.e->index);
}
