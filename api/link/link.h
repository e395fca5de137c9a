/*
 * link - jit-certd's connection to jit-signer: many questions in flight.
 *
 * Asynchronous, in the event loop.  Connects, says hello with the newest
 * checkpoint that the caller knows, and carries frames (signer/proto.h); each
 * question is answered exactly once, later, from the loop: by the signer, or
 * with JIT_E_UNREACHABLE when the connection ends.  What ends it: the signer;
 * a frame that is none, or answers nothing that was asked; an answer that
 * takes too long (whoever waits behind it waits in vain as well).  Connects
 * again by itself, after 50 ms, doubling to 1 s; from 50 ms again after one
 * that held for a second.
 *
 * Believes nothing and verifies nothing: whether this is the pinned log is
 * for the caller's hello to say, what is answered is for clients to verify.
 */
#ifndef JIT_API_LINK_LINK_H
#define JIT_API_LINK_LINK_H

#include "api/loop/loop.h"
#include "signer/proto.h"

#define LINK_TIMEOUT_MS 10000	/* for an answer; a wait: and its time */
#define LINK_ASKED_MAX 4096	/* frames in flight; then JIT_E_BUSY */
#define LINK_WAITS_MAX 32	/* of them WAIT and FOLLOW; the same: the
				   signer reads no further behind CONN_TASKS */
#define LINK_OUT_MAX (8u << 20)	/* bytes that have not left; the same */

struct link;

struct link_config {
	struct loop *loop;		/* borrowed */
	const char *socket;		/* borrowed */
	uint32_t timeout_ms;		/* 0: LINK_TIMEOUT_MS */
	/* The newest checkpoint that was seen, for hello; may be empty.
	   Borrowed for a moment. */
	struct span (*note)(void *arg);
	/*
	 * Hello was answered; h is borrowed for the call.  Not JIT_OK: this
	 * signer is not talked to (the link says so in link_state, hangs up
	 * and tries again later).
	 */
	enum jit_err (*hello)(void *arg, const struct hello *h,
	    struct jit_why *why);
	/*
	 * Up (JIT_OK), or down and why.  Told how the first try ended, then
	 * on each change of e only.  When it goes down: before those who
	 * asked are told.
	 */
	void (*changed)(void *arg, enum jit_err e, const struct jit_why *why);
	void *arg;
};

/*
 * Connects when the loop goes round.  Callbacks are called from the loop
 * only, and must not free the link.  Returns owned.  JIT_E_NOMEM; JIT_E_ARG:
 * the path is too long.
 */
enum jit_err link_new(const struct link_config *c, struct link **ret,
    struct jit_why *why);
/*
 * Questions that are open are answered JIT_E_UNREACHABLE first; changed is
 * not called.
 */
void link_free(struct link *l);
JIT_SCOPED_PTR(struct link, link_free);

/*
 * JIT_OK: connected and greeted; else what is the matter, in why:
 * JIT_E_UNREACHABLE, JIT_E_PROTOCOL, what hello was refused with (by the
 * signer or by us), JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err link_state(const struct link *l, struct jit_why *why);

/*
 * Ask n things (1 or 2) in one write, so that one turn of the signer answers
 * them (unless the socket takes only a part of it).  Tags are set here; what
 * a's spans point at is copied, and wiped when it was sent.  done is called
 * once, when all n are answered: err is JIT_OK and ans[0..n-1] are answers,
 * in the order asked, each with its own err (what the signer says) and
 * payload, borrowed for the call; or err is JIT_E_UNREACHABLE, why says what
 * happened, and ans is NULL: whatever was asked may have been done.
 *
 * Never calls done from within.  Any error: done is not called at all.
 *	JIT_E_UNREACHABLE  the link is down
 *	JIT_E_BUSY         LINK_ASKED_MAX, _WAITS_MAX or _OUT_MAX is reached
 *	JIT_E_SIZE JIT_E_FORMAT  a does not fit in a frame
 *	JIT_E_ARG          n, or a hello
 *	JIT_E_NOMEM
 */
typedef void link_done(void *arg, enum jit_err err,
    const struct jit_why *why, const struct answer *ans, size_t n);
enum jit_err link_ask(struct link *l, const struct ask *a, size_t n,
    link_done *done, void *arg, struct jit_why *why);
/*
 * Whoever asked with this arg is gone: its done is not called any more.  The
 * question is in flight all the same, until it is answered.
 */
void link_forget(struct link *l, const void *arg);

#endif
