/* list, inbox - what is open, and what waits for me. */
#include <string.h>

#include "cli/scan.h"
#include "cli/tell.h"
#include "cli/watch.h"

struct listing_of {
	struct desk *d;
	const struct args *a;
	bool inbox;
	utc_s now;
	size_t shown;
	struct out_table table;
};

static bool
is_wanted(const struct listing_of *l, const struct dossier *r)
{
	const struct args *a = l->a;
	const struct request *q = &r->h.request->req;
	const char *role = l->inbox ? NULL : args_get(a, OPT_ROLE);
	enum standing s = desk_standing(l->d, r, l->now, NULL, NULL);

	if (l->inbox)
		return s == STAND_PENDING && desk_awaits_me(l->d, r);
	if (args_has(a, OPT_MINE) && !desk_is_me(l->d, q->requester))
		return false;
	if (role != NULL && !span_eq_str(q->role, role))
		return false;
	return args_has(a, OPT_ALL) || s == STAND_PENDING ||
	    s == STAND_APPROVED || s == STAND_ACTIVE;
}

/* What can be typed for it: all of the id once it is no longer live. */
static const char *
id_of(struct desk *d, const struct ulid *id)
{
	const char *s = desk_short(d, id);

	for (size_t i = 0; i < d->n_ids; i++)
		if (strcmp(d->ids[i].s, id->s) == 0)
			return s;
	return id->s;
}

static enum jit_err
list_one(void *arg, const struct dossier *r)
{
	struct listing_of *l = arg;
	JIT_DONE(wr_done) struct wr standing = WR_INIT(1024);
	const struct request *q = &r->h.request->req;
	struct cli *c = l->d->c;
	char ago[WHEN_TEXT];

	if (!is_wanted(l, r))
		return JIT_OK;
	l->shown++;
	tell_put_standing(&standing, l->d, r, l->now);
	out_cell(c, &l->table, "%s", id_of(l->d, &r->id));
	out_cell(c, &l->table, "%.*s", OUT_SPAN(q->requester));
	out_cell(c, &l->table, "%.*s", OUT_SPAN(q->role));
	out_cell(c, &l->table, "%s", when_ago(q->created, l->now, ago));
	out_cell(c, &l->table, "%.*s", OUT_SPAN(wr_view(&standing)));
	out_cell(c, &l->table, "%.*s", OUT_SPAN(q->reason));
	out_json(c, tell_json(l->d, r, l->now));
	return l->table.err;
}

/* All there are, or all that a server shows: then that is said. */
static enum jit_err
list_all(struct listing_of *l, struct jit_why *why)
{
	enum jit_err e = scan_requests(l->d, 0, list_one, l, why);

	if (e != JIT_E_FORBIDDEN)
		return e;
	JIT_TRY(scan_shown(l->d, list_one, l, why));
	out_note(l->d->c, "Those that you may see; only who reads the log can "
	    "know that none is missing.\n");
	return l->table.err;
}

static int
list(struct cli *c, const struct args *a, bool inbox)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_DONE(dossiers_done) struct dossiers v = { 0 };
	struct listing_of l = { .d = &d, .a = a, .inbox = inbox };
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    ((inbox || args_has(a, OPT_MINE)) &&
	    (e = desk_who(&d, &why)) != JIT_OK))
		return out_error(c, e, &why);
	out_table_init(&l.table, 6);
	l.now = desk_now(&d);
	if (!inbox && args_has(a, OPT_ALL)) {
		e = list_all(&l, &why);
	} else if ((e = desk_list(&d, &v, &why)) == JIT_OK) {
		l.now = v.now;
		for (size_t i = 0; e == JIT_OK && i < v.n; i++)
			e = list_one(&l, v.v[i]);
	}
	if (e == JIT_OK)
		out_table_say(c, &l.table, "");
	out_table_done(&l.table);
	if (e != JIT_OK)
		return out_error(c, e, &why);
	if (l.shown == 0)
		out_note(c, inbox ? "Nothing waits for your decision.\n" :
		    "Nothing is open.\n");
	else if (inbox)
		out_note(c, "See one and decide: jit-cert approve ID\n");
	return CLI_DONE;
}

int
verb_list(struct cli *c, const struct args *a)
{
	return list(c, a, false);
}

/* One as it comes: the same cells, a line. */
static void
tell_new(struct desk *d, const struct dossier *r, utc_s now)
{
	JIT_DONE(wr_done) struct wr standing = WR_INIT(1024);
	const struct request *q = &r->h.request->req;
	char at[WHEN_TEXT];

	tell_put_standing(&standing, d, r, now);
	out_say(d->c, "%s  %s  %.*s  %.*s  %.*s  %.*s\n",
	    when_text(WHEN_SHORT, q->created, now, at),
	    desk_short(d, &r->id), OUT_SPAN(q->requester),
	    OUT_SPAN(q->role), OUT_SPAN(wr_view(&standing)),
	    OUT_SPAN(q->reason));
	out_json(d->c, tell_json(d, r, now));
}

static int
watch(struct cli *c)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK)
		return out_error(c, e, &why);
	return watch_inbox(&d, tell_new);
}

int
verb_inbox(struct cli *c, const struct args *a)
{
	return args_has(a, OPT_WATCH) ? watch(c) : list(c, a, true);
}
