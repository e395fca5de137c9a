#include <stdlib.h>
#include <string.h>

#include "signer/journal_index.h"

#define POINTS 512		/* a segment */
#define STEP_MIN 2048
#define READ_AHEAD (32u * 1024)

/* first counts from the segment's; a segment is shorter than 4 GiB. */
struct point { uint32_t first, off; };

struct slot {
	uint64_t seg;		/* first index of the segment */
	uint64_t used;		/* when, in calls */
	int fd;			/* -1: not open */
	size_t head;		/* where its batches begin; only with fd */
	size_t n;
	struct point p[POINTS];	/* ascending */
};

struct journal_index {
	uint64_t calls;
	struct slot *slot[JOURNAL_INDEX_SLOTS];
};

enum jit_err
journal_index_new(struct journal_index **ret)
{
	struct journal_index *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return JIT_E_NOMEM;
	*ret = x;
	return JIT_OK;
}

/* As if the segment had never been read. */
static void
forget(struct slot *s, const struct journal_ops *o)
{
	if (s->fd >= 0)
		o->close(o->ctx, s->fd);
	s->fd = -1;
	s->n = 0;
}

void
journal_index_free(struct journal_index *x, const struct journal_ops *o)
{
	if (x == NULL)
		return;
	for (size_t i = 0; i < JOURNAL_INDEX_SLOTS; i++) {
		if (x->slot[i] != NULL)
			forget(x->slot[i], o);
		free(x->slot[i]);
	}
	free(x);
}

/* An empty place, or the one to be given up. */
static struct slot **
oldest(struct journal *j)
{
	uint64_t live = j->seg[j->n_seg - 1];
	struct slot **ret = NULL;

	for (size_t i = 0; i < JOURNAL_INDEX_SLOTS; i++) {
		struct slot **s = &j->index->slot[i];

		if (*s == NULL)
			return s;
		if ((*s)->seg != live &&
		    (ret == NULL || (*s)->used < (*ret)->used))
			ret = s;
	}
	return ret;
}

/* The slot of a segment, perhaps a new one; NULL: no memory. */
static struct slot *
slot_of(struct journal *j, uint64_t seg)
{
	struct journal_index *x = j->index;
	struct slot **s;

	x->calls++;
	for (size_t i = 0; i < JOURNAL_INDEX_SLOTS && x->slot[i] != NULL; i++)
		if (x->slot[i]->seg == seg) {
			x->slot[i]->used = x->calls;
			return x->slot[i];
		}
	s = oldest(j);
	if (*s != NULL)
		forget(*s, &j->ops);
	else if ((*s = malloc(sizeof(**s))) == NULL)
		return NULL;
	(*s)->seg = seg;
	(*s)->used = x->calls;
	(*s)->fd = -1;
	(*s)->n = 0;
	return *s;
}

/* How many points are not behind an entry. */
static size_t
points_to(const struct slot *s, uint64_t index)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->seg + s->p[mid].first <= index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
journal_index_note(struct journal *j, uint64_t seg, uint64_t first,
    uint64_t off)
{
	struct slot *s = slot_of(j, seg);
	uint64_t step = j->segment / POINTS;
	size_t i;

	if (step < STEP_MIN)
		step = STEP_MIN;
	if (s == NULL || s->n == POINTS || first < seg ||
	    first - seg > UINT32_MAX || off > UINT32_MAX)
		return;
	i = points_to(s, first);
	if ((i > 0 && off < s->p[i - 1].off + step) ||
	    (i < s->n && off + step > s->p[i].off))
		return;
	memmove(&s->p[i + 1], &s->p[i], (s->n - i) * sizeof(s->p[0]));
	s->p[i] = (struct point){ (uint32_t)(first - seg), (uint32_t)off };
	s->n++;
}

/* ---- reading from a point ---- */

/* The file goes back, for the next reader. */
void
reader_done(struct reader *r)
{
	struct slot *s = r->pane.fd < 0 ? NULL : slot_of(r->j, r->seg);

	if (s != NULL && s->fd < 0) {
		s->fd = r->pane.fd;
		s->head = r->head;
		r->pane.fd = -1;
	}
	pane_done(&r->pane);
}

/* Take the file out of the slot, or open it: two readers never share one. */
static enum jit_err
take_file(struct reader *r, struct slot *s, struct jit_why *why)
{
	const struct journal_ops *o = &r->j->ops;
	struct pane *p = &r->pane;
	struct digest before;

	if (s->fd < 0) {
		p->ahead = SEGMENT_HEADER_MAX;
		return pane_open(p, r->j, r->seg, &before, &r->head, why);
	}
	p->ops = o;
	p->fd = s->fd;
	r->head = s->head;
	s->fd = -1;
	if (o->size(o->ctx, p->fd, &p->size) != JIT_OK)
		return jit_fail(why, JIT_E_IO, "cannot read the segment of "
		    "entry %llu", (unsigned long long)r->seg);
	return JIT_OK;
}

/* The batch at r->off has to be the one of entry r->next.  JIT_E_FORMAT. */
static enum jit_err
read_batch(struct reader *r)
{
	JIT_TRY(pane_batch(&r->pane, r->off, &r->batch));
	if (r->batch.first != r->next)
		return JIT_E_FORMAT;
	journal_index_note(r->j, r->seg, r->next, r->off);
	r->next += r->batch.count;
	return JIT_OK;
}

static enum jit_err
walk_to(struct reader *r, uint64_t index)
{
	JIT_TRY(read_batch(r));
	while (r->next <= index) {
		r->off += r->batch.size;
		JIT_TRY(read_batch(r));
	}
	return JIT_OK;
}

/* Walk from the last point before an entry.  JIT_E_FORMAT: not from there. */
static enum jit_err
from_point(struct reader *r, const struct slot *s, uint64_t index)
{
	const struct journal *j = r->j;
	size_t i = points_to(s, index);
	uint64_t end = r->seg == j->seg[j->n_seg - 1] ? j->off : 0;

	if (i == 0)
		return JIT_E_FORMAT;
	r->off = s->p[i - 1].off;
	r->next = s->seg + s->p[i - 1].first;
	/* It is before the next point: one read, of no more than that. */
	if (i < s->n)
		end = s->p[i].off;
	r->pane.ahead = end > r->off ? (size_t)(end - r->off) : READ_AHEAD;
	return walk_to(r, index);
}

static enum jit_err
missing(const struct reader *r, enum jit_err e, struct jit_why *why)
{
	/* What the disk or memory does is not damage. */
	return e != JIT_E_FORMAT ? e : jit_fail(why, JIT_E_DAMAGE, "entry "
	    "%llu cannot be read", (unsigned long long)r->next);
}

enum jit_err
reader_find(struct reader *r, struct journal *j, uint64_t seg, uint64_t index,
    struct jit_why *why)
{
	struct slot *s = slot_of(j, seg);
	enum jit_err e;

	if (s == NULL)
		return JIT_E_NOMEM;
	r->j = j;
	r->seg = seg;
	JIT_TRY(take_file(r, s, why));
	if ((e = from_point(r, s, index)) != JIT_E_FORMAT)
		return e;
	/* Once more without what was believed of the segment until now. */
	if (s->n > 0) {
		pane_done(&r->pane);
		forget(s, &j->ops);
		JIT_TRY(take_file(r, s, why));
	}
	r->off = r->head;
	r->next = seg;
	r->pane.ahead = READ_AHEAD;
	return missing(r, walk_to(r, index), why);
}

enum jit_err
reader_next(struct reader *r, struct jit_why *why)
{
	r->off += r->batch.size;
	return missing(r, read_batch(r), why);
}
