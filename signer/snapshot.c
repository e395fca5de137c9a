#include <string.h>

#include "signer/keep.h"
#include "signer/snapshot.h"

#define MAGIC "jitsnap1"
#define SUM 32

void
snapshot_done(struct snapshot *s)
{
	buf_done(&s->note);
	tiles_free(s->tiles);
	ledger_free(s->ledger);
	*s = (struct snapshot){ .tiles = NULL };
}

static void
put_mark(struct wr *w, const struct journal_mark *m)
{
	wr_u64(w, m->edge.size);
	for (int i = 63; i >= 0; i--)
		if (m->edge.size >> i & 1)
			wr_span(w, DIGEST_SPAN(m->edge.peak[i]));
	wr_span(w, DIGEST_SPAN(m->batch));
}

static void
get_mark(struct rd *r, struct journal_mark *ret)
{
	*ret = (struct journal_mark){ .edge.size = rd_u64(r) };
	for (int i = 63; i >= 0; i--)
		if (ret->edge.size >> i & 1)
			rd_copy(r, ret->edge.peak[i].b,
			    sizeof(ret->edge.peak[i].b));
	rd_copy(r, ret->batch.b, sizeof(ret->batch.b));
}

enum jit_err
snapshot_save(const struct journal_ops *home, const struct snapshot_of *s,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT((size_t)SNAPSHOT_MAX);
	struct digest sum;
	size_t mark;

	wr_str(&w, MAGIC);
	put_mark(&w, s->mark);
	wr_string(&w, s->note);
	mark = wr_string_begin(&w);
	tiles_save(s->tiles, &w);
	wr_string_end(&w, mark);
	mark = wr_string_begin(&w);
	JIT_TRY(ledger_save(s->ledger, &w));
	wr_string_end(&w, mark);
	JIT_TRY(w.err);
	JIT_TRY(digest_sha256(wr_view(&w), &sum));
	wr_span(&w, DIGEST_SPAN(sum));
	JIT_TRY(w.err);
	return keep_put(home, SNAPSHOT_FILE, wr_view(&w), why);
}

/* The parts are of one tree, and the checkpoint is of that. */
static enum jit_err
check_parts(const struct snapshot *s, const struct tlog_vkey *log,
    struct jit_why *why)
{
	struct digest root, folded;
	struct checkpoint c;

	JIT_TRY(checkpoint_open(BUF_SPAN(s->note), log, &c, why));
	JIT_TRY(merkle_edge_root(&s->mark.edge, &root));
	JIT_TRY(merkle_edge_root(ledger_edge(s->ledger), &folded));
	if (c.size != s->mark.edge.size || c.size != tiles_size(s->tiles) ||
	    c.size != ledger_size(s->ledger) || !digest_eq(&root, &c.root) ||
	    !digest_eq(&root, &folded))
		return jit_fail(why, JIT_E_VERIFY, "the parts of the snapshot "
		    "are not of one log");
	return JIT_OK;
}

static enum jit_err
get_parts(struct rd *r, const struct tile_store *store, struct snapshot *s,
    struct jit_why *why)
{
	struct rd part;

	get_mark(r, &s->mark);
	JIT_TRY(buf_copy(&s->note, rd_string(r, TLOG_NOTE_MAX)));
	JIT_TRY(tiles_new(store, &s->tiles));
	part = rd_of(rd_string(r, (size_t)SNAPSHOT_MAX));
	JIT_TRY(tiles_load(s->tiles, &part));
	JIT_TRY(rd_end(&part));
	part = rd_of(rd_string(r, (size_t)SNAPSHOT_MAX));
	JIT_TRY(ledger_load(&part, &s->ledger, why));
	JIT_TRY(rd_end(&part));
	return rd_end(r);
}

enum jit_err
snapshot_load(const struct journal_ops *home, const struct tlog_vkey *log,
    const struct tile_store *store, struct snapshot *ret, struct jit_why *why)
{
	JIT_DONE(snapshot_done) struct snapshot s = { .tiles = NULL };
	JIT_DONE(buf_done) struct buf file = { NULL, 0 };
	const size_t head = sizeof(MAGIC) - 1;
	struct digest sum;
	struct rd r;
	enum jit_err e;

	JIT_TRY(keep_get(home, SNAPSHOT_FILE, SNAPSHOT_MAX, &file, why));
	if (file.n < head + SUM || memcmp(file.p, MAGIC, head) != 0)
		return jit_fail(why, JIT_E_FORMAT, "no snapshot, or cut off");
	JIT_TRY(digest_sha256(SPAN(file.p, file.n - SUM), &sum));
	if (memcmp(sum.b, file.p + file.n - SUM, SUM) != 0)
		return jit_fail(why, JIT_E_FORMAT, "the snapshot is damaged");
	r = rd_of(SPAN(file.p + head, file.n - head - SUM));
	e = get_parts(&r, store, &s, why);
	if (e == JIT_E_FORMAT)
		return jit_fail(why, e, "the snapshot is not what this "
		    "version writes");
	JIT_TRY(e);
	JIT_TRY(check_parts(&s, log, why));
	*ret = s;
	s = (struct snapshot){ .tiles = NULL };
	return JIT_OK;
}
