/*
 * session - what a verb needs from the signer, and nothing believed.
 *
 * On top of signer/client.h: which log this is (pinned), the newest
 * checkpoint and policy that were ever seen of it (kept in files, so that a
 * log that went back is found out the next day as well), the policy with
 * each block proven, requests as dossiers with each signature verified, and
 * acts whose receipt holds exactly what was sent.
 *
 * What the signer says that is not so is an error of verification (exit
 * status 18), never a refusal, never ignored; a refusal is the signer's
 * error with its words.  State stands in
 *
 *	STATE/jit-cert/<16 hex digits>/		as folder.h says
 *	  pin          the verifier key, the user CA's key, a line each
 *	  checkpoint   the newest note that was checked
 *	  policy       the index of the newest policy that was proven
 *	  lock
 *
 * written only after all was checked.  Two processes never leave an older
 * checkpoint, nor one that the other's does not extend.
 */
#ifndef JIT_CLI_SESSION_H
#define JIT_CLI_SESSION_H

#include "signer/client.h"

struct session;

struct session_config {
	const char *state;	/* $XDG_STATE_HOME or its like; is made */
	const char *socket;	/* of the signer, or */
	const char *server;	/* the URL of a jit-certd, */
	struct wire *wire;	/* and the way to it, which is taken */
	const char *pin;	/* a vkey from outside, or NULL */
	int timeout_ms;		/* for each question on the socket */
};

/*
 * Connect; check who it is, that genesis says the same, that the log extends
 * what was seen.  *first_use: nothing was pinned, so the keys are the ones
 * that it named itself; to be said aloud.  Errors of client_open, and:
 *	JIT_E_LOGNAME   genesis names other keys, or the pin from outside is
 *	                not the one that is kept
 *	JIT_E_ROLLBACK  an older policy than one that was seen is in force
 *	JIT_E_FORMAT    the pin from outside is none
 *	JIT_E_OWNER JIT_E_MODE JIT_E_IO JIT_E_FULL  the state's files;
 *	JIT_E_BUSY      somebody holds the lock
 */
enum jit_err session_open(const struct session_config *c,
    struct session **ret, bool *first_use, struct jit_why *why);
void session_free(struct session *s);
JIT_SCOPED_PTR(struct session, session_free);
/* Close the connection; what was borrowed from s stays (client_hang_up). */
void session_hang_up(struct session *s);

/*
 * The pins that are kept for c's socket or server, with no signer: ret->pinned false
 * when there are none.  Its user_ca and note are the caller's.  Errors of
 * the state's files.
 */
enum jit_err session_pins(const struct session_config *c,
    struct client_trust *ret, struct jit_why *why);

/* All borrow from s. */
const struct hello *session_hello(const struct session *s);
const char *session_log_id(const struct session *s);	/* "origin+hex8" */
const struct tlog_vkey *session_log(const struct session *s);
/* The user CA of genesis, which is the pinned one. */
const struct ssh_key *session_first_ca(const struct session *s);
/* The newest checkpoint; until the next question. */
struct span session_note(const struct session *s);

/* ---- the CA keys ---- */

/*
 * Those that are published now, and the log's key.  Asked for when they are
 * first needed, proven by their entry; borrowed for as long as s lives.
 * JIT_E_VERIFY, JIT_E_ERASED: the entry is not what it must be.
 */
enum jit_err session_keys(struct session *s, const struct own_keys **ret,
    struct jit_why *why);
/*
 * Those that were in force when entry index was written; *entry (NULL is
 * fine) is the keys entry that says so, 0: genesis.
 */
enum jit_err session_keys_before(struct session *s, uint64_t index,
    const struct own_keys **ret, uint64_t *entry, struct jit_why *why);

/* ---- policy ---- */

/* Index of the newest policy that the signer named. */
uint64_t session_policy_index(const struct session *s);
/*
 * The policy of that entry, each block proven; asked for once.  Borrowed for
 * as long as s lives.
 */
enum jit_err session_policy(struct session *s, uint64_t index,
    const struct policy **ret, struct jit_why *why);
/*
 * Which entry holds that block of it?  name is empty for settings and admins.
 * JIT_E_UNKNOWN: it has no such block.
 */
enum jit_err session_block(struct session *s, uint64_t index,
    enum block_kind kind, struct span name, uint64_t *ret,
    struct jit_why *why);

/* ---- requests ---- */

/*
 * All that the log holds about a request; also long after it is over, then
 * by a search.  *now (NULL is fine) is the signer's clock.  Returns owned.
 * JIT_E_UNKNOWN: the log does not hold it.
 */
enum jit_err session_show(struct session *s, const struct ulid *id,
    struct dossier **ret, utc_s *now, struct jit_why *why);
/*
 * The same, once an entry at index since or above is about it, or after ms.
 * JIT_E_UNKNOWN: the signer does not know it, or no more.
 */
enum jit_err session_wait(struct session *s, const struct ulid *id,
    uint64_t since, uint32_t ms, struct dossier **ret, utc_s *now,
    struct jit_why *why);

struct dossiers {
	utc_s now;
	size_t n;
	struct dossier **v;		/* owned */
};
/* All that are not long over, in log order. */
enum jit_err session_list(struct session *s, struct dossiers *ret,
    struct jit_why *why);
void dossiers_done(struct dossiers *d);
JIT_SCOPED_OBJ(struct dossiers, dossiers_done);

/*
 * A page of the requests that one may see; *next (NULL is fine) is what to
 * search after, 0: that was all.  What a server leaves out, nobody can know.
 * JIT_E_UNBUILT: the socket has no such question; read the log.
 */
enum jit_err session_search(struct session *s, const struct wire_search *q,
    struct dossiers *ret, uint64_t *next, struct jit_why *why);
/*
 * Has anything been logged since the newest checkpoint?  Cheap; that becomes
 * the newest.
 */
enum jit_err session_grown(struct session *s, bool *ret,
    struct jit_why *why);

/* ---- acts ---- */

struct sent {
	uint64_t index;			/* in the log */
	utc_s time;			/* by the signer */
};
/*
 * OP_REQUEST (with possess), OP_DECISION, OP_CANCEL, OP_DROP, OP_REVOKE,
 * OP_LOCK (of a lock or an unlock).  On success the entry with exactly this
 * text is in the log, signed by the same key: by these signatures, or by
 * those of an earlier try.
 * JIT_E_EXISTS: the person was locked out already, by another text.
 */
enum jit_err session_send(struct session *s, enum op op, struct span text,
    struct span sig, struct span possess, struct sent *ret,
    struct jit_why *why);
/*
 * Collect.  On success *ret (owned) holds the certificate, as ret->issued:
 * of the CA that was active at its entry, for this request and this secret,
 * saying what request, decisions and the proven policy lead to at the entry's
 * time.  JIT_E_STALE: the CA keys changed since s was opened; open anew.
 */
enum jit_err session_collect(struct session *s, const struct ulid *id,
    const struct secret *secret, struct dossier **ret, struct jit_why *why);
/* Is the certificate of d, which is issued, all that?  JIT_E_VERIFY ... */
enum jit_err session_check_issued(struct session *s, const struct dossier *d,
    struct jit_why *why);

/* ---- what was taken back ---- */

/*
 * The newest list of that name (PUBLISHED_KRL, PUBLISHED_CRL ...), whole, as
 * its CA signed it: a KRL by one of the SSH user CAs that are published now,
 * a CRL by the X.509 CA that it names.  *sig (NULL is fine) is the KRL's
 * SSHSIG.  Returns owned.  JIT_E_UNKNOWN: there is no list of that name;
 * JIT_E_VERIFY, JIT_E_SIG: it is not what it must be.
 */
struct list_facts {
	uint64_t number;
	utc_s made, next;
};
enum jit_err session_list_of(struct session *s, const char *name,
    struct buf *ret, struct buf *sig, struct list_facts *facts,
    struct jit_why *why);

/* ---- the log ---- */

/*
 * A page of the log from first on, at most max entries: none at its end.
 * Bodies are checked against their leaves; that the leaves are the log's is
 * the caller's to check, when it has them all.  *ret borrows until the next
 * question.
 */
enum jit_err session_page(struct session *s, uint64_t first, uint32_t max,
    struct page *ret, struct jit_why *why);

/* ---- evidence ---- */

/* Receipts of entries under one note, on their own. */
struct evidence {
	struct buf bytes;		/* owned; r borrows */
	struct receipts r;		/* in the order asked */
};
/* JIT_E_ARG: n is 0 or over PROTO_PROVE_MAX. */
enum jit_err session_evidence(struct session *s, const uint64_t *index,
    size_t n, struct evidence *ret, struct jit_why *why);
void evidence_done(struct evidence *e);
JIT_SCOPED_OBJ(struct evidence, evidence_done);

#endif
