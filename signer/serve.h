/*
 * serve - the daemon: one thread that owns the state, one loop.
 *
 * A round: wait for something; take what the workers have verified; read
 * frames; accept.  Then one turn over everything that is ready (group
 * commit), its answers, whoever waited for what it logged, new tiles, now and
 * then a snapshot.
 *
 * What is bounded, so that a client cannot stop the others:
 *
 *	connections   SERVE_CONNS in all, fewer under a small RLIMIT_NOFILE;
 *	              SERVE_UID_CONNS of one uid, and SERVE_ROOT_CONNS are
 *	              kept for root.  More are told "busy" and closed.
 *	waits         SERVE_WAITS parked, SERVE_UID_WAITS of one uid; more are
 *	              told "busy" at once
 *	answers       what is only read waits in line while SERVE_OUT bytes
 *	              of answers have not left; what is logged never waits
 *	the rest      conn.h
 *
 * The user that jit-certd runs as (front) speaks for many people: it is
 * bound by the sums alone.
 *
 * SIGTERM and SIGINT: accept nothing more, finish what was read whole,
 * answer, snapshot, return.  SIGHUP: read the policy again; a bad one is
 * reported and the old one stays.
 */
#ifndef JIT_SIGNER_SERVE_H
#define JIT_SIGNER_SERVE_H

#include <sys/types.h>

#include "signer/home.h"
#include "signer/store.h"

#define SERVE_CONNS 256u
#define SERVE_UID_CONNS 64u
#define SERVE_ROOT_CONNS 8u
#define SERVE_WAITS 512u
#define SERVE_UID_WAITS 16u
#define SERVE_OUT (64u << 20)		/* bytes */
#define SERVE_READS 32u			/* frames that only read, in one turn */
#define SERVE_BATCH 64u			/* frames that are worth a batch at once */
#define SERVE_PATIENCE_MS 2		/* what a frame waits for others */
#define SERVE_SNAPSHOT 4096u		/* entries */
#define SERVE_SNAPSHOT_MS 60000		/* at most one in that time */

struct serve_config {
	struct store *store;		/* borrowed; with its turn */
	const struct home_policy *policy;	/* borrowed */
	const struct policy *first;	/* as it was read at the start */
	int listener;			/* non-blocking; borrowed */
	int signals;			/* serve_signals(); borrowed */
	bool has_front;
	uid_t front;
	unsigned conns;			/* at most; 0: SERVE_CONNS */
};

/*
 * Block the signals that the loop takes, and SIGPIPE; *ret is a signalfd,
 * owned.  Before there are threads.  JIT_E_IO.
 */
enum jit_err serve_signals(int *ret, struct jit_why *why);

/*
 * Inside the jail: start the workers, put the policy file in force, serve,
 * until a signal ends it.  ready is called once, when all that can fail at a
 * start has not.
 *
 * JIT_OK: stopped, everything is on disk.  Any error is the end: nobody may
 * be answered any more, the process must _exit().
 */
enum jit_err serve_run(const struct serve_config *c, void (*ready)(void *arg),
    void *arg, struct jit_why *why);

#endif
