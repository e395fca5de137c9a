/* link: who asks much, asks again from within, or is gone. */
#include <string.h>
#include <sys/socket.h>

#include "tests/api/link/peer.h"

#define MANY 300

static struct asked many[MANY];

/* ---- what is not asked at all ---- */

struct no {
	const char *name;
	struct ask ask[2];
	size_t n;
	enum jit_err want;
};

static const struct no no[] = {
	{ "nothing", { { .op = OP_CHECKPOINT } }, 0, JIT_E_ARG },
	{ "three things", { { .op = OP_CHECKPOINT } }, 3, JIT_E_ARG },
	{ "a hello", { { .op = OP_HELLO } }, 1, JIT_E_ARG },
	{ "a hello behind", { { .op = OP_CHECKPOINT }, { .op = OP_HELLO } },
	    2, JIT_E_ARG },
	{ "no operation", { { .op = (enum op)99 } }, 1, JIT_E_ARG },
	{ "too large", { { .op = OP_CANCEL,
	    .text = { (const uint8_t *)many, PROTO_FRAME_MAX } } }, 1,
	    JIT_E_SIZE },
	{ "a collect without its secret", { { .op = OP_COLLECT } }, 1,
	    JIT_E_FORMAT },
};

static void
test_no(void **state)
{
	const struct no *r = *state;
	struct asked a = { .n = 1 };
	struct peer p;

	peer_begin(&p, 0);
	JT_ERR(link_ask(p.link, &(struct ask){ .op = OP_CHECKPOINT }, 1,
	    asked_done, &a, NULL), JIT_E_UNREACHABLE);
	peer_up(&p);
	JT_ERR(link_ask(p.link, r->ask, r->n, asked_done, &a, NULL),
	    r->want);
	assert_true(p.link->asked == 0 && a.calls == 0);
	peer_end(&p);
	assert_int_equal(a.calls, 0);
}

static void
test_long_path(void **state)
{
	char path[200] = { 0 };
	struct link_config c = { .socket = path };
	struct link *l = NULL;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	JT_ERR(link_new(&c, &l, NULL), JIT_E_ARG);
	assert_null(l);
	link_free(NULL);
}

/* ---- from within ---- */

static void
ask_another(struct asked *a)
{
	asked_begin(a->other, a->p, 1);
}

static void
forget_other(struct asked *a)
{
	link_forget(a->p->link, a->other);
}

static void
ask_in_vain(struct asked *a)
{
	struct jit_why why = { 0 };

	/* Down is told before those who asked are. */
	assert_int_equal(a->p->downs, 1);
	JT_ERR(link_ask(a->p->link, &(struct ask){ .op = OP_CHECKPOINT }, 1,
	    asked_done, a->other, &why), JIT_E_UNREACHABLE);
}

static void
test_within(void **state)
{
	struct asked a, b, c;
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	asked_begin(&a, &p, 1);
	a.then = ask_another;
	a.other = &b;
	peer_say(&p, OP_CHECKPOINT, peer_hear(&p).tag, "a");
	peer_until(&p, &a.calls, 1);
	peer_say(&p, OP_CHECKPOINT, peer_hear(&p).tag, "b");
	peer_until(&p, &b.calls, 1);
	asked_end(&a);
	asked_end(&b);
	/* When it goes down: forget one, and ask in vain. */
	asked_begin(&a, &p, 1);
	asked_begin(&b, &p, 2);
	asked_begin(&c, &p, 1);
	a.then = forget_other;
	a.other = &b;
	c.then = ask_in_vain;
	c.other = &b;
	peer_hang_up(&p);
	peer_until(&p, &c.calls, 1);
	assert_true(a.calls == 1 && b.calls == 0);
	peer_end(&p);
	assert_true(a.calls == 1 && b.calls == 0 && c.calls == 1);
}

static void
test_forget(void **state)
{
	struct asked a, b;
	uint32_t tag[3];
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	asked_begin(&a, &p, 2);
	asked_begin(&b, &p, 1);
	link_forget(p.link, &a);
	link_forget(p.link, &p);
	for (int i = 0; i < 3; i++)
		tag[i] = peer_hear(&p).tag;
	assert_int_equal(p.link->asked, 3);
	for (int i = 0; i < 3; i++)
		peer_say(&p, OP_CHECKPOINT, tag[i], "well");
	peer_until(&p, &b.calls, 1);
	assert_true(a.calls == 0 && p.link->asked == 0 && p.downs == 0);
	asked_end(&b);
	peer_end(&p);
}

/* Those who still wait when the link goes are told, and nobody else. */
static void
test_link_goes(void **state)
{
	struct asked a, b;
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	asked_begin(&a, &p, 1);
	asked_begin(&b, &p, 2);
	(void)peer_hear(&p);
	peer_end(&p);
	assert_true(a.calls == 1 && b.calls == 1 && p.downs == 0);
	JT_ERR(b.err, JIT_E_UNREACHABLE);
}

/* ---- much ---- */

/* Frames that do not fit in the socket, read a little at a time. */
static void
test_slow_reader(void **state)
{
	static uint8_t text[15000];
	const struct ask cancel = { .op = OP_CANCEL,
	    .text = SPAN(text, sizeof(text)) };
	struct ask two[2] = { cancel, cancel };
	struct peer p;
	unsigned frames = 0;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 31);
	for (size_t i = 0; i < MANY; i++) {
		many[i] = (struct asked){ .p = &p, .n = 1 + i % 2 };
		JT_OK(link_ask(p.link, two, many[i].n, asked_done, &many[i],
		    NULL));
		frames += (unsigned)many[i].n;
	}
	peer_rounds(&p, 5);
	assert_true(p.link->out != NULL);
	for (; frames > 0; frames--) {
		struct ask a = peer_hear(&p);

		assert_true(a.op == OP_CANCEL && span_eq(a.text,
		    cancel.text));
		peer_say(&p, OP_CANCEL, a.tag, "yes");
	}
	for (size_t i = 0; i < MANY; i++) {
		peer_until(&p, &many[i].calls, 1);
		assert_int_equal(many[i].calls, 1);
		JT_OK(many[i].err);
		asked_end(&many[i]);
	}
	assert_true(p.link->asked == 0 && p.link->out_bytes == 0 &&
	    p.downs == 0);
	peer_end(&p);
}

/*
 * The socket is full.  Of two questions whose frames leave just now, the
 * first one may be answered; what has not left whole, or not at all, is not.
 */
static void
test_early(void **state)
{
	static uint8_t text[60000];
	const struct ask cancel = { .op = OP_CANCEL,
	    .text = SPAN(text, sizeof(text)) }, two[2] = { cancel, cancel };
	enum { N = 8 };
	const struct question *q;
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	for (int i = 0; i < N; i++) {
		many[i] = (struct asked){ .p = &p, .n = 2 };
		JT_OK(link_ask(p.link, two, 2, asked_done, &many[i], NULL));
	}
	peer_rounds(&p, 3);
	q = p.link->out;
	assert_true(q != NULL && !q->sent && q->out_next != NULL);
	peer_say(&p, OP_CANCEL, q->tag, "first");
	peer_rounds(&p, 3);
	assert_true(p.downs == 0 && q->left == 1);
	peer_say(&p, OP_CANCEL, q->tag + 1, "second");
	peer_until(&p, &p.downs, 1);
	JT_ERR(p.last, JIT_E_PROTOCOL);
	for (int i = 0; i < N; i++)
		assert_int_equal(many[i].calls, 1);
	peer_end(&p);
}

static void
test_limits(void **state)
{
	static uint8_t text[PROTO_FRAME_MAX - 13];
	const struct ask small = { .op = OP_CHECKPOINT },
	    wait = { .op = OP_FOLLOW, .max = 1, .ms = 1000 },
	    large = { .op = OP_CANCEL, .text = SPAN(text, sizeof(text)) };
	struct asked a = { .n = 1 };
	struct peer p;
	unsigned n;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	for (n = 0; link_ask(p.link, &wait, 1, asked_done, &a, NULL) ==
	    JIT_OK;)
		n++;
	assert_int_equal(n, LINK_WAITS_MAX);
	JT_ERR(link_ask(p.link, &wait, 1, asked_done, &a, NULL), JIT_E_BUSY);
	for (; link_ask(p.link, &small, 1, asked_done, &a, NULL) == JIT_OK;)
		n++;
	assert_int_equal(n, LINK_ASKED_MAX);
	JT_ERR(link_ask(p.link, &small, 1, asked_done, &a, NULL),
	    JIT_E_BUSY);
	peer_hang_up(&p);
	peer_until(&p, &p.downs, 1);
	assert_int_equal(a.calls, n);
	assert_true(p.link->asked == 0 && p.link->waits == 0);
	peer_up(&p);
	a.calls = 0;
	for (n = 0; link_ask(p.link, &large, 1, asked_done, &a, NULL) ==
	    JIT_OK;)
		n++;
	assert_int_equal(n, LINK_OUT_MAX / (PROTO_FRAME_MAX + 4));
	JT_ERR(link_ask(p.link, &large, 1, asked_done, &a, NULL),
	    JIT_E_BUSY);
	peer_end(&p);
	assert_int_equal(a.calls, n);
}

int
main(void)
{
	return JT_ROWS("not asked", test_no, no) +
	    jt_one("a path too long", test_long_path) +
	    jt_one("from within", test_within) +
	    jt_one("forgotten", test_forget) +
	    jt_one("the link goes", test_link_goes) +
	    jt_one("a slow reader", test_slow_reader) +
	    jt_one("answered before it was asked", test_early) +
	    jt_one("limits", test_limits);
}
