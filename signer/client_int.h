/*
 * Inside the client: client_line.c carries frames and keeps time, client.c
 * believes nothing of what they say.
 */
#ifndef JIT_SIGNER_CLIENT_INT_H
#define JIT_SIGNER_CLIENT_INT_H

#include "signer/client.h"

#define LINE_PATH 128		/* no socket's path is longer */

struct line {
	int fd;
	int timeout_ms;
	uint32_t tag;		/* of the newest question */
	bool broken;		/* out of step: nothing more is asked */
	char path[LINE_PATH];	/* for messages */
};

/* JIT_E_UNREACHABLE, JIT_E_IO. */
enum jit_err line_open(struct line *l, const char *path, int timeout_ms,
    struct jit_why *why);
void line_close(struct line *l);

/* An answer and the bytes that its payload borrows from. */
struct heard {
	struct buf frame;	/* owned */
	struct answer a;
};
void heard_done(struct heard *h);
JIT_SCOPED_OBJ(struct heard, heard_done);

/*
 * Ask n things at once (n is 1 or 2) and hear all answers, whatever their
 * order; tags are set here.  JIT_E_SIZE: the question is too large;
 * JIT_E_UNREACHABLE; JIT_E_PROTOCOL: not answers to that; an error that an
 * answer holds, the first one's first.  heard[] is set on success only.
 */
enum jit_err line_ask(struct line *l, const struct ask *a, size_t n,
    struct heard *heard, struct jit_why *why);

#endif
