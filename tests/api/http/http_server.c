/*
 * http_server - a server for the tests that pokes at it from outside.
 *
 *	http_server [NAME=VALUE...]
 *
 * NAME: cert, key (files), or a limit of struct server_limits.  Prints
 * "port N", then a line per answer; at SIGTERM it stops, at SIGHUP it reads
 * cert and key anew.
 *
 *	/v1/echo   what came
 *	/v1/big    1 MiB
 *	/v1/wait   parked until somebody asks for /v1/wake
 *	/v1/counts server_counts(), and how many were told that they are gone
 */
#define _GNU_SOURCE		/* sigaction */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http/server.h"

struct waiter {
	struct exchange *x;
	struct waiter *next, **prev;
};

static struct server *server;
static struct waiter *waiters;
static unsigned long long gone;
static volatile sig_atomic_t stop, reload;

static void
on_signal(int sig)
{
	if (sig == SIGHUP)
		reload = 1;
	else
		stop = 1;
}

static void
handle(int sig, void (*fn)(int sig))
{
	struct sigaction sa = { .sa_handler = fn };

	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(sig, &sa, NULL);
}

static void
answer_text(struct exchange *x, struct wr *w)
{
	JIT_DONE(buf_done) struct buf body = { 0 };

	if (wr_take(w, &body) != JIT_OK)
		abort();
	exchange_answer(x, 200, "text/plain", &body, NULL, 0);
}

static void
unlink_waiter(struct waiter *w)
{
	if ((*w->prev = w->next) != NULL)
		w->next->prev = w->prev;
	free(w);
}

static void
on_gone(void *arg)
{
	gone++;
	unlink_waiter(arg);
}

static void
park(struct exchange *x)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	if (exchange_park(x, on_gone, w) != JIT_OK) {
		free(w);
		exchange_answer(x, 503, NULL, NULL, NULL, 0);
		return;
	}
	w->x = x;
	if ((w->next = waiters) != NULL)
		w->next->prev = &w->next;
	w->prev = &waiters;
	waiters = w;
}

static void
wake(struct wr *out)
{
	unsigned n = 0;

	while (waiters != NULL) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(64);
		struct exchange *x = waiters->x;

		unlink_waiter(waiters);
		wr_str(&w, "awake");
		answer_text(x, &w);
		n++;
	}
	wr_fmt(out, "woke %u", n);
}

static void
echo(struct exchange *x, struct wr *w)
{
	const char *ua = exchange_header(x, "x-test");

	wr_fmt(w, "%s|%.*s|%.*s|%s|%s|", method_name(exchange_method(x)),
	    (int)exchange_path(x).n, (const char *)exchange_path(x).p,
	    (int)exchange_query(x).n, (const char *)exchange_query(x).p,
	    exchange_peer(x), ua == NULL ? "-" : ua);
	wr_span(w, exchange_body(x));
}

static void
serve(void *arg, struct exchange *x)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4u << 20);
	struct server_counts n = server_counts(server);
	static char block[1024];

	(void)arg;
	if (span_eq_str(exchange_path(x), "/v1/wait")) {
		park(x);
		return;
	}
	if (span_eq_str(exchange_path(x), "/v1/big")) {
		memset(block, 'b', sizeof(block));
		for (int i = 0; i < 1024; i++)
			wr_raw(&w, block, sizeof(block));
	} else if (span_eq_str(exchange_path(x), "/v1/wake")) {
		wake(&w);
	} else if (span_eq_str(exchange_path(x), "/v1/counts")) {
		wr_fmt(&w, "%u %u %llu %llu", n.connections, n.parked,
		    (unsigned long long)n.served, gone);
	} else {
		echo(x, &w);
	}
	answer_text(x, &w);
}

static void
served(void *arg, const struct exchange *x, unsigned status)
{
	(void)arg;
	printf("%u %s %.*s\n", status, method_name(exchange_method(x)),
	    (int)exchange_path(x).n, (const char *)exchange_path(x).p);
}

/* Both texts, or NULL. */
static char *
text_of(const char *path)
{
	FILE *f = path == NULL ? NULL : fopen(path, "r");
	char *s = f == NULL ? NULL : calloc(1, 65536);

	if (s != NULL && fread(s, 1, 65535, f) == 0)
		s[0] = '\0';
	if (f != NULL)
		(void)fclose(f);
	return s;
}

static int
listen_here(unsigned *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (void *)&sa, len) != 0 ||
	    listen(fd, 1024) != 0 ||
	    getsockname(fd, (void *)&sa, &len) != 0 ||
	    sys_set_nonblock(fd, true, NULL) != JIT_OK) {
		perror("listen");
		exit(1);
	}
	*port = ntohs(sa.sin_port);
	return fd;
}

static const char *cert, *key;

static void
option(struct server_limits *l, const char *name, const char *value)
{
	unsigned v = (unsigned)strtoul(value, NULL, 10);
	struct rlimit files = { v, v };

	if (strcmp(name, "cert") == 0)
		cert = value;
	else if (strcmp(name, "key") == 0)
		key = value;
	else if (strcmp(name, "connections") == 0)
		l->connections = v;
	else if (strcmp(name, "per_address") == 0)
		l->per_address = v;
	else if (strcmp(name, "parked") == 0)
		l->parked = v;
	else if (strcmp(name, "idle_s") == 0)
		l->idle_s = v;
	else if (strcmp(name, "head_s") == 0)
		l->head_s = v;
	else if (strcmp(name, "body_s") == 0)
		l->body_s = v;
	else if (strcmp(name, "files") == 0)
		(void)setrlimit(RLIMIT_NOFILE, &files);
	else
		exit(2);
}

static void
read_tls(void)
{
	JIT_SCOPED(free) char *c = text_of(cert);
	JIT_SCOPED(free) char *k = text_of(key);
	struct jit_why why = { 0 };
	enum jit_err e = server_set_tls(server, c, k, &why);

	printf("tls %s\n", jit_why_text(&why, e));
}

int
main(int argc, char **argv)
{
	struct jit_why why = { 0 };
	unsigned port = 0;
	JIT_SCOPED(loop_free) struct loop *loop = NULL;
	struct server_config c = { .limits = server_limits_default,
	    .serve = serve, .served = served };

	for (int i = 1; i < argc; i++) {
		char *eq = strchr(argv[i], '=');

		if (eq == NULL)
			return 2;
		*eq = '\0';
		option(&c.limits, argv[i], eq + 1);
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	handle(SIGTERM, on_signal);
	handle(SIGHUP, on_signal);
	handle(SIGPIPE, SIG_IGN);
	JIT_SCOPED(free) char *cert_pem = text_of(cert);
	JIT_SCOPED(free) char *key_pem = text_of(key);
	c.cert_pem = cert_pem;
	c.key_pem = key_pem;
	c.listen_fd = listen_here(&port);
	if (loop_new(&loop, &why) != JIT_OK)
		return 1;
	c.loop = loop;
	if (server_new(&c, &server, &why) != JIT_OK) {
		printf("error %s\n", why.msg);
		return 1;
	}
	printf("port %u\n", port);
	while (!stop) {
		(void)loop_once(loop, 200, NULL);
		if (reload) {
			reload = 0;
			read_tls();
		}
	}
	server_stop(server, 2000);
	printf("stopped gone %llu\n", gone);
	return 0;
}
