#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "api/auth/nonce.h"
#include "ca/base/secret.h"
#include "ca/base/text.h"
#include "ca/grant/login.h"

#define NONCE_ID 16
#define NONCE_HEAD (8 + NONCE_ID)
#define NONCE_BYTES (NONCE_HEAD + 32)

/*
 * What was used, in two sets: the older is emptied and becomes the newer
 * every second LOGIN_LIFE.  So each is remembered for at least two of them,
 * which is longer than it lives even when the clock is set back by one.
 */
#define SET_LIFE (2 * LOGIN_LIFE)
#define SLOTS (2 * NONCES_USED)

struct used {
	size_t n;
	struct {
		bool taken;
		uint8_t id[NONCE_ID];
	} slot[SLOTS];
};

struct nonces {
	struct secret key;
	utc_s since, latest;		/* of the newer set; that was seen */
	unsigned newer;
	struct used used[2];
};

enum jit_err
nonces_new(const struct rng *rng, struct nonces **ret, struct jit_why *why)
{
	JIT_SCOPED(nonces_free) struct nonces *n = calloc(1, sizeof(*n));

	(void)why;
	if (n == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(secret_new(&n->key, 32));
	JIT_TRY(rng_fill(rng, n->key.p, n->key.n));
	*ret = n;
	n = NULL;
	return JIT_OK;
}

void
nonces_free(struct nonces *n)
{
	if (n == NULL)
		return;
	secret_done(&n->key);
	OPENSSL_cleanse(n, sizeof(*n));
	free(n);
}

static enum jit_err
mac(const struct nonces *n, struct span s, uint8_t ret[static 32])
{
	unsigned size = 32;

	if (HMAC(EVP_sha256(), n->key.p, (int)n->key.n, s.p, s.n, ret,
	    &size) == NULL || size != 32)
		return JIT_E_CRYPTO;
	return JIT_OK;
}

/* Nobody's nonce is good any more, whatever the clock will say. */
static enum jit_err
change_key(struct nonces *n)
{
	uint8_t key[32];

	JIT_TRY(mac(n, span_str("the clock was set back"), key));
	memcpy(n->key.p, key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
	memset(n->used, 0, sizeof(n->used));
	return JIT_OK;
}

/* The clock says now: forget what is long over. */
static enum jit_err
tick(struct nonces *n, utc_s now)
{
	if (now < 0 || now > UTC_MAX)
		return JIT_E_ARG;
	if (now < n->latest - LOGIN_LIFE) {
		JIT_TRY(change_key(n));
		n->since = n->latest = now;
	}
	if (now - n->since >= 2 * SET_LIFE)
		memset(n->used, 0, sizeof(n->used));
	if (now - n->since >= SET_LIFE) {
		n->newer ^= 1;
		memset(&n->used[n->newer], 0, sizeof(n->used[0]));
		n->since = now;
	}
	n->latest = now > n->latest ? now : n->latest;
	return JIT_OK;
}

enum jit_err
nonce_make(struct nonces *n, const struct rng *rng, utc_s now,
    char ret[static NONCE_TEXT], struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(NONCE_BYTES), text =
	    WR_INIT(NONCE_TEXT - 1);
	uint8_t id[NONCE_ID], m[32];

	if (tick(n, now) != JIT_OK)
		return jit_fail(why, JIT_E_ARG, "no such time");
	JIT_TRY(rng_fill(rng, id, sizeof(id)));
	wr_u64(&w, (uint64_t)now);
	wr_raw(&w, id, sizeof(id));
	JIT_TRY(w.err);
	JIT_TRY(mac(n, wr_view(&w), m));
	wr_raw(&w, m, sizeof(m));
	JIT_TRY(w.err);
	b64url_put(&text, wr_view(&w));
	JIT_TRY(text.err);
	memcpy(ret, text.p, text.n);
	ret[text.n] = '\0';
	return JIT_OK;
}

/* Is it there?  Else *free_slot is where it goes. */
static bool
was_used(const struct used *u, const uint8_t id[static NONCE_ID],
    size_t *free_slot)
{
	size_t at;

	/* They are random, and ours: no need to hash them. */
	memcpy(&at, id, sizeof(at));
	/* Never full: NONCES_USED is half of it. */
	for (at %= SLOTS; u->slot[at].taken; at = (at + 1) % SLOTS)
		if (memcmp(u->slot[at].id, id, NONCE_ID) == 0)
			return true;
	*free_slot = at;
	return false;
}

/* The bytes of text; false when it is not the text of so many. */
static bool
decode(struct span text, struct wr *w)
{
	char std[NONCE_TEXT] = { 0 };

	if (text.n != NONCE_TEXT - 1)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = (char)text.p[i];

		if (c == '+' || c == '/' || c == '=')
			return false;
		std[i] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	std[NONCE_TEXT - 1] = '=';
	return b64_get(SPAN(std, sizeof(std)), w) == JIT_OK &&
	    w->n == NONCE_BYTES;
}

/* Made by us, and not over. */
static bool
is_good(const struct nonces *n, struct span bytes, utc_s now)
{
	struct rd r = rd_of(bytes);
	uint64_t made = rd_u64(&r);
	uint8_t m[32];

	if (mac(n, SPAN(bytes.p, NONCE_HEAD), m) != JIT_OK ||
	    CRYPTO_memcmp(m, bytes.p + NONCE_HEAD, sizeof(m)) != 0)
		return false;
	return made <= (uint64_t)now && (uint64_t)now - made < LOGIN_LIFE;
}

enum jit_err
nonce_use(struct nonces *n, struct span text, utc_s now, struct jit_why *why)
{
	static const char words[] = "this log-in cannot be used: its nonce is "
	    "not of this server, is over, or was used before";
	JIT_DONE(wr_done) struct wr w = WR_INIT(NONCE_BYTES);
	size_t older, at = 0;
	struct used *u;

	if (tick(n, now) != JIT_OK || !decode(text, &w) ||
	    !is_good(n, wr_view(&w), now))
		return jit_fail(why, JIT_E_LOGIN, "%s", words);
	u = &n->used[n->newer];
	if (was_used(&n->used[n->newer ^ 1], w.p + 8, &older) ||
	    was_used(u, w.p + 8, &at))
		return jit_fail(why, JIT_E_LOGIN, "%s", words);
	if (u->n == NONCES_USED)
		return jit_fail(why, JIT_E_BUSY, "more than %d log-ins within "
		    "two minutes", NONCES_USED);
	u->slot[at].taken = true;
	memcpy(u->slot[at].id, w.p + 8, NONCE_ID);
	u->n++;
	return JIT_OK;
}
