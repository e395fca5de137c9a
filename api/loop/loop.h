/*
 * loop - the one event loop of jit-certd: descriptors, timers, later calls.
 *
 * One thread, epoll, level-triggered.  Callbacks may add and remove anything,
 * themselves included; what is removed is not called any more, not even for
 * what was there already.  They must not go round the loop themselves, nor
 * free it.  The clock is sys_mono_ms(), read once a round, after the wait;
 * tests and the daemon share it through loop_ms().  In a round descriptors
 * come first, so that an answer that is there is taken before its time is
 * called over; then the timers that are due, earliest first.
 */
#ifndef JIT_API_LOOP_LOOP_H
#define JIT_API_LOOP_LOOP_H

#include <sys/epoll.h>

#include "ca/base/sys.h"

struct loop;
struct watch;			/* a descriptor that is watched */

/* Returns owned.  JIT_E_IO, JIT_E_NOMEM. */
enum jit_err loop_new(struct loop **ret, struct jit_why *why);
/* Watches that are left are freed with it, timers that are set stopped. */
void loop_free(struct loop *l);
JIT_SCOPED_PTR(struct loop, loop_free);

/* ms of this round. */
int64_t loop_ms(const struct loop *l);

/*
 * Call fn(arg, events) whenever one of events (EPOLLIN ...; EPOLLERR and
 * EPOLLHUP always, so that who gets them unwatches or goes round and round)
 * is there.  fd stays the caller's, and open until it is unwatched.  *ret is
 * the loop's, until loop_unwatch().  JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err loop_watch(struct loop *l, int fd, uint32_t events,
    void (*fn)(void *arg, uint32_t events), void *arg, struct watch **ret,
    struct jit_why *why);
/* Other events from now on; 0: none but those.  JIT_E_IO. */
enum jit_err watch_events(struct watch *w, uint32_t events,
    struct jit_why *why);
void loop_unwatch(struct watch *w);	/* NULL is fine */

/*
 * A moment to be called at, once; memory of the caller's, zero before its
 * use.  A moment that is over, loop_ms() too: called with the next timers
 * that are looked at, never within timer_set() and not in the round of the
 * timer that sets it.  Same moments: in the order in which they were set.
 */
struct timer {
	int64_t at;
	void (*fn)(void *arg);
	void *arg;
	struct timer *next, **prev;	/* prev NULL: not set */
};
/* Set, or set anew (in fn as well).  fn and arg are filled in before. */
void timer_set(struct loop *l, struct timer *t, int64_t at);
void timer_stop(struct timer *t);	/* fine when it is not set */

/*
 * Go round until loop_stop(); the round in which it is called is finished.
 * Stopped before: returns at once, and may be run again.  JIT_E_IO.
 */
enum jit_err loop_run(struct loop *l, struct jit_why *why);
void loop_stop(struct loop *l);
/*
 * One round, waiting at most ms (-1: without end) for something to happen.
 * JIT_E_IO.
 */
enum jit_err loop_once(struct loop *l, int ms, struct jit_why *why);

#endif
