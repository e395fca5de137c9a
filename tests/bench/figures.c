#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/figures.h"

void
times_add(struct times *t, double secs)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 1024 : 2 * t->cap;
		double *v = realloc(t->v, cap * sizeof(*v));

		if (v == NULL)
			exit(1);
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n++] = secs;
}

void
times_done(struct times *t)
{
	free(t->v);
	*t = (struct times){ NULL, 0, 0 };
}

static int
cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
times_at(struct times *t, unsigned p)
{
	if (t->n == 0)
		return 0;
	qsort(t->v, t->n, sizeof(*t->v), cmp_double);
	return t->v[t->n * p / 100];
}

void
times_print(struct times *t)
{
	(void)printf("p50 %.2f ms, p99 %.2f ms", times_at(t, 50) * 1e3,
	    times_at(t, 99) * 1e3);
}

void
aim_print(const char *what, double have, double aim, bool most,
    const char *unit)
{
	bool met = most ? have <= aim : have >= aim;

	(void)printf("%-44s %10.1f %s; aim: at %s %.1f: %s\n", what, have,
	    unit, most ? "most" : "least", aim, met ? "met" : "MISSED");
}

void
spent_add(struct spent *to, const struct spent *c)
{
	to->wall += c->wall;
	to->certd += c->certd;
	to->signer += c->signer;
	to->own += c->own;
	to->machine += c->machine;
}

double
spent_print(const char *what, size_t n, const struct spent *c)
{
	const double each = 1e6 / (double)n;
	const double ours = c->certd + c->signer + c->own;

	(void)printf("%-44s %10.0f /s; CPU each: certd %.0f us, signer "
	    "%.0f us, generator %.0f us: two cores to themselves %.0f /s; "
	    "of the cores %.2f are these three's, %.2f others'\n", what,
	    (double)n / c->wall, c->certd * each, c->signer * each,
	    c->own * each, 2 * (double)n / ours, ours / c->wall,
	    (c->machine - ours) / c->wall);
	return (double)n / c->wall;
}
