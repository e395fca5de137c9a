#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signer/conn.h"

struct answer_out {
	struct answer_out *next;
	struct wr w;
};

enum jit_err
conn_new(int fd, int64_t now, struct conn **ret)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return JIT_E_NOMEM;
	c->fd = fd;
	c->since = now;
	c->out_last = &c->out;
	*ret = c;
	return JIT_OK;
}

static void
drop_first(struct conn *c)
{
	struct answer_out *o = c->out;

	c->out = o->next;
	if (c->out == NULL)
		c->out_last = &c->out;
	c->out_at = 0;
	wr_done(&o->w);
	free(o);
}

void
conn_close(struct conn *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->state = CONN_DEAD;
	buf_done(&c->frame);
	while (c->out != NULL)
		drop_first(c);
	c->out_bytes = 0;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	conn_close(c);
	free(c);
}

/* Up to n bytes; *got 0: nothing there now. */
static enum jit_err
receive(struct conn *c, uint8_t *p, size_t n, size_t *got)
{
	ssize_t r;

	do
		r = recv(c->fd, p, n, MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	*got = r > 0 ? (size_t)r : 0;
	if (r > 0 || (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)))
		return JIT_OK;
	c->eof = true;
	return JIT_E_UNREACHABLE;
}

/* The length is there: room for what follows. */
static enum jit_err
begin_frame(struct conn *c)
{
	struct rd r = rd_of(SPAN(c->head, sizeof(c->head)));
	uint32_t n = rd_u32(&r);

	if (!ask_length_ok(n))
		return JIT_E_SIZE;
	if ((c->frame.p = malloc(n)) == NULL)
		return JIT_E_NOMEM;
	c->frame.n = n;
	c->have = 0;
	return JIT_OK;
}

static enum jit_err
read_head(struct conn *c, int64_t now)
{
	size_t got = 0;

	JIT_TRY(receive(c, c->head + c->head_n, sizeof(c->head) - c->head_n,
	    &got));
	if (got > 0 && c->head_n == 0 && c->state != CONN_NEW)
		c->since = now;
	c->head_n += got;
	return c->head_n == sizeof(c->head) ? begin_frame(c) : JIT_OK;
}

enum jit_err
conn_read(struct conn *c, int64_t now, struct buf *ret)
{
	size_t got = 0;

	*ret = (struct buf){ NULL, 0 };
	if (c->frame.p == NULL)
		JIT_TRY(read_head(c, now));
	if (c->frame.p == NULL)
		return JIT_OK;
	JIT_TRY(receive(c, c->frame.p + c->have, c->frame.n - c->have,
	    &got));
	c->have += got;
	if (c->have < c->frame.n)
		return JIT_OK;
	*ret = c->frame;
	c->frame = (struct buf){ NULL, 0 };
	c->head_n = 0;
	return JIT_OK;
}

bool
conn_may_read(const struct conn *c)
{
	return (c->state == CONN_NEW || c->state == CONN_OPEN) && !c->eof &&
	    c->tasks < CONN_TASKS && c->out_bytes <= CONN_OUT;
}

enum jit_err
conn_put(struct conn *c, struct wr *w, int64_t now)
{
	struct answer_out *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return JIT_E_NOMEM;
	o->w = *w;
	*w = (struct wr)WR_INIT(w->max);
	if (c->out == NULL)
		c->moved = now;
	*c->out_last = o;
	c->out_last = &o->next;
	c->out_bytes += o->w.n;
	return JIT_OK;
}

enum jit_err
conn_write(struct conn *c, int64_t now)
{
	while (c->out != NULL) {
		const struct wr *w = &c->out->w;
		ssize_t n = send(c->fd, w->p + c->out_at, w->n - c->out_at,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ?
			    JIT_OK : JIT_E_UNREACHABLE;
		c->moved = now;
		c->out_at += (size_t)n;
		c->out_bytes -= (size_t)n;
		if (c->out_at == w->n)
			drop_first(c);
	}
	return JIT_OK;
}

int64_t
conn_deadline(const struct conn *c)
{
	int64_t until = INT64_MAX;

	if (c->state == CONN_NEW || c->head_n > 0)
		until = c->since + CONN_HALF_MS;
	if (c->out != NULL && c->moved + CONN_STUCK_MS < until)
		until = c->moved + CONN_STUCK_MS;
	return until;
}
