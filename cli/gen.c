/*
 * gen - the man page and the bash completion, from verbs.def and options.def.
 *
 *	gen man TEMPLATE    TEMPLATE with its lines @VERBS@ and @OPTIONS@ filled
 *	gen bash
 *
 * Runs while the program is built; writes to standard output.
 */
#include <stdio.h>
#include <string.h>

#include "ca/base/bytes.h"
#include "cli/args.h"

#define ANY VERB_ANY
static const struct verb verbs[] = {
#define X(n, name, fn, min, max, synopsis, sentence, section)		\
	{ VERB_##n, name, NULL, min, max, synopsis, sentence,		\
	    SECTION_##section },
#include "cli/verbs.def"
#undef X
};
#undef ANY

/* Its own options; the global ones stand apart. */
static bool
owns(const struct verb *v, const struct opt *o)
{
	return o->verbs != OPT_GLOBAL && opt_is_of(o, v->id);
}

/* ---- the man page, man(7) ---- */

/* Text of ours for roff: hyphens that are typed, no control line. */
static void
put_roff(struct wr *w, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '-')
			wr_str(w, "\\-");
		else if (s[i] == '\\')
			wr_str(w, "\\e");
		else if ((s[i] == '.' || s[i] == '\'') && i == 0)
			wr_str(w, "\\&"), wr_u8(w, (uint8_t)s[i]);
		else
			wr_u8(w, (uint8_t)s[i]);
	}
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* A synopsis: "--x" bold, WORD in italics, the rest as it is. */
static void
put_synopsis(struct wr *w, const char *s)
{
	while (*s != '\0') {
		size_t n = strspn(s, "-abcdefghijklmnopqrstuvwxyz"), m = 0;

		while (is_upper(s[m]))
			m++;
		if (n > 0) {
			wr_str(w, "\\fB");
			put_roff(w, s, n);
			wr_str(w, "\\fR");
		} else if (m > 0) {
			wr_fmt(w, "\\fI%.*s\\fR", (int)m, s);
		} else {
			put_roff(w, s, 1);
		}
		s += n > 0 ? n : m > 0 ? m : 1;
	}
}

static void
put_man_option(struct wr *w, const struct opt *o)
{
	wr_str(w, ".TP\n");
	if (o->letter != 0)
		wr_fmt(w, "\\fB\\-%c\\fR, ", o->letter);
	wr_str(w, "\\fB\\-\\-");
	put_roff(w, o->name, strlen(o->name));
	wr_str(w, "\\fR");
	if (o->arg != NULL)
		wr_fmt(w, " \\fI%s\\fR", o->arg);
	wr_str(w, "\n");
	put_roff(w, o->sentence, strlen(o->sentence));
	wr_str(w, o->many ? " May be given several times.\n" : "\n");
}

static void
put_man_verb(struct wr *w, const struct verb *v)
{
	bool any = false;

	wr_fmt(w, ".TP\n\\fB%s\\fR ", v->name);
	put_synopsis(w, v->synopsis);
	wr_str(w, "\n");
	put_roff(w, v->sentence, strlen(v->sentence));
	wr_str(w, "\n");
	for (size_t k = 0; k < OPT_COUNT; k++) {
		if (!owns(v, &opts[k]))
			continue;
		if (!any)
			wr_str(w, ".RS\n");
		any = true;
		put_man_option(w, &opts[k]);
	}
	if (any)
		wr_str(w, ".RE\n");
}

static void
put_man_verbs(struct wr *w)
{
	for (int s = 0; s < SECTION_COUNT; s++) {
		wr_fmt(w, ".SS %s\n", section_title((enum section)s));
		for (size_t v = 0; v < VERB_COUNT; v++)
			if ((int)verbs[v].section == s)
				put_man_verb(w, &verbs[v]);
	}
}

static void
put_man_globals(struct wr *w)
{
	for (size_t k = 0; k < OPT_COUNT; k++)
		if (opts[k].verbs == OPT_GLOBAL)
			put_man_option(w, &opts[k]);
}

static int
put_man(struct wr *w, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1024];

	if (f == NULL) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strcmp(line, "@VERBS@\n") == 0)
			put_man_verbs(w);
		else if (strcmp(line, "@OPTIONS@\n") == 0)
			put_man_globals(w);
		else
			wr_str(w, line);
	}
	return fclose(f) != 0;
}

/* ---- bash ---- */

/* What a value may be: an action of compgen, or words. */
static const char *
complete_as(const char *arg)
{
	static const struct { const char *arg, *how; } table[] = {
		{ "FILE", "-f" }, { "FILE|FINGERPRINT", "-f" },
		{ "KEY", "-f" }, { "SOCKET", "-f" }, { "DIR", "-d" },
		{ "HOST", "-A hostname" }, { "LEVEL", "-W signed" },
		{ "TOOL", "-c" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].arg, arg) == 0)
			return table[i].how;
	return "";
}

static void
put_words(struct wr *w, const struct verb *v)
{
	for (size_t k = 0; k < OPT_COUNT; k++)
		if (v != NULL ? owns(v, &opts[k]) :
		    opts[k].verbs == OPT_GLOBAL)
			wr_fmt(w, " --%s", opts[k].name);
}

/* Case arms "VERB:--name | VERB:-c) how ;;" of options with a value. */
static void
put_value_arms(struct wr *w)
{
	for (size_t k = 0; k < OPT_COUNT; k++) {
		const struct opt *o = &opts[k];

		for (size_t v = 0; o->arg != NULL && v < VERB_COUNT; v++) {
			const char *verb = verbs[v].name;

			if (o->verbs == OPT_GLOBAL)
				verb = "*";
			else if (!owns(&verbs[v], o))
				continue;
			wr_fmt(w, "\t%s:--%s", verb, o->name);
			if (o->letter != 0)
				wr_fmt(w, " | %s:-%c", verb, o->letter);
			wr_fmt(w, ") how='%s' ;;\n", complete_as(o->arg));
			if (o->verbs == OPT_GLOBAL)
				break;
		}
	}
}

static const char bash_head[] =
    "# bash completion for jit-cert; made from its tables, do not edit.\n"
    "\n"
    "# Does option $2 of verb $1 take a value?  how: what compgen offers.\n"
    "_jit_cert_value()\n"
    "{\n"
    "\thow=\n"
    "\tcase $1:$2 in\n";

static const char bash_middle[] =
    "\t*) return 1 ;;\n"
    "\tesac\n"
    "}\n"
    "\n"
    "_jit_cert_options()\n"
    "{\n"
    "\tcase $1 in\n";

static const char bash_tail[] =
    "\n"
    "_jit_cert()\n"
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb= how= dashes= value= i word\n"
    "\tCOMPREPLY=()\n"
    "\t# From the left: the verb, and whether a value is awaited.\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\tword=${COMP_WORDS[i]}\n"
    "\t\tif [[ -n $value ]]; then\n"
    "\t\t\t# bash splits --name=value at the \"=\".\n"
    "\t\t\t[[ $word == = ]] || value=\n"
    "\t\telif [[ -n $dashes ]]; then\n"
    "\t\t\t:\n"
    "\t\telif [[ $word == -- ]]; then\n"
    "\t\t\tdashes=1\n"
    "\t\telif [[ $word == -* ]]; then\n"
    "\t\t\t_jit_cert_value \"$verb\" \"$word\" && value=$word\n"
    "\t\telif [[ -z $verb ]]; then\n"
    "\t\t\tverb=$word\n"
    "\t\tfi\n"
    "\tdone\n"
    "\t[[ $cur == = && -n $value ]] && cur=\n"
    "\tif [[ -n $value ]]; then\n"
    "\t\t_jit_cert_value \"$verb\" \"$value\"\n"
    "\telif [[ -n $dashes ]]; then\n"
    "\t\thow=; [[ $verb == ssh ]] && how='-A hostname'\n"
    "\t\t[[ $verb == exec ]] && how=-c\n"
    "\telif [[ $cur == -* ]]; then\n"
    "\t\thow=-W\n"
    "\telif [[ -z $verb ]]; then\n"
    "\t\tCOMPREPLY=($(compgen -W \"$_jit_cert_verbs\" -- \"$cur\"))\n"
    "\t\treturn\n"
    "\telif [[ $verb == verify ]]; then\n"
    "\t\thow=-f\n"
    "\tfi\n"
    "\tcase $how in\n"
    "\t-W)\n"
    "\t\tCOMPREPLY=($(compgen -W \"$(_jit_cert_options \"$verb\")\" "
    "-- \"$cur\")) ;;\n"
    "\t-f | -d)\n"
    "\t\tcompopt -o filenames 2>/dev/null\n"
    "\t\tmapfile -t COMPREPLY < <(compgen \"$how\" -- \"$cur\") ;;\n"
    "\t?*)\n"
    "\t\t# Two words: an action and its argument.\n"
    "\t\tCOMPREPLY=($(compgen $how -- \"$cur\")) ;;\n"
    "\tesac\n"
    "}\n"
    "complete -F _jit_cert jit-cert\n";

static void
put_bash(struct wr *w)
{
	wr_str(w, bash_head);
	put_value_arms(w);
	wr_str(w, bash_middle);
	for (size_t v = 0; v < VERB_COUNT; v++) {
		wr_fmt(w, "\t%s) echo '", verbs[v].name);
		put_words(w, &verbs[v]);
		put_words(w, NULL);
		wr_str(w, "' ;;\n");
	}
	wr_str(w, "\t*) echo '");
	put_words(w, NULL);
	wr_str(w, "' ;;\n\tesac\n}\n\n_jit_cert_verbs='");
	for (size_t v = 0; v < VERB_COUNT; v++)
		wr_fmt(w, "%s%s", v > 0 ? " " : "", verbs[v].name);
	wr_str(w, "'\n");
	wr_str(w, bash_tail);
}

int
main(int argc, char **argv)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	int failed = 0;

	if (argc == 3 && strcmp(argv[1], "man") == 0) {
		failed = put_man(&w, argv[2]);
	} else if (argc == 2 && strcmp(argv[1], "bash") == 0) {
		put_bash(&w);
	} else {
		(void)fputs("usage: gen man TEMPLATE | gen bash\n", stderr);
		return 2;
	}
	if (failed || w.err != JIT_OK || fwrite(w.p, 1, w.n, stdout) != w.n ||
	    fflush(stdout) != 0)
		return 1;
	return 0;
}
