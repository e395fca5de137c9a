/*
 * leaf - the X.509 certificate of a request, with its key and its chain: for
 * whoever hands them to a program.
 *
 * What was collected stands for us alone in
 *
 *	STATE/jit-cert/<16 hex digits>/x509/<request id>/	0700
 *		key.pem   PKCS#8                              0600
 *		cert.pem  the leaf, then the CAs above it but not the root
 *		ca.pem    the CA that issued it, and those above, root last
 *
 * and goes when the request is over (fetch_forget, fetch_sweep).  The key is
 * in the locker until it is collected, and there no more afterwards.  Asked
 * again it is the same certificate.
 */
#ifndef JIT_CLI_LEAF_H
#define JIT_CLI_LEAF_H

#include "ca/grant/issued.h"
#include "cli/ask.h"

struct leaf {
	struct ulid id;			/* of its request */
	struct x509_cert *cert;		/* owned */
	struct secret key;		/* key.pem */
	struct buf chain, ca;		/* cert.pem, ca.pem; owned */
	char serial[ISSUED_SERIAL_TEXT];
	utc_s after, until;		/* [after, until) */
	bool fresh;			/* collected now, not before */
};
void leaf_done(struct leaf *l);		/* wipes */
JIT_SCOPED_OBJ(struct leaf, leaf_done);

/*
 * For exec and its like: the live certificate of w->role for this person.  An
 * open request of theirs is waited for and collected; only when there is none
 * is one asked for, as w says.  d is past desk_who().
 *
 *	ms  how long to wait for a decision; AWAIT_FOREVER; 0 looks once
 *
 * CLI_DONE: *ret is to be done with leaf_done().  Otherwise what happened is
 * told on standard error, and its exit status returned: also for a role of
 * another kind, and for a window that opens later.  Call out_say_on_stderr()
 * before where standard output is a child's.
 */
int leaf_get(struct desk *d, const struct want *w, int64_t ms,
    struct leaf *ret);

/*
 * Of r, the dossier of an own x509 request that is approved or active.
 *	JIT_E_UNKNOWN  its key is not on this machine
 *	JIT_E_EXPIRED  its time is over
 *	JIT_E_VERIFY   what is kept is not its certificate, or its CA is
 *	               published no more
 *	the errors of locker.h and session_collect(), those of files
 */
enum jit_err leaf_fetch(struct desk *d, const struct dossier *r,
    struct leaf *ret, struct jit_why *why);
/* Is there anything on this machine to use it with? */
bool leaf_can(struct desk *d, const struct dossier *r);

/* The folder of it, as above; it need not be there. */
enum jit_err leaf_dir(struct desk *d, const struct ulid *id,
    struct locker_path *ret, struct jit_why *why);
/*
 * Write key.pem, cert.pem and ca.pem, each 0600 and whole, into dir, which is
 * made (0700) if it is not there.
 */
enum jit_err leaf_write(const struct leaf *l, const char *dir,
    struct jit_why *why);
/* All in one PKCS#12, under a password that is not empty.  Owned. */
enum jit_err leaf_pkcs12(const struct leaf *l, const struct secret *password,
    struct buf *ret, struct jit_why *why);

/* The ids of what is kept; *ret is owned (free), NULL when there are none. */
enum jit_err leaf_list(struct desk *d, struct ulid **ret, size_t *n,
    struct jit_why *why);
/* Wipe and remove what is kept of it; fine when there is nothing. */
enum jit_err leaf_forget(struct desk *d, const struct ulid *id,
    struct jit_why *why);
/* The same of every one whose certificate's time is over. */
void leaf_sweep(struct desk *d, utc_s now);

#endif
