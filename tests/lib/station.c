#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/x509/csr.h"
#include "ca/base/sys.h"
#include "ca/grant/policy_yaml.h"
#include "tests/lib/station_int.h"

#define NEED(x) need((x), __LINE__)

static void
need(enum jit_err e, int line)
{
	if (e == JIT_OK)
		return;
	(void)fprintf(stderr, "station.c:%d: %s\n", line, jit_err_name(e));
	exit(1);
}

void
station_give_up(const char *what)
{
	(void)fprintf(stderr, "station: %s\n", what);
	exit(1);
}

/* ---- the installation ---- */

static void
put_key(struct wr *w, const struct ssh_priv *k)
{
	wr_str(w, "    keys: [ \"");
	ssh_key_put_line(w, ssh_priv_public(k), NULL);
	wr_str(w, "\" ]\n");
}

static void
put_people(struct wr *w, const struct station *s)
{
	wr_str(w, "people:\n  admin:\n    groups: [admins]\n");
	put_key(w, s->admin);
	for (unsigned i = 0; i < STATION_BOSSES; i++) {
		wr_fmt(w, "  b%u:\n    groups: [sre]\n", i);
		put_key(w, s->boss[i]);
	}
	for (unsigned i = 0; i < STATION_USERS; i++) {
		wr_fmt(w, "  u%02u:\n    groups: [dev]\n", i);
		put_key(w, s->user[i]);
	}
}

static void
write_policy(struct station *s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);

	wr_str(&w, "policy: v1\nlog: station.example.com\n"
	    "admins: { need: 1, of: [admins] }\n");
	put_people(&w, s);
	wr_str(&w, "hosts:\n  h1:\n    address: h1.example.com\n");
	put_key(&w, s->host);
	wr_fmt(&w, "host-groups:\n  g: [h1]\nroles:\n  app:\n"
	    "    accounts: [app]\n    host-groups: [g]\n"
	    "    options: [permit-pty]\n    max: 1h\n    horizon: 1d\n"
	    "    request: { of: [dev], proofs: [sshsig] }\n"
	    "    approve: { need: %u, of: [sre], proofs: [sshsig] }\n"
	    "  leaf:\n    kind: x509\n    profile: client\n"
	    "    subject: { cn: \"{person}\", o: [app-write] }\n"
	    "    revocation: http://127.0.0.1:1/crl\n"
	    "    max: 1h\n    horizon: 1d\n"
	    "    request: { of: [dev], proofs: [sshsig] }\n"
	    "    approve: { need: %u, of: [sre], proofs: [sshsig] }\n",
	    s->need, s->need);
	NEED(w.err);
	NEED(sys_write_file(s->policy_file, wr_view(&w), 0600, SYS_REPLACE,
	    NULL));
	NEED(policy_from_yaml("station", wr_view(&w), &s->policy, NULL));
}

static pid_t
spawn(const char *const argv[], const char *log)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		int file = log == NULL ? -1 : open(log, O_WRONLY | O_CREAT |
		    O_APPEND | O_CLOEXEC, 0600);

		(void)dup2(null, 1);
		if (file >= 0)
			(void)dup2(file, 2);
		(void)execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0)
		station_give_up("cannot fork");
	return pid;
}

static void
reap(pid_t pid, int want_signal)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid || (want_signal == 0 ?
	    status != 0 : !WIFSIGNALED(status)))
		station_give_up("a program did not end as it should");
}

void
station_run(const char *const argv[])
{
	reap(spawn(argv, NULL), 0);
}

static struct ssh_priv *
new_key_of(enum ssh_type t)
{
	struct rng rng = rand_system();
	struct ssh_priv *k = NULL;

	NEED(ssh_priv_generate(t, 0, &rng, &k, NULL));
	return k;
}

static struct ssh_priv *
new_key(void)
{
	return new_key_of(SSH_ED25519);
}

void
station_make(struct station *s, const char *program, unsigned n)
{
	const char *base = getenv("TMPDIR");
	char folder[4200];

	*s = (struct station){ .program = program, .need = n, .signer = -1,
	    .front = -1 };
	(void)snprintf(s->dir, sizeof(s->dir), "%.3000s/jit-station-XXXXXX",
	    base != NULL ? base : "/var/tmp");
	if (mkdtemp(s->dir) == NULL)
		station_give_up("no folder");
	(void)snprintf(folder, sizeof(folder), "%s/policy", s->dir);
	(void)snprintf(s->home, sizeof(s->home), "%s/home", s->dir);
	(void)snprintf(s->policy_file, sizeof(s->policy_file),
	    "%s/policy.yaml", folder);
	(void)snprintf(s->pass, sizeof(s->pass), "%s/pass", s->dir);
	(void)snprintf(s->sock, sizeof(s->sock), "%s/s", s->dir);
	for (unsigned i = 0; i < STATION_USERS; i++)
		s->user[i] = new_key();
	for (unsigned i = 0; i < STATION_BOSSES; i++)
		s->boss[i] = new_key();
	s->admin = new_key();
	s->host = new_key();
	if (mkdir(folder, 0700) != 0)
		station_give_up("no folder for the policy");
	write_policy(s);
	NEED(sys_write_file(s->pass, span_str("a passphrase\n"), 0600,
	    SYS_NEW, NULL));

	const char *const init[] = { program, "init", s->home,
	    s->policy_file, "--x509", "ecdsa-p256", "--passphrase-file",
	    s->pass, NULL };

	station_run(init);
}

/* However the program ends, its daemons do not outlive it. */
#define DAEMONS 2
static pid_t running[DAEMONS];
static bool tidies;

static void
end_running(void)
{
	for (size_t i = 0; i < DAEMONS; i++)
		if (running[i] > 0)
			(void)kill(running[i], SIGKILL);
}

static void
replace_running(pid_t old, pid_t new)
{
	for (size_t i = 0; i < DAEMONS; i++)
		if (running[i] == old) {
			running[i] = new;
			return;
		}
}

pid_t
station_spawn(const char *const argv[], const char *log)
{
	pid_t pid;

	if (!tidies && atexit(end_running) != 0)
		station_give_up("cannot tidy up");
	tidies = true;
	pid = spawn(argv, log);
	replace_running(0, pid);
	return pid;
}

void
station_end(pid_t pid, int sig)
{
	(void)kill(pid, sig);
	replace_running(pid, 0);
	reap(pid, sig == SIGKILL ? SIGKILL : 0);
}

void
station_launch(struct station *s)
{
	const struct passwd *we = s->certd != NULL ? getpwuid(geteuid()) :
	    NULL;
	const char *const serve[] = { s->program, "serve", s->home,
	    s->policy_file, "--socket", s->sock, "--passphrase-file",
	    s->pass, "--log-level", "error", we != NULL ? "--front" : NULL,
	    we != NULL ? we->pw_name : NULL, NULL };

	s->signer = station_spawn(serve, NULL);
}

void
station_wait(struct station *s)
{
	int fd = station_connect(s);

	(void)close(fd);
}

double
station_start(struct station *s)
{
	int64_t from = sys_mono_ms();

	station_launch(s);
	station_wait(s);
	return (double)(sys_mono_ms() - from) / 1e3;
}

void
station_stop(struct station *s, int sig)
{
	if (s->signer < 0)
		return;
	station_end(s->signer, sig);
	s->signer = -1;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

void
station_done(struct station *s)
{
	station_stop_front(s);
	station_stop(s, SIGTERM);
	for (unsigned i = 0; i < STATION_USERS; i++)
		ssh_priv_free(s->user[i]);
	for (unsigned i = 0; i < STATION_BOSSES; i++)
		ssh_priv_free(s->boss[i]);
	ssh_priv_free(s->admin);
	ssh_priv_free(s->host);
	policy_free(s->policy);
	(void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

double
station_cpu_of(pid_t pid)
{
	char path[64], line[1024];
	unsigned long long u = 0, k = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL ||
	    fgets(line, sizeof(line), f) == NULL ||
	    sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u "
	    "%*u %*u %*u %llu %llu", &u, &k) != 2)
		station_give_up("no processor time");
	(void)fclose(f);
	return (double)(u + k) / (double)sysconf(_SC_CLK_TCK);
}

double
station_cpu(const struct station *s)
{
	return station_cpu_of(s->signer);
}

/* ---- connections ---- */

bool
station_send(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		s = SPAN(s.p + n, s.n - (size_t)n);
	}
	return true;
}

static bool
read_all(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, p, n);

		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

bool
station_read(int fd, struct wr *in, struct answer *a)
{
	uint8_t len[4];
	struct rd r = rd_of(SPAN(len, 4));
	uint32_t n;

	if (!read_all(fd, len, 4))
		return false;
	if ((n = rd_u32(&r)) > PROTO_ANSWER_MAX)
		station_give_up("an answer is too long");
	if (in->cap < n) {
		wr_done(in);
		wr_init(in, 2 * PROTO_ANSWER_MAX);
		while (in->n < n)
			wr_u64(in, 0);
	}
	if (!read_all(fd, in->p, n))
		return false;
	NEED(answer_get(SPAN(in->p, n), a));
	return true;
}

enum jit_err
station_ask(int fd, struct span frame, struct wr *in, struct answer *a)
{
	if (!station_send(fd, frame) || !station_read(fd, in, a))
		station_give_up("the signer closed the connection");
	return a->err;
}

struct buf
station_frame(const struct ask *a)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_FRAME_MAX + 4);
	struct buf b = { NULL, 0 };

	ask_put(&w, a);
	NEED(wr_take(&w, &b));
	return b;
}

int
station_connect(struct station *s)
{
	JIT_DONE(buf_done) struct buf f = station_frame(&(struct ask){
	    .op = OP_HELLO, .version = PROTO_VERSION });
	JIT_DONE(wr_done) struct wr in = WR_INIT(PROTO_ANSWER_MAX);
	struct answer a;
	struct hello h;
	int fd = -1, tries = 0;

	while (sys_connect(s->sock, 1000, &fd, NULL) != JIT_OK) {
		if (tries++ > 12000)
			station_give_up("the signer does not come up");
		(void)poll(NULL, 0, 5);
	}
	NEED(sys_set_nonblock(fd, false, NULL));
	NEED(station_ask(fd, BUF_SPAN(f), &in, &a));
	NEED(hello_get(a.payload, &h, NULL));
	if (s->log_id[0] == '\0') {
		NEED(tlog_vkey_parse(h.vkey, &s->log, NULL));
		tlog_vkey_logid(&s->log, s->log_id);
	}
	return fd;
}

/* ---- what people sign ---- */

static struct buf
signed_by(const struct ssh_priv *k, const char *ns, struct span text)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSHSIG_MAX);
	struct buf b = { NULL, 0 };

	NEED(sshsig_make(k, ns, text, &w));
	NEED(wr_take(&w, &b));
	return b;
}

/* That the key to be certified is there. */
static struct buf
possession(const struct ssh_priv *subject, const struct request *q,
    struct span text)
{
	JIT_DONE(wr_done) struct wr csr = WR_INIT(X509_CSR_MAX);
	struct buf b = { NULL, 0 };

	if (q->kind == KIND_SSH_USER)
		return signed_by(subject, NS_POSSESS, text);
	NEED(csr_put(&csr, subject, span_str(q->id.s), NULL));
	NEED(wr_take(&csr, &b));
	return b;
}

static void
put_request(struct station *s, struct errand *e, struct request *q)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *subject =
	    new_key_of(q->kind == KIND_X509 ? SSH_ECDSA_P256 : SSH_ED25519);
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_MAX);
	char fp[SSH_FP_TEXT];

	ssh_key_fingerprint(ssh_priv_public(subject), fp);
	q->certify_type = span_str(ssh_key_type_name(
	    ssh_priv_public(subject)));
	q->certify = span_str(fp);
	request_put(&w, q);
	NEED(wr_take(&w, &e->text));
	NEED(digest_sha256(BUF_SPAN(e->text), &e->digest));

	JIT_DONE(buf_done) struct buf by = signed_by(s->user[e->who],
	    NS_REQUEST, BUF_SPAN(e->text));
	JIT_DONE(buf_done) struct buf own = possession(subject, q,
	    BUF_SPAN(e->text));

	e->request = station_frame(&(struct ask){ .op = OP_REQUEST,
	    .text = BUF_SPAN(e->text), .sig = BUF_SPAN(by),
	    .possess = BUF_SPAN(own) });
}

void
station_errand(struct station *s, unsigned who, dur_s opens_in, dur_s life,
    struct errand *e)
{
	struct rng rng = rand_system();
	struct request q = { .log = span_str(s->log_id) };
	struct request_store store;
	char name[8];

	*e = (struct errand){ .who = who };
	(void)snprintf(name, sizeof(name), "u%02u", who % 100);
	q.requester = span_str(name);
	NEED(ulid_make(sys_wall_ms(), &rng, &q.id));
	NEED(policy_fill_request(s->policy, span_str(s->x509 ? "leaf" :
	    "app"), &q, &store, NULL));
	q.created = sys_wall();
	q.opens = q.created + opens_in;
	q.closes = q.opens + 1800;
	q.duration = life;
	NEED(rng_fill(&rng, e->secret, sizeof(e->secret)));
	NEED(digest_sha256(SPAN(e->secret, 32), &q.collect));
	q.reason = span_str(s->reason != NULL ? s->reason : "an errand");
	e->id = q.id;
	put_request(s, e, &q);
	e->collect = station_frame(&(struct ask){ .op = OP_COLLECT,
	    .id = q.id, .secret = SPAN(e->secret, 32) });
}

void
errand_done(struct errand *e)
{
	buf_done(&e->text);
	buf_done(&e->request);
	buf_done(&e->collect);
}

struct buf
station_decision(struct station *s, const struct errand *e, unsigned boss,
    bool approve)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(DECISION_MAX);
	char name[4] = { 'b', (char)('0' + boss), '\0' };
	const struct decision d = { .log = span_str(s->log_id),
	    .verdict = approve ? VERDICT_APPROVE : VERDICT_DENY,
	    .approver = span_str(name), .decided = sys_wall(),
	    .request = e->id, .request_text = BUF_SPAN(e->text) };

	decision_put(&w, &d);
	NEED(w.err);

	JIT_DONE(buf_done) struct buf sig = signed_by(s->boss[boss],
	    NS_DECISION, wr_view(&w));

	return station_frame(&(struct ask){ .op = OP_DECISION,
	    .text = wr_view(&w), .sig = BUF_SPAN(sig) });
}

struct buf
station_act(struct station *s, const struct errand *e, bool drop)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ACT_MAX);
	char name[8];
	struct act a = { .kind = drop ? ACT_DROP : ACT_CANCEL,
	    .log = span_str(s->log_id), .at = sys_wall(), .request = e->id,
	    .digest = e->digest };

	(void)snprintf(name, sizeof(name), "u%02u", e->who % 100);
	a.by = span_str(name);
	act_put(&w, &a);
	NEED(w.err);

	JIT_DONE(buf_done) struct buf sig = signed_by(s->user[e->who],
	    act_namespace(a.kind), wr_view(&w));

	return station_frame(&(struct ask){ .op = drop ? OP_DROP : OP_CANCEL,
	    .text = wr_view(&w), .sig = BUF_SPAN(sig) });
}
