#include <string.h>

#include "ca/base/secret.h"
#include "ca/grant/judge.h"

/* ---- parts of a judgement ---- */

static enum jit_err
check_log(struct span log, const char *log_id, struct jit_why *why)
{
	char shown[TEXT_SHOWN];

	if (span_eq_str(log, log_id))
		return JIT_OK;
	return jit_fail(why, JIT_E_LOGNAME, "the text is for log %s, this is "
	    "%s", text_shown(log, shown, 100), log_id);
}

static enum jit_err
check_clock(utc_s t, utc_s now, struct jit_why *why)
{
	dur_s off = t > now ? t - now : now - t;

	if (off <= JUDGE_CLOCK_SLACK)
		return JIT_OK;
	return jit_fail(why, JIT_E_CLOCK, "the text's time is %lld s %s the "
	    "signer's clock; accepted are %d s", (long long)off,
	    t > now ? "ahead of" : "behind", JUDGE_CLOCK_SLACK);
}

/* The person of that name signed, with a key that is enrolled now. */
static enum jit_err
check_person(const struct policy *p, struct span name,
    const struct signer *by, const struct person **ret, struct jit_why *why)
{
	const struct person *who = policy_person(p, name);
	char shown[64], fp[SSH_FP_TEXT];

	(void)text_shown(name, shown, sizeof(shown));
	if (who == NULL)
		return jit_fail(why, JIT_E_PERSON, "nobody named \"%s\" is "
		    "enrolled", shown);
	if (!person_has_key(who, by->key)) {
		ssh_key_fingerprint(by->key, fp);
		return jit_fail(why, JIT_E_KEYUNKNOWN, "key %s is not "
		    "enrolled for %s", fp, shown);
	}
	if (policy_is_locked(p, name))
		return jit_fail(why, JIT_E_LOCKEDOUT, "%s is locked out; an "
		    "admin can unlock them", shown);
	*ret = who;
	return JIT_OK;
}

static enum jit_err
check_subject(const struct policy *p, const struct own_keys *own,
    const struct ssh_key *k, struct jit_why *why)
{
	const struct block *s = policy_get(p, BLOCK_SETTINGS, SPAN_NONE);
	const char *whose = policy_key_person(p, k) != NULL ? "a person's" :
	    policy_key_is_host(p, k) ? "a host's" :
	    own->ca != NULL && ca_keys_find(own->ca, k) != NULL ? "a CA's" :
	    ssh_key_eq(k, own->log) ? "the log's" : NULL;

	if (whose != NULL)
		return jit_fail(why, JIT_E_SUBJECT, "the key to be certified "
		    "is %s own key; accepted is a fresh one", whose);
	if (s == NULL)
		return jit_fail(why, JIT_E_POLICY, "no settings");
	return ssh_key_check_strength(k, s->settings.rsa_min, why);
}

static const char *
role_text(const struct open_request *r, char ret[static 64])
{
	return text_shown(r->req.role, ret, 64);
}

/* The role as the request knows it is the role in force. */
static enum jit_err
find_role(const struct policy *p, const struct open_request *r,
    const struct role **ret, struct jit_why *why)
{
	const struct block *b = policy_get(p, BLOCK_ROLE, r->req.role);
	char shown[64];

	if (b == NULL)
		return jit_fail(why, JIT_E_ROLE, "there is no role \"%s\"",
		    role_text(r, shown));
	if (!digest_eq(&b->digest, &r->req.role_digest))
		return jit_fail(why, JIT_E_STALE, "role %s has changed since "
		    "the request was made; ask again", role_text(r, shown));
	*ret = &b->role;
	return JIT_OK;
}

/* Rendered from the policy, the text is the same, byte for byte. */
static enum jit_err
check_rendered(const struct policy *p, const struct open_request *r,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_MAX);
	struct request again = r->req;
	struct request_store store;

	JIT_TRY(policy_fill_request(p, r->req.role, &again, &store, why));
	request_put(&w, &again);
	if (w.err == JIT_OK && span_eq(wr_view(&w), BUF_SPAN(r->text)))
		return JIT_OK;
	return jit_fail(why, JIT_E_RENDER, "what is asked for is not what role "
	    "%.*s gives", (int)r->req.role.n,
	    (const char *)r->req.role.p);
}

static enum jit_err
check_window(const struct role *role, const struct request *q, utc_s now,
    struct jit_why *why)
{
	char max[DUR_TEXT];

	dur_text(role->max, max);
	if (q->duration > role->max)
		return jit_fail(why, JIT_E_WINDOW, "the duration is longer "
		    "than the role's max, %s", max);
	dur_text(role->horizon, max);
	if (q->closes <= now)
		return jit_fail(why, JIT_E_WINDOW, "the window is over");
	if (q->closes - now > role->horizon)
		return jit_fail(why, JIT_E_WINDOW, "the window closes later "
		    "than the role's horizon, %s from now", max);
	return JIT_OK;
}

static enum jit_err
check_approvers(const struct policy *p, const struct role *role,
    struct span requester, struct jit_why *why)
{
	size_t n = policy_count_approvers(p, role, requester);

	if (n >= role->need)
		return JIT_OK;
	return jit_fail(why, JIT_E_NOBODY, "%.*s needs %u approvals, and only "
	    "%zu people beside you may give one", (int)role->name.n,
	    (const char *)role->name.p, role->need, n);
}

/* The requester may still ask for this role, with this key. */
static enum jit_err
check_requester(const struct policy *p, const struct role *role,
    const struct open_request *r, struct jit_why *why)
{
	const struct person *who = NULL;
	enum jit_err e;

	JIT_TRY(check_person(p, r->req.requester, &r->by, &who, why));
	if (!person_in(who, &role->request_of))
		return jit_fail(why, JIT_E_REFUSED, "%.*s is in no group that "
		    "may ask for %.*s", (int)who->name.n,
		    (const char *)who->name.p, (int)role->name.n,
		    (const char *)role->name.p);
	e = proof_check(role->request_proofs, r->by.key, &r->by.facts, why);
	return e == JIT_OK ? e : jit_at(why, e, "request");
}

enum jit_err
judge_request(const struct policy *p, const char *log_id,
    const struct own_keys *own, const struct open_request *r, size_t open,
    utc_s now, struct jit_why *why)
{
	const struct role *role = NULL;
	const struct person *who = NULL;

	JIT_TRY(check_log(r->req.log, log_id, why));
	JIT_TRY(check_person(p, r->req.requester, &r->by, &who, why));
	JIT_TRY(find_role(p, r, &role, why));
	JIT_TRY(check_requester(p, role, r, why));
	JIT_TRY(check_subject(p, own, r->subject.key, why));
	JIT_TRY(check_rendered(p, r, why));
	JIT_TRY(check_clock(r->req.created, now, why));
	JIT_TRY(check_window(role, &r->req, now, why));
	JIT_TRY(role_check_reason(role, r->req.reason, why));
	JIT_TRY(check_approvers(p, role, r->req.requester, why));
	if (open >= JUDGE_OPEN_MAX)
		return jit_fail(why, JIT_E_QUOTA, "%zu requests of %.*s are "
		    "open, accepted are %d", open, (int)who->name.n,
		    (const char *)who->name.p, JUDGE_OPEN_MAX);
	return JIT_OK;
}

/* ---- where a request stands ---- */

/* Nothing more can be decided on it. */
static enum jit_err
check_undecided(const struct history *h, utc_s now, struct jit_why *why)
{
	if (h->end == END_DENIED)
		return jit_fail(why, JIT_E_DENIED, "the request was denied");
	if (h->end == END_CANCELLED)
		return jit_fail(why, JIT_E_CANCELLED, "the request was "
		    "cancelled");
	if (h->end == END_DROPPED)
		return jit_fail(why, JIT_E_DROPPED, "the access was dropped");
	if (h->end == END_REVOKED)
		return jit_fail(why, JIT_E_REVOKED, "the access was revoked");
	if (h->issued)
		return jit_fail(why, JIT_E_ISSUED, "the certificate is issued "
		    "already; it can only be revoked");
	if (now >= h->request->req.closes)
		return jit_fail(why, JIT_E_EXPIRED, "the window closed %lld s "
		    "ago", (long long)(now - h->request->req.closes));
	return JIT_OK;
}

/* The newest verdict of that person, or NULL. */
static const struct open_decision *
last_of(const struct history *h, struct span name, size_t *at)
{
	for (size_t i = h->n_decisions; i > 0; i--)
		if (span_eq(h->decision[i - 1]->dec.approver, name)) {
			*at = i - 1;
			return h->decision[i - 1];
		}
	return NULL;
}

/* May that person, by that key, decide on h under p? */
static enum jit_err
check_decider(const struct policy *p, const struct history *h,
    const struct open_decision *d, struct jit_why *why)
{
	const struct open_request *r = h->request;
	const struct person *who = NULL;
	const struct role *role = NULL;
	enum jit_err e;

	JIT_TRY(check_person(p, d->dec.approver, &d->by, &who, why));
	JIT_TRY(find_role(p, r, &role, why));
	if (span_eq(who->name, r->req.requester))
		return jit_fail(why, JIT_E_SELF, "you asked for this; "
		    "somebody else must decide");
	if (!role_may_approve(role, who, r->req.requester))
		return jit_fail(why, JIT_E_APPROVER, "%.*s is in no group that "
		    "decides on %.*s", (int)who->name.n,
		    (const char *)who->name.p, (int)role->name.n,
		    (const char *)role->name.p);
	e = proof_check(role->approve_proofs, d->by.key, &d->by.facts, why);
	return e == JIT_OK ? e : jit_at(why, e, "decision");
}

enum jit_err
judge_decision(const struct policy *p, const char *log_id,
    const struct history *h, const struct open_decision *d, utc_s now,
    struct jit_why *why)
{
	const struct open_decision *last;
	size_t at;

	JIT_TRY(check_log(d->dec.log, log_id, why));
	if (!span_eq(d->dec.request_text, BUF_SPAN(h->request->text)))
		return jit_fail(why, JIT_E_OTHERTEXT, "the decision holds "
		    "another text than the request %s that is logged",
		    d->dec.request.s);
	JIT_TRY(check_clock(d->dec.decided, now, why));
	JIT_TRY(check_undecided(h, now, why));
	JIT_TRY(check_decider(p, h, d, why));
	last = last_of(h, d->dec.approver, &at);
	if (last != NULL && last->dec.verdict == d->dec.verdict &&
	    ssh_key_eq(last->by.key, d->by.key))
		return jit_fail(why, JIT_E_DECIDED, "%.*s has decided so "
		    "already", (int)d->dec.approver.n,
		    (const char *)d->dec.approver.p);
	/* One place is kept for a deny: it must always be possible. */
	if (h->n_decisions + (d->dec.verdict == VERDICT_APPROVE) >=
	    JUDGE_DECISIONS_MAX)
		return jit_fail(why, JIT_E_QUOTA, "too many decisions on one "
		    "request");
	return JIT_OK;
}

/* May who end what h is about in that way, whatever its state? */
static enum jit_err
check_ender(const struct policy *p, const struct history *h,
    const struct act *a, const struct person *who, struct jit_why *why)
{
	struct span requester = h->request->req.requester;
	const struct role *role = policy_role(p, h->request->req.role);

	if (span_eq(who->name, requester))
		return JIT_OK;
	if (a->kind == ACT_REVOKE && (policy_is_admin(p, who) ||
	    (role != NULL && role_may_approve(role, who, requester))))
		return JIT_OK;
	return jit_fail(why, JIT_E_NOTYOURS, "%.*s asked for this, and only "
	    "%.*s%s may end it", (int)requester.n, (const char *)requester.p,
	    (int)requester.n, (const char *)requester.p,
	    a->kind == ACT_REVOKE ? ", its approvers and admins" : "");
}

enum jit_err
judge_act(const struct policy *p, const char *log_id, const struct history *h,
    const struct act *a, const struct signer *by, utc_s now,
    struct jit_why *why)
{
	const struct person *who = NULL;
	enum jit_err e;

	JIT_TRY(check_log(a->log, log_id, why));
	if (!digest_eq(&a->digest, &h->request->digest))
		return jit_fail(why, JIT_E_OTHERTEXT, "the digest is not the "
		    "one of request %s", a->request.s);
	JIT_TRY(check_clock(a->at, now, why));
	JIT_TRY(check_person(p, a->by, by, &who, why));
	JIT_TRY(check_ender(p, h, a, who, why));
	e = check_undecided(h, now, why);
	if (a->kind == ACT_CANCEL)
		return e;
	if (e == JIT_OK)
		return jit_fail(why, JIT_E_PENDING, "nothing is issued yet; %s "
		    "it instead", span_eq(a->by, h->request->req.requester) ?
		    "cancel" : "deny");
	if (e != JIT_E_ISSUED)
		return e;
	if (now >= h->issued_until)
		return jit_fail(why, JIT_E_EXPIRED, "the access has ended by "
		    "itself");
	return JIT_OK;
}

enum jit_err
judge_lock(const struct policy *p, const char *log_id, const struct lock *l,
    const struct signer *by, bool is, utc_s now, struct jit_why *why)
{
	const struct person *who = NULL;
	int n = (int)l->person.n;
	const char *s = (const char *)l->person.p;
	bool self = span_eq(l->by, l->person);

	JIT_TRY(check_log(l->log, log_id, why));
	JIT_TRY(check_clock(l->at, now, why));
	JIT_TRY(check_person(p, l->by, by, &who, why));
	if (policy_person(p, l->person) == NULL)
		return jit_fail(why, JIT_E_PERSON, "nobody named \"%.*s\" is "
		    "enrolled", n, s);
	if (l->unlock && (self || !policy_is_admin(p, who)))
		return jit_fail(why, JIT_E_NOTYOURS, "only an admin, and "
		    "another one than %.*s, may let %.*s in again", n, s, n,
		    s);
	if (!l->unlock && !self && !policy_is_admin(p, who))
		return jit_fail(why, JIT_E_NOTYOURS, "only %.*s and admins may "
		    "lock %.*s out", n, s, n, s);
	if (l->unlock != is)
		return jit_fail(why, JIT_E_EXISTS, "%.*s is %s already", n, s,
		    is ? "locked out" : "let in");
	return JIT_OK;
}

enum jit_err
judge_key_digest(const struct ssh_key *k, struct digest *ret)
{
	return digest_sha256(ssh_key_blob(k), ret);
}

bool
judge_is_lost(const struct policy *p, struct span requester,
    const struct digest *key, enum ended_cause *cause)
{
	const struct person *who = policy_person(p, requester);
	struct digest d;

	if (who == NULL) {
		*cause = ENDED_PERSON;
		return true;
	}
	if (policy_is_locked(p, requester)) {
		*cause = ENDED_LOCKED;
		return true;
	}
	for (size_t i = 0; i < who->n_keys; i++)
		if (judge_key_digest(who->keys[i], &d) == JIT_OK &&
		    digest_eq(&d, key))
			return false;
	*cause = ENDED_KEY;
	return true;
}

enum jit_err
judge_quorum(const struct policy *p, const struct history *h,
    struct quorum *ret, struct jit_why *why)
{
	const struct role *role = NULL;
	struct quorum q = { 0 };

	JIT_TRY(find_role(p, h->request, &role, why));
	q.need = role->need;
	/* People are counted, each by the newest verdict (case 8). */
	for (size_t i = 0; i < h->n_decisions; i++) {
		const struct open_decision *d = h->decision[i];
		size_t at = 0;

		(void)last_of(h, d->dec.approver, &at);
		if (at == i && d->dec.verdict == VERDICT_APPROVE &&
		    check_decider(p, h, d, NULL) == JIT_OK)
			q.counted[q.have++] = i;
	}
	*ret = q;
	return JIT_OK;
}

static enum jit_err
fill_ssh(const struct history *h, uint64_t serial, struct issue *ret,
    struct jit_why *why)
{
	const struct request *q = &h->request->req;
	JIT_DONE(wr_done) struct wr id = WR_INIT(sizeof(ret->key_id) - 1);

	JIT_TRY(request_put_key_id(&id, q, BUF_SPAN(h->request->text)));
	memcpy(ret->key_id, id.p, id.n);
	ret->key_id[id.n] = '\0';
	for (size_t i = 0; i < q->n_options; i++)
		JIT_TRY(ssh_opt_parse(q->options[i], &ret->opts[i], why));
	ret->fields = (struct ssh_cert_fields){
		.serial = serial,
		.type = SSH_CERT_USER,
		.key_id = SPAN(ret->key_id, id.n),
		.principals = q->principals,
		.n_principals = q->n_principals,
		.after = ret->life.from,
		.before = ret->life.until,
		.opts = ret->opts,
		.n_opts = q->n_options,
	};
	return JIT_OK;
}

static void
fill_x509(const struct history *h, struct issue *ret)
{
	const struct request *q = &h->request->req;

	ret->x509 = (struct x509_fields){
		.profile = x509_profile_find(q->profile),
		.subject = q->subject,
		.n_subject = q->n_subject,
		.sans = q->sans,
		.n_sans = q->n_sans,
		.after = ret->life.from,
		.before = ret->life.until,
		.crl_url = q->crl,
		.request = q->id,
		.text = h->request->digest,
	};
}

/* What the certificate says, from the request and the window. */
static enum jit_err
fill_issue(const struct role *role, const struct history *h, uint64_t serial,
    utc_s now, struct issue *ret, struct jit_why *why)
{
	const struct request *q = &h->request->req;
	const struct window approved = { q->opens, q->closes };

	ret->kind = q->kind;
	JIT_TRY(window_cut(&approved, now, q->duration, role->skew,
	    &ret->life, why));
	if (q->kind == KIND_SSH_USER)
		return fill_ssh(h, serial, ret, why);
	fill_x509(h, ret);
	return JIT_OK;
}

enum jit_err
judge_issue(const struct policy *p, const struct own_keys *own,
    const struct history *h, struct span secret, uint64_t serial, utc_s now,
    struct issue *ret, struct jit_why *why)
{
	const struct open_request *r = h->request;
	const struct role *role = NULL;
	struct digest d;

	JIT_TRY(digest_sha256(secret, &d));
	if (secret.n != 32 || !secret_equal(DIGEST_SPAN(d),
	    DIGEST_SPAN(r->req.collect)))
		return jit_fail(why, JIT_E_COLLECT, "the collect secret is "
		    "not the one of request %s", r->req.id.s);
	JIT_TRY(check_undecided(h, now, why));
	JIT_TRY(find_role(p, r, &role, why));
	JIT_TRY(check_requester(p, role, r, why));
	JIT_TRY(check_subject(p, own, r->subject.key, why));
	JIT_TRY(check_rendered(p, r, why));
	JIT_TRY(judge_quorum(p, h, &ret->quorum, why));
	if (ret->quorum.have < ret->quorum.need)
		return jit_fail(why, JIT_E_PENDING, "%u of %u approvals",
		    ret->quorum.have, ret->quorum.need);
	return fill_issue(role, h, serial, now, ret, why);
}

/* ---- recovery ---- */

static enum jit_err
judge_recovery_text(const struct policy *p, const struct admins *admins,
    const char *log_id, const struct recovery *r, const struct signer *by,
    const struct recovery_want *want, utc_s now, struct jit_why *why)
{
	const struct person *who = NULL;

	JIT_TRY(check_log(r->log, log_id, why));
	JIT_TRY(check_clock(r->at, now, why));
	JIT_TRY(check_person(p, r->by, by, &who, why));
	if (!person_in(who, &admins->of))
		return jit_fail(why, JIT_E_APPROVER, "%.*s is no admin",
		    (int)who->name.n, (const char *)who->name.p);
	if (r->size != want->size || !digest_eq(&r->root, &want->root) ||
	    r->cause != want->cause)
		return jit_fail(why, JIT_E_OTHERTEXT, "%.*s signed another "
		    "size, root or cause than this log's",
		    (int)who->name.n, (const char *)who->name.p);
	return JIT_OK;
}

enum jit_err
judge_recovery(const struct policy *p, const char *log_id,
    const struct recovery *r, const struct signer *by, size_t n,
    const struct recovery_want *want, utc_s now, struct jit_why *why)
{
	const struct block *b = policy_get(p, BLOCK_ADMINS, SPAN_NONE);
	unsigned people = 0;

	if (b == NULL)
		return jit_fail(why, JIT_E_POLICY, "no admins");
	for (size_t i = 0; i < n; i++) {
		size_t before = 0;

		JIT_TRY(judge_recovery_text(p, &b->admins, log_id, &r[i],
		    &by[i], want, now, why));
		while (before < i && !span_eq(r[before].by, r[i].by))
			before++;
		people += before == i;
	}
	if (people >= b->admins.need)
		return JIT_OK;
	return jit_fail(why, JIT_E_PENDING, "%u of %u admins have signed",
	    people, b->admins.need);
}
