/*
 * view_int - what the view's files share.  Inside api/view only.
 *
 * A record is one run of bytes (wr), and its row is those bytes, their
 * checksum, and columns for the indexes that are compared with the bytes
 * whenever the row is read.
 */
#ifndef JIT_API_VIEW_INT_H
#define JIT_API_VIEW_INT_H

#include "api/view/view.h"
#include "ca/grant/dossier.h"
#include "ca/tlog/merkle.h"

/* Each statement, prepared when it is needed first.  view_sql.def. */
enum view_sql {
#define X(NAME, sql) SQL_##NAME,
#include "api/view/view_sql.def"
#undef X
	SQL_COUNT
};

/* What is in the meta row. */
struct place {
	struct merkle_edge edge;
	utc_s time;			/* of the newest entry */
	uint64_t policy_index;
	struct digest policy;		/* of the policy in force, or zeros */
	uint64_t lost;			/* requests whose bodies were erased */
	/* The largest distance between "created" and the log's own time. */
	dur_s skew;
};

/* The CA keys that are published, and the entry that says so (0: genesis). */
struct view_keys {
	uint64_t index;
	struct ca_keys ca;		/* owned */
};

/* Who is locked out, by name. */
struct view_lock {
	char name[33];
	uint64_t index;			/* of the entry that says so */
};
struct view_locks {
	struct view_lock *v;		/* owned */
	struct span *names;		/* owned; a policy borrows them */
	size_t n;
};

struct view {
	struct db *db;
	struct tlog_vkey log;
	bool bulk;
	struct place at, at_was;	/* was: at view_begin() */
	struct policy *policy, *policy_was;
	bool policy_new;		/* changed since view_begin() */
	struct view_keys keys, keys_was;
	struct view_locks locks, locks_was;
	bool keys_new, locks_new;	/* the same */
	bool batch, failed;
	struct buf note, note_was;
	bool note_new;
	struct stmt *stmt[SQL_COUNT];	/* borrowed from db */
};

/* Reset, ready to be bound.  Prepares it at the first call. */
enum jit_err view_stmt(struct view *v, enum view_sql q, struct stmt **ret,
    struct jit_why *why);
/* Checksum of a row of that table. */
enum jit_err view_sum(char table, struct span body, int64_t *ret);
/* JIT_E_VIEW. */
enum jit_err view_altered(const struct view *v, const char *table,
    uint64_t at, struct jit_why *why);

/* ---- requests (view_rows.c) ---- */

struct row {
	struct view_row r;		/* spans borrow; store unused */
	utc_s logged;			/* the time of its entry */
	size_t n;
	struct view_entry entry[DOSSIER_ENTRIES_MAX];
};

/* From when on it is over: pending or live before. */
utc_s row_over_at(const struct view_row *r);
/* Borrows from body, which is not checked against its sum. */
enum jit_err row_parse(struct span body, struct row *ret);
enum jit_err row_insert(struct view *v, const struct row *r,
    struct jit_why *why);
enum jit_err row_update(struct view *v, const struct row *r,
    struct jit_why *why);
/*
 * What s stands on, columns as SQL_BY_INDEX has them, checked.  *mem owns
 * what *ret borrows from.
 */
enum jit_err row_take(struct view *v, struct stmt *s, struct row *ret,
    struct buf *mem, struct jit_why *why);
/* JIT_E_UNKNOWN. */
enum jit_err row_by_id(struct view *v, const struct ulid *id,
    struct row *ret, struct buf *mem, struct jit_why *why);
enum jit_err row_by_index(struct view *v, uint64_t index, struct row *ret,
    struct buf *mem, struct jit_why *why);
enum jit_err about_insert(struct view *v, uint64_t index, uint64_t request,
    struct jit_why *why);

/* ---- policy (view_policy.c) ---- */

enum jit_err view_take_blob(struct view *v, const struct entry *e,
    struct jit_why *why);
enum jit_err view_take_policy(struct view *v, const struct entry *e,
    struct jit_why *why);
/* From the database, at open. */
enum jit_err view_load_policy(struct view *v, struct jit_why *why);

/* ---- CA keys, and who is locked out (view_held.c) ---- */

/* The first key, of genesis. */
enum jit_err view_first_key(struct view *v, struct span blob,
    struct jit_why *why);
enum jit_err view_take_keys(struct view *v, const struct entry *e,
    struct jit_why *why);
enum jit_err view_take_lock(struct view *v, const struct entry *e,
    struct jit_why *why);
/* Another policy is in force: who left it is locked no more. */
enum jit_err view_trim_locks(struct view *v, struct jit_why *why);
/* From the database, at open. */
enum jit_err view_load_held(struct view *v, struct jit_why *why);
/* A batch ends: what it began with comes back, or is let go. */
void view_held_back(struct view *v);
void view_held_keep(struct view *v);
void view_held_done(struct view *v);

/* ---- all (view.c) ---- */

/*
 * The one row of meta ('m'), note ('n'), held_keys ('k') or locks ('l'): its
 * body is column 0 of *s, to be reset.  *row: there is one.
 */
enum jit_err view_one_row(struct view *v, enum view_sql q, char table,
    struct stmt **s, bool *row, struct jit_why *why);
enum jit_err view_put_row(struct view *v, enum view_sql q, char table,
    struct span body, struct jit_why *why);

/* JIT_E_VERIFY: "entry 7, a drop, cannot stand there: …". */
enum jit_err view_cannot(const struct entry *e, struct jit_why *why,
    const char *what);

#endif
