/*
 * help - what --help says, from the tables.  Pure.
 */
#ifndef JIT_CLI_HELP_H
#define JIT_CLI_HELP_H

#include "cli/args.h"

/* Of one verb, or of all n when verb is NULL.  ASCII, 79 columns. */
void help_put(struct wr *w, const struct verb *verbs, size_t n,
    const struct verb *verb);

#endif
