/*
 * crashes - the real daemon ends at every point where it writes, signs or
 * answers, and at moments of chance, under people who walk true roads.
 *
 *	crashes JIT-SIGNER	of a build with test_hooks
 *
 * Afterwards: nothing acknowledged is gone, whoever asks again gets the same
 * entry and so the same certificate, and the whole log, judged again with
 * every signature, has exactly the roads that were walked: no request twice,
 * no certificate twice (walk.h, and the invariants of the recovery tests).
 *
 *	turns      points of a turn and of a batch, the first three hits and
 *	           a later one; of the copy at the start; of the snapshot at
 *	           the end
 *	kills      kill -9, JIT_CRASH_KILLS (40) times, at any moment
 *	segments   a home whose segment is full to the last batch; a copy of
 *	           it for each point of the roll and of the spare after it
 *
 * Not here: ERASE_*, which the daemon does not do, COPY_TAKE*, which wants a
 * full disk (test_journal has those), and LIST_SIGN, which changes nothing.  JIT_CRASH_SEED for the kills.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/crash.h"
#include "tests/lib/check_log.h"
#include "tests/scenarios/walk.h"

#define PEOPLE 4u
#define WAIT_ROADS 60u		/* a point that is not hit by then never is */
#define FILL_ROADS 8000u

static const char *const points[] = {
#define X(NAME, file, what) #NAME,
#include "signer/crash.def"
#undef X
};
#define POINTS (sizeof(points) / sizeof(points[0]))

static struct station st;
static struct walk walk;
static unsigned starts;

static void
fail(const char *what, const char *where)
{
	(void)fprintf(stderr, "crashes: FAILED: %s (%s)\n", what, where);
	exit(1);
}

static bool
is_of(const char *point, const char *group)
{
	return strncmp(point, group, strlen(group)) == 0;
}

/* ---- the daemon ---- */

/* It ends at the n-th hit of that point; NULL: it does not. */
static void
start_with(const char *point, unsigned n)
{
	char text[64];

	if (point != NULL) {
		(void)snprintf(text, sizeof(text), "%s:%u", point, n);
		(void)setenv("JIT_TEST_CRASH", text, 1);
	}
	station_launch(&st);
	(void)unsetenv("JIT_TEST_CRASH");
	starts++;
}

static void
check_ended(int status, const char *point)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) != CRASH_EXIT)
		fail(status == 0 ? "it was never there" :
		    "the signer ended otherwise", point);
}

static void
crash_at(const char *point, unsigned n, unsigned roads)
{
	start_with(point, n);
	check_ended(walk_on(&walk, roads, 0), point);
}

/* ---- what the log must be ---- */

/* Everybody comes to the end of a road; the log has these and no more. */
static void
check_all(const struct audit_counts *before, uint64_t roads_before,
    const char *where)
{
	uint64_t roads;
	struct audit_counts n;

	start_with(NULL, 0);
	if (walk_on(&walk, 1, 0) != 0)
		fail("the signer ended by itself", where);
	check_log(&st, &n);
	station_stop(&st, SIGTERM);
	roads = walk.roads - roads_before;
	(void)printf("%s: %u starts, %" PRIu64 " roads, %" PRIu64 " answers "
	    "compared, %" PRIu64 " entries\n", where, starts, roads,
	    walk.again, n.entries);
	(void)fflush(stdout);
	if (n.requests - before->requests != roads ||
	    n.approvals - before->approvals != 2 * roads ||
	    n.issued - before->issued != roads || n.denials != 0 ||
	    n.entries - before->entries != 4 * roads)
		fail("the log is not what was walked", where);
}

/* ---- turns ---- */

static void
crash_in_turns(const char *point)
{
	static const unsigned nth[] = { 1, 2, 3, 17 };

	for (size_t i = 0; i < sizeof(nth) / sizeof(nth[0]); i++)
		crash_at(point, nth[i], WAIT_ROADS);
}

/* SIGTERM, and the end comes while the snapshot is written. */
static void
crash_at_snapshot(const char *point)
{
	int status = 0;

	start_with(point, 1);
	if (walk_on(&walk, 2, 0) != 0)
		fail("the signer ended too early", point);
	(void)kill(st.signer, SIGTERM);
	if (waitpid(st.signer, &status, 0) != st.signer)
		fail("the signer is gone", point);
	st.signer = -1;
	check_ended(status, point);
}

static void
turns(const struct audit_counts *base)
{
	for (size_t i = 0; i < POINTS; i++) {
		const char *p = points[i];

		if (is_of(p, "TURN_") || is_of(p, "WRITE_") ||
		    is_of(p, "SYNC_"))
			crash_in_turns(p);
		else if (is_of(p, "COPY_") && !is_of(p, "COPY_TAKE"))
			crash_at(p, 1, 1);
		else if (is_of(p, "SNAPSHOT_"))
			crash_at_snapshot(p);
	}
	check_all(base, 0, "turns");
}

/* ---- kills ---- */

static void
kills(const struct audit_counts *base)
{
	const char *given = getenv("JIT_CRASH_KILLS");
	const char *seed = getenv("JIT_CRASH_SEED");
	unsigned n = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 40;
	unsigned first = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) : 7;

	srandom(first);
	(void)printf("seed of the kills: %u\n", first);
	for (unsigned i = 0; i < n; i++) {
		int64_t at;
		int status;

		start_with(NULL, 0);
		/* One in four while it starts. */
		if (i % 4 != 0 && walk_on(&walk, 1, 0) != 0)
			fail("the signer ended by itself", "kills");
		at = sys_mono_ms() + random() % (i % 4 == 0 ? 500 : 120);
		status = walk_on(&walk, 1u << 20, at);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			fail("the signer ended before it was killed",
			    "kills");
	}
	check_all(base, 0, "kills");
}

/* ---- segments ---- */

static void
copy_home(const char *from, const char *to)
{
	const char *const cp[] = { "/bin/cp", "-a", from, to, NULL };
	const char *const rm[] = { "/bin/rm", "-rf", to, NULL };

	station_run(rm);
	station_run(cp);
}

/*
 * Many people with much to say, until the next batch needs a new segment;
 * then a clean stop, so that a start need not read it all.
 */
static void
fill(void)
{
	static char much[REASON_MAX + 1];

	memset(much, 'w', REASON_MAX);
	st.reason = much;
	walk_init(&walk, &st, WALKERS);
	crash_at("ROLL_HEADER", 1, FILL_ROADS);
	walk_done(&walk);
	start_with(NULL, 0);
	station_wait(&st);
	station_stop(&st, SIGTERM);
}

static void
segment(const char *point, const char *full, struct audit_counts *base)
{
	copy_home(full, st.home);
	if (base->entries == 0) {
		start_with(NULL, 0);
		check_log(&st, base);
		station_stop(&st, SIGTERM);
		copy_home(full, st.home);
	}
	walk_init(&walk, &st, PEOPLE);
	crash_at(point, 1, WAIT_ROADS);
	check_all(base, 0, point);
	walk_done(&walk);
}

static void
segments(void)
{
	struct audit_counts base = { .entries = 0 };
	char full[4300];

	fill();
	(void)snprintf(full, sizeof(full), "%s/full", st.dir);
	copy_home(st.home, full);
	for (size_t i = 0; i < POINTS; i++)
		if (is_of(points[i], "ROLL_") || is_of(points[i], "SPARE_"))
			segment(points[i], full, &base);
}

int
main(int argc, char **argv)
{
	struct audit_counts base;

	if (argc != 2)
		return 2;
	station_make(&st, argv[1], 2);
	(void)station_start(&st);
	check_log(&st, &base);
	station_stop(&st, SIGTERM);
	walk_init(&walk, &st, PEOPLE);
	turns(&base);
	kills(&base);
	walk_done(&walk);
	segments();
	station_done(&st);
	return 0;
}
