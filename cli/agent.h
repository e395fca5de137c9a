/*
 * agent - a client of ssh-agent.
 *
 * The protocol of RFC 9987 (OpenSSH PROTOCOL.agent) over a Unix socket: a
 * message is "uint32 length, byte type" and the type's fields.  Used here:
 *
 *	11 -> 12  list       uint32 n, n times: string blob, string comment
 *	13 -> 14  sign       string blob, string data, uint32 flags ->
 *	                     string signature
 *	25 ->  6  add        string type, string certificate, key fields,
 *	                     string comment, byte 1, uint32 lifetime
 *	18 ->  6  remove     string blob
 *	       5  refused
 *
 * The agent is somebody else's program: an answer has at most AGENT_ANSWER_MAX
 * bytes, every length is checked, nothing may stand behind.  It never reads
 * the environment, never logs, and wipes what it sent.
 *
 * Errors of every call that asks the agent:
 *	JIT_E_UNREACHABLE  no answer in time, or it closed the connection
 *	JIT_E_AGENT        it answered SSH_AGENT_FAILURE
 *	JIT_E_SIZE         an answer larger than AGENT_ANSWER_MAX
 *	JIT_E_PROTOCOL     an answer that is not what was asked for
 *	JIT_E_IO, JIT_E_NOMEM
 * After an answer that did not come whole nothing more can be understood:
 * the connection is closed, and further calls are JIT_E_UNREACHABLE.
 */
#ifndef JIT_CLI_AGENT_H
#define JIT_CLI_AGENT_H

#include "ca/base/utc.h"
#include "ca/ssh/key.h"
#include "ca/ssh/sig.h"

#define AGENT_ANSWER_MAX (256u << 10)	/* bytes, without the length */
/* Comments of the certificates that we add begin so, and no others do. */
#define AGENT_OURS "jit-cert "

struct agent;		/* a connection */

/*
 * Connect to the socket at path.
 *
 *	timeout_ms  for the connection, and for each answer of the agent that
 *	            no person has to wait for; > 0
 *
 * Returns owned.  JIT_E_UNREACHABLE: nobody answers there; JIT_E_ARG: the
 * path is empty or too long for a socket; JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err agent_open(const char *path, int timeout_ms,
    struct agent **ret, struct jit_why *why);
void agent_free(struct agent *a);
JIT_SCOPED_PTR(struct agent, agent_free);

/* One entry of the agent. */
struct agent_entry {
	struct ssh_key *key;	/* owned; NULL: a certificate */
	struct buf blob;	/* owned; of the key or the certificate */
	struct buf comment;	/* owned; somebody else's bytes: escape them */
};

struct agent_list {
	struct agent_entry *at;	/* owned; in the agent's order */
	size_t n;
	size_t skipped;		/* keys that ca/ssh/key.h does not take */
};

/* Everything that the agent holds.  Returns owned in *ret. */
enum jit_err agent_list(struct agent *a, struct agent_list *ret,
    struct jit_why *why);
void agent_list_done(struct agent_list *l);
JIT_SCOPED_OBJ(struct agent_list, agent_list_done);

/*
 * Have data signed by k; RSA as rsa-sha2-512.  The signature blob is what the
 * agent says: to be verified by the caller.  Returns owned in *ret.
 *
 *	timeout_ms  of its own, since a person may have to touch a key or to
 *	            type; -1 waits for ever
 *
 * JIT_E_AGENT: the agent has no such key, is locked, or the person declined.
 */
enum jit_err agent_sign(struct agent *a, const struct ssh_key *k,
    struct span data, int timeout_ms, struct buf *ret, struct jit_why *why);

/*
 * Give a certificate and its private key to the agent, for a time.
 *
 *	cert     the certificate blob, for p's public half
 *	comment  begins with AGENT_OURS, so that it is found again
 *	life     1 to UINT32_MAX seconds; then the agent forgets both
 *
 * The key alone is not added, only with its certificate.  What the agent
 * holds of the same certificate is replaced, its lifetime begins anew.
 * JIT_E_ARG: another comment, no life, or the certificate is for another key;
 * JIT_E_FORMAT, JIT_E_KEYTYPE: not a certificate.
 */
enum jit_err agent_add_cert(struct agent *a, struct span cert,
    const struct ssh_priv *p, const char *comment, dur_s life,
    struct jit_why *why);

/* Remove what has this blob.  JIT_E_AGENT: there is none. */
enum jit_err agent_remove(struct agent *a, struct span blob,
    struct jit_why *why);

/* Shall this certificate of ours go?  rest is its comment behind AGENT_OURS. */
typedef bool agent_match(void *arg, struct span rest, struct span cert);

/*
 * Remove every certificate of ours (comment begins with AGENT_OURS) that
 * match says yes to: a previous grant's leaves when the next one comes.  Keys
 * and other certificates are not touched.  *removed (NULL is fine) is how
 * many were found and are gone.  One that expires meanwhile is gone as well;
 * JIT_E_AGENT only when one is still there at the end.
 */
enum jit_err agent_remove_ours(struct agent *a, agent_match *match, void *arg,
    size_t *removed, struct jit_why *why);

#endif
