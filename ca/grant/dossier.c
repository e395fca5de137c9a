#include <stdlib.h>
#include <string.h>

#include "ca/grant/dossier.h"
#include "ca/grant/issued.h"

enum jit_err
kept_copy(struct kept *ret, const struct entry *e)
{
	struct kept k = { .e = *e };

	JIT_TRY(buf_copy(&k.body, e->body));
	k.e.body = BUF_SPAN(k.body);
	*ret = k;
	return JIT_OK;
}

void
kept_done(struct kept *k)
{
	buf_done(&k->body);
	*k = (struct kept){ 0 };
}

void
dossier_free(struct dossier *d)
{
	if (d == NULL)
		return;
	open_request_free(d->h.request);
	for (size_t i = 0; i < d->h.n_decisions; i++)
		open_decision_free(d->h.decision[i]);
	for (size_t i = 0; i < d->n; i++)
		kept_done(&d->entry[i]);
	free(d->entry);
	free(d);
}

uint64_t
dossier_last(const struct dossier *d)
{
	return d->entry[d->n - 1].e.index;
}

static enum jit_err
check_whole(const struct entry *e, enum entry_type want, struct jit_why *why)
{
	if (e->type != want)
		return jit_fail(why, JIT_E_FORMAT, "entry %llu is a %s, not a "
		    "%s", (unsigned long long)e->index,
		    entry_type_name(e->type), entry_type_name((uint8_t)want));
	if (e->erased)
		return jit_fail(why, JIT_E_ERASED, "the body of entry %llu "
		    "was erased", (unsigned long long)e->index);
	return JIT_OK;
}

/* ---- the request ---- */

/* Copies the entry in behind the others. */
static enum jit_err
keep(struct dossier *d, const struct entry *e)
{
	struct kept *v = realloc(d->entry, (d->n + 1) * sizeof(*v));

	if (v == NULL)
		return JIT_E_NOMEM;
	d->entry = v;
	JIT_TRY(kept_copy(&v[d->n], e));
	d->n++;
	return JIT_OK;
}

enum jit_err
dossier_new_open(const struct entry *e, struct open_request *r,
    struct dossier **ret, struct jit_why *why)
{
	JIT_SCOPED(dossier_free) struct dossier *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		open_request_free(r);
		return JIT_E_NOMEM;
	}
	d->h.request = r;
	d->h.request_index = e->index;
	d->id = r->req.id;
	JIT_TRY(check_whole(e, ENTRY_REQUEST, why));
	JIT_TRY(keep(d, e));
	*ret = d;
	d = NULL;
	return JIT_OK;
}

enum jit_err
dossier_new(const struct entry *e, enum dossier_trust trust,
    struct dossier **ret, struct jit_why *why)
{
	struct open_request *r = NULL;
	struct rec_signed s;

	JIT_TRY(check_whole(e, ENTRY_REQUEST, why));
	JIT_TRY(rec_get_signed(e->body, ENTRY_REQUEST, &s, why));
	JIT_TRY(trust == DOSSIER_OWN ?
	    open_request_own(s.text, s.sig, s.possess, &r, why) :
	    open_request_new(s.text, s.sig, s.possess, &r, why));
	return dossier_new_open(e, r, ret, why);
}

/* ---- what follows ---- */

/* Can another entry stand here at all? */
static enum jit_err
check_next(const struct dossier *d, const struct entry *e,
    struct jit_why *why)
{
	const struct history *h = &d->h;
	/* What takes an issued certificate back, and what both can be about. */
	bool after = e->type == ENTRY_DROP || e->type == ENTRY_REVOKE;
	bool either = e->type == ENTRY_ENDED;

	if (e->index <= dossier_last(d) ||
	    e->time < d->entry[d->n - 1].e.time)
		return jit_fail(why, JIT_E_VERIFY, "entry %llu does not follow "
		    "on the one before", (unsigned long long)e->index);
	if (h->end != END_NONE || (!either && h->issued != after))
		return jit_fail(why, JIT_E_VERIFY, "a %s cannot stand after "
		    "what the log holds about %s", entry_type_name(e->type),
		    d->id.s);
	if (d->n == DOSSIER_ENTRIES_MAX)
		return jit_fail(why, JIT_E_SIZE, "too many entries about %s",
		    d->id.s);
	return JIT_OK;
}

enum jit_err
dossier_add_open(struct dossier *d, const struct entry *e,
    struct open_decision *dec, struct jit_why *why)
{
	JIT_SCOPED(open_decision_free) struct open_decision *own = dec;
	struct history *h = &d->h;

	JIT_TRY(check_whole(e, ENTRY_DECISION, why));
	JIT_TRY(check_next(d, e, why));
	if (!span_eq(dec->dec.request_text, BUF_SPAN(h->request->text)))
		return jit_fail(why, JIT_E_OTHERTEXT, "the decision holds "
		    "another text than request %s", d->id.s);
	if (h->n_decisions == JUDGE_DECISIONS_MAX)
		return jit_fail(why, JIT_E_SIZE, "too many decisions on %s",
		    d->id.s);
	JIT_TRY(keep(d, e));
	h->decision_index[h->n_decisions] = e->index;
	h->decision[h->n_decisions++] = own;
	if (own->dec.verdict == VERDICT_DENY)
		h->end = END_DENIED;
	own = NULL;
	return JIT_OK;
}

static enum jit_err
add_decision(struct dossier *d, const struct entry *e,
    enum dossier_trust trust, struct jit_why *why)
{
	struct open_decision *dec = NULL;
	struct rec_signed s;

	JIT_TRY(rec_get_signed(e->body, ENTRY_DECISION, &s, why));
	JIT_TRY(trust == DOSSIER_OWN ?
	    open_decision_own(s.text, s.sig, &dec, why) :
	    open_decision_new(s.text, s.sig, &dec, why));
	return dossier_add_open(d, e, dec, why);
}

enum act_kind
dossier_act_kind(const struct entry *e)
{
	return e->type == ENTRY_DROP ? ACT_DROP :
	    e->type == ENTRY_REVOKE ? ACT_REVOKE : ACT_CANCEL;
}

static enum jit_err
add_act(struct dossier *d, const struct entry *e, enum dossier_trust trust,
    struct jit_why *why)
{
	static const enum request_end ends[ACT_KINDS] = {
		[ACT_CANCEL] = END_CANCELLED, [ACT_DROP] = END_DROPPED,
		[ACT_REVOKE] = END_REVOKED,
	};
	enum act_kind kind = dossier_act_kind(e);
	JIT_DONE(signer_done) struct signer by = { 0 };
	struct rec_signed s;
	struct act a;

	JIT_TRY(rec_get_signed(e->body, (enum entry_type)e->type, &s, why));
	JIT_TRY(act_parse(s.text, kind, &a, why));
	if (strcmp(a.request.s, d->id.s) != 0 ||
	    !digest_eq(&a.digest, &d->h.request->digest))
		return jit_fail(why, JIT_E_OTHERTEXT, "the %s is about another "
		    "request than %s", entry_type_name(e->type), d->id.s);
	if (trust != DOSSIER_OWN)
		JIT_TRY(signer_open(s.sig, act_namespace(a.kind), s.text, &by,
		    why));
	JIT_TRY(keep(d, e));
	d->h.end = ends[kind];
	return JIT_OK;
}

static enum jit_err
add_ended(struct dossier *d, const struct entry *e, struct jit_why *why)
{
	struct rec_ended r;

	JIT_TRY(rec_get_ended(e->body, &r, why));
	if (strcmp(r.request.s, d->id.s) != 0)
		return jit_fail(why, JIT_E_OTHERTEXT, "entry %llu ends another "
		    "request than %s", (unsigned long long)e->index, d->id.s);
	JIT_TRY(keep(d, e));
	d->h.end = d->h.issued ? END_REVOKED : END_CANCELLED;
	return JIT_OK;
}

static enum jit_err
add_issued(struct dossier *d, const struct entry *e, struct jit_why *why)
{
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	struct rec_issued i;

	JIT_TRY(rec_get_issued(e->body, &i, why));
	if (strcmp(i.request.s, d->id.s) != 0)
		return jit_fail(why, JIT_E_OTHERTEXT, "the certificate is for "
		    "another request than %s", d->id.s);
	JIT_TRY(issued_parse(i.cert, &c, why));
	if (c.kind != d->h.request->req.kind)
		return jit_fail(why, JIT_E_OTHERTEXT, "the certificate is of "
		    "another kind than request %s", d->id.s);
	JIT_TRY(keep(d, e));
	d->issued_at = d->n - 1;
	/* Again, from the bytes that are kept. */
	JIT_TRY(rec_get_issued(d->entry[d->issued_at].e.body, &d->issued,
	    why));
	d->h.issued = true;
	d->h.issued_until = issued_life(&c).until;
	return JIT_OK;
}

enum jit_err
dossier_add(struct dossier *d, const struct entry *e,
    enum dossier_trust trust, struct jit_why *why)
{
	JIT_TRY(check_whole(e, (enum entry_type)e->type, why));
	JIT_TRY(check_next(d, e, why));
	switch (e->type) {
	case ENTRY_DECISION:
		return add_decision(d, e, trust, why);
	case ENTRY_CANCEL:
	case ENTRY_DROP:
	case ENTRY_REVOKE:
		return add_act(d, e, trust, why);
	case ENTRY_ENDED:
		return add_ended(d, e, why);
	case ENTRY_ISSUED:
		return add_issued(d, e, why);
	default:
		return jit_fail(why, JIT_E_VERIFY, "a %s is not about a "
		    "request", entry_type_name(e->type));
	}
}

void
dossier_pop(struct dossier *d)
{
	struct kept *k = &d->entry[d->n - 1];
	struct history *h = &d->h;

	switch (k->e.type) {
	case ENTRY_DECISION:
		open_decision_free(h->decision[--h->n_decisions]);
		h->end = END_NONE;
		break;
	case ENTRY_CANCEL:
	case ENTRY_DROP:
	case ENTRY_REVOKE:
	case ENTRY_ENDED:
		h->end = END_NONE;
		break;
	case ENTRY_ISSUED:
		h->issued = false;
		h->issued_until = 0;
		d->issued = (struct rec_issued){ .n_approvals = 0 };
		break;
	default:
		return;		/* the request itself stays */
	}
	kept_done(k);
	d->n--;
}

/* ---- where it stands ---- */

const char *
standing_name(enum standing s)
{
	static const char *const names[STANDINGS] = {
		"pending", "approved", "active", "denied", "cancelled",
		"dropped", "revoked", "closed", "ended",
	};

	return s < STANDINGS ? names[s] : "unknown";
}

enum standing
dossier_standing(const struct dossier *d, const struct policy *p, utc_s now,
    struct quorum *q, bool *stale)
{
	const struct history *h = &d->h;
	struct quorum count = { 0 };

	if (stale != NULL)
		*stale = false;
	if (q != NULL)
		*q = count;
	switch (h->end) {
	case END_DENIED:
		return STAND_DENIED;
	case END_CANCELLED:
		return STAND_CANCELLED;
	case END_DROPPED:
		return STAND_DROPPED;
	case END_REVOKED:
		return STAND_REVOKED;
	case END_NONE:
		break;
	}
	if (h->issued)
		return now < h->issued_until ? STAND_ACTIVE : STAND_ENDED;
	if (now >= h->request->req.closes)
		return STAND_CLOSED;
	if (judge_quorum(p, h, &count, NULL) != JIT_OK && stale != NULL)
		*stale = true;
	if (q != NULL)
		*q = count;
	return count.need > 0 && count.have >= count.need ? STAND_APPROVED :
	    STAND_PENDING;
}
