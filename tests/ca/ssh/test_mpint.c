/* mpint: one form of each positive number, both ways. */
#include <string.h>

#include "ca/ssh/mpint.h"
#include "tests/lib/json.h"

/* max is 3 bytes.  back is the magnitude, "" where it is refused. */
struct row { const char *name, *wire, *back; };

static const struct row rows[] = {
	{ "one", "0000000101", "01" },
	{ "RFC 4251's own, high bit clear", "00000003" "09a378", "09a378" },
	{ "RFC 4251's 0x80", "00000002" "0080", "80" },
	{ "the longest, with its zero", "00000004" "00ffffff", "ffffff" },
	{ "one byte more", "00000004" "01000000", "" },
	{ "and with its zero", "00000005" "0080000000", "" },
	{ "zero", "00000000", "" },
	{ "zero in a byte", "0000000100", "" },
	{ "negative", "00000001ff", "" },
	{ "RFC 4251's negative", "00000002" "edcc", "" },
	{ "a zero that is not needed", "00000002" "0001", "" },
	{ "two zeros", "00000003" "000080", "" },
	{ "cut short", "00000002" "01", "" },
	{ "cut in its length", "000000", "" },
	{ "a length of 4 GiB", "ffffffff", "" },
};

static void
one(void **state)
{
	const struct row *row = *state;
	JIT_DONE(buf_done) struct buf wire = jt_hex(row->wire);
	JIT_DONE(buf_done) struct buf want = jt_hex(row->back);
	JIT_DONE(wr_done) struct wr w = WR_INIT(16);
	struct rd r = rd_of(BUF_SPAN(wire));
	struct span m = rd_mpint(&r, 3);

	JT_ERR(rd_end(&r), want.n > 0 ? JIT_OK : JIT_E_FORMAT);
	assert_true(span_eq(m, BUF_SPAN(want)));
	if (want.n == 0)
		return;
	wr_raw(&w, "\0", 1);	/* a magnitude may come padded */
	wr_span(&w, m);
	wr_mpint(&w, SPAN(w.p, w.n));
	assert_true(span_eq(SPAN(w.p + m.n + 1, w.n - m.n - 1),
	    BUF_SPAN(wire)));
}

int
main(void)
{
	return JT_ROWS("mpint", one, rows);
}
