#define _GNU_SOURCE
#include <string.h>

#include "tests/bench/bench.h"

double
bench_now(clockid_t c)
{
	struct timespec t;

	(void)clock_gettime(c, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double
bench_rate(const char *what, void (*fn)(void))
{
	double from = bench_now(CLOCK_PROCESS_CPUTIME_ID), took;
	unsigned n = 0;

	do {
		for (int i = 0; i < 100; i++)
			fn();
		n += 100;
		took = bench_now(CLOCK_PROCESS_CPUTIME_ID) - from;
	} while (took < 1);
	(void)printf("%-44s %10.0f /s of one core\n", what, n / took);
	return n / took;
}

static struct ssh_priv *key;
static struct buf sig;

static void
need_key(void)
{
	struct rng rng = rand_system();
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);

	if (key != NULL)
		return;
	NEED(ssh_priv_generate(SSH_ED25519, 0, &rng, &key, NULL));
	NEED(ssh_priv_sign(key, span_str("some data"), &w));
	NEED(wr_take(&w, &sig));
}

static void
one_sign(void)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);

	NEED(ssh_priv_sign(key, span_str("some data"), &w));
}

static void
one_verify(void)
{
	NEED(ssh_sig_verify(ssh_priv_public(key), span_str("some data"),
	    BUF_SPAN(sig), NULL, NULL));
}

double
bench_signs(void)
{
	need_key();
	return bench_rate("Ed25519 sign", one_sign);
}

double
bench_verifies(void)
{
	need_key();
	return bench_rate("Ed25519 verify", one_verify);
}

static struct ssh_priv *p256;

static void
one_p256(void)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);

	NEED(ssh_priv_sign(p256, span_str("some data"), &w));
}

double
bench_p256(void)
{
	struct rng rng = rand_system();

	if (p256 == NULL)
		NEED(ssh_priv_generate(SSH_ECDSA_P256, 0, &rng, &p256, NULL));
	return bench_rate("ECDSA P-256 sign", one_p256);
}

struct bench_memory
bench_memory(pid_t pid)
{
	char path[64], line[256];
	long rss = 0, hwm = 0, file = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			rss = strtol(line + 6, NULL, 10);
		if (strncmp(line, "VmHWM:", 6) == 0)
			hwm = strtol(line + 6, NULL, 10);
		if (strncmp(line, "RssFile:", 8) == 0)
			file = strtol(line + 8, NULL, 10);
	}
	if (f != NULL)
		(void)fclose(f);
	return (struct bench_memory){ (double)rss / 1024, (double)hwm / 1024,
	    (double)file / 1024 };
}

void
bench_rss(const char *what, pid_t pid)
{
	struct bench_memory m = bench_memory(pid);

	(void)printf("%-44s %10.1f MiB, at most %.1f MiB\n", what, m.rss,
	    m.most);
}
