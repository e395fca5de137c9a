/* Roads and collects over TLS: from connections to figures. */
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/bench/site.h"

#define OPEN 28			/* a person may have 32 */

enum step { ASK, DECIDE, COLLECT, STEPS };
static const struct { const char *name; unsigned status; } steps[STEPS] = {
	[ASK] = { "  ask", 201 },
	[DECIDE] = { "  decide", 201 },
	[COLLECT] = { "  collect", 200 },
};

/* One connection on its way. */
struct walker {
	struct trip *trip;
	size_t at;
	unsigned step;
};

struct walk {
	unsigned first, last;		/* steps, last included */
	size_t count;			/* of each walker */
	struct walker w[SITE_MANY];
	struct times took[STEPS];
};

/* False: it has arrived. */
static bool
ask_next(struct tls_conn *c, const struct walk *k)
{
	struct walker *w = c->own;

	if (w->step > k->last) {
		w->at++;
		w->step = k->first;
	}
	if (w->at == k->count)
		return false;
	tls_ask(c, BUF_SPAN(w->trip[w->at].step[w->step]));
	return true;
}

static bool
took(struct tls_conn *c, void *arg)
{
	struct walk *k = arg;
	struct walker *w = c->own;

	tls_expect(c, steps[w->step].status);
	times_add(&k->took[w->step], c->answered - c->asked);
	w->step++;
	return ask_next(c, k);
}

/* All of n connections, in one thread; what that cost. */
static struct spent
walk(struct site *s, struct walk *k, size_t n, enum step first,
    enum step last)
{
	struct spent then = site_spent(s);

	k->first = first;
	k->last = last;
	for (size_t i = 0; i < n; i++) {
		k->w[i].at = 0;
		k->w[i].step = first;
		s->conn[i].own = &k->w[i];
		(void)ask_next(&s->conn[i], k);
	}
	tls_drive(s->conn, n, n, took, k);
	return spent_since(s, &then);
}

/* ---- before and after ---- */

static struct walk *
prepare(struct site *s, size_t n, size_t count)
{
	struct walk *k = calloc(1, sizeof(*k));

	if (k == NULL)
		exit(1);
	k->count = count;
	for (size_t i = 0; i < n; i++) {
		k->w[i].trip = calloc(count, sizeof(*k->w[i].trip));
		if (k->w[i].trip == NULL)
			exit(1);
		for (size_t j = 0; j < count; j++)
			trip_make(&s->station, &s->people, (unsigned)i %
			    STATION_USERS, 0, &k->w[i].trip[j]);
	}
	tls_connect(s->conn, n, s->station.port, n);
	return k;
}

static void
walk_done(struct site *s, struct walk *k, size_t n)
{
	tls_close(s->conn, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < k->count; j++)
			trip_done(&k->w[i].trip[j]);
		free(k->w[i].trip);
	}
	for (unsigned i = 0; i < STEPS; i++)
		times_done(&k->took[i]);
	free(k);
}

static double
report(const char *what, size_t n, size_t done, const struct spent *c)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s, %zu connection%s", what, n,
	    n == 1 ? "" : "s");
	return spent_print(name, done, c);
}

static void
report_step(struct walk *k, enum step i)
{
	(void)printf("%-44s            ", steps[i].name);
	times_print(&k->took[i]);
	(void)printf("\n");
}

double
walk_roads(struct site *s, size_t n, size_t count)
{
	struct walk *k = prepare(s, n, count);
	struct spent c = walk(s, k, n, ASK, COLLECT);
	double rate = report("roads", n, n * count, &c);

	for (unsigned i = 0; i < STEPS; i++)
		report_step(k, i);
	if (n == SITE_MANY)
		s->rss_many = site_rss(s, "both daemons, 128 connections");
	walk_done(s, k, n);
	return rate;
}

/* In rounds: a person may not have more than so many that are open. */
double
walk_collects(struct site *s, size_t n, size_t count)
{
	const size_t per = (n + STATION_USERS - 1) / STATION_USERS;
	const size_t of_one = OPEN / per < count ? OPEN / per : count;
	struct spent sum = { 0 };
	struct times all = { NULL, 0, 0 };
	size_t done = 0;
	double rate;

	while (done < n * count) {
		struct walk *k = prepare(s, n, of_one);
		struct spent c;

		(void)walk(s, k, n, ASK, DECIDE);
		c = walk(s, k, n, COLLECT, COLLECT);
		spent_add(&sum, &c);
		for (size_t i = 0; i < k->took[COLLECT].n; i++)
			times_add(&all, k->took[COLLECT].v[i]);
		done += n * of_one;
		walk_done(s, k, n);
	}
	rate = report("collects", n, done, &sum);
	(void)printf("%-44s            ", steps[COLLECT].name);
	times_print(&all);
	(void)printf("\n");
	times_done(&all);
	return rate;
}
