/* utc: one written form, both ways. */
#include <string.h>

#include "ca/base/utc.h"
#include "tests/lib/jt.h"

struct row { const char *name, *text; enum jit_err want; int64_t v; };

static const struct row moments[] = {
	{ "the epoch", "1970-01-01T00:00:00Z", JIT_OK, 0 },
	{ "a leap day", "2024-02-29T12:34:56Z", JIT_OK, 1709210096 },
	{ "after 2038", "2106-02-07T06:28:16Z", JIT_OK, 4294967296 },
	{ "the last second", "9999-12-31T23:59:59Z", JIT_OK, 253402300799 },
	{ "1900 was no leap year", "2100-02-29T00:00:00Z", JIT_E_FORMAT, 0 },
	{ "30 February", "2024-02-30T00:00:00Z", JIT_E_FORMAT, 0 },
	{ "before the epoch", "1969-12-31T23:59:59Z", JIT_E_FORMAT, 0 },
	{ "leap second", "2016-12-31T23:59:60Z", JIT_E_FORMAT, 0 },
	{ "an offset", "2024-02-29T12:34:56+", JIT_E_FORMAT, 0 },
	{ "space for T", "2024-02-29 12:34:56Z", JIT_E_FORMAT, 0 },
	{ "lower-case z", "2024-02-29T12:34:56z", JIT_E_FORMAT, 0 },
	{ "a sign", "+024-02-29T12:34:56Z", JIT_E_FORMAT, 0 },
	{ "empty", "", JIT_E_FORMAT, 0 },
};

static const struct row durations[] = {
	{ "minutes", "45m", JIT_OK, 2700 },
	{ "largest exact unit is minutes", "90m", JIT_OK, 5400 },
	{ "hours", "8h", JIT_OK, 28800 },
	{ "days", "1d", JIT_OK, 86400 },
	{ "seconds", "61s", JIT_OK, 61 },
	{ "the longest", "366d", JIT_OK, 31622400 },
	{ "one day more", "367d", JIT_E_FORMAT, 0 },
	{ "not the largest unit", "60m", JIT_E_FORMAT, 0 },
	{ "leading zero", "045m", JIT_E_FORMAT, 0 },
	{ "zero", "0s", JIT_E_FORMAT, 0 },
	{ "no unit", "45", JIT_E_FORMAT, 0 },
	{ "only a unit", "m", JIT_E_FORMAT, 0 },
	{ "overflow", "99999999999999d", JIT_E_FORMAT, 0 },
	{ "sign", "+5m", JIT_E_FORMAT, 0 },
	{ "space", " 5m", JIT_E_FORMAT, 0 },
};

static void
moment(void **state)
{
	const struct row *r = *state;
	utc_s t = -7;
	char back[UTC_TEXT];

	JT_ERR(utc_parse(span_str(r->text), &t), r->want);
	assert_int_equal(t, r->want == JIT_OK ? r->v : -7);
	if (r->want == JIT_OK) {
		utc_text(t, back);
		assert_string_equal(back, r->text);
	}
}

static void
duration(void **state)
{
	const struct row *r = *state;
	dur_s d = -7;
	char back[DUR_TEXT];

	JT_ERR(dur_parse(span_str(r->text), &d), r->want);
	assert_int_equal(d, r->want == JIT_OK ? r->v : -7);
	if (r->want == JIT_OK) {
		dur_text(d, back);
		assert_string_equal(back, r->text);
	}
}

static void
loose(void **state)
{
	dur_s d = 0;

	(void)state;
	JT_OK(dur_parse_loose("1h30m", &d));
	assert_int_equal(d, 5400);
	JT_OK(dur_parse_loose("60m", &d));
	assert_int_equal(d, 3600);
	JT_ERR(dur_parse_loose("", &d), JIT_E_FORMAT);
	JT_ERR(dur_parse_loose("h", &d), JIT_E_FORMAT);
	JT_ERR(dur_parse_loose("1", &d), JIT_E_FORMAT);
	JT_ERR(dur_parse_loose("0m", &d), JIT_E_FORMAT);
	JT_ERR(dur_parse_loose("366d1s", &d), JIT_E_FORMAT);
	JT_ERR(dur_parse_loose("-1h", &d), JIT_E_FORMAT);
}

/* Every day of 400 years, through the text and back. */
static void
every_day(void **state)
{
	(void)state;
	for (utc_s t = 0; t < (utc_s)146097 * 86400; t += 86400) {
		char text[UTC_TEXT];
		utc_s back = -1;

		utc_text(t, text);
		JT_OK(utc_parse(span_str(text), &back));
		assert_int_equal(back, t);
	}
}

int
main(void)
{
	return JT_ROWS("moments", moment, moments) +
	    JT_ROWS("durations", duration, durations) +
	    jt_one("durations as a person writes them", loose) +
	    jt_one("every day of 400 years", every_day);
}
