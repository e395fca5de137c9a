#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/text.h"

static struct {
	const char *program;
	int fd;
	enum log_level level;
	utc_s (*now)(void);
	unsigned long lost;	/* lines; atomic */
} to = { .program = "-", .fd = STDERR_FILENO, .level = LOG_L_INFO };

static const char *const level_name[] = {
	[LOG_L_ERROR] = "error", [LOG_L_WARN] = "warn",
	[LOG_L_INFO] = "info", [LOG_L_DEBUG] = "debug",
};
#define LEVELS (sizeof(level_name) / sizeof(level_name[0]))

/* Room kept for lost, cut and the line feed. */
#define TAIL_MAX 64
/* A field at its longest: each byte of a value as \xHH. */
#define FIELD_MAX (4 * LOG_VALUE_MAX + TAIL_MAX)

void
log_setup(const char *program, int fd, enum log_level level,
    utc_s (*now)(void))
{
	to.program = program;
	to.fd = fd;
	to.level = level;
	to.now = now;
	(void)__atomic_exchange_n(&to.lost, 0, __ATOMIC_RELAXED);
}

enum jit_err
log_level_parse(const char *s, enum log_level *ret)
{
	for (size_t i = 0; i < LEVELS; i++)
		if (strcmp(s, level_name[i]) == 0) {
			*ret = (enum log_level)i;
			return JIT_OK;
		}
	return JIT_E_ARG;
}

struct span
log_text(const char *s)
{
	return span_str(s != NULL ? s : "-");
}

static const char *
name_of(const char *s)
{
	return text_is_name(span_str(s)) ? s : "?";
}

/* text_escape() leaves quotes alone: go from one to the next. */
static void
put_value(struct wr *w, struct span s)
{
	size_t left = LOG_VALUE_MAX;

	while (s.n > 0 && w->err == JIT_OK) {
		const uint8_t *q = memchr(s.p, '"', s.n);
		size_t n = q != NULL ? (size_t)(q - s.p) : s.n;

		text_escape(w, SPAN(s.p, n), left);
		if (n > left || q == NULL)
			return;
		if (n == left) {
			wr_str(w, "...");
			return;
		}
		wr_str(w, "\\\"");
		left -= n + 1;
		s = SPAN(q + 1, s.n - n - 1);
	}
}

static void
put_field(struct wr *w, const struct log_field *f)
{
	wr_fmt(w, " %s=\"", name_of(f->key));
	if (f->kind == LOG_K_NUM)
		wr_fmt(w, "%lld", (long long)f->num);
	else
		put_value(w, f->text);
	wr_u8(w, '"');
}

static void
put_line(struct wr *w, enum log_level level, const char *event,
    const struct log_field *f, size_t n)
{
	char now[UTC_TEXT] = "-";
	bool cut = false;

	if (to.now != NULL)
		utc_text(to.now(), now);
	wr_fmt(w, "%s %s %s %s", now, level_name[level], name_of(to.program),
	    name_of(event));
	for (size_t i = 1; i < n; i++) {
		JIT_DONE(wr_done) struct wr one = WR_INIT(FIELD_MAX);

		put_field(&one, &f[i]);
		if (one.err == JIT_OK && w->n + one.n + TAIL_MAX < w->max)
			wr_span(w, wr_view(&one));
		else
			cut = true;
	}
	if (cut)
		wr_str(w, " cut=\"true\"");
}

static bool
put_out(struct span s)
{
	ssize_t n;

	do
		n = write(to.fd, s.p, s.n);
	while (n < 0 && errno == EINTR);
	/* A part of a line is on its way: the rest would only tear another. */
	return n > 0 && (size_t)n == s.n;
}

void
log_fields(enum log_level level, const char *event,
    const struct log_field *f, size_t n)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(LOG_LINE_MAX);
	int saved = errno;
	unsigned long lost;

	if (level > to.level || (size_t)level >= LEVELS)
		return;
	put_line(&w, level, event, f, n);
	lost = __atomic_exchange_n(&to.lost, 0, __ATOMIC_RELAXED);
	if (lost > 0)
		wr_fmt(&w, " lost=\"%lu\"", lost);
	wr_u8(&w, '\n');
	if (w.err != JIT_OK || !put_out(wr_view(&w)))
		(void)__atomic_add_fetch(&to.lost, lost + 1, __ATOMIC_RELAXED);
	errno = saved;
}
