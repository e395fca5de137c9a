/*
 * server - the jit-certd's that this machine was set up for, and the tokens.
 *
 * In the folder of its URL (folder.h), beside what session.h keeps, each a
 * text of lines.h's form:
 *
 *	server  url, name ("-": none), tls ("system" or "sha256:..."), log
 *	        (the verifier key that it was set up with)
 *	who     person, key ("SHA256:...", "-": not known): who logged in
 *	token   token, expires
 *
 * and in STATE/jit-cert/default the URL of the one that is used when nothing
 * is said.
 */
#ifndef JIT_CLI_SERVER_H
#define JIT_CLI_SERVER_H

#include "ca/base/secret.h"
#include "ca/base/text.h"
#include "ca/ssh/key.h"
#include "ca/tlog/checkpoint.h"
#include "cli/net/http.h"

#define SERVER_NAME 33

struct server {
	char *dir;			/* owned */
	struct url url;
	char name[SERVER_NAME];		/* "": none */
	bool tls_pinned;		/* tls is set; else the system's CAs */
	struct digest tls;
	bool set_up;			/* there is a profile */
	char log[TLOG_VKEY_MAX + 1];	/* "": any */
	char person[SERVER_NAME];	/* "": not known */
	char key[SSH_FP_TEXT];		/* "": not known */
};
void server_done(struct server *s);
JIT_SCOPED_OBJ(struct server, server_done);

/*
 * The one of that URL or name; named NULL: the default.  A URL need not have
 * been set up.
 *	JIT_E_ARG     neither a URL nor a name that is known; no default
 *	JIT_E_FORMAT  a file that is damaged; other errors of the files
 */
enum jit_err server_find(const char *state, const char *named,
    struct server *ret, struct jit_why *why);
/* Is one set up that is used when nothing is said? */
bool server_has_default(const char *state);
/* Keep the profile, and make it the default. */
enum jit_err server_save(const char *state, const struct server *s,
    struct jit_why *why);
/* Keep who logged in. */
enum jit_err server_save_who(const struct server *s, struct jit_why *why);

/* Empty when there is none, or it is over at now. */
enum jit_err server_token(const struct server *s, utc_s now,
    struct secret *ret, utc_s *expires, struct jit_why *why);
enum jit_err server_save_token(const struct server *s,
    const struct secret *token, utc_s expires, struct jit_why *why);
enum jit_err server_drop_token(const struct server *s, struct jit_why *why);

#endif
