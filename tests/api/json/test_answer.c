/* answer: what is written is JSON, and says what was meant. */
#include <string.h>

#include <jansson.h>

#include "api/json/answer.h"
#include "tests/lib/logbook.h"

/* Read by somebody else's parser. */
static json_t *
read_back(struct span s)
{
	json_error_t error;
	json_t *v = json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES |
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (v == NULL)
		fail_msg("%s: %.*s", error.text, (int)s.n,
		    (const char *)s.p);
	return v;
}

struct text_row { const char *name, *in; size_t n; const char *out; };

#define T(name, in, out) { name, in, sizeof(in) - 1, out }
static const struct text_row texts[] = {
	T("empty", "", "\"\""),
	T("plain", "INC-1", "\"INC-1\""),
	T("quote", "a\"b", "\"a\\\"b\""),
	T("backslash", "a\\", "\"a\\\\\""),
	T("slash is as it is", "a/b", "\"a/b\""),
	T("named controls", "\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""),
	T("other controls", "\x01\x1b\x1f", "\"\\u0001\\u001b\\u001f\""),
	T("NUL", "a\0b", "\"a\\u0000b\""),
	T("DEL is as it is", "\x7f", "\"\x7f\""),
	T("two bytes", "\xc3\xbc", "\"\xc3\xbc\""),
	T("three bytes", "\xe2\x82\xac", "\"\xe2\x82\xac\""),
	T("four bytes", "\xf0\x9f\x94\x91", "\"\xf0\x9f\x94\x91\""),
	T("line separator", "\xe2\x80\xa8", "\"\xe2\x80\xa8\""),
	T("bad byte", "a\xff", NULL),
	T("cut short", "a\xe2\x82", NULL),
	T("surrogate", "\xed\xa0\x80", NULL),
	T("overlong", "\xc0\xaf", NULL),
	T("past the end", "\xf4\x90\x80\x80", NULL),
	T("bad behind good", "\xc3\xbc\x80", NULL),
};

static void
text(void **state)
{
	const struct text_row *r = *state;
	JIT_DONE(js_done) struct js j = JS_INIT;
	JIT_DONE(buf_done) struct buf b = { 0 };
	json_t *v;

	js_text(&j, NULL, SPAN(r->in, r->n));
	if (r->out == NULL) {
		JT_ERR(js_take(&j, &b), JIT_E_UTF8);
		assert_null(b.p);
		return;
	}
	JT_OK(js_take(&j, &b));
	assert_string_equal((char *)b.p, r->out);
	v = read_back(BUF_SPAN(b));
	assert_true(json_string_length(v) == r->n);
	assert_memory_equal(json_string_value(v), r->in, r->n);
	json_decref(v);
}

static void
whole(void **state)
{
	static const char want[] = "{\"a\":1,\"b\":[{},[],\"x\",null,true,"
	    "false],\"n\":null,\"u\":18446744073709551615,"
	    "\"z\":0,\"k\":\"AP8=\",\"t\":"
	    "\"2026-11-23T22:00:00Z\",\"d\":\"45m\",\"h\":\"sha256:"
	    "0000000000000000000000000000000000000000000000000000000000000000"
	    "\",\"p\":[]}";
	JIT_DONE(js_done) struct js j = JS_INIT;
	JIT_DONE(buf_done) struct buf b = { 0 };
	struct digest d = { { 0 } };
	struct merkle_proof p = { 0 };

	(void)state;
	js_open(&j, NULL, '{');
	js_uint(&j, "a", 1);
	js_open(&j, "b", '[');
	js_open(&j, NULL, '{');
	js_close(&j, '}');
	js_open(&j, NULL, '[');
	js_close(&j, ']');
	js_str(&j, NULL, "x");
	js_null(&j, NULL);
	js_bool(&j, NULL, true);
	js_bool(&j, NULL, false);
	js_close(&j, ']');
	js_str(&j, "n", NULL);
	js_uint(&j, "u", UINT64_MAX);
	js_uint(&j, "z", 0);
	js_b64(&j, "k", SPAN("\0\xff", 2));
	js_utc(&j, "t", WORLD_NOW);
	js_dur(&j, "d", 2700);
	js_digest(&j, "h", &d);
	js_path(&j, "p", &p);
	js_close(&j, '}');
	JT_OK(js_take(&j, &b));
	assert_string_equal((char *)b.p, want);
	/* It can be used again. */
	buf_done(&b);
	js_uint(&j, NULL, 3);
	JT_OK(js_take(&j, &b));
	assert_string_equal((char *)b.p, "3");
}

/* What cannot be written sticks, whatever comes behind. */
static void
sticky(void **state)
{
	static uint8_t much[1u << 20];
	JIT_DONE(js_done) struct js j = JS_INIT;
	JIT_DONE(buf_done) struct buf b = { 0 };

	(void)state;
	js_utc(&j, NULL, -1);
	js_uint(&j, NULL, 1);
	JT_ERR(js_take(&j, &b), JIT_E_FORMAT);
	js_done(&j);
	js_utc(&j, NULL, UTC_MAX + 1);
	JT_ERR(js_take(&j, &b), JIT_E_FORMAT);
	js_done(&j);
	js_dur(&j, NULL, 0);
	JT_ERR(js_take(&j, &b), JIT_E_FORMAT);
	js_done(&j);
	for (int i = 0; i < 4; i++)
		js_b64(&j, NULL, SPAN(much, sizeof(much)));
	JT_ERR(js_take(&j, &b), JIT_E_SIZE);
	assert_null(b.p);
}

/* Every length about a chunk, against the reader of the other side. */
static void
base64_lengths(void **state)
{
	uint8_t raw[1600];

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof(raw); n++) {
		JIT_DONE(js_done) struct js j = JS_INIT;
		JIT_DONE(wr_done) struct wr w = WR_INIT(4096), url =
		    WR_INIT(4096);
		struct span s;

		js_b64(&j, NULL, SPAN(raw, n));
		s = wr_view(&j.w);
		assert_true(s.n == 2 + (n + 2) / 3 * 4);
		JT_OK(b64_get(SPAN(s.p + 1, s.n - 2), &w));
		assert_true(span_eq(wr_view(&w), SPAN(raw, n)));
		b64url_put(&url, SPAN(raw, n));
		assert_true(url.n == (n * 4 + 2) / 3);
	}
}

static struct span
decoded(json_t *o, const char *name, struct wr *w)
{
	wr_done(w);
	JT_OK(b64_get(span_str(json_string_value(json_object_get(o, name))),
	    w));
	return wr_view(w);
}

static void
check_receipt(json_t *o, const struct receipt *r)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 21);
	json_t *path = json_object_get(o, "path");
	const char *type = json_string_value(json_object_get(o, "type"));

	assert_true(json_integer_value(json_object_get(o, "index")) ==
	    (json_int_t)r->e.index);
	assert_string_equal(type, entry_type_name(r->e.type));
	assert_true(json_is_true(json_object_get(o, "erased")) ==
	    r->e.erased);
	assert_true(span_eq(decoded(o, "leaf", &w), SPAN(r->e.leaf,
	    ENTRY_LEAF)));
	assert_true(span_eq(decoded(o, "body", &w), r->e.erased ? SPAN_NONE :
	    r->e.body));
	assert_true(decoded(o, "salt", &w).n == ENTRY_SALT);
	assert_true(r->e.erased || span_eq(wr_view(&w), SPAN(r->e.salt,
	    ENTRY_SALT)));
	assert_true(json_array_size(path) == r->proof.n);
	for (size_t i = 0; i < r->proof.n; i++) {
		wr_done(&w);
		JT_OK(b64_get(span_str(json_string_value(json_array_get(path,
		    i))), &w));
		assert_true(span_eq(wr_view(&w), DIGEST_SPAN(r->proof.h[i])));
	}
	assert_int_equal(json_object_size(o), 8);
}

/* A whole log's receipts, one body erased. */
static void
receipts(void **state)
{
	static struct logbook b;
	static struct receipt v[LOGBOOK_ENTRIES];
	struct ulid ids[STORY_N];
	JIT_DONE(js_done) struct js j = JS_INIT;
	JIT_DONE(buf_done) struct buf note = { 0 }, out = { 0 };
	struct receipts all;
	json_t *o, *list;

	(void)state;
	logbook_init(&b);
	logbook_story(&b, ids);
	logbook_erase(&b, b.n / 2);
	note = logbook_note(&b, b.n);
	for (size_t i = 0; i < b.n; i++)
		logbook_receipt(&b, i, b.n, &v[i]);
	all = (struct receipts){ BUF_SPAN(note), b.n, v };
	js_open(&j, NULL, '{');
	js_receipts(&j, &all);
	js_entry(&j, "entry", &v[1].e);
	js_close(&j, '}');
	JT_OK(js_take(&j, &out));
	o = read_back(BUF_SPAN(out));
	assert_string_equal(json_string_value(json_object_get(o, "note")),
	    (char *)note.p);
	list = json_object_get(o, "receipts");
	assert_true(json_array_size(list) == b.n);
	for (size_t i = 0; i < b.n; i++)
		check_receipt(json_array_get(list, i), &v[i]);
	assert_int_equal(json_object_size(json_object_get(o, "entry")), 7);
	json_decref(o);
	logbook_done(&b);
}

/* ---- problems ---- */

static void
every_problem(void **state)
{
	(void)state;
	for (int i = 1; i < JIT_I_COUNT; i++) {
		JIT_DONE(buf_done) struct buf b = { 0 };
		enum jit_err e = (enum jit_err)-i;
		json_t *o;
		char type[64] = "urn:jit-cert:error:";

		strncat(type, jit_err_name(e), 40);
		JT_OK(problem_put(e, NULL, (uint64_t)i, &b));
		o = read_back(BUF_SPAN(b));
		assert_string_equal(json_string_value(json_object_get(o,
		    "type")), type);
		assert_string_equal(json_string_value(json_object_get(o,
		    "title")), jit_err_sentence(e));
		assert_int_equal(json_integer_value(json_object_get(o,
		    "status")), jit_err_http(e));
		assert_string_equal(json_string_value(json_object_get(o,
		    "code")), jit_err_name(e));
		assert_int_equal(json_integer_value(json_object_get(o,
		    "request")), i);
		assert_int_equal(json_object_size(o), 5);
		json_decref(o);
	}
}

static void
problem_text(void **state)
{
	JIT_DONE(buf_done) struct buf b = { 0 };

	(void)state;
	struct jit_why why = { JIT_E_SIG, "line 2: \"x\"" };

	JT_OK(problem_put(JIT_E_SIG, &why, 7, &b));
	assert_string_equal((char *)b.p, "{\"type\":\"urn:jit-cert:error:"
	    "bad-signature\",\"title\":\"The signature does not match the "
	    "text.\",\"status\":403,\"detail\":\"line 2: \\\"x\\\"\",\"code\":"
	    "\"bad-signature\",\"request\":7}");
	buf_done(&b);
	JT_ERR(problem_put(JIT_OK, &why, 7, &b), JIT_E_ARG);
	assert_null(b.p);
}

static const struct text_row details[] = {
	T("escaped by its maker", "found \"a\\x1bb\"", "found \"a\\x1bb\""),
	T("umlaut", "gr\xc3\xbcn", "gr\xc3\xbcn"),
	T("bad byte", "a\xff" "b", "a\\xffb"),
	T("escape", "\x1b[31m", "\\x1b[31m"),
	T("line feed", "a\nb", "a\\x0ab"),
	T("right-to-left", "\xe2\x80\xae", "\\xe2\\x80\\xae"),
	T("cut in a character", "gr\xc3", "gr\\xc3"),
	T("markup is only text", "<script>", "<script>"),
};

static void
detail(void **state)
{
	const struct text_row *r = *state;
	JIT_DONE(buf_done) struct buf b = { 0 };
	struct jit_why why = { .code = JIT_E_FORMAT };
	json_t *o;

	memcpy(why.msg, r->in, r->n);
	JT_OK(problem_put(JIT_E_FORMAT, &why, 1, &b));
	o = read_back(BUF_SPAN(b));
	assert_string_equal(json_string_value(json_object_get(o, "detail")),
	    r->out);
	json_decref(o);
}

/* Every byte, as many as a message holds. */
static void
detail_of_any_bytes(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		JIT_DONE(buf_done) struct buf b = { 0 };
		struct jit_why why = { .code = JIT_E_IO };
		json_t *o;

		memset(why.msg, c, sizeof(why.msg) - 1);
		JT_OK(problem_put(JIT_E_IO, &why, 1, &b));
		o = read_back(BUF_SPAN(b));
		assert_int_equal(json_object_size(o), 6);
		json_decref(o);
	}
}

int
main(void)
{
	return JT_ROWS("text", text, texts) + jt_one("a whole answer", whole) +
	    jt_one("what cannot be written", sticky) +
	    jt_one("base64 of every length", base64_lengths) +
	    jt_one("receipts of a log", receipts) +
	    jt_one("every error", every_problem) +
	    jt_one("a problem's bytes", problem_text) +
	    JT_ROWS("detail", detail, details) +
	    jt_one("detail of any bytes", detail_of_any_bytes);
}
