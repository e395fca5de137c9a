#include <stdlib.h>
#include <string.h>

#include "ca/grant/ledger_int.h"

enum jit_err
ledger_grow(void **v, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap > 0 ? *cap : 8;
	void *more;

	while (want < n)
		want *= 2;
	if (want == *cap)
		return JIT_OK;
	if ((more = realloc(*v, want * size)) == NULL)
		return JIT_E_NOMEM;
	*v = more;
	*cap = want;
	return JIT_OK;
}

#define GROW(l, v, n, cap) do {						\
	void *grow_p_ = (l)->v;						\
	JIT_TRY(ledger_grow(&grow_p_, (n), &(l)->cap,			\
	    sizeof(*(l)->v)));						\
	(l)->v = grow_p_;						\
} while (0)

void
matter_free(struct matter *m)
{
	if (m == NULL)
		return;
	dossier_free(m->whole);
	free(m->settled.index);
	free(m);
}

void
ledger_drop_pending(struct ledger *l)
{
	for (size_t i = 0; i < l->n_pending; i++)
		buf_done(&l->pending[i].bytes);
	free(l->pending);
	l->pending = NULL;
	l->n_pending = 0;
}

enum jit_err
ledger_new(struct ledger **ret)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return JIT_E_NOMEM;
	l->n_bucket = 64;
	l->next_serial = 1;
	l->bucket = calloc(l->n_bucket, sizeof(*l->bucket));
	if (l->bucket == NULL) {
		free(l);
		return JIT_E_NOMEM;
	}
	*ret = l;
	return JIT_OK;
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	ledger_commit(l);
	for (size_t i = 0; i < l->n_at; i++)
		matter_free(l->at[i]);
	for (size_t i = 0; i < l->n_name; i++)
		free((void *)(uintptr_t)l->name[i]);
	ledger_drop_pending(l);
	kept_done(&l->genesis_entry);
	ssh_key_free(l->log_key);
	ca_keys_done(&l->ca);
	for (size_t i = 0; i < l->n_ever; i++)
		ssh_key_free(l->ever[i]);
	free(l->ever);
	free(l->locked);
	free(l->locked_name);
	policy_free(l->policy);
	free(l->blob);
	free(l->at);
	free(l->bucket);
	free(l->change);
	free(l->name);
	free(l);
}

/* ---- the table of requests ---- */

/* FNV-1a over the id's characters: ids are the requesters' to choose. */
static size_t
bucket_of(const struct ledger *l, const struct ulid *id)
{
	uint64_t h = 14695981039346656037u;

	for (int i = 0; i < ULID_LEN; i++)
		h = (h ^ (uint8_t)id->s[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32) & (l->n_bucket - 1);
}

struct matter *
ledger_find(const struct ledger *l, const struct ulid *id)
{
	struct matter *m = l->bucket[bucket_of(l, id)];

	while (m != NULL && memcmp(m->settled.id.s, id->s, ULID_LEN) != 0)
		m = m->next;
	return m;
}

static void
put_in_bucket(struct ledger *l, struct matter *m)
{
	struct matter **b = &l->bucket[bucket_of(l, &m->settled.id)];

	m->next = *b;
	*b = m;
}

static void
take_out(struct ledger *l, struct matter *m)
{
	struct matter **b = &l->bucket[bucket_of(l, &m->settled.id)];

	while (*b != m)
		b = &(*b)->next;
	*b = m->next;
}

static enum jit_err
more_buckets(struct ledger *l)
{
	struct matter **v = calloc(l->n_bucket * 2, sizeof(*v));

	if (v == NULL)
		return JIT_E_NOMEM;
	free(l->bucket);
	l->bucket = v;
	l->n_bucket *= 2;
	for (size_t i = 0; i < l->n_at; i++)
		put_in_bucket(l, l->at[i]);
	return JIT_OK;
}

enum jit_err
ledger_insert(struct ledger *l, struct matter *m)
{
	GROW(l, at, l->n_at + 1, cap_at);
	if (l->n_at >= l->n_bucket)
		JIT_TRY(more_buckets(l));
	put_in_bucket(l, m);
	l->at[l->n_at++] = m;
	return JIT_OK;
}

void
ledger_remove_last(struct ledger *l)
{
	struct matter *m = l->at[--l->n_at];

	take_out(l, m);
	matter_free(m);
}

const char *
ledger_intern(struct ledger *l, struct span name)
{
	void *grow = (void *)l->name;
	char *copy;

	for (size_t i = 0; i < l->n_name; i++)
		if (span_eq_str(name, l->name[i]))
			return l->name[i];
	if (ledger_grow(&grow, l->n_name + 1, &l->cap_name,
	    sizeof(*l->name)) != JIT_OK)
		return NULL;
	l->name = grow;
	if ((copy = calloc(1, name.n + 1)) == NULL)
		return NULL;
	if (name.n > 0)
		memcpy(copy, name.p, name.n);
	l->name[l->n_name++] = copy;
	return copy;
}

/* What is known of the certificate. */
static enum jit_err
settle_issued(struct ledger *l, const struct dossier *d, struct settled *s)
{
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };

	JIT_TRY(issued_parse(d->issued.cert, &c, NULL));
	s->kind = c.kind;
	issued_serial(&c, s->serial);
	for (size_t i = 0; i < l->ca.n && s->ca == NULL; i++)
		if (issued_by(&c, &l->ca.v[i]))
			s->ca = ledger_ca_ever(l, l->ca.v[i].key);
	return s->ca != NULL ? JIT_OK : JIT_E_VERIFY;
}

enum jit_err
matter_settle(struct ledger *l, struct matter *m)
{
	const struct dossier *d = m->whole;
	const struct request *q = &d->h.request->req;
	struct settled s = {
		.id = d->id,
		.digest = d->h.request->digest,
		.requester = ledger_intern(l, q->requester),
		.role = ledger_intern(l, q->role),
		.closes = q->closes,
		.end = d->h.end,
		.issued = d->h.issued,
		.until = d->h.issued_until,
		.n = d->n,
	};

	if (s.requester == NULL || s.role == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(judge_key_digest(d->h.request->by.key, &s.key));
	if (s.issued)
		JIT_TRY(settle_issued(l, d, &s));
	/* One more: of what takes it back. */
	if ((s.index = calloc(d->n + 1, sizeof(*s.index))) == NULL)
		return JIT_E_NOMEM;
	for (size_t i = 0; i < d->n; i++)
		s.index[i] = d->entry[i].e.index;
	m->settled = s;
	return JIT_OK;
}

void
ledger_expire(struct ledger *l, utc_s now)
{
	size_t left = 0;

	if (l->n_change > 0)
		return;
	for (size_t i = 0; i < l->n_at; i++) {
		struct matter *m = l->at[i];

		if (now - LEDGER_GRACE < m->settled.closes) {
			l->at[left++] = m;
			continue;
		}
		take_out(l, m);
		matter_free(m);
	}
	l->n_at = left;
}

/* ---- taking back ---- */

void
ledger_commit(struct ledger *l)
{
	for (size_t i = 0; i < l->n_change; i++) {
		dossier_free(l->change[i].was);
		free(l->change[i].locks);
	}
	l->n_change = 0;
	l->edge_was = l->edge;
}

static void
take_back(struct ledger *l, struct change *c)
{
	struct matter *m = c->m;

	l->time = c->time;
	l->revoked = c->revoked;
	l->next_serial = c->serial;
	l->spare_serials = c->spare;
	if (c->was_locks) {
		free(l->locked);
		l->locked = c->locks;
		l->n_locked = c->n_locks;
		(void)ledger_share_locks(l);
		return;
	}
	if (c->type == ENTRY_REQUEST) {
		ledger_remove_last(l);
		return;
	}
	if (c->on_settled) {
		m->settled.n--;
		m->settled.end = c->end;
		m->settled.ended = c->ended;
		return;
	}
	if (c->settles) {
		m->whole = c->was;
		free(m->settled.index);
		m->settled.index = NULL;
	}
	dossier_pop(m->whole);
}

void
ledger_rollback(struct ledger *l)
{
	while (l->n_change > 0)
		take_back(l, &l->change[--l->n_change]);
	l->edge = l->edge_was;
}

/* ---- what it knows ---- */

uint64_t
ledger_size(const struct ledger *l)
{
	return l->edge.size;
}

const struct merkle_edge *
ledger_edge(const struct ledger *l)
{
	return &l->edge;
}

utc_s
ledger_time(const struct ledger *l)
{
	return l->time;
}

uint64_t
ledger_erased(const struct ledger *l)
{
	return l->erased;
}

uint64_t
ledger_unjudged(const struct ledger *l)
{
	return l->unjudged;
}

const struct rec_genesis *
ledger_genesis(const struct ledger *l)
{
	return &l->genesis;
}

const struct own_keys *
ledger_own(const struct ledger *l)
{
	return &l->own;
}

const char *
ledger_log_id(const struct ledger *l)
{
	return l->log_id;
}

const struct policy *
ledger_policy(const struct ledger *l)
{
	return l->policy;
}

uint64_t
ledger_policy_index(const struct ledger *l)
{
	return l->policy_index;
}

uint64_t
ledger_next_serial(const struct ledger *l)
{
	return l->next_serial + l->spare_serials;
}

uint64_t
ledger_recovery(const struct ledger *l)
{
	return l->recovery;
}

uint64_t
ledger_given_up(const struct ledger *l)
{
	return l->given_up;
}

/* Where d is, or would be. */
static size_t
blob_place(const struct ledger *l, const struct digest *d)
{
	size_t lo = 0, hi = l->n_blob;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (memcmp(l->blob[mid].d.b, d->b, sizeof(d->b)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum jit_err
ledger_add_blob(struct ledger *l, const struct digest *d, uint64_t index)
{
	size_t i = blob_place(l, d);

	if (i < l->n_blob && digest_eq(&l->blob[i].d, d)) {
		l->blob[i].index = index;
		return JIT_OK;
	}
	GROW(l, blob, l->n_blob + 1, cap_blob);
	memmove(&l->blob[i + 1], &l->blob[i],
	    (l->n_blob - i) * sizeof(l->blob[0]));
	l->blob[i] = (struct blob_at){ *d, index };
	l->n_blob++;
	return JIT_OK;
}

enum jit_err
ledger_blob(const struct ledger *l, const struct digest *d, uint64_t *index)
{
	size_t i = blob_place(l, d);

	if (i == l->n_blob || !digest_eq(&l->blob[i].d, d))
		return JIT_E_UNKNOWN;
	*index = l->blob[i].index;
	return JIT_OK;
}

size_t
ledger_open(const struct ledger *l, struct span person, utc_s now)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_at; i++) {
		const struct dossier *d = l->at[i]->whole;

		n += d != NULL && l->at[i]->settled.closes > now &&
		    span_eq(d->h.request->req.requester, person);
	}
	return n;
}

static enum ledger_has
hand_out(const struct matter *m, const struct dossier **d,
    const struct settled **s)
{
	if (m == NULL)
		return LEDGER_NONE;
	if (m->whole != NULL && d != NULL)
		*d = m->whole;
	if (m->whole == NULL && s != NULL)
		*s = &m->settled;
	return m->whole != NULL ? LEDGER_WHOLE : LEDGER_SETTLED;
}

enum ledger_has
ledger_get(const struct ledger *l, const struct ulid *id,
    const struct dossier **d, const struct settled **s)
{
	return hand_out(ledger_find(l, id), d, s);
}

size_t
ledger_count(const struct ledger *l)
{
	return l->n_at;
}

enum ledger_has
ledger_at(const struct ledger *l, size_t i, const struct dossier **d,
    const struct settled **s)
{
	return hand_out(l->at[i], d, s);
}

uint64_t
ledger_last(const struct dossier *d, const struct settled *s)
{
	return d != NULL ? dossier_last(d) : s->index[s->n - 1];
}

enum jit_err
ledger_judge_act(const struct ledger *l, const struct settled *s,
    const struct act *a, const struct signer *by, utc_s now,
    struct jit_why *why)
{
	struct open_request r = { .digest = s->digest };
	const struct history h = { .request = &r, .end = s->end,
	    .issued = s->issued, .issued_until = s->until };

	r.req.id = s->id;
	r.req.requester = span_str(s->requester);
	r.req.role = span_str(s->role);
	r.req.closes = s->closes;
	return judge_act(l->policy, l->log_id, &h, a, by, now, why);
}
