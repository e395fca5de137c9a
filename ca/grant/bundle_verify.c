#include <stdlib.h>
#include <string.h>

#include "ca/grant/bundle_int.h"

static enum jit_err
no(struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_VERIFY, "evidence: %s", what);
}

/* ---- which blocks ---- */

static bool
is_listed(const struct names *v, struct span name)
{
	for (size_t i = 0; i < v->n; i++)
		if (span_eq(v->v[i], name))
			return true;
	return false;
}

static bool
acted(const struct dossier *d, struct span name)
{
	if (span_eq(name, d->h.request->req.requester))
		return true;
	for (size_t i = 0; i < d->h.n_decisions; i++)
		if (span_eq(name, d->h.decision[i]->dec.approver))
			return true;
	return false;
}

/* Does the matter rest on that block? */
static bool
is_needed(const struct dossier *d, const struct policy *p,
    enum block_kind kind, struct span name)
{
	struct span role = d->h.request->req.role;
	const struct role *r;

	switch (kind) {
	case BLOCK_SETTINGS:
		return true;
	case BLOCK_ROLE:
		return span_eq(name, role);
	case BLOCK_HOST_GROUP:
		r = policy_role(p, role);
		return r != NULL && is_listed(&r->host_groups, name);
	case BLOCK_PERSON:
		return acted(d, name);
	case BLOCK_ADMINS:
	case BLOCK_HOST:
	case BLOCK_KINDS:
		break;
	}
	return false;
}

enum jit_err
bundle_needs(const struct dossier *d, const struct policy *p,
    struct digest ret[static BUNDLE_BLOCKS_MAX], size_t *n,
    struct jit_why *why)
{
	size_t k = 0;

	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);

		if (!is_needed(d, p, b->kind, b->name))
			continue;
		if (k == BUNDLE_BLOCKS_MAX)
			return jit_fail(why, JIT_E_SIZE, "more than %d blocks "
			    "of the policy", BUNDLE_BLOCKS_MAX);
		ret[k++] = b->digest;
	}
	*n = k;
	return JIT_OK;
}

/* ---- the log ---- */

static enum jit_err
check_proofs(struct bundle_summary *s, const struct bundle_pins *pins,
    struct jit_why *why)
{
	char want[TLOG_LOGID_TEXT], shown[TEXT_SHOWN];

	tlog_vkey_logid(&pins->log, want);
	if (strcmp(want, s->bundle.log) != 0)
		return jit_fail(why, JIT_E_LOGNAME, "the evidence is of log "
		    "%s, pinned is %s", text_shown(span_str(s->bundle.log),
		    shown, sizeof(shown)), want);
	JIT_TRY(checkpoint_open(s->bundle.note, &pins->log, &s->checkpoint,
	    why));
	for (size_t i = 0; i < s->bundle.n; i++)
		JIT_TRY(receipt_check(&s->bundle.v[i], &s->checkpoint, why));
	return JIT_OK;
}

static enum jit_err
check_genesis(struct bundle_summary *s, const struct bundle_pins *pins,
    struct jit_why *why)
{
	const struct entry *e = &s->bundle.v[0].e;
	JIT_SCOPED(ssh_key_free) struct ssh_key *ca = NULL;
	struct rec_genesis g;

	if (e->index != 0 || e->type != ENTRY_GENESIS)
		return no(why, "it does not begin with the log's genesis");
	JIT_TRY(rec_get_genesis(e->body, &g, why));
	if (!tlog_vkey_eq(&g.log, &pins->log))
		return no(why, "genesis names another log key");
	JIT_TRY(rec_log_key(&g.log, &s->log_key));
	JIT_TRY(ssh_key_parse(g.user_ca, &ca, why));
	return ca_keys_add(&s->ca, CA_SSH_USER, CA_ACTIVE, ca, NULL, 0, why);
}

/* The keys in force: of the one entry that is there, else of genesis. */
static enum jit_err
check_keys(struct bundle_summary *s, const struct bundle_pins *pins,
    struct jit_why *why)
{
	bool known = pins->user_ca == NULL ||
	    ca_keys_find(&s->ca, pins->user_ca) != NULL;
	size_t n = 0;

	for (size_t i = 1; i < s->bundle.n; i++) {
		const struct entry *e = &s->bundle.v[i].e;

		if (e->type != ENTRY_KEYS)
			continue;
		if (n++ > 0)
			return no(why, "two entries of keys");
		ca_keys_done(&s->ca);
		JIT_TRY(ca_keys_get(e->body, &s->ca, why));
		s->keys_index = e->index;
	}
	if (!known && ca_keys_find(&s->ca, pins->user_ca) == NULL)
		return no(why, "the log names another CA than the pinned");
	return JIT_OK;
}

/* ---- entries about the request ---- */

static enum jit_err
take_entry(struct bundle_summary *s, const struct entry *e,
    struct jit_why *why)
{
	if (e->type == ENTRY_POLICY || e->type == ENTRY_BLOB ||
	    e->type == ENTRY_KEYS)
		return JIT_OK;
	if (e->type == ENTRY_REQUEST && s->dossier == NULL)
		return dossier_new(e, DOSSIER_VERIFY, &s->dossier, why);
	if (s->dossier == NULL || e->type == ENTRY_REQUEST ||
	    e->type == ENTRY_GENESIS)
		return no(why, "an entry that has no place there");
	return dossier_add(s->dossier, e, DOSSIER_VERIFY, why);
}

static enum jit_err
check_near(utc_s said, const struct entry *e, struct jit_why *why)
{
	dur_s off = said > e->time ? said - e->time : e->time - said;

	if (off <= JUDGE_CLOCK_SLACK)
		return JIT_OK;
	return jit_fail(why, JIT_E_CLOCK, "evidence: entry %llu was logged "
	    "%lld s from the moment that its text says",
	    (unsigned long long)e->index, (long long)off);
}

/* A cancel or drop, whose signature was verified, is the requester's own. */
static enum jit_err
check_act(const struct bundle_summary *s, const struct entry *e,
    struct jit_why *why)
{
	struct rec_signed sig;
	struct act a;

	JIT_TRY(rec_get_signed(e->body, (enum entry_type)e->type, &sig, why));
	JIT_TRY(act_parse(sig.text, dossier_act_kind(e), &a, why));
	if (!span_eq_str(a.log, s->bundle.log) || (a.kind != ACT_REVOKE &&
	    !span_eq(a.by, s->dossier->h.request->req.requester)))
		return no(why, "a cancel or drop that is not the requester's");
	return check_near(a.at, e, why);
}

static enum jit_err
check_texts(const struct bundle_summary *s, struct jit_why *why)
{
	const struct dossier *d = s->dossier;
	const struct history *h = &d->h;
	size_t decision = 0;

	if (strcmp(d->id.s, s->bundle.id.s) != 0 ||
	    !span_eq_str(h->request->req.log, s->bundle.log))
		return no(why, "the request is another than its head says");
	JIT_TRY(check_near(h->request->req.created, &d->entry[0].e, why));
	for (size_t i = 1; i < d->n; i++) {
		const struct entry *e = &d->entry[i].e;

		if (e->type == ENTRY_DECISION)
			JIT_TRY(check_near(h->decision[decision++]->
			    dec.decided, e, why));
		else if (e->type != ENTRY_ISSUED && e->type != ENTRY_ENDED)
			JIT_TRY(check_act(s, e, why));
	}
	return JIT_OK;
}

static enum jit_err
take_dossier(struct bundle_summary *s, struct jit_why *why)
{
	for (size_t i = 1; i < s->bundle.n; i++)
		JIT_TRY(take_entry(s, &s->bundle.v[i].e, why));
	if (s->dossier == NULL)
		return no(why, "there is no request in it");
	return check_texts(s, why);
}

/* ---- the policy ---- */

/* Blobs that no list has named yet, and the list as it is walked. */
struct walk {
	struct bundle_summary *s;
	struct block *blob[BUNDLE_BLOCKS_MAX];	/* owned until they are added */
	size_t n;
	struct wr digests;
	bool begun;
	enum block_kind kind;		/* of the line before */
	struct span name;
	struct jit_why *why;
};

static void
walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		block_free(w->blob[i]);
	wr_done(&w->digests);
}
JIT_SCOPED_OBJ(struct walk, walk_done);

static enum jit_err
read_blobs(struct walk *w, const struct entry **policy)
{
	const struct bundle *b = &w->s->bundle;

	*policy = NULL;
	for (size_t i = 0; i < b->n; i++) {
		const struct entry *e = &b->v[i].e;

		if (e->type == ENTRY_POLICY && *policy != NULL)
			return no(w->why, "two policies");
		if (e->type == ENTRY_POLICY)
			*policy = e;
		if (e->type != ENTRY_BLOB)
			continue;
		if (w->n == BUNDLE_BLOCKS_MAX)
			return no(w->why, "too many blocks");
		JIT_TRY(block_parse(e->body, &w->blob[w->n], w->why));
		w->n++;
	}
	return *policy != NULL ? JIT_OK : no(w->why, "no policy");
}

/* A line of the policy's list; its block is added when it is here. */
static enum jit_err
add_listed(void *arg, enum block_kind kind, struct span name,
    const struct digest *d)
{
	struct walk *w = arg;
	struct block *b;

	if (w->begun && (kind < w->kind || (kind == w->kind &&
	    span_cmp(w->name, name) >= 0)))
		return no(w->why, "the policy's list is out of order");
	w->begun = true;
	w->kind = kind;
	w->name = name;
	wr_span(&w->digests, DIGEST_SPAN(*d));
	for (size_t i = 0; i < w->n; i++) {
		b = w->blob[i];
		if (b == NULL || b->kind != kind || !span_eq(b->name, name) ||
		    !digest_eq(&b->digest, d))
			continue;
		w->blob[i] = NULL;
		/* Which refuses a key that is two people's. */
		return policy_add(w->s->policy, b, w->why);
	}
	return JIT_OK;
}

/* What the matter rests on is there, and nothing else. */
static enum jit_err
check_listed(void *arg, enum block_kind kind, struct span name,
    const struct digest *d)
{
	const struct walk *w = arg;
	const struct bundle_summary *s = w->s;
	bool here = policy_get(s->policy, kind, name) != NULL;
	char shown[64];

	(void)d;
	if (here == is_needed(s->dossier, s->policy, kind, name))
		return JIT_OK;
	return jit_fail(w->why, JIT_E_VERIFY, "evidence: the block of %s "
	    "\"%s\" %s", block_kind_name(kind),
	    text_shown(name, shown, sizeof(shown)),
	    here ? "has no place in it" : "is missing");
}

static enum jit_err
take_policy(struct bundle_summary *s, uint64_t *index, struct jit_why *why)
{
	JIT_DONE(walk_done) struct walk w = { .s = s, .why = why,
	    .digests = WR_INIT(32u * POLICY_BLOCKS_MAX) };
	const struct entry *policy = NULL;
	struct digest whole, again;

	JIT_TRY(policy_new(&s->policy));
	JIT_TRY(read_blobs(&w, &policy));
	JIT_TRY(rec_get_policy(policy->body, &whole, add_listed, &w, why));
	JIT_TRY(w.digests.err);
	JIT_TRY(digest_sha256(wr_view(&w.digests), &again));
	if (!digest_eq(&whole, &again))
		return no(why, "the policy's digest is not its blocks'");
	for (size_t i = 0; i < w.n; i++)
		if (w.blob[i] != NULL)
			return no(why, "a block that the policy does not "
			    "list");
	JIT_TRY(rec_get_policy(policy->body, &whole, check_listed, &w, why));
	*index = policy->index;
	return JIT_OK;
}

/* ---- the certificate ---- */

static enum jit_err
check_approvals(const struct bundle_summary *s, const struct quorum *q,
    struct jit_why *why)
{
	const struct rec_issued *i = &s->dossier->issued;
	const struct history *h = &s->dossier->h;

	if (i->n_approvals != q->have)
		return no(why, "the certificate lists other approvals than "
		    "count");
	for (size_t k = 0; k < q->have; k++)
		if (i->approvals[k] != h->decision_index[q->counted[k]])
			return no(why, "the certificate lists other approvals "
			    "than count");
	return JIT_OK;
}

/* Judge it all again, at the entries' times. */
static enum jit_err
check_issued(struct bundle_summary *s, uint64_t policy_index,
    struct jit_why *why)
{
	const struct dossier *d = s->dossier;
	const struct open_request *r = d->h.request;
	const struct entry *e = &d->entry[d->issued_at].e;
	const struct own_keys own = { &s->ca, s->log_key };
	const struct ca_key *ca = ca_keys_active(&s->ca,
	    r->req.kind == KIND_X509 ? CA_X509 : CA_SSH_USER);
	struct history before = d->h;
	struct issue is;

	if (d->issued.policy_index != policy_index || policy_index > e->index)
		return no(why, "the certificate rests on another policy");
	if (d->issued.request_index != d->h.request_index)
		return no(why, "the certificate rests on another request");
	if (ca == NULL || s->keys_index > e->index)
		return no(why, "the certificate rests on other keys");
	JIT_TRY(issued_parse(d->issued.cert, &s->cert, why));
	s->has_cert = true;
	/* What has ended it came later. */
	before.end = END_NONE;
	before.issued = false;
	JIT_TRY(judge_issue(s->policy, &own, &before, SPAN(d->issued.secret,
	    sizeof(d->issued.secret)), s->cert.kind == KIND_X509 ? 0 :
	    ssh_cert_fields(s->cert.ssh)->serial, e->time, &is, why));
	/* Behind it, since few people are here who could approve. */
	JIT_TRY(judge_request(s->policy, s->bundle.log, &own, r, 0,
	    d->entry[0].e.time, why));
	JIT_TRY(check_approvals(s, &is.quorum, why));
	JIT_TRY(issued_check_is(&s->cert, &is, r->subject.key, ca, why));
	JIT_TRY(issued_verify(&s->cert, ca, why));
	s->quorum = is.quorum;
	s->issued_index = e->index;
	s->issued = e->time;
	return JIT_OK;
}

/* ---- all ---- */

enum jit_err
bundle_verify(struct span text, const struct bundle_pins *pins, utc_s now,
    struct bundle_summary *ret, struct jit_why *why)
{
	JIT_DONE(bundle_summary_done) struct bundle_summary s = { .n_by = 0 };
	uint64_t policy = 0;

	JIT_TRY(bundle_parse(text, &s.bundle, why));
	JIT_TRY(check_proofs(&s, pins, why));
	JIT_TRY(check_genesis(&s, pins, why));
	JIT_TRY(check_keys(&s, pins, why));
	JIT_TRY(take_dossier(&s, why));
	JIT_TRY(take_policy(&s, &policy, why));
	if (s.dossier->h.issued)
		JIT_TRY(check_issued(&s, policy, why));
	bundle_summary_fill(&s, now);
	s.bundle.note = SPAN_NONE;	/* it borrows from the text */
	*ret = s;
	s = (struct bundle_summary){ .n_by = 0 };
	return JIT_OK;
}

void
bundle_summary_done(struct bundle_summary *s)
{
	issued_done(&s->cert);
	ca_keys_done(&s->ca);
	ssh_key_free(s->log_key);
	policy_free(s->policy);
	dossier_free(s->dossier);
	bundle_done(&s->bundle);
	*s = (struct bundle_summary){ .n_by = 0 };
}
