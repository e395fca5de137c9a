/*
 * passphrase: from a file, from a descriptor, from a person at a terminal.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/passphrase.h"
#include "tests/lib/run.h"

#define LONGEST SYS_PASSPHRASE_MAX

static const char *
fresh(void)
{
	static char path[4096];
	static unsigned n;

	(void)snprintf(path, sizeof(path), "%s/file%u", jt_tmpdir(), n++);
	return path;
}

/* ---- what is in it, by file and by descriptor ---- */

struct text_row {
	const char *name;
	const char *text;
	size_t n;		/* bytes; 0: strlen, else x is repeated */
	enum jit_err want;
	const char *got;
};
static const struct text_row texts[] = {
	{ "a word", "secret", 0, JIT_OK, "secret" },
	{ "its line feed goes", "secret\n", 0, JIT_OK, "secret" },
	{ "spaces stay", " se cret ", 0, JIT_OK, " se cret " },
	{ "so does a carriage return", "secret\r\n", 0, JIT_OK, "secret\r" },
	{ "UTF-8", "gr\xc3\xbc\xc3\x9f" "e\n", 0, JIT_OK,
	    "gr\xc3\xbc\xc3\x9f" "e" },
	{ "empty", "", 0, JIT_E_ARG, NULL },
	{ "a line feed alone", "\n", 0, JIT_E_ARG, NULL },
	{ "two line feeds", "secret\n\n", 0, JIT_E_FORMAT, NULL },
	{ "two lines", "one\ntwo\n", 0, JIT_E_FORMAT, NULL },
	{ "a NUL", "a\0b", 3, JIT_E_FORMAT, NULL },
	{ "the longest", NULL, LONGEST, JIT_OK, NULL },
	{ "one more", NULL, LONGEST + 1, JIT_E_SIZE, NULL },
	{ "far too long", NULL, 60000, JIT_E_SIZE, NULL },
};

static struct buf
text_of(const struct text_row *r)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct buf b = { NULL, 0 };

	if (r->text != NULL)
		wr_raw(&w, r->text, r->n > 0 ? r->n : strlen(r->text));
	else
		for (size_t i = 0; i < r->n; i++)
			wr_u8(&w, 'x');
	JT_OK(wr_take(&w, &b));
	return b;
}

static void
check_got(const struct text_row *r, const struct secret *s,
    const struct jit_why *why)
{
	assert_true((s->n > 0) == (r->want == JIT_OK));
	if (r->got != NULL)
		assert_true(span_eq_str(SPAN(s->p, s->n), r->got));
	else if (r->want == JIT_OK)
		assert_int_equal(s->n, r->n);
	/* Never in a message. */
	assert_null(strstr(why->msg, "secret"));
}

static void
by_file(void **state)
{
	const struct text_row *r = *state;
	JIT_DONE(buf_done) struct buf text = text_of(r);
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	struct passphrase_from from = { .place = PASSPHRASE_FILE,
		.path = fresh() };
	struct jit_why why = { 0 };

	jt_write(from.path, BUF_SPAN(text));
	JT_WHY(passphrase_get(&from, &s, &why), r->want, &why);
	check_got(r, &s, &why);
}

static void
by_fd(void **state)
{
	const struct text_row *r = *state;
	JIT_DONE(buf_done) struct buf text = text_of(r);
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	struct passphrase_from from = { .place = PASSPHRASE_FD };
	struct jit_why why = { 0 };
	int p[2];

	JT_OK(sys_pipe(p, NULL));
	assert_int_equal(write(p[1], text.p, text.n), text.n);
	(void)close(p[1]);
	/* Whoever made the pipe may have made it so. */
	JT_OK(sys_set_nonblock(p[0], true, NULL));
	from.fd = p[0];
	JT_WHY(passphrase_get(&from, &s, &why), r->want, &why);
	check_got(r, &s, &why);
	/* Taken: it is closed. */
	assert_int_equal(fcntl(p[0], F_GETFD), -1);
}

/* ---- which file, which descriptor ---- */

struct rule_row {
	const char *name;
	mode_t mode;
	enum { PLAIN, MISSING, GIVEN, LINKED, SYMLINK } kind;
	enum jit_err want;
};
static const struct rule_row rules[] = {
	{ "0600", 0600, PLAIN, JIT_OK },
	{ "0400", 0400, PLAIN, JIT_OK },
	{ "0640", 0640, PLAIN, JIT_E_MODE },
	{ "0604", 0604, PLAIN, JIT_E_MODE },
	{ "0620", 0620, PLAIN, JIT_E_MODE },
	{ "none", 0, MISSING, JIT_E_UNKNOWN },
	{ "somebody else's", 0600, GIVEN, JIT_E_OWNER },
	{ "two names", 0600, LINKED, JIT_E_FORMAT },
	{ "a symbolic link", 0600, SYMLINK, JIT_E_FORMAT },
};

static void
which_file(void **state)
{
	const struct rule_row *r = *state;
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	struct passphrase_from from = { .place = PASSPHRASE_FILE,
		.path = fresh() };
	char other[8192];

	(void)snprintf(other, sizeof(other), "%s.other", from.path);
	if (r->kind == GIVEN && geteuid() != 0) {
		print_message("needs root to give a file away\n");
		skip();
	}
	if (r->kind != MISSING) {
		jt_write(from.path, span_str("word\n"));
		assert_int_equal(chmod(from.path, r->mode), 0);
	}
	if (r->kind == GIVEN)
		assert_int_equal(chown(from.path, 65534, (gid_t)-1), 0);
	if (r->kind == LINKED)
		assert_int_equal(link(from.path, other), 0);
	if (r->kind == SYMLINK) {
		assert_int_equal(rename(from.path, other), 0);
		assert_int_equal(symlink(other, from.path), 0);
	}
	JT_ERR(passphrase_get(&from, &s, NULL), r->want);
}

static void
which_fd(void **state)
{
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	struct passphrase_from from = { .place = PASSPHRASE_FD, .fd = -1 };
	struct jit_why why = { 0 };

	(void)state;
	JT_ERR(passphrase_get(&from, &s, &why), JIT_E_ARG);
	from.fd = 1000000;
	JT_ERR(passphrase_get(&from, &s, &why), JIT_E_ARG);
	assert_non_null(strstr(why.msg, "1000000 is not an open descriptor"));
	from.fd = open(jt_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	JT_ERR(passphrase_get(&from, &s, &why), JIT_E_IO);
}

/* ---- a person ---- */

struct person_row {
	const char *name;
	const char *type[2];	/* what is typed at each prompt; NULL: none */
	bool again;
	enum jit_err want;
};
static const struct person_row persons[] = {
	{ "once", { "word\n", NULL }, false, JIT_OK },
	{ "twice the same", { "word\n", "word\n" }, true, JIT_OK },
	{ "twice, not the same", { "word\n", "work\n" }, true,
	    JIT_E_PASSPHRASE },
	{ "nothing", { "\n", NULL }, false, JIT_E_ARG },
	{ "nothing the second time", { "word\n", "\n" }, true, JIT_E_ARG },
};

/* Wait for that prompt on the master; what comes is not echo. */
static void
expect(int master, const char *prompt)
{
	char got[512] = "";
	size_t n = 0;

	while (strstr(got, prompt) == NULL) {
		ssize_t k = read(master, got + n, sizeof(got) - 1 - n);

		assert_true(k > 0);
		n += (size_t)k;
		got[n] = '\0';
		assert_null(strstr(got, "word"));
	}
}

static int
ask_child(const struct person_row *r)
{
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	struct passphrase_from from = { .place = PASSPHRASE_ASK,
		.prompt = "New one: ", .again = r->again ? "Again: " : NULL };
	enum jit_err e = passphrase_get(&from, &s, NULL);

	if (e == JIT_OK && !span_eq_str(SPAN(s.p, s.n), "word"))
		return 100;
	return -(int)e;
}

static void
by_person(void **state)
{
	const struct person_row *r = *state;
	int master = -1, status = 0;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(ask_child(r));
	for (int i = 0; i < 2 && r->type[i] != NULL; i++) {
		expect(master, i == 0 ? "New one: " : "Again: ");
		assert_int_equal(write(master, r->type[i],
		    strlen(r->type[i])), strlen(r->type[i]));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(master);
	assert_true(WIFEXITED(status));
	assert_int_equal(-WEXITSTATUS(status), r->want);
}

static void
no_terminal(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		/* A session of its own has none. */
		(void)setsid();
		_exit(ask_child(&persons[0]));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(-WEXITSTATUS(status), JIT_E_IO);
}

int
main(void)
{
	return JT_ROWS("by file", by_file, texts) +
	    JT_ROWS("by descriptor", by_fd, texts) +
	    JT_ROWS("which file", which_file, rules) +
	    jt_one("which descriptor", which_fd) +
	    JT_ROWS("by a person", by_person, persons) +
	    jt_one("no terminal", no_terminal);
}
