#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signer/crash.h"
#include "signer/journal_index.h"

void
journal_name(uint64_t first, char ret[static JOURNAL_NAME])
{
	(void)snprintf(ret, JOURNAL_NAME, "%016" PRIx64 ".seg", first);
}

enum jit_err
journal_add_segment(struct journal *j, uint64_t first)
{
	uint64_t *v = realloc(j->seg, (j->n_seg + 1) * sizeof(*v));

	if (v == NULL)
		return JIT_E_NOMEM;
	j->seg = v;
	v[j->n_seg++] = first;
	return JIT_OK;
}

enum jit_err
journal_new(const struct journal_config *c, struct journal **ret)
{
	JIT_SCOPED(journal_close) struct journal *j = NULL;

	/* Room for a header and a batch with its checkpoint, at least. */
	if (c->segment != 0 && c->segment < JOURNAL_SEGMENT_MIN)
		return JIT_E_ARG;
	if ((j = calloc(1, sizeof(*j))) == NULL)
		return JIT_E_NOMEM;
	j->ops = *c->ops;
	j->log = *c->log;
	j->segment = c->segment ? c->segment : JOURNAL_SEGMENT;
	j->readonly = c->readonly;
	j->fd = -1;
	wr_init(&j->batch, j->segment - SEGMENT_HEADER_MAX);
	JIT_TRY(journal_index_new(&j->index));
	*ret = j;
	j = NULL;
	return JIT_OK;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
		j->ops.close(j->ops.ctx, j->fd);
	journal_index_free(j->index, &j->ops);
	free(j->seg);
	buf_done(&j->note);
	wr_done(&j->batch);
	free(j);
}

const struct journal_mark *
journal_mark(const struct journal *j)
{
	return &j->mark;
}

struct span
journal_note(const struct journal *j)
{
	return BUF_SPAN(j->note);
}

/* ---- the spare, and becoming a segment ---- */

static enum jit_err
fill_spare(struct journal *j, int fd)
{
	const struct journal_ops *o = &j->ops;

	CRASH_POINT(SPARE_CREATE);
	JIT_TRY(o->reserve(o->ctx, fd, j->segment));
	CRASH_POINT(SPARE_RESERVE);
	JIT_TRY(o->sync_all(o->ctx, fd));
	CRASH_POINT(SPARE_SYNC);
	JIT_TRY(o->rename(o->ctx, SPARE_NEW, SPARE));
	CRASH_POINT(SPARE_RENAME);
	JIT_TRY(o->sync_dir(o->ctx));
	CRASH_POINT(SPARE_DIR);
	return JIT_OK;
}

enum jit_err
journal_make_spare(struct journal *j)
{
	const struct journal_ops *o = &j->ops;
	enum jit_err e;
	int fd = -1;

	if (j->spare)
		return JIT_OK;
	JIT_TRY(o->open(o->ctx, SPARE_NEW, true, &fd));
	e = fill_spare(j, fd);
	o->close(o->ctx, fd);
	/* What was reserved in part is given back: the disk is full. */
	if (e != JIT_OK)
		(void)o->remove(o->ctx, SPARE_NEW);
	j->spare = e == JIT_OK;
	return e;
}

bool
journal_has_spare(struct journal *j)
{
	return journal_make_spare(j) == JIT_OK;
}

static enum jit_err
start_segment(struct journal *j, int fd)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SEGMENT_HEADER_MAX);
	const struct journal_ops *o = &j->ops;
	uint64_t first = j->mark.edge.size;
	char name[JOURNAL_NAME];

	JIT_TRY(segment_put_header(&w, first, &j->mark.batch, j->log.origin));
	JIT_TRY(o->write(o->ctx, fd, 0, w.p, w.n));
	CRASH_POINT(ROLL_HEADER);
	JIT_TRY(o->sync_all(o->ctx, fd));
	CRASH_POINT(ROLL_SYNC);
	journal_name(first, name);
	JIT_TRY(o->rename(o->ctx, SPARE, name));
	CRASH_POINT(ROLL_RENAME);
	JIT_TRY(o->sync_dir(o->ctx));
	CRASH_POINT(ROLL_DIR);
	JIT_TRY(journal_add_segment(j, first));
	j->off = w.n;
	return JIT_OK;
}

/* The spare becomes the live segment. */
static enum jit_err
roll(struct journal *j, struct jit_why *why)
{
	const struct journal_ops *o = &j->ops;
	enum jit_err e = journal_make_spare(j);
	int fd = -1;

	if (e != JIT_OK)
		return jit_fail(why, e, "no room for another segment");
	if ((e = o->open(o->ctx, SPARE, false, &fd)) == JIT_OK &&
	    (e = start_segment(j, fd)) != JIT_OK)
		o->close(o->ctx, fd);
	/* From here on a failure is one of a disk that had the room. */
	if (e != JIT_OK)
		return jit_fail(why, e == JIT_E_NOMEM ? e : JIT_E_IO,
		    "cannot begin a segment");
	j->spare = false;
	if (j->fd >= 0)
		o->close(o->ctx, j->fd);
	j->fd = fd;
	return JIT_OK;
}

enum jit_err
journal_create(const struct journal_config *c, struct journal **ret,
    struct jit_why *why)
{
	JIT_SCOPED(journal_close) struct journal *j = NULL;
	const struct journal_mark none = { 0 };
	enum jit_err e;

	if (c->readonly)
		return jit_fail(why, JIT_E_ARG, "a new journal is written");
	e = journal_open(c, &none, NULL, NULL, &j, why);
	if (e == JIT_OK)
		return jit_fail(why, JIT_E_EXISTS, "a journal is here "
		    "already");
	if (e != JIT_E_UNKNOWN)
		return jit_at(why, e, "no new journal");
	JIT_TRY(journal_new(c, &j));
	JIT_TRY(roll(j, why));
	(void)journal_make_spare(j);
	*ret = j;
	j = NULL;
	return JIT_OK;
}

/* ---- appending ---- */

/*
 * One entry and its leaf.  The leaf is what will be trusted for years, so it
 * is held against what stands beside it once more (case 96).
 */
static enum jit_err
check_entry(const struct entry *e, uint64_t index, utc_s time,
    struct merkle_edge *edge, struct jit_why *why)
{
	struct entry leaf;
	struct digest d;
	enum jit_err err;

	if (e->index != index || e->time < time || e->erased)
		return jit_fail(why, JIT_E_ARG, "an entry that should be "
		    "number %llu does not follow on the one before",
		    (unsigned long long)index);
	if (entry_parse_leaf(SPAN(e->leaf, ENTRY_LEAF), &leaf) != JIT_OK ||
	    leaf.index != e->index || leaf.time != e->time ||
	    leaf.type != e->type)
		return jit_fail(why, JIT_E_ARG, "the leaf of entry %llu is "
		    "not its own", (unsigned long long)index);
	err = entry_check_body(e, why);
	if (err != JIT_OK)
		return err == JIT_E_VERIFY ? JIT_E_ARG : err;
	JIT_TRY(merkle_leaf(SPAN(e->leaf, ENTRY_LEAF), &d));
	return merkle_edge_add(edge, &d);
}

static enum jit_err
check_append(const struct journal *j, const struct entry *e, size_t n,
    struct span note, struct merkle_edge *edge, struct jit_why *why)
{
	struct checkpoint c;
	utc_s time = j->time;
	struct digest d;
	enum jit_err err;

	if (n == 0 || n > JOURNAL_BATCH_MAX || j->readonly)
		return jit_fail(why, JIT_E_ARG, "a batch of %zu entries", n);
	for (size_t i = 0; i < n; i++) {
		JIT_TRY(check_entry(&e[i], edge->size, time, edge, why));
		time = e[i].time;
	}
	JIT_TRY(merkle_edge_root(edge, &d));
	err = checkpoint_open(note, &j->log, &c, why);
	if (err == JIT_E_NOMEM || err == JIT_E_CRYPTO)
		return err;
	if (err != JIT_OK)
		return jit_at(why, JIT_E_ARG, "the batch's checkpoint");
	if (c.size != edge->size || !digest_eq(&c.root, &d))
		return jit_fail(why, JIT_E_ARG, "the checkpoint is not one of "
		    "the tree with these entries");
	return JIT_OK;
}

static enum jit_err
write_batch(struct journal *j, struct jit_why *why)
{
	const struct journal_ops *o = &j->ops;
	const struct wr *w = &j->batch;

	CRASH_POINT(WRITE_BEFORE);
	if (o->write(o->ctx, j->fd, j->off, w->p, w->n) != JIT_OK)
		return jit_fail(why, JIT_E_IO, "writing the journal failed");
	CRASH_POINT(WRITE_AFTER);
	if (o->sync(o->ctx, j->fd) != JIT_OK)
		return jit_fail(why, JIT_E_IO, "syncing the journal failed");
	CRASH_POINT(SYNC_AFTER);
	return JIT_OK;
}

enum jit_err
journal_append(struct journal *j, const struct entry *e, size_t n,
    struct span note, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf kept = { NULL, 0 };
	struct merkle_edge edge = j->mark.edge;
	struct wr *w = &j->batch;
	struct digest hash;
	enum jit_err err;

	JIT_TRY(check_append(j, e, n, note, &edge, why));
	/* The same memory as for the last batch. */
	w->n = 0;
	w->err = JIT_OK;
	err = batch_put(w, e, n, note, &j->mark.batch, &hash);
	if (err == JIT_E_SIZE)
		return jit_fail(why, err, "a batch of %zu entries does not "
		    "fit a segment of %u bytes", n, (unsigned)j->segment);
	JIT_TRY(err);
	JIT_TRY(buf_copy(&kept, note));
	if (j->off + w->n > j->segment)
		JIT_TRY(roll(j, why));
	JIT_TRY(write_batch(j, why));
	journal_index_note(j, j->seg[j->n_seg - 1], e[0].index, j->off);
	j->off += w->n;
	j->mark.edge = edge;
	j->mark.batch = hash;
	j->time = e[n - 1].time;
	buf_done(&j->note);
	j->note = kept;
	kept = (struct buf){ NULL, 0 };
	return JIT_OK;
}

/* ---- reading back ---- */

/* The segment that holds an index below the size. */
static size_t
segment_of(const struct journal *j, uint64_t index)
{
	size_t i = j->n_seg - 1;

	while (i > 0 && j->seg[i] > index)
		i--;
	return i;
}

static enum jit_err
hand_out(const struct batch *b, uint64_t first, uint64_t n,
    journal_entry_fn fn, void *arg, struct jit_why *why)
{
	size_t at = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		struct entry e;
		enum jit_err err = batch_entry(b, i, &at, &e);

		if (err == JIT_OK && (e.index < first || e.index - first >= n))
			continue;
		if (err == JIT_OK)
			err = batch_settle(&e);
		if (err == JIT_E_FORMAT || err == JIT_E_DAMAGE)
			return jit_fail(why, JIT_E_DAMAGE, "entry %llu is "
			    "damaged", (unsigned long long)(b->first + i));
		JIT_TRY(err);
		JIT_TRY(fn(arg, &e));
	}
	return JIT_OK;
}

/* A segment's batches as far as they hold entries of first .. end - 1. */
static enum jit_err
read_segment(struct journal *j, size_t seg, uint64_t first, uint64_t end,
    journal_entry_fn fn, void *arg, struct jit_why *why)
{
	JIT_DONE(reader_done) struct reader r = READER_INIT;

	if (seg + 1 < j->n_seg && j->seg[seg + 1] < end)
		end = j->seg[seg + 1];
	if (first < j->seg[seg])
		first = j->seg[seg];
	JIT_TRY(reader_find(&r, j, j->seg[seg], first, why));
	for (;;) {
		JIT_TRY(hand_out(&r.batch, first, end - first, fn, arg, why));
		if (r.next >= end)
			return JIT_OK;
		JIT_TRY(reader_next(&r, why));
	}
}

enum jit_err
journal_read(struct journal *j, uint64_t first, uint64_t n,
    journal_entry_fn fn, void *arg, struct jit_why *why)
{
	uint64_t size = j->mark.edge.size;

	if (n == 0 || first >= size || n > size - first)
		return jit_fail(why, JIT_E_ARG, "the log has %llu entries",
		    (unsigned long long)size);
	for (size_t i = segment_of(j, first); i < j->n_seg &&
	    j->seg[i] < first + n; i++)
		JIT_TRY(read_segment(j, i, first, first + n, fn, arg, why));
	return JIT_OK;
}

static enum jit_err
see_time(void *arg, const struct entry *e)
{
	*(utc_s *)arg = e->time;
	return JIT_OK;
}

enum jit_err
journal_find_time(struct journal *j, utc_s t, uint64_t *ret,
    struct jit_why *why)
{
	uint64_t from = 0, to = j->mark.edge.size;
	size_t lo = 0, hi = j->n_seg;
	utc_s time = 0;

	/* The last segment whose first entry is before t; it may be empty. */
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (j->seg[mid] < to)
			JIT_TRY(journal_read(j, j->seg[mid], 1, see_time,
			    &time, why));
		if (j->seg[mid] >= to || time >= t)
			hi = mid;
		else
			lo = mid;
	}
	from = j->seg[lo];
	if (hi < j->n_seg && j->seg[hi] < to)
		to = j->seg[hi];
	/* All before from are before t, and to is not. */
	while (from < to) {
		uint64_t mid = from + (to - from) / 2;

		JIT_TRY(journal_read(j, mid, 1, see_time, &time, why));
		if (time >= t)
			to = mid;
		else
			from = mid + 1;
	}
	*ret = from;
	return JIT_OK;
}

/* ---- erasing a body ---- */

/* Where the body record of an index is in its segment, and its length. */
static enum jit_err
find_body(struct journal *j, uint64_t index, struct reader *r, uint64_t *off,
    size_t *n, struct jit_why *why)
{
	const struct batch *b = &r->batch;
	size_t at = 0;

	JIT_TRY(reader_find(r, j, j->seg[segment_of(j, index)], index, why));
	for (uint32_t i = 0;; i++) {
		struct entry e;
		size_t from = at;

		if (batch_entry(b, i, &at, &e) != JIT_OK)
			return jit_fail(why, JIT_E_DAMAGE, "entry %llu is "
			    "damaged", (unsigned long long)(b->first + i));
		if (e.index < index)
			continue;
		*off = r->off + b->size - b->bodies.n + from;
		*n = at - from;
		return JIT_OK;
	}
}

/* The flag first, durable, then the zeros: a half of it is no damage. */
static enum jit_err
erase_record(const struct journal_ops *o, int fd, uint64_t off,
    const uint8_t *record, size_t n)
{
	JIT_TRY(o->write(o->ctx, fd, off, record, 1));
	CRASH_POINT(ERASE_MARK);
	JIT_TRY(o->sync(o->ctx, fd));
	CRASH_POINT(ERASE_FLAG);
	JIT_TRY(o->write(o->ctx, fd, off, record, n));
	CRASH_POINT(ERASE_WRITE);
	JIT_TRY(o->sync(o->ctx, fd));
	CRASH_POINT(ERASE_ZEROS);
	return JIT_OK;
}

enum jit_err
journal_erase(struct journal *j, uint64_t index, struct jit_why *why)
{
	JIT_DONE(reader_done) struct reader r = READER_INIT;
	uint64_t off = 0;
	uint8_t *record;
	size_t n = 0;
	enum jit_err e;

	if (index >= j->mark.edge.size || j->readonly)
		return jit_fail(why, JIT_E_ARG, "no such entry");
	JIT_TRY(find_body(j, index, &r, &off, &n, why));
	if ((record = calloc(1, n)) == NULL)
		return JIT_E_NOMEM;
	record[0] = 1;
	e = erase_record(&j->ops, r.pane.fd, off, record, n);
	free(record);
	return e == JIT_OK ? e : jit_fail(why, JIT_E_IO, "erasing entry %llu "
	    "failed", (unsigned long long)index);
}

uint64_t
journal_bytes(const struct journal *j)
{
	return j->n_seg == 0 ? 0 :
	    (uint64_t)(j->n_seg - 1) * j->segment + j->off;
}
