/*
 * wall - the wall clock as the signer's programs see it: sys_wall_ms().
 *
 * In a build with -Dtest_hooks, JIT_TEST_CLOCK_OFFSET moves it: seconds, with
 * a sign or without, or the path of a file that holds them and is read each
 * time.  A release has nothing of that.
 */
#ifndef JIT_SIGNER_WALL_H
#define JIT_SIGNER_WALL_H

#include "ca/base/utc.h"

int64_t wall_ms(void);
utc_s wall_s(void);

#endif
