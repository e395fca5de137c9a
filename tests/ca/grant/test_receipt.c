/* receipt: both ways, proven, and nothing that is not one. */
#include <string.h>

#include "ca/grant/receipt.h"
#include "tests/lib/logbook.h"

static struct logbook b;
static struct ulid ids[STORY_N];

static void
put_all(struct wr *w, struct span note)
{
	wr_string(w, note);
	wr_u32(w, (uint32_t)b.n);
	for (size_t i = 0; i < b.n; i++) {
		struct receipt r;

		logbook_receipt(&b, i, b.n, &r);
		receipt_put(w, &r);
	}
}

static void
list(void **state)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(&b, b.n);
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20), again =
	    WR_INIT(1u << 20);
	JIT_DONE(receipts_done) struct receipts v = { 0 };
	struct checkpoint c;
	struct rd r;

	(void)state;
	put_all(&w, BUF_SPAN(note));
	JT_OK(w.err);
	r = rd_of(wr_view(&w));
	JT_OK(receipts_get(&r, &v, NULL));
	assert_true(v.n == b.n && span_eq(v.note, BUF_SPAN(note)));
	JT_OK(checkpoint_open(v.note, &b.w.log, &c, NULL));
	wr_string(&again, v.note);
	wr_u32(&again, (uint32_t)v.n);
	for (size_t i = 0; i < v.n; i++) {
		JT_OK(receipt_check(&v.v[i], &c, NULL));
		assert_true(v.v[i].e.index == i &&
		    span_eq(v.v[i].e.body, b.entry[i].e.body));
		receipt_put(&again, &v.v[i]);
	}
	assert_true(span_eq(wr_view(&again), wr_view(&w)));
	/* Something behind, and a count that is not there. */
	wr_u8(&w, 0);
	r = rd_of(wr_view(&w));
	receipts_done(&v);
	JT_ERR(receipts_get(&r, &v, NULL), JIT_E_FORMAT);
	wr_done(&w);
	wr_string(&w, BUF_SPAN(note));
	wr_u32(&w, 4096);
	r = rd_of(wr_view(&w));
	JT_ERR(receipts_get(&r, &v, NULL), JIT_E_FORMAT);
	assert_null(v.v);
}

static void
refused(void **state)
{
	uint64_t at = b.n - 2;
	struct checkpoint c, old;
	struct receipt r, bad;

	(void)state;
	logbook_root(&b, b.n, &c);
	logbook_root(&b, b.n - 1, &old);
	logbook_receipt(&b, at, b.n, &r);
	JT_OK(receipt_check(&r, &c, NULL));
	JT_ERR(receipt_check(&r, &old, NULL), JIT_E_VERIFY);
	bad = r;
	bad.proof.h[0].b[0] ^= 1;
	JT_ERR(receipt_check(&bad, &c, NULL), JIT_E_VERIFY);
	bad = r;
	bad.proof.n--;
	JT_ERR(receipt_check(&bad, &c, NULL), JIT_E_VERIFY);
	bad = r;
	bad.e.index--;
	JT_ERR(receipt_check(&bad, &c, NULL), JIT_E_VERIFY);
	bad = r;
	bad.e.salt[0] ^= 1;
	JT_ERR(receipt_check(&bad, &c, NULL), JIT_E_VERIFY);
	bad = r;
	bad.e.body.n--;
	JT_ERR(receipt_check(&bad, &c, NULL), JIT_E_VERIFY);
	bad = r;
	bad.e.leaf[20] ^= 1;
	JT_ERR(receipt_check(&bad, &c, NULL), JIT_E_VERIFY);
	bad = r;
	bad.e.erased = true;
	JT_OK(receipt_check(&bad, &c, NULL));
}

/* An erased body travels as nothing, and only so. */
static void
erased(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct receipt r, back;
	struct rd rd;

	(void)state;
	logbook_receipt(&b, b.n - 1, b.n, &r);
	r.e.erased = true;
	receipt_put(&w, &r);
	rd = rd_of(wr_view(&w));
	receipt_get(&rd, &back);
	JT_OK(rd_end(&rd));
	assert_true(back.e.erased && back.e.body.n == 0 &&
	    back.e.salt[3] == 0);
	w.p[ENTRY_LEAF + 1] = 1;	/* a salt of nothing */
	rd = rd_of(wr_view(&w));
	receipt_get(&rd, &back);
	JT_ERR(rd.err, JIT_E_FORMAT);
	w.p[ENTRY_LEAF + 1] = 0;
	w.p[ENTRY_LEAF] = 2;
	rd = rd_of(wr_view(&w));
	receipt_get(&rd, &back);
	JT_ERR(rd.err, JIT_E_FORMAT);
}

static void
read_one(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(s.n + 1);
	const struct checkpoint *c = arg;
	struct rd rd = rd_of(s);
	struct receipt r;

	receipt_get(&rd, &r);
	if (rd_end(&rd) != JIT_OK)
		return;
	receipt_put(&w, &r);
	assert_true(w.err == JIT_OK && span_eq(wr_view(&w), s));
	JT_ERR(receipt_check(&r, c, NULL), JIT_E_VERIFY);
}

static void
flips(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct checkpoint c;
	struct receipt r;

	(void)state;
	logbook_root(&b, b.n, &c);
	logbook_receipt(&b, b.n - 1, b.n, &r);
	receipt_put(&w, &r);
	jt_flip_truncate(wr_view(&w), read_one, &c);
}

int
main(void)
{
	int failed;

	logbook_init(&b);
	logbook_story(&b, ids);
	failed = jt_one("list", list) + jt_one("refused", refused) +
	    jt_one("erased", erased) + jt_one("flips", flips);
	logbook_done(&b);
	return failed;
}
