/*
 * tls_client - the connections of a load generator: HTTP/1.1 over TLS, kept
 * alive, non-blocking, all of them in one thread.
 *
 * What is asked are bytes that were made beforehand; of an answer the status,
 * the body (by its Content-Length) and the time that it took are kept.  Whose
 * certificate it is does not matter here: what is measured is the server's
 * work.  Sessions are never resumed, so that each handshake is a whole one.
 * Whatever goes wrong ends the program with a line that says what.
 */
#ifndef JIT_BENCH_TLS_CLIENT_H
#define JIT_BENCH_TLS_CLIENT_H

#include <openssl/ssl.h>

#include "ca/base/bytes.h"

#define TLS_ANSWER_MAX (1u << 20)

struct tls_conn {
	int fd;
	SSL *ssl;		/* NULL: not connected */
	bool greeted;		/* the handshake is done */
	struct span out;	/* what has not left yet; borrowed */
	double asked;		/* when, by CLOCK_MONOTONIC; seconds */
	double answered;
	/* Of the answer; body borrows from in until the next question. */
	unsigned status;
	struct span body;
	struct wr in;
	void *own;		/* the caller's */
};

/*
 * Open n connections to a port of the loopback, at most at_once handshakes
 * under way.  They come from several addresses of it (127.0.0.2 and so on),
 * since a server may bound the connections of one.
 */
void tls_connect(struct tls_conn *v, size_t n, uint16_t port,
    size_t at_once);
/* Say goodbye and free.  Fine for one that is not connected. */
void tls_close(struct tls_conn *v, size_t n);

/* Send bytes, borrowed until the answer is here. */
void tls_ask(struct tls_conn *c, struct span request);
/*
 * Go on with the n connections of v, going of which have asked something,
 * until none has: next is called for each answer, and tells whether it has
 * asked again.
 */
typedef bool tls_next(struct tls_conn *c, void *arg);
void tls_drive(struct tls_conn *v, size_t n, size_t going, tls_next *next,
    void *arg);
/*
 * Ask, and wait for the answer; ends the program unless it is of status (0:
 * whatever it is).
 */
void tls_call(struct tls_conn *c, struct span request, unsigned status);
/* The same of an answer that is here. */
void tls_expect(const struct tls_conn *c, unsigned status);

#endif
