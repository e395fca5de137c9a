#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "api/link/link_int.h"

#define DELAY_MIN 50		/* ms until it is tried again */
#define DELAY_MAX 1000
#define HELD_MS 1000		/* up for so long: it was a connection */
#define ASK_MAX 2

/* ---- questions ---- */

static struct question **
bucket_of(struct link *l, uint32_t tag)
{
	return &l->bucket[(tag >> 1) % LINK_BUCKETS];
}

/* Tag 0 is for hello, and for who is turned away before it. */
static uint32_t
next_tag(struct link *l)
{
	l->tag += 2;
	if (l->tag == 0)
		l->tag = 2;
	return l->tag;
}

static void
too_late(void *arg)
{
	struct question *q = arg;
	struct jit_why why = { 0 };

	(void)jit_fail(&why, JIT_E_UNREACHABLE, "jit-signer: no answer to %s "
	    "in time", op_name(q->op[0]));
	link_hang_up(q->link, why.code, &why);
}

static void
question_free(struct question *q)
{
	wr_done(&q->out);
	for (size_t i = 0; i < ASK_MAX; i++)
		buf_done(&q->heard[i]);
	free(q);
}
JIT_SCOPED_PTR(struct question, question_free);

static unsigned
waits_in(const struct ask *a, size_t n)
{
	unsigned waits = 0;

	for (size_t i = 0; i < n; i++)
		waits += ask_waits(&a[i]) > 0;
	return waits;
}

/* Its frames.  How long it may wait, in ms, is *ms. */
static enum jit_err
question_write(struct question *q, const struct ask *a, int64_t *ms)
{
	*ms = q->link->c.timeout_ms;
	q->waits = waits_in(a, q->n);
	wr_init(&q->out, q->n * (PROTO_FRAME_MAX + 4));
	for (unsigned i = 0; i < q->n; i++) {
		struct ask one = a[i];

		one.tag = q->tag + i;
		q->op[i] = (uint8_t)one.op;
		ask_put(&q->out, &one);
		*ms += ask_waits(&one);
	}
	return q->out.err;
}

static void
question_open(struct link *l, struct question *q, int64_t ms)
{
	struct question **b = bucket_of(l, q->tag);

	q->chain = *b;
	*b = q;
	q->next = NULL;
	q->prev = l->open_last;
	*l->open_last = q;
	l->open_last = &q->next;
	l->asked += q->n;
	l->waits += q->waits;
	q->late = (struct timer){ .fn = too_late, .arg = q };
	timer_set(l->c.loop, &q->late, loop_ms(l->c.loop) + ms);
	wire_put(l, q);
}

static void
question_close(struct question *q)
{
	struct link *l = q->link;
	struct question **at = bucket_of(l, q->tag);

	while (*at != q)
		at = &(*at)->chain;
	*at = q->chain;
	if ((*q->prev = q->next) != NULL)
		q->next->prev = q->prev;
	else
		l->open_last = q->prev;
	l->asked -= q->n;
	l->waits -= q->waits;
	timer_stop(&q->late);
}

static enum jit_err
ask(struct link *l, uint32_t tag, const struct ask *a, size_t n,
    link_done *done, void *arg, struct jit_why *why)
{
	JIT_SCOPED(question_free) struct question *q = calloc(1, sizeof(*q));
	int64_t ms = 0;
	enum jit_err e;

	if (q == NULL)
		return JIT_E_NOMEM;
	q->link = l;
	q->tag = tag;
	q->n = q->left = (unsigned)n;
	q->done = done;
	q->arg = arg;
	e = question_write(q, a, &ms);
	if (e != JIT_OK)
		return jit_fail(why, e, "%s does not fit in a frame",
		    op_name((uint8_t)a[0].op));
	if (q->out.n > LINK_OUT_MAX - l->out_bytes)
		return jit_fail(why, JIT_E_BUSY, "the signer does not take "
		    "what it is asked: %zu bytes wait", l->out_bytes);
	question_open(l, q, ms);
	q = NULL;
	return JIT_OK;
}

enum jit_err
link_ask(struct link *l, const struct ask *a, size_t n, link_done *done,
    void *arg, struct jit_why *why)
{
	if (n == 0 || n > ASK_MAX)
		return JIT_E_ARG;
	for (size_t i = 0; i < n; i++)
		if (op_name((uint8_t)a[i].op) == NULL || a[i].op == OP_HELLO)
			return JIT_E_ARG;
	if (l->phase != LINK_UP)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s",
		    jit_why_text(&l->why, l->err));
	if (l->asked + n > LINK_ASKED_MAX)
		return jit_fail(why, JIT_E_BUSY, "the signer is asked %u "
		    "things already", l->asked);
	if (l->waits + waits_in(a, n) > LINK_WAITS_MAX)
		return jit_fail(why, JIT_E_BUSY, "%u questions wait for news "
		    "already", l->waits);
	return ask(l, next_tag(l), a, n, done, arg, why);
}

void
link_forget(struct link *l, const void *arg)
{
	for (struct question *q = l->open; q != NULL; q = q->next)
		if (q->arg == arg)
			q->done = NULL;
}

/* ---- answers ---- */

/* All of q's answers are there; last is the one at place i. */
static enum jit_err
tell(struct question *q, unsigned i, const struct answer *last)
{
	struct answer ans[ASK_MAX];

	for (unsigned k = 0; k < q->n; k++) {
		if (k == i)
			ans[k] = *last;
		else
			JIT_TRY(answer_get(BUF_SPAN(q->heard[k]), &ans[k]));
	}
	question_close(q);
	if (q->done != NULL)
		q->done(q->arg, JIT_OK, NULL, ans, q->n);
	question_free(q);
	return JIT_OK;
}

static enum jit_err
hear(struct link *l, struct span frame, struct jit_why *why)
{
	struct question *q;
	struct answer a;
	unsigned i;

	if (answer_get(frame, &a) != JIT_OK)
		return jit_fail(why, JIT_E_PROTOCOL, "jit-signer: something "
		    "that is not an answer");
	i = a.tag & 1;
	q = *bucket_of(l, a.tag);
	while (q != NULL && q->tag != a.tag - i)
		q = q->chain;
	/* Of two, the first may be answered while the second is sent. */
	if (q == NULL || i >= q->n || a.op != q->op[i] ||
	    q->heard[i].p != NULL || (q->left == 1 && !q->sent))
		return jit_fail(why, JIT_E_PROTOCOL, "jit-signer: an answer "
		    "to something that was not asked");
	if (--q->left > 0)
		return buf_copy(&q->heard[i], frame);
	return tell(q, i, &a);
}

void
link_heard(struct link *l, struct span frame)
{
	struct jit_why why = { 0 };
	enum jit_err e = hear(l, frame, &why);

	if (e != JIT_OK)
		link_hang_up(l, e, &why);
}

/* ---- up and down ---- */

/* Tell it if it is news. */
static void
set_state(struct link *l, enum jit_err e, const struct jit_why *why)
{
	bool news = !l->told || e != l->err;

	l->err = e;
	l->why = why != NULL ? *why : (struct jit_why){ 0 };
	l->why.code = e;
	if (!news || l->ending)
		return;
	l->told = true;
	l->c.changed(l->c.arg, e, &l->why);
}

/* Nobody can ask any more, so that this ends. */
static void
fail_all(struct link *l, const struct jit_why *cause)
{
	struct jit_why why = *cause;
	struct question *q;

	why.code = JIT_E_UNREACHABLE;
	while ((q = l->open) != NULL) {
		question_close(q);
		if (q->done != NULL)
			q->done(q->arg, JIT_E_UNREACHABLE, &why, NULL, 0);
		question_free(q);
	}
}

void
link_hang_up(struct link *l, enum jit_err e, const struct jit_why *why)
{
	struct jit_why cause = *why;
	int64_t now = loop_ms(l->c.loop);

	if (cause.msg[0] == '\0')
		(void)jit_fail(&cause, e, "the link to the signer: %s",
		    jit_err_sentence(e));
	if (l->phase == LINK_UP && now - l->up_at >= HELD_MS)
		l->delay = DELAY_MIN;
	l->phase = LINK_DOWN;
	wire_close(l);
	timer_set(l->c.loop, &l->retry, now + l->delay);
	l->delay = 2 * l->delay < DELAY_MAX ? 2 * l->delay : DELAY_MAX;
	set_state(l, e, &cause);
	fail_all(l, &cause);
}

/* Is this who we want to talk to? */
static enum jit_err
check_hello(struct link *l, const struct answer *a, struct jit_why *why)
{
	struct hello h;

	if (a->err != JIT_OK)
		return jit_fail(why, a->err, "jit-signer: %s",
		    jit_why_text(&a->why, a->err));
	if (hello_get(a->payload, &h, why) != JIT_OK)
		return jit_fail(why, JIT_E_PROTOCOL, "jit-signer: its hello "
		    "is none");
	return l->c.hello(l->c.arg, &h, why);
}

static void
greeted(void *arg, enum jit_err err, const struct jit_why *ended,
    const struct answer *ans, size_t n)
{
	struct link *l = arg;
	struct jit_why why = { 0 };
	enum jit_err e;

	(void)ended, (void)n;
	if (err != JIT_OK)
		return;			/* the link hangs up already */
	e = check_hello(l, ans, &why);
	if (e != JIT_OK) {
		link_hang_up(l, e, &why);
		return;
	}
	l->phase = LINK_UP;
	l->up_at = loop_ms(l->c.loop);
	set_state(l, JIT_OK, NULL);
}

static enum jit_err
say_hello(struct link *l, struct jit_why *why)
{
	const struct ask a = { .op = OP_HELLO, .version = PROTO_VERSION,
	    .note = l->c.note(l->c.arg) };

	JIT_TRY(wire_open(l, why));
	l->phase = LINK_GREETING;
	JIT_TRY(ask(l, 0, &a, 1, greeted, l, why));
	/*
	 * Now: who is turned away is answered at once, and that must not
	 * come before the question.
	 */
	timer_stop(&l->flush);
	wire_flush(l);
	return JIT_OK;
}

static void
try_again(void *arg)
{
	struct link *l = arg;
	struct jit_why why = { 0 };
	enum jit_err e = say_hello(l, &why);

	if (e != JIT_OK)
		link_hang_up(l, e, &why);
}

/* ---- begin and end ---- */

enum jit_err
link_new(const struct link_config *c, struct link **ret, struct jit_why *why)
{
	struct link *l;

	if (strlen(c->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return jit_fail(why, JIT_E_ARG, "%s: too long for a socket",
		    c->socket);
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return JIT_E_NOMEM;
	l->c = *c;
	if (l->c.timeout_ms == 0)
		l->c.timeout_ms = LINK_TIMEOUT_MS;
	l->fd = -1;
	l->delay = DELAY_MIN;
	l->open_last = &l->open;
	l->out_last = &l->out;
	l->err = jit_fail(&l->why, JIT_E_UNREACHABLE, "the signer was not "
	    "reached yet");
	l->flush = (struct timer){ .fn = wire_flush, .arg = l };
	l->retry = (struct timer){ .fn = try_again, .arg = l };
	timer_set(c->loop, &l->retry, loop_ms(c->loop));
	*ret = l;
	return JIT_OK;
}

void
link_free(struct link *l)
{
	struct jit_why why = { 0 };

	if (l == NULL)
		return;
	l->ending = true;
	(void)jit_fail(&why, JIT_E_UNREACHABLE, "the link to the signer is "
	    "closed");
	link_hang_up(l, why.code, &why);
	timer_stop(&l->retry);
	free(l);
}

enum jit_err
link_state(const struct link *l, struct jit_why *why)
{
	if (l->err != JIT_OK)
		return jit_fail(why, l->err, "%s", jit_why_text(&l->why,
		    l->err));
	return JIT_OK;
}
