/*
 * serve_int - what the daemon's files share: serve.c has the loop and the
 * turn, serve_conn.c connections and frames, serve_wait.c who waits.  Inside
 * the signer only.
 */
#ifndef JIT_SIGNER_SERVE_INT_H
#define JIT_SIGNER_SERVE_INT_H

#include "signer/clock.h"
#include "signer/conn.h"
#include "signer/pool.h"
#include "signer/serve.h"

struct tasks {			/* in order */
	struct task *first, **last;
	size_t n;
};

struct serve {
	struct serve_config c;
	struct turn *turn;
	struct pool *pool;
	struct clock_guard guard;
	int epoll, reserve;		/* owned; reserve: to be closed */
	struct conn *conns;		/* dead ones as well, until reaped */
	unsigned n_conns, max_conns;	/* live */
	uint64_t last_id;
	size_t out;			/* bytes of answers that wait */
	unsigned verifying;		/* tasks in the pool */
	int64_t ready_at;		/* since when ready is not empty; 0 */
	struct tasks ready, reads, parked;
	struct task **batch;
	size_t cap_batch;
	bool listening, stopping, reload;
	bool news;			/* for whoever waits, perhaps */
	bool more;		/* reads are left that could be answered */
	bool told_frozen;
	int64_t listen_at, snapshot_at;	/* ms; snapshot_at: not before */
	uint64_t answered;		/* the log's size after the last turn */
	enum signer_state state;	/* and how it was */
};

void tasks_init(struct tasks *q);
void tasks_put(struct tasks *q, struct task *t);

/* ---- serve.c ---- */

/* The time to judge by; freezes when the clock cannot be believed. */
enum jit_err serve_now(struct serve *s, utc_s *now);

/* ---- serve_conn.c ---- */

/* Accept what has come.  Never fails: backs off. */
void serve_accept(struct serve *s, int64_t ms);
void serve_listen(struct serve *s, bool on);
/* What epoll said of c. */
enum jit_err serve_event(struct serve *s, struct conn *c, uint32_t events,
    int64_t ms);
/* Take t's answer to its connection, and t away.  JIT_E_NOMEM. */
enum jit_err serve_deliver(struct serve *s, struct task *t, int64_t ms);
/* A parked or waiting task that nobody is there for any more. */
bool serve_orphan(const struct task *t);
void serve_drop(struct task *t);
/* Write, close what is late, broken or done, forget the dead. */
void serve_sweep(struct serve *s, int64_t ms);
/* When the next connection is late; INT64_MAX: none. */
int64_t serve_conn_deadline(const struct serve *s);

/* ---- serve_wait.c ---- */

/* Park t, or answer it with "busy".  JIT_E_NOMEM. */
enum jit_err serve_park(struct serve *s, struct task *t, int64_t ms);
/* Answer those that have news or whose time is up; all: everybody. */
enum jit_err serve_wake(struct serve *s, bool all, int64_t ms);
int64_t serve_wait_deadline(const struct serve *s);

#endif
