/* mine - the one request of a role that somebody works with. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <string.h>

#include "cli/await.h"
#include "cli/fetch.h"
#include "cli/mine.h"

#define LEFT_MIN 5		/* s; a certificate that ends is none */
#define A_MOMENT 3		/* s until a window opens */

/* How good an own request of that role is to begin with; 0: not at all. */
static int
rank(struct desk *d, const struct dossier *r, utc_s now, bool *lost)
{
	int is;

	switch (desk_standing(d, r, now, NULL, NULL)) {
	case STAND_ACTIVE:
		is = r->h.issued_until - now < LEFT_MIN ? 0 : 3;
		break;
	case STAND_APPROVED:
		is = 2;
		break;
	case STAND_PENDING:
		is = 1;
		break;
	default:
		is = 0;
		break;
	}
	if (is == 0 || fetch_can(d, r))
		return is;
	*lost = true;
	return 0;
}

/* It is never asked twice: so what is wanted now may not be what was. */
static void
say_found(struct desk *d, const struct want *w, const struct dossier *r,
    int is, utc_s now)
{
	const struct request *q = &r->h.request->req;

	if (is < 3)
		ask_say_request(d, q, now);
	if ((w->reason == NULL || span_eq_str(q->reason, w->reason)) &&
	    (w->duration == 0 || w->duration == q->duration))
		return;
	out_note(d->c, "  This one is open already, with its own reason and "
	    "duration. To ask anew: jit-cert %s %s\n", is < 3 ? "cancel" :
	    "drop", desk_short(d, &q->id));
}

static enum jit_err
find(struct desk *d, const struct want *w, struct ulid *ret, bool *found,
    struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };
	size_t at = 0;
	int best = 0;

	JIT_TRY(desk_list(d, &l, why));
	for (size_t i = 0; i < l.n; i++) {
		const struct request *q = &l.v[i]->h.request->req;
		bool lost = false, stale = false;
		int is;

		if (!desk_is_me(d, q->requester) ||
		    !span_eq_str(q->role, w->role))
			continue;
		(void)desk_standing(d, l.v[i], l.now, NULL, &stale);
		is = stale ? 0 : rank(d, l.v[i], l.now, &lost);
		if (lost)
			out_note(d->c, "Your request %s for %s is open as "
			    "well, but its key is not on this machine; "
			    "jit-cert cancel or drop ends it.\n",
			    desk_short(d, &l.v[i]->id), w->role);
		if (is <= best)
			continue;
		best = is;
		at = i;
	}
	*found = best > 0;
	if (!*found)
		return JIT_OK;
	*ret = l.v[at]->id;
	say_found(d, w, l.v[at], best, l.now);
	return JIT_OK;
}

int
mine_get(struct desk *d, const struct want *w, int64_t ms,
    struct dossier **ret)
{
	struct jit_why why = { 0 };
	struct ulid id;
	bool found = false;
	utc_s now;
	enum jit_err e;
	int status;

	if ((e = find(d, w, &id, &found, &why)) != JIT_OK)
		return out_error(d->c, e, &why);
	if (!found && (status = ask_send(d, w, &id)) != CLI_DONE)
		return status;
	return await(d, &id, ms, ret, &now);
}

void
mine_wait_a_moment(const struct desk *d, utc_s opens)
{
	while (opens > desk_now(d) && opens - desk_now(d) <= A_MOMENT)
		(void)poll(NULL, 0, 100);
}
