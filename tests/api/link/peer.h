/*
 * peer - a signer's side of the socket in the hands of a test, and somebody
 * who asks through a link: both in one thread, around one loop.
 */
#ifndef JIT_TESTS_LINK_PEER_H
#define JIT_TESTS_LINK_PEER_H

#include "api/link/link_int.h"
#include "tests/lib/jt.h"

struct peer {
	char path[100];
	int listener, fd;		/* -1: none */
	struct loop *loop;
	struct link *link;
	/* What its callbacks give, and what they were told. */
	struct buf note;
	enum jit_err refuse;		/* hello's answer, unless JIT_OK */
	unsigned hellos, ups, downs;
	enum jit_err last;
	struct wr in;
	size_t in_at;
};

/* A listener, and a link to it that has not begun. */
void peer_begin(struct peer *p, uint32_t timeout_ms);
void peer_end(struct peer *p);
/* A round or several, until *flag is at least n; fails after 10 s. */
void peer_until(struct peer *p, const unsigned *flag, unsigned n);
void peer_rounds(struct peer *p, int n);

/* The link's next connection. */
void peer_accept(struct peer *p);
void peer_hang_up(struct peer *p);
/* The next frame; spans borrow until the next one. */
struct ask peer_hear(struct peer *p);
/* Bytes, as they are; rounds go on while the link does not take them. */
void peer_send(struct peer *p, struct span s);
/* An answer to a with that payload. */
void peer_say(struct peer *p, enum op op, uint32_t tag, const char *payload);
/* The same as bytes.  Owned. */
struct buf peer_frame(enum op op, uint32_t tag, struct span payload);
/* Hear the hello and greet. */
void peer_greet(struct peer *p);
/* All that, until it is up. */
void peer_up(struct peer *p);

/* What somebody asked, and what came of it. */
struct asked {
	struct peer *p;
	unsigned calls;
	enum jit_err err;		/* of the call */
	size_t n;
	enum jit_err said[2];		/* by the signer */
	struct buf payload[2];
	struct jit_why why;
	void (*then)(struct asked *a);	/* called from done; may be NULL */
	struct asked *other;
};
/* Ask one or two CHECKPOINTs; must be accepted. */
void asked_begin(struct asked *a, struct peer *p, size_t n);
void asked_end(struct asked *a);
link_done asked_done;

#endif
