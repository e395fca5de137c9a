/*
 * https - what jit-certd and the signer behind it do over the network: run
 * by ./dev bench.
 *
 *	https JIT-SIGNER JIT-CERTD
 *
 * Both as they are installed, on this machine, and 1, 32 and 128 connections
 * of HTTPS from one thread.  People log in, and all that they sign is signed,
 * before the clock starts.  Measured: full roads (a request with its two
 * proofs, one approval, one collect), collects alone, the time of each
 * answer, the processor time of both daemons and of this program, memory of
 * both, 512 clients that wait, how soon a waiting client hears of a decision,
 * handshakes, and roads to X.509 leaves; beside bare operations of the same
 * run.
 *
 * Aims are for a machine of two cores that makes 8,500 Ed25519 verifies a
 * second on each; there a road costs 0.85 ms of them with this generator in
 * it, a collect 0.23 ms, and 60 % of what that allows is to be reached.  On
 * another machine they are scaled by its verifies.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/site.h"

#define ROADS_1 300
#define ROADS_32 150
#define ROADS_128 40
#define COLLECTS_1 280
#define COLLECTS_32 140
#define COLLECTS_128 35

#define USUAL_VERIFIES 8500.0	/* a second of one core */
#define ROAD_MS 0.85		/* of processor time, there */
#define COLLECT_MS 0.23
#define SHARE 0.6
#define AIM_RSS 24.0		/* MiB */
#define AIM_X509_ROADS 1000.0	/* a second, there, with a P-256 CA */
#define AIM_X509_COLLECTS 4000.0

static struct site site;

/* What all cores did; seconds. */
static double
machine_busy(void)
{
	unsigned long long u = 0, n = 0, k = 0, irq = 0, soft = 0;
	char line[512];
	FILE *f = fopen("/proc/stat", "r");

	if (f == NULL || fgets(line, sizeof(line), f) == NULL ||
	    sscanf(line, "cpu %llu %llu %llu %*u %*u %llu %llu", &u, &n, &k,
	    &irq, &soft) != 5)
		exit(1);
	(void)fclose(f);
	return (double)(u + n + k + irq + soft) /
	    (double)sysconf(_SC_CLK_TCK);
}

struct spent
site_spent(const struct site *s)
{
	return (struct spent){ bench_now(CLOCK_MONOTONIC),
	    station_cpu_of(s->station.front), station_cpu(&s->station),
	    bench_now(CLOCK_PROCESS_CPUTIME_ID), machine_busy() };
}

struct spent
spent_since(const struct site *s, const struct spent *then)
{
	struct spent now = site_spent(s);

	return (struct spent){ now.wall - then->wall, now.certd -
	    then->certd, now.signer - then->signer, now.own - then->own,
	    now.machine - then->machine };
}

double
site_rss(const struct site *s, const char *what)
{
	struct bench_memory c = bench_memory(s->station.front);
	struct bench_memory g = bench_memory(s->station.signer);

	(void)printf("%-44s %10.1f MiB: certd %.1f (%.1f of it libraries and "
	    "files), signer %.1f (%.1f)\n", what, c.rss + g.rss, c.rss,
	    c.file, g.rss, g.file);
	return c.rss + g.rss;
}

/* ---- the installation ---- */

/* The signer is reached, and the view holds all of its log. */
static void
wait_healthy(struct site *s)
{
	struct buf none = { NULL, 0 };
	JIT_DONE(buf_done) struct buf ask = http_get(&s->station, none,
	    "/v1/health");

	for (int tries = 0; tries < 1000; tries++) {
		tls_call(&s->conn[0], BUF_SPAN(ask), 0);
		if (s->conn[0].status == 200)
			return;
		(void)poll(NULL, 0, 10);
	}
	tls_expect(&s->conn[0], 200);
}

static void
build(struct site *s, const char *signer, const char *certd)
{
	station_make(&s->station, signer, 1);
	station_set_front(&s->station, certd);
	(void)station_start(&s->station);
	station_front(&s->station,
	    "limits: { connections: 1024, waiters: 520 }\n");
	tls_connect(s->conn, 1, s->station.port, 1);
	wait_healthy(s);
	(void)site_rss(s, "both daemons, started");
	people_login(&s->conn[0], &s->station, &s->people);
	tls_close(s->conn, 1);
}

/* ---- against what two cores allow ---- */

static void
judge(const struct site *s, const char *what, double rate, double ms)
{
	double allowed = 2 / (ms / 1e3) * s->verifies / USUAL_VERIFIES;

	(void)printf("%-44s %10.0f %% of %.0f /s that two cores allow, at "
	    "%.0f verifies a second\n", what, 100 * rate / allowed, allowed,
	    s->verifies);
	aim_print(what, rate, SHARE * allowed, false, "/s");
}

/* As many bytes as a request has, and its answer. */
static void
bare(struct site *s)
{
	struct trip t;
	size_t n;

	trip_make(&s->station, &s->people, 0, 0, &t);
	tls_connect(s->conn, 1, s->station.port, 1);
	tls_call(&s->conn[0], BUF_SPAN(t.step[0]), 201);
	n = s->conn[0].body.n;
	tls_call(&s->conn[0], BUF_SPAN(t.step[1]), 201);
	tls_call(&s->conn[0], BUF_SPAN(t.step[2]), 200);
	tls_close(s->conn, 1);
	echo_bench(s, 32, BUF_SPAN(t.step[0]), n);
	trip_done(&t);
}

/* The same roads to leaves; beside what the CA's key does bare. */
static void
measure_x509(struct site *s)
{
	double signs = bench_p256(), scale = s->verifies / USUAL_VERIFIES;
	double rate;

	s->station.x509 = true;
	(void)printf("X.509, by a P-256 CA\n");
	rate = walk_roads(s, 32, ROADS_32);
	(void)printf("%-44s %10.1f %% of %.0f bare P-256 signatures a "
	    "second\n", "  roads", 100 * rate / signs, signs);
	aim_print("  roads", rate, AIM_X509_ROADS * scale, false, "/s");
	rate = walk_collects(s, 32, COLLECTS_32);
	(void)printf("%-44s %10.1f %% of %.0f bare P-256 signatures a "
	    "second\n", "  collects", 100 * rate / signs, signs);
	aim_print("  collects", rate, AIM_X509_COLLECTS * scale, false, "/s");
	s->station.x509 = false;
}

static void
measure(struct site *s)
{
	double roads, collects;

	bare(s);
	(void)walk_roads(s, SITE_MANY, 1);
	aim_print("  memory at 128 connections, a road each", s->rss_many,
	    AIM_RSS, true, "MiB");
	(void)walk_roads(s, 1, ROADS_1);
	(void)walk_collects(s, 1, COLLECTS_1);
	roads = walk_roads(s, 32, ROADS_32);
	judge(s, "  roads", roads, ROAD_MS);
	collects = walk_collects(s, 32, COLLECTS_32);
	judge(s, "  collects", collects, COLLECT_MS);
	(void)walk_roads(s, SITE_MANY, ROADS_128);
	aim_print("  memory at 128 connections, after all that",
	    s->rss_many, AIM_RSS, true, "MiB");
	(void)walk_collects(s, SITE_MANY, COLLECTS_128);
	parked_bench(s);
	measure_x509(s);
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	/* A server that closes first. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	site.signs = bench_signs();
	site.verifies = bench_verifies();
	build(&site, argv[1], argv[2]);
	measure(&site);
	people_done(&site.people);
	station_done(&site.station);
	return 0;
}
