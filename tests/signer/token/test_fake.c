/*
 * The helper before a module that hangs, crashes, lies and forgets: what
 * jit-signer is told, how often a PIN is tried, and what goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/jail.h"
#include "signer/landlock.h"
#include "signer/token/token_int.h"
#include "tests/lib/run.h"
#include "tests/signer/token/rig.h"

#define URI "pkcs11:token=fake;object=ca"
#define TIMEOUT 4000	/* ms; a busy machine takes a second to start one */
#define BACKOFF 20

static char module[512];

/* ---- orders, and what was done ---- */

static const char *
at(const char *name)
{
	static char path[2][512];
	static int i;

	i ^= 1;
	(void)snprintf(path[i], sizeof(path[i]), "%s/fake/%s", jt_tmpdir(),
	    name);
	return path[i];
}

static void
order(const char *what)
{
	jt_write(at("orders"), span_str(what));
}

static size_t
logins(void)
{
	struct stat st;

	return stat(at("logins"), &st) == 0 ? (size_t)st.st_size : 0;
}

static void
fresh(const char *orders)
{
	(void)unlink(at("logins"));
	(void)unlink(at("pids"));
	(void)unlink(at("env"));
	order(orders);
}

static struct token *
start(void)
{
	struct token *t = NULL;
	struct jit_why why = { 0 };

	JT_WHY(rig_start(module, URI, "1234", TIMEOUT, BACKOFF, &t, &why),
	    JIT_OK, &why);
	return t;
}

static void
check_words(const struct jit_why *why, const char *words)
{
	if (strstr(why->msg, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, why->msg);
}

/* Past every pause that a few failures can bring. */
static void
wait_pause(void)
{
	(void)poll(NULL, 0, BACKOFF * 9);
}

/* ---- one order at a time ---- */

struct row {
	const char *name;
	const char *first;	/* orders at the start, */
	enum jit_err found;	/* and what is said then */
	const char *then;	/* orders for a signature; NULL: the same */
	unsigned good;		/* signatures that go well before it */
	enum jit_err err;
	const char *words;
	enum jit_err after;	/* with no orders any more, after the pause */
	const char *after_words;
	int logins;		/* in all; -1: depends on time */
};

#define AGAIN "it is not tried again"
static const struct row rows[] = {
	{ "well", "", JIT_OK, "", 3, JIT_OK, "", JIT_OK, "", 1 },
	{ "hangs", "", JIT_OK, "hang", 0, JIT_E_TOKEN, "no answer from the "
	    "module", JIT_OK, "", 2 },
	{ "crashes", "", JIT_OK, "crash", 0, JIT_E_TOKEN, "crashed (signal "
	    "11", JIT_OK, "", 2 },
	{ "ends the process", "", JIT_OK, "quit", 1, JIT_E_TOKEN, "ended its "
	    "process (status 3)", JIT_OK, "", 2 },
	{ "lies", "", JIT_OK, "lie", 1, JIT_E_CRYPTO, "the token lied",
	    JIT_OK, "", 1 },
	{ "too short", "", JIT_OK, "short", 0, JIT_E_CRYPTO, "the token lied",
	    JIT_OK, "", 1 },
	{ "too long", "", JIT_OK, "long", 0, JIT_E_TOKEN, "a signature of "
	    "1000000 bytes", JIT_OK, "", 1 },
	{ "pulled", "", JIT_OK, "pulled 1", 2, JIT_E_TOKEN, "C_Sign: "
	    "CKR_DEVICE_REMOVED (the token was pulled)", JIT_OK, "", 2 },
	{ "wrong PIN", "wrong-pin", JIT_E_TOKENPIN, NULL, 0, JIT_E_TOKENPIN,
	    "", JIT_E_TOKENPIN, AGAIN, 1 },
	{ "crashes at log-in", "crash-login", JIT_E_TOKEN, NULL, 0,
	    JIT_E_TOKEN, "", JIT_E_TOKENPIN, AGAIN, 1 },
	{ "hangs at log-in", "hang-login", JIT_E_TOKEN, NULL, 0, JIT_E_TOKEN,
	    "while it logged in", JIT_E_TOKENPIN, AGAIN, 1 },
	{ "says nothing clear of the PIN", "strange-pin", JIT_E_TOKEN, NULL,
	    0, JIT_E_TOKEN, "CKR_GENERAL_ERROR", JIT_E_TOKENPIN, AGAIN, 1 },
	{ "pulled at log-in", "pulled-login", JIT_E_TOKEN, NULL, 0,
	    JIT_E_TOKEN, "CKR_DEVICE_REMOVED", JIT_OK, "", -1 },
	{ "last try", "final-try", JIT_E_TOKENPIN, NULL, 0, JIT_E_TOKENPIN,
	    "would lock the token: not tried", JIT_OK, "", 1 },
	{ "locked", "locked", JIT_E_TOKENPIN, NULL, 0, JIT_E_TOKENPIN,
	    "PIN is locked", JIT_OK, "", 1 },
	{ "two keys", "two", JIT_E_TOKEN, NULL, 0, JIT_E_TOKEN, "names 2 "
	    "private keys, it has to be one: pkcs11:object=ca;id=%01, "
	    "pkcs11:object=ca;id=%02", JIT_OK, "", 1 },
	{ "no token", "none", JIT_E_TOKEN, NULL, 0, JIT_E_TOKEN, "no such "
	    "token; there is none at all", JIT_OK, "", 1 },
	{ "PIN each time", "always", JIT_E_TOKEN, NULL, 0, JIT_E_TOKEN,
	    "wants its PIN before each signature", JIT_OK, "", 1 },
	{ "more than there is room", "many", JIT_E_TOKEN, NULL, 0,
	    JIT_E_TOKEN, "CKR_GENERAL_ERROR", JIT_OK, "", -1 },
	{ "hangs when it begins", "hang-init", JIT_E_TOKEN, NULL, 0,
	    JIT_E_TOKEN, "while it began", JIT_OK, "", 1 },
	{ "crashes when it begins", "crash-init", JIT_E_TOKEN, NULL, 0,
	    JIT_E_TOKEN, "crashed (signal 11", JIT_OK, "", 1 },
};

static void
told(void **state)
{
	const struct row *row = *state;
	struct jit_why why = { 0 };

	fresh(row->first);
	JIT_SCOPED(token_free) struct token *t = start();
	JT_WHY(token_check(t, 0, &why), row->found, &why);
	for (unsigned i = 0; i < row->good; i++)
		JT_WHY(rig_sign(t, 0, &why), JIT_OK, &why);
	if (row->then != NULL)
		order(row->then);
	JT_WHY(rig_sign(t, 0, &why), row->err, &why);
	check_words(&why, row->words);
	order("");
	wait_pause();
	JT_WHY(rig_sign(t, 0, &why), row->after, &why);
	check_words(&why, row->after_words);
	wait_pause();
	(void)rig_sign(t, 0, &why);
	if (row->logins >= 0)
		assert_int_equal(logins(), row->logins);
}

/* The PIN was right, then somebody changed it: one wrong try, no second. */
static void
pin_changed(void **state)
{
	struct jit_why why = { 0 };

	(void)state;
	fresh("");
	JIT_SCOPED(token_free) struct token *t = start();
	JT_OK(rig_sign(t, 0, &why));
	order("crash");
	JT_ERR(rig_sign(t, 0, &why), JIT_E_TOKEN);
	order("wrong-pin");
	for (int i = 0; i < 5; i++) {
		wait_pause();
		JT_ERR(rig_sign(t, 0, &why), JIT_E_TOKENPIN);
	}
	assert_int_equal(logins(), 2);
}

/* A log-in that hangs, of a PIN that was right before: tried again. */
static void
proven_pin(void **state)
{
	struct jit_why why = { 0 };

	(void)state;
	fresh("");
	JIT_SCOPED(token_free) struct token *t = start();
	order("crash");
	JT_ERR(rig_sign(t, 0, &why), JIT_E_TOKEN);
	order("crash-login");
	wait_pause();
	JT_ERR(rig_sign(t, 0, &why), JIT_E_TOKEN);
	order("");
	wait_pause();
	JT_WHY(rig_sign(t, 0, &why), JIT_OK, &why);
	assert_int_equal(logins(), 3);
}

/* All that waited when it hung fails at once, each once. */
static void
queue_fails(void **state)
{
	enum { N = 20 };
	int64_t end = rig_later(), from;
	size_t back = 0;

	(void)state;
	fresh("");
	JIT_SCOPED(token_free) struct token *t = start();
	order("hang");
	from = sys_mono_ms();
	for (uint64_t i = 0; i < N; i++)
		JT_OK(token_ask_sign(t, 0, i, FORM_X509, span_str("x"),
		    from, NULL));
	while (back < N && sys_mono_ms() < end) {
		JIT_DONE(token_answer_done) struct token_answer a = { 0 };
		struct pollfd p = { token_fd(t), token_events(t), 0 };

		if (!token_take(t, sys_mono_ms(), &a)) {
			(void)poll(&p, 1, 1000);
			continue;
		}
		JT_ERR(a.err, JIT_E_TOKEN);
		assert_int_equal(a.tag, back);
		back++;
	}
	assert_int_equal(back, N);
	assert_true(sys_mono_ms() - from < 2 * TIMEOUT);
}

/* One token hangs; the other one goes on. */
static void
independent(void **state)
{
	JIT_DONE(secret_done) struct secret a = { NULL, 0, 0 };
	JIT_DONE(secret_done) struct secret b = { NULL, 0, 0 };
	JIT_DONE(buf_done) struct buf uri = { NULL, 0 };
	const struct token_key k[] = {
		{ .name = "hanging", .uri = URI, .module = module, .pin = &a },
		{ .name = "healthy", .uri = "pkcs11:token=jit;object=x",
		    .module = SOFTHSM, .pin = &b, .later = true },
	};
	JIT_SCOPED(token_free) struct token *t = NULL;
	struct jit_why why = { 0 };

	(void)state;
	fresh("");
	JT_OK(secret_copy(&a, span_str("1234")));
	JT_OK(secret_copy(&b, span_str(RIG_PIN)));
	JT_WHY(rig_start_keys(k, 2, TIMEOUT, BACKOFF, &t, &why), JIT_OK,
	    &why);
	JT_WHY(token_generate_wait(t, 1, FRAME_G_P256, rig_later(), &uri,
	    &why), JIT_OK, &why);
	order("hang");
	JT_OK(token_ask_sign(t, 0, 7, FORM_SSH, span_str("x"), sys_mono_ms(),
	    NULL));
	for (int i = 0; i < 20; i++)
		JT_WHY(rig_sign(t, 1, &why), JIT_OK, &why);
	/* The other one has not even failed yet. */
	assert_int_equal(token_pending(t), 1);
	JT_OK(token_check(t, 0, &why));
}

/* ---- the processes ---- */

static bool
all_gone(void)
{
	JIT_DONE(buf_done) struct buf text = jt_file(at("pids"));
	int64_t end = sys_mono_ms() + 10000;

	for (char *p = (char *)text.p; *p != '\0'; p++) {
		pid_t pid = (pid_t)strtol(p, &p, 10);

		while (kill(pid, 0) == 0 || errno != ESRCH) {
			if (sys_mono_ms() > end)
				return false;
			(void)poll(NULL, 0, 20);
		}
	}
	return true;
}

static void
ends_with_us(void **state)
{
	struct jit_why why = { 0 };
	struct token *t;
	pid_t keeper;

	(void)state;
	fresh("");
	t = start();
	JT_OK(rig_sign(t, 0, &why));
	keeper = t->pid;
	token_free(t);
	assert_int_equal(kill(keeper, 0), -1);
	assert_true(all_gone());
}

/* jit-signer is killed while a module hangs. */
static void
ends_when_killed(void **state)
{
	struct jit_why why;
	pid_t pid;
	int st;

	(void)state;
	fresh("");
	if ((pid = fork()) == 0) {
		struct token *t = start();

		order("hang");
		(void)token_ask_sign(t, 0, 0, FORM_SSH, span_str("x"),
		    sys_mono_ms(), &why);
		(void)poll(NULL, 0, 300);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFSIGNALED(st));
	assert_true(all_gone());
}

static void
keeper_dies(void **state)
{
	struct jit_why why = { 0 };

	(void)state;
	fresh("");
	JIT_SCOPED(token_free) struct token *t = start();
	assert_int_equal(kill(t->pid, SIGTERM), 0);
	assert_int_equal(kill(t->pid, SIGINT), 0);
	JT_WHY(rig_sign(t, 0, &why), JIT_OK, &why);
	order("slow");
	JT_OK(token_ask_sign(t, 0, 1, FORM_SSH, span_str("x"), sys_mono_ms(),
	    NULL));
	assert_int_equal(kill(t->pid, SIGKILL), 0);
	JT_ERR(rig_sign(t, 0, &why), JIT_E_TOKEN);
	assert_true(token_is_gone(t));
	check_words(&why, "of no use any more");
	JIT_DONE(token_answer_done) struct token_answer a = { 0 };
	assert_true(token_take(t, sys_mono_ms(), &a));
	JT_ERR(a.err, JIT_E_TOKEN);
	assert_int_equal(a.tag, 1);
	assert_false(token_take(t, sys_mono_ms(), &a));
	assert_true(all_gone());
}

/* A keeper that is stopped: even then an answer comes. */
static void
keeper_silent(void **state)
{
	JIT_DONE(token_answer_done) struct token_answer a = { 0 };
	struct jit_why why = { 0 };
	int64_t now = sys_mono_ms();

	(void)state;
	fresh("");
	JIT_SCOPED(token_free) struct token *t = start();
	assert_int_equal(kill(t->pid, SIGSTOP), 0);
	JT_OK(token_ask_sign(t, 0, 1, FORM_SSH, span_str("x"), now, &why));
	assert_false(token_take(t, now, &a));
	assert_true(token_wait_ms(t, now) > 2 * TIMEOUT);
	assert_true(token_take(t, now + 20 * TIMEOUT, &a));
	JT_ERR(a.err, JIT_E_TOKEN);
	check_words(&a.why, "it does not answer");
	assert_int_equal(kill(t->pid, SIGCONT), 0);
}

/* Only what modules are configured by. */
static void
environment(void **state)
{
	JIT_DONE(buf_done) struct buf env = { NULL, 0 };
	const char *p;

	(void)state;
	fresh("");
	assert_int_equal(setenv("JIT_SOME_SECRET", "x", 1), 0);
	JIT_SCOPED(token_free) struct token *t = start();
	env = jt_file(at("env"));
	for (p = (const char *)env.p; *p != '\0'; p = strchr(p, '\n') + 1)
		assert_true(strncmp(p, "YKCS11_", 7) == 0 ||
		    strncmp(p, "SOFTHSM2_CONF=", 14) == 0);
	assert_non_null(strstr((const char *)env.p, "YKCS11_FAKE="));
	(void)unsetenv("JIT_SOME_SECRET");
}

/* What is hidden from modules is; all else they can open. */
static void
hidden(void **state)
{
	JIT_DONE(secret_done) struct secret pin = { NULL, 0, 0 };
	const struct token_key k = { .name = "ca", .uri = URI,
	    .module = module, .pin = &pin };
	char secret[512], dir[512];
	const char *const paths[] = { dir, "/nowhere/at/all" };
	const struct token_config c = { .program = rig_program(), .keys = &k,
	    .n = 1, .timeout_ms = TIMEOUT, .backoff_ms = BACKOFF,
	    .hidden = paths, .n_hidden = 2 };
	JIT_SCOPED(token_free) struct token *t = NULL;
	struct jit_why why = { 0 };

	(void)state;
	fresh("");
	(void)snprintf(dir, sizeof(dir), "%s/home", jt_tmpdir());
	(void)snprintf(secret, sizeof(secret), "%s/home/secret",
	    jt_tmpdir());
	assert_int_equal(mkdir(dir, 0700), 0);
	jt_write(secret, span_str("x"));
	jt_write(at("spy"), span_str(secret));
	JT_OK(secret_copy(&pin, span_str("1234")));
	JT_WHY(token_start(&c, &t, &why), JIT_OK, &why);
	JT_WHY(rig_sign(t, 0, &why), JIT_OK, &why);
	JIT_DONE(buf_done) struct buf spied = jt_file(at("spied"));
	/* That file, one beside it, a signal to others, a program. */
	assert_string_equal((char *)spied.p, landlock_abi() >= 6 ?
	    "-+--" : "-++-");
	(void)unlink(at("spy"));
}

/* Signing works inside of the signer's jail. */
static void
in_jail(void **state)
{
	struct jit_why why = { 0 };
	int st;
	pid_t pid;

	(void)state;
	fresh("");
	if ((pid = fork()) == 0) {
		struct jail j = { .policy = -1 };
		struct token *t = start();

		j.home = open(jt_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (jail_enter(&j, NULL, &why) != JIT_OK)
			_exit(77);
		for (int i = 0; i < 3; i++)
			if (rig_sign(t, 0, &why) != JIT_OK)
				_exit(2);
		token_free(t);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFEXITED(st));
	assert_int_equal(WEXITSTATUS(st), 0);
	assert_true(all_gone());
}

/* ---- a module that others could change ---- */

static void
writable(void **state)
{
	JIT_DONE(buf_done) struct buf lib = jt_file(module);
	char dir[512], path[600];
	struct jit_why why = { 0 };

	(void)state;
	fresh("");
	(void)snprintf(dir, sizeof(dir), "%s", at("open"));
	(void)snprintf(path, sizeof(path), "%s/x.so", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	jt_write(path, BUF_SPAN(lib));
	for (int i = 0; i < 3; i++) {
		JIT_SCOPED(token_free) struct token *t = NULL;

		assert_int_equal(chmod(path, i == 0 ? 0666 : 0600), 0);
		assert_int_equal(chmod(dir, i == 1 ? 0777 : 0700), 0);
		JT_OK(rig_start(path, URI, "1234", TIMEOUT, BACKOFF, &t,
		    &why));
		JT_ERR(token_check(t, 0, &why), i < 2 ? JIT_E_TOKEN : JIT_OK);
		if (i < 2)
			check_words(&why, "can be changed by others");
	}
}

static void
make_key(const char *name)
{
	const char *const argv[] = { "openssl", "genpkey", "-algorithm", "EC",
	    "-pkeyopt", "ec_paramgen_curve:P-256", "-out", at(name), NULL };

	assert_int_equal(jt_run(argv, SPAN_NONE, NULL), 0);
}

int
main(void)
{
	char dir[512];

	(void)snprintf(module, sizeof(module),
	    "%s/tests/signer/token/fake_p11.so", getenv("JIT_BUILD"));
	rig_softhsm();
	(void)snprintf(dir, sizeof(dir), "%s/fake", jt_tmpdir());
	(void)mkdir(dir, 0700);
	(void)setenv("YKCS11_FAKE", dir, 1);
	make_key("key.pem");
	make_key("other.pem");
	return JT_ROWS("told", told, rows) +
	    jt_one("the PIN was changed", pin_changed) +
	    jt_one("a proven PIN", proven_pin) +
	    jt_one("the queue fails", queue_fails) +
	    jt_one("independent tokens", independent) +
	    jt_one("ends with us", ends_with_us) +
	    jt_one("ends when we are killed", ends_when_killed) +
	    jt_one("the keeper is killed", keeper_dies) +
	    jt_one("the keeper is silent", keeper_silent) +
	    jt_one("environment", environment) +
	    jt_one("hidden paths", hidden) +
	    jt_one("in the jail", in_jail) +
	    jt_one("a module that others can change", writable);
}
