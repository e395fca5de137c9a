/*
 * desk - what every verb begins with: the signer, the policy, who I am, and
 * the key that signs.
 *
 *	JIT_DONE(desk_done) struct desk d = { 0 };
 *
 *	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
 *	    (e = desk_who(&d, &why)) != JIT_OK)
 *		return out_error(c, e, &why);
 *
 * A session (session.h) with the policy in force, each block proven; the
 * person whose keys are at hand; the folder where requests wait.  First use
 * of a log is said aloud on standard error.
 */
#ifndef JIT_CLI_DESK_H
#define JIT_CLI_DESK_H

#include "cli/cli.h"
#include "cli/locker.h"
#include "cli/server.h"
#include "cli/session.h"
#include "cli/sign.h"

#define DESK_TIMEOUT_MS 5000	/* for each question */

struct desk {
	struct cli *c;			/* borrowed */
	struct session *s;		/* owned */
	/* The jit-certd that is asked; owned, NULL: the signer's socket. */
	struct server *server;
	utc_s expires;			/* of its token; 0: none */
	bool log_in;			/* do not use the token that is kept */
	struct locker_path state;	/* XDG_STATE_HOME, ~/.local/state */
	struct locker_path lockers;	/* BASE of locker.h */
	/* In force when it was opened, or at desk_refresh(); s owns it. */
	const struct policy *policy;
	uint64_t policy_index;
	dur_s ahead;			/* of the signer's clock; may be < 0 */
	/* Set by desk_hands(). */
	struct agent *agent;		/* owned; NULL: there is none */
	struct hands hands;		/* owned */
	/* Set by desk_who(); borrowed from s.  Known once, asked for anew. */
	const struct person *me;
	bool known;
	/* What is live, for short ids. */
	struct ulid *ids;		/* owned */
	size_t n_ids;
	bool listed;
};

/*
 * Connect to --signer's socket or --server, log in there if need be, and
 * prove the policy in force.  d is zero, but for log_in.
 *	JIT_E_ARG    no way was named, or no HOME
 *	JIT_E_LOGIN  login_now() says what to type
 *	the errors of session_open() and session_policy(), which name the
 *	program that is not reached
 */
enum jit_err desk_open(struct desk *d, struct cli *c, struct jit_why *why);
/* The same at a server that was found (copied but for dir, which is taken). */
enum jit_err desk_open_at(struct desk *d, struct cli *c, struct server *at,
    struct jit_why *why);
/* Set d->state and d->lockers.  JIT_E_ARG. */
enum jit_err desk_paths(struct desk *d, struct jit_why *why);
/*
 * Which server is meant, in *ret (owned); *there false: the socket is.
 * d->c and d->state are set.
 */
enum jit_err desk_server(struct desk *d, bool *there, struct server *ret,
    struct jit_why *why);
/* The socket's path, or the server's URL. */
const char *desk_where(const struct desk *d);
void desk_done(struct desk *d);
JIT_SCOPED_OBJ(struct desk, desk_done);

/*
 * The keys that were seen before of the log that is meant, with no signer.
 * JIT_E_ARG: no way was named, or nothing was seen yet.  ret->user_ca is
 * the caller's to free.
 */
enum jit_err desk_pins(struct cli *c, struct client_trust *ret,
    struct jit_why *why);

/* The signer's clock, as far as it is known. */
utc_s desk_now(const struct desk *d);
/* The signer went away: connect anew.  What was borrowed from d->s is gone. */
enum jit_err desk_reopen(struct desk *d, struct jit_why *why);
/*
 * A child of ours may run for hours: let go of the signer's connection and
 * the agent's.  desk_now(), desk_short() and what is borrowed stay.
 */
void desk_hang_up(struct desk *d);
/* Take the newest policy that the signer named since. */
enum jit_err desk_refresh(struct desk *d, struct jit_why *why);

/*
 * Find the keys: the agent's, ~/.ssh/id_*.pub, --key.  With --key d->hands
 * may hold others as well; desk_is_candidate() says which count.  An agent
 * that does not answer is as none.
 *	JIT_E_UNKNOWN  --key names no key that is here
 */
enum jit_err desk_hands(struct desk *d, struct jit_why *why);
bool desk_is_candidate(const struct desk *d, const struct hand *h);
/*
 * Whose keys are they?  --as narrows.
 *	JIT_E_PERSON      --as names nobody
 *	JIT_E_KEYUNKNOWN  no key here is enrolled (for that person)
 *	JIT_E_ARG         the keys are those of several people
 */
enum jit_err desk_who(struct desk *d, struct jit_why *why);
bool desk_is_me(const struct desk *d, struct span name);
/*
 * The key of mine that can satisfy a mask of proofs; --key first, else the
 * first that needs no touch where none is asked for.  Borrowed.
 * JIT_E_PROOF: none can.
 */
enum jit_err desk_choose(const struct desk *d, unsigned proofs,
    const struct hand **ret, struct jit_why *why);

/*
 * Sign text with it; a security key is waited for with a line on standard
 * error.  Returns the SSHSIG owned in *ret.  Errors of hand_sign(), and
 * JIT_E_PROOF: it satisfies none of the proofs.
 */
enum jit_err desk_sign(struct desk *d, const struct hand *h, unsigned proofs,
    const char *ns, struct span text, struct buf *ret, struct jit_why *why);

/* ---- requests by id ---- */

/* session_list(), remembered for desk_short() and desk_find(). */
enum jit_err desk_list(struct desk *d, struct dossiers *ret,
    struct jit_why *why);
/*
 * The request that was typed: the end of an id that is live or in a locker,
 * or a whole id of any.  *now (NULL is fine) is the signer's clock.  Returns
 * owned.  The errors of id_find() and session_show().
 */
enum jit_err desk_find(struct desk *d, const char *typed,
    struct dossier **ret, utc_s *now, struct jit_why *why);
/* As it is told to people; points into id.  Asks the signer once. */
const char *desk_short(struct desk *d, const struct ulid *id);
/* Where the request stands under the policy in force, as dossier.h has it. */
enum standing desk_standing(const struct desk *d, const struct dossier *r,
    utc_s now, struct quorum *q, bool *stale);

/* May I decide on it, and does no decision of mine count yet? */
bool desk_awaits_me(const struct desk *d, const struct dossier *r);

#endif
