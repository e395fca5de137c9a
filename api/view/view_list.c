/*
 * A page of requests.
 *
 * What is asked has one or more ways through the table, each in order of
 * index and exact for requester, role and the reader's eyes; several are
 * merged.  A state or time of creation that few requests have is gathered
 * first, by its index, and sorted.  Every row that is found is then held
 * against the whole question, and a call looks at a bounded number of them.
 */
#include <stdlib.h>
#include <string.h>

#include "api/view/view_int.h"
#include "ca/grant/ledger.h"

/*
 * Rows that a call looks at: neighbours are on the same page of the file, of
 * what lies scattered each is on another.
 */
#define LOOKS 2048
#define LOOKS_SCATTERED 256
#define GATHER 4096		/* entries of a state's index, at most */
#define PAGE_MAX 256

/* One way: the requests of a requester, of a role, of both, or all. */
struct way {
	enum view_sql sql;	/* upwards; the next one goes down */
	struct span requester, role;
	int64_t at;		/* the index that it stands on */
	bool over;
};

struct walk {
	struct view *v;
	const struct view_query *q;
	struct span *roles;	/* owned: the reader's, sorted */
	int64_t from, to;	/* both excluded, in the walk's direction */
	bool gathered;
	int64_t *got;		/* owned: what was gathered, in order */
	size_t n_got, at_got;
	struct way *way;	/* owned */
	size_t n_ways;
	/* The way whose place each statement holds. */
	const struct way *holds[SQL_COUNT];
};

static void
walk_done(struct walk *w)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		if (w->holds[i] != NULL)
			stmt_reset(w->v->stmt[i]);
	free(w->roles);
	free(w->got);
	free(w->way);
}
JIT_SCOPED_OBJ(struct walk, walk_done);

/* ---- the question, held against a row ---- */

static int
cmp_spans(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static bool
sees_role(const struct walk *w, struct span role)
{
	return w->q->sees_all || (w->q->n_roles > 0 && bsearch(&role,
	    w->roles, w->q->n_roles, sizeof(role), cmp_spans) != NULL);
}

/* Requester, role and eyes: what an index knows as well. */
static bool
fits_who(const struct walk *w, struct span requester, struct span role)
{
	const struct view_query *q = w->q;

	return (q->requester.n == 0 || span_eq(q->requester, requester)) &&
	    (q->role.n == 0 || span_eq(q->role, role)) &&
	    (sees_role(w, role) || span_eq(q->person, requester));
}

static bool
fits_end(const struct view_query *q, enum view_end end)
{
	return (q->state != VIEW_PENDING || end == VIEW_OPEN) &&
	    (q->state != VIEW_LIVE || end == VIEW_ISSUED);
}

static bool
fits_state(const struct view_query *q, const struct view_row *r)
{
	switch (q->state) {
	case VIEW_ALL:
		return true;
	case VIEW_CURRENT:
		return r->closes > q->now - LEDGER_GRACE;
	case VIEW_PENDING:
	case VIEW_LIVE:
		return fits_end(q, r->end) && row_over_at(r) > q->now;
	case VIEW_OVER:
		return row_over_at(r) <= q->now;
	}
	return false;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool
holds_text(struct span in, struct span text)
{
	for (size_t i = 0; i + text.n <= in.n; i++) {
		size_t k = 0;

		while (k < text.n && lower(in.p[i + k]) == lower(text.p[k]))
			k++;
		if (k == text.n)
			return true;
	}
	return false;
}

static bool
fits(const struct walk *w, const struct view_row *r)
{
	const struct view_query *q = w->q;

	return fits_who(w, r->requester, r->role) && fits_state(q, r) &&
	    (q->since == 0 || r->created >= q->since) &&
	    (q->until == 0 || r->created < q->until) &&
	    (q->text.n == 0 || holds_text(r->reason, q->text) ||
	    holds_text(span_str(r->id.s), q->text));
}

/* ---- ways ---- */

static bool
is_inside(const struct walk *w, int64_t index)
{
	return w->q->newest_first ? index < w->from && index > w->to :
	    index > w->from && index < w->to;
}

static enum jit_err
way_next(struct walk *w, struct way *a, struct jit_why *why)
{
	enum view_sql q = a->sql + (w->q->newest_first ? 1u : 0u);
	struct stmt *s;
	bool row;

	if (w->holds[q] != a) {
		JIT_TRY(view_stmt(w->v, q, &s, why));
		stmt_text(s, 1, a->requester);
		stmt_text(s, 2, a->role);
		stmt_int(s, 3, a->at);
	}
	s = w->v->stmt[q];
	w->holds[q] = NULL;
	JIT_TRY(stmt_step(s, &row, why));
	a->over = true;
	if (!row)
		return JIT_OK;
	w->holds[q] = a;
	a->at = stmt_get_int(s, 0);
	a->over = !is_inside(w, a->at);
	return JIT_OK;
}

static void
add_way(struct walk *w, enum view_sql sql, struct span requester,
    struct span role)
{
	w->way[w->n_ways++] = (struct way){ .sql = sql,
	    .requester = requester, .role = role, .at = w->from };
}

/* Those of requester (anybody, when empty) that the reader's roles open. */
static void
add_roles(struct walk *w, struct span requester)
{
	for (size_t i = 0; i < w->q->n_roles; i++)
		add_way(w, requester.n > 0 ? SQL_BOTH_UP : SQL_ROLE_UP,
		    requester, w->roles[i]);
}

static enum jit_err
plan_ways(struct walk *w, struct jit_why *why)
{
	const struct view_query *q = w->q;
	struct span by = q->requester, role = q->role;
	bool own = q->person.n > 0 && span_eq(by, q->person);

	w->way = calloc(q->n_roles + 1, sizeof(*w->way));
	if (w->way == NULL)
		return JIT_E_NOMEM;
	if (role.n > 0 && !sees_role(w, role)) {
		/* Of that role they see their own. */
		if ((by.n == 0 || own) && q->person.n > 0)
			add_way(w, SQL_BOTH_UP, q->person, role);
	} else if (role.n > 0) {
		add_way(w, by.n > 0 ? SQL_BOTH_UP : SQL_ROLE_UP, by, role);
	} else if (by.n > 0 && (own || q->sees_all)) {
		add_way(w, SQL_REQUESTER_UP, by, SPAN_NONE);
	} else if (q->sees_all) {
		add_way(w, SQL_ALL_UP, SPAN_NONE, SPAN_NONE);
	} else {
		add_roles(w, by);
		if (by.n == 0 && q->person.n > 0)
			add_way(w, SQL_REQUESTER_UP, q->person, SPAN_NONE);
	}
	for (size_t i = 0; i < w->n_ways; i++)
		JIT_TRY(way_next(w, &w->way[i], why));
	return JIT_OK;
}

/* The next index of all ways, each once. */
static enum jit_err
next_of_ways(struct walk *w, int64_t *ret, bool *any, struct jit_why *why)
{
	bool down = w->q->newest_first;
	int64_t best = 0;

	*any = false;
	for (size_t i = 0; i < w->n_ways; i++) {
		const struct way *a = &w->way[i];

		if (a->over || (*any && (down ? a->at <= best :
		    a->at >= best)))
			continue;
		best = a->at;
		*any = true;
	}
	*ret = best;
	for (size_t i = 0; *any && i < w->n_ways; i++)
		if (!w->way[i].over && w->way[i].at == best)
			JIT_TRY(way_next(w, &w->way[i], why));
	return JIT_OK;
}

/* ---- gathering ---- */

static int
cmp_up(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
cmp_down(const void *a, const void *b)
{
	return cmp_up(b, a);
}

static enum jit_err
gather_step(struct walk *w, struct stmt *s, bool *row, struct jit_why *why)
{
	int64_t index;

	JIT_TRY(stmt_step(s, row, why));
	if (!*row)
		return JIT_OK;
	index = stmt_get_int(s, 0);
	if (is_inside(w, index) && (w->q->state == VIEW_CURRENT ||
	    fits_end(w->q, (enum view_end)stmt_get_int(s, 1))) &&
	    fits_who(w, stmt_get(s, 3), stmt_get(s, 2)))
		w->got[w->n_got++] = index;
	return JIT_OK;
}

/*
 * All that are in a state by the time that was asked for, unless they are
 * many: then a walk soon meets enough of them.
 */
static enum jit_err
gather(struct walk *w, struct jit_why *why)
{
	const struct view_query *q = w->q;
	bool row = true;
	struct stmt *s;

	if (q->state == VIEW_ALL)
		return JIT_OK;
	if ((w->got = calloc(GATHER, sizeof(*w->got))) == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(view_stmt(w->v, q->state == VIEW_CURRENT ? SQL_CURRENT :
	    q->state == VIEW_OVER ? SQL_ENDED : SQL_LASTING, &s, why));
	stmt_int(s, 1, q->state == VIEW_CURRENT ? q->now - LEDGER_GRACE :
	    q->now);
	for (size_t i = 0; row && i < GATHER; i++)
		JIT_TRY(gather_step(w, s, &row, why));
	stmt_reset(s);
	w->gathered = !row;
	if (w->gathered)
		qsort(w->got, w->n_got, sizeof(*w->got), q->newest_first ?
		    cmp_down : cmp_up);
	return JIT_OK;
}

static enum jit_err
walk_next(struct walk *w, int64_t *ret, bool *any, struct jit_why *why)
{
	if (!w->gathered)
		return next_of_ways(w, ret, any, why);
	*any = w->at_got < w->n_got;
	if (*any)
		*ret = w->got[w->at_got++];
	return JIT_OK;
}

/* ---- from where to where ---- */

/*
 * The first index whose request was logged at t or later; all before are
 * older, since the log's time never goes back.
 */
static enum jit_err
first_since(struct view *v, utc_s t, int64_t *ret, struct jit_why *why)
{
	int64_t lo = 0, hi = (int64_t)v->at.edge.size;

	while (lo < hi) {
		JIT_DONE(buf_done) struct buf mem = { NULL, 0 };
		int64_t mid = lo + (hi - lo) / 2;
		enum jit_err e = JIT_OK;
		struct stmt *s;
		struct row r;
		bool row;

		JIT_TRY(view_stmt(v, SQL_REQUEST_FROM, &s, why));
		stmt_int(s, 1, mid);
		JIT_TRY(stmt_step(s, &row, why));
		if (row)
			e = row_take(v, s, &r, &mem, why);
		stmt_reset(s);
		JIT_TRY(e);
		if (row && r.logged < t)
			lo = (int64_t)r.r.index + 1;
		else
			hi = mid;
	}
	*ret = lo;
	return JIT_OK;
}

/* The bounds of indexes, both excluded. */
static enum jit_err
bound(struct walk *w, struct jit_why *why)
{
	const struct view_query *q = w->q;
	dur_s skew = w->v->at.skew;
	int64_t low = -1, high = INT64_MAX, at;

	/* "created" is the requester's clock: at most skew off the log's. */
	if (q->since > skew) {
		JIT_TRY(first_since(w->v, q->since - skew, &at, why));
		low = at - 1;
	}
	if (q->until > 0 && q->until < UTC_MAX - skew)
		JIT_TRY(first_since(w->v, q->until + skew, &high, why));
	if (q->has_after && q->after <= INT64_MAX) {
		at = (int64_t)q->after;
		if (q->newest_first && at < high)
			high = at;
		else if (!q->newest_first && at > low)
			low = at;
	}
	if (q->has_after && q->after > INT64_MAX && !q->newest_first)
		low = INT64_MAX;
	w->from = q->newest_first ? high : low;
	w->to = q->newest_first ? low : high;
	return JIT_OK;
}

/* ---- a page ---- */

/* Look at a request; taken when it fits. */
static enum jit_err
look(struct walk *w, int64_t index, struct view_page *p, struct jit_why *why)
{
	struct buf mem = { NULL, 0 };
	enum jit_err e = JIT_OK;
	struct stmt *s;
	struct row r;
	bool row;

	JIT_TRY(view_stmt(w->v, SQL_BY_INDEX, &s, why));
	stmt_int(s, 1, index);
	JIT_TRY(stmt_step(s, &row, why));
	/* Read where it lies first: most do not fit what is searched. */
	if (!row || row_parse(stmt_get(s, 7), &r) != JIT_OK)
		e = view_altered(w->v, "request", (uint64_t)index, why);
	else if (fits(w, &r.r) &&
	    (e = row_take(w->v, s, &r, &mem, why)) == JIT_OK) {
		p->v[p->n] = r.r;
		p->v[p->n++].store = mem;
	}
	stmt_reset(s);
	return e;
}

static enum jit_err
fill(struct walk *w, struct view_page *p, struct jit_why *why)
{
	size_t most = !w->gathered && w->n_ways == 1 &&
	    w->way[0].sql == SQL_ALL_UP ? LOOKS : LOOKS_SCATTERED;
	bool any = true;
	int64_t index;

	for (size_t looks = 0; ; looks++) {
		JIT_TRY(walk_next(w, &index, &any, why));
		p->more = any;
		if (!any || p->n == w->q->max || looks == most)
			return JIT_OK;
		JIT_TRY(look(w, index, p, why));
		p->next = (uint64_t)index;
	}
}

static enum jit_err
sort_roles(struct walk *w)
{
	size_t n = w->q->n_roles;

	if ((w->roles = calloc(n + 1, sizeof(*w->roles))) == NULL)
		return JIT_E_NOMEM;
	if (n > 0)
		memcpy(w->roles, w->q->roles, n * sizeof(*w->roles));
	qsort(w->roles, n, sizeof(*w->roles), cmp_spans);
	return JIT_OK;
}

enum jit_err
view_list(struct view *v, const struct view_query *q, struct view_page *ret,
    struct jit_why *why)
{
	JIT_DONE(view_page_done) struct view_page p = { .n = 0 };
	JIT_DONE(walk_done) struct walk w = { .v = v, .q = q };

	if (q->max < 1 || q->max > PAGE_MAX)
		return jit_fail(why, JIT_E_ARG, "a page of %zu, accepted are 1 "
		    "to %d", q->max, PAGE_MAX);
	if (v->bulk)
		return jit_fail(why, JIT_E_ARG, "the view is being made");
	if ((p.v = calloc(q->max, sizeof(*p.v))) == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(sort_roles(&w));
	JIT_TRY(bound(&w, why));
	JIT_TRY(gather(&w, why));
	if (!w.gathered)
		JIT_TRY(plan_ways(&w, why));
	JIT_TRY(fill(&w, &p, why));
	*ret = p;
	p = (struct view_page){ .n = 0 };
	return JIT_OK;
}

void
view_page_done(struct view_page *p)
{
	for (size_t i = 0; i < p->n; i++)
		view_row_done(&p->v[i]);
	free(p->v);
	*p = (struct view_page){ .n = 0 };
}
