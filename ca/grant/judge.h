/*
 * judge - the heart: may this be, under the policy in force, now?
 *
 * Pure functions over a request's history.  Signatures were verified once,
 * by act_open and its like, which need no state (so that workers can do it);
 * judge_* decides who the keys are, what their owners may, and when.  The
 * same functions judge for the signer, and again for whoever verifies.
 *
 * A request's history is what is logged about it: the request, decisions, at
 * most one cancel or issued, and after that at most one drop, revoke or end.
 * Whether it is approved is derived from that and from the policy in force,
 * never stored: when an approver leaves, a request falls back to pending by
 * itself.
 */
#ifndef JIT_GRANT_JUDGE_H
#define JIT_GRANT_JUDGE_H

#include "ca/grant/decision.h"
#include "ca/grant/keys.h"
#include "ca/grant/policy.h"
#include "ca/grant/window.h"
#include "ca/ssh/cert.h"
#include "ca/ssh/sshsig.h"
#include "ca/x509/cert.h"

#define JUDGE_CLOCK_SLACK 300	/* s between a text's time and the signer's */
#define JUDGE_OPEN_MAX 32	/* open requests a person */
#define JUDGE_DECISIONS_MAX 64	/* decisions on one request */

/* A valid signature: by which key, and what it says. */
struct signer {
	struct ssh_key *key;		/* owned */
	struct ssh_sig_facts facts;
};

/*
 * Read an SSHSIG blob and verify it over text in namespace ns.  On success
 * *ret owns the key.  JIT_E_FORMAT, JIT_E_NAMESPACE, JIT_E_KEYTYPE, JIT_E_SIG.
 */
enum jit_err signer_open(struct span sig, const char *ns, struct span text,
    struct signer *ret, struct jit_why *why);
void signer_done(struct signer *s);
JIT_SCOPED_OBJ(struct signer, signer_done);

/* A request with its signatures verified. */
struct open_request {
	struct buf text;		/* owned; req borrows */
	struct request req;
	struct digest digest;		/* of the text */
	struct signer by;		/* the requester's */
	struct signer subject;		/* the key to be certified */
};
/*
 * Parse and verify.  Copies text.  possess is an SSHSIG blob, for x509 a
 * PKCS#10 request in DER.  JIT_E_POSSESS: it is missing, wrong, by another
 * key than "certify", or for another request; else the errors of
 * request_parse and signer_open, and for x509 of csr_open: what is no such
 * PKCS#10 request is JIT_E_FORMAT.
 */
enum jit_err open_request_new(struct span text, struct span sig,
    struct span possess, struct open_request **ret, struct jit_why *why);
void open_request_free(struct open_request *r);
JIT_SCOPED_PTR(struct open_request, open_request_free);

/* A decision with its signature verified. */
struct open_decision {
	struct buf text;
	struct decision dec;
	struct signer by;
};
enum jit_err open_decision_new(struct span text, struct span sig,
    struct open_decision **ret, struct jit_why *why);
void open_decision_free(struct open_decision *d);
JIT_SCOPED_PTR(struct open_decision, open_decision_free);

/*
 * The same for texts that stand in the signer's own journal and were
 * verified before they were written: signatures are read, not verified.
 * For reading that journal back, never for what somebody sends.
 */
enum jit_err signer_read(struct span sig, struct signer *ret,
    struct jit_why *why);
enum jit_err open_request_own(struct span text, struct span sig,
    struct span possess, struct open_request **ret, struct jit_why *why);
enum jit_err open_decision_own(struct span text, struct span sig,
    struct open_decision **ret, struct jit_why *why);

/* What is logged about one request. */
enum request_end {
	END_NONE, END_DENIED, END_CANCELLED, END_DROPPED,
	END_REVOKED		/* by a person, or by the signer (ENTRY_ENDED) */
};
struct history {
	struct open_request *request;			/* owned */
	uint64_t request_index;				/* in the log */
	struct open_decision *decision[JUDGE_DECISIONS_MAX];	/* owned */
	uint64_t decision_index[JUDGE_DECISIONS_MAX];
	size_t n_decisions;
	enum request_end end;
	bool issued;
	utc_s issued_until;		/* when the certificate ends */
};
void history_free(struct history *h);
JIT_SCOPED_PTR(struct history, history_free);

/* The keys that are never certified for a person. */
struct own_keys {
	const struct ca_keys *ca;	/* borrowed */
	const struct ssh_key *log;
};

/*
 * May this request enter the log?
 *
 *	log_id  "origin+hex8" of this log
 *	open    how many open requests its requester has already
 *
 *	JIT_E_LOGNAME JIT_E_PERSON JIT_E_KEYUNKNOWN JIT_E_PROOF JIT_E_SUBJECT
 *	JIT_E_WEAKKEY JIT_E_ROLE JIT_E_STALE (the role's block is another)
 *	JIT_E_REFUSED (the requester is in no group that may ask)
 *	JIT_E_RENDER (rendered from the policy, the text differs)
 *	JIT_E_CLOCK JIT_E_WINDOW JIT_E_REASON JIT_E_QUOTA
 *	JIT_E_NOBODY (fewer can approve than are needed)
 */
enum jit_err judge_request(const struct policy *p, const char *log_id,
    const struct own_keys *own, const struct open_request *r, size_t open,
    utc_s now, struct jit_why *why);

/*
 * May this decision enter the log, on h?
 *
 *	JIT_E_LOGNAME JIT_E_OTHERTEXT (another text than the one logged)
 *	JIT_E_CLOCK JIT_E_PERSON JIT_E_KEYUNKNOWN JIT_E_SELF JIT_E_APPROVER
 *	JIT_E_PROOF JIT_E_DECIDED (the same verdict again, or approve after
 *	the person's own deny) JIT_E_DENIED JIT_E_CANCELLED JIT_E_ISSUED
 *	JIT_E_DROPPED JIT_E_EXPIRED JIT_E_STALE JIT_E_QUOTA
 */
enum jit_err judge_decision(const struct policy *p, const char *log_id,
    const struct history *h, const struct open_decision *d, utc_s now,
    struct jit_why *why);

/*
 * May this end what it is about?  Before issue the requester may cancel;
 * after it the requester may drop, and requester, whoever may decide on the
 * role, and admins may revoke.  by is the verified signer of act's text.
 *	JIT_E_LOGNAME JIT_E_OTHERTEXT JIT_E_CLOCK JIT_E_PERSON
 *	JIT_E_KEYUNKNOWN JIT_E_LOCKEDOUT JIT_E_NOTYOURS, and the state's own:
 *	JIT_E_ISSUED, JIT_E_PENDING (drop or revoke before issue),
 *	JIT_E_DENIED JIT_E_CANCELLED JIT_E_DROPPED JIT_E_REVOKED JIT_E_EXPIRED
 */
enum jit_err judge_act(const struct policy *p, const char *log_id,
    const struct history *h, const struct act *a, const struct signer *by,
    utc_s now, struct jit_why *why);

/* Approvals that count under p: each a person, once. */
struct quorum {
	unsigned have, need;
	size_t counted[JUDGE_DECISIONS_MAX];	/* indexes into decision[] */
};
/*
 * Count.  Nothing counts that is not still true: same role block, approver
 * and key enrolled, in the group, proof strong enough, not the requester.
 * JIT_E_STALE: the role's block is no longer the request's.
 */
enum jit_err judge_quorum(const struct policy *p, const struct history *h,
    struct quorum *ret, struct jit_why *why);

/*
 * May a certificate be issued now, and what must it say?  secret is the
 * preimage of "collect".  On success *f is filled but for serial, key id and
 * its arrays, which are in *store; *until and *after are cut.
 *
 *	JIT_E_COLLECT JIT_E_PENDING JIT_E_STALE JIT_E_REFUSED JIT_E_PERSON
 *	JIT_E_KEYUNKNOWN JIT_E_DENIED JIT_E_CANCELLED JIT_E_DROPPED
 *	JIT_E_EXPIRED JIT_E_ISSUED (ask for the bytes that were issued)
 */
struct issue {
	enum request_kind kind;
	struct window life;
	/* By kind; all borrow from here and from the history. */
	struct ssh_cert_fields fields;
	struct x509_fields x509;	/* serial: the caller's to fill */
	char key_id[160];
	struct ssh_opt opts[REQUEST_OPTIONS];
	struct quorum quorum;
};
enum jit_err judge_issue(const struct policy *p, const struct own_keys *own,
    const struct history *h, struct span secret, uint64_t serial, utc_s now,
    struct issue *ret, struct jit_why *why);

/*
 * May this person be locked out, or let in again?  Everybody may lock
 * themselves, admins everybody; an unlock is for an admin other than the
 * person.  is: whether the person is locked now.
 *	JIT_E_LOGNAME JIT_E_CLOCK JIT_E_PERSON JIT_E_KEYUNKNOWN
 *	JIT_E_LOCKEDOUT  the one who signs is locked
 *	JIT_E_NOTYOURS   neither the person nor an admin; or to let oneself in
 *	JIT_E_EXISTS     it is so already
 */
enum jit_err judge_lock(const struct policy *p, const char *log_id,
    const struct lock *l, const struct signer *by, bool is, utc_s now,
    struct jit_why *why);

/* Why the signer ends something by itself. */
enum ended_cause {
	ENDED_LOCKED = 1,	/* its requester was locked out */
	ENDED_PERSON = 2,	/* its requester is enrolled no more */
	ENDED_KEY = 3		/* the key that asked is enrolled no more */
};
/* Must it be ended under p?  False: no.  *cause is set when true. */
bool judge_is_lost(const struct policy *p, struct span requester,
    const struct digest *key, enum ended_cause *cause);
/* The digest that names a key there. */
enum jit_err judge_key_digest(const struct ssh_key *k, struct digest *ret);

/* What a recovery has to say: the log as it stands, and why it stopped. */
struct recovery_want {
	uint64_t size;
	struct digest root;
	enum recovery_cause cause;
};
/*
 * Do these signed texts, each with its verified signer, let the log go on?
 * Enough admins of p, counted as people, each for exactly that.
 *	JIT_E_LOGNAME JIT_E_CLOCK JIT_E_PERSON JIT_E_KEYUNKNOWN
 *	JIT_E_OTHERTEXT  another size, root or cause
 *	JIT_E_APPROVER   no admin
 *	JIT_E_PENDING    not enough of them
 */
enum jit_err judge_recovery(const struct policy *p, const char *log_id,
    const struct recovery *r, const struct signer *by, size_t n,
    const struct recovery_want *want, utc_s now, struct jit_why *why);

#endif
