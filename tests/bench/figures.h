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

/* Processor time of everybody, at a moment or between two. */
struct spent { double wall, certd, signer, own; };

#endif
