/*
 * start - how long the signer takes to come up: run by ./dev bench.
 *
 *	start JIT-SIGNER [ENTRIES...]
 *
 * A log of so many entries is made by the signer's own code (blobs of 300
 * bytes, in batches of 256); then it is opened again from its snapshot, as
 * jit-signer serve opens it.  Key derivation is timed apart.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "signer/keyring.h"
#include "signer/store.h"
#include "signer/turn_int.h"
#include "tests/bench/bench.h"
#include "tests/lib/station.h"

#define BATCH 256

static struct station station;
static struct keyring keys;
static struct rng rng;

static struct store_config
config(int home)
{
	return (struct store_config){ .home = home, .vkey = &keys.vkey,
	    .ca = { 1, { keys.ca[0] } }, .log = keys.log, .rng = &rng };
}

static void
load_keys(void)
{
	struct secret pass = { 0 };
	struct jit_why why = { 0 };
	double from;

	NEED(secret_copy(&pass, span_str("a passphrase")));
	from = bench_now(CLOCK_MONOTONIC);
	if (keyring_load(station.home, "station.example.com", &pass, &keys, &why) !=
	    JIT_OK) {
		(void)fprintf(stderr, "start: %s\n", why.msg);
		exit(1);
	}
	(void)printf("%-44s %10.0f ms\n", "two keys derived (scrypt)",
	    (bench_now(CLOCK_MONOTONIC) - from) * 1e3);
	secret_done(&pass);
}

static void
batch(struct turn *t, size_t n)
{
	static uint8_t body[300];
	const struct entry *e = NULL;

	for (size_t i = 0; i < n; i++) {
		NEED(turn_make(t, ENTRY_BLOB, SPAN(body, sizeof(body)), &e));
		NEED(ledger_apply(t->ledger, e, LEDGER_OWN, NULL));
	}
	NEED(turn_commit(t, NULL));
	turn_clear(t);
}

static void
grow(int home, uint64_t want)
{
	JIT_SCOPED(store_close) struct store *s = NULL;
	const struct store_config c = config(home);

	NEED(store_open(&c, &s, NULL));
	while (ledger_size(store_ledger(s)) < want) {
		uint64_t left = want - ledger_size(store_ledger(s));

		batch(store_turn(s), left < BATCH ? (size_t)left : BATCH);
		NEED(store_flush(s, NULL));
	}
	NEED(store_snapshot(s, NULL));
}

static void
time_start(int home)
{
	const struct store_config c = config(home);
	double best = 1e9;
	uint64_t size = 0;

	for (int i = 0; i < 5; i++) {
		JIT_SCOPED(store_close) struct store *s = NULL;
		double from = bench_now(CLOCK_MONOTONIC), took;

		NEED(store_open(&c, &s, NULL));
		took = bench_now(CLOCK_MONOTONIC) - from;
		if (took < best)
			best = took;
		size = ledger_size(store_ledger(s));
	}
	(void)printf("start from a snapshot of %9" PRIu64 " entries %14.1f "
	    "ms, the best of 5\n", size, best * 1e3);
}

int
main(int argc, char **argv)
{
	static const char *const usual[] = { "10000", "1000000" };
	const char *const *sizes = argc > 2 ?
	    (const char *const *)(uintptr_t)(argv + 2) : usual;
	int n = argc > 2 ? argc - 2 : 2, home;

	if (argc < 2)
		return 2;
	NEED(keyring_memory(NULL, NULL));
	rng = rand_system();
	log_setup("start", 2, LOG_L_ERROR, NULL);
	station_make(&station, argv[1], 1);
	if ((home = open(station.home, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) < 0)
		return 1;
	load_keys();
	for (int i = 0; i < n; i++) {
		grow(home, strtoull(sizes[i], NULL, 10));
		time_start(home);
	}
	bench_rss("memory after it", getpid());
	keyring_done(&keys);
	(void)close(home);
	station_done(&station);
	return 0;
}
