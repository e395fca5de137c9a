/* body: strictly what is asked for, and words for what is not. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "api/json/body.h"
#include "ca/ssh/sshsig.h"
#include "tests/lib/jt.h"

struct row { const char *name, *in; size_t n; enum jit_err want;
	const char *says; };

#define R(name, in, want, says) { name, in, sizeof(in) - 1, want, says }
static const struct row parses[] = {
	R("an object", "{}", JIT_OK, ""),
	R("white space about it", " \r\n\t{ } \n", JIT_OK, ""),
	R("deepest", "{\"a\":[[[[[[[]]]]]]]}", JIT_OK, ""),
	R("too deep", "{\"a\":[[[[[[[[]]]]]]]]}", JIT_E_SIZE,
	    "more than 8 brackets"),
	R("too deep and unfinished", "{\"a\":[[[[[[[[[[[[[", JIT_E_SIZE,
	    "more than 8 brackets"),
	R("brackets in a string", "{\"[[[[[[[[[[\":\"{{{{{{{{{{\\\"[[[[[\"}",
	    JIT_OK, ""),
	R("empty", "", JIT_E_FORMAT, "the body is empty"),
	R("space", " ", JIT_E_FORMAT, "ends too early"),
	R("an array", "[]", JIT_E_FORMAT, "an array"),
	R("a string", "\"a\"", JIT_E_FORMAT, "not JSON"),
	R("a number", "1", JIT_E_FORMAT, "not JSON"),
	R("null", "null", JIT_E_FORMAT, "not JSON"),
	R("something behind", "{} x", JIT_E_FORMAT, "behind the object"),
	R("another behind", "{}{}", JIT_E_FORMAT, "behind the object"),
	R("NUL behind", "{}\0", JIT_E_FORMAT, "byte 3 of the body is NUL"),
	/* Jansson takes these two for {"a":1}. */
	R("NUL behind a number", "{\"a\":1\0}", JIT_E_FORMAT, "is NUL"),
	R("NUL between digits", "{\"a\":1\0" "2}", JIT_E_FORMAT, "is NUL"),
	R("twice", "{\"a\":1,\"a\":1}", JIT_E_FORMAT, "twice"),
	R("twice in another spelling", "{\"a\":1,\"\\u0061\":1}",
	    JIT_E_FORMAT, "twice"),
	R("twice inside", "{\"b\":{\"a\":1,\"a\":2}}", JIT_E_FORMAT, "twice"),
	R("U+0000", "{\"a\":\"\\u0000\"}", JIT_E_FORMAT, "U+0000"),
	R("U+0000 in a name", "{\"\\u0000\":1}", JIT_E_FORMAT, "U+0000"),
	R("a bare NUL", "{\"a\":\"\0\"}", JIT_E_FORMAT, "is NUL"),
	R("a bare line feed", "{\"a\":\"\n\"}", JIT_E_FORMAT, "line 1"),
	R("not UTF-8", "{\"a\":\"\xff\"}", JIT_E_FORMAT, "UTF-8"),
	R("overlong", "{\"a\":\"\xc0\xaf\"}", JIT_E_FORMAT, "UTF-8"),
	R("surrogate", "{\"a\":\"\xed\xa0\x80\"}", JIT_E_FORMAT, "UTF-8"),
	R("half a pair", "{\"a\":\"\\ud800\"}", JIT_E_FORMAT, "line 1"),
	R("byte order mark", "\xef\xbb\xbf{}", JIT_E_FORMAT, "line 1"),
	R("comment", "{/**/}", JIT_E_FORMAT, "line 1"),
	R("trailing comma", "{\"a\":1,}", JIT_E_FORMAT, "line 1"),
	R("leading zero", "{\"a\":01}", JIT_E_FORMAT, "line 1"),
	R("NaN", "{\"a\":NaN}", JIT_E_FORMAT, "line 1"),
	R("2^63", "{\"a\":9223372036854775808}", JIT_E_FORMAT, "too large"),
	R("1e400", "{\"a\":1e400}", JIT_E_FORMAT, "too large"),
	R("where it is", "{\"a\":\n1,\n  ?}", JIT_E_FORMAT, "line 3, column 3"),
	/* Whatever stands in it may be a secret. */
	R("no quotes", "{\"secret\":\"c4n4ry\" \"c4n4ry\"}", JIT_E_FORMAT,
	    "column"),
	R("no quotes either", "{\"secret\":c4n4ry}", JIT_E_FORMAT, "column"),
	R("nor of names", "{\"c4n4ry\":1,\"c4n4ry\":1}", JIT_E_FORMAT,
	    "twice"),
};

static void
parse(void **state)
{
	const struct row *r = *state;
	JIT_DONE(body_done) struct body b = { 0 };
	struct jit_why why = { 0 };

	JT_WHY(body_parse(SPAN(r->in, r->n), &b, &why), r->want, &why);
	if (strstr(why.msg, r->says) == NULL || strstr(why.msg, "c4n4ry"))
		fail_msg("said: %s", why.msg);
	assert_true((b.root != NULL) == (r->want == JIT_OK));
}

/* ---- members ---- */

enum ask { TEXT, TEXT_OPT, B64, B64S, UINT_OPT, UINTS };

/* Texts of at most 4 bytes, base64 of 2 to 3, 1 to 2 of them, up to 9. */
static enum jit_err
ask_for(struct body *b, enum ask ask, const char *name, struct wr *got,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf one = { 0 }, two = { 0 };
	struct buf bufs[2] = { { 0 } };
	struct span s = SPAN_NONE;
	uint64_t v[2] = { 77, 77 };
	enum jit_err e = JIT_E_ARG;
	size_t n = 0;

	switch (ask) {
	case TEXT:
		e = body_text(b, name, 4, &s, why);
		wr_span(got, s);
		break;
	case TEXT_OPT:
		e = body_text_opt(b, name, 4, &s, why);
		wr_span(got, s);
		break;
	case B64:
		e = body_b64(b, name, 2, 3, &one, why);
		wr_span(got, BUF_SPAN(one));
		break;
	case B64S:
		e = body_b64s(b, name, 1, 2, 3, bufs, &n, why);
		one = bufs[0];
		two = bufs[1];
		wr_span(got, BUF_SPAN(one));
		wr_span(got, BUF_SPAN(two));
		break;
	case UINT_OPT:
		e = body_uint_opt(b, name, 9, v, why);
		wr_fmt(got, "%d", (int)v[0]);
		break;
	case UINTS:
		e = body_uints(b, name, 1, 2, v, &n, why);
		for (size_t i = 0; i < n; i++)
			wr_fmt(got, "%lld.", (long long)v[i]);
		break;
	}
	return e;
}

struct member { const char *name; enum ask ask; const char *in;
	enum jit_err want; const char *got; };

#define BAD(name, ask, in, says) { name, ask, in, JIT_E_FORMAT, says }
static const struct member members[] = {
	{ "text", TEXT, "{\"m\":\"abcd\"}", JIT_OK, "abcd" },
	{ "text of none", TEXT, "{\"m\":\"\"}", JIT_OK, "" },
	{ "text with an escape", TEXT, "{\"m\":\"\\u00fc\"}", JIT_OK,
	    "\xc3\xbc" },
	BAD("text too long", TEXT, "{\"m\":\"abcde\"}", "\"m\": a string of "
	    "0 to 4 bytes is accepted, found a string of 5 bytes"),
	BAD("text missing", TEXT, "{\"n\":\"abcd\"}", "\"m\": a string of "
	    "0 to 4 bytes is accepted, found none"),
	BAD("text of another case", TEXT, "{\"M\":\"abcd\"}", "found none"),
	BAD("text null", TEXT, "{\"m\":null}", "found null"),
	BAD("text a number", TEXT, "{\"m\":1}", "found a number"),
	BAD("text a real", TEXT, "{\"m\":1.5}", "found a number that is not "
	    "whole"),
	BAD("text true", TEXT, "{\"m\":true}", "found true"),
	BAD("text false", TEXT, "{\"m\":false}", "found false"),
	BAD("text an array", TEXT, "{\"m\":[\"a\"]}", "found an array of 1"),
	BAD("text an object", TEXT, "{\"m\":{}}", "found an object"),
	{ "text, maybe", TEXT_OPT, "{\"m\":\"a\"}", JIT_OK, "a" },
	{ "text, not", TEXT_OPT, "{}", JIT_OK, "" },
	BAD("text, maybe null", TEXT_OPT, "{\"m\":null}", "found null"),
	BAD("text, maybe too long", TEXT_OPT, "{\"m\":\"abcde\"}", "5 bytes"),
	{ "base64 of 2", B64, "{\"m\":\"YWI=\"}", JIT_OK, "ab" },
	{ "base64 of 3", B64, "{\"m\":\"YWJj\"}", JIT_OK, "abc" },
	BAD("base64 of 1", B64, "{\"m\":\"YQ==\"}", "\"m\": padded base64 "
	    "(RFC 4648 section 4) of 2 to 3 bytes is accepted, found a "
	    "string of 4 bytes"),
	BAD("base64 of 4", B64, "{\"m\":\"YWJjZA==\"}", "found a string of 8"),
	BAD("base64 of none", B64, "{\"m\":\"\"}", "found a string of 0"),
	BAD("base64 unpadded", B64, "{\"m\":\"YWI\"}", "found a string of 3"),
	BAD("base64 of another alphabet", B64, "{\"m\":\"-_8=\"}", "padded"),
	BAD("base64 with a space", B64, "{\"m\":\"YWI= \"}", "padded"),
	BAD("base64 with a line end", B64, "{\"m\":\"YW\\nI=\"}", "padded"),
	BAD("base64 with bits left over", B64, "{\"m\":\"YWJ=\"}", "padded"),
	BAD("base64 behind its end", B64, "{\"m\":\"YQ==YQ==\"}", "padded"),
	BAD("base64 missing", B64, "{}", "found none"),
	BAD("base64 a number", B64, "{\"m\":1}", "found a number"),
	{ "one of base64", B64S, "{\"m\":[\"YQ==\"]}", JIT_OK, "a" },
	{ "two of base64", B64S, "{\"m\":[\"YQ==\",\"YWJj\"]}", JIT_OK,
	    "aabc" },
	BAD("none of base64", B64S, "{\"m\":[]}", "\"m\": an array of 1 to 2 "
	    "strings is accepted, found an array of 0"),
	BAD("three of base64", B64S, "{\"m\":[\"YQ==\",\"YQ==\",\"YQ==\"]}",
	    "found an array of 3"),
	BAD("the second is bad", B64S, "{\"m\":[\"YQ==\",\"YQ\"]}",
	    "\"m[1]\": padded"),
	BAD("the second is empty", B64S, "{\"m\":[\"YQ==\",\"\"]}",
	    "\"m[1]\": padded"),
	BAD("the first is a number", B64S, "{\"m\":[1]}", "\"m[0]\": padded"),
	BAD("not an array", B64S, "{\"m\":\"YQ==\"}", "found a string of 4"),
	BAD("no array", B64S, "{}", "found none"),
	{ "number", UINT_OPT, "{\"m\":9}", JIT_OK, "9" },
	{ "number, not", UINT_OPT, "{}", JIT_OK, "77" },
	BAD("number too large", UINT_OPT, "{\"m\":10}", "\"m\": a whole "
	    "number from 0 to 9 is accepted, found 10"),
	BAD("number negative", UINT_OPT, "{\"m\":-1}", "found -1"),
	BAD("number real", UINT_OPT, "{\"m\":1.0}", "not whole"),
	BAD("number with an exponent", UINT_OPT, "{\"m\":1e0}", "not whole"),
	BAD("number in a string", UINT_OPT, "{\"m\":\"1\"}", "1 bytes"),
	BAD("number null", UINT_OPT, "{\"m\":null}", "found null"),
	{ "numbers", UINTS, "{\"m\":[0,9223372036854775807]}", JIT_OK,
	    "0.9223372036854775807." },
	BAD("no number", UINTS, "{\"m\":[]}", "\"m\": an array of 1 to 2 "
	    "numbers is accepted"),
	BAD("three numbers", UINTS, "{\"m\":[1,2,3]}", "an array of 3"),
	BAD("a negative one", UINTS, "{\"m\":[1,-2]}", "\"m[1]\""),
	BAD("a string among them", UINTS, "{\"m\":[1,\"2\"]}", "\"m[1]\""),
	BAD("an array among them", UINTS, "{\"m\":[[1]]}", "\"m[0]\""),
};

static void
member(void **state)
{
	const struct member *m = *state;
	JIT_DONE(body_done) struct body b = { 0 };
	JIT_DONE(wr_done) struct wr got = WR_INIT(256);
	struct jit_why why = { 0 };
	enum jit_err e;

	JT_OK(body_parse(span_str(m->in), &b, NULL));
	e = ask_for(&b, m->ask, "m", &got, &why);
	JT_WHY(e, m->want, &why);
	wr_u8(&got, 0);
	if (e == JIT_OK)
		assert_string_equal((char *)got.p, m->got);
	else if (strstr(why.msg, m->got) == NULL)
		fail_msg("said: %s", why.msg);
}

static const struct row ends[] = {
	R("both", "{\"a\":\"\",\"b\":1}", JIT_OK, ""),
	R("another order", "{\"b\":1,\"a\":\"\"}", JIT_OK, ""),
	R("one more", "{\"a\":\"\",\"b\":1,\"c\":1}", JIT_E_FORMAT,
	    "\"c\": no such member; accepted are \"a\", \"b\""),
	R("the first of two more", "{\"d\":1,\"a\":\"\",\"c\":1}",
	    JIT_E_FORMAT, "\"d\": no such"),
	R("another case", "{\"a\":\"\",\"B\":1}", JIT_E_FORMAT, "\"B\""),
	R("no name", "{\"a\":\"\",\"\":1}", JIT_E_FORMAT, "\"\": no such"),
	R("a name that bites", "{\"a\":\"\",\"\\u001b[2J\\u202e\":1}",
	    JIT_E_FORMAT, "\"\\x1b[2J\\xe2\\x80\\xae\": no such"),
	R("a long name", "{\"a\":\"\",\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}",
	    JIT_E_FORMAT, "...\": no such"),
};

static void
end(void **state)
{
	const struct row *r = *state;
	JIT_DONE(body_done) struct body b = { 0 };
	struct jit_why why = { 0 };
	uint64_t v = 0;
	struct span s;

	JT_OK(body_parse(SPAN(r->in, r->n), &b, NULL));
	JT_OK(body_text(&b, "a", 4, &s, &why));
	JT_OK(body_uint_opt(&b, "b", 4, &v, &why));
	JT_WHY(body_end(&b, &why), r->want, &why);
	if (strstr(why.msg, r->says) == NULL)
		fail_msg("said: %s", why.msg);
}

static void
too_many_asked(void **state)
{
	JIT_DONE(body_done) struct body b = { 0 };
	uint64_t v = 5;

	(void)state;
	JT_OK(body_parse(span_str("{}"), &b, NULL));
	for (int i = 0; i < BODY_MEMBERS; i++)
		JT_OK(body_uint_opt(&b, "a", 9, &v, NULL));
	JT_ERR(body_uint_opt(&b, "a", 9, &v, NULL), JIT_E_ARG);
	assert_int_equal(v, 5);
}

/* ---- acts ---- */

static const char act[] = "{\"text\":\"YWJj\",\"sigs\":[\"ZGU=\",\"Zg==\"]}";

/* Whichever reader takes it, it is the same act. */
struct spelt { const char *name, *in; };

static const struct spelt spelt[] = {
	{ "as jit-cert writes it", act },
	{ "white space everywhere", " \r\n{\t\"text\" : \"YWJj\" , \"sigs\" :"
	    " [ \"ZGU=\" , \"Zg==\" ] } \n" },
	{ "the other order", "{\"sigs\":[\"ZGU=\",\"Zg==\"],"
	    "\"text\":\"YWJj\"}" },
	{ "an escape in a value", "{\"text\":\"Y\\u0057Jj\","
	    "\"sigs\":[\"ZGU=\",\"Zg==\"]}" },
	{ "an escape in a name", "{\"te\\u0078t\":\"YWJj\","
	    "\"sigs\":[\"ZGU=\",\"Zg==\"]}" },
};

static void
signed_act(void **state)
{
	const struct spelt *r = *state;
	JIT_DONE(body_signed_done) struct body_signed b = { 0 };

	JT_OK(body_signed(span_str(r->in), 3, 2, &b, NULL));
	assert_true(span_eq_str(BUF_SPAN(b.text), "abc") && b.n == 2);
	assert_true(span_eq_str(BUF_SPAN(b.sig[0]), "de"));
	assert_true(span_eq_str(BUF_SPAN(b.sig[1]), "f"));
}

struct refused { const char *name, *in; size_t max, n; const char *says; };

static const struct refused refused[] = {
	{ "one signature is accepted", act, 3, 1, "\"sigs\": an array of 1 "
	    "strings is accepted, found an array of 2" },
	{ "text too long", act, 2, 2, "\"text\": padded base64" },
	{ "empty text", "{\"text\":\"\",\"sigs\":[\"Zg==\"]}", 9, 2,
	    "of 1 to 9 bytes" },
	{ "no signature", "{\"text\":\"Zg==\",\"sigs\":[]}", 9, 2, "\"sigs\"" },
	{ "none at all", "{\"text\":\"Zg==\"}", 9, 2, "\"sigs\"" },
	{ "an empty one", "{\"text\":\"Zg==\",\"sigs\":[\"\"]}", 9, 2,
	    "\"sigs[0]\": padded base64 (RFC 4648 section 4) of 1 to 16384" },
	{ "no text", "{\"sigs\":[\"Zg==\"]}", 9, 2, "\"text\"" },
	{ "three signatures", "{\"text\":\"Zg==\",\"sigs\":[\"Zg==\","
	    "\"Zg==\",\"Zg==\"]}", 9, 2, "found an array of 3" },
	{ "a comma too many", "{\"text\":\"Zg==\",\"sigs\":[\"Zg==\",]}",
	    9, 2, "not JSON" },
	{ "text twice", "{\"text\":\"Zg==\",\"sigs\":[\"Zg==\"],"
	    "\"text\":\"Zg==\"}", 9, 2, "twice" },
	{ "an array behind", "{\"text\":\"Zg==\",\"sigs\":[\"Zg==\"]}[]",
	    9, 2, "behind the object" },
	{ "a member more", "{\"text\":\"Zg==\",\"sigs\":[\"Zg==\"],"
	    "\"person\":\"bob\"}", 9, 2, "\"person\": no such member" },
};

/* A signature is no longer than SSHSIG_MAX, a CSR beside it may be. */
static void
long_ones(void **state)
{
	static const struct { const char *name; size_t n[2], sigs; bool good; }
	rows[] = {
		{ "both as long as may be", { SSHSIG_MAX, BODY_PROOF_MAX }, 2,
		    true },
		{ "a long signature", { SSHSIG_MAX + 1, 1 }, 2, false },
		{ "a long CSR", { 1, BODY_PROOF_MAX + 1 }, 2, false },
		{ "alone", { SSHSIG_MAX, 0 }, 1, true },
		{ "alone and long", { SSHSIG_MAX + 1, 0 }, 1, false },
	};
	static const uint8_t zeros[BODY_PROOF_MAX + 1];
	/* As it is usually written, and otherwise. */
	static const char *const heads[] = { "{\"text\":\"Zg==\",\"sigs\":[",
	    "{\"sigs\":[" };
	static const char *const tails[] = { "]}", "],\"text\":\"Zg==\"}" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		JIT_DONE(body_signed_done) struct body_signed b = { 0 };
		JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
		const size_t k = i / 2;

		print_message("  %s\n", rows[k].name);
		wr_str(&w, heads[i % 2]);
		for (size_t j = 0; j < rows[k].sigs; j++) {
			wr_str(&w, j > 0 ? ",\"" : "\"");
			b64_put(&w, SPAN(zeros, rows[k].n[j]));
			wr_u8(&w, '"');
		}
		wr_str(&w, tails[i % 2]);
		JT_ERR(body_signed(wr_view(&w), 9, rows[k].sigs, &b, NULL),
		    rows[k].good ? JIT_OK : JIT_E_FORMAT);
		assert_int_equal(b.n, rows[k].good ? rows[k].sigs : 0);
	}
}

static void
not_an_act(void **state)
{
	const struct refused *r = *state;
	JIT_DONE(body_signed_done) struct body_signed b = { 0 };
	struct jit_why why = { 0 };

	JT_WHY(body_signed(span_str(r->in), r->max, r->n, &b, &why),
	    JIT_E_FORMAT, &why);
	if (strstr(why.msg, r->says) == NULL)
		fail_msg("said: %s", why.msg);
	assert_true(b.n == 0 && b.text.p == NULL && b.sig[0].p == NULL);
}

static void
try(void *arg, struct span s)
{
	JIT_DONE(body_signed_done) struct body_signed b = { 0 };
	size_t *accepted = arg;

	if (body_signed(s, 64, 2, &b, NULL) == JIT_OK)
		++*accepted;
}

/* A prefix is no act; a flip may be one of other bytes. */
static void
flips(void **state)
{
	size_t accepted = 0;

	(void)state;
	for (size_t n = 0; n < sizeof(act) - 1; n++)
		try(&accepted, SPAN(act, n));
	assert_int_equal(accepted, 0);
	jt_flip_truncate(span_str(act), try, &accepted);
	assert_true(accepted > 0);
}

/* ---- JSONTestSuite ---- */

static bool
accepted(struct span s, struct jit_why *why)
{
	JIT_DONE(body_done) struct body b = { 0 };

	return body_parse(s, &b, why) == JIT_OK;
}

/*
 * Good JSON that is refused all the same.  CVE-2017-12635: what stands
 * twice is read twice by two readers; and no U+0000.
 */
static bool
ours_is_stricter(const char *file)
{
	static const char *const files[] = {
		"y_object_duplicated_key.json",
		"y_object_duplicated_key_and_value.json",
		"y_object_escaped_null_in_key.json",
		"y_string_null_escape.json",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(files[i], file) == 0)
			return true;
	return false;
}

static void
one_of_the_suite(const char *file, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct jit_why why = { 0 };
	size_t space = 0;
	bool whole = accepted(s, NULL), inside;

	wr_str(&w, "{\"v\":");
	wr_span(&w, s);
	wr_u8(&w, '}');
	JT_OK(w.err);
	inside = accepted(wr_view(&w), &why);
	if (file[0] == 'n' && (whole || inside))
		fail_msg("%s is accepted", file);
	if (file[0] != 'y')
		return;
	while (space < s.n && strchr(" \n\r\t", s.p[space]) != NULL)
		space++;
	if (inside == ours_is_stricter(file) ||
	    whole != (inside && s.p[space] == '{'))
		fail_msg("%s: %d %d %s", file, whole, inside, why.msg);
}

static void
suite(void **state)
{
	const char *path = jt_vectors("json/test_parsing");
	DIR *dir = opendir(path);
	struct dirent *d;
	size_t files = 0;

	(void)state;
	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL) {
		char name[4096];

		if (strstr(d->d_name, ".json") == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		JIT_DONE(buf_done) struct buf b = jt_file(name);
		one_of_the_suite(d->d_name, BUF_SPAN(b));
		files++;
	}
	(void)closedir(dir);
	assert_true(files > 300);
}

int
main(void)
{
	int failed = JT_ROWS("parse", parse, parses) +
	    JT_ROWS("member", member, members) + JT_ROWS("end", end, ends) +
	    jt_one("too many asked for", too_many_asked) +
	    JT_ROWS("a signed act", signed_act, spelt) +
	    jt_one("long signatures and CSRs", long_ones) +
	    JT_ROWS("not an act", not_an_act, refused) +
	    jt_one("flips", flips);

	/* Last: where the suite is absent it ends the program. */
	return failed ? failed : jt_one("JSONTestSuite", suite);
}
