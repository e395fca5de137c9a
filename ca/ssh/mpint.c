#include "ca/ssh/mpint.h"

struct span
rd_mpint(struct rd *r, size_t max)
{
	struct span s = rd_string(r, max + 1);

	/* Zero, negative, or a leading zero that is not needed. */
	if (r->err != JIT_OK || s.n == 0 || (s.p[0] & 0x80) ||
	    (s.p[0] == 0 && (s.n == 1 || !(s.p[1] & 0x80)))) {
		rd_fail(r);
		return SPAN_NONE;
	}
	if (s.p[0] == 0)
		s = SPAN(s.p + 1, s.n - 1);
	if (s.n > max) {
		rd_fail(r);
		return SPAN_NONE;
	}
	return s;
}

void
wr_mpint(struct wr *w, struct span m)
{
	bool pad;

	while (m.n > 0 && m.p[0] == 0)
		m = SPAN(m.p + 1, m.n - 1);
	pad = m.n > 0 && (m.p[0] & 0x80);
	if (m.n > UINT32_MAX - 1) {
		wr_fail(w, JIT_E_SIZE);
		return;
	}
	wr_u32(w, (uint32_t)m.n + pad);
	if (pad)
		wr_u8(w, 0);
	wr_span(w, m);
}
