/*
 * link_int - what the link's files share: link.c has the questions and who is
 * told what, link_wire.c the socket and its bytes.  Inside the link only.
 */
#ifndef JIT_API_LINK_LINK_INT_H
#define JIT_API_LINK_LINK_INT_H

#include "api/link/link.h"

#define LINK_BUCKETS 1024u

/*
 * One or two things that were asked at once.  Their tags are an even one and
 * the one behind it, so that the answer's tag names question and place.
 */
struct question {
	struct link *link;
	struct question *next, **prev;	/* all that are open, oldest first */
	struct question *chain;		/* of the same bucket */
	struct question *out_next;	/* those that have not left */
	uint32_t tag;			/* even; 0 is hello's */
	uint8_t op[2];
	unsigned n, left;		/* asked, not answered yet */
	unsigned waits;			/* of n */
	bool sent;
	struct wr out;			/* frames, until they are sent */
	struct buf heard[2];		/* answer, until the other comes */
	struct timer late;
	link_done *done;		/* NULL: forgotten */
	void *arg;
};

enum link_phase { LINK_DOWN, LINK_GREETING, LINK_UP };

struct link {
	struct link_config c;
	enum link_phase phase;
	enum jit_err err;		/* of link_state() */
	struct jit_why why;
	bool told;			/* changed() was called with err */
	bool ending;			/* link_free() */
	/* Trying again. */
	struct timer retry;
	int64_t delay, up_at;		/* ms */
	/* Questions. */
	uint32_t tag;			/* of the newest */
	unsigned asked, waits;		/* frames in flight; for news */
	struct question *open, **open_last;
	struct question *bucket[LINK_BUCKETS];
	/* The wire. */
	int fd;				/* -1: none */
	struct watch *watch;
	bool deaf;			/* the other side takes no more */
	struct timer flush;		/* set: something is to be sent */
	struct question *out, **out_last;
	size_t out_at, out_bytes;	/* of the first; of all that is left */
	uint8_t *in;			/* what is not a whole frame yet */
	size_t in_n, in_cap;
};

/* ---- link.c ---- */

/* A whole answer, behind its length.  May hang up. */
void link_heard(struct link *l, struct span frame);
/* The connection is over: all that are open are told, and try again later. */
void link_hang_up(struct link *l, enum jit_err e, const struct jit_why *why);

/* ---- link_wire.c ---- */

/* Connect.  JIT_E_UNREACHABLE, JIT_E_IO, JIT_E_NOMEM. */
enum jit_err wire_open(struct link *l, struct jit_why *why);
void wire_close(struct link *l);
/* q's frames are the next to leave, when the loop comes to it. */
void wire_put(struct link *l, struct question *q);
/* Send what the socket takes.  May hang up. */
void wire_flush(void *link);

#endif
