#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "tests/cli/agents.h"
#include "tests/lib/run.h"

/* A row that fails must not leave its agent behind. */
static pid_t running[16];

static void
stop_all(void)
{
	for (size_t i = 0; i < 16; i++)
		if (running[i] > 0)
			(void)kill(running[i], SIGTERM);
}

static void
note(pid_t old, pid_t new)
{
	static bool registered;

	if (!registered)
		registered = atexit(stop_all) == 0;
	for (size_t i = 0; i < 16; i++)
		if (running[i] == old) {
			running[i] = new;
			return;
		}
}

const char *
ag_tmp(const char *name, const char *suffix)
{
	static char path[64][512];
	static unsigned next;
	char *p = path[next++ % 64];

	(void)snprintf(p, sizeof(path[0]), "%s/%s%s", jt_tmpdir(), name,
	    suffix);
	return p;
}

pid_t
ag_start(const char *sock, const char *provider)
{
	pid_t pid;

	(void)unlink(sock);
	if ((pid = fork()) == 0) {
		(void)freopen("/dev/null", "w", stdout);
		(void)execlp("ssh-agent", "ssh-agent", "-D", "-P",
		    provider != NULL ? provider : "/nonexistent", "-a", sock,
		    (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	note(0, pid);
	for (int i = 0; i < 400 && access(sock, F_OK) != 0; i++)
		(void)poll(NULL, 0, 25);
	assert_int_equal(setenv("SSH_AUTH_SOCK", sock, 1), 0);
	return pid;
}

void
ag_stop(pid_t pid)
{
	(void)kill(pid, SIGTERM);
	note(pid, 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)unsetenv("SSH_AUTH_SOCK");
}

int
ag_add(struct buf *out, ...)
{
	const char *argv[32] = { "ssh-add" };
	size_t n = 1;
	va_list ap;

	va_start(ap, out);
	while (n < 31 && (argv[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	argv[n] = NULL;
	return jt_run(argv, SPAN_NONE, out);
}

bool
ag_shows(const char *text)
{
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };

	(void)ag_add(&out, "-l", (char *)NULL);
	return strstr((const char *)out.p, text) != NULL;
}

/* ---- an agent of ours ---- */

/* A question is read whole and thrown away; false at the end. */
static bool
read_question(int fd)
{
	uint8_t head[4], byte;
	struct rd r = rd_of(SPAN(head, sizeof(head)));

	if (sys_recv(fd, head, sizeof(head), -1, NULL) != JIT_OK)
		return false;
	for (uint32_t n = rd_u32(&r); n > 0; n--)
		if (sys_recv(fd, &byte, 1, -1, NULL) != JIT_OK)
			return false;
	return true;
}

static int
accept_one(int l)
{
	struct pollfd p = { .fd = l, .events = POLLIN };
	int fd;

	(void)poll(&p, 1, -1);
	fd = accept(l, NULL, NULL);
	(void)sys_set_nonblock(fd, true, NULL);
	return fd;
}

static _Noreturn void
hang(void)
{
	for (;;)
		(void)pause();
}

/* In the child: fd is the one connection; -1 in the parent. */
static pid_t
fork_server(const char *sock, int *fd)
{
	JIT_DONE(sys_close) int l = -1;
	pid_t pid;

	(void)unlink(sock);
	JT_OK(sys_listen(sock, 0600, NULL, &l, NULL));
	if ((pid = fork()) == 0)
		*fd = accept_one(l);
	else
		note(0, pid);
	assert_true(pid >= 0);
	return pid;
}

pid_t
ag_fake(const char *sock, const struct ag_answer *answers, size_t n)
{
	int fd = -1;
	pid_t pid = fork_server(sock, &fd);

	if (pid != 0)
		return pid;
	for (size_t i = 0; i < n; i++) {
		if (!read_question(fd))
			_exit(1);
		(void)sys_send(fd, answers[i].bytes, -1, NULL);
		if (answers[i].then == AG_CLOSE)
			_exit(0);
		if (answers[i].then == AG_HANG)
			break;
	}
	hang();
}

size_t
ag_variants(struct span body)
{
	return body.n - 1 + body.n * 8;
}

struct buf
ag_frame(struct span body)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct buf ret = { NULL, 0 };

	wr_string(&w, body);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

static void
send_body(int fd, struct span body)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);

	wr_string(&w, body);
	if (!read_question(fd) ||
	    sys_send(fd, wr_view(&w), -1, NULL) != JIT_OK)
		_exit(1);
}

pid_t
ag_fake_variants(const char *sock, struct span body)
{
	int fd = -1;
	pid_t pid = fork_server(sock, &fd);
	uint8_t *p;

	if (pid != 0)
		return pid;
	for (size_t n = 1; n < body.n; n++)
		send_body(fd, SPAN(body.p, n));
	if ((p = malloc(body.n)) == NULL)
		_exit(1);
	for (size_t bit = 0; bit < body.n * 8; bit++) {
		memcpy(p, body.p, body.n);
		p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		send_body(fd, SPAN(p, body.n));
	}
	hang();
}

/* ---- certificates ---- */

struct ssh_priv *
ag_key(enum ssh_type t)
{
	struct rng rng = rand_system();
	struct ssh_priv *p = NULL;
	struct jit_why why = { 0 };

	JT_WHY(ssh_priv_generate(t, 3072, &rng, &p, &why), JIT_OK, &why);
	return p;
}

struct buf
ag_cert(const struct ssh_priv *ca, const struct ssh_key *subject,
    uint64_t serial)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	const struct span principal = span_str("dba.prod-db");
	const struct ssh_opt pty = { span_str("permit-pty"), SPAN_NONE };
	const struct ssh_cert_fields f = {
		.serial = serial, .type = SSH_CERT_USER,
		.key_id = span_str("test"), .principals = &principal,
		.n_principals = 1, .after = sys_wall() - 60,
		.before = sys_wall() + 3600, .opts = &pty, .n_opts = 1,
	};
	uint8_t nonce[32] = { 7 };
	struct buf ret = { NULL, 0 };
	struct jit_why why = { 0 };

	JT_WHY(ssh_cert_make(&f, subject, ca, nonce, &w, &why), JIT_OK, &why);
	JT_OK(wr_take(&w, &ret));
	return ret;
}
