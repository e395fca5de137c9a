/*
 * login - the text by which a person logs in at jit-certd.
 *
 *	jit-cert login v1
 *	log: jit.example.com+3f1c9a07
 *	server: jit.example.com:8443        host and port that were connected to
 *	tls: sha256:9f…                     SHA-256 of its key's SPKI (DER)
 *	nonce: q83v…                        base64url, from the server
 *	person: alice
 *	at: 2026-11-23T21:03:00Z
 *	expires: 2026-11-23T21:04:00Z       at most LOGIN_LIFE after at
 *
 * signed by one of the person's enrolled keys (namespace login.v1@jit-cert).
 * It names the TLS key that the client really spoke with, so that nobody
 * between can use it elsewhere.  It opens reading, nothing else.  Pure.
 */
#ifndef JIT_GRANT_LOGIN_H
#define JIT_GRANT_LOGIN_H

#include "ca/base/digest.h"
#include "ca/grant/lines.h"

#define LOGIN_MAX 2048
#define LOGIN_LIFE 60			/* seconds */
#define LOGIN_SERVER_MAX 261		/* a name of 255, ":", a port */
#define LOGIN_NONCE_MAX 128
#define NS_LOGIN "login.v1@jit-cert"

struct login {
	struct span log, server;
	struct digest tls;
	struct span nonce, person;
	utc_s at, expires;
};

/*
 * All spans borrow from text.  JIT_E_SIZE: over LOGIN_MAX; JIT_E_FORMAT: a
 * line that is not as drawn (server in another form than name, ":", port, in
 * lower case, or "[address]" for the name; a nonce over LOGIN_NONCE_MAX or
 * outside of base64url; not 1 to LOGIN_LIFE seconds); JIT_E_UTF8: outside of
 * ASCII; JIT_E_CANON; JIT_E_NOMEM.  *ret is set on success only.
 */
enum jit_err login_parse(struct span text, struct login *ret,
    struct jit_why *why);
/* What is not acceptable is written all the same: login_parse() judges. */
void login_put(struct wr *w, const struct login *l);

#endif
