/*
 * turn_int - what the turn's files share: turn.c judges and commits,
 * turn_answer.c makes answers, turn_own.c what no client asks for.  Inside
 * the signer only.
 */
#ifndef JIT_SIGNER_TURN_INT_H
#define JIT_SIGNER_TURN_INT_H

#include "signer/published.h"
#include "signer/turn.h"

#define TURN_SLICE 256		/* tasks in one batch */
#define TURN_FIND 512		/* entries that a FIND looks at */

struct turn {
	struct turn_config c;
	struct ledger *ledger;
	struct frozen frozen;
	utc_s now;		/* of this batch */
	bool room;		/* there is a spare segment */
	enum jit_err broken;	/* a lock is half done: write nothing more */
	struct x509_linter *linter;	/* of the active X.509 CA; made late */
	struct lists lists;		/* what is published */
	/* The batch: entries that are judged and not yet written. */
	struct kept *made;
	size_t n_made, cap_made;
};

/* The moment that the next entry has: now, or the newest entry's. */
utc_s turn_time(const struct turn *t);
/*
 * Seal an entry of this body and copy it into the batch; *ret borrows from
 * there until the next one is made.
 */
enum jit_err turn_make(struct turn *t, enum entry_type type,
    struct span body, const struct entry **ret);
/* What turn_make() made last does not become part of the batch. */
void turn_unmake(struct turn *t);
/*
 * Append the batch, durably, and make it the state.  JIT_E_FULL: the batch
 * is taken back, all is as before.  Other errors are the end.
 */
enum jit_err turn_commit(struct turn *t, struct jit_why *why);
/* Forget the entries of the batch: they are in the journal, or taken back. */
void turn_clear(struct turn *t);
/* May something of that class be logged now?  JIT_E_FROZEN, JIT_E_FULL. */
enum jit_err turn_permits(const struct turn *t, enum op_class c,
    struct jit_why *why);

/* An entry by its index, from the batch or the journal.  Owned. */
enum jit_err turn_fetch(struct turn *t, uint64_t index, struct kept *ret,
    struct jit_why *why);
/* The dossier of what is settled, read back.  Owned. */
enum jit_err turn_load(struct turn *t, const struct settled *s,
    struct dossier **ret, struct jit_why *why);

/*
 * The private key that signs for that use; NULL: there is none, or it is not
 * in this process.
 */
const struct ssh_priv *turn_ca(const struct turn *t, enum ca_use use);
/*
 * Log the end of everything whose requester has no right to it any more
 * (ledger_next_lost), in this batch.
 */
enum jit_err turn_end_lost(struct turn *t, struct jit_why *why);
/* The linter of the CA that signs.  JIT_E_UNBUILT: there is no X.509 CA. */
enum jit_err turn_linter(struct turn *t, const struct x509_linter **ret,
    struct jit_why *why);

/* Look at the note that a hello presents; it may freeze the signer. */
void turn_greet(struct turn *t, struct task *k);
/* Make k's answer, or park it. */
void turn_answer(struct turn *t, struct task *k);
/* Make k's answer a refusal with k->err. */
void turn_refuse(struct task *k);

#endif
