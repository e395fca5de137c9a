/*
 * world - a small installation in memory: a log name, CA and log keys, a
 * policy, and people with keys who sign, by a held clock.  For tests of
 * texts, judge, signer and evidence.
 *
 *	alice bob carol dan   group sre; bob has two keys; dan one of each sort
 *	eve                   group dev: may ask for nothing of prod
 *	dana                  group admins
 *	prod-db               sre asks, 2 of sre approve; pty; 30 s skew
 *	prod-db-ro            sre or dev asks, 1 of sre approves, sk touch
 */
#ifndef JIT_TESTS_WORLD_H
#define JIT_TESTS_WORLD_H

#include "ca/grant/judge.h"
#include "ca/tlog/checkpoint.h"
#include "tests/lib/jt.h"

#define WORLD_NOW ((utc_s)1795471200)	/* 2026-11-23T22:00:00Z */

enum world_key {
	K_ALICE, K_BOB, K_BOB2, K_CAROL, K_DAN, K_EVE, K_DANA, K_STRANGER,
	K_CA, K_LOG, K_HOST, K_SUBJECT,
	WORLD_KEYS
};

/* Of P-256, unlike the others. */
enum world_x509_key { K_X509_CA, K_LEAF, WORLD_X509_KEYS };

struct world {
	struct ssh_priv *key[WORLD_KEYS];
	struct tlog_vkey log;
	char log_id[TLOG_LOGID_TEXT];
	struct policy *policy;
	struct ca_keys ca;		/* the SSH user CA; by world_x509 more */
	struct own_keys own;
	struct ssh_priv *x509[WORLD_X509_KEYS];	/* NULL before world_x509 */
	struct rng rng;
	uint64_t chance;
	utc_s now;
};

void world_init(struct world *w);
void world_done(struct world *w);
/*
 * With an X.509 CA, and the roles pg-write (sre asks, 1 of sre approves; CN is
 * the person, O=app-write, revocable) and pg-read (the same, ends by itself).
 */
void world_x509(struct world *w);
/* All private CA keys. */
size_t world_privs(const struct world *w, const struct ssh_priv *ret[static 2]);

/* The person's name for a key, "" for keys of nobody. */
const char *world_name(enum world_key k);
/* A policy block from its text, added; or replaced by world_replace. */
void world_add(struct world *w, const char *block);
void world_without(struct world *w, enum block_kind k, const char *name);
/* The block of a person with those groups ("group: sre\n") and keys. */
void world_person(struct world *w, const char *name, const char *groups,
    const enum world_key *keys, size_t n);

/* A request as a client renders it, to be changed before it is put. */
struct draft {
	struct request req;
	struct request_store store;
	struct ulid id;
	char fp[SSH_FP_TEXT];
	uint8_t secret[32];
};
void world_draft(struct world *w, const char *role, enum world_key who,
    struct draft *ret);
struct buf world_request_text(const struct draft *d);
/* An SSHSIG blob. */
struct buf world_sign(struct world *w, enum world_key k, const char *ns,
    struct span text);
/* What proves that the certified key is there: K_SUBJECT's, or a CSR. */
struct buf world_possess(struct world *w, struct span request_text);
/* Signed by who, with its possession, and opened. */
enum jit_err world_open(struct world *w, struct span text,
    enum world_key who, struct open_request **ret, struct jit_why *why);
struct buf world_decision_text(struct world *w, enum verdict v,
    const char *approver, struct span request_text, const struct ulid *id);
struct buf world_lock_text(struct world *w, const char *person, bool unlock,
    const char *by);
enum jit_err world_decide(struct world *w, enum verdict v, enum world_key who,
    const struct open_request *r, struct open_decision **ret,
    struct jit_why *why);

#endif
