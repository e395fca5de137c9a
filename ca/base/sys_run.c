#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"

extern char **environ;

#define WAIT_MS 5	/* between looks at a child that closed its output */

struct child {
	pid_t pid;
	int in, out;		/* our ends; -1 when closed */
	struct span input;	/* not yet written */
	struct wr output;
	int64_t end;		/* sys_mono_ms(); -1 never */
};

/* Descriptors above 2, so that dup2 in the child can overwrite none. */
static enum jit_err
high_pipe(int ret[static 2], struct jit_why *why)
{
	int p[2];

	JIT_TRY(sys_pipe(p, why));
	for (int i = 0; i < 2; i++)
		ret[i] = fcntl(p[i], F_DUPFD_CLOEXEC, 3);
	for (int i = 0; i < 2; i++)
		(void)close(p[i]);
	if (ret[0] >= 0 && ret[1] >= 0)
		return JIT_OK;
	sys_close(&ret[0]);
	sys_close(&ret[1]);
	return jit_fail(why, JIT_E_IO, "pipe: %s", strerror(errno));
}

static int
spawn(const char *const argv[], int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, pipe_only;
	int e;

	if ((e = posix_spawn_file_actions_init(&fa)) != 0)
		return e;
	if ((e = posix_spawnattr_init(&at)) != 0) {
		(void)posix_spawn_file_actions_destroy(&fa);
		return e;
	}
	(void)sigemptyset(&none);
	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	if ((e = posix_spawn_file_actions_adddup2(&fa, in, 0)) == 0 &&
	    (e = posix_spawn_file_actions_adddup2(&fa, out, 1)) == 0 &&
	    (e = posix_spawnattr_setsigmask(&at, &none)) == 0 &&
	    (e = posix_spawnattr_setsigdefault(&at, &pipe_only)) == 0 &&
	    (e = posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF)) == 0)
		/* The prototype lacks const; the strings stay as they are. */
		e = posix_spawnp(pid, argv[0], &fa, &at,
		    (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawnattr_destroy(&at);
	(void)posix_spawn_file_actions_destroy(&fa);
	return e;
}

/*
 * A folder of PATH that we may not search makes "no permission" of what is
 * nowhere.
 */
static bool
is_missing(const char *name, int e)
{
	return e == ENOENT || e == ENOTDIR ||
	    (e == EACCES && strchr(name, '/') == NULL);
}

static enum jit_err
start(const char *const argv[], struct child *c, struct jit_why *why)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, e;
	enum jit_err err;

	JIT_TRY(high_pipe(in, why));
	if ((err = high_pipe(out, why)) != JIT_OK) {
		sys_close(&in[0]);
		sys_close(&in[1]);
		return err;
	}
	e = spawn(argv, in[0], out[1], &c->pid);
	sys_close(&in[0]);
	sys_close(&out[1]);
	c->in = in[1];
	c->out = out[0];
	if (e == 0 && (sys_set_nonblock(c->in, true, why) != JIT_OK ||
	    sys_set_nonblock(c->out, true, why) != JIT_OK))
		return JIT_E_IO;
	if (e == 0)
		return JIT_OK;
	c->pid = -1;
	return jit_fail(why, is_missing(argv[0], e) ? JIT_E_UNKNOWN :
	    JIT_E_IO, "%s: %s", argv[0], strerror(e));
}

/* ms until the end, as poll() wants them. */
static int
left_ms(const struct child *c)
{
	int64_t left;

	if (c->end < 0)
		return -1;
	left = c->end - sys_mono_ms();
	return left > 0 ? (int)left : 0;
}

static void
feed(struct child *c)
{
	ssize_t n;

	if (c->input.n > 0) {
		n = write(c->in, c->input.p, c->input.n);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* A child that reads no further is its own affair. */
		c->input = n < 0 ? SPAN_NONE :
		    SPAN(c->input.p + n, c->input.n - (size_t)n);
	}
	if (c->input.n == 0)
		sys_close(&c->in);
}

static enum jit_err
drain(struct child *c)
{
	uint8_t chunk[8192];
	ssize_t n = read(c->out, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return JIT_OK;
	if (n < 0)
		return JIT_E_IO;
	if (n == 0)
		sys_close(&c->out);
	wr_raw(&c->output, chunk, (size_t)n);
	return c->output.err;
}

static enum jit_err
talk(struct child *c, const char *name, struct jit_why *why)
{
	enum jit_err e;

	while (c->in >= 0 || c->out >= 0) {
		struct pollfd p[2] = {
			{ .fd = c->in, .events = POLLOUT },
			{ .fd = c->out, .events = POLLIN },
		};
		int n = poll(p, 2, left_ms(c));

		if (n < 0 && errno != EINTR)
			return jit_fail(why, JIT_E_IO, "poll: %s",
			    strerror(errno));
		if (n == 0)
			return jit_fail(why, JIT_E_UNREACHABLE, "%s: not done "
			    "in time", name);
		if (n < 0)
			continue;
		if (p[0].revents != 0)
			feed(c);
		if (p[1].revents != 0 && (e = drain(c)) != JIT_OK)
			return jit_fail(why, e, e == JIT_E_SIZE ?
			    "%s: wrote more than %zu bytes" :
			    "%s: cannot be read (at most %zu bytes)", name,
			    c->output.max);
	}
	return JIT_OK;
}

/* It closed its output; now it has to end. */
static enum jit_err
await(struct child *c, const char *name, int *status, struct jit_why *why)
{
	for (;;) {
		int st, left = left_ms(c);
		pid_t pid = waitpid(c->pid, &st, c->end < 0 ? 0 : WNOHANG);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0) {
			c->pid = -1;
			return jit_fail(why, JIT_E_IO, "%s: %s", name,
			    strerror(errno));
		}
		if (pid > 0) {
			c->pid = -1;
			*status = WIFEXITED(st) ? WEXITSTATUS(st) :
			    128 + WTERMSIG(st);
			return JIT_OK;
		}
		if (left == 0)
			return jit_fail(why, JIT_E_UNREACHABLE, "%s: not done "
			    "in time", name);
		(void)poll(NULL, 0, left < WAIT_MS ? left : WAIT_MS);
	}
}

static void
child_done(struct child *c)
{
	sys_close(&c->in);
	sys_close(&c->out);
	if (c->pid > 0) {
		(void)kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	wr_done(&c->output);
}

enum jit_err
sys_run(const char *const argv[], struct span input, size_t max,
    int timeout_ms, struct buf *out, int *status, struct jit_why *why)
{
	struct child c = { .pid = -1, .in = -1, .out = -1, .input = input,
		.output = WR_INIT(max),
		.end = timeout_ms < 0 ? -1 : sys_mono_ms() + timeout_ms };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	enum jit_err e;

	(void)sigemptyset(&ignore.sa_mask);
	(void)sigaction(SIGPIPE, &ignore, &old);
	e = start(argv, &c, why);
	if (e == JIT_OK)
		e = talk(&c, argv[0], why);
	if (e == JIT_OK)
		e = await(&c, argv[0], status, why);
	if (e == JIT_OK)
		e = wr_take(&c.output, out);
	child_done(&c);
	(void)sigaction(SIGPIPE, &old, NULL);
	return e;
}
