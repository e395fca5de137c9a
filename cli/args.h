/*
 * args - the command line, read by the tables verbs.def and options.def.
 *
 *	jit-cert [GLOBAL OPTION...] VERB [OPTION | OPERAND]... [-- OPERAND...]
 *
 * Strict: names match exactly and whole, an option that is not MANY comes
 * once, a value that begins with "-" must be written --name=value (so that a
 * forgotten value is noticed), short options are not bundled.  Global
 * options stand anywhere before "--".  Everything is borrowed from argv.
 * No output, no environment.
 */
#ifndef JIT_CLI_ARGS_H
#define JIT_CLI_ARGS_H

#include "ca/base/bytes.h"
#include "ca/base/utc.h"

struct cli;
struct args;

enum verb_id {
#define X(n, name, fn, min, max, synopsis, sentence, section) VERB_##n,
#include "cli/verbs.def"
#undef X
	VERB_COUNT
};

enum opt_id {
#define X(n, verbs, name, c, arg, times, sentence) OPT_##n,
#include "cli/options.def"
#undef X
	OPT_COUNT
};

enum section {
	SECTION_KNOWING, SECTION_ASKING, SECTION_DECIDING, SECTION_PROVING,
	SECTION_COUNT
};
/* "Knowing where you stand", ... */
const char *section_title(enum section s);

/* A row of verbs.def; a test has rows of its own. */
struct verb {
	enum verb_id id;
	const char *name;
	/* Returns the exit status. */
	int (*run)(struct cli *c, const struct args *a);
	size_t min, max;	/* operands */
	const char *synopsis, *sentence;
	enum section section;
};
#define VERB_ANY SIZE_MAX

/* A row of options.def. */
struct opt {
	enum opt_id id;
	uint32_t verbs;		/* bit (1 << VERB_x) each; all: global */
	const char *name;
	char letter;		/* 0: none */
	const char *arg;	/* NULL: takes no value */
	bool many;
	const char *sentence;
};
#define OPT_GLOBAL UINT32_MAX
/* OPT_COUNT rows, in the order of their ids. */
extern const struct opt opts[];
static inline bool
opt_is_of(const struct opt *o, enum verb_id v)
{
	return (o->verbs >> v & 1) != 0;
}

struct args_value {
	enum opt_id id;
	const char *text;	/* "" of an option without a value */
};

struct args {
	const struct verb *verb;	/* NULL: none was typed */
	struct args_value *value;	/* owned array, in typed order */
	size_t nvalues;
	const char **operand;		/* owned array */
	size_t n;			/* operands */
	size_t dashes;			/* operands before "--"; n: no "--" */
};

/*
 * Read argv (argv[0] is the program's name) by the verbs given and opts[].
 * With --help or --version nothing more is demanded: the number of operands
 * is not checked then.  JIT_OK: *ret is set, args_done() frees it.
 *	JIT_E_ARG    why says what was found and what would be accepted
 *	JIT_E_NOMEM
 */
enum jit_err args_parse(const struct verb *verbs, size_t n, int argc,
    char *const argv[], struct args *ret, struct jit_why *why);
void args_done(struct args *a);
JIT_SCOPED_OBJ(struct args, args_done);

bool args_has(const struct args *a, enum opt_id id);
/* The value, borrowed; NULL when it was not given. */
const char *args_get(const struct args *a, enum opt_id id);
/* The i-th value of an option that may be given again; NULL past the last. */
const char *args_nth(const struct args *a, enum opt_id id, size_t i);
/*
 * The value as a duration of a person ("1h30m").  JIT_E_ARG names option and
 * value; *ret stays as it is when the option was not given.
 */
enum jit_err args_dur(const struct args *a, enum opt_id id, dur_s *ret,
    struct jit_why *why);
/*
 * The value as a moment; ahead and errors as when_parse().  *ret stays as it
 * is when the option was not given.
 */
enum jit_err args_when(const struct args *a, enum opt_id id, bool ahead,
    utc_s now, utc_s *ret, struct jit_why *why);

/*
 * The word of list that typed was most likely meant to be: at most a third
 * of its letters differ, or it begins so.  NULL when none is near.
 */
const char *args_nearest(const char *typed, const char *const *list,
    size_t n);

#endif
