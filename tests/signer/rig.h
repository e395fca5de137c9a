/*
 * rig - a signer in memory: the world of tests/lib/world.h, a journal on a
 * simulated disk, tiles in memory, and the turn.  It can crash and come back.
 */
#ifndef JIT_TESTS_RIG_H
#define JIT_TESTS_RIG_H

#include "signer/turn.h"
#include "tests/lib/world.h"
#include "tests/signer/simdisk.h"

struct rig {
	struct world w;
	struct simdisk *disk;
	struct journal_ops ops;
	struct journal *journal;
	struct tiles *tiles;
	struct turn *turn;
	uint32_t segment;	/* 0: the usual size */
};

/* A new log with the world's policy. */
void rig_init(struct rig *r, uint32_t segment);
void rig_done(struct rig *r);
/* The process ends; what it held is gone. */
void rig_stop(struct rig *r);
/* It comes back: journal, ledger, tiles read again. */
enum jit_err rig_start(struct rig *r, struct jit_why *why);

/* A frame of a, read and opened.  Owned. */
struct task *rig_task(const struct ask *a);
/* The same from raw bytes behind the length. */
struct task *rig_raw(struct span frame);
enum jit_err rig_turn(struct rig *r, struct task *const *t, size_t n);
/*
 * One frame through one turn.  The signer's error, with its words; on JIT_OK
 * *payload (NULL is fine) is an owned copy.  Asserts that the answer is one.
 */
enum jit_err rig_ask(struct rig *r, const struct ask *a, struct buf *payload,
    struct jit_why *why);

/* What people do, each as a frame's fields; bytes are owned by *m. */
struct mail {
	struct ask ask;
	struct buf text, sig, possess;
};
void mail_done(struct mail *m);
JIT_SCOPED_OBJ(struct mail, mail_done);
/* A draft's request, signed by who and by its subject key. */
void rig_mail_request(struct rig *r, const struct draft *d,
    enum world_key who, struct mail *ret);
void rig_mail_decision(struct rig *r, const struct draft *d, enum verdict v,
    enum world_key who, struct mail *ret);
void rig_mail_act(struct rig *r, const struct draft *d, enum act_kind kind,
    enum world_key who, struct mail *ret);
void rig_mail_lock(struct rig *r, const char *person, bool unlock,
    enum world_key who, struct mail *ret);
void rig_mail_collect(const struct draft *d, struct mail *ret);

/* Those, sent at once.  The signer's error. */
enum jit_err rig_request(struct rig *r, const char *role, enum world_key who,
    struct draft *d);
enum jit_err rig_decide(struct rig *r, const struct draft *d, enum verdict v,
    enum world_key who);
enum jit_err rig_act(struct rig *r, const struct draft *d, enum act_kind kind,
    enum world_key who);
enum jit_err rig_lock(struct rig *r, const char *person, bool unlock,
    enum world_key who);
/* *cert (NULL is fine) is owned. */
enum jit_err rig_collect(struct rig *r, const struct draft *d,
    struct buf *cert);

/* Receipts of a payload, each checked under the log's key. */
void rig_check_receipts(struct rig *r, struct span payload, size_t want,
    struct receipts *ret);
/*
 * The invariants of the log: it is read again from the disk and judged
 * again, signatures and all; no request has two certificates.
 */
void rig_check_log(struct rig *r);

#endif
