/*
 * lines - the canonical form that all signed texts and policy blocks share.
 *
 *	jit-cert request v1          the first line names the kind
 *	log: jit.example.com+3f1c9a07
 *	principal: dba.prod-db       one "name: value" a line, in fixed order;
 *	principal: root.prod-db      repeated ones sorted bytewise, each once
 *	reason: -                    "-" where there is no value
 *
 * LF ends every line; ASCII 0x20 to 0x7e, but for fields that a person
 * fills (reason, comment): UTF-8 of plain characters (text.h).  There is one
 * text for one meaning: a reader of a kind renders what it read again and
 * compares the bytes (lines_check_same).
 *
 * struct lines is a cursor with a sticky error, so that a reader reads like
 * its form and is checked once.  Pure.
 */
#ifndef JIT_GRANT_LINES_H
#define JIT_GRANT_LINES_H

#include "ca/base/digest.h"
#include "ca/base/text.h"
#include "ca/base/utc.h"

struct lines {
	struct span left;	/* what is not read yet */
	unsigned line;		/* number of the line that was read last */
	enum jit_err err;	/* sticky: JIT_OK, JIT_E_FORMAT, JIT_E_UTF8 ... */
	struct jit_why *why;	/* filled at the first error; may be NULL */
};

/* Start on s; the first line must be "jit-cert <kind> v1". */
struct lines lines_open(struct span s, const char *kind, struct jit_why *why);
/* The value of the next line, which must be "<name>: <value>", value not empty. */
struct span lines_value(struct lines *l, const char *name);
/* Is the next line of that name? */
bool lines_more(const struct lines *l, const char *name);
/* Make err the sticky error, told with the line's number. */
void lines_fail(struct lines *l, enum jit_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Typed values; each fails with what was found and what is accepted. */
struct span lines_name(struct lines *l, const char *name);	/* text_is_name */
/* "-" gives an empty span. */
struct span lines_plain(struct lines *l, const char *name, size_t max);
utc_s lines_utc(struct lines *l, const char *name);
dur_s lines_dur(struct lines *l, const char *name);
dur_s lines_dur_or_none(struct lines *l, const char *name);	/* "-" is 0 */
struct span lines_ascii(struct lines *l, const char *name);
void lines_digest(struct lines *l, const char *name, struct digest *ret);
void lines_ulid(struct lines *l, const char *name, struct ulid *ret);
uint64_t lines_uint(struct lines *l, const char *name, uint64_t max);
/*
 * All next lines of that name, at most max; strictly ascending.  Returns
 * their number.
 */
size_t lines_list(struct lines *l, const char *name, struct span *ret,
    size_t max);
/* As lines_list, each a text_is_name. */
size_t lines_names(struct lines *l, const char *name, struct span *ret,
    size_t max);

/* An empty line and all behind it, for a text that holds another. */
struct span lines_rest(struct lines *l);
/* Sticky error, or JIT_E_FORMAT when something is left. */
enum jit_err lines_end(struct lines *l);
/* JIT_E_CANON unless the text is what w rendered; or w's error. */
enum jit_err lines_check_same(struct span text, const struct wr *w,
    struct jit_why *why);

/* ---- writing ---- */
void lines_put_head(struct wr *w, const char *kind);
void lines_put(struct wr *w, const char *name, struct span value); /* - if empty */
void lines_put_str(struct wr *w, const char *name, const char *value);
void lines_put_utc(struct wr *w, const char *name, utc_s t);
void lines_put_dur(struct wr *w, const char *name, dur_s d);
void lines_put_digest(struct wr *w, const char *name, const struct digest *d);
void lines_put_list(struct wr *w, const char *name, const struct span *v,
    size_t n);

#endif
