#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/report.h"
#include "signer/serve_int.h"
#include "signer/wall.h"

#define EVENTS 64		/* looked at in one round */
#define LINGER_MS 2000		/* for the last answers */

void
tasks_init(struct tasks *q)
{
	*q = (struct tasks){ .first = NULL };
	q->last = &q->first;
}

void
tasks_put(struct tasks *q, struct task *t)
{
	t->next = NULL;
	*q->last = t;
	q->last = &t->next;
	q->n++;
}

static struct task *
tasks_get(struct tasks *q)
{
	struct task *t = q->first;

	if (t == NULL)
		return NULL;
	if ((q->first = t->next) == NULL)
		q->last = &q->first;
	q->n--;
	return t;
}

/* ---- signals ---- */

enum jit_err
serve_signals(int *ret, struct jit_why *why)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return jit_fail(why, JIT_E_IO, "cannot take signals");
	*ret = fd;
	return JIT_OK;
}

static void
take_signals(struct serve *s)
{
	struct signalfd_siginfo i;

	while (read(s->c.signals, &i, sizeof(i)) == (ssize_t)sizeof(i)) {
		if (i.ssi_signo == SIGHUP) {
			s->reload = true;
			continue;
		}
		if (!s->stopping)
			log_line(LOG_L_INFO, "stopping", LOG_STR("signal",
			    i.ssi_signo == SIGINT ? "INT" : "TERM"));
		s->stopping = true;
		serve_listen(s, false);
	}
}

/* ---- time ---- */

/* Frozen by what happened in this round: said once, kept on disk. */
static void
note_frozen(struct serve *s, const struct jit_why *why)
{
	struct jit_why failed = { 0 };
	enum jit_err e;

	if (!turn_frozen(s->turn)->is)
		return;
	if (!s->told_frozen)
		report_frozen(turn_frozen(s->turn), why);
	e = store_keep_frozen(s->c.store, &failed);
	/* Tried again with the next turn. */
	if (e != JIT_OK && !s->told_frozen)
		log_line(LOG_L_ERROR, "frozen-not-kept", LOG_CODE(e),
		    LOG_WHY(&failed));
	s->told_frozen = true;
}

enum jit_err
serve_now(struct serve *s, utc_s *now)
{
	int64_t wall = wall_ms(), boot = sys_boot_ms();
	utc_s newest = ledger_time(turn_ledger(s->turn));
	struct jit_why why = { 0 };

	if (clock_guard_look(&s->guard, wall, boot, newest, now, &why) ==
	    JIT_OK)
		return JIT_OK;
	*now = clock_guard_sober(&s->guard, wall, boot, newest);
	JIT_TRY(turn_freeze(s->turn, RECOVERY_CLOCK, SPAN_NONE));
	note_frozen(s, &why);
	return JIT_OK;
}

static enum jit_err
take_time(void *arg, const struct entry *e)
{
	*(utc_s *)arg = e->time;
	return JIT_OK;
}

/*
 * Admins said that the clock is right although the newest entry is ahead of
 * it: as long as nothing later than their recovery is in the log, the start
 * is not held against the clock.
 */
static enum jit_err
begin_clock(struct serve *s, struct jit_why *why)
{
	const struct ledger *l = turn_ledger(s->turn);
	uint64_t at = ledger_recovery(l);
	utc_s then = -1;

	if (at == 0)
		return JIT_OK;
	JIT_TRY(journal_read(store_journal(s->c.store), at, 1, take_time,
	    &then, why));
	if (then == ledger_time(l))
		clock_guard_reset(&s->guard, wall_ms(), sys_boot_ms());
	return JIT_OK;
}

/* ---- policy ---- */

/* Put p in force.  What refuses it is reported, and the old one stays. */
static enum jit_err
use_policy(struct serve *s, const struct policy *p, struct jit_why *why)
{
	utc_s now = 0;
	enum jit_err e;

	JIT_TRY(serve_now(s, &now));
	e = turn_policy(s->turn, p, now, why);
	if (e == JIT_E_LOGNAME || e == JIT_E_FULL || e == JIT_E_FROZEN) {
		log_line(LOG_L_ERROR, "policy-refused", LOG_CODE(e),
		    LOG_WHY(why));
		return JIT_OK;
	}
	return e;
}

static void
tell_policy(const struct serve *s)
{
	const struct ledger *l = turn_ledger(s->turn);
	char text[DIGEST_TEXT] = "-";
	struct digest d;

	if (policy_digest(ledger_policy(l), &d) == JIT_OK)
		digest_text(&d, text);
	log_line(LOG_L_INFO, "policy", LOG_STR("digest", text),
	    LOG_NUM("entry", ledger_policy_index(l)));
}

static enum jit_err
reload(struct serve *s, struct jit_why *why)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL;
	enum jit_err e = home_load_policy(s->c.policy->dir,
	    s->c.policy->name, &p, why);

	s->reload = false;
	if (e == JIT_E_NOMEM)
		return e;
	if (e != JIT_OK) {
		log_line(LOG_L_ERROR, "policy-refused", LOG_CODE(e),
		    LOG_WHY(why));
		return JIT_OK;
	}
	JIT_TRY(use_policy(s, p, why));
	tell_policy(s);
	s->news = true;
	return JIT_OK;
}

/* ---- the turn ---- */

static enum jit_err
reserve_batch(struct serve *s, size_t n)
{
	struct task **v;

	if (n <= s->cap_batch)
		return JIT_OK;
	if ((v = realloc(s->batch, n * sizeof(*v))) == NULL)
		return JIT_E_NOMEM;
	s->batch = v;
	s->cap_batch = n;
	return JIT_OK;
}

/*
 * What this turn is about: all that may be logged, and of what is only read
 * as much as leaves room for its answers.
 */
static size_t
gather(struct serve *s)
{
	size_t n = 0, reads = s->reads.n, taken = 0;
	struct task *t;

	while ((t = tasks_get(&s->ready)) != NULL)
		s->batch[n++] = t;
	s->more = false;
	for (; reads > 0 && s->out <= SERVE_OUT; reads--) {
		const struct conn *c;

		if (taken == SERVE_READS) {
			s->more = true;
			break;
		}
		t = tasks_get(&s->reads);
		c = t->owner;
		if (c->state == CONN_DEAD) {
			serve_drop(t);
		} else if (c->out_bytes > CONN_OUT) {
			tasks_put(&s->reads, t);
		} else {
			s->batch[n++] = t;
			taken++;
		}
	}
	return n;
}

static enum jit_err
settle(struct serve *s, struct task *t, int64_t ms)
{
	const struct conn *c = t->owner;

	if (!t->parked) {
		report_task(t, s->answered, c->uid);
		return serve_deliver(s, t, ms);
	}
	if (!serve_orphan(t))
		return serve_park(s, t, ms);
	serve_drop(t);
	return JIT_OK;
}

static enum jit_err
run_turn(struct serve *s, int64_t ms, struct jit_why *why)
{
	size_t n;
	utc_s now = 0;

	JIT_TRY(reserve_batch(s, s->ready.n + SERVE_READS));
	if ((n = gather(s)) == 0)
		return JIT_OK;
	JIT_TRY(serve_now(s, &now));
	JIT_TRY(turn_run(s->turn, s->batch, n, now, why));
	/* Before anybody is told of it. */
	note_frozen(s, NULL);
	for (size_t i = 0; i < n; i++)
		JIT_TRY(settle(s, s->batch[i], ms));
	return JIT_OK;
}

/* ---- when the answers have left ---- */

static void
snapshot(struct serve *s, int64_t ms)
{
	struct jit_why why = { 0 };
	enum jit_err e = store_snapshot(s->c.store, &why);

	/* The journal has all of it: the next start takes longer. */
	if (e != JIT_OK)
		log_line(LOG_L_WARN, "snapshot-failed", LOG_CODE(e),
		    LOG_WHY(&why));
	else
		log_line(LOG_L_DEBUG, "snapshot", LOG_NUM("size",
		    ledger_size(turn_ledger(s->turn))));
	s->snapshot_at = ms + SERVE_SNAPSHOT_MS;
}

static void
tidy(struct serve *s, int64_t ms)
{
	struct jit_why why = { 0 };
	enum jit_err e = store_flush(s->c.store, &why);

	if (e != JIT_OK)
		log_line(LOG_L_WARN, "tiles-not-written", LOG_CODE(e),
		    LOG_WHY(&why));
	if (store_behind(s->c.store) >= SERVE_SNAPSHOT &&
	    ms >= s->snapshot_at)
		snapshot(s, ms);
}

/* ---- the loop ---- */

/*
 * A batch costs a signature, its check and a sync, however many are in it:
 * those that are just being verified are waited for, a moment.
 */
static bool
patient(const struct serve *s, int64_t ms)
{
	return s->verifying > 0 && s->ready.n < SERVE_BATCH &&
	    ms < s->ready_at + SERVE_PATIENCE_MS;
}

static int
timeout(const struct serve *s, int64_t ms)
{
	int64_t until = serve_conn_deadline(s), wait =
	    serve_wait_deadline(s);

	if (s->more || (s->ready.n > 0 && !patient(s, ms)))
		return 0;
	if (s->ready.n > 0)
		return 1;
	if (wait < until)
		until = wait;
	if (!s->listening && !s->stopping && s->listen_at < until)
		until = s->listen_at;
	if (s->stopping && ms + 100 < until)
		until = ms + 100;
	if (until <= ms)
		return 0;
	return until - ms > 60000 ? 60000 : (int)(until - ms);
}

static void
take_verified(struct serve *s)
{
	struct task *t = pool_take(s->pool), *next;

	for (; t != NULL; t = next) {
		next = t->next;
		s->verifying--;
		tasks_put(&s->ready, t);
	}
}

static enum jit_err
take_events(struct serve *s, int64_t ms)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(s->epoll, ev, EVENTS, timeout(s, ms));

	ms = sys_mono_ms();
	for (int i = 0; i < n; i++) {
		void *who = ev[i].data.ptr;

		if (who == s)
			serve_accept(s, ms);
		else if (who == s->pool)
			take_verified(s);
		else if (who == &s->c.signals)
			take_signals(s);
		else
			JIT_TRY(serve_event(s, who, ev[i].events, ms));
	}
	return JIT_OK;
}

static enum jit_err
round_of(struct serve *s, struct jit_why *why)
{
	const struct ledger *l = turn_ledger(s->turn);
	int64_t ms;

	JIT_TRY(take_events(s, sys_mono_ms()));
	ms = sys_mono_ms();
	if (s->reload)
		JIT_TRY(reload(s, why));
	if (s->ready.n > 0 && s->ready_at == 0)
		s->ready_at = ms;
	if (!patient(s, ms)) {
		s->ready_at = 0;
		JIT_TRY(run_turn(s, ms, why));
	}
	if (ledger_size(l) != s->answered || turn_state(s->turn) != s->state) {
		s->answered = ledger_size(l);
		s->state = turn_state(s->turn);
		s->news = true;
	}
	JIT_TRY(serve_wake(s, false, ms));
	serve_sweep(s, ms);
	tidy(s, ms);
	if (!s->listening && !s->stopping && ms >= s->listen_at)
		serve_listen(s, true);
	return JIT_OK;
}

/* What was read whole is done, whoever waits is told how things stand. */
static enum jit_err
finish(struct serve *s, struct jit_why *why)
{
	int64_t ms = sys_mono_ms(), end = ms + LINGER_MS;

	while (s->verifying > 0 || s->ready.n > 0 ||
	    (s->reads.n > 0 && ms < end)) {
		JIT_TRY(round_of(s, why));
		ms = sys_mono_ms();
	}
	JIT_TRY(serve_wake(s, true, ms));
	do {
		serve_sweep(s, ms);
		if (s->out == 0)
			break;
		JIT_TRY(take_events(s, ms));
		ms = sys_mono_ms();
	} while (ms < end);
	if (store_behind(s->c.store) > 0)
		snapshot(s, ms);
	log_line(LOG_L_INFO, "stopped", LOG_NUM("size",
	    ledger_size(turn_ledger(s->turn))));
	return JIT_OK;
}

/* ---- begin and end ---- */

static enum jit_err
watch(struct serve *s, int fd, void *who)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = who };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? JIT_OK :
	    JIT_E_IO;
}

static enum jit_err
begin(struct serve *s, struct jit_why *why)
{
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->reserve = eventfd(0, EFD_CLOEXEC);
	if (s->epoll < 0 || s->reserve < 0)
		return jit_fail(why, JIT_E_IO, "no descriptors are left");
	JIT_TRY(pool_new(0, task_open, &s->pool, why));
	if (watch(s, s->c.signals, &s->c.signals) != JIT_OK ||
	    watch(s, pool_fd(s->pool), s->pool) != JIT_OK)
		return jit_fail(why, JIT_E_IO, "epoll does not work");
	JIT_TRY(begin_clock(s, why));
	/* Frozen from the start: said once. */
	note_frozen(s, NULL);
	JIT_TRY(use_policy(s, s->c.first, why));
	tell_policy(s);
	s->answered = ledger_size(turn_ledger(s->turn));
	s->state = turn_state(s->turn);
	return JIT_OK;
}

static void
drop_all(struct tasks *q)
{
	struct task *t;

	while ((t = tasks_get(q)) != NULL)
		serve_drop(t);
}

static void
end(struct serve *s)
{
	struct conn *c;

	pool_free(s->pool);
	drop_all(&s->ready);
	drop_all(&s->reads);
	drop_all(&s->parked);
	while ((c = s->conns) != NULL) {
		s->conns = c->next;
		conn_free(c);
	}
	free(s->batch);
	sys_close(&s->epoll);
	sys_close(&s->reserve);
}

enum jit_err
serve_run(const struct serve_config *c, void (*ready)(void *arg), void *arg,
    struct jit_why *why)
{
	struct serve s = {
		.c = *c,
		.turn = store_turn(c->store),
		.guard = CLOCK_GUARD_INIT,
		.epoll = -1,
		.reserve = -1,
		.max_conns = c->conns > 0 && c->conns < SERVE_CONNS ?
		    c->conns : SERVE_CONNS,
	};
	enum jit_err e;

	tasks_init(&s.ready);
	tasks_init(&s.reads);
	tasks_init(&s.parked);
	e = begin(&s, why);
	if (e == JIT_OK) {
		ready(arg);
		serve_listen(&s, true);
	}
	while (e == JIT_OK && !s.stopping)
		e = round_of(&s, why);
	if (e == JIT_OK)
		e = finish(&s, why);
	/* After an error nothing is tidied up: the process ends. */
	if (e == JIT_OK)
		end(&s);
	return e;
}
