/* window: inside what was approved, for every input (case 35). */
#include "ca/grant/window.h"
#include "tests/lib/jt.h"

#define H 3600
struct row {
	const char *name;
	utc_s now;
	dur_s life, skew;
	enum jit_err want;
	struct window ret;
};

/* Approved from 10:00 until 12:00. */
static const struct window approved = { 10 * H, 12 * H };
static const struct row rows[] = {
	{ "inside", 11*H, H/2, 0, JIT_OK, { 11*H, 11*H + H/2 } },
	{ "approval is the shorter", 11*H, 8*H, 0, JIT_OK, { 11*H, 12*H } },
	{ "backdated", 11*H, H/2, 30, JIT_OK, { 11*H - 30, 11*H + H/2 } },
	{ "no backdating past from", 10*H + 9, H, 60, JIT_OK,
	    { 10*H, 11*H + 9 } },
	{ "collected early", 9*H, H, 0, JIT_OK, { 10*H, 11*H } },
	{ "collected early, skew", 9*H, H, 60, JIT_OK, { 10*H, 11*H } },
	{ "the last second", 12*H - 1, H, 0, JIT_OK, { 12*H - 1, 12*H } },
	{ "the end is exclusive", 12*H, H, 0, JIT_E_EXPIRED, { 0, 0 } },
	{ "long over", INT64_MAX, H, 0, JIT_E_EXPIRED, { 0, 0 } },
	{ "endless life", 11*H, INT64_MAX, 0, JIT_OK, { 11*H, 12*H } },
	{ "no life", 11*H, 0, 0, JIT_E_ARG, { 0, 0 } },
	{ "negative life", 11*H, -5, 0, JIT_E_ARG, { 0, 0 } },
	{ "negative skew", 11*H, H, -1, JIT_E_ARG, { 0, 0 } },
	{ "skew over 60 s", 11*H, H, 61, JIT_E_ARG, { 0, 0 } },
};

static void
row(void **state)
{
	const struct row *r = *state;
	struct window got = { 0, 0 };

	JT_ERR(window_cut(&approved, r->now, r->life, r->skew, &got, NULL),
	    r->want);
	assert_true(got.from == r->ret.from && got.until == r->ret.until);
}

static void
empty(void **state)
{
	static const struct window bad[] = { { 5, 5 }, { 6, 5 }, { -1, 5 } };
	struct window got;

	(void)state;
	for (int i = 0; i < 3; i++)
		JT_ERR(window_cut(&bad[i], 5, 1, 0, &got, NULL), JIT_E_ARG);
}

/* All small inputs: never outside, never longer, never empty. */
static void
property(void **state)
{
	struct window g;

	(void)state;
	for (utc_s from = 0; from < 6; from++)
	for (utc_s until = from + 1; until < 9; until++)
	for (utc_s now = 0; now < 10; now++)
	for (dur_s life = 1; life < 10; life++)
	for (dur_s skew = 0; skew < 5; skew++) {
		struct window a = { from, until };
		enum jit_err e = window_cut(&a, now, life, skew, &g, NULL);

		assert_int_equal(e, now < until ? JIT_OK : JIT_E_EXPIRED);
		if (e != JIT_OK)
			continue;
		utc_s start = now > from ? now : from;

		assert_true(g.from >= from && g.until <= until);
		assert_true(g.from < g.until && g.from <= start);
		assert_true(g.until - start <= life);
		assert_true(start - g.from <= skew);
	}
}

int
main(void)
{
	return JT_ROWS("rows", row, rows) + jt_one("empty", empty) +
	    jt_one("property", property);
}
