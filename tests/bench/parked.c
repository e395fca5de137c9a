/* Whoever waits: what a handshake and a waiter cost, and how soon they hear. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/text.h"
#include "tests/bench/bench.h"
#include "tests/bench/site.h"

#define DECISIONS 256		/* timed; a person's open ones: below 32 */
#define AT_ONCE 32		/* handshakes under way */
#define SETTLE_MS 3		/* for a wait to arrive */
#define AIM_WAITERS 8.0		/* MiB */
#define AIM_HEARS 5.0		/* ms */

static const char mebi[] = "MiB";

/* "index":123 of an answer. */
static uint64_t
read_index(const struct tls_conn *c)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	const char *at;
	uint64_t n = 0;

	NEED(buf_copy(&b, c->body));
	at = strstr((const char *)b.p, "\"index\":");
	NEED(at != NULL ? JIT_OK : JIT_E_FORMAT);
	at += strlen("\"index\":");
	NEED(uint_parse(SPAN(at, strspn(at, "0123456789")), UINT64_MAX, &n));
	return n;
}

static void
must_say(const struct tls_conn *c, const char *words)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };

	tls_expect(c, 200);
	NEED(buf_copy(&b, c->body));
	if (strstr((const char *)b.p, words) != NULL)
		return;
	(void)fprintf(stderr, "https: a waiter was told %s\n",
	    (const char *)b.p);
	exit(1);
}

static struct buf
wait_request(const struct site *s, struct buf token, const struct trip *t,
    uint64_t index)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/v1/requests/%.26s?since=%llu"
	    "&wait=25000", t->id.s, (unsigned long long)index + 1);
	return http_get(&s->station, token, path);
}

/* ---- decision to waiting client ---- */

static bool
enough(struct tls_conn *c, void *arg)
{
	(void)c, (void)arg;
	return false;
}

/* c[0] decides, c[1] waits. */
static double
one_decision(struct site *s, struct tls_conn *c, unsigned who)
{
	JIT_DONE(buf_done) struct buf wait = { NULL, 0 };
	struct trip t;

	trip_make(&s->station, &s->people, who, 0, &t);
	tls_call(&c[0], BUF_SPAN(t.step[0]), 201);
	wait = wait_request(s, s->people.boss[1], &t, read_index(&c[0]));
	tls_ask(&c[1], BUF_SPAN(wait));
	(void)poll(NULL, 0, SETTLE_MS);
	tls_ask(&c[0], BUF_SPAN(t.step[1]));
	tls_drive(c, 2, 2, enough, NULL);
	tls_expect(&c[0], 201);
	must_say(&c[1], "\"state\":\"approved\"");
	trip_done(&t);
	return c[1].answered - c[0].asked;
}

static void
decisions(struct site *s, const char *others)
{
	struct tls_conn c[2] = { { .ssl = NULL }, { .ssl = NULL } };
	struct times t = { NULL, 0, 0 };
	char what[80];

	(void)snprintf(what, sizeof(what), "decision to waiting client, %s",
	    others);
	tls_connect(c, 2, s->station.port, 2);
	for (unsigned i = 0; i < DECISIONS; i++)
		times_add(&t, one_decision(s, c, i % STATION_USERS));
	(void)printf("%-44s            ", what);
	times_print(&t);
	(void)printf("\n");
	aim_print("  p50", times_at(&t, 50) * 1e3, AIM_HEARS, true, "ms");
	times_done(&t);
	tls_close(c, 2);
}

/* ---- many ---- */

static void
handshakes(struct site *s, struct tls_conn *v)
{
	struct spent c = site_spent(s);

	tls_connect(v, SITE_WAITERS, s->station.port, AT_ONCE);
	c = spent_since(s, &c);
	(void)spent_print("TLS handshakes, 32 under way", SITE_WAITERS, &c);
}

/* Each person waits 16 times for the one request of their own. */
static void
park(struct site *s, struct tls_conn *v, struct trip *t, struct buf *asks)
{
	for (unsigned i = 0; i < STATION_USERS; i++) {
		struct tls_conn *own = &v[i * SITE_WAITS_OF_ONE];

		trip_make(&s->station, &s->people, i, 0, &t[i]);
		tls_call(own, BUF_SPAN(t[i].step[0]), 201);
		asks[i] = wait_request(s, s->people.user[i], &t[i],
		    read_index(own));
		for (unsigned k = 0; k < SITE_WAITS_OF_ONE; k++)
			tls_ask(&own[k], BUF_SPAN(asks[i]));
	}
	(void)poll(NULL, 0, 500);
}

/* All requests are decided at once: nobody was told before. */
static void
release(struct site *s, struct tls_conn *v, struct trip *t)
{
	double from = bench_now(CLOCK_MONOTONIC);
	double last = 0;

	for (unsigned i = 0; i < STATION_USERS; i++)
		tls_ask(&s->conn[i], BUF_SPAN(t[i].step[1]));
	tls_drive(v, SITE_WAITERS, SITE_WAITERS, enough, NULL);
	tls_drive(s->conn, STATION_USERS, STATION_USERS, enough, NULL);
	for (unsigned i = 0; i < SITE_WAITERS; i++) {
		must_say(&v[i], "\"state\":\"approved\"");
		if (v[i].answered < from)
			exit(1);
		if (v[i].answered > last)
			last = v[i].answered;
	}
	(void)printf("%-44s %10.1f ms until the last has it\n",
	    "32 decisions at once to all 512 waiters", (last - from) * 1e3);
}

void
parked_bench(struct site *s)
{
	static struct tls_conn v[SITE_WAITERS];
	static struct trip trip[STATION_USERS];
	static struct buf asks[STATION_USERS];
	double before, after;

	decisions(s, "nobody else");
	tls_connect(s->conn, SITE_MANY, s->station.port, AT_ONCE);
	before = site_rss(s, "both daemons, 128 connections");
	handshakes(s, v);
	(void)site_rss(s, "  and 512 idle ones");
	park(s, v, trip, asks);
	after = site_rss(s, "  all 512 waiting");
	aim_print("  memory of 512 waiters", after - before, AIM_WAITERS,
	    true, mebi);
	decisions(s, "512 others");
	release(s, v, trip);
	tls_close(v, SITE_WAITERS);
	tls_close(s->conn, SITE_MANY);
	for (unsigned i = 0; i < STATION_USERS; i++) {
		trip_done(&trip[i]);
		buf_done(&asks[i]);
	}
}
