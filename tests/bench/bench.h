/*
 * bench - what the benchmarks share: clocks, bare operations, memory.
 */
#ifndef JIT_BENCH_H
#define JIT_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

#include "ca/ssh/sig.h"

#define NEED(x) do {							\
	enum jit_err e_ = (x);						\
	if (e_ != JIT_OK) {						\
		(void)fprintf(stderr, "bench: %s:%d: %s\n", __FILE__,	\
		    __LINE__, jit_err_name(e_));			\
		exit(1);						\
	}								\
} while (0)

double bench_now(clockid_t c);			/* seconds */
/* Call fn for a second of this process's CPU; prints and returns the rate. */
double bench_rate(const char *what, void (*fn)(void));
/* X.509 beside bare P-256 operations; printed. */
void bench_x509(void);
/* Bare Ed25519 operations a second of one core; printed. */
double bench_signs(void);
double bench_verifies(void);
double bench_p256(void);		/* signatures */
/* MiB: VmRSS, its highest, and what of it are pages of files. */
struct bench_memory { double rss, most, file; };
struct bench_memory bench_memory(pid_t pid);
/* Print it. */
void bench_rss(const char *what, pid_t pid);

#endif
