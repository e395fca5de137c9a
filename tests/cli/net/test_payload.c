#include "cli/net/payload.h"
#include "tests/lib/jt.h"

#define LEAF "aml0MQQAAAAAaSSBAAAAAAAAAAAQAAAAAAAAAAAAAAAA" \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define SALT "AAAAAAAAAAAAAAAAAAAAAA=="
#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define RECEIPT(leaf, erased, salt, body, path) "{\"leaf\":\"" leaf \
    "\",\"erased\":" erased ",\"salt\":\"" salt "\",\"body\":\"" body \
    "\",\"path\":" path ",\"more\":{}}"
#define GOOD RECEIPT(LEAF, "false", SALT, "eA==", "[\"" HASH "\"]")
#define RECEIPTS(list) "{\"note\":\"n\",\"receipts\":[" list "]}"
#define NOW "\"now\":\"2026-11-23T20:58:11Z\",\"policy\":3,"
#define LIST(next) "{" NOW "\"next\":" next ",\"note\":\"n\"," \
    "\"receipts\":[" GOOD "]}"

#define HELLO(keys) "{\"log\":\"v\",\"user_ca\":\"ssh-ed25519 " \
    "AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea" \
    "\",\"state\":\"ready\"," NOW "\"recovery\":0," keys \
    "\"note\":\"n\",\"path\":[]}"
#define PUBLISHED(bytes) "{\"number\":7,\"made\":\"2026-11-23T20:58:11Z\"," \
    "\"next\":\"2026-11-24T20:58:11Z\",\"total\":3,\"sig\":\"eA==\"," \
    "\"bytes\":" bytes "}"

struct row {
	const char *name;
	enum op op;
	const char *json;
	enum jit_err want;
};

static const struct row rows[] = {
	{ "receipts", OP_PROVE, RECEIPTS(GOOD), JIT_OK },
	{ "none", OP_PROVE, RECEIPTS(""), JIT_OK },
	{ "two", OP_BLOBS, RECEIPTS(GOOD "," GOOD), JIT_OK },
	{ "an act", OP_DECISION, RECEIPTS(GOOD), JIT_OK },
	{ "no note", OP_PROVE, "{\"receipts\":[]}", JIT_E_PROTOCOL },
	{ "a note that is none", OP_PROVE, "{\"note\":1,\"receipts\":[]}",
	  JIT_E_PROTOCOL },
	{ "no receipts", OP_PROVE, "{\"note\":\"n\"}", JIT_E_PROTOCOL },
	{ "receipts null", OP_PROVE, "{\"note\":\"n\",\"receipts\":null}",
	  JIT_E_PROTOCOL },
	{ "receipts an object", OP_PROVE,
	  "{\"note\":\"n\",\"receipts\":{}}", JIT_E_PROTOCOL },
	{ "a receipt that is a number", OP_PROVE, RECEIPTS("1"),
	  JIT_E_PROTOCOL },
	{ "a short leaf", OP_PROVE, RECEIPTS(RECEIPT(SALT, "false", SALT,
	  "", "[]")), JIT_E_PROTOCOL },
	{ "a short salt", OP_PROVE, RECEIPTS(RECEIPT(LEAF, "false", "eA==",
	  "", "[]")), JIT_E_PROTOCOL },
	{ "base64 without padding", OP_PROVE, RECEIPTS(RECEIPT(LEAF, "false",
	  SALT, "eA", "[]")), JIT_E_PROTOCOL },
	{ "base64 with a space", OP_PROVE, RECEIPTS(RECEIPT(LEAF, "false",
	  SALT, "eA= =", "[]")), JIT_E_PROTOCOL },
	{ "erased is text", OP_PROVE, RECEIPTS(RECEIPT(LEAF, "\"false\"",
	  SALT, "", "[]")), JIT_E_PROTOCOL },
	{ "a path that is text", OP_PROVE, RECEIPTS(RECEIPT(LEAF, "false",
	  SALT, "", "\"" HASH "\"")), JIT_E_PROTOCOL },
	{ "a short hash", OP_PROVE, RECEIPTS(RECEIPT(LEAF, "false", SALT, "",
	  "[\"eA==\"]")), JIT_E_PROTOCOL },
	{ "a hash that is null", OP_PROVE, RECEIPTS(RECEIPT(LEAF, "false",
	  SALT, "", "[null]")), JIT_E_PROTOCOL },
	{ "a list", OP_LIST, LIST("7"), JIT_OK },
	{ "the last page", OP_LIST, LIST("null"), JIT_OK },
	{ "next is text", OP_LIST, LIST("\"7\""), JIT_E_PROTOCOL },
	{ "next below 0", OP_LIST, LIST("-7"), JIT_E_PROTOCOL },
	{ "next with a fraction", OP_LIST, LIST("7.0"), JIT_E_PROTOCOL },
	{ "a dossier", OP_SHOW, LIST("null"), JIT_OK },
	{ "a search", OP_FIND, LIST("null"), JIT_OK },
	{ "no now", OP_SHOW, "{\"policy\":1,\"note\":\"n\",\"receipts\":[]}",
	  JIT_E_PROTOCOL },
	{ "a moment with an offset", OP_SHOW, "{\"now\":\"2026-11-23T20:58:11"
	  "+00:00\",\"policy\":1,\"note\":\"n\",\"receipts\":[]}",
	  JIT_E_PROTOCOL },
	{ "a checkpoint", OP_CHECKPOINT, "{\"note\":\"n\",\"paths\":[[\"" HASH
	  "\"]]}", JIT_OK },
	{ "without its path", OP_CHECKPOINT, "{\"note\":\"n\",\"paths\":[]}",
	  JIT_E_PROTOCOL },
	{ "entries", OP_ENTRIES, "{\"note\":\"n\",\"first\":16,\"entries\":["
	  GOOD "]}", JIT_OK },
	{ "entries without first", OP_ENTRIES, "{\"note\":\"n\",\"entries\":["
	  "]}", JIT_E_PROTOCOL },
	{ "hello without keys", OP_HELLO, "{" NOW "\"note\":\"n\"}",
	  JIT_E_PROTOCOL },
	{ "not to be asked", OP_FOLLOW, "{}", JIT_E_UNBUILT },
	{ "a revocation", OP_REVOKE, RECEIPTS(GOOD), JIT_OK },
	{ "a lock", OP_LOCK, RECEIPTS(GOOD), JIT_OK },
	{ "hello", OP_HELLO, HELLO("\"keys_index\":9,"), JIT_OK },
	{ "hello without the index of its keys", OP_HELLO, HELLO(""),
	  JIT_E_PROTOCOL },
	{ "a list's page", OP_PUBLISHED, PUBLISHED("\"eHh4\""), JIT_OK },
	{ "a page that is null", OP_PUBLISHED, PUBLISHED("null"),
	  JIT_E_PROTOCOL },
	{ "a page that is no base64", OP_PUBLISHED, PUBLISHED("\"eHh\""),
	  JIT_E_PROTOCOL },
	{ "a page without its number", OP_PUBLISHED, "{\"made\":\"2026-11-23"
	  "T20:58:11Z\"}", JIT_E_PROTOCOL },
};

/* From the text to what the client would read. */
static enum jit_err
convert(enum op op, struct span json, struct buf *ret)
{
	const struct ask a = { .op = op };
	json_t *o = NULL;
	enum jit_err e;

	JIT_TRY(payload_json(json, &o, NULL));
	e = payload_of(&a, o, ret, NULL);
	json_decref(o);
	return e;
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		JIT_DONE(buf_done) struct buf b = { NULL, 0 };

		print_message("  %s\n", rows[i].name);
		JT_ERR(convert(rows[i].op, span_str(rows[i].json), &b),
		    rows[i].want);
	}
}

/* What is made is what the readers of the protocol take. */
static void
test_read(void **state)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	JIT_DONE(listing_done) struct listing l = { 0 };

	(void)state;
	JT_OK(convert(OP_LIST, span_str(LIST("7")), &b));
	JT_OK(list_answer_get(BUF_SPAN(b), &l, NULL));
	assert_int_equal(l.next, 7);
	assert_int_equal(l.policy_index, 3);
	assert_int_equal(l.receipts.n, 1);
	assert_int_equal(l.receipts.v[0].proof.n, 1);
	assert_int_equal(l.receipts.v[0].e.body.n, 1);
	assert_int_equal(l.receipts.v[0].e.index, 16);
}

/* Both of the newer forms, as the readers of the protocol take them. */
static void
test_read_more(void **state)
{
	JIT_DONE(buf_done) struct buf hello = { NULL, 0 };
	JIT_DONE(buf_done) struct buf page = { NULL, 0 };
	struct published p;
	struct hello h;

	(void)state;
	JT_OK(convert(OP_HELLO, span_str(HELLO("\"keys_index\":9,")), &hello));
	JT_OK(hello_get(BUF_SPAN(hello), &h, NULL));
	assert_true(h.keys_index == 9 && h.policy_index == 3 &&
	    h.recovery == 0);
	JT_OK(convert(OP_PUBLISHED, span_str(PUBLISHED("\"eHh4\"")), &page));
	JT_OK(published_get(BUF_SPAN(page), &p, NULL));
	assert_true(p.number == 7 && p.total == 3 && p.next - p.made ==
	    86400 && span_eq_str(p.sig, "x") && span_eq_str(p.bytes, "xxx"));
}

static void
mangled(void *arg, struct span s)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	JIT_DONE(listing_done) struct listing l = { 0 };

	(void)arg;
	if (convert(OP_LIST, s, &b) == JIT_OK)
		(void)list_answer_get(BUF_SPAN(b), &l, NULL);
}

static void
test_mangle(void **state)
{
	(void)state;
	jt_flip_truncate(span_str(LIST("7")), mangled, NULL);
}

static enum jit_err
problem(const char *s, struct jit_why *why)
{
	json_t *o = NULL;
	enum jit_err e;

	JIT_TRY(payload_json(span_str(s), &o, why));
	e = payload_problem(o, why);
	json_decref(o);
	return e;
}

static void
test_problem(void **state)
{
	struct jit_why why = { 0 };

	(void)state;
	JT_ERR(problem("{\"code\":\"denied\",\"detail\":\"by bob\"}", &why),
	    JIT_E_DENIED);
	assert_string_equal(why.msg, "by bob");
	JT_ERR(problem("{\"code\":\"denied\"}", &why), JIT_E_DENIED);
	assert_string_equal(why.msg, jit_err_sentence(JIT_E_DENIED));
	/* Nothing that is said may speak to the terminal. */
	JT_ERR(problem("{\"code\":\"busy\",\"detail\":\"\\u001b[2J\"}", &why),
	    JIT_E_BUSY);
	assert_string_equal(why.msg, "\\x1b[2J");
	JT_ERR(problem("{\"code\":\"ok\"}", &why), JIT_E_PROTOCOL);
	JT_ERR(problem("{\"code\":\"new-error\"}", &why), JIT_E_PROTOCOL);
	JT_ERR(problem("{\"code\":1}", &why), JIT_E_PROTOCOL);
	JT_ERR(problem("{\"code\":\"busy\",\"detail\":1}", &why),
	    JIT_E_PROTOCOL);
	JT_ERR(problem("{}", &why), JIT_E_PROTOCOL);
	JT_ERR(problem("[]", &why), JIT_E_PROTOCOL);
	JT_ERR(problem("", &why), JIT_E_PROTOCOL);
	JT_ERR(problem("{\"code\":\"busy\",\"code\":\"ok\"}", &why),
	    JIT_E_PROTOCOL);
	JT_ERR(problem("{\"code\":\"busy\"} x", &why), JIT_E_PROTOCOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_more),
		cmocka_unit_test(test_mangle),
		cmocka_unit_test(test_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
