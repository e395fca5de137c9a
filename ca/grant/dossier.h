/*
 * dossier - all that the log holds about one request.
 *
 * It begins with the request's entry and takes the others in log order:
 * decisions, cancel, issued, drop, revoke, ended.  Who has a dossier and a
 * policy derives where the request stands by judge.h: nobody has to be believed
 * about that.  The signer keeps dossiers of what is open; a client makes one
 * from receipts that it checked; an evidence bundle is one on paper.  Pure.
 */
#ifndef JIT_GRANT_DOSSIER_H
#define JIT_GRANT_DOSSIER_H

#include "ca/grant/judge.h"
#include "ca/grant/record.h"

#define DOSSIER_ENTRIES_MAX (JUDGE_DECISIONS_MAX + 4)

/* An entry and its body, owned. */
struct kept {
	struct entry e;			/* body borrows from body */
	struct buf body;
};
enum jit_err kept_copy(struct kept *ret, const struct entry *e);
void kept_done(struct kept *k);
JIT_SCOPED_OBJ(struct kept, kept_done);

struct dossier {
	struct history h;
	struct ulid id;
	size_t n;			/* entries, in log order */
	struct kept *entry;		/* owned */
	/* Once issued: borrowed from its entry. */
	struct rec_issued issued;
	size_t issued_at;		/* which of entry[] */
};

/*
 * How much is believed of an entry:
 *	DOSSIER_VERIFY   nothing: its signatures are verified (JIT_E_SIG ...)
 *	DOSSIER_OWN      the signer's own journal, verified before it was
 *	                 written: signatures are read, not verified
 */
enum dossier_trust { DOSSIER_VERIFY, DOSSIER_OWN };

/*
 * Begin with a request's entry, copied.  Returns owned.  JIT_E_FORMAT: not a
 * request's entry, or erased (JIT_E_ERASED); the errors of open_request_new.
 */
enum jit_err dossier_new(const struct entry *request,
    enum dossier_trust trust, struct dossier **ret, struct jit_why *why);
void dossier_free(struct dossier *d);
JIT_SCOPED_PTR(struct dossier, dossier_free);
/*
 * Add the next entry, copied.  What is checked: it is about this request and
 * this very text, its index follows, its signature (unless OWN), and that it
 * can follow on what is there (nothing after an end, one certificate).  Who
 * may do it is not judged here.
 *	JIT_E_OTHERTEXT  about another request or text
 *	JIT_E_FORMAT JIT_E_SIG JIT_E_NAMESPACE JIT_E_KEYTYPE JIT_E_ERASED
 *	JIT_E_VERIFY     it cannot stand there
 */
enum jit_err dossier_add(struct dossier *d, const struct entry *e,
    enum dossier_trust trust, struct jit_why *why);
/*
 * The same with a request or decision that was verified by open_*_new
 * already: taken, also on an error.
 */
enum jit_err dossier_new_open(const struct entry *e,
    struct open_request *r, struct dossier **ret, struct jit_why *why);
enum jit_err dossier_add_open(struct dossier *d, const struct entry *e,
    struct open_decision *dec, struct jit_why *why);
/* Take the last entry back off, as if it had never been added. */
void dossier_pop(struct dossier *d);

/* Of a cancel's, drop's or revoke's entry. */
enum act_kind dossier_act_kind(const struct entry *e);
/* Index of the newest entry. */
uint64_t dossier_last(const struct dossier *d);

/* Where a request stands. */
enum standing {
	STAND_PENDING,		/* more approvals are needed */
	STAND_APPROVED,		/* can be collected */
	STAND_ACTIVE,		/* issued, lives (or will, before "opens") */
	STAND_DENIED, STAND_CANCELLED, STAND_DROPPED, STAND_REVOKED,
	STAND_CLOSED,		/* the window ended before it was issued */
	STAND_ENDED,		/* issued, and the certificate's time is over */
	STANDINGS
};
/* "pending", "approved", "active" ... for output and --json. */
const char *standing_name(enum standing s);
/*
 * Where it stands under p at now; *q (NULL is fine) is the quorum for
 * PENDING and APPROVED.  A role that changed since counts nothing: PENDING
 * with have 0, and *stale (NULL is fine) is set.
 */
enum standing dossier_standing(const struct dossier *d,
    const struct policy *p, utc_s now, struct quorum *q, bool *stale);

#endif
