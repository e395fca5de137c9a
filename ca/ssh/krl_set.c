#include <stdlib.h>

#include "ca/ssh/krl_int.h"

/* Room for one more of size bytes in an array that doubles. */
static enum jit_err
grow(void **v, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap == 0 ? 8 : *cap * 2;
	void *p;

	if (n < *cap)
		return JIT_OK;
	if (want > SIZE_MAX / size || (p = realloc(*v, want * size)) == NULL)
		return JIT_E_NOMEM;
	*v = p;
	*cap = want;
	return JIT_OK;
}

/* ---- serials ---- */

enum jit_err
krl_runs_add(struct krl_runs *r, uint64_t lo, uint64_t hi, size_t *left)
{
	struct krl_run *last = r->n > 0 ? &r->v[r->n - 1] : NULL;
	void *v = r->v;

	/* The common case: bits and numbers that follow each other. */
	if (last != NULL && last->hi == lo - 1) {
		last->hi = hi;
		return JIT_OK;
	}
	if (*left == 0)
		return JIT_E_SIZE;
	JIT_TRY(grow(&v, r->n, &r->cap, sizeof(*r->v)));
	r->v = v;
	r->v[r->n++] = (struct krl_run){ lo, hi };
	--*left;
	return JIT_OK;
}

static int
run_cmp(const void *a, const void *b)
{
	const struct krl_run *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void
krl_runs_settle(struct krl_runs *r)
{
	size_t n = 0;

	for (size_t i = 1; i < r->n; i++)
		if (r->v[i].lo < r->v[i - 1].lo) {
			qsort(r->v, r->n, sizeof(*r->v), run_cmp);
			break;
		}
	for (size_t i = 0; i < r->n; i++) {
		struct krl_run *at = n > 0 ? &r->v[n - 1] : NULL;

		/* lo is never 0, so that lo - 1 does not wrap; hi + 1 may. */
		if (at == NULL || r->v[i].lo - 1 > at->hi)
			r->v[n++] = r->v[i];
		else if (r->v[i].hi > at->hi)
			at->hi = r->v[i].hi;
	}
	r->n = n;
}

static int
serial_in_run(const void *serial, const void *run)
{
	const struct krl_run *r = run;
	uint64_t s = *(const uint64_t *)serial;

	return s < r->lo ? -1 : s > r->hi;
}

bool
krl_runs_has(const struct krl_runs *r, uint64_t serial)
{
	return r->n > 0 && bsearch(&serial, r->v, r->n, sizeof(*r->v),
	    serial_in_run) != NULL;
}

void
krl_runs_done(struct krl_runs *r)
{
	free(r->v);
	*r = (struct krl_runs){ NULL, 0, 0 };
}

/* ---- key ids, keys, hashes ---- */

enum jit_err
krl_set_add(struct krl_set *s, struct span one)
{
	void *v = s->v;

	JIT_TRY(grow(&v, s->n, &s->cap, sizeof(*s->v)));
	s->v = v;
	s->v[s->n++] = one;
	return JIT_OK;
}

static int
set_cmp(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

void
krl_set_settle(struct krl_set *s)
{
	size_t n = 0;

	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), set_cmp);
	for (size_t i = 0; i < s->n; i++)
		if (n == 0 || !span_eq(s->v[n - 1], s->v[i]))
			s->v[n++] = s->v[i];
	s->n = n;
}

bool
krl_set_has(const struct krl_set *s, struct span one)
{
	return s->n > 0 && bsearch(&one, s->v, s->n, sizeof(*s->v),
	    set_cmp) != NULL;
}

bool
krl_set_eq(const struct krl_set *a, const struct krl_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!span_eq(a->v[i], b->v[i]))
			return false;
	return true;
}

void
krl_set_done(struct krl_set *s)
{
	free(s->v);
	*s = (struct krl_set){ NULL, 0, 0 };
}

enum jit_err
krl_set_of_ids(struct krl_set *ret, const struct krl_section *s)
{
	for (size_t i = 0; i < s->n_key_ids; i++)
		JIT_TRY(krl_set_add(ret, s->key_ids[i]));
	krl_set_settle(ret);
	return JIT_OK;
}

enum jit_err
krl_set_of_keys(struct krl_set *ret, const struct krl_spec *s)
{
	for (size_t i = 0; i < s->n_keys; i++)
		JIT_TRY(krl_set_add(ret, ssh_key_blob(s->keys[i])));
	krl_set_settle(ret);
	return JIT_OK;
}
