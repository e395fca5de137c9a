#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/api/link/peer.h"

#define PATIENCE_MS 10000

/* ---- the link's callbacks ---- */

static struct span
give_note(void *arg)
{
	const struct peer *p = arg;

	return BUF_SPAN(p->note);
}

static enum jit_err
take_hello(void *arg, const struct hello *h, struct jit_why *why)
{
	struct peer *p = arg;

	p->hellos++;
	assert_true(h->vkey.n > 0);
	return p->refuse == JIT_OK ? JIT_OK :
	    jit_fail(why, p->refuse, "we do not talk to this one");
}

static void
take_change(void *arg, enum jit_err e, const struct jit_why *why)
{
	struct peer *p = arg;
	struct jit_why now = { 0 };

	if (e == JIT_OK)
		p->ups++;
	else
		p->downs++;
	assert_true(e == JIT_OK || why->msg[0] != '\0');
	assert_true(p->ups + p->downs == 1 || e != p->last);
	p->last = e;
	JT_ERR(link_state(p->link, &now), e);
	assert_string_equal(now.msg, why->msg);
}

/* ---- begin, end, rounds ---- */

void
peer_begin(struct peer *p, uint32_t timeout_ms)
{
	static unsigned n;
	struct jit_why why = { 0 };
	struct link_config c = { .note = give_note, .hello = take_hello,
	    .changed = take_change, .arg = p, .timeout_ms = timeout_ms };

	*p = (struct peer){ .listener = -1, .fd = -1,
	    .in = WR_INIT(1u << 20) };
	(void)snprintf(p->path, sizeof(p->path), "%.80s/p%u", jt_tmpdir(),
	    n++);
	JT_WHY(sys_listen(p->path, 0600, NULL, &p->listener, &why), JIT_OK,
	    &why);
	JT_OK(loop_new(&p->loop, NULL));
	c.loop = p->loop;
	c.socket = p->path;
	JT_OK(link_new(&c, &p->link, NULL));
	JT_ERR(link_state(p->link, NULL), JIT_E_UNREACHABLE);
}

void
peer_end(struct peer *p)
{
	link_free(p->link);
	loop_free(p->loop);
	peer_hang_up(p);
	sys_close(&p->listener);
	buf_done(&p->note);
	wr_done(&p->in);
}

void
peer_rounds(struct peer *p, int n)
{
	struct jit_why why = { 0 };

	while (n-- > 0)
		JT_WHY(loop_once(p->loop, 1, &why), JIT_OK, &why);
}

void
peer_until(struct peer *p, const unsigned *flag, unsigned n)
{
	int64_t end = sys_mono_ms() + PATIENCE_MS;

	while (*flag < n) {
		assert_true(sys_mono_ms() < end);
		peer_rounds(p, 1);
	}
}

/* ---- the signer's side ---- */

void
peer_accept(struct peer *p)
{
	int64_t end = sys_mono_ms() + PATIENCE_MS;

	peer_hang_up(p);
	while ((p->fd = accept(p->listener, NULL, NULL)) < 0) {
		assert_true(sys_mono_ms() < end);
		peer_rounds(p, 1);
	}
}

void
peer_hang_up(struct peer *p)
{
	sys_close(&p->fd);
	p->in.n = p->in_at = 0;
}

/* Until n bytes are there that were not taken. */
static const uint8_t *
need(struct peer *p, size_t n)
{
	int64_t end = sys_mono_ms() + PATIENCE_MS;
	uint8_t more[4096];

	while (p->in.n - p->in_at < n) {
		ssize_t got = recv(p->fd, more, sizeof(more), MSG_DONTWAIT);

		assert_true(got > 0 || (got < 0 && errno == EAGAIN));
		if (got > 0) {
			wr_raw(&p->in, more, (size_t)got);
			JT_OK(p->in.err);
			continue;
		}
		assert_true(sys_mono_ms() < end);
		peer_rounds(p, 1);
	}
	return p->in.p + p->in_at;
}

struct ask
peer_hear(struct peer *p)
{
	struct jit_why why = { 0 };
	struct ask a;
	struct rd r;
	uint32_t n;

	/* What was taken before goes. */
	if (p->in_at > 0)
		memmove(p->in.p, p->in.p + p->in_at, p->in.n - p->in_at);
	p->in.n -= p->in_at;
	p->in_at = 0;
	r = rd_of(SPAN(need(p, 4), 4));
	n = rd_u32(&r);
	assert_true(ask_length_ok(n));
	(void)need(p, 4 + n);
	JT_WHY(ask_get(SPAN(p->in.p + 4, n), &a, &why), JIT_OK, &why);
	p->in_at = 4 + n;
	return a;
}

void
peer_send(struct peer *p, struct span s)
{
	int64_t end = sys_mono_ms() + PATIENCE_MS;

	while (s.n > 0) {
		ssize_t n = send(p->fd, s.p, s.n, MSG_DONTWAIT |
		    MSG_NOSIGNAL);

		assert_true(n > 0 || (n < 0 && errno == EAGAIN));
		assert_true(sys_mono_ms() < end);
		if (n > 0)
			s = SPAN(s.p + n, s.n - (size_t)n);
		else
			peer_rounds(p, 1);
	}
}

struct buf
peer_frame(enum op op, uint32_t tag, struct span payload)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX + 4);
	struct buf b = { NULL, 0 };
	size_t mark = answer_begin(&w, op, tag);

	wr_span(&w, payload);
	answer_end(&w, mark);
	JT_OK(wr_take(&w, &b));
	return b;
}

void
peer_say(struct peer *p, enum op op, uint32_t tag, const char *payload)
{
	JIT_DONE(buf_done) struct buf b = peer_frame(op, tag,
	    span_str(payload));

	peer_send(p, BUF_SPAN(b));
}

void
peer_greet(struct peer *p)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	const struct hello h = { .vkey = span_str("vkey"),
	    .user_ca = span_str("ca"), .note = span_str("note\n"),
	    .now = 1795471200 };
	struct ask a = peer_hear(p);
	struct buf b;

	assert_true(a.op == OP_HELLO && a.version == PROTO_VERSION &&
	    span_eq(a.note, BUF_SPAN(p->note)));
	hello_put(&w, &h);
	b = peer_frame(OP_HELLO, a.tag, wr_view(&w));
	peer_send(p, BUF_SPAN(b));
	buf_done(&b);
}

void
peer_up(struct peer *p)
{
	unsigned ups = p->ups;

	peer_accept(p);
	peer_greet(p);
	peer_until(p, &p->ups, ups + 1);
	JT_OK(link_state(p->link, NULL));
}

/* ---- who asks ---- */

void
asked_done(void *arg, enum jit_err err, const struct jit_why *why,
    const struct answer *ans, size_t n)
{
	struct asked *a = arg;

	a->calls++;
	a->err = err;
	if (err == JIT_OK) {
		assert_int_equal(n, a->n);
		for (size_t i = 0; i < n; i++) {
			a->said[i] = ans[i].err;
			buf_done(&a->payload[i]);
			JT_OK(buf_copy(&a->payload[i], ans[i].payload));
		}
	} else {
		JT_ERR(err, JIT_E_UNREACHABLE);
		assert_true(why->code == err && why->msg[0] != '\0' &&
		    ans == NULL && n == 0);
		a->why = *why;
	}
	if (a->then != NULL)
		a->then(a);
}

void
asked_begin(struct asked *a, struct peer *p, size_t n)
{
	const struct ask two[2] = { { .op = OP_CHECKPOINT, .from = 1 },
	    { .op = OP_CHECKPOINT, .from = 2 } };
	struct jit_why why = { 0 };

	*a = (struct asked){ .p = p, .n = n };
	JT_WHY(link_ask(p->link, two, n, asked_done, a, &why), JIT_OK, &why);
	assert_int_equal(a->calls, 0);
}

void
asked_end(struct asked *a)
{
	buf_done(&a->payload[0]);
	buf_done(&a->payload[1]);
}
