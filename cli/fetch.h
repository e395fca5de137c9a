/*
 * fetch - the certificate of an approved request, to where ssh finds it.
 *
 * Into ssh-agent for as long as it lives, and its private key out of the
 * locker; without an agent, or with one that takes none (those of hardware
 * keys), both stay in the locker, as files that ssh reads.
 * Asked again it is the same certificate.  known_hosts beside it is written
 * from the proven policy that the certificate was issued under: no server is
 * trusted because it answered first.
 */
#ifndef JIT_CLI_FETCH_H
#define JIT_CLI_FETCH_H

#include "ca/ssh/cert.h"
#include "cli/desk.h"

struct fetched {
	struct ssh_cert *cert;		/* owned */
	struct ulid id;
	bool in_agent;			/* else the key is in the locker */
	struct locker_path key, line;	/* files for ssh -i */
	struct locker_path hosts;	/* known_hosts */
};

/*
 * r is the dossier of an own request that is approved or active.
 *	JIT_E_UNKNOWN  its locker is not on this machine, or its key was in
 *	               an agent that has forgotten it: why says which
 *	the errors of locker.h, session_collect() and agent.h
 */
enum jit_err fetch(struct desk *d, const struct dossier *r,
    struct fetched *ret, struct jit_why *why);
/* Is there anything on this machine to use it with? */
bool fetch_can(struct desk *d, const struct dossier *r);
void fetched_done(struct fetched *f);
JIT_SCOPED_OBJ(struct fetched, fetched_done);

/*
 * Write id, id-cert.pub and known_hosts into dir, which is made (0700) if it
 * is not there, each 0600.
 * JIT_E_UNKNOWN: the key is in the agent already, which gives no key back.
 */
enum jit_err fetch_out(struct desk *d, const struct dossier *r,
    const char *dir, struct fetched *ret, struct jit_why *why);
/* Out of the agent and out of the locker, whatever is there. */
void fetch_forget(struct desk *d, const struct ulid *id);
/*
 * The same with every locker of this log whose request is over: those of l
 * that ended, and whatever closed before now.
 */
void fetch_sweep(struct desk *d, const struct dossiers *l);

#endif
