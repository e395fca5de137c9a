/* log: one line an event, whatever is in the values. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "tests/lib/jt.h"

#define NOW "2026-11-23T20:58:11Z"

static utc_s
held_clock(void)
{
	return 1795467491;
}

static int out[2];
static char got[2 * LOG_LINE_MAX];

/* Neither side waits: an empty one is no line, a full one is a lost line. */
static void
open_pipe(int p[static 2])
{
	if (sys_pipe(p, NULL) != JIT_OK ||
	    sys_set_nonblock(p[0], true, NULL) != JIT_OK ||
	    sys_set_nonblock(p[1], true, NULL) != JIT_OK)
		abort();
}

/* What has been written since the last call. */
static const char *
written(void)
{
	ssize_t n = read(out[0], got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

struct row { const char *name, *value; size_t n; const char *want; };
#define S(x) x, sizeof(x) - 1
static const struct row rows[] = {
	{ "plain", S("alice"), "alice" },
	{ "empty", S(""), "" },
	{ "a quote", S("a\"b"), "a\\\"b" },
	{ "only quotes", S("\"\""), "\\\"\\\"" },
	{ "backslash before a quote", S("\\\""), "\\\\\\\"" },
	{ "a forged field", S("x\" admin=\"yes"), "x\\\" admin=\\\"yes" },
	{ "a forged line", S("x\n" NOW " info"), "x\\x0a" NOW " info" },
	{ "an escape sequence", S("\x1b[2J"), "\\x1b[2J" },
	{ "an override", S("\xe2\x80\xae"), "\\xe2\\x80\\xae" },
	{ "not UTF-8", S("a\xff"), "a\\xff" },
	{ "a NUL", S("a\0b"), "a\\x00b" },
	{ "an umlaut", S("\xc3\xbc"), "\xc3\xbc" },
};

static void
values(void **state)
{
	const struct row *r = *state;
	char want[512];

	log_line(LOG_L_WARN, "refused", LOG_SPAN("v", SPAN(r->value, r->n)));
	(void)snprintf(want, sizeof(want), NOW " warn test refused v=\"%s\"\n",
	    r->want);
	assert_string_equal(written(), want);
}

static void
kinds(void **state)
{
	struct jit_why why = { 0 };

	(void)state;
	log_line(LOG_L_ERROR, "start");
	assert_string_equal(written(), NOW " error test start\n");
	(void)jit_fail(&why, JIT_E_OWNER, "x: \"y\"");
	log_line(LOG_L_INFO, "all", LOG_STR("s", "t"), LOG_STR("none", NULL),
	    LOG_NUM("n", -7), LOG_NUM("big", INT64_MAX),
	    LOG_CODE(JIT_E_OWNER), LOG_WHY(&why));
	assert_string_equal(written(), NOW " info test all s=\"t\" none=\"-\" "
	    "n=\"-7\" big=\"9223372036854775807\" error=\"bad-owner\" "
	    "why=\"x: \\\"y\\\"\"\n");
	log_line(LOG_L_INFO, "no event", LOG_STR("no key", "v"));
	assert_string_equal(written(), NOW " info test ? ?=\"v\"\n");
}

static void
levels(void **state)
{
	enum log_level l = LOG_L_ERROR;

	(void)state;
	log_line(LOG_L_DEBUG, "x");
	assert_string_equal(written(), "");
	log_setup("test", out[1], LOG_L_DEBUG, NULL);
	log_line(LOG_L_DEBUG, "x");
	assert_string_equal(written(), "- debug test x\n");
	log_setup("test", out[1], LOG_L_ERROR, held_clock);
	log_line(LOG_L_WARN, "x");
	assert_string_equal(written(), "");
	log_setup("test", out[1], LOG_L_INFO, held_clock);
	JT_OK(log_level_parse("debug", &l));
	assert_int_equal(l, LOG_L_DEBUG);
	JT_ERR(log_level_parse("Debug", &l), JIT_E_ARG);
	JT_ERR(log_level_parse("", &l), JIT_E_ARG);
}

/* Long values are cut, and a line never outgrows its size. */
static void
limits(void **state)
{
	char v[3000];
	size_t n;

	(void)state;
	memset(v, 'a', sizeof(v));
	log_line(LOG_L_INFO, "x", LOG_SPAN("v", SPAN(v, LOG_VALUE_MAX)));
	assert_null(strstr(written(), "..."));
	log_line(LOG_L_INFO, "x", LOG_SPAN("v", SPAN(v, LOG_VALUE_MAX + 1)));
	assert_non_null(strstr(written(), "aaa...\"\n"));
	memset(v, '"', sizeof(v));
	log_line(LOG_L_INFO, "x", LOG_SPAN("v", SPAN(v, LOG_VALUE_MAX)));
	assert_null(strstr(written(), "..."));
	log_line(LOG_L_INFO, "x", LOG_SPAN("v", SPAN(v, LOG_VALUE_MAX + 1)));
	assert_non_null(strstr(written(), "\\\"...\"\n"));
	memset(v, '\x1b', sizeof(v));
	log_line(LOG_L_INFO, "x", LOG_SPAN("a", SPAN(v, 3000)),
	    LOG_SPAN("b", SPAN(v, 3000)), LOG_SPAN("c", SPAN(v, 3000)),
	    LOG_NUM("d", 4));
	n = strlen(written());
	assert_true(n <= LOG_LINE_MAX);
	assert_non_null(strstr(got, " d=\"4\" cut=\"true\"\n"));
}

/* A reader that is too slow: the next line says how many it missed. */
static void
lost(void **state)
{
	int p[2];

	(void)state;
	open_pipe(p);
	log_setup("test", p[1], LOG_L_INFO, held_clock);
	while (write(p[1], got, sizeof(got)) > 0)
		;
	while (write(p[1], got, 1) > 0)
		;
	log_line(LOG_L_INFO, "one");
	log_line(LOG_L_INFO, "two");
	while (read(p[0], got, sizeof(got)) > 0)
		;
	log_line(LOG_L_INFO, "three");
	got[read(p[0], got, sizeof(got) - 1)] = '\0';
	assert_string_equal(got, NOW " info test three lost=\"2\"\n");
	log_line(LOG_L_INFO, "four");
	got[read(p[0], got, sizeof(got) - 1)] = '\0';
	assert_string_equal(got, NOW " info test four\n");
	(void)close(p[0]);
	(void)close(p[1]);
	log_setup("test", out[1], LOG_L_INFO, held_clock);
}

/* One line each: no control, one LF, the quotes of the fields and no more. */
static void
naughty(void **state)
{
	json_t *all = json_load_file(jt_vectors("strings/blns.json"),
	    JSON_ALLOW_NUL, NULL), *one;
	size_t i;

	(void)state;
	assert_true(json_array_size(all) > 500);
	json_array_foreach(all, i, one) {
		const char *s = json_string_value(one);
		unsigned quotes = 0;
		size_t n;

		log_line(LOG_L_INFO, "x", LOG_SPAN("v",
		    SPAN(s, json_string_length(one))), LOG_NUM("n", 1));
		n = strlen(written());
		assert_true(n > 0 && strchr(got, '\n') == got + n - 1);
		for (size_t k = 0; k + 1 < n; k++) {
			assert_true((unsigned char)got[k] >= 0x20 &&
			    got[k] != 0x7f);
			if (got[k] == '\\')
				k++;	/* an escaped quote is none */
			else
				quotes += got[k] == '"';
		}
		assert_int_equal(quotes, 4);
	}
	json_decref(all);
}

int
main(void)
{
	open_pipe(out);
	log_setup("test", out[1], LOG_L_INFO, held_clock);
	return JT_ROWS("values", values, rows) + jt_one("kinds", kinds) +
	    jt_one("levels", levels) + jt_one("limits", limits) +
	    jt_one("lost", lost) + jt_one("naughty strings", naughty);
}
