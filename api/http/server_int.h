/*
 * server_int - what the files of the server share.
 *
 * A conn is made when its descriptor is accepted and lives until
 * libmicrohttpd says that the connection is closed; an exchange from its
 * request line until it is completed.  Only deadlines of ours end a
 * connection: libmicrohttpd's own timeout counts idleness, which a byte a
 * second defeats.
 */
#ifndef JIT_API_HTTP_SERVER_INT_H
#define JIT_API_HTTP_SERVER_INT_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "api/http/query.h"
#include "api/http/server.h"

/* ---- TLS (server_tls.c) ---- */

#define CHAIN_MAX 8

/* A certificate's chain and its key, held by who shows it. */
struct pair {
	unsigned refs;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned n;
	gnutls_privkey_t key;
};
extern const char pair_priorities[];
/* JIT_E_ARG, JIT_E_NOMEM. */
enum jit_err pair_new(const char *cert_pem, const char *key_pem,
    struct pair **ret, struct jit_why *why);
struct pair *pair_hold(struct pair *p);
void pair_drop(struct pair *p);		/* NULL is fine */
/* gnutls_certificate_retrieve_function2. */
int pair_show(gnutls_session_t session, const gnutls_datum_t *req_ca,
    int n_req_ca, const gnutls_pk_algorithm_t *algos, int n_algos,
    gnutls_pcert_st **ret, unsigned *n, gnutls_privkey_t *key);

/* ---- connections (server_accept.c, server.c) ---- */

enum phase {
	PHASE_HEAD,		/* handshake, request line, headers */
	PHASE_BODY,
	PHASE_SERVE,		/* in the hands of serve() */
	PHASE_ANSWER,
	PHASE_IDLE		/* between two requests */
};

struct address {		/* what the limit of one address counts by */
	int family;
	uint8_t p[16];
};

struct conn {
	struct server *s;
	struct conn *next, **prev;
	struct MHD_Connection *mhd;
	int fd;			/* libmicrohttpd's */
	struct address address;
	char peer[48];
	enum phase phase;
	int64_t since, deadline;	/* of phase, of loop_ms(); 0: none */
	bool doomed;		/* shut down, about to be closed */
	bool first;		/* no request was completed yet */
	bool coming;		/* TLS, and no request line is here yet */
	struct watch *hold;	/* suspended: server_hold.c */
	struct pair *pair;	/* held; what its handshake shows */
	struct exchange *x;	/* owned */
	gnutls_session_t session;	/* libmicrohttpd's; NULL: no TLS */
};

struct server {
	struct server_config c;
	struct loop *loop;
	struct MHD_Daemon *mhd;
	struct watch *mhd_watch, *listen_watch;
	int listen_fd;		/* -1 once it is closed */
	bool paused;		/* not accepting */
	bool stopping;
	struct timer again;	/* libmicrohttpd has work left */
	struct timer sweep;	/* deadlines */
	struct timer retry;	/* accepting, when descriptors ran out */
	struct conn *conns;
	struct conn *adding;	/* owned; not yet known by libmicrohttpd */
	struct pair *pair;	/* NULL: no TLS */
	unsigned coming;	/* connections that are */
	uint64_t id;		/* of the last exchange */
	struct server_counts counts;
};

void server_accept_ready(void *arg, uint32_t events);
void server_accept_retry(void *arg);
/* A connection went: there is room again. */
void server_accept_more(struct server *s);
void conn_phase(struct conn *c, enum phase phase, unsigned seconds);
/* No more is read or written; libmicrohttpd closes it in its next run. */
void conn_doom(struct conn *c);
void conn_free(struct conn *c);
/* Run libmicrohttpd soon, without waiting for an event. */
void server_again(struct server *s);

/* ---- handshakes (server_hold.c) ---- */

/* libmicrohttpd wants to run again at once: not for a handshake. */
void conn_hold_all(struct server *s);
void conn_let_go(struct conn *c);	/* fine when it is not held */
/* Its first request line is here, or it is closed. */
void conn_came(struct conn *c);

/* ---- requests (server_request.c, server_head.c, server_answer.c) ---- */

enum exchange_state {
	EXCHANGE_HEAD,		/* its request line is here */
	EXCHANGE_BODY,
	EXCHANGE_SERVED,	/* given to serve() */
	EXCHANGE_PARKED,
	EXCHANGE_ANSWERED,
	EXCHANGE_GONE
};

struct exchange {
	struct server *s;
	struct conn *conn;
	enum exchange_state state;
	uint64_t id;
	enum method method;
	bool old;		/* HTTP/1.0 */
	bool close;		/* the connection ends with it */
	bool suspended;
	struct buf target;	/* raw */
	size_t path;		/* bytes of target before "?" */
	struct wr body;
	uint64_t body_seen;	/* bytes, also those that were not kept */
	unsigned status;
	struct MHD_Response *response;	/* owned until it is queued */
	struct watch *watch;	/* a hang-up while it is parked */
	void (*gone)(void *arg);
	void *gone_arg;
};

void exchange_free(struct exchange *x);
/* Answer with a problem document, and close. */
void exchange_refuse(struct exchange *x, enum jit_err e,
    const struct jit_why *why);
/* Its client is gone, or the server stops: tells who holds it. */
void exchange_lose(struct exchange *x);

/*
 * The request line and the headers, when all of them are here.  Sets method,
 * old and path; *length is the Content-Length, 0 without one.
 * JIT_E_FORMAT, JIT_E_METHOD, JIT_E_PROTOCOL, JIT_E_SIZE, JIT_E_UTF8.
 */
enum jit_err head_check(struct exchange *x, const char *method,
    const char *url, const char *version, uint64_t *length,
    struct jit_why *why);

/* libmicrohttpd's callbacks. */
void *request_line(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result request_ready(void *cls, struct MHD_Connection *mhd,
    const char *url, const char *method, const char *version,
    const char *data, size_t *n, void **ctx);
void request_done(void *cls, struct MHD_Connection *mhd, void **ctx,
    enum MHD_RequestTerminationCode how);

#endif
