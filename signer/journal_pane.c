#include <stdlib.h>
#include <string.h>

#include "signer/journal_int.h"

#define PANE (1024u * 1024)

void
pane_done(struct pane *p)
{
	if (p->ops != NULL && p->fd >= 0)
		p->ops->close(p->ops->ctx, p->fd);
	/* Not buf_done: what is on disk is no secret, and wiping is slow. */
	free(p->buf.p);
	*p = (struct pane){ .fd = -1 };
}

enum jit_err
pane_at(struct pane *p, uint64_t off, size_t need, struct span *ret)
{
	uint64_t left = off < p->size ? p->size - off : 0;
	size_t n = p->ahead > 0 && p->ahead < PANE ? p->ahead : PANE;

	if (n < need)
		n = need;
	if (left < n)
		n = (size_t)left;
	if (off < p->off || off + (need < n ? need : n) > p->off + p->buf.n) {
		uint8_t *mem = realloc(p->buf.p, n > 0 ? n : 1);

		if (mem == NULL)
			return JIT_E_NOMEM;
		p->buf = (struct buf){ mem, n };
		p->off = off;
		p->ahead = p->ahead < PANE ? 2 * p->ahead : PANE;
		if (n > 0)
			JIT_TRY(p->ops->read(p->ops->ctx, p->fd, off, mem, n));
	}
	*ret = SPAN(p->buf.p + (off - p->off), p->buf.n - (off - p->off));
	return JIT_OK;
}

enum jit_err
pane_batch(struct pane *p, uint64_t off, struct batch *b)
{
	struct span s = SPAN_NONE;
	uint32_t n;

	JIT_TRY(pane_at(p, off, BATCH_PREFIX, &s));
	if ((n = batch_length(s)) == 0 || n > p->size - off)
		return JIT_E_FORMAT;
	JIT_TRY(pane_at(p, off, n, &s));
	return batch_get(s, b);
}

enum jit_err
pane_open(struct pane *p, const struct journal *j, uint64_t first,
    struct digest *before, size_t *n, struct jit_why *why)
{
	char name[JOURNAL_NAME];
	uint64_t index = 0;
	struct span s = SPAN_NONE;
	enum jit_err e;

	journal_name(first, name);
	p->ops = &j->ops;
	if ((e = p->ops->open(p->ops->ctx, name, false, &p->fd)) != JIT_OK ||
	    (e = p->ops->size(p->ops->ctx, p->fd, &p->size)) != JIT_OK ||
	    (e = pane_at(p, 0, SEGMENT_HEADER_MAX, &s)) != JIT_OK)
		return jit_fail(why, e == JIT_E_UNKNOWN ? JIT_E_DAMAGE : e,
		    "cannot read %s", name);
	e = segment_get_header(s, j->log.origin, &index, before, n);
	if (e == JIT_E_LOGNAME)
		return jit_fail(why, e, "%s is of another log", name);
	if (e == JIT_E_FORMAT || (e == JIT_OK && index != first))
		return jit_fail(why, JIT_E_DAMAGE, "%s: its header is "
		    "damaged", name);
	return e;
}
