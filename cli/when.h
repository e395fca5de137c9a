/*
 * when - moments and durations as people write and read them.
 *
 * Local time by the C library's TZ first, UTC beside it where it matters.
 * main() has called tzset().  Takes now; no clock.
 */
#ifndef JIT_CLI_WHEN_H
#define JIT_CLI_WHEN_H

#include "ca/base/utc.h"

/*
 * All with "25 Nov " in front when it is another day than now's, and with
 * the year when it is another year.  Seconds: WHEN_EXACT always, WHEN_BOTH
 * when they are not zero.
 */
enum when_form {
	WHEN_SHORT,	/* 22:03 */
	WHEN_EXACT,	/* 22:49:12 CET */
	WHEN_BOTH,	/* 06:00 CET (05:00Z); the zone is UTC: 05:00 UTC */
	WHEN_DAY	/* 12 Nov, today too */
};

#define WHEN_TEXT 96
/* Into ret, which it returns; "-" when t is not a moment (0 .. UTC_MAX). */
const char *when_text(enum when_form form, utc_s t, utc_s now,
    char ret[static WHEN_TEXT]);

/* "12s" "2m14s" "45m" "1h5m" "3d2h": the two largest units; "0s". */
const char *when_dur(dur_s d, char ret[static WHEN_TEXT]);
/* "3m ago", "just now" (under 5 s, and for a moment after now). */
const char *when_ago(utc_s t, utc_s now, char ret[static WHEN_TEXT]);

/*
 * What a person typed:
 *	now  +45m  -2d  45m       from now; without a sign, ahead or back as
 *	                          ahead says
 *	2026-11-24T05:00:00Z      UTC
 *	22:00  22:00:30           local; the next such time from now on when
 *	                          ahead, else the last one
 *	2026-11-24                local, its first moment
 *	2026-11-24 06:00[:30]     local, also with a T between
 * JIT_E_ARG: none of these, or a local time that does not exist or comes
 * twice because clocks change; why says it and names the form in UTC.
 */
enum jit_err when_parse(const char *s, bool ahead, utc_s now, utc_s *ret,
    struct jit_why *why);

#endif
