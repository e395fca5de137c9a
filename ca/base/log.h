/*
 * log - one line per event, for programs only (libca returns, never logs).
 *
 *	2026-11-23T20:58:11Z warn jit-signer refused person="alice" serial="7"
 *
 * Time (RFC 3339, UTC), level, program, event, then key="value" pairs.  A
 * value is somebody else's text: shown by text_escape, with " as \", so that
 * nothing in it can end the value, the line, or speak to a terminal.  At
 * most LOG_VALUE_MAX bytes of it are shown, then "...".  A line is at most
 * LOG_LINE_MAX bytes with its LF and leaves by one write(2), so that lines
 * of several processes on one pipe stay whole (PIPE_BUF is 4096 on Linux;
 * macOS has 512); fields that do not fit are left out and cut="true" says
 * so.  A line that could not be written is counted, and the next one that
 * can be carries lost="n".
 *
 * Never put a secret or a token in.  Allocates less than 16 KiB, for the
 * moment of the call.  The clock comes from main, as log_setup()'s argument.
 * log_line() may be called from several threads; log_setup() is for main,
 * before there are any.
 */
#ifndef JIT_BASE_LOG_H
#define JIT_BASE_LOG_H

#include "ca/base/bytes.h"
#include "ca/base/utc.h"

#define LOG_LINE_MAX 4096
#define LOG_VALUE_MAX 512

enum log_level { LOG_L_ERROR, LOG_L_WARN, LOG_L_INFO, LOG_L_DEBUG };

/*
 * Where lines go from now on.
 *
 *	program  borrowed for ever, [a-z0-9][a-z0-9._-]{0,31}
 *	fd       borrowed; 2 before the first call
 *	level    what is less urgent is dropped; LOG_L_INFO before
 *	now      the clock; NULL (and before the first call) writes "-"
 */
void log_setup(const char *program, int fd, enum log_level level,
    utc_s (*now)(void));

/* "error", "warn", "info", "debug".  JIT_E_ARG. */
enum jit_err log_level_parse(const char *s, enum log_level *ret);

enum log_kind { LOG_K_TEXT, LOG_K_NUM };
struct log_field {
	enum log_kind kind;
	const char *key;	/* a constant of the caller's */
	struct span text;	/* borrowed for the call */
	int64_t num;
};

#define LOG_SPAN(k, s) ((struct log_field){ LOG_K_TEXT, (k), (s), 0 })
/* A C string; NULL is written as "-". */
#define LOG_STR(k, s) LOG_SPAN((k), log_text(s))
#define LOG_NUM(k, n)							\
	((struct log_field){ LOG_K_NUM, (k), SPAN_NONE, (int64_t)(n) })
/* error="wire-name"; why="what happened", "" when there is nothing. */
#define LOG_CODE(e) LOG_STR("error", jit_err_name(e))
#define LOG_WHY(w) LOG_STR("why", (w) != NULL ? (w)->msg : "")
struct span log_text(const char *s);

/*
 *	log_line(LOG_L_INFO, "issued", LOG_STR("person", p), LOG_NUM("n", 3));
 *
 * event is a constant name of the caller's.  An event or key that is not of
 * text_is_name()'s form is written as "?".
 */
#define log_line(level, event, ...)					\
	log_fields((level), (event), (const struct log_field[]){	\
	    LOG_NUM("-", 0), __VA_ARGS__ },				\
	    sizeof((const struct log_field[]){				\
	    LOG_NUM("-", 0), __VA_ARGS__ }) / sizeof(struct log_field))
/* f[0] is a filler, not written. */
void log_fields(enum log_level level, const char *event,
    const struct log_field *f, size_t n);

#endif
