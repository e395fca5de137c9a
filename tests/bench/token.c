/*
 * token - what the helper costs: signatures a second of SoftHSM2 bare, in a
 * process that does nothing but C_Sign, and through jit-signer-token, each
 * verified, one after the other and with 16 under way.
 *
 *	token JIT_SIGNER_TOKEN
 */
#define _GNU_SOURCE
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/token/p11.h"
#include "signer/token/token.h"
#include "tests/bench/bench.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define PIN "12345678"
#define SECONDS 2.0
#define UNDER_WAY 16

static char dir[] = "/tmp/jit-bench-token-XXXXXX";
static const uint8_t bytes[400] = "about as much as a certificate says";
static const struct span data = { bytes, sizeof(bytes) };

static void
softhsm(void)
{
	const char *const argv[] = { "softhsm2-util", "--init-token",
	    "--free", "--label", "jit", "--pin", PIN, "--so-pin", PIN, NULL };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	char path[64];
	int status = 1;
	FILE *f;

	if (mkdtemp(dir) == NULL)
		exit(1);
	(void)snprintf(path, sizeof(path), "%s/conf", dir);
	if ((f = fopen(path, "we")) == NULL)
		exit(1);
	(void)fprintf(f, "directories.tokendir = %s\nlog.level = ERROR\n",
	    dir);
	(void)fclose(f);
	(void)setenv("SOFTHSM2_CONF", path, 1);
	NEED(sys_run(argv, SPAN_NONE, 65536, 10000, &out, &status, NULL));
	if (status != 0)
		exit(1);
}

/* ---- bare ---- */

static enum jit_err
get_pin(void *arg, const struct p11_token *t, struct secret *ret,
    struct jit_why *why)
{
	(void)arg;
	(void)t;
	(void)why;
	return secret_copy(ret, span_str(PIN));
}

static void
said(void *arg, enum jit_err e)
{
	(void)arg;
	(void)e;
}

static double
bare_rate(const char *uri)
{
	const struct p11_pin pin = { get_pin, said, NULL };
	JIT_DONE(wr_done) struct wr in = WR_INIT(1024);
	JIT_SCOPED(p11_free) struct p11 *p = NULL;
	JIT_DONE(p11_key_done) struct p11_key k = { 0, NULL };
	double from, took;
	enum frame_hash h;
	struct uri u;
	unsigned n = 0;

	NEED(uri_parse(span_str(uri), &u, NULL));
	NEED(p11_load(MODULE, &p, NULL));
	NEED(p11_open(p, &u, &pin, NULL));
	NEED(p11_find(p, &u, &k, NULL));
	h = form_hash(k.pub, FORM_SSH);
	NEED(form_prepare(h, data, &in));
	from = bench_now(CLOCK_MONOTONIC);
	do {
		JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

		NEED(p11_sign(p, &k, h, wr_view(&in), &w, NULL));
		n++;
	} while ((took = bench_now(CLOCK_MONOTONIC) - from) < SECONDS);
	return n / took;
}

/* In a process of its own: nobody forks after C_Initialize. */
static double
bare(const char *uri)
{
	double rate = 0;
	int p[2];
	pid_t pid;

	if (pipe(p) != 0)
		exit(1);
	if ((pid = fork()) == 0) {
		rate = bare_rate(uri);
		_exit(write(p[1], &rate, sizeof(rate)) != sizeof(rate));
	}
	(void)close(p[1]);
	if (read(p[0], &rate, sizeof(rate)) != sizeof(rate))
		exit(1);
	(void)close(p[0]);
	(void)waitpid(pid, NULL, 0);
	return rate;
}

/* ---- through the helper ---- */

static double
one_by_one(struct token *t, size_t i)
{
	double from = bench_now(CLOCK_MONOTONIC), took;
	unsigned n = 0;

	do {
		JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

		NEED(token_sign_wait(t, i, FORM_SSH, data,
		    sys_mono_ms() + 10000, &w, NULL));
		n++;
	} while ((took = bench_now(CLOCK_MONOTONIC) - from) < SECONDS);
	return n / took;
}

static double
many(struct token *t, size_t i)
{
	double from = bench_now(CLOCK_MONOTONIC), took;
	unsigned n = 0;

	for (int j = 0; j < UNDER_WAY; j++)
		NEED(token_ask_sign(t, i, 0, FORM_SSH, data, sys_mono_ms(),
		    NULL));
	do {
		struct pollfd p = { token_fd(t), token_events(t), 0 };
		struct token_answer a;

		(void)poll(&p, 1, 1000);
		while (token_take(t, sys_mono_ms(), &a)) {
			NEED(a.err);
			token_answer_done(&a);
			n++;
			NEED(token_ask_sign(t, i, 0, FORM_SSH, data,
			    sys_mono_ms(), NULL));
		}
	} while ((took = bench_now(CLOCK_MONOTONIC) - from) < SECONDS);
	while (token_pending(t) > 0) {
		struct token_answer a;

		if (token_take(t, sys_mono_ms(), &a))
			token_answer_done(&a);
	}
	return n / took;
}

/* ---- beside each other ---- */

/* CPU seconds of us, or of what we started and waited for. */
static double
cpu(int who)
{
	struct rusage r;

	(void)getrusage(who, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static struct token *
start(const char *program, const char *uri, bool later)
{
	JIT_DONE(secret_done) struct secret pin = { NULL, 0, 0 };
	const struct token_key k = { .name = "bench", .uri = uri,
	    .module = MODULE, .pin = &pin, .later = later };
	const struct token_config c = { .program = program, .keys = &k,
	    .n = 1 };
	struct token *t = NULL;

	NEED(secret_copy(&pin, span_str(PIN)));
	NEED(token_start(&c, &t, NULL));
	return t;
}

static void
generate(const char *program, const char *uri, enum frame_gen g)
{
	JIT_SCOPED(token_free) struct token *t = start(program, uri, true);
	JIT_DONE(buf_done) struct buf made = { NULL, 0 };

	NEED(token_generate_wait(t, 0, g, sys_mono_ms() + 60000, &made,
	    NULL));
}

static void
compare(const char *program, const char *name, const char *uri)
{
	double children = cpu(RUSAGE_CHILDREN), alone = bare(uri), one, more;
	double bare_cpu = cpu(RUSAGE_CHILDREN) - children, self, helper;
	struct token *t = start(program, uri, false);

	one = one_by_one(t, 0);
	token_free(t);
	t = start(program, uri, false);
	self = cpu(RUSAGE_SELF);
	children = cpu(RUSAGE_CHILDREN);
	more = many(t, 0);
	self = cpu(RUSAGE_SELF) - self;
	token_free(t);
	helper = cpu(RUSAGE_CHILDREN) - children;
	(void)printf("%-9s bare %6.0f /s; through the helper %6.0f (%.2f), "
	    "%d under way %6.0f (%.2f)\n", name, alone, one, one / alone,
	    UNDER_WAY, more, more / alone);
	(void)printf("%-9s CPU us of one: bare %.0f, helper %.0f, our side "
	    "(it verifies) %.0f\n", "", bare_cpu * 1e6 / alone / SECONDS,
	    helper * 1e6 / more / SECONDS, self * 1e6 / more / SECONDS);
}

int
main(int argc, char **argv)
{
	static const struct { const char *name, *uri; enum frame_gen g; }
	    rows[] = {
		{ "P-256", "pkcs11:token=jit;object=a", FRAME_G_P256 },
		{ "P-384", "pkcs11:token=jit;object=b", FRAME_G_P384 },
		{ "Ed25519", "pkcs11:token=jit;object=c", FRAME_G_ED25519 },
		{ "RSA-3072", "pkcs11:token=jit;object=d", FRAME_G_RSA3072 },
	};
	const char *const rm[] = { "rm", "-rf", dir, NULL };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	int status;

	if (argc != 2) {
		(void)fputs("token JIT_SIGNER_TOKEN\n", stderr);
		return 2;
	}
	softhsm();
	for (size_t i = 0; i < 4; i++)
		generate(argv[1], rows[i].uri, rows[i].g);
	(void)printf("SoftHSM2, signatures of one key:\n");
	for (size_t i = 0; i < 4; i++)
		compare(argv[1], rows[i].name, rows[i].uri);
	(void)sys_run(rm, SPAN_NONE, 4096, 10000, &out, &status, NULL);
	return 0;
}
