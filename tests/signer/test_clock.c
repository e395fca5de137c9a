/*
 * clock: which steps of the wall freeze the guard, at their exact bounds.
 */
#include <string.h>

#include "signer/clock.h"
#include "tests/lib/jt.h"

#define S INT64_C(1000)
#define MIN (60 * S)
#define H (60 * MIN)
#define T0 (INT64_C(1795000000) * S)	/* the wall at the start */
#define B0 (17 * H + 123)		/* the boot clock then */

/* ---- one step after the start ---- */

struct step_row {
	const char *name;
	int64_t wall, boot;	/* ms that each advances */
	enum jit_err want;
	const char *says;	/* in why */
};
static const struct step_row steps[] = {
	{ "a second", S, S, JIT_OK, "" },
	{ "nothing", 0, 0, JIT_OK, "" },
	{ "2 s back", -2 * S, 0, JIT_OK, "" },
	{ "2 s and 1 ms back", -2 * S - 1, 0, JIT_E_FROZEN, "2001 ms" },
	{ "an hour back", -H, S, JIT_E_FROZEN, "3600000 ms" },
	{ "2 s lost in a minute", MIN - 2 * S, MIN, JIT_OK, "" },
	{ "2 s and 1 ms lost", MIN - 2 * S - 1, MIN, JIT_E_FROZEN,
	    "fell 2001 ms" },
	{ "set back in a night's sleep", 2 * H, 8 * H, JIT_E_FROZEN,
	    "fell 21600000 ms" },
	{ "5 min ahead", 5 * MIN, 0, JIT_OK, "" },
	{ "5 min and 1 ms ahead", 5 * MIN + 1, 0, JIT_E_FROZEN, "300001 ms" },
	{ "5 min ahead in an hour", H + 5 * MIN, H, JIT_OK, "" },
	{ "and 1 ms", H + 5 * MIN + 1, H, JIT_E_FROZEN, "leapt 300001 ms" },
	{ "years ahead", 24 * 365 * H, S, JIT_E_FROZEN, "leapt" },
	{ "suspended for a week", 7 * 24 * H, 7 * 24 * H, JIT_OK, "" },
	{ "the boot clock back", S, -1, JIT_E_FROZEN, "boot clock" },
	{ "to 1970", -T0, S, JIT_E_FROZEN, "behind" },
};

static void
one_step(void **state)
{
	const struct step_row *r = *state;
	struct clock_guard g = CLOCK_GUARD_INIT;
	struct jit_why why = { 0 };
	utc_s now = -1;

	JT_OK(clock_guard_look(&g, T0, B0, 0, &now, &why));
	assert_int_equal(now, T0 / S);
	now = -1;
	JT_WHY(clock_guard_look(&g, T0 + r->wall, B0 + r->boot, 0, &now,
	    &why), r->want, &why);
	assert_int_equal(now, r->want == JIT_OK ? (T0 + r->wall) / S : -1);
	assert_non_null(strstr(why.msg, r->says));
	if (r->want == JIT_OK)
		return;
	/* It stays so when the clock is right again, with the same words. */
	JT_ERR(clock_guard_look(&g, T0 + MIN, B0 + MIN, 0, &now, &why),
	    JIT_E_FROZEN);
	assert_non_null(strstr(why.msg, r->says));
	assert_int_equal(now, -1);
	clock_guard_reset(&g, T0 + MIN, B0 + MIN);
	JT_OK(clock_guard_look(&g, T0 + MIN + S, B0 + MIN + S, 0, &now, NULL));
}

/* ---- the start ---- */

struct start_row {
	const char *name;
	int64_t wall;		/* ms from the newest entry's second */
	enum jit_err want;
	int64_t now;		/* s from it */
};
static const struct start_row starts[] = {
	{ "later", H, JIT_OK, 3600 },
	{ "the same second", 999, JIT_OK, 0 },
	{ "2 s before it", -2 * S, JIT_OK, 0 },
	{ "2 s and 1 ms before it", -2 * S - 1, JIT_E_FROZEN, 0 },
	{ "a year before it", -8760 * H, JIT_E_FROZEN, 0 },
	{ "a year after it", 8760 * H, JIT_OK, 8760 * 3600 },
};

static void
start(void **state)
{
	const struct start_row *r = *state;
	struct clock_guard g = CLOCK_GUARD_INIT;
	const utc_s newest = T0 / S;
	utc_s now = newest - 1;

	JT_ERR(clock_guard_look(&g, T0 + r->wall, B0, newest, &now, NULL),
	    r->want);
	if (r->want == JIT_OK) {
		assert_int_equal(now, newest + r->now);
		return;
	}
	/* A clock put right helps no more; a recovery does, at any time. */
	JT_ERR(clock_guard_look(&g, T0 + H, B0 + S, newest, &now, NULL),
	    JIT_E_FROZEN);
	clock_guard_reset(&g, T0 + r->wall, B0);
	JT_OK(clock_guard_look(&g, T0 + r->wall + S, B0 + S, newest, &now,
	    NULL));
	assert_int_equal(now, newest);
}

/* ---- many steps ---- */

struct many_row {
	const char *name;
	int n;			/* steps at most */
	int64_t wall, boot;	/* ms that each advances */
	int frozen;		/* in which step; 0: never */
};
static const struct many_row manies[] = {
	{ "100 times 4 min in a minute", 100, 4 * MIN, 600, 2 },
	{ "a second each, in no time", 1000, S, 0, 301 },
	{ "a second each back, in no time", 9, -S, 0, 3 },
	{ "a year, 100 ppm fast", 8760, H + 360, H, 0 },
	{ "a year, 100 ppm slow", 8760, H - 360, H, 0 },
	{ "a day, one second in a minute", 1440, MIN + S, MIN, 0 },
	{ "two seconds in a minute", 1440, MIN + 2 * S, MIN, 300 },
	{ "a second each minute back", 1440, MIN - S, MIN, 0 },
	{ "2 ms too many each minute back", 1440, MIN - S - 2, MIN, 501 },
	{ "looks 7 ms apart, none is lost", 600000, 7, 7, 0 },
	{ "follows between near looks", 1000000, 61, 60, 0 },
	{ "but not faster", 1000000, 62, 60, 300000 },
	{ "a leap second a day", 365, 24 * H - S, 24 * H, 0 },
};

static void
many_steps(void **state)
{
	const struct many_row *r = *state;
	struct clock_guard g = CLOCK_GUARD_INIT;
	int64_t wall = T0, boot = B0;
	int frozen = 0;
	utc_s now;

	JT_OK(clock_guard_look(&g, wall, boot, 0, &now, NULL));
	for (int i = 1; i <= r->n && frozen == 0; i++) {
		wall += r->wall;
		boot += r->boot;
		if (clock_guard_look(&g, wall, boot, 0, &now, NULL) != JIT_OK)
			frozen = i;
	}
	assert_int_equal(frozen, r->frozen);
}

/* Time never goes back below the newest entry, nor runs with a leap. */
static void
sober(void **state)
{
	struct clock_guard g = CLOCK_GUARD_INIT;
	const utc_s t = T0 / S;
	utc_s now;

	(void)state;
	assert_int_equal(clock_guard_sober(&g, T0, B0, t + 9), t + 9);
	JT_OK(clock_guard_look(&g, T0, B0, 0, &now, NULL));
	assert_int_equal(clock_guard_sober(&g, T0 + S, B0 + S, 0), t + 1);
	JT_ERR(clock_guard_look(&g, T0 + H, B0 + S, 0, &now, NULL),
	    JIT_E_FROZEN);
	assert_int_equal(clock_guard_sober(&g, T0 + H, B0 + 2 * S, 0), t + 2);
	assert_int_equal(clock_guard_sober(&g, T0 - H, B0 + 2 * S, t), t);
	assert_int_equal(clock_guard_sober(&g, T0 + H, B0 + 2 * S, t + 50),
	    t + 50);
}

/* now = max(wall, newest): an entry may be a little ahead. */
static void
newest_ahead(void **state)
{
	struct clock_guard g = CLOCK_GUARD_INIT;
	const utc_s t = T0 / S;
	utc_s now;

	(void)state;
	JT_OK(clock_guard_look(&g, T0, B0, t + 2, &now, NULL));
	assert_int_equal(now, t + 2);
	JT_OK(clock_guard_look(&g, T0 + S, B0 + S, t + 2, &now, NULL));
	assert_int_equal(now, t + 2);
	JT_OK(clock_guard_look(&g, T0 + 3 * S, B0 + 3 * S, t + 2, &now,
	    NULL));
	assert_int_equal(now, t + 3);
}

int
main(void)
{
	return JT_ROWS("one step", one_step, steps) +
	    JT_ROWS("start", start, starts) +
	    JT_ROWS("many steps", many_steps, manies) +
	    jt_one("sober", sober) + jt_one("newest ahead", newest_ahead);
}
