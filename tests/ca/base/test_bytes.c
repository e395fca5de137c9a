/* bytes: sticky errors, ceilings, nothing left over. */
#include <string.h>

#include "tests/lib/jt.h"

static void
both_ways(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1000);
	struct rd r;
	size_t m1, m2;
	char three[3];

	(void)state;
	wr_u8(&w, 0xfe);
	wr_u16(&w, 0xfedc);
	wr_u32(&w, 0xfedcba98);
	wr_u64(&w, 0xfedcba9876543210);
	m1 = wr_string_begin(&w);
	m2 = wr_string_begin(&w);
	wr_fmt(&w, "%s-%d", "x", 7);
	wr_string_end(&w, m2);
	wr_cstring(&w, "abc");
	wr_string_end(&w, m1);
	wr_string(&w, SPAN_NONE);
	assert_int_equal(w.err, JIT_OK);
	r = rd_of(wr_view(&w));
	assert_int_equal(rd_u8(&r), 0xfe);
	assert_int_equal(rd_u16(&r), 0xfedc);
	assert_int_equal(rd_u32(&r), 0xfedcba98);
	assert_true(rd_u64(&r) == 0xfedcba9876543210);
	struct rd in = rd_of(rd_string(&r, 100));

	assert_true(span_eq_str(rd_string(&in, 3), "x-7"));
	assert_int_equal(rd_u32(&in), 3);
	rd_copy(&in, three, 3);
	assert_memory_equal(three, "abc", 3);
	JT_OK(rd_end(&in));
	assert_int_equal(rd_string(&r, 0).n, 0);
	JT_OK(rd_end(&r));
}

static void
ceiling(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(10);
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };

	(void)state;
	wr_str(&w, "0123456789");
	assert_int_equal(w.err, JIT_OK);
	wr_u8(&w, 1);
	assert_int_equal(w.err, JIT_E_SIZE);
	JT_ERR(wr_take(&w, &b), JIT_E_SIZE);
	assert_null(b.p);
	wr_done(&w);
	wr_raw(&w, "x", SIZE_MAX);
	assert_int_equal(w.err, JIT_E_SIZE);
	wr_done(&w);
	JT_OK(wr_take(&w, &b));
	assert_int_equal(b.n, 0);
	buf_done(&b);
	wr_fmt(&w, "%s", "0123456789");
	JT_OK(wr_take(&w, &b));
	assert_string_equal((char *)b.p, "0123456789");
}

struct row { const char *name, *bytes; size_t n; };
static const struct row bad[] = {
	{ "nothing", "", 0 },
	{ "half a length", "\0\0\0", 3 },
	{ "length past the end", "\0\0\0\4abc", 7 },
	{ "length of all ones", "\xff\xff\xff\xff" "abc", 7 },
	{ "over the caller's maximum", "\0\0\0\11" "123456789", 13 },
	{ "something behind", "\0\0\0\1ab", 6 },
	{ "a NUL inside", "\0\0\0\2a\0", 6 },
};

static void
refused(void **state)
{
	const struct row *row = *state;
	struct rd r = rd_of(SPAN(row->bytes, row->n));

	(void)rd_cstring(&r, 8);
	JT_ERR(rd_end(&r), JIT_E_FORMAT);
	if (r.err != JIT_OK) {
		assert_int_equal(rd_u64(&r), 0);
		assert_int_equal(rd_raw(&r, 1).n, 0);
	}
}

static void
order(void **state)
{
	(void)state;
	assert_true(span_cmp(span_str("a"), span_str("b")) < 0);
	assert_true(span_cmp(span_str("a"), span_str("aa")) < 0);
	assert_true(span_cmp(span_str("Z"), span_str("a")) < 0);
	assert_true(span_cmp(span_str("a"), span_str("a")) == 0);
	assert_true(span_cmp(SPAN_NONE, span_str("a")) < 0);
	assert_true(span_eq(SPAN_NONE, span_str("")));
}

int
main(void)
{
	return jt_one("both ways", both_ways) + jt_one("ceiling", ceiling) +
	    JT_ROWS("refused", refused, bad) + jt_one("order", order);
}
