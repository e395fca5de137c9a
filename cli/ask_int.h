/*
 * ask_int - names in sentences; between ask.c and ask_words.c.
 */
#ifndef JIT_CLI_ASK_INT_H
#define JIT_CLI_ASK_INT_H

#include "cli/ask.h"

/* "sre, dba" */
void ask_put_names(struct wr *w, const struct names *n);
/* Who is in one of these groups, the first few by name; their number. */
size_t ask_put_members(const struct desk *d, const struct names *groups,
    struct wr *w);

#endif
