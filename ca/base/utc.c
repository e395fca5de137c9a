#include <stdio.h>
#include <string.h>

#include "ca/base/utc.h"

/* Days from 1970-01-01 to the first of March of year y (proleptic Gregorian). */
static int64_t
days_to_march(int64_t y)
{
	return 365 * y + y / 4 - y / 100 + y / 400 - 719468;
}

static int64_t
days_from_civil(int64_t y, int64_t m, int64_t d)
{
	/* The year begins in March, so that the leap day is its last. */
	if (m <= 2) {
		y--;
		m += 12;
	}
	return days_to_march(y) + (153 * (m - 3) + 2) / 5 + d - 1;
}

static void
civil_from_days(int64_t days, int *y, int *m, int *d)
{
	int64_t z = days + 719468, era = z / 146097, doe = z % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

static int
digits(const uint8_t *p, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

enum jit_err
utc_parse(struct span s, utc_s *ret)
{
	char back[UTC_TEXT];
	int y, mo, d, h, mi, se;
	utc_s t;

	if (s.n != UTC_TEXT - 1)
		return JIT_E_FORMAT;
	y = digits(s.p, 4);
	mo = digits(s.p + 5, 2);
	d = digits(s.p + 8, 2);
	h = digits(s.p + 11, 2);
	mi = digits(s.p + 14, 2);
	se = digits(s.p + 17, 2);
	if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 ||
	    h > 23 || mi < 0 || mi > 59 || se < 0 || se > 59)
		return JIT_E_FORMAT;
	t = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + se;
	/* 30 February comes back as another day; so do wrong separators. */
	utc_text(t, back);
	if (!span_eq_str(s, back))
		return JIT_E_FORMAT;
	*ret = t;
	return JIT_OK;
}

/* n digits, and what stands behind them. */
static char *
put_digits(char *p, int v, int n, char behind)
{
	for (int i = n; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	p[n] = behind;
	return p + n + 1;
}

/* By hand: times are half of what is read and written in a busy daemon. */
void
utc_text(utc_s t, char ret[static UTC_TEXT])
{
	char *p = ret;
	int y, m, d, s;

	if (t < 0 || t > UTC_MAX) {
		(void)snprintf(ret, UTC_TEXT, "-");
		return;
	}
	civil_from_days(t / 86400, &y, &m, &d);
	s = (int)(t % 86400);
	p = put_digits(p, y, 4, '-');
	p = put_digits(p, m, 2, '-');
	p = put_digits(p, d, 2, 'T');
	p = put_digits(p, s / 3600, 2, ':');
	p = put_digits(p, s / 60 % 60, 2, ':');
	p = put_digits(p, s % 60, 2, 'Z');
	*p = '\0';
}

static dur_s
unit_of(char c)
{
	switch (c) {
	case 'd': return 86400;
	case 'h': return 3600;
	case 'm': return 60;
	case 's': return 1;
	default: return 0;
	}
}

enum jit_err
dur_parse(struct span s, dur_s *ret)
{
	char back[DUR_TEXT];
	dur_s v = 0, u;

	if (s.n < 2 || s.n >= DUR_TEXT)
		return JIT_E_FORMAT;
	for (size_t i = 0; i + 1 < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || v > DUR_MAX)
			return JIT_E_FORMAT;
		v = v * 10 + (s.p[i] - '0');
	}
	u = unit_of((char)s.p[s.n - 1]);
	if (u == 0 || v == 0 || v > DUR_MAX / u)
		return JIT_E_FORMAT;
	dur_text(v * u, back);
	if (!span_eq_str(s, back))
		return JIT_E_FORMAT;
	*ret = v * u;
	return JIT_OK;
}

void
dur_text(dur_s d, char ret[static DUR_TEXT])
{
	static const char units[] = "dhm";

	if (d <= 0 || d > DUR_MAX) {
		(void)snprintf(ret, DUR_TEXT, "-");
		return;
	}
	for (const char *u = units; *u; u++)
		if (d % unit_of(*u) == 0) {
			(void)snprintf(ret, DUR_TEXT, "%lld%c",
			    (long long)(d / unit_of(*u)), *u);
			return;
		}
	(void)snprintf(ret, DUR_TEXT, "%llds", (long long)d);
}

enum jit_err
dur_parse_loose(const char *s, dur_s *ret)
{
	dur_s sum = 0;

	if (*s == '\0')
		return JIT_E_FORMAT;
	while (*s != '\0') {
		dur_s v = 0, u;

		if (*s < '0' || *s > '9')
			return JIT_E_FORMAT;
		for (; *s >= '0' && *s <= '9'; s++) {
			if (v > DUR_MAX)
				return JIT_E_FORMAT;
			v = v * 10 + (*s - '0');
		}
		if ((u = unit_of(*s)) == 0 || v > DUR_MAX / u)
			return JIT_E_FORMAT;
		s++;
		if ((sum += v * u) > DUR_MAX)
			return JIT_E_FORMAT;
	}
	if (sum == 0)
		return JIT_E_FORMAT;
	*ret = sum;
	return JIT_OK;
}
