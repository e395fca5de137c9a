/*
 * view - what is in the log, in a database, to be searched.  Never the truth.
 *
 * One SQLite file, one connection, locked for us alone (locking_mode
 * EXCLUSIVE, and a flock beside it: before SQLite 3.51.3 a second connection
 * can corrupt a WAL database).  It follows the log: view_apply() takes the
 * entries one by one, from genesis on, and folds their leaves, so that its
 * root can be held against a signed checkpoint (view_check_note).  Nothing
 * of it grants anything: the signer judges every act by the log.  Whatever
 * is wrong with it is mended by making it anew (jit-certd rebuild).
 *
 * Each row carries a checksum over its columns, checked when it is read; a
 * row that was altered by something else than us is JIT_E_VIEW.
 *
 * What is kept: a row for each request (what its text says, who approved,
 * how it ended), the index and body size of each entry about it, the blocks
 * of policies, the CA keys that are published, who is locked out, the newest
 * checkpoint, and log-in sessions (auth/token.h).
 *
 * Errors of every call: JIT_E_VIEW (damaged, or not a view of this version:
 * "… run jit-certd rebuild"), JIT_E_FULL, JIT_E_IO, JIT_E_NOMEM.
 */
#ifndef JIT_API_VIEW_VIEW_H
#define JIT_API_VIEW_VIEW_H

#include "ca/grant/issued.h"
#include "ca/tlog/checkpoint.h"
#include "ca/tlog/entry.h"
#include "api/store/db.h"

struct view;

enum view_open_how {
	VIEW_USE,		/* JIT_E_UNKNOWN when there is none */
	VIEW_MAKE,		/* JIT_E_EXISTS when there is one */
	/*
	 * As VIEW_MAKE, for taking a whole log: nothing is synced, nothing
	 * can be listed, and the file is no view yet for VIEW_USE, until
	 * view_settle().
	 */
	VIEW_BULK
};
/*
 * log: whose view it is.  JIT_E_LOGNAME: another's.  JIT_E_LOCKED: in use.
 * JIT_E_OWNER, JIT_E_MODE, JIT_E_FORMAT: as db_open().
 */
enum jit_err view_open(const char *path, enum view_open_how how,
    const struct tlog_vkey *log, struct view **ret, struct jit_why *why);
/* VIEW_BULK is over: indexes are made, everything is synced. */
enum jit_err view_settle(struct view *v, struct jit_why *why);
void view_free(struct view *v);
JIT_SCOPED_PTR(struct view, view_free);
struct db *view_db(struct view *v);	/* for auth/token.h */

/* ---- following ---- */

/* Entries applied: the index of the next one. */
uint64_t view_size(const struct view *v);
/*
 * Take the next entries; between view_begin() and view_commit(), which make
 * them lasting together.  Bodies are checked against their leaves here.
 * JIT_E_VERIFY: it is not the next entry, or cannot be read; JIT_E_LOGNAME:
 * another log's genesis.  After an error of view_apply() the batch is to be
 * rolled back; view_commit() does so by itself when it fails.
 *
 * Of an entry whose body was erased only the leaf is taken: a request has no
 * row then, and what is about it is passed over.
 */
enum jit_err view_begin(struct view *v, struct jit_why *why);
enum jit_err view_apply(struct view *v, const struct entry *e,
    struct jit_why *why);
enum jit_err view_commit(struct view *v, struct jit_why *why);
void view_rollback(struct view *v);
/*
 * note is a checkpoint of the log, and of size view_size(): is its root ours?
 * Then it is remembered as the newest that was seen (with the batch, inside
 * of one).
 *	JIT_E_ROLLBACK  the log is another one, or went back behind view_size()
 *	JIT_E_ARG       of more entries than were applied yet
 *	JIT_E_LOGNAME JIT_E_SIG JIT_E_FORMAT  as checkpoint_open()
 */
enum jit_err view_check_note(struct view *v, struct span note,
    struct jit_why *why);
/* The newest one, borrowed; empty before the first. */
struct span view_note(const struct view *v);

/*
 * In force, and it knows who is locked out (policy_is_locked); NULL before
 * the first policy entry.  Borrowed until the next entry is applied.
 */
const struct policy *view_policy(const struct view *v);
uint64_t view_policy_index(const struct view *v);
/* The CA keys that are published; n is 0 before genesis.  As borrowed. */
const struct ca_keys *view_keys(const struct view *v);
uint64_t view_keys_index(const struct view *v);	/* 0: of genesis */

/* ---- asking ---- */

enum view_end { VIEW_OPEN, VIEW_ISSUED, VIEW_DENIED, VIEW_CANCELLED,
    VIEW_DROPPED, VIEW_REVOKED };
#define VIEW_APPROVERS 32

/* A request.  Spans borrow from the row's own memory. */
struct view_row {
	struct ulid id;
	uint64_t index, last;		/* its entry; the newest about it */
	struct digest digest;		/* of its text */
	struct span requester, role;
	utc_s created, opens, closes;
	dur_s duration;
	struct span reason;
	enum request_kind kind;
	/* KIND_X509, as in request.h. */
	struct span profile, crl;
	struct span subject[REQUEST_SUBJECT], sans[REQUEST_SANS];
	size_t n_subject, n_sans;
	enum view_end end;
	size_t n_approved;
	struct span approved[VIEW_APPROVERS];	/* names, in log order */
	struct span denied;		/* by whom, or empty */
	struct span revoked;		/* by whom, or empty */
	uint8_t cause;			/* enum ended_cause, when the signer
					   ended it by itself; 0 */
	struct span serial;		/* issued.h's text; empty: not issued */
	utc_s from, until;		/* of the certificate */
	struct buf store;		/* owned */
};
void view_row_done(struct view_row *r);
JIT_SCOPED_OBJ(struct view_row, view_row_done);

/*
 * JIT_E_UNKNOWN: no such request.  An id is free again once its request is
 * long over: the newest one counts.
 */
enum jit_err view_get(struct view *v, const struct ulid *id,
    struct view_row *ret, struct jit_why *why);
/* Which request is that entry about?  JIT_E_UNKNOWN: none. */
enum jit_err view_about(struct view *v, uint64_t index, struct ulid *ret,
    struct jit_why *why);

struct view_entry { uint64_t index; size_t size; };	/* bytes of its body */
/* All entries about it in log order, the request's own first.  Owned (free). */
enum jit_err view_entries(struct view *v, const struct ulid *id,
    struct view_entry **ret, size_t *n, struct jit_why *why);

enum view_state {
	VIEW_ALL,
	VIEW_CURRENT,	/* "closes" is not longer ago than LEDGER_GRACE */
	VIEW_PENDING,	/* not ended, not issued, not closed */
	VIEW_LIVE,	/* its certificate is valid, or will be; not dropped */
	VIEW_OVER	/* all others */
};

/* A page.  Empty or NULL: no such filter. */
struct view_query {
	utc_s now;
	enum view_state state;
	struct span requester;		/* exactly */
	struct span role;		/* exactly */
	struct span text;		/* in id or reason, any case of ASCII */
	utc_s since, until;		/* created in [since, until); 0 */
	/* Whose eyes: all, or their own and these roles'. */
	bool sees_all;
	struct span person;
	const struct span *roles;
	size_t n_roles;
	/* Order and place: by index, from after on (excluded). */
	bool newest_first;
	uint64_t after;			/* UINT64_MAX: from the end on */
	bool has_after;
	size_t max;			/* 1 to 256 */
};
/*
 * A call looks at a bounded number of requests, so that it takes no longer
 * with a million of them than with some thousands.  All filters but text have
 * indexes, and as a rule fill a page; what is searched by text may give a
 * page that is not full, even an empty one, with more set: go on from next.
 */
struct view_page {
	size_t n;
	struct view_row *v;		/* owned */
	bool more;			/* there may be others behind */
	uint64_t next;			/* if more: "after" of the next page */
};
/* JIT_E_ARG: max, or a view that is not settled. */
enum jit_err view_list(struct view *v, const struct view_query *q,
    struct view_page *ret, struct jit_why *why);
void view_page_done(struct view_page *p);
JIT_SCOPED_OBJ(struct view_page, view_page_done);

/*
 * A chain of SHA-256 over all rows in order, sessions and the newest
 * checkpoint left out: a live view and one that was made anew have the same.
 */
enum jit_err view_digest(struct view *v, struct digest *ret,
    struct jit_why *why);

#endif
