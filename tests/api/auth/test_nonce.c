/* nonce: once, within a minute, ours, and nothing else. */
#include <string.h>

#include "api/auth/nonce.h"
#include "ca/base/text.h"
#include "ca/grant/login.h"
#include "tests/lib/jt.h"

#define NOW ((utc_s)1795471200)

static uint64_t chance = 1;
static struct rng rng;

static struct nonces *
fresh(void)
{
	struct nonces *n = NULL;

	rng = rand_counter(&chance);
	JT_OK(nonces_new(&rng, &n, NULL));
	return n;
}

static enum jit_err
use(struct nonces *n, const char *text, utc_s now)
{
	struct jit_why why = { 0 };
	enum jit_err e = nonce_use(n, span_str(text), now, &why);

	/* One sentence for whatever is wrong with it. */
	if (e == JIT_E_LOGIN)
		assert_string_equal(why.msg, "this log-in cannot be used: its "
		    "nonce is not of this server, is over, or was used before");
	return e;
}

static void
once(void **state)
{
	JIT_SCOPED(nonces_free) struct nonces *n = fresh();
	char a[NONCE_TEXT], b[NONCE_TEXT];

	(void)state;
	JT_OK(nonce_make(n, &rng, NOW, a, NULL));
	JT_OK(nonce_make(n, &rng, NOW, b, NULL));
	assert_int_equal(strlen(a), NONCE_TEXT - 1);
	assert_string_not_equal(a, b);
	JT_OK(use(n, a, NOW));
	JT_ERR(use(n, a, NOW), JIT_E_LOGIN);
	JT_OK(use(n, b, NOW));
	/* Every second until it is over, and long behind that. */
	for (utc_s t = NOW; t < NOW + 10 * LOGIN_LIFE; t++)
		JT_ERR(use(n, a, t), JIT_E_LOGIN);
}

struct age { const char *name; utc_s after; enum jit_err want; };

static const struct age ages[] = {
	{ "at once", 0, JIT_OK },
	{ "after 59 s", LOGIN_LIFE - 1, JIT_OK },
	{ "after 60 s", LOGIN_LIFE, JIT_E_LOGIN },
	{ "after an hour", 3600, JIT_E_LOGIN },
	{ "before it was made", -1, JIT_E_LOGIN },
	{ "an hour before", -3600, JIT_E_LOGIN },
	{ "before 1970", -NOW - 1, JIT_E_LOGIN },
	{ "past 9999", UTC_MAX - NOW + 1, JIT_E_LOGIN },
};

static void
age(void **state)
{
	const struct age *r = *state;
	JIT_SCOPED(nonces_free) struct nonces *n = fresh();
	char a[NONCE_TEXT];

	JT_OK(nonce_make(n, &rng, NOW, a, NULL));
	JT_ERR(use(n, a, NOW + r->after), r->want);
}

/* Back by less than its life: none is used twice. */
static void
clock_back_a_little(void **state)
{
	(void)state;
	for (utc_s used = 0; used < LOGIN_LIFE; used += 19)
		for (utc_s back = 1; back <= LOGIN_LIFE; back += 19) {
			JIT_SCOPED(nonces_free) struct nonces *n = fresh();
			char a[NONCE_TEXT];

			JT_OK(nonce_make(n, &rng, NOW, a, NULL));
			JT_OK(use(n, a, NOW + used));
			for (utc_s t = NOW + used; t < NOW + 500; t++) {
				JT_ERR(use(n, a, t), JIT_E_LOGIN);
				JT_ERR(use(n, a, t - back), JIT_E_LOGIN);
			}
		}
}

/* Back by more: all that were made are worth nothing, at any time. */
static void
clock_back(void **state)
{
	JIT_SCOPED(nonces_free) struct nonces *n = fresh();
	char a[NONCE_TEXT], b[NONCE_TEXT], c[NONCE_TEXT];

	(void)state;
	JT_OK(nonce_make(n, &rng, NOW, a, NULL));
	JT_OK(nonce_make(n, &rng, NOW, b, NULL));
	JT_OK(use(n, a, NOW));
	JT_OK(nonce_make(n, &rng, NOW - 1000, c, NULL));
	JT_OK(use(n, c, NOW - 990));
	JT_ERR(use(n, c, NOW - 990), JIT_E_LOGIN);
	JT_ERR(use(n, a, NOW), JIT_E_LOGIN);
	JT_ERR(use(n, b, NOW), JIT_E_LOGIN);
}

static void
another_process(void **state)
{
	JIT_SCOPED(nonces_free) struct nonces *n = fresh();
	JIT_SCOPED(nonces_free) struct nonces *other = fresh();
	char a[NONCE_TEXT];

	(void)state;
	JT_OK(nonce_make(other, &rng, NOW, a, NULL));
	JT_ERR(use(n, a, NOW), JIT_E_LOGIN);
	JT_OK(use(other, a, NOW));
}

static void
bytes_of(const char *text, uint8_t ret[static 56])
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(64);
	char std[NONCE_TEXT];

	for (size_t i = 0; i < NONCE_TEXT - 1; i++)
		std[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	std[NONCE_TEXT - 1] = '=';
	JT_OK(b64_get(SPAN(std, sizeof(std)), &w));
	assert_int_equal(w.n, 56);
	memcpy(ret, w.p, 56);
}

static void
forged_bit_by_bit(void **state)
{
	JIT_SCOPED(nonces_free) struct nonces *n = fresh();
	char a[NONCE_TEXT];
	uint8_t bytes[56];

	(void)state;
	JT_OK(nonce_make(n, &rng, NOW, a, NULL));
	bytes_of(a, bytes);
	for (size_t bit = 0; bit < 56 * 8; bit++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(128);

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		b64url_put(&w, SPAN(bytes, sizeof(bytes)));
		wr_u8(&w, 0);
		JT_ERR(use(n, (char *)w.p, NOW), JIT_E_LOGIN);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	JT_OK(use(n, a, NOW));
}

static void
never(void *arg, struct span s)
{
	JT_ERR(nonce_use(arg, s, NOW, NULL), JIT_E_LOGIN);
}

/* The text, with every prefix, flip and spelling. */
static void
other_texts(void **state)
{
	JIT_SCOPED(nonces_free) struct nonces *n = fresh();
	char a[NONCE_TEXT], b[NONCE_TEXT + 2];
	bool special = false;

	(void)state;
	/* One with a character that the other alphabet spells otherwise. */
	while (!special) {
		JT_OK(nonce_make(n, &rng, NOW, a, NULL));
		special = strpbrk(a, "-_") != NULL;
	}
	jt_flip_truncate(span_str(a), never, n);
	never(n, SPAN_NONE);
	memcpy(b, a, sizeof(a));
	memcpy(b + NONCE_TEXT - 1, "=", 2);
	never(n, span_str(b));
	memcpy(b + NONCE_TEXT - 1, "A", 2);
	never(n, span_str(b));
	memcpy(b, a, sizeof(a));
	for (char *c = b; *c != '\0'; c++)
		*c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
	never(n, span_str(b));
	JT_OK(use(n, a, NOW));
}

/* So many within a set's time, then no more; and then again. */
static void
too_many(void **state)
{
	JIT_SCOPED(nonces_free) struct nonces *n = fresh();
	static char all[NONCES_USED][NONCE_TEXT];
	char a[NONCE_TEXT];

	(void)state;
	for (int i = 0; i < NONCES_USED; i++) {
		JT_OK(nonce_make(n, &rng, NOW, all[i], NULL));
		JT_OK(use(n, all[i], NOW));
	}
	for (int i = 0; i < NONCES_USED; i++)
		JT_ERR(use(n, all[i], NOW + 1), JIT_E_LOGIN);
	JT_OK(nonce_make(n, &rng, NOW + 1, a, NULL));
	JT_ERR(use(n, a, NOW + 1), JIT_E_BUSY);
	JT_OK(nonce_make(n, &rng, NOW + 2 * LOGIN_LIFE, a, NULL));
	JT_OK(use(n, a, NOW + 2 * LOGIN_LIFE));
}

static enum jit_err
no_chance(void *ctx, uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return JIT_E_IO;
}

static void
no_randomness(void **state)
{
	struct rng none = { no_chance, NULL };
	JIT_SCOPED(nonces_free) struct nonces *n = NULL;
	char a[NONCE_TEXT];

	(void)state;
	JT_ERR(nonces_new(&none, &n, NULL), JIT_E_RANDOM);
	assert_null(n);
	n = fresh();
	JT_ERR(nonce_make(n, &none, NOW, a, NULL), JIT_E_RANDOM);
	JT_ERR(nonce_make(n, &rng, -1, a, NULL), JIT_E_ARG);
}

int
main(void)
{
	return jt_one("once", once) + JT_ROWS("age", age, ages) +
	    jt_one("a clock set back a little", clock_back_a_little) +
	    jt_one("a clock set back", clock_back) +
	    jt_one("another process's", another_process) +
	    jt_one("forged bit by bit", forged_bit_by_bit) +
	    jt_one("other texts", other_texts) +
	    jt_one("too many", too_many) +
	    jt_one("no randomness", no_randomness);
}
