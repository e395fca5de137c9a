/*
 * mpint - the multiple precision integers of SSH (RFC 4251 section 5):
 * two's complement, big-endian, minimal.  Only positive ones occur here.
 */
#ifndef JIT_SSH_MPINT_H
#define JIT_SSH_MPINT_H

#include "ca/base/bytes.h"

/* A positive minimal mpint of at most max bytes, without its leading zero. */
struct span rd_mpint(struct rd *r, size_t max);
/* Write a magnitude (leading zeros are dropped) as an mpint. */
void wr_mpint(struct wr *w, struct span magnitude);

#endif
