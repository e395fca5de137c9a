/* text: what a person may write, and how it is shown. */
#include <string.h>

#include <jansson.h>

#include "ca/base/text.h"
#include "tests/lib/jt.h"

struct row { const char *name, *in; size_t n; enum jit_err want; };

static const struct row plain[] = {
	{ "ascii", "INC-4711 payments stuck", 23, JIT_OK },
	{ "umlaut", "gr\xc3\xbc\xc3\x9f", 6, JIT_OK },
	{ "emoji of 15.0", "\xf0\x9f\xab\xa8", 4, JIT_OK },
	{ "tab", "a\tb", 3, JIT_E_UTF8 },
	{ "line feed", "a\nb", 3, JIT_E_UTF8 },
	{ "NUL", "a\0b", 3, JIT_E_UTF8 },
	{ "escape", "\x1b[2J", 4, JIT_E_UTF8 },
	{ "C1 control", "\xc2\x9b", 2, JIT_E_UTF8 },
	{ "right-to-left override", "\xe2\x80\xae", 3, JIT_E_UTF8 },
	{ "zero-width joiner", "\xe2\x80\x8d", 3, JIT_E_UTF8 },
	{ "line separator", "\xe2\x80\xa8", 3, JIT_E_UTF8 },
	{ "byte order mark", "\xef\xbb\xbf", 3, JIT_E_UTF8 },
	{ "private use", "\xee\x80\x80", 3, JIT_E_UTF8 },
	{ "unassigned", "\xcd\xb8", 2, JIT_E_UTF8 },
	{ "assigned after 15.0", "\xf0\xae\xaf\xb0", 4, JIT_E_UTF8 },
	{ "tag character", "\xf3\xa0\x81\x81", 4, JIT_E_UTF8 },
	{ "surrogate", "\xed\xa0\x80", 3, JIT_E_UTF8 },
	{ "overlong slash", "\xc0\xaf", 2, JIT_E_UTF8 },
	{ "overlong of three", "\xe0\x80\xaf", 3, JIT_E_UTF8 },
	{ "past U+10FFFF", "\xf4\x90\x80\x80", 4, JIT_E_UTF8 },
	{ "cut short", "\xe2\x82", 2, JIT_E_UTF8 },
	{ "lone continuation", "\x80", 1, JIT_E_UTF8 },
};

static void
plain_text(void **state)
{
	const struct row *r = *state;
	struct jit_why why = { 0 };

	JT_WHY(text_check_plain(SPAN(r->in, r->n), &why), r->want, &why);
}

struct pair { const char *name, *in; size_t n; const char *out; };

static const struct pair escapes[] = {
	{ "plain", "abc", 3, "abc" },
	{ "colour", "\x1b[31m", 5, "\\x1b[31m" },
	{ "clipboard", "\x1b]52;c;eA==\x07", 12, "\\x1b]52;c;eA==\\x07" },
	{ "backslash", "a\\x1b", 5, "a\\\\x1b" },
	{ "override", "\xe2\x80\xae", 3, "\\xe2\\x80\\xae" },
	{ "bad byte", "a\xff", 2, "a\\xff" },
	{ "umlaut", "\xc3\xbc", 2, "\xc3\xbc" },
	{ "too long", "0123456789012345678901234567890123456789", 40,
	    "0123456789012345678901234567..." },
};

static void
escaped(void **state)
{
	const struct pair *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(1000);
	char shown[TEXT_SHOWN];

	text_escape(&w, SPAN(r->in, r->n), 28);
	wr_u8(&w, 0);
	assert_string_equal((char *)w.p, r->out);
	(void)text_shown(SPAN(r->in, r->n), shown, 8);
	assert_true(strlen(shown) < 8);
}

static const struct pair base64[] = {
	{ "empty", "", 0, "" },
	{ "one", "f", 1, "Zg==" },
	{ "two", "fo", 2, "Zm8=" },
	{ "three", "foo", 3, "Zm9v" },
	{ "high bytes", "\xff\xfe\xfd\xfc", 4, "//79/A==" },
};

static void
base64_ways(void **state)
{
	const struct pair *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(100);

	b64_put(&w, SPAN(r->in, r->n));
	assert_true(span_eq_str(wr_view(&w), r->out));
	wr_done(&w);
	JT_OK(b64_get(span_str(r->out), &w));
	assert_true(span_eq(wr_view(&w), SPAN(r->in, r->n)));
}

static const struct pair bad_base64[] = {
	{ "no padding", "Zg", 2, NULL },
	{ "three padding", "Z===", 4, NULL },
	{ "unused bits", "Zh==", 4, NULL },
	{ "unused bits of two", "Zm9=", 4, NULL },
	{ "padding inside", "Zg==Zg==", 8, NULL },
	{ "padding then more", "Zg=v", 4, NULL },
	{ "url alphabet", "__79", 4, NULL },
	{ "space", "Zm 9v", 5, NULL },
	{ "line feed where none may be", "Zm9v\n", 5, NULL },
};

static void
base64_refused(void **state)
{
	const struct pair *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(100);

	JT_ERR(b64_get(SPAN(r->in, r->n), &w), JIT_E_FORMAT);
}

static const struct row names[] = {
	{ "short", "a", 1, JIT_OK },
	{ "all kinds", "a0._-", 5, JIT_OK },
	{ "of 32", "abcdefghijklmnopqrstuvwxyz012345", 32, JIT_OK },
	{ "of 33", "abcdefghijklmnopqrstuvwxyz0123456", 33, JIT_E_ARG },
	{ "empty", "", 0, JIT_E_ARG },
	{ "upper case", "Bob", 3, JIT_E_ARG },
	{ "leading dot", ".a", 2, JIT_E_ARG },
	{ "leading dash", "-a", 2, JIT_E_ARG },
	{ "comma (case 25)", "root,bob", 8, JIT_E_ARG },
	{ "trailing space (case 6)", "bob ", 4, JIT_E_ARG },
	{ "star (case 26)", "*", 1, JIT_E_ARG },
	{ "NUL", "a\0", 2, JIT_E_ARG },
	{ "dotless i (case 6)", "\xc4\xb1", 2, JIT_E_ARG },
};

static void
name_form(void **state)
{
	const struct row *r = *state;

	assert_int_equal(text_is_name(SPAN(r->in, r->n)), r->want == JIT_OK);
}

static void
ulids(void **state)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	struct ulid a, b;

	(void)state;
	JT_OK(ulid_make(1700000000123, &rng, &a));
	assert_int_equal(strlen(a.s), ULID_LEN);
	assert_true(ulid_ms(&a) == 1700000000123);
	JT_OK(ulid_parse(span_str(a.s), &b));
	assert_string_equal(a.s, b.s);
	JT_OK(ulid_parse(span_str("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &b));
	JT_ERR(ulid_parse(span_str("8ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &b),
	    JIT_E_FORMAT);
	JT_ERR(ulid_parse(span_str("01jde0v5y8m3t1k3zj6x4n9q2b"), &b),
	    JIT_E_FORMAT);
	JT_ERR(ulid_parse(span_str("01JDE0V5Y8M3T1K3ZJ6X4N9QIL"), &b),
	    JIT_E_FORMAT);
	JT_ERR(ulid_parse(SPAN("01JDE0V5Y8M3T1K3ZJ6X4N9Q2\0", 26), &b),
	    JIT_E_FORMAT);
	JT_ERR(ulid_make(-1, &rng, &a), JIT_E_ARG);
	JT_ERR(ulid_make((int64_t)1 << 48, &rng, &a), JIT_E_ARG);
}

/* The table holds what its script makes from Debian's unicode-data. */
static void
surrogates_are_out(void **state)
{
	unsigned count = 0;

	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++)
		count += utf8_is_plain(c);
	/* 149,186 graphic characters and U+0020-type spaces in 15.0. */
	assert_in_range(count, 149000, 149300);
	for (uint32_t c = 0xd800; c < 0xf900; c++)
		assert_false(utf8_is_plain(c));
}

/* Nothing that a terminal or a reader's eye could be fooled by. */
static bool
is_harmless(uint32_t cp)
{
	return cp >= 0x20 && (cp < 0x7f || cp > 0x9f) && cp != 0xad &&
	    cp != 0x61c && !(cp >= 0x200b && cp <= 0x200f) &&
	    !(cp >= 0x2028 && cp <= 0x202e) &&
	    !(cp >= 0x2060 && cp <= 0x206f) && cp != 0xfeff;
}

static void
escape_is_harmless(struct span s, size_t max)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct span v;

	text_escape(&w, s, max);
	assert_int_equal(w.err, JIT_OK);
	v = wr_view(&w);
	for (size_t i = 0, n; i < v.n; i += n) {
		uint32_t cp = 0;

		n = utf8_next(SPAN(v.p + i, v.n - i), &cp);
		assert_true(n > 0);
		assert_true(is_harmless(cp));
	}
}

/* Each naughty string, whole and cut anywhere; and the two agree. */
static void
naughty(void **state)
{
	json_t *all = json_load_file(jt_vectors("strings/blns.json"),
	    JSON_ALLOW_NUL, NULL), *one;
	size_t i, refused = 0;

	(void)state;
	assert_true(json_array_size(all) > 500);
	json_array_foreach(all, i, one) {
		struct span s = SPAN(json_string_value(one),
		    json_string_length(one));
		struct jit_why why = { 0 };
		bool harmless = true;

		for (size_t k = 0; k <= s.n; k++) {
			escape_is_harmless(SPAN(s.p, k), s.n);
			escape_is_harmless(SPAN(s.p + k, s.n - k), 8);
		}
		for (size_t k = 0, n; k < s.n; k += n) {
			uint32_t cp = 0;

			n = utf8_next(SPAN(s.p + k, s.n - k), &cp);
			assert_true(n > 0);
			harmless = harmless && is_harmless(cp);
		}
		if (text_check_plain(s, &why) == JIT_OK) {
			assert_true(harmless);
		} else {
			refused++;
			assert_true(why.msg[0] != '\0');
			assert_true(text_is_ascii(span_str(why.msg)));
		}
	}
	/* Controls, private use, zero-width: the list has its share of them. */
	assert_in_range(refused, 10, 100);
	json_decref(all);
}

/* Every byte pair, most of which are no UTF-8. */
static void
any_bytes(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 65536; v++) {
		uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

		escape_is_harmless(SPAN(b, 2), 2);
	}
}

int
main(void)
{
	return JT_ROWS("plain", plain_text, plain) +
	    JT_ROWS("escape", escaped, escapes) +
	    JT_ROWS("base64", base64_ways, base64) +
	    JT_ROWS("base64 refused", base64_refused, bad_base64) +
	    JT_ROWS("names", name_form, names) + jt_one("ulid", ulids) +
	    jt_one("unicode table", surrogates_are_out) +
	    jt_one("naughty strings", naughty) +
	    jt_one("any two bytes", any_bytes);
}
