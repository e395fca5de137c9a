/*
 * run - somebody else's program, by its argument vector, in a test.
 */
#ifndef JIT_TESTS_RUN_H
#define JIT_TESTS_RUN_H

#include "tests/lib/jt.h"

/*
 * Run argv[0] (found by PATH) with in as its standard input; its standard
 * output and error come back in *out (owned, NULL is fine).  Returns the
 * exit status, 128 + n for signal n.
 */
int jt_run(const char *const argv[], struct span in, struct buf *out);
/* Write a file of mode 0600. */
void jt_write(const char *path, struct span s);

#endif
