/*
 * token_ask - requests to the helper, and its answers, which are not believed.
 */
#include <stdlib.h>
#include <string.h>

#include "signer/token/token_int.h"

#define SLACK_MS 5000		/* beyond what the keeper allows itself */
#define SLOW_MS 130000		/* a key that is being made */

static void
pending_done(struct token *t, struct pending *p)
{
	buf_done(&p->prepared);
	free(p->done);
	*p = (struct pending){ .kind = 0 };
	t->n_pending--;
}

/* ---- answers ---- */

void
token_done_free(struct done *d)
{
	if (d == NULL)
		return;
	buf_done(&d->a.sig);
	free(d);
}

void
token_answer_done(struct token_answer *a)
{
	buf_done(&a->sig);
}

/* Takes sig. */
static void
finish(struct token *t, struct pending *p, enum jit_err e,
    const struct jit_why *why, struct buf *sig)
{
	struct done *d = p->done;

	p->done = NULL;
	d->id = p->id;
	d->a = (struct token_answer){ .tag = p->tag, .key = p->key, .err = e,
	    .why = *why };
	if (sig != NULL) {
		d->a.sig = *sig;
		*sig = (struct buf){ NULL, 0 };
	}
	*t->last = d;
	t->last = &d->next;
	t->n_done++;
	pending_done(t, p);
}

struct done *
token_done_of(struct token *t, uint64_t id)
{
	for (struct done **at = &t->first; *at != NULL; at = &(*at)->next) {
		struct done *d = *at;

		if (d->id != id)
			continue;
		*at = d->next;
		if (t->last == &d->next)
			t->last = at;
		t->n_done--;
		return d;
	}
	return NULL;
}

/* ---- what the helper says ---- */

/* A public key, from there; it may not be another one than was expected. */
static enum jit_err
learn(struct token *t, size_t i, struct span blob, struct jit_why *why)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	struct known *known = &t->keys[i];
	char fp[SSH_FP_TEXT];

	JIT_TRY(ssh_key_parse(blob, &k, why));
	JIT_TRY(form_check(k, why));
	JIT_TRY(ssh_key_check_strength(k, 2048, why));
	ssh_key_fingerprint(k, fp);
	if (known->expect != NULL && !ssh_key_eq(known->expect, k))
		return jit_fail(why, JIT_E_TOKEN, "the token has another key "
		    "than expected there, %s", fp);
	ssh_key_free(known->pub);
	known->pub = k;
	k = NULL;
	return JIT_OK;
}

static enum jit_err
check_signature(const struct token *t, const struct pending *p,
    struct span raw, struct wr *w, struct jit_why *why)
{
	const struct ssh_key *k = t->keys[p->key].pub;

	JIT_TRY(form_verify(k, p->hash, BUF_SPAN(p->prepared), raw, why));
	return form_put(k, p->form, raw, w);
}

static enum jit_err
check_generated(struct token *t, const struct pending *p, struct span data,
    struct wr *w, struct jit_why *why)
{
	struct rd r = rd_of(data);
	struct span blob = rd_string(&r, SSH_BLOB_MAX);

	if (r.err != JIT_OK)
		return jit_fail(why, JIT_E_PROTOCOL, "no key in the answer");
	JIT_TRY(learn(t, p->key, blob, why));
	wr_span(w, SPAN(r.p, r.n));
	return w->err;
}

static enum jit_err
judge(struct token *t, struct pending *p, const struct frame *f,
    struct wr *w, struct jit_why *why)
{
	if (f->err != JIT_OK)
		return jit_fail(why, f->err, "%.*s", (int)f->words.n,
		    (const char *)f->words.p);
	switch (p->kind) {
	case FRAME_SIGN:
		return check_signature(t, p, f->data, w, why);
	case FRAME_INFO:
		return learn(t, p->key, f->data, why);
	case FRAME_GENERATE:
		return check_generated(t, p, f->data, w, why);
	default:
		wr_span(w, f->data);
		return w->err;
	}
}

/*
 * The helper's errors are about its token; "malformed" or "unknown" of ours
 * would say something about whoever asks us.
 */
static enum jit_err
narrow(enum frame_kind kind, enum jit_err e)
{
	switch (e) {
	case JIT_OK:
	case JIT_E_TOKEN:
	case JIT_E_TOKENPIN:
	case JIT_E_CRYPTO:
	case JIT_E_BUSY:
	case JIT_E_NOMEM:
		return e;
	case JIT_E_EXISTS:
	case JIT_E_KEYTYPE:
	case JIT_E_ARG:
		return kind == FRAME_GENERATE ? e : JIT_E_TOKEN;
	default:
		return JIT_E_TOKEN;
	}
}

static void
take_answer(struct token *t, struct pending *p, const struct frame *f)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(FRAME_DATA_MAX);
	JIT_DONE(buf_done) struct buf data = { NULL, 0 };
	struct known *k = &t->keys[p->key];
	struct jit_why why = { 0 };
	enum jit_err e = narrow(p->kind, judge(t, p, f, &w, &why));

	if (e == JIT_OK && p->kind != FRAME_INFO)
		e = wr_take(&w, &data);
	if (p->kind != FRAME_LIST) {
		k->err = e;
		k->why = why;
	}
	if (p->kind == FRAME_INFO)
		pending_done(t, p);
	else
		finish(t, p, e, &why, &data);
}

static struct pending *
pending_of(struct token *t, uint64_t id)
{
	for (size_t i = 0; i < TOKEN_PENDING_MAX; i++)
		if (t->pending[i].kind != 0 && t->pending[i].id == id)
			return &t->pending[i];
	return NULL;
}

void
token_give_up(struct token *t, const struct jit_why *why)
{
	t->gone = true;
	t->gone_why = *why;
	frame_io_done(&t->io);
	for (size_t i = 0; i < TOKEN_PENDING_MAX; i++)
		if (t->pending[i].kind == FRAME_INFO)
			pending_done(t, &t->pending[i]);
		else if (t->pending[i].kind != 0)
			finish(t, &t->pending[i], JIT_E_TOKEN, why, NULL);
}

static enum jit_err
read_all(struct token *t, int64_t now, struct jit_why *why)
{
	enum jit_err end = frame_io_fill(&t->io, why);
	struct pending *p;
	struct frame f;
	bool got;

	for (;;) {
		JIT_TRY(frame_io_next(&t->io, &f, &got, why));
		if (!got)
			return end;
		if (f.kind != FRAME_ANSWER ||
		    (p = pending_of(t, f.tag)) == NULL)
			return jit_fail(why, JIT_E_PROTOCOL, "it answered "
			    "what nobody asked");
		t->heard = now;
		take_answer(t, p, &f);
	}
}

/* Since when nothing was heard, while something was asked. */
static int64_t
give_up_at(const struct token *t)
{
	int64_t oldest = INT64_MAX, ms = 2 * t->timeout_ms + SLACK_MS;

	for (size_t i = 0; i < TOKEN_PENDING_MAX; i++) {
		const struct pending *p = &t->pending[i];

		if (p->kind != 0 && p->asked < oldest)
			oldest = p->asked;
		if (p->kind == FRAME_GENERATE && ms < SLOW_MS)
			ms = SLOW_MS;
	}
	if (oldest == INT64_MAX)
		return INT64_MAX;
	return (oldest > t->heard ? oldest : t->heard) + ms;
}

void
token_pump(struct token *t, int64_t now)
{
	struct jit_why why = { 0 }, said = { 0 };
	enum jit_err e;

	if (t->gone)
		return;
	e = frame_io_flush(&t->io, &said);
	if (e == JIT_OK || e == JIT_E_UNREACHABLE)
		e = read_all(t, now, &said);
	if (e == JIT_OK && now >= give_up_at(t))
		e = jit_fail(&said, JIT_E_TOKEN, "it does not answer");
	if (e == JIT_OK)
		return;
	(void)jit_fail(&why, JIT_E_TOKEN, "the token helper is of no use any "
	    "more (%s); restart jit-signer", jit_why_text(&said, e));
	token_give_up(t, &why);
}

int
token_wait_ms(const struct token *t, int64_t now)
{
	int64_t at = give_up_at(t);

	if (t->n_done > 0)
		return 0;
	if (at == INT64_MAX)
		return -1;
	return at <= now ? 0 : at - now > INT32_MAX ? INT32_MAX :
	    (int)(at - now);
}

bool
token_take(struct token *t, int64_t now, struct token_answer *ret)
{
	struct done *d;

	if (t->first == NULL)
		token_pump(t, now);
	if ((d = t->first) == NULL)
		return false;
	(void)token_done_of(t, d->id);
	*ret = d->a;
	free(d);
	return true;
}

/* ---- requests ---- */

enum jit_err
token_send(struct token *t, const struct pending *what,
    const struct frame *f, int64_t now, uint64_t *id, struct jit_why *why)
{
	struct pending *p = t->pending;
	JIT_SCOPED(free) struct done *done = NULL;
	struct frame copy = *f;

	if (t->gone)
		return jit_fail(why, JIT_E_TOKEN, "%s: %s",
		    t->keys[what->key].name, t->gone_why.msg);
	if (token_pending(t) >= TOKEN_PENDING_MAX)
		return jit_fail(why, JIT_E_BUSY, "%zu requests to the token "
		    "helper are under way", token_pending(t));
	while (p->kind != 0)
		p++;
	if (what->kind != FRAME_INFO &&
	    (done = calloc(1, sizeof(*done))) == NULL)
		return JIT_E_NOMEM;
	copy.tag = ++t->next_id;
	enum jit_err e = frame_io_put(&t->io, &copy, why);

	/* That it has gone is seen when it is read, by all. */
	if (e != JIT_OK && e != JIT_E_UNREACHABLE && e != JIT_E_IO)
		return e;
	*p = *what;
	p->id = copy.tag;
	p->asked = now;
	p->done = done;
	done = NULL;
	t->n_pending++;
	*id = p->id;
	return JIT_OK;
}

bool
token_is_looking(const struct token *t, size_t i)
{
	for (size_t j = 0; j < TOKEN_PENDING_MAX; j++)
		if (t->pending[j].kind == FRAME_INFO &&
		    t->pending[j].key == i)
			return true;
	return false;
}

void
token_look(struct token *t, size_t i, int64_t now)
{
	const struct pending what = { .kind = FRAME_INFO, .key = i };
	const struct frame f = { .kind = FRAME_INFO, .key = (uint32_t)i };
	uint64_t id;

	if (!token_is_looking(t, i))
		(void)token_send(t, &what, &f, now, &id, NULL);
}

/* Send what p says; p's prepared bytes are taken on success. */
static enum jit_err
ask(struct token *t, struct pending *p, int64_t now, uint64_t *id,
    struct jit_why *why)
{
	const struct frame f = { .kind = FRAME_SIGN,
	    .key = (uint32_t)p->key, .what = (uint8_t)p->hash,
	    .data = BUF_SPAN(p->prepared) };

	JIT_TRY(token_send(t, p, &f, now, id, why));
	p->prepared = (struct buf){ NULL, 0 };
	return JIT_OK;
}

enum jit_err
token_ask_id(struct token *t, size_t i, uint64_t tag, enum form f,
    struct span data, int64_t now, uint64_t *id, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf prepared = { NULL, 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(FRAME_DATA_MAX);
	struct pending p = { .kind = FRAME_SIGN, .tag = tag, .key = i,
	    .form = f };

	if (i >= t->n)
		return jit_fail(why, JIT_E_ARG, "no key %zu", i);
	/* An earlier look may have found it. */
	if (t->keys[i].pub == NULL)
		token_pump(t, now);
	if (t->keys[i].pub == NULL) {
		token_look(t, i, now);
		return token_check(t, i, why);
	}
	p.hash = form_hash(t->keys[i].pub, f);
	JIT_TRY(form_prepare(p.hash, data, &w));
	JIT_TRY(wr_take(&w, &prepared));
	p.prepared = prepared;
	JIT_TRY(ask(t, &p, now, id, why));
	prepared = (struct buf){ NULL, 0 };
	return JIT_OK;
}

enum jit_err
token_ask_sign(struct token *t, size_t i, uint64_t tag, enum form f,
    struct span data, int64_t now, struct jit_why *why)
{
	uint64_t id;

	return token_ask_id(t, i, tag, f, data, now, &id, why);
}
