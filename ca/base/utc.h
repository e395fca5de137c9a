/*
 * utc - moments and durations, and their one written form.
 *
 * A moment is whole seconds since 1970-01-01T00:00:00Z, written
 * "2026-11-23T20:58:11Z" (RFC 3339 section 5.6, always Z, no fraction,
 * years 1970 to 9999).  A duration is an integer and the largest unit that
 * divides it: d h m s ("45m", "90m", "8h", "1d").  Pure: no clock.
 */
#ifndef JIT_BASE_UTC_H
#define JIT_BASE_UTC_H

#include <stdint.h>

#include "ca/base/bytes.h"

typedef int64_t utc_s;		/* seconds since 1970-01-01T00:00:00Z */
typedef int64_t dur_s;		/* seconds, never negative */

#define UTC_MAX ((utc_s)253402300799)	/* 9999-12-31T23:59:59Z */
#define DUR_MAX ((dur_s)366 * 86400)	/* the longest that can be written */
#define UTC_TEXT 21		/* bytes of the text with its NUL */
#define DUR_TEXT 16

/* JIT_E_FORMAT: not exactly that form, or no such day. */
enum jit_err utc_parse(struct span s, utc_s *ret);
/* t in 0 .. UTC_MAX, else "-". */
void utc_text(utc_s t, char ret[static UTC_TEXT]);
/* JIT_E_FORMAT: no unit, leading zero, zero, past DUR_MAX, or not the largest unit. */
enum jit_err dur_parse(struct span s, dur_s *ret);
/* d in 1 .. DUR_MAX, else "-". */
void dur_text(dur_s d, char ret[static DUR_TEXT]);
/*
 * As dur_parse for a person: any of d h m s units, also several ("1h30m"),
 * need not be the largest.  JIT_E_FORMAT.
 */
enum jit_err dur_parse_loose(const char *s, dur_s *ret);

#endif
