/*
 * bundle_int - what the bundle's files share.  Inside ca/grant only.
 */
#ifndef JIT_GRANT_BUNDLE_INT_H
#define JIT_GRANT_BUNDLE_INT_H

#include "ca/grant/bundle.h"

/* From dossier, policy, certificate and quorum, which were verified. */
void bundle_summary_fill(struct bundle_summary *s, utc_s now);

#endif
