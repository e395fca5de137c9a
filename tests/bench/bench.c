/*
 * bench - what the trusted core costs on this machine: run by ./dev bench.
 *
 * Figures of one run beside each other: bare signatures, the four verifies
 * and one certificate of a road, revocation lists, X.509 (x509.c), appends to a
 * real journal with their syncs, and the verification of a whole log.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/grant/judge.h"
#include "ca/ssh/krl.h"
#include "signer/journal.h"
#include "tests/bench/bench.h"

static struct ssh_priv *ca;
static struct tlog_vkey vkey;

/* A certificate, made, parsed again, compared and verified. */
static void
one_cert(void)
{
	static const struct span principal = SPAN("dba.prod-db", 11);
	const struct ssh_cert_fields f = { .serial = 1, .type = SSH_CERT_USER,
	    .key_id = SPAN("alice:01JDE0V5Y8M3T1K3ZJ6X4N9Q2B:x", 34),
	    .principals = &principal, .n_principals = 1, .after = 1,
	    .before = 2 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	uint8_t nonce[32] = { 0 };

	NEED(ssh_cert_make(&f, ssh_priv_public(ca), ca, nonce, &w, NULL));
}

/*
 * A revocation list of n serials in runs of so many, gap apart on the
 * average: built, read back, compared.
 */
static void
one_krl(const char *what, size_t n, size_t run, uint64_t gap)
{
	uint64_t *serials = calloc(n, sizeof(*serials)), at = 0, seed = 7;
	struct krl_section sec = { .ca = ssh_priv_public(ca),
	    .serials = serials, .n_serials = n };
	const struct krl_spec s = { .version = 1, .generated = 1,
	    .sections = &sec, .n_sections = 1 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	double from, took;
	char line[64];

	if (serials == NULL)
		exit(1);
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		at += i % run == 0 ? 1 + (seed >> 20) % (2 * gap) : 1;
		serials[i] = at;
	}
	from = bench_now(CLOCK_PROCESS_CPUTIME_ID);
	NEED(krl_make(&w, &s, NULL));
	took = bench_now(CLOCK_PROCESS_CPUTIME_ID) - from;
	(void)snprintf(line, sizeof(line), "KRL of %zu serials, %s", n, what);
	(void)printf("%-44s %10.2f ms of one core, %zu bytes\n", line,
	    took * 1e3, w.n);
	free(serials);
}

static void
krls(void)
{
	for (size_t n = 10000; n <= 1000000; n *= 100) {
		one_krl("one run", n, n, 1);
		one_krl("two of three", n, 1, 1);
		one_krl("a few in 100", n, 3, 100);
		one_krl("sparse", n, 1, 10000);
	}
}

/* n entries of 1,000 bytes in batches, through the real disk. */
static void
fill(struct journal *j, uint64_t n, size_t batch)
{
	static struct entry e[256];
	static uint8_t body[1000];

	for (uint64_t done = 0; done < n; done += batch) {
		JIT_DONE(wr_done) struct wr note = WR_INIT(TLOG_NOTE_MAX);
		struct merkle_edge edge = journal_mark(j)->edge;
		struct checkpoint c;
		struct digest d;

		for (size_t i = 0; i < batch; i++) {
			e[i] = (struct entry){ .type = ENTRY_BLOB, .time = 1,
			    .index = edge.size, .body = SPAN(body, 1000) };
			NEED(entry_seal(&e[i]));
			NEED(merkle_leaf(SPAN(e[i].leaf, ENTRY_LEAF), &d));
			NEED(merkle_edge_add(&edge, &d));
		}
		c.size = edge.size;
		NEED(merkle_edge_root(&edge, &c.root));
		NEED(checkpoint_sign(&note, &c, &vkey, ca));
		NEED(journal_append(j, e, batch, wr_view(&note), NULL));
	}
}

static void
syncs(int dir)
{
	int fd = openat(dir, "sync", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	static const char block[2048];
	double from = bench_now(CLOCK_MONOTONIC);

	if (fd < 0 || posix_fallocate(fd, 0, 1 << 20) != 0)
		exit(1);
	for (int i = 0; i < 300; i++)
		if (pwrite(fd, block, sizeof(block), i * 2048) < 0 ||
		    fdatasync(fd) != 0)
			exit(1);
	(void)printf("%-44s %10.0f /s\n", "bare 2 KiB write and fdatasync",
	    300 / (bench_now(CLOCK_MONOTONIC) - from));
	(void)close(fd);
	(void)unlinkat(dir, "sync", 0);
}

static void
timed_fill(struct journal *j, const char *what, uint64_t n, size_t batch)
{
	double from = bench_now(CLOCK_MONOTONIC);

	fill(j, n, batch);
	(void)printf("%-44s %10.0f entries/s\n", what,
	    (double)n / (bench_now(CLOCK_MONOTONIC) - from));
}

static int
remove_name(int dir, const char *name)
{
	return unlinkat(dir, name, 0);
}

static enum jit_err
forget(void *arg, const char *name)
{
	if (name[0] != '.')
		(void)remove_name(*(int *)arg, name);
	return JIT_OK;
}

static enum jit_err
see_one(void *arg, const struct entry *e)
{
	*(uint64_t *)arg += e->index;
	return JIT_OK;
}

/* Single entries in no order, all over the log and in its last 10,000. */
static void
random_reads(struct journal *j, const char *what, uint64_t from)
{
	uint64_t size = journal_mark(j)->edge.size - from, seed = 7;
	double begin = bench_now(CLOCK_MONOTONIC), took;
	unsigned n = 0;

	do {
		uint64_t i, sum = 0;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		i = from + (seed >> 20) % size;
		NEED(journal_read(j, i, 1, see_one, &sum, NULL));
		if (sum != i)
			exit(1);
		n++;
		took = bench_now(CLOCK_MONOTONIC) - begin;
	} while (took < 2);
	(void)printf("%-44s %10.0f /s\n", what, n / took);
}

/* A log of n entries: whole verification, then a start from a mark. */
static void
journals(int dir, uint64_t n)
{
	struct journal_disk disk = { dir, -1 };
	struct journal_ops ops = journal_ops_posix(&disk);
	const struct journal_config c = { .ops = &ops, .log = &vkey };
	const struct journal_mark beginning = { 0 };
	struct journal_mark mark;
	struct journal *j = NULL;
	double from;

	NEED(journal_create(&c, &j, NULL));
	syncs(dir);
	timed_fill(j, "journal, batches of 1", 1000, 1);
	timed_fill(j, "journal, batches of 32", 9984, 32);
	fill(j, n - 10984, 256);
	mark = *journal_mark(j);
	fill(j, 256, 256);
	journal_close(j);
	from = bench_now(CLOCK_MONOTONIC);
	NEED(journal_open(&c, &beginning, NULL, NULL, &j, NULL));
	(void)printf("%-44s %10.2f s for %llu entries, %llu MiB\n",
	    "whole log verified (hashes, checkpoints)",
	    bench_now(CLOCK_MONOTONIC) - from,
	    (unsigned long long)journal_mark(j)->edge.size,
	    (unsigned long long)(journal_bytes(j) >> 20));
	journal_close(j);
	from = bench_now(CLOCK_MONOTONIC);
	NEED(journal_open(&c, &mark, NULL, NULL, &j, NULL));
	(void)printf("%-44s %10.1f ms\n",
	    "start from a snapshot's mark",
	    (bench_now(CLOCK_MONOTONIC) - from) * 1e3);
	bench_rss("memory after it", getpid());
	random_reads(j, "random single entry read, whole log", 0);
	random_reads(j, "random single entry read, newest 10,000",
	    journal_mark(j)->edge.size - 10000);
	journal_close(j);
	(void)ops.list(ops.ctx, forget, &dir);
	(void)close(disk.lockfd);
}

int
main(int argc, char **argv)
{
	const char *base = getenv("TMPDIR");
	struct rng rng = rand_system();
	char path[4096];
	struct span pub;
	int dir;

	NEED(ssh_priv_generate(SSH_ED25519, 0, &rng, &ca, NULL));
	pub = ssh_key_blob(ssh_priv_public(ca));
	NEED(tlog_vkey_make("bench", pub.p + pub.n - 32, &vkey, NULL));
	(void)bench_signs();
	(void)bench_verifies();
	(void)bench_rate("certificate made, parsed, verified", one_cert);
	krls();
	bench_x509();
	(void)snprintf(path, sizeof(path), "%s/jit-bench-XXXXXX",
	    base != NULL ? base : "/var/tmp");
	if (mkdtemp(path) == NULL ||
	    (dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return 1;
	journals(dir, argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000);
	(void)close(dir);
	(void)rmdir(path);
	ssh_priv_free(ca);
	return 0;
}
