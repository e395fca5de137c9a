/*
 * sign - a person signs a text with a key of their own (SSHSIG).
 *
 * A struct hand is a public key and the way to its private half:
 *
 *	HAND_AGENT  ssh-agent holds it, or holds the way to a security key
 *	HAND_FILE   ssh-keygen -Y sign -f FILE; it asks for the passphrase,
 *	            the PIN or the touch itself.  Private keys are never read
 *	            here
 *
 * Whichever way it came, a signature is verified under the hand's key over
 * the very text before it is handed out: an agent or a FILE.pub that lies is
 * JIT_E_SIG, not a signature.  What its flags say of touch and PIN is
 * reported, and judged by the caller.  Never reads the environment, never
 * prints.
 */
#ifndef JIT_CLI_SIGN_H
#define JIT_CLI_SIGN_H

#include "ca/ssh/key.h"
#include "ca/ssh/sig.h"
#include "cli/agent.h"

enum hand_route { HAND_AGENT, HAND_FILE };

struct hand {
	enum hand_route route;
	struct ssh_key *key;	/* owned */
	struct buf comment;	/* owned; somebody else's bytes: escape them */
	char *path;		/* owned; of the private file, or NULL */
	bool named;		/* it is the key of the file that was named */
};

struct hands {
	struct hand *at;	/* owned */
	size_t n;
	size_t skipped;		/* keys and files that ca/ssh/key.h refuses */
};

/*
 * The keys that a person may sign with, each once: the agent's in its order,
 * then of home/.ssh the files id_*.pub by name whose private file is beside
 * them, then file.  A key that the agent holds is used there.
 *
 *	agent  NULL: none
 *	home   the home directory; NULL: look at no files.  No .ssh in it is
 *	       no error
 *	file   a private key file that the person named, or its .pub; NULL:
 *	       none.  Its hand is marked as named
 *
 * Returns owned in *ret; n may be 0.
 *	JIT_E_UNKNOWN  file or its .pub is not there
 *	JIT_E_FORMAT, JIT_E_KEYTYPE, JIT_E_SIZE  file's .pub is no public key
 *	JIT_E_ARG      a path is too long
 *	JIT_E_IO, JIT_E_NOMEM, and the errors of agent.h
 */
enum jit_err hands_find(struct agent *agent, const char *home,
    const char *file, struct hands *ret, struct jit_why *why);
void hands_done(struct hands *h);
JIT_SCOPED_OBJ(struct hands, hands_done);

/* Borrowed from h; NULL when none is. */
const struct hand *hands_by_key(const struct hands *h,
    const struct ssh_key *k);
/* By "SHA256:..." as ssh_key_fingerprint() writes it. */
const struct hand *hands_by_fingerprint(const struct hands *h,
    const char *fp);
const struct hand *hands_named(const struct hands *h);

/* How the person is asked. */
struct hand_ask {
	/*
	 * Called before the key is asked, NULL is fine: the place to print
	 * that a security key (ssh_key_is_sk) waits to be touched.
	 */
	void (*before)(void *arg, const struct hand *h);
	void *arg;
	/*
	 * What a person may take; -1 is for ever.  With terminal set it does
	 * not end ssh-keygen, which would leave the terminal without echo.
	 */
	int timeout_ms;
	/*
	 * A person sits at /dev/tty: ssh-keygen asks there, as ssh does, and
	 * not by SSH_ASKPASS, though its standard input is the text.
	 */
	bool terminal;
};

/*
 * Sign text in namespace ns.  Returns the SSHSIG blob owned in *ret, and in
 * *facts (NULL is fine) its flags.
 *
 *	agent  the connection that h was found with; not used for HAND_FILE
 *	ask    NULL: no callback, for ever, no terminal
 *
 *	JIT_E_AGENT        the agent or ssh-keygen refused; the latter has
 *	                   said why on standard error
 *	JIT_E_SIG          the signature is by another key, or of other bytes
 *	JIT_E_KEYTYPE      signed with SHA-1, or as another type of key
 *	JIT_E_NAMESPACE, JIT_E_FORMAT, JIT_E_SIZE  it is no such signature
 *	JIT_E_UNREACHABLE  not done in time; the agent went away, or is NULL
 *	JIT_E_UNKNOWN      there is no ssh-keygen
 *	JIT_E_PROTOCOL, JIT_E_CRYPTO, JIT_E_IO, JIT_E_NOMEM
 */
enum jit_err hand_sign(struct agent *agent, const struct hand *h,
    const char *ns, struct span text, const struct hand_ask *ask,
    struct buf *ret, struct ssh_sig_facts *facts, struct jit_why *why);

#endif
