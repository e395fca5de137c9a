/* sys: a child gets its input, and its output comes back bounded. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "tests/lib/jt.h"

struct row {
	const char *name;
	const char *argv[4];
	const char *input, *out;
	enum jit_err want;
	int status;
};
#define SH(s) { "/bin/sh", "-c", s, NULL }
static const struct row rows[] = {
	{ "input comes back", { "/bin/cat", NULL }, "abc", "abc", JIT_OK, 0 },
	{ "found in PATH", { "cat", NULL }, "abc", "abc", JIT_OK, 0 },
	{ "no shell", { "echo", "$HOME; x", NULL }, "", "$HOME; x\n",
	    JIT_OK, 0 },
	{ "a failure's output too", SH("echo no; exit 7"), "", "no\n",
	    JIT_OK, 7 },
	{ "ended by a signal", SH("kill -9 $$"), "", "", JIT_OK, 137 },
	{ "input is not read", { "/bin/true", NULL }, "abc", "", JIT_OK, 0 },
	{ "no such program", { "/no/such", NULL }, "", NULL,
	    JIT_E_UNKNOWN, -1 },
	{ "none of that name", { "no-such-program-x", NULL }, "", NULL,
	    JIT_E_UNKNOWN, -1 },
	{ "below a file", { "/bin/sh/x", NULL }, "", NULL,
	    JIT_E_UNKNOWN, -1 },
	{ "a directory", { "/tmp", NULL }, "", NULL, JIT_E_IO, -1 },
	{ "too much output", SH("yes"), "", NULL, JIT_E_SIZE, -1 },
	{ "too slow", SH("exec sleep 60"), "", NULL, JIT_E_UNREACHABLE, -1 },
	{ "closes its output and stays", SH("exec sleep 60 >&-"), "", NULL,
	    JIT_E_UNREACHABLE, -1 },
};

static void
runs(void **state)
{
	const struct row *r = *state;
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	struct jit_why why = { 0 };
	int status = -1, ms = r->want == JIT_E_UNREACHABLE ? 200 : 20000;
	int64_t start = sys_mono_ms();

	JT_WHY(sys_run(r->argv, span_str(r->input), 1000, ms, &out, &status,
	    &why), r->want, &why);
	assert_int_equal(status, r->status);
	assert_true(sys_mono_ms() - start < 20000);
	if (r->out != NULL)
		assert_true(span_eq_str(BUF_SPAN(out), r->out));
	else
		assert_non_null(strstr(why.msg, r->argv[0]));
	/* Nobody is left behind. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* More than both pipes hold, both ways at once. */
static void
large(void **state)
{
	const char *argv[] = { "cat", NULL };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	struct jit_why why = { 0 };
	size_t n = 1000000;
	char *p = malloc(n);
	int status = -1;

	(void)state;
	assert_non_null(p);
	memset(p, 'x', n);
	JT_WHY(sys_run(argv, SPAN(p, n), n, -1, &out, &status, &why), JIT_OK,
	    &why);
	assert_int_equal(status, 0);
	assert_true(span_eq(BUF_SPAN(out), SPAN(p, n)));
	buf_done(&out);
	/* A child that stops reading does not end us by SIGPIPE. */
	argv[0] = "true";
	JT_WHY(sys_run(argv, SPAN(p, n), n, -1, &out, &status, &why), JIT_OK,
	    &why);
	free(p);
}

/* What we open is not inherited; what a careless parent left open stays. */
static void
inheritance(void **state)
{
	const char *argv[] = { "/bin/sh", "-c", "ls /dev/fd | wc -l", NULL };
	JIT_DONE(buf_done) struct buf before = { NULL, 0 }, after = { NULL, 0 };
	struct jit_why why = { 0 };
	int status = -1, p[2];

	(void)state;
	JT_OK(sys_run(argv, SPAN_NONE, 100, -1, &before, &status, &why));
	JT_OK(sys_pipe(p, &why));
	JT_OK(sys_run(argv, SPAN_NONE, 100, -1, &after, &status, &why));
	sys_close(&p[0]);
	sys_close(&p[1]);
	assert_true(before.n > 1);
	assert_true(span_eq(BUF_SPAN(before), BUF_SPAN(after)));
}

/* Not even the superuser runs a file without an x. */
static void
not_executable(void **state)
{
	const char *argv[] = { "jit-no-x", NULL };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	JIT_DONE(buf_done) struct buf was = { NULL, 0 };
	char path[4200];
	struct jit_why why = { 0 };
	int status = -1;

	(void)state;
	JT_OK(buf_copy(&was, span_str(getenv("PATH"))));
	(void)snprintf(path, sizeof(path), "%s/jit-no-x", jt_tmpdir());
	JT_OK(sys_write_file(path, span_str("#!/bin/sh\n"), 0600, SYS_NEW,
	    &why));
	assert_int_equal(setenv("PATH", jt_tmpdir(), 1), 0);
	JT_WHY(sys_run(argv, SPAN_NONE, 100, -1, &out, &status, &why),
	    JIT_E_UNKNOWN, &why);
	assert_int_equal(setenv("PATH", (const char *)was.p, 1), 0);
	argv[0] = path;
	JT_WHY(sys_run(argv, SPAN_NONE, 100, -1, &out, &status, &why),
	    JIT_E_IO, &why);
}

/* SIGPIPE ends the child as it should, and here it is as it was. */
static void
broken_pipe(void **state)
{
	const char *argv[] = { "/bin/sh", "-c", "kill -PIPE $$", NULL };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	struct jit_why why = { 0 };
	struct sigaction sa;
	int status = -1;

	(void)state;
	JT_OK(sys_run(argv, SPAN_NONE, 100, -1, &out, &status, &why));
	assert_int_equal(status, 128 + SIGPIPE);
	assert_int_equal(sigaction(SIGPIPE, NULL, &sa), 0);
	assert_true(sa.sa_handler == SIG_DFL);
}

int
main(void)
{
	return JT_ROWS("runs", runs, rows) + jt_one("large", large) +
	    jt_one("inheritance", inheritance) +
	    jt_one("not executable", not_executable) +
	    jt_one("broken pipe", broken_pipe);
}
