/*
 * keeper_worker - workers start, fail and end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/token/cage.h"
#include "signer/token/keeper_int.h"
#include "signer/token/launch.h"

#define STATUS_TRIES 20		/* of 5 ms: it has closed, so it is ending */

void
keeper_answer(struct keeper *k, uint64_t tag, enum jit_err e,
    const struct jit_why *why)
{
	char buf[FRAME_WORDS_MAX + 1];
	const struct frame f = { .kind = FRAME_ANSWER, .tag = tag, .err = e,
	    .words = frame_words(e, why, buf) };

	/* An error here is found again when the socket is read. */
	(void)frame_io_put(&k->io, &f, NULL);
}

void
worker_fail(struct keeper *k, struct worker *w, enum jit_err e,
    const struct jit_why *why)
{
	for (; w->count > 0; w->count--) {
		keeper_answer(k, w->queue[w->first].tag, e, why);
		w->first = (w->first + 1) % KEEPER_QUEUE_MAX;
	}
	wr_done(&w->backlog);
}

/* The pause before it is started again; it doubles. */
static void
pause_for(const struct keeper *k, struct worker *w, int64_t now)
{
	int64_t ms = k->backoff_ms;

	for (unsigned i = 0; i < w->fails && ms < KEEPER_BACKOFF_MAX; i++)
		ms *= 2;
	w->not_before = now + (ms < KEEPER_BACKOFF_MAX ? ms :
	    KEEPER_BACKOFF_MAX);
	w->fails++;
}

/* All that is left of a worker, but its process. */
static void
forget(struct worker *w)
{
	keeper_pin_lost(w);
	frame_io_done(&w->io);
	w->state = WORKER_NONE;
	w->pid = -1;
}

static void
bury(struct keeper *k, pid_t pid)
{
	const size_t max = sizeof(k->dying) / sizeof(k->dying[0]);

	/* A process that hangs in the kernel does not die; do not wait. */
	if (waitpid(pid, NULL, WNOHANG) == 0 && k->n_dying < max)
		k->dying[k->n_dying++] = pid;
}

void
keeper_reap(struct keeper *k)
{
	for (size_t i = 0; i < k->n_dying;)
		if (waitpid(k->dying[i], NULL, WNOHANG) != 0)
			k->dying[i] = k->dying[--k->n_dying];
		else
			i++;
}

void
worker_kill(struct keeper *k, struct worker *w, int64_t now, enum jit_err e,
    const struct jit_why *why)
{
	pid_t pid = w->pid;

	log_line(LOG_L_WARN, "worker-stopped", LOG_NUM("pid", pid),
	    LOG_STR("module", w->uri.module), LOG_CODE(e), LOG_WHY(why));
	w->err = e;
	w->why = *why;
	pause_for(k, w, now);
	forget(w);
	(void)kill(pid, SIGKILL);
	bury(k, pid);
	worker_fail(k, w, e, why);
}

/* ---- the end, by itself ---- */

/* Its status, when it comes soon. */
static bool
status_of(struct keeper *k, pid_t pid, int *status)
{
	for (int i = 0; i < STATUS_TRIES; i++) {
		pid_t got = waitpid(pid, status, WNOHANG);

		if (got == pid)
			return true;
		if (got < 0 && errno != EINTR)
			return false;
		(void)poll(NULL, 0, 5);
	}
	(void)kill(pid, SIGKILL);
	bury(k, pid);
	return false;
}

void
worker_ended(struct keeper *k, struct worker *w, int64_t now)
{
	bool was_ready = w->state == WORKER_READY;
	struct jit_why why = { 0 };
	pid_t pid = w->pid;
	int status = 0;
	bool known;

	forget(w);
	known = status_of(k, pid, &status);
	if (known && WIFSIGNALED(status))
		(void)jit_fail(&why, JIT_E_TOKEN, "the module %s crashed "
		    "(signal %d, %s); a new process will load it again",
		    w->uri.module, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (was_ready && w->said != JIT_OK) {
		/* It has answered why, and goes: the token is lost. */
		why = w->why;
		worker_fail(k, w, w->err, &why);
		return;
	} else
		(void)jit_fail(&why, JIT_E_TOKEN, "the module %s ended its "
		    "process (status %d)", w->uri.module,
		    known && WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	log_line(LOG_L_WARN, "worker-ended", LOG_NUM("pid", pid),
	    LOG_WHY(&why));
	w->err = JIT_E_TOKEN;
	w->why = why;
	pause_for(k, w, now);
	worker_fail(k, w, JIT_E_TOKEN, &why);
}

/* ---- the start ---- */

static enum jit_err
send_config(const struct keeper *k, struct worker *w, struct jit_why *why)
{
	struct frame f = { .kind = FRAME_CONFIG, .timeout_ms = k->timeout_ms,
	    .backoff_ms = k->backoff_ms, .n = w->n };

	memcpy(f.keys, w->keys, sizeof(f.keys));
	return frame_io_put(&w->io, &f, why);
}

void
worker_start(struct keeper *k, struct worker *w, int64_t now)
{
	const char *argv[3 + CAGE_HIDDEN_MAX] = { "jit-signer-token",
	    "worker" };
	struct jit_why why = { 0 };
	int fd = -1;

	for (size_t i = 0; i < CAGE_HIDDEN_MAX && k->hidden[i] != NULL; i++)
		argv[2 + i] = k->hidden[i];
	enum jit_err e = launch(k->program, argv, &w->pid, &fd, &why);

	if (e == JIT_OK) {
		frame_io_init(&w->io, fd);
		w->state = WORKER_STARTING;
		w->said = JIT_OK;
		w->deadline = now + k->timeout_ms;
		if ((e = send_config(k, w, &why)) != JIT_OK)
			worker_kill(k, w, now, e, &why);
		return;
	}
	w->err = e;
	w->why = why;
	pause_for(k, w, now);
	worker_fail(k, w, e, &why);
}
