/* sys: Unix sockets, who may connect, who did, what is replaced. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "tests/lib/jt.h"

static const char *
in_tmp(const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", jt_tmpdir(), name);
	return path;
}

static void
listen_connect(void **state)
{
	const char *path = in_tmp("a.sock");
	JIT_DONE(sys_close) int l = -1, c = -1, a = -1;
	struct sys_peer peer;
	struct jit_why why = { 0 };
	struct stat st;
	mode_t mask = umask(0077);

	(void)state;
	JT_WHY(sys_listen(path, 0660, NULL, &l, &why), JIT_OK, &why);
	(void)umask(mask);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	/* The mode is what was asked for, whatever the umask. */
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_not_equal(access(in_tmp("a.sock.new"), F_OK), 0);
	path = in_tmp("a.sock");
	assert_true(fcntl(l, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(l, F_GETFL) & O_NONBLOCK);
	JT_WHY(sys_connect(path, 1000, &c, &why), JIT_OK, &why);
	assert_true(fcntl(c, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(c, F_GETFL) & O_NONBLOCK);
	a = accept(l, NULL, NULL);
	assert_true(a >= 0);
	JT_WHY(sys_peer(a, &peer, &why), JIT_OK, &why);
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.gid, getegid());
#ifdef __linux__
	assert_int_equal(peer.pid, getpid());
#endif
	JT_ERR(sys_peer(-1, &peer, &why), JIT_E_IO);
}

static void
stale(void **state)
{
	JIT_DONE(sys_close) int l = -1, m = -1, c = -1;
	struct jit_why why = { 0 };
	const char *path = in_tmp("b.sock");

	(void)state;
	JT_OK(sys_listen(path, 0600, NULL, &l, &why));
	/* Somebody answers. */
	JT_ERR(sys_listen(path, 0600, NULL, &m, &why), JIT_E_LOCKED);
	assert_non_null(strstr(why.msg, "another program answers there"));
	assert_int_equal(m, -1);
	/* Nobody does: it is replaced, and reached. */
	sys_close(&l);
	JT_ERR(sys_connect(path, 100, &c, &why), JIT_E_UNREACHABLE);
	JT_WHY(sys_listen(path, 0600, NULL, &m, &why), JIT_OK, &why);
	JT_OK(sys_connect(path, 100, &c, &why));
}

/* What is not a socket is somebody's file: left alone. */
static void
something_else(void **state)
{
	JIT_DONE(sys_close) int l = -1;
	struct jit_why why = { 0 };
	const char *path = in_tmp("file");
	struct stat st;

	(void)state;
	l = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	sys_close(&l);
	JT_ERR(sys_listen(path, 0600, NULL, &l, &why), JIT_E_EXISTS);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	path = in_tmp("link");
	assert_int_equal(symlink("nowhere", path), 0);
	JT_ERR(sys_listen(path, 0600, NULL, &l, &why), JIT_E_EXISTS);
	JT_ERR(sys_listen(in_tmp("no-dir/x"), 0600, NULL, &l, &why), JIT_E_IO);
}

static void
paths(void **state)
{
	JIT_DONE(sys_close) int l = -1;
	struct jit_why why = { 0 };
	char path[200];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[104] = '\0';
	JT_ERR(sys_listen(path, 0600, NULL, &l, &why), JIT_E_ARG);
	memset(path, 'a', sizeof(path));
	path[108] = '\0';
	JT_ERR(sys_connect(path, 10, &l, &why), JIT_E_ARG);
	JT_ERR(sys_listen("", 0600, NULL, &l, &why), JIT_E_ARG);
	JT_ERR(sys_connect("", 10, &l, &why), JIT_E_ARG);
	JT_ERR(sys_connect(in_tmp("none"), 10, &l, &why), JIT_E_UNREACHABLE);
	assert_non_null(strstr(why.msg, "No such file"));
}

static void
groups(void **state)
{
	JIT_DONE(sys_close) int l = -1;
	struct jit_why why = { 0 };
	struct group *g = getgrgid(getegid());
	struct stat st;

	(void)state;
	JT_ERR(sys_listen(in_tmp("g.sock"), 0660, "no-such-group", &l, &why),
	    JIT_E_ARG);
	assert_string_equal(why.msg, "there is no group \"no-such-group\"");
	/* Root may give it to any group: one that is not its own. */
	if (geteuid() == 0)
		g = getgrnam("daemon");
	if (g == NULL) {
		print_message("SKIPPED: no group to give the socket to\n");
		return;
	}
	JT_WHY(sys_listen(in_tmp("g.sock"), 0660, g->gr_name, &l, &why),
	    JIT_OK, &why);
	assert_int_equal(lstat(in_tmp("g.sock"), &st), 0);
	assert_int_equal(st.st_gid, g->gr_gid);
}

/* A listener that never accepts: connects pile up until one must wait. */
static void
timeout(void **state)
{
	JIT_DONE(sys_close) int l = -1;
	struct jit_why why = { 0 };
	const char *path = in_tmp("t.sock");
	int fds[300], n = 0;
	enum jit_err e = JIT_OK;
	int64_t start = 0;

	(void)state;
	JT_OK(sys_listen(path, 0600, NULL, &l, &why));
	while (n < 300 && e == JIT_OK) {
		start = sys_mono_ms();
		e = sys_connect(path, 60, &fds[n], &why);
		n += e == JIT_OK;
	}
	assert_int_equal(e, JIT_E_UNREACHABLE);
	assert_non_null(strstr(why.msg, "no answer within 60 ms"));
	assert_in_range(sys_mono_ms() - start, 55, 5000);
	while (n > 0)
		(void)close(fds[--n]);
}

/* Both ends of a connection, non-blocking. */
static void
connected(const char *name, int *a, int *b)
{
	JIT_DONE(sys_close) int l = -1;
	const char *path = in_tmp(name);

	JT_OK(sys_listen(path, 0600, NULL, &l, NULL));
	JT_OK(sys_connect(path, 1000, a, NULL));
	assert_true((*b = accept(l, NULL, NULL)) >= 0);
	JT_OK(sys_set_nonblock(*b, true, NULL));
}

/* More than a socket holds goes through while the other side reads. */
static void
send_and_receive(void **state)
{
	JIT_DONE(sys_close) int a = -1, b = -1;
	static uint8_t out[1 << 20], in[1 << 20];
	int status = -1;
	pid_t pid;

	(void)state;
	connected("sr.sock", &a, &b);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 >> 3);
	if ((pid = fork()) == 0)
		_exit(sys_send(a, SPAN(out, sizeof(out)), -1, NULL) != JIT_OK);
	assert_true(pid > 0);
	JT_OK(sys_recv(b, in, sizeof(in), sys_mono_ms() + 10000, NULL));
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* Nothing asked for is there at once. */
	JT_OK(sys_recv(b, in, 0, 0, NULL));
	JT_OK(sys_send(a, SPAN_NONE, 0, NULL));
}

static void
not_in_time(void **state)
{
	JIT_DONE(sys_close) int a = -1, b = -1;
	static uint8_t bytes[1 << 20];
	struct jit_why why = { 0 };
	int64_t begun = sys_mono_ms();

	(void)state;
	connected("nt.sock", &a, &b);
	JT_OK(sys_send(a, span_str("abc"), begun + 1000, NULL));
	/* Three of four bytes are not an answer. */
	JT_ERR(sys_recv(b, bytes, 4, begun + 200, &why), JIT_E_UNREACHABLE);
	assert_non_null(strstr(why.msg, "in time"));
	assert_true(sys_mono_ms() >= begun + 200);
	JT_ERR(sys_send(a, SPAN(bytes, sizeof(bytes)), begun + 400, &why),
	    JIT_E_UNREACHABLE);
	assert_true(sys_mono_ms() >= begun + 400);
	assert_true(sys_mono_ms() < begun + 5000);
}

static void
other_side_gone(void **state)
{
	JIT_DONE(sys_close) int a = -1, b = -1;
	struct jit_why why = { 0 };
	uint8_t bytes[4];

	(void)state;
	connected("gone.sock", &a, &b);
	JT_OK(sys_send(b, span_str("abc"), -1, NULL));
	sys_close(&b);
	JT_ERR(sys_recv(a, bytes, 4, -1, &why), JIT_E_UNREACHABLE);
	assert_non_null(strstr(why.msg, "closed"));
	/* An error; SIGPIPE would end this program. */
	JT_ERR(sys_send(a, span_str("x"), -1, &why), JIT_E_UNREACHABLE);
}

int
main(void)
{
	return jt_one("listen and connect", listen_connect) +
	    jt_one("stale", stale) + jt_one("something else", something_else) +
	    jt_one("paths", paths) + jt_one("groups", groups) +
	    jt_one("timeout", timeout) +
	    jt_one("send and receive", send_and_receive) +
	    jt_one("not in time", not_in_time) +
	    jt_one("other side gone", other_side_gone);
}
