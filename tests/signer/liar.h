/*
 * liar - a signer out of a logbook, in a child process on a socket, that
 * answers as it must, but for one thing.
 *
 * What it shows are the first size entries, and grow more with each question.
 * Acts are not judged: who sends what the logbook holds gets its receipt.
 * Lists come in pages of few, so that paging is seen.
 */
#ifndef JIT_TESTS_LIAR_H
#define JIT_TESTS_LIAR_H

#include <sys/types.h>

#include "signer/proto.h"
#include "tests/lib/logbook.h"

enum lie {
	LIE_NONE,
	/* The frame. */
	LIE_CLOSE,		/* the connection ends instead */
	LIE_CUT,		/* ... in the middle */
	LIE_SILENT,		/* nothing, for ever */
	LIE_HUGE,		/* length 2^32 - 1 */
	LIE_OVER,		/* a byte more than an answer may have */
	LIE_SHORT,		/* shorter than any answer */
	LIE_NOISE,		/* bytes that are no answer */
	LIE_TAG, LIE_OP,	/* to something that was not asked */
	LIE_REFUSE,		/* a plain no */
	LIE_UNKNOWN,		/* "there is no such request" */
	LIE_DRIP,		/* true, a byte at a time */
	LIE_SWAP,		/* true, after the next one */
	/* The payload. */
	LIE_GARBAGE, LIE_TRAIL, LIE_LACK,
	/* The checkpoint. */
	LIE_KEY,		/* signed by another key */
	LIE_ORIGIN,		/* of a log of another name */
	LIE_UNSIGNED,
	LIE_OLD,		/* three entries ago */
	LIE_FORK,		/* the same size, another root */
	LIE_EMPTY_LOG,		/* size 0 */
	LIE_PATH,		/* the consistency path is another one */
	/* Receipts. */
	LIE_PROOF,		/* the path of the entry beside it */
	LIE_LEAF, LIE_SALT, LIE_BODY,	/* a bit of it */
	LIE_ERASED,		/* "the body was erased" */
	LIE_NOTHING,		/* none at all */
	LIE_OTHER,		/* true, of another entry or request */
	LIE_TWICE,		/* one more than once */
	LIE_FIRST_LACKS,	/* a dossier without its request */
	LIE_LOOP,		/* a next page that is this one */
	/* What stands beside them. */
	LIE_POLICY_OLD, LIE_POLICY_FUTURE,
	LIE_VKEY, LIE_CA,
};

struct liar {
	struct logbook *b;
	uint64_t size, grow;
	unsigned still;		/* questions before it begins to grow */
	enum lie lie;
	enum op at;		/* in the answer to this */
	unsigned after;		/* ... but for so many of them */
	struct ulid other;	/* LIE_OTHER: about this request */
	/* Set by liar_start(). */
	char path[100];
	pid_t pid;
};

/* Listens and serves, one connection after the other. */
void liar_start(struct liar *l);
void liar_stop(struct liar *l);

#endif
