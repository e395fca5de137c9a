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
		.end = m != NULL ? m->settled.end : END_NONE,
		.time = l->time,
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

/* What must be so of every certificate, whatever it rests on. */
static enum jit_err
check_cert(const struct ledger *l, const struct entry *e,
    enum ledger_mode mode, struct rec_issued *rec, struct ssh_cert **ret,
    struct jit_why *why)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;

	JIT_TRY(rec_get_issued(e->body, rec, why));
	JIT_TRY(ssh_cert_parse(rec->cert, &c, why));
	if (ssh_cert_fields(c)->serial != l->next_serial)
		return ledger_cannot(e, why, "its serial is not the next");
	if (!ssh_key_eq(ssh_cert_ca(c), l->own.user_ca))
		return ledger_cannot(e, why, "another CA signed it");
	if (mode == LEDGER_DEEP)
		JIT_TRY(ssh_cert_verify(c, l->own.user_ca, why));
	*ret = c;
	c = NULL;
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

static enum jit_err
judge_issued(struct ledger *l, const struct matter *m, const struct entry *e,
    enum ledger_mode mode, struct jit_why *why)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	const struct history *h = &m->whole->h;
	bool lacks = m->lost != l->lost;
	struct rec_issued rec;
	struct issue i;
	enum jit_err err;

	JIT_TRY(check_cert(l, e, mode, &rec, &c, why));
	if (mode == LEDGER_OWN)
		return JIT_OK;
	if (rec.request_index != h->request_index ||
	    rec.policy_index != l->policy_index)
		return ledger_cannot(e, why, "it rests on other entries");
	err = judge_issue(l->policy, &l->own, h, SPAN(rec.secret,
	    sizeof(rec.secret)), l->next_serial, e->time, &i, why);
	if (err == JIT_E_PENDING && lacks) {
		/* Some of its approvals may be what was erased. */
		l->unjudged++;
		return JIT_OK;
	}
	JIT_TRY(err);
	JIT_TRY(ssh_cert_check_is(c, &i.fields, h->request->subject.key,
	    why));
	if (same_approvals(h, &i.quorum, &rec))
		return JIT_OK;
	if (!lacks)
		return ledger_cannot(e, why, "it rests on other approvals");
	l->unjudged++;
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

/* Only a drop can follow on what is settled. */
static enum jit_err
add_drop(struct ledger *l, struct matter *m, const struct entry *e,
    enum ledger_mode mode, struct jit_why *why)
{
	struct settled *s = &m->settled;
	JIT_DONE(signer_done) struct signer by = { 0 };
	struct rec_signed sig;
	struct act a;

	if (e->type != ENTRY_DROP || !s->issued || s->end != END_NONE)
		return ledger_cannot(e, why, "the request is settled");
	JIT_TRY(rec_get_signed(e->body, ENTRY_DROP, &sig, why));
	JIT_TRY(act_parse(sig.text, ACT_DROP, &a, why));
	if (!digest_eq(&a.digest, &s->digest))
		return ledger_cannot(e, why, "it is about another text");
	JIT_TRY(mode == LEDGER_DEEP ? signer_open(sig.sig, NS_DROP, sig.text,
	    &by, why) : signer_read(sig.sig, &by, why));
	if (mode != LEDGER_OWN)
		JIT_TRY(ledger_judge_act(l, s, &a, &by, e->time, why));
	(void)changed(l);
	s->index[s->n++] = e->index;
	s->end = END_DROPPED;
	return JIT_OK;
}

/* About a request of which nothing is known. */
static enum jit_err
apply_orphan(struct ledger *l, const struct entry *e, enum ledger_mode mode,
    struct jit_why *why)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	struct rec_issued rec;

	if (l->lost_requests == 0)
		return ledger_cannot(e, why, "there is no such request");
	if (e->type == ENTRY_ISSUED) {
		JIT_TRY(check_cert(l, e, mode, &rec, &c, why));
		l->next_serial++;
	}
	l->unjudged++;
	return JIT_OK;
}

static enum jit_err
apply_about(struct ledger *l, const struct entry *e, enum ledger_mode mode,
    struct open_decision *open, struct jit_why *why)
{
	JIT_SCOPED(open_decision_free) struct open_decision *own = open;
	struct matter *m = NULL;
	struct ulid id;

	if (rec_about((enum entry_type)e->type, e->body, &id))
		m = ledger_find(l, &id);
	if (m == NULL)
		return apply_orphan(l, e, mode, why);
	JIT_TRY(note_change(l, e, m));
	if (m->whole == NULL)
		return add_drop(l, m, e, mode, why);
	if (e->type == ENTRY_DROP && m->lost != l->lost) {
		/* Its issue may be what was erased. */
		l->unjudged++;
		return JIT_OK;
	}
	if (e->type == ENTRY_ISSUED)
		JIT_TRY(judge_issued(l, m, e, mode, why));
	own = NULL;
	JIT_TRY(add_to_whole(l, m, e, mode, open, why));
	l->next_serial += e->type == ENTRY_ISSUED;
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
	case ENTRY_ISSUED:
		return apply_about(l, e, mode, d, why);
	case ENTRY_INTENT:
	case ENTRY_REVOKE:
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
	l->erased++;
	l->lost_requests += e->type == ENTRY_REQUEST;
	l->lost += e->type == ENTRY_DECISION || e->type == ENTRY_CANCEL ||
	    e->type == ENTRY_ISSUED || e->type == ENTRY_DROP;
	l->next_serial += e->type == ENTRY_ISSUED;
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
