#include <stdlib.h>
#include <string.h>

#include "ca/grant/ledger_int.h"

#define EXPIRE_EVERY 1024	/* entries */

/* Remember what e changes on m, so that it can be taken back. */
static enum jit_err
note_change(struct ledger *l, const struct entry *e, struct matter *m)
{
	void *v = l->change;

	JIT_TRY(ledger_grow(&v, l->n_change + 1, &l->cap_change,
	    sizeof(l->change[0])));
	l->change = v;
	l->change[l->n_change] = (struct change){
		.type = (enum entry_type)e->type, .m = m,
		.end = m->settled.end, .ended = m->settled.ended,
		.time = l->time, .revoked = l->revoked,
		.serial = l->next_serial, .spare = l->spare_serials,
	};
	return JIT_OK;
}

static struct change *
changed(struct ledger *l)
{
	return &l->change[l->n_change++];
}

/* ---- what is about a request ---- */

static enum jit_err
add_request(struct ledger *l, const struct entry *e, struct dossier *d)
{
	struct matter *m = calloc(1, sizeof(*m));
	enum jit_err err;

	if (m == NULL) {
		dossier_free(d);
		return JIT_E_NOMEM;
	}
	m->whole = d;
	m->settled.id = d->id;
	m->settled.closes = d->h.request->req.closes;
	m->lost = l->lost;
	if ((err = note_change(l, e, m)) != JIT_OK ||
	    (err = ledger_insert(l, m)) != JIT_OK) {
		matter_free(m);
		return err;
	}
	(void)changed(l);
	return JIT_OK;
}

/* Once forgotten, an id is free: at the same moment for every reader. */
static bool
is_known(struct ledger *l, const struct ulid *id, utc_s now)
{
	const struct matter *m = ledger_find(l, id);

	if (m == NULL || now - LEDGER_GRACE < m->settled.closes)
		return m != NULL;
	ledger_expire(l, now);
	return ledger_find(l, id) != NULL;
}

static enum jit_err
judge_asked(struct ledger *l, const struct dossier *d, const struct entry *e,
    struct jit_why *why)
{
	const struct open_request *r = d->h.request;
	size_t open = ledger_open(l, r->req.requester, e->time);

	/* What ended some of them may be what was erased. */
	if (open >= JUDGE_OPEN_MAX && l->lost > 0) {
		l->unjudged++;
		open = 0;
	}
	return judge_request(l->policy, l->log_id, &l->own, r, open, e->time,
	    why);
}

static enum jit_err
apply_request(struct ledger *l, const struct entry *e, enum ledger_mode mode,
    struct open_request *open, struct jit_why *why)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	struct dossier *own;

	if (open != NULL)
		JIT_TRY(dossier_new_open(e, open, &d, why));
	else
		JIT_TRY(dossier_new(e, mode == LEDGER_DEEP ? DOSSIER_VERIFY :
		    DOSSIER_OWN, &d, why));
	if (is_known(l, &d->id, e->time))
		return ledger_cannot(e, why, "its id is another request's");
	if (mode != LEDGER_OWN)
		JIT_TRY(judge_asked(l, d, e, why));
	own = d;
	d = NULL;
	return add_request(l, e, own);
}

/* What is over is kept as a few numbers. */
static enum jit_err
settle(struct ledger *l, struct matter *m)
{
	struct change *c;

	if (m->whole->h.end == END_NONE && !m->whole->h.issued) {
		(void)changed(l);
		return JIT_OK;
	}
	JIT_TRY(matter_settle(l, m));
	c = changed(l);
	c->settles = true;
	c->was = m->whole;
	m->whole = NULL;
	return JIT_OK;
}

/* Whose certificate is it?  The CA that signs what is issued now. */
static const struct ca_key *
issuer_of(const struct ledger *l, const struct issued *c)
{
	return ca_keys_active(&l->ca, c->kind == KIND_X509 ? CA_X509 :
	    CA_SSH_USER);
}

static bool
serial_fits(const struct ledger *l, const struct issued *c)
{
	uint64_t n;

	if (c->kind == KIND_X509)
		return true;
	n = ssh_cert_fields(c->ssh)->serial;
	return n >= l->next_serial && n - l->next_serial <= l->spare_serials;
}

static void
take_serial(struct ledger *l, const struct issued *c)
{
	uint64_t n;

	if (c->kind == KIND_X509)
		return;
	n = ssh_cert_fields(c->ssh)->serial;
	l->spare_serials -= n - l->next_serial;
	l->next_serial = n + 1;
}

/* What must be so of every certificate, whatever it rests on. */
static enum jit_err
check_cert(const struct ledger *l, const struct entry *e,
    enum ledger_mode mode, struct rec_issued *rec, struct issued *ret,
    struct jit_why *why)
{
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	const struct ca_key *ca;

	JIT_TRY(rec_get_issued(e->body, rec, why));
	JIT_TRY(issued_parse(rec->cert, &c, why));
	if (!serial_fits(l, &c))
		return ledger_cannot(e, why, "its serial is not the next");
	if ((ca = issuer_of(l, &c)) == NULL || !issued_by(&c, ca))
		return ledger_cannot(e, why, "another CA signed it");
	if (mode == LEDGER_DEEP)
		JIT_TRY(issued_verify(&c, ca, why));
	*ret = c;
	c = (struct issued){ .kind = KIND_SSH_USER };
	return JIT_OK;
}

/* Are the approvals that it lists those that count? */
static bool
same_approvals(const struct history *h, const struct quorum *q,
    const struct rec_issued *rec)
{
	if (rec->n_approvals != q->have)
		return false;
	for (size_t k = 0; k < q->have; k++)
		if (rec->approvals[k] != h->decision_index[q->counted[k]])
			return false;
	return true;
}

/* c says what the request, the approvals and the policy lead to. */
static enum jit_err
judge_cert(struct ledger *l, const struct matter *m, const struct entry *e,
    const struct rec_issued *rec, const struct issued *c,
    struct jit_why *why)
{
	const struct history *h = &m->whole->h;
	bool lacks = m->lost != l->lost;
	struct issue i;
	enum jit_err err;

	if (rec->request_index != h->request_index ||
	    rec->policy_index != l->policy_index)
		return ledger_cannot(e, why, "it rests on other entries");
	err = judge_issue(l->policy, &l->own, h, SPAN(rec->secret,
	    sizeof(rec->secret)), c->kind == KIND_X509 ? 0 :
	    ssh_cert_fields(c->ssh)->serial, e->time, &i, why);
	if (err == JIT_E_PENDING && lacks) {
		/* Some of its approvals may be what was erased. */
		l->unjudged++;
		return JIT_OK;
	}
	JIT_TRY(err);
	JIT_TRY(issued_check_is(c, &i, h->request->subject.key,
	    issuer_of(l, c), why));
	if (same_approvals(h, &i.quorum, rec))
		return JIT_OK;
	if (!lacks)
		return ledger_cannot(e, why, "it rests on other approvals");
	l->unjudged++;
	return JIT_OK;
}

static enum jit_err
judge_issued(struct ledger *l, const struct matter *m, const struct entry *e,
    enum ledger_mode mode, struct issued *ret, struct jit_why *why)
{
	struct rec_issued rec;

	JIT_TRY(check_cert(l, e, mode, &rec, ret, why));
	return mode == LEDGER_OWN ? JIT_OK :
	    judge_cert(l, m, e, &rec, ret, why);
}

/* What the signer ended by itself: it had to be. */
static enum jit_err
judge_ended(const struct ledger *l, const struct entry *e,
    struct span requester, const struct digest *key, struct jit_why *why)
{
	enum ended_cause cause;
	struct rec_ended r;
	uint64_t index = l->policy_index;

	JIT_TRY(rec_get_ended(e->body, &r, why));
	if (!judge_is_lost(l->policy, requester, key, &cause))
		return ledger_cannot(e, why, "nothing demands it");
	if (cause == ENDED_LOCKED)
		(void)ledger_locked(l, requester, &index);
	if (cause != r.cause || index != r.by_index)
		return ledger_cannot(e, why, "it names another cause");
	return JIT_OK;
}

/* A decision or an act on an open request, judged by what was added last. */
static enum jit_err
judge_added(const struct ledger *l, struct dossier *d, const struct entry *e,
    struct jit_why *why)
{
	struct rec_signed s;
	JIT_DONE(signer_done) struct signer by = { 0 };
	struct act a;

	if (e->type == ENTRY_DECISION) {
		struct open_decision *dec =
		    d->h.decision[d->h.n_decisions - 1];
		struct history before = d->h;

		before.n_decisions--;
		before.end = END_NONE;
		return judge_decision(l->policy, l->log_id, &before, dec,
		    e->time, why);
	}
	if (e->type == ENTRY_ENDED) {
		struct digest key;

		JIT_TRY(judge_key_digest(d->h.request->by.key, &key));
		return judge_ended(l, e, d->h.request->req.requester, &key,
		    why);
	}
	JIT_TRY(rec_get_signed(e->body, (enum entry_type)e->type, &s, why));
	JIT_TRY(act_parse(s.text, ACT_CANCEL, &a, why));
	JIT_TRY(signer_read(s.sig, &by, why));
	struct history before = d->h;

	before.end = END_NONE;
	return judge_act(l->policy, l->log_id, &before, &a, &by, e->time,
	    why);
}

static enum jit_err
add_to_whole(struct ledger *l, struct matter *m, const struct entry *e,
    enum ledger_mode mode, struct open_decision *open, struct jit_why *why)
{
	struct dossier *d = m->whole;
	enum jit_err err;

	if (open != NULL)
		JIT_TRY(dossier_add_open(d, e, open, why));
	else
		JIT_TRY(dossier_add(d, e, mode == LEDGER_DEEP ?
		    DOSSIER_VERIFY : DOSSIER_OWN, why));
	err = mode == LEDGER_OWN || e->type == ENTRY_ISSUED ? JIT_OK :
	    judge_added(l, d, e, why);
	if (err == JIT_OK)
		err = settle(l, m);
	if (err != JIT_OK)
		dossier_pop(d);
	return err;
}

/* May this drop or revoke stand behind what is settled? */
static enum jit_err
judge_taking(const struct ledger *l, const struct settled *s,
    const struct entry *e, enum ledger_mode mode, struct jit_why *why)
{
	enum act_kind kind = dossier_act_kind(e);
	JIT_DONE(signer_done) struct signer by = { 0 };
	struct rec_signed sig;
	struct act a;

	JIT_TRY(rec_get_signed(e->body, (enum entry_type)e->type, &sig, why));
	JIT_TRY(act_parse(sig.text, kind, &a, why));
	if (!digest_eq(&a.digest, &s->digest))
		return ledger_cannot(e, why, "it is about another text");
	JIT_TRY(mode == LEDGER_DEEP ? signer_open(sig.sig,
	    act_namespace(kind), sig.text, &by, why) :
	    signer_read(sig.sig, &by, why));
	return mode == LEDGER_OWN ? JIT_OK :
	    ledger_judge_act(l, s, &a, &by, e->time, why);
}

/* Only what takes it back can follow on what is settled. */
static enum jit_err
add_to_settled(struct ledger *l, struct matter *m, const struct entry *e,
    enum ledger_mode mode, struct jit_why *why)
{
	struct settled *s = &m->settled;
	bool ended = e->type == ENTRY_ENDED;
	struct change *c;

	if ((e->type != ENTRY_DROP && e->type != ENTRY_REVOKE && !ended) ||
	    !s->issued || s->end != END_NONE)
		return ledger_cannot(e, why, "the request is settled");
	if (!ended)
		JIT_TRY(judge_taking(l, s, e, mode, why));
	else if (mode != LEDGER_OWN)
		JIT_TRY(judge_ended(l, e, span_str(s->requester), &s->key,
		    why));
	c = changed(l);
	c->on_settled = true;
	s->index[s->n++] = e->index;
	s->end = e->type == ENTRY_DROP ? END_DROPPED : END_REVOKED;
	s->ended = e->time;
	l->revoked = e->index;
	return JIT_OK;
}

/* About a request of which nothing is known. */
static enum jit_err
apply_orphan(struct ledger *l, const struct entry *e, enum ledger_mode mode,
    struct jit_why *why)
{
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	struct rec_issued rec;

	if (l->lost_requests == 0)
		return ledger_cannot(e, why, "there is no such request");
	if (e->type == ENTRY_ISSUED) {
		JIT_TRY(check_cert(l, e, mode, &rec, &c, why));
		take_serial(l, &c);
	}
	l->unjudged++;
	return JIT_OK;
}

/* What takes back a certificate whose issue may be what was erased. */
static bool
takes_unknown(const struct ledger *l, const struct matter *m,
    const struct entry *e)
{
	return m->lost != l->lost && (e->type == ENTRY_DROP ||
	    e->type == ENTRY_REVOKE);
}

static enum jit_err
apply_about(struct ledger *l, const struct entry *e, enum ledger_mode mode,
    struct open_decision *open, struct jit_why *why)
{
	JIT_SCOPED(open_decision_free) struct open_decision *own = open;
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	struct matter *m = NULL;
	struct ulid id;

	if (rec_about((enum entry_type)e->type, e->body, &id))
		m = ledger_find(l, &id);
	if (m == NULL)
		return apply_orphan(l, e, mode, why);
	JIT_TRY(note_change(l, e, m));
	if (m->whole == NULL)
		return add_to_settled(l, m, e, mode, why);
	if (takes_unknown(l, m, e)) {
		l->unjudged++;
		return JIT_OK;
	}
	if (e->type == ENTRY_ISSUED)
		JIT_TRY(judge_issued(l, m, e, mode, &c, why));
	own = NULL;
	JIT_TRY(add_to_whole(l, m, e, mode, open, why));
	if (e->type == ENTRY_ISSUED)
		take_serial(l, &c);
	return JIT_OK;
}

/* ---- all ---- */

static enum jit_err
apply_body(struct ledger *l, const struct entry *e, enum ledger_mode mode,
    struct open_request *r, struct open_decision *d, struct jit_why *why)
{
	switch ((enum entry_type)e->type) {
	case ENTRY_GENESIS:
		return ledger_take_genesis(l, e, why);
	case ENTRY_BLOB:
		return ledger_take_blob(l, e);
	case ENTRY_POLICY:
		return ledger_take_policy(l, e, why);
	case ENTRY_RECOVERY:
		return ledger_take_recovery(l, e, mode, why);
	case ENTRY_REQUEST:
		return apply_request(l, e, mode, r, why);
	case ENTRY_DECISION:
	case ENTRY_CANCEL:
	case ENTRY_DROP:
	case ENTRY_REVOKE:
	case ENTRY_ENDED:
	case ENTRY_ISSUED:
		return apply_about(l, e, mode, d, why);
	case ENTRY_KEYS:
		return ledger_take_keys(l, e, why);
	case ENTRY_LOCK:
		return ledger_take_lock(l, e, mode, why);
	case ENTRY_INTENT:
	case ENTRY_CLAIMED:
		break;
	}
	return ledger_cannot(e, why, "nothing writes this type yet");
}

static enum jit_err
check_place(const struct ledger *l, const struct entry *e,
    struct jit_why *why)
{
	if (e->index != l->edge.size)
		return jit_fail(why, JIT_E_VERIFY, "entry %llu is numbered "
		    "%llu", (unsigned long long)l->edge.size,
		    (unsigned long long)e->index);
	if (e->time < l->time)
		return ledger_cannot(e, why, "its time goes back");
	if ((e->type == ENTRY_GENESIS) != (e->index == 0))
		return ledger_cannot(e, why, "a log begins with one genesis");
	if (e->index > 0 && l->policy == NULL && e->type != ENTRY_BLOB &&
	    e->type != ENTRY_POLICY)
		return ledger_cannot(e, why, "no policy is in force");
	return JIT_OK;
}

/* What is erased cannot be judged; what it must have changed is changed. */
static enum jit_err
apply_erased(struct ledger *l, const struct entry *e, struct jit_why *why)
{
	if (e->type == ENTRY_GENESIS || e->type == ENTRY_POLICY)
		return ledger_cannot(e, why, "it was erased, and all rests "
		    "on it");
	if (e->type == ENTRY_KEYS || e->type == ENTRY_LOCK)
		return ledger_cannot(e, why, "it was erased, and what follows "
		    "rests on it");
	l->erased++;
	l->lost_requests += e->type == ENTRY_REQUEST;
	l->lost += e->type == ENTRY_DECISION || e->type == ENTRY_CANCEL ||
	    e->type == ENTRY_ISSUED || e->type == ENTRY_DROP ||
	    e->type == ENTRY_REVOKE || e->type == ENTRY_ENDED;
	l->spare_serials += e->type == ENTRY_ISSUED;
	return JIT_OK;
}

static enum jit_err
apply(struct ledger *l, const struct entry *e, enum ledger_mode mode,
    struct open_request *r, struct open_decision *d, struct jit_why *why)
{
	JIT_SCOPED(open_request_free) struct open_request *own_r = r;
	JIT_SCOPED(open_decision_free) struct open_decision *own_d = d;
	struct digest leaf;

	JIT_TRY(check_place(l, e, why));
	JIT_TRY(merkle_leaf(SPAN(e->leaf, ENTRY_LEAF), &leaf));
	/* From here on the parts are the callee's. */
	own_r = NULL;
	own_d = NULL;
	JIT_TRY(e->erased ? apply_erased(l, e, why) :
	    apply_body(l, e, mode, r, d, why));
	JIT_TRY(merkle_edge_add(&l->edge, &leaf));
	l->time = e->time;
	return JIT_OK;
}

enum jit_err
ledger_apply(struct ledger *l, const struct entry *e, enum ledger_mode mode,
    struct jit_why *why)
{
	JIT_TRY(apply(l, e, mode, NULL, NULL, why));
	/* Nobody takes a log back that is read: what is over may be freed. */
	ledger_commit(l);
	if (l->edge.size % EXPIRE_EVERY == 0)
		ledger_expire(l, l->time);
	return JIT_OK;
}

enum jit_err
ledger_apply_open(struct ledger *l, const struct entry *e,
    struct open_request *r, struct open_decision *d, struct jit_why *why)
{
	if ((e->type == ENTRY_REQUEST) != (r != NULL) ||
	    (e->type == ENTRY_DECISION) != (d != NULL) || e->erased) {
		open_request_free(r);
		open_decision_free(d);
		return jit_fail(why, JIT_E_ARG, "the parts are not a %s's",
		    entry_type_name(e->type));
	}
	return apply(l, e, LEDGER_OWN, r, d, why);
}
