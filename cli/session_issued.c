/* session_issued - is a certificate what it must be? */
#include <stdlib.h>
#include <string.h>

#include "ca/grant/issued.h"
#include "cli/session_int.h"

/* ---- the certificate ---- */

/* The approvals that the entry counts are the ones that count. */
static enum jit_err
check_approvals(const struct dossier *d, const struct quorum *q,
    struct jit_why *why)
{
	const struct rec_issued *i = &d->issued;
	bool same = i->n_approvals == q->have;

	for (size_t k = 0; same && k < q->have; k++)
		same = i->approvals[k] == d->h.decision_index[q->counted[k]];
	return same ? JIT_OK : jit_fail(why, JIT_E_VERIFY, "the certificate "
	    "of %s counts other approvals than count", d->id.s);
}

/* What judge_issue says about the history just before the certificate. */
static enum jit_err
judge_again(struct session *s, const struct dossier *d,
    const struct own_keys *own, uint64_t serial, struct issue *ret,
    struct jit_why *why)
{
	const struct rec_issued *i = &d->issued;
	const struct policy *p = NULL;
	struct history h = d->h;	/* borrows: only read, never freed */
	enum jit_err e;

	h.issued = false;
	h.issued_until = 0;
	h.end = END_NONE;
	if (i->request_index != h.request_index ||
	    i->policy_index >= d->entry[d->issued_at].e.index)
		return jit_fail(why, JIT_E_VERIFY, "the certificate of %s "
		    "rests on other entries", d->id.s);
	JIT_TRY(session_policy(s, i->policy_index, &p, why));
	e = judge_issue(p, own, &h, SPAN(i->secret, sizeof(i->secret)),
	    serial, d->entry[d->issued_at].e.time, ret, why);
	if (e != JIT_OK)
		return client_untrue(jit_at(why, e, "the certificate of %s "
		    "must not be", d->id.s), why);
	return check_approvals(d, &ret->quorum, why);
}

/* Was that entry written after we were told which keys are published? */
static bool
is_newer(const struct session *s, uint64_t index)
{
	struct checkpoint c = { 0 };

	return checkpoint_open(session_hello(s)->note, session_log(s), &c,
	    NULL) == JIT_OK && index >= c.size;
}

/* The CA that was active when entry index was written, and signed this. */
static enum jit_err
find_ca(struct session *s, const struct issued *c, uint64_t index,
    const struct own_keys **own, const struct ca_key **ret,
    struct jit_why *why)
{
	const struct ca_key *ca;
	enum jit_err e;

	JIT_TRY(session_keys_before(s, index, own, NULL, why));
	ca = ca_keys_active((*own)->ca, c->kind == KIND_X509 ? CA_X509 :
	    CA_SSH_USER);
	e = ca == NULL ? jit_fail(why, JIT_E_VERIFY, "the log names no X.509 "
	    "CA") : issued_verify(c, ca, why);
	if (e != JIT_OK && is_newer(s, index))
		return jit_at(why, JIT_E_STALE, "the CA keys that were known");
	*ret = ca;
	return e;
}

static uint64_t
ssh_serial(const struct issued *c)
{
	return c->kind == KIND_SSH_USER ? ssh_cert_fields(c->ssh)->serial : 0;
}

enum jit_err
session_check_issued(struct session *s, const struct dossier *d,
    struct jit_why *why)
{
	JIT_DONE(issued_done) struct issued c = { 0 };
	JIT_SCOPED(free) struct issue *is = calloc(1, sizeof(*is));
	const struct own_keys *own = NULL;
	const struct ca_key *ca = NULL;

	if (is == NULL)
		return JIT_E_NOMEM;
	if (!d->h.issued)
		return jit_fail(why, JIT_E_VERIFY, "%s has no certificate",
		    d->id.s);
	JIT_TRY(client_untrue(issued_parse(d->issued.cert, &c, why), why));
	JIT_TRY(find_ca(s, &c, d->entry[d->issued_at].e.index, &own, &ca,
	    why));
	JIT_TRY(judge_again(s, d, own, ssh_serial(&c), is, why));
	return client_untrue(issued_check_is(&c, is,
	    d->h.request->subject.key, ca, why), why);
}

/* The receipt is of a certificate for that request and secret. */
static enum jit_err
check_collected(const struct receipts *r, const struct ask *a,
    uint64_t *index, struct jit_why *why)
{
	struct rec_issued i;

	JIT_TRY(session_one(r, ENTRY_ISSUED, why));
	JIT_TRY(client_untrue(rec_get_issued(r->v[0].e.body, &i, why), why));
	if (strcmp(i.request.s, a->id.s) != 0 ||
	    !secret_equal(SPAN(i.secret, sizeof(i.secret)), a->secret))
		return jit_fail(why, JIT_E_VERIFY, "entry %llu is not the "
		    "certificate of %s", (unsigned long long)r->v[0].e.index,
		    a->id.s);
	*index = r->v[0].e.index;
	return JIT_OK;
}

enum jit_err
session_collect(struct session *s, const struct ulid *id,
    const struct secret *secret, struct dossier **ret, struct jit_why *why)
{
	const struct ask a = { .op = OP_COLLECT, .id = *id,
	    .secret = SPAN(secret->p, secret->n) };
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	uint64_t index = 0;

	if (secret->n != 32)
		return JIT_E_ARG;
	JIT_TRY(client_receipts(s->client, &a, &r, why));
	JIT_TRY(check_collected(&r, &a, &index, why));
	/* With the entries that it rests on, and itself again. */
	JIT_TRY(session_show(s, id, &d, NULL, why));
	if (!d->h.issued || d->entry[d->issued_at].e.index != index)
		return jit_fail(why, JIT_E_VERIFY, "the log holds another "
		    "certificate of %s than the one collected", id->s);
	JIT_TRY(session_check_issued(s, d, why));
	*ret = d;
	d = NULL;
	return JIT_OK;
}
