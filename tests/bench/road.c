/*
 * road - what the signer does through its socket: run by ./dev bench.
 *
 *	road JIT-SIGNER
 *
 * A log of its own in a fresh directory, a signer as it is installed, and
 * 1 and then 32 clients.  All that people sign is signed before the clock
 * starts, so that what is measured is the signer: full roads (a request with
 * its two proofs, one approval, one collect), collects alone, the time of
 * each answer, the signer's processor time for a road and its memory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "ca/grant/policy_yaml.h"
#include "signer/proto.h"
#include "tests/bench/bench.h"

#define CLIENTS 32
#define ROADS 300		/* of each client in a run */
#define OPEN 30			/* a person may have 32 */

static struct ssh_priv *user[CLIENTS], *boss, *admin, *hostkey;
static struct policy *policy;
static char log_id[TLOG_LOGID_TEXT], dir[4096], sock[4200];
static pid_t signer;

/* One road's frames, made beforehand. */
struct road {
	struct buf request, decision, collect;
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

static struct client client[CLIENTS];

/* ---- the installation ---- */

static void
put_key(struct wr *w, const struct ssh_priv *k)
{
	wr_str(w, "    keys: [ \"");
	ssh_key_put_line(w, ssh_priv_public(k), NULL);
	wr_str(w, "\" ]\n");
}

static void
write_policy(const char *path)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);

	wr_str(&w, "policy: v1\nlog: bench.example.com\n"
	    "admins: { need: 1, of: [admins] }\npeople:\n"
	    "  admin:\n    groups: [admins]\n");
	put_key(&w, admin);
	wr_str(&w, "  boss:\n    groups: [sre]\n");
	put_key(&w, boss);
	for (unsigned i = 0; i < CLIENTS; i++) {
		wr_fmt(&w, "  u%02u:\n    groups: [dev]\n", i);
		put_key(&w, user[i]);
	}
	wr_str(&w, "hosts:\n  h1:\n    address: h1.example.com\n");
	put_key(&w, hostkey);
	wr_str(&w, "host-groups:\n  g: [h1]\nroles:\n  app:\n"
	    "    accounts: [app]\n    host-groups: [g]\n"
	    "    options: [permit-pty]\n    max: 1h\n    horizon: 1d\n"
	    "    request: { of: [dev], proofs: [sshsig] }\n"
	    "    approve: { need: 1, of: [sre], proofs: [sshsig] }\n");
	NEED(w.err);
	NEED(sys_write_file(path, wr_view(&w), 0600, SYS_REPLACE, NULL));
	NEED(policy_from_yaml("bench", wr_view(&w), &policy, NULL));
}

static pid_t
start(const char *const argv[], bool quiet)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)dup2(null, 1);
		if (quiet)
			(void)dup2(null, 2);
		(void)execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0)
		exit(1);
	return pid;
}

static void
finish(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid || status != 0) {
		(void)fprintf(stderr, "road: the signer ended with %d\n",
		    status);
		exit(1);
	}
}

static void
install(const char *program)
{
	char home[4200], pol[4300], poldir[4200], pass[4200];
	struct rng rng = rand_system();

	(void)snprintf(home, sizeof(home), "%s/home", dir);
	(void)snprintf(poldir, sizeof(poldir), "%s/policy", dir);
	(void)snprintf(pol, sizeof(pol), "%s/policy.yaml", poldir);
	(void)snprintf(pass, sizeof(pass), "%s/passphrase", dir);
	(void)snprintf(sock, sizeof(sock), "%s/socket", dir);
	for (unsigned i = 0; i < CLIENTS; i++)
		NEED(ssh_priv_generate(SSH_ED25519, 0, &rng, &user[i], NULL));
	NEED(ssh_priv_generate(SSH_ED25519, 0, &rng, &boss, NULL));
	NEED(ssh_priv_generate(SSH_ED25519, 0, &rng, &admin, NULL));
	NEED(ssh_priv_generate(SSH_ED25519, 0, &rng, &hostkey, NULL));
	if (mkdir(poldir, 0700) != 0)
		exit(1);
	write_policy(pol);
	NEED(sys_write_file(pass, span_str("bench\n"), 0600, SYS_NEW, NULL));

	const char *const init[] = { program, "init", home, pol,
	    "--passphrase-file", pass, NULL };
	const char *const serve[] = { program, "serve", home, pol,
	    "--socket", sock, "--passphrase-file", pass, "--log-level",
	    "error", NULL };

	finish(start(init, true));
	signer = start(serve, false);
}

/* ---- one connection ---- */

static void
send_all(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n <= 0)
			exit(1);
		s = SPAN(s.p + n, s.n - (size_t)n);
	}
}

static void
read_all(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, p, n);

		if (got <= 0) {
			(void)fprintf(stderr, "road: the signer closed\n");
			exit(1);
		}
		p += got;
		n -= (size_t)got;
	}
}

/* Send a whole frame and wait for its answer; in holds the answer. */
static struct answer
question(struct client *c, struct span frame)
{
	uint8_t len[4];
	struct answer a;
	struct rd r;
	uint32_t n;

	send_all(c->fd, frame);
	read_all(c->fd, len, 4);
	r = rd_of(SPAN(len, 4));
	n = rd_u32(&r);
	if (n > PROTO_ANSWER_MAX)
		exit(1);
	if (c->in.cap < n) {
		wr_done(&c->in);
		wr_init(&c->in, PROTO_ANSWER_MAX);
		while (c->in.n < n)
			wr_u64(&c->in, 0);
	}
	read_all(c->fd, c->in.p, n);
	NEED(answer_get(SPAN(c->in.p, n), &a));
	if (a.err != JIT_OK) {
		(void)fprintf(stderr, "road: %s: %s\n", jit_err_name(a.err),
		    a.why.msg);
		exit(1);
	}
	return a;
}

static void
timed(struct client *c, struct buf frame)
{
	double from = bench_now(CLOCK_MONOTONIC);

	(void)question(c, BUF_SPAN(frame));
	c->took[c->n_took++] = bench_now(CLOCK_MONOTONIC) - from;
}

static struct buf
frame_of(const struct ask *a)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_FRAME_MAX + 4);
	struct buf b = { NULL, 0 };

	ask_put(&w, a);
	NEED(wr_take(&w, &b));
	return b;
}

static void
say_hello(struct client *c)
{
	const struct ask a = { .op = OP_HELLO, .version = PROTO_VERSION };
	JIT_DONE(buf_done) struct buf f = frame_of(&a);
	struct tlog_vkey v;
	struct hello h;
	int tries = 0;

	while (sys_connect(sock, 1000, &c->fd, NULL) != JIT_OK) {
		if (tries++ > 500)
			exit(1);
		(void)poll(NULL, 0, 20);
	}
	NEED(sys_set_nonblock(c->fd, false, NULL));
	NEED(hello_get(question(c, BUF_SPAN(f)).payload, &h, NULL));
	NEED(tlog_vkey_parse(h.vkey, &v, NULL));
	if (c->who == 0)
		tlog_vkey_logid(&v, log_id);
}

/* ---- what people sign, beforehand ---- */

static struct buf
signed_by(const struct ssh_priv *k, const char *ns, struct span text)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSHSIG_MAX);
	struct buf b = { NULL, 0 };

	NEED(sshsig_make(k, ns, text, &w));
	NEED(wr_take(&w, &b));
	return b;
}

static void
make_request(struct client *c, struct road *r, const struct request *q)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *subject = NULL;
	JIT_DONE(wr_done) struct wr text = WR_INIT(REQUEST_MAX);
	JIT_DONE(wr_done) struct wr dec = WR_INIT(DECISION_MAX);
	struct rng rng = rand_system();
	struct request own = *q;
	char fp[SSH_FP_TEXT];

	NEED(ssh_priv_generate(SSH_ED25519, 0, &rng, &subject, NULL));
	ssh_key_fingerprint(ssh_priv_public(subject), fp);
	own.certify_type = span_str("ssh-ed25519");
	own.certify = span_str(fp);
	request_put(&text, &own);
	NEED(text.err);

	JIT_DONE(buf_done) struct buf s = signed_by(user[c->who], NS_REQUEST,
	    wr_view(&text));
	JIT_DONE(buf_done) struct buf p = signed_by(subject, NS_POSSESS,
	    wr_view(&text));
	const struct decision d = { .log = own.log,
	    .verdict = VERDICT_APPROVE, .approver = span_str("boss"),
	    .decided = own.created, .request = own.id,
	    .request_text = wr_view(&text) };

	decision_put(&dec, &d);
	NEED(dec.err);

	JIT_DONE(buf_done) struct buf ds = signed_by(boss, NS_DECISION,
	    wr_view(&dec));

	r->request = frame_of(&(struct ask){ .op = OP_REQUEST,
	    .text = wr_view(&text), .sig = BUF_SPAN(s),
	    .possess = BUF_SPAN(p) });
	r->decision = frame_of(&(struct ask){ .op = OP_DECISION,
	    .text = wr_view(&dec), .sig = BUF_SPAN(ds) });
}

static void
make_road(struct client *c, struct road *r)
{
	struct rng rng = rand_system();
	struct request q = { .log = span_str(log_id) };
	struct request_store store;
	uint8_t secret[32];
	char name[8];

	(void)snprintf(name, sizeof(name), "u%02u", c->who);
	q.requester = span_str(name);
	NEED(ulid_make(sys_wall_ms(), &rng, &q.id));
	NEED(policy_fill_request(policy, span_str("app"), &q, &store, NULL));
	q.created = q.opens = sys_wall();
	q.closes = q.opens + 1800;
	q.duration = 60;
	NEED(rng_fill(&rng, secret, sizeof(secret)));
	NEED(digest_sha256(SPAN(secret, sizeof(secret)), &q.collect));
	q.reason = span_str("bench");
	make_request(c, r, &q);
	r->collect = frame_of(&(struct ask){ .op = OP_COLLECT, .id = q.id,
	    .secret = SPAN(secret, sizeof(secret)) });
}

static void
forget_road(struct road *r)
{
	buf_done(&r->request);
	buf_done(&r->decision);
	buf_done(&r->collect);
}

/* ---- a run ---- */

static void *
walk(void *arg)
{
	struct client *c = arg;

	for (unsigned i = 0; i < c->count; i++) {
		if (c->roads) {
			timed(c, c->road[i].request);
			timed(c, c->road[i].decision);
		}
		if (c->collects)
			timed(c, c->road[i].collect);
	}
	return NULL;
}

static double
signer_cpu(void)
{
	char path[64], line[1024];
	unsigned long long u = 0, s = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)signer);
	if ((f = fopen(path, "r")) == NULL ||
	    fgets(line, sizeof(line), f) == NULL ||
	    sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u "
	    "%*u %*u %*u %llu %llu", &u, &s) != 2)
		exit(1);
	(void)fclose(f);
	return (double)(u + s) / (double)sysconf(_SC_CLK_TCK);
}

static int
cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/*
 * n clients walk count roads each: request and decision, or the collect, or
 * both.  How many a second; printed under what, unless that is NULL.
 */
static double
run(const char *what, unsigned n, unsigned count, bool roads, bool collects)
{
	static double took[CLIENTS * 3 * ROADS];
	double from, secs, cpu = signer_cpu();
	size_t k = 0;

	from = bench_now(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < n; i++) {
		client[i].n_took = 0;
		client[i].roads = roads;
		client[i].collects = collects;
		client[i].count = count;
		if (pthread_create(&client[i].thread, NULL, walk,
		    &client[i]) != 0)
			exit(1);
	}
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(client[i].thread, NULL);
	secs = bench_now(CLOCK_MONOTONIC) - from;
	cpu = signer_cpu() - cpu;
	for (unsigned i = 0; i < n; i++) {
		memcpy(took + k, client[i].took,
		    client[i].n_took * sizeof(double));
		k += client[i].n_took;
	}
	qsort(took, k, sizeof(double), cmp_double);
	if (what != NULL)
		(void)printf("%-44s %10.0f /s, p50 %.2f ms, p99 %.2f ms, "
		    "signer %.0f us CPU each\n", what, n * count / secs,
		    took[k / 2] * 1e3, took[k * 99 / 100] * 1e3,
		    cpu * 1e6 / (n * count));
	return n * count / secs;
}

static void
prepare(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < ROADS; k++) {
			forget_road(&client[i].road[k]);
			make_road(&client[i], &client[i].road[k]);
		}
}

int
main(int argc, char **argv)
{
	const char *base = getenv("TMPDIR");
	double verifies, signs, roads, ideal;

	if (argc != 2)
		return 2;
	(void)snprintf(dir, sizeof(dir), "%s/jit-road-XXXXXX",
	    base != NULL ? base : "/var/tmp");
	if (mkdtemp(dir) == NULL)
		return 1;
	signs = bench_signs();
	verifies = bench_verifies();
	install(argv[1]);
	for (unsigned i = 0; i < CLIENTS; i++) {
		client[i].who = i;
		say_hello(&client[i]);
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
	bench_rss("signer at 32 clients", signer);
	for (unsigned i = 0; i < CLIENTS; i++) {
		(void)close(client[i].fd);
		wr_done(&client[i].in);
		for (unsigned k = 0; k < ROADS; k++)
			forget_road(&client[i].road[k]);
		ssh_priv_free(user[i]);
	}
	(void)kill(signer, SIGTERM);
	finish(signer);
	ssh_priv_free(boss);
	ssh_priv_free(admin);
	ssh_priv_free(hostkey);
	policy_free(policy);
	return bench_remove(dir);
}
