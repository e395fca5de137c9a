/*
 * road - what the signer does through its socket: run by ./dev bench.
 *
 *	road JIT-SIGNER
 *
 * A signer as it is installed, and 1 and then 32 clients.  All that people
 * sign is signed before the clock starts, so that what is measured is the
 * signer: full roads (a request with its two proofs, one approval, one
 * collect), collects alone, the time of each answer, the signer's processor
 * time for a road and its memory.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/lib/station.h"

#define CLIENTS STATION_USERS
#define ROADS 300		/* of each client in a run */
#define OPEN 30			/* a person may have 32 */

/* One road's frames, made beforehand. */
struct road {
	struct errand errand;
	struct buf decision;
};

struct client {
	pthread_t thread;
	unsigned who;
	int fd;
	struct wr in;
	struct road road[ROADS];
	double took[3 * ROADS];		/* seconds, of each answer */
	size_t n_took;
	bool roads, collects;
	unsigned count;
};

static struct station station;
static struct client client[CLIENTS];

static void
timed(struct client *c, struct buf frame)
{
	double from = bench_now(CLOCK_MONOTONIC);
	struct answer a;

	if (station_ask(c->fd, BUF_SPAN(frame), &c->in, &a) != JIT_OK) {
		(void)fprintf(stderr, "road: %s: %s\n", jit_err_name(a.err),
		    a.why.msg);
		exit(1);
	}
	c->took[c->n_took++] = bench_now(CLOCK_MONOTONIC) - from;
}

static void *
walk(void *arg)
{
	struct client *c = arg;

	for (unsigned i = 0; i < c->count; i++) {
		if (c->roads) {
			timed(c, c->road[i].errand.request);
			timed(c, c->road[i].decision);
		}
		if (c->collects)
			timed(c, c->road[i].errand.collect);
	}
	return NULL;
}

static int
cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
report(const char *what, unsigned n, unsigned count, double secs, double cpu)
{
	static double took[CLIENTS * 3 * ROADS];
	size_t k = 0;

	for (unsigned i = 0; i < n; i++) {
		memcpy(took + k, client[i].took,
		    client[i].n_took * sizeof(double));
		k += client[i].n_took;
	}
	qsort(took, k, sizeof(double), cmp_double);
	(void)printf("%-44s %10.0f /s, p50 %.2f ms, p99 %.2f ms, signer "
	    "%.0f us CPU each\n", what, n * count / secs, took[k / 2] * 1e3,
	    took[k * 99 / 100] * 1e3, cpu * 1e6 / (n * count));
}

/*
 * n clients walk count roads each: request and decision, or the collect, or
 * both.  How many a second; printed under what, unless that is NULL.
 */
static double
run(const char *what, unsigned n, unsigned count, bool roads, bool collects)
{
	double from, secs, cpu = station_cpu(&station);

	from = bench_now(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < n; i++) {
		struct client *c = &client[i];

		c->n_took = 0;
		c->roads = roads;
		c->collects = collects;
		c->count = count;
		if (pthread_create(&c->thread, NULL, walk, c) != 0)
			exit(1);
	}
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(client[i].thread, NULL);
	secs = bench_now(CLOCK_MONOTONIC) - from;
	if (what != NULL)
		report(what, n, count, secs, station_cpu(&station) - cpu);
	return n * count / secs;
}

static void
forget(struct road *r)
{
	errand_done(&r->errand);
	buf_done(&r->decision);
}

static void
prepare(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < ROADS; k++) {
			struct road *r = &client[i].road[k];

			forget(r);
			station_errand(&station, i, 0, 60, &r->errand);
			r->decision = station_decision(&station, &r->errand,
			    0, true);
		}
}

/* Starting is deriving the keys, and the rest. */
static void
restart(void)
{
	double took;

	station_stop(&station, SIGTERM);
	took = station_start(&station);
	(void)printf("%-44s %10.0f ms, key derivation included\n",
	    "start after all that", took * 1e3);
}

int
main(int argc, char **argv)
{
	double verifies, signs, roads, ideal;

	if (argc != 2)
		return 2;
	signs = bench_signs();
	verifies = bench_verifies();
	station_make(&station, argv[1], 1);
	(void)station_start(&station);
	for (unsigned i = 0; i < CLIENTS; i++) {
		client[i].who = i;
		wr_init(&client[i].in, PROTO_ANSWER_MAX);
		client[i].fd = station_connect(&station);
	}
	prepare(1);
	(void)run("roads, 1 client", 1, ROADS, true, true);
	prepare(CLIENTS);
	roads = run("roads, 32 clients", CLIENTS, ROADS, true, true);
	prepare(CLIENTS);
	(void)run(NULL, CLIENTS, OPEN, true, false);
	(void)run("collects, 32 clients", CLIENTS, OPEN, false, true);
	prepare(1);
	(void)run(NULL, 1, OPEN, true, false);
	(void)run("collects, 1 client", 1, OPEN, false, true);
	(void)run("the same collects asked again, 1 client", 1, OPEN, false,
	    true);
	ideal = 2 / (4 / verifies + 1 / signs);
	(void)printf("%-44s %10.0f %% of %.0f /s, what two cores' four "
	    "verifies and one sign allow\n", "roads, 32 clients",
	    100 * roads / ideal, ideal);
	bench_rss("signer at 32 clients", station.signer);
	for (unsigned i = 0; i < CLIENTS; i++) {
		(void)close(client[i].fd);
		wr_done(&client[i].in);
		for (unsigned k = 0; k < ROADS; k++)
			forget(&client[i].road[k]);
	}
	restart();
	station_done(&station);
	return 0;
}
