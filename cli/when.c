#define _XOPEN_SOURCE 700
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ca/base/text.h"
#include "cli/when.h"

#define DAY 86400

static const char month[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* ---- writing ---- */

static bool
same_day(const struct tm *a, const struct tm *b)
{
	return a->tm_year == b->tm_year && a->tm_yday == b->tm_yday;
}

static bool
same_wall(const struct tm *a, const struct tm *b)
{
	return same_day(a, b) && a->tm_hour == b->tm_hour &&
	    a->tm_min == b->tm_min && a->tm_sec == b->tm_sec;
}

static void
put_day(struct wr *w, const struct tm *t, const struct tm *now)
{
	wr_fmt(w, "%d %s", t->tm_mday, month[t->tm_mon]);
	if (t->tm_year != now->tm_year)
		wr_fmt(w, " %d", t->tm_year + 1900);
}

static void
put_time(struct wr *w, const struct tm *t, bool seconds)
{
	wr_fmt(w, "%02d:%02d", t->tm_hour, t->tm_min);
	if (seconds)
		wr_fmt(w, ":%02d", t->tm_sec);
}

static void
put_zone(struct wr *w, const struct tm *t)
{
	char zone[32];

	if (strftime(zone, sizeof(zone), " %Z", t) > 0)
		wr_str(w, zone);
}

static void
put_when(struct wr *w, enum when_form form, const struct tm *t,
    const struct tm *utc, const struct tm *now)
{
	const bool seconds = form == WHEN_EXACT ||
	    (form == WHEN_BOTH && t->tm_sec != 0);

	if (form == WHEN_DAY || !same_day(t, now))
		put_day(w, t, now);
	if (form == WHEN_DAY)
		return;
	if (!same_day(t, now))
		wr_str(w, " ");
	put_time(w, t, seconds);
	if (form == WHEN_SHORT)
		return;
	put_zone(w, t);
	if (form == WHEN_EXACT || same_wall(t, utc))
		return;
	wr_str(w, " (");
	if (!same_day(t, utc)) {
		put_day(w, utc, now);
		wr_str(w, " ");
	}
	put_time(w, utc, seconds);
	wr_str(w, "Z)");
}

/* What w holds into ret; "-" when something failed. */
static const char *
take_text(const struct wr *w, char ret[static WHEN_TEXT])
{
	bool good = w->err == JIT_OK && w->n > 0 && w->n < WHEN_TEXT;

	memcpy(ret, good ? (const char *)w->p : "-", good ? w->n : 1);
	ret[good ? w->n : 1] = '\0';
	return ret;
}

const char *
when_text(enum when_form form, utc_s t, utc_s now, char ret[static WHEN_TEXT])
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(WHEN_TEXT - 1);
	const time_t tt = (time_t)t, tn = (time_t)now;
	struct tm local, utc, today;

	if (t >= 0 && t <= UTC_MAX && localtime_r(&tt, &local) != NULL &&
	    gmtime_r(&tt, &utc) != NULL && localtime_r(&tn, &today) != NULL)
		put_when(&w, form, &local, &utc, &today);
	return take_text(&w, ret);
}

const char *
when_dur(dur_s d, char ret[static WHEN_TEXT])
{
	static const struct { dur_s s; char c; } unit[] = {
		{ DAY, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	JIT_DONE(wr_done) struct wr w = WR_INIT(WHEN_TEXT - 1);
	size_t u = 0;

	if (d <= 0)
		wr_str(&w, "0s");
	while (d > 0 && d < unit[u].s)
		u++;
	/* The largest unit and the next one, unless that is none. */
	for (size_t k = u; d > 0 && k < 4 && k < u + 2; k++) {
		if (d / unit[k].s > 0)
			wr_fmt(&w, "%lld%c", (long long)(d / unit[k].s),
			    unit[k].c);
		d %= unit[k].s;
	}
	return take_text(&w, ret);
}

const char *
when_ago(utc_s t, utc_s now, char ret[static WHEN_TEXT])
{
	static const dur_s unit[] = { DAY, 3600, 60, 1 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(WHEN_TEXT - 1);
	char dur[WHEN_TEXT];
	dur_s d = now - t;
	size_t u = 0;

	if (d < 5) {
		wr_str(&w, "just now");
		return take_text(&w, ret);
	}
	while (d < unit[u])
		u++;
	/* An age is rough: one unit. */
	wr_fmt(&w, "%s ago", when_dur(d - d % unit[u], dur));
	return take_text(&w, ret);
}

/* ---- reading ---- */

/*
 * Local time as if it were UTC: days and hours can be counted in it.  -1 when
 * it is out of range.
 */
static utc_s
wall_of(utc_s t)
{
	const time_t tt = (time_t)t;
	char s[80];
	struct tm tm;
	utc_s ret;

	if (t < 0 || t > UTC_MAX || localtime_r(&tt, &tm) == NULL)
		return -1;
	(void)snprintf(s, sizeof(s), "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
	return utc_parse(span_str(s), &ret) == JIT_OK ? ret : -1;
}

/*
 * The moments at which the wall shows that: none where clocks skip it, two
 * where they repeat it, earlier first.  The zone's offsets of the day before
 * and the day after are those that come into question.
 */
static size_t
moments_of(utc_s wall, utc_s ret[static 2])
{
	const utc_s near[2] = { wall - DAY, wall + DAY };
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		utc_s shown = wall_of(near[i]), t;

		if (shown < 0)
			continue;
		t = wall - (shown - near[i]);
		if (wall_of(t) == wall && (n == 0 || ret[0] != t))
			ret[n++] = t;
	}
	if (n == 2 && ret[1] < ret[0]) {
		utc_s later = ret[0];

		ret[0] = ret[1];
		ret[1] = later;
	}
	return n;
}

static enum jit_err
of_wall(const char *s, utc_s wall, utc_s *ret, struct jit_why *why)
{
	utc_s t[2];
	char first[UTC_TEXT], second[UTC_TEXT], shown[TEXT_SHOWN];
	size_t n = moments_of(wall, t);

	if (n == 1) {
		*ret = t[0];
		return JIT_OK;
	}
	(void)text_shown(span_str(s), shown, sizeof(shown));
	if (n == 0)
		return jit_fail(why, JIT_E_ARG, "\"%s\" does not exist here: "
		    "clocks go forward then; in UTC it can be said, as "
		    "2026-11-24T05:00:00Z", shown);
	utc_text(t[0], first);
	utc_text(t[1], second);
	return jit_fail(why, JIT_E_ARG, "\"%s\" comes twice here: clocks go "
	    "back then; say %s or %s", shown, first, second);
}

/* The first moment of a day, also where clocks skip or repeat midnight. */
static enum jit_err
of_day(const char *s, utc_s wall, utc_s *ret, struct jit_why *why)
{
	utc_s t[2];

	for (utc_s w = wall; w < wall + 3 * 3600; w += 900)
		if (moments_of(w, t) > 0) {
			*ret = t[0];
			return JIT_OK;
		}
	return of_wall(s, wall, ret, why);
}

/* "HH:MM" or "HH:MM:SS" as seconds of a day. */
static bool
clock_parse(const char *s, utc_s *ret)
{
	char full[32];
	size_t n = strlen(s);

	if (n != 5 && n != 8)
		return false;
	(void)snprintf(full, sizeof(full), "1970-01-01T%s%sZ", s,
	    n == 5 ? ":00" : "");
	return utc_parse(span_str(full), ret) == JIT_OK;
}

/* "YYYY-MM-DD" as its midnight. */
static bool
day_parse(const char *s, utc_s *ret)
{
	char full[32];

	(void)snprintf(full, sizeof(full), "%.10sT00:00:00Z", s);
	return utc_parse(span_str(full), ret) == JIT_OK;
}

/* A time of day: the nearest one ahead of now, or behind it. */
static enum jit_err
of_clock(const char *s, utc_s clock, bool ahead, utc_s now, utc_s *ret,
    struct jit_why *why)
{
	utc_s wall = wall_of(now), midnight, t;

	if (wall < 0)
		return jit_fail(why, JIT_E_ARG, "the clock is not set");
	midnight = wall - wall % DAY;
	JIT_TRY(of_wall(s, midnight + clock, &t, why));
	if (ahead && t < now)
		JIT_TRY(of_wall(s, midnight + DAY + clock, &t, why));
	else if (!ahead && t > now)
		JIT_TRY(of_wall(s, midnight - DAY + clock, &t, why));
	*ret = t;
	return JIT_OK;
}

/* "now", "+45m", "-2d", "45m"; false: not of that form, or out of range. */
static bool
relative_parse(const char *s, bool ahead, utc_s now, utc_s *ret)
{
	dur_s d;
	utc_s t;

	if (strcmp(s, "now") == 0) {
		*ret = now;
		return true;
	}
	if (s[0] == '+' || s[0] == '-')
		ahead = *s++ == '+';
	if (dur_parse_loose(s, &d) != JIT_OK)
		return false;
	t = ahead ? now + d : now - d;
	if (t < 0 || t > UTC_MAX)
		return false;
	*ret = t;
	return true;
}

enum jit_err
when_parse(const char *s, bool ahead, utc_s now, utc_s *ret,
    struct jit_why *why)
{
	char shown[TEXT_SHOWN];
	utc_s day, clock;
	size_t n = strlen(s);

	if (relative_parse(s, ahead, now, ret) ||
	    utc_parse(span_str(s), ret) == JIT_OK)
		return JIT_OK;
	if (clock_parse(s, &clock))
		return of_clock(s, clock, ahead, now, ret, why);
	if (n >= 10 && day_parse(s, &day)) {
		if (n == 10)
			return of_day(s, day, ret, why);
		if ((s[10] == ' ' || s[10] == 'T') &&
		    clock_parse(s + 11, &clock))
			return of_wall(s, day + clock, ret, why);
	}
	return jit_fail(why, JIT_E_ARG, "\"%s\" is no time; 22:00, "
	    "\"2026-11-24 06:00\" (both local), 2026-11-24T05:00:00Z and 2h "
	    "(from now) are", text_shown(span_str(s), shown, sizeof(shown)));
}
