#include <stdlib.h>
#include <string.h>

#include "signer/crash.h"
#include "signer/turn_int.h"

/* ---- entries by index ---- */

static enum jit_err
take_entry(void *arg, const struct entry *e)
{
	return kept_copy(arg, e);
}

enum jit_err
turn_fetch(struct turn *t, uint64_t index, struct kept *ret,
    struct jit_why *why)
{
	for (size_t i = 0; i < t->n_made; i++)
		if (t->made[i].e.index == index)
			return kept_copy(ret, &t->made[i].e);
	return journal_read(t->c.journal, index, 1, take_entry, ret, why);
}

enum jit_err
turn_load(struct turn *t, const struct settled *s, struct dossier **ret,
    struct jit_why *why)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;

	for (size_t i = 0; i < s->n; i++) {
		JIT_DONE(kept_done) struct kept k = { 0 };

		JIT_TRY(turn_fetch(t, s->index[i], &k, why));
		JIT_TRY(i == 0 ? dossier_new(&k.e, DOSSIER_OWN, &d, why) :
		    dossier_add(d, &k.e, DOSSIER_OWN, why));
	}
	if (d == NULL)
		return JIT_E_UNKNOWN;
	*ret = d;
	d = NULL;
	return JIT_OK;
}

/* ---- receipts ---- */

/* Receipts as they are collected: the count stands before them. */
struct pile {
	uint32_t n;
	struct wr w;
};
#define PILE_INIT { 0, WR_INIT(PROTO_ANSWER_MAX - 2 * TLOG_NOTE_MAX) }

static void
pile_done(struct pile *p)
{
	wr_done(&p->w);
}
JIT_SCOPED_OBJ(struct pile, pile_done);

static enum jit_err
pile_add(struct turn *t, struct pile *p, const struct entry *e)
{
	struct merkle_source src = tiles_source(t->c.tiles);
	struct receipt r = { .e = *e };

	JIT_TRY(merkle_prove(&src, e->index, tiles_size(t->c.tiles),
	    &r.proof));
	receipt_put(&p->w, &r);
	p->n++;
	return p->w.err;
}

static enum jit_err
pile_fetch(struct turn *t, struct pile *p, uint64_t index,
    struct jit_why *why)
{
	JIT_DONE(kept_done) struct kept k = { 0 };

	JIT_TRY(turn_fetch(t, index, &k, why));
	return pile_add(t, p, &k.e);
}

/* All entries about a request, however it is kept. */
static enum jit_err
pile_matter(struct turn *t, struct pile *p, const struct dossier *d,
    const struct settled *s, struct jit_why *why)
{
	if (d == NULL) {
		for (size_t i = 0; i < s->n; i++)
			JIT_TRY(pile_fetch(t, p, s->index[i], why));
		return JIT_OK;
	}
	for (size_t i = 0; i < d->n; i++)
		JIT_TRY(pile_add(t, p, &d->entry[i].e));
	return JIT_OK;
}

static void
put_pile(struct turn *t, struct wr *w, const struct pile *p)
{
	wr_string(w, journal_note(t->c.journal));
	wr_u32(w, p->n);
	wr_span(w, wr_view(&p->w));
}

static void
put_listing(struct turn *t, struct wr *w, utc_s now)
{
	wr_u64(w, (uint64_t)now);
	wr_u64(w, ledger_policy_index(t->ledger));
}

/* ---- what is asked ---- */

static enum jit_err
answer_entry(struct turn *t, struct task *k, struct wr *w)
{
	JIT_DONE(pile_done) struct pile p = PILE_INIT;

	JIT_TRY(pile_fetch(t, &p, k->entry, &k->why));
	put_pile(t, w, &p);
	return w->err;
}

static enum jit_err
answer_dossier(struct turn *t, struct task *k, struct wr *w)
{
	JIT_DONE(pile_done) struct pile p = PILE_INIT;
	const struct dossier *d = NULL;
	const struct settled *s = NULL;

	if (ledger_get(t->ledger, &k->ask.id, &d, &s) == LEDGER_NONE)
		return jit_fail(&k->why, JIT_E_UNKNOWN, "request %s is not "
		    "known, or long over", k->ask.id.s);
	JIT_TRY(pile_matter(t, &p, d, s, &k->why));
	put_listing(t, w, t->now);
	put_pile(t, w, &p);
	return w->err;
}

static uint64_t
request_index(const struct dossier *d, const struct settled *s)
{
	return d != NULL ? d->h.request_index : s->index[0];
}

static enum jit_err
answer_list(struct turn *t, struct task *k, struct wr *w)
{
	JIT_DONE(pile_done) struct pile p = PILE_INIT;
	uint32_t max = k->ask.max < PROTO_LIST_MAX ? k->ask.max :
	    PROTO_LIST_MAX, n = 0;
	uint64_t next = 0;

	for (size_t i = 0; i < ledger_count(t->ledger); i++) {
		const struct dossier *d = NULL;
		const struct settled *s = NULL;

		(void)ledger_at(t->ledger, i, &d, &s);
		if (request_index(d, s) < k->ask.from)
			continue;
		if (n == max || p.w.n > PROTO_PAGE) {
			next = request_index(d, s);
			break;
		}
		JIT_TRY(pile_matter(t, &p, d, s, &k->why));
		n++;
	}
	put_listing(t, w, t->now);
	wr_u64(w, next);
	put_pile(t, w, &p);
	return w->err;
}

struct finding {
	struct turn *t;
	struct pile p;
	const struct ulid *id;
	uint64_t next;
	utc_s time;		/* of the newest that was looked at */
};

static enum jit_err
find_entry(void *arg, const struct entry *e)
{
	struct finding *f = arg;
	struct ulid id;

	if (f->p.w.n > PROTO_PAGE)
		return JIT_OK;		/* the next page begins here */
	f->next = e->index + 1;
	f->time = e->time;
	if (e->erased || !rec_about((enum entry_type)e->type, e->body, &id) ||
	    strcmp(id.s, f->id->s) != 0)
		return JIT_OK;
	return pile_add(f->t, &f->p, e);
}

static enum jit_err
answer_find(struct turn *t, struct task *k, struct wr *w)
{
	struct finding f = { .t = t, .p = PILE_INIT, .id = &k->ask.id };
	JIT_DONE(pile_done) struct pile done = { 0 };
	uint64_t size = tiles_size(t->c.tiles), from = k->ask.from, n;
	enum jit_err e = JIT_OK;

	/* An id's own time is near the moment when it was logged. */
	if (from == 0)
		JIT_TRY(journal_find_time(t->c.journal, ulid_ms(f.id) / 1000 -
		    2 * JUDGE_CLOCK_SLACK, &from, &k->why));
	n = from < size ? size - from : 0;
	if (n > 0)
		e = journal_read(t->c.journal, from, n < TURN_FIND ? n :
		    TURN_FIND, find_entry, &f, &k->why);
	done = f.p;
	JIT_TRY(e);
	put_listing(t, w, f.time);
	wr_u64(w, f.next < size ? f.next : 0);
	put_pile(t, w, &done);
	return w->err;
}

static enum jit_err
answer_prove(struct turn *t, struct task *k, struct wr *w)
{
	JIT_DONE(pile_done) struct pile p = PILE_INIT;

	for (uint32_t i = 0; i < k->ask.count; i++)
		JIT_TRY(pile_fetch(t, &p, ask_index(&k->ask, i), &k->why));
	put_pile(t, w, &p);
	return w->err;
}

static enum jit_err
answer_blobs(struct turn *t, struct task *k, struct wr *w)
{
	JIT_DONE(pile_done) struct pile p = PILE_INIT;

	for (uint32_t i = 0; i < k->ask.count && p.w.n <= PROTO_PAGE; i++) {
		struct digest d;
		uint64_t index = 0;

		ask_digest(&k->ask, i, &d);
		if (ledger_blob(t->ledger, &d, &index) != JIT_OK)
			return jit_fail(&k->why, JIT_E_UNKNOWN, "no policy "
			    "had a block of that digest");
		JIT_TRY(pile_fetch(t, &p, index, &k->why));
	}
	put_pile(t, w, &p);
	return w->err;
}

struct paging {
	struct wr w;
	uint32_t n;
};

static enum jit_err
page_entry(void *arg, const struct entry *e)
{
	struct paging *p = arg;

	/* What comes after the page is full is not part of it. */
	if (p->w.n > PROTO_PAGE)
		return JIT_OK;
	page_put_entry(&p->w, e);
	p->n++;
	return p->w.err;
}

/* A page from k's first on, under the newest note. */
static enum jit_err
answer_entries(struct turn *t, struct task *k, struct wr *w)
{
	struct paging p = { .w = WR_INIT(PROTO_ANSWER_MAX -
	    2 * TLOG_NOTE_MAX) };
	JIT_DONE(wr_done) struct wr done = { 0 };
	uint64_t size = tiles_size(t->c.tiles), from = k->ask.from, n;
	enum jit_err e = JIT_OK;

	n = from < size ? size - from : 0;
	if (n > k->ask.max)
		n = k->ask.max;
	if (n > 2 * TURN_FIND)
		n = 2 * TURN_FIND;
	if (n > 0)
		e = journal_read(t->c.journal, from, n, page_entry, &p,
		    &k->why);
	done = p.w;
	JIT_TRY(e);
	wr_string(w, journal_note(t->c.journal));
	wr_u64(w, from);
	wr_u32(w, p.n);
	wr_span(w, wr_view(&done));
	return w->err;
}

/* Had the log ever that size? */
static enum jit_err
check_seen(const struct turn *t, uint64_t old, struct jit_why *why)
{
	uint64_t size = tiles_size(t->c.tiles);

	return old <= size ? JIT_OK : jit_fail(why, JIT_E_ROLLBACK, "the log "
	    "has %llu entries", (unsigned long long)size);
}

/* The path from a size that was seen to the newest; none from nothing. */
static enum jit_err
path_from(struct turn *t, uint64_t old, struct merkle_proof *ret,
    struct jit_why *why)
{
	struct merkle_source src = tiles_source(t->c.tiles);

	ret->n = 0;
	if (old == 0)
		return JIT_OK;
	JIT_TRY(check_seen(t, old, why));
	return merkle_prove_consistency(&src, old, tiles_size(t->c.tiles),
	    ret);
}

static enum jit_err
answer_checkpoint(struct turn *t, struct task *k, struct wr *w)
{
	struct grown g = { .note = journal_note(t->c.journal) };

	JIT_TRY(path_from(t, k->ask.from, &g.path, &k->why));
	grown_put(w, &g);
	return w->err;
}

static enum jit_err
answer_follow(struct turn *t, struct task *k, struct wr *w)
{
	const struct followed f = {
		.state = turn_state(t),
		.now = t->now,
		.policy_index = ledger_policy_index(t->ledger),
		.recovery = ledger_recovery(t->ledger),
	};

	JIT_TRY(check_seen(t, k->ask.from, &k->why));
	follow_put(w, &f);
	return answer_entries(t, k, w);
}

/* ---- lists ---- */

static enum jit_err
answer_published(struct turn *t, struct task *k, struct wr *w)
{
	const struct list *l = NULL;
	struct published p;

	JIT_TRY(lists_get(&t->lists, t, k->ask.name, &l, &k->why));
	if (k->ask.from > l->bytes.n)
		return jit_fail(&k->why, JIT_E_ARG, "the list has %zu bytes",
		    l->bytes.n);
	p = (struct published){ .number = l->number, .made = l->made,
	    .next = l->next, .total = l->bytes.n, .sig = BUF_SPAN(l->sig),
	    .bytes = SPAN(l->bytes.p + k->ask.from,
	    l->bytes.n - (size_t)k->ask.from) };
	if (p.bytes.n > PROTO_PAGE)
		p.bytes.n = PROTO_PAGE;
	published_put(w, &p);
	return w->err;
}

/* ---- hello ---- */

static enum jit_err
greet(struct turn *t, struct task *k)
{
	struct merkle_source src = tiles_source(t->c.tiles);
	uint64_t size = tiles_size(t->c.tiles);
	struct checkpoint c;
	struct digest root;

	if (k->ask.version != PROTO_VERSION)
		return jit_fail(&k->why, JIT_E_PROTOCOL, "version %u, "
		    "accepted is %d", (unsigned)k->ask.version,
		    PROTO_VERSION);
	if (k->ask.note.n == 0)
		return JIT_OK;
	JIT_TRY(checkpoint_open(k->ask.note, t->c.vkey, &c, &k->why));
	if (c.size <= size) {
		JIT_TRY(merkle_root(&src, c.size, &root));
		if (digest_eq(&root, &c.root)) {
			k->ask.from = c.size;
			return JIT_OK;
		}
	}
	/* Admins gave that tail up, and signed for it. */
	if (c.size > ledger_given_up(t->ledger))
		JIT_TRY(turn_freeze(t, RECOVERY_ROLLBACK, k->ask.note));
	return jit_fail(&k->why, JIT_E_ROLLBACK, "you have seen %llu entries "
	    "of this log, signed by its key; here are %llu, and they are not "
	    "its continuation", (unsigned long long)c.size,
	    (unsigned long long)size);
}

void
turn_greet(struct turn *t, struct task *k)
{
	k->err = greet(t, k);
}

static enum jit_err
answer_hello(struct turn *t, struct task *k, struct wr *w)
{
	JIT_DONE(wr_done) struct wr vkey = WR_INIT(TLOG_VKEY_MAX);
	struct hello h = {
		/* Who this log is, for ever; keys entries say what signs. */
		.user_ca = ledger_genesis(t->ledger)->user_ca,
		.note = journal_note(t->c.journal),
		.state = turn_state(t),
		.now = t->now,
		.policy_index = ledger_policy_index(t->ledger),
		.recovery = ledger_recovery(t->ledger),
		.keys_index = ledger_keys_index(t->ledger),
	};

	tlog_vkey_put(&vkey, t->c.vkey);
	JIT_TRY(vkey.err);
	h.vkey = wr_view(&vkey);
	JIT_TRY(path_from(t, k->ask.from, &h.path, &k->why));
	hello_put(w, &h);
	return w->err;
}

/* ---- all ---- */

/*
 * Is there something about k's request since the size that it knows?  Who
 * follows the whole log is told of each entry, and of what the signer does
 * not do any more, or does again.
 */
static bool
has_news(const struct turn *t, const struct task *k)
{
	const struct dossier *d = NULL;
	const struct settled *s = NULL;

	if (k->ask.op == OP_FOLLOW)
		return tiles_size(t->c.tiles) != k->ask.from ||
		    turn_state(t) != k->state;
	if (ledger_policy_index(t->ledger) >= k->ask.from ||
	    ledger_get(t->ledger, &k->ask.id, &d, &s) == LEDGER_NONE)
		return true;
	return ledger_last(d, s) >= k->ask.from;
}

static enum jit_err
answer_payload(struct turn *t, struct task *k, struct wr *w)
{
	switch (k->ask.op) {
	case OP_HELLO:
		return answer_hello(t, k, w);
	case OP_REQUEST:
	case OP_DECISION:
	case OP_CANCEL:
	case OP_DROP:
	case OP_REVOKE:
	case OP_LOCK:
	case OP_COLLECT:
		return answer_entry(t, k, w);
	case OP_SHOW:
	case OP_WAIT:
		return answer_dossier(t, k, w);
	case OP_LIST:
		return answer_list(t, k, w);
	case OP_FIND:
		return answer_find(t, k, w);
	case OP_PROVE:
		return answer_prove(t, k, w);
	case OP_BLOBS:
		return answer_blobs(t, k, w);
	case OP_ENTRIES:
		return answer_entries(t, k, w);
	case OP_CHECKPOINT:
		return answer_checkpoint(t, k, w);
	case OP_FOLLOW:
		return answer_follow(t, k, w);
	case OP_PUBLISHED:
		return answer_published(t, k, w);
	}
	return JIT_E_PROTOCOL;
}

void
turn_refuse(struct task *k)
{
	struct wr *w = &k->answer;

	w->n = 0;
	w->err = JIT_OK;
	answer_error(w, (uint8_t)k->ask.op, k->ask.tag, k->err, &k->why);
	CRASH_POINT(TELL_NO);
}

static void
answer_now(struct turn *t, struct task *k)
{
	size_t mark;

	k->parked = false;
	mark = answer_begin(&k->answer, k->ask.op, k->ask.tag);
	k->err = answer_payload(t, k, &k->answer);
	CRASH_POINT(TURN_REPLY);
	if (k->err != JIT_OK) {
		turn_refuse(k);
		return;
	}
	answer_end(&k->answer, mark);
}

void
turn_answer(struct turn *t, struct task *k)
{
	if (k->err != JIT_OK) {
		turn_refuse(k);
		return;
	}
	k->state = turn_state(t);
	if (ask_waits(&k->ask) > 0 && !has_news(t, k)) {
		k->parked = true;
		return;
	}
	answer_now(t, k);
}

bool
turn_wake(struct turn *t, struct task *k, bool over, utc_s now)
{
	if (!over && !has_news(t, k))
		return false;
	t->now = now;
	answer_now(t, k);
	return true;
}
