#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ca/base/sys.h"

/* macOS has SO_NOSIGPIPE instead, set in open_socket(). */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

#define BACKLOG 128
#define RETRY_MS 10

enum jit_err
sys_peer(int fd, struct sys_peer *ret, struct jit_why *why)
{
#if defined(__linux__)
	struct ucred c;
	socklen_t n = sizeof(c);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) != 0 ||
	    n != sizeof(c) || c.uid == (uid_t)-1)
		return jit_fail(why, JIT_E_IO, "peer of descriptor %d: %s",
		    fd, errno ? strerror(errno) : "unknown");
	*ret = (struct sys_peer){ c.uid, c.gid, c.pid };
	return JIT_OK;
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__)
	struct sys_peer p = { .pid = -1 };

	if (getpeereid(fd, &p.uid, &p.gid) != 0)
		return jit_fail(why, JIT_E_IO, "peer of descriptor %d: %s",
		    fd, strerror(errno));
	*ret = p;
	return JIT_OK;
#else
	(void)fd;
	(void)ret;
	return jit_fail(why, JIT_E_UNBUILT, "this system does not tell who "
	    "connected");
#endif
}

static enum jit_err
address(const char *path, struct sockaddr_un *ret, struct jit_why *why)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (path[0] == '\0' || strlen(path) >= sizeof(a.sun_path))
		return jit_fail(why, JIT_E_ARG, "%s: a socket's path has 1 to "
		    "%zu bytes", path, sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path) + 1);
	*ret = a;
	return JIT_OK;
}

static enum jit_err
open_socket(int *ret, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	int type = SOCK_STREAM;

#ifdef __linux__
	type |= SOCK_CLOEXEC | SOCK_NONBLOCK;
#endif
	if ((fd = socket(AF_UNIX, type, 0)) < 0)
		return jit_fail(why, JIT_E_IO, "socket: %s", strerror(errno));
#ifndef __linux__
	JIT_TRY(sys_set_cloexec(fd, true, why));
	JIT_TRY(sys_set_nonblock(fd, true, why));
#endif
#ifdef SO_NOSIGPIPE
	(void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){ 1 },
	    sizeof(int));
#endif
	*ret = fd;
	fd = -1;
	return JIT_OK;
}

static int
try_connect(int fd, const struct sockaddr_un *a)
{
	/* const only for the compiler: connect() takes a sockaddr. */
	return connect(fd, (const void *)a, sizeof(*a)) == 0 ? 0 : errno;
}

/* May path be replaced?  Only a socket on which nobody answers. */
static enum jit_err
check_stale(const char *path, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	struct sockaddr_un a;
	struct stat st;
	int e;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? JIT_OK : jit_fail(why, JIT_E_IO,
		    "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return jit_fail(why, JIT_E_EXISTS, "%s: there is something "
		    "that is not a socket", path);
	JIT_TRY(address(path, &a, why));
	JIT_TRY(open_socket(&fd, why));
	e = try_connect(fd, &a);
	if (e == ECONNREFUSED || e == ENOENT)
		return JIT_OK;
	if (e == 0 || e == EAGAIN || e == EINPROGRESS)
		return jit_fail(why, JIT_E_LOCKED, "%s: another program "
		    "answers there", path);
	return jit_fail(why, JIT_E_IO, "%s: %s", path, strerror(e));
}

static enum jit_err
group_id(const char *name, gid_t *ret, struct jit_why *why)
{
	struct group g, *found = NULL;
	char mem[16384];

	if (getgrnam_r(name, &g, mem, sizeof(mem), &found) != 0 ||
	    found == NULL)
		return jit_fail(why, JIT_E_ARG, "there is no group \"%s\"",
		    name);
	*ret = g.gr_gid;
	return JIT_OK;
}

/* Not yet listening, so nobody can connect before the mode is right. */
static enum jit_err
bind_as(int fd, const char *tmp, mode_t mode, gid_t gid, struct jit_why *why)
{
	struct sockaddr_un a;

	JIT_TRY(address(tmp, &a, why));
	if (unlink(tmp) != 0 && errno != ENOENT)
		return jit_fail(why, JIT_E_IO, "%s: %s", tmp, strerror(errno));
	if (bind(fd, (const void *)&a, sizeof(a)) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", tmp, strerror(errno));
	if ((gid != (gid_t)-1 && lchown(tmp, (uid_t)-1, gid) != 0) ||
	    chmod(tmp, mode) != 0 || listen(fd, BACKLOG) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", tmp, strerror(errno));
	return JIT_OK;
}

enum jit_err
sys_listen(const char *path, mode_t mode, const char *group, int *ret,
    struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	char tmp[sizeof(((struct sockaddr_un *)0)->sun_path)];
	gid_t gid = (gid_t)-1;
	enum jit_err e;

	if (path[0] == '\0' || (size_t)snprintf(tmp, sizeof(tmp), "%s.new",
	    path) >= sizeof(tmp))
		return jit_fail(why, JIT_E_ARG, "%s: a socket's path has 1 to "
		    "%zu bytes", path, sizeof(tmp) - 5);
	if (group != NULL)
		JIT_TRY(group_id(group, &gid, why));
	JIT_TRY(check_stale(path, why));
	JIT_TRY(open_socket(&fd, why));
	e = bind_as(fd, tmp, mode, gid, why);
	if (e == JIT_OK && rename(tmp, path) != 0)
		e = jit_fail(why, JIT_E_IO, "%s: %s", path, strerror(errno));
	if (e != JIT_OK) {
		(void)unlink(tmp);
		return e;
	}
	*ret = fd;
	fd = -1;
	return JIT_OK;
}

/* The error that a connect in progress ends with; 0 is none. */
static int
await_connect(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int e = ETIMEDOUT;
	socklen_t n = sizeof(e);

	if (poll(&p, 1, timeout_ms) == 1 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0)
		e = errno;
	return e;
}

enum jit_err
sys_connect(const char *path, int timeout_ms, int *ret, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	int64_t end = sys_mono_ms() + timeout_ms, left;
	struct sockaddr_un a;
	int e;

	JIT_TRY(address(path, &a, why));
	JIT_TRY(open_socket(&fd, why));
	for (;;) {
		e = try_connect(fd, &a);
		left = end - sys_mono_ms();
		/* Linux says EAGAIN when the queue is full, and cannot poll. */
		if (e != EAGAIN || left <= 0)
			break;
		(void)poll(NULL, 0, left < RETRY_MS ? (int)left : RETRY_MS);
	}
	if (e == EINPROGRESS || e == EINTR)
		e = await_connect(fd, left > 0 ? (int)left : 0);
	if (e == EAGAIN || e == ETIMEDOUT)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s: no answer within "
		    "%d ms", path, timeout_ms);
	if (e != 0)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s: %s", path,
		    strerror(e));
	*ret = fd;
	fd = -1;
	return JIT_OK;
}

/* Wait until fd is ready for events, or the moment end. */
static enum jit_err
await_ready(int fd, short events, int64_t end, struct jit_why *why)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int64_t left = end < 0 ? -1 : end - sys_mono_ms();
		int n;

		if (end >= 0 && left <= 0)
			return jit_fail(why, JIT_E_UNREACHABLE, "no answer in "
			    "time");
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n > 0)
			return JIT_OK;
		if (n < 0 && errno != EINTR)
			return jit_fail(why, JIT_E_IO, "poll: %s",
			    strerror(errno));
	}
}

/* What a send or recv that gave -1 means; JIT_OK: wait and try again. */
static enum jit_err
socket_error(const char *what, struct jit_why *why)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return JIT_OK;
	return jit_fail(why, errno == EPIPE || errno == ECONNRESET ?
	    JIT_E_UNREACHABLE : JIT_E_IO, "%s: %s", what, strerror(errno));
}

enum jit_err
sys_send(int fd, struct span s, int64_t end, struct jit_why *why)
{
	while (s.n > 0) {
		ssize_t n;

		JIT_TRY(await_ready(fd, POLLOUT, end, why));
		if ((n = send(fd, s.p, s.n, MSG_NOSIGNAL)) < 0)
			JIT_TRY(socket_error("sending", why));
		else
			s = SPAN(s.p + n, s.n - (size_t)n);
	}
	return JIT_OK;
}

enum jit_err
sys_recv(int fd, void *p, size_t n, int64_t end, struct jit_why *why)
{
	uint8_t *at = p;

	while (n > 0) {
		ssize_t got;

		JIT_TRY(await_ready(fd, POLLIN, end, why));
		if ((got = recv(fd, at, n, 0)) == 0)
			return jit_fail(why, JIT_E_UNREACHABLE, "the other "
			    "side closed the connection");
		if (got < 0) {
			JIT_TRY(socket_error("receiving", why));
			continue;
		}
		at += got;
		n -= (size_t)got;
	}
	return JIT_OK;
}

/* ---- systemd, when it asks for it ---- */

enum jit_err
sys_notify_open(int *ret, struct jit_why *why)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	JIT_DONE(sys_close) int fd = -1;
	size_t n;

	if (path == NULL)
		return JIT_OK;
	n = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || n < 2 ||
	    n >= sizeof(sa.sun_path))
		return jit_fail(why, JIT_E_ARG, "NOTIFY_SOCKET is no address "
		    "of a socket");
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0)
		JIT_TRY(sys_set_cloexec(fd, true, why));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) != 0)
		return jit_fail(why, JIT_E_IO, "NOTIFY_SOCKET: %s",
		    strerror(errno));
	*ret = fd;
	fd = -1;
	return JIT_OK;
}

void
sys_notify(int fd, const char *state)
{
	if (fd >= 0)
		(void)!send(fd, state, strlen(state), MSG_NOSIGNAL);
}
