#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/token/keeper_int.h"

#define SETUP_MS 10000		/* until jit-signer has told us its keys */
#define REAP_MS 100		/* between looks at what was killed */
#define GRACE_MS 1000		/* for modules to finalise, at the end */

/* ---- the configuration ---- */

/* The worker of that token, or a new one. */
static struct worker *
worker_of(struct keeper *k, const struct uri *u)
{
	struct worker *w;

	for (size_t i = 0; i < k->n; i++)
		if (uri_same_token(&k->workers[i].uri, u))
			return &k->workers[i];
	w = &k->workers[k->n++];
	w->uri = *u;
	w->pid = -1;
	w->io = (struct frame_io)FRAME_IO_INIT;
	w->backlog = (struct wr)WR_INIT(FRAME_IO_MAX);
	return w;
}

static enum jit_err
add_key(struct keeper *k, uint32_t i, const struct frame_key *key,
    struct jit_why *why)
{
	struct worker *w;
	struct uri u;

	JIT_TRY(uri_parse(key->uri, &u, why));
	if (key->module.n == 0 || key->module.p[0] != '/')
		return jit_fail(why, JIT_E_FORMAT, "key %u: no module", i);
	memcpy(u.module, key->module.p, key->module.n);
	u.module[key->module.n] = '\0';
	w = worker_of(k, &u);
	if (w->n == 0 && key->pin.n > 0)
		JIT_TRY(secret_copy(&w->pin, key->pin));
	else if (!secret_equal(SPAN(w->pin.p, w->pin.n), key->pin))
		return jit_fail(why, JIT_E_FORMAT, "key %u: another PIN for "
		    "the same token", i);
	w->keys[w->n] = *key;
	w->keys[w->n].pin = SPAN_NONE;
	k->keys[i].worker = w;
	k->keys[i].index = w->n++;
	return JIT_OK;
}

enum jit_err
keeper_config(struct keeper *k, const struct frame *f, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr copy = WR_INIT(FRAME_MAX);
	struct frame own = *f, kept;

	if (f->kind != FRAME_CONFIG)
		return jit_fail(why, JIT_E_FORMAT, "the first frame is no "
		    "configuration");
	/* Texts that stay, and no PIN among them. */
	for (uint32_t i = 0; i < own.n; i++)
		own.keys[i].pin = SPAN_NONE;
	frame_put(&copy, &own);
	JIT_TRY(wr_take(&copy, &k->config));
	JIT_TRY(frame_get(SPAN(k->config.p + 4, k->config.n - 4), &kept,
	    why));
	k->timeout_ms = f->timeout_ms;
	k->backoff_ms = f->backoff_ms;
	k->n_keys = f->n;
	for (uint32_t i = 0; i < f->n; i++) {
		kept.keys[i].pin = f->keys[i].pin;
		JIT_TRY(add_key(k, i, &kept.keys[i], why));
	}
	return JIT_OK;
}

/* ---- requests ---- */

static bool
is_request(const struct frame *f)
{
	return f->kind == FRAME_LIST || f->kind == FRAME_INFO ||
	    f->kind == FRAME_SIGN || f->kind == FRAME_GENERATE;
}

static int64_t
time_for(const struct keeper *k, const struct worker *w)
{
	int64_t ms = k->timeout_ms;

	return w->queue[w->first].slow && ms < KEEPER_GENERATE_MS ?
	    KEEPER_GENERATE_MS : ms;
}

static void
enqueue(struct keeper *k, struct worker *w, const struct frame *f,
    int64_t now)
{
	struct jit_why why = { 0 };
	enum jit_err e = JIT_OK;

	if (w->state == WORKER_READY)
		e = frame_io_put(&w->io, f, &why);
	else {
		frame_put(&w->backlog, f);
		e = w->backlog.err;
	}
	if (e == JIT_E_BUSY || e == JIT_E_SIZE || e == JIT_E_NOMEM) {
		keeper_answer(k, f->tag, JIT_E_BUSY, NULL);
		return;
	}
	/* Whatever else it is, the worker's end is seen in a moment. */
	w->queue[(w->first + w->count++) % KEEPER_QUEUE_MAX] =
	    (struct request){ f->tag, f->kind == FRAME_GENERATE };
	if (w->state == WORKER_READY && w->count == 1)
		w->deadline = now + time_for(k, w);
}

/* It failed a moment ago, and is not started for this. */
static void
answer_paused(struct keeper *k, const struct worker *w, uint64_t tag,
    int64_t now)
{
	struct jit_why why = { 0 };

	(void)jit_fail(&why, w->err, "%s (looked for again in %lld ms)",
	    jit_why_text(&w->why, w->err), (long long)(w->not_before - now));
	keeper_answer(k, tag, w->err, &why);
}

static enum jit_err
take_request(struct keeper *k, struct frame *f, int64_t now,
    struct jit_why *why)
{
	struct worker *w;

	if (!is_request(f) || f->key >= k->n_keys)
		return jit_fail(why, JIT_E_PROTOCOL, "jit-signer sent a frame "
		    "of kind %d for key %u of %u", (int)f->kind, f->key,
		    k->n_keys);
	w = k->keys[f->key].worker;
	f->key = k->keys[f->key].index;
	if (w->count == KEEPER_QUEUE_MAX) {
		keeper_answer(k, f->tag, JIT_E_BUSY, NULL);
		return JIT_OK;
	}
	if (w->state == WORKER_NONE && now < w->not_before) {
		answer_paused(k, w, f->tag, now);
		return JIT_OK;
	}
	enqueue(k, w, f, now);
	if (w->state == WORKER_NONE)
		worker_start(k, w, now);
	return JIT_OK;
}

/* All that was read. */
static enum jit_err
take_requests(struct keeper *k, int64_t now, struct jit_why *why)
{
	struct frame f;
	bool got;

	for (;;) {
		JIT_TRY(frame_io_next(&k->io, &f, &got, why));
		if (!got)
			return JIT_OK;
		JIT_TRY(take_request(k, &f, now, why));
	}
}

static enum jit_err
from_signer(struct keeper *k, int64_t now, struct jit_why *why)
{
	JIT_TRY(frame_io_flush(&k->io, why));
	JIT_TRY(frame_io_fill(&k->io, why));
	return take_requests(k, now, why);
}

/* ---- what workers say ---- */

static enum jit_err
take_ready(struct keeper *k, struct worker *w, const struct frame *f,
    int64_t now, struct jit_why *why)
{
	struct rd r;

	if (f->err != JIT_OK)
		return jit_fail(why, f->err, "%.*s", (int)f->words.n,
		    (const char *)f->words.p);
	w->state = WORKER_READY;
	w->deadline = now + time_for(k, w);
	log_line(LOG_L_INFO, "token-open", LOG_NUM("pid", w->pid),
	    LOG_STR("module", w->uri.module));
	/* Frame by frame: that is what the socket's writer takes. */
	r = rd_of(wr_view(&w->backlog));
	while (r.n > 0 && r.err == JIT_OK) {
		struct frame one;

		JIT_TRY(frame_get(rd_string(&r, FRAME_MAX), &one, why));
		JIT_TRY(frame_io_put(&w->io, &one, why));
	}
	wr_done(&w->backlog);
	return JIT_OK;
}

static enum jit_err
take_answer(struct keeper *k, struct worker *w, const struct frame *f,
    int64_t now, struct jit_why *why)
{
	if (w->count == 0 || w->queue[w->first].tag != f->tag)
		return jit_fail(why, JIT_E_TOKEN, "the worker answered what "
		    "nobody asked");
	(void)frame_io_put(&k->io, f, NULL);
	w->first = (w->first + 1) % KEEPER_QUEUE_MAX;
	w->count--;
	w->deadline = now + time_for(k, w);
	w->said = f->err;
	if (f->err == JIT_OK) {
		w->fails = 0;
		return JIT_OK;
	}
	w->err = f->err;
	(void)jit_fail(&w->why, f->err, "%.*s", (int)f->words.n,
	    (const char *)f->words.p);
	return JIT_OK;
}

static enum jit_err
take_frame(struct keeper *k, struct worker *w, const struct frame *f,
    int64_t now, struct jit_why *why)
{
	struct frame pin;

	if (w->state == WORKER_READY && f->kind == FRAME_ANSWER)
		return take_answer(k, w, f, now, why);
	if (w->state != WORKER_STARTING)
		return jit_fail(why, JIT_E_TOKEN, "the worker said what it "
		    "may not say now (%d)", (int)f->kind);
	switch (f->kind) {
	case FRAME_READY:
		return take_ready(k, w, f, now, why);
	case FRAME_LOGIN:
		keeper_pin_ask(k, w, f, &pin);
		return frame_io_put(&w->io, &pin, why);
	case FRAME_LOGGED:
		keeper_pin_said(w, f->err);
		return JIT_OK;
	default:
		return jit_fail(why, JIT_E_TOKEN, "the worker said what it "
		    "may not say now (%d)", (int)f->kind);
	}
}

static void
from_worker(struct keeper *k, struct worker *w, int64_t now)
{
	struct jit_why why = { 0 };
	enum jit_err end, e;
	struct frame f;
	bool got;

	(void)frame_io_flush(&w->io, NULL);
	end = frame_io_fill(&w->io, NULL);
	for (;;) {
		e = frame_io_next(&w->io, &f, &got, &why);
		if (e == JIT_OK && got)
			e = take_frame(k, w, &f, now, &why);
		if (e != JIT_OK) {
			worker_kill(k, w, now, e, &why);
			return;
		}
		if (!got)
			break;
	}
	if (end != JIT_OK)
		worker_ended(k, w, now);
}

/* ---- the loop ---- */

static void
check_deadlines(struct keeper *k, int64_t now)
{
	for (size_t i = 0; i < k->n; i++) {
		struct worker *w = &k->workers[i];
		struct jit_why why = { 0 };

		if (w->state == WORKER_NONE || w->count == 0 ||
		    now < w->deadline)
			continue;
		(void)jit_fail(&why, JIT_E_TOKEN, "no answer from the module "
		    "%s in %lld ms%s; its process was killed", w->uri.module,
		    (long long)(w->state == WORKER_STARTING ? k->timeout_ms :
		    time_for(k, w)), w->trying != NULL ? " while it logged in"
		    : w->state == WORKER_STARTING ? " while it began" : "");
		worker_kill(k, w, now, JIT_E_TOKEN, &why);
	}
}

static int
wait_ms(const struct keeper *k, int64_t now)
{
	int64_t ms = k->n_dying > 0 ? REAP_MS : INT32_MAX;

	for (size_t i = 0; i < k->n; i++) {
		const struct worker *w = &k->workers[i];

		if (w->state == WORKER_NONE || w->count == 0)
			continue;
		if (w->deadline - now < ms)
			ms = w->deadline > now ? w->deadline - now : 0;
	}
	return (int)ms;
}

static enum jit_err
turn(struct keeper *k, struct jit_why *why)
{
	struct pollfd p[1 + FRAME_KEYS_MAX];
	struct worker *of[1 + FRAME_KEYS_MAX];
	nfds_t n = 1;

	p[0] = (struct pollfd){ .fd = k->io.fd,
	    .events = frame_io_events(&k->io) };
	for (size_t i = 0; i < k->n; i++) {
		struct worker *w = &k->workers[i];

		if (w->state == WORKER_NONE)
			continue;
		of[n] = w;
		p[n++] = (struct pollfd){ .fd = w->io.fd,
		    .events = frame_io_events(&w->io) };
	}
	if (poll(p, n, wait_ms(k, sys_mono_ms())) < 0 && errno != EINTR)
		return jit_fail(why, JIT_E_IO, "poll: %s", strerror(errno));
	int64_t now = sys_mono_ms();

	for (nfds_t i = 1; i < n; i++)
		if (p[i].revents != 0)
			from_worker(k, of[i], now);
	if (p[0].revents != 0)
		JIT_TRY(from_signer(k, now, why));
	check_deadlines(k, now);
	keeper_reap(k);
	return JIT_OK;
}

/* Modules may finalise; those that do not end in time are killed. */
static void
end_workers(struct keeper *k)
{
	int64_t end = sys_mono_ms() + GRACE_MS;

	for (size_t i = 0; i < k->n; i++)
		frame_io_done(&k->workers[i].io);
	for (size_t i = 0; i < k->n; i++) {
		struct worker *w = &k->workers[i];

		while (w->pid > 0 && waitpid(w->pid, NULL, WNOHANG) == 0 &&
		    sys_mono_ms() < end)
			(void)poll(NULL, 0, 5);
		if (w->pid > 0)
			(void)kill(w->pid, SIGKILL);
		secret_done(&w->pin);
		wr_done(&w->backlog);
	}
}

enum jit_err
keeper_run(int fd, const char *program, char *const hidden[],
    struct jit_why *why)
{
	static struct keeper k;		/* large */
	struct frame f;
	enum jit_err e;

	k.program = program;
	k.hidden = hidden;
	frame_io_init(&k.io, fd);
	e = frame_io_wait(&k.io, sys_mono_ms() + SETUP_MS, &f, why);
	if (e == JIT_OK)
		e = keeper_config(&k, &f, why);
	/* What was read is wiped: the PINs are in struct secret alone. */
	frame_io_wipe(&k.io);
	/* Some requests may have come with it. */
	if (e == JIT_OK)
		e = take_requests(&k, sys_mono_ms(), why);
	while (e == JIT_OK)
		e = turn(&k, why);
	end_workers(&k);
	frame_io_done(&k.io);
	buf_done(&k.config);
	return e == JIT_E_UNREACHABLE ? JIT_OK : e;
}
