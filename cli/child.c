/* child - run a program in our place. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "cli/child.h"

#define SIGNALS 4
static const int signals[SIGNALS] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
/* As they were at child_begin(). */
static struct sigaction old[SIGNALS];
static sigset_t mask;

static volatile sig_atomic_t child;	/* 0: none */
static volatile sig_atomic_t waiting;	/* came while there was none */

/* From the terminal the child has it too. */
static void
pass_on(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info != NULL && info->si_code > 0)
		return;
	if (child > 0)
		(void)kill((pid_t)child, sig);
	else
		waiting = sig;
}

enum jit_err
child_begin(struct child *c, struct jit_why *why)
{
	struct sigaction sa = { .sa_sigaction = pass_on,
	    .sa_flags = SA_SIGINFO };
	sigset_t held;

	(void)sigemptyset(&sa.sa_mask);
	(void)sigemptyset(&held);
	for (size_t i = 0; i < SIGNALS; i++)
		(void)sigaddset(&held, signals[i]);
	if (sigprocmask(SIG_BLOCK, &held, &mask) != 0)
		return jit_fail(why, JIT_E_IO, "sigprocmask: %s",
		    strerror(errno));
	child = 0;
	waiting = 0;
	for (size_t i = 0; i < SIGNALS; i++) {
		(void)sigaction(signals[i], NULL, &old[i]);
		/* Who starts us with one ignored (nohup) wants it so. */
		if (old[i].sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &sa, NULL);
	}
	c->begun = true;
	return JIT_OK;
}

void
child_end(struct child *c)
{
	if (!c->begun)
		return;
	child = 0;
	for (size_t i = 0; i < SIGNALS; i++)
		(void)sigaction(signals[i], &old[i], NULL);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	c->begun = false;
	if (waiting != 0)
		(void)raise(waiting);
}

/* In the child.  fd: where to say why it could not be run. */
static void
become(const char *const *argv, const struct child_var *vars, size_t n,
    int fd)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	/* execvp() takes what it does not change as char *. */
	union { const char *const *from; char *const *to; } v = { argv };
	int failed = 0;

	for (size_t i = 0; i < SIGNALS; i++)
		(void)sigaction(signals[i], &old[i], NULL);
	(void)sigaction(SIGPIPE, &plain, NULL);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	for (size_t i = 0; i < n && failed == 0; i++)
		if (setenv(vars[i].name, vars[i].value, 1) != 0)
			failed = errno;
	if (failed == 0) {
		(void)execvp(argv[0], v.to);
		failed = errno;
	}
	if (write(fd, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(126);
}

/* Wait for its end; what stops it stops us. */
static enum jit_err
wait_for(pid_t pid, int *status, int *sig, struct jit_why *why)
{
	int st;

	for (;;) {
		if (waitpid(pid, &st, WUNTRACED) < 0) {
			if (errno == EINTR)
				continue;
			return jit_fail(why, JIT_E_IO, "waitpid: %s",
			    strerror(errno));
		}
		if (!WIFSTOPPED(st))
			break;
		(void)kill(getpid(), SIGSTOP);
		(void)kill(pid, SIGCONT);
	}
	*sig = WIFSIGNALED(st) ? WTERMSIG(st) : 0;
	*status = WIFEXITED(st) ? WEXITSTATUS(st) : 0;
	return JIT_OK;
}

/* Nothing comes out of the pipe once it is another program. */
static enum jit_err
check_ran(int fd, const char *name, struct jit_why *why)
{
	char shown[TEXT_SHOWN];
	int failed = 0;
	ssize_t n;

	while ((n = read(fd, &failed, sizeof(failed))) < 0 && errno == EINTR)
		continue;
	if (n != (ssize_t)sizeof(failed))
		return JIT_OK;
	return jit_fail(why, failed == ENOMEM ? JIT_E_NOMEM : JIT_E_UNKNOWN,
	    "%s: %s", text_shown(span_str(name), shown, sizeof(shown)),
	    strerror(failed));
}

/* Somebody wants us to end, and there is nobody to pass it on to. */
static enum jit_err
check_held(struct jit_why *why)
{
	sigset_t held;

	(void)sigemptyset(&held);
	(void)sigpending(&held);
	for (size_t i = 0; i < SIGNALS; i++)
		if (sigismember(&held, signals[i]) == 1)
			return jit_fail(why, JIT_E_IO, "interrupted before it "
			    "was run");
	return JIT_OK;
}

enum jit_err
child_run(struct child *c, const char *const *argv,
    const struct child_var *vars, size_t n, int *status, int *sig,
    struct jit_why *why)
{
	int p[2] = { -1, -1 };
	enum jit_err ran, e;
	pid_t pid;

	if (!c->begun)
		return JIT_E_ARG;
	JIT_TRY(check_held(why));
	JIT_TRY(sys_pipe(p, why));
	pid = fork();
	if (pid == 0)
		become(argv, vars, n, p[1]);
	sys_close(&p[1]);
	if (pid < 0) {
		sys_close(&p[0]);
		return jit_fail(why, JIT_E_IO, "fork: %s", strerror(errno));
	}
	child = (sig_atomic_t)pid;
	/* What came since child_begin() comes now, and is passed on. */
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	ran = check_ran(p[0], argv[0], why);
	sys_close(&p[0]);
	e = wait_for(pid, status, sig, ran == JIT_OK ? why : NULL);
	child = 0;
	return ran != JIT_OK ? ran : e;
}

void
child_die_of(int sig)
{
	const struct rlimit none = { 0, 0 };
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t all;

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)sigaction(sig, &plain, NULL);
	(void)sigemptyset(&all);
	(void)sigaddset(&all, sig);
	(void)sigprocmask(SIG_UNBLOCK, &all, NULL);
	(void)raise(sig);
	_exit(128 + sig);
}
