/*
 * Revocation lists: somebody else's bytes are read and asked without harm;
 * the same bytes taken as runs of serials and key ids make a list that says
 * just that.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/ssh/krl.h"
#include "ca/ssh/sig.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct ssh_priv *ca, *subject;
#define CA ssh_priv_public(ca)
#define SUBJECT ssh_priv_public(subject)

static void
make_keys(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);

	if (ca == NULL && (ssh_priv_generate(SSH_ED25519, 0, &rng, &ca,
	    NULL) != JIT_OK || ssh_priv_generate(SSH_ED25519, 0, &rng,
	    &subject, NULL) != JIT_OK))
		abort();
}

static void
read_theirs(struct span s)
{
	static const uint64_t serials[] = { 0, 1, 7, 300, UINT64_MAX };
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	const struct krl_spec nothing = { 0 };
	struct jit_why why = { 0 };

	if (krl_parse(s, &k, &why) != JIT_OK)
		return;
	for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++)
		(void)krl_is_revoked(k, CA, serials[i], span_str("bob"),
		    SUBJECT);
	(void)krl_is_revoked(k, NULL, 0, SPAN_NONE, CA);
	if (krl_check_is(k, &nothing, &why) == JIT_OK &&
	    (krl_version(k) != 0 || krl_generated(k) != 0 ||
	    krl_is_revoked(k, CA, 7, SPAN_NONE, SUBJECT)))
		abort();
}

#define SERIALS 20000
#define RUNS 64
struct said {
	uint64_t serials[SERIALS];
	struct { uint64_t lo, hi; } runs[RUNS];
	struct span ids[8];
	size_t n_serials, n_runs, n_ids;
};

/* A byte says how far the next run is, one how long it is. */
static void
say_runs(struct said *t, struct rd *r)
{
	uint64_t at = 0;

	while (r->n > 1 && t->n_runs < RUNS) {
		unsigned gap = rd_u8(r), len = rd_u8(r);
		uint64_t far = 2 + (gap < 0xc0 ? gap : 1ull << (gap & 0x3f));
		uint64_t more = len < 0xf0 ? len : (len - 0xef) * 1100u;

		/* What does not fit is put at the end. */
		if (far > UINT64_MAX - at || more > UINT64_MAX - at - far) {
			if (at > UINT64_MAX - 300)
				return;
			far = UINT64_MAX - at - (more %= 200);
		}
		if (more >= SERIALS - t->n_serials)
			return;
		at += far;
		t->runs[t->n_runs].lo = at;
		for (uint64_t i = 0; i <= more; i++)
			t->serials[t->n_serials++] = at + i;
		at += more;
		t->runs[t->n_runs++].hi = at;
	}
}

static void
say_ids(struct said *t, struct rd *r)
{
	while (r->n > 0 && t->n_ids < 8) {
		size_t n = rd_u8(r) & 7u;
		struct span id = rd_raw(r, n < r->n ? n : r->n);

		if (id.n > 0 && memchr(id.p, 0, id.n) == NULL)
			t->ids[t->n_ids++] = id;
	}
}

static void
check_verdicts(const struct krl *k, const struct said *t)
{
	for (size_t i = 0; i < t->n_runs; i++) {
		uint64_t lo = t->runs[i].lo, hi = t->runs[i].hi;

		if (!krl_is_revoked(k, CA, lo, SPAN_NONE, SUBJECT) ||
		    !krl_is_revoked(k, CA, hi, SPAN_NONE, SUBJECT) ||
		    krl_is_revoked(k, CA, lo - 1, SPAN_NONE, SUBJECT) ||
		    krl_is_revoked(k, CA, hi + 1, SPAN_NONE, SUBJECT) ||
		    krl_is_revoked(k, SUBJECT, lo, SPAN_NONE, CA))
			abort();
	}
	for (size_t i = 0; i < t->n_ids; i++)
		if (!krl_is_revoked(k, CA, 0, t->ids[i], SUBJECT))
			abort();
}

static void
write_ours(struct span s)
{
	static struct said t;
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	struct rd r = rd_of(s), first = rd_of(rd_raw(&r, s.n / 4 * 3));
	struct krl_section sec = { .ca = CA, .serials = t.serials,
	    .key_ids = t.ids };
	struct krl_spec spec = { .version = s.n, .generated = 1,
	    .sections = &sec, .n_sections = 1 };

	t.n_serials = t.n_runs = t.n_ids = 0;
	say_runs(&t, &first);
	say_ids(&t, &r);
	sec.n_serials = t.n_serials;
	sec.n_key_ids = t.n_ids;
	if (krl_put(&w, &spec, NULL) != JIT_OK ||
	    krl_parse(wr_view(&w), &k, NULL) != JIT_OK ||
	    krl_check_is(k, &spec, NULL) != JIT_OK)
		abort();
	check_verdicts(k, &t);
	/* One fewer is another list. */
	if (sec.n_serials > 0) {
		sec.n_serials--;
		if (krl_check_is(k, &spec, NULL) != JIT_E_VERIFY)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	make_keys();
	read_theirs(SPAN(p, n));
	write_ours(SPAN(p, n));
	return 0;
}
