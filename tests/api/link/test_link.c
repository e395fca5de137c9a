/* link: what a signer does that is not as good as ours. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/text.h"
#include "tests/api/link/peer.h"

static void
is_text(const struct asked *a, size_t i, const char *want)
{
	JT_OK(a->err);
	assert_int_equal(a->calls, 1);
	JT_OK(a->said[i]);
	assert_true(span_eq_str(BUF_SPAN(a->payload[i]), want));
}

/* Each of n is told once that nobody answers. */
static void
are_lost(struct asked *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(a[i].calls, 1);
		JT_ERR(a[i].err, JIT_E_UNREACHABLE);
		asked_end(&a[i]);
	}
}

/* ---- answers ---- */

static void
test_order(void **state)
{
	static const char *const text[] = { "one", "two", "three" };
	struct asked a[3];
	uint32_t tag[3];
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	for (int i = 0; i < 3; i++)
		asked_begin(&a[i], &p, 1);
	for (int i = 0; i < 3; i++)
		tag[i] = peer_hear(&p).tag;
	for (int i = 2; i >= 0; i--) {
		peer_say(&p, OP_CHECKPOINT, tag[i], text[i]);
		peer_until(&p, &a[i].calls, 1);
		is_text(&a[i], 0, text[i]);
		assert_int_equal(p.link->asked, (unsigned)i);
	}
	for (int i = 0; i < 3; i++)
		asked_end(&a[i]);
	peer_end(&p);
}

/* Two at once, the second one answered first, and what the signer refuses. */
static void
test_two(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct asked a;
	struct ask one, two;
	uint32_t tag[2];
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	asked_begin(&a, &p, 2);
	one = peer_hear(&p);
	tag[0] = one.tag;
	assert_true(one.op == OP_CHECKPOINT && one.from == 1);
	two = peer_hear(&p);
	tag[1] = two.tag;
	assert_true(two.op == OP_CHECKPOINT && two.from == 2);
	peer_say(&p, OP_CHECKPOINT, tag[1], "second");
	peer_rounds(&p, 5);
	assert_int_equal(a.calls, 0);
	answer_error(&w, OP_CHECKPOINT, tag[0], JIT_E_ROLLBACK, NULL);
	peer_send(&p, wr_view(&w));
	peer_until(&p, &a.calls, 1);
	JT_OK(a.err);
	JT_ERR(a.said[0], JIT_E_ROLLBACK);
	is_text(&a, 1, "second");
	assert_int_equal(p.link->asked, 0);
	asked_end(&a);
	peer_end(&p);
}

static void
test_drip(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct asked a, b;
	uint32_t tag[3];
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	asked_begin(&a, &p, 2);
	asked_begin(&b, &p, 1);
	for (int i = 0; i < 3; i++) {
		JIT_DONE(buf_done) struct buf f = { NULL, 0 };

		tag[i] = peer_hear(&p).tag;
		f = peer_frame(OP_CHECKPOINT, tag[i], span_str("drip"));
		wr_span(&w, BUF_SPAN(f));
	}
	for (size_t i = 0; i < w.n; i++) {
		assert_int_equal(b.calls, 0);
		peer_send(&p, SPAN(w.p + i, 1));
		peer_rounds(&p, 1);
	}
	peer_until(&p, &b.calls, 1);
	is_text(&a, 0, "drip");
	is_text(&a, 1, "drip");
	is_text(&b, 0, "drip");
	asked_end(&a);
	asked_end(&b);
	peer_end(&p);
}

/* The largest answer there is; its memory is not kept. */
static void
test_large(void **state)
{
	static uint8_t big[PROTO_ANSWER_MAX];
	JIT_DONE(buf_done) struct buf f = { NULL, 0 }, g = { NULL, 0 };
	struct asked a, b;
	struct peer p;
	size_t n = PROTO_ANSWER_MAX - 15;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	asked_begin(&a, &p, 1);
	asked_begin(&b, &p, 1);
	big[n - 1] = 7;
	f = peer_frame(OP_CHECKPOINT, peer_hear(&p).tag, SPAN(big, n));
	assert_int_equal(f.n, PROTO_ANSWER_MAX + 4);
	g = peer_frame(OP_CHECKPOINT, peer_hear(&p).tag, span_str("small"));
	peer_send(&p, BUF_SPAN(f));
	/* Half a small one behind it: the buffer is not empty. */
	peer_send(&p, SPAN(g.p, 7));
	peer_until(&p, &a.calls, 1);
	assert_true(a.payload[0].n == n && a.payload[0].p[n - 1] == 7);
	peer_rounds(&p, 3);
	assert_true(p.link->in_cap == 65536 && b.calls == 0);
	peer_send(&p, SPAN(g.p + 7, g.n - 7));
	peer_until(&p, &b.calls, 1);
	is_text(&b, 0, "small");
	assert_true(p.link->in_cap == 65536);
	asked_end(&a);
	asked_end(&b);
	peer_end(&p);
}

/* ---- what is no answer: the connection is over, and is tried again ---- */

struct bad {
	const char *name;
	const char *hex;		/* T: the tag of a question */
	enum jit_err want;
};

#define BODY "000000026f6b00000000"	/* ok, no words, no payload */

static const struct bad bad[] = {
	{ "a tag never asked", "0000000f" "0e" "00000777" BODY,
	    JIT_E_PROTOCOL },
	{ "hello's tag again", "0000000f" "01" "00000000" BODY,
	    JIT_E_PROTOCOL },
	{ "the second of one", "0000000f" "0e" "00000003" BODY,
	    JIT_E_PROTOCOL },
	{ "answered twice", "0000000f" "0e" "00000002" BODY
	    "0000000f" "0e" "00000002" BODY, JIT_E_PROTOCOL },
	{ "half of two twice", "0000000f" "0e" "00000004" BODY
	    "0000000f" "0e" "00000004" BODY, JIT_E_PROTOCOL },
	{ "another operation", "0000000f" "0d" "00000002" BODY,
	    JIT_E_PROTOCOL },
	{ "not an answer", "00000008" "ffffffffffffffff", JIT_E_PROTOCOL },
	{ "words beside ok", "00000010" "0e" "00000002" "000000026f6b"
	    "0000000141", JIT_E_PROTOCOL },
	{ "length 0", "00000000", JIT_E_PROTOCOL },
	{ "length 4", "00000004", JIT_E_PROTOCOL },
	{ "length 2097153", "00200001", JIT_E_PROTOCOL },
	{ "length 2^32-1", "ffffffff", JIT_E_PROTOCOL },
	{ "it ends", "", JIT_E_UNREACHABLE },
	{ "it ends in a length", "0000", JIT_E_UNREACHABLE },
	{ "it ends in an answer", "0000000f" "0e" "00000002" "0000",
	    JIT_E_UNREACHABLE },
	{ "it ends after half of two", "0000000f" "0e" "00000004" BODY,
	    JIT_E_UNREACHABLE },
};

static void
test_bad(void **state)
{
	const struct bad *b = *state;
	size_t n = strlen(b->hex) / 2;
	uint8_t bytes[64];
	struct asked a[3];
	struct jit_why why = { 0 };
	struct peer p;

	peer_begin(&p, 0);
	peer_up(&p);
	asked_begin(&a[0], &p, 1);
	asked_begin(&a[1], &p, 2);
	asked_begin(&a[2], &p, 1);
	assert_int_equal(peer_hear(&p).tag, 2);
	for (int i = 0; i < 3; i++)
		(void)peer_hear(&p);
	JT_OK(hex_parse(span_str(b->hex), bytes, n));
	peer_send(&p, SPAN(bytes, n));
	if (b->want == JIT_E_UNREACHABLE)
		peer_hang_up(&p);
	peer_until(&p, &p.downs, 1);
	JT_ERR(p.last, b->want);
	/* The first answer counts, when it was one. */
	if (strcmp(b->name, "answered twice") == 0) {
		assert_true(a[0].calls == 1 && a[0].err == JIT_OK);
		asked_end(&a[0]);
		are_lost(a + 1, 2);
	} else {
		are_lost(a, 3);
	}
	assert_true(p.link->asked == 0 && p.link->open == NULL);
	JT_ERR(link_ask(p.link, &(struct ask){ .op = OP_CHECKPOINT }, 1,
	    asked_done, a, &why), JIT_E_UNREACHABLE);
	assert_true(why.msg[0] != '\0');
	/* And again. */
	peer_up(&p);
	asked_begin(&a[0], &p, 1);
	peer_say(&p, OP_CHECKPOINT, peer_hear(&p).tag, "well");
	peer_until(&p, &a[0].calls, 1);
	is_text(&a[0], 0, "well");
	asked_end(&a[0]);
	peer_end(&p);
}

/* The signer answers the first question and goes, before ours has left. */
static void
last_words(void *arg)
{
	struct asked *a = arg;

	peer_say(a->p, OP_CHECKPOINT, peer_hear(a->p).tag, "farewell");
	peer_hang_up(a->p);
}

static void
test_last_words(void **state)
{
	struct asked a, b;
	struct timer t = { .fn = last_words, .arg = &a };
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	peer_up(&p);
	asked_begin(&a, &p, 1);
	peer_rounds(&p, 2);
	/* In one round: it goes, and then b is to be sent. */
	timer_set(p.loop, &t, loop_ms(p.loop) - 1);
	asked_begin(&b, &p, 1);
	peer_rounds(&p, 1);
	assert_true(p.link->deaf && a.calls == 0 && b.calls == 0);
	peer_until(&p, &b.calls, 1);
	is_text(&a, 0, "farewell");
	asked_end(&a);
	are_lost(&b, 1);
	peer_up(&p);
	assert_false(p.link->deaf);
	peer_end(&p);
}

/* ---- time ---- */

static void
test_late(void **state)
{
	const struct ask follow = { .op = OP_FOLLOW, .max = 1, .ms = 20000 };
	struct asked a[2], f;
	int64_t from;
	struct peer p;

	(void)state;
	peer_begin(&p, 200);
	/* Nobody accepts, nobody greets. */
	from = sys_mono_ms();
	peer_until(&p, &p.downs, 1);
	JT_ERR(p.last, JIT_E_UNREACHABLE);
	assert_true(sys_mono_ms() - from >= 190);
	/* That one still stands in the queue. */
	peer_accept(&p);
	peer_up(&p);
	f = (struct asked){ .p = &p, .n = 1 };
	JT_OK(link_ask(p.link, &follow, 1, asked_done, &f, NULL));
	asked_begin(&a[0], &p, 1);
	from = sys_mono_ms();
	asked_begin(&a[1], &p, 2);
	/* What comes for one is no time for the other. */
	(void)peer_hear(&p);
	peer_say(&p, OP_CHECKPOINT, peer_hear(&p).tag, "well");
	peer_until(&p, &p.downs, 2);
	assert_true(sys_mono_ms() - from >= 190);
	is_text(&a[0], 0, "well");
	asked_end(&a[0]);
	are_lost(&a[1], 1);
	assert_non_null(strstr(a[1].why.msg, "in time"));
	are_lost(&f, 1);
	/* A wait has the time that it waits. */
	peer_up(&p);
	f = (struct asked){ .p = &p, .n = 1 };
	JT_OK(link_ask(p.link, &follow, 1, asked_done, &f, NULL));
	from = sys_mono_ms();
	while (sys_mono_ms() - from < 400)
		peer_rounds(&p, 1);
	assert_int_equal(f.calls, 0);
	peer_say(&p, OP_FOLLOW, peer_hear(&p).tag, "at last");
	peer_until(&p, &f.calls, 1);
	is_text(&f, 0, "at last");
	asked_end(&f);
	peer_end(&p);
}

/* ---- again and again ---- */

/* It ends at once, each time: 50, 100, 200, 400 ms, never less. */
static void
test_backoff(void **state)
{
	int64_t last = 0, now;
	int64_t want = 50;
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	for (int i = 0; i < 6; i++) {
		peer_accept(&p);
		now = sys_mono_ms();
		if (i > 0) {
			assert_true(now - last >= want - 5);
			assert_true(now - last < want + 2000);
			want *= 2;
		}
		peer_hang_up(&p);
		last = now;
	}
	/* One and the same misfortune is told once. */
	assert_true(p.downs == 1 && p.ups == 0);
	assert_int_equal(p.link->delay, 1000);
	peer_up(&p);
	assert_true(p.ups == 1 && p.last == JIT_OK);
	peer_end(&p);
}

/* We do not want this one; later it is another. */
static void
test_refused(void **state)
{
	struct jit_why why = { 0 };
	struct peer p;

	(void)state;
	peer_begin(&p, 0);
	JT_OK(buf_copy(&p.note, span_str("a checkpoint\n")));
	p.refuse = JIT_E_LOGNAME;
	for (unsigned i = 1; i <= 3; i++) {
		peer_accept(&p);
		peer_greet(&p);
		peer_until(&p, &p.hellos, i);
		assert_true(p.downs == 1 && p.ups == 0);
	}
	JT_ERR(link_state(p.link, &why), JIT_E_LOGNAME);
	assert_string_equal(why.msg, "we do not talk to this one");
	p.refuse = JIT_OK;
	peer_up(&p);
	assert_true(p.downs == 1 && p.ups == 1);
	peer_end(&p);
}

/* The signer does not want us: as it is said to hello, or before it. */
static void
test_turned_away(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct jit_why why = { 0 };
	struct peer p;

	(void)state;
	(void)jit_fail(&why, JIT_E_BUSY, "256 connections are open");
	answer_error(&w, OP_HELLO, 0, JIT_E_BUSY, &why);
	peer_begin(&p, 0);
	peer_accept(&p);
	peer_send(&p, wr_view(&w));
	peer_hang_up(&p);
	peer_until(&p, &p.downs, 1);
	JT_ERR(link_state(p.link, &why), JIT_E_BUSY);
	assert_non_null(strstr(why.msg, "256 connections"));
	wr_done(&w);
	answer_error(&w, OP_HELLO, 0, JIT_E_ROLLBACK, NULL);
	peer_accept(&p);
	(void)peer_hear(&p);
	peer_send(&p, wr_view(&w));
	peer_until(&p, &p.downs, 2);
	JT_ERR(link_state(p.link, &why), JIT_E_ROLLBACK);
	/* Something that is no hello. */
	peer_accept(&p);
	peer_say(&p, OP_HELLO, peer_hear(&p).tag, "good day");
	peer_until(&p, &p.downs, 3);
	JT_ERR(p.last, JIT_E_PROTOCOL);
	assert_int_equal(p.hellos, 0);
	peer_end(&p);
}

int
main(void)
{
	return jt_one("answers out of order", test_order) +
	    jt_one("two at once", test_two) +
	    jt_one("byte by byte", test_drip) +
	    jt_one("the largest answer", test_large) +
	    JT_ROWS("no answer", test_bad, bad) +
	    jt_one("last words", test_last_words) +
	    jt_one("too late", test_late) +
	    jt_one("again, later and later", test_backoff) +
	    jt_one("refused by us", test_refused) +
	    jt_one("refused by the signer", test_turned_away);
}
