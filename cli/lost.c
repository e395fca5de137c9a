/* lost - what a lock ended. */
#include "cli/left.h"
#include "cli/lost.h"

static void
add(struct lost *x, const struct dossier *r)
{
	const utc_s until = r->h.issued_until;

	if (!r->h.issued) {
		x->requests++;
		return;
	}
	if (until > x->until)
		x->until = until;
	if (r->h.request->req.kind == KIND_SSH_USER) {
		x->ssh++;
	} else if (left_is_listed(&r->h.request->req)) {
		x->crl++;
	} else {
		x->silent++;
		if (until > x->silent_until)
			x->silent_until = until;
	}
}

/* Was it ended by the signer because of that entry? */
static bool
is_because(const struct dossier *r, uint64_t index)
{
	const struct entry *e = &r->entry[r->n - 1].e;
	struct rec_ended x;

	return e->type == ENTRY_ENDED && rec_get_ended(e->body, &x, NULL) ==
	    JIT_OK && x.by_index == index;
}

void
lost_count(const struct dossiers *l, uint64_t index, struct lost *ret)
{
	*ret = (struct lost){ .requests = 0 };
	for (size_t i = 0; i < l->n; i++)
		if (is_because(l->v[i], index))
			add(ret, l->v[i]);
}

void
lost_expect(const struct dossiers *l, const struct policy *p,
    struct span person, struct lost *ret)
{
	*ret = (struct lost){ .requests = 0 };
	for (size_t i = 0; i < l->n; i++) {
		const struct dossier *r = l->v[i];
		const enum standing s = dossier_standing(r, p, l->now, NULL,
		    NULL);

		if ((s == STAND_PENDING || s == STAND_APPROVED ||
		    s == STAND_ACTIVE) &&
		    span_eq(r->h.request->req.requester, person))
			add(ret, r);
	}
}

void
lost_put(struct wr *w, const struct lost *x)
{
	const struct { size_t n; const char *what; } parts[] = {
		{ x->requests, "open request" },
		{ x->ssh, "SSH certificate" },
		{ x->crl + x->silent, "X.509 certificate" },
	};
	size_t all = 0, at = 0;

	for (size_t i = 0; i < 3; i++)
		all += parts[i].n > 0;
	for (size_t i = 0; i < 3; i++) {
		if (parts[i].n == 0)
			continue;
		wr_fmt(w, "%s%zu %s%s", at == 0 ? "" : at + 1 == all ?
		    " and " : ", ", parts[i].n, parts[i].what,
		    parts[i].n == 1 ? "" : "s");
		at++;
	}
	if (all == 0)
		wr_str(w, "nothing");
}

void
lost_put_left(struct wr *w, const struct lost *x, utc_s now)
{
	char at[WHEN_TEXT];

	if (x->ssh + x->crl > 0)
		wr_fmt(w, "Servers refuse what was revoked once they have "
		    "the new %s; one that does not fetch it takes it until "
		    "%s at the latest.\n", x->crl == 0 ?
		    "KRL (RevokedKeys in sshd_config)" : x->ssh == 0 ? "CRL" :
		    "KRL (RevokedKeys in sshd_config) and CRL",
		    when_text(WHEN_BOTH, x->until, now, at));
	if (x->silent > 0)
		wr_fmt(w, "NOTHING TELLS SERVERS of %zu of the X.509 "
		    "certificates: no CRL names what its role lets expire. "
		    "They work until %s at the latest, wherever they were "
		    "copied.\n", x->silent, when_text(WHEN_BOTH,
		    x->silent_until, now, at));
	if (x->ssh + x->crl + x->silent > 0)
		wr_str(w, "Sessions and connections that are open go on: end "
		    "them on the servers.\n");
}
