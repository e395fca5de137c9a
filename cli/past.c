/* past - what somebody had of a role before, and what is new this time. */
#include <string.h>

#include "cli/opens.h"
#include "cli/past.h"

#define PAST_PAGE 512u		/* entries in a question */
#define PAST_SHOWN 16		/* requests that are looked at */

/* ---- finding it ---- */

static bool
is_alike(const struct request *a, const struct request *b)
{
	return span_eq(a->requester, b->requester) &&
	    span_eq(a->role, b->role) && strcmp(a->id.s, b->id.s) != 0;
}

static enum jit_err
find_live(struct desk *d, const struct dossier *r, struct dossier **ret,
    struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers v = { 0 };

	JIT_TRY(desk_list(d, &v, why));
	for (size_t i = v.n; i > 0 && *ret == NULL; i--) {
		struct dossier *o = v.v[i - 1];

		if (!o->h.issued || !is_alike(&o->h.request->req,
		    &r->h.request->req))
			continue;
		*ret = o;
		v.v[i - 1] = NULL;
	}
	return JIT_OK;
}

/* Ids of requests alike, the newest last; older ones make room. */
struct alike {
	struct ulid id[PAST_SHOWN];
	size_t n;
};

static void
alike_add(struct alike *a, const struct ulid *id)
{
	if (a->n == PAST_SHOWN)
		memmove(&a->id[0], &a->id[1], --a->n * sizeof(a->id[0]));
	a->id[a->n++] = *id;
}

/* Those of the entries [from, to). */
static enum jit_err
read_chunk(struct desk *d, const struct request *q, uint64_t from,
    uint64_t to, struct alike *ret, struct jit_why *why)
{
	struct page p = { .count = 0 };
	struct entry e;

	while (from < to) {
		JIT_TRY(session_page(d->s, from, (uint32_t)(to - from), &p,
		    why));
		if (p.count == 0)
			return JIT_OK;
		for (uint32_t i = 0; i < p.count; i++, from++) {
			struct rec_signed s;
			struct request o;

			JIT_TRY(page_next(&p, &e, why));
			if (e.type == ENTRY_REQUEST && !e.erased &&
			    rec_get_signed(e.body, ENTRY_REQUEST, &s, NULL) ==
			    JIT_OK && request_parse(s.text, &o, NULL) ==
			    JIT_OK && is_alike(&o, q))
				alike_add(ret, &o.id);
		}
	}
	return JIT_OK;
}

/* Backward through the log; each that is found is then proven by itself. */
static enum jit_err
find_logged(struct desk *d, const struct dossier *r, struct dossier **ret,
    bool *whole, struct jit_why *why)
{
	struct checkpoint c;
	uint64_t to, end;
	size_t looked = 0;

	JIT_TRY(checkpoint_open(session_note(d->s), session_log(d->s), &c,
	    why));
	end = c.size > PAST_ENTRIES ? c.size - PAST_ENTRIES : 0;
	*whole = end == 0;
	for (to = c.size; to > end && *ret == NULL;) {
		uint64_t from = to - end > PAST_PAGE ? to - PAST_PAGE : end;
		struct alike a = { .n = 0 };

		JIT_TRY(read_chunk(d, &r->h.request->req, from, to, &a, why));
		for (size_t i = a.n; i > 0 && *ret == NULL; i--) {
			JIT_SCOPED(dossier_free) struct dossier *o = NULL;

			if (looked++ == PAST_SHOWN) {
				*whole = false;
				return JIT_OK;
			}
			JIT_TRY(session_show(d->s, &a.id[i - 1], &o, NULL,
			    why));
			if (!o->h.issued)
				continue;
			*ret = o;
			o = NULL;
		}
		to = from;
	}
	return JIT_OK;
}

/* Over a server, which shows the log to auditors only. */
static enum jit_err
find_searched(struct desk *d, const struct dossier *r, struct dossier **ret,
    struct jit_why *why)
{
	const struct request *q = &r->h.request->req;
	const struct wire_search search = { .requester = q->requester,
	    .role = q->role, .newest = true, .max = PAST_SHOWN };
	JIT_DONE(dossiers_done) struct dossiers v = { 0 };

	JIT_TRY(session_search(d->s, &search, &v, NULL, why));
	for (size_t i = 0; i < v.n && *ret == NULL; i++) {
		if (!v.v[i]->h.issued || !is_alike(&v.v[i]->h.request->req, q))
			continue;
		*ret = v.v[i];
		v.v[i] = NULL;
	}
	return JIT_OK;
}

enum jit_err
past_find(struct desk *d, const struct dossier *r, struct dossier **ret,
    bool *whole, struct jit_why *why)
{
	JIT_SCOPED(dossier_free) struct dossier *o = NULL;

	*whole = false;
	JIT_TRY(find_live(d, r, &o, why));
	if (o == NULL && d->server != NULL)
		JIT_TRY(find_searched(d, r, &o, why));
	else if (o == NULL)
		JIT_TRY(find_logged(d, r, &o, whole, why));
	*ret = o;
	o = NULL;
	return JIT_OK;
}

/* ---- what is new ---- */

static bool
holds(const struct span *v, size_t n, struct span s)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(v[i], s))
			return true;
	return false;
}

/* "; also principal x", "; no more principal y" */
static void
put_lists(struct wr *w, const char *what, const struct span *now, size_t n,
    const struct span *then, size_t m)
{
	for (size_t i = 0; i < n; i++)
		if (!holds(then, m, now[i])) {
			wr_fmt(w, "; also %s ", what);
			wr_span(w, now[i]);
		}
	for (size_t i = 0; i < m; i++)
		if (!holds(now, n, then[i])) {
			wr_fmt(w, "; no more %s ", what);
			wr_span(w, then[i]);
		}
}

/* A principal is <account>.<host group>. */
static struct span
group_of(struct span principal)
{
	size_t dot = principal.n;

	while (dot > 0 && principal.p[dot - 1] != '.')
		dot--;
	return SPAN(principal.p + dot, principal.n - dot);
}

/* The servers of the groups that both have, each group once. */
static void
put_servers(struct wr *w, const struct request *q, const struct policy *p,
    const struct policy *was)
{
	struct span seen[REQUEST_PRINCIPALS];
	size_t n = 0;

	for (size_t i = 0; i < q->n_principals; i++) {
		struct span group = group_of(q->principals[i]);
		const struct block *a, *b;

		if (holds(seen, n, group))
			continue;
		seen[n++] = group;
		a = policy_get(p, BLOCK_HOST_GROUP, group);
		b = policy_get(was, BLOCK_HOST_GROUP, group);
		if (a != NULL && b != NULL)
			put_lists(w, "server", a->host_group.hosts,
			    a->host_group.n, b->host_group.hosts,
			    b->host_group.n);
	}
}

/* Of the names all but the one that ties it to its request. */
static size_t
names_of(const struct request *q, struct span ret[static REQUEST_SANS])
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_sans; i++)
		if (!opens_is_grant(q->sans[i]))
			ret[n++] = q->sans[i];
	return n;
}

static void
put_x509(struct wr *w, const struct request *q, const struct request *o)
{
	struct span now[REQUEST_SANS], then[REQUEST_SANS];
	size_t n = names_of(q, now), m = names_of(o, then);

	if (q->kind != o->kind)
		wr_str(w, "; ANOTHER KIND of certificate");
	put_lists(w, "subject", q->subject, q->n_subject, o->subject,
	    o->n_subject);
	put_lists(w, "name", now, n, then, m);
	if (!span_eq(q->profile, o->profile)) {
		wr_str(w, "; another profile than ");
		wr_span(w, o->profile);
	}
	if (q->crl.n == 0 && o->crl.n > 0)
		wr_str(w, "; CANNOT BE REVOKED any more");
	else if (!span_eq(q->crl, o->crl))
		wr_str(w, "; its CRL is elsewhere");
}

/* All but the duration; each begins with "; ". */
static void
put_others(struct wr *w, const struct dossier *r, const struct policy *p,
    const struct dossier *then, const struct policy *was)
{
	const struct request *q = &r->h.request->req;
	const struct request *o = &then->h.request->req;
	size_t before = w->n;

	put_lists(w, "principal", q->principals, q->n_principals,
	    o->principals, o->n_principals);
	put_lists(w, "option", q->options, q->n_options, o->options,
	    o->n_options);
	put_x509(w, q, o);
	if (was != NULL)
		put_servers(w, q, p, was);
	if (!ssh_key_eq(r->h.request->by.key, then->h.request->by.key))
		wr_str(w, "; signed by ANOTHER KEY");
	if (w->n == before && !digest_eq(&q->role_digest, &o->role_digest))
		wr_str(w, "; the role's rules have changed");
}

void
past_put_new(struct wr *w, const struct dossier *r, const struct policy *p,
    const struct dossier *then, const struct policy *was, utc_s now)
{
	JIT_DONE(wr_done) struct wr other = WR_INIT(1u << 18);
	const struct request *q = &r->h.request->req;
	const struct request *o = &then->h.request->req;
	char dur[WHEN_TEXT], old[WHEN_TEXT], day[WHEN_TEXT];
	struct span s;

	put_others(&other, r, p, then, was);
	s = wr_view(&other);
	(void)when_text(WHEN_DAY, o->created, now, day);
	if (q->duration != o->duration) {
		wr_fmt(w, "%s, last time %s (%s)", when_dur(q->duration, dur),
		    when_dur(o->duration, old), day);
		wr_span(w, s);
		wr_str(w, "; else the same");
	} else if (s.n == 0) {
		wr_fmt(w, "the same as last time (%s)", day);
	} else {
		wr_fmt(w, "since last time (%s)", day);
		wr_str(w, ":");
		wr_span(w, SPAN(s.p + 1, s.n - 1));
		wr_str(w, "; else the same");
	}
	if (other.err != JIT_OK)
		wr_fail(w, other.err);
}

/* ---- telling it ---- */

enum jit_err
past_tell_new(struct desk *d, const struct dossier *r, utc_s now,
    struct jit_why *ret)
{
	JIT_SCOPED(dossier_free) struct dossier *then = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 18);
	const struct policy *was = NULL;
	struct span who = r->h.request->req.requester;
	struct jit_why why = { 0 };
	bool whole = false;
	enum jit_err e = past_find(d, r, &then, &whole, &why);

	if (e != JIT_OK && jit_err_exit(e) == CLI_UNVERIFIED) {
		*ret = why;
		return e;
	}
	if (e != JIT_OK) {
		out_say(d->c, "  new    cannot be told: %s\n",
		    jit_why_text(&why, e));
		return JIT_OK;
	}
	if (then == NULL) {
		out_say(d->c, "  new    %.*s had no certificate of this role "
		    "%s\n", OUT_SPAN(who), whole ? "before" : "lately");
		return JIT_OK;
	}
	e = session_policy(d->s, then->issued.policy_index, &was, &why);
	if (e != JIT_OK && jit_err_exit(e) == CLI_UNVERIFIED) {
		*ret = why;
		return e;
	}
	/* Else was is NULL: servers are not compared. */
	past_put_new(&w, r, d->policy, then, was, now);
	out_say(d->c, "  new    %.*s\n", OUT_SPAN(wr_view(&w)));
	return w.err;
}
