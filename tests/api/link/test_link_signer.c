/*
 * link: the real signer.
 *
 *	test_link_signer JIT-SIGNER
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ca/tlog/checkpoint.h"
#include "tests/api/link/peer.h"
#include "tests/lib/station.h"

static struct station station;

struct site {
	struct station *s;
	struct loop *loop;
	struct link *link;
	struct buf note;		/* newest that was seen */
	size_t path;			/* of the newest hello */
	unsigned ups, downs;
};

static struct span
give_note(void *arg)
{
	const struct site *t = arg;

	return BUF_SPAN(t->note);
}

static enum jit_err
take_hello(void *arg, const struct hello *h, struct jit_why *why)
{
	struct site *t = arg;
	struct tlog_vkey log;

	JIT_TRY(tlog_vkey_parse(h->vkey, &log, why));
	assert_true(tlog_vkey_eq(&log, &t->s->log));
	t->path = h->path.n;
	buf_done(&t->note);
	return buf_copy(&t->note, h->note);
}

static void
take_change(void *arg, enum jit_err e, const struct jit_why *why)
{
	struct site *t = arg;

	(void)why;
	if (e == JIT_OK)
		t->ups++;
	else
		t->downs++;
}

static void
until(struct site *t, const unsigned *flag, unsigned n)
{
	int64_t end = sys_mono_ms() + 20000;

	while (*flag < n) {
		assert_true(sys_mono_ms() < end);
		JT_OK(loop_once(t->loop, 10, NULL));
	}
}

static void
begin(struct site *t)
{
	struct link_config c = { .note = give_note, .hello = take_hello,
	    .changed = take_change, .arg = t, .socket = station.sock };

	*t = (struct site){ .s = &station };
	JT_OK(loop_new(&t->loop, NULL));
	c.loop = t->loop;
	JT_OK(link_new(&c, &t->link, NULL));
	until(t, &t->ups, 1);
}

static void
end(struct site *t)
{
	link_free(t->link);
	loop_free(t->loop);
	buf_done(&t->note);
}

/* Ask n of these; *a is what came. */
static void
ask(struct site *t, const struct ask *q, size_t n, struct asked *a)
{
	struct jit_why why = { 0 };

	*a = (struct asked){ .n = n };
	JT_WHY(link_ask(t->link, q, n, asked_done, a, &why), JIT_OK, &why);
}

/* A user's request, on a connection of its own. */
static void
log_something(struct site *t)
{
	JIT_DONE(wr_done) struct wr in = WR_INIT(PROTO_ANSWER_MAX);
	struct errand e;
	struct answer a;
	int fd = station_connect(t->s);
	static unsigned who;

	station_errand(t->s, who++, 0, 600, &e);
	JT_OK(station_ask(fd, BUF_SPAN(e.request), &in, &a));
	errand_done(&e);
	(void)close(fd);
}

static void
test_two(void **state)
{
	const struct ask two[2] = { { .op = OP_CHECKPOINT, .from = 1 },
	    { .op = OP_CHECKPOINT, .from = 2 } };
	struct grown g[2];
	struct asked a;
	struct site t;

	(void)state;
	begin(&t);
	ask(&t, two, 2, &a);
	until(&t, &a.calls, 1);
	JT_OK(a.err);
	for (int i = 0; i < 2; i++) {
		JT_OK(a.said[i]);
		JT_OK(grown_get(BUF_SPAN(a.payload[i]), &g[i], NULL));
	}
	assert_true(span_eq(g[0].note, g[1].note));
	asked_end(&a);
	end(&t);
}

static void
test_follow(void **state)
{
	struct ask f = { .op = OP_FOLLOW, .max = 100, .ms = 20000 };
	struct asked a, refused;
	struct followed got;
	struct site t;

	(void)state;
	begin(&t);
	/* All there is, and then what comes. */
	for (int i = 0; i < 3; i++) {
		ask(&t, &f, 1, &a);
		if (i > 0) {
			for (int k = 0; k < 5; k++)
				JT_OK(loop_once(t.loop, 10, NULL));
			assert_int_equal(a.calls, 0);
			log_something(&t);
		}
		until(&t, &a.calls, 1);
		JT_OK(a.said[0]);
		JT_OK(follow_get(BUF_SPAN(a.payload[0]), &got, NULL));
		assert_true(got.page.first == f.from && got.page.count > 0 &&
		    got.state == SIGNER_OK);
		assert_true(i == 0 || got.page.count == 1);
		f.from += got.page.count;
		asked_end(&a);
	}
	f.from++;
	ask(&t, &f, 1, &refused);
	until(&t, &refused.calls, 1);
	JT_ERR(refused.said[0], JIT_E_ROLLBACK);
	asked_end(&refused);
	end(&t);
}

/* More than the signer reads at once of a connection. */
static void
test_many(void **state)
{
	enum { N = 500 };
	static struct asked a[N];
	const struct ask page = { .op = OP_ENTRIES, .max = 100 };
	struct site t;

	(void)state;
	begin(&t);
	for (int i = 0; i < N; i++)
		ask(&t, &page, 1, &a[i]);
	for (int i = 0; i < N; i++) {
		struct page p;

		until(&t, &a[i].calls, 1);
		JT_OK(a[i].said[0]);
		JT_OK(page_get(BUF_SPAN(a[i].payload[0]), &p, NULL));
		asked_end(&a[i]);
	}
	assert_int_equal(t.downs, 0);
	end(&t);
}

/* Killed, and started again: told once, and it goes on by itself. */
static void
test_killed(void **state)
{
	const struct ask f = { .op = OP_FOLLOW, .max = 100, .ms = 20000,
	    .from = 3 };
	struct ask old = { .op = OP_CHECKPOINT };
	struct checkpoint cp;
	struct asked a, b;
	struct grown g;
	struct site t;

	(void)state;
	begin(&t);
	JT_OK(checkpoint_open(BUF_SPAN(t.note), &t.s->log, &cp, NULL));
	log_something(&t);
	ask(&t, &(struct ask){ .op = OP_FOLLOW, .max = 1, .ms = 20000,
	    .from = cp.size + 1 }, 1, &a);
	for (int k = 0; k < 5; k++)
		JT_OK(loop_once(t.loop, 10, NULL));
	station_stop(t.s, SIGKILL);
	until(&t, &t.downs, 1);
	assert_int_equal(a.calls, 1);
	JT_ERR(a.err, JIT_E_UNREACHABLE);
	JT_ERR(link_ask(t.link, &f, 1, asked_done, &b, NULL),
	    JIT_E_UNREACHABLE);
	for (int k = 0; k < 20; k++)
		JT_OK(loop_once(t.loop, 10, NULL));
	assert_true(t.downs == 1 && t.ups == 1);
	station_launch(t.s);
	until(&t, &t.ups, 2);
	/* It showed how the log grew since the first hello. */
	assert_true(t.path > 0);
	old.from = cp.size;
	ask(&t, &old, 1, &b);
	until(&t, &b.calls, 1);
	JT_OK(b.said[0]);
	JT_OK(grown_get(BUF_SPAN(b.payload[0]), &g, NULL));
	assert_true(span_eq(g.note, BUF_SPAN(t.note)));
	asked_end(&a);
	asked_end(&b);
	end(&t);
}

int
main(int argc, char **argv)
{
	int failed = 0;

	if (argc != 2)
		return 2;
	station_make(&station, argv[1], 1);
	(void)station_start(&station);
	failed += jt_one("two at once", test_two);
	failed += jt_one("followed", test_follow);
	failed += jt_one("many", test_many);
	failed += jt_one("killed and started again", test_killed);
	station_done(&station);
	return failed;
}
