#define _XOPEN_SOURCE 700
#include <langinfo.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "cli/cli.h"
#include "cli/out_int.h"

#define WORD_COLUMN 11		/* where the sentence of an outcome begins */

void
out_init(struct out *o, int fd, int err_fd)
{
	*o = (struct out){ .fd = fd, .err_fd = err_fd, .say_fd = fd };
	o->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void
out_use_color(struct cli *c)
{
	const char *term = c->env.term;
	bool may = c->env.no_color == NULL && term != NULL &&
	    strcmp(term, "dumb") != 0;

	c->out.color = may && isatty(c->out.fd) == 1;
	c->out.err_color = may && isatty(c->out.err_fd) == 1;
}

void
out_fail(struct out *o, enum jit_err e, const struct jit_why *why)
{
	if (o->failed != JIT_OK)
		return;
	o->failed = e;
	if (why != NULL)
		o->why = *why;
}

void
out_write(struct out *o, int fd, const struct wr *w)
{
	struct jit_why why = { 0 };
	enum jit_err e = w->err;

	if (fd == o->fd && o->failed != JIT_OK)
		return;
	if (e == JIT_OK)
		e = sys_write_fd(fd, wr_view(w), &why);
	/* What standard error cannot take has nowhere to be told. */
	if (e != JIT_OK && fd == o->fd)
		out_fail(o, e, &why);
}

/* ---- words for people ---- */

static void
say_on(struct cli *c, int fd, const char *fmt, va_list *ap)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_LINE_MAX);

	if (c->out.json)
		return;
	out_vput(&c->out, &w, fmt, ap);
	out_write(&c->out, fd, &w);
}

void
out_say(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_on(c, c->out.say_fd, fmt, &ap);
	va_end(ap);
}

void
out_note(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_on(c, c->out.err_fd, fmt, &ap);
	va_end(ap);
}

void
out_say_on_stderr(struct cli *c)
{
	c->out.say_fd = c->out.err_fd;
}

void
out_text(struct cli *c, const char *indent, struct span text)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_LINE_MAX);
	struct span line;

	if (c->out.json)
		return;
	while (text.n > 0) {
		if (!span_take_line(&text, &line)) {
			line = text;
			text = SPAN_NONE;
		}
		wr_str(&w, indent);
		out_put_theirs(&c->out, &w, line);
		wr_str(&w, "\n");
	}
	out_write(&c->out, c->out.say_fd, &w);
}

/* ---- how it ended ---- */

/* {"error": ..., "message": ..., "exit": n} */
static void
say_json_error(struct cli *c, enum jit_err e, struct span msg, int status)
{
	json_t *o = json_pack("{s:s, s:o, s:i}", "error", jit_err_name(e),
	    "message", out_json_span(msg), "exit", status);

	out_json(c, o);
}

/* Green when it is done, yellow when it is open, else red. */
static const char *
color_of(int status)
{
	return status == CLI_DONE ? "\033[1;32m" :
	    status == CLI_WAITING ? "\033[1;33m" : "\033[1;31m";
}

/* The word, padded to its column; msg, whose later lines begin there too. */
static void
put_outcome(struct wr *w, const char *word, const char *color,
    struct span msg)
{
	wr_str(w, color != NULL ? color : "");
	wr_str(w, word);
	wr_str(w, color != NULL ? "\033[0m" : "");
	for (size_t n = strlen(word); n < WORD_COLUMN - 1; n++)
		wr_str(w, " ");
	wr_str(w, " ");
	for (size_t i = 0; i < msg.n; i++) {
		wr_u8(w, msg.p[i]);
		if (msg.p[i] == '\n' && i + 1 < msg.n)
			for (size_t n = 0; n < WORD_COLUMN; n++)
				wr_str(w, " ");
	}
	if (msg.n == 0 || msg.p[msg.n - 1] != '\n')
		wr_str(w, "\n");
}

int
out_outcome(struct cli *c, const char *word, enum jit_err e, const char *fmt,
    ...)
{
	JIT_DONE(wr_done) struct wr msg = WR_INIT(OUT_LINE_MAX);
	JIT_DONE(wr_done) struct wr w = WR_INIT(2 * OUT_LINE_MAX);
	const int status = jit_err_exit(e);
	va_list ap;

	va_start(ap, fmt);
	out_vput(&c->out, &msg, fmt, &ap);
	va_end(ap);
	if (c->out.json) {
		say_json_error(c, e, wr_view(&msg), status);
		return status;
	}
	put_outcome(&w, word, c->out.err_color ? color_of(status) : NULL,
	    wr_view(&msg));
	out_write(&c->out, c->out.err_fd, &w);
	return status;
}

int
out_error_exit(struct cli *c, enum jit_err e, const struct jit_why *why,
    int status)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_LINE_MAX);

	if (!c->out.json)
		wr_str(&w, "jit-cert: ");
	out_put_said(&c->out, &w, jit_why_text(why, e));
	if (c->out.json) {
		say_json_error(c, e, wr_view(&w), status);
		return status;
	}
	wr_str(&w, "\n");
	out_write(&c->out, c->out.err_fd, &w);
	return status;
}

int
out_error(struct cli *c, enum jit_err e, const struct jit_why *why)
{
	return out_error_exit(c, e, why, jit_err_exit(e));
}

/* ---- for programs ---- */

void
out_json(struct cli *c, json_t *o)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_LINE_MAX * 16);
	JIT_SCOPED(free) char *s = NULL;

	if (!c->out.json) {
		json_decref(o);
		return;
	}
	if (o != NULL)
		s = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(o);
	if (s == NULL) {
		out_fail(&c->out, JIT_E_NOMEM, NULL);
		return;
	}
	/* JSON lets DEL stand in a string; a terminal need not see it. */
	for (const char *p = s; *p != '\0'; p++)
		if (*p == 0x7f)
			wr_str(&w, "\\u007f");
		else
			wr_u8(&w, (uint8_t)*p);
	wr_str(&w, "\n");
	out_write(&c->out, c->out.fd, &w);
}

json_t *
out_json_span(struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_LINE_MAX * 4);
	json_t *o = json_stringn(s.n > 0 ? (const char *)s.p : "", s.n);

	if (o != NULL)
		return o;
	text_escape(&w, s, s.n);
	if (w.err != JIT_OK)
		return NULL;
	return json_stringn(w.n > 0 ? (const char *)w.p : "", w.n);
}

json_t *
out_json_utc(utc_s t)
{
	char s[UTC_TEXT];

	utc_text(t, s);
	return json_string(s);
}

void
out_bytes(struct cli *c, struct span s)
{
	struct jit_why why = { 0 };
	enum jit_err e;

	if (c->out.failed == JIT_OK &&
	    (e = sys_write_fd(c->out.fd, s, &why)) != JIT_OK)
		out_fail(&c->out, e, &why);
}
