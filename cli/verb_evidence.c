/*
 * evidence - all that proves one grant, in one file: collected under one
 * checkpoint, and verified before a byte of it is written.
 */
#include <stdlib.h>

#include "ca/grant/bundle.h"
#include "cli/desk.h"

struct gathering {
	uint64_t index[BUNDLE_ENTRIES_MAX];
	size_t n;
};

static int
cmp_index(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The entries of the blocks that it rests on. */
static enum jit_err
add_blocks(struct desk *d, const struct dossier *r, uint64_t policy_index,
    struct gathering *g, struct jit_why *why)
{
	JIT_SCOPED(free) struct digest *need = calloc(BUNDLE_BLOCKS_MAX,
	    sizeof(*need));
	const struct policy *p = NULL;
	size_t n = 0;

	if (need == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(session_policy(d->s, policy_index, &p, why));
	JIT_TRY(bundle_needs(r, p, need, &n, why));
	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);
		bool wanted = false;

		for (size_t k = 0; k < n && !wanted; k++)
			wanted = digest_eq(&need[k], &b->digest);
		if (!wanted)
			continue;
		JIT_TRY(session_block(d->s, policy_index, b->kind, b->name,
		    &g->index[g->n], why));
		g->n++;
	}
	return JIT_OK;
}

static enum jit_err
gather(struct desk *d, const struct dossier *r, struct gathering *g,
    struct jit_why *why)
{
	const struct own_keys *own = NULL;
	uint64_t policy_index = r->h.issued ? r->issued.policy_index :
	    d->policy_index;

	uint64_t keys = 0;

	/* A certificate's CA is what the keys entry before it says. */
	if (r->h.issued)
		JIT_TRY(session_keys_before(d->s,
		    r->entry[r->issued_at].e.index, &own, &keys, why));
	g->index[g->n++] = 0;
	if (keys > 0)
		g->index[g->n++] = keys;
	g->index[g->n++] = policy_index;
	JIT_TRY(add_blocks(d, r, policy_index, g, why));
	for (size_t i = 0; i < r->n; i++)
		g->index[g->n++] = r->entry[i].e.index;
	qsort(g->index, g->n, sizeof(g->index[0]), cmp_index);
	return JIT_OK;
}

static enum jit_err
make(struct desk *d, const struct dossier *r, struct wr *w,
    struct jit_why *why)
{
	JIT_DONE(evidence_done) struct evidence ev = { .r.n = 0 };
	JIT_SCOPED(free) struct gathering *g = calloc(1, sizeof(*g));
	JIT_SCOPED(free) struct bundle_summary *s = calloc(1, sizeof(*s));
	/* The CA is what this log names. */
	struct bundle_pins pins = { *session_log(d->s), NULL };
	enum jit_err e;

	if (g == NULL || s == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(gather(d, r, g, why));
	JIT_TRY(session_evidence(d->s, g->index, g->n, &ev, why));
	JIT_TRY(bundle_put(w, session_log_id(d->s), &r->id, ev.r.v, ev.r.n,
	    ev.r.note, why));
	/* Nobody gets a file that does not hold. */
	e = bundle_verify(wr_view(w), &pins, desk_now(d), s, why);
	bundle_summary_done(s);
	return e;
}

int
verb_evidence(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(BUNDLE_MAX);
	const char *path = args_get(a, OPT_OUT_FILE);
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_find(&d, a->operand[0], &r, NULL, &why)) != JIT_OK ||
	    (e = make(&d, r, &w, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (path == NULL) {
		out_json(c, json_pack("{s:s, s:o}", "id", r->id.s, "evidence",
		    out_json_span(wr_view(&w))));
		if (!c->out.json)
			out_bytes(c, wr_view(&w));
		return CLI_DONE;
	}
	e = sys_write_file(path, wr_view(&w), 0644, SYS_REPLACE, &why);
	if (e != JIT_OK)
		return out_error(c, e, &why);
	out_say(c, "Written to %s and verified. Anybody checks it offline: "
	    "jit-cert verify %s --pin VKEY\n", path, path);
	out_json(c, json_pack("{s:s, s:s, s:I}", "id", r->id.s, "file", path,
	    "bytes", (json_int_t)w.n));
	return CLI_DONE;
}
