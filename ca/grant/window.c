#include "ca/grant/window.h"

enum jit_err
window_cut(const struct window *approved, utc_s now, dur_s life, dur_s skew,
    struct window *ret, struct jit_why *why)
{
	if (approved->from < 0 || approved->from >= approved->until)
		return jit_fail(why, JIT_E_ARG, "empty window");
	if (life <= 0 || skew < 0 || skew > WINDOW_SKEW_MAX)
		return jit_fail(why, JIT_E_ARG, "no duration, or a skew "
		    "outside 0 to %d s", WINDOW_SKEW_MAX);
	if (now >= approved->until)
		return jit_fail(why, JIT_E_EXPIRED, "the window closed %lld s "
		    "ago", (long long)(now - approved->until));

	/* Compare lengths, not ends: start + life may overflow. */
	utc_s start = now > approved->from ? now : approved->from;
	dur_s age = start - approved->from, left = approved->until - start;

	*ret = (struct window){
		.from = start - (skew < age ? skew : age),
		.until = start + (life < left ? life : left),
	};
	return JIT_OK;
}
