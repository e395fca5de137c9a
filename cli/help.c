#include <string.h>

#include "cli/help.h"

#define TEXT_COLUMN 24
#define COLUMNS 79

static void
put_blanks(struct wr *w, size_t n)
{
	while (n-- > 0)
		wr_str(w, " ");
}

/* A sentence that begins in column, broken between words. */
static void
put_wrapped(struct wr *w, const char *s, size_t column)
{
	const size_t room = COLUMNS - column;

	for (;;) {
		size_t n = strlen(s), cut = n;

		if (n > room) {
			for (cut = room; cut > 0 && s[cut] != ' '; cut--)
				;
			if (cut == 0)
				cut = strcspn(s, " ");
		}
		wr_raw(w, s, cut);
		wr_str(w, "\n");
		s += cut;
		s += strspn(s, " ");
		if (*s == '\0')
			return;
		put_blanks(w, column);
	}
}

/* "  left      sentence": on the next line when left is long. */
static void
put_row(struct wr *w, const char *left, const char *sentence)
{
	size_t n = 2 + strlen(left);

	wr_fmt(w, "  %s", left);
	if (n + 2 > TEXT_COLUMN) {
		wr_str(w, "\n");
		n = 0;
	}
	put_blanks(w, TEXT_COLUMN - n);
	put_wrapped(w, sentence, TEXT_COLUMN);
}

static void
put_option(struct wr *w, const struct opt *o)
{
	JIT_DONE(wr_done) struct wr left = WR_INIT(1024);

	if (o->letter != 0)
		wr_fmt(&left, "-%c, ", o->letter);
	else
		wr_str(&left, "    ");
	wr_fmt(&left, "--%s%s%s", o->name, o->arg != NULL ? " " : "",
	    o->arg != NULL ? o->arg : "");
	wr_u8(&left, 0);
	if (left.err == JIT_OK)
		put_row(w, (const char *)left.p, o->sentence);
	wr_fail(w, left.err);
}

static void
put_globals(struct wr *w)
{
	wr_str(w, "\nEverywhere\n");
	for (size_t k = 0; k < OPT_COUNT; k++)
		if (opts[k].verbs == OPT_GLOBAL)
			put_option(w, &opts[k]);
}

static void
put_verb(struct wr *w, const struct verb *v)
{
	bool any = false;

	wr_fmt(w, "usage: jit-cert %s ", v->name);
	put_wrapped(w, v->synopsis, strlen("usage: jit-cert ") +
	    strlen(v->name) + 1);
	wr_str(w, "\n");
	put_wrapped(w, v->sentence, 0);
	for (size_t k = 0; k < OPT_COUNT; k++) {
		if (opts[k].verbs == OPT_GLOBAL || !opt_is_of(&opts[k], v->id))
			continue;
		if (!any)
			wr_str(w, "\n");
		any = true;
		put_option(w, &opts[k]);
	}
	put_globals(w);
}

void
help_put(struct wr *w, const struct verb *verbs, size_t n,
    const struct verb *verb)
{
	if (verb != NULL) {
		put_verb(w, verb);
		return;
	}
	wr_str(w, "usage: jit-cert [OPTION]... VERB [OPTION | OPERAND]... "
	    "[-- OPERAND...]\n");
	for (int s = 0; s < SECTION_COUNT; s++) {
		wr_fmt(w, "\n%s\n", section_title((enum section)s));
		for (size_t v = 0; v < n; v++)
			if ((int)verbs[v].section == s)
				put_row(w, verbs[v].name, verbs[v].sentence);
	}
	put_globals(w);
	wr_str(w, "\nMore of a verb: jit-cert VERB --help; exit statuses and "
	    "files: man jit-cert\n");
}
