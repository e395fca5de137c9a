#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ca/grant/lines.h"

void
lines_fail(struct lines *l, enum jit_err err, const char *fmt, ...)
{
	char msg[256];
	va_list ap;

	if (l->err != JIT_OK)
		return;
	va_start(ap, fmt);
	if (vsnprintf(msg, sizeof(msg), fmt, ap) < 0)
		msg[0] = '\0';
	va_end(ap);
	l->err = jit_fail(l->why, err, "line %u: %s", l->line, msg);
	l->left = SPAN_NONE;
}

/* The next line without its LF. */
static struct span
next_line(struct lines *l)
{
	struct span line;

	if (l->err != JIT_OK)
		return SPAN_NONE;
	l->line++;
	if (span_take_line(&l->left, &line))
		return line;
	lines_fail(l, JIT_E_FORMAT, "the text ends here");
	return SPAN_NONE;
}

struct lines
lines_open(struct span s, const char *kind, struct jit_why *why)
{
	struct lines l = { .left = s, .err = JIT_OK, .why = why };
	char want[64], shown[64];
	struct span line = next_line(&l);

	(void)snprintf(want, sizeof(want), "jit-cert %s v1", kind);
	if (l.err == JIT_OK && !span_eq_str(line, want))
		lines_fail(&l, JIT_E_FORMAT, "found \"%s\", accepted is \"%s\"",
		    text_shown(line, shown, sizeof(shown)), want);
	return l;
}

static bool
begins(struct span line, const char *name)
{
	size_t n = strlen(name);

	return line.n > n + 2 && memcmp(line.p, name, n) == 0 &&
	    line.p[n] == ':' && line.p[n + 1] == ' ';
}

bool
lines_more(const struct lines *l, const char *name)
{
	return l->err == JIT_OK && begins(l->left, name);
}

struct span
lines_value(struct lines *l, const char *name)
{
	struct span line = next_line(l);
	size_t skip = strlen(name) + 2;
	char shown[64];

	if (l->err != JIT_OK)
		return SPAN_NONE;
	if (!begins(line, name)) {
		lines_fail(l, JIT_E_FORMAT,
		    "found \"%s\", accepted is \"%s: ...\"",
		    text_shown(line, shown, sizeof(shown)), name);
		return SPAN_NONE;
	}
	return SPAN(line.p + skip, line.n - skip);
}

struct span
lines_ascii(struct lines *l, const char *name)
{
	struct span v = lines_value(l, name);

	if (l->err == JIT_OK && !text_is_ascii(v)) {
		lines_fail(l, JIT_E_UTF8, "%s holds a character outside "
		    "printable ASCII", name);
		return SPAN_NONE;
	}
	return v;
}

/* Complain about a value that its parser refused. */
static void
refuse(struct lines *l, const char *name, struct span v, const char *accepted)
{
	char shown[TEXT_SHOWN];

	lines_fail(l, JIT_E_FORMAT, "%s: found \"%s\", accepted is %s", name,
	    text_shown(v, shown, 80), accepted);
}

struct span
lines_name(struct lines *l, const char *name)
{
	struct span v = lines_ascii(l, name);

	if (l->err == JIT_OK && !text_is_name(v)) {
		refuse(l, name, v, "a name of 1 to 32 of a-z 0-9 . _ -, "
		    "beginning with a letter or digit");
		return SPAN_NONE;
	}
	return v;
}

struct span
lines_plain(struct lines *l, const char *name, size_t max)
{
	struct span v = lines_value(l, name);
	struct jit_why why = { 0 };

	if (l->err != JIT_OK || span_eq_str(v, "-"))
		return SPAN_NONE;
	if (v.n > max)
		lines_fail(l, JIT_E_SIZE, "%s has %zu bytes, accepted are at "
		    "most %zu", name, v.n, max);
	else if (text_check_plain(v, &why) != JIT_OK)
		lines_fail(l, JIT_E_UTF8, "%s: %s", name, why.msg);
	return l->err == JIT_OK ? v : SPAN_NONE;
}

utc_s
lines_utc(struct lines *l, const char *name)
{
	struct span v = lines_ascii(l, name);
	utc_s t = 0;

	if (l->err == JIT_OK && utc_parse(v, &t) != JIT_OK)
		refuse(l, name, v, "a moment like 2026-11-23T20:58:11Z");
	return t;
}

dur_s
lines_dur(struct lines *l, const char *name)
{
	struct span v = lines_ascii(l, name);
	dur_s d = 0;

	if (l->err == JIT_OK && dur_parse(v, &d) != JIT_OK)
		refuse(l, name, v, "a duration like 45m or 8h, in its "
		    "largest exact unit");
	return d;
}

dur_s
lines_dur_or_none(struct lines *l, const char *name)
{
	struct lines before = *l;

	if (span_eq_str(lines_value(l, name), "-") || l->err != JIT_OK)
		return 0;
	*l = before;
	return lines_dur(l, name);
}

void
lines_digest(struct lines *l, const char *name, struct digest *ret)
{
	struct span v = lines_ascii(l, name);

	if (l->err == JIT_OK && digest_parse(v, ret) != JIT_OK)
		refuse(l, name, v, "sha256: and 64 lower-case hex digits");
}

void
lines_ulid(struct lines *l, const char *name, struct ulid *ret)
{
	struct span v = lines_ascii(l, name);

	if (l->err == JIT_OK && ulid_parse(v, ret) != JIT_OK)
		refuse(l, name, v, "a ULID of 26 characters");
}

uint64_t
lines_uint(struct lines *l, const char *name, uint64_t max)
{
	struct span v = lines_ascii(l, name);
	uint64_t n = 0;
	char range[64];

	if (l->err == JIT_OK && uint_parse(v, max, &n) != JIT_OK) {
		(void)snprintf(range, sizeof(range), "a decimal number up to "
		    "%llu", (unsigned long long)max);
		refuse(l, name, v, range);
	}
	return n;
}

size_t
lines_list(struct lines *l, const char *name, struct span *ret, size_t max)
{
	size_t n = 0;

	while (lines_more(l, name)) {
		struct span v = lines_ascii(l, name);

		if (l->err != JIT_OK)
			return 0;
		if (n == max) {
			lines_fail(l, JIT_E_SIZE, "more than %zu lines of %s",
			    max, name);
			return 0;
		}
		if (n > 0 && span_cmp(ret[n - 1], v) >= 0) {
			lines_fail(l, JIT_E_CANON, "%s lines are not sorted "
			    "bytewise, each once", name);
			return 0;
		}
		ret[n++] = v;
	}
	return n;
}

size_t
lines_names(struct lines *l, const char *name, struct span *ret, size_t max)
{
	size_t n = lines_list(l, name, ret, max);

	for (size_t i = 0; i < n && l->err == JIT_OK; i++)
		if (!text_is_name(ret[i]))
			refuse(l, name, ret[i], "a name");
	return l->err == JIT_OK ? n : 0;
}

struct span
lines_rest(struct lines *l)
{
	struct span line = next_line(l), rest = l->left;

	if (l->err == JIT_OK && line.n > 0) {
		lines_fail(l, JIT_E_FORMAT, "accepted here is an empty line");
		return SPAN_NONE;
	}
	l->left = SPAN_NONE;
	return l->err == JIT_OK ? rest : SPAN_NONE;
}

enum jit_err
lines_end(struct lines *l)
{
	if (l->err == JIT_OK && l->left.n > 0) {
		l->line++;
		lines_fail(l, JIT_E_FORMAT, "the text should end here");
	}
	return l->err;
}

enum jit_err
lines_check_same(struct span text, const struct wr *w, struct jit_why *why)
{
	if (w->err != JIT_OK)
		return jit_fail(why, w->err, "cannot render the text again");
	if (!span_eq(text, wr_view(w)))
		return jit_fail(why, JIT_E_CANON, "rendered again, the text "
		    "differs: it is not in canonical form");
	return JIT_OK;
}

/* ---- writing ---- */

void
lines_put_head(struct wr *w, const char *kind)
{
	wr_fmt(w, "jit-cert %s v1\n", kind);
}

void
lines_put(struct wr *w, const char *name, struct span value)
{
	/* A line feed inside would be a line of its own: never written. */
	if (value.n > 0 && memchr(value.p, '\n', value.n) != NULL)
		wr_fail(w, JIT_E_FORMAT);
	wr_str(w, name);
	wr_str(w, ": ");
	if (value.n > 0)
		wr_span(w, value);
	else
		wr_u8(w, '-');
	wr_u8(w, '\n');
}

void
lines_put_str(struct wr *w, const char *name, const char *value)
{
	lines_put(w, name, span_str(value));
}

void
lines_put_utc(struct wr *w, const char *name, utc_s t)
{
	char s[UTC_TEXT];

	utc_text(t, s);
	lines_put_str(w, name, s);
}

void
lines_put_dur(struct wr *w, const char *name, dur_s d)
{
	char s[DUR_TEXT];

	dur_text(d, s);
	lines_put_str(w, name, s);
}

void
lines_put_digest(struct wr *w, const char *name, const struct digest *d)
{
	char s[DIGEST_TEXT];

	digest_text(d, s);
	lines_put_str(w, name, s);
}

void
lines_put_list(struct wr *w, const char *name, const struct span *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		lines_put(w, name, v[i]);
}
