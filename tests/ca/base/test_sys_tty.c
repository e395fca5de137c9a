/* sys: a passphrase on a terminal of its own, echo off, whatever happens. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#ifdef __APPLE__
#include <util.h>
#else
#include <pty.h>
#endif

#include "ca/base/sys.h"
#include "tests/lib/jt.h"

/* The child's exit status tells what it got. */
enum { GOT = 10, OTHER, SIZE, EMPTY, IO };

static int
child_asks(const char *want)
{
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };

	switch (sys_ask_passphrase("Passphrase: ", &s, NULL)) {
	case JIT_OK:
		return secret_equal(SPAN(s.p, s.n), span_str(want)) ?
		    GOT : OTHER;
	case JIT_E_SIZE:
		return SIZE;
	case JIT_E_ARG:
		return EMPTY;
	default:
		return IO;
	}
}

/* Read from the terminal until say was seen (or the end). */
static bool
await(int tty, const char *say, char *seen, size_t size)
{
	size_t n = strlen(seen);

	while (strstr(seen, say) == NULL && n + 1 < size) {
		struct pollfd p = { .fd = tty, .events = POLLIN };
		ssize_t k;

		if (poll(&p, 1, 10000) != 1)
			return false;
		if ((k = read(tty, seen + n, size - 1 - n)) <= 0)
			return false;
		n += (size_t)k;
		seen[n] = '\0';
	}
	return strstr(seen, say) != NULL;
}

static bool
echoes(int tty)
{
	struct termios t;

	assert_int_equal(tcgetattr(tty, &t), 0);
	return (t.c_lflag & ECHO) != 0;
}

struct row { const char *name, *typed, *want; int status; };
static char longest[SYS_PASSPHRASE_MAX + 2], longer[SYS_PASSPHRASE_MAX + 3];
static const struct row rows[] = {
	{ "a passphrase", "correct horse\n", "correct horse", GOT },
	{ "a return key", "horse\r", "horse", GOT },
	{ "not ASCII", "gr\xc3\xbc\xc3\x9f\n", "gr\xc3\xbc\xc3\x9f", GOT },
	{ "an empty line", "\n", NULL, EMPTY },
	{ "end of input", "\x04", NULL, EMPTY },
	{ "the longest", longest, NULL, OTHER },
	{ "one byte longer", longer, NULL, SIZE },
	{ "interrupted", "abc\x03", NULL, 128 + SIGINT },
	{ "quit", "abc\x1c", NULL, 128 + SIGQUIT },
};

static int
status_of(pid_t pid)
{
	int st = -1;

	assert_int_equal(waitpid(pid, &st, 0), pid);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

static void
asked(void **state)
{
	const struct row *r = *state;
	char seen[4096] = "";
	int tty = -1, keep;
	pid_t pid = forkpty(&tty, NULL, NULL, NULL);

	if (pid == 0)
		_exit(child_asks(r->want ? r->want : "-"));
	assert_true(pid > 0);
	assert_true(await(tty, "Passphrase: ", seen, sizeof(seen)));
	assert_false(echoes(tty));
	assert_int_equal(write(tty, r->typed, strlen(r->typed)),
	    (ssize_t)strlen(r->typed));
	/* Echo is on again, seen while the child still has the terminal. */
	keep = await(tty, "Passphrase: \r\n", seen, sizeof(seen));
	assert_int_equal(status_of(pid), r->status);
	assert_true(keep);
	assert_true(echoes(tty));
	(void)await(tty, "never", seen, sizeof(seen));
	assert_null(strstr(seen, "abc"));
	assert_null(strstr(seen, "horse"));
	(void)close(tty);
}

/* Stopped: echo comes back for the shell, and it asks again. */
static void
stopped(void **state)
{
	char seen[4096] = "";
	int tty = -1, st = 0;
	pid_t pid = forkpty(&tty, NULL, NULL, NULL), in;

	(void)state;
	if (pid == 0) {
		/* An orphaned group is not stopped: be a shell's child. */
		if ((in = fork()) == 0) {
			(void)setpgid(0, 0);
			(void)signal(SIGTTOU, SIG_IGN);
			(void)tcsetpgrp(0, getpid());
			(void)signal(SIGTTOU, SIG_DFL);
			_exit(child_asks("again"));
		}
		(void)waitpid(in, &st, WUNTRACED);
		if (!WIFSTOPPED(st))
			_exit(1);
		(void)signal(SIGTTOU, SIG_IGN);
		(void)tcsetpgrp(0, getpid());
		if (!echoes(0))
			_exit(2);
		(void)tcsetpgrp(0, in);
		(void)kill(in, SIGCONT);
		(void)waitpid(in, &st, 0);
		_exit(WIFEXITED(st) ? WEXITSTATUS(st) : 3);
	}
	assert_true(await(tty, "Passphrase: ", seen, sizeof(seen)));
	assert_int_equal(write(tty, "abc\x1a", 4), 4);
	assert_true(await(tty, "Passphrase: \r\nPassphrase: ", seen,
	    sizeof(seen)));
	assert_int_equal(write(tty, "again\n", 6), 6);
	assert_true(await(tty, "Passphrase: \r\nPassphrase: \r\n", seen,
	    sizeof(seen)));
	assert_int_equal(status_of(pid), GOT);
	(void)close(tty);
}

static void
no_terminal(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		(void)setsid();
		_exit(child_asks("x"));
	}
	assert_int_equal(status_of(pid), IO);
}

int
main(void)
{
	memset(longest, 'l', SYS_PASSPHRASE_MAX);
	longest[SYS_PASSPHRASE_MAX] = '\n';
	memset(longer, 'l', SYS_PASSPHRASE_MAX + 1);
	longer[SYS_PASSPHRASE_MAX + 1] = '\n';
	return JT_ROWS("asked", asked, rows) + jt_one("stopped", stopped) +
	    jt_one("no terminal", no_terminal);
}
