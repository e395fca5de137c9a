#include <stdlib.h>
#include <string.h>

#include "signer/crash.h"
#include "signer/journal_int.h"

/* ---- which segments are there ---- */

static enum jit_err
see_name(void *arg, const char *name)
{
	struct journal *j = arg;
	uint64_t first = 0;
	char again[JOURNAL_NAME];

	if (strcmp(name, SPARE) == 0)
		j->spare = true;
	if (strlen(name) != 20 || strcmp(name + 16, ".seg") != 0)
		return JIT_OK;
	for (int i = 0; i < 16; i++) {
		const char *hex = "0123456789abcdef";
		const char *d = strchr(hex, name[i]);

		if (d == NULL)
			return JIT_OK;
		first = first << 4 | (uint64_t)(d - hex);
	}
	journal_name(first, again);
	return strcmp(again, name) == 0 ? journal_add_segment(j, first) :
	    JIT_OK;
}

static int
index_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* ---- reading forward ---- */

struct scan {
	struct journal *j;
	const struct journal_mark *mark;
	journal_entry_fn fn;
	void *arg;
	struct digest before;	/* hash of the last batch that was read */
	uint64_t next;		/* index of the next entry */
	bool live;		/* past the mark: edge, time, fn */
	struct jit_why *why;
};

static enum jit_err
damage(struct scan *s, uint64_t seg, uint64_t off, const char *what)
{
	return jit_fail(s->why, JIT_E_DAMAGE, "segment %016llx, byte %llu: %s",
	    (unsigned long long)seg, (unsigned long long)off, what);
}

/* The scan has come to the mark's size: is this its place? */
static enum jit_err
at_mark(struct scan *s)
{
	if (s->next != s->mark->edge.size || s->live)
		return JIT_OK;
	if (!digest_eq(&s->before, &s->mark->batch))
		return jit_fail(s->why, JIT_E_ROLLBACK, "the journal's entry "
		    "%llu does not follow on the snapshot",
		    (unsigned long long)s->next);
	s->live = true;
	s->j->mark = *s->mark;
	return JIT_OK;
}

/* Bodies and leaves of a batch; FORMAT where one is not what it should be. */
static enum jit_err
check_entries(const struct batch *b, utc_s *time)
{
	size_t at = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		struct entry e;

		JIT_TRY(batch_entry(b, i, &at, &e));
		if (e.time < *time)
			return JIT_E_FORMAT;
		*time = e.time;
	}
	return at == b->bodies.n ? JIT_OK : JIT_E_FORMAT;
}

/* The batch's leaves lead to the root that its checkpoint signs. */
static enum jit_err
check_root(struct scan *s, const struct batch *b, struct merkle_edge *edge)
{
	struct checkpoint c;
	struct digest d;

	for (uint32_t i = 0; i < b->count; i++) {
		JIT_TRY(merkle_leaf(SPAN(b->leaves.p +
		    (size_t)i * ENTRY_LEAF, ENTRY_LEAF), &d));
		JIT_TRY(merkle_edge_add(edge, &d));
	}
	JIT_TRY(merkle_edge_root(edge, &d));
	JIT_TRY(checkpoint_open(b->note, &s->j->log, &c, NULL));
	return c.size == edge->size && digest_eq(&c.root, &d) ?
	    JIT_OK : JIT_E_FORMAT;
}

static enum jit_err
hand_out(struct scan *s, const struct batch *b)
{
	size_t at = 0;

	for (uint32_t i = 0; i < b->count && s->fn != NULL; i++) {
		struct entry e;

		JIT_TRY(batch_entry(b, i, &at, &e));
		JIT_TRY(s->fn(s->arg, &e));
	}
	return JIT_OK;
}

/*
 * One batch that follows on.  JIT_E_FORMAT: it does not, or something in it
 * is wrong; then nothing has changed.  Another error is a reader's own.
 */
static enum jit_err
take(struct scan *s, const struct batch *b)
{
	struct merkle_edge edge = s->j->mark.edge;
	utc_s time = s->j->time;

	if (b->first != s->next || !digest_eq(&b->before, &s->before) ||
	    check_entries(b, &time) != JIT_OK)
		return JIT_E_FORMAT;
	if (s->live) {
		if (check_root(s, b, &edge) != JIT_OK)
			return JIT_E_FORMAT;
		buf_done(&s->j->note);
		JIT_TRY(buf_copy(&s->j->note, b->note));
		s->j->mark.edge = edge;
		s->j->mark.batch = b->hash;
		JIT_TRY(hand_out(s, b));
	} else if (b->first + b->count == s->mark->edge.size) {
		/* The last batch of the snapshot: its checkpoint is the newest. */
		buf_done(&s->j->note);
		JIT_TRY(buf_copy(&s->j->note, b->note));
	}
	s->j->time = time;
	s->before = b->hash;
	s->next += b->count;
	return at_mark(s);
}

/* Does any batch with a right hash stand behind off? */
static enum jit_err
valid_behind(struct pane *p, uint64_t off, bool *ret)
{
	struct batch b;

	*ret = false;
	for (uint64_t at = off + 1; at + BATCH_PREFIX <= p->size; at++) {
		struct span s = SPAN_NONE;
		const uint8_t *hit;
		enum jit_err e;

		JIT_TRY(pane_at(p, at, BATCH_PREFIX, &s));
		if ((hit = memchr(s.p, 'j', s.n - 7)) == NULL) {
			at += s.n - 8;
			continue;
		}
		at += (uint64_t)(hit - s.p);
		if (at + BATCH_PREFIX > p->size)
			return JIT_OK;
		if ((e = pane_batch(p, at, &b)) == JIT_OK) {
			*ret = true;
			return JIT_OK;
		}
		if (e != JIT_E_FORMAT)
			return e;
	}
	return JIT_OK;
}

/* Read segment i from its beginning; the last one may have a torn tail. */
static enum jit_err
scan_segment(struct scan *s, size_t i)
{
	bool last = i + 1 == s->j->n_seg;
	uint64_t first = s->j->seg[i];
	JIT_DONE(pane_done) struct pane p = { .fd = -1 };
	struct digest before;
	struct batch b;
	size_t n = 0;
	enum jit_err e;
	bool more;

	JIT_TRY(pane_open(&p, s->j, first, &before, &n, s->why));
	if (s->next == UINT64_MAX) {
		/* The scan begins here, somewhere before the mark. */
		s->next = first;
		s->before = before;
		JIT_TRY(at_mark(s));
	}
	if (first != s->next || !digest_eq(&before, &s->before))
		return damage(s, first, 0, "it does not follow on the "
		    "segment before");
	for (s->j->off = n;; s->j->off += b.size) {
		e = pane_batch(&p, s->j->off, &b);
		if (e == JIT_OK)
			e = take(s, &b);
		if (e == JIT_OK)
			continue;
		if (e != JIT_E_FORMAT)
			return e;
		if (!last && s->next == s->j->seg[i + 1])
			return JIT_OK;
		JIT_TRY(valid_behind(&p, s->j->off, &more));
		if (!last || more)
			return damage(s, first, s->j->off, "a batch is "
			    "damaged, and later ones are there");
		return JIT_OK;
	}
}

/* ---- the live segment is copied: the page cache may lie ---- */

static enum jit_err
copy_bytes(struct journal *j, int from, int to)
{
	static const size_t chunk = 65536;
	JIT_SCOPED(free) uint8_t *mem = malloc(chunk);

	if (mem == NULL)
		return JIT_E_NOMEM;
	for (uint64_t at = 0; at < j->off;) {
		size_t n = j->off - at < chunk ? (size_t)(j->off - at) : chunk;

		JIT_TRY(j->ops.read(j->ops.ctx, from, at, mem, n));
		JIT_TRY(j->ops.write(j->ops.ctx, to, at, mem, n));
		at += n;
	}
	return JIT_OK;
}

static enum jit_err
make_copy(struct journal *j, int from, int to, const char *name)
{
	const struct journal_ops *o = &j->ops;

	JIT_TRY(o->reserve(o->ctx, to, j->segment));
	JIT_TRY(copy_bytes(j, from, to));
	JIT_TRY(o->sync_all(o->ctx, to));
	CRASH_POINT(COPY_SYNC);
	JIT_TRY(o->rename(o->ctx, COPY_NEW, name));
	CRASH_POINT(COPY_RENAME);
	JIT_TRY(o->sync_dir(o->ctx));
	CRASH_POINT(COPY_DIR);
	return JIT_OK;
}

static enum jit_err
copy_live(struct journal *j, struct jit_why *why)
{
	const struct journal_ops *o = &j->ops;
	char name[JOURNAL_NAME];
	int from = -1, to = -1;
	enum jit_err e;

	journal_name(j->seg[j->n_seg - 1], name);
	e = o->open(o->ctx, name, false, &from);
	if (e == JIT_OK)
		e = o->open(o->ctx, COPY_NEW, true, &to);
	if (e == JIT_OK) {
		CRASH_POINT(COPY_CREATE);
		e = make_copy(j, from, to, name);
	}
	if (from >= 0)
		o->close(o->ctx, from);
	if (e == JIT_OK) {
		j->fd = to;
		return JIT_OK;
	}
	if (to >= 0)
		o->close(o->ctx, to);
	return jit_fail(why, e, "cannot copy the live segment %s", name);
}

/* ---- the whole ---- */

static enum jit_err
scan_all(struct scan *s)
{
	struct journal *j = s->j;
	size_t i = j->n_seg - 1;

	/* Begin at the segment that holds the mark. */
	while (i > 0 && j->seg[i] > s->mark->edge.size)
		i--;
	for (; i < j->n_seg; i++)
		JIT_TRY(scan_segment(s, i));
	if (!s->live)
		return jit_fail(s->why, JIT_E_ROLLBACK, "the journal has %llu "
		    "entries, the snapshot %llu, or ends inside a batch",
		    (unsigned long long)s->next,
		    (unsigned long long)s->mark->edge.size);
	return JIT_OK;
}

enum jit_err
journal_open(const struct journal_config *c, const struct journal_mark *mark,
    journal_entry_fn fn, void *arg, struct journal **ret, struct jit_why *why)
{
	JIT_SCOPED(journal_close) struct journal *j = calloc(1, sizeof(*j));
	struct scan s = { .j = j, .mark = mark, .fn = fn, .arg = arg,
	    .next = UINT64_MAX, .why = why };

	if (j == NULL)
		return JIT_E_NOMEM;
	j->ops = *c->ops;
	j->log = *c->log;
	j->segment = c->segment ? c->segment : JOURNAL_SEGMENT;
	j->readonly = c->readonly;
	j->fd = -1;
	if (!c->readonly && j->ops.lock(j->ops.ctx) != JIT_OK)
		return jit_fail(why, JIT_E_LOCKED, "another process writes "
		    "this log");
	JIT_TRY(j->ops.list(j->ops.ctx, see_name, j));
	if (j->n_seg == 0)
		return jit_fail(why, JIT_E_UNKNOWN, "there is no journal "
		    "here");
	qsort(j->seg, j->n_seg, sizeof(j->seg[0]), index_cmp);
	JIT_TRY(scan_all(&s));
	if (!c->readonly) {
		JIT_TRY(copy_live(j, why));
		/* Without a spare the log is still whole; it may be full. */
		(void)journal_make_spare(j);
	}
	*ret = j;
	j = NULL;
	return JIT_OK;
}
