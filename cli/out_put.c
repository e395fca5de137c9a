/* out_put - a printf whose text arguments are somebody else's. */
#include <stdarg.h>
#include <string.h>

#include "ca/base/text.h"
#include "cli/cli.h"
#include "cli/out_int.h"

#define SHOWN_MAX 16384		/* bytes of one argument */

/* Characters of ours, for a terminal that has ASCII alone. */
static const struct { const char *ours, *ascii; } instead[] = {
	{ "…", "..." }, { "·", "-" }, { "—", "-" }, { "→", "->" },
	{ "✓", "ok" }, { "✗", "no" },
};

static void
put_ascii(struct wr *w, const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof(instead) / sizeof(instead[0]); i++)
		if (span_eq_str(SPAN(s, n), instead[i].ours)) {
			wr_str(w, instead[i].ascii);
			return;
		}
	wr_str(w, "?");
}

/* What stands in a format between conversions: ours. */
static void
put_ours(const struct out *o, struct wr *w, const char *s, size_t n)
{
	while (n > 0) {
		uint32_t cp;
		size_t k = utf8_next(SPAN(s, n), &cp);

		if (k <= 1 || o->utf8)
			wr_raw(w, s, k = k > 0 ? k : 1);
		else
			put_ascii(w, s, k);
		s += k;
		n -= k;
	}
}

void
out_put_theirs(const struct out *o, struct wr *w, struct span s)
{
	if (o->utf8) {
		text_escape(w, s, SHOWN_MAX);
		return;
	}
	/* A byte alone: whatever is not ASCII is no character. */
	for (size_t i = 0; i < s.n && i < SHOWN_MAX; i++)
		text_escape(w, SPAN(s.p + i, 1), 1);
	if (s.n > SHOWN_MAX)
		wr_str(w, "...");
}

void
out_put_said(const struct out *o, struct wr *w, const char *msg)
{
	while (*msg != '\0') {
		size_t n = strcspn(msg, "\\");

		out_put_theirs(o, w, SPAN(msg, n));
		msg += n;
		if (*msg == '\\') {
			wr_str(w, "\\");
			msg++;
		}
	}
}

/* How wide an integer argument is: by its letters "", l, ll or z. */
enum wide { W_INT, W_LONG, W_LLONG, W_SIZE };

static enum wide
take_wide(const char **f)
{
	if (**f == 'z')
		return (*f)++, W_SIZE;
	if (**f != 'l')
		return W_INT;
	if (*++*f != 'l')
		return W_LONG;
	return (*f)++, W_LLONG;
}

static void
put_signed(struct wr *w, enum wide wide, va_list *ap)
{
	long long v = wide == W_INT ? va_arg(*ap, int) :
	    wide == W_LONG ? va_arg(*ap, long) :
	    wide == W_LLONG ? va_arg(*ap, long long) :
	    (long long)va_arg(*ap, size_t);

	wr_fmt(w, "%lld", v);
}

static void
put_unsigned(struct wr *w, enum wide wide, va_list *ap)
{
	unsigned long long v = wide == W_INT ? va_arg(*ap, unsigned) :
	    wide == W_LONG ? va_arg(*ap, unsigned long) :
	    wide == W_LLONG ? va_arg(*ap, unsigned long long) :
	    va_arg(*ap, size_t);

	wr_fmt(w, "%llu", v);
}

/* One conversion; f stands behind its "%".  Returns what follows it. */
static const char *
put_one(const struct out *o, struct wr *w, const char *f, va_list *ap)
{
	const uint8_t c = (uint8_t)*f;
	enum wide wide;

	if (strncmp(f, ".*s", 3) == 0) {
		int n = va_arg(*ap, int);
		const char *s = va_arg(*ap, const char *);

		if (s != NULL && n > 0)
			out_put_theirs(o, w, SPAN(s, (size_t)n));
		return f + 3;
	}
	if (c == 's') {
		const char *s = va_arg(*ap, const char *);

		out_put_theirs(o, w, span_str(s != NULL ? s : "-"));
		return f + 1;
	}
	if (c == 'c') {
		const uint8_t one = (uint8_t)va_arg(*ap, int);

		out_put_theirs(o, w, SPAN(&one, 1));
		return f + 1;
	}
	if (c == '%')
		return wr_str(w, "%"), f + 1;
	wide = take_wide(&f);
	if (*f == 'd')
		put_signed(w, wide, ap);
	else if (*f == 'u')
		put_unsigned(w, wide, ap);
	else
		abort();	/* a format that this printf does not know */
	return f + 1;
}

void
out_vput(const struct out *o, struct wr *w, const char *fmt, va_list *ap)
{
	while (*fmt != '\0') {
		size_t n = strcspn(fmt, "%");

		put_ours(o, w, fmt, n);
		fmt += n;
		if (*fmt == '%')
			fmt = put_one(o, w, fmt + 1, ap);
	}
}

void
out_put(const struct cli *c, struct wr *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out_vput(&c->out, w, fmt, &ap);
	va_end(ap);
}
