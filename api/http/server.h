/*
 * server - HTTPS by libmicrohttpd inside our own loop.
 *
 * MHD runs in external epoll mode; its epoll descriptor is nested in ours.
 * A request is handed on when all of it is here: method, raw target, headers,
 * body of at most max_body bytes.  Whoever gets it answers at once or later
 * (the connection is suspended meanwhile); each exchange is answered once.
 *
 * Refused before anybody else sees it, with a problem document (answer.h)
 * and the connection closed, since libmicrohttpd 0.9.75 takes them:
 *	a second Content-Length, Host, Transfer-Encoding, Authorization,
 *	Content-Type or Cookie; Content-Length beside Transfer-Encoding; a
 *	Transfer-Encoding other than exactly "chunked"; a Content-Length that
 *	is no plain decimal; a header name that is no RFC 9110 token (a space
 *	before the colon, a folded line); methods other than GET, HEAD, POST,
 *	DELETE; a target that is not of query.h's form (encoded NUL, slash or
 *	dot segments, a fragment, absolute form); bodies over max_body (413,
 *	before it is read where Content-Length says so); HTTP/1.0 and older
 *	get Connection: close.
 *
 * It sees all of that although libmicrohttpd hides some of it: server_head.c.
 * What libmicrohttpd refuses by itself (a head of more than some 4 KiB, no
 * Host, a Content-Length that is no number, a bad chunk) gets a page of its
 * own with 4xx, or no answer, is closed, and never reaches served().
 *
 * Every answer of ours carries Cache-Control: no-store (unless it is given
 * with another one), X-Content-Type-
 * Options: nosniff, Content-Security-Policy: default-src 'none';
 * frame-ancestors 'none', Strict-Transport-Security, and X-Request-Id (our
 * own number, never the client's).  Nothing of a request is echoed in a
 * header.
 *
 * Limits: connections in all and of one address (of IPv6: of one /64), a time
 * for the handshake and the head, for the body, for reading the answer, all
 * absolute: a byte a second does not prolong them; parked exchanges.  At the
 * limit of all, or without descriptors, who comes waits in the kernel's queue,
 * and a connection that never sent a whole request head, else the one idle
 * longest, gives up its place; the rest goes on.
 *
 * Logs nothing, with one exception: when libmicrohttpd finds itself broken it
 * says so on stderr and the program aborts.
 */
#ifndef JIT_API_HTTP_SERVER_H
#define JIT_API_HTTP_SERVER_H

#include <sys/socket.h>

#include "api/loop/loop.h"

struct server;
struct exchange;

enum method {
	METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_DELETE,
	METHOD_NONE		/* refused before it was known; never served */
};
const char *method_name(enum method m);	/* METHOD_NONE: "-" */

struct server_limits {
	unsigned connections;		/* 1024 */
	unsigned per_address;		/* 256; 0: no limit */
	unsigned parked;		/* exchanges that wait, 512 */
	unsigned idle_s;		/* between requests, 30 */
	unsigned head_s;		/* handshake and head, 10 */
	unsigned body_s;		/* body, and reading the answer, 10;
					   what the kernel still holds of it
					   then, twice that */
	size_t max_body;		/* 65536 */
};
extern const struct server_limits server_limits_default;

struct server_config {
	struct loop *loop;		/* borrowed */
	int listen_fd;		/* bound, listening, non-blocking; taken */
	/* Texts, copied; both NULL: no TLS (tests). */
	const char *cert_pem, *key_pem;
	struct server_limits limits;
	/*
	 * A request is here.  x is valid until it is answered or gone is
	 * called.  Must answer now, or exchange_park() and answer later.
	 */
	void (*serve)(void *arg, struct exchange *x);
	/*
	 * One answer was sent, refusals of ours included (or its client was
	 * gone: status 0).  NULL is fine.
	 */
	void (*served)(void *arg, const struct exchange *x, unsigned status);
	void *arg;
};

/*
 * listen_fd is taken whatever is returned.  JIT_E_ARG: certificate and key
 * are none, or not a pair; JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err server_new(const struct server_config *c, struct server **ret,
    struct jit_why *why);
/* New TLS texts for connections to come; a bad pair keeps the old one. */
enum jit_err server_set_tls(struct server *s, const char *cert_pem,
    const char *key_pem, struct jit_why *why);
/*
 * Accept nothing more, answer what is parked with 503, let answers out for at
 * most ms, then stop and free.  Runs the loop meanwhile: not to be called
 * from a callback of it.  NULL is fine.
 */
void server_stop(struct server *s, int ms);

struct server_counts { unsigned connections, parked; uint64_t served; };
struct server_counts server_counts(const struct server *s);

/* ---- one request ---- */

enum method exchange_method(const struct exchange *x);
/* Raw, as it was sent: "/v1/requests/01J…"; and behind "?", or empty. */
struct span exchange_path(const struct exchange *x);
struct span exchange_query(const struct exchange *x);
/* The only value of that header; NULL when there is none, or several. */
const char *exchange_header(const struct exchange *x, const char *name);
struct span exchange_body(const struct exchange *x);
uint64_t exchange_id(const struct exchange *x);	/* X-Request-Id */
/* "192.0.2.7" of the peer; never X-Forwarded-For. */
const char *exchange_peer(const struct exchange *x);

/*
 * The answer comes later; only within serve().  gone(arg) is called, once,
 * when the client hangs up (one that shuts down its sending side has) or the
 * server stops before it is answered; x is then no more.  How long it may
 * wait is for the caller: there is no limit here.
 * JIT_E_BUSY: too many are parked already; JIT_E_IO: it cannot be watched;
 * answer that.
 */
enum jit_err exchange_park(struct exchange *x, void (*gone)(void *arg),
    void *arg);

struct exchange_header { const char *name, *value; };
/*
 * Answer.  Takes body (which may be empty).  type: its media type, NULL when
 * there is no body.  more: further headers, borrowed for the call; a
 * Cache-Control among them stands in the place of ours.  x is not to be used
 * afterwards.
 */
void exchange_answer(struct exchange *x, unsigned status, const char *type,
    struct buf *body, const struct exchange_header *more, size_t n_more);

/*
 * Bytes that many answers share, however long each takes to be read; for what
 * is large and seldom changes.  Public: they are not wiped.  In the thread of
 * the loop only.
 */
struct shared;
/* Takes body, also on an error, and holds it once.  JIT_E_NOMEM. */
enum jit_err shared_new(struct buf *body, struct shared **ret);
struct shared *shared_hold(struct shared *s);
void shared_drop(struct shared *s);		/* NULL is fine */
struct span shared_bytes(const struct shared *s);
/* As exchange_answer(); holds body for as long as it needs it. */
void exchange_answer_shared(struct exchange *x, unsigned status,
    const char *type, struct shared *body,
    const struct exchange_header *more, size_t n_more);

#endif
