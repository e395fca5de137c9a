/*
 * http - one HTTPS connection to a jit-certd, by libcurl.
 *
 * TLS 1.2 or newer; no redirects, no cookies, no .netrc, no compression, no
 * proxy whatever the environment says.  At most HTTP_BODY_MAX bytes of
 * answer and HTTP_HEAD_MAX of its head are read.  The connection is kept
 * between calls and made anew when it is gone.
 *
 * Who is trusted: the certificates that the system trusts, or one TLS key
 * whoever certified it, or (to find out which key, with nothing secret)
 * anybody.
 */
#ifndef JIT_CLI_NET_HTTP_H
#define JIT_CLI_NET_HTTP_H

#include "ca/base/digest.h"
#include "ca/base/secret.h"
#include "cli/net/url.h"

#define HTTP_BODY_MAX (4u << 20)
#define HTTP_HEAD_MAX (64u << 10)
#define HTTP_CONNECT_MS 3800	/* name, TCP and TLS */

enum http_trust { HTTP_SYSTEM, HTTP_PINNED, HTTP_ANYBODY };

struct http_config {
	const struct url *url;
	enum http_trust trust;
	struct digest pin;	/* HTTP_PINNED: of the key's SPKI */
	int timeout_ms;		/* for a call */
};

struct http;

/* Connects to nobody yet.  JIT_E_NOMEM, JIT_E_CRYPTO. */
enum jit_err http_open(const struct http_config *c, struct http **ret,
    struct jit_why *why);
void http_free(struct http *h);
JIT_SCOPED_PTR(struct http, http_free);
/* End the connection; a further call is JIT_E_UNREACHABLE. */
void http_hang_up(struct http *h);
/* "jit-certd at https://jit.example.com:8443" */
const char *http_name(const struct http *h);

struct http_call {
	const char *path;	/* and query; "/v1/ca" */
	bool post;
	struct span body;	/* JSON; of a POST only */
	const struct secret *token;	/* NULL or empty: none is sent */
	uint32_t wait_ms;	/* that the answer may take besides */
};

struct http_answer {
	int status;
	bool problem;		/* application/problem+json */
	struct buf body;	/* owned; JSON of no checked form */
};
void http_answer_done(struct http_answer *a);
JIT_SCOPED_OBJ(struct http_answer, http_answer_done);

/*
 * Ask and hear the whole answer.
 *	JIT_E_UNREACHABLE  nobody answers, or not in time; a gateway says so
 *	JIT_E_VERIFY       its TLS certificate is not trusted, or its key is
 *	                   not the pinned one
 *	JIT_E_PROTOCOL     a redirect, too much, or neither of the two types
 *	                   of JSON
 */
enum jit_err http_ask(struct http *h, const struct http_call *c,
    struct http_answer *ret, struct jit_why *why);

/*
 * SHA-256 of the SPKI of the TLS key that was spoken with last.  False: with
 * none yet.
 */
bool http_spoken(const struct http *h, struct digest *ret);
/*
 * From now on only with that key, as well as whatever is trusted: for a
 * log-in, whose text names it.  NULL: as at first.
 */
enum jit_err http_hold(struct http *h, const struct digest *spki);

#endif
