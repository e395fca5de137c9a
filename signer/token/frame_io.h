/*
 * frame_io - frames through a stream socket that never blocks us.
 *
 * What is read and what is not yet sent is wiped when it is done with: a PIN
 * passes through here.  Only recv(), send() and, in the _wait functions,
 * poll(): it works in the signer's jail.
 */
#ifndef JIT_SIGNER_TOKEN_FRAME_IO_H
#define JIT_SIGNER_TOKEN_FRAME_IO_H

#include "signer/token/frame.h"

#define FRAME_IO_MAX (4 * FRAME_MAX)	/* bytes that wait to be sent */

struct frame_io {
	int fd;			/* owned; -1: closed */
	struct wr in, out;
	size_t taken, sent;	/* bytes of them that are done with */
};
#define FRAME_IO_INIT { .fd = -1, .in = WR_INIT(2 * FRAME_MAX),	\
    .out = WR_INIT(FRAME_IO_MAX) }

/* Takes fd, a non-blocking stream socket. */
void frame_io_init(struct frame_io *io, int fd);
/* Closes and wipes. */
void frame_io_done(struct frame_io *io);
JIT_SCOPED_OBJ(struct frame_io, frame_io_done);

/*
 * Read what is there, at most some 64 KiB.  JIT_OK also when nothing is.
 * JIT_E_UNREACHABLE: the other side has closed; JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err frame_io_fill(struct frame_io *io, struct jit_why *why);
/*
 * The next whole frame of what was read, borrowed until the next call on io;
 * *got is false when there is none yet.  JIT_E_FORMAT: malformed.
 */
enum jit_err frame_io_next(struct frame_io *io, struct frame *ret, bool *got,
    struct jit_why *why);
/* Put f behind what waits and send what can be sent now.  JIT_E_BUSY: too
 * much waits; JIT_E_UNREACHABLE, JIT_E_IO. */
enum jit_err frame_io_put(struct frame_io *io, const struct frame *f,
    struct jit_why *why);
enum jit_err frame_io_flush(struct frame_io *io, struct jit_why *why);
/* Wipe what was read and taken; the frame that was borrowed is gone. */
void frame_io_wipe(struct frame_io *io);
/* POLLIN, and POLLOUT while something waits to be sent. */
short frame_io_events(const struct frame_io *io);
/*
 * Wait until the next frame is here, until the moment end of sys_mono_ms()
 * (-1: for ever).  JIT_E_UNREACHABLE: not in time, or closed.
 */
enum jit_err frame_io_wait(struct frame_io *io, int64_t end,
    struct frame *ret, struct jit_why *why);
/* Wait until all is sent. */
enum jit_err frame_io_drain(struct frame_io *io, int64_t end,
    struct jit_why *why);

#endif
