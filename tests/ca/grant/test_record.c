/* record: bodies both ways, nothing behind, bounded. */
#include <string.h>

#include "ca/grant/record.h"
#include "tests/lib/world.h"

static void
signed_ones(void **state)
{
	const struct rec_signed s = { span_str("text"), span_str("sig"),
	    span_str("possess") };
	JIT_DONE(wr_done) struct wr w = WR_INIT(1000);
	struct rec_signed back;

	(void)state;
	rec_put_signed(&w, ENTRY_REQUEST, &s);
	JT_OK(rec_get_signed(wr_view(&w), ENTRY_REQUEST, &back, NULL));
	assert_true(span_eq(back.text, s.text) && span_eq(back.sig, s.sig) &&
	    span_eq(back.possess, s.possess));
	/* A request's body is no decision's. */
	JT_ERR(rec_get_signed(wr_view(&w), ENTRY_DECISION, &back, NULL),
	    JIT_E_FORMAT);
	wr_done(&w);
	rec_put_signed(&w, ENTRY_DECISION, &s);
	JT_OK(rec_get_signed(wr_view(&w), ENTRY_DECISION, &back, NULL));
	assert_int_equal(back.possess.n, 0);
	JT_ERR(rec_get_signed(wr_view(&w), ENTRY_REQUEST, &back, NULL),
	    JIT_E_FORMAT);
}

static void
read_issued(void *arg, struct span s)
{
	struct rec_issued i;

	(void)arg;
	if (rec_get_issued(s, &i, NULL) == JIT_OK)
		assert_true(i.n_approvals <= RECORD_APPROVALS_MAX);
}

static void
issued(void **state)
{
	struct rec_issued i = { .cert = span_str("certificate"),
	    .request_index = 7, .policy_index = 3, .approvals = { 8, 9 },
	    .n_approvals = 2 }, back;
	JIT_DONE(wr_done) struct wr w = WR_INIT(1000);

	(void)state;
	JT_OK(ulid_parse(span_str("01JDE0V5Y8M3T1K3ZJ6X4N9Q2B"), &i.request));
	memset(i.secret, 5, sizeof(i.secret));
	rec_put_issued(&w, &i);
	JT_OK(rec_get_issued(wr_view(&w), &back, NULL));
	assert_true(span_eq(back.cert, i.cert) && back.request_index == 7 &&
	    back.policy_index == 3 && back.n_approvals == 2 &&
	    back.approvals[1] == 9);
	assert_memory_equal(back.secret, i.secret, 32);
	assert_string_equal(back.request.s, i.request.s);
	jt_flip_truncate(wr_view(&w), read_issued, NULL);
	wr_u8(&w, 0);
	JT_ERR(rec_get_issued(wr_view(&w), &back, NULL), JIT_E_FORMAT);
}

static enum jit_err
see_block(void *arg, enum block_kind kind, struct span name,
    const struct digest *d)
{
	struct world *w = arg;
	const struct block *b = policy_get(w->policy, kind, name);

	assert_non_null(b);
	assert_true(digest_eq(&b->digest, d));
	w->chance++;
	return JIT_OK;
}

static void
policy(void **state)
{
	struct world w;
	JIT_DONE(wr_done) struct wr body = WR_INIT(1u << 20);
	struct digest whole, want;
	uint64_t before;

	(void)state;
	world_init(&w);
	JT_OK(policy_check(w.policy, NULL));
	JT_OK(rec_put_policy(&body, w.policy));
	JT_OK(policy_digest(w.policy, &want));
	before = w.chance;
	JT_OK(rec_get_policy(wr_view(&body), &whole, see_block, &w, NULL));
	assert_true(w.chance - before == policy_count(w.policy));
	assert_true(digest_eq(&whole, &want));
	wr_u8(&body, 0);
	JT_ERR(rec_get_policy(wr_view(&body), &whole, see_block, &w, NULL),
	    JIT_E_FORMAT);
	world_done(&w);
}

int
main(void)
{
	return jt_one("signed", signed_ones) + jt_one("issued", issued) +
	    jt_one("policy", policy);
}
