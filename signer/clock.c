#include "signer/clock.h"

#define MS 1000

static int64_t
max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void
clock_guard_reset(struct clock_guard *g, int64_t wall_ms, int64_t boot_ms)
{
	*g = (struct clock_guard){
		.started = true,
		.state = JIT_OK,
		.anchor = wall_ms - boot_ms,
		.high = wall_ms,
		.boot = boot_ms,
		.followed = boot_ms,
	};
}

static enum jit_err
check_start(int64_t wall_ms, utc_s newest, struct jit_why *why)
{
	if (wall_ms >= newest * MS - CLOCK_BACK_MS)
		return JIT_OK;
	return jit_fail(why, JIT_E_FROZEN, "the clock is %lld ms behind the "
	    "log's newest entry, accepted are %d",
	    (long long)(newest * MS - wall_ms), CLOCK_BACK_MS);
}

static enum jit_err
check_step(const struct clock_guard *g, int64_t wall_ms, int64_t boot_ms,
    struct jit_why *why)
{
	/* How far the wall is from where it should be. */
	int64_t ahead = wall_ms - boot_ms - g->anchor;

	if (boot_ms < g->boot)
		return jit_fail(why, JIT_E_FROZEN, "the boot clock went back "
		    "by %lld ms", (long long)(g->boot - boot_ms));
	if (wall_ms < g->high - CLOCK_BACK_MS)
		return jit_fail(why, JIT_E_FROZEN, "the clock is %lld ms "
		    "behind what it has shown, accepted are %d",
		    (long long)(g->high - wall_ms), CLOCK_BACK_MS);
	if (ahead < -CLOCK_BACK_MS)
		return jit_fail(why, JIT_E_FROZEN, "the clock fell %lld ms "
		    "behind the boot clock, accepted are %d",
		    (long long)-ahead, CLOCK_BACK_MS);
	if (ahead > CLOCK_FORWARD_MS)
		return jit_fail(why, JIT_E_FROZEN, "the clock leapt %lld ms "
		    "ahead of the boot clock, accepted are %d",
		    (long long)ahead, CLOCK_FORWARD_MS);
	return JIT_OK;
}

/* What it may follow and does not need is not saved for later. */
static void
follow(struct clock_guard *g, int64_t wall_ms, int64_t boot_ms)
{
	int64_t may = (boot_ms - g->followed) / CLOCK_FOLLOW_S;
	int64_t ahead = wall_ms - boot_ms - g->anchor;

	/* The rest of the division stays: looks may be less than it apart. */
	g->followed += may * CLOCK_FOLLOW_S;
	if (ahead > may)
		ahead = may;
	if (ahead < -may)
		ahead = -may;
	g->anchor += ahead;
	g->high = max64(g->high, wall_ms);
	g->boot = boot_ms;
}

enum jit_err
clock_guard_look(struct clock_guard *g, int64_t wall_ms, int64_t boot_ms,
    utc_s newest, utc_s *now, struct jit_why *why)
{
	if (g->state == JIT_OK) {
		struct jit_why said = { 0 };
		enum jit_err e = g->started ?
		    check_step(g, wall_ms, boot_ms, &said) :
		    check_start(wall_ms, newest, &said);

		if (!g->started)
			clock_guard_reset(g, wall_ms, boot_ms);
		g->state = e;
		g->why = said;
	}
	if (g->state != JIT_OK)
		return jit_fail(why, g->state, "%s", g->why.msg);
	follow(g, wall_ms, boot_ms);
	*now = max64(wall_ms / MS, newest);
	return JIT_OK;
}

utc_s
clock_guard_sober(const struct clock_guard *g, int64_t wall_ms,
    int64_t boot_ms, utc_s newest)
{
	int64_t should = g->started ? g->anchor + boot_ms : wall_ms;

	return max64((wall_ms < should ? wall_ms : should) / MS, newest);
}
