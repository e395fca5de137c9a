/* out: nothing of somebody else's reaches the terminal as it is. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/text.h"
#include "tests/cli/fake.h"
#include "tests/lib/json.h"

/* ---- naughty strings ---- */

/* LF of ours alone; every code point one that a person may write. */
static void
check_harmless(struct span s, size_t lines)
{
	size_t seen = 0;

	while (s.n > 0) {
		uint32_t cp = 0;
		size_t n = utf8_next(s, &cp);

		assert_true(n > 0);
		if (cp == '\n')
			seen++;
		else
			assert_true(utf8_is_plain(cp));
		s = SPAN(s.p + n, s.n - n);
	}
	assert_int_equal(seen, lines);
}

static void
check_printable_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		assert_true(s.p[i] == '\n' ||
		    (s.p[i] >= 0x20 && s.p[i] < 0x7f));
}

/* Say s in every way; 9 lines. */
static size_t
say_everywhere(struct cli *c, struct span s, const char *str)
{
	JIT_DONE(out_table_done) struct out_table t;
	struct jit_why why = { 0 };

	out_say(c, "%s\n", str);
	out_say(c, "[%.*s]\n", OUT_SPAN(s));
	out_say_on_stderr(c);
	c->out.say_fd = c->out.fd;
	out_table_init(&t, 2);
	out_cell(c, &t, "%.*s", OUT_SPAN(s));
	out_cell(c, &t, "x");
	out_cell(c, &t, "y");
	out_cell(c, &t, "%s", str);
	out_table_say(c, &t, "  ");
	/* These go to the other descriptor. */
	out_note(c, "%s\n", str);
	(void)out_outcome(c, "DENIED", JIT_E_DENIED, "by %s", str);
	(void)out_error(c, jit_fail(&why, JIT_E_DENIED, "%s", str), &why);
	return 4;
}

static void
naughty_one(struct span s, bool utf8, bool json)
{
	struct cli c;
	size_t lines;

	fake_init(&c);
	c.out.utf8 = utf8;
	c.out.json = json;
	{
		JIT_DONE(buf_done) struct buf str = { NULL, 0 };

		JT_OK(buf_copy(&str, s));
		lines = say_everywhere(&c, s, (const char *)str.p);
		out_json(&c, json_pack("{s:o}", "x", out_json_span(s)));
	}
	{
		JIT_DONE(buf_done) struct buf out = fake_read(c.out.fd);
		JIT_DONE(buf_done) struct buf err = fake_read(c.out.err_fd);

		check_harmless(BUF_SPAN(out), json ? 3 : lines);
		check_harmless(BUF_SPAN(err), json ? 0 : 3);
		if (!utf8 || json) {
			check_printable_ascii(BUF_SPAN(out));
			check_printable_ascii(BUF_SPAN(err));
		}
	}
	assert_int_equal(c.out.failed, JIT_OK);
	fake_done(&c);
}

static void
naughty_all(struct span s)
{
	naughty_one(s, true, false);
	naughty_one(s, false, false);
	naughty_one(s, true, true);
}

static void
naughty(void **state)
{
	json_t *list = jt_json(jt_vectors("strings/blns.json"));

	(void)state;
	assert_true(json_array_size(list) > 500);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i);

		naughty_all(SPAN(json_string_value(o),
		    json_string_length(o)));
	}
	json_decref(list);
}

/* Each byte alone and between others: C0, DEL, C1, half characters. */
static void
bytes(void **state)
{
	(void)state;
	for (unsigned b = 0; b < 256; b++) {
		const uint8_t s[3] = { 'a', (uint8_t)b, 'z' };

		naughty_all(SPAN(s + 1, 1));
		naughty_all(SPAN(s, 3));
	}
}

/* ---- the printf ---- */

static void
says(void **state)
{
	const char *volatile nothing = NULL;
	struct cli c;

	(void)state;
	fake_init(&c);
	out_say(&c, "%d %u %ld %lu %lld %llu %zu %c%%\n", -1, 2u, -3L, 4UL,
	    -5LL, 6ULL, (size_t)7, 'x');
	out_say(&c, "%s|%.*s|%s\n", "a\nb", 3, "\033]0;x", "c\\d");
	out_say(&c, "· %s …\n", "gr\xc3\xbc\xc3\x9f");
	out_say(&c, "%s\n", nothing);
	c.out.utf8 = false;
	out_say(&c, "· %s … é\n", "gr\xc3\xbc\xc3\x9f");
	out_text(&c, "> ", span_str("one\ntwo\r\n\nlast\033"));
	fake_said(c.out.fd, "-1 2 -3 4 -5 6 7 x%\n"
	    "a\\x0ab|\\x1b]0|c\\\\d\n"
	    "· gr\xc3\xbc\xc3\x9f …\n-\n"
	    "- gr\\xc3\\xbc\\xc3\\x9f ... ?\n"
	    "> one\n> two\\x0d\n> \n> last\\x1b\n");
	fake_done(&c);
}

static void
outcomes(void **state)
{
	struct jit_why why = { 0 };
	struct cli c;

	(void)state;
	fake_init(&c);
	assert_int_equal(out_outcome(&c, "DENIED", JIT_E_DENIED,
	    "Denied by carol 22:05: \"%s\".", "use the\nreplica"), CLI_DENIED);
	assert_int_equal(out_outcome(&c, "SSHD NO", JIT_E_REFUSED,
	    "Valid.\nOn %s", "db1"), CLI_REFUSED);
	c.out.err_color = true;
	assert_int_equal(out_outcome(&c, "OWN", JIT_E_SELF, "You."),
	    CLI_REFUSED);
	assert_int_equal(out_outcome(&c, "WAITING", JIT_E_PENDING, "Still."),
	    CLI_WAITING);
	assert_int_equal(out_error(&c, JIT_E_UNREACHABLE, NULL),
	    CLI_UNREACHABLE);
	(void)jit_fail(&why, JIT_E_ARG, "no \\x1b and no \033");
	assert_int_equal(out_error_exit(&c, JIT_E_ARG, &why, CLI_CHILD),
	    CLI_CHILD);
	fake_said(c.out.err_fd,
	    "DENIED     Denied by carol 22:05: \"use the\\x0areplica\".\n"
	    "SSHD NO    Valid.\n           On db1\n"
	    "\033[1;31mOWN\033[0m        You.\n"
	    "\033[1;33mWAITING\033[0m    Still.\n"
	    "jit-cert: A program does not answer.\n"
	    "jit-cert: no \\x1b and no \\x1b\n");
	fake_said(c.out.fd, "");
	fake_done(&c);
}

static void
json(void **state)
{
	char answer = 'x';
	struct jit_why why = { 0 };
	struct buf line = { NULL, 0 };
	struct cli c;

	(void)state;
	fake_init(&c);
	out_json(&c, json_pack("{s:i}", "not", 1));
	c.out.json = true;
	out_say(&c, "words\n");
	out_note(&c, "words\n");
	out_text(&c, "", span_str("words\n"));
	out_json(&c, json_pack("{s:o, s:o}", "x",
	    out_json_span(span_str("\xc3\xbc\x7f\n")), "t",
	    out_json_utc(FAKE_NOW)));
	out_json(&c, json_pack("{s:o, s:o}", "bad",
	    out_json_span(span_str("\xff\\")), "none",
	    out_json_span(SPAN_NONE)));
	assert_int_equal(out_outcome(&c, "DENIED", JIT_E_DENIED, "by %s", "x"),
	    CLI_DENIED);
	assert_int_equal(out_error_exit(&c, JIT_E_REFUSED, NULL, CLI_CHILD),
	    CLI_CHILD);
	JT_ERR(out_ask_key(&c, span_str("? "), "yn", &answer, &why),
	    JIT_E_ARG);
	JT_ERR(out_ask_line(&c, span_str("? "), 9, &line, &why), JIT_E_ARG);
	fake_said(c.out.err_fd, "");
	fake_said(c.out.fd, "{\"x\":\"\\u00FC\\u007f\\n\","
	    "\"t\":\"2026-11-23T20:58:11Z\"}\n"
	    "{\"bad\":\"\\\\xff\\\\\\\\\",\"none\":\"\"}\n"
	    "{\"error\":\"denied\",\"message\":\"by x\",\"exit\":10}\n"
	    "{\"error\":\"policy-refuses\",\"message\":\"The policy refuses "
	    "this.\",\"exit\":125}\n");
	assert_int_equal(c.out.failed, JIT_OK);
	out_json(&c, NULL);
	assert_int_equal(c.out.failed, JIT_E_NOMEM);
	fake_done(&c);
}

/* ---- columns ---- */

struct width { const char *name, *text; bool utf8; size_t want; };
static const struct width widths[] = {
	{ "nothing", "", true, 0 },
	{ "ASCII", "abc", true, 3 },
	{ "accents", "gr\xc3\xbc\xc3\x9f", true, 4 },
	{ "wide", "\xe6\x97\xa5\xe6\x9c\xac", true, 4 },
	{ "combining", "e\xcc\x81", true, 1 },
	{ "an emoji", "\xf0\x9f\x9a\x80", true, 2 },
	{ "half a character", "\xe6\x97", true, 2 },
	{ "no UTF-8 locale", "abc", false, 3 },
};

static void
width(void **state)
{
	const struct width *r = *state;
	struct cli c;

	fake_init(&c);
	c.out.utf8 = r->utf8;
	assert_int_equal(out_width(&c, span_str(r->text)), r->want);
	fake_done(&c);
}

static void
table(void **state)
{
	JIT_DONE(out_table_done) struct out_table t;
	struct cli c;

	(void)state;
	fake_init(&c);
	out_table_init(&t, 3);
	out_table_say(&c, &t, "");
	out_cell(&c, &t, "9N2B");
	out_cell(&c, &t, "%s", "\xe6\x97\xa5\xe6\x9c\xac");
	out_cell(&c, &t, "2m ago");
	out_cell(&c, &t, "%s", "a");
	out_cell(&c, &t, "%s", "a\tb");
	out_cell(&c, &t, "%s", "");
	out_cell(&c, &t, "last");
	out_table_say(&c, &t, "  ");
	fake_said(c.out.fd, "  9N2B  \xe6\x97\xa5\xe6\x9c\xac    2m ago\n"
	    "  a     a\\x09b\n  last\n");
	fake_done(&c);
}

static void
table_grows(void **state)
{
	JIT_DONE(out_table_done) struct out_table t;
	struct cli c;

	(void)state;
	fake_init(&c);
	out_table_init(&t, 2);
	for (size_t i = 0; i < 2000; i++)
		out_cell(&c, &t, "%zu", i);
	out_table_say(&c, &t, "");
	{
		JIT_DONE(buf_done) struct buf out = fake_read(c.out.fd);

		check_harmless(BUF_SPAN(out), 1000);
		assert_non_null(strstr((const char *)out.p, "\n1998  1999\n"));
	}
	fake_done(&c);
}

/* ---- what cannot be written ---- */

static int
wrote(struct cli *c, const struct args *a)
{
	(void)a;
	out_say(c, "one\n");
	out_json(c, json_object());
	out_say(c, "two\n");
	return CLI_WAITING;
}

static void
lost(void **state)
{
	static const struct verb v = { VERB_INBOX, "inbox", wrote, 0, 0, "",
		"", SECTION_ASKING };
	char *argv[] = { "jit-cert", "inbox", NULL };
	char *jargv[] = { "jit-cert", "inbox", "--json", NULL };
	struct cli c;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (full < 0)
		skip();
	fake_init(&c);
	(void)close(c.out.fd);
	c.out.fd = c.out.say_fd = full;
	assert_int_equal(cli_main(&c, &v, 1, 2, argv), CLI_FAILED);
	assert_int_equal(cli_main(&c, &v, 1, 3, jargv), CLI_FAILED);
	fake_said(c.out.err_fd, "jit-cert: standard output: writing: No space "
	    "left on device\njit-cert: standard output: writing: No space "
	    "left on device\n");
	fake_done(&c);
}

int
main(void)
{
	/* Widths are the C library's; Debian and macOS have one of these. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL &&
	    setlocale(LC_CTYPE, "en_US.UTF-8") == NULL)
		return 77;
	int failed = jt_one("bytes", bytes) + jt_one("says", says) +
	    jt_one("outcomes", outcomes) + jt_one("json", json) +
	    JT_ROWS("widths", width, widths) + jt_one("table", table) +
	    jt_one("table grows", table_grows) + jt_one("lost", lost);

	/* Last: without the vectors the program ends there. */
	return failed > 0 ? failed : jt_one("naughty strings", naughty);
}
