/*
 * check_log - the whole log of a running signer, read over its socket and
 * judged again, every signature verified, under its newest checkpoint.
 */
#ifndef JIT_TESTS_CHECK_LOG_H
#define JIT_TESTS_CHECK_LOG_H

#include "ca/grant/audit.h"
#include "tests/lib/station.h"

/* Ends the program with 1 and words when the log does not hold. */
void check_log(struct station *s, struct audit_counts *ret);

#endif
