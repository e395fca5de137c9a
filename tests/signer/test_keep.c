/*
 * keep: whatever the disk does, the old bytes or the new ones are there.
 */
#include <stdio.h>
#include <string.h>

#include "signer/keep.h"
#include "tests/lib/jt.h"
#include "tests/signer/simdisk.h"

#define OLD span_str("the old one")
#define NEW span_str("the new one, which is longer")

/* What is there: 0 nothing, 1 the old one, 2 the new one. */
static int
what(const struct journal_ops *o)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	enum jit_err e = keep_get(o, "file", 4096, &b, NULL);

	if (e == JIT_E_UNKNOWN)
		return 0;
	JT_OK(e);
	assert_true(span_eq(BUF_SPAN(b), OLD) || span_eq(BUF_SPAN(b), NEW));
	return span_eq(BUF_SPAN(b), OLD) ? 1 : 2;
}

static void
kept(void **state)
{
	struct simdisk *d = simdisk_new(1u << 20);
	struct journal_ops o = simdisk_ops(d);
	struct buf b = { NULL, 0 };
	struct jit_why why = { 0 };

	(void)state;
	JT_ERR(keep_get(&o, "file", 10, &b, &why), JIT_E_UNKNOWN);
	JT_OK(keep_remove(&o, "file", &why));
	JT_OK(keep_put(&o, "file", OLD, &why));
	simdisk_crash(d, LOSE_ALL);
	assert_int_equal(what(&o), 1);
	JT_OK(keep_put(&o, "file", NEW, &why));
	simdisk_crash(d, LOSE_ALL);
	assert_int_equal(what(&o), 2);
	JT_ERR(keep_get(&o, "file", NEW.n - 1, &b, &why), JIT_E_SIZE);
	JT_OK(keep_remove(&o, "file", &why));
	simdisk_crash(d, LOSE_ALL);
	assert_int_equal(what(&o), 0);
	JT_ERR(keep_put(&o, "a name that is longer than the longest", OLD,
	    &why), JIT_E_ARG);
	simdisk_free(d);
}

/* Each effect fails, then the power goes, in each way. */
static void
each_effect(void **state)
{
	(void)state;
	for (unsigned at = 1;; at++) {
		enum jit_err e = JIT_OK;

		for (int loss = 0; loss < LOSSES; loss++) {
			struct simdisk *d = simdisk_new(1u << 20);
			struct journal_ops o = simdisk_ops(d);
			int now, after;

			JT_OK(keep_put(&o, "file", OLD, NULL));
			simdisk_fail(d, at, at % 2 ? JIT_E_IO : JIT_E_FULL);
			e = keep_put(&o, "file", NEW, NULL);
			simdisk_fail(d, 0, JIT_OK);
			now = what(&o);
			assert_true(now == 2 || (e != JIT_OK && now == 1));
			simdisk_crash(d, (enum loss)loss);
			after = what(&o);
			assert_true(after == 1 || after == 2);
			if (e == JIT_OK)
				assert_int_equal(after, 2);
			simdisk_free(d);
		}
		if (e == JIT_OK) {
			assert_true(at > 4);
			return;
		}
	}
}

int
main(void)
{
	return jt_one("put, get, remove", kept) +
	    jt_one("each effect fails, each loss", each_effect);
}
