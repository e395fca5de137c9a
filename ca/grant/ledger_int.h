/*
 * ledger_int - what the ledger's files share.  Inside ca/grant only.
 */
#ifndef JIT_GRANT_LEDGER_INT_H
#define JIT_GRANT_LEDGER_INT_H

#include "ca/grant/ledger.h"

/* A request: whole while it is open, settled afterwards. */
struct matter {
	struct matter *next;		/* in its bucket */
	struct dossier *whole;		/* NULL once settled */
	uint64_t lost;			/* the ledger's when it began */
	struct settled settled;		/* id and closes are always right */
};

struct blob_at {
	struct digest d;
	uint64_t index;
};

/* A block's bytes that a policy entry may name next. */
struct pending_blob {
	struct digest d;
	uint64_t index;
	struct buf bytes;
};

/* A person who is locked out. */
struct locked {
	const char *name;		/* interned */
	uint64_t index;			/* of the lock's entry */
};

/* What an entry changed, to be taken back. */
struct change {
	enum entry_type type;
	struct matter *m;
	bool settles;			/* m->whole is kept in was */
	struct dossier *was;
	enum request_end end;		/* of a settled one, before this */
	utc_s ended;
	utc_s time;			/* of the entry before */
	uint64_t revoked;		/* the ledger's, before this */
	struct locked *locks;		/* owned: before a lock */
	size_t n_locks;
	bool was_locks;			/* locks is to be put back */
	bool on_settled;		/* on what was settled already */
	uint64_t serial, spare;		/* the ledger's, before this */
};

struct ledger {
	struct merkle_edge edge, edge_was;	/* was: at the last commit */
	uint64_t erased, unjudged;
	/* Of erased: requests; and entries about a request. */
	uint64_t lost_requests, lost;
	utc_s time;
	struct kept genesis_entry;
	struct rec_genesis genesis;	/* borrows from genesis_entry */
	struct ssh_key *log_key;
	struct ca_keys ca;		/* that are published */
	struct ssh_key **ever;		/* every CA key there ever was */
	size_t n_ever, cap_ever;
	uint64_t keys_index;		/* of their entry; 0: genesis */
	uint64_t revoked;		/* index that took back last; 0 */
	struct locked *locked;		/* sorted by name */
	struct span *locked_name;	/* the same, as the policy wants it */
	size_t n_locked, cap_locked_name;
	struct own_keys own;
	char log_id[TLOG_LOGID_TEXT];
	struct policy *policy;
	uint64_t policy_index;
	struct blob_at *blob;		/* sorted by digest */
	size_t n_blob, cap_blob;
	struct pending_blob *pending;
	size_t n_pending;
	/*
	 * SSH serials are dense.  Of an erased certificate it is not known
	 * whether it was one: so many beyond next_serial may be taken.
	 */
	uint64_t next_serial, spare_serials;
	uint64_t recovery, given_up;
	struct matter **at;		/* by index of the request */
	size_t n_at, cap_at;
	struct matter **bucket;
	size_t n_bucket;		/* a power of two */
	struct change *change;		/* since the last commit */
	size_t n_change, cap_change;
	const char **name;		/* requesters of settled ones, owned */
	size_t n_name, cap_name;
};

struct matter *ledger_find(const struct ledger *l, const struct ulid *id);
/* A new matter at the end; m is taken when it succeeds. */
enum jit_err ledger_insert(struct ledger *l, struct matter *m);
void ledger_remove_last(struct ledger *l);
void matter_free(struct matter *m);
JIT_SCOPED_PTR(struct matter, matter_free);
/* Fill m's settled part from its dossier, which stays. */
enum jit_err matter_settle(struct ledger *l, struct matter *m);
/* Owned by the ledger, one a name. */
const char *ledger_intern(struct ledger *l, struct span name);
/* JIT_E_VERIFY, with what e is and where. */
enum jit_err ledger_cannot(const struct entry *e, struct jit_why *why,
    const char *what);
enum jit_err ledger_take_genesis(struct ledger *l, const struct entry *e,
    struct jit_why *why);
enum jit_err ledger_take_blob(struct ledger *l, const struct entry *e);
enum jit_err ledger_take_policy(struct ledger *l, const struct entry *e,
    struct jit_why *why);
enum jit_err ledger_take_recovery(struct ledger *l, const struct entry *e,
    enum ledger_mode mode, struct jit_why *why);
enum jit_err ledger_add_blob(struct ledger *l, const struct digest *d,
    uint64_t index);
void ledger_drop_pending(struct ledger *l);
/* The one of ever that is k; NULL: none. */
const struct ssh_key *ledger_ca_ever(const struct ledger *l,
    const struct ssh_key *k);
/* Takes what is in k. */
enum jit_err ledger_set_keys(struct ledger *l, struct ca_keys *k);
enum jit_err ledger_take_keys(struct ledger *l, const struct entry *e,
    struct jit_why *why);
enum jit_err ledger_take_lock(struct ledger *l, const struct entry *e,
    enum ledger_mode mode, struct jit_why *why);
/* Make the policy know who is locked; drop who is enrolled no more. */
enum jit_err ledger_share_locks(struct ledger *l);
/* Room for n of size bytes each at *v; *cap is how many fit. */
enum jit_err ledger_grow(void **v, size_t n, size_t *cap, size_t size);

#endif
