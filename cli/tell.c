/* tell - a request in words. */
#include <stdio.h>

#include "cli/ended.h"
#include "cli/tell.h"

enum jit_err
tell_policy(struct desk *d, const struct dossier *r,
    const struct policy **ret, uint64_t *index, struct jit_why *why)
{
	uint64_t i = r->h.issued ? r->issued.policy_index : d->policy_index;

	if (index != NULL)
		*index = i;
	if (r->h.issued)
		return session_policy(d->s, i, ret, why);
	*ret = d->policy;
	return JIT_OK;
}

/* ---- when ---- */

void
tell_put_when(struct wr *w, const struct request *q, utc_s now)
{
	char dur[WHEN_TEXT], opens[WHEN_TEXT], closes[WHEN_TEXT];

	wr_fmt(w, "%s from first use, between %s and %s",
	    when_dur(q->duration, dur), q->opens <= now && now < q->closes ?
	    "now" :
	    when_text(WHEN_BOTH, q->opens, now, opens),
	    when_text(WHEN_BOTH, q->closes, now, closes));
}

/* ---- who decided ---- */

/* "touch, as claimed": what a security key says of itself is not shown. */
static const char *
proof_words(const struct signer *s)
{
	if (!ssh_key_is_sk(s->key))
		return "";
	if (s->facts.flags & SSH_SK_UV)
		return ", PIN as claimed";
	return s->facts.flags & SSH_SK_UP ? ", touch as claimed" :
	    ", no touch";
}

void
tell_put_quorum(struct wr *w, const struct policy *p,
    const struct dossier *r, utc_s now)
{
	const struct request *req = &r->h.request->req;
	const struct role *role = policy_role(p, req->role);
	struct quorum q = { 0 };
	char at[WHEN_TEXT];

	if (role == NULL || judge_quorum(p, &r->h, &q, NULL) != JIT_OK) {
		wr_str(w, "the role has changed since: nothing counts");
		return;
	}
	wr_fmt(w, "%u of ", role->need);
	for (size_t i = 0; i < role->approve_of.n; i++) {
		wr_str(w, i > 0 ? ", " : "");
		wr_span(w, role->approve_of.v[i]);
	}
	for (unsigned i = 0; i < q.have; i++) {
		const struct open_decision *o = r->h.decision[q.counted[i]];

		wr_str(w, i > 0 ? ", " : ": ");
		wr_span(w, o->dec.approver);
		wr_fmt(w, " %s", when_text(WHEN_SHORT, o->dec.decided, now,
		    at));
	}
}

/* Which key, of those that the policy has for them. */
static void
put_key(struct wr *w, const struct desk *d, struct span name,
    const struct signer *s)
{
	const struct person *who = policy_person(d->policy, name);
	char fp[SSH_FP_TEXT];

	ssh_key_fingerprint(s->key, fp);
	wr_fmt(w, "%s%s%s", fp, proof_words(s), who != NULL &&
	    person_has_key(who, s->key) ? "" : ", NOT ENROLLED NOW");
}

/*
 * " (enrolled 1 Mar)": since when the policy has this person as they are.
 * A new date is a reason to look: keys or groups are new.
 */
static void
put_enrolled(struct wr *w, struct desk *d, struct span name, utc_s now)
{
	JIT_DONE(evidence_done) struct evidence ev = { .r.n = 0 };
	char day[WHEN_TEXT];
	uint64_t index = 0;

	if (session_block(d->s, d->policy_index, BLOCK_PERSON, name, &index,
	    NULL) != JIT_OK || session_evidence(d->s, &index, 1, &ev, NULL) !=
	    JIT_OK || ev.r.n != 1)
		return;
	wr_fmt(w, " (enrolled %s)", when_text(WHEN_DAY, ev.r.v[0].e.time, now,
	    day));
}

void
tell_request(struct desk *d, const struct policy *p,
    const struct dossier *r, utc_s now)
{
	JIT_DONE(wr_done) struct wr opens = WR_INIT(1u << 18);
	JIT_DONE(wr_done) struct wr when = WR_INIT(1024);
	JIT_DONE(wr_done) struct wr key = WR_INIT(1024);
	const struct request *q = &r->h.request->req;
	char ago[WHEN_TEXT];

	put_key(&key, d, q->requester, &r->h.request->by);
	put_enrolled(&key, d, q->requester, now);
	tell_put_opens(&opens, p, q);
	tell_put_when(&when, q, now);
	out_say(d->c, "%.*s asks for %.*s, %s, signed by %.*s\n",
	    OUT_SPAN(q->requester), OUT_SPAN(q->role),
	    when_ago(q->created, now, ago), OUT_SPAN(wr_view(&key)));
	out_say(d->c, "  why    %.*s\n", OUT_SPAN(q->reason.n > 0 ?
	    q->reason : span_str("(no reason given)")));
	out_say(d->c, "  opens  %.*s\n", OUT_SPAN(wr_view(&opens)));
	out_say(d->c, "  when   %.*s\n", OUT_SPAN(wr_view(&when)));
}

static void
tell_decision(struct desk *d, const struct open_decision *o, uint64_t index,
    utc_s now)
{
	JIT_DONE(wr_done) struct wr key = WR_INIT(1024);
	char at[WHEN_TEXT];

	put_key(&key, d, o->dec.approver, &o->by);
	out_say(d->c, "  %.*s %s %s, %.*s, log #%llu%s%.*s%s\n",
	    OUT_SPAN(o->dec.approver), o->dec.verdict == VERDICT_APPROVE ?
	    "approved" : "DENIED", when_text(WHEN_BOTH, o->dec.decided, now,
	    at), OUT_SPAN(wr_view(&key)), (unsigned long long)index,
	    o->dec.comment.n > 0 ? ": \"" : "", OUT_SPAN(o->dec.comment),
	    o->dec.comment.n > 0 ? "\"" : "");
}

void
tell_history(struct desk *d, const struct dossier *r, utc_s now)
{
	JIT_DONE(wr_done) struct wr how = WR_INIT(4096);
	char from[WHEN_TEXT], at[WHEN_TEXT];

	for (size_t i = 0; i < r->h.n_decisions; i++)
		tell_decision(d, r->h.decision[i], r->h.decision_index[i],
		    now);
	if (r->h.issued) {
		const struct entry *e = &r->entry[r->issued_at].e;

		out_say(d->c, "  certificate issued %s, until %s, log #%llu\n",
		    when_text(WHEN_EXACT, e->time, now, from),
		    when_text(WHEN_BOTH, r->h.issued_until, now, at),
		    (unsigned long long)e->index);
	}
	if (ended_put(&how, r, now))
		out_say(d->c, "  %.*s, log #%llu\n", OUT_SPAN(wr_view(&how)),
		    (unsigned long long)dossier_last(r));
}

const char *
tell_serial(const struct dossier *r, char ret[static ISSUED_SERIAL_TEXT])
{
	JIT_DONE(issued_done) struct issued c = { 0 };
	uint8_t serial[ISSUED_SERIAL];

	(void)snprintf(ret, ISSUED_SERIAL_TEXT, "-");
	if (!r->h.issued || issued_parse(r->issued.cert, &c, NULL) != JIT_OK)
		return ret;
	issued_serial(&c, serial);
	return issued_serial_text(c.kind, serial, ret);
}

void
tell_put_standing(struct wr *w, struct desk *d, const struct dossier *r,
    utc_s now)
{
	struct quorum q = { 0 };
	bool stale = false;
	enum standing s = desk_standing(d, r, now, &q, &stale);
	char at[WHEN_TEXT], serial[ISSUED_SERIAL_TEXT];

	wr_str(w, standing_name(s));
	switch (s) {
	case STAND_PENDING:
		if (stale)
			wr_str(w, ": the role has changed since; ask again");
		else
			wr_fmt(w, ", %u of %u", q.have, q.need);
		break;
	case STAND_APPROVED:
		wr_fmt(w, ", to be collected before %s", when_text(WHEN_BOTH,
		    r->h.request->req.closes, now, at));
		break;
	case STAND_ACTIVE:
	case STAND_ENDED:
		wr_fmt(w, " %s %s, serial %s", s == STAND_ACTIVE ? "until" :
		    "at", when_text(WHEN_BOTH, r->h.issued_until, now, at),
		    tell_serial(r, serial));
		break;
	case STAND_REVOKED:
	case STAND_DROPPED:
		wr_fmt(w, ", serial %s", tell_serial(r, serial));
		break;
	default:
		break;
	}
}

/* ---- is it what it says? ---- */

/* The first of two lists that is not in both. */
static enum jit_err
say_list(const char *what, const struct span *here, size_t n,
    const struct span *role, size_t m, struct jit_why *why)
{
	char a[TEXT_SHOWN], b[TEXT_SHOWN];

	for (size_t i = 0; i < n || i < m; i++)
		if (i >= n || i >= m || !span_eq(here[i], role[i]))
			return jit_fail(why, JIT_E_RENDER, "%s \"%s\" in the "
			    "role is \"%s\" here", what, i < m ?
			    text_shown(role[i], b, sizeof(b)) : "", i < n ?
			    text_shown(here[i], a, sizeof(a)) : "");
	return JIT_OK;
}

/* The first thing that the role does not have, or has and is not there. */
static enum jit_err
say_difference(const struct request *q, const struct request *want,
    struct jit_why *why)
{
	if (q->kind != want->kind)
		return jit_fail(why, JIT_E_RENDER, "the role is for %s, this "
		    "is for %s", request_kind_name(want->kind),
		    request_kind_name(q->kind));
	JIT_TRY(say_list("principal", q->principals, q->n_principals,
	    want->principals, want->n_principals, why));
	JIT_TRY(say_list("option", q->options, q->n_options, want->options,
	    want->n_options, why));
	if (q->kind == KIND_SSH_USER)
		return JIT_OK;
	JIT_TRY(say_list("profile", &q->profile, 1, &want->profile, 1, why));
	JIT_TRY(say_list("subject", q->subject, q->n_subject, want->subject,
	    want->n_subject, why));
	JIT_TRY(say_list("name", q->sans, q->n_sans, want->sans,
	    want->n_sans, why));
	return say_list("CRL", &q->crl, 1, &want->crl, 1, why);
}

/* With words for what a person must see, before judge.h has its say. */
static enum jit_err
check_text(const struct policy *p, const char *log_id,
    const struct open_request *r, struct jit_why *why)
{
	const struct request *q = &r->req;
	const struct person *who = policy_person(p, q->requester);
	const struct block *b = policy_get(p, BLOCK_ROLE, q->role);
	struct request_store store;
	struct request want = *q;
	char shown[TEXT_SHOWN];

	(void)text_shown(q->requester, shown, sizeof(shown));
	if (who == NULL)
		return jit_fail(why, JIT_E_PERSON, "%s, who asked for it, is "
		    "not in the policy in force", shown);
	if (!person_has_key(who, r->by.key))
		return jit_fail(why, JIT_E_KEYUNKNOWN, "the signature is not "
		    "by a key that is enrolled for %s", shown);
	if (!span_eq_str(q->log, log_id))
		return jit_fail(why, JIT_E_LOGNAME, "it is for another log");
	(void)text_shown(q->role, shown, sizeof(shown));
	if (b == NULL)
		return jit_fail(why, JIT_E_ROLE, "there is no role \"%s\"",
		    shown);
	if (!digest_eq(&b->digest, &q->role_digest))
		return jit_fail(why, JIT_E_STALE, "role %s has changed since "
		    "it was asked for; it must be asked for again", shown);
	JIT_TRY(policy_fill_request(p, q->role, &want, &store, why));
	return say_difference(q, &want, why);
}

enum jit_err
tell_check(const struct policy *p, const char *log_id,
    const struct own_keys *own, const struct dossier *r,
    struct jit_why *why)
{
	struct jit_why judged = { 0 };
	enum jit_err e;

	JIT_TRY(check_text(p, log_id, r->h.request, why));
	e = judge_request(p, log_id, own, r->h.request, 0,
	    r->entry[0].e.time, &judged);
	if (e != JIT_OK && e != JIT_E_NOBODY && why != NULL)
		*why = judged;
	return e == JIT_E_NOBODY ? JIT_OK : e;
}
