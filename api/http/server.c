#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/http/server_int.h"

/*
 * What libmicrohttpd has for the head of a request and that of its answer, a
 * connection; all of it is touched.  In 5 KiB heads of some 4 KiB pass, and 512
 * waiters with TLS take 7.8 MiB, of which GnuTLS has 11 KiB each.
 */
#define POOL 5120
#define SWEEP_MS 250

const struct server_limits server_limits_default = {
	.connections = 1024,
	.per_address = 256,
	.parked = 512,
	.idle_s = 30,
	.head_s = 10,
	.body_s = 10,
	.max_body = 65536,
};

/* ---- libmicrohttpd in the loop ---- */

void
server_again(struct server *s)
{
	timer_set(s->loop, &s->again, loop_ms(s->loop));
}

static void
run(struct server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	timer_stop(&s->again);
	(void)MHD_run(s->mhd);
	if (MHD_get_timeout(s->mhd, &ms) != MHD_YES)
		return;
	if (ms == 0 && s->coming > 0) {
		conn_hold_all(s);
		if (MHD_get_timeout(s->mhd, &ms) != MHD_YES)
			return;
	}
	/* What was resumed meanwhile has set it for at once. */
	if (s->again.prev == NULL || ms == 0)
		timer_set(s->loop, &s->again, loop_ms(s->loop) +
		    (ms > 60000 ? 60000 : (int64_t)ms));
}

static void
on_event(void *arg, uint32_t events)
{
	(void)events;
	run(arg);
}

static void
on_again(void *arg)
{
	run(arg);
}

/* ---- connections ---- */

void
conn_phase(struct conn *c, enum phase phase, unsigned seconds)
{
	c->phase = phase;
	c->since = loop_ms(c->s->loop);
	c->deadline = seconds == 0 ? 0 : c->since + (int64_t)seconds * 1000;
}

void
conn_doom(struct conn *c)
{
	if (c->doomed)
		return;
	c->doomed = true;
	conn_let_go(c);
	(void)shutdown(c->fd, SHUT_RDWR);
	server_again(c->s);
}

void
conn_free(struct conn *c)
{
	exchange_free(c->x);
	pair_drop(c->pair);
	free(c);
}

/* What is left of its answer is for nobody. */
static void
expire(struct conn *c)
{
	struct linger at_once = { 1, 0 };

	if (c->phase == PHASE_ANSWER)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once,
		    sizeof(at_once));
	conn_doom(c);
}

static void
on_sweep(void *arg)
{
	struct server *s = arg;
	int64_t now = loop_ms(s->loop);

	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (c->deadline != 0 && now >= c->deadline)
			expire(c);
	if (s->conns != NULL)
		timer_set(s->loop, &s->sweep, now + SWEEP_MS);
}

static void
conn_begin(struct server *s, struct MHD_Connection *mhd, void **ctx)
{
	const union MHD_ConnectionInfo *info;
	struct conn *c = s->adding;

	if (c == NULL)
		return;
	s->adding = NULL;
	*ctx = c;
	c->mhd = mhd;
	if ((c->next = s->conns) != NULL)
		c->next->prev = &c->next;
	c->prev = &s->conns;
	s->conns = c;
	s->counts.connections++;
	conn_phase(c, PHASE_HEAD, s->c.limits.head_s);
	info = MHD_get_connection_info(mhd,
	    MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (s->pair != NULL && info != NULL && info->tls_session != NULL) {
		c->session = info->tls_session;
		gnutls_session_set_ptr(c->session, c);
		c->coming = true;
		s->coming++;
	}
	if (s->sweep.prev == NULL)
		timer_set(s->loop, &s->sweep, loop_ms(s->loop) + SWEEP_MS);
}

static void
on_conn(void *arg, struct MHD_Connection *mhd, void **ctx,
    enum MHD_ConnectionNotificationCode what)
{
	struct server *s = arg;
	struct conn *c = *ctx;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		conn_begin(s, mhd, ctx);
		return;
	}
	if (c == NULL)
		return;
	*ctx = NULL;
	conn_came(c);
	loop_unwatch(c->hold);
	if ((*c->prev = c->next) != NULL)
		c->next->prev = c->prev;
	s->counts.connections--;
	conn_free(c);
	server_accept_more(s);
}

/* ---- beginning ---- */

static _Noreturn void
on_panic(void *arg, const char *file, unsigned line, const char *reason)
{
	(void)arg;
	fprintf(stderr, "libmicrohttpd: %s:%u: %s\n", file, line,
	    reason == NULL ? "a fault of its own" : reason);
	abort();
}

static enum jit_err
start(struct server *s, struct jit_why *why)
{
	const union MHD_DaemonInfo *info;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
	    MHD_USE_NO_LISTEN_SOCKET | (s->pair != NULL ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		    (void *)(uintptr_t)pair_priorities },
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
		    (void *)(uintptr_t)pair_show },
		{ MHD_OPTION_END, 0, NULL }
	};

	MHD_set_panic_func(on_panic, NULL);
	s->mhd = MHD_start_daemon(flags, 0, NULL, NULL, request_ready, s,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL,
	    MHD_OPTION_CONNECTION_LIMIT, s->c.limits.connections + 1,
	    MHD_OPTION_CONNECTION_TIMEOUT, 0u,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_URI_LOG_CALLBACK, request_line, s,
	    MHD_OPTION_NOTIFY_COMPLETED, request_done, s,
	    MHD_OPTION_NOTIFY_CONNECTION, on_conn, s,
	    MHD_OPTION_ARRAY, s->pair != NULL ? tls : tls + 2,
	    MHD_OPTION_END);
	if (s->mhd == NULL)
		return jit_fail(why, JIT_E_IO, "libmicrohttpd: %s",
		    strerror(errno));
	info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || info->epoll_fd < 0)
		return jit_fail(why, JIT_E_IO,
		    "libmicrohttpd has no epoll descriptor");
	JIT_TRY(loop_watch(s->loop, info->epoll_fd, EPOLLIN, on_event, s,
	    &s->mhd_watch, why));
	return loop_watch(s->loop, s->listen_fd, EPOLLIN,
	    server_accept_ready, s, &s->listen_watch, why);
}

static void
stop_listening(struct server *s)
{
	loop_unwatch(s->listen_watch);
	s->listen_watch = NULL;
	timer_stop(&s->retry);
	if (s->listen_fd >= 0)
		(void)close(s->listen_fd);
	s->listen_fd = -1;
}

static void
server_free(struct server *s)
{
	stop_listening(s);
	loop_unwatch(s->mhd_watch);
	if (s->mhd != NULL)
		MHD_stop_daemon(s->mhd);
	timer_stop(&s->again);
	timer_stop(&s->sweep);
	pair_drop(s->pair);
	free(s);
}

enum jit_err
server_new(const struct server_config *c, struct server **ret,
    struct jit_why *why)
{
	struct server *s = calloc(1, sizeof(*s));
	enum jit_err e = JIT_OK;

	if (s == NULL) {
		(void)close(c->listen_fd);
		return JIT_E_NOMEM;
	}
	s->c = *c;
	s->c.cert_pem = s->c.key_pem = NULL;
	s->loop = c->loop;
	s->listen_fd = c->listen_fd;
	s->again = (struct timer){ .fn = on_again, .arg = s };
	s->sweep = (struct timer){ .fn = on_sweep, .arg = s };
	s->retry = (struct timer){ .fn = server_accept_retry, .arg = s };
	if (c->cert_pem != NULL || c->key_pem != NULL)
		e = pair_new(c->cert_pem, c->key_pem, &s->pair, why);
	if (e == JIT_OK)
		e = start(s, why);
	if (e != JIT_OK) {
		server_free(s);
		return e;
	}
	*ret = s;
	return JIT_OK;
}

enum jit_err
server_set_tls(struct server *s, const char *cert_pem, const char *key_pem,
    struct jit_why *why)
{
	struct pair *p;

	if (s->pair == NULL)
		return jit_fail(why, JIT_E_ARG, "this server has no TLS");
	JIT_TRY(pair_new(cert_pem, key_pem, &p, why));
	pair_drop(s->pair);
	s->pair = p;
	return JIT_OK;
}

struct server_counts
server_counts(const struct server *s)
{
	return s->counts;
}

/* ---- ending ---- */

/* Who waits hears why; who is between two requests is let go. */
static void
say_goodbye(struct server *s)
{
	struct jit_why why = { 0 };

	(void)jit_fail(&why, JIT_E_BUSY, "the server is stopping");
	for (struct conn *c = s->conns; c != NULL; c = c->next) {
		struct exchange *x = c->x;

		if (c->phase == PHASE_IDLE ||
		    (c->phase == PHASE_HEAD && x == NULL))
			conn_doom(c);
		if (x == NULL || x->state != EXCHANGE_PARKED)
			continue;
		if (x->gone != NULL)
			x->gone(x->gone_arg);
		exchange_refuse(x, JIT_E_BUSY, &why);
	}
}

void
server_stop(struct server *s, int ms)
{
	int64_t end;

	if (s == NULL)
		return;
	end = sys_mono_ms() + ms;
	s->stopping = true;
	stop_listening(s);
	say_goodbye(s);
	while (s->conns != NULL && sys_mono_ms() < end)
		if (loop_once(s->loop, 50, NULL) != JIT_OK)
			break;
	/*
	 * Those that are left are cut off.  None may be suspended when
	 * libmicrohttpd is stopped: it would end the program.
	 */
	for (struct conn *c = s->conns; c != NULL; c = c->next) {
		if (c->x != NULL)
			exchange_lose(c->x);
		conn_doom(c);
	}
	for (int i = 0; i < 8 && s->conns != NULL; i++)
		run(s);
	server_free(s);
}
