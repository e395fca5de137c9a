/*
 * Inside the session: session_state.c keeps the files, session_policy.c the
 * policies, session_keys.c the CA keys, session_read.c makes dossiers,
 * session_issued.c looks at certificates, session_lists.c at what was taken
 * back, session.c opens and acts.
 */
#ifndef JIT_CLI_SESSION_INT_H
#define JIT_CLI_SESSION_INT_H

#include "cli/session.h"

/* What is kept of a log from one run to the next. */
struct state {
	char *dir;			/* owned */
	struct client_trust trust;
	struct buf note;		/* as it is in the file */
	bool kept;			/* there is a pin file */
	uint64_t policy;		/* newest that was proven; 0: none */
	uint64_t saved;			/* the same, in the file */
};
/*
 * Make the folder and read what is there.  pin: a vkey from outside or NULL.
 * JIT_E_LOGNAME: it is not the one that is kept.
 */
enum jit_err state_open(const struct session_config *c, struct state *ret,
    struct jit_why *why);
void state_done(struct state *st);
JIT_SCOPED_OBJ(struct state, state_done);
/*
 * Write what is newer than the files.  What another process wrote meanwhile
 * is joined first (client_join).
 */
enum jit_err state_save(struct state *st, struct client *c,
    struct jit_why *why);

struct policy_block {
	enum block_kind kind;
	struct buf name;		/* owned */
	struct digest digest;
	uint64_t index;			/* of the blob's entry */
};
struct proven {
	uint64_t index;
	struct policy *policy;		/* owned */
	size_t n;
	struct policy_block *block;	/* owned, in the entry's order */
	struct proven *next;
};
void proven_free(struct proven *p);
JIT_SCOPED_PTR(struct proven, proven_free);

/* The CA keys of an entry (0: of genesis), proven. */
struct known_keys {
	uint64_t index;
	struct ca_keys keys;		/* owned */
	struct own_keys own;		/* of keys and the log's */
	struct known_keys *next;
};
void known_keys_free(struct known_keys *k);
JIT_SCOPED_PTR(struct known_keys, known_keys_free);

struct session {
	struct state state;
	struct client *client;
	struct ssh_key *log_key;
	struct known_keys *known;
	uint64_t policy_index;		/* newest that the signer named */
	struct proven *policies;
};

/* The signer named a policy as in force.  JIT_E_ROLLBACK: an older one. */
enum jit_err session_see_policy(struct session *s, uint64_t index,
    struct jit_why *why);
/* One receipt of that type with its body, or JIT_E_VERIFY, JIT_E_ERASED. */
enum jit_err session_one(const struct receipts *r, enum entry_type type,
    struct jit_why *why);

#endif
