/* out: a key and a line, asked on a terminal of its own. */
#define _GNU_SOURCE
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

#include "tests/cli/fake.h"

#define PROMPT "[a]pprove [d]eny: "
/* The child's exit status tells what it got. */
enum { GOT = 10, OTHER, SIZE, IO };

struct row {
	const char *name;
	bool key;
	const char *typed, *want;
	int status;
	const char *seen;	/* behind the prompt */
};
static const struct row rows[] = {
	{ "a key, no line feed", true, "a", "a", GOT, PROMPT "a\r\n" },
	{ "a capital is the same", true, "D", "d", GOT, PROMPT "D\r\n" },
	{ "another key asks again", true, "xa", "a", GOT,
	    PROMPT "x\r\n" PROMPT },
	{ "return asks again", true, "\ra", "a", GOT, PROMPT "\r\n" PROMPT },
	{ "an escape is not shown", true, "\033", "a", -1,
	    PROMPT "\r\n" PROMPT },
	{ "end of input", true, "\x04", "", IO, PROMPT },
	{ "interrupted", true, "\x03", "", 128 + SIGINT, PROMPT },
	{ "a line", false, "INC-4711 stuck\n", "INC-4711 stuck", GOT, PROMPT },
	{ "an empty line", false, "\n", "", GOT, PROMPT },
	{ "a corrected line", false, "x\x7fy\n", "y", GOT, PROMPT },
	{ "the longest line", false, "0123456789012345\n",
	    "0123456789012345", GOT, PROMPT },
	{ "a line too long", false, "01234567890123456\n", "", SIZE, PROMPT },
	{ "no line", false, "\x04", "", IO, PROMPT },
	{ "a line interrupted", false, "abc\x03", "", 128 + SIGINT, PROMPT },
};

static int
status_for(enum jit_err e)
{
	return e == JIT_E_SIZE ? SIZE : IO;
}

static int
child_asks(const struct row *r)
{
	JIT_DONE(buf_done) struct buf line = { NULL, 0 };
	struct cli c;
	char key = 0;
	enum jit_err e;

	fake_init(&c);
	if (r->key) {
		e = out_ask_key(&c, span_str(PROMPT), "ad", &key, NULL);
		return e != JIT_OK ? status_for(e) :
		    key == r->want[0] ? GOT : OTHER;
	}
	e = out_ask_line(&c, span_str(PROMPT), 16, &line, NULL);
	return e != JIT_OK ? status_for(e) :
	    span_eq_str(BUF_SPAN(line), r->want) ? GOT : OTHER;
}

/* Read from the terminal until say was seen. */
static bool
await(int tty, const char *say, char *seen, size_t size)
{
	size_t n = strlen(seen);

	while (strstr(seen, say) == NULL && n + 1 < size) {
		struct pollfd p = { .fd = tty, .events = POLLIN };
		ssize_t k;

		if (poll(&p, 1, 10000) != 1 ||
		    (k = read(tty, seen + n, size - 1 - n)) <= 0)
			return false;
		n += (size_t)k;
		seen[n] = '\0';
	}
	return true;
}

static int
status_of(pid_t pid)
{
	int st = -1;

	assert_int_equal(waitpid(pid, &st, 0), pid);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

/* Canonical and with echo, as the shell left it. */
static bool
as_it_was(int tty)
{
	struct termios t;

	assert_int_equal(tcgetattr(tty, &t), 0);
	return (t.c_lflag & ECHO) != 0 && (t.c_lflag & ICANON) != 0;
}

/* One byte at a time, each when it is asked for: the rest is thrown away. */
static void
type(int tty, const struct row *r, char *seen, size_t size)
{
	size_t n = strlen(r->typed);

	for (size_t i = 0; r->key && i < n; i++) {
		assert_int_equal(write(tty, r->typed + i, 1), 1);
		if (i + 1 < n)
			assert_true(await(tty, r->seen, seen, size));
	}
	if (!r->key)
		assert_int_equal(write(tty, r->typed, n), (ssize_t)n);
}

static void
asked(void **state)
{
	const struct row *r = *state;
	char seen[4096] = "";
	int tty = -1;
	pid_t pid = forkpty(&tty, NULL, NULL, NULL);

	if (pid == 0)
		_exit(child_asks(r));
	assert_true(pid > 0);
	assert_true(await(tty, PROMPT, seen, sizeof(seen)));
	type(tty, r, seen, sizeof(seen));
	assert_true(await(tty, r->seen, seen, sizeof(seen)));
	if (r->status < 0) {
		/* It waits for another key: end it as a user would. */
		assert_int_equal(write(tty, "\x03", 1), 1);
		assert_int_equal(status_of(pid), 128 + SIGINT);
	} else {
		assert_int_equal(status_of(pid), r->status);
	}
	assert_true(as_it_was(tty));
	assert_null(strchr(seen, '\033'));
	(void)close(tty);
}

/* A key that was hit before the question decides nothing. */
static void
typed_ahead(void **state)
{
	static const struct row r = { "", true, "", "d", GOT, "" };
	char seen[4096] = "";
	int tty = -1, go[2];
	char c = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(go), 0);
	pid = forkpty(&tty, NULL, NULL, NULL);
	if (pid == 0) {
		(void)read(go[0], &c, 1);
		_exit(child_asks(&r));
	}
	assert_int_equal(write(tty, "a\n", 2), 2);
	/* The terminal has it: it was echoed. */
	assert_true(await(tty, "a\r\n", seen, sizeof(seen)));
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_true(await(tty, PROMPT, seen, sizeof(seen)));
	assert_int_equal(write(tty, "d", 1), 1);
	assert_int_equal(status_of(pid), GOT);
	(void)close(tty);
	(void)close(go[0]);
	(void)close(go[1]);
}

static void
no_terminal(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		(void)setsid();
		_exit(child_asks(&rows[0]));
	}
	assert_int_equal(status_of(pid), IO);
}

int
main(void)
{
	return JT_ROWS("asked", asked, rows) +
	    jt_one("typed ahead", typed_ahead) +
	    jt_one("no terminal", no_terminal);
}
