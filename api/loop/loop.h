/*
 * loop - the one event loop of jit-certd: descriptors, timers, later calls.
 *
 * One thread, epoll, level-triggered.  Callbacks may add and remove anything,
 * themselves included.  The clock is sys_mono_ms(), read once a round; tests
 * and the daemon share it through loop_ms().
 */
#ifndef JIT_API_LOOP_LOOP_H
#define JIT_API_LOOP_LOOP_H

#include <sys/epoll.h>

#include "ca/base/sys.h"

struct loop;
struct watch;			/* a descriptor that is watched */

/* JIT_E_IO, JIT_E_NOMEM. */
enum jit_err loop_new(struct loop **ret, struct jit_why *why);
void loop_free(struct loop *l);
JIT_SCOPED_PTR(struct loop, loop_free);

/* ms of this round. */
int64_t loop_ms(const struct loop *l);

/*
 * Call fn(arg, events) whenever one of events (EPOLLIN ...; EPOLLERR and
 * EPOLLHUP always) is there.  fd stays the caller's, and open until it is
 * unwatched.  JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err loop_watch(struct loop *l, int fd, uint32_t events,
    void (*fn)(void *arg, uint32_t events), void *arg, struct watch **ret,
    struct jit_why *why);
enum jit_err watch_events(struct watch *w, uint32_t events,
    struct jit_why *why);
void loop_unwatch(struct watch *w);	/* NULL is fine */

/* A moment to be called at; memory of the caller's, zero before its use. */
struct timer {
	int64_t at;
	void (*fn)(void *arg);
	void *arg;
	struct timer *next, **prev;	/* prev NULL: not set */
};
/* Set, or set anew.  fn and arg are filled in by the caller. */
void timer_set(struct loop *l, struct timer *t, int64_t at);
void timer_stop(struct timer *t);	/* fine when it is not set */

/* Go round until loop_stop().  JIT_E_IO. */
enum jit_err loop_run(struct loop *l, struct jit_why *why);
void loop_stop(struct loop *l);
/* One round, waiting at most ms for something to happen. */
enum jit_err loop_once(struct loop *l, int ms, struct jit_why *why);

#endif
