/* proto: the bytes of every frame, frozen; and what is not one. */
#include <string.h>

#include "ca/base/text.h"
#include "signer/proto.h"
#include "tests/lib/jt.h"

#define TAG 0xa1b2c3d4u

static const uint8_t secret[32] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
    31 };
/* Indexes 0 and 2^40. */
static const uint8_t indexes[16] = { [10] = 1 };

/* ---- frames: a row is an operation, its bytes never change ---- */

struct golden {
	const char *name;
	enum op op;
	const char *hex;
};

static const struct golden frames[] = {
	{ "hello", OP_HELLO,
	    "0000001001a1b2c3d40001000000056e6f74650a" },
	{ "request", OP_REQUEST,
	    "0000001b02a1b2c3d4000000047465787400000003736967000000036f77"
	    "6e" },
	{ "decision", OP_DECISION,
	    "0000001403a1b2c3d4000000047465787400000003736967" },
	{ "cancel", OP_CANCEL,
	    "0000001404a1b2c3d4000000047465787400000003736967" },
	{ "drop", OP_DROP,
	    "0000001405a1b2c3d4000000047465787400000003736967" },
	{ "collect", OP_COLLECT,
	    "0000004306a1b2c3d40000001a30314a444530563559384d3354314b335a"
	    "4a3658344e39513242000102030405060708090a0b0c0d0e0f1011121314"
	    "15161718191a1b1c1d1e1f" },
	{ "show", OP_SHOW,
	    "0000002307a1b2c3d40000001a30314a444530563559384d3354314b335a"
	    "4a3658344e39513242" },
	{ "wait", OP_WAIT,
	    "0000002f08a1b2c3d40000001a30314a444530563559384d3354314b335a"
	    "4a3658344e395132420000000000000007000061a8" },
	{ "list", OP_LIST,
	    "0000001109a1b2c3d4000000000000000700000100" },
	{ "find", OP_FIND,
	    "0000002b0aa1b2c3d40000001a30314a444530563559384d3354314b335a"
	    "4a3658344e395132420000000000000007" },
	{ "prove", OP_PROVE,
	    "000000190ba1b2c3d40000000200000000000000000000010000000000" },
	{ "blobs", OP_BLOBS,
	    "000000290ca1b2c3d400000001000102030405060708090a0b0c0d0e0f10"
	    "1112131415161718191a1b1c1d1e1f" },
	{ "entries", OP_ENTRIES,
	    "000000110da1b2c3d4000000000000000700000009" },
	{ "checkpoint", OP_CHECKPOINT,
	    "0000000d0ea1b2c3d40000000000000007" },
	{ "follow", OP_FOLLOW,
	    "000000150fa1b2c3d4000000000000000700000009000061a8" },
	{ "revoke", OP_REVOKE,
	    "0000001410a1b2c3d4000000047465787400000003736967" },
	{ "lock", OP_LOCK,
	    "0000001411a1b2c3d4000000047465787400000003736967" },
	{ "published", OP_PUBLISHED,
	    "0000001412a1b2c3d4000000036b726c0000000000000007" },
};

/* The same fields for every row; each takes what is its own. */
static struct ask
ask_of(enum op op)
{
	struct ask a = { .op = op, .tag = TAG, .text = span_str("text"),
	    .sig = span_str("sig"), .possess = span_str("own"),
	    .secret = SPAN(secret, 32), .note = span_str("note\n"),
	    .version = PROTO_VERSION, .from = 7, .name = span_str("krl") };

	memcpy(a.id.s, "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B", ULID_LEN + 1);
	a.max = op == OP_WAIT ? PROTO_WAIT_MS : op == OP_LIST ?
	    PROTO_LIST_MAX : 9;
	a.ms = op == OP_FOLLOW ? PROTO_WAIT_MS : 0;
	a.count = op == OP_PROVE ? 2 : 1;
	a.items = op == OP_PROVE ? SPAN(indexes, 16) : SPAN(secret, 32);
	return a;
}

/* Returns owned. */
static struct buf
bytes_of(const char *hex)
{
	size_t n = strlen(hex) / 2;
	struct buf b = { malloc(n + 1), n };

	assert_non_null(b.p);
	JT_OK(hex_parse(span_str(hex), b.p, n));
	return b;
}

static void
is_bytes(const struct wr *w, const char *hex)
{
	JIT_DONE(buf_done) struct buf want = bytes_of(hex);

	JT_OK(w->err);
	assert_int_equal(w->n, want.n);
	assert_memory_equal(w->p, want.p, want.n);
}

/* What is accepted is written again as the same bytes. */
static void
again(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_FRAME_MAX + 4);
	struct jit_why why = { 0 };
	struct ask a;

	(void)arg;
	if (ask_get(s, &a, &why) != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	ask_put(&w, &a);
	JT_OK(w.err);
	assert_true(span_eq(SPAN(w.p + 4, w.n - 4), s));
}

static void
test_frame(void **state)
{
	const struct golden *g = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_FRAME_MAX + 4);
	struct ask a = ask_of(g->op), b;
	struct span s;

	ask_put(&w, &a);
	is_bytes(&w, g->hex);
	assert_string_equal(op_name((uint8_t)g->op), g->name);
	s = SPAN(w.p + 4, w.n - 4);
	JT_OK(ask_get(s, &b, NULL));
	assert_int_equal(b.op, g->op);
	assert_int_equal(b.tag, TAG);
	assert_int_equal(ask_waits(&b), g->op == OP_WAIT ||
	    g->op == OP_FOLLOW ? PROTO_WAIT_MS : 0);
	jt_flip_truncate(s, again, NULL);
}

static void
test_items(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_FRAME_MAX + 4);
	struct ask a = ask_of(OP_PROVE), b;
	struct digest d;

	(void)state;
	ask_put(&w, &a);
	JT_OK(ask_get(SPAN(w.p + 4, w.n - 4), &b, NULL));
	assert_true(ask_index(&b, 0) == 0);
	assert_true(ask_index(&b, 1) == (uint64_t)1 << 40);
	wr_done(&w);
	a = ask_of(OP_BLOBS);
	ask_put(&w, &a);
	JT_OK(ask_get(SPAN(w.p + 4, w.n - 4), &b, NULL));
	ask_digest(&b, 0, &d);
	assert_memory_equal(d.b, secret, 32);
}

/* ---- what is no frame ---- */

struct refused {
	const char *name;
	const char *hex;		/* behind the length */
	enum jit_err want;
};

static const struct refused bad[] = {
	{ "nothing", "", JIT_E_PROTOCOL },
	{ "operation 0", "0000000001", JIT_E_PROTOCOL },
	{ "operation 19", "1300000001", JIT_E_PROTOCOL },
	{ "operation 255", "ff00000001", JIT_E_PROTOCOL },
	{ "no tag", "0e0000", JIT_E_FORMAT },
	{ "no payload", "0e00000001", JIT_E_FORMAT },
	{ "a byte more", "0e00000001000000000000000700", JIT_E_FORMAT },
	{ "version 2", "010000000100020000000000", JIT_E_PROTOCOL },
	{ "version 0", "01000000010000", JIT_E_PROTOCOL },
	{ "a string past the end", "0700000001ffffffff", JIT_E_FORMAT },
	{ "an empty id", "070000000100000000", JIT_E_FORMAT },
	{ "no ULID", "07000000010000001a30314a444530563559384d3354314b335a4a36"
	    "58344e395132" "55", JIT_E_FORMAT },
	{ "no index", "0b0000000100000000", JIT_E_FORMAT },
	{ "fewer indexes than said", "0b00000001000000020000000000000001",
	    JIT_E_FORMAT },
	{ "2^29 digests", "0c0000000120000000", JIT_E_FORMAT },
	{ "a list of none", "0900000001000000000000000000000000",
	    JIT_E_FORMAT },
	{ "a list of 257", "0900000001000000000000000000000101",
	    JIT_E_FORMAT },
	{ "a page of none", "0d00000001000000000000000000000000",
	    JIT_E_FORMAT },
	{ "a wait too long", "08000000010000001a30314a444530563559384d3354314b"
	    "335a4a3658344e39513242" "0000000000000007" "000061a9",
	    JIT_E_FORMAT },
	{ "followed too long", "0f00000001" "0000000000000007" "00000009"
	    "000061a9", JIT_E_FORMAT },
	{ "followed by none", "0f00000001" "0000000000000007" "00000000"
	    "00000001", JIT_E_FORMAT },
};

static void
test_refused(void **state)
{
	const struct refused *r = *state;
	JIT_DONE(buf_done) struct buf b = bytes_of(r->hex);
	struct jit_why why = { 0 };
	struct ask a;

	JT_WHY(ask_get(BUF_SPAN(b), &a, &why), r->want, &why);
	assert_true(why.msg[0] != '\0');
	/* As far as the bytes go, so that it can be answered. */
	if (b.n >= 5) {
		assert_int_equal(a.tag, 1);
		assert_int_equal((uint8_t)a.op, b.p[0]);
	}
}

static void
test_limits(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4 * PROTO_FRAME_MAX);
	static uint8_t big[PROTO_FRAME_MAX];
	struct ask a = ask_of(OP_DECISION), b;

	(void)state;
	assert_false(ask_length_ok(0));
	assert_false(ask_length_ok(4));
	assert_true(ask_length_ok(5));
	assert_true(ask_length_ok(65536));
	assert_false(ask_length_ok(65537));
	assert_false(ask_length_ok(UINT32_MAX));
	/* Just fits: 5 of head, 4 and 3 of sig, 4 of text's length. */
	a.text = SPAN(big, PROTO_FRAME_MAX - 16);
	ask_put(&w, &a);
	JT_OK(w.err);
	JT_OK(ask_get(SPAN(w.p + 4, w.n - 4), &b, NULL));
	wr_done(&w);
	a.text = SPAN(big, PROTO_FRAME_MAX - 15);
	ask_put(&w, &a);
	JT_ERR(w.err, JIT_E_SIZE);
	wr_done(&w);
	a = ask_of(OP_COLLECT);
	a.secret.n = 31;
	ask_put(&w, &a);
	JT_ERR(w.err, JIT_E_FORMAT);
}

/* Every operation has a name and a class; no other byte has. */
static void
test_table(void **state)
{
	static const struct { enum op op; enum op_class class; } want[] = {
		{ OP_HELLO, CLASS_GREET }, { OP_REQUEST, CLASS_GRANT },
		{ OP_DECISION, CLASS_GRANT }, { OP_CANCEL, CLASS_END },
		{ OP_DROP, CLASS_END }, { OP_COLLECT, CLASS_GRANT },
		{ OP_SHOW, CLASS_READ }, { OP_ENTRIES, CLASS_READ },
		{ OP_FOLLOW, CLASS_READ },
	};
	unsigned named = 0;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		named += op_name((uint8_t)i) != NULL;
	assert_int_equal(named, sizeof(frames) / sizeof(frames[0]));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(op_class(want[i].op), want[i].class);
}

/* ---- answers ---- */

static const char answer_hex[] =
	    "0000001207a1b2c3d4000000026f6b00000000706179";
static const char refusal_hex[] =
	    "0000002663a1b2c3d40000000870726f746f636f6c000000116e6f207375"
	    "6368206f7065726174696f6e";
static const char hello_hex[] =
	    "00000004766b657900000002636101000000006b04b76000000000000000"
	    "0500000000000000030000000000000004000000056e6f74650a01000102"
	    "030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char grown_hex[] =
	    "000000056e6f74650a01000102030405060708090a0b0c0d0e0f10111213"
	    "1415161718191a1b1c1d1e1f";

static void
read_answer(void *arg, struct span s)
{
	struct answer a;

	(void)arg;
	if (answer_get(s, &a) == JIT_OK && a.err != JIT_OK)
		assert_int_equal(a.payload.n, 0);
}

static void
test_answer(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX + 4);
	struct answer a;
	size_t mark;

	(void)state;
	mark = answer_begin(&w, OP_SHOW, TAG);
	wr_str(&w, "pay");
	answer_end(&w, mark);
	is_bytes(&w, answer_hex);
	JT_OK(answer_get(SPAN(w.p + 4, w.n - 4), &a));
	assert_int_equal(a.op, OP_SHOW);
	assert_int_equal(a.tag, TAG);
	JT_OK(a.err);
	assert_true(span_eq_str(a.payload, "pay"));
	jt_flip_truncate(SPAN(w.p + 4, w.n - 4), read_answer, NULL);
}

static void
test_refusal(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct jit_why why = { 0 };
	struct answer a;

	(void)state;
	(void)jit_fail(&why, JIT_E_PROTOCOL, "no such operation");
	answer_error(&w, 99, TAG, JIT_E_PROTOCOL, &why);
	is_bytes(&w, refusal_hex);
	JT_OK(answer_get(SPAN(w.p + 4, w.n - 4), &a));
	JT_ERR(a.err, JIT_E_PROTOCOL);
	assert_string_equal(a.why.msg, "no such operation");
	jt_flip_truncate(SPAN(w.p + 4, w.n - 4), read_answer, NULL);
	/* Without words, the sentence travels. */
	wr_done(&w);
	answer_error(&w, OP_SHOW, TAG, JIT_E_SELF, NULL);
	JT_OK(answer_get(SPAN(w.p + 4, w.n - 4), &a));
	JT_ERR(a.err, JIT_E_SELF);
	assert_string_equal(a.why.msg, jit_err_sentence(JIT_E_SELF));
}

/* Head of an answer with that name and those words, then rest. */
static enum jit_err
heard(const char *name, const char *words, const char *rest,
    struct answer *ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

	wr_u8(&w, OP_SHOW);
	wr_u32(&w, TAG);
	wr_cstring(&w, name);
	wr_cstring(&w, words);
	wr_str(&w, rest);
	return answer_get(wr_view(&w), ret);
}

static void
test_odd_answers(void **state)
{
	struct answer a;

	(void)state;
	/* A name of a later version is a no all the same. */
	JT_OK(heard("moon-too-full", "tonight", "", &a));
	JT_ERR(a.err, JIT_E_PROTOCOL);
	assert_string_equal(a.why.msg, "tonight");
	JT_OK(heard("own-request", "\033[2J\n", "", &a));
	assert_string_equal(a.why.msg, "\\x1b[2J\\x0a");
	JT_ERR(heard("own-request", "no", "payload", &a), JIT_E_PROTOCOL);
	JT_ERR(heard("ok", "but", "payload", &a), JIT_E_PROTOCOL);
	JT_ERR(heard("0123456789012345678901234567890123456789012345678901234"
	    "5678901234", "", "", &a), JIT_E_PROTOCOL);
}

/* Larger than an answer may be: the writer says so. */
static void
test_answer_size(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(2 * PROTO_ANSWER_MAX);
	uint8_t *big = calloc(1, PROTO_ANSWER_MAX);
	size_t mark = answer_begin(&w, OP_SHOW, TAG);

	(void)state;
	assert_non_null(big);
	wr_raw(&w, big, PROTO_ANSWER_MAX);
	answer_end(&w, mark);
	JT_ERR(w.err, JIT_E_SIZE);
	free(big);
}

/* ---- payloads ---- */

static void
hello_again(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX);
	struct jit_why why = { 0 };
	struct hello h;

	(void)arg;
	if (hello_get(s, &h, &why) != JIT_OK)
		return;
	hello_put(&w, &h);
	assert_true(span_eq(wr_view(&w), s));
}

static void
test_hello(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct hello h = { .vkey = span_str("vkey"), .user_ca = span_str("ca"),
	    .note = span_str("note\n"), .state = SIGNER_FROZEN,
	    .now = 1795471200, .policy_index = 5, .recovery = 3,
	    .keys_index = 4, .path.n = 1 };
	struct hello got;

	(void)state;
	memcpy(h.path.h[0].b, secret, 32);
	hello_put(&w, &h);
	is_bytes(&w, hello_hex);
	JT_OK(hello_get(wr_view(&w), &got, NULL));
	assert_true(got.now == h.now && got.policy_index == 5 &&
	    got.recovery == 3 && got.keys_index == 4 && got.state == SIGNER_FROZEN);
	jt_flip_truncate(wr_view(&w), hello_again, NULL);
	w.p[4 + 4 + 4 + 2] = SIGNER_NO_ROOM + 1;
	JT_ERR(hello_get(wr_view(&w), &got, NULL), JIT_E_FORMAT);
}

static void
published_again(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX);
	struct published p;

	(void)arg;
	if (published_get(s, &p, NULL) != JIT_OK)
		return;
	published_put(&w, &p);
	assert_true(span_eq(wr_view(&w), s));
}

static void
test_published(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct published p = { .number = 9, .made = 1795471200,
	    .next = 1795474800, .total = 40, .sig = span_str("sig"),
	    .bytes = span_str("some of it") }, got;

	(void)state;
	published_put(&w, &p);
	JT_OK(published_get(wr_view(&w), &got, NULL));
	assert_true(got.number == 9 && got.made == p.made &&
	    got.next == p.next && got.total == 40 &&
	    span_eq(got.sig, p.sig) && span_eq(got.bytes, p.bytes));
	jt_flip_truncate(wr_view(&w), published_again, NULL);
	/* A piece that is larger than the whole; no time to the next. */
	p.total = 3;
	w.n = 0;
	published_put(&w, &p);
	JT_ERR(published_get(wr_view(&w), &got, NULL), JIT_E_FORMAT);
	p.total = 40;
	p.next = p.made;
	w.n = 0;
	published_put(&w, &p);
	JT_ERR(published_get(wr_view(&w), &got, NULL), JIT_E_FORMAT);
}

static void
grown_again(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX);
	struct grown g;

	(void)arg;
	if (grown_get(s, &g, NULL) != JIT_OK)
		return;
	grown_put(&w, &g);
	assert_true(span_eq(wr_view(&w), s));
}

static void
test_grown(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct grown g = { .note = span_str("note\n"), .path.n = 1 };

	(void)state;
	memcpy(g.path.h[0].b, secret, 32);
	grown_put(&w, &g);
	is_bytes(&w, grown_hex);
	jt_flip_truncate(wr_view(&w), grown_again, NULL);
	wr_done(&w);
	g.path.n = MERKLE_PROOF_MAX + 1;
	grown_put(&w, &g);
	JT_ERR(w.err, JIT_E_FORMAT);
}

static struct receipt
a_receipt(uint64_t index)
{
	struct receipt r = { .e = { .type = ENTRY_REQUEST, .time = 1795471200,
	    .index = index, .body = span_str("body") }, .proof.n = 2 };

	JT_OK(entry_seal(&r.e));
	return r;
}

static void
list_read(void *arg, struct span s)
{
	JIT_DONE(listing_done) struct listing l = { 0 };

	if (*(bool *)arg ? list_answer_get(s, &l, NULL) == JIT_OK :
	    dossier_answer_get(s, &l, NULL) == JIT_OK)
		assert_true(l.now >= 0 && l.now <= UTC_MAX);
}

static void
test_listing(void **state)
{
	bool list = **(const char *const *)*state == 'l';
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	JIT_DONE(listing_done) struct listing l = { 0 };
	struct receipt r = a_receipt(9);

	wr_u64(&w, 1795471200);
	wr_u64(&w, 5);
	if (list)
		wr_u64(&w, 12);
	wr_cstring(&w, "note\n");
	wr_u32(&w, 1);
	receipt_put(&w, &r);
	JT_OK(list ? list_answer_get(wr_view(&w), &l, NULL) :
	    dossier_answer_get(wr_view(&w), &l, NULL));
	assert_true(l.now == 1795471200 && l.policy_index == 5 &&
	    l.next == (list ? 12 : 0) && l.receipts.n == 1 &&
	    l.receipts.v[0].e.index == 9);
	jt_flip_truncate(wr_view(&w), list_read, &list);
	w.p[0] = 0xff;
	listing_done(&l);
	JT_ERR(list ? list_answer_get(wr_view(&w), &l, NULL) :
	    dossier_answer_get(wr_view(&w), &l, NULL), JIT_E_FORMAT);
}

static void
page_read(void *arg, struct span s)
{
	struct entry e;
	struct page p;
	uint32_t n = 0;

	(void)arg;
	if (page_get(s, &p, NULL) != JIT_OK)
		return;
	while (page_next(&p, &e, NULL) == JIT_OK)
		assert_true(e.index == p.first + n++);
	assert_int_equal(n, p.count);
}

static void
put_page(struct wr *w, uint64_t first, uint32_t count, const struct entry *e,
    size_t n)
{
	wr_cstring(w, "note\n");
	wr_u64(w, first);
	wr_u32(w, count);
	for (size_t i = 0; i < n; i++)
		page_put_entry(w, &e[i]);
}

static void
test_page(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct entry e[2] = { a_receipt(9).e, a_receipt(10).e }, got;
	struct page p;

	(void)state;
	e[1].erased = true;
	put_page(&w, 9, 2, e, 2);
	JT_OK(page_get(wr_view(&w), &p, NULL));
	JT_OK(page_next(&p, &got, NULL));
	assert_true(got.index == 9 && span_eq_str(got.body, "body"));
	JT_OK(page_next(&p, &got, NULL));
	assert_true(got.erased && got.index == 10 && got.body.n == 0);
	JT_ERR(page_next(&p, &got, NULL), JIT_E_UNKNOWN);
	jt_flip_truncate(wr_view(&w), page_read, NULL);
	wr_done(&w);
	put_page(&w, 9, 1, e, 2);
	JT_ERR(page_get(wr_view(&w), &p, NULL), JIT_E_FORMAT);
	wr_done(&w);
	put_page(&w, 9, 3, e, 2);
	JT_ERR(page_get(wr_view(&w), &p, NULL), JIT_E_FORMAT);
	wr_done(&w);
	put_page(&w, 10, 2, e, 2);
	JT_ERR(page_get(wr_view(&w), &p, NULL), JIT_E_FORMAT);
	wr_done(&w);
	put_page(&w, 9, UINT32_MAX, e, 2);
	JT_ERR(page_get(wr_view(&w), &p, NULL), JIT_E_FORMAT);
	wr_done(&w);
	put_page(&w, 7, 0, NULL, 0);
	JT_OK(page_get(wr_view(&w), &p, NULL));
	JT_ERR(page_next(&p, &got, NULL), JIT_E_UNKNOWN);
}

static const char followed_hex[] =
	    "01000000006b04b760000000000000000500000000000000030000000"
	    "56e6f74650a000000000000000700000000";

static void
follow_read(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX);
	struct followed f;

	(void)arg;
	if (follow_get(s, &f, NULL) != JIT_OK)
		return;
	assert_true(f.state <= SIGNER_NO_ROOM && f.now <= UTC_MAX);
	follow_put(&w, &f);
	assert_true(w.n < s.n && memcmp(w.p, s.p, w.n) == 0);
}

static void
test_followed(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	const struct followed f = { .state = SIGNER_FROZEN,
	    .now = 1795471200, .policy_index = 5, .recovery = 3 };
	struct entry e = a_receipt(9).e, got;
	struct followed g;

	(void)state;
	follow_put(&w, &f);
	put_page(&w, 7, 0, NULL, 0);
	is_bytes(&w, followed_hex);
	JT_OK(follow_get(wr_view(&w), &g, NULL));
	assert_true(g.state == f.state && g.now == f.now &&
	    g.policy_index == 5 && g.recovery == 3 && g.page.first == 7 &&
	    g.page.count == 0);
	w.p[0] = SIGNER_NO_ROOM + 1;
	JT_ERR(follow_get(wr_view(&w), &g, NULL), JIT_E_FORMAT);
	wr_done(&w);
	follow_put(&w, &f);
	put_page(&w, 9, 1, &e, 1);
	JT_OK(follow_get(wr_view(&w), &g, NULL));
	JT_OK(page_next(&g.page, &got, NULL));
	assert_true(got.index == 9);
	jt_flip_truncate(wr_view(&w), follow_read, NULL);
}

int
main(void)
{
	static const char *const listings[] = { "list", "dossier" };
	int bad_rows = 0;

	bad_rows += JT_ROWS("frames", test_frame, frames);
	bad_rows += JT_ROWS("refused", test_refused, bad);
	bad_rows += JT_ROWS("listings", test_listing, listings);
	bad_rows += jt_one("items", test_items);
	bad_rows += jt_one("limits", test_limits);
	bad_rows += jt_one("table", test_table);
	bad_rows += jt_one("answer", test_answer);
	bad_rows += jt_one("refusal", test_refusal);
	bad_rows += jt_one("odd answers", test_odd_answers);
	bad_rows += jt_one("answer size", test_answer_size);
	bad_rows += jt_one("hello", test_hello);
	bad_rows += jt_one("published", test_published);
	bad_rows += jt_one("grown", test_grown);
	bad_rows += jt_one("page", test_page);
	bad_rows += jt_one("followed", test_followed);
	return bad_rows != 0;
}
