#include "signer/crash.h"

#ifdef JIT_TEST_HOOKS
#include <string.h>
#include <unistd.h>

#include "ca/base/text.h"

void (*crash_hook)(enum crash_point at);

static enum crash_point selected = CRASH_POINTS;
static uint64_t left;

const char *
crash_name(enum crash_point at)
{
	static const char *const names[CRASH_POINTS] = {
#define X(NAME, file, what) #NAME,
#include "signer/crash.def"
#undef X
	};

	return (unsigned)at < CRASH_POINTS ? names[at] : NULL;
}

enum jit_err
crash_select(const char *text, struct jit_why *why)
{
	const char *colon = strchr(text, ':');
	struct span name = colon == NULL ? span_str(text) :
	    SPAN(text, (size_t)(colon - text));
	uint64_t n = 1;

	if (colon != NULL && (uint_parse(span_str(colon + 1), UINT32_MAX,
	    &n) != JIT_OK || n == 0))
		return jit_fail(why, JIT_E_ARG, "crash point: accepted is "
		    "NAME or NAME:n with n from 1");
	for (int i = 0; i < CRASH_POINTS; i++)
		if (span_eq_str(name, crash_name((enum crash_point)i))) {
			selected = (enum crash_point)i;
			left = n;
			return JIT_OK;
		}
	return jit_fail(why, JIT_E_ARG, "crash point: no such name; "
	    "signer/crash.def lists them");
}

void
crash_hit(enum crash_point at)
{
	if (crash_hook != NULL)
		crash_hook(at);
	else if (at == selected && --left == 0)
		_exit(CRASH_EXIT);
}
#endif
