/*
 * log_line - what one entry of the log says, in words for people.
 *
 * Entries about a request that do not say whose it is (a certificate, a
 * drop) are told with what the request's own entry said before: so they are
 * read in order.
 */
#ifndef JIT_CLI_LOG_LINE_H
#define JIT_CLI_LOG_LINE_H

#include "ca/grant/issued.h"
#include "ca/grant/record.h"
#include "cli/when.h"

struct log_asked;

/* Who asked for which role; forgotten once nothing more can be logged of it. */
struct log_words {
	utc_s now;			/* moments are told from here */
	struct log_asked *asked;	/* owned */
	size_t n, cap;
};
void log_words_done(struct log_words *x);
JIT_SCOPED_OBJ(struct log_words, log_words_done);

/*
 * What one entry says.  Spans borrow from its body and from struct log_words.
 * who did it; whose request it is about, "" when it is about none.
 */
struct log_line {
	struct span who, whose, role;
	struct ulid id;			/* "" when it is about none */
	struct wr what;			/* WR_INIT()ed by the caller */
	/* Of a certificate, else "". */
	char serial[ISSUED_SERIAL_TEXT];
	enum request_kind kind;
	utc_s until;
	struct rec_issued issued;	/* by which approvals */
};
void log_line_done(struct log_line *l);
JIT_SCOPED_OBJ(struct log_line, log_line_done);

/*
 * Read e into l, which is zero but for what.  *is false: nothing for people
 * (a block of a policy).  The errors of record.h and of the texts.
 */
enum jit_err log_line_read(struct log_words *x, const struct entry *e,
    struct log_line *l, bool *is, struct jit_why *why);

#endif
