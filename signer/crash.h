/*
 * crash - named points where a test may end the process.
 *
 * CRASH_POINT(NAME) is nothing unless the build has -Dtest_hooks=true: a
 * release has neither the points nor a way to select one.  crash.def lists
 * them.
 */
#ifndef JIT_SIGNER_CRASH_H
#define JIT_SIGNER_CRASH_H

enum crash_point {
#define X(NAME, file, what) CRASH_##NAME,
#include "signer/crash.def"
#undef X
	CRASH_POINTS
};

#ifdef JIT_TEST_HOOKS
#include "ca/base/err.h"

#define CRASH_EXIT 77
/* "NAME" of crash.def; NULL for a value of no row. */
const char *crash_name(enum crash_point at);
/*
 * From now on the n-th hit of a point ends the process: _exit(CRASH_EXIT),
 * as kill -9 would.  "NAME" or "NAME:n", n from 1; JIT_E_ARG otherwise.
 */
enum jit_err crash_select(const char *text, struct jit_why *why);
/* Instead, for tests in one process: called at each point, may jump away. */
extern void (*crash_hook)(enum crash_point at);
void crash_hit(enum crash_point at);
#define CRASH_POINT(NAME) crash_hit(CRASH_##NAME)
#else
#define CRASH_POINT(NAME) do { } while (0)
#endif

#endif
