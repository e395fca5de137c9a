/*
 * walk - people who walk true roads through a signer that may end at any
 * moment, and who remember every receipt.
 *
 * A road is a request, two approvals, a collect.  Whoever lost the
 * connection comes again: greets with the newest checkpoint that anybody has
 * seen, so that a signer that lost its tail freezes; sends every frame of
 * this road and of the one before again, the same bytes, and must get the
 * very entries that were acknowledged; and goes on.
 *
 * Whatever is not so ends the program with 1 and words.
 */
#ifndef JIT_TESTS_WALK_H
#define JIT_TESTS_WALK_H

#include "tests/lib/station.h"

#define WALKERS STATION_USERS

struct road {
	struct errand errand;
	struct buf frame[4];		/* owned */
	struct buf body[4];		/* as acknowledged; owned */
	uint64_t index[4];
};

struct walker {
	int fd;				/* -1: not connected */
	struct wr in;
	struct road before, now;
	unsigned who;
	unsigned at;			/* the frame that is asked, see walk.c */
	unsigned told;			/* of now's, acknowledged */
	bool rests;			/* it has walked far enough */
};

struct walk {
	struct station *st;		/* borrowed */
	unsigned n;			/* walkers, up to WALKERS */
	struct walker w[WALKERS];
	struct buf note;		/* the newest checkpoint seen */
	uint64_t seen;			/* its size */
	uint64_t roads, begun;		/* to their end; begun */
	uint64_t again;			/* answers that were compared */
};

/* All at the beginning of their first road, not connected. */
void walk_init(struct walk *w, struct station *st, unsigned n);
void walk_done(struct walk *w);
/*
 * Walk until the daemon has ended or until so many roads more have come to
 * their end; in the second case everybody finishes the road it is on.
 *
 *	kill_at  when to kill the daemon, sys_mono_ms(); 0: never
 *
 * The daemon's wait status; 0: it still runs.
 */
int walk_on(struct walk *w, uint64_t roads, int64_t kill_at);

#endif
