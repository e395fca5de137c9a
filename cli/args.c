#include <stdio.h>
#include <string.h>

#include "ca/base/text.h"
#include "cli/args.h"
#include "cli/when.h"

#define V(n) (UINT32_C(1) << VERB_##n)
#define GLOBAL OPT_GLOBAL
#define ONCE false
#define MANY true
const struct opt opts[] = {
#define X(n, verbs, name, c, arg, times, sentence)			\
	{ OPT_##n, (verbs), name, c, arg, times, sentence },
#include "cli/options.def"
#undef X
};
#undef V
#undef GLOBAL
#undef ONCE
#undef MANY

const char *
section_title(enum section s)
{
	static const char *const title[SECTION_COUNT] = {
		[SECTION_KNOWING] = "Knowing where you stand",
		[SECTION_ASKING] = "Asking",
		[SECTION_DECIDING] = "Deciding",
		[SECTION_PROVING] = "Proving",
	};

	return title[s];
}

/* ---- the nearest word ---- */

#define WORD_MAX 32

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance of two words of at most WORD_MAX bytes. */
static size_t
distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[WORD_MAX + 1];

	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			best = least(best, least(row[j], row[j - 1]) + 1);
			row[j] = best;
		}
	}
	return row[nb];
}

const char *
args_nearest(const char *typed, const char *const *list, size_t n)
{
	size_t len = strlen(typed), best = len / 3 > 1 ? len / 3 + 1 : 2;
	const char *ret = NULL;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t k = strlen(list[i]), d;

		if (k > WORD_MAX)
			continue;
		d = distance(typed, len, list[i], k);
		/* What begins so counts as one letter off. */
		if (len >= 2 && strncmp(typed, list[i], len) == 0)
			d = least(d, 1);
		if (d < best && d < len) {
			best = d;
			ret = list[i];
		}
	}
	return ret;
}

/* ---- parsing ---- */

struct parser {
	const struct verb *verbs;
	size_t nverbs;
	char *const *argv;
	size_t argc, i;		/* i: next to read */
	struct args a;
	struct jit_why *why;
};

static enum jit_err
unknown_verb(const struct parser *p, const char *s)
{
	JIT_SCOPED(free) const char **list = calloc(p->nverbs + 1,
	    sizeof(*list));
	char shown[TEXT_SHOWN];
	const char *near;

	if (list == NULL)
		return JIT_E_NOMEM;
	for (size_t i = 0; i < p->nverbs; i++)
		list[i] = p->verbs[i].name;
	near = args_nearest(s, list, p->nverbs);
	return jit_fail(p->why, JIT_E_ARG, "\"%s\" is no verb%s%s%s (jit-cert "
	    "--help lists them)", text_shown(span_str(s), shown,
	    sizeof(shown)), near != NULL ? "; did you mean \"" : "",
	    near != NULL ? near : "", near != NULL ? "\"?" : "");
}

/* " VERB" of the verb typed, or "": for "jit-cert wait --help". */
static void
verb_of(const struct parser *p, char ret[static WORD_MAX + 2])
{
	ret[0] = '\0';
	if (p->a.verb != NULL)
		(void)snprintf(ret, WORD_MAX + 2, " %s", p->a.verb->name);
}

static bool
may_have(const struct parser *p, const struct opt *o)
{
	if (o->verbs == OPT_GLOBAL)
		return true;
	return p->a.verb != NULL && opt_is_of(o, p->a.verb->id);
}

/* The verbs that have an option of that name, for a person: "a, b". */
static void
put_owners(const struct parser *p, struct wr *w, struct span name)
{
	for (size_t v = 0; v < p->nverbs; v++)
		for (size_t k = 0; k < OPT_COUNT; k++) {
			if (!span_eq_str(name, opts[k].name) ||
			    !opt_is_of(&opts[k], p->verbs[v].id))
				continue;
			wr_str(w, w->n > 0 ? ", " : "");
			wr_str(w, p->verbs[v].name);
		}
	wr_u8(w, 0);
}

static enum jit_err
unknown_option(const struct parser *p, const char *s, struct span name)
{
	JIT_DONE(wr_done) struct wr owners = WR_INIT(1024);
	JIT_DONE(wr_done) struct wr word = WR_INIT(4096);
	char shown[TEXT_SHOWN], verb[WORD_MAX + 2];
	const char *list[OPT_COUNT], *near = NULL;
	size_t n = 0;

	verb_of(p, verb);
	(void)text_shown(SPAN(s, strcspn(s, "=")), shown, sizeof(shown));
	put_owners(p, &owners, name);
	if (owners.err == JIT_OK && owners.n > 1)
		return jit_fail(p->why, JIT_E_ARG, p->a.verb == NULL ?
		    "%s stands before the verb%s; it is an option of %s" :
		    "%s is no option of%s, it is one of %s",
		    shown, verb, (const char *)owners.p);
	for (size_t k = 0; k < OPT_COUNT; k++)
		if (may_have(p, &opts[k]))
			list[n++] = opts[k].name;
	wr_span(&word, name);
	wr_u8(&word, 0);
	if (word.err == JIT_OK)
		near = args_nearest((const char *)word.p, list, n);
	return jit_fail(p->why, JIT_E_ARG, "%s is no option%s%s%s%s%s "
	    "(jit-cert%s --help lists them)", shown, verb[0] != '\0' ? " of" :
	    "", verb, near != NULL ? "; did you mean --" : "",
	    near != NULL ? near : "", near != NULL ? "?" : "", verb);
}

static enum jit_err
add_value(struct parser *p, const struct opt *o, const char *text)
{
	if (!o->many && args_has(&p->a, o->id))
		return jit_fail(p->why, JIT_E_ARG, "--%s is given twice",
		    o->name);
	if (o->verbs == OPT_GLOBAL && o->arg != NULL && text[0] == '\0')
		return jit_fail(p->why, JIT_E_ARG, "--%s needs %s; found "
		    "nothing", o->name, o->arg);
	p->a.value[p->a.nvalues++] = (struct args_value){ o->id, text };
	return JIT_OK;
}

/* An option without its value in the same word: the next word, or none. */
static enum jit_err
take_value(struct parser *p, const struct opt *o)
{
	char shown[TEXT_SHOWN];
	const char *next;

	if (o->arg == NULL)
		return add_value(p, o, "");
	if (p->i >= p->argc)
		return jit_fail(p->why, JIT_E_ARG, "--%s needs %s; found the "
		    "end of the line", o->name, o->arg);
	next = p->argv[p->i];
	if (next[0] == '-' && next[1] != '\0') {
		(void)text_shown(span_str(next), shown, sizeof(shown));
		return jit_fail(p->why, JIT_E_ARG, "--%s needs %s; found %s "
		    "(if that is meant: --%s=%s)", o->name, o->arg, shown,
		    o->name, shown);
	}
	p->i++;
	return add_value(p, o, next);
}

/* "--name" or "--name=value" */
static enum jit_err
take_long(struct parser *p, const char *s)
{
	const struct span name = SPAN(s + 2, strcspn(s + 2, "="));
	const char *value = s[2 + name.n] == '=' ? s + 3 + name.n : NULL;
	char shown[TEXT_SHOWN];

	for (size_t k = 0; k < OPT_COUNT; k++) {
		const struct opt *o = &opts[k];

		if (!may_have(p, o) || !span_eq_str(name, o->name))
			continue;
		if (value == NULL)
			return take_value(p, o);
		if (o->arg == NULL)
			return jit_fail(p->why, JIT_E_ARG, "--%s takes no "
			    "value; found \"%s\"", o->name,
			    text_shown(span_str(value), shown, sizeof(shown)));
		return add_value(p, o, value);
	}
	return unknown_option(p, s, name);
}

/* "-c" */
static enum jit_err
take_short(struct parser *p, const char *s)
{
	char shown[TEXT_SHOWN], verb[WORD_MAX + 2];

	for (size_t k = 0; s[2] == '\0' && k < OPT_COUNT; k++)
		if (may_have(p, &opts[k]) && opts[k].letter == s[1])
			return take_value(p, &opts[k]);
	(void)text_shown(span_str(s), shown, sizeof(shown));
	if (s[2] != '\0')
		return jit_fail(p->why, JIT_E_ARG, "%s: one letter after a "
		    "single \"-\", or a name after \"--\"; what another "
		    "program shall have stands after \" -- \"", shown);
	verb_of(p, verb);
	return jit_fail(p->why, JIT_E_ARG, "%s is no option%s%s (jit-cert%s "
	    "--help lists them)", shown, verb[0] != '\0' ? " of" : "", verb,
	    verb);
}

static enum jit_err
take_word(struct parser *p, const char *s)
{
	if (p->a.verb != NULL) {
		p->a.operand[p->a.n++] = s;
		return JIT_OK;
	}
	for (size_t v = 0; v < p->nverbs; v++)
		if (strcmp(p->verbs[v].name, s) == 0) {
			p->a.verb = &p->verbs[v];
			return JIT_OK;
		}
	return unknown_verb(p, s);
}

static enum jit_err
take_all(struct parser *p)
{
	bool dashes = false;

	p->a.dashes = SIZE_MAX;
	while (p->i < p->argc) {
		const char *s = p->argv[p->i++];

		if (dashes || s[0] != '-' || s[1] == '\0') {
			JIT_TRY(take_word(p, s));
		} else if (strcmp(s, "--") == 0) {
			dashes = true;
			p->a.dashes = p->a.n;
		} else if (s[1] == '-') {
			JIT_TRY(take_long(p, s));
		} else {
			JIT_TRY(take_short(p, s));
		}
	}
	if (!dashes)
		p->a.dashes = p->a.n;
	return JIT_OK;
}

static enum jit_err
check_operands(const struct parser *p)
{
	const struct args *a = &p->a;
	const struct verb *v = a->verb;
	char shown[TEXT_SHOWN];

	if (v == NULL || args_has(a, OPT_HELP) || args_has(a, OPT_VERSION))
		return JIT_OK;
	if (a->n < v->min)
		return jit_fail(p->why, JIT_E_ARG, "%s needs more: jit-cert %s"
		    " %s", v->name, v->name, v->synopsis);
	if (a->n <= v->max)
		return JIT_OK;
	(void)text_shown(span_str(a->operand[v->max]), shown, sizeof(shown));
	return jit_fail(p->why, JIT_E_ARG, "%s: \"%s\" is one word too many: "
	    "jit-cert %s%s%s", v->name, shown, v->name,
	    v->synopsis[0] != '\0' ? " " : "", v->synopsis);
}

enum jit_err
args_parse(const struct verb *verbs, size_t n, int argc, char *const argv[],
    struct args *ret, struct jit_why *why)
{
	struct parser p = { .verbs = verbs, .nverbs = n, .argv = argv,
		.argc = argc > 0 ? (size_t)argc : 0, .i = 1, .why = why };
	enum jit_err e = JIT_OK;

	p.a.value = calloc(p.argc + 1, sizeof(*p.a.value));
	p.a.operand = calloc(p.argc + 1, sizeof(*p.a.operand));
	if (p.a.value == NULL || p.a.operand == NULL)
		e = jit_fail(why, JIT_E_NOMEM, "out of memory");
	if (e == JIT_OK)
		e = take_all(&p);
	if (e == JIT_OK)
		e = check_operands(&p);
	if (e != JIT_OK) {
		args_done(&p.a);
		return e;
	}
	*ret = p.a;
	return JIT_OK;
}

void
args_done(struct args *a)
{
	free(a->value);
	free(a->operand);
	*a = (struct args){ 0 };
}

/* ---- what was given ---- */

const char *
args_nth(const struct args *a, enum opt_id id, size_t i)
{
	for (size_t k = 0; k < a->nvalues; k++)
		if (a->value[k].id == id && i-- == 0)
			return a->value[k].text;
	return NULL;
}

const char *
args_get(const struct args *a, enum opt_id id)
{
	return args_nth(a, id, 0);
}

bool
args_has(const struct args *a, enum opt_id id)
{
	return args_get(a, id) != NULL;
}

enum jit_err
args_dur(const struct args *a, enum opt_id id, dur_s *ret,
    struct jit_why *why)
{
	const char *s = args_get(a, id);
	char shown[TEXT_SHOWN];

	if (s == NULL || dur_parse_loose(s, ret) == JIT_OK)
		return JIT_OK;
	return jit_fail(why, JIT_E_ARG, "--%s: \"%s\" is no duration; 45m, "
	    "1h30m, 8h and 1d are", opts[id].name,
	    text_shown(span_str(s), shown, sizeof(shown)));
}

enum jit_err
args_when(const struct args *a, enum opt_id id, bool ahead, utc_s now,
    utc_s *ret, struct jit_why *why)
{
	const char *s = args_get(a, id);
	enum jit_err e;

	if (s == NULL)
		return JIT_OK;
	if ((e = when_parse(s, ahead, now, ret, why)) != JIT_OK)
		return jit_at(why, e, "--%s", opts[id].name);
	return JIT_OK;
}
