/* tools - what a program must be told to use a client certificate. */
#include <string.h>

#include "ca/base/text.h"
#include "cli/tools.h"

const struct tool tools[] = {
#define X(n, commands, vars, args, first) { commands, vars, args, first },
#include "cli/tools.def"
#undef X
};

/* The next word of *list, which moves on.  False: there is none left. */
static bool
next_word(const char **list, struct span *ret)
{
	const char *s = *list + strspn(*list, " ");
	const size_t n = strcspn(s, " ");

	*ret = SPAN(s, n);
	*list = s + n;
	return n > 0;
}

static bool
has_word(const char *list, const char *word)
{
	struct span w;

	while (next_word(&list, &w))
		if (span_eq_str(w, word))
			return true;
	return false;
}

const struct tool *
tool_find(const char *command)
{
	const char *slash = strrchr(command, '/');
	const char *base = slash != NULL ? slash + 1 : command;

	for (size_t i = 0; i < TOOL_COUNT; i++)
		if (has_word(tools[i].commands, base))
			return &tools[i];
	return NULL;
}

enum jit_err
tool_named(const char *name, const struct tool **ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);
	char shown[TEXT_SHOWN];

	*ret = tool_find(name);
	if (strcmp(name, TOOL_NONE) == 0 || (*ret != NULL &&
	    strchr(name, '/') == NULL))
		return JIT_OK;
	for (size_t i = 0; i < TOOL_COUNT; i++) {
		const char *list = tools[i].commands;
		struct span first;

		(void)next_word(&list, &first);
		wr_span(&w, first);
		wr_str(&w, ", ");
	}
	wr_str(&w, TOOL_NONE);
	wr_u8(&w, 0);
	JIT_TRY(w.err);
	return jit_fail(why, JIT_E_ARG, "--tool: no tool \"%s\"; there are %s",
	    text_shown(span_str(name), shown, sizeof(shown)),
	    (const char *)w.p);
}

/* ---- putting it together ---- */

void
tool_run_done(struct tool_run *r)
{
	free(r->argv);
	for (size_t i = 0; i < r->n_own; i++)
		free(r->own[i]);
	*r = (struct tool_run){ .argc = 0 };
}

/* A word of the table with its {...} filled in. */
static void
put_filled(struct wr *w, struct span word, const struct tool_facts *f)
{
	const struct { const char *name, *value; } holes[] = {
		{ "{cert}", f->chain }, { "{key}", f->key }, { "{ca}", f->ca },
	};

	while (word.n > 0) {
		size_t skip = 0;

		for (size_t i = 0; i < 3 && skip == 0; i++) {
			const size_t n = strlen(holes[i].name);

			if (word.n < n || memcmp(word.p, holes[i].name, n) !=
			    0)
				continue;
			wr_str(w, holes[i].value);
			skip = n;
		}
		if (skip == 0)
			wr_u8(w, word.p[skip++]);
		word = SPAN(word.p + skip, word.n - skip);
	}
	wr_u8(w, 0);
}

static enum jit_err
own_filled(struct tool_run *r, struct span word, const struct tool_facts *f,
    char **ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	struct buf b = { NULL, 0 };

	if (r->n_own == sizeof(r->own) / sizeof(r->own[0]))
		return JIT_E_SIZE;
	put_filled(&w, word, f);
	JIT_TRY(wr_take(&w, &b));
	*ret = r->own[r->n_own++] = (char *)b.p;
	return JIT_OK;
}

static enum jit_err
add_var(struct tool_run *r, const char *name, const char *value)
{
	if (r->n_vars == TOOL_VARS)
		return JIT_E_SIZE;
	r->vars[r->n_vars++] = (struct child_var){ name, value };
	return JIT_OK;
}

static enum jit_err
add_vars(struct tool_run *r, const char *list, const struct tool_facts *f)
{
	struct span word;
	char *text = NULL, *eq;

	while (next_word(&list, &word)) {
		JIT_TRY(own_filled(r, word, f, &text));
		if ((eq = strchr(text, '=')) == NULL)
			return JIT_E_FORMAT;
		*eq = '\0';
		JIT_TRY(add_var(r, text, eq + 1));
	}
	return JIT_OK;
}

static enum jit_err
add_facts(struct tool_run *r, const struct tool_facts *f)
{
	const struct child_var all[] = {
		{ "JIT_CERT_FILE", f->cert }, { "JIT_CHAIN_FILE", f->chain },
		{ "JIT_CA_FILE", f->ca }, { "JIT_KEY_FILE", f->key },
		{ "JIT_REQUEST", f->request }, { "JIT_SERIAL", f->serial },
		{ "JIT_UNTIL", f->until },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		JIT_TRY(add_var(r, all[i].name, all[i].value));
	return JIT_OK;
}

/* Must this argument be the first of all? */
static bool
stays_first(const char *list, const char *arg)
{
	struct span word;

	while (next_word(&list, &word))
		if (strncmp(arg, (const char *)word.p, word.n) == 0)
			return true;
	return false;
}

static enum jit_err
add_args(struct tool_run *r, const struct tool *t,
    const struct tool_facts *f, const char *const *argv, size_t n)
{
	const char *list = t != NULL ? t->args : "";
	const size_t lead = t != NULL && n > 1 &&
	    stays_first(t->first, argv[1]) ? 2 : 1;
	struct span word;
	char *text = NULL;

	for (size_t i = 0; i < lead; i++)
		r->argv[r->argc++] = argv[i];
	while (next_word(&list, &word)) {
		JIT_TRY(own_filled(r, word, f, &text));
		r->argv[r->argc++] = text;
	}
	for (size_t i = lead; i < n; i++)
		r->argv[r->argc++] = argv[i];
	return JIT_OK;
}

enum jit_err
tool_prepare(const struct tool *t, const struct tool_facts *f,
    const char *const *argv, size_t n, struct tool_run *ret,
    struct jit_why *why)
{
	JIT_DONE(tool_run_done) struct tool_run r = { .argc = 0 };

	if (n > TOOL_ARGS_MAX)
		return jit_fail(why, JIT_E_SIZE, "more than %d arguments",
		    TOOL_ARGS_MAX);
	r.argv = calloc(n + sizeof(r.own) / sizeof(r.own[0]) + 1,
	    sizeof(*r.argv));
	if (r.argv == NULL)
		return jit_fail(why, JIT_E_NOMEM, "out of memory");
	JIT_TRY(add_facts(&r, f));
	if (t != NULL)
		JIT_TRY(add_vars(&r, t->vars, f));
	JIT_TRY(add_args(&r, t, f, argv, n));
	*ret = r;
	r = (struct tool_run){ .argc = 0 };
	return JIT_OK;
}
