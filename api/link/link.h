/*
 * link - jit-certd's connection to jit-signer: many questions in flight.
 *
 * Asynchronous, in the event loop.  Connects, says hello with the newest
 * checkpoint that the caller knows, and carries frames (signer/proto.h); each
 * question is answered exactly once, later, from the loop: by the signer, or
 * with JIT_E_UNREACHABLE when the connection ends or the answer takes too
 * long.  Connects again by itself (after 50 ms, doubling to 1 s).  It
 * verifies nothing but that hello's log is the pinned one: what is answered
 * is for clients to verify.
 */
#ifndef JIT_API_LINK_LINK_H
#define JIT_API_LINK_LINK_H

#include "api/loop/loop.h"
#include "signer/proto.h"

#define LINK_TIMEOUT_MS 10000	/* for an answer; a wait: and its time */
#define LINK_ASKED_MAX 4096	/* questions in flight; then JIT_E_BUSY */

struct link;

struct link_config {
	struct loop *loop;		/* borrowed */
	const char *socket;		/* borrowed */
	/* The newest checkpoint that was seen, for hello; may be empty. */
	struct span (*note)(void *arg);
	/*
	 * Hello was answered.  Not JIT_OK: this signer is not talked to (the
	 * link says so in link_state, hangs up and tries again later).
	 */
	enum jit_err (*hello)(void *arg, const struct hello *h,
	    struct jit_why *why);
	/* Up (JIT_OK) or down, and why; told on each change only. */
	void (*changed)(void *arg, enum jit_err e, const struct jit_why *why);
	void *arg;
};

/* Begins to connect.  JIT_E_NOMEM, JIT_E_ARG (the path is too long). */
enum jit_err link_new(const struct link_config *c, struct link **ret,
    struct jit_why *why);
/* Questions that are open are answered JIT_E_UNREACHABLE first. */
void link_free(struct link *l);
JIT_SCOPED_PTR(struct link, link_free);

/* JIT_OK: connected and greeted; else what is the matter, in why. */
enum jit_err link_state(const struct link *l, struct jit_why *why);

/*
 * Ask n things (1 or 2) in one write, so that one turn of the signer answers
 * them.  a->tag is set here; what a's spans point at is copied.  done is
 * called once, when all n are answered: err is JIT_OK and ans[0..n-1] are
 * answers, each with its own err (what the signer says) and payload, borrowed
 * for the call; or err says why there are none (JIT_E_UNREACHABLE).
 *
 * Never calls done from within.  JIT_E_BUSY, JIT_E_SIZE, JIT_E_NOMEM, and
 * JIT_E_UNREACHABLE while the link is down: then done is not called at all.
 */
typedef void link_done(void *arg, enum jit_err err,
    const struct jit_why *why, const struct answer *ans, size_t n);
enum jit_err link_ask(struct link *l, const struct ask *a, size_t n,
    link_done *done, void *arg, struct jit_why *why);
/* Whoever asked with this arg is gone: its done is not called any more. */
void link_forget(struct link *l, const void *arg);

#endif
