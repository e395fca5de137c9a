/* rand: a test's source can be foreseen, a broken one is an error. */
#include <string.h>

#include "ca/base/digest.h"
#include "ca/base/rand.h"
#include "tests/lib/jt.h"

static void
counter(void **state)
{
	uint64_t a = 7, b = 7;
	struct rng ra = rand_counter(&a), rb = rand_counter(&b);
	uint8_t x[100], y[100];
	struct digest d;

	(void)state;
	JT_OK(rng_fill(&ra, x, sizeof(x)));
	JT_OK(rng_fill(&rb, y, sizeof(y)));
	assert_memory_equal(x, y, sizeof(x));
	/* 100 bytes are four digests; the first is that of the seed. */
	assert_int_equal(a, 11);
	b = 7;
	JT_OK(digest_sha256(SPAN(&b, sizeof(b)), &d));
	assert_memory_equal(x, d.b, sizeof(d.b));
	JT_OK(rng_fill(&ra, y, sizeof(y)));
	assert_memory_not_equal(x, y, sizeof(x));
	JT_OK(rng_fill(&ra, NULL, 0));
}

static void
kernel(void **state)
{
	struct rng r = rand_system();
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	JT_OK(rng_fill(&r, a, sizeof(a)));
	JT_OK(rng_fill(&r, b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
	JT_ERR(rng_fill(&r, a, SIZE_MAX), JIT_E_RANDOM);
}

static enum jit_err
broken_fill(void *ctx, uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return JIT_E_IO;
}

static void
broken(void **state)
{
	struct rng r = { broken_fill, NULL };
	uint8_t a[8];

	(void)state;
	JT_ERR(rng_fill(&r, a, sizeof(a)), JIT_E_RANDOM);
}

int
main(void)
{
	return jt_one("counter", counter) + jt_one("kernel", kernel) +
	    jt_one("broken", broken);
}
