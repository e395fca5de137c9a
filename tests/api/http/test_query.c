#include <stdlib.h>
#include <string.h>

#include "api/http/query.h"
#include "tests/lib/jt.h"

#define S(lit) { (const uint8_t *)(lit), sizeof(lit) - 1 }
#define BIG64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BIG1K BIG64 BIG64 BIG64 BIG64 BIG64 BIG64 BIG64 BIG64 BIG64 BIG64 \
	BIG64 BIG64 BIG64 BIG64 BIG64 BIG64

/* ---- paths ---- */

static const struct path_row {
	const char *name;
	struct span s;
	enum jit_err e;
	size_t n;		/* segments */
	const char *last;
} paths[] = {
	{ "root", S("/"), JIT_OK, 0, NULL },
	{ "one segment", S("/v1"), JIT_OK, 1, "v1" },
	{ "a request", S("/v1/requests/01JDE0V5Y8M3T1K3ZJ6X4N9Q2B"), JIT_OK,
	    3, "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B" },
	{ "every byte that is accepted", S("/AZaz09._~-"), JIT_OK, 1,
	    "AZaz09._~-" },
	{ "dots among others", S("/..a/.b/..."), JIT_OK, 3, "..." },
	{ "eight segments", S("/1/2/3/4/5/6/7/8"), JIT_OK, 8, "8" },
	{ "nine segments", S("/1/2/3/4/5/6/7/8/9"), JIT_E_SIZE, 0, NULL },
	{ "empty", S(""), JIT_E_FORMAT, 0, NULL },
	{ "no slash", S("v1/roles"), JIT_E_FORMAT, 0, NULL },
	{ "asterisk form", S("*"), JIT_E_FORMAT, 0, NULL },
	{ "absolute form", S("http://h/v1/roles"), JIT_E_FORMAT, 0, NULL },
	{ "authority form", S("h:443"), JIT_E_FORMAT, 0, NULL },
	{ "two slashes", S("//v1"), JIT_E_FORMAT, 0, NULL },
	{ "only two slashes", S("//"), JIT_E_FORMAT, 0, NULL },
	{ "two slashes inside", S("/v1//roles"), JIT_E_FORMAT, 0, NULL },
	{ "slash at the end", S("/v1/"), JIT_E_FORMAT, 0, NULL },
	{ "slashes at the end", S("/v1//"), JIT_E_FORMAT, 0, NULL },
	{ "dot segment", S("/v1/./roles"), JIT_E_FORMAT, 0, NULL },
	{ "dots segment", S("/v1/../roles"), JIT_E_FORMAT, 0, NULL },
	{ "dots at the end", S("/v1/.."), JIT_E_FORMAT, 0, NULL },
	{ "encoded dots", S("/v1/%2e%2e/roles"), JIT_E_FORMAT, 0, NULL },
	{ "encoded slash", S("/v1%2froles"), JIT_E_FORMAT, 0, NULL },
	{ "encoded nul", S("/v1%00"), JIT_E_FORMAT, 0, NULL },
	{ "encoded letter", S("/%76%31"), JIT_E_FORMAT, 0, NULL },
	{ "nul", S("/v1\0x"), JIT_E_FORMAT, 0, NULL },
	{ "line feed", S("/v1\n"), JIT_E_FORMAT, 0, NULL },
	{ "parameters", S("/v1;x=1"), JIT_E_FORMAT, 0, NULL },
	{ "backslash", S("/v1\\roles"), JIT_E_FORMAT, 0, NULL },
	{ "fragment", S("/v1#x"), JIT_E_FORMAT, 0, NULL },
	{ "utf-8", S("/r\xc3\xb6le"), JIT_E_FORMAT, 0, NULL },
	{ "too long", S("/" BIG1K BIG1K BIG1K BIG1K), JIT_E_SIZE, 0, NULL },
};

static void
path_row(void **state)
{
	const struct path_row *r = *state;
	struct path p = { .n = 99 };
	struct jit_why why = { 0 };
	enum jit_err e = path_parse(r->s, &p, &why);

	JT_WHY(e, r->e, &why);
	if (e != JIT_OK) {
		assert_int_equal(p.n, 99);
		assert_true(why.msg[0] != '\0');
		return;
	}
	assert_int_equal(p.n, r->n);
	if (r->last != NULL)
		assert_true(span_eq_str(p.v[p.n - 1], r->last));
}

/* Every byte in a segment: accepted or not, as the header says. */
static void
path_bytes(void **state)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-";

	(void)state;
	for (int c = 0; c < 256; c++) {
		uint8_t s[4] = { '/', 'x', (uint8_t)c, 'y' };
		struct path p;
		bool want = c == '/' || (c != 0 && strchr(ok, c) != NULL);

		JT_ERR(path_parse(SPAN(s, sizeof(s)), &p, NULL),
		    want ? JIT_OK : JIT_E_FORMAT);
	}
}

/* ---- queries ---- */

static const struct query_row {
	const char *name;
	struct span s;
	enum jit_err e;
	const char *key, *value;
} queries[] = {
	{ "empty", S(""), JIT_OK, NULL, NULL },
	{ "one", S("since=18"), JIT_OK, "since", "18" },
	{ "two", S("since=18&wait=25000"), JIT_OK, "wait", "25000" },
	{ "empty value", S("q="), JIT_OK, "q", "" },
	{ "plus is a plus", S("q=a+b"), JIT_OK, "q", "a+b" },
	{ "encoded plus", S("q=a%2Bb"), JIT_OK, "q", "a+b" },
	{ "encoded space", S("q=a%20b"), JIT_OK, "q", "a b" },
	{ "hex of both cases", S("q=%C3%b6"), JIT_OK, "q", "\xc3\xb6" },
	{ "encoded &", S("q=a%26b"), JIT_OK, "q", "a&b" },
	{ "encoded %", S("q=%2541"), JIT_OK, "q", "%41" },
	{ "equals in a value", S("q=a=b"), JIT_OK, "q", "a=b" },
	{ "slash and mark", S("q=a/b?c"), JIT_OK, "q", "a/b?c" },
	{ "name of 32", S("abcdefghijklmnopqrstuvwxyz_abcde=1"), JIT_OK,
	    "abcdefghijklmnopqrstuvwxyz_abcde", "1" },
	{ "sixteen", S("a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&l=1&m=1"
	    "&n=1&o=1&p=2"), JIT_OK, "p", "2" },
	{ "seventeen", S("a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&l=1"
	    "&m=1&n=1&o=1&p=1&q=1"), JIT_E_SIZE, NULL, NULL },
	{ "name of 33", S("abcdefghijklmnopqrstuvwxyz_abcdef=1"),
	    JIT_E_FORMAT, NULL, NULL },
	{ "twice", S("a=1&b=2&a=1"), JIT_E_FORMAT, NULL, NULL },
	{ "no value", S("a"), JIT_E_FORMAT, NULL, NULL },
	{ "no name", S("=1"), JIT_E_FORMAT, NULL, NULL },
	{ "ends in &", S("a=1&"), JIT_E_FORMAT, NULL, NULL },
	{ "begins with &", S("&a=1"), JIT_E_FORMAT, NULL, NULL },
	{ "two &", S("a=1&&b=1"), JIT_E_FORMAT, NULL, NULL },
	{ "only &", S("&"), JIT_E_FORMAT, NULL, NULL },
	{ "semicolon between", S("a=1;b=2"), JIT_OK, "a", "1;b=2" },
	{ "upper-case name", S("Since=1"), JIT_E_FORMAT, NULL, NULL },
	{ "digit in a name", S("a1=1"), JIT_E_FORMAT, NULL, NULL },
	{ "brackets in a name", S("a[]=1"), JIT_E_FORMAT, NULL, NULL },
	{ "encoded name", S("%61=1"), JIT_E_FORMAT, NULL, NULL },
	{ "nul in a name", S("a\0=1"), JIT_E_FORMAT, NULL, NULL },
	{ "encoded nul", S("a=%00"), JIT_E_UTF8, NULL, NULL },
	{ "encoded line feed", S("a=%0d%0aX:%20y"), JIT_E_UTF8, NULL, NULL },
	{ "encoded escape", S("a=%1b%5b2J"), JIT_E_UTF8, NULL, NULL },
	{ "right-to-left override", S("a=%e2%80%ae"), JIT_E_UTF8, NULL,
	    NULL },
	{ "overlong slash", S("a=%c0%af"), JIT_E_UTF8, NULL, NULL },
	{ "surrogate", S("a=%ed%a0%80"), JIT_E_UTF8, NULL, NULL },
	{ "half a character", S("a=%c3"), JIT_E_UTF8, NULL, NULL },
	{ "% alone", S("a=%"), JIT_E_FORMAT, NULL, NULL },
	{ "% and one digit", S("a=%4"), JIT_E_FORMAT, NULL, NULL },
	{ "% and no hex", S("a=%4g"), JIT_E_FORMAT, NULL, NULL },
	{ "%u", S("a=%u0041"), JIT_E_FORMAT, NULL, NULL },
	{ "space", S("a=b c"), JIT_E_FORMAT, NULL, NULL },
	{ "fragment", S("a=b#c"), JIT_E_FORMAT, NULL, NULL },
	{ "raw utf-8", S("a=\xc3\xb6"), JIT_E_FORMAT, NULL, NULL },
	{ "too long", S("a=" BIG1K BIG1K BIG1K BIG1K), JIT_E_SIZE, NULL,
	    NULL },
};

static void
query_row(void **state)
{
	const struct query_row *r = *state;
	JIT_DONE(query_done) struct query q = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e = query_parse(r->s, &q, &why);
	struct span got = SPAN_NONE;

	JT_WHY(e, r->e, &why);
	if (e != JIT_OK) {
		assert_int_equal(q.n, 0);
		assert_true(why.msg[0] != '\0');
	}
	if (r->key == NULL)
		return;
	for (size_t i = 0; i < q.n; i++)
		if (span_eq_str(q.v[i].name, r->key))
			got = BUF_SPAN(q.v[i].value);
	assert_true(span_eq_str(got, r->value));
}

/* Every byte in a value, as it is. */
static void
query_bytes(void **state)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-!$'()*+,;=:@/?";

	(void)state;
	for (int c = 0; c < 256; c++) {
		uint8_t s[5] = { 'a', '=', 'x', (uint8_t)c, 'y' };
		JIT_DONE(query_done) struct query q = { 0 };
		bool want = c != 0 && strchr(ok, c) != NULL;

		JT_ERR(query_parse(SPAN(s, sizeof(s)), &q, NULL),
		    want ? JIT_OK : JIT_E_FORMAT);
	}
}

/* ---- typed readers ---- */

static struct jit_why why;

static enum jit_err
as_uint(struct query *q)
{
	uint64_t v = 77;
	enum jit_err e = query_uint(q, "a", 100, &v, &why);

	assert_true(e == JIT_OK ? v <= 100 : v == 77);
	return e;
}

static enum jit_err
as_bool(struct query *q)
{
	bool v;

	return query_bool(q, "a", &v, &why);
}

static enum jit_err
as_text(struct query *q)
{
	struct span v;

	return query_text(q, "a", 4, &v, &why);
}

static enum jit_err
as_utc(struct query *q)
{
	utc_s v;

	return query_utc(q, "a", &v, &why);
}

static enum jit_err
as_word(struct query *q)
{
	static const char *const words[] = { "open", "closed", "all", NULL };
	unsigned v;

	return query_word(q, "a", words, &v, &why);
}

static enum jit_err
as_uints(struct query *q)
{
	uint64_t v[3];
	size_t n = 0;
	enum jit_err e = query_uints(q, "a", 3, v, &n, &why);

	assert_true(e != JIT_OK || q->n == 0 || (n >= 1 && n <= 3));
	return e;
}

static const struct typed_row {
	const char *name;
	enum jit_err (*fn)(struct query *q);
	const char *query;
	enum jit_err e;
	const char *said;	/* in the message */
} typed[] = {
	{ "uint absent", as_uint, "", JIT_OK, NULL },
	{ "uint", as_uint, "a=100", JIT_OK, NULL },
	{ "uint over", as_uint, "a=101", JIT_E_FORMAT, "0 to 100" },
	{ "uint signed", as_uint, "a=+1", JIT_E_FORMAT, "found \"+1\"" },
	{ "uint negative", as_uint, "a=-1", JIT_E_FORMAT, "\"a\"" },
	{ "uint zero first", as_uint, "a=01", JIT_E_FORMAT, NULL },
	{ "uint hex", as_uint, "a=0x1", JIT_E_FORMAT, NULL },
	{ "uint empty", as_uint, "a=", JIT_E_FORMAT, NULL },
	{ "uint space", as_uint, "a=1%20", JIT_E_FORMAT, NULL },
	{ "bool", as_bool, "a=true", JIT_OK, NULL },
	{ "bool 1", as_bool, "a=1", JIT_E_FORMAT, "true or false" },
	{ "text", as_text, "a=abcd", JIT_OK, NULL },
	{ "text empty", as_text, "a=", JIT_E_FORMAT, "1 to 4" },
	{ "text long", as_text, "a=abcde", JIT_E_FORMAT, "1 to 4" },
	{ "utc", as_utc, "a=2026-11-23T20:58:11Z", JIT_OK, NULL },
	{ "utc with zone", as_utc, "a=2026-11-23T20:58:11%2B01:00",
	    JIT_E_FORMAT, "2026-" },
	{ "word", as_word, "a=closed", JIT_OK, NULL },
	{ "word unknown", as_word, "a=Open", JIT_E_FORMAT,
	    "open, closed or all" },
	{ "uints", as_uints, "a=7,18,19", JIT_OK, NULL },
	{ "uints one", as_uints, "a=7", JIT_OK, NULL },
	{ "uints four", as_uints, "a=1,2,3,4", JIT_E_FORMAT, "1 to 3" },
	{ "uints empty", as_uints, "a=", JIT_E_FORMAT, NULL },
	{ "uints comma last", as_uints, "a=1,", JIT_E_FORMAT, NULL },
	{ "uints comma first", as_uints, "a=,1", JIT_E_FORMAT, NULL },
	{ "uints two commas", as_uints, "a=1,,2", JIT_E_FORMAT, NULL },
	{ "uints a word", as_uints, "a=1,x", JIT_E_FORMAT, "\"1,x\"" },
};

static void
typed_row(void **state)
{
	const struct typed_row *r = *state;
	JIT_DONE(query_done) struct query q = { 0 };
	enum jit_err e;

	memset(&why, 0, sizeof(why));
	JT_OK(query_parse(span_str(r->query), &q, NULL));
	e = r->fn(&q);
	JT_WHY(e, r->e, &why);
	if (r->said != NULL)
		assert_non_null(strstr(why.msg, r->said));
	JT_OK(query_end(&q, NULL));
}

static void
values(void **state)
{
	JIT_DONE(query_done) struct query q = { 0 };
	static const char *const words[] = { "x", "y", NULL };
	uint64_t n = 0, v[2];
	size_t n_v = 0;
	unsigned word = 9;
	bool b = false;

	(void)state;
	JT_OK(query_parse(span_str("n=18446744073709551615&w=y&b=true&v=7,8"
	    "&left=1"), &q, NULL));
	JT_OK(query_uint(&q, "n", UINT64_MAX, &n, NULL));
	JT_OK(query_word(&q, "w", words, &word, NULL));
	JT_OK(query_bool(&q, "b", &b, NULL));
	JT_OK(query_uints(&q, "v", 2, v, &n_v, NULL));
	assert_true(n == UINT64_MAX && word == 1 && b && n_v == 2 &&
	    v[0] == 7 && v[1] == 8);
	JT_ERR(query_end(&q, &why), JIT_E_FORMAT);
	assert_non_null(strstr(why.msg, "\"left\""));
}

static void
try_both(void *arg, struct span s)
{
	JIT_DONE(query_done) struct query q = { 0 };
	struct path p;

	(void)arg;
	(void)path_parse(s, &p, NULL);
	(void)query_parse(s, &q, NULL);
}

static void
flips(void **state)
{
	(void)state;
	jt_flip_truncate(span_str("/v1/requests/01JDE0V5Y8"), try_both, NULL);
	jt_flip_truncate(span_str("since=18&wait=25000&q=%C3%B6"), try_both,
	    NULL);
}

int
main(void)
{
	return JT_ROWS("path", path_row, paths) +
	    jt_one("path: every byte", path_bytes) +
	    JT_ROWS("query", query_row, queries) +
	    jt_one("query: every byte", query_bytes) +
	    JT_ROWS("typed", typed_row, typed) +
	    jt_one("values", values) + jt_one("flips", flips);
}
