/*
 * journal: whatever the disk does, what was acknowledged is there byte for
 * byte, the log verifies, and goes on (cases 96 to 100).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signer/crash.h"
#include "signer/journal_batch.h"
#include "signer/journal_index.h"
#include "tests/lib/jt.h"
#include "tests/signer/simdisk.h"

#define SEGMENT 8192
#define BIG ((uint64_t)1 << 30)

static struct ssh_priv *priv;
static struct tlog_vkey key;

static struct journal_config
config(const struct journal_ops *ops)
{
	return (struct journal_config){ .ops = ops, .log = &key,
	    .segment = SEGMENT };
}

/* Entry i of every test's log: its body tells which it is. */
static void
make_entry(uint64_t i, struct entry *e, char body[200])
{
	memset(body, (int)('a' + i % 26), 200);
	(void)snprintf(body, 200, "entry %llu ", (unsigned long long)i);
	*e = (struct entry){ .type = ENTRY_BLOB, .time = 1000 + (utc_s)i / 3,
	    .index = i, .body = SPAN(body, 100 + i % 100) };
	memset(e->salt, (int)i, sizeof(e->salt));
	JT_OK(entry_seal(e));
}

static enum jit_err
append(struct journal *j, size_t n)
{
	JIT_DONE(wr_done) struct wr note = WR_INIT(TLOG_NOTE_MAX);
	struct merkle_edge edge = journal_mark(j)->edge;
	static char body[8][200];
	struct entry e[8];
	struct checkpoint c;
	struct digest d;

	for (size_t i = 0; i < n; i++) {
		make_entry(edge.size, &e[i], body[i]);
		JT_OK(merkle_leaf(SPAN(e[i].leaf, ENTRY_LEAF), &d));
		JT_OK(merkle_edge_add(&edge, &d));
	}
	c.size = edge.size;
	JT_OK(merkle_edge_root(&edge, &c.root));
	JT_OK(checkpoint_sign(&note, &c, &key, priv));
	return journal_append(j, e, n, wr_view(&note), NULL);
}

struct seen { uint64_t next, erased; };

static enum jit_err
see(void *arg, const struct entry *e)
{
	struct seen *s = arg;
	char body[200];
	struct entry want;

	make_entry(e->index, &want, body);
	assert_true(e->index == s->next++);
	assert_memory_equal(e->leaf, want.leaf, ENTRY_LEAF);
	assert_true(e->erased ? e->body.n == 0 : span_eq(e->body, want.body));
	s->erased += e->erased;
	return JIT_OK;
}

static const struct journal_mark beginning;

/* Open and read all; the number of entries. */
static struct journal *
reopen(const struct journal_ops *ops, uint64_t *n)
{
	struct journal_config c = config(ops);
	struct journal *j = NULL;
	struct seen s = { 0 };
	struct jit_why why = { 0 };

	JT_WHY(journal_open(&c, &beginning, see, &s, &j, &why), JIT_OK, &why);
	assert_true(s.next == journal_mark(j)->edge.size);
	*n = s.next;
	return j;
}

/* ---- the life of a journal, with a jump out at any crash point ---- */

static jmp_buf jump;
static int crash_at, crash_left;
/* Beyond the jump these must keep their values. */
static volatile uint64_t acked;
static struct journal *volatile live;

static void
hook(enum crash_point at)
{
	if ((int)at == crash_at && --crash_left == 0)
		longjmp(jump, 1);
}

/* Once more on a full disk, where the spare becomes the copy. */
static enum jit_err
full_open(struct journal *j, const struct journal_ops *ops)
{
	struct journal_config c = config(ops);
	enum jit_err e;

	journal_close(j);
	live = NULL;
	simdisk_capacity(ops->ctx, 0);
	e = journal_open(&c, &beginning, NULL, NULL, &j, NULL);
	simdisk_capacity(ops->ctx, BIG);
	if (e == JIT_OK)
		live = j;
	return e;
}

static void
live_on(const struct journal_ops *ops, uint64_t batches)
{
	struct journal_config c = config(ops);
	struct journal *j = NULL;
	uint64_t n;

	if (journal_create(&c, &j, NULL) != JIT_OK)
		return;
	live = j;
	for (uint64_t i = 0; i < batches; i++) {
		if (append(j, 1 + i % 5) != JIT_OK)
			return;
		acked = journal_mark(j)->edge.size;
	}
	journal_close(j);
	live = NULL;
	if (journal_open(&c, &beginning, NULL, NULL, &j, NULL) != JIT_OK)
		return;
	live = j;
	n = journal_mark(j)->edge.size;
	if (append(j, 2) == JIT_OK)
		acked = n + 2;
	if (full_open(j, ops) != JIT_OK)
		return;
	j = live;
	if (journal_erase(j, 3, NULL) != JIT_OK)
		return;
	journal_close(j);
	live = NULL;
}

/*
 * After the crash: all that was acknowledged, and it goes on.  LOSSES: only
 * the process has ended.
 */
static void
check_after(struct simdisk *d, const struct journal_ops *ops, enum loss mode)
{
	struct journal_config c = config(ops);
	struct journal *j = NULL;
	struct seen s = { 0, 0 };
	struct jit_why why = { 0 };
	enum jit_err e;
	uint64_t n, acked_now;

	if (live != NULL)
		journal_close(live);
	live = NULL;
	simdisk_capacity(d, BIG);
	if (mode == LOSSES)
		simdisk_restart(d);
	else
		simdisk_crash(d, mode);
	e = journal_open(&c, &beginning, see, &s, &j, &why);
	if (e == JIT_E_UNKNOWN && acked == 0) {
		JT_WHY(journal_create(&c, &j, &why), JIT_OK, &why);
		e = JIT_OK;
	}
	JT_WHY(e, JIT_OK, &why);
	n = journal_mark(j)->edge.size;
	assert_true(n >= acked && n <= acked + 5);
	assert_true(s.erased <= 1);
	JT_OK(append(j, 3));
	journal_close(j);
	/* What a lying cache showed would be gone by now. */
	simdisk_crash(d, LOSE_ALL);
	n += 3;
	j = reopen(ops, &acked_now);
	assert_true(acked_now == n);
	journal_close(j);
}

struct point { const char *name, *file; enum crash_point at; };
static const struct point points[] = {
#define X(NAME, file, what) { #NAME, file, CRASH_##NAME },
#include "signer/crash.def"
#undef X
};

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
/* What a process that ends in the middle holds is no leak. */
#define LOSE_MEMORY(on) ((on) ? __lsan_disable() : __lsan_enable())
#else
#define LOSE_MEMORY(on) ((void)(on))
#endif

/* Live on until the hook jumps out; whether it did. */
static bool
crashes(const struct journal_ops *ops)
{
	bool out;

	crash_hook = hook;
	LOSE_MEMORY(true);
	out = setjmp(jump) != 0;
	if (!out)
		live_on(ops, 30);
	LOSE_MEMORY(false);
	crash_hook = NULL;
	return out;
}

static void
crash_point(void **state)
{
	const struct point *p = *state;
	unsigned reached = 0;

	/* Those of the daemon are for its own tests. */
	if (strncmp(p->file, "journal", 7) != 0)
		return;
	for (int mode = 0; mode <= (int)LOSSES; mode++)
		for (int nth = 1; nth <= 4; nth++) {
			struct simdisk *d = simdisk_new(BIG);
			struct journal_ops ops = simdisk_ops(d);

			acked = 0;
			live = NULL;
			crash_at = (int)p->at;
			crash_left = nth;
			reached += crashes(&ops);
			check_after(d, &ops, (enum loss)mode);
			simdisk_free(d);
		}
	/* A point that nothing reaches would be a test that cannot fail. */
	assert_true(reached > (unsigned)LOSSES);
}

/* How many effects a whole life has. */
static unsigned
life_effects(void)
{
	struct simdisk *d = simdisk_new(BIG);
	struct journal_ops ops = simdisk_ops(d);
	unsigned n;

	live_on(&ops, 12);
	n = simdisk_effects(d);
	simdisk_free(d);
	return n;
}

/* Every effect on the disk fails once: with EIO, and with a full disk. */
static void
failing(enum jit_err with)
{
	unsigned total = life_effects();

	assert_true(total > 30);
	for (unsigned n = 1; n <= total; n++)
		for (int mode = 0; mode <= (int)LOSSES; mode++) {
			struct simdisk *d = simdisk_new(BIG);
			struct journal_ops ops = simdisk_ops(d);

			acked = 0;
			live = NULL;
			simdisk_fail(d, n, with);
			live_on(&ops, 12);
			check_after(d, &ops, (enum loss)mode);
			simdisk_free(d);
		}
}

static void
io_fails(void **state)
{
	(void)state;
	failing(JIT_E_IO);
}

static void
space_fails(void **state)
{
	(void)state;
	failing(JIT_E_FULL);
}

static void
disk_full(void **state)
{
	struct simdisk *d = simdisk_new(3 * SEGMENT);
	struct journal_ops ops = simdisk_ops(d);
	struct journal_config c = config(&ops);
	struct journal *j = NULL;
	enum jit_err e;
	uint64_t n;

	(void)state;
	JT_OK(journal_create(&c, &j, NULL));
	while ((e = append(j, 4)) == JIT_OK)
		;
	JT_ERR(e, JIT_E_FULL);
	assert_false(journal_has_spare(j));
	/* Reading works, and nothing was half done. */
	n = journal_mark(j)->edge.size;
	JT_ERR(append(j, 4), JIT_E_FULL);
	assert_true(journal_mark(j)->edge.size == n);
	simdisk_capacity(d, BIG);
	assert_true(journal_has_spare(j));
	JT_OK(append(j, 4));
	journal_close(j);
	j = reopen(&ops, &n);
	journal_close(j);
	simdisk_free(d);
}

/* ---- damage ---- */

static struct simdisk *
example(struct journal_ops *ops, uint64_t batches, uint64_t *n)
{
	struct simdisk *d = simdisk_new(BIG);
	struct journal_config c;
	struct journal *j = NULL;

	*ops = simdisk_ops(d);
	c = config(ops);
	JT_OK(journal_create(&c, &j, NULL));
	for (uint64_t i = 0; i < batches; i++)
		JT_OK(append(j, 3));
	*n = journal_mark(j)->edge.size;
	journal_close(j);
	return d;
}

static enum jit_err
count(void *arg, const struct entry *e)
{
	(void)e;
	++*(uint64_t *)arg;
	return JIT_OK;
}

struct flips { uint64_t refused, cut, whole; };

/* One flipped bit: refused, or the last batch is cut off, or it is nothing. */
static void
flip(const struct journal_config *c, uint8_t *at, uint8_t bit, uint64_t n,
    struct flips *f)
{
	struct journal *j = NULL;
	struct seen s = { 0, 0 };
	enum jit_err e;

	*at ^= bit;
	e = journal_open(c, &beginning, see, &s, &j, NULL);
	*at ^= bit;
	if (e == JIT_OK) {
		assert_true(s.next == n || s.next == n - 3);
		assert_true(s.erased == 0);
		f->cut += s.next == n - 3;
		f->whole += s.next == n;
	} else {
		f->refused++;
		assert_true(e == JIT_E_DAMAGE || e == JIT_E_LOGNAME);
	}
	journal_close(j);
}

static void
flipped(void **state)
{
	struct journal_ops ops;
	uint64_t n, size = 0, used;
	struct simdisk *d = example(&ops, 4, &n);
	struct journal_config c = config(&ops);
	struct journal *j = NULL;
	struct flips f = { 0 };
	uint8_t *p;

	(void)state;
	c.readonly = true;
	JT_OK(journal_open(&c, &beginning, NULL, NULL, &j, NULL));
	used = journal_bytes(j);
	journal_close(j);
	p = simdisk_file(d, "0000000000000000.seg", &size);
	for (uint64_t at = 0; at < size; at += at < used ? 1 : 61) {
		flip(&c, p + at, 0x01, n, &f);
		flip(&c, p + at, 0x40, n, &f);
	}
	assert_true(f.refused > 2000 && f.cut > 600);
	/* Behind the end, and the flags of the bodies that are still there. */
	assert_true(f.whole == (size - used + 60) / 61 * 2 + n);
	simdisk_free(d);
}

static void
segment_missing(void **state)
{
	struct journal_ops ops;
	uint64_t n;
	struct simdisk *d = example(&ops, 60, &n);
	struct journal_config c = config(&ops);
	struct journal *j = NULL;

	(void)state;
	JT_OK(ops.remove(ops.ctx, "0000000000000000.seg"));
	JT_ERR(journal_open(&c, &beginning, NULL, NULL, &j, NULL),
	    JIT_E_DAMAGE);
	simdisk_free(d);
}

/* ---- marks, reading back, erasing ---- */

static void
marks(void **state)
{
	struct journal_ops ops;
	uint64_t n, got;
	struct simdisk *d = example(&ops, 60, &n);
	struct journal_config c = config(&ops);
	struct journal *j = reopen(&ops, &n);
	struct journal_mark at[5];
	size_t k = 0;

	(void)state;
	for (; k < 5; k++) {
		at[k] = *journal_mark(j);
		for (int i = 0; i < 9; i++)
			JT_OK(append(j, 2));
	}
	n = journal_mark(j)->edge.size;
	journal_close(j);
	for (k = 0; k < 5; k++) {
		got = 0;
		JT_OK(journal_open(&c, &at[k], count, &got, &j, NULL));
		assert_true(got == n - at[k].edge.size);
		assert_true(journal_mark(j)->edge.size == n);
		assert_true(journal_note(j).n > 0);
		journal_close(j);
	}
	/* Inside a batch, of another journal, or newer than this one. */
	at[0].batch.b[0] ^= 1;
	JT_ERR(journal_open(&c, &at[0], NULL, NULL, &j, NULL),
	    JIT_E_ROLLBACK);
	at[1].edge.size++;
	JT_ERR(journal_open(&c, &at[1], NULL, NULL, &j, NULL),
	    JIT_E_ROLLBACK);
	at[2].edge.size = n + 5;
	JT_ERR(journal_open(&c, &at[2], NULL, NULL, &j, NULL),
	    JIT_E_ROLLBACK);
	simdisk_free(d);
}

static void
read_back(void **state)
{
	struct journal_ops ops;
	uint64_t n, at;
	struct simdisk *d = example(&ops, 60, &n);
	struct journal *j = reopen(&ops, &n);

	(void)state;
	for (uint64_t i = 0; i < n; i += 7) {
		struct seen s = { i, 0 };
		uint64_t len = n - i < 40 ? n - i : 40;

		JT_OK(journal_read(j, i, len, see, &s, NULL));
		assert_true(s.next == i + len);
		JT_OK(journal_find_time(j, 1000 + (utc_s)i / 3, &at, NULL));
		assert_true(at == i / 3 * 3);
	}
	JT_ERR(journal_read(j, n, 1, count, &at, NULL), JIT_E_ARG);
	JT_ERR(journal_read(j, 0, n + 1, count, &at, NULL), JIT_E_ARG);
	JT_ERR(journal_read(j, 0, 0, count, &at, NULL), JIT_E_ARG);
	JT_OK(journal_find_time(j, 0, &at, NULL));
	assert_true(at == 0);
	JT_OK(journal_find_time(j, 1 << 30, &at, NULL));
	assert_true(at == n);
	/* Erased: gone for every reader, and the log still verifies. */
	JT_OK(journal_erase(j, 5, NULL));
	JT_OK(journal_erase(j, n - 1, NULL));
	JT_ERR(journal_erase(j, n, NULL), JIT_E_ARG);
	JT_OK(append(j, 2));
	journal_close(j);
	j = reopen(&ops, &n);
	journal_close(j);
	simdisk_free(d);
}

/* ---- single reads, from points in memory ---- */

/* n single reads in no order; each gives what the entry was made of. */
static void
random_reads(struct journal *j, unsigned n)
{
	uint64_t size = journal_mark(j)->edge.size, seed = 3;

	for (unsigned k = 0; k < n; k++) {
		struct seen s = { 0 };
		uint64_t i;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		i = s.next = (seed >> 20) % size;
		JT_OK(journal_read(j, i, 1, see, &s, NULL));
		assert_true(s.next == i + 1);
		assert_true(s.erased == (i % 50 == 7 && i < 300));
	}
}

/* More segments than there are slots; the names of all fit the disk. */
#define MANY 190

static void
random_single(void **state)
{
	struct journal_ops ops;
	uint64_t n;
	struct simdisk *d = example(&ops, MANY, &n);
	struct journal_config c = config(&ops);
	struct journal *j = reopen(&ops, &n);
	struct journal_mark mark;

	(void)state;
	assert_true(journal_bytes(j) > (JOURNAL_INDEX_SLOTS + 4) * SEGMENT);
	for (uint64_t i = 7; i < 300; i += 50)
		JT_OK(journal_erase(j, i, NULL));
	random_reads(j, 500);
	mark = *journal_mark(j);
	for (int i = 0; i < 20; i++) {
		JT_OK(append(j, 1 + (size_t)i % 3));
		random_reads(j, 40);
	}
	journal_close(j);
	j = NULL;
	JT_OK(journal_open(&c, &mark, NULL, NULL, &j, NULL));
	random_reads(j, 500);
	journal_close(j);
	simdisk_free(d);
}

/* A read inside a read, which takes every slot from the one outside. */
static enum jit_err
read_inside(void *arg, const struct entry *e)
{
	struct journal *j = arg;
	struct span body = e->body;
	char want[200];
	struct entry again;

	random_reads(j, 60);
	make_entry(e->index, &again, want);
	assert_true(span_eq(body, again.body));
	return JIT_OK;
}

static void
nested(void **state)
{
	struct journal_ops ops;
	uint64_t n;
	struct simdisk *d = example(&ops, MANY, &n);
	struct journal *j = reopen(&ops, &n);

	(void)state;
	for (uint64_t i = 7; i < 300; i += 50)
		JT_OK(journal_erase(j, i, NULL));
	JT_OK(journal_read(j, 400, 60, read_inside, j, NULL));
	random_reads(j, 100);
	journal_close(j);
	simdisk_free(d);
}

static uint64_t bytes_read;
static enum jit_err (*plain_read)(void *ctx, int fd, uint64_t off, void *p,
    size_t n);

static enum jit_err
count_read(void *ctx, int fd, uint64_t off, void *p, size_t n)
{
	bytes_read += n;
	return plain_read(ctx, fd, off, p, n);
}

/* Once a segment was walked, a read takes no more than two steps of it. */
static void
bounded(void **state)
{
	struct simdisk *d = simdisk_new(BIG);
	struct journal_ops ops = simdisk_ops(d);
	struct journal_config c;
	struct journal *j = NULL;
	uint64_t n, at;

	(void)state;
	plain_read = ops.read;
	ops.read = count_read;
	c = config(&ops);
	c.segment = 128 * 1024;
	JT_OK(journal_create(&c, &j, NULL));
	while (journal_bytes(j) < 3 * c.segment - 4096)
		JT_OK(append(j, 3));
	n = journal_mark(j)->edge.size;
	for (int round = 0; round < 2; round++) {
		/* The first read opens the file; its header is read. */
		for (uint64_t i = 0; i < n; i += 90)
			JT_OK(journal_read(j, i, 1, count, &at, NULL));
		for (uint64_t i = 0; i < n; i += 11) {
			struct seen s = { i, 0 };

			bytes_read = 0;
			JT_OK(journal_read(j, i, 1, see, &s, NULL));
			assert_true(bytes_read > 0 && bytes_read <= 4096);
		}
		journal_close(j);
		j = NULL;
		JT_OK(journal_open(&c, &beginning, NULL, NULL, &j, NULL));
	}
	bytes_read = 0;
	JT_OK(journal_find_time(j, 1000 + (utc_s)n / 5, &at, NULL));
	assert_true(at == n * 3 / 5 / 3 * 3);
	assert_true(bytes_read < c.segment);
	journal_close(j);
	simdisk_free(d);
}

/* Points that say something wrong: the entry is found all the same. */
static void
wrong_point(void **state)
{
	/* Inside a batch, behind all, and the place of entry 0's batch. */
	static const uint64_t off[] = { 700, SEGMENT - 10, UINT32_MAX, 0, 89 };
	struct journal_ops ops;
	uint64_t n;
	struct simdisk *d = example(&ops, 60, &n);
	struct journal_config c = config(&ops);
	struct journal *j = reopen(&ops, &n);
	struct journal_mark mark = *journal_mark(j);

	(void)state;
	journal_close(j);
	for (size_t k = 0; k < sizeof(off) / sizeof(off[0]); k++)
		for (uint64_t i = 0; i < 12; i++) {
			struct seen s = { i, 0 };

			/* From the mark: nothing is known of segment 0. */
			j = NULL;
			JT_OK(journal_open(&c, &mark, NULL, NULL, &j, NULL));
			journal_index_note(j, 0, 2, off[k]);
			JT_OK(journal_read(j, i, 1, see, &s, NULL));
			assert_true(s.next == i + 1);
			journal_close(j);
		}
	simdisk_free(d);
}

/* Whether entry i can be read; what comes is right. */
static bool
readable(struct journal *j, uint64_t i)
{
	struct seen s = { i, 0 };
	enum jit_err e = journal_read(j, i, 1, see, &s, NULL);

	assert_true(e == JIT_OK || e == JIT_E_DAMAGE);
	assert_true(s.next == i + (e == JIT_OK));
	return e == JIT_OK;
}

/* An older segment is damaged, before and after points into it are known. */
static void
damaged_older(void **state)
{
	struct journal_ops ops;
	uint64_t n, size;
	struct simdisk *d = example(&ops, 60, &n);
	struct journal_config c = config(&ops);
	struct journal *j = reopen(&ops, &n);
	struct journal_mark mark = *journal_mark(j);
	uint8_t *p = simdisk_file(d, "0000000000000000.seg", &size);

	(void)state;
	/* The second batch, that of entries 3 to 5: magic, leaves. */
	for (p += 100; memcmp(p, "jitbat1\n", 8) != 0; p++)
		;
	for (int known = 0; known < 2; known++)
		for (size_t k = 0; k < 100; k += 3) {
			journal_close(j);
			j = NULL;
			JT_OK(journal_open(&c, &mark, NULL, NULL, &j, NULL));
			assert_true(known == 0 || readable(j, 15));
			p[k] ^= 0x10;
			for (uint64_t i = 3; i < 6; i++)
				assert_false(readable(j, i));
			assert_true(readable(j, 0));
			assert_true(readable(j, n - 1));
			/* Behind it only with a point there; never wrong. */
			(void)readable(j, 15);
			p[k] ^= 0x10;
			for (uint64_t i = 0; i < 20; i++)
				assert_true(readable(j, i));
		}
	/* A segment that is gone. */
	journal_close(j);
	j = NULL;
	JT_OK(journal_open(&c, &mark, NULL, NULL, &j, NULL));
	JT_OK(ops.remove(ops.ctx, "0000000000000000.seg"));
	assert_false(readable(j, 3));
	journal_close(j);
	simdisk_free(d);
}

/* Entries that do not follow, and checkpoints of another tree. */
static void
refused(void **state)
{
	struct journal_ops ops;
	uint64_t n;
	struct simdisk *d = example(&ops, 2, &n);
	struct journal *j = reopen(&ops, &n);
	JIT_DONE(buf_done) struct buf note = { NULL, 0 };
	struct entry e;
	char body[200];

	(void)state;
	JT_OK(buf_copy(&note, journal_note(j)));
	make_entry(n, &e, body);
	JT_ERR(journal_append(j, &e, 1, BUF_SPAN(note), NULL), JIT_E_ARG);
	JT_ERR(journal_append(j, &e, 0, BUF_SPAN(note), NULL), JIT_E_ARG);
	make_entry(n + 1, &e, body);
	JT_ERR(journal_append(j, &e, 1, BUF_SPAN(note), NULL), JIT_E_ARG);
	make_entry(n, &e, body);
	body[0] ^= 1;
	JT_ERR(journal_append(j, &e, 1, BUF_SPAN(note), NULL), JIT_E_ARG);
	/* A leaf that says something else than what stands beside it. */
	make_entry(n + 1, &e, body);
	e.index = n;
	JT_ERR(journal_append(j, &e, 1, BUF_SPAN(note), NULL), JIT_E_ARG);
	JT_OK(append(j, 1));
	journal_close(j);
	simdisk_free(d);
}

/* ---- what must never be taken for a torn tail ---- */

/* How many entries a plain open finds: nothing may have been cut off. */
static void
still_has(const struct journal_ops *ops, uint64_t want)
{
	uint64_t n;
	struct journal *j = reopen(ops, &n);

	assert_true(n == want);
	journal_close(j);
}

/* A snapshot whose edge is wrong, with one batch after it. */
static void
wrong_edge(void **state)
{
	struct journal_ops ops;
	uint64_t n;
	struct simdisk *d = example(&ops, 5, &n);
	struct journal_config c = config(&ops);
	struct journal *j = reopen(&ops, &n);
	struct journal_mark mark = *journal_mark(j);

	(void)state;
	JT_OK(append(j, 2));
	journal_close(j);
	mark.edge.peak[0].b[5] ^= 1;
	JT_ERR(journal_open(&c, &mark, NULL, NULL, &j, NULL),
	    JIT_E_ROLLBACK);
	still_has(&ops, n + 2);
	simdisk_free(d);
}

static enum jit_err
refuse_last(void *arg, const struct entry *e)
{
	return e->index + 1 == *(uint64_t *)arg ? JIT_E_FORMAT : JIT_OK;
}

/* The reader refuses an entry, with the error that a tear has inside. */
static void
reader_refuses(void **state)
{
	struct journal_ops ops;
	uint64_t n;
	struct simdisk *d = example(&ops, 5, &n);
	struct journal_config c = config(&ops);
	struct journal *j = NULL;

	(void)state;
	JT_ERR(journal_open(&c, &beginning, refuse_last, &n, &j, NULL),
	    JIT_E_FORMAT);
	still_has(&ops, n);
	simdisk_free(d);
}

/* A batch that is whole, with a checkpoint of another tree. */
static void
wrong_root(void **state)
{
	JIT_DONE(wr_done) struct wr note = WR_INIT(TLOG_NOTE_MAX);
	JIT_DONE(wr_done) struct wr w = WR_INIT(SEGMENT);
	struct journal_ops ops;
	uint64_t n, off, size;
	struct simdisk *d = example(&ops, 5, &n);
	struct journal_config c = config(&ops);
	struct journal *j = reopen(&ops, &n);
	struct checkpoint cp = { .size = n + 1 };
	struct digest hash;
	struct entry e;
	char body[200];

	(void)state;
	make_entry(n, &e, body);
	JT_OK(checkpoint_sign(&note, &cp, &key, priv));
	JT_OK(batch_put(&w, &e, 1, wr_view(&note), &journal_mark(j)->batch,
	    &hash));
	off = journal_bytes(j);
	journal_close(j);
	memcpy(simdisk_file(d, "0000000000000000.seg", &size) + off, w.p,
	    w.n);
	JT_ERR(journal_open(&c, &beginning, NULL, NULL, &j, NULL),
	    JIT_E_DAMAGE);
	simdisk_free(d);
}

/* A torn batch, in whose body somebody has sent the bytes of a batch. */
static void
batch_in_body(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SEGMENT);
	struct journal_ops ops;
	uint64_t n, off, size;
	struct simdisk *d = example(&ops, 5, &n);
	struct journal *j = reopen(&ops, &n);
	struct digest hash, none = { { 0 } };
	struct entry e;
	char body[200];

	(void)state;
	make_entry(n + 9, &e, body);
	JT_OK(batch_put(&w, &e, 1, journal_note(j), &none, &hash));
	off = journal_bytes(j);
	journal_close(j);
	memcpy(simdisk_file(d, "0000000000000000.seg", &size) + off + 700,
	    w.p, w.n);
	still_has(&ops, n);
	simdisk_free(d);
}

/* A mark at each batch's end: note, time and edge are those of then. */
static void
every_mark(void **state)
{
	struct journal_ops ops;
	uint64_t n;
	struct simdisk *d = example(&ops, 1, &n);
	struct journal_config c = config(&ops);
	struct journal *j = reopen(&ops, &n), *k;

	(void)state;
	c.readonly = true;
	for (int i = 0; i < 70; i++) {
		struct journal_mark mark = *journal_mark(j);

		k = NULL;
		JT_OK(journal_open(&c, &mark, refuse_last, &n, &k, NULL));
		assert_true(span_eq(journal_note(k), journal_note(j)));
		assert_memory_equal(journal_mark(k), &mark, sizeof(mark));
		journal_close(k);
		JT_OK(append(j, 2));
	}
	journal_close(j);
	simdisk_free(d);
}

/* A process that is really ended, at the second hit of a point. */
static void
selected(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	JT_ERR(crash_select("NO_SUCH_POINT", NULL), JIT_E_ARG);
	JT_ERR(crash_select("SYNC_AFTER:0", NULL), JIT_E_ARG);
	JT_ERR(crash_select("SYNC_AFTER:x", NULL), JIT_E_ARG);
	assert_string_equal(crash_name(CRASH_SYNC_AFTER), "SYNC_AFTER");
	assert_null(crash_name(CRASH_POINTS));
	if ((pid = fork()) == 0) {
		if (crash_select("SYNC_AFTER:2", NULL) != JIT_OK)
			_exit(1);
		crash_hit(CRASH_WRITE_AFTER);
		crash_hit(CRASH_SYNC_AFTER);
		crash_hit(CRASH_SYNC_AFTER);
		_exit(2);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == CRASH_EXIT);
}

/* Files that others can read, or that have another name (case 101). */
static void
planted(void **state)
{
	int dir = open(jt_tmpdir(), O_RDONLY | O_DIRECTORY), fd = -1;
	struct journal_disk disk = { dir, -1 };
	struct journal_ops ops = journal_ops_posix(&disk);

	(void)state;
	JT_OK(ops.open(ops.ctx, "a", true, &fd));
	ops.close(ops.ctx, fd);
	JT_OK(ops.open(ops.ctx, "a", false, &fd));
	ops.close(ops.ctx, fd);
	assert_int_equal(fchmodat(dir, "a", 0640, 0), 0);
	JT_ERR(ops.open(ops.ctx, "a", false, &fd), JIT_E_MODE);
	assert_int_equal(fchmodat(dir, "a", 0600, 0), 0);
	assert_int_equal(linkat(dir, "a", dir, "b", 0), 0);
	JT_ERR(ops.open(ops.ctx, "a", false, &fd), JIT_E_OWNER);
	assert_int_equal(symlinkat("a", dir, "c"), 0);
	JT_ERR(ops.open(ops.ctx, "c", false, &fd), JIT_E_IO);
	/* Creating makes a file of its own in place of any of them. */
	JT_OK(ops.open(ops.ctx, "b", true, &fd));
	JT_OK(ops.write(ops.ctx, fd, 0, "x", 1));
	ops.close(ops.ctx, fd);
	JT_OK(ops.open(ops.ctx, "a", false, &fd));
	ops.close(ops.ctx, fd);
	JT_OK(ops.remove(ops.ctx, "a"));
	JT_OK(ops.remove(ops.ctx, "b"));
	JT_OK(ops.remove(ops.ctx, "c"));
	(void)close(dir);
}

/* The real disk, and its lock. */
static void
real_disk(void **state)
{
	int dir = open(jt_tmpdir(), O_RDONLY | O_DIRECTORY);
	struct journal_disk one = { dir, -1 }, two = { dir, -1 };
	struct journal_ops ops = journal_ops_posix(&one);
	struct journal_ops other = journal_ops_posix(&two);
	struct journal_config c = config(&ops), c2 = config(&other);
	struct journal *j = NULL, *k = NULL;
	uint64_t n;

	(void)state;
	JT_OK(journal_create(&c, &j, NULL));
	for (int i = 0; i < 60; i++)
		JT_OK(append(j, 3));
	JT_ERR(journal_open(&c2, &beginning, NULL, NULL, &k, NULL),
	    JIT_E_LOCKED);
	c2.readonly = true;
	JT_OK(journal_open(&c2, &beginning, NULL, NULL, &k, NULL));
	assert_true(journal_mark(k)->edge.size == 180);
	assert_true(journal_bytes(k) == journal_bytes(j));
	journal_close(k);
	journal_close(j);
	JT_ERR(journal_create(&c, &j, NULL), JIT_E_EXISTS);
	j = reopen(&ops, &n);
	assert_true(n == 180);
	journal_close(j);
	(void)close(one.lockfd);
	(void)close(two.lockfd);
	(void)close(dir);
}

int
main(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	struct span pub;
	int bad;

	if (ssh_priv_generate(SSH_ED25519, 0, &rng, &priv, NULL) != JIT_OK)
		return 1;
	pub = ssh_key_blob(ssh_priv_public(priv));
	if (tlog_vkey_make("a.log", pub.p + pub.n - 32, &key, NULL) != JIT_OK)
		return 1;
	bad = jt_one("the real disk", real_disk) +
	    jt_one("marks", marks) + jt_one("read back", read_back) +
	    jt_one("random single reads", random_single) +
	    jt_one("a read inside a read", nested) +
	    jt_one("a read is bounded", bounded) +
	    jt_one("a wrong point", wrong_point) +
	    jt_one("an older segment is damaged", damaged_older) +
	    jt_one("refused", refused) + jt_one("disk full", disk_full) +
	    jt_one("a flipped byte", flipped) +
	    jt_one("a segment is missing", segment_missing) +
	    jt_one("a snapshot with a wrong edge", wrong_edge) +
	    jt_one("the reader refuses", reader_refuses) +
	    jt_one("a whole batch with a wrong root", wrong_root) +
	    jt_one("a batch in a torn body", batch_in_body) +
	    jt_one("a mark at every batch", every_mark) +
	    jt_one("a selected point", selected) +
	    jt_one("planted files", planted) +
	    JT_ROWS("crash points", crash_point, points) +
	    jt_one("each effect fails: EIO", io_fails) +
	    jt_one("each effect fails: ENOSPC", space_fails);
	ssh_priv_free(priv);
	return bad;
}
