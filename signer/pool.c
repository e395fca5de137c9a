#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "signer/pool.h"

struct queue {
	struct task *first, **last;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t more;		/* in todo, or stop */
	struct queue todo, done;
	bool stop;
	void (*work)(struct task *t);
	int event;
	unsigned n;
	pthread_t thread[POOL_MAX];
};

static void
queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void
queue_put(struct queue *q, struct task *t)
{
	t->next = NULL;
	*q->last = t;
	q->last = &t->next;
}

static struct task *
queue_get(struct queue *q)
{
	struct task *t = q->first;

	if (t != NULL && (q->first = t->next) == NULL)
		q->last = &q->first;
	return t;
}

static void
queue_free(struct queue *q)
{
	struct task *t;

	while ((t = queue_get(q)) != NULL)
		task_free(t);
}

/* A counter that is full says what we want to say anyway. */
static void
ring(int event)
{
	const uint64_t one = 1;
	ssize_t n;

	do
		n = write(event, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

static void *
run(void *arg)
{
	struct pool *p = arg;

	(void)pthread_mutex_lock(&p->lock);
	for (;;) {
		struct task *t;

		while (!p->stop && p->todo.first == NULL)
			(void)pthread_cond_wait(&p->more, &p->lock);
		if (p->stop)
			break;
		t = queue_get(&p->todo);
		(void)pthread_mutex_unlock(&p->lock);
		p->work(t);
		(void)pthread_mutex_lock(&p->lock);
		/* Whoever takes takes all: one ring is enough. */
		if (p->done.first == NULL)
			ring(p->event);
		queue_put(&p->done, t);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

static unsigned
processors(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > POOL_MAX ? POOL_MAX : (unsigned)n;
}

/* Signals are the loop's: the threads begin with all of them blocked. */
static enum jit_err
start(struct pool *p, unsigned n)
{
	sigset_t all, old;
	int e = 0;

	(void)sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &old) != 0)
		return JIT_E_IO;
	while (p->n < n && e == 0)
		if ((e = pthread_create(&p->thread[p->n], NULL, run, p)) == 0)
			p->n++;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return p->n > 0 ? JIT_OK : JIT_E_IO;
}

enum jit_err
pool_new(unsigned n, void (*work)(struct task *t), struct pool **ret,
    struct jit_why *why)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return JIT_E_NOMEM;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->more, NULL);
	queue_init(&p->todo);
	queue_init(&p->done);
	p->work = work;
	if (n == 0)
		n = processors();
	if ((p->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
	    start(p, n < POOL_MAX ? n : POOL_MAX) != JIT_OK) {
		pool_free(p);
		return jit_fail(why, JIT_E_IO, "cannot start the threads that "
		    "verify");
	}
	*ret = p;
	return JIT_OK;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)pthread_cond_broadcast(&p->more);
	(void)pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n; i++)
		(void)pthread_join(p->thread[i], NULL);
	queue_free(&p->todo);
	queue_free(&p->done);
	if (p->event >= 0)
		(void)close(p->event);
	(void)pthread_cond_destroy(&p->more);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

void
pool_submit(struct pool *p, struct task *t)
{
	(void)pthread_mutex_lock(&p->lock);
	queue_put(&p->todo, t);
	(void)pthread_cond_signal(&p->more);
	(void)pthread_mutex_unlock(&p->lock);
}

int
pool_fd(const struct pool *p)
{
	return p->event;
}

struct task *
pool_take(struct pool *p)
{
	struct task *t;
	uint64_t rung;
	ssize_t n;

	(void)pthread_mutex_lock(&p->lock);
	do
		n = read(p->event, &rung, sizeof(rung));
	while (n < 0 && errno == EINTR);
	t = p->done.first;
	queue_init(&p->done);
	(void)pthread_mutex_unlock(&p->lock);
	return t;
}
