/*
 * logbook - a whole log in memory, on top of a world: what the signer would
 * have written, with real signatures, real certificates, a Merkle tree, and
 * receipts for any entry under a signed checkpoint.  The positive control of
 * tests of dossiers, ledgers, bundles, servers.
 *
 *	struct logbook b;
 *	logbook_init(&b);			genesis, blobs, policy
 *	id = logbook_request(&b, "prod-db", K_ALICE);
 *	logbook_decide(&b, &id, VERDICT_APPROVE, K_BOB);
 *	logbook_decide(&b, &id, VERDICT_APPROVE, K_CAROL);
 *	logbook_collect(&b, &id);
 *	logbook_receipts(&b, index, n, &receipts);
 *	logbook_done(&b);
 *
 * Every act is judged as the signer judges it, at b.w.now, and the test
 * fails where that refuses; logbook_add() puts in anything.  All functions
 * that add return the entry's index.
 */
#ifndef JIT_TESTS_LOGBOOK_H
#define JIT_TESTS_LOGBOOK_H

#include "ca/grant/bundle.h"
#include "ca/grant/ledger.h"
#include "ca/grant/receipt.h"
#include "ca/tlog/tiles.h"
#include "tests/lib/world.h"

#define LOGBOOK_ENTRIES 4096
#define LOGBOOK_REQUESTS 256
#define LOGBOOK_TILES (LOGBOOK_ENTRIES / TILE_HASHES + 2)

struct logbook_matter {
	struct ulid id;
	uint8_t secret[32];
	struct dossier *dossier;	/* all entries about it, owned */
};

struct logbook {
	struct world w;			/* w.now is the log's clock */
	size_t n;
	struct kept *entry;		/* owned; LOGBOOK_ENTRIES of them */
	struct tiles *tiles;
	uint8_t tile[2][LOGBOOK_TILES][TILE_BYTES];
	size_t n_matters;
	struct logbook_matter matter[LOGBOOK_REQUESTS];
	struct digest *logged;		/* blocks that are in force, owned */
	size_t n_logged;
	uint64_t policy_index, keys_index, serial;
};

void logbook_init(struct logbook *b);
void logbook_done(struct logbook *b);

/* As logbook_request of alice for prod-db, approved by bob, carol, dan. */
struct ulid logbook_asked(struct logbook *b, unsigned approvals);
/* Anything, at w.now. */
uint64_t logbook_add(struct logbook *b, enum entry_type t, struct span body);
/* b->w.policy as it is now: its new blocks as blobs, then the entry. */
uint64_t logbook_policy(struct logbook *b);
/* A draft of a request to be changed first, or as it is. */
struct ulid logbook_request_draft(struct logbook *b, const struct draft *d,
    enum world_key who);
struct ulid logbook_request(struct logbook *b, const char *role,
    enum world_key who);
uint64_t logbook_decide(struct logbook *b, const struct ulid *id,
    enum verdict v, enum world_key who);
uint64_t logbook_collect(struct logbook *b, const struct ulid *id);
uint64_t logbook_cancel(struct logbook *b, const struct ulid *id);
uint64_t logbook_drop(struct logbook *b, const struct ulid *id);
uint64_t logbook_revoke(struct logbook *b, const struct ulid *id,
    enum world_key who);
/* What the signer ends: that it has to is the test's to care for. */
uint64_t logbook_ended(struct logbook *b, const struct ulid *id,
    enum ended_cause cause, uint64_t by_index);
/* The world's policy does not learn of it: what follows is not hindered. */
uint64_t logbook_lock(struct logbook *b, const char *person, bool unlock,
    enum world_key who);
/* The world's CA keys as they are now. */
uint64_t logbook_keys(struct logbook *b);
/* world_x509(), as policy and keys entries. */
void logbook_x509(struct logbook *b);
/* Signed by n admins; lost may be empty (a clock's recovery). */
uint64_t logbook_recovery(struct logbook *b, struct span lost,
    const enum world_key *who, size_t n);
/*
 * One of each: a request that was approved, collected and dropped, one
 * denied, one cancelled, a new policy, a recovery, one collected and alive
 * under the new policy, one approved, one pending.  Some seconds apart.
 */
enum { STORY_DROPPED, STORY_DENIED, STORY_CANCELLED, STORY_ACTIVE,
	STORY_APPROVED, STORY_PENDING, STORY_N };
void logbook_story(struct logbook *b, struct ulid ids[static STORY_N]);
/*
 * And of what is taken back: an SSH certificate that carol revoked, alice's
 * x509 one and a pending request that her lock ended, bob's x509 one ended
 * with him, carol's pending request ended with her key, an x509 one that
 * lives, one that was dropped, a pending one; keys twice; eve stays locked.
 */
enum { TAKEN_REVOKED, TAKEN_LOCKED, TAKEN_PENDING, TAKEN_PERSON, TAKEN_KEY,
	TAKEN_ACTIVE, TAKEN_DROPPED, TAKEN_OPEN, TAKEN_N };
void logbook_taken(struct logbook *b, struct ulid ids[static TAKEN_N]);

/* ---- bodies, for tests that put in what should be refused; owned ---- */
struct buf logbook_decision_body(struct logbook *b, const struct ulid *id,
    enum verdict v, enum world_key who);
struct buf logbook_act_body(struct logbook *b, const struct ulid *id,
    enum act_kind kind, enum world_key who);
struct buf logbook_recovery_body(struct logbook *b, struct span lost,
    const enum world_key *who, size_t n);
struct buf logbook_ended_body(const struct ulid *id, enum ended_cause cause,
    uint64_t by_index);
struct buf logbook_lock_body(struct logbook *b, const char *person,
    bool unlock, enum world_key who);
struct buf logbook_keys_body(struct logbook *b, uint64_t before);
/* What logbook_collect would log; change (NULL is fine) may spoil it. */
struct logbook_spoil {
	void (*fields)(struct ssh_cert_fields *f);
	void (*record)(struct rec_issued *i);
	enum world_key ca;		/* K_CA */
	enum world_key subject;		/* 0: the request's */
	void (*x509)(struct x509_fields *f);
};
struct buf logbook_issued_body(struct logbook *b, const struct ulid *id,
    const struct logbook_spoil *change);

/* ---- reading ---- */
struct logbook_matter *logbook_find(struct logbook *b, const struct ulid *id);
/* Body erased: as whoever reads the log later gets it. */
void logbook_erase(struct logbook *b, uint64_t index);
/* The checkpoint of the first size entries. */
struct buf logbook_note(struct logbook *b, uint64_t size);
void logbook_root(struct logbook *b, uint64_t size, struct checkpoint *ret);
/* Under the checkpoint of the first size entries; borrows from b. */
void logbook_receipt(struct logbook *b, uint64_t index, uint64_t size,
    struct receipt *ret);

/* ---- as a ledger; each fails the test where the ledger does ---- */
void logbook_fold(struct logbook *b, struct ledger *l, uint64_t from,
    uint64_t to, enum ledger_mode mode);
/* Of the first n entries; returns owned. */
struct ledger *logbook_ledger(struct logbook *b, uint64_t n,
    enum ledger_mode mode);
struct buf logbook_saved(const struct ledger *l);
struct ledger *logbook_loaded(struct span s);
/* The ledger saves as these bytes. */
void logbook_same(struct span saved, const struct ledger *l);

/* ---- evidence ---- */
/* Indexes of what a bundle about id holds; returns their number. */
size_t logbook_evidence(struct logbook *b, const struct ulid *id,
    uint64_t index[static BUNDLE_ENTRIES_MAX]);
/* The bundle of those entries, whatever they are, at that size. */
struct buf logbook_bundle_of(struct logbook *b, const struct ulid *id,
    const uint64_t *index, size_t n, uint64_t size);
struct buf logbook_bundle(struct logbook *b, const struct ulid *id);

#endif
