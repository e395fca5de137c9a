/*
 * window - from an approved window to the validity written in a certificate.
 *
 * An approval says "from a until b, for so long from collection on".  A
 * certificate lives inside that: never before a, never past b, never longer
 * than that after its collection.  Pure: no clock, no allocation, no logging.
 */
#ifndef JIT_GRANT_WINDOW_H
#define JIT_GRANT_WINDOW_H

#include "ca/base/utc.h"

/* Half-open: [from, until). */
struct window { utc_s from, until; };

/*
 * Cut a certificate's validity out of an approved window.
 *
 *	now       time of collection, from the caller's clock
 *	life      duration that was approved, > 0; runs from collection, or
 *	          from approved->from if collected before it
 *	skew      how far to backdate for hosts whose clock runs slow, 0 to
 *	          WINDOW_SKEW_MAX; moves the start only, not counted into life
 *
 * JIT_OK: *ret is set, approved->from <= ret->from < ret->until
 * <= approved->until.  Otherwise *ret is untouched, and why (may be NULL)
 * tells a person what happened:
 *	JIT_E_ARG      an empty window, no life, or a skew out of range
 *	JIT_E_EXPIRED  the approved window is over
 */
#define WINDOW_SKEW_MAX 60
enum jit_err window_cut(const struct window *approved, utc_s now,
    dur_s life, dur_s skew, struct window *ret, struct jit_why *why);

#endif
