/* scan - the whole log, read page by page. */
#include <stdlib.h>
#include <string.h>

#include "cli/scan.h"

#define SCAN_PAGE 1024		/* entries */

/* Is what was read, and nothing else, under the newest checkpoint? */
static enum jit_err
check_root(struct desk *d, const struct merkle_edge *edge,
    struct jit_why *why)
{
	struct checkpoint c;
	struct digest root;

	JIT_TRY(checkpoint_open(session_note(d->s), session_log(d->s), &c,
	    why));
	JIT_TRY(merkle_edge_root(edge, &root));
	if (c.size == edge->size && digest_eq(&root, &c.root))
		return JIT_OK;
	return jit_fail(why, JIT_E_VERIFY, "the %llu entries that were read "
	    "are not the log of the signed checkpoint",
	    (unsigned long long)edge->size);
}

enum jit_err
scan_entries(struct desk *d, scan_entry_fn fn, void *arg,
    struct jit_why *why)
{
	struct merkle_edge edge;
	struct page p = { .count = 0 };
	struct entry e;

	merkle_edge_init(&edge);
	do {
		JIT_TRY(session_page(d->s, edge.size, SCAN_PAGE, &p, why));
		for (uint32_t i = 0; i < p.count; i++) {
			struct digest leaf;

			JIT_TRY(page_next(&p, &e, why));
			if (e.index != edge.size)
				return jit_fail(why, JIT_E_VERIFY, "entry "
				    "%llu is numbered %llu",
				    (unsigned long long)edge.size,
				    (unsigned long long)e.index);
			JIT_TRY(merkle_leaf(SPAN(e.leaf, ENTRY_LEAF),
			    &leaf));
			JIT_TRY(merkle_edge_add(&edge, &leaf));
			JIT_TRY(fn(arg, &e));
		}
	} while (p.count > 0);
	return check_root(d, &edge, why);
}

/* ---- requests ---- */

/* Those that something may still be logged about, in log order. */
struct scan {
	utc_s since;
	struct dossier **v;
	size_t n, cap;
	scan_dossier_fn fn;
	void *arg;
	struct jit_why *why;
};

static void
scan_done(struct scan *s)
{
	for (size_t i = 0; i < s->n; i++)
		dossier_free(s->v[i]);
	free(s->v);
}
JIT_SCOPED_OBJ(struct scan, scan_done);

/* Hand out, from the front, those that are over at t. */
static enum jit_err
hand_out(struct scan *s, utc_s t)
{
	size_t n = 0;
	enum jit_err e = JIT_OK;

	while (e == JIT_OK && n < s->n &&
	    s->v[n]->h.request->req.closes < t) {
		if (s->v[n]->h.request->req.created >= s->since)
			e = s->fn(s->arg, s->v[n]);
		dossier_free(s->v[n++]);
	}
	if (n > 0)
		memmove(s->v, s->v + n, (s->n - n) * sizeof(s->v[0]));
	s->n -= n;
	return e;
}

static enum jit_err
begin(struct scan *s, const struct entry *e)
{
	if (s->n == s->cap) {
		size_t cap = s->cap > 0 ? 2 * s->cap : 64;
		struct dossier **v = realloc(s->v, cap * sizeof(*v));

		if (v == NULL)
			return JIT_E_NOMEM;
		s->v = v;
		s->cap = cap;
	}
	/* In the log under its key: verified before it was written. */
	JIT_TRY(dossier_new(e, DOSSIER_OWN, &s->v[s->n], s->why));
	s->n++;
	return JIT_OK;
}

static enum jit_err
see(void *arg, const struct entry *e)
{
	struct scan *s = arg;
	struct ulid id;

	if (e->erased || !rec_about((enum entry_type)e->type, e->body, &id))
		return JIT_OK;
	JIT_TRY(hand_out(s, e->time));
	if (e->type == ENTRY_REQUEST)
		return begin(s, e);
	for (size_t i = s->n; i > 0; i--)
		if (strcmp(s->v[i - 1]->id.s, id.s) == 0)
			return dossier_add(s->v[i - 1], e, DOSSIER_OWN,
			    s->why);
	return JIT_OK;		/* its request was erased */
}

enum jit_err
scan_requests(struct desk *d, utc_s since, scan_dossier_fn fn, void *arg,
    struct jit_why *why)
{
	JIT_DONE(scan_done) struct scan s = { .since = since, .fn = fn,
	    .arg = arg, .why = why };

	JIT_TRY(scan_entries(d, see, &s, why));
	return hand_out(&s, UTC_MAX);
}

enum jit_err
scan_shown(struct desk *d, scan_dossier_fn fn, void *arg,
    struct jit_why *why)
{
	struct wire_search q = { .max = PROTO_LIST_MAX };
	uint64_t next = 0;

	do {
		JIT_DONE(dossiers_done) struct dossiers v = { 0 };

		JIT_TRY(session_search(d->s, &q, &v, &next, why));
		if (next != 0 && next <= q.after)
			return jit_fail(why, JIT_E_VERIFY, "a list that does "
			    "not go on");
		for (size_t i = 0; i < v.n; i++)
			JIT_TRY(fn(arg, v.v[i]));
		q.after = next;
	} while (next != 0);
	return JIT_OK;
}
