/* loop: descriptors and timers that come and go while they are called. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/loop/loop.h"
#include "tests/lib/jt.h"

/* Two ends of a socket, the first one watched. */
struct side {
	struct loop *l;
	int fd[2];
	struct watch *w;
	unsigned calls;
	uint32_t events;
	struct side *other;	/* unwatched by this one's call */
};

static void
begin(struct side *s, struct loop *l, uint32_t events,
    void (*fn)(void *arg, uint32_t events))
{
	*s = (struct side){ .l = l };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    s->fd), 0);
	JT_OK(loop_watch(l, s->fd[0], events, fn, s, &s->w, NULL));
}

static void
end(struct side *s)
{
	loop_unwatch(s->w);
	(void)close(s->fd[0]);
	(void)close(s->fd[1]);
}

static void
count(void *arg, uint32_t events)
{
	struct side *s = arg;

	s->calls++;
	s->events = events;
}

static void
poke(const struct side *s)
{
	assert_int_equal(write(s->fd[1], "x", 1), 1);
}

static struct loop *
new_loop(void)
{
	struct loop *l = NULL;

	JT_OK(loop_new(&l, NULL));
	return l;
}

static void
once(struct loop *l, int ms)
{
	struct jit_why why = { 0 };

	JT_WHY(loop_once(l, ms, &why), JIT_OK, &why);
}

/* ---- descriptors ---- */

static void
test_watch(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct side s;

	(void)state;
	begin(&s, l, EPOLLIN, count);
	once(l, 0);
	assert_int_equal(s.calls, 0);
	poke(&s);
	once(l, 1000);
	assert_true(s.calls == 1 && s.events == EPOLLIN);
	/* Nobody read it: it is still there. */
	once(l, 1000);
	assert_int_equal(s.calls, 2);
	JT_OK(watch_events(s.w, EPOLLIN | EPOLLOUT, NULL));
	once(l, 1000);
	assert_true(s.events == (EPOLLIN | EPOLLOUT));
	JT_OK(watch_events(s.w, 0, NULL));
	once(l, 0);
	assert_int_equal(s.calls, 3);
	/* The other end goes: told without being asked. */
	(void)close(s.fd[1]);
	once(l, 1000);
	assert_true(s.calls == 4 && (s.events & EPOLLHUP) != 0);
	s.fd[1] = -1;
	end(&s);
	loop_unwatch(NULL);
}

static void
test_bad_descriptor(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct jit_why why = { 0 };
	struct watch *w = NULL;
	struct side s;

	(void)state;
	JT_ERR(loop_watch(l, -1, EPOLLIN, count, &s, &w, &why), JIT_E_IO);
	assert_null(w);
	assert_non_null(strstr(why.msg, "descriptor -1"));
	/* Twice the same. */
	begin(&s, l, EPOLLIN, count);
	JT_ERR(loop_watch(l, s.fd[0], EPOLLIN, count, &s, &w, &why),
	    JIT_E_IO);
	end(&s);
}

static void
remove_both(void *arg, uint32_t events)
{
	struct side *s = arg;

	count(s, events);
	loop_unwatch(s->w);
	loop_unwatch(s->other->w);
	s->w = s->other->w = NULL;
}

/* Both are ready in one round; whoever is first takes both away. */
static void
test_remove_inside(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct side a, b;

	(void)state;
	begin(&a, l, EPOLLIN, remove_both);
	begin(&b, l, EPOLLIN, remove_both);
	a.other = &b;
	b.other = &a;
	poke(&a);
	poke(&b);
	once(l, 1000);
	once(l, 0);
	assert_int_equal(a.calls + b.calls, 1);
	end(&a);
	end(&b);
}

static void
reopen_other(void *arg, uint32_t events)
{
	struct side *s = arg, *o = s->other;

	count(s, events);
	if (s->calls + o->calls > 1)
		return;
	/* The same number, another socket, of which nothing is known yet. */
	end(o);
	begin(o, s->l, EPOLLIN, reopen_other);
	o->other = s;
}

static void
test_reopen_inside(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct side a, b;

	(void)state;
	begin(&a, l, EPOLLIN, reopen_other);
	begin(&b, l, EPOLLIN, reopen_other);
	a.other = &b;
	b.other = &a;
	poke(&a);
	poke(&b);
	once(l, 1000);
	assert_int_equal(a.calls + b.calls, 1);
	end(&a);
	end(&b);
}

static void
hush_other(void *arg, uint32_t events)
{
	struct side *s = arg;

	count(s, events);
	JT_OK(watch_events(s->other->w, 0, NULL));
}

static void
test_hush_inside(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct side a, b;

	(void)state;
	begin(&a, l, EPOLLIN, hush_other);
	begin(&b, l, EPOLLIN, hush_other);
	a.other = &b;
	b.other = &a;
	poke(&a);
	poke(&b);
	once(l, 1000);
	assert_int_equal(a.calls + b.calls, 1);
	end(&a);
	end(&b);
}

/* More than one round looks at: nobody starves. */
static void
test_many(void **state)
{
	enum { N = 200 };
	static struct side s[N];
	JIT_SCOPED(loop_free) struct loop *l = new_loop();

	(void)state;
	for (int i = 0; i < N; i++) {
		begin(&s[i], l, EPOLLIN, count);
		poke(&s[i]);
	}
	for (int i = 0; i < 8; i++)
		once(l, 0);
	for (int i = 0; i < N; i++) {
		assert_true(s[i].calls > 0);
		end(&s[i]);
	}
}

/* What is left when the loop goes is freed with it. */
static void
test_left(void **state)
{
	struct loop *l = new_loop();
	struct timer t = { 0 };
	struct side s;

	(void)state;
	begin(&s, l, EPOLLIN, count);
	timer_set(l, &t, loop_ms(l) + 1000);
	loop_free(l);
	timer_stop(&t);
	s.w = NULL;
	end(&s);
}

/* ---- timers ---- */

static char order[32];
static size_t n_order;

struct named {
	struct timer t;
	struct loop *l;
	char name;
	int again;		/* set anew so often */
	struct named *stops, *sets;
	int64_t in;		/* for sets, ms */
};

static void
called(void *arg)
{
	struct named *n = arg;

	assert_true(n_order < sizeof(order) - 1);
	order[n_order++] = n->name;
	order[n_order] = '\0';
	if (n->again-- > 0)
		timer_set(n->l, &n->t, loop_ms(n->l));
	if (n->stops != NULL)
		timer_stop(&n->stops->t);
	if (n->sets != NULL)
		timer_set(n->l, &n->sets->t, loop_ms(n->l) + n->in);
}

static void
set(struct named *n, struct loop *l, char name, int64_t in)
{
	n->t.fn = called;
	n->t.arg = n;
	n->l = l;
	n->name = name;
	timer_set(l, &n->t, loop_ms(l) + in);
}

static void
test_order(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct named a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, e = { 0 };

	(void)state;
	n_order = 0;
	set(&c, l, 'c', 3);
	set(&a, l, 'a', -5);
	set(&d, l, 'd', 3);
	set(&b, l, 'b', 1);
	set(&e, l, 'e', 2);
	timer_stop(&e.t);
	timer_stop(&e.t);
	while (n_order < 4)
		once(l, 1000);
	assert_string_equal(order, "abcd");
	assert_true(loop_ms(l) >= c.t.at && a.t.prev == NULL);
	once(l, 5);
	assert_int_equal(n_order, 4);
}

/* Set again before it is due: the later moment counts, once. */
static void
test_postpone(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct named a = { 0 }, b = { 0 };

	(void)state;
	n_order = 0;
	set(&a, l, 'a', 1);
	set(&b, l, 'b', 2);
	set(&a, l, 'a', 3);
	while (n_order < 2)
		once(l, 1000);
	assert_string_equal(order, "ba");
}

static void
test_anew(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct named a = { .again = 3 };

	(void)state;
	n_order = 0;
	set(&a, l, 'a', 0);
	for (size_t i = 1; i <= 4; i++) {
		once(l, 1000);
		/* Due again at once, but in the next round. */
		assert_int_equal(n_order, i);
	}
	once(l, 0);
	assert_string_equal(order, "aaaa");
}

/* a stops b and postpones c, which were due in the same round. */
static void
test_stop_inside(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct named a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };

	(void)state;
	n_order = 0;
	a.stops = &b;
	a.sets = &c;
	a.in = 2;
	set(&a, l, 'a', -4);
	set(&b, l, 'b', -3);
	set(&c, l, 'c', -2);
	set(&d, l, 'd', -1);
	once(l, 1000);
	assert_string_equal(order, "ad");
	while (n_order < 3)
		once(l, 1000);
	assert_string_equal(order, "adc");
}

/* A timer ends the wait, and the wait does not end before it. */
static void
test_wait(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct named a = { 0 };
	int64_t from = sys_mono_ms();

	(void)state;
	n_order = 0;
	once(l, 20);
	assert_true(sys_mono_ms() - from >= 19);
	set(&a, l, 'a', 40);
	while (n_order == 0)
		once(l, -1);
	assert_true(loop_ms(l) >= a.t.at && loop_ms(l) < a.t.at + 5000);
}

/* ---- round and round ---- */

static void
stop_it(void *arg)
{
	loop_stop(((struct named *)arg)->l);
}

static void
test_run(void **state)
{
	JIT_SCOPED(loop_free) struct loop *l = new_loop();
	struct named a = { 0 }, b = { 0 }, c = { 0 };
	struct side s;

	(void)state;
	n_order = 0;
	begin(&s, l, EPOLLIN, count);
	poke(&s);
	set(&a, l, 'a', 0);
	a.t.fn = stop_it;
	set(&b, l, 'b', 0);
	set(&c, l, 'c', 5);
	/* The round is finished: s and b are called, c is not. */
	JT_OK(loop_run(l, NULL));
	assert_true(s.calls == 1);
	assert_string_equal(order, "b");
	/* Stopped before it runs; then it runs again. */
	loop_stop(l);
	JT_OK(loop_run(l, NULL));
	assert_int_equal(n_order, 1);
	c.t.fn = stop_it;
	JT_OK(watch_events(s.w, 0, NULL));
	JT_OK(loop_run(l, NULL));
	end(&s);
}

int
main(void)
{
	return jt_one("watch", test_watch) +
	    jt_one("bad descriptor", test_bad_descriptor) +
	    jt_one("both removed by the first", test_remove_inside) +
	    jt_one("reopened under the same number", test_reopen_inside) +
	    jt_one("events turned off by another", test_hush_inside) +
	    jt_one("many descriptors", test_many) +
	    jt_one("what is left", test_left) +
	    jt_one("timers in order", test_order) +
	    jt_one("postponed", test_postpone) +
	    jt_one("set anew inside its own call", test_anew) +
	    jt_one("stopped inside another's call", test_stop_inside) +
	    jt_one("a timer ends the wait", test_wait) +
	    jt_one("run and stop", test_run);
}
