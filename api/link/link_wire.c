#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "api/link/link_int.h"

#define IN_SIZE 65536u		/* of the buffer, unless an answer is larger */
#define IN_ROUND 16		/* reads in one round: others want to go on */
#define OUT_ROUND 64		/* questions in one write */

/* ---- in ---- */

/*
 * Room for a frame of that size, or of any usual one.  What an answer of
 * megabytes needed is not kept for those of a few bytes.
 */
static enum jit_err
reserve(struct link *l, size_t size)
{
	uint8_t *p;

	if (size < IN_SIZE)
		size = IN_SIZE;
	if (l->in_cap == size || (l->in_cap > size && size > IN_SIZE))
		return JIT_OK;
	if ((p = realloc(l->in, size)) == NULL)
		return JIT_E_NOMEM;
	l->in = p;
	l->in_cap = size;
	return JIT_OK;
}

/* What the 4 bytes before a frame say. */
static enum jit_err
frame_length(struct span s, size_t *ret, struct jit_why *why)
{
	struct rd r = rd_of(s);
	uint32_t n = rd_u32(&r);

	if (n < PROTO_FRAME_MIN || n > PROTO_ANSWER_MAX)
		return jit_fail(why, JIT_E_PROTOCOL, "jit-signer: an answer "
		    "of %u bytes; accepted are %u to %u", n, PROTO_FRAME_MIN,
		    PROTO_ANSWER_MAX);
	*ret = n;
	return JIT_OK;
}

/*
 * Hand on the frames that are whole.  What is left is moved to the front, and
 * *size is what it needs in all, as far as that is known.  JIT_E_PROTOCOL.
 */
static enum jit_err
take_frames(struct link *l, size_t *size, struct jit_why *why)
{
	size_t at = 0, n = 0;

	*size = 0;
	while (l->in_n - at >= 4) {
		JIT_TRY(frame_length(SPAN(l->in + at, l->in_n - at), &n,
		    why));
		*size = 4 + n;
		if (l->in_n - at < *size)
			break;
		link_heard(l, SPAN(l->in + at + 4, n));
		if (l->phase == LINK_DOWN)
			return JIT_OK;
		at += *size;
		*size = 0;
	}
	if (at > 0)
		memmove(l->in, l->in + at, l->in_n - at);
	l->in_n -= at;
	return JIT_OK;
}

/* *more: there may be more to read. */
static enum jit_err
read_some(struct link *l, bool *more, struct jit_why *why)
{
	size_t size = 0;
	ssize_t n;

	*more = false;
	if (l->in == NULL)
		JIT_TRY(reserve(l, 0));
	n = recv(l->fd, l->in + l->in_n, l->in_cap - l->in_n, MSG_DONTWAIT);
	if (n == 0)
		return jit_fail(why, JIT_E_UNREACHABLE, "the signer ended the "
		    "connection");
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return JIT_OK;
	if (n < 0)
		return jit_fail(why, JIT_E_UNREACHABLE, "jit-signer: %s",
		    strerror(errno));
	l->in_n += (size_t)n;
	JIT_TRY(take_frames(l, &size, why));
	if (l->phase == LINK_DOWN)
		return JIT_OK;
	*more = true;
	return reserve(l, size);
}

static void
read_answers(struct link *l)
{
	struct jit_why why = { 0 };
	bool more = true;

	for (int i = 0; i < IN_ROUND && more; i++) {
		enum jit_err e = read_some(l, &more, &why);

		if (e != JIT_OK) {
			link_hang_up(l, e, &why);
			return;
		}
	}
}

/* ---- out ---- */

static void
sent(struct link *l, size_t n)
{
	struct question *q;

	l->out_bytes -= n;
	l->out_at += n;
	while ((q = l->out) != NULL && l->out_at >= q->out.n) {
		l->out_at -= q->out.n;
		if ((l->out = q->out_next) == NULL)
			l->out_last = &l->out;
		q->sent = true;
		wr_done(&q->out);
	}
}

static ssize_t
send_some(const struct link *l)
{
	struct iovec v[OUT_ROUND];
	struct msghdr m = { .msg_iov = v };
	size_t skip = l->out_at;

	for (struct question *q = l->out; q != NULL &&
	    m.msg_iovlen < OUT_ROUND; q = q->out_next) {
		v[m.msg_iovlen++] = (struct iovec){ q->out.p + skip,
		    q->out.n - skip };
		skip = 0;
	}
	return sendmsg(l->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
wire_flush(void *link)
{
	struct link *l = link;
	struct jit_why why = { 0 };

	while (l->out != NULL && !l->deaf) {
		ssize_t n = send_some(l);

		if (n >= 0)
			sent(l, (size_t)n);
		else if (errno == EAGAIN)
			break;
		/* It has closed.  What it said before is read first. */
		else if (errno == EPIPE || errno == ECONNRESET)
			l->deaf = true;
		else if (errno != EINTR) {
			(void)jit_fail(&why, JIT_E_IO, "jit-signer: %s",
			    strerror(errno));
			link_hang_up(l, why.code, &why);
			return;
		}
	}
	if (watch_events(l->watch, EPOLLIN | (l->out != NULL && !l->deaf ?
	    (uint32_t)EPOLLOUT : 0), &why) != JIT_OK)
		link_hang_up(l, JIT_E_IO, &why);
}

void
wire_put(struct link *l, struct question *q)
{
	q->out_next = NULL;
	*l->out_last = q;
	l->out_last = &q->out_next;
	l->out_bytes += q->out.n;
	/* Whatever else is asked in this round leaves with it. */
	if (l->flush.prev == NULL)
		timer_set(l->c.loop, &l->flush, loop_ms(l->c.loop));
}

/* ---- both ---- */

static void
happened(void *arg, uint32_t events)
{
	struct link *l = arg;

	if (events & ~(uint32_t)EPOLLOUT)
		read_answers(l);
	if (events & EPOLLOUT && l->phase != LINK_DOWN)
		wire_flush(l);
}

enum jit_err
wire_open(struct link *l, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	enum jit_err e;

	/* A queue that is full is tried again later as well. */
	if ((e = sys_connect(l->c.socket, 0, &fd, why)) != JIT_OK)
		return jit_at(why, e, "jit-signer");
	JIT_TRY(loop_watch(l->c.loop, fd, EPOLLIN, happened, l, &l->watch,
	    why));
	l->fd = fd;
	fd = -1;
	return JIT_OK;
}

void
wire_close(struct link *l)
{
	loop_unwatch(l->watch);
	l->watch = NULL;
	sys_close(&l->fd);
	l->fd = -1;
	l->deaf = false;
	timer_stop(&l->flush);
	l->out = NULL;
	l->out_last = &l->out;
	l->out_at = l->out_bytes = 0;
	free(l->in);
	l->in = NULL;
	l->in_n = l->in_cap = 0;
}
