/*
 * bundle - the evidence about one request, as a file for years to come.
 *
 * One text that proves, offline and to somebody who trusts only two keys
 * (the log's and the CA's), who asked for what, who allowed it and which
 * certificate came of it.  No JSON: blocks as PEM has them, so that openssl
 * base64, ssh-keygen and a small script can check it.
 *
 *	jit-cert evidence v1
 *	log: jit.example.com+3f1c9a07
 *	request: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B
 *
 *	-----BEGIN JIT GENESIS-----
 *	base64, 64 columns, of leaf (53) || salt (16) || body, see entry.h
 *	-----END JIT GENESIS-----
 *	-----BEGIN JIT PROOF-----
 *	c2sp.org/tlog-proof@v1            the proof of that very entry, as
 *	...                               ca/tlog/proof.h has it, as it is
 *	-----END JIT PROOF-----
 *	-----BEGIN JIT BLOB-----
 *	...
 *
 * One block and one proof an entry, in log order, all under one and the same
 * checkpoint.  The entries: genesis; the newest keys entry before the
 * certificate, if there is one; one policy (which the certificate
 * names, or for what was never issued the one in force); of its blocks, as
 * blobs, those that the matter rests on and no others (bundle_needs); the
 * request and all that is about it.  There is one text for one meaning.
 *
 * What it cannot show: that nothing was logged about the request since, or left
 * out (a drop, a deny, a revoke); and that the policy entry was the newest when
 * the certificate was issued.  Both are the log's to show (audit.h).  Pure: no
 * clock, no I/O.
 */
#ifndef JIT_GRANT_BUNDLE_H
#define JIT_GRANT_BUNDLE_H

#include "ca/grant/dossier.h"
#include "ca/grant/issued.h"
#include "ca/grant/receipt.h"

#define BUNDLE_MAX (16u * 1024 * 1024)	/* bytes of a text */
#define BUNDLE_BLOCKS_MAX 96		/* of a policy */
#define BUNDLE_ENTRIES_MAX (3 + BUNDLE_BLOCKS_MAX + DOSSIER_ENTRIES_MAX)

/* ---- the text ---- */

/*
 * Write one.
 *
 *	log     "origin+hex8"
 *	v, n    receipts in ascending order of their index, under note
 *
 * JIT_E_ARG: out of order, too many, or of a type that has no block;
 * JIT_E_ERASED: a body is gone, and with it the evidence; the writer's error.
 * Nothing is verified: whoever collects receipts checks them first.
 */
enum jit_err bundle_put(struct wr *w, const char *log, const struct ulid *id,
    const struct receipt *v, size_t n, struct span note,
    struct jit_why *why);

struct bundle {
	char log[TLOG_LOGID_TEXT];
	struct ulid id;
	struct span note;		/* borrows from the text */
	size_t n;
	struct receipt *v;		/* owned; bodies borrow from bytes */
	struct buf *bytes;		/* owned, n of them */
};
/*
 * Read one.  The form alone; nothing is verified.  JIT_E_FORMAT: not that
 * form, out of order, two checkpoints; JIT_E_SIZE; JIT_E_CANON: the same
 * would be written otherwise; JIT_E_NOMEM.
 */
enum jit_err bundle_parse(struct span text, struct bundle *ret,
    struct jit_why *why);
void bundle_done(struct bundle *b);
JIT_SCOPED_OBJ(struct bundle, bundle_done);

/*
 * Which blocks of policy p a bundle about d must carry: settings, role, the
 * role's host groups, the requester, whoever decided.  Sets *n digests (at
 * most BUNDLE_BLOCKS_MAX) in the policy's order.  p is the whole policy of
 * the entry that the bundle will carry.  JIT_E_SIZE.
 */
enum jit_err bundle_needs(const struct dossier *d, const struct policy *p,
    struct digest ret[static BUNDLE_BLOCKS_MAX], size_t *n,
    struct jit_why *why);

/* ---- what it proves ---- */

/* What is believed, from outside the file. */
struct bundle_pins {
	struct tlog_vkey log;
	/* NULL: the one that genesis or keys name, under log.  Borrowed. */
	const struct ssh_key *user_ca;
};

/* Who decided, how. */
struct bundle_by {
	struct span who;
	char fp[SSH_FP_TEXT];		/* of the key that signed */
	const char *key_type;
	/*
	 * What the signature says of itself: "sshsig"; for security keys
	 * "sshsig+touch (claimed)": that the key is hardware was not shown.
	 */
	const char *proof;
	enum verdict verdict;
	utc_s decided, logged;		/* by the person's clock, the log's */
	uint64_t index;
	bool counts;			/* towards the quorum */
	bool enrolled;			/* the key is that person's */
	struct span comment;
};

struct bundle_summary {
	/* Owned; all that follows borrows from it. */
	struct bundle bundle;
	struct dossier *dossier;
	struct policy *policy;		/* the blocks that are there */
	struct ssh_key *log_key;
	struct ca_keys ca;
	uint64_t keys_index;		/* 0: of genesis */
	bool has_cert;			/* false: never issued */
	struct issued cert;

	struct checkpoint checkpoint;
	enum standing standing;		/* at the now that was given */
	bool stale;			/* role changed before it was issued */
	struct quorum quorum;
	const struct request *request;	/* who, what, why */
	struct bundle_by by[JUDGE_DECISIONS_MAX];
	size_t n_by;
	/* Of the certificate, and of its entry. */
	struct window life;
	char serial[ISSUED_SERIAL_TEXT];
	uint64_t issued_index;
	utc_s issued;
	utc_s ended;	/* of a deny, cancel, drop, revoke or end; 0: none */
};

/*
 * Is all of it so?  Proofs and checkpoint under the pin; genesis is entry 0
 * and names that log and that CA; the policy lists each block that is there
 * under its kind and name, and no block that the matter rests on is missing;
 * every signature; every text within 300 s of its entry's time; and for a
 * certificate: the policy is the one that it names, judge_request() and
 * judge_issue() under it at the entries' times agree, with the secret that
 * was revealed, to exactly this certificate for exactly these approvals, and
 * the signature of the CA that was active holds.  That whoever revoked might
 * is the log's to show.  What was never issued is reported as it stands,
 * by the policy that the bundle carries: never as granted.
 *
 *	now   moment for which standing is told
 *
 * Any doubt is an error: JIT_E_LOGNAME (another log than the pinned),
 * JIT_E_SIG, JIT_E_VERIFY, those of bundle_parse, dossier.h and judge.h.
 * On success *ret is to be done with bundle_summary_done().
 */
enum jit_err bundle_verify(struct span text, const struct bundle_pins *pins,
    utc_s now, struct bundle_summary *ret, struct jit_why *why);
void bundle_summary_done(struct bundle_summary *s);
JIT_SCOPED_OBJ(struct bundle_summary, bundle_summary_done);
/* For a person, "name: value" lines; as safe on a terminal as its texts. */
void bundle_summary_put(struct wr *w, const struct bundle_summary *s);

#endif
