#define _XOPEN_SOURCE 700
#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#include "ca/base/text.h"
#include "cli/cli.h"
#include "cli/out_int.h"

#define TABLE_MAX (16u << 20)	/* bytes of all cells */

size_t
out_width(const struct cli *c, struct span text)
{
	size_t columns = 0;

	while (text.n > 0) {
		uint32_t cp = 0;
		size_t n = utf8_next(text, &cp);
		/* wchar_t is the code point in a UTF-8 locale. */
		int k = n > 1 && c->out.utf8 ? wcwidth((wchar_t)cp) : 1;

		columns += k >= 0 ? (size_t)k : 1;
		n = n > 0 ? n : 1;
		text = SPAN(text.p + n, text.n - n);
	}
	return columns;
}

void
out_table_init(struct out_table *t, size_t columns)
{
	*t = (struct out_table){ .text = WR_INIT(TABLE_MAX),
		.columns = columns > 0 ? columns : 1 };
}

void
out_table_done(struct out_table *t)
{
	wr_done(&t->text);
	free(t->end);
	*t = (struct out_table){ .columns = 1 };
}

static enum jit_err
make_room(struct out_table *t)
{
	size_t cap = t->cap > 0 ? 2 * t->cap : 64;
	size_t *p;

	if (t->n < t->cap)
		return JIT_OK;
	if (cap > TABLE_MAX)
		return JIT_E_SIZE;
	if ((p = realloc(t->end, cap * sizeof(*p))) == NULL)
		return JIT_E_NOMEM;
	t->end = p;
	t->cap = cap;
	return JIT_OK;
}

void
out_cell(struct cli *c, struct out_table *t, const char *fmt, ...)
{
	va_list ap;

	if (t->err == JIT_OK)
		t->err = make_room(t);
	if (t->err != JIT_OK)
		return;
	va_start(ap, fmt);
	out_vput(&c->out, &t->text, fmt, &ap);
	va_end(ap);
	t->err = t->text.err;
	t->end[t->n++] = t->text.n;
}

static struct span
cell(const struct out_table *t, size_t i)
{
	size_t from = i > 0 ? t->end[i - 1] : 0;

	return SPAN(t->text.p + from, t->end[i] - from);
}

/* The widest of each column, ends of lines left out. */
static void
measure(const struct cli *c, const struct out_table *t, size_t *wide)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t k = out_width(c, cell(t, i));

		if (k > wide[i % t->columns])
			wide[i % t->columns] = k;
	}
}

static void
put_row(const struct cli *c, struct wr *w, const struct out_table *t,
    size_t first, const size_t *wide)
{
	size_t blanks = 0;

	for (size_t i = first; i < t->n && i < first + t->columns; i++) {
		size_t column = i - first, k = out_width(c, cell(t, i));

		/* A column that is empty in every row is not there. */
		if (wide[column] == 0)
			continue;
		/* Blanks only before something: none at the end of a line. */
		if (k > 0)
			for (; blanks > 0; blanks--)
				wr_str(w, " ");
		wr_span(w, cell(t, i));
		blanks += wide[column] - k + 2;
	}
	wr_str(w, "\n");
}

void
out_table_say(struct cli *c, const struct out_table *t, const char *indent)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8 * TABLE_MAX);
	JIT_SCOPED(free) size_t *wide = calloc(t->columns, sizeof(*wide));

	if (c->out.json)
		return;
	if (t->err != JIT_OK || wide == NULL) {
		out_fail(&c->out, wide == NULL ? JIT_E_NOMEM : t->err, NULL);
		return;
	}
	measure(c, t, wide);
	for (size_t i = 0; i < t->n; i += t->columns) {
		wr_str(&w, indent);
		put_row(c, &w, t, i, wide);
	}
	out_write(&c->out, c->out.say_fd, &w);
}
