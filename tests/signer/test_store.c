/*
 * store: a snapshot saves work and never decides; what is derived is made
 * again; a log that went back is frozen (security cases, section 4).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "signer/keep.h"
#include "signer/snapshot.h"
#include "signer/store.h"
#include "tests/lib/run.h"
#include "tests/signer/rig.h"

struct site {
	struct rig r;		/* its world; its turn is the store's */
	char path[4096];
	int home;
	struct store_config c;
	struct store *s;
};

static void
begin(struct site *s)
{
	static int n;
	struct jit_why why = { 0 };

	*s = (struct site){ .home = -1 };
	world_init(&s->r.w);
	(void)snprintf(s->path, sizeof(s->path), "%s/home%d", jt_tmpdir(),
	    n++);
	assert_int_equal(mkdir(s->path, 0700), 0);
	s->home = open(s->path, O_RDONLY | O_DIRECTORY);
	s->c = (struct store_config){ .home = s->home, .vkey = &s->r.w.log,
	    .ca = { 1, { s->r.w.key[K_CA] } }, .log = s->r.w.key[K_LOG],
	    .rng = &s->r.w.rng };
	JT_WHY(store_create(&s->c, &s->s, &why), JIT_OK, &why);
	s->r.turn = store_turn(s->s);
	JT_WHY(turn_genesis(s->r.turn, s->r.w.policy, &s->r.w.ca, s->r.w.now,
	    &why),
	    JIT_OK, &why);
}

static void
stop(struct site *s)
{
	store_close(s->s);
	s->s = NULL;
	s->r.turn = NULL;
}

static void
done(struct site *s)
{
	stop(s);
	world_done(&s->r.w);
	(void)close(s->home);
}

static void
start(struct site *s)
{
	struct jit_why why = { 0 };

	JT_WHY(store_open(&s->c, &s->s, &why), JIT_OK, &why);
	s->r.turn = store_turn(s->s);
}

static struct digest
root_of(struct site *s)
{
	struct digest d;

	JT_OK(merkle_edge_root(ledger_edge(store_ledger(s->s)), &d));
	return d;
}

/* A request that stays open; the log grows by one. */
static void
grow(struct site *s)
{
	struct draft d;

	JT_OK(rig_request(&s->r, "prod-db", K_ALICE, &d));
}

static void
same_without_snapshot(void **state)
{
	struct site s;
	struct digest root;
	uint64_t size;

	(void)state;
	begin(&s);
	grow(&s);
	JT_OK(store_snapshot(s.s, NULL));
	assert_true(store_behind(s.s) == 0);
	grow(&s);
	assert_true(store_behind(s.s) == 1);
	root = root_of(&s);
	size = ledger_size(store_ledger(s.s));
	stop(&s);
	for (int with = 1; with >= 0; with--) {
		struct digest again;

		start(&s);
		again = root_of(&s);
		assert_true(digest_eq(&root, &again));
		assert_true(ledger_size(store_ledger(s.s)) == size);
		assert_true(ledger_count(store_ledger(s.s)) == 2);
		assert_true(store_behind(s.s) == (with ? 1 : size));
		assert_false(store_frozen(s.s)->is);
		stop(&s);
		if (with)
			assert_int_equal(unlinkat(s.home, "snapshot", 0), 0);
	}
	done(&s);
}

/* Whatever is in the file, the journal decides. */
static void
damaged_snapshot(void **state)
{
	JIT_DONE(buf_done) struct buf good = { NULL, 0 };
	char path[4200];
	struct site s;
	uint64_t size;

	(void)state;
	begin(&s);
	grow(&s);
	JT_OK(store_snapshot(s.s, NULL));
	size = ledger_size(store_ledger(s.s));
	stop(&s);
	(void)snprintf(path, sizeof(path), "%s/snapshot", s.path);
	good = jt_file(path);
	for (size_t i = 0; i < good.n; i += 1 + good.n / 15) {
		good.p[i] ^= 4;
		jt_write(path, BUF_SPAN(good));
		good.p[i] ^= 4;
		start(&s);
		assert_true(ledger_size(store_ledger(s.s)) == size);
		assert_true(store_behind(s.s) == size);
		stop(&s);
		jt_write(path, SPAN(good.p, i));
		start(&s);
		assert_true(store_behind(s.s) == size);
		stop(&s);
	}
	/* The sum is right and the parts are not. */
	for (size_t i = 8; i < good.n - 32; i += 1 + good.n / 15) {
		struct digest sum;

		good.p[i] ^= 4;
		JT_OK(digest_sha256(SPAN(good.p, good.n - 32), &sum));
		memcpy(good.p + good.n - 32, sum.b, 32);
		jt_write(path, BUF_SPAN(good));
		good.p[i] ^= 4;
		if (store_open(&s.c, &s.s, NULL) != JIT_OK)
			fail_msg("byte %zu", i);
		assert_true(ledger_size(store_ledger(s.s)) == size);
		assert_false(store_frozen(s.s)->is);
		stop(&s);
	}
	done(&s);
}

/* ---- a log that went back ---- */

static void
copy_dir(const char *from, const char *to)
{
	const char *const argv[] = { "cp", "-a", from, to, NULL };

	assert_int_equal(jt_run(argv, SPAN_NONE, NULL), 0);
}

static void
remove_dir(const char *path)
{
	const char *const argv[] = { "rm", "-r", path, NULL };

	assert_int_equal(jt_run(argv, SPAN_NONE, NULL), 0);
}

static void
restored_backup(void **state)
{
	char journal[4200], backup[4200];
	struct site s;
	uint64_t old;

	(void)state;
	begin(&s);
	grow(&s);
	JT_OK(store_snapshot(s.s, NULL));
	old = ledger_size(store_ledger(s.s));
	stop(&s);
	(void)snprintf(journal, sizeof(journal), "%s/journal", s.path);
	(void)snprintf(backup, sizeof(backup), "%s.backup", s.path);
	copy_dir(journal, backup);
	start(&s);
	grow(&s);
	JT_OK(store_snapshot(s.s, NULL));
	stop(&s);
	remove_dir(journal);
	copy_dir(backup, journal);
	start(&s);
	assert_true(store_frozen(s.s)->is);
	assert_int_equal(store_frozen(s.s)->cause, RECOVERY_ROLLBACK);
	assert_true(store_frozen(s.s)->note.n > 0);
	assert_true(ledger_size(store_ledger(s.s)) == old);
	/* And it stays so, snapshot or not. */
	JT_OK(store_snapshot(s.s, NULL));
	stop(&s);
	start(&s);
	assert_true(store_frozen(s.s)->is);
	assert_int_equal(store_frozen(s.s)->cause, RECOVERY_ROLLBACK);
	stop(&s);
	/* A readonly look sees the same. */
	s.c.readonly = true;
	JT_OK(store_open(&s.c, &s.s, NULL));
	assert_true(store_frozen(s.s)->is);
	stop(&s);
	done(&s);
}

static void
frozen_is_kept(void **state)
{
	char path[4200];
	struct site s;
	struct jit_why why = { 0 };

	(void)state;
	begin(&s);
	JT_OK(store_keep_frozen(s.s, NULL));
	JT_OK(turn_freeze(s.r.turn, RECOVERY_CLOCK, SPAN_NONE));
	JT_OK(store_keep_frozen(s.s, NULL));
	stop(&s);
	start(&s);
	assert_true(store_frozen(s.s)->is);
	assert_int_equal(store_frozen(s.s)->cause, RECOVERY_CLOCK);
	stop(&s);
	(void)snprintf(path, sizeof(path), "%s/frozen", s.path);
	jt_write(path, span_str("jitfrzn1 what"));
	JT_WHY(store_open(&s.c, &s.s, &why), JIT_E_FORMAT, &why);
	done(&s);
}

/* ---- tiles ---- */

static void
lost_tiles(void **state)
{
	char path[4200];
	struct site s;
	uint64_t size;

	(void)state;
	begin(&s);
	for (int i = 0; ledger_size(store_ledger(s.s)) < 300; i++) {
		char block[200];

		(void)snprintf(block, sizeof(block), "jit-cert host v1\n"
		    "name: h%d\naddress: h%d.example.com\nport: 22\n", i, i);
		world_add(&s.r.w, block);
		JT_OK(turn_policy(s.r.turn, s.r.w.policy, s.r.w.now, NULL));
	}
	JT_OK(store_snapshot(s.s, NULL));
	size = ledger_size(store_ledger(s.s));
	stop(&s);
	(void)snprintf(path, sizeof(path), "%s/tiles/tile/0/000", s.path);
	start(&s);
	assert_true(store_behind(s.s) == 0);
	stop(&s);
	for (int i = 0; i < 3; i++) {
		if (i == 0)
			assert_int_equal(unlink(path), 0);
		else
			jt_write(path, span_str(i == 1 ? "short" : ""));
		start(&s);
		assert_true(store_behind(s.s) == size);
		JT_OK(store_snapshot(s.s, NULL));
		stop(&s);
		start(&s);
		assert_true(store_behind(s.s) == 0);
		stop(&s);
	}
	(void)snprintf(path, sizeof(path), "%s/tiles", s.path);
	remove_dir(path);
	start(&s);
	assert_true(ledger_size(store_ledger(s.s)) == size);
	done(&s);
}

static void
refused(void **state)
{
	struct site s, other;
	struct store *two = NULL;
	struct jit_why why = { 0 };

	(void)state;
	begin(&s);
	JT_WHY(store_open(&s.c, &two, &why), JIT_E_LOCKED, &why);
	JT_WHY(store_create(&s.c, &two, &why), JIT_E_EXISTS, &why);
	stop(&s);
	/* Another home's CA key. */
	begin(&other);
	s.c.ca.v[0] = s.r.w.key[K_ALICE];
	JT_WHY(store_open(&s.c, &two, &why), JIT_E_VERIFY, &why);
	s.c.ca.v[0] = s.r.w.key[K_CA];
	assert_int_equal(fchmodat(s.home, "journal", 0750, 0), 0);
	JT_WHY(store_open(&s.c, &two, &why), JIT_E_MODE, &why);
	assert_int_equal(fchmodat(s.home, "journal", 0700, 0), 0);
	assert_int_equal(renameat(s.home, "journal", s.home, "gone"), 0);
	JT_WHY(store_open(&s.c, &two, &why), JIT_E_UNKNOWN, &why);
	done(&other);
	done(&s);
}

int
main(void)
{
	log_setup("test", STDERR_FILENO, LOG_L_ERROR, NULL);
	return jt_one("with and without a snapshot", same_without_snapshot) +
	    jt_one("a damaged snapshot", damaged_snapshot) +
	    jt_one("a restored backup", restored_backup) +
	    jt_one("frozen is kept", frozen_is_kept) +
	    jt_one("lost tiles", lost_tiles) +
	    jt_one("refused", refused);
}
