/*
 * clock - is the wall clock to be believed?
 *
 * Windows are cut by the signer's clock, so whoever moves it moves them.  The
 * guard compares, at each look, the wall clock with the highest it showed
 * before and with the boot clock (CLOCK_BOOTTIME: it only counts, sleep of
 * the machine included, and nobody can set it).  What it cannot believe
 * freezes it: nothing is issued until a signed recovery entry.
 *
 *	the wall fell   CLOCK_BACK_MS behind the highest it showed, or behind
 *	                what the boot clock says it should show
 *	the wall leapt  more than CLOCK_FORWARD_MS ahead of what the boot clock
 *	                says it should show
 *	at the start    the wall is CLOCK_BACK_MS behind the newest entry
 *	the boot clock  went back: then nothing can be said at all
 *
 * Each bound is one that is still accepted.  "Should show" is wall - boot at
 * the start (the anchor), and the boot clock since.  The anchor follows the
 * wall by at most one second in CLOCK_FOLLOW_S of the boot clock, so that the
 * small corrections of years are forgotten, while many jumps one after the
 * other, each below a bound, still add up.  Who looks seldom loses nothing:
 * the bounds are the same after a second and after a week.
 *
 * Pure: no clock, no allocation, no I/O.  One thread.
 */
#ifndef JIT_SIGNER_CLOCK_H
#define JIT_SIGNER_CLOCK_H

#include "ca/base/utc.h"

#define CLOCK_BACK_MS 2000
#define CLOCK_FORWARD_MS (5 * 60 * 1000)
#define CLOCK_FOLLOW_S 60

struct clock_guard {
	bool started;
	enum jit_err state;	/* JIT_OK or JIT_E_FROZEN */
	struct jit_why why;	/* of the freeze */
	int64_t anchor;		/* ms: wall - boot, as believed */
	int64_t high;		/* ms: highest wall */
	int64_t boot;		/* ms: at the last look */
	int64_t followed;	/* ms of boot until which anchor has followed */
};

/* Nothing seen: the next look is the start. */
#define CLOCK_GUARD_INIT { .state = JIT_OK }

/*
 * Look at the clocks.
 *
 *	wall_ms, boot_ms  sys_wall_ms() and sys_boot_ms(), read one after the
 *	                  other
 *	newest            time of the log's newest entry; 0 when there is none
 *
 * JIT_OK: *now is the time to judge by and to write: max(wall, newest).
 * JIT_E_FROZEN: *now is untouched, why says what was seen; so does every
 * later look until clock_guard_reset().
 */
enum jit_err clock_guard_look(struct clock_guard *g, int64_t wall_ms,
    int64_t boot_ms, utc_s newest, utc_s *now, struct jit_why *why);

/*
 * The time to write into what still goes on while frozen (deny, cancel,
 * revoke, the recovery itself): never before newest, and not what a wall
 * that leapt ahead shows, but what the boot clock says it should show.
 * A wall that fell is taken as it is, under max() with newest.
 */
utc_s clock_guard_sober(const struct clock_guard *g, int64_t wall_ms,
    int64_t boot_ms, utc_s newest);

/*
 * A signed recovery says that the clocks are right as they are now: believe
 * them from here on, also when the wall is behind the newest entry (time
 * then stands still until it has caught up).
 */
void clock_guard_reset(struct clock_guard *g, int64_t wall_ms,
    int64_t boot_ms);

#endif
