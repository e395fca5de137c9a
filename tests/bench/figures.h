/*
 * figures - times that are collected, and how they are printed.
 */
#ifndef JIT_BENCH_FIGURES_H
#define JIT_BENCH_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

/* Seconds; freed by times_done(). */
struct times {
	double *v;
	size_t n, cap;
};
void times_add(struct times *t, double secs);
void times_done(struct times *t);
/* The p-th percentile; sorts. */
double times_at(struct times *t, unsigned p);
/* "p50 1.20 ms, p99 4.00 ms" */
void times_print(struct times *t);

/*
 * A line that holds a figure against its aim: have is to be at least (most:
 * at most) aim.
 */
void aim_print(const char *what, double have, double aim, bool most,
    const char *unit);

/*
 * Processor time of both daemons, of this program and of the whole machine,
 * at a moment or between two; seconds.
 */
struct spent { double wall, certd, signer, own, machine; };
void spent_add(struct spent *to, const struct spent *c);
/*
 * So many of what, in c: the rate (which is returned), what each cost, what
 * the two cores would do if they had nothing else to do, and who had them.
 */
double spent_print(const char *what, size_t n, const struct spent *c);

#endif
