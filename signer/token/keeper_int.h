/*
 * keeper_int - what the files of the keeper share.
 */
#ifndef JIT_SIGNER_TOKEN_KEEPER_INT_H
#define JIT_SIGNER_TOKEN_KEEPER_INT_H

#include <sys/types.h>

#include "ca/base/digest.h"
#include "ca/base/secret.h"
#include "signer/token/frame_io.h"
#include "signer/token/keeper.h"
#include "signer/token/uri.h"

#define KEEPER_TOKENS 64		/* whose PIN is remembered */
#define KEEPER_GENERATE_MS 120000	/* a small token thinks long of RSA */

enum pin_state { PIN_UNTRIED, PIN_TAKEN, PIN_REFUSED };

/* What a token thought of our PIN. */
struct pin_memory {
	struct digest token;		/* of serial, label ... */
	enum pin_state state;
	bool trying;			/* a worker has it and has not said */
};

enum worker_state { WORKER_NONE, WORKER_STARTING, WORKER_READY };

/* A request that its worker has, or will have. */
struct request {
	uint64_t tag;
	bool slow;
};

struct worker {
	struct frame_key keys[FRAME_KEYS_MAX];	/* borrow from keeper.config */
	struct uri uri;			/* of the first */
	uint32_t n;
	struct secret pin;		/* empty: none */

	enum worker_state state;
	pid_t pid;
	struct frame_io io;
	struct wr backlog;		/* requests until it is ready */
	struct request queue[KEEPER_QUEUE_MAX];
	size_t first, count;
	int64_t deadline;		/* of the first, or of the start */
	struct pin_memory *trying;
	enum jit_err said;		/* of its last answer */

	enum jit_err err;		/* why it does not run; its words */
	struct jit_why why;
	unsigned fails;			/* one after the other */
	int64_t not_before;
};

struct keeper {
	const char *program;
	char *const *hidden;
	struct frame_io io;		/* to jit-signer */
	struct buf config;		/* without the PINs */
	uint32_t timeout_ms, backoff_ms;
	struct worker workers[FRAME_KEYS_MAX];
	size_t n;
	struct { struct worker *worker; uint32_t index; } keys[FRAME_KEYS_MAX];
	uint32_t n_keys;
	struct pin_memory pins[KEEPER_TOKENS];
	size_t n_pins;
	pid_t dying[4 * FRAME_KEYS_MAX];
	size_t n_dying;
};

/* Read CONFIG and sort the keys by token.  JIT_E_FORMAT, NOMEM. */
enum jit_err keeper_config(struct keeper *k, const struct frame *f,
    struct jit_why *why);

/* ---- keeper_pin.c ---- */

/* May worker w log in there?  Fills in a PIN frame; f->words borrow. */
void keeper_pin_ask(struct keeper *k, struct worker *w,
    const struct frame *login, struct frame *f);
/* What became of it. */
void keeper_pin_said(struct worker *w, enum jit_err e);
/* The worker is gone; nobody knows. */
void keeper_pin_lost(struct worker *w);

/* ---- keeper_worker.c ---- */

/* Start it.  On an error its requests have failed. */
void worker_start(struct keeper *k, struct worker *w, int64_t now);
/* Fail all that it has, with e and why. */
void worker_fail(struct keeper *k, struct worker *w, enum jit_err e,
    const struct jit_why *why);
/* Kill it; what it has fails, and a pause begins. */
void worker_kill(struct keeper *k, struct worker *w, int64_t now,
    enum jit_err e, const struct jit_why *why);
/* Its end of the socket has closed. */
void worker_ended(struct keeper *k, struct worker *w, int64_t now);
/* Put an answer into jit-signer's socket. */
void keeper_answer(struct keeper *k, uint64_t tag, enum jit_err e,
    const struct jit_why *why);
/* Look for the status of processes that were killed. */
void keeper_reap(struct keeper *k);

#endif
