/*
 * conn - one client's connection: frames in, answers out, and how long it
 * may take over either.
 *
 * Non-blocking; the loop (serve.h) says when.  What a client can make us
 * hold is bounded: one half frame, CONN_TASKS frames that are being worked
 * on, and no frame more is read while CONN_OUT bytes of answers wait.
 * Time is ms of the caller's monotonic clock.
 */
#ifndef JIT_SIGNER_CONN_H
#define JIT_SIGNER_CONN_H

#include <sys/types.h>

#include "signer/proto.h"

#define CONN_TASKS 64			/* frames in flight */
#define CONN_OUT (4u << 20)		/* bytes of answers */
#define CONN_HALF_MS 10000		/* for a frame, and until hello */
#define CONN_STUCK_MS 30000		/* an answer of which nothing leaves */

enum conn_state {
	CONN_NEW,	/* hello must come */
	CONN_GREETING,	/* it came, and is not answered */
	CONN_OPEN,
	CONN_CLOSING,	/* when the answers have left */
	CONN_DEAD	/* closed; there while tasks of it are under way */
};

struct answer_out;

struct conn {
	struct conn *next;		/* the loop's list */
	enum conn_state state;
	int fd;				/* owned; -1 when dead */
	uint32_t events;		/* the loop's: what it polls for */
	uint64_t id;
	uid_t uid;
	pid_t pid;
	unsigned tasks;			/* the loop's: frames in flight */
	/* In. */
	uint8_t head[4];
	size_t head_n, have;
	struct buf frame;		/* of the length that head says */
	int64_t since;			/* of its first byte; NEW: accept */
	bool eof;
	/* Out. */
	struct answer_out *out, **out_last;
	size_t out_at, out_bytes;	/* of the first; of all that is left */
	int64_t moved;			/* when something last left */
};

/* Takes fd.  Returns owned.  JIT_E_NOMEM: fd stays the caller's. */
enum jit_err conn_new(int fd, int64_t now, struct conn **ret);
/* Close; what was not sent is dropped.  c stays, CONN_DEAD. */
void conn_close(struct conn *c);
void conn_free(struct conn *c);

/*
 * Read on, to the end of one frame at most.  JIT_OK: ret->p is it, owned, or
 * NULL when more must come.
 *	JIT_E_SIZE         a length out of bounds: nothing behind it can be read
 *	JIT_E_UNREACHABLE  the client ended, or half a frame is the end
 *	JIT_E_NOMEM
 */
enum jit_err conn_read(struct conn *c, int64_t now, struct buf *ret);
/* May another frame be read? */
bool conn_may_read(const struct conn *c);
/* Queue an answer.  Takes w's bytes; *w is empty afterwards.  JIT_E_NOMEM. */
enum jit_err conn_put(struct conn *c, struct wr *w, int64_t now);
/* Send what the socket takes.  JIT_E_UNREACHABLE: nobody is there. */
enum jit_err conn_write(struct conn *c, int64_t now);
/* When it must have come further; INT64_MAX: it has all the time. */
int64_t conn_deadline(const struct conn *c);

#endif
