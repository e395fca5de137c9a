/*
 * site - the installation that https measures: a station with jit-certd, and
 * everybody logged in; and the parts of the measurement.
 */
#ifndef JIT_BENCH_SITE_H
#define JIT_BENCH_SITE_H

#include "tests/bench/figures.h"
#include "tests/bench/person.h"

#define SITE_MANY 128		/* connections, at most, that walk */
#define SITE_WAITERS 512
#define SITE_WAITS_OF_ONE 16	/* of a person */

struct site {
	struct station station;
	struct people people;
	struct tls_conn conn[SITE_MANY];
	double verifies, signs;	/* of one core, a second, in this run */
	double rss_many;	/* MiB of both, while SITE_MANY walked */
};

/* Processor time of all three until now. */
struct spent site_spent(const struct site *s);
struct spent spent_since(const struct site *s, const struct spent *then);
/* VmRSS of both daemons in MiB; printed under what. */
double site_rss(const struct site *s, const char *what);

/* ---- walk_https.c: roads, collects ---- */

/*
 * n connections walk count roads each: ask, decide, collect.  A connection's
 * person is one of the 32.  Prints, and returns how many a second.
 */
double walk_roads(struct site *s, size_t n, size_t count);
/* The same of the collects alone. */
double walk_collects(struct site *s, size_t n, size_t count);

/* ---- parked.c: whoever waits ---- */

/* So many waiters: handshakes, memory, decision to waiting client. */
void parked_bench(struct site *s);

/* ---- tls_echo.c: the bare operation ---- */

/*
 * Exchanges a second of n connections with a server that does nothing but
 * read as many bytes as ask has and write so many, by OpenSSL, with the TLS
 * key of jit-certd; printed.
 */
void echo_bench(struct site *s, size_t n, struct span ask, size_t answer);

#endif
