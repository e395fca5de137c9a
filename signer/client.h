/*
 * client - one connection to the signer, and nothing believed.
 *
 * By its socket, or over another wire (wire.h).  Blocking, one question at a
 * time.  What comes back is bytes until it is
 * checked: client_hello() checks that the log is the pinned one and extends
 * the newest checkpoint that was seen; every receipt is checked against a
 * checkpoint that the log key signed and that extends that one.  For
 * jit-cert and jit-certd.
 */
#ifndef JIT_SIGNER_CLIENT_H
#define JIT_SIGNER_CLIENT_H

#include "ca/base/sys.h"
#include "signer/wire.h"

struct client;

/*
 * What is known of the log from before.  pinned false: the first time, and
 * whatever the signer says of itself is taken (trust on first use; the
 * caller says so aloud).
 */
struct client_trust {
	bool pinned;
	struct tlog_vkey log;
	struct ssh_key *user_ca;	/* NULL: not known; the caller's */
	struct buf note;		/* newest one seen; may be empty */
};

/*
 * Connect and say hello.  Each question may take timeout_ms (a wait: and
 * the time it waits).  On success t is completed: pinned, log, user_ca
 * (owned), and note is the newest checkpoint, checked to extend the old one.
 *	JIT_E_UNREACHABLE  nobody answers at path, or not in time
 *	JIT_E_PROTOCOL     it speaks something else
 *	JIT_E_VERIFY JIT_E_SIG  its checkpoint is none, or not the log's
 *	JIT_E_VERIFY       what it says are keys are none
 *	JIT_E_LOGNAME      another log than the pinned one, or another CA key
 *	JIT_E_ROLLBACK     its log is older than what was seen, or does not
 *	                   extend it
 */
enum jit_err client_open(const char *path, int timeout_ms,
    struct client_trust *t, struct client **ret, struct jit_why *why);
/* The same over a wire, which it takes, also when it fails. */
enum jit_err client_open_over(struct wire *wire, struct client_trust *t,
    struct client **ret, struct jit_why *why);
void client_free(struct client *c);
JIT_SCOPED_PTR(struct client, client_free);
/*
 * Close the connection and keep what was learnt; a further question is
 * JIT_E_UNREACHABLE.  For who goes on for hours without one.
 */
void client_hang_up(struct client *c);

/* What hello said; spans borrow from c, and stay. */
const struct hello *client_hello(const struct client *c);
const char *client_log_id(const struct client *c);
/* Newest checkpoint that was checked; borrowed until the next question. */
struct span client_note(const struct client *c);

/*
 * Ask.  The signer's refusal comes back as its error with its words.  The
 * receipts are checked: in a checkpoint that extends the newest one (which
 * becomes the newest), bodies those of their leaves.  Spans in *ret borrow
 * from c until the next question.
 *	JIT_E_VERIFY (malformed payloads too), JIT_E_SIG, JIT_E_LOGNAME,
 *	JIT_E_ROLLBACK: the answer is not what it must be; JIT_E_PROTOCOL: it
 *	is no answer to this; JIT_E_UNREACHABLE: it ended or took too long;
 *	JIT_E_BUSY: the log grows faster than it can be followed
 */
enum jit_err client_receipts(struct client *c, const struct ask *a,
    struct receipts *ret, struct jit_why *why);
/* The same for SHOW and WAIT (dossier) and for LIST and FIND (list). */
enum jit_err client_listing(struct client *c, const struct ask *a,
    struct listing *ret, struct jit_why *why);
/*
 * A page of a search; ret->next 0: that was all.  JIT_E_UNBUILT: the wire has
 * no search.
 */
enum jit_err client_search(struct client *c, const struct wire_search *q,
    struct listing *ret, struct jit_why *why);
/* Has the log grown since the newest checkpoint?  That becomes the newest. */
enum jit_err client_grown(struct client *c, bool *ret, struct jit_why *why);
/*
 * An error that was found in what a signer said: errors of verification and
 * of this machine as they are, all others (malformed, a policy that is not
 * valid ...) as JIT_E_VERIFY, so that nobody takes them for a refusal.
 */
enum jit_err client_untrue(enum jit_err e, struct jit_why *why);
/*
 * A checkpoint of this log that somebody else checked, older or newer than
 * ours: is it on the same line?  The newest is the newer of the two.  What
 * was answered before stays borrowed.  Errors as above.
 */
enum jit_err client_join(struct client *c, struct span note,
    struct jit_why *why);
/*
 * A page of the log from first on: its entries' leaves are to be hashed by
 * the caller; bodies are checked here.  *ret borrows.
 */
enum jit_err client_page(struct client *c, uint64_t first, uint32_t max,
    struct page *ret, struct jit_why *why);

/*
 * A piece of the newest list of what was taken back, from offset on.  Nothing
 * of it is checked but its form: its signature is the caller's.  *ret
 * borrows.  JIT_E_UNKNOWN: no list of that name.
 */
enum jit_err client_published(struct client *c, struct span name,
    uint64_t offset, struct published *ret, struct jit_why *why);

#endif
