/* jit-certd serve - open everything, then go round. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/certd.h"
#include "api/cmd.h"

#define OWN_DESCRIPTORS 32
#define BACKLOG 512
#define STOP_MS 5000
#define SWEEP_MS 60000		/* between looks for tokens that are over */

struct serving {
	struct certd d;
	const char *conf;		/* path, for SIGHUP */
	int listener, signals, notify;
	struct watch *watch;
};

static void
serving_done(struct serving *s)
{
	loop_unwatch(s->watch);
	timer_stop(&s->d.retry);
	timer_stop(&s->d.sweep);
	lists_free(s->d.lists);
	link_free(s->d.link);
	tokens_free(s->d.tokens);
	nonces_free(s->d.nonces);
	view_free(s->d.view);
	loop_free(s->d.loop);
	sys_close(&s->listener);
	sys_close(&s->signals);
	sys_close(&s->notify);
}
JIT_SCOPED_OBJ(struct serving, serving_done);

/* ---- the socket ---- */

static enum jit_err
bind_any(const struct config *c, int fd, struct jit_why *why)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
	    .sin_port = htons(c->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(c->port) };
	const int on = 1;
	const bool six = strchr(c->address, ':') != NULL;
	const struct sockaddr *sa = six ? (const struct sockaddr *)&v6 :
	    (const struct sockaddr *)&v4;

	(void)inet_pton(six ? AF_INET6 : AF_INET, c->address, six ?
	    (void *)&v6.sin6_addr : (void *)&v4.sin_addr);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, sa, six ? sizeof(v6) : sizeof(v4)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return jit_fail(why, JIT_E_IO, "%s port %u: %s", c->address,
		    c->port, strerror(errno));
	return JIT_OK;
}

static enum jit_err
open_socket(const struct config *c, int *ret, struct jit_why *why)
{
	const int family = strchr(c->address, ':') != NULL ? AF_INET6 :
	    AF_INET;
	JIT_DONE(sys_close) int fd = socket(family, SOCK_STREAM |
	    SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return jit_fail(why, JIT_E_IO, "a socket: %s",
		    strerror(errno));
	JIT_TRY(bind_any(c, fd, why));
	*ret = fd;
	fd = -1;
	return JIT_OK;
}

/* As many descriptors as the limits of the configuration ask for. */
static void
raise_limit(struct config *c)
{
	const rlim_t want = c->connections + OWN_DESCRIPTORS;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	if (r.rlim_cur < want) {
		r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
		(void)setrlimit(RLIMIT_NOFILE, &r);
		(void)getrlimit(RLIMIT_NOFILE, &r);
	}
	if (r.rlim_cur >= want)
		return;
	c->connections = r.rlim_cur > 2 * OWN_DESCRIPTORS ?
	    (unsigned)r.rlim_cur - OWN_DESCRIPTORS :
	    (unsigned)r.rlim_cur / 2;
	log_line(LOG_L_WARN, "few-descriptors",
	    LOG_NUM("connections", c->connections));
}

/* ---- signals ---- */

static enum jit_err
reload(struct serving *s, struct jit_why *why)
{
	JIT_DONE(tls_pair_done) struct tls_pair p = { .key = { NULL, 0 } };
	JIT_SCOPED(free) struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(config_read(s->conf, c, why));
	JIT_TRY(tls_pair_read(c, &p, why));
	JIT_TRY(server_set_tls(s->d.server, (const char *)p.certificate.p,
	    (const char *)p.key.p, why));
	s->d.tls = p.spki;
	s->d.conf.level = c->level;
	log_setup("jit-certd", STDERR_FILENO, c->level, sys_wall);
	return JIT_OK;
}

static void
signalled(void *arg, uint32_t events)
{
	struct serving *s = arg;
	struct signalfd_siginfo si;
	struct jit_why why = { 0 };
	enum jit_err e;

	(void)events;
	while (read(s->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo != SIGHUP) {
			loop_stop(s->d.loop);
			continue;
		}
		if ((e = reload(s, &why)) == JIT_OK)
			log_line(LOG_L_INFO, "reloaded");
		else
			log_line(LOG_L_ERROR, "reload-refused", LOG_CODE(e),
			    LOG_WHY(&why));
	}
}

static enum jit_err
open_signals(struct serving *s, struct jit_why *why)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || (s->signals =
	    signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return jit_fail(why, JIT_E_IO, "signals: %s",
		    strerror(errno));
	return loop_watch(s->d.loop, s->signals, EPOLLIN, signalled, s,
	    &s->watch, why);
}

/* ---- parts ---- */

static void
sweep(void *arg)
{
	struct certd *d = arg;
	struct jit_why why = { 0 };
	enum jit_err e = tokens_expire(d->tokens, certd_now(d), &why);

	if (e != JIT_OK)
		log_line(LOG_L_WARN, "sweep-failed", LOG_CODE(e),
		    LOG_WHY(&why));
	/* What a busy hour needed goes back. */
	(void)malloc_trim(0);
	timer_set(d->loop, &d->sweep, loop_ms(d->loop) + SWEEP_MS);
}

static enum jit_err
open_view(struct certd *d, struct jit_why *why)
{
	char path[CONFIG_PATH];
	enum jit_err e;

	JIT_TRY(cmd_path(&d->conf, CMD_VIEW, path, why));
	e = view_open(path, VIEW_USE, &d->conf.log, &d->view, why);
	if (e == JIT_E_UNKNOWN)
		return jit_fail(why, e, "%s is not there: jit-certd init or "
		    "rebuild makes it from the log", path);
	if (e == JIT_E_LOCKED)
		return jit_fail(why, e, "%s: another jit-certd uses it", path);
	JIT_TRY(e);
	JIT_TRY(tokens_new(view_db(d->view), &d->tokens, why));
	return nonces_new(&d->rng, &d->nonces, why);
}

static enum jit_err
open_server(struct serving *s, struct jit_why *why)
{
	JIT_DONE(tls_pair_done) struct tls_pair p = { .key = { NULL, 0 } };
	struct certd *d = &s->d;
	struct server_config c = { .loop = d->loop, .limits =
	    server_limits_default, .serve = certd_serve, .served =
	    certd_served, .arg = d };

	JIT_TRY(tls_pair_read(&d->conf, &p, why));
	d->tls = p.spki;
	c.limits.connections = d->conf.connections;
	c.limits.per_address = d->conf.per_address;
	/* Whoever waits, and as many as are being answered. */
	c.limits.parked = d->conf.waiters + d->conf.connections;
	c.cert_pem = (const char *)p.certificate.p;
	c.key_pem = (const char *)p.key.p;
	JIT_TRY(open_socket(&d->conf, &s->listener, why));
	c.listen_fd = s->listener;
	s->listener = -1;
	return server_new(&c, &d->server, why);
}

static utc_s
now_of(void *arg)
{
	return certd_now(arg);
}

/* What goes over the link to the signer. */
static enum jit_err
open_link(struct certd *d, struct jit_why *why)
{
	const struct link_config c = { .loop = d->loop, .socket =
	    d->conf.signer, .note = follow_note, .hello = follow_hello,
	    .changed = follow_changed, .arg = d };
	struct lists_config l = { .loop = d->loop, .now = now_of, .arg = d };

	JIT_TRY(link_new(&c, &d->link, why));
	l.link = d->link;
	return lists_new(&l, &d->lists);
}

static enum jit_err
open_all(struct serving *s, struct jit_why *why)
{
	struct certd *d = &s->d;

	JIT_TRY(config_read(s->conf, &d->conf, why));
	log_setup("jit-certd", STDERR_FILENO, d->conf.level, sys_wall);
	JIT_TRY(sys_no_dumps(why));
	raise_limit(&d->conf);
	JIT_TRY(open_view(d, why));
	JIT_TRY(loop_new(&d->loop, why));
	JIT_TRY(open_signals(s, why));
	JIT_TRY(sys_notify_open(&s->notify, why));
	JIT_TRY(open_server(s, why));
	return open_link(d, why);
}

static enum jit_err
serve(struct serving *s, struct jit_why *why)
{
	struct certd *d = &s->d;
	enum jit_err e = open_all(s, why);

	if (e == JIT_OK) {
		d->sweep.fn = sweep;
		d->sweep.arg = d;
		sweep(d);
		log_line(LOG_L_INFO, "ready", LOG_STR("log", d->conf.log_id),
		    LOG_STR("listen", d->conf.address),
		    LOG_NUM("port", d->conf.port),
		    LOG_NUM("view", view_size(d->view)));
		sys_notify(s->notify, "READY=1\n");
		e = loop_run(d->loop, why);
		log_line(LOG_L_INFO, "stopping");
		certd_stop_waiting(d);
	}
	if (d->server != NULL)
		server_stop(d->server, STOP_MS);
	return e;
}

int
cmd_serve(const char *conf)
{
	JIT_DONE(serving_done) struct serving s = { .conf = conf,
	    .listener = -1, .signals = -1, .notify = -1 };
	struct jit_why why = { 0 };
	enum jit_err e;

	s.d.rng = rand_system();
	s.d.wall = sys_wall;
	e = serve(&s, &why);
	return e == JIT_OK ? 0 : cmd_complain(e, &why);
}
