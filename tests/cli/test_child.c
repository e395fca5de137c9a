/*
 * child: a real program in our place; its status, its signals, its
 * environment.  A second process plays who sends signals to us.
 */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "cli/child.h"
#include "tests/lib/jt.h"

#define SH(s) { "sh", "-c", s, NULL }

struct row {
	const char *name;
	const char *argv[4];
	enum jit_err err;
	int status, sig;
};
static const struct row rows[] = {
	{ "it is done", SH("exit 0"), JIT_OK, 0, 0 },
	{ "its status", SH("exit 7"), JIT_OK, 7, 0 },
	{ "255", SH("exit 255"), JIT_OK, 255, 0 },
	{ "killed", SH("kill -KILL $$"), JIT_OK, 0, SIGKILL },
	{ "terminated", SH("kill -TERM $$"), JIT_OK, 0, SIGTERM },
	{ "a variable of its own", SH("test \"$JIT_X\" = 'a b'"), JIT_OK, 0,
	    0 },
	{ "ours is replaced", SH("test \"$HOME\" = /nowhere"), JIT_OK, 0, 0 },
	{ "SIGPIPE ends it", SH("kill -PIPE $$"), JIT_OK, 0, SIGPIPE },
	{ "no such program", { "jit-no-such-program", NULL }, JIT_E_UNKNOWN,
	    0, 0 },
	{ "a folder", { "/", NULL }, JIT_E_UNKNOWN, 0, 0 },
};
static const struct child_var vars[] = {
	{ "JIT_X", "a b" }, { "HOME", "/nowhere" },
};

static void
runs(void **state)
{
	const struct row *r = *state;
	JIT_DONE(child_end) struct child c = { .begun = false };
	struct jit_why why = { 0 };
	int status = -1, sig = -1;

	JT_OK(child_begin(&c, NULL));
	JT_WHY(child_run(&c, r->argv, vars, 2, &status, &sig, &why), r->err,
	    &why);
	if (r->err != JIT_OK)
		return;
	assert_int_equal(status, r->status);
	assert_int_equal(sig, r->sig);
}

static void
not_begun(void **state)
{
	static const char *const argv[] = { "true", NULL };
	struct child c = { .begun = false };
	int status, sig;

	(void)state;
	JT_ERR(child_run(&c, argv, NULL, 0, &status, &sig, NULL), JIT_E_ARG);
}

/* ---- signals to us ---- */

/* In a process of its own: its status says what was seen. */
enum seen { SEEN_DIED = 10, SEEN_EXIT, SEEN_OTHER };

static int
play(const char *script)
{
	JIT_DONE(child_end) struct child c = { .begun = false };
	const char *const argv[] = { "sh", "-c", script, NULL };
	int status = 0, sig = 0;

	if (child_begin(&c, NULL) != JIT_OK || child_run(&c, argv, NULL, 0,
	    &status, &sig, NULL) != JIT_OK)
		return SEEN_OTHER;
	return sig != 0 ? SEEN_DIED : status == 5 ? SEEN_EXIT : SEEN_OTHER;
}

struct signal_row { const char *name; int sig; const char *script; int want; };
static const struct signal_row signal_rows[] = {
	{ "SIGTERM is passed on", SIGTERM, "echo; exec sleep 20",
	    SEEN_DIED },
	{ "SIGHUP", SIGHUP, "echo; exec sleep 20", SEEN_DIED },
	{ "SIGINT of a process", SIGINT, "echo; exec sleep 20", SEEN_DIED },
	{ "SIGQUIT of a process", SIGQUIT, "ulimit -c 0; echo; exec sleep 20",
	    SEEN_DIED },
	{ "who takes it has the word", SIGTERM,
	    "trap 'exit 5' TERM; echo; for i in 1 2 3 4 5 6 7 8 9; do "
	    "sleep 1; done", SEEN_EXIT },
};

static void
passes_on(void **state)
{
	const struct signal_row *r = *state;
	int p[2], st = 0;
	char b;
	pid_t pid;

	JT_OK(sys_pipe(p, NULL));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(p[1], 1);
		_exit(play(r->script));
	}
	/* The child's line feed: it has begun. */
	assert_int_equal(read(p[0], &b, 1), 1);
	assert_int_equal(kill(pid, r->sig), 0);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	sys_close(&p[0]);
	sys_close(&p[1]);
	assert_true(WIFEXITED(st));
	assert_int_equal(WEXITSTATUS(st), r->want);
}

/* It comes before there is a child: nothing is run, and we die of it. */
static void
comes_early(void **state)
{
	int st = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		static const char *const argv[] = { "sh", "-c", "exit 5",
		    NULL };
		struct child c = { .begun = false };
		int status = 0, sig = 0;

		if (child_begin(&c, NULL) != JIT_OK)
			_exit(1);
		(void)raise(SIGTERM);
		if (child_run(&c, argv, NULL, 0, &status, &sig, NULL) !=
		    JIT_E_IO)
			_exit(2);
		/* Here a folder is removed. */
		child_end(&c);
		_exit(3);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFSIGNALED(st));
	assert_int_equal(WTERMSIG(st), SIGTERM);
}

/* It comes after the child's end, while a folder is removed. */
static void
comes_late(void **state)
{
	int st = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		static const char *const argv[] = { "true", NULL };
		struct child c = { .begun = false };
		int status = 0, sig = 0;

		if (child_begin(&c, NULL) != JIT_OK || child_run(&c, argv,
		    NULL, 0, &status, &sig, NULL) != JIT_OK)
			_exit(1);
		(void)kill(getpid(), SIGTERM);
		child_end(&c);
		_exit(3);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFSIGNALED(st));
	assert_int_equal(WTERMSIG(st), SIGTERM);
}

static void
dies_of(void **state)
{
	int st = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		child_die_of(SIGSEGV);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFSIGNALED(st));
	assert_int_equal(WTERMSIG(st), SIGSEGV);
}

int
main(void)
{
	return JT_ROWS("runs", runs, rows) + jt_one("not begun", not_begun) +
	    JT_ROWS("passes on", passes_on, signal_rows) +
	    jt_one("a signal before the child", comes_early) +
	    jt_one("a signal after the child", comes_late) +
	    jt_one("dies of it", dies_of);
}
