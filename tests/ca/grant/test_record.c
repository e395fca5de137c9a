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

/* ---- genesis and recovery: their bytes are the log's format for ever ---- */

static void
read_genesis(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 16);
	struct rec_genesis g;

	(void)arg;
	if (rec_get_genesis(s, &g, NULL) != JIT_OK)
		return;
	rec_put_genesis(&w, &g);
	assert_true(span_eq(wr_view(&w), s));
}

static void
genesis(void **state)
{
	struct world w;
	JIT_DONE(wr_done) struct wr body = WR_INIT(1u << 16);
	struct rec_genesis g, back;

	(void)state;
	world_init(&w);
	JT_OK(rec_fill_genesis(w.policy, &w.log, w.ca.v[0].key, &g, NULL));
	assert_true(g.n_admins == 1 && g.need == 1 &&
	    span_eq_str(g.admins[0].name, "dana") && g.admins[0].n_keys == 1);
	rec_put_genesis(&body, &g);
	JT_OK(rec_get_genesis(wr_view(&body), &back, NULL));
	assert_true(tlog_vkey_eq(&back.log, &w.log) &&
	    span_eq(back.user_ca, ssh_key_blob(w.ca.v[0].key)) &&
	    span_eq(back.admins[0].keys[0],
	    ssh_key_blob(ssh_priv_public(w.key[K_DANA]))));
	jt_flip_truncate(wr_view(&body), read_genesis, NULL);
	/* None of zero admins, nor more needed than there are. */
	for (unsigned need = 0; need < 3; need++) {
		wr_done(&body);
		g.need = need;
		rec_put_genesis(&body, &g);
		JT_ERR(rec_get_genesis(wr_view(&body), &back, NULL),
		    need == 1 ? JIT_OK : JIT_E_FORMAT);
	}
	world_without(&w, BLOCK_ADMINS, "");
	JT_ERR(rec_fill_genesis(w.policy, &w.log, w.ca.v[0].key, &g, NULL),
	    JIT_E_POLICY);
	world_done(&w);
}

static void
read_recovery(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 16);
	struct rec_recovery r;

	(void)arg;
	if (rec_get_recovery(s, &r, NULL) != JIT_OK)
		return;
	rec_put_recovery(&w, &r);
	assert_true(span_eq(wr_view(&w), s));
}

static void
recovery(void **state)
{
	struct rec_recovery r = { .n = 2, .lost = span_str("note") }, back;
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 16);

	(void)state;
	r.by[0] = (struct rec_signed){ span_str("text a"), span_str("sig a"),
	    SPAN_NONE };
	r.by[1] = (struct rec_signed){ span_str("text b"), span_str("sig b"),
	    SPAN_NONE };
	rec_put_recovery(&w, &r);
	JT_OK(rec_get_recovery(wr_view(&w), &back, NULL));
	assert_true(back.n == 2 && span_eq_str(back.by[1].sig, "sig b") &&
	    span_eq_str(back.lost, "note"));
	jt_flip_truncate(wr_view(&w), read_recovery, NULL);
	wr_u8(&w, 0);
	JT_ERR(rec_get_recovery(wr_view(&w), &back, NULL), JIT_E_FORMAT);
	for (uint32_t n = 0; n < 66; n += 65) {
		wr_done(&w);
		wr_u32(&w, n);
		wr_string(&w, SPAN_NONE);
		JT_ERR(rec_get_recovery(wr_view(&w), &back, NULL),
		    JIT_E_FORMAT);
	}
}

/* Written by hand from record.h, byte by byte. */
#define KEY_A "0000000b" "7373682d65643235353139" "00000020"		\
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
static const char golden_genesis[] =
    "01"
    /* "l.example+b08484f0+" and base64 of 01 and RFC 8032's first key */
    "0000003f"
    "6c2e6578616d706c652b62303834383466302b416464616d4147437351713331"
    "55762b30386c6b427a6f4f34584c7a3271596a4a613843476d6a3342314561"
    "00000033" KEY_A
    "00000001" "00000001"
    "00000004" "64616e61" "00000001"
    "00000033" KEY_A;
static const char golden_recovery[] =
    "00000001" "00000001" "74" "00000002" "7373" "00000000";

static struct span
unhex(const char *hex, uint8_t *ret)
{
	size_t n = strlen(hex) / 2;

	JT_OK(hex_parse(span_str(hex), ret, n));
	return SPAN(ret, n);
}

static void
golden(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 16);
	struct rec_recovery r = { .n = 1 };
	struct rec_genesis g = { .need = 1, .n_admins = 1 };
	uint8_t key[51], want[512];

	(void)state;
	r.by[0] = (struct rec_signed){ span_str("t"), span_str("ss"),
	    SPAN_NONE };
	rec_put_recovery(&w, &r);
	assert_true(span_eq(wr_view(&w), unhex(golden_recovery, want)));
	wr_done(&w);
	g.user_ca = unhex(KEY_A, key);
	JT_OK(tlog_vkey_make("l.example", key + 19, &g.log, NULL));
	g.admins[0] = (struct rec_admin){ .name = span_str("dana"),
	    .n_keys = 1, .keys = { g.user_ca } };
	rec_put_genesis(&w, &g);
	assert_true(span_eq(wr_view(&w), unhex(golden_genesis, want)));
}

/* ---- which request is it about ---- */

static void
about(void **state)
{
	static const char id[] = "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B";
	static const struct {
		enum entry_type t;
		const char *text;
		bool want;
	} rows[] = {
		{ ENTRY_REQUEST, "jit-cert request v1\nlog: l\nid: "
		    "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\nkind: x\n", true },
		{ ENTRY_REQUEST, "jit-cert request v1\nlog: l\nid: "
		    "01JDE0V5Y8M3T1K3ZJ6X4N9Q2\n", false },
		{ ENTRY_REQUEST, "request: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n",
		    false },
		{ ENTRY_DECISION, "a\nrequest: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n",
		    true },
		{ ENTRY_DECISION, "a\n\nrequest: "
		    "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n", false },
		{ ENTRY_CANCEL, "a\nrequest: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n",
		    true },
		{ ENTRY_DROP, "a\nrequest: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n",
		    true },
		{ ENTRY_DROP, "a\nrequest: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B",
		    false },
		{ ENTRY_ISSUED, "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B", true },
		{ ENTRY_ISSUED, "01JDE0V5Y8M3T1K3ZJ6X4N9Q2", false },
		{ ENTRY_BLOB, "id: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n", false },
		{ ENTRY_POLICY, "request: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n",
		    false },
	};
	struct ulid got;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(1000);

		wr_cstring(&w, rows[i].text);
		assert_int_equal(rec_about(rows[i].t, wr_view(&w), &got),
		    rows[i].want);
		if (rows[i].want)
			assert_string_equal(got.s, id);
		w.p[3]++;	/* longer than it is */
		assert_false(rec_about(rows[i].t, wr_view(&w), &got));
	}
}

int
main(void)
{
	return jt_one("signed", signed_ones) + jt_one("issued", issued) +
	    jt_one("policy", policy) + jt_one("genesis", genesis) +
	    jt_one("recovery", recovery) + jt_one("golden", golden) +
	    jt_one("about", about);
}
