#include <limits.h>
#include <string.h>

#include <openssl/rand.h>

#include "ca/base/digest.h"
#include "ca/base/rand.h"

enum jit_err
rng_fill(const struct rng *r, void *p, size_t n)
{
	return r->fill(r->ctx, p, n) == JIT_OK ? JIT_OK : JIT_E_RANDOM;
}

static enum jit_err
system_fill(void *ctx, uint8_t *p, size_t n)
{
	(void)ctx;
	if (n > INT_MAX || RAND_bytes(p, (int)n) != 1)
		return JIT_E_RANDOM;
	return JIT_OK;
}

struct rng
rand_system(void)
{
	return (struct rng){ system_fill, NULL };
}

static enum jit_err
counter_fill(void *ctx, uint8_t *p, size_t n)
{
	uint64_t *state = ctx;

	while (n > 0) {
		struct digest d;
		size_t k = n < sizeof(d.b) ? n : sizeof(d.b);

		JIT_TRY(digest_sha256(SPAN(state, sizeof(*state)), &d));
		memcpy(p, d.b, k);
		p += k;
		n -= k;
		++*state;
	}
	return JIT_OK;
}

struct rng
rand_counter(uint64_t *state)
{
	return (struct rng){ counter_fill, state };
}
