/*
 * sk_provider: our software security key under the real ssh-keygen, ssh-agent
 * and ssh-add; what they sign holds for ssh-keygen and for us, with the flags
 * that were asked for.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/text.h"
#include "ca/ssh/sshsig.h"
#include "tests/lib/run.h"

#define NS "test@jit-cert"
#define TEXT "a text\n"
#define PIN "123456"

static char provider[4200], askpass[4200];

static const char *
in_tmp(const char *name, const char *suffix)
{
	static char path[64][4200];
	static unsigned next;
	char *p = path[next++ % 64];

	(void)snprintf(p, sizeof(path[0]), "%s/%s%s", jt_tmpdir(), name,
	    suffix);
	return p;
}

/* Steer the device and the person for what runs next; NULL unsets. */
static void
steer(const char *var, const char *value)
{
	if (value != NULL)
		(void)setenv(var, value, 1);
	else
		(void)unsetenv(var);
}

static void
calm(void)
{
	steer("JIT_SK_FLAGS", NULL);
	steer("JIT_SK_FAIL", NULL);
	steer("JIT_SK_PIN", PIN);
	steer("JIT_TYPED_PIN", PIN);
	steer("SSH_AUTH_SOCK", NULL);
}

/* Run and show what it said when the status is another than want. */
static void
run(const char *const argv[], const char *in, int want, struct buf *ret)
{
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	int status = jt_run(argv, span_str(in), &out);

	if (status != want)
		print_error("%s: exit %d, want %d: %s\n", argv[0], status,
		    want, (char *)out.p);
	assert_int_equal(status, want);
	if (ret != NULL) {
		*ret = out;
		out = (struct buf){ NULL, 0 };
	}
}

/* A key of that type at path; option may be NULL. */
static int
enroll(const char *path, const char *type, const char *option)
{
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	const char *argv[] = { "ssh-keygen", "-q", "-t", type, "-w", provider,
	    "-N", "", "-C", "sk", "-f", path, option ? "-O" : NULL, option,
	    NULL };

	return jt_run(argv, span_str(""), &out);
}

/* Sign TEXT; the exit status of ssh-keygen. */
static int
sign(const char *path, struct buf *armor)
{
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	const char *text = in_tmp("text", "");
	const char *argv[] = { "ssh-keygen", "-q", "-Y", "sign", "-f", path,
	    "-n", NS, text, NULL };
	int status;

	(void)unlink(in_tmp("text", ".sig"));
	jt_write(text, span_str(TEXT));
	status = jt_run(argv, span_str(""), &out);
	if (status == 0)
		*armor = jt_file(in_tmp("text", ".sig"));
	return status;
}

/* Does it hold for ssh-keygen -Y verify? */
static void
verify_theirs(const char *pub)
{
	JIT_DONE(buf_done) struct buf key = jt_file(pub);
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	const char *allowed = in_tmp("allowed", "");
	const char *argv[] = { "ssh-keygen", "-Y", "verify", "-f", allowed,
	    "-I", "alice", "-n", NS, "-s", in_tmp("text", ".sig"), NULL };

	wr_str(&w, "alice ");
	wr_span(&w, BUF_SPAN(key));
	jt_write(allowed, wr_view(&w));
	run(argv, TEXT, 0, NULL);
	/* And not for another text. */
	run(argv, "another text\n", 255, NULL);
}

/* Does it hold for us, under that key, and with which flags? */
static struct ssh_sig_facts
verify_ours(struct span armor, const char *pub)
{
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	JIT_DONE(buf_done) struct buf line = jt_file(pub);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	JIT_DONE(sshsig_done) struct sshsig s = { 0 };
	struct ssh_sig_facts facts = { 0 };
	struct jit_why why = { 0 };

	JT_WHY(sshsig_get_armor(armor, &blob, &why), JIT_OK, &why);
	JT_WHY(sshsig_parse(BUF_SPAN(blob), &s, &why), JIT_OK, &why);
	JT_WHY(ssh_key_parse_line(BUF_SPAN(line), &k, NULL, &why), JIT_OK,
	    &why);
	assert_true(ssh_key_eq(k, s.key));
	assert_true(ssh_key_is_sk(k));
	JT_WHY(sshsig_verify(&s, NS, span_str(TEXT), &facts, &why), JIT_OK,
	    &why);
	JT_ERR(sshsig_verify(&s, NS, span_str("x"), &facts, &why), JIT_E_SIG);
	return facts;
}

struct row {
	const char *name, *type, *option;
	const char *force;	/* JIT_SK_FLAGS */
	uint8_t want;
};
static const struct row rows[] = {
	{ "ed25519, touched", "ed25519-sk", NULL, NULL, 0x01 },
	{ "ecdsa, touched", "ecdsa-sk", NULL, NULL, 0x01 },
	{ "ed25519, PIN", "ed25519-sk", "verify-required", NULL, 0x05 },
	{ "ecdsa, PIN", "ecdsa-sk", "verify-required", NULL, 0x05 },
	{ "ed25519, no touch", "ed25519-sk", "no-touch-required", NULL, 0 },
	{ "ecdsa, no touch", "ecdsa-sk", "no-touch-required", NULL, 0 },
	{ "flags forced to none", "ed25519-sk", NULL, "00", 0 },
	{ "PIN asked, flag withheld", "ecdsa-sk", "verify-required", "01",
	    0x01 },
	{ "a flag that nobody asked for", "ed25519-sk", NULL, "45", 0x45 },
};

/* ECDSA's numbers differ in length from time to time: more than once. */
static void
signs(void **state)
{
	const struct row *r = *state;
	const char *path = in_tmp(r->name, ""), *pub = in_tmp(r->name, ".pub");

	calm();
	assert_int_equal(enroll(path, r->type, r->option), 0);
	steer("JIT_SK_FLAGS", r->force);
	for (int i = 0; i < 3; i++) {
		JIT_DONE(buf_done) struct buf armor = { NULL, 0 };
		struct ssh_sig_facts f;

		assert_int_equal(sign(path, &armor), 0);
		f = verify_ours(BUF_SPAN(armor), pub);
		assert_int_equal(f.flags, r->want);
		assert_int_equal(f.counter, 1);
	}
	verify_theirs(pub);
}

struct pin_row {
	const char *name, *right, *typed;
	bool enrolls;
};
static const struct pin_row pins[] = {
	{ "right PIN", PIN, PIN, true },
	{ "wrong PIN", PIN, "654321", false },
	{ "empty PIN", PIN, "", false },
	{ "part of the PIN", PIN, "12345", false },
	{ "no PIN is set", NULL, PIN, false },
};

/* For making the key, and for signing with one that was made rightly. */
static void
pin(void **state)
{
	const struct pin_row *r = *state;
	const char *good = in_tmp(r->name, "-good");
	JIT_DONE(buf_done) struct buf armor = { NULL, 0 };

	calm();
	assert_int_equal(enroll(good, "ed25519-sk", "verify-required"), 0);
	steer("JIT_SK_PIN", r->right);
	steer("JIT_TYPED_PIN", r->typed);
	assert_int_equal(enroll(in_tmp(r->name, "-new"), "ed25519-sk",
	    "verify-required") == 0, r->enrolls);
	assert_int_equal(sign(good, &armor) == 0, r->enrolls);
	/* A key made without verify-required asks for none. */
	assert_int_equal(enroll(in_tmp(r->name, "-plain"), "ed25519-sk",
	    NULL), 0);
}

struct fail_row { const char *name, *say; };
static const struct fail_row fails[] = {
	{ "general", "invalid format" },
	{ "unsupported", "requested feature not supported" },
	{ "device", "device not found" },
	{ "no such failure", "invalid format" },
};

static void
failing(void **state)
{
	const struct fail_row *r = *state;
	const char *path = in_tmp("fail", "");
	JIT_DONE(buf_done) struct buf armor = { NULL, 0 };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	const char *argv[] = { "ssh-keygen", "-t", "ed25519-sk", "-w",
	    provider, "-N", "", "-f", in_tmp("fail2", ""), NULL };

	calm();
	(void)unlink(path);
	assert_int_equal(enroll(path, "ed25519-sk", NULL), 0);
	steer("JIT_SK_FAIL", r->name);
	assert_int_not_equal(sign(path, &armor), 0);
	assert_int_not_equal(jt_run(argv, span_str(""), &out), 0);
	if (strstr((char *)out.p, r->say) == NULL)
		print_error("it said: %s\n", (char *)out.p);
	assert_non_null(strstr((char *)out.p, r->say));
}

/* What it cannot do, it says. */
static void
resident(void **state)
{
	(void)state;
	calm();
	assert_int_not_equal(enroll(in_tmp("res", ""), "ed25519-sk",
	    "resident"), 0);
}

/* ---- through the agent ---- */

static pid_t
start_agent(const char *sock, bool allow)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)freopen("/dev/null", "w", stdout);
		(void)execlp("ssh-agent", "ssh-agent", "-D", "-P",
		    allow ? provider : "/nonexistent", "-a", sock,
		    (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	for (int i = 0; i < 200 && access(sock, F_OK) != 0; i++)
		(void)poll(NULL, 0, 25);
	return pid;
}

static void
stop_agent(pid_t pid)
{
	(void)kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int
add_key(const char *path)
{
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	const char *argv[] = { "ssh-add", "-q", "-S", provider, path, NULL };

	return jt_run(argv, span_str(""), &out);
}

struct agent_row { const char *name, *type, *option; uint8_t want; };
static const struct agent_row agents[] = {
	{ "agent, ed25519", "ed25519-sk", NULL, 0x01 },
	{ "agent, ecdsa", "ecdsa-sk", NULL, 0x01 },
	{ "agent, no touch", "ed25519-sk", "no-touch-required", 0 },
	{ "agent, PIN", "ed25519-sk", "verify-required", 0x05 },
	{ "agent, ecdsa, PIN", "ecdsa-sk", "verify-required", 0x05 },
};

static void
by_agent(void **state)
{
	const struct agent_row *r = *state;
	const char *path = in_tmp(r->name, ""), *pub = in_tmp(r->name, ".pub");
	const char *sock = in_tmp(r->name, ".s");
	JIT_DONE(buf_done) struct buf armor = { NULL, 0 };
	int added, signed_;
	pid_t pid;

	calm();
	assert_int_equal(enroll(path, r->type, r->option), 0);
	pid = start_agent(sock, true);
	steer("SSH_AUTH_SOCK", sock);
	added = add_key(path);
	/* Only the public half is left: the agent must be the one that signs. */
	assert_int_equal(rename(path, in_tmp(r->name, ".away")), 0);
	signed_ = sign(pub, &armor);
	stop_agent(pid);
	assert_int_equal(added, 0);
	assert_int_equal(signed_, 0);
	assert_int_equal(verify_ours(BUF_SPAN(armor), pub).flags, r->want);
	verify_theirs(pub);
}

/* The agent asks the person itself, and hands on what was typed. */
static void
agent_wrong_pin(void **state)
{
	const char *path = in_tmp("wp", ""), *sock = in_tmp("wp", ".s");
	JIT_DONE(buf_done) struct buf armor = { NULL, 0 };
	int added, signed_;
	pid_t pid;

	(void)state;
	calm();
	assert_int_equal(enroll(path, "ed25519-sk", "verify-required"), 0);
	steer("JIT_TYPED_PIN", "654321");
	pid = start_agent(sock, true);
	steer("SSH_AUTH_SOCK", sock);
	added = add_key(path);
	assert_int_equal(rename(path, in_tmp("wp", ".away")), 0);
	signed_ = sign(in_tmp("wp", ".pub"), &armor);
	stop_agent(pid);
	assert_int_equal(added, 0);
	assert_int_not_equal(signed_, 0);
}

/* A provider that the agent was not told to allow is refused. */
static void
not_allowed(void **state)
{
	const char *path = in_tmp("refused", ""), *sock = in_tmp("r", ".s");
	int added;
	pid_t pid;

	(void)state;
	calm();
	assert_int_equal(enroll(path, "ed25519-sk", NULL), 0);
	pid = start_agent(sock, false);
	steer("SSH_AUTH_SOCK", sock);
	added = add_key(path);
	stop_agent(pid);
	assert_int_not_equal(added, 0);
}

int
main(void)
{
	const char *build = getenv("JIT_BUILD");

	(void)snprintf(provider, sizeof(provider),
	    "%s/tests/lib/sk_provider.so", build != NULL ? build : "build");
	if (access(provider, R_OK) != 0) {
		(void)fprintf(stderr, "no %s (set JIT_BUILD)\n", provider);
		return 1;
	}
	/* The person at the keyboard types JIT_TYPED_PIN. */
	(void)snprintf(askpass, sizeof(askpass), "%s/askpass", jt_tmpdir());
	jt_write(askpass, span_str("#!/bin/sh\necho \"$JIT_TYPED_PIN\"\n"));
	if (chmod(askpass, 0700) != 0)
		return 1;
	(void)setenv("SSH_ASKPASS", askpass, 1);
	(void)setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	(void)setenv("SSH_SK_PROVIDER", provider, 1);
	return JT_ROWS("signs", signs, rows) + JT_ROWS("PIN", pin, pins) +
	    JT_ROWS("failing", failing, fails) +
	    jt_one("resident", resident) +
	    JT_ROWS("agent", by_agent, agents) +
	    jt_one("agent, wrong PIN", agent_wrong_pin) +
	    jt_one("not allowed", not_allowed);
}
