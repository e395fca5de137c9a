/*
 * crash - named points where a test may end the process.
 *
 * CRASH_POINT(NAME) is nothing unless the build has -Dtest_hooks=true; then
 * the hook that a test has set is called, which may jump away.  crash.def
 * lists the points.
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
/* NULL: nothing happens.  A test's own; one thread. */
extern void (*crash_hook)(enum crash_point at);
#define CRASH_POINT(NAME) do {						\
	if (crash_hook != 0)						\
		crash_hook(CRASH_##NAME);				\
} while (0)
#else
#define CRASH_POINT(NAME) do { } while (0)
#endif

#endif
