/* ask_words - who may decide, and what a request opens, in words. */
#include <string.h>

#include "cli/ask_int.h"
#include "cli/opens.h"

#define NAMES_SHOWN 8

/* ---- who ---- */

void
ask_put_names(struct wr *w, const struct names *n)
{
	for (size_t i = 0; i < n->n; i++) {
		wr_str(w, i > 0 ? ", " : "");
		wr_span(w, n->v[i]);
	}
}

/* People who satisfy some test, the first few by name. */
struct people {
	struct wr *w;
	size_t n;
};

static void
people_add(struct people *p, struct span name)
{
	if (p->n < NAMES_SHOWN) {
		wr_str(p->w, p->n > 0 ? ", " : "");
		wr_span(p->w, name);
	}
	p->n++;
}

static size_t
people_end(struct people *p)
{
	if (p->n > NAMES_SHOWN)
		wr_fmt(p->w, " and %zu more", p->n - NAMES_SHOWN);
	return p->n;
}

static bool
has_approved(const struct dossier *r, const struct quorum *q,
    struct span name)
{
	for (unsigned i = 0; i < q->have; i++)
		if (span_eq(r->h.decision[q->counted[i]]->dec.approver, name))
			return true;
	return false;
}

size_t
ask_put_approvers(const struct desk *d, const struct dossier *r,
    struct wr *w)
{
	const struct request *q = &r->h.request->req;
	const struct role *role = policy_role(d->policy, q->role);
	struct people p = { .w = w };
	struct quorum have = { 0 };

	if (role == NULL ||
	    judge_quorum(d->policy, &r->h, &have, NULL) != JIT_OK)
		return 0;
	for (size_t i = 0; i < policy_count(d->policy); i++) {
		const struct block *b = policy_at(d->policy, i);

		if (b->kind == BLOCK_PERSON &&
		    role_may_approve(role, &b->person, q->requester) &&
		    !has_approved(r, &have, b->name))
			people_add(&p, b->name);
	}
	return people_end(&p);
}

void
ask_put_counted(const struct desk *d, const struct dossier *r, struct wr *w)
{
	struct quorum q = { 0 };

	if (judge_quorum(d->policy, &r->h, &q, NULL) != JIT_OK)
		return;
	for (unsigned i = 0; i < q.have; i++) {
		wr_str(w, i == 0 ? "" : i + 1 == q.have ? " and " : ", ");
		wr_span(w, r->h.decision[q.counted[i]]->dec.approver);
	}
}

size_t
ask_put_members(const struct desk *d, const struct names *groups, struct wr *w)
{
	struct people p = { .w = w };

	for (size_t i = 0; i < policy_count(d->policy); i++) {
		const struct block *b = policy_at(d->policy, i);

		if (b->kind == BLOCK_PERSON && person_in(&b->person, groups))
			people_add(&p, b->name);
	}
	return people_end(&p);
}

/* ---- what a request opens ---- */

static void
put_hosts(const struct desk *d, const struct role *role, struct wr *w)
{
	struct people p = { .w = w };

	for (size_t i = 0; i < role->host_groups.n; i++) {
		const struct block *b = policy_get(d->policy,
		    BLOCK_HOST_GROUP, role->host_groups.v[i]);

		for (size_t j = 0; b != NULL && j < b->host_group.n; j++)
			people_add(&p, b->host_group.hosts[j]);
	}
	(void)people_end(&p);
}

/* "terminal, no forwarding" */
static void
put_options(const struct request *q, struct wr *w)
{
	bool pty = false, forward = false;

	for (size_t i = 0; i < q->n_options; i++) {
		struct span o = q->options[i];

		if (span_eq_str(o, "permit-pty"))
			pty = true;
		else if (o.n > 11 && memcmp(o.p + o.n - 11, "-forwarding",
		    11) == 0)
			forward = true;
	}
	wr_str(w, pty ? "terminal" : "no terminal");
	wr_str(w, forward ? "" : ", no forwarding");
	for (size_t i = 0; i < q->n_options; i++) {
		if (span_eq_str(q->options[i], "permit-pty"))
			continue;
		wr_str(w, ", ");
		wr_span(w, q->options[i]);
	}
}

/* "dba on db1, db2", and "terminal, no forwarding". */
static void
put_what(const struct desk *d, const struct request *q, struct wr *w,
    struct wr *how)
{
	const struct role *role = policy_role(d->policy, q->role);

	if (q->kind == KIND_X509) {
		opens_put_names(w, q);
		opens_put_end(how, q);
		return;
	}
	if (role != NULL) {
		ask_put_names(w, &role->accounts);
		wr_str(w, " on ");
		put_hosts(d, role, w);
	}
	put_options(q, how);
}

void
ask_say_request(struct desk *d, const struct request *q, utc_s now)
{
	JIT_DONE(wr_done) struct wr what = WR_INIT(65536);
	JIT_DONE(wr_done) struct wr how = WR_INIT(65536);
	char dur[WHEN_TEXT], opens[WHEN_TEXT], closes[WHEN_TEXT];
	bool later = q->opens > now + 60;

	put_what(d, q, &what, &how);
	out_say(d->c, "  %s  %.*s: %.*s · %.*s · %s from first use, "
	    "%s%s%sbefore %s\n", desk_short(d, &q->id), OUT_SPAN(q->role),
	    OUT_SPAN(wr_view(&what)), OUT_SPAN(wr_view(&how)),
	    when_dur(q->duration, dur),
	    later ? "after " : "",
	    later ? when_text(WHEN_BOTH, q->opens, now, opens) : "",
	    later ? ", " : "", when_text(WHEN_BOTH, q->closes, now, closes));
	if (q->reason.n > 0)
		out_say(d->c, "        %.*s\n", OUT_SPAN(q->reason));
}
