/*
 * net - a jit-certd: the signer's questions as calls of its API, and the
 * log-in.
 *
 * A wire (signer/wire.h): client.c verifies what comes back, as over the
 * socket.  The token is sent to that server alone, opens reading only, and
 * is got by net_login() or from a file by the caller.
 */
#ifndef JIT_CLI_NET_NET_H
#define JIT_CLI_NET_NET_H

#include "ca/grant/login.h"
#include "cli/net/http.h"
#include "signer/wire.h"

#define NET_TIMEOUT_MS 4000	/* for a call; a wait: 1 s more */
#define NET_TOKEN_MAX 128

struct net;

struct net_config {
	struct http_config http;
	/*
	 * Called when a question needs a log-in; it ends with net_login(), or
	 * net_set_token(), or with an error, which is the question's then.
	 * NULL: such a question is JIT_E_LOGIN.
	 */
	enum jit_err (*login)(void *arg, struct net *n, struct jit_why *why);
	void *arg;
};

/* Asks nobody yet.  JIT_E_NOMEM, JIT_E_CRYPTO. */
enum jit_err net_open(const struct net_config *c, struct net **ret,
    struct jit_why *why);
void net_free(struct net *n);
JIT_SCOPED_PTR(struct net, net_free);
/* *ret owns n from now on. */
void net_wire(struct net *n, struct wire *ret);

/* Copies; empty: forget it. */
enum jit_err net_set_token(struct net *n, struct span token);
/*
 * Ask for the newest keys and checkpoint only: does it answer, with which TLS
 * key?  Nothing of it is verified.
 */
enum jit_err net_probe(struct net *n, struct digest *tls,
    struct jit_why *why);

/*
 * A text to log in with, for the log that said hello here last, with the TLS
 * key that is really spoken with; appended to w, ready to be signed.
 *	JIT_E_LOGNAME  the server names another log
 *	JIT_E_VERIFY   its own TLS key is another than the one spoken with
 *	JIT_E_CLOCK    its clock is far from ours
 *	errors of http_ask(), and what the server says
 */
enum jit_err net_login_text(struct net *n, struct span person, utc_s now,
    struct wr *w, struct jit_why *why);
/*
 * Log in with it; only the TLS key that it names is spoken with.  The token
 * is used from now on, and returned for the caller to keep.
 *	JIT_E_LOGIN and others, as the server says
 */
enum jit_err net_login(struct net *n, struct span text, struct span sig,
    struct secret *token, utc_s *expires, struct jit_why *why);
/* JIT_OK also when the token was none any more. */
enum jit_err net_logout(struct net *n, struct jit_why *why);

#endif
