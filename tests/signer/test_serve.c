/*
 * serve: the loop with real requests: who waits is woken, who waits too often
 * is told so, what came together is logged together, and a stop leaves nobody
 * without an answer.  The daemon runs in a child, without its jail.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/serve.h"
#include "signer/wall.h"
#include "tests/signer/rig.h"

struct site {
	struct rig r;			/* its world only */
	char home[4096], sock[4096];
	pid_t pid;
};

/* ---- the child ---- */

static void
tell_ready(void *arg)
{
	const int *fd = arg;

	assert_int_equal(write(*fd, "r", 1), 1);
}

static void
daemon_main(struct site *s, int ready)
{
	const struct home_policy none = HOME_POLICY_INIT;
	struct store_config sc = { .vkey = &s->r.w.log,
	    .ca = { 1, { s->r.w.key[K_CA] } }, .log = s->r.w.key[K_LOG],
	    .rng = &s->r.w.rng };
	struct serve_config c = { .policy = &none, .first = s->r.w.policy };
	struct jit_why why = { 0 };
	int null = open("/dev/null", O_WRONLY);
	enum jit_err e;

	/* A test that fails leaves nobody behind. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_setup("test", null, LOG_L_DEBUG, wall_s);
	sc.home = open(s->home, O_RDONLY | O_DIRECTORY);
	if (store_create(&sc, &c.store, &why) != JIT_OK ||
	    turn_genesis(store_turn(c.store), s->r.w.policy, &s->r.w.ca, wall_s(),
	    &why) != JIT_OK || serve_signals(&c.signals, &why) != JIT_OK ||
	    sys_listen(s->sock, 0600, NULL, &c.listener, &why) != JIT_OK) {
		(void)fprintf(stderr, "%s\n", why.msg);
		_exit(3);
	}
	e = serve_run(&c, tell_ready, &ready, &why);
	if (e != JIT_OK) {
		(void)fprintf(stderr, "%s\n", jit_why_text(&why, e));
		_exit(4);
	}
	if (store_behind(c.store) != 0)
		_exit(5);
	store_close(c.store);
	_exit(0);
}

static void
begin(struct site *s)
{
	static int n;
	char byte, offset[32];
	int ready[2];

	*s = (struct site){ .pid = -1 };
	/* The world's clock stands; the daemon's begins there. */
	(void)snprintf(offset, sizeof(offset), "%lld",
	    (long long)(WORLD_NOW - (utc_s)time(NULL)));
	assert_int_equal(setenv("JIT_TEST_CLOCK_OFFSET", offset, 1), 0);
	world_init(&s->r.w);
	(void)snprintf(s->home, sizeof(s->home), "%s/home%d", jt_tmpdir(), n);
	(void)snprintf(s->sock, sizeof(s->sock), "%s/sock%d", jt_tmpdir(),
	    n++);
	assert_int_equal(mkdir(s->home, 0700), 0);
	assert_int_equal(pipe(ready), 0);
	if ((s->pid = fork()) == 0)
		daemon_main(s, ready[1]);
	assert_true(s->pid > 0);
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
}

static void
end(struct site *s)
{
	int status = -1;

	assert_int_equal(kill(s->pid, SIGTERM), 0);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_int_equal(status, 0);
	world_done(&s->r.w);
}

/* ---- a client ---- */

static void
put_all(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		assert_true(n > 0);
		s.p += n;
		s.n -= (size_t)n;
	}
}

static void
get_all(int fd, void *p, size_t n)
{
	for (size_t have = 0; have < n;) {
		ssize_t got = read(fd, (char *)p + have, n - have);

		assert_true(got > 0);
		have += (size_t)got;
	}
}

static void
send_ask(int fd, const struct ask *a)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 17);

	ask_put(&w, a);
	JT_OK(w.err);
	put_all(fd, wr_view(&w));
}

/* Its frame is owned by *keep; ret borrows. */
static void
receive(int fd, struct buf *keep, struct answer *ret)
{
	uint8_t head[4];
	struct rd r;

	get_all(fd, head, sizeof(head));
	r = rd_of(SPAN(head, sizeof(head)));
	buf_done(keep);
	keep->n = rd_u32(&r);
	assert_true(keep->n <= PROTO_ANSWER_MAX);
	keep->p = malloc(keep->n);
	assert_non_null(keep->p);
	get_all(fd, keep->p, keep->n);
	JT_OK(answer_get(BUF_SPAN(*keep), ret));
}

static enum jit_err
ask(int fd, const struct ask *a)
{
	JIT_DONE(buf_done) struct buf keep = { NULL, 0 };
	struct answer ans;

	send_ask(fd, a);
	receive(fd, &keep, &ans);
	assert_int_equal(ans.tag, a->tag);
	return ans.err;
}

/* Within ms something comes. */
static bool
comes(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, ms) == 1;
}

static int
greeted(const struct site *s)
{
	const struct ask hello = { .op = OP_HELLO, .tag = 1,
	    .version = PROTO_VERSION };
	struct jit_why why = { 0 };
	int fd = -1;

	JT_WHY(sys_connect(s->sock, 5000, &fd, &why), JIT_OK, &why);
	JT_OK(sys_set_nonblock(fd, false, &why));
	JT_OK(ask(fd, &hello));
	return fd;
}

static uint64_t
size_now(const struct site *s, int fd)
{
	const struct ask a = { .op = OP_CHECKPOINT, .tag = 5 };
	JIT_DONE(buf_done) struct buf keep = { NULL, 0 };
	struct answer ans;
	struct grown g;
	struct checkpoint c;

	send_ask(fd, &a);
	receive(fd, &keep, &ans);
	JT_OK(ans.err);
	JT_OK(grown_get(ans.payload, &g, NULL));
	JT_OK(checkpoint_open(g.note, &s->r.w.log, &c, NULL));
	return c.size;
}

static void
request(struct site *s, int fd, struct draft *d)
{
	JIT_DONE(mail_done) struct mail m = { .text = { NULL, 0 } };

	world_draft(&s->r.w, "prod-db", K_ALICE, d);
	rig_mail_request(&s->r, d, K_ALICE, &m);
	JT_OK(ask(fd, &m.ask));
}

static void
decide(struct site *s, int fd, const struct draft *d, enum world_key who)
{
	JIT_DONE(mail_done) struct mail m = { .text = { NULL, 0 } };

	rig_mail_decision(&s->r, d, VERDICT_APPROVE, who, &m);
	JT_OK(ask(fd, &m.ask));
}

static struct ask
wait_for(const struct draft *d, uint64_t since, uint32_t ms, uint32_t tag)
{
	return (struct ask){ .op = OP_WAIT, .tag = tag, .id = d->req.id,
	    .from = since, .max = ms };
}

/* ---- the tests ---- */

static void
woken(void **state)
{
	JIT_DONE(buf_done) struct buf keep = { NULL, 0 };
	struct site s;
	struct draft d;
	struct answer ans;
	struct ask w;
	int one, two;
	int64_t at;

	(void)state;
	begin(&s);
	one = greeted(&s);
	two = greeted(&s);
	request(&s, one, &d);
	w = wait_for(&d, size_now(&s, one), 20000, 9);
	send_ask(two, &w);
	assert_false(comes(two, 200));
	/* Something else happens: not our business. */
	{
		struct draft other;

		request(&s, one, &other);
	}
	assert_false(comes(two, 200));
	decide(&s, one, &d, K_BOB);
	assert_true(comes(two, 2000));
	receive(two, &keep, &ans);
	JT_OK(ans.err);
	assert_int_equal(ans.op, OP_WAIT);
	assert_int_equal(ans.tag, 9);
	/* Nothing happens: told when the time is up. */
	w = wait_for(&d, size_now(&s, one), 300, 10);
	at = sys_mono_ms();
	JT_OK(ask(two, &w));
	at = sys_mono_ms() - at;
	assert_true(at >= 290 && at < 3000);
	(void)close(one);
	(void)close(two);
	end(&s);
}

static void
too_many_waits(void **state)
{
	JIT_DONE(buf_done) struct buf keep = { NULL, 0 };
	struct site s;
	struct draft d;
	struct answer ans;
	uint64_t since;
	int one, two;

	(void)state;
	begin(&s);
	one = greeted(&s);
	two = greeted(&s);
	request(&s, one, &d);
	since = size_now(&s, one);
	for (uint32_t i = 0; i < SERVE_UID_WAITS + 1; i++) {
		const struct ask w = wait_for(&d, since, 20000, i);

		send_ask(two, &w);
	}
	assert_true(comes(two, 2000));
	receive(two, &keep, &ans);
	JT_WHY(ans.err, JIT_E_BUSY, &ans.why);
	assert_int_equal(ans.tag, SERVE_UID_WAITS);
	assert_false(comes(two, 100));
	/* Who hangs up waits no more. */
	(void)close(two);
	two = greeted(&s);
	for (uint32_t i = 0; i < SERVE_UID_WAITS; i++) {
		const struct ask w = wait_for(&d, since, 20000, i);

		send_ask(two, &w);
	}
	assert_false(comes(two, 200));
	/* A stop tells all of them. */
	assert_int_equal(kill(s.pid, SIGTERM), 0);
	for (uint32_t i = 0; i < SERVE_UID_WAITS; i++) {
		receive(two, &keep, &ans);
		JT_OK(ans.err);
	}
	(void)close(one);
	(void)close(two);
	{
		int status = -1;

		assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
		assert_int_equal(status, 0);
	}
	world_done(&s.r.w);
}

/* One who follows the log, beside waits; its own limit is that of waits. */
static void
followed(void **state)
{
	JIT_DONE(buf_done) struct buf keep = { NULL, 0 };
	struct ask f = { .op = OP_FOLLOW, .tag = 3, .max = 10, .ms = 20000 };
	struct followed got;
	struct answer ans;
	struct draft d;
	struct site s;
	int one, two;
	int64_t at;

	(void)state;
	begin(&s);
	one = greeted(&s);
	two = greeted(&s);
	f.from = size_now(&s, one);
	send_ask(two, &f);
	assert_false(comes(two, 200));
	request(&s, one, &d);
	assert_true(comes(two, 2000));
	receive(two, &keep, &ans);
	JT_OK(ans.err);
	JT_OK(follow_get(ans.payload, &got, NULL));
	assert_true(ans.tag == 3 && got.page.first == f.from &&
	    got.page.count == 1 && got.state == SIGNER_OK);
	/* Nothing happens: told when the time is up. */
	f.from++;
	f.ms = 300;
	at = sys_mono_ms();
	JT_OK(ask(two, &f));
	at = sys_mono_ms() - at;
	assert_true(at >= 290 && at < 3000);
	f.ms = 20000;
	for (f.tag = 0; f.tag <= SERVE_UID_WAITS; f.tag++)
		send_ask(two, &f);
	assert_true(comes(two, 2000));
	receive(two, &keep, &ans);
	JT_WHY(ans.err, JIT_E_BUSY, &ans.why);
	(void)close(one);
	(void)close(two);
	end(&s);
}

/* A client that saw more freezes it: who follows is told of that. */
static void
followed_to_the_ice(void **state)
{
	JIT_DONE(buf_done) struct buf keep = { NULL, 0 };
	JIT_DONE(wr_done) struct wr note = WR_INIT(TLOG_NOTE_MAX);
	const struct checkpoint more = { .size = 1000 };
	struct ask f = { .op = OP_FOLLOW, .tag = 3, .max = 10, .ms = 20000 };
	struct ask hello = { .op = OP_HELLO, .tag = 1,
	    .version = PROTO_VERSION };
	struct jit_why why = { 0 };
	struct followed got;
	struct answer ans;
	struct site s;
	int one, two = -1;

	(void)state;
	begin(&s);
	one = greeted(&s);
	f.from = size_now(&s, one);
	send_ask(one, &f);
	assert_false(comes(one, 100));
	JT_OK(checkpoint_sign(&note, &more, &s.r.w.log, s.r.w.key[K_LOG]));
	hello.note = wr_view(&note);
	JT_WHY(sys_connect(s.sock, 5000, &two, &why), JIT_OK, &why);
	JT_OK(sys_set_nonblock(two, false, &why));
	JT_ERR(ask(two, &hello), JIT_E_ROLLBACK);
	assert_true(comes(one, 2000));
	receive(one, &keep, &ans);
	JT_OK(follow_get(ans.payload, &got, NULL));
	assert_true(got.state == SIGNER_FROZEN && got.page.count == 0);
	(void)close(one);
	(void)close(two);
	end(&s);
}

static void
collected(void **state)
{
	JIT_DONE(mail_done) struct mail m = { .text = { NULL, 0 } };
	struct site s;
	struct draft d;
	uint64_t size;
	int fd;

	(void)state;
	begin(&s);
	fd = greeted(&s);
	request(&s, fd, &d);
	rig_mail_collect(&d, &m);
	JT_ERR(ask(fd, &m.ask), JIT_E_PENDING);
	decide(&s, fd, &d, K_BOB);
	decide(&s, fd, &d, K_CAROL);
	JT_OK(ask(fd, &m.ask));
	size = size_now(&s, fd);
	JT_OK(ask(fd, &m.ask));
	assert_true(size_now(&s, fd) == size);
	(void)close(fd);
	end(&s);
}

/* Sent in one piece, and the last is cut: the whole ones count. */
static void
together(void **state)
{
	enum { N = 8 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	JIT_DONE(buf_done) struct buf keep = { NULL, 0 };
	struct site s;
	uint64_t size;
	uint32_t seen = 0;
	int fd, other;

	(void)state;
	begin(&s);
	fd = greeted(&s);
	other = greeted(&s);
	size = size_now(&s, other);
	for (uint32_t i = 0; i < N; i++) {
		JIT_DONE(mail_done) struct mail m = { .text = { NULL, 0 } };
		struct draft d;

		world_draft(&s.r.w, "prod-db", K_ALICE, &d);
		rig_mail_request(&s.r, &d, K_ALICE, &m);
		m.ask.tag = i;
		ask_put(&w, &m.ask);
	}
	JT_OK(w.err);
	put_all(fd, wr_view(&w));
	for (int i = 0; i < N; i++) {
		struct answer ans;

		receive(fd, &keep, &ans);
		JT_OK(ans.err);
		seen |= (uint32_t)1 << ans.tag;
	}
	assert_int_equal(seen, (1u << N) - 1);
	assert_true(size_now(&s, other) == size + N);
	/* The same again, all but its last byte, and gone. */
	put_all(fd, SPAN(w.p, w.n - 1));
	(void)close(fd);
	assert_true(size_now(&s, other) == size + N);
	(void)close(other);
	end(&s);
}

int
main(void)
{
	return jt_one("a wait is woken, or told in time", woken) +
	    jt_one("too many waits, and a stop", too_many_waits) +
	    jt_one("the log is followed", followed) +
	    jt_one("followed when it freezes", followed_to_the_ice) +
	    jt_one("collected, and again", collected) +
	    jt_one("many frames in one piece", together);
}
