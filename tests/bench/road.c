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
#include <poll.h>
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
	int fd;
	struct wr in;
	struct road road[ROADS];
	double took[3 * ROADS];		/* seconds, of each answer */
	size_t n_took;
	/* Where it is: road i, and which of its frames is asked. */
	unsigned i;
	enum step { REQUEST, DECISION, COLLECT, STEPS } step;
	double asked;
};

/* What is walked. */
struct walk {
	unsigned clients, count;
	bool does[STEPS];
};

static struct station station;
static struct client client[CLIENTS];

/* Ask the next frame, from c->step on; false: this client has arrived. */
static bool
ask_next(struct client *c, const struct walk *w)
{
	const struct road *r;
	struct buf f;

	for (; c->i < w->count; c->i++, c->step = REQUEST) {
		while (c->step < STEPS && !w->does[c->step])
			c->step++;
		if (c->step < STEPS)
			break;
	}
	if (c->i == w->count)
		return false;
	r = &c->road[c->i];
	f = c->step == REQUEST ? r->errand.request :
	    c->step == DECISION ? r->decision : r->errand.collect;
	c->asked = bench_now(CLOCK_MONOTONIC);
	if (!station_send(c->fd, BUF_SPAN(f)))
		exit(1);
	return true;
}

static bool
take_answer(struct client *c, const struct walk *w)
{
	struct answer a;

	if (!station_read(c->fd, &c->in, &a) || a.err != JIT_OK) {
		(void)fprintf(stderr, "road: no answer, or %s: %s\n",
		    jit_err_name(a.err), a.why.msg);
		exit(1);
	}
	c->took[c->n_took++] = bench_now(CLOCK_MONOTONIC) - c->asked;
	c->step++;
	return ask_next(c, w);
}

/* All clients in one thread: what is measured is the signer. */
static void
walk_all(const struct walk *w)
{
	struct pollfd p[CLIENTS];
	unsigned going = 0;

	for (unsigned k = 0; k < w->clients; k++) {
		struct client *c = &client[k];

		c->n_took = 0;
		c->i = 0;
		c->step = REQUEST;
		p[k] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
		going += ask_next(c, w);
	}
	while (going > 0) {
		if (poll(p, w->clients, -1) < 0)
			exit(1);
		for (unsigned k = 0; k < w->clients; k++)
			if ((p[k].revents & POLLIN) != 0)
				going -= !take_answer(&client[k], w);
	}
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
	const struct walk w = { n, count, { roads, roads, collects } };
	double cpu = station_cpu(&station);
	double from = bench_now(CLOCK_MONOTONIC), secs;

	walk_all(&w);
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
