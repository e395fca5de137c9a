/* args: every form that is taken, every error and what it says. */
#include <string.h>

#include "tests/cli/fake.h"

static int
ran(struct cli *c, const struct args *a)
{
	(void)c;
	(void)a;
	return 42;
}

/* Rows of this test's own, with ids whose options are known. */
static const struct verb verbs[] = {
	{ VERB_REQUEST, "request", ran, 0, 1, "ROLE --reason TEXT", "Ask.",
	    SECTION_ASKING },
	{ VERB_WAIT, "wait", ran, 1, 1, "ID", "Wait.", SECTION_ASKING },
	{ VERB_SSH, "ssh", ran, 2, VERB_ANY, "ROLE -- HOST", "Log in.",
	    SECTION_ASKING },
	{ VERB_INBOX, "inbox", ran, 0, 0, "", "See.", SECTION_DECIDING },
	{ VERB_APPROVE, "approve", ran, 1, 1, "ID", "Sign.",
	    SECTION_DECIDING },
	{ VERB_VERIFY, "verify", ran, 0, 1, "FILE", "Check.",
	    SECTION_PROVING },
};
#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

#define WORDS 12
struct row {
	const char *name;
	const char *argv[WORDS];
	enum jit_err err;
	const char *want;	/* in the message; or the parsed form */
};

static int
count(const char *const *argv)
{
	int n = 0;

	while (n < WORDS && argv[n] != NULL)
		n++;
	return n;
}

/* "verb --option=value ... operand ... /dashes" */
static void
put_parsed(struct wr *w, const struct args *a)
{
	wr_str(w, a->verb != NULL ? a->verb->name : "-");
	for (size_t i = 0; i < a->nvalues; i++)
		wr_fmt(w, " --%s=%s", opts[a->value[i].id].name,
		    a->value[i].text);
	for (size_t i = 0; i < a->n; i++)
		wr_fmt(w, " %s", a->operand[i]);
	wr_fmt(w, " /%zu", a->dashes);
	wr_u8(w, 0);
}

static void
parses(void **state)
{
	const struct row *r = *state;
	JIT_DONE(args_done) struct args a = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct jit_why why = { 0 };
	char *argv[WORDS];

	memcpy(argv, r->argv, sizeof(argv));
	JT_WHY(args_parse(verbs, NVERBS, count(r->argv), argv, &a, &why),
	    r->err, &why);
	if (r->err != JIT_OK) {
		if (strcmp(why.msg, r->want) != 0)
			print_error("said: %s\n", why.msg);
		assert_string_equal(why.msg, r->want);
		return;
	}
	put_parsed(&w, &a);
	assert_string_equal((const char *)w.p, r->want);
}

#define GOOD(name, want, ...)						\
	{ name, { "jit-cert", __VA_ARGS__ }, JIT_OK, want }
#define BAD(name, want, ...)						\
	{ name, { "jit-cert", __VA_ARGS__ }, JIT_E_ARG, want }
static const struct row rows[] = {
	{ "nothing", { "jit-cert" }, JIT_OK, "- /0" },
	GOOD("a verb alone", "inbox /0", "inbox"),
	GOOD("value as the next word", "request --reason=INC-1 prod-db /1",
	    "request", "prod-db", "--reason", "INC-1"),
	GOOD("value in the word", "request --reason=a=b prod-db /1",
	    "request", "--reason=a=b", "prod-db"),
	GOOD("an empty value", "request --reason= /0", "request",
	    "--reason="),
	GOOD("an empty next word", "request --reason= /0", "request",
	    "--reason", ""),
	GOOD("a value with a hyphen", "request --reason=-x /0", "request",
	    "--reason=-x"),
	GOOD("a hyphen alone is a value", "request --reason=- /0", "request",
	    "--reason", "-"),
	GOOD("a hyphen alone is an operand", "wait - /1", "wait", "-"),
	GOOD("an empty operand", "wait  /1", "wait", ""),
	GOOD("a letter", "request --reason=why --wait= /0", "request", "-r",
	    "why", "-w"),
	GOOD("global before the verb", "inbox --signer=/s --json= /0",
	    "--signer", "/s", "--json", "inbox"),
	GOOD("global behind the verb", "inbox --json= /0", "inbox", "--json"),
	GOOD("dashes end options", "ssh prod-db db1 ls -l --json -- x /1",
	    "ssh", "prod-db", "--", "db1", "ls", "-l", "--json", "--", "x"),
	GOOD("dashes before all operands", "wait -x /0", "wait", "--", "-x"),
	GOOD("several of a kind", "verify --ca=a --ca=b /0", "verify", "--ca",
	    "a", "--ca=b"),
	GOOD("help needs no operand", "wait --help= /0", "wait", "--help"),
	GOOD("help without a verb", "- --help= /0", "-h"),
	GOOD("a verb behind dashes", "inbox /0", "--", "inbox"),

	BAD("unknown verb, a near one", "\"aprove\" is no verb; did you mean "
	    "\"approve\"? (jit-cert --help lists them)", "aprove", "1"),
	BAD("unknown verb, its beginning", "\"req\" is no verb; did you mean "
	    "\"request\"? (jit-cert --help lists them)", "req"),
	BAD("unknown verb, none near", "\"frobnicate\" is no verb (jit-cert "
	    "--help lists them)", "frobnicate"),
	BAD("an empty verb", "\"\" is no verb (jit-cert --help lists them)",
	    ""),
	BAD("a verb in capitals", "\"INBOX\" is no verb (jit-cert --help lists "
	    "them)", "INBOX"),
	BAD("a verb that speaks to the terminal", "\"\\x1b[2J\" is no verb "
	    "(jit-cert --help lists them)", "\033[2J"),
	BAD("unknown option, a near one", "--reson is no option of request; "
	    "did you mean --reason? (jit-cert request --help lists them)",
	    "request", "--reson", "x"),
	BAD("no abbreviation", "--reas is no option of request; did you mean "
	    "--reason? (jit-cert request --help lists them)", "request",
	    "--reas=x"),
	BAD("unknown option, none near", "--frobnicate is no option of inbox "
	    "(jit-cert inbox --help lists them)", "inbox", "--frobnicate=1"),
	BAD("unknown option, no verb", "--sginer is no option; did you mean "
	    "--signer? (jit-cert --help lists them)", "--sginer", "x"),
	BAD("another verb's option", "--comment is no option of request, it is "
	    "one of approve", "request", "--comment", "x"),
	BAD("a verb's option before it", "--view stands before the verb; it is "
	    "an option of approve", "--view", "approve", "1"),
	BAD("a nameless option", "-- is no option of inbox (jit-cert inbox "
	    "--help lists them)", "inbox", "--=x"),
	BAD("unknown letter", "-q is no option of inbox (jit-cert inbox "
	    "--help lists them)", "inbox", "-q"),
	BAD("another verb's letter", "-r is no option of inbox (jit-cert inbox "
	    "--help lists them)", "inbox", "-r", "x"),
	BAD("bundled letters", "-nr: one letter after a single \"-\", or a "
	    "name after \"--\"; what another program shall have stands "
	    "after \" -- \"", "request", "-nr", "x"),
	BAD("given twice", "--reason is given twice", "request", "--reason=a",
	    "-r", "b"),
	BAD("a flag twice", "--json is given twice", "--json", "inbox",
	    "--json"),
	BAD("a value is missing", "--reason needs TEXT; found the end of the "
	    "line", "request", "--reason"),
	BAD("an option for a value", "--reason needs TEXT; found --wait (if "
	    "that is meant: --reason=--wait)", "request", "--reason",
	    "--wait"),
	BAD("dashes for a value", "--reason needs TEXT; found -- (if that is "
	    "meant: --reason=--)", "request", "--reason", "--"),
	BAD("a value too many", "--wait takes no value; found \"3\"",
	    "request", "--wait=3"),
	BAD("a global one is empty", "--signer needs SOCKET; found nothing",
	    "--signer=", "inbox"),
	BAD("an operand is missing", "wait needs more: jit-cert wait ID",
	    "wait"),
	BAD("a host is missing", "ssh needs more: jit-cert ssh ROLE -- HOST",
	    "ssh", "prod-db", "--"),
	BAD("an operand too many", "wait: \"2\" is one word too many: jit-cert "
	    "wait ID", "wait", "1", "2"),
	BAD("it takes none", "inbox: \"x\" is one word too many: jit-cert "
	    "inbox", "inbox", "x"),
};

struct lookup { const char *name, *value; enum jit_err err; int64_t want; };
static const struct lookup durations[] = {
	{ "minutes", "45m", JIT_OK, 2700 },
	{ "two units", "1h30m", JIT_OK, 5400 },
	{ "no unit", "45", JIT_E_ARG, 0 },
	{ "nothing", "", JIT_E_ARG, 0 },
};

static void
duration(void **state)
{
	const struct lookup *r = *state;
	struct args_value v = { OPT_FOR, r->value };
	const struct args a = { .value = &v, .nvalues = 1 };
	struct jit_why why = { 0 };
	dur_s d = 0;

	JT_WHY(args_dur(&a, OPT_FOR, &d, &why), r->err, &why);
	assert_int_equal(d, r->want);
	if (r->err != JIT_OK)
		assert_non_null(strstr(why.msg, "--for: \""));
	d = 7;
	JT_OK(args_dur(&a, OPT_TIMEOUT, &d, NULL));
	assert_int_equal(d, 7);
}

static void
moment(void **state)
{
	struct args_value v[] = { { OPT_OPENS, "2h" }, { OPT_SINCE, "2h" },
		{ OPT_UNTIL, "noon" } };
	const struct args a = { .value = v, .nvalues = 3 };
	struct jit_why why = { 0 };
	utc_s t = 1;

	(void)state;
	JT_OK(args_when(&a, OPT_CLOSES, true, FAKE_NOW, &t, &why));
	assert_int_equal(t, 1);
	JT_OK(args_when(&a, OPT_OPENS, true, FAKE_NOW, &t, &why));
	assert_int_equal(t, FAKE_NOW + 7200);
	JT_OK(args_when(&a, OPT_SINCE, false, FAKE_NOW, &t, &why));
	assert_int_equal(t, FAKE_NOW - 7200);
	JT_ERR(args_when(&a, OPT_UNTIL, false, FAKE_NOW, &t, &why), JIT_E_ARG);
	assert_non_null(strstr(why.msg, "--until: \"noon\" is no time"));
}

/* What the tables must keep: no name and no letter twice for one verb. */
static void
tables(void **state)
{
	(void)state;
	for (size_t v = 0; v < VERB_COUNT; v++)
		for (size_t i = 0; i < OPT_COUNT; i++)
			for (size_t k = 0; k < i; k++) {
				if (!opt_is_of(&opts[i], (enum verb_id)v) ||
				    !opt_is_of(&opts[k], (enum verb_id)v))
					continue;
				assert_string_not_equal(opts[i].name,
				    opts[k].name);
				if (opts[i].letter != 0)
					assert_int_not_equal(opts[i].letter,
					    opts[k].letter);
			}
	for (size_t i = 0; i < OPT_COUNT; i++)
		assert_int_equal(opts[i].id, i);
	assert_true(VERB_COUNT < 32);
}

static void
dispatch(void **state)
{
	char *good[] = { "jit-cert", "inbox", NULL };
	char *bad[] = { "jit-cert", "--json", "inbx", NULL };
	char *none[] = { "jit-cert", NULL };
	struct cli c;

	(void)state;
	fake_init(&c);
	assert_int_equal(cli_main(&c, verbs, NVERBS, 2, good), 42);
	fake_said(c.out.fd, "");
	assert_int_equal(cli_main(&c, verbs, NVERBS, 3, bad), CLI_USAGE);
	fake_said(c.out.fd, "{\"error\":\"bad-argument\",\"message\":\"\\\"inbx"
	    "\\\" is no verb; did you mean \\\"inbox\\\"? (jit-cert --help "
	    "lists them)\",\"exit\":2}\n");
	fake_said(c.out.err_fd, "");
	assert_int_equal(cli_main(&c, verbs, NVERBS, 1, none), CLI_USAGE);
	fake_done(&c);
}

int
main(void)
{
	return JT_ROWS("args", parses, rows) +
	    JT_ROWS("durations", duration, durations) +
	    jt_one("moments", moment) + jt_one("tables", tables) +
	    jt_one("dispatch", dispatch);
}
