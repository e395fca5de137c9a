/*
 * wire - what carries a client's questions: the signer's socket, or
 * jit-certd's API.
 *
 * It checks nothing of what is answered.  Whatever it speaks on its other
 * side, an answer arrives here as the bytes that proto.h draws, so that
 * client.c believes as little of one way as of the other.
 */
#ifndef JIT_SIGNER_WIRE_H
#define JIT_SIGNER_WIRE_H

#include "signer/proto.h"

#define WIRE_ASK_MAX 2		/* questions at once */

/* An answer and the bytes that its payload borrows from. */
struct heard {
	struct buf frame;	/* owned */
	struct answer a;
};
void heard_done(struct heard *h);
JIT_SCOPED_OBJ(struct heard, heard_done);

/* Requests that one may see, also those that are long over. */
struct wire_search {
	struct span requester, role;	/* only of, only for; empty: any */
	bool newest;			/* first; else in log order */
	uint64_t after;			/* next of the page before; 0: none */
	uint32_t max;
};

struct wire_ops {
	/*
	 * Ask n things at once (1 or WIRE_ASK_MAX); tags are the wire's.
	 *	JIT_E_SIZE         the question is too large
	 *	JIT_E_UNREACHABLE  nobody answers, or not in time
	 *	JIT_E_PROTOCOL     not answers to that
	 *	an error that an answer holds, with its words
	 * heard[] (owned, a.err JIT_OK) is set on success only.
	 */
	enum jit_err (*ask)(void *arg, const struct ask *a, size_t n,
	    struct heard *heard, struct jit_why *why);
	/* The answer is a list; errors as above.  NULL: cannot be asked. */
	enum jit_err (*search)(void *arg, const struct wire_search *q,
	    struct heard *heard, struct jit_why *why);
	/* End the connection; nothing is asked after it.  May come twice. */
	void (*close)(void *arg);
	void (*free)(void *arg);
};

struct wire {
	const struct wire_ops *ops;	/* NULL: none */
	void *arg;			/* owned */
	const char *name;		/* for messages; lives as long as arg */
};
void wire_done(struct wire *w);
JIT_SCOPED_OBJ(struct wire, wire_done);

/*
 * The signer's socket.  Each question may take timeout_ms, a wait: and the
 * time it waits.  Returns owned.  JIT_E_UNREACHABLE, JIT_E_ARG, JIT_E_IO.
 */
enum jit_err wire_socket(const char *path, int timeout_ms, struct wire *ret,
    struct jit_why *why);

#endif
