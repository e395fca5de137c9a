/*
 * locker - where a request waits between being asked for and being used.
 *
 *	BASE/jit-cert/ULID/       0700; every file in it 0600
 *		request           the text that was signed
 *		secret            32 bytes; its SHA-256 stands in the text
 *		key               the private key as ssh reads it
 *		key.jit           the same as we read it
 *		id-cert.pub       the certificate, once collected
 *		known_hosts       for its servers
 *
 *	key.jit:  string "jit-cert locker key v1", string type, string public
 *	          key blob, string ssh_priv_save()'s bytes
 *
 * BASE is the caller's choice: XDG_RUNTIME_DIR (memory, gone at log-out) or
 * the state directory.  It belongs to us or to root, and others may write it
 * only if it is sticky; then nobody else can put anything of ours aside.
 * What is below must be ours alone: not a link, our owner, no bit for
 * others, one name.  request is written last: without it a locker is the
 * rest of a crash, or another process is just making it.
 *
 * Errors of every call; why names the path:
 *	JIT_E_UNKNOWN  there is no such locker, or the file is missing
 *	JIT_E_FORMAT   a link, not what it should be, damaged
 *	JIT_E_OWNER, JIT_E_MODE, JIT_E_SIZE
 *	JIT_E_ARG      the path is too long, or BASE does not begin with "/"
 *	JIT_E_FULL, JIT_E_IO, JIT_E_NOMEM
 */
#ifndef JIT_CLI_LOCKER_H
#define JIT_CLI_LOCKER_H

#include "ca/base/rand.h"
#include "ca/base/secret.h"
#include "ca/base/text.h"
#include "ca/ssh/sig.h"

#define LOCKER_SECRET 32		/* bytes of a collect secret */
#define LOCKER_TEXT_MAX 65536		/* bytes of a request */
#define LOCKER_HOSTS_MAX (1u << 20)	/* bytes of a known_hosts */

enum locker_file {
	LOCKER_REQUEST, LOCKER_SECRET_FILE, LOCKER_KEY, LOCKER_KEY_JIT,
	LOCKER_CERT, LOCKER_HOSTS,
	LOCKER_FILES
};

/* NUL-terminated; a path that does not fit is JIT_E_ARG. */
struct locker_path { char s[4096]; };

/* The path of a file, for ssh -i.  JIT_E_ARG; nothing is looked at. */
enum jit_err locker_path(const char *base, const struct ulid *id,
    enum locker_file f, struct locker_path *ret, struct jit_why *why);

/*
 * Put a new request away; all of it is on disk when this returns, and
 * nothing of it when it fails.  What is missing of the path is made, 0700.
 *
 *	secret   LOCKER_SECRET bytes; copied
 *	text     at most LOCKER_TEXT_MAX bytes
 *	comment  of the key file
 *	rng      for the key file's check number
 *
 * JIT_E_EXISTS: there is a locker of this id.  JIT_E_SIZE, JIT_E_CRYPTO,
 * JIT_E_RANDOM.
 */
enum jit_err locker_put(const char *base, const struct ulid *id,
    const struct ssh_priv *p, struct span secret, struct span text,
    const char *comment, const struct rng *rng, struct jit_why *why);

struct locker {
	struct ssh_priv *priv;	/* owned */
	struct secret secret;	/* LOCKER_SECRET bytes */
	struct buf text;
};

/*
 * Returns owned in *ret.  That the secret is the text's is for the caller to
 * compare: the text is not parsed here.
 */
enum jit_err locker_get(const char *base, const struct ulid *id,
    struct locker *ret, struct jit_why *why);
void locker_done(struct locker *l);	/* wipes */
JIT_SCOPED_OBJ(struct locker, locker_done);

/*
 * Put or replace the certificate (the line of id-cert.pub) and known_hosts
 * (empty: none, and an older one stays).  JIT_E_FORMAT: not a certificate.
 */
enum jit_err locker_put_cert(const char *base, const struct ulid *id,
    struct span line, struct span known_hosts, struct jit_why *why);
/*
 * The certificate's blob.  Returns owned in *ret.  JIT_E_UNKNOWN: it is not
 * collected yet.
 */
enum jit_err locker_get_cert(const char *base, const struct ulid *id,
    struct buf *ret, struct jit_why *why);

/*
 * Wipe and remove the private key alone, once it is elsewhere (an agent);
 * then locker_get() is JIT_E_UNKNOWN.  Fine when it is gone already.
 */
enum jit_err locker_forget_key(const char *base, const struct ulid *id,
    struct jit_why *why);

/*
 * The ids of what is kept, oldest first; *ret is owned (free), NULL when
 * there are none.  What is in each is not looked at.
 */
enum jit_err locker_list(const char *base, struct ulid **ret, size_t *n,
    struct jit_why *why);

/*
 * Wipe and remove one, whatever state its files are in: each is overwritten,
 * synced and unlinked.  A link, a file with a second name or of somebody else
 * is unlinked only.  What a disk or file system kept of older blocks is out
 * of reach.  JIT_E_FORMAT: a directory is in it.
 */
enum jit_err locker_remove(const char *base, const struct ulid *id,
    struct jit_why *why);

#endif
