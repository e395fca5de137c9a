#include <stdlib.h>
#include <string.h>

#include "signer/client.h"

#define LINE_UP_ROUNDS 16

struct client {
	struct wire wire;
	struct heard first;		/* hello's answer; hello borrows */
	struct hello hello;
	struct heard last;		/* the caller's spans borrow */
	struct tlog_vkey log;
	char log_id[TLOG_LOGID_TEXT];
	struct buf note;		/* newest that was checked */
	struct checkpoint cp;		/* the same, opened */
};

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	wire_done(&c->wire);
	heard_done(&c->first);
	heard_done(&c->last);
	buf_done(&c->note);
	free(c);
}

void
client_hang_up(struct client *c)
{
	c->wire.ops->close(c->wire.arg);
}

const struct hello *
client_hello(const struct client *c)
{
	return &c->hello;
}

const char *
client_log_id(const struct client *c)
{
	return c->log_id;
}

struct span
client_note(const struct client *c)
{
	return BUF_SPAN(c->note);
}

enum jit_err
client_untrue(enum jit_err e, struct jit_why *why)
{
	if (e == JIT_OK || e == JIT_E_NOMEM || e == JIT_E_CRYPTO ||
	    jit_err_exit(e) == jit_err_exit(JIT_E_VERIFY))
		return e;
	if (why != NULL && why->msg[0] == '\0')
		(void)jit_fail(why, e, "%s", jit_err_sentence(e));
	if (why != NULL)
		why->code = JIT_E_VERIFY;
	return JIT_E_VERIFY;
}

/* ---- one line of checkpoints ---- */

static enum jit_err
rollback(struct jit_why *why, const struct checkpoint *seen,
    const struct checkpoint *now)
{
	return jit_fail(why, JIT_E_ROLLBACK, "the log of size %llu does not "
	    "extend the one of size %llu that was seen",
	    (unsigned long long)now->size, (unsigned long long)seen->size);
}

/* Is now the same log as seen, grown along path? */
static enum jit_err
extends(const struct checkpoint *seen, const struct checkpoint *now,
    const struct merkle_proof *path, struct jit_why *why)
{
	enum jit_err e;

	if (now->size < seen->size)
		return rollback(why, seen, now);
	if (now->size == seen->size)
		return digest_eq(&seen->root, &now->root) ? JIT_OK :
		    rollback(why, seen, now);
	e = merkle_check_consistency(seen->size, now->size, &seen->root,
	    &now->root, path, NULL);
	return e == JIT_E_VERIFY ? rollback(why, seen, now) : e;
}

/* Genesis is in every log: an empty one says nothing. */
static enum jit_err
open_note(struct span note, const struct tlog_vkey *log,
    struct checkpoint *ret, struct jit_why *why)
{
	struct checkpoint cp = { 0 };

	JIT_TRY(client_untrue(checkpoint_open(note, log, &cp, why), why));
	if (cp.size == 0)
		return jit_fail(why, JIT_E_VERIFY, "a checkpoint of an empty "
		    "log");
	*ret = cp;
	return JIT_OK;
}

static enum jit_err
set_note(struct client *c, struct span note, const struct checkpoint *cp)
{
	struct buf b = { NULL, 0 };

	JIT_TRY(buf_copy(&b, note));
	buf_done(&c->note);
	c->note = b;
	c->cp = *cp;
	return JIT_OK;
}

/*
 * Two checkpoints are of one log when one tree extends both.  Both questions
 * go out at once, so that one turn of the signer answers them under the same
 * checkpoint; *one is false when it did not.
 */
static enum jit_err
extend_both(struct client *c, const struct checkpoint *cp, bool *one,
    struct jit_why *why)
{
	JIT_DONE(heard_done) struct heard a = { 0 };
	JIT_DONE(heard_done) struct heard b = { 0 };
	const struct ask ask[2] = {
		{ .op = OP_CHECKPOINT, .from = c->cp.size },
		{ .op = OP_CHECKPOINT, .from = cp->size },
	};
	struct heard h[2] = { { .a.err = JIT_OK } };
	struct grown ga, gb;
	struct checkpoint na, nb;

	JIT_TRY(c->wire.ops->ask(c->wire.arg, ask, 2, h, why));
	a = h[0];
	b = h[1];
	JIT_TRY(client_untrue(grown_get(a.a.payload, &ga, why), why));
	JIT_TRY(client_untrue(grown_get(b.a.payload, &gb, why), why));
	JIT_TRY(open_note(ga.note, &c->log, &na, why));
	JIT_TRY(open_note(gb.note, &c->log, &nb, why));
	JIT_TRY(extends(&c->cp, &na, &ga.path, why));
	JIT_TRY(extends(cp, &nb, &gb.path, why));
	*one = na.size == nb.size;
	if (*one && !digest_eq(&na.root, &nb.root))
		return rollback(why, &na, &nb);
	/* Extends what was seen, by itself. */
	return set_note(c, ga.note, &na);
}

/* Is cp, older or newer than ours, of the same log? */
static enum jit_err
line_up(struct client *c, const struct checkpoint *cp, struct jit_why *why)
{
	bool one = cp->size == c->cp.size;

	if (one)
		return digest_eq(&cp->root, &c->cp.root) ? JIT_OK :
		    rollback(why, &c->cp, cp);
	for (int i = 0; i < LINE_UP_ROUNDS && !one; i++)
		JIT_TRY(extend_both(c, cp, &one, why));
	return one ? JIT_OK : jit_fail(why, JIT_E_BUSY, "the log grows faster "
	    "than it can be followed");
}

/* The note of an answer: ours to open, and not older than what we know. */
static enum jit_err
learn(struct client *c, struct span note, struct checkpoint *ret,
    struct jit_why *why)
{
	struct checkpoint cp;

	JIT_TRY(open_note(note, &c->log, &cp, why));
	if (cp.size < c->cp.size)
		return jit_fail(why, JIT_E_ROLLBACK, "an answer under a log "
		    "of size %llu; %llu was seen already",
		    (unsigned long long)cp.size,
		    (unsigned long long)c->cp.size);
	JIT_TRY(line_up(c, &cp, why));
	*ret = cp;
	return JIT_OK;
}

enum jit_err
client_join(struct client *c, struct span note, struct jit_why *why)
{
	struct checkpoint cp;

	JIT_TRY(open_note(note, &c->log, &cp, why));
	return line_up(c, &cp, why);
}

/* ---- hello ---- */

/* Is it who it was? */
static enum jit_err
check_who(const struct hello *h, const struct client_trust *t,
    struct tlog_vkey *log, struct ssh_key **ca, struct jit_why *why)
{
	char id[TLOG_LOGID_TEXT];

	if (tlog_vkey_parse(h->vkey, log, why) != JIT_OK ||
	    ssh_key_parse(h->user_ca, ca, why) != JIT_OK)
		return jit_fail(why, JIT_E_VERIFY, "hello holds keys that "
		    "are none");
	if (t->pinned && !tlog_vkey_eq(&t->log, log)) {
		tlog_vkey_logid(&t->log, id);
		return jit_fail(why, JIT_E_LOGNAME, "this is not log %s", id);
	}
	if (t->pinned && t->user_ca != NULL && !ssh_key_eq(t->user_ca, *ca))
		return jit_fail(why, JIT_E_LOGNAME, "this log's user CA is "
		    "another key than the pinned one");
	return JIT_OK;
}

/* What was seen before; size 0: nothing was. */
static enum jit_err
open_seen(const struct client_trust *t, struct checkpoint *ret,
    struct jit_why *why)
{
	enum jit_err e;

	*ret = (struct checkpoint){ .size = 0 };
	if (!t->pinned || t->note.n == 0)
		return JIT_OK;
	e = open_note(BUF_SPAN(t->note), &t->log, ret, why);
	return e == JIT_OK ? e : jit_at(why, e, "the checkpoint that was "
	    "kept");
}

static enum jit_err
check_grown(struct client *c, const struct checkpoint *seen,
    struct jit_why *why)
{
	const struct hello *h = &c->hello;
	struct checkpoint now;

	JIT_TRY(open_note(h->note, &c->log, &now, why));
	if (seen->size > 0)
		JIT_TRY(extends(seen, &now, &h->path, why));
	if (h->policy_index >= now.size || h->recovery >= now.size)
		return jit_fail(why, JIT_E_VERIFY, "hello names an entry that "
		    "is not in the log");
	return set_note(c, h->note, &now);
}

static enum jit_err
say_hello(struct client *c, const struct client_trust *t,
    struct ssh_key **ca, struct jit_why *why)
{
	const struct ask a = { .op = OP_HELLO, .version = PROTO_VERSION,
	    .note = t->pinned ? BUF_SPAN(t->note) : SPAN_NONE };
	struct checkpoint seen;

	JIT_TRY(open_seen(t, &seen, why));
	JIT_TRY(c->wire.ops->ask(c->wire.arg, &a, 1, &c->first, why));
	if (hello_get(c->first.a.payload, &c->hello, why) != JIT_OK)
		return jit_fail(why, JIT_E_PROTOCOL, "%s: not a hello",
		    c->wire.name);
	JIT_TRY(check_who(&c->hello, t, &c->log, ca, why));
	tlog_vkey_logid(&c->log, c->log_id);
	return check_grown(c, &seen, why);
}

enum jit_err
client_open_over(struct wire *wire, struct client_trust *t,
    struct client **ret, struct jit_why *why)
{
	JIT_DONE(wire_done) struct wire w = *wire;
	JIT_SCOPED(client_free) struct client *c = calloc(1, sizeof(*c));
	JIT_SCOPED(ssh_key_free) struct ssh_key *ca = NULL;
	struct buf note = { NULL, 0 };

	*wire = (struct wire){ 0 };
	if (c == NULL)
		return JIT_E_NOMEM;
	c->wire = w;
	w = (struct wire){ 0 };
	JIT_TRY(say_hello(c, t, &ca, why));
	JIT_TRY(buf_copy(&note, BUF_SPAN(c->note)));
	buf_done(&t->note);
	t->note = note;
	t->log = c->log;
	t->pinned = true;
	if (t->user_ca == NULL) {
		t->user_ca = ca;
		ca = NULL;
	}
	*ret = c;
	c = NULL;
	return JIT_OK;
}

enum jit_err
client_open(const char *path, int timeout_ms, struct client_trust *t,
    struct client **ret, struct jit_why *why)
{
	JIT_DONE(wire_done) struct wire w = { 0 };

	JIT_TRY(wire_socket(path, timeout_ms, &w, why));
	return client_open_over(&w, t, ret, why);
}

/* ---- questions ---- */

/* Ask; the answer's bytes stay in c->last. */
static enum jit_err
ask_one(struct client *c, const struct ask *a, struct jit_why *why)
{
	heard_done(&c->last);
	return c->wire.ops->ask(c->wire.arg, a, 1, &c->last, why);
}

static enum jit_err
check_receipts(struct client *c, const struct receipts *r,
    struct checkpoint *cp, struct jit_why *why)
{
	JIT_TRY(learn(c, r->note, cp, why));
	for (size_t i = 0; i < r->n; i++)
		JIT_TRY(receipt_check(&r->v[i], cp, why));
	return JIT_OK;
}

enum jit_err
client_receipts(struct client *c, const struct ask *a, struct receipts *ret,
    struct jit_why *why)
{
	JIT_DONE(receipts_done) struct receipts v = { 0 };
	struct checkpoint cp;
	struct rd r;

	JIT_TRY(ask_one(c, a, why));
	r = rd_of(c->last.a.payload);
	JIT_TRY(client_untrue(receipts_get(&r, &v, why), why));
	JIT_TRY(check_receipts(c, &v, &cp, why));
	*ret = v;
	v = (struct receipts){ 0 };
	return JIT_OK;
}

enum jit_err
client_grown(struct client *c, bool *ret, struct jit_why *why)
{
	JIT_DONE(heard_done) struct heard h = { 0 };
	const struct ask a = { .op = OP_CHECKPOINT, .from = c->cp.size };
	struct grown g;
	struct checkpoint now;

	JIT_TRY(c->wire.ops->ask(c->wire.arg, &a, 1, &h, why));
	JIT_TRY(client_untrue(grown_get(h.a.payload, &g, why), why));
	JIT_TRY(open_note(g.note, &c->log, &now, why));
	JIT_TRY(extends(&c->cp, &now, &g.path, why));
	*ret = now.size > c->cp.size;
	return set_note(c, g.note, &now);
}

static enum jit_err
check_listing(struct client *c, const struct listing *l, struct jit_why *why)
{
	struct checkpoint cp;

	JIT_TRY(check_receipts(c, &l->receipts, &cp, why));
	return l->policy_index < cp.size ? JIT_OK : jit_fail(why,
	    JIT_E_VERIFY, "the answer names a policy that is not in the log");
}

enum jit_err
client_listing(struct client *c, const struct ask *a, struct listing *ret,
    struct jit_why *why)
{
	JIT_DONE(listing_done) struct listing l = { 0 };
	bool list = a->op == OP_LIST || a->op == OP_FIND;

	if (!list && a->op != OP_SHOW && a->op != OP_WAIT)
		return JIT_E_ARG;
	JIT_TRY(ask_one(c, a, why));
	JIT_TRY(client_untrue(list ?
	    list_answer_get(c->last.a.payload, &l, why) :
	    dossier_answer_get(c->last.a.payload, &l, why), why));
	JIT_TRY(check_listing(c, &l, why));
	*ret = l;
	l = (struct listing){ 0 };
	return JIT_OK;
}

enum jit_err
client_search(struct client *c, const struct wire_search *q,
    struct listing *ret, struct jit_why *why)
{
	JIT_DONE(listing_done) struct listing l = { 0 };

	if (c->wire.ops->search == NULL)
		return jit_fail(why, JIT_E_UNBUILT, "%s: has no search",
		    c->wire.name);
	heard_done(&c->last);
	JIT_TRY(c->wire.ops->search(c->wire.arg, q, &c->last, why));
	JIT_TRY(client_untrue(list_answer_get(c->last.a.payload, &l, why),
	    why));
	JIT_TRY(check_listing(c, &l, why));
	*ret = l;
	l = (struct listing){ 0 };
	return JIT_OK;
}

static enum jit_err
check_bodies(struct page page, struct jit_why *why)
{
	struct entry e;

	for (uint32_t i = 0; i < page.count; i++) {
		JIT_TRY(page_next(&page, &e, why));
		if (!e.erased)
			JIT_TRY(entry_check_body(&e, why));
	}
	return JIT_OK;
}

enum jit_err
client_page(struct client *c, uint64_t first, uint32_t max, struct page *ret,
    struct jit_why *why)
{
	const struct ask a = { .op = OP_ENTRIES, .from = first, .max = max };
	struct checkpoint cp;
	struct page p;

	JIT_TRY(ask_one(c, &a, why));
	JIT_TRY(client_untrue(page_get(c->last.a.payload, &p, why), why));
	JIT_TRY(learn(c, p.note, &cp, why));
	if (p.first != first || p.count > max || p.first > cp.size ||
	    p.count > cp.size - p.first)
		return jit_fail(why, JIT_E_VERIFY, "another page of the log "
		    "than the one asked for");
	JIT_TRY(check_bodies(p, why));
	*ret = p;
	return JIT_OK;
}

enum jit_err
client_published(struct client *c, struct span name, uint64_t offset,
    struct published *ret, struct jit_why *why)
{
	const struct ask a = { .op = OP_PUBLISHED, .name = name,
	    .from = offset };
	struct published p;

	JIT_TRY(ask_one(c, &a, why));
	JIT_TRY(client_untrue(published_get(c->last.a.payload, &p, why),
	    why));
	*ret = p;
	return JIT_OK;
}
