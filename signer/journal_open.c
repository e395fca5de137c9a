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

/* ---- the live segment is copied: the page cache may lie ---- */

static enum jit_err
copy_bytes(struct journal *j, int from, int to)
{
	static const size_t chunk = 1024 * 1024;
	const struct journal_ops *o = &j->ops;
	JIT_SCOPED(free) uint8_t *mem = malloc(chunk);

	if (mem == NULL)
		return JIT_E_NOMEM;
	for (uint64_t at = 0; at < j->off;) {
		size_t n = j->off - at < chunk ? (size_t)(j->off - at) : chunk;

		JIT_TRY(o->read(o->ctx, from, at, mem, n));
		JIT_TRY(o->write(o->ctx, to, at, mem, n));
		CRASH_POINT(COPY_WRITE);
		at += n;
	}
	return JIT_OK;
}

/*
 * No room for a copy: the spare's was kept for this as well.  It has its
 * other name durably before anything is written into it, so that bytes of a
 * copy are never found in a spare.
 */
static enum jit_err
take_spare(struct journal *j, int *to)
{
	const struct journal_ops *o = &j->ops;

	if (!j->spare)
		return JIT_E_FULL;
	JIT_TRY(o->rename(o->ctx, SPARE, COPY_NEW));
	CRASH_POINT(COPY_TAKE);
	j->spare = false;
	JIT_TRY(o->sync_dir(o->ctx));
	CRASH_POINT(COPY_TAKEN);
	return o->open(o->ctx, COPY_NEW, false, to);
}

/* An empty file of a segment's size, named COPY_NEW. */
static enum jit_err
copy_target(struct journal *j, int *to)
{
	const struct journal_ops *o = &j->ops;
	enum jit_err e = o->open(o->ctx, COPY_NEW, true, to);

	if (e == JIT_OK) {
		CRASH_POINT(COPY_CREATE);
		e = o->reserve(o->ctx, *to, j->segment);
		CRASH_POINT(COPY_RESERVE);
	}
	if (e != JIT_E_FULL)
		return e;
	if (*to >= 0) {
		o->close(o->ctx, *to);
		*to = -1;
		JIT_TRY(o->remove(o->ctx, COPY_NEW));
	}
	return take_spare(j, to);
}

static enum jit_err
copy_over(struct journal *j, int from, int to, const char *name)
{
	const struct journal_ops *o = &j->ops;

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
		e = copy_target(j, &to);
	if (e == JIT_OK)
		e = copy_over(j, from, to, name);
	if (from >= 0)
		o->close(o->ctx, from);
	if (e == JIT_OK) {
		j->fd = to;
		return JIT_OK;
	}
	if (to >= 0)
		o->close(o->ctx, to);
	/* UNKNOWN would say that there is no journal. */
	return jit_fail(why, e == JIT_E_UNKNOWN ? JIT_E_IO : e,
	    "cannot copy the live segment %s%s", name,
	    e == JIT_E_FULL ? ": no room, and no spare" : "");
}

/* ---- the whole ---- */

enum jit_err
journal_open(const struct journal_config *c, const struct journal_mark *mark,
    journal_entry_fn fn, void *arg, struct journal **ret, struct jit_why *why)
{
	JIT_SCOPED(journal_close) struct journal *j = NULL;
	enum jit_err e;

	JIT_TRY(journal_new(c, &j));
	e = c->readonly ? JIT_OK : j->ops.lock(j->ops.ctx);
	if (e == JIT_E_LOCKED)
		return jit_fail(why, e, "another process writes this log");
	if (e == JIT_OK)
		e = j->ops.list(j->ops.ctx, see_name, j);
	if (e != JIT_OK)
		return jit_fail(why, e == JIT_E_UNKNOWN ? JIT_E_IO : e,
		    "cannot lock and list the journal's directory");
	if (j->n_seg == 0)
		return jit_fail(why, JIT_E_UNKNOWN, "there is no journal "
		    "here");
	qsort(j->seg, j->n_seg, sizeof(j->seg[0]), index_cmp);
	JIT_TRY(journal_scan(j, mark, fn, arg, why));
	if (!c->readonly) {
		JIT_TRY(copy_live(j, why));
		/* Without a spare the log is still whole; it may be full. */
		(void)journal_make_spare(j);
	}
	*ret = j;
	j = NULL;
	return JIT_OK;
}
