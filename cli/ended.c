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

/* ---- what goes on ---- */

bool
ended_is_listed(const struct request *q)
{
	return q->kind == KIND_SSH_USER || q->crl.n > 0;
}

static void
put_ssh(struct wr *w, const char *until)
{
	wr_fmt(w, "Servers refuse it at log-in once they have fetched the new "
	    "KRL (RevokedKeys in sshd_config); one without it lets it in "
	    "until %s.\n", until);
	wr_str(w, "A session that is open goes on: sshd looks at log-in only. "
	    "End it on the server.\n");
}

static void
put_x509(struct wr *w, const struct request *q, const char *until)
{
	if (q->crl.n > 0) {
		wr_str(w, "Servers refuse it once they have fetched and "
		    "loaded the new CRL (");
		wr_span(w, q->crl);
		wr_fmt(w, "); one that checks none takes it until %s.\n",
		    until);
	} else {
		wr_fmt(w, "NOTHING TELLS SERVERS: its role says that expiry "
		    "alone is enough (no CRL). Wherever certificate and key "
		    "were copied, they work until %s.\n", until);
	}
	wr_str(w, "A connection that is open goes on, and a TLS session is "
	    "resumed where the server does that. End them on the server.\n");
}

void
ended_put_left(struct wr *w, const struct request *q, utc_s until,
    utc_s now)
{
	char at[WHEN_TEXT];

	(void)when_text(WHEN_BOTH, until, now, at);
	if (q->kind == KIND_X509)
		put_x509(w, q, at);
	else
		put_ssh(w, at);
}
