/* when: moments in several zones, around changes of their clocks. */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/when.h"
#include "tests/lib/jt.h"

static utc_s
at(const char *s)
{
	utc_s t = -1;

	JT_OK(utc_parse(span_str(s), &t));
	return t;
}

static void
zone(const char *tz)
{
	assert_int_equal(setenv("TZ", tz, 1), 0);
	tzset();
}

struct row {
	const char *name, *tz;
	enum when_form form;
	const char *t, *now, *want;
};
#define NOW "2026-11-23T20:58:11Z"
#define B "Europe/Berlin"
static const struct row rows[] = {
	{ "short", B, WHEN_SHORT, "2026-11-23T21:03:59Z", NOW, "22:03" },
	{ "short, another day", B, WHEN_SHORT, "2026-11-23T23:00:00Z", NOW,
	    "24 Nov 00:00" },
	{ "exact", B, WHEN_EXACT, "2026-11-23T21:49:12Z", NOW,
	    "22:49:12 CET" },
	{ "exact, another day", B, WHEN_EXACT, "2026-11-24T05:00:00Z", NOW,
	    "24 Nov 06:00:00 CET" },
	{ "both", B, WHEN_BOTH, "2026-11-23T22:00:00Z", NOW,
	    "23:00 CET (22:00Z)" },
	{ "both, another day", B, WHEN_BOTH, "2026-11-25T05:00:00Z", NOW,
	    "25 Nov 06:00 CET (05:00Z)" },
	{ "both, seconds", B, WHEN_BOTH, "2026-11-23T22:00:01Z", NOW,
	    "23:00:01 CET (22:00:01Z)" },
	{ "both, UTC has another day", B, WHEN_BOTH, "2026-11-23T23:30:00Z",
	    NOW, "24 Nov 00:30 CET (23 Nov 23:30Z)" },
	{ "another year", B, WHEN_BOTH, "2027-01-02T05:00:00Z", NOW,
	    "2 Jan 2027 06:00 CET (05:00Z)" },
	{ "new year's eve", B, WHEN_BOTH, "2026-12-31T23:30:00Z", NOW,
	    "1 Jan 2027 00:30 CET (31 Dec 23:30Z)" },
	{ "day", B, WHEN_DAY, "2026-11-12T12:00:00Z", NOW, "12 Nov" },
	{ "day, today", B, WHEN_DAY, NOW, NOW, "23 Nov" },
	{ "day, another year", B, WHEN_DAY, "2025-03-01T12:00:00Z", NOW,
	    "1 Mar 2025" },
	{ "summer", B, WHEN_BOTH, "2026-07-01T05:00:00Z", NOW,
	    "1 Jul 07:00 CEST (05:00Z)" },
	{ "before the clocks go back", B, WHEN_BOTH, "2026-10-25T00:30:00Z",
	    "2026-10-25T00:00:00Z", "02:30 CEST (00:30Z)" },
	{ "after the clocks went back", B, WHEN_BOTH, "2026-10-25T01:30:00Z",
	    "2026-10-25T00:00:00Z", "02:30 CET (01:30Z)" },
	{ "half an hour off", "Asia/Kolkata", WHEN_BOTH,
	    "2026-11-24T05:00:00Z", NOW, "10:30 IST (05:00Z)" },
	{ "a zone without letters", "America/Sao_Paulo", WHEN_EXACT,
	    "2026-11-23T21:49:12Z", NOW, "18:49:12 -03" },
	{ "behind UTC", "America/New_York", WHEN_BOTH,
	    "2026-11-24T04:00:00Z", NOW, "23:00 EST (24 Nov 04:00Z)" },
	{ "UTC", "UTC", WHEN_BOTH, "2026-11-24T05:00:00Z", NOW,
	    "24 Nov 05:00 UTC" },
	{ "UTC by another name", "Europe/London", WHEN_BOTH,
	    "2026-11-24T05:00:00Z", NOW, "24 Nov 05:00 GMT" },
	{ "1970", "UTC", WHEN_SHORT, "1970-01-01T00:00:00Z", NOW,
	    "1 Jan 1970 00:00" },
	{ "9999", B, WHEN_BOTH, "9999-12-31T23:59:59Z", NOW,
	    "1 Jan 10000 00:59:59 CET (31 Dec 9999 23:59:59Z)" },
};

static void
writes(void **state)
{
	const struct row *r = *state;
	char s[WHEN_TEXT];

	zone(r->tz);
	assert_string_equal(when_text(r->form, at(r->t), at(r->now), s),
	    r->want);
}

static void
no_moment(void **state)
{
	char s[WHEN_TEXT];

	(void)state;
	assert_string_equal(when_text(WHEN_BOTH, -1, 0, s), "-");
	assert_string_equal(when_text(WHEN_BOTH, UTC_MAX + 1, 0, s), "-");
	assert_string_equal(when_text(WHEN_BOTH, INT64_MAX, 0, s), "-");
}

struct dur_row { const char *name; dur_s d; const char *dur, *ago; };
static const struct dur_row durations[] = {
	{ "nothing", 0, "0s", "just now" },
	{ "the future", -60, "0s", "just now" },
	{ "four seconds", 4, "4s", "just now" },
	{ "seconds", 12, "12s", "12s ago" },
	{ "a minute", 60, "1m", "1m ago" },
	{ "minutes", 134, "2m14s", "2m ago" },
	{ "whole minutes", 2700, "45m", "45m ago" },
	{ "an hour", 3900, "1h5m", "1h ago" },
	{ "two units at most", 3661, "1h1m", "1h ago" },
	{ "a unit between is none", 3601, "1h", "1h ago" },
	{ "days", 3 * 86400 + 7200 + 5, "3d2h", "3d ago" },
	{ "a year", 400 * 86400, "400d", "400d ago" },
};

static void
durs(void **state)
{
	const struct dur_row *r = *state;
	char s[WHEN_TEXT];

	assert_string_equal(when_dur(r->d, s), r->dur);
	assert_string_equal(when_ago(1800000000 - r->d, 1800000000, s),
	    r->ago);
}

struct read_row {
	const char *name, *tz, *typed;
	bool ahead;
	const char *want;	/* a moment, or in the message */
};
static const struct read_row reads[] = {
	{ "now", B, "now", true, NOW },
	{ "in a while", B, "+45m", false, "2026-11-23T21:43:11Z" },
	{ "a while ago", B, "-2d", true, "2026-11-21T20:58:11Z" },
	{ "no sign, ahead", B, "1h30m", true, "2026-11-23T22:28:11Z" },
	{ "no sign, back", B, "1h", false, "2026-11-23T19:58:11Z" },
	{ "UTC", B, "2026-11-24T05:00:00Z", true, "2026-11-24T05:00:00Z" },
	{ "today", B, "22:00", true, "2026-11-23T21:00:00Z" },
	{ "with seconds", B, "22:00:30", true, "2026-11-23T21:00:30Z" },
	{ "tomorrow", B, "06:00", true, "2026-11-24T05:00:00Z" },
	{ "this morning", B, "06:00", false, "2026-11-23T05:00:00Z" },
	{ "yesterday", B, "22:00", false, "2026-11-22T21:00:00Z" },
	{ "a day", B, "2026-11-20", false, "2026-11-19T23:00:00Z" },
	{ "day and time", B, "2026-11-24 06:00", true,
	    "2026-11-24T05:00:00Z" },
	{ "day, T and time", B, "2026-07-24T06:00:07", true,
	    "2026-07-24T04:00:07Z" },
	{ "skipped", B, "2026-03-29 02:30", true, "does not exist here" },
	{ "just before", B, "2026-03-29 01:59", true,
	    "2026-03-29T00:59:00Z" },
	{ "just after", B, "2026-03-29 03:00", true, "2026-03-29T01:00:00Z" },
	{ "twice", B, "2026-10-25 02:30", true, "comes twice here: clocks go "
	    "back then; say 2026-10-25T00:30:00Z or 2026-10-25T01:30:00Z" },
	{ "once again", B, "2026-10-25 03:00", true, "2026-10-25T02:00:00Z" },
	{ "midnight is skipped", "Asia/Beirut", "2024-03-31", false,
	    "2024-03-30T22:00:00Z" },
	{ "no such day", B, "2026-02-30", true, "is no time" },
	{ "no such hour", B, "24:00", true, "is no time" },
	{ "one digit", B, "6:00", true, "is no time" },
	{ "a bare number", B, "45", true, "is no time" },
	{ "words", B, "tomorrow", true, "is no time" },
	{ "empty", B, "", true, "\"\" is no time" },
	{ "a sign alone", B, "+", true, "is no time" },
	{ "too far back", B, "-366d", true, "2025-11-22T20:58:11Z" },
	{ "past a year", B, "367d", true, "is no time" },
	{ "rest behind it", B, "2026-11-24 06:00 x", true, "is no time" },
	{ "escapes", B, "\033[2J", true, "\"\\x1b[2J\" is no time" },
};

static void
parses(void **state)
{
	const struct read_row *r = *state;
	const bool good = r->want[0] == '2' || strcmp(r->want, NOW) == 0;
	struct jit_why why = { 0 };
	char s[UTC_TEXT];
	utc_s t = -1;

	zone(r->tz);
	JT_WHY(when_parse(r->typed, r->ahead, at(NOW), &t, &why),
	    good ? JIT_OK : JIT_E_ARG, &why);
	utc_text(t, s);
	if (good)
		assert_string_equal(s, r->want);
	else
		assert_non_null(strstr(why.msg, r->want));
	assert_true(good || t == -1);
}

/* Whatever is shown in both zones is one moment, and read back the same. */
static void
round_trip(void **state)
{
	(void)state;
	zone(B);
	for (utc_s t = at("2026-01-01T00:00:00Z");
	    t < at("2027-01-01T00:00:00Z"); t += 1801) {
		const time_t tt = (time_t)t;
		struct tm tm;
		char s[32];
		utc_s got = -1;

		assert_non_null(localtime_r(&tt, &tm));
		assert_true(strftime(s, sizeof(s), "%Y-%m-%d %H:%M:%S", &tm));
		if (when_parse(s, true, t, &got, NULL) == JIT_OK)
			assert_int_equal(got, t);
		else	/* only the hour that comes twice */
			assert_int_equal(strncmp(s, "2026-10-25 02", 13), 0);
	}
}

int
main(void)
{
	return JT_ROWS("writes", writes, rows) +
	    jt_one("no moment", no_moment) +
	    JT_ROWS("durations", durs, durations) +
	    JT_ROWS("reads", parses, reads) +
	    jt_one("round trip", round_trip);
}
