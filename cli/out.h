/*
 * out - the one way in which jit-cert speaks: to people, to programs, and
 * by asking on the terminal.
 *
 * Words for people go through a printf of our own: the format is ours, and
 * every %s and %.*s argument is taken for somebody else's text and escaped
 * (text_escape), so that no argument can end a line or speak to a terminal.
 * Format knows %s %.*s %c %d %u %ld %lu %lld %llu %zu %% only.  A line feed
 * in the format is a line feed.  Outside a UTF-8 locale the arguments' other
 * characters are shown as \xHH and ours replaced ("..." for an ellipsis).
 *
 * With --json words for people go nowhere, standard output is one JSON object
 * a line, and an error is {"error": wire name, "message": ..., "exit": n}.
 * Colour is never the only sign, and there only on a terminal.
 *
 * What cannot be written is remembered: cli_main() then says so on standard
 * error and returns CLI_FAILED.
 */
#ifndef JIT_CLI_OUT_H
#define JIT_CLI_OUT_H

#include <jansson.h>

#include "ca/base/bytes.h"
#include "cli/when.h"

struct cli;

struct out {
	int fd, err_fd;		/* 1 and 2 in the program */
	int say_fd;		/* where out_say goes; fd at first */
	bool json;
	bool silent;		/* nobody is there to be asked */
	bool utf8;		/* the locale can show it */
	bool color, err_color;	/* may fd, err_fd have colour? */
	enum jit_err failed;	/* of the first write to fd that failed */
	struct jit_why why;	/* and how */
};

/* json and colour off, utf8 by the locale that setlocale() set. */
void out_init(struct out *o, int fd, int err_fd);

/* Colour where fd, err_fd are terminals and the environment allows it. */
void out_use_color(struct cli *c);

#define OUT_FMT(a, b) __attribute__((format(printf, a, b)))
/* A span for %.*s. */
#define OUT_SPAN(s) (int)(s).n, (const char *)(s).p

/* ---- words for people ---- */

/* The answer: standard output, or where out_say_on_stderr() put it. */
void out_say(struct cli *c, const char *fmt, ...) OUT_FMT(2, 3);
/* What goes on meanwhile, and hints: standard error. */
void out_note(struct cli *c, const char *fmt, ...) OUT_FMT(2, 3);
/* From now on out_say writes to standard error: stdout is a child's. */
void out_say_on_stderr(struct cli *c);
/* Somebody else's text of several lines, each escaped, behind indent. */
void out_text(struct cli *c, const char *indent, struct span text);
/* Append what out_say would print to w: for cells, prompts, messages. */
void out_put(const struct cli *c, struct wr *w, const char *fmt, ...)
    OUT_FMT(3, 4);

/* ---- how it ended; each returns the exit status to return ---- */

/*
 * "DENIED     Denied by carol 22:05: ..." on standard error, lines after the
 * first indented alike.  word is a constant, upper case; the exit status is
 * err.def's for e.  With --json: the error object, message without word.
 */
int out_outcome(struct cli *c, const char *word, enum jit_err e,
    const char *fmt, ...) OUT_FMT(4, 5);
/* "jit-cert: <why>" (what e means when why is NULL or empty). */
int out_error(struct cli *c, enum jit_err e, const struct jit_why *why);
/* As out_error, with another exit status (CLI_CHILD). */
int out_error_exit(struct cli *c, enum jit_err e, const struct jit_why *why,
    int status);

/* ---- for programs ---- */

/*
 * Takes o.  With --json: one line; else nothing.  NULL (jansson had no
 * memory) is remembered as a failed write.
 */
void out_json(struct cli *c, json_t *o);
/* A string value of somebody's bytes; what is not UTF-8 is escaped. */
json_t *out_json_span(struct span s);
/* "2026-11-23T20:58:11Z" */
json_t *out_json_utc(utc_s t);

/* ---- raw answers ---- */

/* Bytes to standard output as they are: evidence, keys, signed texts. */
void out_bytes(struct cli *c, struct span s);

/* ---- columns ---- */

/* Cells of columns that are as wide as their widest, two spaces between. */
struct out_table {
	struct wr text;		/* cells, one after another */
	size_t *end;		/* owned: where each ends */
	size_t n, cap;
	size_t columns;
	enum jit_err err;
};
void out_table_init(struct out_table *t, size_t columns);
void out_table_done(struct out_table *t);
JIT_SCOPED_OBJ(struct out_table, out_table_done);
/* The next cell, left to right, row by row. */
void out_cell(struct cli *c, struct out_table *t, const char *fmt, ...)
    OUT_FMT(3, 4);
/* Print it by out_say's rules, each line behind indent. */
void out_table_say(struct cli *c, const struct out_table *t,
    const char *indent);
/* Columns that text takes on a terminal: wide characters 2, combining 0. */
size_t out_width(const struct cli *c, struct span text);

/* ---- asking on the terminal ---- */

/*
 * prompt (put by out_put, so escaped) on /dev/tty, then one key of keys,
 * which are lower case letters; another key asks again.  What was typed
 * before the question is thrown away.  End of input is JIT_E_IO, as is no
 * terminal; JIT_E_ARG with --json, or when out.silent is set.
 */
enum jit_err out_ask_key(struct cli *c, struct span prompt, const char *keys,
    char *ret, struct jit_why *why);
/*
 * A line without its LF, at most max bytes.  JIT_E_ARG: --json; JIT_E_IO: no
 * terminal, end of input before a character; JIT_E_SIZE.
 */
enum jit_err out_ask_line(struct cli *c, struct span prompt, size_t max,
    struct buf *ret, struct jit_why *why);

#endif
