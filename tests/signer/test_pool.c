/*
 * pool: every task comes back once; stopping waits for what is worked on.
 */
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "signer/pool.h"
#include "tests/lib/jt.h"

static atomic_uint worked;

static void
work(struct task *t)
{
	t->entry++;
	atomic_fetch_add(&worked, 1);
}

static void
slow(struct task *t)
{
	const struct timespec ms = { 0, 1000000 };

	(void)nanosleep(&ms, NULL);
	work(t);
}

static struct task *
make(unsigned i)
{
	struct buf frame = { NULL, 0 };
	struct task *t = NULL;

	JT_OK(buf_copy(&frame, SPAN(&i, sizeof(i))));
	JT_OK(task_new(&frame, &t));
	t->deadline = i;
	return t;
}

static void
all_come_back(void **state)
{
	enum { N = 2000 };
	static unsigned seen[N];
	struct pool *p = NULL;
	unsigned back = 0;

	(void)state;
	memset(seen, 0, sizeof(seen));
	JT_OK(pool_new(0, work, &p, NULL));
	assert_null(pool_take(p));
	for (unsigned i = 0; i < N; i++)
		pool_submit(p, make(i));
	while (back < N) {
		struct pollfd fd = { pool_fd(p), POLLIN, 0 };
		struct task *t, *next;

		assert_int_equal(poll(&fd, 1, 10000), 1);
		for (t = pool_take(p); t != NULL; t = next) {
			next = t->next;
			assert_int_equal(t->entry, 1);
			seen[t->deadline]++;
			back++;
			task_free(t);
		}
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(seen[i], 1);
	assert_null(pool_take(p));
	pool_free(p);
}

/* Nothing leaks, nothing hangs; what was not begun is not worked on. */
static void
stopped(void **state)
{
	struct pool *p = NULL;

	(void)state;
	atomic_store(&worked, 0);
	JT_OK(pool_new(2, slow, &p, NULL));
	for (unsigned i = 0; i < 500; i++)
		pool_submit(p, make(i));
	pool_free(p);
	assert_true(atomic_load(&worked) < 500);
	pool_free(NULL);
}

/* A frame that is no frame: the real work says so. */
static void
real_work(void **state)
{
	struct pool *p = NULL;
	struct pollfd fd;
	struct task *t;

	(void)state;
	JT_OK(pool_new(1, task_open, &p, NULL));
	pool_submit(p, make(0xffffffff));
	fd = (struct pollfd){ pool_fd(p), POLLIN, 0 };
	assert_int_equal(poll(&fd, 1, 10000), 1);
	t = pool_take(p);
	assert_non_null(t);
	assert_true(t->err != JIT_OK);
	task_free(t);
	pool_free(p);
}

int
main(void)
{
	return jt_one("all come back", all_come_back) +
	    jt_one("stopped with work left", stopped) +
	    jt_one("task_open", real_work);
}
