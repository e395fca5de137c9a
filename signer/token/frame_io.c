#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/crypto.h>

#include "ca/base/sys.h"
#include "signer/token/frame_io.h"

#define CHUNK 16384

void
frame_io_init(struct frame_io *io, int fd)
{
	*io = (struct frame_io)FRAME_IO_INIT;
	io->fd = fd;
}

void
frame_io_done(struct frame_io *io)
{
	sys_close(&io->fd);
	wr_done(&io->in);
	wr_done(&io->out);
	io->taken = io->sent = 0;
}

/* Drop the first *done bytes, and wipe the place that they had. */
static void
compact(struct wr *w, size_t *done)
{
	if (*done == 0)
		return;
	memmove(w->p, w->p + *done, w->n - *done);
	OPENSSL_cleanse(w->p + w->n - *done, *done);
	w->n -= *done;
	*done = 0;
}

void
frame_io_wipe(struct frame_io *io)
{
	compact(&io->in, &io->taken);
}

enum jit_err
frame_io_fill(struct frame_io *io, struct jit_why *why)
{
	uint8_t chunk[CHUNK];
	ssize_t n;

	compact(&io->in, &io->taken);
	for (int i = 0; i < 4; i++) {
		n = recv(io->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		/* What came before the end is read first. */
		if (n == 0 && i > 0)
			break;
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return jit_fail(why, JIT_E_UNREACHABLE, "the other "
			    "side has closed");
		if (n < 0)
			return jit_fail(why, JIT_E_IO, "recv: %s",
			    strerror(errno));
		wr_raw(&io->in, chunk, (size_t)n);
		OPENSSL_cleanse(chunk, (size_t)n);
		if ((size_t)n < sizeof(chunk))
			break;
	}
	return io->in.err;
}

enum jit_err
frame_io_next(struct frame_io *io, struct frame *ret, bool *got,
    struct jit_why *why)
{
	struct rd r = rd_of(SPAN(io->in.p + io->taken,
	    io->in.n - io->taken));
	uint32_t n;

	*got = false;
	if (r.n < 4)
		return JIT_OK;
	if ((n = rd_u32(&r)) > FRAME_MAX)
		return jit_fail(why, JIT_E_FORMAT, "token helper: a frame of "
		    "%u bytes, accepted are at most %u", n, FRAME_MAX);
	if (r.n < n)
		return JIT_OK;
	JIT_TRY(frame_get(SPAN(r.p, n), ret, why));
	io->taken += 4 + (size_t)n;
	*got = true;
	return JIT_OK;
}

enum jit_err
frame_io_flush(struct frame_io *io, struct jit_why *why)
{
	while (io->sent < io->out.n) {
		ssize_t n = send(io->fd, io->out.p + io->sent,
		    io->out.n - io->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return JIT_OK;
		if (n < 0)
			return jit_fail(why, errno == EPIPE ||
			    errno == ECONNRESET ? JIT_E_UNREACHABLE :
			    JIT_E_IO, "send: %s", strerror(errno));
		OPENSSL_cleanse(io->out.p + io->sent, (size_t)n);
		io->sent += (size_t)n;
	}
	io->out.n = io->sent = 0;
	return JIT_OK;
}

enum jit_err
frame_io_put(struct frame_io *io, const struct frame *f, struct jit_why *why)
{
	size_t before;

	compact(&io->out, &io->sent);
	before = io->out.n;
	frame_put(&io->out, f);
	if (io->out.err != JIT_OK) {
		enum jit_err e = io->out.err;

		/* Half a frame must not stay. */
		io->out.err = JIT_OK;
		io->out.n = before;
		return jit_fail(why, e == JIT_E_SIZE ? JIT_E_BUSY : e, "token "
		    "helper: too much waits to be sent");
	}
	return frame_io_flush(io, why);
}

short
frame_io_events(const struct frame_io *io)
{
	return io->out.n > io->sent ? POLLIN | POLLOUT : POLLIN;
}

static enum jit_err
wait_for(struct frame_io *io, short events, int64_t end, struct jit_why *why)
{
	struct pollfd p = { .fd = io->fd, .events = events };
	int64_t left = end < 0 ? -1 : end - sys_mono_ms();
	int n;

	if (end >= 0 && left <= 0)
		return jit_fail(why, JIT_E_UNREACHABLE, "token helper: no "
		    "answer in time");
	n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
	return n < 0 && errno != EINTR ? jit_fail(why, JIT_E_IO, "poll: %s",
	    strerror(errno)) : JIT_OK;
}

enum jit_err
frame_io_wait(struct frame_io *io, int64_t end, struct frame *ret,
    struct jit_why *why)
{
	bool got;

	for (;;) {
		JIT_TRY(frame_io_next(io, ret, &got, why));
		if (got)
			return JIT_OK;
		JIT_TRY(wait_for(io, frame_io_events(io), end, why));
		JIT_TRY(frame_io_flush(io, why));
		JIT_TRY(frame_io_fill(io, why));
	}
}

enum jit_err
frame_io_drain(struct frame_io *io, int64_t end, struct jit_why *why)
{
	for (;;) {
		JIT_TRY(frame_io_flush(io, why));
		if (io->out.n == 0)
			return JIT_OK;
		JIT_TRY(wait_for(io, POLLOUT, end, why));
	}
}
