#include <stdio.h>
#include <string.h>

#include "api/http/query.h"

/* A byte as a person may read it: 'a', or 0x07. */
static const char *
byte_shown(uint8_t c, char ret[static 8])
{
	static const char digits[] = "0123456789abcdef";

	if (c > 0x20 && c < 0x7f) {
		memcpy(ret, "'c'", 4);
		ret[1] = (char)c;
	} else {
		memcpy(ret, "0xHH", 5);
		ret[2] = digits[c >> 4];
		ret[3] = digits[c & 15];
	}
	return ret;
}

static bool
is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

/* RFC 3986 section 2.3. */
static bool
is_unreserved(uint8_t c)
{
	return is_alnum(c) || (c != 0 && strchr("._~-", c) != NULL);
}

/* ---- the path ---- */

static enum jit_err
segment_check(struct span s, struct jit_why *why)
{
	char shown[8];

	for (size_t i = 0; i < s.n; i++)
		if (!is_unreserved(s.p[i]))
			return jit_fail(why, JIT_E_FORMAT, "%s in the path: "
			    "letters, digits and . _ ~ - are accepted, "
			    "nothing percent-encoded",
			    byte_shown(s.p[i], shown));
	if (s.n == 0)
		return jit_fail(why, JIT_E_FORMAT, "the path has an empty "
		    "segment: single slashes between segments are accepted, "
		    "none at the end");
	if (span_eq_str(s, ".") || span_eq_str(s, ".."))
		return jit_fail(why, JIT_E_FORMAT,
		    "the path has a segment of dots only");
	return JIT_OK;
}

/* Up to the first c, which goes too; all of it when there is none. */
static struct span
take_until(struct span *s, uint8_t c)
{
	const uint8_t *at = s->n == 0 ? NULL : memchr(s->p, c, s->n);
	size_t n = at == NULL ? s->n : (size_t)(at - s->p);
	struct span ret = { s->p, n };
	size_t gone = at == NULL ? n : n + 1;

	if (s->n > 0)
		*s = (struct span){ s->p + gone, s->n - gone };
	return ret;
}

enum jit_err
path_parse(struct span s, struct path *ret, struct jit_why *why)
{
	struct path path = { 0 };
	struct span left = s;

	if (s.n > TARGET_MAX)
		return jit_fail(why, JIT_E_SIZE,
		    "a path of %zu bytes, %d are accepted", s.n, TARGET_MAX);
	if (s.n == 0 || s.p[0] != '/')
		return jit_fail(why, JIT_E_FORMAT,
		    "the target does not begin with a slash");
	(void)take_until(&left, '/');
	if (left.n == 0) {
		*ret = path;
		return JIT_OK;
	}
	for (;;) {
		bool last = memchr(left.p, '/', left.n) == NULL;
		struct span seg = take_until(&left, '/');

		JIT_TRY(segment_check(seg, why));
		if (path.n == PATH_SEGMENTS)
			return jit_fail(why, JIT_E_SIZE,
			    "the path has more than %d segments",
			    PATH_SEGMENTS);
		path.v[path.n++] = seg;
		if (last)
			break;
		if (left.n == 0)
			return segment_check(left, why);
	}
	*ret = path;
	return JIT_OK;
}

/* ---- the query ---- */

static enum jit_err
name_check(struct span s, struct jit_why *why)
{
	char shown[TEXT_SHOWN];
	bool ok = s.n >= 1 && s.n <= 32;

	for (size_t i = 0; ok && i < s.n; i++)
		ok = (s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_';
	if (!ok)
		return jit_fail(why, JIT_E_FORMAT, "\"%s\" in the query: a "
		    "name is 1 to 32 of a-z and _",
		    text_shown(s, shown, sizeof(shown)));
	return JIT_OK;
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* RFC 3986 section 3.4, without "&" and "%". */
static bool
is_query_char(uint8_t c)
{
	return is_unreserved(c) ||
	    (c != 0 && strchr("!$'()*+,;=:@/?", c) != NULL);
}

static enum jit_err
decode(struct span s, struct wr *w, struct jit_why *why)
{
	char shown[8];

	for (size_t i = 0; i < s.n; i++) {
		int hi, lo;

		if (s.p[i] != '%') {
			if (!is_query_char(s.p[i]))
				return jit_fail(why, JIT_E_FORMAT, "%s in the "
				    "query: it is to be percent-encoded",
				    byte_shown(s.p[i], shown));
			wr_u8(w, s.p[i]);
			continue;
		}
		hi = s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1;
		lo = s.n - i > 2 ? hex_digit(s.p[i + 2]) : -1;
		if (hi < 0 || lo < 0)
			return jit_fail(why, JIT_E_FORMAT, "a %% in the query "
			    "that two hex digits do not follow");
		wr_u8(w, (uint8_t)(hi << 4 | lo));
		i += 2;
	}
	return w->err;
}

/* Its place, or q->n. */
static size_t
find(const struct query *q, struct span name)
{
	size_t i = 0;

	while (i < q->n && !span_eq(q->v[i].name, name))
		i++;
	return i;
}

static enum jit_err
pair_add(struct query *q, struct span pair, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TARGET_MAX);
	bool valued = pair.n > 0 && memchr(pair.p, '=', pair.n) != NULL;
	struct span name = take_until(&pair, '=');
	char shown[TEXT_SHOWN];

	JIT_TRY(name_check(name, why));
	text_shown(name, shown, sizeof(shown));
	if (!valued)
		return jit_fail(why, JIT_E_FORMAT,
		    "\"%s\" in the query has no value", shown);
	if (find(q, name) < q->n)
		return jit_fail(why, JIT_E_FORMAT,
		    "\"%s\" stands in the query twice", shown);
	if (q->n == QUERY_MAX)
		return jit_fail(why, JIT_E_SIZE,
		    "the query has more than %d names", QUERY_MAX);
	JIT_TRY(decode(pair, &w, why));
	enum jit_err e = text_check_plain(wr_view(&w), why);
	if (e != JIT_OK)
		return jit_at(why, e, "\"%s\" in the query", shown);
	JIT_TRY(wr_take(&w, &q->v[q->n].value));
	q->v[q->n++].name = name;
	return JIT_OK;
}

enum jit_err
query_parse(struct span s, struct query *ret, struct jit_why *why)
{
	JIT_DONE(query_done) struct query q = { 0 };

	if (s.n > TARGET_MAX)
		return jit_fail(why, JIT_E_SIZE,
		    "a query of %zu bytes, %d are accepted", s.n, TARGET_MAX);
	while (s.n > 0) {
		bool last = memchr(s.p, '&', s.n) == NULL;

		JIT_TRY(pair_add(&q, take_until(&s, '&'), why));
		if (!last && s.n == 0)
			return jit_fail(why, JIT_E_FORMAT,
			    "the query ends in \"&\"");
	}
	*ret = q;
	q.n = 0;
	return JIT_OK;
}

void
query_done(struct query *q)
{
	for (size_t i = 0; i < q->n; i++)
		buf_done(&q->v[i].value);
	*q = (struct query){ 0 };
}

/* ---- typed readers ---- */

/* Its value, used from now on; false when it is absent. */
static bool
take(struct query *q, const char *name, struct span *ret)
{
	size_t i = find(q, span_str(name));

	if (i == q->n)
		return false;
	q->used[i] = true;
	*ret = BUF_SPAN(q->v[i].value);
	return true;
}

static enum jit_err
refuse(struct jit_why *why, const char *name, struct span found,
    const char *accepted)
{
	char shown[64];

	return jit_fail(why, JIT_E_FORMAT, "\"%s\" in the query: %s is "
	    "accepted, found \"%s\"", name, accepted,
	    text_shown(found, shown, sizeof(shown)));
}

enum jit_err
query_uint(struct query *q, const char *name, uint64_t max, uint64_t *ret,
    struct jit_why *why)
{
	struct span s;
	char accepted[64];

	if (!take(q, name, &s) || uint_parse(s, max, ret) == JIT_OK)
		return JIT_OK;
	(void)snprintf(accepted, sizeof(accepted), "a number of 0 to %llu",
	    (unsigned long long)max);
	return refuse(why, name, s, accepted);
}

enum jit_err
query_bool(struct query *q, const char *name, bool *ret, struct jit_why *why)
{
	struct span s;

	if (!take(q, name, &s))
		return JIT_OK;
	if (!span_eq_str(s, "true") && !span_eq_str(s, "false"))
		return refuse(why, name, s, "true or false");
	*ret = span_eq_str(s, "true");
	return JIT_OK;
}

enum jit_err
query_text(struct query *q, const char *name, size_t max, struct span *ret,
    struct jit_why *why)
{
	struct span s;
	char accepted[64];

	if (!take(q, name, &s))
		return JIT_OK;
	if (s.n == 0 || s.n > max) {
		(void)snprintf(accepted, sizeof(accepted),
		    "a text of 1 to %zu bytes", max);
		return refuse(why, name, s, accepted);
	}
	*ret = s;
	return JIT_OK;
}

enum jit_err
query_utc(struct query *q, const char *name, utc_s *ret, struct jit_why *why)
{
	struct span s;

	if (!take(q, name, &s) || utc_parse(s, ret) == JIT_OK)
		return JIT_OK;
	return refuse(why, name, s, "a time like 2026-11-23T20:58:11Z");
}

enum jit_err
query_word(struct query *q, const char *name, const char *const *words,
    unsigned *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(256);
	struct span s;

	if (!take(q, name, &s))
		return JIT_OK;
	for (unsigned i = 0; words[i] != NULL; i++) {
		if (span_eq_str(s, words[i])) {
			*ret = i;
			return JIT_OK;
		}
		wr_fmt(&w, "%s%s", i == 0 ? "" :
		    words[i + 1] == NULL ? " or " : ", ", words[i]);
	}
	wr_u8(&w, 0);
	return refuse(why, name, s, w.err == JIT_OK ? (const char *)w.p :
	    "one of its words");
}

enum jit_err
query_uints(struct query *q, const char *name, size_t max, uint64_t *ret,
    size_t *n, struct jit_why *why)
{
	struct span s, left;
	char accepted[80];
	size_t got = 0;
	bool more = true;

	if (!take(q, name, &s))
		return JIT_OK;
	for (left = s; more; got++) {
		more = left.n > 0 && memchr(left.p, ',', left.n) != NULL;
		if (got < max && uint_parse(take_until(&left, ','),
		    UINT64_MAX, &ret[got]) == JIT_OK)
			continue;
		(void)snprintf(accepted, sizeof(accepted),
		    "1 to %zu numbers with \",\" between", max);
		return refuse(why, name, s, accepted);
	}
	*n = got;
	return JIT_OK;
}

enum jit_err
query_end(const struct query *q, struct jit_why *why)
{
	char shown[TEXT_SHOWN];

	for (size_t i = 0; i < q->n; i++)
		if (!q->used[i])
			return jit_fail(why, JIT_E_FORMAT, "\"%s\" in the "
			    "query is not known here", text_shown(q->v[i].name,
			    shown, sizeof(shown)));
	return JIT_OK;
}
