#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/keep.h"
#include "signer/snapshot.h"
#include "signer/store.h"
#include "signer/tile_disk.h"

#define FROZEN_FILE "frozen"
#define FROZEN_MAGIC "jitfrzn1"
#define FROZEN_MAX (TLOG_NOTE_MAX + 64)

struct store {
	struct store_config c;
	int journal_dir, tiles_dir;
	struct journal_disk home_disk, journal_disk;
	struct journal_ops home_ops, journal_ops;
	struct journal *journal;
	struct tile_disk *tile_disk;
	struct tiles *tiles;
	struct ledger *ledger;		/* until there is a turn */
	struct turn *turn;
	struct frozen frozen;		/* until there is a turn */
	bool kept_frozen;		/* "frozen" is there */
	uint64_t snapped;		/* size at the newest snapshot */
};

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	turn_free(s->turn);
	ledger_free(s->ledger);
	tiles_free(s->tiles);
	tile_disk_free(s->tile_disk);
	journal_close(s->journal);
	buf_done(&s->frozen.note);
	sys_close(&s->journal_disk.lockfd);
	sys_close(&s->journal_dir);
	sys_close(&s->tiles_dir);
	free(s);
}

/* ---- directories ---- */

static enum jit_err
open_dir(int home, const char *name, int *ret, struct jit_why *why)
{
	struct stat st;
	int fd = openat(home, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);

	if (fd < 0)
		return jit_fail(why, errno == ENOENT ? JIT_E_UNKNOWN :
		    JIT_E_IO, "cannot open %s in the home directory: %s",
		    name, strerror(errno));
	*ret = fd;
	if (fstat(fd, &st) != 0 || st.st_uid != geteuid())
		return jit_fail(why, JIT_E_OWNER, "%s in the home directory "
		    "is somebody else's", name);
	if ((st.st_mode & 077) != 0)
		return jit_fail(why, JIT_E_MODE, "%s in the home directory "
		    "has mode %04o, accepted is 0700", name,
		    (unsigned)st.st_mode & 07777);
	return JIT_OK;
}

static enum jit_err
make_dir(int home, const char *name, struct jit_why *why)
{
	if (mkdirat(home, name, 0700) == 0)
		return fsync(home) == 0 ? JIT_OK : jit_fail(why, JIT_E_IO,
		    "cannot sync the home directory");
	if (errno == EEXIST)
		return JIT_E_EXISTS;
	return jit_fail(why, errno == ENOSPC || errno == EDQUOT ?
	    JIT_E_FULL : JIT_E_IO, "cannot make %s in the home directory: %s",
	    name, strerror(errno));
}

/* Everything but the journal's contents. */
static enum jit_err
prepare(const struct store_config *c, struct store **ret,
    struct jit_why *why)
{
	JIT_SCOPED(store_close) struct store *s = calloc(1, sizeof(*s));
	enum jit_err e;

	if (s == NULL)
		return JIT_E_NOMEM;
	s->c = *c;
	s->journal_dir = s->tiles_dir = s->journal_disk.lockfd = -1;
	s->home_disk.dirfd = c->home;
	s->home_ops = journal_ops_posix(&s->home_disk);
	JIT_TRY(open_dir(c->home, "journal", &s->journal_dir, why));
	s->journal_disk.dirfd = s->journal_dir;
	s->journal_ops = journal_ops_posix(&s->journal_disk);
	/* Tiles are derived: they may have been removed, all of them. */
	if (!c->readonly && (e = make_dir(c->home, "tiles", why)) != JIT_OK &&
	    e != JIT_E_EXISTS)
		return e;
	if (!c->readonly)
		JIT_TRY(open_dir(c->home, "tiles", &s->tiles_dir, why));
	JIT_TRY(tile_disk_new(s->tiles_dir, &s->tile_disk));
	*ret = s;
	s = NULL;
	return JIT_OK;
}

/* ---- the log ---- */

static enum jit_err
no_put(void *ctx, unsigned level, uint64_t n, const uint8_t *bytes)
{
	(void)ctx;
	(void)level;
	(void)n;
	(void)bytes;
	return JIT_OK;
}

static enum jit_err
no_get(void *ctx, unsigned level, uint64_t n, uint8_t *bytes)
{
	(void)ctx;
	(void)level;
	(void)n;
	(void)bytes;
	return JIT_E_UNKNOWN;
}

static struct tile_store
store_of(struct store *s)
{
	return s->c.readonly ? (struct tile_store){ no_put, no_get, NULL, NULL } :
	    tile_disk_store(s->tile_disk);
}

struct folding {
	struct store *s;
	struct jit_why *why;
};

static enum jit_err
fold(void *arg, const struct entry *e)
{
	struct folding *f = arg;
	struct digest leaf;

	JIT_TRY(ledger_apply(f->s->ledger, e, LEDGER_OWN, f->why));
	ledger_commit(f->s->ledger);
	JIT_TRY(merkle_leaf(SPAN(e->leaf, ENTRY_LEAF), &leaf));
	return tiles_add(f->s->tiles, &leaf);
}

static struct journal_config
config(const struct store *s)
{
	return (struct journal_config){ .ops = &s->journal_ops,
	    .log = s->c.vkey, .readonly = s->c.readonly };
}

/* Fold the journal from mark on into ledger and tiles. */
static enum jit_err
read_from(struct store *s, const struct journal_mark *mark,
    struct jit_why *why)
{
	const struct journal_config c = config(s);
	struct folding f = { s, why };

	return journal_open(&c, mark, fold, &f, &s->journal, why);
}

static void
forget(struct store *s)
{
	journal_close(s->journal);
	s->journal = NULL;
	ledger_free(s->ledger);
	s->ledger = NULL;
	tiles_free(s->tiles);
	s->tiles = NULL;
	s->snapped = 0;
}

static enum jit_err
read_all(struct store *s, struct jit_why *why)
{
	static const struct journal_mark beginning;
	const struct tile_store store = store_of(s);

	forget(s);
	JIT_TRY(ledger_new(&s->ledger));
	JIT_TRY(tiles_new(&store, &s->tiles));
	return read_from(s, &beginning, why);
}

/* The tiles on the disk are those of the snapshot's tree. */
static enum jit_err
check_tiles(struct store *s, const struct journal_mark *m,
    struct jit_why *why)
{
	const struct merkle_source src = tiles_source(s->tiles);
	struct digest is, must;

	if (s->c.readonly)
		return JIT_OK;
	JIT_TRY(tile_disk_check(s->tile_disk, s->tiles, why));
	JIT_TRY(merkle_edge_root(&m->edge, &must));
	JIT_TRY(merkle_root(&src, m->edge.size, &is));
	return digest_eq(&is, &must) ? JIT_OK : jit_fail(why, JIT_E_VERIFY,
	    "the snapshot's tiles are not of its log");
}

/*
 * Begin at the snapshot.  JIT_E_UNKNOWN: there is none.  *lost: its
 * checkpoint, when the journal has never been there (JIT_E_ROLLBACK).
 */
static enum jit_err
read_snapshot(struct store *s, struct buf *lost, struct jit_why *why)
{
	JIT_DONE(snapshot_done) struct snapshot snap = { .tiles = NULL };
	const struct tile_store store = store_of(s);
	enum jit_err e;

	JIT_TRY(snapshot_load(&s->home_ops, s->c.vkey, &store, &snap, why));
	s->tiles = snap.tiles;
	s->ledger = snap.ledger;
	snap.tiles = NULL;
	snap.ledger = NULL;
	JIT_TRY(check_tiles(s, &snap.mark, why));
	e = read_from(s, &snap.mark, why);
	if (e == JIT_E_ROLLBACK) {
		*lost = snap.note;
		snap.note = (struct buf){ NULL, 0 };
	}
	JIT_TRY(e);
	s->snapped = snap.mark.edge.size;
	return JIT_OK;
}

static enum jit_err
read_log(struct store *s, struct buf *lost, struct jit_why *why)
{
	struct jit_why first = { 0 };
	enum jit_err e = read_snapshot(s, lost, &first);

	/* Those would be found again, later. */
	if (e == JIT_OK || e == JIT_E_LOCKED || e == JIT_E_DAMAGE) {
		if (why != NULL)
			*why = first;
		return e;
	}
	/* No snapshot is nothing to speak of. */
	if (e != JIT_E_UNKNOWN || s->tiles != NULL)
		log_line(LOG_L_WARN, "snapshot-unused", LOG_CODE(e),
		    LOG_WHY(&first));
	return read_all(s, why);
}

static enum jit_err
check_keys(const struct store *s, struct jit_why *why)
{
	if (ledger_size(s->ledger) == 0)
		return jit_fail(why, JIT_E_UNKNOWN, "the log has no entry: "
		    "jit-signer init did not get to its end; remove the home "
		    "directory and run it again");
	if (!tlog_vkey_eq(s->c.vkey, &ledger_genesis(s->ledger)->log))
		return jit_fail(why, JIT_E_VERIFY, "the log was begun with "
		    "another log key");
	return JIT_OK;
}

/* ---- frozen ---- */

/* Did admins recover the log from what stopped it at that size? */
static bool
is_past(const struct store *s, uint64_t size)
{
	uint64_t at = ledger_recovery(s->ledger);

	return at != 0 && at >= size;
}

static enum jit_err
freeze(struct store *s, enum recovery_cause cause, struct span note)
{
	if (s->frozen.is)
		return JIT_OK;
	JIT_TRY(buf_copy(&s->frozen.note, note));
	s->frozen.is = true;
	s->frozen.cause = cause;
	return JIT_OK;
}

static enum jit_err
read_frozen(struct store *s, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf file = { NULL, 0 };
	enum jit_err e = keep_get(&s->home_ops, FROZEN_FILE, FROZEN_MAX,
	    &file, why);
	struct rd r = rd_of(BUF_SPAN(file));
	struct span magic, note;
	uint64_t size;
	uint8_t cause;

	if (e == JIT_E_UNKNOWN)
		return JIT_OK;
	JIT_TRY(e);
	magic = rd_raw(&r, sizeof(FROZEN_MAGIC) - 1);
	cause = rd_u8(&r);
	size = rd_u64(&r);
	note = rd_string(&r, TLOG_NOTE_MAX);
	if (rd_end(&r) != JIT_OK || !span_eq_str(magic, FROZEN_MAGIC) ||
	    cause > 1)
		return jit_fail(why, JIT_E_FORMAT, "\"frozen\" in the home "
		    "directory is not what this version writes");
	s->kept_frozen = true;
	if (is_past(s, size))
		return JIT_OK;
	return freeze(s, cause == 0 ? RECOVERY_ROLLBACK : RECOVERY_CLOCK,
	    note);
}

/* Is c a state that this journal has been in? */
static enum jit_err
is_known(struct store *s, const struct checkpoint *c, bool *ret)
{
	const struct merkle_source src = tiles_source(s->tiles);
	struct digest root;

	*ret = false;
	if (c->size > ledger_size(s->ledger))
		return JIT_OK;
	/* Without tiles it cannot be told; who writes has them. */
	if (s->c.readonly && merkle_root(&src, c->size, &root) != JIT_OK)
		return *ret = true, JIT_OK;
	JIT_TRY(merkle_root(&src, c->size, &root));
	*ret = digest_eq(&root, &c->root);
	return JIT_OK;
}

/* A snapshot of this log where this journal has never been, by its mark. */
static enum jit_err
judge_lost(struct store *s, struct span note, struct jit_why *why)
{
	struct checkpoint c;
	bool known = false;

	if (note.n == 0)
		return JIT_OK;
	JIT_TRY(checkpoint_open(note, s->c.vkey, &c, why));
	JIT_TRY(is_known(s, &c, &known));
	if (known || c.size <= ledger_given_up(s->ledger))
		return JIT_OK;
	log_line(LOG_L_ERROR, "log-went-back",
	    LOG_NUM("size", ledger_size(s->ledger)),
	    LOG_NUM("was", c.size),
	    LOG_STR("why", "the snapshot is of a longer or another journal: "
	    "a tail was lost, or a backup restored"));
	return freeze(s, RECOVERY_ROLLBACK, note);
}

enum jit_err
store_keep_frozen(struct store *s, struct jit_why *why)
{
	const struct frozen *f = turn_frozen(s->turn);
	JIT_DONE(wr_done) struct wr w = WR_INIT(FROZEN_MAX);

	if (f->is == s->kept_frozen)
		return JIT_OK;
	if (!f->is) {
		JIT_TRY(keep_remove(&s->home_ops, FROZEN_FILE, why));
		s->kept_frozen = false;
		return JIT_OK;
	}
	wr_str(&w, FROZEN_MAGIC);
	wr_u8(&w, f->cause == RECOVERY_ROLLBACK ? 0 : 1);
	wr_u64(&w, ledger_size(turn_ledger(s->turn)));
	wr_string(&w, BUF_SPAN(f->note));
	JIT_TRY(w.err);
	JIT_TRY(keep_put(&s->home_ops, FROZEN_FILE, wr_view(&w), why));
	s->kept_frozen = true;
	return JIT_OK;
}

/* ---- all of it ---- */

/* A full disk is no reason not to be there: nothing here is needed at once. */
static enum jit_err
begin_files(struct store *s, struct jit_why *why)
{
	enum jit_err e = tile_disk_room(s->tile_disk, tiles_size(s->tiles),
	    why);

	if (e == JIT_OK)
		e = store_keep_frozen(s, why);
	if (e != JIT_E_FULL)
		return e;
	log_line(LOG_L_WARN, "disk-full", LOG_WHY(why));
	return JIT_OK;
}

static enum jit_err
make_turn(struct store *s, struct jit_why *why)
{
	const struct turn_config c = {
		.journal = s->journal,
		.tiles = s->tiles,
		.ledger = s->ledger,
		.ca = s->c.ca,
		.log = s->c.log,
		.vkey = s->c.vkey,
		.rng = s->c.rng,
	};

	s->ledger = NULL;
	JIT_TRY(turn_new(&c, &s->turn, why));
	if (s->frozen.is)
		JIT_TRY(turn_freeze(s->turn, s->frozen.cause,
		    BUF_SPAN(s->frozen.note)));
	return begin_files(s, why);
}

enum jit_err
store_create(const struct store_config *c, struct store **ret,
    struct jit_why *why)
{
	JIT_SCOPED(store_close) struct store *s = NULL;
	struct journal_config jc;
	struct tile_store store;
	enum jit_err e = make_dir(c->home, "journal", why);

	if (e != JIT_OK)
		return e == JIT_E_EXISTS ? jit_fail(why, e, "there is a "
		    "journal in the home directory") : e;
	JIT_TRY(prepare(c, &s, why));
	store = store_of(s);
	jc = config(s);
	JIT_TRY(journal_create(&jc, &s->journal, why));
	JIT_TRY(ledger_new(&s->ledger));
	JIT_TRY(tiles_new(&store, &s->tiles));
	JIT_TRY(make_turn(s, why));
	*ret = s;
	s = NULL;
	return JIT_OK;
}

enum jit_err
store_open(const struct store_config *c, struct store **ret,
    struct jit_why *why)
{
	JIT_SCOPED(store_close) struct store *s = NULL;
	JIT_DONE(buf_done) struct buf lost = { NULL, 0 };

	JIT_TRY(prepare(c, &s, why));
	JIT_TRY(read_log(s, &lost, why));
	JIT_TRY(check_keys(s, why));
	JIT_TRY(read_frozen(s, why));
	JIT_TRY(judge_lost(s, BUF_SPAN(lost), why));
	if (!c->readonly)
		JIT_TRY(make_turn(s, why));
	log_line(LOG_L_INFO, "opened",
	    LOG_NUM("size", ledger_size(store_ledger(s))),
	    LOG_NUM("snapshot", s->snapped),
	    LOG_NUM("erased", ledger_erased(store_ledger(s))));
	*ret = s;
	s = NULL;
	return JIT_OK;
}

struct turn *
store_turn(struct store *s)
{
	return s->turn;
}

const struct ledger *
store_ledger(const struct store *s)
{
	return s->turn != NULL ? turn_ledger(s->turn) : s->ledger;
}

struct journal *
store_journal(struct store *s)
{
	return s->journal;
}

const struct frozen *
store_frozen(const struct store *s)
{
	return s->turn != NULL ? turn_frozen(s->turn) : &s->frozen;
}

enum jit_err
store_flush(struct store *s, struct jit_why *why)
{
	return tile_disk_flush(s->tile_disk, why);
}

enum jit_err
store_snapshot(struct store *s, struct jit_why *why)
{
	const struct snapshot_of of = {
		.mark = journal_mark(s->journal),
		.note = journal_note(s->journal),
		.tiles = s->tiles,
		.ledger = turn_ledger(s->turn),
	};

	JIT_TRY(tile_disk_sync(s->tile_disk, why));
	JIT_TRY(snapshot_save(&s->home_ops, &of, why));
	s->snapped = of.mark->edge.size;
	return JIT_OK;
}

uint64_t
store_behind(const struct store *s)
{
	return journal_mark(s->journal)->edge.size - s->snapped;
}
