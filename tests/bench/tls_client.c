#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <openssl/err.h>

#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "tests/bench/bench.h"
#include "tests/bench/tls_client.h"

#define SOURCES 8		/* addresses that connections come from */
#define EVENTS 128

static void
give_up(const char *what)
{
	(void)fprintf(stderr, "tls_client: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* ---- connections ---- */

static SSL_CTX *
context(void)
{
	static SSL_CTX *ctx;

	if (ctx != NULL)
		return ctx;
	if ((ctx = SSL_CTX_new(TLS_client_method())) == NULL)
		give_up("no TLS");
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

static int
tcp_connect(uint16_t port, unsigned source)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source) };
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&from,
	    sizeof(from)) != 0 || connect(fd, (const struct sockaddr *)&to,
	    sizeof(to)) != 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof(on)) != 0 || sys_set_nonblock(fd, true, NULL) != JIT_OK)
		give_up(strerror(errno));
	return fd;
}

static void
begin(struct tls_conn *c, uint16_t port, unsigned source)
{
	*c = (struct tls_conn){ .own = c->own };
	wr_init(&c->in, TLS_ANSWER_MAX);
	c->fd = tcp_connect(port, source);
	if ((c->ssl = SSL_new(context())) == NULL ||
	    SSL_set_fd(c->ssl, c->fd) != 1)
		give_up("no TLS connection");
	SSL_set_connect_state(c->ssl);
}

/* True: there is nothing to do before the other side says more. */
static bool
must_wait(const struct tls_conn *c, int r)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };

	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return true;
	case SSL_ERROR_WANT_WRITE:
		/* Rare: what is sent fits into a socket's buffer. */
		(void)poll(&p, 1, -1);
		return false;
	case SSL_ERROR_ZERO_RETURN:
		give_up("the server closed the connection");
		break;
	default:
		give_up("the connection broke");
	}
	return true;
}

/* 1 once the handshake is done. */
static size_t
greet(struct tls_conn *c)
{
	int r;

	while (!c->greeted) {
		if ((r = SSL_do_handshake(c->ssl)) == 1)
			c->greeted = true;
		else if (must_wait(c, r))
			return 0;
	}
	return 1;
}

static void
watch(int ep, struct tls_conn *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) != 0)
		give_up("epoll");
}

static int
new_epoll(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0)
		give_up("epoll");
	return ep;
}

static int
wait_for(int ep, struct epoll_event *e)
{
	int n = epoll_wait(ep, e, EVENTS, 30000);

	if (n == 0)
		give_up("no answer in 30 s");
	if (n < 0 && errno != EINTR)
		give_up("epoll");
	return n;
}

void
tls_connect(struct tls_conn *v, size_t n, uint16_t port, size_t at_once)
{
	struct epoll_event e[EVENTS];
	size_t begun = 0, done = 0;
	int ep = new_epoll();

	while (done < n) {
		for (; begun < n && begun - done < at_once; begun++) {
			begin(&v[begun], port, (unsigned)begun % SOURCES);
			/* A server may be that quick. */
			if (greet(&v[begun]) == 1)
				done++;
			else
				watch(ep, &v[begun]);
		}
		for (int i = 0, got = done < n ? wait_for(ep, e) : 0;
		    i < got; i++) {
			struct tls_conn *c = e[i].data.ptr;

			if (greet(c) == 0)
				continue;
			(void)epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
			done++;
		}
	}
	(void)close(ep);
}

void
tls_close(struct tls_conn *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].ssl == NULL)
			continue;
		(void)SSL_shutdown(v[i].ssl);
		SSL_free(v[i].ssl);
		(void)close(v[i].fd);
		wr_done(&v[i].in);
		v[i] = (struct tls_conn){ .own = v[i].own };
	}
}

/* ---- questions ---- */

static void
send_out(struct tls_conn *c)
{
	size_t n;

	while (c->out.n > 0) {
		int r = SSL_write_ex(c->ssl, c->out.p, c->out.n, &n);

		if (r == 1)
			c->out = SPAN(c->out.p + n, c->out.n - n);
		else if (must_wait(c, r))
			return;
	}
}

void
tls_ask(struct tls_conn *c, struct span request)
{
	c->in.n = 0;
	c->status = 0;
	c->body = SPAN_NONE;
	c->out = request;
	c->asked = bench_now(CLOCK_MONOTONIC);
	send_out(c);
}

/* The value of Content-Length; false: the head is not whole. */
static bool
read_head(struct span s, size_t *head, size_t *length)
{
	static const char name[] = "\r\nContent-Length: ";
	const uint8_t *end = memmem(s.p, s.n, "\r\n\r\n", 4), *at, *cr;
	uint64_t n = 0;

	if (end == NULL)
		return false;
	*head = (size_t)(end - s.p) + 4;
	at = memmem(s.p, *head, name, sizeof(name) - 1);
	if (at == NULL)
		give_up("an answer without Content-Length");
	at += sizeof(name) - 1;
	cr = memchr(at, '\r', *head - (size_t)(at - s.p));
	if (cr == NULL || uint_parse(SPAN(at, (size_t)(cr - at)),
	    TLS_ANSWER_MAX, &n) != JIT_OK)
		give_up("a Content-Length that is none");
	*length = (size_t)n;
	return true;
}

/* "HTTP/1.1 201 Created": 201. */
static unsigned
read_status(struct span s)
{
	uint64_t n = 0;

	if (s.n < 12 || !span_eq_str(SPAN(s.p, 9), "HTTP/1.1 ") ||
	    uint_parse(SPAN(s.p + 9, 3), 599, &n) != JIT_OK)
		give_up("an answer that is not HTTP");
	return (unsigned)n;
}

static bool
is_whole(struct tls_conn *c)
{
	const struct span s = wr_view(&c->in);
	size_t head, length;

	if (!read_head(s, &head, &length) || s.n < head + length)
		return false;
	if (s.n > head + length)
		give_up("more than an answer");
	c->status = read_status(s);
	c->body = SPAN(s.p + head, length);
	return true;
}

/* True: the answer is here. */
static bool
take(struct tls_conn *c)
{
	uint8_t some[16384];
	size_t n;
	int r;

	send_out(c);
	for (;;) {
		r = SSL_read_ex(c->ssl, some, sizeof(some), &n);
		if (r != 1) {
			if (must_wait(c, r))
				return false;
			continue;
		}
		wr_raw(&c->in, some, n);
		NEED(c->in.err);
		if (is_whole(c))
			break;
	}
	c->answered = bench_now(CLOCK_MONOTONIC);
	return true;
}

void
tls_drive(struct tls_conn *v, size_t n, size_t going, tls_next *next,
    void *arg)
{
	struct epoll_event e[EVENTS];
	int ep = new_epoll();

	for (size_t i = 0; i < n; i++)
		watch(ep, &v[i]);
	while (going > 0)
		for (int i = 0, got = wait_for(ep, e); i < got; i++) {
			struct tls_conn *c = e[i].data.ptr;

			if (take(c) && !next(c, arg))
				going--;
		}
	(void)close(ep);
}

static bool
enough(struct tls_conn *c, void *arg)
{
	(void)c, (void)arg;
	return false;
}

void
tls_expect(const struct tls_conn *c, unsigned status)
{
	if (c->status == status)
		return;
	(void)fprintf(stderr, "tls_client: answered %u instead of %u: %.*s\n",
	    c->status, status, (int)c->body.n, (const char *)c->body.p);
	exit(1);
}

void
tls_call(struct tls_conn *c, struct span request, unsigned status)
{
	tls_ask(c, request);
	tls_drive(c, 1, 1, enough, NULL);
	if (status != 0)
		tls_expect(c, status);
}
