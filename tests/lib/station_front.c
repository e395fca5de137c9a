#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "tests/lib/station_int.h"

#define TRIES 3000		/* of 10 ms */

static int
loopback(uint16_t port, struct sockaddr_in *ret)
{
	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static uint16_t
free_port(void)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	JIT_DONE(sys_close) int fd = loopback(0, &a);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, n) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		station_give_up("no port");
	return ntohs(a.sin_port);
}

static bool
listens(uint16_t port)
{
	struct sockaddr_in a;
	JIT_DONE(sys_close) int fd = loopback(port, &a);

	return fd >= 0 && connect(fd, (const struct sockaddr *)&a,
	    sizeof(a)) == 0;
}

void
station_set_front(struct station *s, const char *certd)
{
	s->certd = certd;
	s->port = free_port();
	(void)snprintf(s->server, sizeof(s->server), "127.0.0.1:%u",
	    (unsigned)s->port);
	(void)snprintf(s->conf, sizeof(s->conf), "%s/certd.yaml", s->dir);
	(void)snprintf(s->tls_cert, sizeof(s->tls_cert), "%s/tls.pem",
	    s->dir);
	(void)snprintf(s->tls_key, sizeof(s->tls_key), "%s/tls.key", s->dir);
}

static void
write_conf(const struct station *s, const char *more)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(32768);

	wr_fmt(&w, "certd: v1\nlisten: %s\nnames: [%s]\nsigner: %s\n"
	    "state: %s/certd\ntls: { certificate: %s, key: %s }\nlog: ",
	    s->server, s->server, s->sock, s->dir, s->tls_cert, s->tls_key);
	tlog_vkey_put(&w, &s->log);
	wr_fmt(&w, "\n%s", more);
	if (w.err != JIT_OK || sys_write_file(s->conf, wr_view(&w), 0600,
	    SYS_REPLACE, NULL) != JIT_OK)
		station_give_up("no configuration of jit-certd");
}

void
station_front(struct station *s, const char *more)
{
	const char *const init[] = { s->certd, "init", s->conf, NULL };
	const char *const serve[] = { s->certd, "serve", s->conf, NULL };
	char log[4200];

	write_conf(s, more);
	station_run(init);
	(void)snprintf(log, sizeof(log), "%s/certd.log", s->dir);
	s->front = station_spawn(serve, log);
	for (int i = 0; !listens(s->port); i++) {
		if (i == TRIES || waitpid(s->front, NULL, WNOHANG) != 0)
			station_give_up("jit-certd does not come up");
		(void)poll(NULL, 0, 10);
	}
}

void
station_stop_front(struct station *s)
{
	if (s->front < 0)
		return;
	station_end(s->front, SIGTERM);
	s->front = -1;
}
