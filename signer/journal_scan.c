#include <stdlib.h>
#include <string.h>

#include "signer/journal_index.h"

struct scan {
	struct journal *j;
	const struct journal_mark *mark;
	journal_entry_fn fn;
	void *arg;
	struct entry *entry;	/* room for a batch: each body is hashed once */
	struct digest before;	/* hash of the last batch that was read */
	uint64_t next;		/* index of the next entry */
	uint64_t seg;		/* first index of the segment that is read */
	bool live;		/* past the mark: edge, bodies, fn */
	struct jit_why *why;
};

static enum jit_err
damage(const struct scan *s, const char *what)
{
	return jit_fail(s->why, JIT_E_DAMAGE, "segment %016llx, byte %llu: %s",
	    (unsigned long long)s->seg, (unsigned long long)s->j->off, what);
}

/* Does the note sign a tree of this edge?  JIT_E_VERIFY: not. */
static enum jit_err
check_note(const struct scan *s, const struct merkle_edge *edge,
    struct span note)
{
	struct checkpoint c;
	struct digest root;
	enum jit_err e;

	JIT_TRY(merkle_edge_root(edge, &root));
	e = checkpoint_open(note, &s->j->log, &c, NULL);
	if (e == JIT_E_NOMEM || e == JIT_E_CRYPTO)
		return e;
	return e == JIT_OK && c.size == edge->size &&
	    digest_eq(&c.root, &root) ? JIT_OK : JIT_E_VERIFY;
}

static enum jit_err
keep_note(struct scan *s, struct span note)
{
	struct buf b = { NULL, 0 };

	JIT_TRY(buf_copy(&b, note));
	buf_done(&s->j->note);
	s->j->note = b;
	return JIT_OK;
}

/* The scan has come to the mark's size: is this its place? */
static enum jit_err
at_mark(struct scan *s, struct span note)
{
	const struct merkle_edge *edge = &s->mark->edge;
	enum jit_err e = JIT_OK;

	if (s->next != edge->size || s->live)
		return JIT_OK;
	if (!digest_eq(&s->before, &s->mark->batch))
		e = JIT_E_VERIFY;
	else if (edge->size > 0)
		e = check_note(s, edge, note);
	if (e == JIT_E_VERIFY)
		return jit_fail(s->why, JIT_E_ROLLBACK, "the journal's entry "
		    "%llu does not follow on the snapshot",
		    (unsigned long long)s->next);
	JIT_TRY(e);
	s->live = true;
	s->j->mark = *s->mark;
	return keep_note(s, note);
}

/* The leaves: in order, and leading to the root that the note signs. */
static enum jit_err
check_leaves(struct scan *s, const struct batch *b, struct merkle_edge *edge)
{
	utc_s time = s->j->time;
	struct digest d;
	enum jit_err e;

	for (uint32_t i = 0; i < b->count; i++) {
		if (batch_time(b, i) < time)
			return damage(s, "its times go back");
		time = batch_time(b, i);
		JIT_TRY(merkle_leaf(SPAN(b->leaves.p +
		    (size_t)i * ENTRY_LEAF, ENTRY_LEAF), &d));
		JIT_TRY(merkle_edge_add(edge, &d));
	}
	e = check_note(s, edge, b->note);
	return e == JIT_E_VERIFY ? damage(s, "its checkpoint is not a signed "
	    "one of the entries up to it") : e;
}

/* The bodies.  JIT_E_FORMAT: not those of the leaves; torn, perhaps. */
static enum jit_err
check_bodies(struct scan *s, const struct batch *b)
{
	size_t at = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		enum jit_err e = batch_entry(b, i, &at, &s->entry[i]);

		if (e == JIT_E_DAMAGE)
			return damage(s, "it holds something that is no leaf");
		JIT_TRY(e);
		JIT_TRY(batch_settle(&s->entry[i]));
	}
	return at == b->bodies.n ? JIT_OK : JIT_E_FORMAT;
}

/*
 * One batch whose hash is right.  What is wrong with it then is no tear,
 * with one exception: the bodies are outside the hash, JIT_E_FORMAT.
 */
static enum jit_err
check(struct scan *s, const struct batch *b, struct merkle_edge *edge)
{
	if (b->first != s->next || !digest_eq(&b->before, &s->before))
		return damage(s, "a batch does not follow on the one before");
	/* Before the mark the chain is enough: all else was checked then. */
	if (!s->live)
		return JIT_OK;
	JIT_TRY(check_leaves(s, b, edge));
	return check_bodies(s, b);
}

/* Its errors are fn's own, or those of the machine. */
static enum jit_err
take(struct scan *s, const struct batch *b, const struct merkle_edge *edge)
{
	if (s->live) {
		JIT_TRY(keep_note(s, b->note));
		s->j->mark.edge = *edge;
		s->j->mark.batch = b->hash;
	}
	journal_index_note(s->j, s->seg, b->first, s->j->off);
	s->j->time = batch_time(b, b->count - 1);
	s->before = b->hash;
	s->next += b->count;
	s->j->off += b->size;
	for (uint32_t i = 0; s->live && s->fn != NULL && i < b->count; i++)
		JIT_TRY(s->fn(s->arg, &s->entry[i]));
	return at_mark(s, b->note);
}

/*
 * Is b a batch of this log after the one that should be here?  Its own hash
 * is not enough: a body may hold the bytes of one.  Its signed checkpoint,
 * larger than any that was given away before, cannot be in a body.
 */
static enum jit_err
is_later(const struct scan *s, const struct batch *b, bool *ret)
{
	struct checkpoint c;
	enum jit_err e = checkpoint_open(b->note, &s->j->log, &c, NULL);

	if (e == JIT_E_NOMEM || e == JIT_E_CRYPTO)
		return e;
	*ret = e == JIT_OK && c.size > s->next &&
	    c.size == b->first + b->count;
	return JIT_OK;
}

/* Does any valid batch stand behind j->off? */
static enum jit_err
valid_behind(const struct scan *s, struct pane *p, bool *ret)
{
	*ret = false;
	for (uint64_t at = s->j->off + 1; at + BATCH_PREFIX <= p->size &&
	    !*ret; at++) {
		struct span here = SPAN_NONE;
		uint64_t first;
		uint32_t count;
		const uint8_t *hit;
		struct batch b;
		enum jit_err e;

		JIT_TRY(pane_at(p, at, BATCH_PREFIX, &here));
		hit = memchr(here.p, 'j', here.n - (BATCH_PREFIX - 1));
		if (hit == NULL) {
			at += here.n - BATCH_PREFIX;
			continue;
		}
		at += (uint64_t)(hit - here.p);
		if (!batch_prefix(SPAN(hit, BATCH_PREFIX), &first, &count) ||
		    first < s->next)
			continue;
		if ((e = pane_batch(p, at, &b)) == JIT_OK)
			e = is_later(s, &b, ret);
		if (e != JIT_OK && e != JIT_E_FORMAT)
			return e;
	}
	return JIT_OK;
}

/* No batch at j->off.  JIT_OK: the end, or a torn tail. */
static enum jit_err
at_end(struct scan *s, struct pane *p, const uint64_t *after)
{
	bool more = false;

	if (after != NULL)
		return s->next == *after ? JIT_OK : damage(s, "a batch is "
		    "damaged, and a later segment is there");
	JIT_TRY(valid_behind(s, p, &more));
	return more ? damage(s, "a batch is damaged, and a later one is "
	    "there") : JIT_OK;
}

/* Read segment i from its beginning; the last one may have a torn tail. */
static enum jit_err
scan_segment(struct scan *s, size_t i, bool begin)
{
	struct journal *j = s->j;
	JIT_DONE(pane_done) struct pane p = { .fd = -1 };
	struct digest before;
	struct batch b;
	size_t n = 0;
	enum jit_err e;

	s->seg = j->seg[i];
	j->off = 0;
	JIT_TRY(pane_open(&p, j, s->seg, &before, &n, s->why));
	if (begin) {
		/* Somewhere before the mark. */
		s->next = s->seg;
		s->before = before;
		JIT_TRY(at_mark(s, SPAN_NONE));
	}
	if (s->seg != s->next || !digest_eq(&before, &s->before))
		return damage(s, "it does not follow on the segment before");
	for (j->off = n;;) {
		struct merkle_edge edge = j->mark.edge;

		e = pane_batch(&p, j->off, &b);
		if (e == JIT_OK)
			e = check(s, &b, &edge);
		if (e == JIT_E_FORMAT)
			return at_end(s, &p, i + 1 < j->n_seg ?
			    &j->seg[i + 1] : NULL);
		JIT_TRY(e);
		JIT_TRY(take(s, &b, &edge));
	}
}

enum jit_err
journal_scan(struct journal *j, const struct journal_mark *mark,
    journal_entry_fn fn, void *arg, struct jit_why *why)
{
	JIT_SCOPED(free) struct entry *room = calloc(JOURNAL_BATCH_MAX,
	    sizeof(*room));
	struct scan s = { .j = j, .mark = mark, .fn = fn, .arg = arg,
	    .entry = room, .why = why };
	size_t from = j->n_seg - 1;

	if (room == NULL)
		return JIT_E_NOMEM;
	if (j->seg[0] != 0)
		return jit_fail(why, JIT_E_DAMAGE, "the first segment is "
		    "missing");
	/* From the segment with the mark's last batch: its note is needed. */
	while (from > 0 && j->seg[from] >= mark->edge.size)
		from--;
	for (size_t i = from; i < j->n_seg; i++)
		JIT_TRY(scan_segment(&s, i, i == from));
	if (!s.live)
		return jit_fail(why, JIT_E_ROLLBACK, "the journal has %llu "
		    "entries, the snapshot %llu, or ends inside a batch",
		    (unsigned long long)s.next,
		    (unsigned long long)mark->edge.size);
	return JIT_OK;
}
