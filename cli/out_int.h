/*
 * out_int - what the files of out share; for them alone.
 */
#ifndef JIT_CLI_OUT_INT_H
#define JIT_CLI_OUT_INT_H

#include <stdarg.h>

#include "cli/out.h"

#define OUT_LINE_MAX (1u << 20)	/* bytes of one call */

/* out_put() with its arguments taken from ap. */
void out_vput(const struct out *o, struct wr *w, const char *fmt,
    va_list *ap);
/* Somebody else's bytes, escaped. */
void out_put_theirs(const struct out *o, struct wr *w, struct span s);
/*
 * A message whose maker escaped what is not his own: escaped once more, but
 * for its backslashes, which stay single.
 */
void out_put_said(const struct out *o, struct wr *w, const char *msg);
/* Write to fd; a failure on standard output is remembered. */
void out_write(struct out *o, int fd, const struct wr *w);
/* Remember e as the first write that failed. */
void out_fail(struct out *o, enum jit_err e, const struct jit_why *why);

#endif
