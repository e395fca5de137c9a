/* A server that does nothing but TLS, in a process of its own. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/site.h"

#define EXCHANGES 20000		/* in all */
#define REPLY_MAX 65536

/* ---- the server ---- */

static SSL *
accept_one(SSL_CTX *ctx, int listener)
{
	const int on = 1;
	SSL *ssl = SSL_new(ctx);
	int fd = accept(listener, NULL, NULL);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fd < 0 || ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    SSL_accept(ssl) != 1)
		_exit(1);
	return ssl;
}

/* One question, one answer; false: the client is gone. */
static bool
serve_one(SSL *ssl, size_t ask, const uint8_t *reply, size_t n)
{
	uint8_t in[REPLY_MAX];
	size_t got = 0, k;

	while (got < ask) {
		if (SSL_read_ex(ssl, in, sizeof(in), &k) != 1)
			return false;
		got += k;
	}
	return SSL_write_ex(ssl, reply, n, &k) == 1;
}

static void
serve(SSL_CTX *ctx, int listener, size_t n, size_t ask, struct span reply)
{
	struct pollfd p[SITE_MANY];
	SSL *ssl[SITE_MANY];

	for (size_t i = 0; i < n; i++) {
		ssl[i] = accept_one(ctx, listener);
		p[i] = (struct pollfd){ .fd = SSL_get_fd(ssl[i]),
		    .events = POLLIN };
	}
	while (poll(p, (nfds_t)n, -1) > 0)
		for (size_t i = 0; i < n; i++)
			if (p[i].revents != 0 && !serve_one(ssl[i], ask,
			    reply.p, reply.n))
				_exit(0);
	_exit(1);
}

static SSL_CTX *
server_context(const struct site *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx,
	    s->station.tls_cert) != 1 || SSL_CTX_use_PrivateKey_file(ctx,
	    s->station.tls_key, SSL_FILETYPE_PEM) != 1) {
		(void)fprintf(stderr, "https: no TLS for the echo\n");
		exit(1);
	}
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

static pid_t
start(const struct site *s, size_t n, size_t ask, struct span reply,
    uint16_t *port)
{
	SSL_CTX *ctx = server_context(s);
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, len) != 0 ||
	    listen(fd, SITE_MANY) != 0 || getsockname(fd,
	    (struct sockaddr *)&a, &len) != 0 || (pid = fork()) < 0)
		exit(1);
	if (pid == 0)
		serve(ctx, fd, n, ask, reply);
	(void)close(fd);
	SSL_CTX_free(ctx);
	*port = ntohs(a.sin_port);
	return pid;
}

/* ---- the client ---- */

struct echo {
	struct span ask;
	size_t left;
};

static bool
again(struct tls_conn *c, void *arg)
{
	struct echo *e = arg;

	tls_expect(c, 200);
	if (e->left == 0)
		return false;
	e->left--;
	tls_ask(c, e->ask);
	return true;
}

static struct buf
make_reply(size_t n)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REPLY_MAX);
	struct buf b = { NULL, 0 };

	wr_fmt(&w, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
	while (n-- > 0)
		wr_u8(&w, 'x');
	NEED(wr_take(&w, &b));
	return b;
}

void
echo_bench(struct site *s, size_t n, struct span ask, size_t answer)
{
	JIT_DONE(buf_done) struct buf reply = make_reply(answer);
	struct echo e = { ask, EXCHANGES - n };
	uint16_t port = 0;
	pid_t pid = start(s, n, ask.n, BUF_SPAN(reply), &port);
	double from, cpu, own, wall;

	/* One after the other: the server greets in that order. */
	tls_connect(s->conn, n, port, 1);
	from = bench_now(CLOCK_MONOTONIC);
	own = bench_now(CLOCK_PROCESS_CPUTIME_ID);
	cpu = station_cpu_of(pid);
	for (size_t i = 0; i < n; i++)
		tls_ask(&s->conn[i], ask);
	tls_drive(s->conn, n, n, again, &e);
	wall = bench_now(CLOCK_MONOTONIC) - from;
	(void)printf("%-44s %10.0f /s; CPU each: server %.0f us, generator "
	    "%.0f us; %zu bytes, then %zu\n", "bare TLS exchanges, 32 "
	    "connections", EXCHANGES / wall, (station_cpu_of(pid) - cpu) *
	    1e6 / EXCHANGES, (bench_now(CLOCK_PROCESS_CPUTIME_ID) - own) *
	    1e6 / EXCHANGES, ask.n, reply.n);
	tls_close(s->conn, n);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}
