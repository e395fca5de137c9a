/*
 * token_int - what the files of token share.
 */
#ifndef JIT_SIGNER_TOKEN_TOKEN_INT_H
#define JIT_SIGNER_TOKEN_TOKEN_INT_H

#include <sys/types.h>

#include "signer/token/frame_io.h"
#include "signer/token/token.h"

#define TOKEN_NAME_MAX 64

/* An answer that waits to be taken. */
struct done {
	struct token_answer a;
	uint64_t id;
	struct done *next;
};

/* One request that the helper has. */
struct pending {
	enum frame_kind kind;		/* 0: this place is free */
	uint64_t id;			/* the tag that the helper sees */
	uint64_t tag;			/* the caller's */
	size_t key;
	enum form form;
	enum frame_hash hash;
	struct buf prepared;		/* what was to be signed */
	int64_t asked;			/* ms */
	struct done *done;		/* made with it, so that an answer
					   cannot be lost; not of INFO */
};

struct known {
	char name[TOKEN_NAME_MAX];
	struct ssh_key *pub;		/* owned; NULL: not known */
	struct ssh_key *expect;		/* owned; NULL: anything */
	enum jit_err err;		/* of the last look or request */
	struct jit_why why;
};

struct token {
	struct frame_io io;
	pid_t pid;
	int64_t timeout_ms;
	struct known keys[TOKEN_KEYS_MAX];
	size_t n;
	struct pending pending[TOKEN_PENDING_MAX];
	size_t n_pending, n_done;
	struct done *first, **last;
	uint64_t next_id;
	int64_t heard;			/* when the helper last said something */
	bool gone;
	struct jit_why gone_why;
};

/* Send a request; *id names it.  JIT_E_BUSY, JIT_E_TOKEN. */
enum jit_err token_send(struct token *t, const struct pending *what,
    const struct frame *f, int64_t now, uint64_t *id, struct jit_why *why);
/* Ask for key i's public half, unless that is under way. */
void token_look(struct token *t, size_t i, int64_t now);
bool token_is_looking(const struct token *t, size_t i);
/* token_ask_sign(); *id names the answer. */
enum jit_err token_ask_id(struct token *t, size_t i, uint64_t tag,
    enum form f, struct span data, int64_t now, uint64_t *id,
    struct jit_why *why);
/* Read what the helper said: keys become known, answers wait in the list. */
void token_pump(struct token *t, int64_t now);
/* The helper is of no use any more: all that is under way fails. */
void token_give_up(struct token *t, const struct jit_why *why);
/* Take the answer of that id out of the list; NULL: it is not there. */
struct done *token_done_of(struct token *t, uint64_t id);
void token_done_free(struct done *d);
#endif
