/* tree_read: what each typed reader says, on the value of "v". */
#include "ca/base/tree.h"
#include "tests/lib/jt.h"

static enum jit_err
read_bool(const struct tree_node *n, struct jit_why *why)
{
	bool b;

	return tree_bool(n, &b, why);
}

static enum jit_err
read_uint(const struct tree_node *n, struct jit_why *why)
{
	uint64_t u;

	return tree_uint(n, 1, 9, &u, why);
}

static enum jit_err
read_big(const struct tree_node *n, struct jit_why *why)
{
	uint64_t u;

	return tree_uint(n, 0, UINT64_MAX, &u, why);
}

static enum jit_err
read_dur(const struct tree_node *n, struct jit_why *why)
{
	dur_s d;

	return tree_dur(n, 60, 3600, &d, why);
}

static enum jit_err
read_name(const struct tree_node *n, struct jit_why *why)
{
	struct span s;

	return tree_name(n, &s, why);
}

static enum jit_err
read_map(const struct tree_node *n, struct jit_why *why)
{
	static const char *const known[] = { "need", "of", NULL };
	const struct tree_node *m;

	JIT_TRY(tree_only(n, known, why));
	JIT_TRY(tree_need(n, "need", &m, why));
	return tree_want(m, TREE_LIST, why);
}

struct typed {
	const char *name, *yaml;
	enum jit_err (*fn)(const struct tree_node *, struct jit_why *);
	const char *msg;	/* NULL: accepted */
};

#define NUMBER ", want a whole number from 1 to 9"
#define DURATION ", want a duration from 1m to 1h such as 45m or 8h, in its "\
    "largest unit"
#define NAME ", want a name: a-z 0-9 . _ -, at most 32 characters, a letter "\
    "or digit first"
static const struct typed typed_rows[] = {
	{ "no is not false", "v: no", read_bool,
	    "p.yaml:1:4: found \"no\", want true or false" },
	{ "True is not true", "v: True", read_bool,
	    "p.yaml:1:4: found \"True\", want true or false" },
	{ "bool of a list", "v: [true]", read_bool,
	    "p.yaml:1:4: found a list, want a single value" },
	{ "number", "v: 9", read_uint, NULL },
	{ "number too large", "v: 10", read_uint,
	    "p.yaml:1:4: found \"10\"" NUMBER },
	{ "number too small", "v: 0", read_uint,
	    "p.yaml:1:4: found \"0\"" NUMBER },
	{ "octal", "v: 01", read_uint, "p.yaml:1:4: found \"01\"" NUMBER },
	{ "sign", "v: +1", read_uint, "p.yaml:1:4: found \"+1\"" NUMBER },
	{ "hexadecimal", "v: 0x1", read_uint,
	    "p.yaml:1:4: found \"0x1\"" NUMBER },
	{ "empty number", "v:", read_uint, "p.yaml:1:3: found \"\"" NUMBER },
	{ "2^64 - 1", "v: 18446744073709551615", read_big, NULL },
	{ "2^64", "v: 18446744073709551616", read_big, "p.yaml:1:4: found "
	    "\"18446744073709551616\", want a whole number from 0 to "
	    "18446744073709551615" },
	{ "duration too long", "v: 2h", read_dur,
	    "p.yaml:1:4: found \"2h\"" DURATION },
	{ "duration too short", "v: 59s", read_dur,
	    "p.yaml:1:4: found \"59s\"" DURATION },
	{ "duration without unit", "v: 60", read_dur,
	    "p.yaml:1:4: found \"60\"" DURATION },
	{ "bad name", "v: Bob", read_name, "p.yaml:1:4: found \"Bob\"" NAME },
	{ "a name shown safely", "v: \"a\\tb\"", read_name,
	    "p.yaml:1:4: found \"a\\x09b\"" NAME },
	{ "map", "v: {need: [], of: x}", read_map, NULL },
	{ "unknown key", "v:\n  need: []\n  off: x", read_map,
	    "p.yaml:3:3: unknown key \"off\", accepted are: need, of" },
	{ "missing key", "v:\n  of: x", read_map,
	    "p.yaml:2:3: \"need\" is missing" },
	{ "list for a map", "v: [need]", read_map,
	    "p.yaml:1:4: found a list, want a map" },
	{ "map for a list", "v: {need: {a: b}}", read_map,
	    "p.yaml:1:11: found a map, want a list" },
};

static void
typed(void **state)
{
	const struct typed *r = *state;
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	struct jit_why why = { 0 };

	JT_OK(tree_parse("p.yaml", span_str(r->yaml), &t, &why));
	JT_WHY(r->fn(tree_get(tree_root(t), "v"), &why),
	    r->msg ? JIT_E_POLICY : JIT_OK, &why);
	if (r->msg != NULL)
		assert_string_equal(why.msg, r->msg);
}

int
main(void)
{
	return JT_ROWS("typed", typed, typed_rows);
}
