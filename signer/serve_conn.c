#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/crash.h"
#include "signer/serve_int.h"

#define ACCEPT_ROUND 16		/* connections in one round */
#define READ_ROUND 16		/* frames of one connection in one round */
#define BACKOFF_MS 200

/* ---- accepting ---- */

void
serve_listen(struct serve *s, bool on)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };

	if (on == s->listening)
		return;
	if (epoll_ctl(s->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
	    s->c.listener, &ev) == 0)
		s->listening = on;
}

/*
 * No descriptor is left.  The one that is kept for this lets us close on
 * whoever waits longest; then nobody is listened to for a moment, instead of
 * being told again and again that somebody is there.
 */
static void
back_off(struct serve *s, int64_t ms)
{
	int fd;

	log_line(LOG_L_WARN, "no-descriptors", LOG_NUM("conns", s->n_conns));
	if (s->reserve >= 0) {
		(void)close(s->reserve);
		fd = accept4(s->c.listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			(void)close(fd);
		s->reserve = eventfd(0, EFD_CLOEXEC);
	}
	serve_listen(s, false);
	s->listen_at = ms + BACKOFF_MS;
}

/* JIT_E_BUSY: this one is too much. */
static enum jit_err
check_room(const struct serve *s, uid_t uid, struct jit_why *why)
{
	unsigned of_uid = 0, max = s->max_conns;

	if (uid != 0 && max > 2 * SERVE_ROOT_CONNS)
		max -= SERVE_ROOT_CONNS;
	if (s->n_conns >= max)
		return jit_fail(why, JIT_E_BUSY, "%u connections are open",
		    s->n_conns);
	if (uid == 0 || (s->c.has_front && uid == s->c.front))
		return JIT_OK;
	for (const struct conn *c = s->conns; c != NULL; c = c->next)
		of_uid += c->state != CONN_DEAD && c->uid == uid;
	return of_uid < SERVE_UID_CONNS ? JIT_OK : jit_fail(why, JIT_E_BUSY,
	    "%u connections of uid %lu are open", of_uid, (unsigned long)uid);
}

/* Say it if it can be said at once, and close. */
static void
turn_away(int fd, const struct sys_peer *peer, enum jit_err e,
    const struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX);

	log_line(LOG_L_WARN, "turned-away", LOG_CODE(e),
	    LOG_NUM("uid", peer->uid), LOG_NUM("pid", peer->pid),
	    LOG_WHY(why));
	answer_error(&w, OP_HELLO, 0, e, why);
	CRASH_POINT(TELL_AWAY);
	if (w.err == JIT_OK)
		(void)!send(fd, w.p, w.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close(fd);
}

static void
admit(struct serve *s, int fd, int64_t ms)
{
	struct sys_peer peer = { .pid = -1 };
	struct jit_why why = { 0 };
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c = NULL;
	enum jit_err e = sys_peer(fd, &peer, &why);

	if (e == JIT_OK)
		e = check_room(s, peer.uid, &why);
	if (e == JIT_OK)
		e = conn_new(fd, ms, &c);
	if (e != JIT_OK) {
		turn_away(fd, &peer, e, &why);
		return;
	}
	c->uid = peer.uid;
	c->pid = peer.pid;
	c->id = ++s->last_id;
	c->events = ev.events;
	ev.data.ptr = c;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
		conn_free(c);
		return;
	}
	c->next = s->conns;
	s->conns = c;
	s->n_conns++;
	log_line(LOG_L_INFO, "connected", LOG_NUM("conn", c->id),
	    LOG_NUM("uid", c->uid), LOG_NUM("pid", c->pid));
}

void
serve_accept(struct serve *s, int64_t ms)
{
	for (int i = 0; i < ACCEPT_ROUND; i++) {
		int fd = accept4(s->c.listener, NULL, NULL, SOCK_CLOEXEC |
		    SOCK_NONBLOCK);

		if (fd >= 0) {
			admit(s, fd, ms);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			back_off(s, ms);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* ---- closing ---- */

static void
hang_up(struct serve *s, struct conn *c, const char *reason)
{
	if (c->state == CONN_DEAD)
		return;
	log_line(LOG_L_DEBUG, "closed", LOG_NUM("conn", c->id),
	    LOG_STR("why", reason));
	s->out -= c->out_bytes;
	s->n_conns--;
	/* Closing takes it from epoll as well. */
	conn_close(c);
}

/* ---- frames ---- */

static enum jit_err
put_answer(struct serve *s, struct conn *c, struct wr *w, int64_t ms)
{
	size_t n = w->n;

	if (c->state == CONN_DEAD) {
		wr_done(w);
		return JIT_OK;
	}
	JIT_TRY(conn_put(c, w, ms));
	s->out += n;
	return JIT_OK;
}

/* An answer to what is no task; the connection ends with it. */
static enum jit_err
protest(struct serve *s, struct conn *c, struct span frame, enum jit_err e,
    const char *what, int64_t ms)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX);
	struct rd r = rd_of(frame);
	uint8_t op = rd_u8(&r);
	uint32_t tag = rd_u32(&r);
	struct jit_why why = { 0 };

	(void)jit_fail(&why, e, "%s", what);
	log_line(LOG_L_WARN, "refused", LOG_STR("op", op_name(op)),
	    LOG_CODE(e), LOG_NUM("uid", c->uid), LOG_NUM("conn", c->id),
	    LOG_WHY(&why));
	answer_error(&w, op, tag, e, &why);
	CRASH_POINT(TELL_AWAY);
	JIT_TRY(w.err);
	c->state = CONN_CLOSING;
	return put_answer(s, c, &w, ms);
}

/* Verifying is for the workers; the rest is opened at once. */
static void
begin(struct serve *s, struct task *t)
{
	switch (t->frame.p[0]) {
	case OP_REQUEST:
	case OP_DECISION:
	case OP_CANCEL:
	case OP_DROP:
		s->verifying++;
		pool_submit(s->pool, t);
		return;
	}
	task_open(t);
	tasks_put(t->err == JIT_OK && op_class(t->ask.op) == CLASS_READ ?
	    &s->reads : &s->ready, t);
}

static enum jit_err
take_frame(struct serve *s, struct conn *c, struct buf *frame, int64_t ms)
{
	struct task *t = NULL;

	if ((c->state == CONN_NEW) != (frame->p[0] == OP_HELLO))
		return protest(s, c, BUF_SPAN(*frame), JIT_E_PROTOCOL,
		    c->state == CONN_NEW ? "hello comes first" :
		    "hello was said already", ms);
	if (task_new(frame, &t) != JIT_OK) {
		hang_up(s, c, "out of memory");
		return JIT_OK;
	}
	t->owner = c;
	c->tasks++;
	if (c->state == CONN_NEW)
		c->state = CONN_GREETING;
	begin(s, t);
	return JIT_OK;
}

/*
 * Frames, as long as there are any and it may send more.  The errors of the
 * client end the connection; what is returned is ours.
 */
static enum jit_err
read_frames(struct serve *s, struct conn *c, int64_t ms)
{
	for (int i = 0; i < READ_ROUND && conn_may_read(c); i++) {
		JIT_DONE(buf_done) struct buf frame = { NULL, 0 };
		enum jit_err e = conn_read(c, ms, &frame);

		if (e == JIT_E_SIZE)
			return protest(s, c, SPAN_NONE, JIT_E_PROTOCOL,
			    "the length of a frame is 5 to 65536 bytes", ms);
		if (e == JIT_E_UNREACHABLE) {
			/* What it asked before it may still read. */
			if (c->state == CONN_NEW || c->head_n > 0)
				hang_up(s, c, "ended");
			return JIT_OK;
		}
		if (e != JIT_OK)
			hang_up(s, c, "out of memory");
		if (frame.p == NULL)
			return JIT_OK;
		JIT_TRY(take_frame(s, c, &frame, ms));
	}
	return JIT_OK;
}

static void
write_answers(struct serve *s, struct conn *c, int64_t ms)
{
	size_t before = c->out_bytes;
	enum jit_err e = conn_write(c, ms);

	s->out -= before - c->out_bytes;
	if (e != JIT_OK)
		hang_up(s, c, "broken");
}

enum jit_err
serve_event(struct serve *s, struct conn *c, uint32_t events, int64_t ms)
{
	if (c->state == CONN_DEAD)
		return JIT_OK;
	if (events & EPOLLOUT)
		write_answers(s, c, ms);
	if (events & EPOLLIN && !s->stopping && c->state != CONN_DEAD)
		JIT_TRY(read_frames(s, c, ms));
	/* Both directions are closed: nobody would read an answer. */
	if (events & (EPOLLHUP | EPOLLERR))
		hang_up(s, c, "hung up");
	return JIT_OK;
}

bool
serve_orphan(const struct task *t)
{
	const struct conn *c = t->owner;

	return c->state == CONN_DEAD;
}

void
serve_drop(struct task *t)
{
	struct conn *c = t->owner;

	c->tasks--;
	task_free(t);
}

enum jit_err
serve_deliver(struct serve *s, struct task *t, int64_t ms)
{
	struct conn *c = t->owner;
	enum jit_err e = t->answer.err;

	if (e == JIT_OK)
		e = put_answer(s, c, &t->answer, ms);
	if (c->state == CONN_GREETING)
		c->state = t->err == JIT_OK ? CONN_OPEN : CONN_CLOSING;
	serve_drop(t);
	return e;
}

/* ---- now and then ---- */

static void
look_at(struct serve *s, struct conn *c, int64_t ms)
{
	bool may_read = !s->stopping && conn_may_read(c);
	struct epoll_event ev = { .data.ptr = c };

	if (c->out != NULL)
		write_answers(s, c, ms);
	if (c->state == CONN_DEAD)
		return;
	/* Half a frame that we do not read is not its fault. */
	if (!may_read && c->head_n > 0)
		c->since = ms;
	if (conn_deadline(c) <= ms) {
		log_line(LOG_L_WARN, "too-slow", LOG_NUM("conn", c->id),
		    LOG_NUM("uid", c->uid), LOG_NUM("unsent", c->out_bytes));
		hang_up(s, c, "too slow");
		return;
	}
	if (c->out == NULL && c->tasks == 0 &&
	    (c->state == CONN_CLOSING || c->eof)) {
		hang_up(s, c, "done");
		return;
	}
	ev.events = (may_read ? (uint32_t)EPOLLIN : 0) |
	    (c->out != NULL ? (uint32_t)EPOLLOUT : 0);
	if (ev.events != c->events &&
	    epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &ev) == 0)
		c->events = ev.events;
}

void
serve_sweep(struct serve *s, int64_t ms)
{
	struct conn **at = &s->conns, *c;

	while ((c = *at) != NULL) {
		if (c->state != CONN_DEAD)
			look_at(s, c, ms);
		if (c->state == CONN_DEAD && c->tasks == 0) {
			*at = c->next;
			conn_free(c);
			continue;
		}
		at = &c->next;
	}
}

int64_t
serve_conn_deadline(const struct serve *s)
{
	int64_t until = INT64_MAX;

	for (const struct conn *c = s->conns; c != NULL; c = c->next)
		if (c->state != CONN_DEAD && conn_deadline(c) < until)
			until = conn_deadline(c);
	return until;
}
