#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/loop/loop.h"

#define EVENTS 64		/* looked at in one round */
#define ALWAYS (EPOLLERR | EPOLLHUP)

struct watch {
	struct loop *loop;
	struct watch *next, **prev;
	int fd;			/* the caller's */
	uint32_t events;
	bool dead;		/* unwatched in this round */
	void (*fn)(void *arg, uint32_t events);
	void *arg;
};

/*
 * Timers stand in a ring, earliest first.  Its head is a timer that is never
 * called; head.prev is the last one's next, so that who sets one can look
 * from the end, where most go.  prev is always the next of a timer.
 */
struct loop {
	int epoll;
	int64_t ms;
	bool in_round, stop;
	struct watch *watches;
	struct watch *dead;	/* freed after the round */
	struct timer timers, due;
};

static void
ring_init(struct timer *head)
{
	*head = (struct timer){ .next = head, .prev = &head->next };
}

static void
ring_put_after(struct timer *before, struct timer *t)
{
	t->next = before->next;
	t->prev = &before->next;
	t->next->prev = &t->next;
	before->next = t;
}

static struct timer *
timer_before(const struct timer *t)
{
	return (struct timer *)(void *)((char *)t->prev -
	    offsetof(struct timer, next));
}

enum jit_err
loop_new(struct loop **ret, struct jit_why *why)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return JIT_E_NOMEM;
	if ((l->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) {
		free(l);
		return jit_fail(why, JIT_E_IO, "epoll: %s", strerror(errno));
	}
	l->ms = sys_mono_ms();
	ring_init(&l->timers);
	ring_init(&l->due);
	*ret = l;
	return JIT_OK;
}

static void
bury(struct loop *l)
{
	struct watch *w;

	while ((w = l->dead) != NULL) {
		l->dead = w->next;
		free(w);
	}
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	while (l->watches != NULL)
		loop_unwatch(l->watches);
	bury(l);
	while (l->timers.next != &l->timers)
		timer_stop(l->timers.next);
	(void)close(l->epoll);
	free(l);
}

int64_t
loop_ms(const struct loop *l)
{
	return l->ms;
}

/* ---- descriptors ---- */

static enum jit_err
control(struct watch *w, int what, uint32_t events, struct jit_why *why)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (epoll_ctl(w->loop->epoll, what, w->fd, &ev) != 0)
		return jit_fail(why, JIT_E_IO, "epoll, descriptor %d: %s",
		    w->fd, strerror(errno));
	w->events = events;
	return JIT_OK;
}

enum jit_err
loop_watch(struct loop *l, int fd, uint32_t events,
    void (*fn)(void *arg, uint32_t events), void *arg, struct watch **ret,
    struct jit_why *why)
{
	JIT_SCOPED(free) struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return JIT_E_NOMEM;
	*w = (struct watch){ .loop = l, .fd = fd, .fn = fn, .arg = arg };
	JIT_TRY(control(w, EPOLL_CTL_ADD, events, why));
	if ((w->next = l->watches) != NULL)
		w->next->prev = &w->next;
	w->prev = &l->watches;
	l->watches = w;
	*ret = w;
	w = NULL;
	return JIT_OK;
}

enum jit_err
watch_events(struct watch *w, uint32_t events, struct jit_why *why)
{
	return events == w->events ? JIT_OK :
	    control(w, EPOLL_CTL_MOD, events, why);
}

void
loop_unwatch(struct watch *w)
{
	struct loop *l;

	if (w == NULL)
		return;
	l = w->loop;
	(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	if ((*w->prev = w->next) != NULL)
		w->next->prev = w->prev;
	/* This round's events may still point at it. */
	w->dead = true;
	w->next = l->dead;
	l->dead = w;
	if (!l->in_round)
		bury(l);
}

/* ---- timers ---- */

void
timer_set(struct loop *l, struct timer *t, int64_t at)
{
	struct timer *before;

	timer_stop(t);
	t->at = at;
	before = timer_before(&l->timers);
	while (before != &l->timers && before->at > at)
		before = timer_before(before);
	ring_put_after(before, t);
}

void
timer_stop(struct timer *t)
{
	if (t->prev == NULL)
		return;
	*t->prev = t->next;
	t->next->prev = t->prev;
	t->next = NULL;
	t->prev = NULL;
}

/*
 * Those that are due now go aside first: what they set anew waits for the
 * next round, and each may stop the others.
 */
static void
run_timers(struct loop *l)
{
	struct timer *t;

	while ((t = l->timers.next) != &l->timers && t->at <= l->ms) {
		timer_stop(t);
		ring_put_after(timer_before(&l->due), t);
	}
	while ((t = l->due.next) != &l->due) {
		timer_stop(t);
		t->fn(t->arg);
	}
}

/* ---- rounds ---- */

/* ms, or less when a timer is due before. */
static int
patience(const struct loop *l, int ms)
{
	int64_t left;

	if (l->timers.next == &l->timers)
		return ms < 0 ? -1 : ms;
	left = l->timers.next->at - sys_mono_ms();
	if (left < 0)
		left = 0;
	if (ms >= 0 && left > ms)
		return ms;
	return left > INT_MAX ? INT_MAX : (int)left;
}

enum jit_err
loop_once(struct loop *l, int ms, struct jit_why *why)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(l->epoll, ev, EVENTS, patience(l, ms));

	if (n < 0 && errno != EINTR)
		return jit_fail(why, JIT_E_IO, "epoll: %s", strerror(errno));
	l->ms = sys_mono_ms();
	l->in_round = true;
	for (int i = 0; i < n; i++) {
		struct watch *w = ev[i].data.ptr;
		/* Another callback may have turned some of it off. */
		uint32_t e = ev[i].events & (w->events | ALWAYS);

		if (!w->dead && e != 0)
			w->fn(w->arg, e);
	}
	run_timers(l);
	l->in_round = false;
	bury(l);
	return JIT_OK;
}

enum jit_err
loop_run(struct loop *l, struct jit_why *why)
{
	while (!l->stop)
		JIT_TRY(loop_once(l, -1, why));
	l->stop = false;
	return JIT_OK;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}
