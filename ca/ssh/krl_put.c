#include <stdlib.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/ssh/krl_int.h"
#include "ca/ssh/mpint.h"

static enum jit_err
bad_spec(struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_ARG, "revocation list: %s", what);
}

/* ---- is the spec one? ---- */

/* Ascending, each once, none 0; *runs grows by the number of runs. */
static enum jit_err
check_serials(const struct krl_section *s, size_t *runs, struct jit_why *why)
{
	for (size_t i = 0; i < s->n_serials; i++) {
		uint64_t at = s->serials[i];
		uint64_t last = i > 0 ? s->serials[i - 1] : 0;

		if (at == 0)
			return bad_spec(why, "serial 0 cannot be revoked by "
			    "serial, only by key id or key");
		if (at <= last)
			return jit_fail(why, JIT_E_ARG, "revocation list: "
			    "serial %llu stands after %llu; accepted are "
			    "serials in ascending order, each once",
			    (unsigned long long)at, (unsigned long long)last);
		*runs += i == 0 || at - 1 != last;
	}
	return JIT_OK;
}

static enum jit_err
check_section(const struct krl_spec *spec, size_t at, size_t *runs,
    struct jit_why *why)
{
	const struct krl_section *s = &spec->sections[at];

	if (s->ca == NULL)
		return bad_spec(why, "a section without a CA");
	for (size_t i = 0; i < at; i++)
		if (ssh_key_eq(spec->sections[i].ca, s->ca))
			return bad_spec(why, "two sections of one CA");
	for (size_t i = 0; i < s->n_key_ids; i++) {
		struct span id = s->key_ids[i];

		if (id.n < 1 || id.n > 255 || memchr(id.p, 0, id.n) != NULL)
			return bad_spec(why, "accepted are key ids of 1 to "
			    "255 bytes without NUL");
	}
	return check_serials(s, runs, why);
}

enum jit_err
krl_spec_check(const struct krl_spec *s, struct jit_why *why)
{
	size_t runs = 0;

	if (s->generated < 0 || s->generated > UTC_MAX)
		return bad_spec(why, "generated outside of 1970 to 9999");
	if (s->comment.n > 255 || !text_is_ascii(s->comment))
		return bad_spec(why, "accepted is a comment of at most 255 "
		    "bytes of printable ASCII");
	if (s->n_sections > KRL_CAS_MAX)
		return jit_fail(why, JIT_E_SIZE, "revocation list: %zu CAs, "
		    "accepted are at most %zu", s->n_sections, KRL_CAS_MAX);
	for (size_t i = 0; i < s->n_sections; i++)
		JIT_TRY(check_section(s, i, &runs, why));
	if (runs > KRL_RUNS_MAX)
		return jit_fail(why, JIT_E_SIZE, "revocation list: %zu runs "
		    "of serials, accepted are at most %zu", runs,
		    KRL_RUNS_MAX);
	for (size_t i = 0; i < s->n_keys; i++)
		if (s->keys[i] == NULL)
			return bad_spec(why, "a key that is none");
	return JIT_OK;
}

/* ---- which run goes where? ---- */

enum form { LIST, RANGE, BITMAP, FORMS };
#define SAME 0x80	/* with BITMAP: in the bitmap of the run before */

/* For each run and form: the form of the run before it, the cheapest way. */
struct plan { uint8_t by[FORMS]; };

/* Bytes of type, length and contents, without a list's serials and the bits. */
#define LIST_COST 5
#define RANGE_COST (5 + 16)
#define BITMAP_COST (5 + 8 + 4)
#define NEVER (UINT64_MAX / 2)

/*
 * Bytes so far when the last run has that form, everything closed.  A bitmap
 * may go on: base is what stood before it, start its first serial.
 */
struct road {
	uint64_t cost[FORMS];
	uint64_t base, start;
};

/* An mpint has one bit of sign in front. */
static uint64_t
bitmap_cost(uint64_t base, uint64_t bits)
{
	return bits > KRL_BITMAP_BITS ? NEVER :
	    base + BITMAP_COST + bits / 8 + 1;
}

static enum form
cheapest(const struct road *r)
{
	enum form f = r->cost[RANGE] < r->cost[LIST] ? RANGE : LIST;

	return r->cost[BITMAP] < r->cost[f] ? BITMAP : f;
}

/* One run further. */
static void
step(struct road *r, const struct krl_run *run, struct plan *p)
{
	enum form best = cheapest(r);
	uint64_t so_far = r->cost[best], n = run->hi - run->lo + 1;
	uint64_t new_map = bitmap_cost(so_far, n);
	uint64_t same_map = r->cost[BITMAP] >= NEVER ? NEVER :
	    bitmap_cost(r->base, run->hi - r->start + 1);
	bool same_list = r->cost[LIST] <= so_far + LIST_COST;

	p->by[LIST] = same_list ? LIST : (uint8_t)best;
	r->cost[LIST] = 8 * n + (same_list ? r->cost[LIST] :
	    so_far + LIST_COST);
	p->by[RANGE] = (uint8_t)best;
	r->cost[RANGE] = so_far + RANGE_COST;
	if (same_map <= new_map) {
		p->by[BITMAP] = BITMAP | SAME;
		r->cost[BITMAP] = same_map;
	} else {
		p->by[BITMAP] = (uint8_t)best;
		r->cost[BITMAP] = new_map;
		r->base = so_far;
		r->start = run->lo;
	}
}

/*
 * Give each run its form: forwards the cost of each, backwards the way that
 * led to the cheapest.  Then p[i].by[0] is the form of run i, with SAME when
 * it goes on in the bitmap before.  Of two bitmaps that cost the same at some
 * run only one is followed, so that this may miss the optimum by some bytes.
 */
static void
plan_forms(const struct krl_runs *runs, struct plan *p)
{
	struct road r = { { LIST_COST, 0, NEVER }, 0, 0 };
	uint8_t f;

	for (size_t i = 0; i < runs->n; i++)
		step(&r, &runs->v[i], &p[i]);
	f = (uint8_t)cheapest(&r);
	for (size_t i = runs->n; i-- > 0;) {
		uint8_t by = p[i].by[f];

		p[i].by[0] = f | (by & SAME);
		f = by & (uint8_t)~SAME;
	}
}

/* ---- written ---- */

static void
put_list(struct wr *w, const struct krl_run *v, size_t n)
{
	size_t mark;

	wr_u8(w, KRL_LIST);
	mark = wr_string_begin(w);
	for (size_t i = 0; i < n; i++)
		for (uint64_t s = v[i].lo;; s++) {
			wr_u64(w, s);
			/* Not s <= hi: hi may be the last number there is. */
			if (s == v[i].hi)
				break;
		}
	wr_string_end(w, mark);
}

static void
put_range(struct wr *w, const struct krl_run *run)
{
	size_t mark;

	wr_u8(w, KRL_RANGE);
	mark = wr_string_begin(w);
	wr_u64(w, run->lo);
	wr_u64(w, run->hi);
	wr_string_end(w, mark);
}

static void
put_bitmap(struct wr *w, const struct krl_run *v, size_t n)
{
	uint8_t map[KRL_BITMAP_BITS / 8] = { 0 };	/* bit 0 is the last */
	size_t mark;

	for (size_t i = 0; i < n; i++)
		for (uint64_t at = v[i].lo - v[0].lo;
		    at <= v[i].hi - v[0].lo; at++)
			map[sizeof(map) - 1 - at / 8] |=
			    (uint8_t)(1u << at % 8);
	wr_u8(w, KRL_BITMAP);
	mark = wr_string_begin(w);
	wr_u64(w, v[0].lo);
	wr_mpint(w, SPAN(map, sizeof(map)));
	wr_string_end(w, mark);
}

static void
put_runs(struct wr *w, const struct krl_runs *runs, const struct plan *p)
{
	const struct krl_run *v = runs->v;

	for (size_t i = 0, n; i < runs->n; i += n) {
		uint8_t next = p[i].by[0] == LIST ? LIST : BITMAP | SAME;

		for (n = 1; p[i].by[0] != RANGE && i + n < runs->n &&
		    p[i + n].by[0] == next; n++)
			;
		if (p[i].by[0] == LIST)
			put_list(w, v + i, n);
		else if (p[i].by[0] == RANGE)
			put_range(w, v + i);
		else
			put_bitmap(w, v + i, n);
	}
}

/*
 * Runs that are planned together.  More would save some bytes at each seam
 * and cost memory that grows with the list.
 */
#define BLOCK 16384

static enum jit_err
put_serials(struct wr *w, const struct krl_section *s)
{
	JIT_DONE(krl_runs_done) struct krl_runs runs = { NULL, 0, 0 };
	JIT_SCOPED(free) struct plan *p = calloc(BLOCK, sizeof(*p));
	size_t left = BLOCK;

	if (p == NULL)
		return JIT_E_NOMEM;
	for (size_t i = 0; i < s->n_serials; i++) {
		uint64_t at = s->serials[i];

		if (left == 0 && runs.v[runs.n - 1].hi != at - 1) {
			plan_forms(&runs, p);
			put_runs(w, &runs, p);
			runs.n = 0;
			left = BLOCK;
		}
		JIT_TRY(krl_runs_add(&runs, at, at, &left));
	}
	plan_forms(&runs, p);
	put_runs(w, &runs, p);
	return JIT_OK;
}

/* A type and all strings of a set, which has some. */
static void
put_set(struct wr *w, uint8_t type, const struct krl_set *s)
{
	size_t mark;

	wr_u8(w, type);
	mark = wr_string_begin(w);
	for (size_t i = 0; i < s->n; i++)
		wr_string(w, s->v[i]);
	wr_string_end(w, mark);
}

static enum jit_err
put_section(struct wr *w, const struct krl_section *s)
{
	JIT_DONE(krl_set_done) struct krl_set ids = { NULL, 0, 0 };
	size_t mark;

	if (s->n_serials == 0 && s->n_key_ids == 0)
		return JIT_OK;
	JIT_TRY(krl_set_of_ids(&ids, s));
	wr_u8(w, KRL_CERTIFICATES);
	mark = wr_string_begin(w);
	wr_string(w, ssh_key_blob(s->ca));
	wr_string(w, SPAN_NONE);
	JIT_TRY(put_serials(w, s));
	if (ids.n > 0)
		put_set(w, KRL_IDS, &ids);
	wr_string_end(w, mark);
	return JIT_OK;
}

enum jit_err
krl_put(struct wr *w, const struct krl_spec *s, struct jit_why *why)
{
	JIT_DONE(krl_set_done) struct krl_set keys = { NULL, 0, 0 };
	size_t before = w->n;

	JIT_TRY(krl_spec_check(s, why));
	JIT_TRY(krl_set_of_keys(&keys, s));
	wr_u64(w, KRL_MAGIC);
	wr_u32(w, KRL_FORMAT);
	wr_u64(w, s->version);
	wr_u64(w, (uint64_t)s->generated);
	wr_u64(w, 0);
	wr_string(w, SPAN_NONE);
	wr_string(w, s->comment);
	for (size_t i = 0; i < s->n_sections; i++)
		JIT_TRY(put_section(w, &s->sections[i]));
	if (keys.n > 0)
		put_set(w, KRL_KEYS, &keys);
	if (w->err == JIT_OK && w->n - before > KRL_MAX)
		wr_fail(w, JIT_E_SIZE);
	return w->err == JIT_E_SIZE ? jit_fail(why, JIT_E_SIZE, "revocation "
	    "list: larger than is accepted, which is %zu bytes or less",
	    KRL_MAX) : w->err;
}
