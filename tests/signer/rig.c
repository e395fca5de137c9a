#include <stdlib.h>
#include <string.h>

#include "tests/signer/rig.h"

/* Full tiles are derived: a store that forgets them all is a fair one. */
struct tile_mem { struct tile_mem *next; unsigned level; uint64_t n;
	uint8_t bytes[TILE_BYTES]; };
static struct tile_mem *tile_list;

static enum jit_err
tile_put(void *ctx, unsigned level, uint64_t n, const uint8_t *bytes)
{
	struct tile_mem *m = malloc(sizeof(*m));

	(void)ctx;
	assert_non_null(m);
	*m = (struct tile_mem){ .next = tile_list, .level = level, .n = n };
	memcpy(m->bytes, bytes, TILE_BYTES);
	tile_list = m;
	return JIT_OK;
}

static enum jit_err
tile_get(void *ctx, unsigned level, uint64_t n, uint8_t *bytes)
{
	(void)ctx;
	for (struct tile_mem *m = tile_list; m != NULL; m = m->next)
		if (m->level == level && m->n == n) {
			memcpy(bytes, m->bytes, TILE_BYTES);
			return JIT_OK;
		}
	return JIT_E_UNKNOWN;
}

static void
forget_tiles(void)
{
	while (tile_list != NULL) {
		struct tile_mem *m = tile_list;

		tile_list = m->next;
		free(m);
	}
}

static const struct tile_store store = { tile_put, tile_get, NULL, NULL };

struct folding {
	struct ledger *ledger;
	struct tiles *tiles;
	enum ledger_mode mode;
	struct jit_why why;
};

static enum jit_err
fold(void *arg, const struct entry *e)
{
	struct folding *f = arg;
	struct digest d;

	JIT_TRY(ledger_apply(f->ledger, e, f->mode, &f->why));
	JIT_TRY(merkle_leaf(SPAN(e->leaf, ENTRY_LEAF), &d));
	return f->tiles == NULL ? JIT_OK : tiles_add(f->tiles, &d);
}

static struct journal_config
config(struct rig *r)
{
	return (struct journal_config){ .ops = &r->ops, .log = &r->w.log,
	    .segment = r->segment };
}

static void
make_turn(struct rig *r, struct ledger *l)
{
	struct turn_config c = {
		.journal = r->journal, .tiles = r->tiles, .ledger = l,
		.log = r->w.key[K_LOG],
		.vkey = &r->w.log, .rng = &r->w.rng,
	};
	struct jit_why why = { 0 };

	c.ca.n = world_privs(&r->w, c.ca.v);
	JT_WHY(turn_new(&c, &r->turn, &why), JIT_OK, &why);
}

void
rig_init(struct rig *r, uint32_t segment)
{
	struct journal_config c;
	struct ledger *l = NULL;
	struct jit_why why = { 0 };

	*r = (struct rig){ .segment = segment };
	world_init(&r->w);
	r->disk = simdisk_new((uint64_t)1 << 32);
	r->ops = simdisk_ops(r->disk);
	c = config(r);
	JT_WHY(journal_create(&c, &r->journal, &why), JIT_OK, &why);
	JT_OK(tiles_new(&store, &r->tiles));
	JT_OK(ledger_new(&l));
	make_turn(r, l);
	JT_WHY(turn_genesis(r->turn, r->w.policy, &r->w.ca, r->w.now, &why), JIT_OK,
	    &why);
}

void
rig_stop(struct rig *r)
{
	turn_free(r->turn);
	tiles_free(r->tiles);
	journal_close(r->journal);
	forget_tiles();
	r->turn = NULL;
	r->tiles = NULL;
	r->journal = NULL;
}

void
rig_done(struct rig *r)
{
	rig_stop(r);
	simdisk_free(r->disk);
	world_done(&r->w);
}

enum jit_err
rig_start(struct rig *r, struct jit_why *why)
{
	static const struct journal_mark beginning;
	struct journal_config c = config(r);
	struct folding f = { .mode = LEDGER_OWN };
	enum jit_err e;

	JT_OK(ledger_new(&f.ledger));
	JT_OK(tiles_new(&store, &f.tiles));
	r->tiles = f.tiles;
	e = journal_open(&c, &beginning, fold, &f, &r->journal, why);
	if (e != JIT_OK) {
		ledger_free(f.ledger);
		return e;
	}
	make_turn(r, f.ledger);
	return JIT_OK;
}

/* ---- frames ---- */

struct task *
rig_raw(struct span frame)
{
	struct buf b = { NULL, 0 };
	struct task *t = NULL;

	JT_OK(buf_copy(&b, frame));
	JT_OK(task_new(&b, &t));
	task_open(t);
	return t;
}

struct task *
rig_task(const struct ask *a)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_FRAME_MAX + 4);

	ask_put(&w, a);
	JT_OK(w.err);
	return rig_raw(SPAN(w.p + 4, w.n - 4));
}

enum jit_err
rig_turn(struct rig *r, struct task *const *t, size_t n)
{
	struct jit_why why = { 0 };

	return turn_run(r->turn, t, n, r->w.now, &why);
}

static struct answer
read_answer(const struct task *t)
{
	struct answer a;
	struct rd rd = rd_of(wr_view(&t->answer));

	assert_true(rd_u32(&rd) == rd.n);
	JT_OK(answer_get(SPAN(rd.p, rd.n), &a));
	return a;
}

enum jit_err
rig_ask(struct rig *r, const struct ask *a, struct buf *payload,
    struct jit_why *why)
{
	JIT_SCOPED(task_free) struct task *t = rig_task(a);
	struct answer got;

	JT_OK(rig_turn(r, &t, 1));
	assert_false(t->parked);
	got = read_answer(t);
	if (why != NULL)
		*why = got.why;
	if (got.err == JIT_OK && payload != NULL)
		JT_OK(buf_copy(payload, got.payload));
	return got.err;
}

/* ---- what people do ---- */

void
mail_done(struct mail *m)
{
	buf_done(&m->text);
	buf_done(&m->sig);
	buf_done(&m->possess);
}

static void
seal_mail(struct rig *r, struct mail *m, enum op op, const char *ns,
    enum world_key who)
{
	m->sig = world_sign(&r->w, who, ns, BUF_SPAN(m->text));
	m->ask = (struct ask){ .op = op, .tag = 7, .text = BUF_SPAN(m->text),
	    .sig = BUF_SPAN(m->sig) };
}

void
rig_mail_request(struct rig *r, const struct draft *d, enum world_key who,
    struct mail *m)
{
	*m = (struct mail){ .text = world_request_text(d) };
	m->possess = world_possess(&r->w, BUF_SPAN(m->text));
	seal_mail(r, m, OP_REQUEST, NS_REQUEST, who);
	m->ask.possess = BUF_SPAN(m->possess);
}

void
rig_mail_decision(struct rig *r, const struct draft *d, enum verdict v,
    enum world_key who, struct mail *m)
{
	JIT_DONE(buf_done) struct buf text = world_request_text(d);

	*m = (struct mail){ .text = world_decision_text(&r->w, v,
	    world_name(who), BUF_SPAN(text), &d->req.id) };
	seal_mail(r, m, OP_DECISION, NS_DECISION, who);
}

void
rig_mail_act(struct rig *r, const struct draft *d, enum act_kind kind,
    enum world_key who, struct mail *m)
{
	JIT_DONE(buf_done) struct buf text = world_request_text(d);
	JIT_DONE(wr_done) struct wr w = WR_INIT(ACT_MAX);
	struct act a = { .kind = kind, .log = span_str(r->w.log_id),
	    .by = span_str(world_name(who)), .at = r->w.now,
	    .request = d->req.id };

	JT_OK(digest_sha256(BUF_SPAN(text), &a.digest));
	act_put(&w, &a);
	*m = (struct mail){ .text = { NULL, 0 } };
	JT_OK(wr_take(&w, &m->text));
	seal_mail(r, m, kind == ACT_DROP ? OP_DROP :
	    kind == ACT_REVOKE ? OP_REVOKE : OP_CANCEL, act_namespace(kind),
	    who);
}

void
rig_mail_lock(struct rig *r, const char *person, bool unlock,
    enum world_key who, struct mail *m)
{
	*m = (struct mail){ .text = world_lock_text(&r->w, person, unlock,
	    world_name(who)) };
	seal_mail(r, m, OP_LOCK, lock_namespace(unlock), who);
}

void
rig_mail_collect(const struct draft *d, struct mail *m)
{
	*m = (struct mail){ .ask = { .op = OP_COLLECT, .tag = 7,
	    .id = d->req.id, .secret = SPAN(d->secret, 32) } };
}

/* Send it; the receipt is checked under the log's key. */
static enum jit_err
send(struct rig *r, struct mail *m, struct buf *body)
{
	JIT_DONE(buf_done) struct buf payload = { NULL, 0 };
	JIT_DONE(receipts_done) struct receipts v = { 0 };

	JIT_TRY(rig_ask(r, &m->ask, &payload, NULL));
	rig_check_receipts(r, BUF_SPAN(payload), 1, &v);
	if (body != NULL)
		JT_OK(buf_copy(body, v.v[0].e.body));
	return JIT_OK;
}

enum jit_err
rig_request(struct rig *r, const char *role, enum world_key who,
    struct draft *d)
{
	JIT_DONE(mail_done) struct mail m;

	world_draft(&r->w, role, who, d);
	rig_mail_request(r, d, who, &m);
	return send(r, &m, NULL);
}

enum jit_err
rig_decide(struct rig *r, const struct draft *d, enum verdict v,
    enum world_key who)
{
	JIT_DONE(mail_done) struct mail m;

	rig_mail_decision(r, d, v, who, &m);
	return send(r, &m, NULL);
}

enum jit_err
rig_act(struct rig *r, const struct draft *d, enum act_kind kind,
    enum world_key who)
{
	JIT_DONE(mail_done) struct mail m;

	rig_mail_act(r, d, kind, who, &m);
	return send(r, &m, NULL);
}

enum jit_err
rig_lock(struct rig *r, const char *person, bool unlock, enum world_key who)
{
	JIT_DONE(mail_done) struct mail m;

	rig_mail_lock(r, person, unlock, who, &m);
	return send(r, &m, NULL);
}

enum jit_err
rig_collect(struct rig *r, const struct draft *d, struct buf *cert)
{
	JIT_DONE(buf_done) struct buf body = { NULL, 0 };
	JIT_DONE(mail_done) struct mail m;
	struct rec_issued i;

	rig_mail_collect(d, &m);
	JIT_TRY(send(r, &m, &body));
	JT_OK(rec_get_issued(BUF_SPAN(body), &i, NULL));
	if (cert != NULL)
		JT_OK(buf_copy(cert, i.cert));
	return JIT_OK;
}

void
rig_check_receipts(struct rig *r, struct span payload, size_t want,
    struct receipts *ret)
{
	struct rd rd = rd_of(payload);
	struct jit_why why = { 0 };
	struct checkpoint c;

	JT_OK(receipts_get(&rd, ret, NULL));
	assert_int_equal(ret->n, want);
	JT_WHY(checkpoint_open(ret->note, &r->w.log, &c, &why), JIT_OK, &why);
	for (size_t i = 0; i < ret->n; i++)
		JT_WHY(receipt_check(&ret->v[i], &c, &why), JIT_OK, &why);
}

void
rig_check_log(struct rig *r)
{
	struct folding f = { .mode = LEDGER_DEEP };
	uint64_t size = journal_mark(r->journal)->edge.size;
	enum jit_err e;

	JT_OK(ledger_new(&f.ledger));
	e = journal_read(r->journal, 0, size, fold, &f, &f.why);
	JT_WHY(e, JIT_OK, &f.why);
	assert_true(ledger_next_serial(f.ledger) ==
	    ledger_next_serial(turn_ledger(r->turn)));
	ledger_free(f.ledger);
}
