#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/wire.h"

#define LINE_PATH 128		/* no socket's path is longer */

struct line {
	int fd;
	int timeout_ms;
	uint32_t tag;		/* of the newest question */
	bool broken;		/* out of step: nothing more is asked */
	char path[LINE_PATH];	/* for messages */
};

void
heard_done(struct heard *h)
{
	buf_done(&h->frame);
	*h = (struct heard){ 0 };
}

void
wire_done(struct wire *w)
{
	if (w->ops != NULL)
		w->ops->free(w->arg);
	*w = (struct wire){ 0 };
}

/* Wait until something can be done, at most until end. */
static enum jit_err
line_wait(const struct line *l, short events, int64_t end,
    struct jit_why *why)
{
	struct pollfd p = { .fd = l->fd, .events = events };
	int64_t left;
	int n;

	do {
		left = end - sys_mono_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", l->path,
		    strerror(errno));
	if (n == 0)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s: no answer in "
		    "time", l->path);
	return JIT_OK;
}

static bool
again(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static enum jit_err
line_send(const struct line *l, struct span s, int64_t end,
    struct jit_why *why)
{
	while (s.n > 0) {
		ssize_t n = send(l->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && !again(n))
			return jit_fail(why, JIT_E_UNREACHABLE, "%s: %s",
			    l->path, strerror(errno));
		if (n < 0)
			JIT_TRY(line_wait(l, POLLOUT, end, why));
		else
			s = SPAN(s.p + n, s.n - (size_t)n);
	}
	return JIT_OK;
}

static enum jit_err
line_read(const struct line *l, uint8_t *p, size_t size, int64_t end,
    struct jit_why *why)
{
	while (size > 0) {
		ssize_t n = recv(l->fd, p, size, 0);

		if (n == 0)
			return jit_fail(why, JIT_E_UNREACHABLE, "%s: it ended "
			    "the connection", l->path);
		if (n < 0 && !again(n))
			return jit_fail(why, JIT_E_UNREACHABLE, "%s: %s",
			    l->path, strerror(errno));
		if (n < 0) {
			JIT_TRY(line_wait(l, POLLIN, end, why));
			continue;
		}
		p += n;
		size -= (size_t)n;
	}
	return JIT_OK;
}

static enum jit_err
line_hear(const struct line *l, int64_t end, struct heard *ret,
    struct jit_why *why)
{
	JIT_DONE(heard_done) struct heard h = { 0 };
	uint8_t head[4];
	struct rd r = rd_of(SPAN(head, sizeof(head)));
	uint32_t n;

	JIT_TRY(line_read(l, head, sizeof(head), end, why));
	n = rd_u32(&r);
	if (n < PROTO_FRAME_MIN || n > PROTO_ANSWER_MAX)
		return jit_fail(why, JIT_E_PROTOCOL, "%s: an answer of %u "
		    "bytes; accepted are %u to %u", l->path, n,
		    PROTO_FRAME_MIN, PROTO_ANSWER_MAX);
	if ((h.frame.p = malloc((size_t)n + 1)) == NULL)
		return JIT_E_NOMEM;
	h.frame.n = n;
	JIT_TRY(line_read(l, h.frame.p, n, end, why));
	if (answer_get(BUF_SPAN(h.frame), &h.a) != JIT_OK)
		return jit_fail(why, JIT_E_PROTOCOL, "%s: something that is "
		    "not an answer", l->path);
	*ret = h;
	h = (struct heard){ 0 };
	return JIT_OK;
}

/* Hear n answers and put each to its question. */
static enum jit_err
hear_all(const struct line *l, const struct ask *a, size_t n,
    int64_t end, struct heard *heard, struct jit_why *why)
{
	for (size_t i = 0; i < n; i++) {
		JIT_DONE(heard_done) struct heard h = { 0 };
		size_t to;

		JIT_TRY(line_hear(l, end, &h, why));
		to = h.a.tag - a[0].tag;
		if (to >= n || h.a.op != (uint8_t)a[to].op ||
		    heard[to].frame.p != NULL)
			return jit_fail(why, JIT_E_PROTOCOL, "%s: an answer "
			    "to something that was not asked", l->path);
		heard[to] = h;
		h = (struct heard){ 0 };
	}
	return JIT_OK;
}

static enum jit_err
ask_all(struct line *l, struct ask *a, size_t n, struct heard *heard,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(n * (PROTO_FRAME_MAX + 4));
	int64_t end = sys_mono_ms() + l->timeout_ms;

	for (size_t i = 0; i < n; i++) {
		a[i].tag = ++l->tag;
		ask_put(&w, &a[i]);
		end += ask_waits(&a[i]);
	}
	if (w.err != JIT_OK)
		return jit_fail(why, w.err, "%s does not fit in a frame",
		    op_name((uint8_t)a[0].op));
	/* Whatever fails from here on leaves the line out of step. */
	l->broken = true;
	JIT_TRY(line_send(l, wr_view(&w), end, why));
	JIT_TRY(hear_all(l, a, n, end, heard, why));
	l->broken = false;
	for (size_t i = 0; i < n; i++)
		if (heard[i].a.err != JIT_OK)
			return jit_fail(why, heard[i].a.err, "%s",
			    jit_why_text(&heard[i].a.why, heard[i].a.err));
	return JIT_OK;
}

static enum jit_err
line_ask(void *arg, const struct ask *ask, size_t n, struct heard *heard,
    struct jit_why *why)
{
	struct heard got[WIRE_ASK_MAX] = { { .a.err = JIT_OK } };
	struct ask a[WIRE_ASK_MAX];
	struct line *l = arg;
	enum jit_err e;

	if (n == 0 || n > WIRE_ASK_MAX)
		return JIT_E_ARG;
	if (l->broken)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s: the connection "
		    "failed before", l->path);
	memcpy(a, ask, n * sizeof(a[0]));
	e = ask_all(l, a, n, got, why);
	for (size_t i = 0; i < n; i++) {
		if (e == JIT_OK)
			heard[i] = got[i];
		else
			heard_done(&got[i]);
	}
	return e;
}

static void
line_close(void *arg)
{
	struct line *l = arg;

	sys_close(&l->fd);
	l->fd = -1;
	l->broken = true;
}

static void
line_free(void *arg)
{
	line_close(arg);
	free(arg);
}

enum jit_err
wire_socket(const char *path, int timeout_ms, struct wire *ret,
    struct jit_why *why)
{
	static const struct wire_ops ops = {
		.ask = line_ask, .close = line_close, .free = line_free,
	};
	JIT_SCOPED(free) struct line *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return JIT_E_NOMEM;
	*l = (struct line){ .fd = -1, .timeout_ms = timeout_ms };
	(void)snprintf(l->path, sizeof(l->path), "%s", path);
	JIT_TRY(sys_connect(path, timeout_ms, &l->fd, why));
	*ret = (struct wire){ .ops = &ops, .arg = l, .name = l->path };
	l = NULL;
	return JIT_OK;
}
