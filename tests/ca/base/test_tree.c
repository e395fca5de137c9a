/* tree: a strict subset of YAML, and every refusal with its place. */
#include <string.h>

#include <jansson.h>

#include "ca/base/text.h"
#include "ca/base/tree.h"
#include "tests/lib/jt.h"

#define S(x) x, sizeof(x) - 1
struct row { const char *name, *yaml; size_t n; const char *msg; };

static const struct row refused_rows[] = {
	{ "anchor", S("a: &x 1"), "p.yaml:1:4: anchors (&) are not accepted" },
	{ "anchor on a key", S("&x a: 1"),
	    "p.yaml:1:1: anchors (&) are not accepted" },
	{ "anchor on a map", S("a:\n  b: &x {c: d}\n"),
	    "p.yaml:2:6: anchors (&) are not accepted" },
	{ "anchor on a list", S("a: &x [b]"),
	    "p.yaml:1:4: anchors (&) are not accepted" },
	{ "alias", S("a: *x"), "p.yaml:1:4: aliases (*) are not accepted" },
	{ "alias as key", S("*x : a"),
	    "p.yaml:1:1: aliases (*) are not accepted" },
	{ "tag", S("a: !x 1"), "p.yaml:1:4: tags (!) are not accepted" },
	{ "standard tag", S("a: !!str 1"),
	    "p.yaml:1:4: tags (!) are not accepted" },
	{ "the non-specific tag", S("a: ! 1"),
	    "p.yaml:1:4: tags (!) are not accepted" },
	{ "tag on a map", S("- !!map {a: b}"),
	    "p.yaml:1:3: tags (!) are not accepted" },
	{ "tag on a list", S("- !!seq [b]"),
	    "p.yaml:1:3: tags (!) are not accepted" },
	{ "merge key", S("a: 1\n<<: {b: c}"),
	    "p.yaml:2:1: merge keys (<<) are not accepted" },
	{ "quoted merge key", S("\"<<\": b"),
	    "p.yaml:1:1: merge keys (<<) are not accepted" },
	{ "duplicate key", S("a: 1\nb: 2\na: 3"),
	    "p.yaml:3:1: key \"a\" again, first at line 1" },
	{ "duplicate key in flow", S("{a: 1, a: 2}"),
	    "p.yaml:1:8: key \"a\" again, first at line 1" },
	{ "duplicate key, other quotes", S("ab: 1\n\"a\\u0062\": 2"),
	    "p.yaml:2:1: key \"ab\" again, first at line 1" },
	{ "three of one key", S("a: 1\na: 2\na: 3"),
	    "p.yaml:2:1: key \"a\" again, first at line 1" },
	{ "second document", S("a: 1\n---\nb: 2"),
	    "p.yaml:2:1: a second document" },
	{ "second empty document", S("a: 1\n---\n"),
	    "p.yaml:2:1: a second document" },
	{ "version directive", S("%YAML 1.1\n---\na: 1"),
	    "p.yaml:1:1: directives (%) are not accepted" },
	{ "tag directive", S("%TAG ! tag:x\n---\na: 1"),
	    "p.yaml:1:1: directives (%) are not accepted" },
	{ "list as key", S("[a]: 1"),
	    "p.yaml:1:1: a key must be a single value" },
	{ "map as key", S("? {a: b}\n: c"),
	    "p.yaml:1:3: a key must be a single value" },
	{ "nothing", S(""), "p.yaml:1:1: the file is empty" },
	{ "not even a pointer", NULL, 0, "p.yaml:1:1: the file is empty" },
	{ "literal block", S("a: |\n  one\n  two\n"), "p.yaml:1:4: block "
	    "scalars (| and >) are not accepted; quote the text" },
	{ "folded block", S("a:\n- >-\n  one\n"), "p.yaml:2:3: block "
	    "scalars (| and >) are not accepted; quote the text" },
	{ "block as key", S("? |\n  a\n: b"), "p.yaml:1:3: block "
	    "scalars (| and >) are not accepted; quote the text" },
	{ "only a comment", S("# x\n"), "p.yaml:1:1: the file is empty" },
	{ "17 deep", S("[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]"),
	    "p.yaml:1:17: nested deeper than 16" },
	{ "not UTF-8", S("a: 1\nb: \xff"),
	    "p.yaml:2:4: byte 0xff is not UTF-8" },
	{ "overlong", S("a: \xc0\xaf"), "p.yaml:1:4: byte 0xc0 is not UTF-8" },
	{ "UTF-16", S("\xff\xfe" "a\0"),
	    "p.yaml:1:1: byte 0xff is not UTF-8" },
	{ "columns are characters", S("\xc3\xbc\xc3\xbc: \xff"),
	    "p.yaml:1:5: byte 0xff is not UTF-8" },
	{ "byte order mark", S("\xef\xbb\xbf" "a: 1"), "p.yaml:1:1: U+FEFF is "
	    "a control, format, private or unassigned character" },
	{ "NUL", S("a: 1\0"), "p.yaml:1:5: U+0000 is "
	    "a control, format, private or unassigned character" },
	{ "carriage return", S("a: 1\r\n"), "p.yaml:1:5: found a carriage "
	    "return; end lines with a line feed alone" },
	{ "NEL as line end", S("a: 1\xc2\x85"), "p.yaml:1:5: U+0085 is "
	    "a control, format, private or unassigned character" },
	{ "line separator", S("a: 1\xe2\x80\xa8"), "p.yaml:1:5: U+2028 is "
	    "a control, format, private or unassigned character" },
	{ "override in a comment", S("a: 1 # \xe2\x80\xae"), "p.yaml:1:8: "
	    "U+202E is a control, format, private or unassigned character" },
	{ "escape gives ESC", S("a: \"\\x1b[2J\""), "p.yaml:1:4: an escape "
	    "gives U+001B, a control, format, private or unassigned "
	    "character" },
	{ "escape gives NUL", S("a: \"\\0\""), "p.yaml:1:4: an escape "
	    "gives U+0000, a control, format, private or unassigned "
	    "character" },
	{ "escape in a key", S("\"\\u202e\": b"), "p.yaml:1:1: an escape "
	    "gives U+202E, a control, format, private or unassigned "
	    "character" },
	{ "escape gives a surrogate", S("a: \"\\ud800\""), "p.yaml:1:7: found "
	    "invalid Unicode character escape code (while parsing a quoted "
	    "scalar from line 1)" },
	{ "tab as indent", S("a:\n\tb: c"),
	    "p.yaml:2:1: found a tab; indent with spaces" },
	{ "map in a plain value", S("a: b: c"), "p.yaml:1:5: mapping values "
	    "are not allowed in this context" },
	{ "open list", S("a: [b\n"), "p.yaml:2:1: did not find expected ',' "
	    "or ']' (while parsing a flow sequence from line 1)" },
	{ "open quotes", S("a: \"x"), "p.yaml:1:6: found unexpected end of "
	    "stream (while scanning a quoted scalar from line 1)" },
	{ "reserved sign", S("a: @x"), "p.yaml:1:4: found character that "
	    "cannot start any token (while scanning for the next token from "
	    "line 1)" },
	{ "bad indent", S("a:\n  - b\n -c"), "p.yaml:3:2: did not find "
	    "expected key (while parsing a block mapping from line 1)" },
};

static void
refused(void **state)
{
	const struct row *r = *state;
	struct tree *t = (void *)(uintptr_t)1;
	struct jit_why why = { 0 };

	JT_WHY(tree_parse("p.yaml", SPAN(r->yaml, r->n), &t, &why),
	    JIT_E_POLICY, &why);
	assert_string_equal(why.msg, r->msg);
	assert_ptr_equal(t, (void *)(uintptr_t)1);
	JT_ERR(tree_parse("p.yaml", SPAN(r->yaml, r->n), &t, NULL),
	    JIT_E_POLICY);
}

static const char good[] =
    "# people\n"
    "people:\n"
    "  alice: {keys: [k1, 'k 2'], active: true}\n"
    "  bob:\n"
    "    keys:\n"
    "    - k3\n"
    "    active: no\n"
    "life: 45m\n"
    "need: 2\n"
    "text: \"one\\ntwo\"\n"
    "long: one\n"
    "  two\n"
    "none:\n"
    "\"\xc3\xbc\": \"t\\tab\"\n";

static void
shape(void **state)
{
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	struct jit_why why = { 0 };
	const struct tree_node *root, *alice, *n;
	bool yes = false;
	dur_s d = 0;
	uint64_t u = 0;
	struct span s;

	(void)state;
	JT_WHY(tree_parse("p.yaml", SPAN(good, sizeof(good) - 1), &t, &why),
	    JIT_OK, &why);
	root = tree_root(t);
	assert_int_equal(tree_kind(root), TREE_MAP);
	assert_int_equal(tree_count(root), 7);
	assert_true(span_eq_str(tree_key(root, 0), "people"));
	assert_int_equal(tree_key(root, 7).n, 0);
	assert_null(tree_at(root, 7));
	assert_null(tree_get(root, "peopl"));
	alice = tree_at(tree_get(root, "people"), 0);
	n = tree_get(alice, "keys");
	assert_int_equal(tree_kind(n), TREE_LIST);
	assert_int_equal(tree_count(n), 2);
	assert_true(span_eq_str(tree_scalar(tree_at(n, 1)), "k 2"));
	assert_null(tree_get(n, "k1"));
	assert_int_equal(tree_count(tree_at(n, 1)), 0);
	assert_int_equal(tree_scalar(n).n, 0);
	JT_OK(tree_bool(tree_get(alice, "active"), &yes, &why));
	assert_true(yes);
	JT_OK(tree_dur(tree_get(root, "life"), 60, 3600, &d, &why));
	assert_int_equal(d, 2700);
	JT_OK(tree_uint(tree_get(root, "need"), 1, 9, &u, &why));
	assert_int_equal(u, 2);
	JT_OK(tree_name(tree_at(tree_get(alice, "keys"), 0), &s, &why));
	assert_true(span_eq_str(s, "k1"));
	assert_true(span_eq_str(tree_scalar(tree_get(root, "text")),
	    "one\ntwo"));
	assert_true(span_eq_str(tree_scalar(tree_get(root, "long")),
	    "one two"));
	assert_int_equal(tree_scalar(tree_get(root, "none")).n, 0);
	assert_true(span_eq_str(tree_scalar(tree_get(root, "\xc3\xbc")),
	    "t\tab"));
}

/* A place for a complaint that is the reader's own. */
static void
complaints(void **state)
{
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	struct jit_why why = { 0 };

	(void)state;
	JT_OK(tree_parse("a\x1b.yaml", span_str("x: 1\ny:  2"), &t, &why));
	JT_ERR(tree_fail(tree_get(tree_root(t), "y"), &why, "no %d", 7),
	    JIT_E_POLICY);
	assert_string_equal(why.msg, "a\\x1b.yaml:2:5: no 7");
	JT_ERR(tree_fail_key(tree_root(t), 1, &why, "no"), JIT_E_POLICY);
	assert_string_equal(why.msg, "a\\x1b.yaml:2:1: no");
	JT_ERR(tree_fail_key(tree_root(t), 2, &why, "no"), JIT_E_POLICY);
	assert_string_equal(why.msg, "a\\x1b.yaml:1:1: no");
}

static void
depth(void **state)
{
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	const struct tree_node *n;
	struct jit_why why = { 0 };

	(void)state;
	JT_OK(tree_parse("p.yaml",
	    span_str("[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]"), &t, &why));
	n = tree_root(t);
	for (int i = 0; i < TREE_DEPTH_MAX; i++)
		n = tree_at(n, 0);
	assert_true(span_eq_str(tree_scalar(n), "a"));
}

static void
size(void **state)
{
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(TREE_FILE_MAX + 1);
	struct jit_why why = { 0 };

	(void)state;
	for (unsigned i = 0; w.n + 32 < TREE_FILE_MAX; i++)
		wr_fmt(&w, "key-%07u: value\n", i);
	while (w.n < TREE_FILE_MAX)
		wr_u8(&w, '#');
	JT_WHY(tree_parse("p.yaml", wr_view(&w), &t, &why), JIT_OK, &why);
	assert_true(tree_count(tree_root(t)) > 40000);
	wr_u8(&w, '\n');
	JT_ERR(tree_parse("p.yaml", wr_view(&w), &t, &why), JIT_E_POLICY);
	assert_string_equal(why.msg, "p.yaml:1:1: a file of 1048577 bytes, "
	    "accepted are at most 1048576");
}

/* Double quotes with the escapes that YAML demands. */
static void
put_quoted(struct wr *w, struct span s)
{
	wr_str(w, "k: \"");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] == 0x7f) {
			wr_fmt(w, "\\x%02x", (unsigned)s.p[i]);
			continue;
		}
		if (s.p[i] == '"' || s.p[i] == '\\')
			wr_u8(w, '\\');
		wr_u8(w, s.p[i]);
	}
	wr_str(w, "\"\n");
}

/* Plain characters, tab and LF come back as they are; others never do. */
static void
naughty_one(struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	struct jit_why why = { 0 };
	bool plain = true;

	for (size_t i = 0, n; i < s.n && plain; i += n) {
		uint32_t cp = 0;

		n = utf8_next(SPAN(s.p + i, s.n - i), &cp);
		plain = n > 0 && (cp == '\t' || cp == '\n' ||
		    utf8_is_plain(cp));
	}
	put_quoted(&w, s);
	JT_WHY(tree_parse("p.yaml", wr_view(&w), &t, &why),
	    plain ? JIT_OK : JIT_E_POLICY, &why);
	if (plain)
		assert_true(span_eq(s,
		    tree_scalar(tree_get(tree_root(t), "k"))));
	else
		assert_memory_equal(why.msg, "p.yaml:1:", 9);
	/* Bare, it is whatever it is: no crash, and a place in the message. */
	wr_done(&w);
	wr_str(&w, "k: ");
	wr_span(&w, s);
	why.msg[0] = '\0';
	tree_free(t);
	t = NULL;
	if (tree_parse("p.yaml", wr_view(&w), &t, &why) != JIT_OK)
		assert_memory_equal(why.msg, "p.yaml:", 7);
}

static void
naughty(void **state)
{
	json_t *all = json_load_file(jt_vectors("strings/blns.json"),
	    JSON_ALLOW_NUL, NULL), *one;
	size_t i;

	(void)state;
	assert_true(json_array_size(all) > 500);
	json_array_foreach(all, i, one)
		naughty_one(SPAN(json_string_value(one),
		    json_string_length(one)));
	json_decref(all);
}

static void
try_one(void *arg, struct span s)
{
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	struct jit_why why = { 0 };

	(void)arg;
	if (tree_parse("p.yaml", s, &t, &why) != JIT_OK) {
		assert_memory_equal(why.msg, "p.yaml:", 7);
		assert_null(t);
	}
}

static void
garbled(void **state)
{
	(void)state;
	jt_flip_truncate(SPAN(good, sizeof(good) - 1), try_one, NULL);
}

int
main(void)
{
	return JT_ROWS("refused", refused, refused_rows) +
	    jt_one("shape", shape) +
	    jt_one("complaints", complaints) + jt_one("depth", depth) +
	    jt_one("size", size) + jt_one("naughty strings", naughty) +
	    jt_one("flip and truncate", garbled);
}
